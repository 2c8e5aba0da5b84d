"""Queries over hearings: one, those of some cases, those of a court in order of day.

A page shows a hearing only beside the case it names, where that is of the same court: no court sets hearings in another
court's case, whatever an entry says.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from common import canonical
from common.court.cases import CaseRow, goes_to
from common.court.hearings import Hearing, HearingEventRow, HearingRow
from common.db import Database, fn, one_of, rows_of

BESIDE: Final = (HearingRow.case_obj == CaseRow.obj) & (HearingRow.court == CaseRow.court)
"""How a hearing and its case are joined."""


class HearingEvent(msgspec.Struct, frozen=True):
    """One step. ``kind``: set, moved, changed (another hall or way at the same time), held, adjourned or cancelled."""

    obj: bytes
    position: int
    kind: str
    time_ms: int
    node: int
    leaf: bytes
    params: dict[str, Any]


def hearing(database: Database, obj: bytes) -> Hearing | None:
    """Return one hearing beside its case; None where this database does not hold both."""
    row = one_of(database, _beside_cases(HearingRow.obj == obj))
    return Hearing(**row) if row else None


def of_case(database: Database, case: bytes) -> list[Hearing]:
    """Return the hearings of a case, the earliest first: for its court."""
    return _hearings(database, HearingRow.case_obj == case)


def written(database: Database, *, court: str, obj: bytes = b"", number: str = "") -> list[Hearing]:
    """Return the hearings that ``court`` wrote, by object or case number, whatever became of their case: for who erases them."""
    which = HearingRow.obj == obj if obj else HearingRow.number == number
    query = HearingRow.select().where(HearingRow.court == court, which).order_by(HearingRow.starts_ms, HearingRow.obj)
    return [Hearing(**row) for row in rows_of(database, query)]


def of_person(database: Database, person: str, cases: Iterable[bytes]) -> list[Hearing]:
    """Return the hearings of those of ``cases`` that go to a person (IIN or BIN), the earliest first."""
    named = list(cases)
    return _hearings(database, HearingRow.case_obj.in_(named) & goes_to(person)) if named else []


def objects_of(person: str) -> Any:
    """Return the query for the objects of all hearings that go to a person."""
    return HearingRow.select(HearingRow.obj).join(CaseRow, on=BESIDE).where(goes_to(person))


def of_court(database: Database, court: str, *, from_ms: int, past: bool, limit: int, offset: int = 0) -> list[Hearing]:
    """Return hearings of a court in order of day: from ``from_ms`` on, or with ``past`` those before, the latest first."""
    place = HearingRow.starts_ms.desc() if past else HearingRow.starts_ms
    query = _beside_cases(_in_court(court, from_ms, past=past)).order_by(place, HearingRow.obj).limit(limit).offset(offset)
    return [Hearing(**row) for row in rows_of(database, query)]


def count_of_court(database: Database, court: str, *, from_ms: int, past: bool) -> int:
    """Return how many `of_court` has in all."""
    query = HearingRow.select(fn.COUNT(HearingRow.obj).alias("count")).join(CaseRow, on=BESIDE).where(_in_court(court, from_ms, past=past))
    row = one_of(database, query)
    return int(row["count"]) if row else 0


def at_one_time(database: Database, court: str, *, from_ms: int, until_ms: int) -> list[Hearing]:
    """Return the hearings of a court that are to begin between two moments, both inclusive."""
    within = (HearingRow.court == court) & (HearingRow.status == "set") & HearingRow.starts_ms.between(from_ms, until_ms)
    return [Hearing(**row) for row in rows_of(database, _beside_cases(within).order_by(HearingRow.starts_ms, HearingRow.obj))]


def events(database: Database, obj: bytes) -> list[HearingEvent]:
    """Return the steps of a hearing in order."""
    query = HearingEventRow.select().where(HearingEventRow.obj == obj).order_by(HearingEventRow.position)
    return [HearingEvent(**{**row, "params": canonical.decode_map(row["params"])}) for row in rows_of(database, query)]


def _hearings(database: Database, which: Any) -> list[Hearing]:
    return [Hearing(**row) for row in rows_of(database, _beside_cases(which).order_by(HearingRow.starts_ms, HearingRow.obj))]


def _beside_cases(which: Any) -> Any:
    return HearingRow.select().join(CaseRow, on=BESIDE).where(which)


def _in_court(court: str, from_ms: int, *, past: bool) -> Any:
    return (HearingRow.court == court) & ((HearingRow.starts_ms < from_ms) if past else (HearingRow.starts_ms >= from_ms))
