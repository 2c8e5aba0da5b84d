"""Notifications: what happened to a person's filings, cases and hearings, newest first (NOT-1, NOT-2).

They are read from what the folds of `filings`, `cases`, `hearings` and `materials` write; no entry states them, so they cannot disagree
with the facts. What a person has read is local to a node and not known here.

    page = notifications(database, person, limit=20, before=None)
    more = notifications(database, person, limit=20, before=page[-1].place)
"""

from typing import Any, Final

import msgspec

from common import canonical
from common.court.cases import CaseEventRow, CaseRow, goes_to
from common.court.filing_tables import FilingEventRow, FilingRow
from common.court.hearing_lists import objects_of
from common.court.hearings import HearingEventRow, HearingRow
from common.court.materials import MaterialRow, open_to
from common.db import Database, Table, rows_of
from common.errors import N_, Refused

OF_CASES: Final = ("opened",)
"""Kinds of case events that tell the filer something; who takes part arrives with acceptance."""

_Place = tuple[int, bytes, int]


class Notification(msgspec.Struct, frozen=True):
    """One change. ``kind``: filed, verified, withdrawn, registered, refused, redirected; of a case opened or material; or as in
    `HearingEvent`.

    ``number`` is empty before registration; ``court`` is the court that holds the filing or case now; ``params`` as in
    `filing_rows` and `hearings`. ``subject`` is "filings", "cases", "hearings" or "materials" and ``obj`` the object that changed.
    """

    subject: str
    kind: str
    obj: bytes
    position: int
    talon: str
    number: str
    court: str
    time_ms: int
    params: dict[str, Any]

    @property
    def place(self) -> str:
        """Where this one stands in the list, for ``before``."""
        return f"{self.time_ms}.{self.obj.hex()}.{self.position}"


def notifications(database: Database, person: str, *, limit: int, before: str | None = None) -> list[Notification]:
    """Return at most ``limit`` notifications of an IIN or BIN, newest first, older than the one whose place is ``before``.

    Raises Refused("notifications.place") for a place nobody was given.
    """
    place = _read_place(before) if before is not None else None
    of_filings = _events(database, FilingEventRow, FilingRow, FilingRow.person == person, place, limit)
    of_cases = _events(database, CaseEventRow, CaseRow, goes_to(person) & CaseEventRow.kind.in_(OF_CASES), place, limit)
    of_hearings = _events(database, HearingEventRow, HearingRow, HearingRow.obj.in_(objects_of(person)), place, limit)
    subjects = (("filings", of_filings), ("cases", of_cases), ("hearings", of_hearings))
    found = [_notification(subject, row) for subject, rows in subjects for row in rows]
    found += _of_materials(database, person, place, limit)
    return sorted(found, key=lambda each: (each.time_ms, each.obj, each.position), reverse=True)[:limit]


def _events(
    database: Database, event: type[Table], owner: type[Table], which: Any, place: _Place | None, limit: int
) -> list[dict[str, Any]]:
    """The newest ``limit`` events older than ``place`` of the objects that ``which`` selects."""
    columns = (event.obj, event.position, event.kind, event.time_ms, event.params, owner.talon, owner.number, owner.court)
    query = event.select(*columns).join(owner, on=(event.obj == owner.obj)).where(which)
    if place is not None:
        query = query.where(_older(place, event.time_ms, event.obj, event.position))
    return rows_of(database, query.order_by(event.time_ms.desc(), event.obj.desc(), event.position.desc()).limit(limit))


def _of_materials(database: Database, person: str, place: _Place | None, limit: int) -> list[Notification]:
    """The newest ``limit`` materials older than ``place`` that a court has opened to ``person``."""
    query = MaterialRow.select().where(MaterialRow.obj.in_(open_to(person)))
    if place is not None:
        query = query.where(_older(place, MaterialRow.added_ms, MaterialRow.obj, 0))
    rows = rows_of(database, query.order_by(MaterialRow.added_ms.desc(), MaterialRow.obj.desc()).limit(limit))
    return [
        Notification(
            subject="materials",
            kind="material",
            obj=row["obj"],
            position=0,
            talon=row["talon"],
            number=row["number"],
            court=row["court"],
            time_ms=row["added_ms"],
            params={"kind": row["kind"], "title": row["title"]},
        )
        for row in rows
    ]


def _older(place: _Place, time_ms: Any, obj: Any, position: Any) -> Any:
    """The condition on columns (a material is its object's only step, 0) that says what comes after ``place`` in the list."""
    return (time_ms < place[0]) | ((time_ms == place[0]) & ((obj < place[1]) | ((obj == place[1]) & (position < place[2]))))


def _notification(subject: str, row: dict[str, Any]) -> Notification:
    return Notification(subject=subject, **{**row, "params": canonical.decode_map(row["params"])})


def _read_place(text: str) -> _Place:
    try:
        time_ms, obj, position = text.split(".")
        place = int(time_ms), bytes.fromhex(obj), int(position)
    except ValueError as error:
        raise Refused("notifications.place", N_("This list cannot be continued from here. Open it again.")) from error
    if max(abs(place[0]), abs(place[2])) >= 1 << 63:
        raise Refused("notifications.place", N_("This list cannot be continued from here. Open it again."))
    return place
