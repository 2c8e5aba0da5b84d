"""Configuration: a TOML file, then the environment; an unknown or unreadable setting is refused by its name.

    config = load(EdgeConfig, Path("edge.toml"), os.environ, prefix="SOT_EDGE_")

`SOT_EDGE_LISTEN=127.0.0.1:8001` overrides `listen = …`. A setting is a field of a flat msgspec.Struct.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from common.errors import N_, Refused

T = TypeVar("T", bound=msgspec.Struct)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT_MAX = 65_535

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Threads = Annotated[int, msgspec.Meta(ge=1, le=64)]
"""Requests served at the same time; each holds a database connection."""
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/]\S*$")]
"""Address of another machine."""
Urls = Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/]\S*( https?://[^\s/]\S*)*)?$")]
"""Addresses of services, separated by single spaces; empty for none."""


def load(kind: type[T], path: Path | None, environment: Mapping[str, str], *, prefix: str) -> T:
    """Return the settings of ``kind``; raises Refused("config.…") naming the setting that is wrong."""
    values: dict[str, object] = {}
    if path is not None:
        values.update(_read_file(path))
    names = {field.name for field in msgspec.structs.fields(kind)}
    for variable, text in environment.items():
        if variable.startswith(prefix):
            values[variable.removeprefix(prefix).lower()] = text
    for name in values:
        if name not in names:
            raise Refused("config.unknown", N_("Unknown setting: %(name)s. Remove it or correct its name."), field=name, name=name)
    return _convert(kind, values)


def settings_text(kind: type[T], values: Mapping[str, str]) -> str:
    """Return a settings file of ``values``, which `load` would take; raises Refused("config.…") naming the one it would not."""
    _convert(kind, values)
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Refused("config.unreadable", N_("The settings file %(path)s cannot be read."), path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("config.toml", N_("The settings file %(path)s is not valid TOML."), path=str(path)) from error


def _convert(kind: type[T], values: Mapping[str, object]) -> T:
    for field in msgspec.structs.fields(kind):
        if field.name in values:
            try:
                msgspec.convert(values[field.name], field.type, strict=False)
            except (msgspec.ValidationError, ValueError) as error:
                raise Refused(
                    "config.value", N_("The setting %(name)s has a value that cannot be used."), field=field.name, name=field.name
                ) from error
        elif field.required:
            raise Refused("config.missing", N_("The setting %(name)s is missing."), field=field.name, name=field.name)
    return msgspec.convert(values, kind, strict=False)


def split_listen(listen: str, *, behind_tls_proxy: bool) -> tuple[str, int]:
    """Return (host, port) of ``host:port``; refuses anything but loopback without a configured TLS proxy.

    A page that takes a password or a key is served over loopback or TLS, or not at all.
    """
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX:
        raise Refused("config.listen", N_("The setting listen must look like 127.0.0.1:8001."), field="listen")
    if host.strip("[]") not in LOOPBACK and not behind_tls_proxy:
        raise Refused(
            "config.not_loopback",
            N_("Listening on %(host)s needs a TLS proxy in front. Set tls_proxy = true once it runs (see deploy/)."),
            field="listen",
            host=host,
        )
    return host.strip("[]"), int(port)
