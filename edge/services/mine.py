"""«Менің істерім»: a person's filings with what lists show of them, a handful of queries however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.court.filing_entries import Party
from common.court.filing_lists import DAY_MS, Filing, parties_of
from common.court.filing_tables import FilingDecisionRow, FilingGroundRow, FilingRow
from common.court.ruling import STAGES
from common.court.terms import moment_of
from common.db import Database, fetch, fn, one_of, rows_of
from common.errors import Refused
from common.ids import read_talon
from edge.node import Node
from sync.receipts import Ladder

PER_PAGE = 20
TALON_CHARS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is looked for (SERVICES 1.20); empty fields do not count. Days are Kazakhstan's, both inclusive."""

    talon: str = ""
    since: date | None = None
    until: date | None = None
    document_type: str = ""
    region: str = ""
    court: str = ""
    registered: bool = False

    @property
    def used(self) -> bool:
        """Whether anything narrows the list."""
        return any((self.talon, self.since, self.until, self.document_type, self.region, self.court))


@dataclass(frozen=True, slots=True)
class Card:
    """One filing of the list. ``reasons`` are the grounds of a refusal or a return, (Kazakh, Russian)."""

    filing: Filing
    parties: tuple[Party, ...]
    climbed: Ladder
    cure_until: str
    reasons: tuple[tuple[str, str], ...]


def count(node: Node, person: str, wanted: Filter) -> int:
    """Return how many filings of the cabinet fit."""
    found = one_of(node.database, FilingRow.select(fn.COUNT(FilingRow.obj).alias("count")).where(*_where(person, wanted)))
    return int(found["count"]) if found else 0


def cards(node: Node, person: str, wanted: Filter, *, page: int = 1) -> list[Card]:
    """Return one page (from 1) of the cabinet's filings, newest first."""
    query = FilingRow.select().where(*_where(person, wanted)).order_by(FilingRow.submitted_ms.desc(), FilingRow.obj)
    found = [Filing(**row) for row in rows_of(node.database, query.limit(PER_PAGE).offset((page - 1) * PER_PAGE))]
    parties = parties_of(node.database, [filing.obj for filing in found])
    climbed = ladders(node.database, [filing.leaf for filing in found])
    refused = [filing.obj for filing in found if filing.status == "refused" or filing.ruling in STAGES]
    until, reasons = _refusals(node.database, refused)
    none = Ladder(None, None, None)
    return [
        Card(
            filing,
            tuple(parties.get(filing.obj, ())),
            climbed.get(filing.leaf, none),
            until.get(filing.obj, ""),
            tuple(reasons.get(filing.obj, ())),
        )
        for filing in found
    ]


def totals(node: Node, person: str) -> tuple[int, int]:
    """Return how many filings the cabinet has, and how many of them are registered cases."""
    statement = "SELECT COUNT(*), COALESCE(SUM(status = 'registered'), 0) FROM filing_row WHERE person = ?"
    rows = fetch(node.database, statement, (person,))
    return int(rows[0][0]), int(rows[0][1])


def places(node: Node, person: str) -> tuple[list[str], list[str], list[str]]:
    """Return the (document types, regions, courts) that occur in the cabinet: what a filter may offer."""
    rows = fetch(node.database, "SELECT DISTINCT document_type, region, court FROM filing_row WHERE person = ?", (person,))
    return sorted({row[0] for row in rows}), sorted({row[1] for row in rows}), sorted({row[2] for row in rows})


def ladders(database: Database, leaves: Sequence[bytes]) -> dict[bytes, Ladder]:
    """Return how far each entry has climbed, as `sync.receipts.ladder_of` does for one."""
    marks = ", ".join("?" * len(leaves))
    statement = f"""SELECT e.leaf, e.log_index, COALESCE(a.at_ms, l.at_ms), c.at_ms FROM entry e
        LEFT JOIN admitted_here a ON a.leaf = e.leaf
        LEFT JOIN logged l ON e.chain IS NOT NULL AND l.epoch = e.epoch AND e.seq BETWEEN l.first AND l.last
        LEFT JOIN complete_here c ON c.leaf = e.leaf WHERE e.leaf IN ({marks})"""
    return {leaf: Ladder(index, logged, complete) for leaf, index, logged, complete in fetch(database, statement, list(leaves))}


def _where(person: str, wanted: Filter) -> list[Any]:
    conditions = [FilingRow.person == person]
    if wanted.talon:
        conditions.append(FilingRow.talon == _talon(wanted.talon))
    if wanted.since:
        conditions.append(FilingRow.submitted_ms >= moment_of(wanted.since))
    if wanted.until:
        conditions.append(FilingRow.submitted_ms < moment_of(wanted.until) + DAY_MS)
    for column, value in (
        (FilingRow.document_type, wanted.document_type),
        (FilingRow.region, wanted.region),
        (FilingRow.court, wanted.court),
    ):
        if value:
            conditions.append(column == value)
    if wanted.registered:
        conditions.append(FilingRow.status == "registered")
    return conditions


def _talon(text: str) -> str:
    """The digits of a talon as typed; a number with a mistake in it finds nothing."""
    try:
        return str(read_talon(text[:TALON_CHARS_MAX]))
    except Refused:
        return "-"


def _refusals(database: Database, objects: Sequence[bytes]) -> tuple[dict[bytes, str], dict[bytes, list[tuple[str, str]]]]:
    if not objects:
        return {}, {}
    wanted = FilingDecisionRow.kind.in_(("refused", *STAGES))
    decisions = FilingDecisionRow.select().where(FilingDecisionRow.obj.in_(list(objects)), wanted)
    until = {row["obj"]: row["cure_until"] for row in rows_of(database, decisions)}
    grounds = FilingGroundRow.select().where(FilingGroundRow.obj.in_(list(objects)))
    reasons: dict[bytes, list[tuple[str, str]]] = {}
    for row in rows_of(database, grounds.order_by(FilingGroundRow.obj, FilingGroundRow.decision, FilingGroundRow.position)):
        reasons.setdefault(row["obj"], []).append((row["text_kk"], row["text_ru"]))
    return until, reasons
