"""Terms: from an event to its last day, with the reasons, so that anybody can count again.

- A term runs from the day after the event (CPC 122 part 2).
- Working days leave out weekends and days off, and count weekends the Government made working days.
- Months and years end on the same number; where the month has no such day, on its last (CPC 123 parts 1 and 2).
- A last day that is not a working day moves to the next one (CPC 123 part 4).
- E-documents may be sent until 24:00 of the last day; an act done in the court itself ends when the court closes
  (CPC 123 parts 5–7). Both moments are shown, the judge decides which one applies.

The page that shows a result must also show `Due.recheck`: some terms come from a text older than the last amendments.
"""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court.book import Book
from common.court.datasets import Deadline, Holiday
from common.court.lines import Line, line
from common.errors import N_, Refused

WORKING_DAYS_MAX: Final = 1000
"""Four years of work; the longest term in the data has 15."""
DAY_MS: Final = 86_400_000
MIDNIGHT: Final = time()
NOON: Final = time(12)
"""Of papers and pages that show the day only."""


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a term and how it was found.

    ``certain`` is false where the term reaches a year whose days off are not published; ``recheck`` is true where the
    text of the law behind it is known to be old or unread.
    """

    last_day: date
    deadline_id: str
    lines: tuple[Line, ...]
    certain: bool
    recheck: bool


@dataclass(frozen=True, slots=True)
class Moments:
    """When the last day ends, in milliseconds UTC: for an e-document, and in the court's building."""

    electronic_ms: int
    in_court_ms: int


class WorkCalendar:
    """Which days are worked; built from the published holidays."""

    __slots__ = ("_days", "_years")

    def __init__(self, holidays: Iterable[Holiday]) -> None:
        self._days: Mapping[date, Holiday] = {holiday.date: holiday for holiday in holidays}
        self._years = {day.year for day in self._days}

    def is_working(self, day: date) -> bool:
        """Say whether courts work on ``day``."""
        holiday = self._days.get(day)
        if holiday is None or holiday.day_off == "weekend":
            return day.weekday() < 5
        return holiday.day_off == "no"

    def holiday(self, day: date) -> Holiday | None:
        """Return what is special about ``day``, or None."""
        return self._days.get(day)

    def knows(self, year: int) -> bool:
        """Say whether the days off of ``year`` are published."""
        return year in self._years

    def next_working(self, day: date) -> date:
        """Return ``day``, or the first working day after it."""
        while not self.is_working(day):
            day += timedelta(days=1)
        return day


def add_working_days(start: date, count: int, holidays: Iterable[Holiday]) -> date:
    """Return the ``count``-th working day after ``start`` (itself where ``count`` is 0); raises Refused("term.length")."""
    return _count_working_days(start, count, WorkCalendar(holidays))


def add_months(start: date, count: int) -> date:
    """Return the same day ``count`` months later, or that month's last day where it has no such day (CPC 123 part 2)."""
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def deadline(book: Book, deadline_id: str, start: date) -> Due:
    """Return the last day of a term of the reference data for an event on ``start``.

    Raises Refused("term.unknown") for an id nobody published, Refused("term.uncountable") for thresholds, rules and
    terms without a number of days.
    """
    row = book.deadline(deadline_id)
    if row is None:
        raise Refused("term.unknown", N_("This term is not in the published list."))
    if row.kind not in ("term", "court_term") or row.value is None or row.unit not in _COUNTERS:
        raise Refused("term.uncountable", N_("This term has no number of days and cannot be counted here. Ask the court."))
    return _due(row, row.value, start, WorkCalendar(book.holidays))


def last_moments(last_day: date, court_closes: time) -> Moments:
    """Return the two ends of a last day; ``court_closes`` is the court's own closing time in Kazakhstan (UTC+5)."""
    return Moments(electronic_ms=moment_of(last_day) + DAY_MS, in_court_ms=moment_of(last_day, court_closes))


def local_date(moment_ms: int) -> date:
    """Return the calendar day in Kazakhstan (UTC+5) of a moment in milliseconds UTC."""
    return datetime.fromtimestamp((moment_ms + KAZAKHSTAN_OFFSET_MS) / 1000, tz=UTC).date()


def moment_of(day: date, at: time = MIDNIGHT) -> int:
    """Return the moment (ms UTC) at which the clocks of Kazakhstan show ``at``, to the minute, on ``day``: `local_date` the other way."""
    return int(datetime.combine(day, at.replace(second=0, microsecond=0), tzinfo=UTC).timestamp()) * 1000 - KAZAKHSTAN_OFFSET_MS


def _due(row: Deadline, value: int, start: date, days: WorkCalendar) -> Due:
    first, lines = _COUNTERS[row.unit](start, value, days)
    # a term of no days ends on the day itself, worked or not: the act is urgent
    last = first if value == 0 else days.next_working(first)
    if last != first:
        lines = (*lines, line(N_("%(from_on)s is not a working day, so the term ends on %(to_on)s."), from_on=first, to_on=last))
    unknown = [year for year in range(start.year, last.year + 1) if not days.knows(year)]
    if unknown:
        lines = (*lines, line(N_("The days off of %(year)d are not published yet; the day may move."), year=unknown[0]))
    law = line(N_("%(code)s, article %(article)s."), code=row.code, article=row.article)
    return Due(last, row.deadline_id, (law, *lines), certain=not unknown, recheck=row.recheck.startswith("YES") or row.verified != "source")


def _working_days(start: date, value: int, days: WorkCalendar) -> tuple[date, tuple[Line, ...]]:
    last = _count_working_days(start, value, days)
    lines = [_begins(start), line(N_("Working days counted: %(count)d."), count=value)]
    span = (start + timedelta(days=offset) for offset in range(1, (last - start).days + 1))
    special = [holiday for holiday in map(days.holiday, span) if holiday is not None]
    for holiday in special:
        if holiday.day_off == "yes" and holiday.date.weekday() < 5:
            lines.append(line(N_("%(day_on)s is a day off and is left out."), day_on=holiday.date))
        elif holiday.day_off == "no":
            lines.append(line(N_("%(day_on)s is a working weekend and is counted."), day_on=holiday.date))
    return last, tuple(lines)


def _calendar_days(start: date, value: int, _days: WorkCalendar) -> tuple[date, tuple[Line, ...]]:
    if value == 0:
        return start, (line(N_("On the same day, %(day_on)s."), day_on=start),)
    return start + timedelta(days=value), (_begins(start), line(N_("Days counted: %(count)d."), count=value))


def _months(start: date, value: int, _days: WorkCalendar) -> tuple[date, tuple[Line, ...]]:
    end = add_months(start, value)
    lines = [
        _begins(start),
        line(N_("Months counted: %(count)d; they end on the same day of the month, %(end_on)s."), count=value, end_on=end),
    ]
    if start.day > end.day:
        lines.append(line(N_("That month has no day %(day)d, so its last day counts."), day=start.day))
    return end, tuple(lines)


def _years(start: date, value: int, days: WorkCalendar) -> tuple[date, tuple[Line, ...]]:
    end, lines = _months(start, 12 * value, days)
    years = line(N_("Years counted: %(count)d; they end on the same day and month, %(end_on)s."), count=value, end_on=end)
    return end, (lines[0], years, *lines[2:])


_COUNTERS: Final = {"working_day": _working_days, "day": _calendar_days, "month": _months, "year": _years}


def _begins(start: date) -> Line:
    return line(N_("The event was on %(event_on)s; the term runs from %(first_on)s."), event_on=start, first_on=start + timedelta(days=1))


def _count_working_days(start: date, count: int, days: WorkCalendar) -> date:
    if not 0 <= count <= WORKING_DAYS_MAX:
        raise Refused("term.length", N_("A term has between 0 and %(max)d working days."), max=WORKING_DAYS_MAX)
    day = start
    while count:
        day += timedelta(days=1)
        count -= days.is_working(day)
    return day
