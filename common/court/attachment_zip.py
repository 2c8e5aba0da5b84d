"""DOCX and XLSX: a ZIP whose every part unpacks within limits and whose list of contents says what it is.

Nothing is written to disk; parts are unpacked in pieces and thrown away, only their length and checksum count.
"""

import zipfile
from io import BytesIO
from typing import Final

from common.court.attachment_refusals import BROKEN, ENCRYPTED, MACROS, TYPE, UNPACKS, refused
from common.errors import Refused

ENTRIES_MAX: Final = 5_000
"""Parts of one document; a report with 500 pictures has under 1,000."""
DIRECTORY_BYTES_MAX: Final = 2 * 1024**2
"""The list of parts at the end of the archive: looked at before it is read into memory."""
UNPACKED_BYTES_MAX: Final = 200 * 1024**2
RATIO_MAX: Final = 250
"""Unpacked to packed, as a whole; plain XML reaches about 30, bombs begin at 1,000."""
RATIO_FROM_BYTES: Final = 10 * 1024**2
"""Small documents may be as dense as they like."""
CONTENTS_BYTES_MAX: Final = 1024**2
PIECE_BYTES: Final = 64 * 1024

_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_CONTENTS: Final = "[Content_Types].xml"


def kind_of(data: bytes) -> str:
    """Return "docx" or "xlsx"; raises Refused("upload.…") for archives that are neither, damaged, locked or bombs."""
    _check_directory(data)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check_parts(archive.infolist(), len(data))
            kind = _kind(archive)
            _unpack_all(archive)
            return kind
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile, zlib and struct share no root; all of them mean: damaged
        raise refused(BROKEN) from error


def _check_directory(data: bytes) -> None:
    """The size of the list is checked first: zipfile reads the whole list into memory, and 20 MB could hold 400,000 names."""
    end = data.rfind(_END, max(0, len(data) - _END_BYTES - 65_535))
    if end < 0 or end + _END_BYTES > len(data):
        raise refused(BROKEN)
    entries = int.from_bytes(data[end + 10 : end + 12], "little")
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    if entries > ENTRIES_MAX or size > DIRECTORY_BYTES_MAX or data[max(0, end - 20) : end].startswith(_ZIP64_LOCATOR):
        raise refused(UNPACKS)


def _check_parts(parts: list[zipfile.ZipInfo], packed: int) -> None:
    if any(part.flag_bits & 0x1 for part in parts):
        raise refused(ENCRYPTED)
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise refused(BROKEN)
    unpacked = sum(part.file_size for part in parts)
    if unpacked > UNPACKED_BYTES_MAX or (unpacked > RATIO_FROM_BYTES and unpacked > RATIO_MAX * packed):
        raise refused(UNPACKS)


def _kind(archive: zipfile.ZipFile) -> str:
    if _CONTENTS not in archive.NameToInfo:
        raise refused(TYPE)
    with archive.open(_CONTENTS) as part:
        contents = part.read(CONTENTS_BYTES_MAX)
    if b"macroEnabled" in contents or any(name.lower().endswith("vbaproject.bin") for name in archive.NameToInfo):
        raise refused(MACROS)
    if b"wordprocessingml.document.main+xml" in contents:
        return "docx"
    if b"spreadsheetml.sheet.main+xml" in contents:
        return "xlsx"
    raise refused(TYPE)


def _unpack_all(archive: zipfile.ZipFile) -> None:
    """Unpack every part to nowhere: a wrong checksum or a lie about the length raises."""
    left = UNPACKED_BYTES_MAX
    for info in archive.infolist():
        with archive.open(info) as part:
            while piece := part.read(PIECE_BYTES):
                left -= len(piece)
                if left < 0:
                    raise refused(UNPACKS)
