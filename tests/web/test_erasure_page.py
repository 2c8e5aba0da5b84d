"""The page on which a chairman orders an erasure: what an act names, what goes and what stays, the key, and the list of orders."""

from pathlib import Path

import pytest

from common.court import cases as case_rows
from common.court import erasures as orders
from common.db import fetch
from edge.services import registration
from edge.services.decisions import Draft
from edge.services.registration import Clerk
from tests.web.desk_world import ADMINISTRATOR, AKTAU, CHAIRMAN, CLERK, JUDGE, Terminal, World, key_fields, plain

ACT = {"reference": "4711-26-00-2/17", "day": "27.11.2026"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


def at(world: World, who=CHAIRMAN) -> Terminal:
    terminal = Terminal(world.aktau)
    terminal.sign_in(who)
    return terminal


def bodies(world: World, obj: bytes) -> int:
    return fetch(world.aktau.database, "SELECT COUNT(*) FROM entry WHERE obj = ? AND body IS NOT NULL", (obj,))[0][0]


def test_a_chairman_orders_it_by_the_talon_and_the_key(world: World) -> None:
    """Row 73: what goes and what stays is said before, what was ordered afterwards."""
    obj = world.file_at_a_kiosk()
    talon = world.filing(obj).talon
    terminal, where = at(world), f"/desk/erasures/{obj.hex()}"
    assert "No orders yet" in terminal.get("/desk/erasures")
    assert "Your court holds nothing under this number" in terminal.get("/desk/erasures?q=123")
    assert where in terminal.get(f"/desk/erasures?q={talon[:3]} {talon[3:]}")
    page = plain(terminal.get(where))
    for said in ("What goes", "What stays", "every proof about other papers holds", "This cannot be taken back."):
        assert said in page, said
    for wrong in ({"reference": ""}, {"day": "never"}, {"reference": "a" * 201}):
        terminal.post(where, status=400, **(ACT | wrong), **key_fields(CHAIRMAN))
        terminal.get(where)
    terminal.post(where, status=400, **ACT, **key_fields(CLERK))
    assert bodies(world, obj) == 1
    terminal.get(where)
    assert terminal.post(where, **ACT, **key_fields(CHAIRMAN)) == "/desk/erasures"
    assert bodies(world, obj) == 0
    assert orders.of(world.aktau.database, obj) == orders.Erased(AKTAU, ACT["reference"], "2026-11-27")
    page = plain(terminal.get("/desk/erasures"))
    assert ACT["reference"] in page
    assert obj.hex() in page
    terminal.get(where, status=404)
    world.deliver()
    assert fetch(world.astana.database, "SELECT COUNT(*) FROM entry WHERE obj = ? AND body IS NOT NULL", (obj,)) == [(0,)]


def test_a_case_number_finds_the_case_and_its_filing(world: World) -> None:
    obj = world.file()
    clerk = Clerk(AKTAU, "Қасымова Дина Ерланқызы", CLERK.key.certificate.sha256)
    done = registration.sign(world.aktau, clerk, obj, Draft(kind="register"), CLERK.open(world.aktau))
    page = at(world, JUDGE).get(f"/desk/erasures?q=№ {done.number}")
    for each in (obj, done.case):
        assert f"/desk/erasures/{each.hex()}" in page
    assert case_rows.case(world.aktau.database, done.case) is not None


@pytest.mark.parametrize("who", [CLERK, ADMINISTRATOR])
def test_nobody_else_sees_any_of_it(world: World, who) -> None:
    obj = world.file()
    terminal = at(world, who)
    assert "/desk/erasures" not in terminal.get("/desk/line")
    for path in ("/desk/erasures", f"/desk/erasures/{obj.hex()}"):
        terminal.get(path, status=404)


def test_what_another_court_holds_is_not_here_to_order(world: World) -> None:
    terminal = at(world)
    for path in (f"/desk/erasures/{'0' * 32}", "/desk/erasures/x"):
        terminal.get(path, status=404)
