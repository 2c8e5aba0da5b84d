"""Whether a machine has everything the centre had for it: the marker without which nothing counts as complete (PROTOCOL 8.7).

A new machine, and one that takes over a court, is filled through its feed: each part is one transaction with its cursor, so
that a cut costs one part and a restart goes on. The marker is set by the part that leaves nothing, in its transaction.
"""

from common.db import Database, IntegerField, Table, create_tables, fetch


class FillingRow(Table):
    """``complete_ms``: when the first filling ended, 0 before that; ``more``: 1 while the centre has said that more is to come."""

    id = IntegerField(primary_key=True)
    complete_ms = IntegerField()
    more = IntegerField()

    class Meta:
        table_name = "filling"


def create(database: Database, now: int) -> None:
    """Create the marker; a machine that was filled by an earlier release counts as complete."""
    create_tables(database, [FillingRow])
    statement = "INSERT OR IGNORE INTO filling (id, complete_ms, more) SELECT 1, CASE WHEN everyone > 0 THEN ? ELSE 0 END, 0 FROM sync"
    fetch(database, statement, (now,))


def note(database: Database, *, more: bool, now: int) -> None:
    """Note a downlink, inside its transaction; one that changes nothing here writes nothing."""
    if more:
        fetch(database, "UPDATE filling SET more = 1 WHERE more = 0")
    else:
        fetch(database, "UPDATE filling SET more = 0, complete_ms = MAX(complete_ms, ?) WHERE more = 1 OR complete_ms = 0", (now,))


def is_filling(database: Database) -> bool:
    """Return whether what this machine holds may still lack something that the centre had for it."""
    return not fetch(database, "SELECT 1 FROM filling WHERE complete_ms > 0 AND more = 0")
