"""Blobs: whole files named by their SHA-256 (PROTOCOL 7); what they become whole of are `sync.pieces`.

They lie in a store of immutable objects (`sync.objects`): the machine's own folder, unless somebody gives another one.

A disk rots: a blob that no longer hashes to its name is given to nobody, counts as missing, and comes again (PROTOCOL 7.6).
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import IO

from common.clock import Clock
from common.db import Database, fetch, transaction
from common.errors import N_, Corrupt, CourtError, NotFound, Unreachable
from common.files import Opener
from sync.objects import Folder, Objects
from sync.pieces import BLOB_BYTES_MAX, CHUNK_BYTES, COPY_BYTES, Pieces, bad_chunk, chunk_count
from sync.tables import has_blob

LOOKED_AT = 3
"""Blobs that a store is asked for before it is believed to be the right one."""

logger = logging.getLogger(__name__)


class BlobStore:
    """The blobs of one machine: pieces under way in ``folder``, whole ones in ``objects``, by default in the same folder."""

    def __init__(self, folder: Path, database: Database, clock: Clock, objects: Objects | None = None) -> None:
        self._objects = objects or Folder(folder)
        self.pieces = Pieces(folder / "partial", self)
        self._database = database
        self._clock = clock
        self.recall: Callable[[bytes, int], object] | None = None
        """Gets a file back that was let go of: (SHA-256, size); raises what the line raises."""

    def has(self, sha256: bytes) -> bool:
        """Return whether the blob is here, whole and verified."""
        return has_blob(self._database, sha256)

    def at_hand(self, sha256: bytes) -> bool:
        """Return whether `read` may give the blob: it is here, or was let go of and comes back when there is a line."""
        return self.has(sha256) or self._pruned_size(sha256) is not None

    def read(self, sha256: bytes) -> bytes:
        """Return the blob; raises NotFound("blob.absent"/"blob.pruned"), Unreachable("store.down") of a store elsewhere, or
        Corrupt("blob.rot") when its bytes no longer hash to its name.

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
        with self.open(sha256) as file:
            data = file.read()
        if hashlib.sha256(data).digest() != sha256:
            raise Corrupt("blob.rot", N_("A stored file is damaged. It is fetched again with the next exchange."))
        return data

    def is_whole(self, sha256: bytes) -> bool:
        """Return whether the blob still hashes to its name; nothing is written. Raises Unreachable("store.down")."""
        try:
            with self.open(sha256) as file:
                return _digest(file) == sha256
        except (NotFound, OSError):
            return False

    def vouch(self, sha256: bytes) -> bool:
        """Return whether the blob may be given to somebody: it is read whole, and one that is damaged is here no longer."""
        if self.is_whole(sha256):
            return True
        if self.has(sha256):
            self._disown(sha256)
        return False

    def _disown(self, sha256: bytes) -> int:
        """Count a damaged blob as missing, where an entry names it; return its size. What is left of its file is written over when
        it comes again."""
        with transaction(self._database):
            [(size,)] = fetch(self._database, "DELETE FROM blob WHERE sha256 = ? RETURNING size", (sha256,))
            # a use case that fell after it had stored its files leaves some that nobody names: those are simply gone
            statement = """INSERT INTO damaged (sha256, size, found_ms)
                           SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM blob_ref WHERE sha256 = ?1)
                           ON CONFLICT (sha256) DO UPDATE SET size = ?2, found_ms = ?3"""
            fetch(self._database, statement, (sha256, size, self._clock.now()))
        return int(size)

    def open(self, sha256: bytes) -> AbstractContextManager[IO[bytes]]:
        """Open the blob as it is stored, not verified; raises NotFound("blob.absent") or Unreachable("store.down")."""
        return self._objects.open(_name(sha256))

    def size(self, sha256: bytes) -> int:
        """Return how many bytes are stored; raises NotFound("blob.absent") or Unreachable("store.down")."""
        with self.open(sha256) as file:
            return file.seek(0, os.SEEK_END)

    def opener(self, sha256: bytes) -> Opener | None:
        """Return what opens a blob that is here, or None."""
        return (lambda: self.open(sha256)) if self.has(sha256) else None

    def check_store(self) -> None:
        """Look at the store of whole blobs: raises Unreachable("store.down") where it does not answer now, and
        Corrupt("store.stranger") where none of the newest blobs is in it: every one of them would count as damaged there."""
        self._objects.check()
        newest = fetch(self._database, "SELECT sha256 FROM blob ORDER BY stored_ms DESC LIMIT ?", (LOOKED_AT,))
        if newest and not any(self._lies(sha256) for (sha256,) in newest):
            raise Corrupt("store.stranger", N_("The store of files holds none of this machine's files. Correct its address."))

    def _lies(self, sha256: bytes) -> bool:
        try:
            self.size(sha256)
        except NotFound:
            return False
        return True

    def bury(self) -> int:
        """Remove the files that a court's order took away, and their traces in the database's own log; return how many.

        What a store elsewhere does not remove now stays marked, and the next call tries again.
        """
        doomed = fetch(self._database, "SELECT sha256 FROM doomed")
        for (sha256,) in doomed:
            if not self.has(sha256):  # else somebody has attached the same file anew
                try:
                    self._objects.remove(_name(sha256))
                except Unreachable as error:
                    logger.error("a file that is to be erased is still there: %s", error.code)
                    return 0
                self.pieces.drop(sha256)
            fetch(self._database, "DELETE FROM doomed WHERE sha256 = ?", (sha256,))
        if doomed:
            self._database.scrub()
        return len(doomed)

    def prune(self, sha256: bytes, size: int) -> None:
        """Let go of a blob; if we crash between the two steps its file stays and nothing is wrong."""
        with transaction(self._database):
            fetch(self._database, "DELETE FROM blob WHERE sha256 = ?", (sha256,))
            values = (sha256, size, self._clock.now())
            statement = """INSERT INTO pruned (sha256, size, pruned_ms) VALUES (?1, ?2, ?3)
                           ON CONFLICT (sha256) DO UPDATE SET size = ?2, pruned_ms = ?3"""
            fetch(self._database, statement, values)
        self._objects.remove(_name(sha256))

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
        """Store ``data`` durably and return its SHA-256; may be called inside a transaction or outside one.

        Raises OSError of a full disk, Unreachable("store.down") of a store elsewhere: nothing is recorded then.
        """
        sha256 = hashlib.sha256(data).digest()
        if not self.has(sha256):
            self.keep(sha256, data)
        return sha256

    def put_file(self, file: IO[bytes]) -> tuple[bytes, int]:
        """Store a file of any size durably, read piece by piece and twice; return (SHA-256, size). Raises as `put`."""
        file.seek(0)
        digest, size = hashlib.sha256(), 0
        while piece := file.read(COPY_BYTES):
            digest.update(piece)
            size += len(piece)
        sha256 = digest.digest()
        if not self.has(sha256):
            with self.pieces.room(sha256) as whole:
                file.seek(0)
                with whole.open("wb") as target:
                    shutil.copyfileobj(file, target, COPY_BYTES)
                    target.flush()
                    os.fsync(target.fileno())
                self.take(sha256, size, whole)
            self.pieces.drop(sha256)
        return sha256, size

    def keep(self, sha256: bytes, data: bytes) -> None:
        """Keep ``data``, which hashes to ``sha256``; raises as `put`."""
        self._objects.write(_name(sha256), data)
        self._record(sha256, len(data))

    def take(self, sha256: bytes, size: int, file: Path) -> None:
        """Keep the content of ``file``, which is synced and hashes to ``sha256``; raises as `put`."""
        self._objects.take(_name(sha256), file)
        self._record(sha256, size)

    def adopt(self, sha256: bytes, size: int) -> bool:
        """Return whether the file lay here whole although the database, older than the folder, did not know; now it does."""
        try:
            with self.open(sha256) as file:
                whole = _digest(file) == sha256 and file.tell() == size
        except (NotFound, OSError):
            return False
        if not whole:
            return False
        self._record(sha256, size)
        return True

    def chunk(self, sha256: bytes, number: int) -> bytes:
        """Return one chunk of a blob; raises NotFound("blob.absent"), Refused("blob.chunk") or Unreachable("store.down")."""
        if not 0 <= number < chunk_count(BLOB_BYTES_MAX):
            raise bad_chunk()
        return self._objects.piece(_name(sha256), number * CHUNK_BYTES, CHUNK_BYTES)

    def _record(self, sha256: bytes, size: int) -> None:
        # who is told that a file is whole never sends it again: durable before the answer, like the file
        with nullcontext() if self._database.in_transaction() else transaction(self._database):
            values = (sha256, size, self._clock.now())
            fetch(self._database, "INSERT INTO blob (sha256, size, stored_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)
            for table in ("pruned", "requested", "damaged"):
                fetch(self._database, f"DELETE FROM {table} WHERE sha256 = ?", (sha256,))


def _digest(file: IO[bytes]) -> bytes:
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]  # what opens has readinto; IO does not say so


def _name(sha256: bytes) -> str:
    """Return under which name a blob lies: folders of some hundred files list faster than one of a million."""
    return f"{sha256.hex()[:2]}/{sha256.hex()}"
