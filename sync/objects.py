"""Where whole files lie: a folder, or whatever else keeps immutable objects under a name (`central.bucket`).

* `write` and `take` return once the object is durable and whole under its name; until then there is nothing under that name.
* An object of a hash's name is never changed: the same name written again is the same bytes. Whoever writes a name of another kind
  again (the head of the public log) replaces it whole.
* Only our own errors leave: NotFound("blob.absent") for a name that is not there, Unreachable("store.down") for a store that
  does not answer, and of a folder OSError (disk full) as everywhere.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from common.errors import N_, NotFound
from common.files import make_folder, sync_folder, write_durable


class Objects(Protocol):
    """A store of immutable objects; names are like ``ab/abcd…``."""

    def write(self, name: str, data: bytes) -> None:
        """Keep ``data`` under ``name``, durably."""

    def take(self, name: str, file: Path) -> None:
        """Keep the content of ``file``, which is synced already, under ``name``, durably; the file may be gone afterwards."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open an object for reading; what reading raises is ours too."""

    def piece(self, name: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on."""

    def remove(self, name: str) -> None:
        """Remove an object, which may be gone already."""

    def check(self) -> None:
        """Raise Unreachable("store.down") where the store does not answer now."""


class Folder:
    """Objects as files of this machine: written to a temporary name, synced, renamed, and the folder synced too."""

    def __init__(self, folder: Path) -> None:
        self._folder = make_folder(folder)

    def write(self, name: str, data: bytes) -> None:
        """Keep ``data`` under ``name``; raises OSError with nothing under that name."""
        write_durable(self._place(name), data)

    def take(self, name: str, file: Path) -> None:
        """Rename ``file``, which lies on the same disk; raises OSError with nothing under that name."""
        place = self._place(name)
        os.replace(file, place)
        sync_folder(place.parent)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading; raises NotFound("blob.absent")."""
        try:
            file = (self._folder / name).open("rb")
        except OSError as error:
            raise absent() from error
        with file:
            yield file

    def piece(self, name: str, start: int, length: int) -> bytes:
        """Return a part of a file; raises NotFound("blob.absent")."""
        with self.open(name) as file:
            file.seek(start)
            return file.read(length)

    def remove(self, name: str) -> None:
        """Remove a file that may be gone already."""
        (self._folder / name).unlink(missing_ok=True)

    def check(self) -> None:
        """A folder of this machine always answers."""

    def _place(self, name: str) -> Path:
        place = self._folder / name
        make_folder(place.parent)
        return place


def absent() -> NotFound:
    """Return the error of an object that is not there."""
    return NotFound("blob.absent", N_("This file has not arrived at this machine yet."))
