"""The log's storage: the tiles of C2SP tlog-tiles (https://c2sp.org/tlog-tiles) in one SQLite table.

* A tile holds up to 256 hashes of 32 bytes. At level 0 they are leaf hashes; at level n each is the root of a full tile of level n - 1.
* Tiles only grow: triggers refuse to shorten, change or delete one. What is written is what is served.
* `append` runs inside the caller's transaction, so a leaf and the entry it stands for are logged together or not at all.
* Nothing here knows entries, keys or time. Sizes count leaves.

    with transaction(database):
        first, new_size = append(database, [leaf_hash(leaf) for leaf in leaves])
    proof = inclusion_proof(first, new_size, reader(database))
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import peewee

from common.db import BlobField, CompositeKey, Database, Guard, IntegerField, Table, create_tables, each, fetch, insert, snapshot
from common.errors import N_, Corrupt, NotFound, Refused
from sync.merkle import HASH_BYTES, SIZE_MAX, HashReader, root_of_hashes, tree_root

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
LEVELS = 8
"""Levels that a tree of SIZE_MAX leaves has."""
LEVEL_MAX = 63
"""The highest level a path may name."""
INDEX_MAX = SIZE_MAX >> TILE_HEIGHT

PATH = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(Table):
    """Up to 256 hashes side by side; ``idx`` counts the tiles of a level from 0."""

    level = IntegerField()
    idx = IntegerField()
    hashes = BlobField()

    class Meta:
        primary_key = CompositeKey("level", "idx")
        constraints = [peewee.Check(f"length(hashes) BETWEEN {HASH_BYTES} AND {TILE_BYTES} AND length(hashes) % {HASH_BYTES} = 0")]


GUARDS = (
    Guard(
        "tile_only_grows",
        "tile",
        "UPDATE",
        "tiles only grow",
        """NEW.level <> OLD.level OR NEW.idx <> OLD.idx OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes""",
    ),
    Guard("tile_stays", "tile", "DELETE", "tiles only grow"),
)


# Written out because they run for every leaf and every hash of a proof: building them anew costs more than running them.
LAST_WIDTH = "SELECT idx, length(hashes) FROM tile WHERE level = 0 ORDER BY idx DESC LIMIT 1"
LEVEL_TILES = "SELECT idx, hashes FROM tile WHERE level = ? ORDER BY idx"
READ_TILE = "SELECT hashes FROM tile WHERE level = ? AND idx = ?"
GROW_TILE = "UPDATE tile SET hashes = ? WHERE level = ? AND idx = ?"


def create_log(database: Database) -> None:
    """Create the table and its guards where they are missing."""
    create_tables(database, [Tile], more=GUARDS)


def size(database: Database) -> int:
    """Return how many leaves the log has."""
    found = fetch(database, LAST_WIDTH)
    return found[0][0] * TILE_WIDTH + found[0][1] // HASH_BYTES if found else 0


def append(database: Database, leaf_hashes: Sequence[bytes]) -> tuple[int, int]:
    """Add leaf hashes at the end; return (index of the first of them, new size). The caller holds the write transaction.

    Raises Corrupt("log.broken") where the stored tiles contradict each other; then nothing of the transaction may be kept.
    """
    assert database.in_transaction(), "a log entry and its leaf are one transaction"
    assert all(len(value) == HASH_BYTES for value in leaf_hashes), "leaf hashes have 32 bytes"
    first = size(database)
    start, fresh = first, b"".join(leaf_hashes)
    level = 0
    while fresh:
        fresh = _extend(database, level, start, fresh)
        start, level = start // TILE_WIDTH, level + 1
    return first, first + len(leaf_hashes)


def root(database: Database, size: int | None = None) -> bytes:
    """Return the root of the first ``size`` leaves, of all by default; raises Refused("proof.size") where the log is shorter."""
    read = Reader(database)
    return tree_root(read.size if size is None else size, read)


def reader(database: Database) -> HashReader:
    """Return a reader of the log as it is now, which remembers the tiles it read: make one per use case.

    It raises Refused("proof.size") for hashes beyond the log and Corrupt("log.broken") for missing ones within it.
    """
    return Reader(database)


class Reader:
    """The `HashReader` of a stored log."""

    def __init__(self, database: Database) -> None:
        self.size = size(database)
        self._database = database
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        if not 0 <= (index + 1) << level <= self.size:
            raise Refused("proof.size", N_("The register is not that long yet. Ask again later."))
        return self._node(level, index)

    def _node(self, level: int, index: int) -> bytes:
        known = self._nodes.get((level, index))
        if known is None:
            stored, inner = divmod(level, TILE_HEIGHT)
            known = self._nodes[level, index] = root_of_hashes(self._stored(stored, index << inner, 1 << inner))
        return known

    def _stored(self, level: int, start: int, count: int) -> list[bytes]:
        place = level, start // TILE_WIDTH
        tile = self._tiles.get(place)
        if tile is None:
            tile = self._tiles[place] = _read_tile(self._database, *place)
        at = start % TILE_WIDTH * HASH_BYTES
        found = _split(tile[at : at + count * HASH_BYTES])
        if len(found) != count:
            raise _broken()
        return found


@dataclass(frozen=True, slots=True)
class TilePath:
    """A tile by its place; a width below 256 asks for the beginning of it."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*("x" + part for part in parts[:-1]), parts[-1]])
        return f"tile/{self.level}/{number}" + ("" if self.width == TILE_WIDTH else f".p/{self.width}")


def read_tile_path(path: str) -> TilePath:
    """Parse ``tile/<L>/<N>[.p/<W>]`` without a leading slash; raises Refused("log.tile_path") for any but the one spelling of a tile."""
    found = PATH.fullmatch(path)
    if found:
        level, number, width = found.groups()
        place = TilePath(int(level), int(number.replace("x", "").replace("/", "")), int(width or TILE_WIDTH))
        if str(place) == path and place.level <= LEVEL_MAX and place.index <= INDEX_MAX and place.width <= TILE_WIDTH:
            return place
    raise Refused("log.tile_path", N_("There is no such part of the register."))


def tile_bytes(database: Database, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
    """Return the first ``width`` hashes of a tile, joined; raises NotFound("log.tile") where the log has not that many there."""
    if 0 <= level <= LEVEL_MAX and 0 <= index <= INDEX_MAX and 0 < width <= TILE_WIDTH:
        found = _read_tile(database, level, index)[: width * HASH_BYTES]
        if len(found) == width * HASH_BYTES:
            return found
    raise NotFound("log.tile", N_("There is no such part of the register."))


def audit(database: Database, leaf_hashes: Iterable[bytes] | None = None) -> tuple[int, bytes]:
    """Read all tiles again and recompute every hash from the leaves up; return (size, root) of what is really stored.

    ``leaf_hashes``, made again from the stored entries in log order, are compared with the lowest tiles. Raises
    Corrupt("log.broken") at the first difference: sign nothing then (fault 42). Memory: the hashes one level up, 1/256 of the log.
    """
    total = size(database)
    expected, found = total, _leaf_rows(database) if leaf_hashes is None else iter(leaf_hashes)
    with snapshot(database):
        for level in range(LEVELS):
            roots = _audit_level(database, level, expected, found)
            expected, found = len(roots), iter(roots)
    return total, root(database, total)


def _audit_level(database: Database, level: int, expected: int, hashes: Iterator[bytes]) -> list[bytes]:
    """Compare all tiles of a level with the ``expected`` hashes it should hold; return the roots of the full ones."""
    roots, left = [], expected
    with each(database, LEVEL_TILES, (level,)) as tiles:
        for place, (index, stored) in enumerate(tiles):
            row = _split(stored)
            if index != place or len(row) != min(TILE_WIDTH, left) or any(value != next(hashes, None) for value in row):
                raise _broken()
            left -= len(row)
            if len(row) == TILE_WIDTH:
                roots.append(root_of_hashes(row))
    if left or next(hashes, None) is not None:
        raise _broken()
    return roots


def _leaf_rows(database: Database) -> Iterator[bytes]:
    with each(database, LEVEL_TILES, (0,)) as tiles:
        for _, stored in tiles:
            yield from _split(stored)


def _extend(database: Database, level: int, start: int, fresh: bytes) -> bytes:
    """Write hashes into a level from position ``start`` on; return the roots of the tiles that became full."""
    index, width = divmod(start, TILE_WIDTH)
    stored = _read_tile(database, level, index)
    if len(stored) != width * HASH_BYTES:
        raise _broken()
    data = stored + fresh
    tiles = [data[at : at + TILE_BYTES] for at in range(0, len(data), TILE_BYTES)]
    if stored:
        fetch(database, GROW_TILE, (tiles[0], level, index))
    insert(database, Tile, [{"level": level, "idx": index + at, "hashes": tiles[at]} for at in range(bool(stored), len(tiles))])
    return b"".join(root_of_hashes(_split(tile)) for tile in tiles if len(tile) == TILE_BYTES)


def _read_tile(database: Database, level: int, index: int) -> bytes:
    found = fetch(database, READ_TILE, (level, index))
    return found[0][0] if found else b""


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def _broken() -> Corrupt:
    return Corrupt("log.broken", N_("The register's log contradicts itself. Nothing more is signed; call the administrator."))
