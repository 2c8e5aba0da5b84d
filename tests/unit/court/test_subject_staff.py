"""Staff: only the centre appoints, and rights are judged as of a log size."""

import hashlib

import pytest
from court_world import CENTRE, COURT, NOW, appoint_body, fact, fold, store

from common.court import staff
from common.db import open_database

KEY = hashlib.sha256(b"der of the clerk").digest()


def appoint(index=None, **changes):
    more = {name: changes.pop(name) for name in ("node", "time", "obj") if name in changes}
    return fact("staff.appoint/1", appoint_body(**changes), **{"node": CENTRE, **more}, log_index=index)


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "staff.db")


def roles(database, before, key=KEY, court=COURT):
    return staff.roles_as_of(database, key, court, before=before)


REFUSALS = {
    "entry.centre_only": [appoint(node=1)],
    "staff.certificate": [appoint(certificate=b"")],
    "staff.place": [appoint(court="")],
    "staff.term": [appoint(to_ms=NOW - 1)],
    "staff.changed": [appoint(), appoint(role="judge")],
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals(code):
    assert fold(staff, REFUSALS[code])[1] == [code]


def test_the_centres_own_people_have_no_court():
    assert fold(staff, [appoint(role="central", court=COURT)])[1] == ["staff.place"]
    state, refused = fold(staff, [appoint(role="central", court="")])
    assert not refused
    assert staff.audience(state).everyone


def test_a_role_counts_from_its_place_in_the_log(database):
    store(database, staff, fold(staff, [appoint(7)])[0])
    assert roles(database, 7) == frozenset()
    assert roles(database, 8) == {"clerk"}
    assert roles(database, 8, court="kz-283") == frozenset()
    assert roles(database, 8, key=b"?" * 32) == frozenset()


def test_an_unlogged_appointment_counts_for_nobody(database):
    store(database, staff, fold(staff, [appoint(None)])[0])
    assert roles(database, 1 << 40) == frozenset()


def test_a_dismissal_ends_the_role_from_its_place_on(database):
    store(database, staff, fold(staff, [appoint(7), appoint(9, to_ms=NOW + 5, time=NOW + 5)])[0])
    assert roles(database, 9) == {"clerk"}
    assert roles(database, 10) == frozenset()


def test_an_end_in_the_future_does_not_end_the_role_in_a_fold_but_at_sign_in(database):
    store(database, staff, fold(staff, [appoint(7, to_ms=NOW + 5)])[0])
    assert roles(database, 8) == {"clerk"}
    assert [each.role for each in staff.roles_at(database, KEY, now_ms=NOW + 4)] == ["clerk"]
    assert staff.roles_at(database, KEY, now_ms=NOW + 5) == []
    assert staff.roles_at(database, KEY, now_ms=NOW - 1) == []


def test_a_renewed_key_replaces_the_old_one(database):
    store(database, staff, fold(staff, [appoint(7), appoint(9, certificate=b"new der")])[0])
    new = hashlib.sha256(b"new der").digest()
    assert (roles(database, 10), roles(database, 10, key=new), roles(database, 9)) == (frozenset(), {"clerk"}, {"clerk"})
    assert staff.roles_at(database, KEY, now_ms=NOW) == []


def test_the_list_of_a_court_is_by_name(database):
    second = fold(staff, [appoint(8, name="Аббасов", role="judge", obj=b"2" * 16)])[0]
    store(database, staff, fold(staff, [appoint(7)])[0], second)
    assert [each.role for each in staff.staff_of(database, COURT, now_ms=NOW)] == ["judge", "clerk"]
