"""Notifications of one person at this node: a page of them, and which have been seen here (NOT-1, NOT-2).

What happened is read from the folds (`common.court.notifications`); what has been seen is local to this machine. Each one
is marked for itself, not by a date: what comes late with the exchange may be older than what was read before.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from common.court import notifications
from common.court.filing_lists import filings_by_talon
from common.court.notifications import Notification
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, create_tables, rows_of, transaction
from edge.node import Node

PAGE_ROWS = 20
UNREAD_MAX = 99
"""Counted no further: a page says «99+»."""


class SeenRow(Table):
    """One notification that a person has seen here. Local, never an entry."""

    person = TextField()
    obj = BlobField()
    kind = TextField()
    time_ms = IntegerField()

    class Meta:
        table_name = "notification_seen"
        primary_key = CompositeKey("person", "obj", "kind", "time_ms")


TABLES: tuple[type[Table], ...] = (SeenRow,)


@dataclass(frozen=True, slots=True)
class Row:
    """One notification; ``filing`` is the object to open, None where this node does not hold it; ``unread`` until seen here."""

    what: Notification
    filing: bytes | None
    unread: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first; ``older`` continues the list, empty at its end."""

    rows: tuple[Row, ...]
    older: str


def create(database: Database) -> None:
    """Create the local table; called when the application is put together."""
    create_tables(database, TABLES)


def page(node: Node, person: str, *, before: str | None = None, limit: int = PAGE_ROWS) -> Page:
    """Return a page of this person's notifications; raises Refused("notifications.place") for a place nobody was given."""
    found = notifications.notifications(node.database, person, limit=limit + 1, before=before)
    shown = found[:limit]
    seen = _seen(node, person, shown)
    rows = tuple(Row(each, _filing_of(node, person, each), _mark(each) not in seen) for each in shown)
    return Page(rows, shown[-1].place if len(found) > limit else "")


def note_seen(node: Node, person: str, rows: Iterable[Row]) -> None:
    """Mark ``rows`` as seen here; writes nothing when there is nothing new."""
    new = [row.what for row in rows if row.unread]
    if not new:
        return
    with transaction(node.database):
        for each in new:
            obj, kind, time_ms = _mark(each)
            SeenRow.insert(person=person, obj=obj, kind=kind, time_ms=time_ms).on_conflict_ignore().execute(node.database)


def unread(node: Node, person: str) -> int:
    """Return how many of the newest notifications were not seen here, at most UNREAD_MAX + 1."""
    found = notifications.notifications(node.database, person, limit=UNREAD_MAX + 1)
    seen = _seen(node, person, found)
    return sum(_mark(each) not in seen for each in found)


def _mark(each: Notification) -> tuple[bytes, str, int]:
    # not its position: that moves when an earlier entry of the same object arrives
    return each.obj, each.kind, each.time_ms


def _seen(node: Node, person: str, found: list[Notification]) -> set[tuple[bytes, str, int]]:
    query = SeenRow.select(SeenRow.obj, SeenRow.kind, SeenRow.time_ms)
    rows = rows_of(node.database, query.where(SeenRow.person == person, SeenRow.obj.in_({each.obj for each in found})))
    return {(bytes(row["obj"]), row["kind"], row["time_ms"]) for row in rows}


def _filing_of(node: Node, person: str, each: Notification) -> bytes | None:
    if each.subject == "filings":
        return each.obj
    if each.subject == "materials":
        return None  # it has a page of its own
    return next((filing.obj for filing in filings_by_talon(node.database, each.talon) if filing.person == person), None)
