"""Between which words of the register an entry came to be (PROTOCOL 9.5): not before the newest head that its author names, not
after the first one that contains it.

The centre keeps when it signed each head. A machine knows the centre's own entries, which stand in the log with their times:
the last one below the named head, the first one after the entry; and when it learned of R1, by its own clock.
"""

from dataclasses import dataclass

from common.db import Database, fetch, has_table
from sync import lineage
from sync.entry import stored_envelope
from sync.identity import CENTRE_NODE
from sync.receipts import ladder_of
from sync.tables import entry_at


@dataclass(frozen=True, slots=True)
class Bounds:
    """``head``: entries of the newest head that the author names, 0 for none; times in ms UTC, None where nothing is known.

    ``own_clock``: the end is when this machine learned of R1, by its own clock, and nothing else says it yet.
    """

    head: int = 0
    after_ms: int | None = None
    before_ms: int | None = None
    own_clock: bool = False


def bounds_of(database: Database, leaf: bytes) -> Bounds:
    """Return the bounds of the entry ``leaf``, as far as this database tells."""
    found = entry_at(database, leaf)
    if found is None:
        return Bounds()
    entry, index = found
    # of a log that ended since, no more counts than the present one continues
    head = lineage.earlier_size(database, entry.envelope.time, entry.envelope.beacon)
    return _by_heads(database, head, index) if has_table(database, "checkpoint") else _by_entries(database, leaf, head, index)


def _by_heads(database: Database, head: int, index: int | None) -> Bounds:
    after = fetch(database, "SELECT made_ms FROM checkpoint WHERE size <= ? ORDER BY size DESC LIMIT 1", (head,))
    first = "SELECT made_ms FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1"
    before = fetch(database, first, (index,)) if index is not None else []
    return Bounds(head, after[0][0] if after and head else None, before[0][0] if before else None)


def _by_entries(database: Database, leaf: bytes, head: int, index: int | None) -> Bounds:
    after = _centre_time(database, "log_index < ? ORDER BY log_index DESC", head) if head else None
    follows = _centre_time(database, "log_index > ? ORDER BY log_index", index) if index is not None else None
    known = all(has_table(database, name) for name in ("logged", "admitted_here"))  # a container brings entries alone
    logged = ladder_of(database, leaf).logged_ms if known and index is not None else None
    before = min((moment for moment in (follows, logged) if moment is not None), default=None)
    return Bounds(head, after, before, own_clock=before is not None and before != follows)


def _centre_time(database: Database, where: str, index: int) -> int | None:
    rows = fetch(database, f"SELECT envelope FROM entry WHERE node = {CENTRE_NODE} AND {where} LIMIT 1", (index,))
    return stored_envelope(rows[0][0]).time if rows else None
