"""Blobs: files named by their SHA-256, moved in chunks of 1 MiB, any chunk by any carrier in any order (PROTOCOL 7).

A chunk lies under ``partial/<sha256>/<number>`` until all are there; then the whole is hashed, and only a whole that
hashes to its name becomes a blob. A chunk's own integrity is the container's that brought it.

A disk rots: a blob that no longer hashes to its name is given to nobody, counts as missing, and comes again (PROTOCOL 7.6).
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from common.clock import Clock
from common.db import Database, fetch, transaction
from common.errors import N_, Corrupt, CourtError, NotFound, Refused, Unreachable
from common.files import make_folder, sync_folder, write_durable
from sync.tables import has_blob

CHUNK_BYTES = 1 << 20
BLOB_BYTES_MAX = 512 << 20
"""One file; what a citizen may attach is limited further by the court's rules."""
COPY_BYTES = 1 << 18


def chunk_count(size: int) -> int:
    """Return how many chunks a blob of ``size`` bytes has; an empty blob has none. Raises Refused("blob.size")."""
    if not 0 <= size <= BLOB_BYTES_MAX:  # said by whoever wrote the entry: nothing is reserved or counted before this
        raise Refused("blob.size", N_("A file is larger than allowed."))
    return -(-size // CHUNK_BYTES)


class BlobStore:
    """The folder of one machine's blobs."""

    def __init__(self, folder: Path, database: Database, clock: Clock) -> None:
        self._folder = make_folder(folder)
        self._partial = make_folder(folder / "partial")
        self._database = database
        self._clock = clock

        self.recall: Callable[[bytes, int], object] | None = None
        """Gets a file back that was let go of: (SHA-256, size); raises what the line raises."""

    def path(self, sha256: bytes) -> Path:
        """Return where the blob lies (or would lie)."""
        name = sha256.hex()
        return self._folder / name[:2] / name

    def has(self, sha256: bytes) -> bool:
        """Return whether the blob is here, whole and verified."""
        return has_blob(self._database, sha256)

    def at_hand(self, sha256: bytes) -> bool:
        """Return whether `read` may give the blob: it is here, or was let go of and comes back when there is a line."""
        return self.has(sha256) or self._pruned_size(sha256) is not None

    def read(self, sha256: bytes) -> bytes:
        """Return the blob; raises NotFound("blob.absent"/"blob.pruned") or Corrupt("blob.rot") when its bytes no longer hash to its name.

        One that was let go of or is damaged is fetched from the centre, inside this call.
        """
        if (size := self._pruned_size(sha256)) is not None and not self.has(sha256):
            self._call_back(sha256, size)
        if not self.has(sha256) or self.is_whole(sha256):
            return self._read(sha256)
        size = self._disown(sha256)
        with suppress(CourtError):  # no line, or the centre has it no longer either: then it is damaged, and that is said
            if self.recall is not None:
                self.recall(sha256, size)
        return self._read(sha256)

    def _read(self, sha256: bytes) -> bytes:
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            raise NotFound("blob.absent", N_("This file has not arrived at this machine yet.")) from error
        if hashlib.sha256(data).digest() != sha256:
            raise Corrupt("blob.rot", N_("A stored file is damaged. It is fetched again with the next exchange."))
        return data

    def is_whole(self, sha256: bytes) -> bool:
        """Return whether the blob's file still hashes to its name; nothing is written."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest() == sha256
        except OSError:
            return False

    def vouch(self, sha256: bytes) -> bool:
        """Return whether the blob may be given to somebody: its file is read whole, and one that is damaged is here no longer."""
        if self.is_whole(sha256):
            return True
        if self.has(sha256):
            self._disown(sha256)
        return False

    def _disown(self, sha256: bytes) -> int:
        """Count a damaged blob as missing; return its size. What is left of its file is written over when it comes again."""
        with transaction(self._database):
            [(size,)] = fetch(self._database, "DELETE FROM blob WHERE sha256 = ? RETURNING size", (sha256,))
            values = (sha256, size, self._clock.now())
            fetch(self._database, "INSERT OR REPLACE INTO damaged (sha256, size, found_ms) VALUES (?, ?, ?)", values)
        return int(size)

    def bury(self) -> int:
        """Remove the files that a court's order took away, and their traces in the database's own log; return how many."""
        doomed = fetch(self._database, "SELECT sha256 FROM doomed")
        for (sha256,) in doomed:
            if not self.has(sha256):  # else somebody has attached the same file anew
                self.path(sha256).unlink(missing_ok=True)
                shutil.rmtree(self._partial / sha256.hex(), ignore_errors=True)
            fetch(self._database, "DELETE FROM doomed WHERE sha256 = ?", (sha256,))
        if doomed:
            fetch(self._database, "PRAGMA wal_checkpoint(TRUNCATE)")
        return len(doomed)

    def prune(self, sha256: bytes, size: int) -> None:
        """Let go of a blob; if we crash between the two steps its file stays and nothing is wrong."""
        with transaction(self._database):
            fetch(self._database, "DELETE FROM blob WHERE sha256 = ?", (sha256,))
            values = (sha256, size, self._clock.now())
            fetch(self._database, "INSERT OR REPLACE INTO pruned (sha256, size, pruned_ms) VALUES (?, ?, ?)", values)
        self.path(sha256).unlink(missing_ok=True)

    def _pruned_size(self, sha256: bytes) -> int | None:
        rows = fetch(self._database, "SELECT size FROM pruned WHERE sha256 = ?", (sha256,))
        return int(rows[0][0]) if rows else None

    def _call_back(self, sha256: bytes, size: int) -> None:
        sentence = N_("This file is kept at the centre. It is fetched when it is opened while the line works.")
        if self.recall is None:
            raise NotFound("blob.pruned", sentence)
        try:
            self.recall(sha256, size)
        except Unreachable as error:
            raise NotFound("blob.pruned", sentence) from error

    def put(self, data: bytes) -> bytes:
        """Store ``data`` durably and return its SHA-256; may be called inside a transaction or outside one."""
        sha256 = hashlib.sha256(data).digest()
        if not self.has(sha256):
            self._keep(sha256, data)
        return sha256

    def _keep(self, sha256: bytes, data: bytes) -> None:
        target = self.path(sha256)
        make_folder(target.parent)
        write_durable(target, data)
        self._record(sha256, len(data))

    def bitmap(self, sha256: bytes, size: int) -> bytes:
        """Return which chunks are here, one bit each, lowest bit first."""
        bits = bytearray(-(-chunk_count(size) // 8))
        folder = self._partial / sha256.hex()
        for chunk in range(chunk_count(size)):
            if (folder / str(chunk)).exists():
                bits[chunk // 8] |= 1 << chunk % 8
        if all((folder / str(chunk)).exists() for chunk in range(chunk_count(size))) and bits:
            # all pieces and no whole: we crashed before they were put together. The last one is asked for again, and does it
            bits[-1] &= ~(1 << (chunk_count(size) - 1) % 8)
        return bytes(bits)

    def adopt(self, sha256: bytes, size: int) -> bool:
        """Return whether the file lay here whole although the database, older than the folder, did not know; now it does."""
        try:
            with self.path(sha256).open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").digest() == sha256 and file.tell() == size
        except OSError:
            return False
        if not whole:
            return False
        self._record(sha256, size)
        return True

    def chunk(self, sha256: bytes, number: int) -> bytes:
        """Return one chunk of a blob; raises NotFound("blob.absent") or Refused("blob.chunk")."""
        if not 0 <= number < chunk_count(BLOB_BYTES_MAX):
            raise _bad_chunk()
        try:
            with self.path(sha256).open("rb") as file:
                file.seek(number * CHUNK_BYTES)
                return file.read(CHUNK_BYTES)
        except OSError as error:
            raise NotFound("blob.absent", N_("This file has not arrived at this machine yet.")) from error

    def put_chunk(self, sha256: bytes, size: int, number: int, data: bytes) -> bool:
        """Keep one chunk; return whether the blob is now whole. Raises Refused("blob.chunk") or Refused("blob.mismatch")."""
        count = chunk_count(size)
        expected = CHUNK_BYTES if number < count - 1 else size - (count - 1) * CHUNK_BYTES
        if not (0 <= number < count and len(data) == expected):
            raise _bad_chunk()
        if self.has(sha256):
            return True
        if count == 1:
            if hashlib.sha256(data).digest() != sha256:
                raise _mismatch()
            self._keep(sha256, data)
            return True
        folder = make_folder(self._partial / sha256.hex())
        try:
            write_durable(folder / str(number), data)
            if any(not (folder / str(chunk)).exists() for chunk in range(count)):
                return False
            self._assemble(sha256, size, folder, count)
        except FileNotFoundError:  # the same file came from somebody else too, who has just put it together
            if not self.has(sha256):
                raise
        return True

    def _assemble(self, sha256: bytes, size: int, folder: Path, count: int) -> None:
        digest = hashlib.sha256()
        whole = folder / f"whole.{secrets.token_hex(4)}"  # two senders of one file never write into each other's
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
        final = self.path(sha256)
        make_folder(final.parent)
        os.replace(whole, final)
        sync_folder(final.parent)
        self._record(sha256, size)
        shutil.rmtree(folder, ignore_errors=True)  # if we crash before this, the next start of the blob finds it whole

    def _record(self, sha256: bytes, size: int) -> None:
        values = (sha256, size, self._clock.now())
        fetch(self._database, "INSERT OR IGNORE INTO blob (sha256, size, stored_ms) VALUES (?, ?, ?)", values)
        fetch(self._database, "DELETE FROM pruned WHERE sha256 = ?", (sha256,))
        fetch(self._database, "DELETE FROM damaged WHERE sha256 = ?", (sha256,))


def _mismatch() -> Refused:
    return Refused("blob.mismatch", N_("A file does not match its name: it was changed on the way. It is sent again."))


def _bad_chunk() -> Refused:
    return Refused("blob.chunk", N_("A piece of a file does not have the size it must have."))
