"""Files as answers: what a person downloads or reads inside a page.

A file that somebody sent us is never run and never read as a page: it travels with its own policy of content, as a
download, or inside a frame of ours when it is a PDF.
"""

import io
from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from flask import Response

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
