"""What a court takes as a file, decided by content and never by name.

- PDF, DOCX, XLSX, DOC, XLS, JPEG and PNG up to 20 MB (what the portal takes since July 2025, and scans).
- Refused with its own code and cure: empty, too large, of another kind, named as something else, damaged, locked,
  without pages, running programs, unpacking without end. Codes and sentences: `attachment_refusals`.
- Memory and time are bounded: 20 MB are read, archives are unpacked in pieces, PDF is read by a child process.
- Only `Refused` leaves `inspect` for what is inside a file.

    inspect("Иск.pdf", Path("/run/upload-1")) → Inspected("application/pdf", pages=3, size=48211, sha256=b"…", title_suggestion="Иск")
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.court import attachment_images, attachment_ole, attachment_zip
from common.court.attachment_pdf import PdfRefused, count_pages_apart
from common.court.attachment_refusals import EMPTY, LARGE, NAMED, TYPE, refused
from common.errors import Refused

FILE_BYTES_MAX: Final = 20 * 1024**2
"""The portal refuses files over 20 MB."""
TITLE_CHARS_MAX: Final = 120

_KINDS: Final = {
    "pdf": ("application/pdf", "PDF"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word (DOCX)"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel (XLSX)"),
    "doc": ("application/msword", "Word (DOC)"),
    "xls": ("application/vnd.ms-excel", "Excel (XLS)"),
    "jpeg": ("image/jpeg", "JPEG"),
    "png": ("image/png", "PNG"),
}
MEDIA_TYPES: Final = tuple(media for media, _label in _KINDS.values())
"""Every media type `inspect` may answer."""
EXTENSIONS: Final = (".pdf", ".docx", ".xlsx", ".doc", ".xls", ".jpg", ".jpeg", ".png")
"""For the file chooser of the browser; not a check."""
_ENDINGS: Final = {media: f".{'jpg' if kind == 'jpeg' else kind}" for kind, (media, _label) in _KINDS.items()}
_SAME_EXTENSION: Final = {"jpg": "jpeg", "jpe": "jpeg", "jfif": "jpeg"}

PageCounter = Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be taken. ``pages`` is 0 where they cannot be counted (Word, Excel); ``size`` in bytes."""

    media_type: str
    pages: int
    size: int
    sha256: bytes
    title_suggestion: str


def inspect(name: str, data: bytes | Path, *, field: str = "file", count_pages: PageCounter = count_pages_apart) -> Inspected:
    """Return what ``data`` is; raises Refused("upload.…") naming the form field ``field``, and OSError for an unreadable path.

    ``name`` is what the person's machine calls the file: only its ending and the suggested title come from it.
    """
    try:
        content = _content(data)
        kind = _kind(content)
        _check_name(name, kind)
        pages = _pages(kind, content, count_pages)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.sentence, field=field, **refusal.params) from refusal
    return Inspected(_KINDS[kind][0], pages, len(content), hashlib.sha256(content).digest(), title(name))


def title(name: str) -> str:
    """Return a title for a file of this name: no folder, no ending, no signs that are not seen; may be empty."""
    base = re.split(r"[/\\]", name)[-1]
    stem = base.rpartition(".")[0] if extension(base) else base
    seen = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in unicodedata.normalize("NFC", stem).replace("_", " "))
    return " ".join(seen.split())[:TITLE_CHARS_MAX].strip()


def file_name(title: str, media: str) -> str:
    """Return what a file of this title is called where it is saved: with the ending that its content has."""
    return f"{title}{_ENDINGS.get(media, '')}"


def extension(name: str) -> str:
    """Return the ending of a file name in lower case; «Иск от 21.11» has none, because an ending begins with a letter."""
    found = re.search(r"\.([A-Za-zА-Яа-я][A-Za-z0-9А-Яа-я]{0,9})$", name.strip())
    return found[1].lower() if found else ""


def _content(data: bytes | Path) -> bytes:
    size = data.stat().st_size if isinstance(data, Path) else len(data)
    if size == 0:
        raise refused(EMPTY)
    if size > FILE_BYTES_MAX:
        raise refused(LARGE, max=FILE_BYTES_MAX // 1024**2)
    return data.read_bytes() if isinstance(data, Path) else data


def _kind(content: bytes) -> str:
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return attachment_zip.kind_of(content)
    if content.startswith(attachment_ole.MAGIC):
        return attachment_ole.kind_of(content)
    if content.startswith(attachment_images.PNG_MAGIC):
        attachment_images.check_png(content)
        return "png"
    if content.startswith(attachment_images.JPEG_MAGIC):
        attachment_images.check_jpeg(content)
        return "jpeg"
    raise refused(TYPE)


def _check_name(name: str, kind: str) -> None:
    ending = extension(name)
    if ending and _SAME_EXTENSION.get(ending, ending) != kind:
        raise refused(NAMED, extension=ending, kind=_KINDS[kind][1])


def _pages(kind: str, content: bytes, count_pages: PageCounter) -> int:
    if kind != "pdf":
        return 1 if kind in ("jpeg", "png") else 0
    try:
        return count_pages(content)
    except PdfRefused as refusal:
        raise refused(str(refusal)) from refusal
