"""Static files, held in memory and named by their content.

* ``url("theme.css")`` ends in ``?v=<hash>``: such an answer may be kept for a year, for other bytes have another address.
* Bootstrap's style sheet and icons come from the installed bootstrap-flask wheel, so that nothing of them lies in this
  repository: the style sheet whole, the icons cut down at start-up from 1.1 MB to the ones named in ``ICONS``.
* All scripts of ``static/js`` travel as one file, ``page.js``; each of them does nothing where its markup is absent.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from flask import Request, Response
from markupsafe import Markup

from common.errors import N_, NotFound

STATIC_FOLDER = Path(__file__).parent / "static"
HASH_DIGITS = 12
YEAR_SECONDS = 31_536_000
GZIP_FROM_BYTES = 1_024
"""Smaller files do not get smaller on the wire."""

KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"}

ICONS = (
    "arrow-bar-down",
    "arrow-clockwise",
    "arrow-down-up",
    "arrow-left",
    "arrow-repeat",
    "arrow-right",
    "arrow-right-circle-fill",
    "backspace",
    "bank",
    "bell",
    "box-arrow-in-right",
    "box-arrow-right",
    "building",
    "calendar-check",
    "calendar-event",
    "calendar3",
    "camera-video",
    "cash-coin",
    "chat-dots",
    "check-circle",
    "check-circle-fill",
    "check-lg",
    "chevron-left",
    "chevron-right",
    "circle-half",
    "clipboard-check",
    "clock",
    "clock-history",
    "cloud-arrow-up",
    "database",
    "device-hdd",
    "diagram-3",
    "download",
    "envelope",
    "envelope-open",
    "eraser",
    "exclamation-circle-fill",
    "exclamation-triangle-fill",
    "eye",
    "file-earmark-check",
    "file-earmark-lock",
    "file-earmark-pdf",
    "file-earmark-plus",
    "file-earmark-text",
    "file-earmark-x",
    "files",
    "flag",
    "folder2-open",
    "fonts",
    "funnel",
    "gear",
    "geo-alt",
    "globe",
    "graph-up",
    "hash",
    "hdd-network",
    "hourglass-split",
    "inbox",
    "info-circle",
    "info-circle-fill",
    "journal-text",
    "key",
    "key-fill",
    "list-check",
    "list-nested",
    "list-ul",
    "lock-fill",
    "map",
    "pen",
    "pencil",
    "people",
    "person",
    "person-badge",
    "person-check",
    "person-lines-fill",
    "person-plus",
    "phone",
    "mic",
    "play-circle",
    "plus-lg",
    "printer",
    "qr-code-scan",
    "question-circle",
    "question-circle-fill",
    "receipt",
    "search",
    "send",
    "shield-check",
    "shield-exclamation",
    "shield-lock",
    "shift",
    "sliders",
    "telephone",
    "translate",
    "trash",
    "upload",
    "usb-drive",
    "volume-up",
    "wifi",
    "wifi-off",
    "x-circle",
    "x-circle-fill",
    "x-lg",
    "x-octagon-fill",
    "zoom-in",
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it leaves: bytes, their gzip (empty where it does not pay), media type, hash."""

    body: bytes
    packed: bytes
    kind: str
    version: str


class Assets:
    """Every static file of one application."""

    def __init__(self, *folders: Path) -> None:
        self._assets = {name: _asset(name, body) for name, body in _everything((STATIC_FOLDER, *folders))}
        self._icons_url = self.url("icons.svg")

    def url(self, name: str) -> str:
        """Return the address of ``name`` with its content hash. Raises KeyError for a file that is not there."""
        return f"/static/{name}?v={self._assets[name].version}"

    def icon(self, name: str, extra: str = "") -> Markup:
        """Return the drawing ``name``, hidden from readers: a word always stands beside it. Raises KeyError if not cut."""
        if name not in ICONS:
            raise KeyError(name)
        classes = f"bi {extra}".strip()
        return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(classes, self._icons_url, name)

    def answer(self, name: str, request: Request) -> Response:
        """Return the file for ``request``: packed where understood, kept for a year where asked for by its hash.

        Raises NotFound for an unknown name.
        """
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound("web.no_page", N_("There is no page at this address."))
        packed = bool(asset.packed) and request.accept_encodings["gzip"] > 0
        response = Response(asset.packed if packed else asset.body, content_type=asset.kind)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.set_etag(f"{asset.version}-gz" if packed else asset.version)
        asked_by_hash = request.args.get("v") == asset.version
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable" if asked_by_hash else "no-cache"
        response.make_conditional(request)
        return response


def _asset(name: str, body: bytes) -> Asset:
    packed = gzip.compress(body, mtime=0) if len(body) >= GZIP_FROM_BYTES and not name.endswith(".png") else b""
    return Asset(body, packed, KINDS[Path(name).suffix], hashlib.sha256(body).hexdigest()[:HASH_DIGITS])


def _everything(folders: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.suffix in KINDS and not name.startswith("js/"):
                yield name, path.read_bytes()
    yield "page.js", b"\n".join(path.read_bytes() for folder in folders for path in sorted(folder.glob("js/*.js")))
    bootstrap = files("flask_bootstrap") / "static" / "bootstrap5"
    yield "bootstrap.min.css", re.sub(rb"/\*# sourceMappingURL=.*?\*/", b"", (bootstrap / "css" / "bootstrap.min.css").read_bytes())
    yield "icons.svg", cut_icons((bootstrap / "icons" / "bootstrap-icons.svg").read_text("utf-8"), ICONS)


def cut_icons(sprite: str, names: tuple[str, ...]) -> bytes:
    """Return a sprite with only the symbols ``names`` of ``sprite``. Raises KeyError naming the first that it lacks."""
    symbols = {match[1]: match[0] for match in re.finditer(r'<symbol[^>]*\bid="([^"]+)".*?</symbol>', sprite, re.DOTALL)}
    body = "\n".join(symbols[name] for name in sorted(names))
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'.encode()
