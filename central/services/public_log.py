"""The public log as objects in a store: the tiles, the entries below them and the newest head, as C2SP tlog-tiles lays them out.

Whoever watches the register reads them there without asking the centre, and they outlive it: what was published once is held
against the register before anything is added, so a centre that was set back finds it out by itself and publishes nothing
(PROTOCOL 10.5). The database stays what the log is: a leaf and its entry are one transaction there. Tiles are written before the
head that covers them, so a reader never sees a head without its tiles, and a crash in between is mended by the next round.
"""

import logging
from collections.abc import Iterator
from typing import Final

from central.centre import Centre
from central.services.log import entry_bundle
from common.errors import N_, Corrupt, CourtError, NotFound
from sync import lineage, log
from sync.checkpoint import NOTE_BYTES_MAX, Checkpoint
from sync.fsck import Finding
from sync.log import TILE_HEIGHT, TILE_WIDTH, TilePath
from sync.objects import Objects

HEAD: Final = "checkpoint"
ENTRIES: Final = "tile/entries/"

logger = logging.getLogger(__name__)


def round(centre: Centre, store: Objects) -> None:
    """Publish what is new and note on the centre what keeps it from being published; raises nothing of ours."""
    try:
        publish(centre, store)
        centre.public_trouble = ""
    except CourtError as error:
        logger.error("public log: %s", error.code)
        centre.public_trouble = error.code


def publish(centre: Centre, store: Objects) -> int:
    """Write the tiles between the published head and the register's, then its head; return the new size.

    Raises Corrupt("log.ahead"/"log.fork") where the store tells of a longer or another register, with nothing written, and
    Unreachable("store.down").
    """
    size, note = centre.register.checkpoint()
    before, ended = published(centre, store)
    if before and ended is not None:  # of a log before: what it said above its end is not of the present one
        before = Checkpoint(before.origin, ended, log.root(centre.database, ended)) if before.size > ended else before
    if before and before.size > size:
        raise Corrupt("log.ahead", N_("The public log is longer than this register: the centre was set back to an older state."))
    if before and log.root(centre.database, before.size) != before.root:
        raise Corrupt("log.fork", N_("The public log is another register's. Nothing is published; call the administrator."))
    if before is None or before.size < size or ended is not None:
        for name, data in _objects(centre, before.size if before else 0, size):
            store.write(name, data)
        store.write(HEAD, note)
    return size


def published(centre: Centre, store: Objects) -> tuple[Checkpoint | None, int | None]:
    """Return the head in the store, verified, or None, and where its log ended (None for the present one).

    Raises Refused("checkpoint.…") for one that is not this register's.
    """
    try:
        with store.open(HEAD) as file:
            note = file.read(NOTE_BYTES_MAX + 1)
    except NotFound:
        return None, None
    head, signer = lineage.read_note(note, lineage.logs(centre.database, centre.identity.pin))
    return head, signer.until


def check(centre: Centre, store: Objects) -> Iterator[Finding]:
    """Read everything published and compare; yield what is not what the register says."""
    head, ended = published(centre, store)
    if ended is not None:
        return  # it waits for the next head: that of the present log
    for name, data in _objects(centre, 0, head.size) if head else ():
        try:
            with store.open(name) as file:
                same = file.read(len(data) + 1) == data
        except NotFound:
            same = False
        if not same:
            yield Finding("fsck.public_tile", name)


def _objects(centre: Centre, old: int, new: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of the tiles that a reader of size ``new`` needs and a reader of size ``old`` did not."""
    for level in range(log.LEVELS):
        first, end = old >> TILE_HEIGHT * level, new >> TILE_HEIGHT * level
        for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH) if end > first else 0):
            place = TilePath(level, index, min(TILE_WIDTH, end - index * TILE_WIDTH))  # tiles only grow: the register may go on meanwhile
            yield str(place), log.tile_bytes(centre.database, level, index, place.width)
            if level == 0:
                yield str(place).replace("tile/0/", ENTRIES, 1), entry_bundle(centre, place)
