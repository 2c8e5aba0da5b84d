"""Accounts: who may open a cabinet, where it opens, and what of it is shown."""

import pytest
from court_world import AIGUL, AKTAU, ASTANA, BOLAT, FIRM, NOW, fact, fold, register_body, sign_in_body, store, with_

from common.court import accounts, texts
from common.db import open_database

REGISTER, OPEN = "account.register/1", "account.open/1"


def test_registration_gives_a_cabinet_at_this_node():
    state, refused = fold(accounts, [fact(REGISTER, register_body())])
    (row,) = accounts.rows(state)[accounts.AccountRow]
    assert not refused
    assert (row["person"], row["email"], row["registered"], row["node"]) == (AIGUL.iin, "aigul@example.kz", True, ASTANA)
    assert accounts.audience(state).opens == {(AIGUL.iin, ASTANA)}


def test_sign_in_by_key_opens_without_registration():
    state, refused = fold(accounts, [fact(OPEN, sign_in_body(FIRM))])
    (row,) = accounts.rows(state)[accounts.AccountRow]
    assert not refused
    assert (row["person"], row["registered"], row["email"]) == (FIRM.bin, False, "")
    assert accounts.audience(state).persons == {FIRM.bin}


def test_registering_again_changes_the_email():
    again = fact(REGISTER, register_body(email="new@example.kz"), time=NOW + 9, node=AKTAU)
    state, refused = fold(accounts, [fact(REGISTER, register_body()), again])
    (row,) = accounts.rows(state)[accounts.AccountRow]
    assert not refused
    assert (row["email"], row["opened_ms"], row["changed_ms"], row["node"]) == ("new@example.kz", NOW, NOW + 9, ASTANA)
    assert accounts.audience(state).opens == {(AIGUL.iin, ASTANA), (AIGUL.iin, AKTAU)}


REFUSALS = {
    "account.person": [fact(REGISTER, with_(register_body(), person=BOLAT.iin))],
    "account.other_person": [fact(REGISTER, register_body()), fact(REGISTER, register_body(BOLAT))],
    "text.differs": [fact(REGISTER, with_(register_body(), email="somebody@example.kz"))],
    "text.unreadable": [fact(REGISTER, with_(register_body(), statement=b"\xff"))],
    "cms.tampered": [fact(REGISTER, with_(register_body(), signature=b"nothing"))],
    "entry.certificate": [fact(REGISTER, with_(register_body(), certificate=BOLAT.key))],
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals(code):
    assert fold(accounts, REFUSALS[code])[1] == [code]


def test_another_persons_key_opens_nothing():
    mine = sign_in_body(BOLAT)
    assert fold(accounts, [fact(OPEN, with_(mine, person=AIGUL.iin, iin=AIGUL.iin))])[1] == ["entry.person"]


def test_an_employee_of_no_firm_cannot_open_the_firms_cabinet():
    mine = sign_in_body(AIGUL)
    assert fold(accounts, [fact(OPEN, with_(mine, person=FIRM.bin, bin=FIRM.bin))])[1] == ["entry.person"]


def test_a_sign_in_at_one_node_cannot_be_replayed_at_another():
    assert fold(accounts, [fact(OPEN, sign_in_body(node=ASTANA), node=AKTAU)])[1] == ["text.differs"]


def test_the_statement_is_readable():
    lines = dict(texts.read(register_body().statement))
    assert lines[texts.PERSON] == AIGUL.iin
    assert lines[texts.EMAIL] == "aigul@example.kz"


def test_a_name_cannot_pretend_to_be_another_line():
    forged = f"Айгүл\n{texts.EMAIL}: evil@example.kz"
    statement = accounts.registration_statement(iin="1", bin="", name=forged, email="a@b.kz", language="kk", agreement="1")
    assert [value for label, value in texts.read(statement) if label == texts.EMAIL] == ["a@b.kz"]


def test_accounts_of_joins_the_objects_of_one_person(tmp_path):
    database = open_database(tmp_path / "a.db")
    first = fold(accounts, [fact(REGISTER, register_body(), obj=b"1" * 16)])[0]
    second = fold(accounts, [fact(OPEN, sign_in_body(node=AKTAU), node=AKTAU, obj=b"2" * 16, time=NOW + 1)])[0]
    other = fold(accounts, [fact(OPEN, sign_in_body(BOLAT), obj=b"3" * 16)])[0]
    store(database, accounts, first, second, other)
    found = accounts.accounts_of(database, AIGUL.iin)
    assert [(each.obj, each.registered) for each in found] == [(b"2" * 16, False), (b"1" * 16, True)]
