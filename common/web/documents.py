"""Files as answers: what a person downloads or reads inside a page.

A file that somebody sent us is never run and never read as a page: it travels with its own policy of content, as a
download, or inside a frame of ours when it is a PDF.
"""

from urllib.parse import quote

from flask import Response

from common.web.secure import HEADERS

INLINE_KINDS = frozenset({"application/pdf", "image/png", "image/jpeg", "image/svg+xml"})
DOWNLOAD_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SHOWN_POLICY = "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"


def file_answer(data: bytes, *, name: str, kind: str, inline: bool = False) -> Response:
    """Return ``data`` as a file called ``name`` (any letters), never cached.

    ``inline`` shows it in the browser, also inside a frame of ours, and only for kinds that cannot run anything.
    """
    shown = inline and kind in INLINE_KINDS
    response = Response(data, content_type=kind)
    how = "inline" if shown else "attachment"
    ascii_name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    response.headers["Content-Disposition"] = f"{how}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Security-Policy"] = SHOWN_POLICY if shown else DOWNLOAD_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if shown else "DENY"
    response.headers["Cache-Control"] = HEADERS["Cache-Control"]
    return response
