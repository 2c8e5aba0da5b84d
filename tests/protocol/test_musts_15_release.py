"""PROTOCOL 15: what a machine lets itself be changed into. 15.6 with real processes is tests/processes/test_update.py."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from protocol_world import World, code_of

from common import canonical
from common.facts import encode_body
from common.version import VERSION
from edge import update
from sync import cose, release
from sync.identity import key_id_of
from sync.release import DAY_MS, FILE_BYTES_MAX, FILES_MAX, LIFE_DAYS, File, Manifest, ReleaseKey

KEY = Ed25519PrivateKey.generate()
WHEEL = b"a wheel"
NOBODY = 65_534
HERE = {"running": "0.1.0", "python": "3.11", "platform": "linux-x86_64"}


def file(name: str = "sot_kabineti-0.2.0-py3-none-any.whl", data: bytes = WHEEL) -> File:
    return File(name=name, sha256=hashlib.sha256(data).digest(), size=len(data))


def manifest(now: int, **changes: object) -> Manifest:
    made = Manifest(v=1, version="0.2.0", python="3.11", platform="linux-x86_64", made=now, until=now + 30 * DAY_MS, files=[file()])
    return msgspec.structs.replace(made, **changes)


def certificate(world: World, key: Ed25519PrivateKey = KEY, *, registry: Ed25519PrivateKey | None = None, at: int | None = None) -> bytes:
    now = world.court.clock.now() if at is None else at
    return release.certify(key.public_key().public_bytes_raw(), registry or world.court.centre.keys.registry, world.me.pin, now, 90)


def signed(world: World, said: Manifest, key: Ed25519PrivateKey = KEY, kind: str = release.RELEASE_TYPE) -> bytes:
    """What a list looks like whose writer checks nothing."""
    vouched = certificate(world)
    message = cose.sign(encode_body(said), kind, key, key_id=key_id_of(vouched), environment=world.me.environment)
    return canonical.encode({"certificate": vouched, "manifest": message})


def read(world: World, data: bytes, later_ms: int = 0) -> Manifest:
    return release.read(data, world.me.pin, world.court.clock.now() + later_ms)


def test_15_1_what_the_registry_certified_is_taken(still: World) -> None:
    said = manifest(still.court.clock.now())
    assert read(still, release.write(said, KEY, certificate(still))) == said


STRANGER = Ed25519PrivateKey.generate()


def other_registry(world: World) -> bytes:
    return release.write(manifest(world.court.clock.now()), KEY, certificate(world, registry=STRANGER))


def other_environment(world: World) -> bytes:
    body = ReleaseKey(environment=bytes(16), sign=KEY.public_key().public_bytes_raw(), not_before=0, not_after=2**50)
    vouched = cose.sign(
        encode_body(body),
        release.KEY_TYPE,
        world.court.centre.keys.registry,
        key_id=key_id_of(world.me.pin.registry),
        environment=bytes(16),
    )
    return release.write(manifest(world.court.clock.now()), KEY, vouched)


def other_key(world: World) -> bytes:
    return signed(world, manifest(world.court.clock.now()), STRANGER)


def other_kind(world: World) -> bytes:
    return signed(world, manifest(world.court.clock.now()), KEY, "application/sot-ack+cbor")


def made_outside_the_term(world: World) -> bytes:
    return release.write(manifest(world.court.clock.now()), KEY, certificate(world, at=world.court.clock.now() + 1))


def changed(world: World) -> bytes:
    data = bytearray(release.write(manifest(world.court.clock.now()), KEY, certificate(world)))
    data[data.index(b"0.2.0-py3")] = ord("1")
    return bytes(data)


@pytest.mark.parametrize("make", [other_registry, other_environment, other_key, other_kind, made_outside_the_term, changed])
def test_15_1_whom_the_registry_does_not_vouch_for_is_nobody(still: World, make: Callable[[World], bytes]) -> None:
    assert code_of(lambda: read(still, make(still))) == "release.unsigned"


def test_15_1_a_list_without_signatures_is_none(still: World) -> None:
    assert code_of(lambda: read(still, canonical.encode({"manifest": b""}))) == "release.form"
    assert code_of(lambda: read(still, canonical.encode({"certificate": b"", "manifest": b""}))) == "release.unsigned"


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"version": "0.2"},
        {"version": "0.02.0"},
        {"files": []},
        {"files": [file("other-0.2.0-py3-none-any.whl")]},
        {"files": [file(), file("sot_kabineti-0.2.0-1-py3-none-any.whl")]},
        {"files": [file(), file()]},
        {"files": [file(), file("../x.whl")]},
        {"files": [file(), file("x.tar.gz")]},
        {"files": [file(), *(file(f"x{number}.whl") for number in range(FILES_MAX))]},
        {"files": [msgspec.structs.replace(file(), size=FILE_BYTES_MAX + 1)]},
        {"files": [msgspec.structs.replace(file(), sha256=b"")]},
        {"until": 0},
        {"until": 2**60},
    ],
)
def test_15_2_a_list_of_another_form_is_refused(still: World, changes: dict[str, object]) -> None:
    said = manifest(still.court.clock.now(), **changes)
    assert code_of(lambda: release.write(said, KEY, certificate(still))) == "release.form"
    assert code_of(lambda: read(still, signed(still, said))) == "release.form"


def test_15_3_a_stick_from_a_drawer_is_too_old(still: World) -> None:
    data = release.write(manifest(still.court.clock.now()), KEY, certificate(still))
    assert read(still, data, 30 * DAY_MS)
    assert code_of(lambda: read(still, data, 30 * DAY_MS + 1)) == "release.expired"
    assert LIFE_DAYS == 180


@pytest.mark.parametrize(
    ("version", "code"),
    [("0.1.0", "release.running"), ("0.0.9", "release.older"), ("0.0.10", "release.older"), ("0.1.1", ""), ("1.0.0", "")],
)
def test_15_3_only_forward(version: str, code: str) -> None:
    said = manifest(0, version=version)
    if code:
        assert code_of(lambda: release.check_fits(said, **HERE, older=False)) == code
    if code != "release.running":
        release.check_fits(said, **HERE, older=bool(code))


@pytest.mark.parametrize("changes", [{"python": "3.12"}, {"platform": "linux-aarch64"}])
def test_15_4_for_another_machine(changes: dict[str, object]) -> None:
    said = manifest(0, **changes)
    assert code_of(lambda: release.check_fits(said, **HERE, older=False)) == "release.platform"
    assert code_of(lambda: release.check_fits(said, **HERE, older=True)) == "release.platform"


def stick(world: World, folder: Path, **changes: object) -> Path:
    """A stick with a release that fits this machine, and its place for releases."""
    place = folder / "usb" / release.FOLDER
    place.mkdir(parents=True)
    fits = {"python": release.python_here(), "platform": release.platform_here(), "version": "99.0.0", "files": [file(OURS)]}
    said = manifest(world.court.clock.now(), **{**fits, **changes})
    (place / release.LIST).write_bytes(release.write(said, KEY, certificate(world)))
    (place / OURS).write_bytes(WHEEL)
    home = folder / "home"
    (home / "releases" / VERSION).mkdir(parents=True)
    (home / "current").symlink_to(home / "releases" / VERSION)
    return place


OURS = "sot_kabineti-99.0.0-py3-none-any.whl"


def attempt(world: World, folder: Path) -> str:
    asked = update.Update(folder / "home", "false", 1)
    config, clock = world.node.config, world.court.clock
    return code_of(lambda: update.run(asked, folder / "usb", config, clock, say=lambda text: None, progress=lambda *of: None))


def longer(path: Path) -> None:
    path.write_bytes(WHEEL + b"!")


def other(path: Path) -> None:
    path.write_bytes(WHEEL[::-1])


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("spoil", "code"), [(longer, "stick.file"), (other, "release.file"), (linked, "stick.file"), (Path.unlink, "stick.file")]
)
def test_15_5_what_is_not_as_listed_is_not_used(still: World, tmp_path: Path, spoil: Callable[[Path], None], code: str) -> None:
    place = stick(still, tmp_path)
    spoil(place / OURS)
    assert attempt(still, tmp_path) == code
    assert sorted(path.name for path in (tmp_path / "home").rglob("*")) == sorted([VERSION, "current", "releases"])


def test_15_5_a_medium_without_a_release_is_said(still: World, tmp_path: Path) -> None:
    place = stick(still, tmp_path)
    (place / release.LIST).unlink()
    assert attempt(still, tmp_path) == "stick.file"
    (place / OURS).unlink()
    place.rmdir()
    assert attempt(still, tmp_path) == "stick.gone"


def test_15_6_what_cannot_be_installed_changes_nothing(still: World, tmp_path: Path) -> None:
    """A signed list of something that is no wheel: the link leads where it led."""
    stick(still, tmp_path)
    assert attempt(still, tmp_path) == "release.unfit"
    assert (tmp_path / "home" / "current").resolve().name == VERSION
    assert [path.name for path in (tmp_path / "home" / "releases").iterdir()] == [VERSION]


def test_15_6_the_new_version_is_tried_as_the_user_whose_data_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root updates; nothing of a release runs as root."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    given: dict[str, Any] = {}
    monkeypatch.setattr(update, "_must", lambda command, **how: given.update(how))
    update._try(Path("/usr/bin/python3"), data)
    said = subprocess.run(["id", "-u"], capture_output=True, text=True, **given).stdout
    assert said.strip() == str(NOBODY)


def test_15_6_what_does_not_fold_a_copy_of_the_data_is_not_started(still: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stick(still, tmp_path)
    asked = tmp_path / "asked"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" > {asked}\necho "7 findings."\nexit 1\n')
    python.chmod(0o700)
    monkeypatch.setattr(update, "_install", lambda place, wheels: python)
    assert attempt(still, tmp_path) == "release.unfit"
    assert asked.read_text() == f"-I -m edge --data {still.node.data.resolve()} trial\n"
    assert (tmp_path / "home" / "current").resolve().name == VERSION
