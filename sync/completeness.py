"""R2 at the centre: which entries have all their files here, and the statements that say so (PROTOCOL 9.3, 9.12).

An entry is noted once, in the transaction that makes it complete; a statement is signed when it is asked for: one for many entries,
or one each for machines that know no other.
"""

from common.db import AutoField, BlobField, Database, IntegerField, Table, fetch, transaction
from common.facts import encode_body
from sync.identity import Identity
from sync.receipts import COMPLETE_TYPE, COMPLETES_TYPE, RUNS_MAX, Complete, Completes, runs_of

AT_ONCE = 5_000
"""Entries about which one answer says something."""
WITH_BUNDLE = 200
"""A bundle of so many entries gets their R2 with its acknowledgement; of a larger one they are noted when it is folded."""
WAITING_MAX = 1_000
"""Entries that one file completes at once: nobody waits long for the database. Whoever asks again gets more."""


class CompleteRow(Table):
    """An entry whose every file is verified at the centre. ``statement``: R2 as earlier releases signed it, one each; else empty."""

    position = AutoField()
    node = IntegerField(index=True)
    leaf = BlobField(unique=True)
    statement = BlobField()

    class Meta:
        table_name = "complete"


_NOTE = """INSERT INTO complete (node, leaf, statement) SELECT e.node, e.leaf, ? FROM entry e WHERE {}
           AND EXISTS (SELECT 1 FROM blob_ref r WHERE r.leaf = e.leaf)
           AND NOT EXISTS (SELECT 1 FROM blob_ref r LEFT JOIN blob b ON b.sha256 = r.sha256 WHERE r.leaf = e.leaf AND b.sha256 IS NULL)
           ORDER BY e.log_index ON CONFLICT (leaf) DO NOTHING"""
NOTE_LOGGED = _NOTE.format("e.log_index >= ? AND e.log_index < ?")
WAITING = "SELECT r.leaf FROM blob_ref r LEFT JOIN complete c ON c.leaf = r.leaf WHERE r.sha256 = ? AND c.leaf IS NULL LIMIT ?"
NOTE_WAITING = _NOTE.format(f"e.log_index IS NOT NULL AND e.leaf IN ({WAITING})")


def note_logged(database: Database, first: int, end: int) -> None:
    """Note the entries with first ≤ log index < end whose files are all here, inside the caller's transaction."""
    fetch(database, NOTE_LOGGED, (b"", first, end))


def note_waiting(database: Database, sha256: bytes) -> None:
    """Note the logged entries that were waiting for this blob alone."""
    if fetch(database, WAITING, (sha256, 1)):
        with transaction(database):
            fetch(database, NOTE_WAITING, (b"", sha256, WAITING_MAX))


def after(database: Database, who: Identity, node: int, position: int, now: int, *, runs: bool) -> tuple[list[bytes], int]:
    """Return R2 of the entries of ``node`` that were noted after ``position``, for many at once with ``runs``, and the new cursor."""
    statement = """SELECT c.position, c.leaf, c.statement, e.log_index FROM complete c JOIN entry e ON e.leaf = c.leaf
                   WHERE c.node = ? AND c.position > ? ORDER BY c.position LIMIT ?"""
    rows = fetch(database, statement, (node, position, AT_ONCE))
    if runs:
        return _sign_runs([row[3] for row in rows], who, now), (rows[-1][0] if rows else position)
    said = [signed or _sign_one(leaf, index, who, now) for _, leaf, signed, index in rows]
    return said, (rows[-1][0] if rows else position)


def of_entry(database: Database, who: Identity, leaf: bytes, now: int) -> bytes | None:
    """Return R2 of one entry, None while a file of it is missing."""
    rows = fetch(database, "SELECT c.statement, e.log_index FROM complete c JOIN entry e ON e.leaf = c.leaf WHERE c.leaf = ?", (leaf,))
    return rows[0][0] or _sign_one(leaf, rows[0][1], who, now) if rows else None


def with_bundle(database: Database, who: Identity, node: int, first: int, end: int, now: int) -> tuple[list[bytes], int, int]:
    """Return R2 of a bundle's entries first ≤ log index < end, the cursor they follow and the one they lead to; nothing of a large
    bundle, of one that has none, and where another entry of the machine became complete in between."""
    if end - first > WITH_BUNDLE:
        return [], 0, 0
    statement = """SELECT c.position, e.log_index FROM entry e JOIN complete c ON c.leaf = e.leaf
                   WHERE e.log_index >= ? AND e.log_index < ? ORDER BY c.position"""
    rows = fetch(database, statement, (first, end))
    if not rows:
        return [], 0, 0
    low, high = rows[0][0], rows[-1][0]
    between = "SELECT COUNT(*), (SELECT COALESCE(MAX(position), 0) FROM complete WHERE node = ? AND position < ?) FROM complete"
    [(count, before)] = fetch(database, f"{between} WHERE node = ? AND position BETWEEN ? AND ?", (node, low, node, low, high))
    return (_sign_runs([index for _, index in rows], who, now), before, high) if count == len(rows) else ([], 0, 0)


def _sign_one(leaf: bytes, index: int, who: Identity, now: int) -> bytes:
    return who.sign_message(encode_body(Complete(leaf=leaf, index=index, at=now)), COMPLETE_TYPE)


def _sign_runs(indexes: list[int], who: Identity, now: int) -> list[bytes]:
    runs = runs_of(indexes)
    parts = [runs[at : at + RUNS_MAX] for at in range(0, len(runs), RUNS_MAX)]
    return [who.sign_message(encode_body(Completes(runs=part, at=now)), COMPLETES_TYPE) for part in parts]
