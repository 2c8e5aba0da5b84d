"""The line was down: what anybody sees of it, and the certificate."""

import io
import re
from pathlib import Path

import pytest

from common.errors import Unreachable
from edge.exchanger import Exchanger
from edge.services import outages
from edge.web.outages import CERTIFICATES_MAX
from tests.web.filing_world import house_of, ready, send
from tests.web.pages import AIGUL, Browser, House
from tests.web.test_filings_pages import words

DAYS = "/outages/certificate.pdf?first=2026-11-21&last=2026-11-21"
"""The day on which the clock of tests stands."""
OLD = "?first=2020-01-01&last=2026-11-21"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return house_of(tmp_path)


def guest(house: House, language: str = "en") -> Browser:
    browser = house.browser()
    browser.get(f"/outages/?lang={language}")
    return browser


def go_down(house: House) -> None:
    house.court.cut(house.node)
    with pytest.raises(Unreachable):
        Exchanger(house.node).exchange()


def come_back(house: House) -> None:
    house.court.clock.tick(50 * 60_000)
    house.court.heal(house.node)
    Exchanger(house.node).exchange()


def test_before_the_first_outage_the_page_says_so_and_there_is_nothing_to_certify(house: House) -> None:
    assert "No outage is on record" in words(guest(house).get("/outages/"))
    answer = guest(house).get(DAYS)
    assert answer.status_code == 400
    assert "no record of the line being down" in words(answer)


def test_anybody_sees_the_outage_and_takes_a_certificate_that_the_public_check_reads(house: House) -> None:
    go_down(house)
    assert "since 21.11.2026, 10:46, not over yet tries that failed: 1" in words(guest(house).get("/outages/"))
    come_back(house)
    page = words(guest(house).get("/outages/"))
    assert "from 21.11.2026, 10:46 to 21.11.2026, 11:36" in page
    answer = guest(house).get(DAYS)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert AIGUL.iin.encode() not in answer.data
    browser = house.browser()
    browser.get("/check?lang=en")
    checked = words(browser.post("/check", {"code": "", "file": (io.BytesIO(answer.data), "certificate.pdf")}))
    for text in ("The certificate about the line is genuine", "outages: 1.", "tries that failed: 1", "The centre can hold them against"):
        assert text in checked, text


@pytest.mark.parametrize("query", ["", "?first=2026-11-21", "?first=x&last=y", "?first=2026-11-22&last=2026-11-21", OLD])
def test_days_that_are_none_are_refused_in_words(house: House, query: str) -> None:
    answer = guest(house).get(f"/outages/certificate.pdf{query}")
    assert answer.status_code == 400
    assert re.search("Choose the first|Choose days|Write the date as", words(answer))


def test_days_are_typed_as_on_every_page_and_there_is_a_way_back(house: House) -> None:
    page = guest(house).get("/outages/certificate.pdf?first=21.11.2027&last=21.11.2027")
    assert "Choose days up to today" in words(page)
    assert 'href="/"' in page.text
    assert 'type="date"' not in page.text


def test_making_certificates_is_limited(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "pdf", lambda node, first, last: b"%PDF-")
    browser = guest(house)
    answers = [browser.get(DAYS).status_code for _ in range(CERTIFICATES_MAX + 1)]
    assert answers == [200] * CERTIFICATES_MAX + [429]


def test_the_talons_page_says_that_the_line_was_down_and_leads_to_the_certificate(house: House) -> None:
    before = send(house.node, ready(house.node))
    house.court.clock.tick(60_000)
    go_down(house)
    house.court.clock.tick(60_000)
    during = send(house.node, ready(house.node))
    come_back(house)
    browser = house.browser()
    browser.enter(AIGUL)
    said = "The line to the centre was down when your papers were taken."
    assert said not in words(browser.get(f"/filings/{before.obj.hex()}/sent?lang=en"))
    answer = browser.get(f"/filings/{during.obj.hex()}/sent")
    assert said in words(answer)
    assert "/outages/certificate.pdf?first=2026-11-21&amp;last=2026-11-21" in answer.text
    found = outages.around(house.node, during)
    assert found is not None
    assert found.outage.began <= during.received_ms < (found.outage.ended or 0)


@pytest.mark.parametrize(("language", "word"), [("kk", "Байланыс үзілістері"), ("ru", "Перерывы связи")])
def test_the_page_speaks_both_languages(house: House, language: str, word: str) -> None:
    go_down(house)
    assert word in words(guest(house, language).get("/outages/"))
