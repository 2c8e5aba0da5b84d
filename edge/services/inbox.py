"""The inbox of a court: which filings wait for its decision, how many days are left, and what became of the others.

- The term is the dated one of the reference data (`DECIDE_TERM`), counted in working days from the day the court got the
  paper: the day of R0 or, for what another court handed over, the day of that decision.
- What waits stands in the order of its last day; what is decided, newest first.
- What a court gave away to another one stays in its list: it decided that, and answers for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from common.court import terms
from common.court.book import Book
from common.court.filing_entries import Party
from common.court.filing_lists import DAY_MS, WAITING, Filing, parties_of
from common.court.filing_tables import FilingDecisionRow, FilingEventRow, FilingPartyRow, FilingRow
from common.db import Database, fetch, fn, one_of, rows_of
from common.errors import Refused
from edge.node import Node

DECIDE_TERM: Final = "cpc_accept"
"""Five working days from receipt (CPC 150 part 1); registration has no term of its own in the published list."""
PER_PAGE: Final = 50
SEARCH_CHARS_MAX: Final = 100
TERM_DAYS_MAX: Final = 120
"""How far back the start of a term that ends today is looked for; the published one is a week."""

Tab = Literal["waiting", "due", "unpaid", "supplements", "registered", "refused", "gone", "all"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)
OPEN_TABS: Final = frozenset({"waiting", "due", "unpaid", "supplements"})
"""Where a decision is awaited: sorted by what is left."""


@dataclass(frozen=True, slots=True)
class Term:
    """Until when the court decides: ``left`` working days after today, 0 today, negative when overdue; None: no term known."""

    last_day: date | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One filing as the list shows it. ``came_ms``: when this court got it; ``arrived``: files here, of ``filing.files``."""

    filing: Filing
    came_ms: int
    term: Term
    parties: tuple[Party, ...]
    arrived: int


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of the list, and the figures around it."""

    rows: tuple[Row, ...]
    total: int
    counts: Mapping[Tab, int]
    registered_today: int
    refused_today: int


def inbox(
    node: Node, court: str, *, tab: Tab = "waiting", search: str = "", document_type: str = "", page: int = 1, per_page: int = PER_PAGE
) -> Inbox:
    """Return page ``page`` of a tab of the court's inbox; ``search`` is a talon number, IIN, BIN, case number or part of a name."""
    now, book = node.clock.now(), node.book()
    today = terms.local_date(now)
    threshold = _due_before_ms(book, today)
    which = _where(court, tab, threshold)
    if search:
        which = which & _matches(search)
    if document_type:
        which = which & (FilingRow.document_type == document_type)
    total = _count(node.database, which)
    page = min(max(1, page), max(1, -(-total // per_page)))
    order = (_came(), FilingRow.obj) if tab in OPEN_TABS else (FilingRow.submitted_ms.desc(), FilingRow.obj)
    query = FilingRow.select(FilingRow, _came().alias("came_ms")).where(which).order_by(*order)
    found = rows_of(node.database, query.limit(per_page).offset((page - 1) * per_page))
    came = {row["obj"]: row.pop("came_ms") for row in found}
    parties, arrived = parties_of(node.database, came), arrived_files(node.database, list(came))
    counts = {each: _count(node.database, _where(court, each, threshold)) for each in TABS}
    return Inbox(
        rows=tuple(
            Row(
                filing=filing,
                came_ms=came[filing.obj],
                term=term_of(book, came[filing.obj], today) if filing.status in WAITING and filing.court == court else Term(None, None),
                parties=tuple(parties.get(filing.obj, ())),
                arrived=arrived.get(filing.obj, 0),
            )
            for filing in (Filing(**row) for row in found)
        ),
        total=total,
        counts=MappingProxyType(counts),
        registered_today=_decided_today(node.database, court, "registered", today),
        refused_today=_decided_today(node.database, court, "refused", today),
    )


def document_types(database: Database, court: str) -> list[str]:
    """Return the document types that this court has received."""
    query = FilingRow.select(FilingRow.document_type).where(_ever_held(court)).distinct().order_by(FilingRow.document_type)
    return [row["document_type"] for row in rows_of(database, query)]


def came_ms(database: Database, obj: bytes) -> int:
    """Return when the court that holds the filing got it, in ms UTC; 0 for a filing that is not here."""
    row = one_of(database, FilingRow.select(_came().alias("came_ms")).where(FilingRow.obj == obj))
    return row["came_ms"] if row else 0


def term_of(book: Book, came: int, today: date) -> Term:
    """Return the term to decide about what came at ``came`` (ms UTC), seen from ``today``."""
    try:
        last_day = terms.deadline(book, DECIDE_TERM, terms.local_date(came)).last_day
    except Refused:  # not published here: the list then shows no days, and says so
        return Term(None, None)
    return Term(last_day, working_days_between(book, today, last_day))


def working_days_between(book: Book, today: date, last_day: date) -> int:
    """Return how many working days come after ``today`` up to ``last_day``; -1 or less when it is past."""
    calendar = terms.WorkCalendar(book.holidays)
    if last_day >= today:
        return _working_days(calendar, today, last_day)
    return -max(1, _working_days(calendar, last_day, today))


def _working_days(calendar: terms.WorkCalendar, after: date, until: date) -> int:
    return sum(calendar.is_working(after + timedelta(days=step)) for step in range(1, (until - after).days + 1))


def _came() -> Any:
    handed = FilingEventRow.select(fn.MAX(FilingEventRow.time_ms)).where(
        FilingEventRow.obj == FilingRow.obj, FilingEventRow.kind == "redirected"
    )
    return fn.COALESCE(handed, FilingRow.submitted_ms)


def _gave_away(court: str) -> Any:
    given = FilingDecisionRow.select(FilingDecisionRow.obj).where(FilingDecisionRow.court == court, FilingDecisionRow.kind == "redirected")
    return (FilingRow.court != court) & FilingRow.obj.in_(given)


def _ever_held(court: str) -> Any:
    return (FilingRow.court == court) | _gave_away(court)


def _where(court: str, tab: Tab, due_before_ms: int) -> Any:
    mine = FilingRow.court == court
    waiting = mine & FilingRow.status.in_(WAITING)
    return {
        "waiting": waiting,
        "due": waiting & (_came() < due_before_ms),
        "unpaid": waiting & (FilingRow.duty_way == "pending") & (FilingRow.payment != "paid"),
        "supplements": waiting & FilingRow.answers_to.is_null(False),
        "registered": mine & (FilingRow.status == "registered"),
        "refused": mine & (FilingRow.status == "refused"),
        "gone": (mine & (FilingRow.status == "withdrawn")) | _gave_away(court),
        "all": _ever_held(court),
    }[tab]


def _matches(search: str) -> Any:
    """Digits look for numbers, anything else for names, however they are written: SQLite knows no capitals beyond Latin."""
    text = " ".join(search.split())[:SEARCH_CHARS_MAX]
    digits = "".join(text.split())
    if digits.isdecimal():
        return (
            FilingRow.talon.startswith(digits)
            | (FilingRow.filer_iin == digits)
            | (FilingRow.filer_bin == digits)
            | FilingRow.number.endswith("/" + digits)
        )
    spellings = {text, text.lower(), text.upper(), text.title(), text[:1].upper() + text[1:].lower()}
    found = FilingRow.number.contains(digits)
    for spelling in sorted(spellings):
        named = FilingPartyRow.select(FilingPartyRow.obj).where(FilingPartyRow.name.contains(spelling))
        found = found | FilingRow.filer_name.contains(spelling) | FilingRow.obj.in_(named)
    return found


def _count(database: Database, which: Any) -> int:
    row = one_of(database, FilingRow.select(fn.COUNT(FilingRow.obj).alias("count")).where(which))
    return row["count"] if row else 0


def arrived_files(database: Database, objects: Sequence[bytes]) -> dict[bytes, int]:
    """Return how many of the attached files of each filing are here, whole; statements are not counted."""
    marks = ", ".join("?" * len(objects))
    statement = f"SELECT f.obj, COUNT(*) FROM filing_file_row f JOIN blob b ON b.sha256 = f.sha256 WHERE f.obj IN ({marks}) GROUP BY f.obj"
    return dict(fetch(database, statement, list(objects)))


def _decided_today(database: Database, court: str, kind: str, today: date) -> int:
    start = terms.moment_of(today)
    query = (
        FilingDecisionRow.select(fn.COUNT(FilingDecisionRow.obj).alias("count"))
        .join(
            FilingEventRow,
            on=((FilingEventRow.obj == FilingDecisionRow.obj) & (FilingEventRow.position == FilingDecisionRow.position)),
        )
        .where(
            FilingDecisionRow.court == court,
            FilingDecisionRow.kind == kind,
            FilingEventRow.time_ms >= start,
            FilingEventRow.time_ms < start + DAY_MS,
        )
    )
    row = one_of(database, query)
    return row["count"] if row else 0


def _due_before_ms(book: Book, today: date) -> int:
    """Return the moment before which a paper must have come for its term to end today or earlier."""
    for back in range(TERM_DAYS_MAX):
        day = today - timedelta(days=back)
        term = term_of(book, terms.moment_of(day), today)
        if term.last_day is None:
            return 0
        if term.last_day <= today:
            return terms.moment_of(day) + DAY_MS
    return 0
