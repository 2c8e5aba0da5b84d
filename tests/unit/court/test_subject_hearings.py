"""Hearings: set, moved and closed by the case's court, each change on top of the one its author had seen."""

import pytest
from court_world import (
    AIGUL,
    AKTAU,
    BOLAT,
    CENTRE,
    CLERK,
    COURT,
    JUDGE,
    LINK,
    NOW,
    NUMBER,
    OTHER_CLERK,
    OTHER_COURT,
    STARTS,
    case_body,
    close_body,
    fact,
    fold,
    set_body,
    store,
    with_,
)

from common import canonical
from common.court import cases, hearing_lists, hearings
from common.court.hearing_texts import LINK_CHARS_MAX, require_link
from common.db import open_database
from common.errors import Refused

HOUR_MS = 3_600_000
LATER = STARTS + 24 * HOUR_MS


def fixed(body=None, **more):
    return fact("hearing.set/1", body or set_body(), **more)


FIRST = fixed()


def moved(before=FIRST, officer=JUDGE, *, starts_ms=LATER, **changes):
    earlier = before.body.starts_ms
    return fixed(set_body(officer, earlier_ms=earlier, starts_ms=starts_ms, replaces=before.leaf, **changes), time=before.time + 1)


def ended(before=FIRST, officer=JUDGE, **changes):
    return fact("hearing.close/1", close_body(before.body, before.leaf, officer, **changes), time=before.time + 2)


MOVED = moved()
REFUSALS = {
    "moved first": ([MOVED], "hearing.unknown"),
    "closed first": ([ended()], "hearing.unknown"),
    "set anew": ([FIRST, fixed(time=NOW + 1)], "hearing.base"),
    "on a change that does not count": ([FIRST, moved(MOVED)], "hearing.base"),
    "on an older base, by a stranger": ([FIRST, MOVED, moved(FIRST, OTHER_CLERK, starts_ms=LATER + HOUR_MS)], "entry.role"),
    "on an older base": ([FIRST, MOVED, moved(FIRST, CLERK, starts_ms=LATER + HOUR_MS)], "hearing.changed"),
    "closed on an older base": ([FIRST, MOVED, ended(FIRST)], "hearing.changed"),
    "moved after its end": ([FIRST, ended(), moved()], "hearing.closed"),
    "closed twice": ([FIRST, ended(), ended(outcome="cancelled")], "hearing.closed"),
    "another case": ([FIRST, moved(case=b"x" * 16)], "hearing.other"),
    "another court": ([FIRST, moved(FIRST, OTHER_CLERK, court=OTHER_COURT)], "hearing.other"),
    "seconds": ([fixed(set_body(starts_ms=STARTS + 1))], "hearing.minute"),
    "another node": ([fixed(node=AKTAU)], "entry.other_node"),
    "the centre": ([fixed(node=CENTRE)], "entry.other_node"),
    "of another court": ([fixed(set_body(OTHER_CLERK))], "entry.role"),
    "a citizen": ([fixed(set_body(AIGUL))], "entry.role"),
    "closed by a stranger": ([FIRST, ended(FIRST, OTHER_CLERK)], "entry.role"),
    "another time signed": ([fixed(set_body(signed={"starts_ms": STARTS + HOUR_MS}))], "text.differs"),
    "another hall signed": ([fixed(set_body(signed={"hall": "9-зал"}))], "text.differs"),
    "another link signed": ([fixed(set_body(mode="video", link=LINK, signed={"link": LINK + "1"}))], "text.differs"),
    "another base signed": ([FIRST, moved(signed={"replaces": b"?" * 32})], "text.differs"),
    "the earlier time not signed": (
        [FIRST, fixed(set_body(starts_ms=LATER, replaces=FIRST.leaf), time=NOW + 1)],
        "text.differs",
    ),
    "signature": ([fixed(with_(set_body(), signature=b""))], "cms.tampered"),
    "key": ([fixed(with_(set_body(), certificate=CLERK.key))], "entry.certificate"),
    "video without a link": ([fixed(set_body(mode="video"))], "hearing.no_link"),
    "a link without video": ([fixed(set_body(link=LINK))], "hearing.link_unused"),
    "a link of another kind": ([fixed(set_body(mode="video", link="http://vks.example.kz/1"))], "hearing.link"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    facts, code = REFUSALS[name]
    assert fold(hearings, facts)[1] == [code]


@pytest.mark.parametrize("officer", [JUDGE, CLERK], ids=["judge", "clerk"])
def test_a_hearing_is_set_for_its_court_and_who_takes_part(officer):
    state, refused = fold(hearings, [fixed(set_body(officer, mode="video", link=LINK, persons=[AIGUL.cabinet, BOLAT.cabinet]))])
    assert refused == []
    assert hearings.audience(state).courts == {COURT}
    assert hearings.audience(state).persons == {AIGUL.iin, BOLAT.iin}
    assert not hearings.audience(state).everyone, "its link is nobody else's"
    [row] = hearings.rows(state)[hearings.HearingRow]
    assert (row["starts_ms"], row["was_ms"], row["status"], row["link"]) == (STARTS, None, "set", LINK)
    assert hearings.owner(state) == COURT


def test_a_moved_hearing_keeps_the_earlier_time_and_tells_who_knew_it():
    again = moved(persons=[BOLAT.cabinet])
    state, refused = fold(hearings, [FIRST, again, moved(again, CLERK, starts_ms=LATER, hall="7-зал")])
    assert refused == []
    [row] = hearings.rows(state)[hearings.HearingRow]
    assert (row["starts_ms"], row["was_ms"], row["hall"]) == (LATER, STARTS, "7-зал")
    steps = hearings.rows(state)[hearings.HearingEventRow]
    assert [each["kind"] for each in steps] == ["set", "moved", "changed"]
    assert canonical.decode_map(steps[1]["params"])["was_ms"] == STARTS
    assert hearings.audience(state).persons == {AIGUL.iin, BOLAT.iin}


@pytest.mark.parametrize("outcome", ["held", "adjourned", "cancelled"])
def test_a_hearing_ends_once_with_a_word_for_the_participants(outcome):
    state, refused = fold(hearings, [FIRST, MOVED, ended(MOVED, CLERK, outcome=outcome, note="Сарапшы келмеді.")])
    assert refused == []
    [row] = hearings.rows(state)[hearings.HearingRow]
    assert (row["status"], row["note"], row["starts_ms"]) == (outcome, "Сарапшы келмеді.", LATER)
    assert hearings.rows(state)[hearings.HearingEventRow][-1]["kind"] == outcome


@pytest.mark.parametrize("link", [LINK, "https://vks.sud.kz", "https://vks.sud.kz:8443/j/1?pwd=a%20b#x", "https://xn--80ak6aa.kz/"])
def test_links_that_lead_where_they_say(link):
    require_link(link, "video")


@pytest.mark.parametrize(
    "link",
    [
        "http://vks.sud.kz/1",
        "HTTPS://vks.sud.kz",
        "https://",
        "https://localhost/1",
        "https:vks.sud.kz",
        "https://sud.kz@evil.example/1",
        "https://vks.sud.kz/1 2",
        "https://vks.sud.kz/\n1",
        "https://vks.ѕud.kz/1",
        "https://vks.sud.kz:x/",
        "https://[vks.sud.kz/",
        "https://sud.kz\\.evil.example/",
        "javascript:alert(1)//https://a.b",
        "https://vks.sud.kz/" + "1" * LINK_CHARS_MAX,
    ],
)
def test_links_that_might_lead_elsewhere(link):
    with pytest.raises(Refused, match=r"hearing\.link"):
        require_link(link, "video")


def test_lists_show_a_hearing_beside_its_own_courts_case_only(tmp_path):
    database = open_database(tmp_path / "hearings.db")
    store(database, cases, fold(cases, [fact("case.open/1", case_body(), obj=b"c" * 16)])[0])
    mine = fold(hearings, [fixed(obj=b"1" * 16)])[0]
    later = fold(hearings, [fixed(set_body(starts_ms=LATER), obj=b"2" * 16)])[0]
    foreign = fold(hearings, [fixed(set_body(OTHER_CLERK, court=OTHER_COURT), obj=b"3" * 16, node=AKTAU)])[0]
    strange = fold(hearings, [fixed(set_body(case=b"x" * 16), obj=b"4" * 16)])[0]
    store(database, hearings, mine, later, foreign, strange)
    both = [b"c" * 16, b"x" * 16]
    assert [each.obj[:1] for each in hearing_lists.of_person(database, AIGUL.iin, both)] == [b"1", b"2"]
    assert hearing_lists.of_person(database, BOLAT.iin, both) == hearing_lists.of_person(database, AIGUL.iin, []) == []
    assert [[each.obj[:1] for each in hearing_lists.of_case(database, case)] for case in both] == [[b"1", b"2"], []]
    assert hearing_lists.hearing(database, b"1" * 16).number == NUMBER
    assert [hearing_lists.hearing(database, sign * 16) for sign in (b"3", b"4", b"?")] == [None, None, None]
    for past, from_ms, wanted in ((False, 0, [b"1", b"2"]), (False, LATER, [b"2"]), (True, LATER, [b"1"]), (True, LATER + 1, [b"2", b"1"])):
        found = hearing_lists.of_court(database, COURT, from_ms=from_ms, past=past, limit=9)
        assert [each.obj[:1] for each in found] == wanted
        assert hearing_lists.count_of_court(database, COURT, from_ms=from_ms, past=past) == len(wanted)
    assert not hearing_lists.of_court(database, OTHER_COURT, from_ms=0, past=False, limit=9)
    assert [each.obj[:1] for each in hearing_lists.at_one_time(database, COURT, from_ms=STARTS, until_ms=STARTS)] == [b"1"]
    assert [each.kind for each in hearing_lists.events(database, b"1" * 16)] == ["set"]
