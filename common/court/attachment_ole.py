"""DOC and XLS of before 2007: a compound file (MS-CFB) with a Word or Excel stream that is neither locked nor a program.

Only what that needs is read: header, allocation table, directory, main stream. Every sector number is checked against
the file and every chain against its greatest possible length, so a loop or a lie ends in a refusal.
"""

import struct
import sys
from array import array
from dataclasses import dataclass
from typing import Final

from common.court.attachment_refusals import BROKEN, ENCRYPTED, MACROS, TYPE, refused

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES: Final = 512
_ENTRY_BYTES: Final = 128
_END_OF_CHAIN: Final = 0xFFFFFFFE
_FREE: Final = 0xFFFFFFFF
_MINI_BYTES: Final = 64
_STREAM: Final = 2
_ROOT: Final = 5
_WORD_IDENT: Final = 0xA5EC
_WORD_ENCRYPTED: Final = 0x0100
_BIFF_BOF: Final = 0x0809
_BIFF_EOF: Final = 0x000A
_BIFF_FILEPASS: Final = 0x002F
_MACRO_NAMES: Final = frozenset({"_VBA_PROJECT", "_VBA_PROJECT_CUR", "VBA"})


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    start: int
    size: int


def kind_of(data: bytes) -> str:
    """Return "doc" or "xls"; raises Refused("upload.…") for other compound files, damaged, locked or with macros."""
    try:
        return _kind(_Compound(data))
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise refused(BROKEN) from error


def _kind(file: "_Compound") -> str:
    names = {entry.name for entry in file.entries}
    if "EncryptedPackage" in names:
        raise refused(ENCRYPTED)
    if names & _MACRO_NAMES:
        raise refused(MACROS)
    if "WordDocument" in names:
        _check_word(file.read("WordDocument"))
        return "doc"
    for name in ("Workbook", "Book"):
        if name in names:
            _check_excel(file.read(name))
            return "xls"
    raise refused(TYPE)


def _check_word(stream: bytes) -> None:
    ident, flags = struct.unpack_from("<H8xH", stream)  # MS-DOC 2.5.2: wIdent at 0, flags at 10
    if ident != _WORD_IDENT:
        raise refused(BROKEN)
    if flags & _WORD_ENCRYPTED:
        raise refused(ENCRYPTED)


def _check_excel(stream: bytes) -> None:
    """Walk the records of the first substream; a password stands there as FILEPASS (MS-XLS 2.4.117)."""
    position, kind = 0, 0
    while kind != _BIFF_EOF:
        kind, size = struct.unpack_from("<HH", stream, position)
        if position == 0 and kind != _BIFF_BOF:
            raise refused(BROKEN)
        if kind == _BIFF_FILEPASS:
            raise refused(ENCRYPTED)
        position += 4 + size


class _Compound:
    """The allocation table and directory of one compound file."""

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER_BYTES or not data.startswith(MAGIC):
            raise refused(BROKEN)
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise refused(BROKEN)
        self._data = data
        self._sector_bytes = 1 << shift
        self._sectors = len(data) // self._sector_bytes
        self._fat = self._read_fat()
        first_directory, self._mini_cutoff, first_mini = struct.unpack_from("<I4xII", data, 48)
        self.entries = self._read_directory(first_directory)
        self._mini_fat = _numbers(self._chain(first_mini)) if first_mini < _END_OF_CHAIN else array("I")

    def read(self, name: str) -> bytes:
        """Return the whole stream ``name``; raises Refused where the file is too short for it."""
        entry = next((entry for entry in self.entries if entry.name == name and entry.kind == _STREAM), None)
        if entry is None or entry.size == 0:
            raise refused(BROKEN)
        content = self._chain(entry.start) if entry.size >= self._mini_cutoff else self._mini_chain(entry.start)
        if len(content) < entry.size:
            raise refused(BROKEN)
        return content[: entry.size]

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._sector_bytes
        sector = self._data[start : start + self._sector_bytes]
        if len(sector) != self._sector_bytes:
            raise refused(BROKEN)
        return sector

    def _read_fat(self) -> "array[int]":
        count, next_difat = struct.unpack_from("<I", self._data, 44)[0], struct.unpack_from("<I", self._data, 68)[0]
        if count > 4 * self._sectors // self._sector_bytes + 2:  # a table larger than the file it describes
            raise refused(BROKEN)
        places = list(struct.unpack_from("<109I", self._data, 76))
        while next_difat < _END_OF_CHAIN and len(places) < count + 109:
            numbers = _numbers(self._sector(next_difat))
            places += numbers[:-1]
            next_difat = numbers[-1]
        return _numbers(b"".join(self._sector(place) for place in places[:count] if place < _END_OF_CHAIN))

    def _read_directory(self, first: int) -> tuple[_Entry, ...]:
        raw = self._chain(first)
        return tuple(_entry(raw[at : at + _ENTRY_BYTES]) for at in range(0, len(raw), _ENTRY_BYTES) if raw[at + 66])

    def _chain(self, first: int) -> bytes:
        sectors: list[bytes] = []
        number = first
        while number != _END_OF_CHAIN:
            if number >= len(self._fat) or len(sectors) > self._sectors:
                raise refused(BROKEN)
            sectors.append(self._sector(number))
            number = self._fat[number]
        return b"".join(sectors)

    def _mini_chain(self, first: int) -> bytes:
        root = next((entry for entry in self.entries if entry.kind == _ROOT), None)
        if root is None:
            raise refused(BROKEN)
        store = self._chain(root.start)
        pieces: list[bytes] = []
        number = first
        while number != _END_OF_CHAIN:
            if number >= len(self._mini_fat) or len(pieces) > len(self._mini_fat):
                raise refused(BROKEN)
            pieces.append(store[number * _MINI_BYTES : (number + 1) * _MINI_BYTES])
            number = self._mini_fat[number]
        return b"".join(pieces)


def _numbers(raw: bytes) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _entry(raw: bytes) -> _Entry:
    name_bytes, kind = struct.unpack_from("<HB", raw, 64)
    name = raw[: max(0, min(name_bytes, 64) - 2)].decode("utf-16-le", "replace")
    start, size = struct.unpack_from("<II", raw, 116)
    return _Entry(name, kind, start, size)
