"""Notifications: the newest first, one person's only, continued without gaps or repeats."""

import pytest
from court_world import (
    AIGUL,
    BLOBS,
    BOLAT,
    CLERK,
    COURT,
    NOW,
    NUMBER,
    RECORD,
    TALON,
    case_body,
    fact,
    fold,
    material_body,
    party_body,
    register_decision,
    store,
    submit_body,
)

from common.court import cases, filings, hearings, materials
from common.court.notifications import notifications
from common.db import open_database
from common.errors import Refused

MATERIALS = ((bytes(16), NOW, [AIGUL.iin]), (b"m" * 16, NOW + 5, [AIGUL.iin, BOLAT.iin]), (b"n" * 16, NOW + 5, []))
"""(object, when it was added, whom it is open to)."""


def joined(obj, time, readers):
    body = material_body(open_to=readers)
    return fold(materials, [fact("materials.add/1", body, obj=obj, time=time, actor=CLERK.key, blobs=(RECORD,))])[0]


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "n.db")
    objects = []
    for number, time in ((1, NOW), (2, NOW), (3, NOW + 5)):  # two at the same instant
        obj = bytes([number]) * 16
        filed = fact("filing.submit/1", submit_body(), blobs=BLOBS, obj=obj, time=time)
        registered = fact("filing.register/1", register_decision(), obj=obj, time=time + 10)
        objects.append(fold(filings, [filed, registered] if number == 1 else [filed])[0])
    objects.append(fold(filings, [fact("filing.submit/1", submit_body(BOLAT), blobs=BLOBS, obj=b"b" * 16)])[0])
    opened = [fact("case.open/1", case_body(), obj=b"c" * 16, time=NOW + 10), fact("case.party/1", party_body(), obj=b"c" * 16)]
    store(database, filings, *objects)
    store(database, hearings)
    store(database, materials, *(joined(obj, time, readers) for obj, time, readers in MATERIALS))
    store(database, cases, fold(cases, opened)[0])
    return database


def test_newest_first_and_only_mine(database):
    found = notifications(database, AIGUL.iin, limit=20)
    assert [(each.kind, each.time_ms - NOW) for each in found] == [
        ("opened", 10),
        ("registered", 10),
        ("material", 5),
        ("filed", 5),
        ("filed", 0),
        ("filed", 0),
        ("material", 0),
    ]
    assert (found[2].subject, found[2].number, found[2].params["kind"]) == ("materials", NUMBER, "audio")
    assert {each.talon for each in found} == {TALON}
    assert (found[0].subject, found[1].number, found[1].court, found[1].params["number"]) == ("cases", NUMBER, COURT, NUMBER)
    assert [each.kind for each in notifications(database, BOLAT.iin, limit=20)] == ["material", "filed"]
    assert notifications(database, "000000000000", limit=20) == []


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_leave_no_gap_and_repeat_nothing(database, limit):
    whole = notifications(database, AIGUL.iin, limit=20)
    found, place = [], None
    while page := notifications(database, AIGUL.iin, limit=limit, before=place):
        found += page
        place = page[-1].place
    assert found == whole


@pytest.mark.parametrize("place", ["", "1", "1.zz.1", "1.00.", f"{1 << 63}.00.1", "1.00.1.1"])
def test_a_place_nobody_was_given_is_refused(database, place):
    with pytest.raises(Refused) as refused:
        notifications(database, AIGUL.iin, limit=1, before=place)
    assert refused.value.code == "notifications.place"
