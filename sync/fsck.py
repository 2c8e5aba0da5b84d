"""Derive everything again and compare: the operator's command, and the oracle of every simulated run (invariant 3).

- entries: every leaf is what its bytes hash to; the own chain runs without a gap to the journal's head; a place of a
  machine's history has one entry in the register, and others by acts of admission alone;
- log: tiles are the tree of the stored entries (only where this machine keeps the log);
- objects: every row is what the fold of the object's entries gives, and there is no row of an object without entries;
- files: every stored blob hashes to its name.

Nothing is written: a finding names what is wrong by code, id and no content. `repair` lets come again what others hold:
a damaged file counts as missing, and rows are folded anew from the entries.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common.db import Database, each, fetch, has_table, rows_of, transaction
from common.errors import Corrupt, CourtError
from common.facts import Rows
from sync import admission, log, merkle
from sync.blobs import BlobStore
from sync.entry import chain_next, chain_start, leaf_of
from sync.fold import Fold, rows_hash

Progress = Callable[[str, int, int], None]

REPORT_EVERY = 500
ROWS, ROT = "fsck.rows", "blob.rot"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; ``place`` names the object, leaf or file in hex."""

    code: str
    place: str


def check(
    database: Database,
    fold: Fold,
    blobs: BlobStore | None = None,
    *,
    environment: bytes = b"",
    progress: Progress = lambda step, done, total: None,
) -> list[Finding]:
    """Return everything that is wrong; an empty list says that this machine's data are what its entries say.

    ``environment`` is given to check the own chain from its start.
    """
    found = [*_check_leaves(database, progress), *_check_chain(database, environment), *_check_places(database)]
    if has_table(database, "tile"):
        found += _check_log(database)
    found += _check_objects(database, fold, progress)
    if blobs is not None:
        found += _check_blobs(database, blobs, progress)
    return found


def _check_leaves(database: Database, progress: Progress) -> Iterator[Finding]:
    total = fetch(database, "SELECT COUNT(*) FROM entry")[0][0]
    with each(database, "SELECT leaf, envelope, salt, body, content_hash FROM entry") as rows:
        for place, (leaf, envelope, salt, body, content_hash) in enumerate(rows):
            if place % REPORT_EVERY == 0:
                progress("entries", place, total)
            if body is not None and hashlib.sha256(salt + body).digest() != content_hash:
                yield Finding("fsck.body", leaf.hex())
            if leaf_of(envelope, content_hash) != leaf:
                yield Finding("fsck.leaf", leaf.hex())


def _check_chain(database: Database, environment: bytes) -> Iterator[Finding]:
    node, last_epoch, last_seq, last_head = fetch(database, "SELECT node, epoch, seq, head FROM journal")[0]
    statement = "SELECT epoch, seq, leaf, chain FROM entry WHERE node = ? AND chain IS NOT NULL ORDER BY epoch, seq"
    epoch, seq, head = 0, 0, b""
    with each(database, statement, (node,)) as rows:
        for at, number, leaf, chain in rows:
            if at != epoch:
                epoch, seq, head = at, 0, chain_start(environment, node, at) if environment else b""
            expected = chain_next(head, leaf) if head else chain
            if number != seq + 1 or chain != expected:
                yield Finding("fsck.chain", leaf.hex())
            seq, head = number, chain
    if last_seq and (epoch, seq, head) != (last_epoch, last_seq, last_head):
        yield Finding("fsck.head", f"{last_epoch}-{last_seq}")


def _check_places(database: Database) -> Iterator[Finding]:
    """Of the logged entries in one place all but the first stand there because a person admitted them (PROTOCOL 2.20)."""
    statement = """SELECT leaf FROM (SELECT leaf, row_number() OVER (PARTITION BY node, epoch, seq ORDER BY log_index) AS place
                   FROM entry WHERE log_index IS NOT NULL) AS ranked WHERE place > 1"""
    for (leaf,) in fetch(database, statement):
        if not admission.is_admitted(database, leaf):
            yield Finding("fsck.place", leaf.hex())


def _check_log(database: Database) -> Iterator[Finding]:
    statement = "SELECT log_index, leaf FROM entry WHERE log_index IS NOT NULL ORDER BY log_index"
    logged = fetch(database, statement)
    if [index for index, _ in logged] != list(range(len(logged))):
        yield Finding("fsck.log_index", str(len(logged)))
        return
    try:
        size, _ = log.audit(database, [merkle.leaf_hash(leaf) for _, leaf in logged])
    except Corrupt as error:
        yield Finding(error.code, str(len(logged)))
        return
    if size != len(logged):
        yield Finding("fsck.log_size", f"{size} {len(logged)}")


def _check_objects(database: Database, fold: Fold, progress: Progress) -> Iterator[Finding]:
    objects = [obj for (obj,) in fetch(database, "SELECT DISTINCT obj FROM entry")]
    for place, obj in enumerate(objects):
        if place % REPORT_EVERY == 0:
            progress("objects", place, len(objects))
        try:
            subject, expected = fold.expected_rows(database, obj)
        except CourtError as error:
            yield Finding(error.code, obj.hex())
            continue
        if subject is not None:
            stored: Rows = {table: rows_of(database, table.select().where(table.obj == obj)) for table in subject.TABLES}
            if rows_hash(stored) != rows_hash({table: expected.get(table, ()) for table in subject.TABLES}):
                yield Finding(ROWS, obj.hex())
    for subject in fold.subjects:
        for table in subject.TABLES:
            name = table._meta.table_name
            strays = f'SELECT DISTINCT obj FROM "{name}" WHERE obj NOT IN (SELECT obj FROM entry)'
            for (obj,) in fetch(database, strays):
                yield Finding("fsck.stray_row", obj.hex())


def _check_blobs(database: Database, blobs: BlobStore, progress: Progress) -> Iterator[Finding]:
    stored = fetch(database, "SELECT sha256, size FROM blob")
    for place, (sha256, size) in enumerate(stored):
        if place % REPORT_EVERY == 0:
            progress("files", place, len(stored))
        if not blobs.is_whole(sha256):
            yield Finding(ROT, sha256.hex())
        elif blobs.size(sha256) != size:
            yield Finding("fsck.blob_size", sha256.hex())
    for (sha256,) in fetch(database, "SELECT sha256 FROM damaged"):
        yield Finding(ROT, sha256.hex())


def repair(database: Database, fold: Fold, blobs: BlobStore, found: list[Finding], now: int) -> int:
    """Mend what can be mended of ``found``; return how many findings that were. Damaged files come with the next exchanges."""
    objects = {bytes.fromhex(one.place) for one in found if one.code == ROWS}
    with transaction(database):
        fold.refold(database, sorted(objects), now)
    files = {bytes.fromhex(one.place) for one in found if one.code == ROT}
    for sha256 in files:
        blobs.vouch(sha256)
    return len(objects) + len(files)
