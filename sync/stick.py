"""The stick: a folder on a medium that anybody may carry, break or prepare (PROTOCOL 11).

    SOT1/                       the number is the version of this layout
      UP1001/  DN1001/          from machine 1001 to the centre; from the centre to machine 1001
        INDEX.SOT               written last: without it nothing of the folder is taken
        00001.SOT …             packs, in this order: lists of the very containers that travel over HTTP

Every file is one container, signed by its author and sealed to its recipient: whoever finds the stick sees sizes. What
is read is copied first and judged then, by names and descriptors that cannot lead anywhere else (faults 35 to 40); what
is written is read back from the medium before it counts.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec

from common import canonical
from common.errors import N_, CourtError, Refused, Unreachable
from common.facts import Body, encode_body
from sync import container, cose
from sync.identity import Identity, NodeCertificate
from sync.messages import Ask

LAYOUT: Final = "SOT1"
INDEX: Final = "INDEX.SOT"
UP, DOWN = "UP", "DN"
INDEX_KIND, PACK_KIND = "stick", "pack"
FOLDER_FORM: Final = re.compile(r"(UP|DN)([0-9]{4})\Z", re.ASCII)
FILE_FORM: Final = re.compile(r"(?:INDEX|[0-9]{5})\.(?:SOT|TMP)\Z", re.ASCII)
PACK_FORM: Final = re.compile(r"[0-9]{5}\.SOT\Z", re.ASCII)
PACK_BYTES_TARGET: Final = 8 << 20
"""Where a pack is closed: what reading one may need in memory, and what one bad spot of the medium costs."""
FILE_BYTES_MAX: Final = container.SEALED_BYTES_MAX + cose.MESSAGE_BYTES_MAX
"""One file; the limit of FAT32 is 4 GiB."""
PACKS_MAX: Final = 60_000
"""Files in one folder; FAT32 holds 65,536 short names."""
NAMES_MAX: Final = 80_000
"""Names looked at in one folder: a prepared stick may hold millions."""
RESERVE_BYTES: Final = 256 << 20
"""What an import leaves free on the machine's own disk."""
COPY_BYTES: Final = 1 << 20
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NOT_OURS: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.ENOTDIR})
"""What opening a link, a socket, or a file in place of a folder gives."""

Progress = Callable[[str, int, int], None]
"""Told (step, bytes done, bytes in all)."""


class Piece(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A file named by its SHA-256 and size in bytes."""

    sha256: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    size: Annotated[int, msgspec.Meta(ge=0)]


class Index(Body, frozen=True):
    """What both directions say of their folder. ``files``: SHA-256 and size of each pack, in order; ``made_ms`` UTC.

    ``epoch``, ``seq``, ``head``: where its author's history of the machine stands; ``own``: [epoch, last sequence number].
    """

    made_ms: int
    files: list[Piece]
    epoch: int
    seq: int
    head: bytes
    recovering: bool = False
    own: list[list[int]] = []


class UpIndex(Index, frozen=True, kw_only=True):
    """Machine → centre. ``ask``: its cursors; ``own``: how far it holds its own epochs; ``lacks``: files it misses; ``rotate``: a
    signed request for its next certificate, should it be due."""

    ask: Ask
    lacks: list[Piece] = []
    rotate: bytes = b""


class DownIndex(Index, frozen=True):
    """Centre → machine. ``recovering`` answers the machine's own; ``own``: how far the register has its epochs; ``lacks``: files
    (SHA-256) that got damaged at the centre and that the machine may have; ``rotated``: the certificate that answers ``rotate``."""

    lacks: list[bytes] = []
    rotated: bytes = b""


def up_name(node: int) -> str:
    """Return the folder of what ``node`` sends to the centre."""
    return f"{UP}{node:04}"


def down_name(node: int) -> str:
    """Return the folder of what the centre sends to ``node``."""
    return f"{DOWN}{node:04}"


def pack_name(number: int) -> str:
    """Return the file name of pack ``number``, counted from 1."""
    return f"{number:05}.SOT"


class Writer:
    """Writes one folder: packs as they fill, then everything read back, then the index that makes it count.

    What stood in the folder before is worthless from the first byte on: its author gives everything again each time.
    """

    def __init__(self, medium: Path, name: str, author: Identity, recipient: NodeCertificate, progress: Progress, total: int) -> None:
        self._author = author
        self._recipient = recipient
        self._progress = progress
        self._total = total
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._written = 0
        self.files: list[Piece] = []
        with stick_errors():
            self._folder = open_folder(medium, LAYOUT, name, create=True)
            clear(self._folder)

    def add(self, data: bytes) -> None:
        """Put one container into the pack at hand; raises Refused("stick.full") or Unreachable("stick.gone")."""
        if self._held and self._held_bytes + len(data) > PACK_BYTES_TARGET:
            self._close_pack()
        self._held.append(data)
        self._held_bytes += len(data)

    def finish(self, index_of: Callable[[list[Piece]], Index]) -> int:
        """Read everything back, then write the index of the files and read that back; return the bytes on the stick.

        Only after this the stick may be pulled out.
        """
        if self._held:
            self._close_pack()
        index = index_of(self.files)
        with stick_errors():
            os.fsync(self._folder)
            self._check()
            data = container.write_container(INDEX_KIND, {"made": index.made_ms}, encode_body(index), self._author, self._recipient)
            write_checked(self._folder, INDEX, data)
        return self._written + len(data)

    def room(self) -> int:
        """Return the bytes that are free on the medium."""
        with stick_errors():
            about = os.fstatvfs(self._folder)
            return about.f_bavail * about.f_frsize - self._held_bytes

    def close(self) -> None:
        """Let go of the medium; a folder that was not finished has no index."""
        os.close(self._folder)

    def _close_pack(self) -> None:
        if len(self.files) >= PACKS_MAX:
            raise Refused("stick.too_much", N_("There is more to carry than one stick may hold. Exchange over the line."))
        data = container.write_container(PACK_KIND, {}, canonical.encode(self._held), self._author, self._recipient)
        with stick_errors():
            write_file(self._folder, pack_name(len(self.files) + 1), data)
        self.files.append(Piece(hashlib.sha256(data).digest(), len(data)))
        self._held, self._held_bytes = [], 0
        self._written += len(data)
        self._progress("stick_write", self._written, max(self._total, self._written))

    def _check(self) -> None:
        done, total = 0, sum(each.size for each in self.files)
        for number, each in enumerate(self.files, 1):
            if reread(self._folder, pack_name(number)) != each.sha256:
                raise bad_medium()
            done += each.size
            self._progress("stick_check", done, total)


@contextmanager
def stick_errors(*, machine: bool = False) -> Iterator[None]:
    """Turn what a medium fails with into Refused("stick.full") or Unreachable("stick.gone"); ``machine``: it is our own disk."""
    try:
        yield
    except CourtError:
        raise
    except OSError as error:
        if machine:
            if error.errno in FULL:
                raise machine_full() from error
            raise
        if error.errno in FULL:
            sentence = N_("The stick is full. Nothing of it counts: make room or take a larger one, and repeat.")
            raise Refused("stick.full", sentence) from error
        sentence = N_("The stick cannot be used: it was pulled out, is write-protected or broken. Nothing is lost; repeat.")
        raise Unreachable("stick.gone", sentence) from error


def machine_full() -> Refused:
    """Return the refusal of an import that would fill this machine's own disk."""
    return Refused("stick.machine_full", N_("The disk of this machine has no room for what is on the stick. Make room and repeat."))


def bad_medium() -> Refused:
    """Return the refusal of a medium that gives back other bytes than it was given."""
    return Refused("stick.rot", N_("The stick gives back something else than was written: it is worn out or fake. Take another one."))


def open_folder(medium: Path, *names: str, create: bool = False) -> int:
    """Return a descriptor of the folder ``names`` below ``medium``; raises OSError, or Refused("stick.file") where a link leads away."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    folder = os.open(medium, flags)
    for name in names:
        try:
            if create:
                _make_below(folder, name)
            below = os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
        except OSError as error:
            if error.errno in NOT_OURS:
                raise bad_file() from error
            raise
        finally:
            os.close(folder)
        folder = below
    return folder


def _make_below(folder: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return
    os.fsync(folder)


def names_in(folder: int) -> list[str]:
    """Return up to NAMES_MAX names; raises Refused("stick.crowded") where there are more. Nothing is opened."""
    found: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(found) >= NAMES_MAX:
                raise Refused("stick.crowded", N_("The stick holds more files than this program ever writes. Take another one."))
            found.append(entry.name)
    return found


def clear(folder: int) -> None:
    """Remove what an earlier export left, the index first; what is not ours stays."""
    mine = [name for name in names_in(folder) if FILE_FORM.match(name)]
    for name in sorted(mine, key=lambda each: not each.startswith("INDEX")):
        os.unlink(name, dir_fd=folder)
        if name == INDEX:
            os.fsync(folder)


def write_file(folder: int, name: str, data: bytes) -> None:
    """Create ``name`` and fsync it."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_checked(folder: int, name: str, data: bytes) -> None:
    """Make ``name`` appear whole or not at all, read back from the medium; raises Refused("stick.rot")."""
    temporary = name.replace(".SOT", ".TMP")
    write_file(folder, temporary, data)
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
    if reread(folder, name) != hashlib.sha256(data).digest():
        os.unlink(name, dir_fd=folder)
        raise bad_medium()


def reread(folder: int, name: str) -> bytes:
    """Return the SHA-256 of a file as the medium gives it back, not as memory remembers it."""
    with os.fdopen(_open_file(folder, name), "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, "sha256").digest()


def read_file(folder: int, name: str, size_max: int) -> bytes:
    """Return the bytes of a regular file of at most ``size_max``, however it grows meanwhile; raises Refused("stick.file")."""
    with os.fdopen(_open_file(folder, name), "rb") as file:
        data = file.read(size_max + 1)
    if len(data) > size_max:
        raise bad_file()
    return data


def _open_file(folder: int, name: str) -> int:
    """Return a descriptor of a regular file; raises OSError, or Refused("stick.file") for anything else of that name."""
    # not waiting for whoever would write into a pipe of that name, and not following where a link leads
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise bad_file()
    return descriptor


def bad_file() -> Refused:
    """Return the refusal of a file that is not what the index promises."""
    return Refused("stick.file", N_("A file on the stick is damaged or not ours. It is left out; what it held comes with the next stick."))
