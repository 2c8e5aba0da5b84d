"""The high-water mark: the last position of the journal, kept in its own fsynced file outside the database.

A database restored from a backup is behind its mark; then, and only then, the node opens a new epoch (PROTOCOL 5). Two
slots are written in turn, each with a checksum, so that a torn write leaves the previous mark readable.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from common.files import FILE_MODE, make_folder, sync_folder

SLOT_BYTES = 128
_HEAD_BYTES = 32
_NUMBERS = 4


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Epoch and last sequence number; ``talon`` is the talon counter; ``head`` the chain head there; ``turns`` counts
    the tokens the centre gave: a database restored before anything was written since is known by it."""

    epoch: int
    seq: int
    talon: int
    head: bytes
    turns: int = 0


class HighWater:
    """The mark's file. Its folder should lie on another disk than the database where the machine has one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        make_folder(path.parent)
        fresh = not path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        marks = [self._slot(place) for place in (0, 1)]
        # the newest mark stays readable while the next one is written, whatever the first write after a start meets
        self._turn = int(marks[0] is not None and (marks[1] is None or marks[0] > marks[1]))
        if fresh:
            sync_folder(path.parent)

    def read(self) -> Mark | None:
        """Return the newest readable mark, or None when there is none."""
        marks = [self._slot(place) for place in (0, 1)]
        readable = [mark for mark in marks if mark is not None]
        return max(readable) if readable else None

    def write(self, mark: Mark) -> None:
        """Make ``mark`` durable; raises OSError when the disk does not."""
        numbers = b"".join(number.to_bytes(8, "big") for number in (mark.epoch, mark.seq, mark.talon, mark.turns))
        content = numbers + mark.head
        os.pwrite(self._file, (content + hashlib.sha256(content).digest()).ljust(SLOT_BYTES, b"\0"), self._turn * SLOT_BYTES)
        os.fdatasync(self._file)
        self._turn = 1 - self._turn

    def close(self) -> None:
        """Close the file; what a thread still writes afterwards fails, and never lands in a file opened meanwhile."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _slot(self, place: int) -> Mark | None:
        data = os.pread(self._file, SLOT_BYTES, place * SLOT_BYTES)
        for count in (_NUMBERS, _NUMBERS - 1):  # marks of before did not count turns
            size = count * 8 + _HEAD_BYTES
            content = data[:size]
            if len(data) == SLOT_BYTES and hashlib.sha256(content).digest() == data[size : size + 32]:
                epoch, seq, talon, *turns = [int.from_bytes(content[place * 8 : place * 8 + 8], "big") for place in range(count)]
                return Mark(epoch, seq, talon, content[count * 8 :], *turns)
        return None
