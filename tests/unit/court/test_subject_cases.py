"""Cases: opened by a clerk of the court, and who takes part."""

import pytest
from court_world import (
    AIGUL,
    AKTAU,
    CENTRE,
    CLERK,
    COURT,
    JUDGE,
    NOW,
    NUMBER,
    OTHER_COURT,
    case_body,
    fact,
    fold,
    party_body,
    rule_body,
    store,
    with_,
)

from common.court import cases
from common.db import open_database


def opened(body=None, **more):
    return fact("case.open/1", body or case_body(), **more)


def party(body=None, **more):
    return fact("case.party/1", body or party_body(), **more)


def rule(body=None, **more):
    return fact("case.rule/1", body or rule_body(cases.Rule), obj=b"c" * 16, **more)


def mine(body=None, **more):
    return fact("case.open/1", body or case_body(), obj=b"c" * 16, **more)


REFUSALS = {
    "ruling first": ([rule()], "case.unknown"),
    "ruling twice": ([mine(), rule(), rule(rule_body(cases.Rule, outcome="returned"))], "case.ruled"),
    "ruling of another": ([mine(), rule(rule_body(cases.Rule, filing=b"x" * 16))], "case.other"),
    "ruling by a clerk": ([mine(), rule(rule_body(cases.Rule, judge=CLERK))], "entry.role"),
    "twice": ([opened(), opened(time=NOW + 1)], "case.twice"),
    "grammar": ([opened(case_body(number="12"))], "case_number.grammar"),
    "spelling": ([opened(case_body(number=NUMBER + " "))], "case.number"),
    "filer": ([opened(with_(case_body(), filer_person=""))], "case.filer"),
    "node": ([opened(node=AKTAU)], "entry.other_node"),
    "centre": ([opened(node=CENTRE)], "entry.other_node"),
    "role": ([opened(case_body(JUDGE))], "entry.role"),
    "court": ([opened(with_(case_body(), court=OTHER_COURT), node=AKTAU)], "text.differs"),
    "signature": ([opened(with_(case_body(), signature=b""))], "cms.tampered"),
    "key": ([opened(with_(case_body(), certificate=JUDGE.key))], "entry.certificate"),
    "party first": ([party()], "case.unknown"),
    "party's node": ([opened(), party(node=AKTAU)], "entry.other_node"),
    "party's name": ([opened(), party(party_body(""))], "case.party"),
    "party's term": ([opened(), party(party_body(to_ms=NOW - 1))], "case.term"),
}


@pytest.mark.parametrize("outcome", ["accepted", "returned", "declined"])
def test_a_case_stands_as_its_judge_ruled(outcome):
    state, refused = fold(cases, [mine(), rule(rule_body(cases.Rule, outcome=outcome))])
    assert (refused, cases.status(state)) == ([], outcome)
    assert cases.rows(state)[cases.CaseEventRow][-1]["kind"] == outcome


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    facts, code = REFUSALS[name]
    assert fold(cases, facts)[1] == [code]


def test_a_case_is_for_its_court_and_the_filer():
    state, refused = fold(cases, [opened(), party()])
    assert not refused
    assert cases.status(state) == "opened"
    assert cases.audience(state).courts == {COURT}
    assert cases.audience(state).persons == {AIGUL.iin}


def test_leaving_replaces_the_same_participant():
    state, _ = fold(cases, [opened(), party(), party(party_body("Асанов А.")), party(party_body(to_ms=NOW + 9), time=NOW + 9)])
    rows = cases.rows(state)
    assert [(row["name"], row["to_ms"]) for row in rows[cases.CasePartyRow]] == [("Бекова Б. Б.", NOW + 9), ("Асанов А.", None)]
    assert [row["kind"] for row in rows[cases.CaseEventRow]] == ["opened", "party", "party", "party_left"]


def test_queries(tmp_path):
    database = open_database(tmp_path / "cases.db")
    first = fold(cases, [opened(obj=b"1" * 16), party(obj=b"1" * 16)])[0]
    second = fold(cases, [opened(case_body(number="7194-26-00-2/1001"), obj=b"2" * 16, time=NOW + 1)])[0]
    store(database, cases, first, second)
    assert cases.case(database, b"1" * 16).number == NUMBER
    assert cases.case(database, b"?" * 16) is None
    assert [each.obj[:1] for each in cases.cases_by_number(database, NUMBER)] == [b"1"]
    assert len(cases.cases_of_filing(database, b"o" * 16)) == 2
    assert [each.name for each in cases.participants(database, b"1" * 16)] == ["Бекова Б. Б."]
    assert cases.last_sequence(database, court=COURT, prefix="7194-26-00-2") == 1001
    assert cases.last_sequence(database, court=COURT, prefix="7194-27-00-2") == 0
