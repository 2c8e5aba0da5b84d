"""Files as answers: what a person downloads or reads inside a page.

A file that somebody sent us is never run and never read as a page: it travels with its own policy of content, as a
download, or inside a frame of ours when it is a PDF.
"""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from common.web.secure import HEADERS

PIECE_BYTES = 64 * 1024
INLINE_KINDS = frozenset({"application/pdf", "image/png", "image/jpeg", "image/svg+xml"})
DOWNLOAD_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SHOWN_POLICY = "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"


def file_answer(data: bytes, *, name: str, kind: str, inline: bool = False) -> Response:
    """Return ``data`` as a file called ``name`` (any letters), never cached.

    ``inline`` shows it in the browser, also inside a frame of ours, and only for kinds that cannot run anything.
    """
    return _as_file(Response(data, content_type=kind), name, shown=inline and kind in INLINE_KINDS)


def stream_answer(file: IO[bytes], *, name: str, kind: str) -> Response:
    """Return an open file as a download called ``name``, sent piece by piece and closed at the end."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    response = Response(_pieces(file), content_type=kind)
    response.content_length = size
    response.call_on_close(file.close)
    return _as_file(response, name, shown=False)


def starts_at(size: int) -> int:
    """Return from which byte of a file of ``size`` bytes the request wants it; raises 416 for a range beyond it."""
    return _span(size)[0]


def ranged_answer(opened: AbstractContextManager[IO[bytes]], size: int, *, name: str, kind: str) -> Response:
    """Return a recording, or the part of it that the request asks for (RFC 9110, 14): a player jumps to any place."""
    start, end, part = _span(size)
    response = Response(_between(opened, start, end), status=206 if part else 200, content_type=kind)
    response.content_length = end - start
    response.headers["Accept-Ranges"] = "bytes"
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _as_file(response, name, shown=False)


def _span(size: int) -> tuple[int, int, bool]:
    """Return (start, end, whether it is a part) of what is asked for; several ranges at once get the whole."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return 0, size, False
    found = asked.range_for_length(size)
    if found is None:
        raise RequestedRangeNotSatisfiable(size)
    return found[0], found[1], True


def _between(opened: AbstractContextManager[IO[bytes]], start: int, end: int) -> Iterator[bytes]:
    with opened as file:
        file.seek(start)
        while start < end and (piece := file.read(min(PIECE_BYTES, end - start))):
            start += len(piece)
            yield piece


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _as_file(response: Response, name: str, *, shown: bool) -> Response:
    how = "inline" if shown else "attachment"
    ascii_name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    response.headers["Content-Disposition"] = f"{how}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Security-Policy"] = SHOWN_POLICY if shown else DOWNLOAD_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if shown else "DENY"
    response.headers["Cache-Control"] = HEADERS["Cache-Control"]
    return response
