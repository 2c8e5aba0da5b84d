"""Terms over the real days off of 2025–2027, counted by hand on a calendar."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court import terms
from common.court.book import Book
from common.court.datasets import initial_publication
from common.errors import Refused

BOOK = Book(initial_publication(), on=date(2026, 11, 20))


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        (date(2026, 11, 20), 5, date(2026, 11, 27)),
        (date(2026, 3, 19), 5, date(2026, 3, 31)),  # Nauryz: 23–25 March are off
        (date(2025, 1, 2), 1, date(2025, 1, 5)),  # a Sunday that is worked, for Friday the 3rd
        (date(2025, 1, 2), 3, date(2025, 1, 8)),  # Christmas on the 7th
        (date(2026, 10, 22), 2, date(2026, 10, 27)),  # Republic Day on a Sunday: Monday is off
        (date(2026, 8, 28), 1, date(2026, 8, 31)),  # the old Constitution Day is no holiday any more
        (date(2026, 11, 20), 0, date(2026, 11, 20)),
    ],
)
def test_working_days(start: date, count: int, last: date) -> None:
    assert terms.add_working_days(start, count, BOOK.holidays) == last


@pytest.mark.parametrize(
    ("deadline_id", "start", "last"),
    [
        ("cpc_appeal", date(2026, 1, 31), date(2026, 3, 2)),  # 28 February is a Saturday
        ("cpc_appeal", date(2026, 10, 20), date(2026, 11, 20)),
        ("app_appeal", date(2026, 10, 20), date(2026, 12, 21)),  # 20 December is a Sunday
        ("cpc_cassation", date(2026, 1, 15), date(2026, 7, 15)),
        ("upk_cassation_worse", date(2026, 2, 10), date(2027, 2, 10)),
        ("upk_appeal", date(2026, 11, 5), date(2026, 11, 20)),
        ("cpc_private", date(2026, 11, 20), date(2026, 12, 4)),
        ("cpc_injunction", date(2026, 11, 22), date(2026, 11, 22)),  # the same day, though a Sunday
        ("cpc_order_send", date(2026, 11, 20), date(2026, 11, 23)),
    ],
)
def test_terms_of_the_codes(deadline_id: str, start: date, last: date) -> None:
    due = terms.deadline(BOOK, deadline_id, start)
    assert (due.last_day, due.certain) == (last, True)
    assert due.lines


def test_a_leap_day_ends_on_the_last_of_february() -> None:
    due = terms.deadline(BOOK, "upk_cassation_worse", date(2028, 2, 29))
    assert due.last_day == date(2029, 2, 28)


def test_the_explanation_names_each_step() -> None:
    due = terms.deadline(BOOK, "cpc_accept", date(2026, 3, 19))
    assert [str(part) for part in due.lines] == [
        "CPC, article 150 p.1.",
        "The event was on 2026-03-19; the term runs from 2026-03-20.",
        "Working days counted: 5.",
        "2026-03-23 is a day off and is left out.",
        "2026-03-24 is a day off and is left out.",
        "2026-03-25 is a day off and is left out.",
    ]


def test_a_year_without_published_days_off_is_said() -> None:
    due = terms.deadline(BOOK, "cpc_appeal", date(2027, 12, 20))
    assert not due.certain
    assert "2028" in str(due.lines[-1])


def test_doubtful_law_is_marked() -> None:
    assert terms.deadline(BOOK, "cpc_cassation", date(2026, 1, 15)).recheck
    assert not terms.deadline(BOOK, "cpc_appeal", date(2026, 1, 15)).recheck


@pytest.mark.parametrize(
    "deadline_id", ["cpc_cassation_limit_ind", "rule_month", "cpc_default", "cpc_counterclaim", "upk_cassation_better"]
)
def test_what_cannot_be_counted_is_refused(deadline_id: str) -> None:
    with pytest.raises(Refused) as refusal:
        terms.deadline(BOOK, deadline_id, date(2026, 1, 15))
    assert refusal.value.code == "term.uncountable"


def test_unknown_and_endless_terms() -> None:
    with pytest.raises(Refused) as refusal:
        terms.deadline(BOOK, "cpc_nothing", date(2026, 1, 15))
    assert refusal.value.code == "term.unknown"
    for count in (-1, terms.WORKING_DAYS_MAX + 1):
        with pytest.raises(Refused):
            terms.add_working_days(date(2026, 1, 15), count, BOOK.holidays)


def test_the_two_ends_of_the_last_day() -> None:
    moments = terms.last_moments(date(2026, 11, 27), time(18, 30))
    assert datetime.fromtimestamp(moments.electronic_ms / 1000, tz=UTC) == datetime(2026, 11, 27, 19, 0, tzinfo=UTC)
    assert datetime.fromtimestamp(moments.in_court_ms / 1000, tz=UTC) == datetime(2026, 11, 27, 13, 30, tzinfo=UTC)
    assert terms.local_date(moments.electronic_ms - 1) == date(2026, 11, 27)
    assert terms.local_date(moments.electronic_ms) == date(2026, 11, 28)


@given(st.dates())
def test_a_moment_of_a_day_lies_on_that_day(day: date) -> None:
    midnight = terms.moment_of(day)
    assert (midnight + KAZAKHSTAN_OFFSET_MS) % terms.DAY_MS == 0
    assert terms.moment_of(day, time(10, 30)) - midnight == 630 * 60_000
    if date.min < day < date.max:
        assert [terms.local_date(midnight + ms) for ms in (-1, 0, terms.DAY_MS - 1)] == [day - timedelta(days=1), day, day]


@given(st.dates(date(2025, 1, 1), date(2027, 6, 1)), st.integers(0, 60))
def test_working_days_agree_with_counting_one_by_one(start: date, count: int) -> None:
    days = terms.WorkCalendar(BOOK.holidays)
    last = terms.add_working_days(start, count, BOOK.holidays)
    between = [start + timedelta(days=offset) for offset in range(1, (last - start).days + 1)]
    assert sum(days.is_working(day) for day in between) == count
    assert count == 0 or days.is_working(last)
