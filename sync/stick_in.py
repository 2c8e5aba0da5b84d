"""Taking in a folder of a stick: copied first, judged then, so that nothing that happens to the stick changes what is read.

    with Copied.of(medium, "UP1001", place, …) as copied:      place: a folder of this machine, emptied before and after
        index = copied.index(UpIndex)
        for data in copied.containers(): …

A damaged file is left out and counted; what it held comes again with the next stick (PROTOCOL 11.4 to 11.7).
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from common import canonical
from common.db import Database
from common.errors import N_, CourtError, NotFound, Refused
from common.facts import decode_body
from common.files import make_folder
from sync import container, directory, stick
from sync.identity import CENTRE_NODE, Identity, NodeCertificate

I = TypeVar("I", bound=stick.Index)  # noqa: E741 - the one kind of type there is here


def folders(medium: Path) -> list[str]:
    """Return the names of the folders of ours on a stick, sorted; raises NotFound("stick.empty") where there is none."""
    with stick.stick_errors():
        try:
            root = stick.open_folder(medium, stick.LAYOUT)
        except FileNotFoundError:
            raise _empty() from None
        try:
            found = sorted(name for name in stick.names_in(root) if stick.FOLDER_FORM.match(name))
        finally:
            os.close(root)
    if not found:
        raise _empty()
    return found


def _empty() -> NotFound:
    return NotFound("stick.empty", N_("There is nothing of ours on this stick."))


class Copied:
    """A folder of a stick as copied to this machine: index verified and opened, packs whole or left out."""

    def __init__(self, place: Path, reader: Identity, author: NodeCertificate, payload: bytes) -> None:
        self._place = place
        self._reader = reader
        self._payload = payload
        self.author = author
        self.problems: list[str] = []
        self._packs: list[Path] = []

    @classmethod
    @contextmanager
    def of(
        cls,
        medium: Path,
        name: str,
        place: Path,
        *,
        reader: Identity,
        database: Database,
        progress: stick.Progress,
        centre: NodeCertificate | None = None,
    ) -> Iterator["Copied"]:
        """Copy folder ``name``; ``centre`` is known from the enrolment where the directory has not come yet.

        Raises Refused("stick.unfinished") without an index, and what a wrong one is refused with.
        """
        shutil.rmtree(place, ignore_errors=True)
        try:
            with stick.stick_errors():
                folder = stick.open_folder(medium, stick.LAYOUT, name)
            try:
                copied = cls._begin(folder, name, place, reader, database, centre)
                copied._copy(folder, progress)
            finally:
                os.close(folder)
            yield copied
        finally:
            shutil.rmtree(place, ignore_errors=True)

    @classmethod
    def _begin(cls, folder: int, name: str, place: Path, reader: Identity, database: Database, centre: NodeCertificate | None) -> "Copied":
        try:
            with stick.stick_errors():
                data = read_plain(folder, stick.INDEX, stick.FILE_BYTES_MAX)
        except NotFound:
            raise Refused("stick.unfinished", N_("What was being written to this stick was not finished. Export again.")) from None
        author = author_of(data, name, reader, database, centre)
        return cls(make_folder(place), reader, author, _open(data, stick.INDEX_KIND, author, reader))

    def index(self, kind: type[I]) -> I:
        """Return what the author says of the folder; raises Refused("entry.body") when it is not one of ``kind``."""
        found: I = decode_body(self._payload, kind)
        return found

    def containers(self) -> Iterator[bytes]:
        """Yield the containers in their order; a pack that is not what its author wrote is left out and counted."""
        for path in self._packs:
            try:
                items = canonical.decode(_open(path.read_bytes(), stick.PACK_KIND, self.author, self._reader))
                if type(items) is not list or not all(type(item) is bytes for item in items):
                    raise stick.bad_file()
            except CourtError as error:
                self.problems.append(error.code)
                continue
            yield from items

    def _copy(self, folder: int, progress: stick.Progress) -> None:
        files = self.index(stick.Index).files
        if len(files) > stick.PACKS_MAX or any(not 0 < each.size <= stick.FILE_BYTES_MAX for each in files):
            raise stick.bad_file()
        done, total = 0, sum(each.size for each in files)
        if total + stick.RESERVE_BYTES > shutil.disk_usage(self._place).free:
            raise stick.machine_full()
        for number, each in enumerate(files, 1):
            name = stick.pack_name(number)
            try:
                with stick.stick_errors():
                    data = read_plain(folder, name, each.size)
                if hashlib.sha256(data).digest() != each.sha256:
                    raise stick.bad_file()
            except (NotFound, Refused) as error:
                self.problems.append(error.code)
                continue
            with stick.stick_errors(machine=True):
                (self._place / name).write_bytes(data)
            self._packs.append(self._place / name)
            done += each.size
            progress("stick_read", done, total)


def author_of(index: bytes, name: str, reader: Identity, database: Database, centre: NodeCertificate | None = None) -> NodeCertificate:
    """Return the certificate of the machine that must have written folder ``name``; raises Refused where another one did."""
    signed, _, _ = container.split_container(index)
    if centre is not None and signed.key_id == centre.key_id:
        certificate = centre
    else:
        certificate = directory.certificate_of(database, signed.key_id, reader.pin)
    direction, node = name[:2], int(name[2:])
    if certificate.body.node != (node if direction == stick.UP else CENTRE_NODE):
        raise Refused("stick.author", N_("A folder on the stick was not written by the machine it is named after. It is left out."))
    container.read_header(index, certificate.sign_key, reader.environment)
    return certificate


def read_plain(folder: int, name: str, size_max: int) -> bytes:
    """Return a file of a stick; raises NotFound("stick.file") or Refused("stick.file") for what is missing or no file."""
    try:
        return stick.read_file(folder, name, size_max)
    except FileNotFoundError as error:
        raise NotFound("stick.file", N_("A file on the stick is missing.")) from error
    except OSError as error:
        if error.errno in stick.NOT_OURS:
            raise stick.bad_file() from error
        raise


def _open(data: bytes, kind: str, author: NodeCertificate, reader: Identity) -> bytes:
    header, sealed = container.read_header(data, author.sign_key, reader.environment)
    if header.kind != kind or header.author != author.key_id:
        raise Refused("container.kind", N_("A bundle is of another kind than expected."))
    return container.open_payload(header, sealed, reader)
