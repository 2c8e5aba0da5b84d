"""The first page, its eighteen services, and the cabinet of who is signed in."""

import re
from pathlib import Path

import pytest

from edge.services import accounts, catalogue
from edge.services.catalogue import GROUPS, SERVICES
from tests.web.pages import AIGUL, BOLAT, CABINET_PASSWORD, Browser, House, build, somebody

OPEN = {"sms", "summons", "hearings", "acts", "act-check", "survey"}
"""SERVICES.md, decisions: what needs no sign-in."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(build(house.node))


def tiles_in(page: str) -> list[str]:
    return re.findall(r'<a class="tile.*?</a>', page, re.DOTALL)


def test_there_are_eighteen_services_each_once_and_in_a_group() -> None:
    assert len(SERVICES) == 18
    assert len({service.slug for service in SERVICES}) == len({service.name for service in SERVICES}) == 18
    assert {service.group for service in SERVICES} == set(GROUPS)
    assert {service.slug for service in SERVICES if not service.sign_in} == OPEN


def test_the_first_page_has_every_tile_in_the_order_of_its_group(browser: Browser) -> None:
    page = browser.get("/").text
    tiles = tiles_in(page)
    assert len(tiles) == 18
    assert "Sending documents" in tiles[0]
    assert "tile-first" in tiles[0]
    assert [page.index(f">{title}</h2>") for title in GROUPS.values()] == sorted(page.index(f">{title}</h2>") for title in GROUPS.values())
    assert page.count("without signing in") == len(OPEN)
    assert page.count("not built yet") == 18 - len(catalogue.built())


def test_tiles_lead_to_what_is_built_and_say_plainly_what_is_not(browser: Browser) -> None:
    tiles = tiles_in(browser.get("/").text)
    for service, tile in zip(sorted(SERVICES, key=lambda each: list(GROUPS).index(each.group)), tiles, strict=True):
        assert ("not built yet" in tile) == (service.endpoint is None)
        if service.endpoint is None:
            answer = browser.get(f"/services/{service.slug}")
            assert answer.status_code == 501
            assert "This service is not built yet" in answer.text
            assert f'href="/services/{service.slug}"' in tile
        else:
            assert browser.get(f"/services/{service.slug}").status_code == 303


def test_there_is_no_nineteenth_service(browser: Browser) -> None:
    assert browser.get("/services/nothing").status_code == 404


def test_a_visitor_finds_sign_in_registration_and_the_check_of_talons(browser: Browser) -> None:
    page = browser.get("/").text
    assert 'href="/enter"' in page
    assert 'href="/register"' in page
    assert "talons.check" in page
    assert "Those of other courts: as of today 10:46." in page


def test_a_node_that_never_reached_the_centre_says_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.node.database.connection().execute("UPDATE sync SET contact_ms = 0")
    assert "Nothing has come from other courts yet" in house.browser().get("/").text


def test_who_is_signed_in_goes_to_the_cabinet_instead(browser: Browser) -> None:
    browser.enter(AIGUL)
    page = browser.get("/").text
    assert 'href="/cabinet"' in page
    assert 'href="/enter"' not in page


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
def test_the_first_page_opens_in_every_language(browser: Browser, lang: str) -> None:
    page = browser.get(f"/?lang={lang}").text
    assert f'<html lang="{lang}"' in page
    assert len(tiles_in(page)) == 18


def test_a_cabinet_shows_its_owner_and_nobody_else(house: House, browser: Browser) -> None:
    browser.register(AIGUL, email="owner@example.kz")
    stranger = Browser(browser.app)
    stranger.enter(BOLAT)
    page = stranger.get("/cabinet").text
    assert "Ахметов Болат Ерланұлы" in page
    for secret in ("Сәрсенова", "owner@example.kz", AIGUL.iin[6:]):
        assert secret not in page
    page = browser.get("/cabinet").text
    for own in ("Сәрсенова Айгүл Маратқызы", "owner@example.kz", "it is set"):
        assert own in page


def test_the_cabinet_asks_again_when_the_agreement_has_changed(house: House, browser: Browser) -> None:
    who = somebody(60)
    accounts.register(
        house.node, who.open(house.node), email="a@b.kz", password=CABINET_PASSWORD, language="kk", agreement="0123456789abcdef"
    )
    browser.enter(who)
    assert "The user agreement has changed since you accepted it" in browser.get("/cabinet").text
    assert browser.register(who).status_code == 303
    assert "has changed since" not in browser.get("/cabinet").text


def test_the_agreement_can_be_read_at_any_time(browser: Browser) -> None:
    page = browser.get("/agreement")
    assert page.status_code == 200
    assert "Your personal data" in page.text
    assert "<form" not in page.text.split("<main", 1)[1].split("</main>")[0]
