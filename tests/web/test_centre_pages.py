"""The centre's pages: who may open them, and that all of them open."""

from pathlib import Path

import pytest

from tests.web.country import ADMIN, CLERK, Country
from tests.web.pages import AIGUL, OUTSIDER

PAGES = (
    "/overview",
    "/filings",
    "/filings?days=7&region=71",
    "/nodes",
    "/nodes?q=аста",
    "/nodes/1001",
    "/nodes/1001/revoke",
    "/nodes/1001/courts",
    "/nodes/new",
    "/log",
    "/log/0",
    "/log/0.tlog-proof",
    "/log/heads",
    "/quarantine",
    "/staff",
    "/staff?region=71",
    "/staff/centre/new",
    "/staff/kz-7/new",
    "/reference",
)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    country = Country(tmp_path_factory.mktemp("country"))
    node = country.node("kz-7")
    country.appoint(CLERK, "clerk", "kz-7")
    country.file(node)
    node.client.exchange()
    return country


@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_asked_to_sign_in_and_comes_back(country: Country, path: str) -> None:
    answer = country.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/enter?next=/")


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_opens_every_page(country: Country, path: str, language: str) -> None:
    browser = country.browser(ADMIN)
    browser.get(f"/?lang={language}")
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("who", [CLERK, AIGUL])
def test_a_key_the_centre_did_not_appoint_opens_nothing(country: Country, who: object) -> None:
    answer = country.browser().post("/enter", key=who)
    assert answer.status_code == 400
    assert country.browser().get("/overview").status_code == 303


def test_a_key_of_a_stranger_is_refused(country: Country) -> None:
    assert country.browser().post("/enter", key=OUTSIDER).status_code == 400


def test_public_pages_need_nobody(country: Country) -> None:
    assert country.browser().get("/").status_code == 200
    assert country.browser().get("/check").status_code == 200
    stick = country.browser().get("/check/offline")
    assert stick.headers["Content-Disposition"].startswith("attachment")
    assert country.centre.identity.pin.registry.hex() in stick.text
    assert country.browser().get("/enter").status_code == 200


def test_a_dismissal_closes_every_page_at_once(tmp_path: Path) -> None:
    country = Country(tmp_path)
    second = country.appoint(CLERK, "central")
    browser, other = country.browser(ADMIN), country.browser(CLERK)
    assert other.get("/overview").status_code == 200
    country.clock.tick(1)
    assert browser.post(f"/staff/dismiss/{second.hex()}").status_code == 303
    assert other.get("/overview").status_code == 404
