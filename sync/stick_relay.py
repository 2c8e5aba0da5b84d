"""What a court carries for others: sealed folders of a stick, kept as they are and put onto every stick exported here.

Only what a machine of the directory signed is kept, never more than CARRIED_BYTES_MAX, and a newer folder takes the
place of an older one. Nothing of it can be read here (PROTOCOL 11.9).
"""

import hashlib
import os
import shutil
from pathlib import Path

from common.db import Database
from common.errors import N_, CourtError, Refused
from common.files import make_folder, sync_folder, write_durable
from sync import container, stick
from sync.identity import Identity, NodeCertificate
from sync.stick_in import author_of, read_plain

CARRIED_BYTES_MAX = 4 << 30
CARRIED_FOLDERS_MAX = 32


class Relay:
    """The folders this machine carries for others, in ``place``."""

    def __init__(self, place: Path, reader: Identity, database: Database) -> None:
        self._place = place
        self._reader = reader
        self._database = database

    def names(self) -> list[str]:
        """Return the folders that are carried."""
        return sorted(path.name for path in self._place.glob("*") if (path / stick.INDEX).exists())

    def drop(self, name: str) -> None:
        """Carry ``name`` no longer."""
        (self._place / name / stick.INDEX).unlink(missing_ok=True)
        shutil.rmtree(self._place / name, ignore_errors=True)

    def files(self, name: str) -> dict[str, Path]:
        """Return the files of a folder that is carried, by their names."""
        return {path.name: path for path in (self._place / name).glob("*.SOT")}

    def keep(self, name: str, file: str, data: bytes, author: NodeCertificate) -> None:
        """Keep one file of a folder that came over the line; raises Refused where ``author`` did not write it, or it is too much."""
        container.read_header(data, author.sign_key, self._reader.environment)
        with stick.stick_errors(machine=True):
            free = shutil.disk_usage(make_folder(self._place)).free - stick.RESERVE_BYTES
            if len(data) > min(CARRIED_BYTES_MAX - self._size(), free):
                raise _too_much()
            write_durable(make_folder(self._place / name) / file, data)

    def carry(self, medium: Path, name: str) -> None:
        """Keep folder ``name`` of a stick; raises Refused where it is not what one of ours wrote, or too much."""
        with stick.stick_errors():
            folder = stick.open_folder(medium, stick.LAYOUT, name)
        try:
            index = read_plain(folder, stick.INDEX, stick.FILE_BYTES_MAX)
            author = author_of(index, name, self._reader, self._database)
            if _made(index, author, self._reader) <= self._made(name):
                return
            with stick.stick_errors(machine=True):
                self._copy(folder, name, index, author)
        finally:
            os.close(folder)

    def _copy(self, folder: int, name: str, index: bytes, author: NodeCertificate) -> None:
        self.drop(name)
        room = min(CARRIED_BYTES_MAX - self._size(), shutil.disk_usage(make_folder(self._place)).free - stick.RESERVE_BYTES)
        if len(self.names()) >= CARRIED_FOLDERS_MAX:
            raise _too_much()
        target = make_folder(self._place / name)
        for each in sorted(each for each in stick.names_in(folder) if stick.PACK_FORM.match(each)):
            data = read_plain(folder, each, stick.FILE_BYTES_MAX)
            room -= len(data)
            if room < 0:
                raise _too_much()
            container.read_header(data, author.sign_key, self._reader.environment)
            write_durable(target / each, data)
        write_durable(target / stick.INDEX, index)  # last: without it nothing is carried
        sync_folder(self._place)

    def put_on(self, medium: Path) -> None:
        """Write every carried folder onto a stick that has not the same or a newer one."""
        for name in self.names():
            source = self._place / name
            index = (source / stick.INDEX).read_bytes()
            with stick.stick_errors():
                folder = stick.open_folder(medium, stick.LAYOUT, name, create=True)
                try:
                    if self._made_on(folder, name) < self._made(name):
                        _write(folder, source, index)
                finally:
                    os.close(folder)

    def _made(self, name: str) -> int:
        try:
            index = (self._place / name / stick.INDEX).read_bytes()
        except OSError:
            return -1
        return _made(index, author_of(index, name, self._reader, self._database), self._reader)

    def _made_on(self, folder: int, name: str) -> int:
        try:
            index = read_plain(folder, stick.INDEX, stick.FILE_BYTES_MAX)
            return _made(index, author_of(index, name, self._reader, self._database), self._reader)
        except CourtError:  # nothing, or nothing that counts
            return -1

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self._place.glob("*/*"))


def _made(index: bytes, author: NodeCertificate, reader: Identity) -> int:
    header, _ = container.read_header(index, author.sign_key, reader.environment)
    made = header.about.get("made")
    if header.kind != stick.INDEX_KIND or type(made) is not int:
        raise stick.bad_file()
    return made


def _write(folder: int, source: Path, index: bytes) -> None:
    stick.clear(folder)
    names = sorted(path.name for path in source.glob("*.SOT") if path.name != stick.INDEX)
    for name in names:
        stick.write_file(folder, name, (source / name).read_bytes())
    for name in names:
        if stick.reread(folder, name) != hashlib.sha256((source / name).read_bytes()).digest():
            raise stick.bad_medium()
    stick.write_checked(folder, stick.INDEX, index)


def _too_much() -> Refused:
    return Refused("stick.carried", N_("This machine carries as much for other courts as it may. Carry this stick to the centre itself."))
