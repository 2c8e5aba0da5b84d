"""A hearing that is set, moved or closed is a notification of who takes part, and of nobody else."""

import pytest
from court_world import (
    AIGUL,
    AKTAU,
    BOLAT,
    NOW,
    NUMBER,
    OTHER_CLERK,
    OTHER_COURT,
    STARTS,
    TALON,
    case_body,
    close_body,
    fact,
    fold,
    set_body,
    store,
)

from common.court import cases, filings, hearings, materials
from common.court.notifications import notifications
from common.db import open_database

CASE = b"c" * 16


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "hearings.db")
    store(database, filings)
    store(database, materials)
    store(database, cases, fold(cases, [fact("case.open/1", case_body(), obj=CASE)])[0])
    first = fact("hearing.set/1", set_body(), obj=b"h" * 16, time=NOW + 1)
    moved = set_body(earlier_ms=STARTS, starts_ms=STARTS + 3_600_000, replaces=first.leaf)
    second = fact("hearing.set/1", moved, obj=b"h" * 16, time=NOW + 2)
    third = fact("hearing.close/1", close_body(moved, second.leaf, outcome="cancelled"), obj=b"h" * 16, time=NOW + 3)
    state, refused = fold(hearings, [first, second, third])
    assert refused == []
    strange = fold(hearings, [fact("hearing.set/1", set_body(OTHER_CLERK, court=OTHER_COURT), obj=b"x" * 16, node=AKTAU)])[0]
    store(database, hearings, state, strange)
    return database


def test_each_step_is_one_with_the_earlier_time(database):
    found = notifications(database, AIGUL.iin, limit=9)
    assert [(each.subject, each.kind) for each in found] == [
        ("hearings", "cancelled"),
        ("hearings", "moved"),
        ("hearings", "set"),
        ("cases", "opened"),
    ]
    assert {(each.talon, each.number) for each in found} == {(TALON, NUMBER)}
    assert found[1].params["was_ms"] == STARTS
    pages = [notifications(database, AIGUL.iin, limit=1)[0]]
    while more := notifications(database, AIGUL.iin, limit=1, before=pages[-1].place):
        pages += more
    assert pages == found


def test_nobody_else_hears_of_it(database):
    assert notifications(database, BOLAT.iin, limit=9) == []
