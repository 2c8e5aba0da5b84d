"""Signing in at a court for the first time: the papers of other courts are fetched at once, or it is said that they are not here."""

from pathlib import Path

import pytest

from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import accounts, arrival
from tests.web.desk_world import CITIZEN, World, plain
from tests.web.pages import Browser, build


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The citizen has filed at Astana and has never been at Aktau."""
    world = World.create(tmp_path)
    world.file_at_a_kiosk()
    return world


def kind(node: Node) -> str:
    return arrival.of(node, CITIZEN.person).kind


def test_it_comes_with_the_next_tick_and_not_with_the_next_minute(world: World) -> None:
    exchanger = Exchanger(world.aktau)
    exchanger.tick()
    tried = "SELECT tried_ms FROM sync"
    world.court.clock.tick(1_000)
    exchanger.tick()  # a second later: nothing is due
    accounts.sign_in_by_key(world.aktau, CITIZEN.open(world.aktau))
    assert kind(world.aktau) == "coming"
    exchanger.tick()
    exchanger.tick()
    assert kind(world.aktau) == "here"
    assert world.aktau.database.execute_sql(tried).fetchone()[0] == world.court.clock.now()


def test_the_page_waits_shows_and_stops_waiting(world: World) -> None:
    world.court.exchange(world.aktau)
    browser = Browser(build(world.aktau))
    browser.enter(CITIZEN)
    page = browser.get("/cabinet").text
    assert '<meta http-equiv="refresh" content="3">' in page
    assert "Your papers from other courts are being fetched" in plain(page)
    world.court.exchange(world.aktau)
    world.court.exchange(world.aktau)
    page = browser.get("/cabinet").text
    assert 'content="3"' not in page
    assert "being fetched" not in page


def test_without_a_line_it_is_said_what_is_missing(world: World) -> None:
    world.court.exchange(world.aktau)
    world.court.cut(world.aktau)
    world.court.exchange(world.aktau)
    browser = Browser(build(world.aktau))
    browser.enter(CITIZEN)
    page = plain(browser.get("/cabinet").text)
    assert "Your papers from other courts are not here yet." in page
    assert 'content="3"' not in browser.get("/cabinet").text
    assert kind(world.aktau) == "waiting"


def test_a_line_that_dies_meanwhile_lets_the_kiosk_sleep(world: World) -> None:
    world.court.exchange(world.aktau)
    accounts.sign_in_by_key(world.aktau, CITIZEN.open(world.aktau))
    assert kind(world.aktau) == "coming"
    world.court.clock.tick(arrival.COMING_MS)
    assert kind(world.aktau) == "waiting"


def test_who_has_opened_nothing_here_waits_for_nothing(world: World) -> None:
    assert kind(world.aktau) == "here"
