"""The pieces of a file on its way: chunks of 1 MiB, any chunk by any carrier in any order (PROTOCOL 7).

A chunk lies under ``partial/<sha256>/<number>`` until all are there; then the whole is hashed, and only a whole that
hashes to its name becomes a blob (`sync.blobs`). A chunk's own integrity is the container's that brought it.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from common.errors import N_, Refused
from common.files import make_folder, write_durable

CHUNK_BYTES = 1 << 20
PART_BYTES = 1 << 15
"""Of a chunk, where it comes in parts: a second of a thin line, which is what a cut costs there."""
BLOB_BYTES_MAX = 512 << 20
"""One file; what a citizen may attach is limited further by the court's rules."""
COPY_BYTES = 1 << 18


class Wholes(Protocol):
    """What pieces become; `keep` and `take` return once the file is durable under its name and known."""

    def has(self, sha256: bytes) -> bool:
        """Return whether the file is here, whole and verified."""

    def keep(self, sha256: bytes, data: bytes) -> None:
        """Keep ``data``, which hashes to ``sha256``."""

    def take(self, sha256: bytes, size: int, file: Path) -> None:
        """Keep the content of ``file``, which is synced and hashes to ``sha256``; it may be gone afterwards."""


def chunk_count(size: int) -> int:
    """Return how many chunks a blob of ``size`` bytes has; an empty blob has none. Raises Refused("blob.size")."""
    if not 0 <= size <= BLOB_BYTES_MAX:  # said by whoever wrote the entry: nothing is reserved or counted before this
        raise Refused("blob.size", N_("A file is larger than allowed."))
    return -(-size // CHUNK_BYTES)


def chunk_bytes(size: int, number: int) -> int:
    """Return how long chunk ``number`` of a blob of ``size`` bytes is; raises Refused("blob.size"/"blob.chunk")."""
    count = chunk_count(size)
    if not 0 <= number < count:
        raise bad_chunk()
    return CHUNK_BYTES if number < count - 1 else size - (count - 1) * CHUNK_BYTES


def part_count(size: int, chunk: int) -> int:
    """Return in how many parts a chunk may come; raises as `chunk_bytes`."""
    return -(-chunk_bytes(size, chunk) // PART_BYTES)


def is_set(bitmap: bytes, number: int) -> bool:
    """Return whether a bitmap, lowest bit first, shows that piece ``number`` is there."""
    return number // 8 < len(bitmap) and bool(bitmap[number // 8] >> number % 8 & 1)


class Pieces:
    """The pieces of one machine's files, in ``folder``."""

    def __init__(self, folder: Path, wholes: Wholes) -> None:
        self._folder = make_folder(folder)
        self._wholes = wholes

    def bitmap(self, sha256: bytes, size: int) -> bytes:
        """Return which chunks are here, one bit each, lowest bit first."""
        count = chunk_count(size)
        here = self._here(sha256, count)
        if len(here) == count:
            # all pieces and no whole: we crashed before they were put together. The last one is asked for again, and does it
            here.discard(count - 1)
        return sum(1 << chunk for chunk in here).to_bytes(-(-count // 8), "little")

    def _here(self, sha256: bytes, count: int) -> set[int]:
        """Return which of ``count`` chunks are here, by one look: how many there are says whoever wrote the entry."""
        try:
            names = os.listdir(self._folder / sha256.hex())
        except FileNotFoundError:
            return set()
        return {int(name) for name in names if name.isdecimal() and int(name) < count}

    def put_chunk(self, sha256: bytes, size: int, number: int, data: bytes, *, digest: bytes = b"") -> bool:
        """Keep one chunk, whose SHA-256 may be known as ``digest``; return whether the blob is now whole.

        Raises Refused("blob.chunk"/"blob.mismatch"), or Unreachable("store.down") with the pieces kept: the last one is asked for again.
        """
        if len(data) != chunk_bytes(size, number):
            raise bad_chunk()
        if self._wholes.has(sha256):
            return True
        count = chunk_count(size)
        if count == 1:
            if (digest or hashlib.sha256(data).digest()) != sha256:
                raise _mismatch()
            self._wholes.keep(sha256, data)
            self.drop(sha256)  # parts of it
            return True
        folder = make_folder(self._folder / sha256.hex())
        try:
            write_durable(folder / str(number), data)
            if len(self._here(sha256, count)) < count:
                return False
            self._assemble(sha256, size, folder, count)
        except FileNotFoundError:  # the same file came from somebody else too, who has just put it together
            if not self._wholes.has(sha256):
                raise
        return True

    def held(self, sha256: bytes, size: int, chunk: int | None) -> bytes:
        """Return which chunks of a blob are here, or which parts of one ``chunk``; raises as `parts`."""
        return self.bitmap(sha256, size) if chunk is None else self.parts(sha256, size, chunk)

    def put_piece(self, sha256: bytes, size: int, chunk: int, part: int, data: bytes, *, digest: bytes) -> bool:
        """Keep a chunk (``part`` below 0) or a part of one; return whether the blob is now whole. Raises what `put_chunk` does."""
        if part < 0:
            return self.put_chunk(sha256, size, chunk, data, digest=digest)
        return self.put_part(sha256, size, chunk, part, data)

    def parts(self, sha256: bytes, size: int, chunk: int) -> bytes:
        """Return which parts of a chunk are here, one bit each, lowest bit first; raises Refused("blob.chunk"/"blob.size")."""
        count = part_count(size, chunk)
        here = [self._part(sha256, chunk, part).exists() for part in range(count)]
        here[-1] = here[-1] and not all(here)  # all and no chunk: we crashed in between, and the last one, asked for again, joins them
        return sum(1 << part for part in range(count) if here[part]).to_bytes(-(-count // 8), "little")

    def put_part(self, sha256: bytes, size: int, chunk: int, part: int, data: bytes) -> bool:
        """Keep one part of a chunk; return whether the blob is now whole. Raises what `put_chunk` does."""
        count = part_count(size, chunk)
        if not 0 <= part < count or len(data) != min(PART_BYTES, chunk_bytes(size, chunk) - part * PART_BYTES):
            raise bad_chunk()
        if self._wholes.has(sha256):
            return True
        make_folder(self._folder / sha256.hex())
        files = [self._part(sha256, chunk, each) for each in range(count)]
        try:
            write_durable(files[part], data)
            if not all(file.exists() for file in files):
                return False
            whole = self.put_chunk(sha256, size, chunk, b"".join(file.read_bytes() for file in files))
        except FileNotFoundError:  # the other half came at the same moment, and who brought it has put them together
            return self._wholes.has(sha256)
        except Refused:
            _remove(files)
            raise
        _remove(files)
        return whole

    def _part(self, sha256: bytes, chunk: int, part: int) -> Path:
        return self._folder / sha256.hex() / f"{chunk}.{part}"

    def _assemble(self, sha256: bytes, size: int, folder: Path, count: int) -> None:
        digest = hashlib.sha256()
        with self.room(sha256) as whole:
            with whole.open("wb") as target:
                for chunk in range(count):
                    with (folder / str(chunk)).open("rb") as source:
                        while part := source.read(COPY_BYTES):
                            digest.update(part)
                            target.write(part)
                target.flush()
                os.fsync(target.fileno())
            if digest.digest() != sha256:
                shutil.rmtree(folder)  # somebody named a file and sent another: nothing of it stays
                raise _mismatch()
            self._wholes.take(sha256, size, whole)
        self.drop(sha256)  # if we crash before this, the next start of the blob finds it whole

    @contextmanager
    def room(self, sha256: bytes) -> Iterator[Path]:
        """Give the name of a file to be put together; two senders of one file never write into each other's, and none stays behind."""
        whole = make_folder(self._folder / sha256.hex()) / f"whole.{secrets.token_hex(4)}"
        try:
            yield whole
        finally:
            whole.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Return how much room the disk has on which the pieces lie."""
        return shutil.disk_usage(self._folder).free

    def drop(self, sha256: bytes) -> None:
        """Remove all pieces of a file."""
        shutil.rmtree(self._folder / sha256.hex(), ignore_errors=True)


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _mismatch() -> Refused:
    return Refused("blob.mismatch", N_("A file does not match its name: it was changed on the way. It is sent again."))


def bad_chunk() -> Refused:
    """Return the error of a piece that cannot be one."""
    return Refused("blob.chunk", N_("A piece of a file does not have the size it must have."))
