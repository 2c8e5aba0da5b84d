"""Recordings: large files that come only where somebody asks for them, and never stand in anybody's way (PROTOCOL 7.10 to 7.14).

A file is a recording where the entries that name it call it `audio/…` or `video/…`, and no entry calls it anything else. Up it goes
after all other files; down it comes when it was requested at this machine, after all other files too. An exchange gives
recordings one turn and ends, so that a filing that was sent meanwhile waits for no film.
"""

from collections.abc import Callable, Iterator
from typing import Final

from common.clock import Clock
from common.db import Database, fetch, transaction
from common.errors import N_, NotFound
from sync.blobs import BlobStore
from sync.pieces import CHUNK_BYTES, chunk_count, is_set

KINDS: Final = ("audio/", "video/")
TURN_MS: Final = 60_000
"""Of one exchange, each way: what was sent by then is kept, and the next exchange goes on."""

ROOM_BYTES: Final = 1 << 30
"""What one that comes here must leave of the disk: with half of it a machine takes no papers any more."""

Step = Callable[[], None]


def is_recording(media: str) -> bool:
    """Return whether a file of this media type is a recording."""
    return media.startswith(KINDS)


def is_one(database: Database, sha256: bytes) -> bool:
    """Return whether every entry here that names the file calls it a recording."""
    named = fetch(database, "SELECT DISTINCT media FROM blob_ref WHERE sha256 = ?", (sha256,))
    return bool(named) and all(is_recording(media) for (media,) in named)


class Turn:
    """The time that one exchange has for recordings, one way; the first step is always taken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = clock.monotonic() + TURN_MS
        self._begun = False
        self.over = False
        """Whether something had to be left for the next exchange."""

    def goes_on(self) -> bool:
        """Return whether there is time for one more step."""
        self.over = self._begun and self._clock.monotonic() > self._until
        self._begun = True
        return not self.over

    def of(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Yield ``steps`` while there is time."""
        while self.goes_on() and (step := next(steps, None)) is not None:
            yield step


def request(database: Database, sha256: bytes, *, now: int) -> None:
    """Have the next exchanges, or the next stick, bring a file here; asking again changes nothing.

    Raises NotFound("blob.absent") for a file that no entry here names.
    """
    with transaction(database):
        if not fetch(database, "SELECT 1 FROM blob_ref WHERE sha256 = ? LIMIT 1", (sha256,)):
            raise NotFound("blob.absent", N_("This file has not arrived at this machine yet."))
        if fetch(database, "SELECT 1 FROM blob WHERE sha256 = ?", (sha256,)):
            return
        fetch(database, "INSERT INTO requested (sha256, at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING", (sha256, now))
        fetch(database, "DELETE FROM pruned WHERE sha256 = ?", (sha256,))  # wanted again


def is_under_way(database: Database, sha256: bytes) -> bool:
    """Return whether a recording is to come by itself: somebody asked for it, or it was here and got damaged."""
    return bool(fetch(database, "SELECT 1 FROM requested WHERE sha256 = ?1 UNION ALL SELECT 1 FROM damaged WHERE sha256 = ?1", (sha256,)))


def fits(blobs: BlobStore, sha256: bytes, size: int) -> bool:
    """Return whether the disk has room for what is missing of a recording, and for the whole beside its pieces."""
    have = blobs.pieces.bitmap(sha256, size)
    missing = sum(not is_set(have, chunk) for chunk in range(chunk_count(size))) * CHUNK_BYTES
    return blobs.pieces.free_bytes() >= missing + size + ROOM_BYTES


def percent(blobs: BlobStore, sha256: bytes, size: int) -> int:
    """Return how much of a file on the way is here, 0 to 99."""
    count, have = chunk_count(size), blobs.pieces.bitmap(sha256, size)
    return sum(is_set(have, chunk) for chunk in range(count)) * 99 // max(1, count)
