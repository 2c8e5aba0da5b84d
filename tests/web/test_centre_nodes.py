"""Machines: a code for a new one, its courts, its revocation, an alarm that a person takes back."""

import html
import re
import shutil
from pathlib import Path

import pytest

from central.services import nodes
from common.db import fetch
from common.errors import Forbidden
from edge.cli import parser as edge_parser
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from sync import directory
from tests.web.country import ADMIN, Country
from tests.web.pages import Browser

CODE = re.compile(r"--code ([A-Z2-7-]+)")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


@pytest.fixture
def browser(country: Country) -> Browser:
    return country.browser(ADMIN)


def test_a_machine_is_enrolled_from_the_page(country: Country, browser: Browser, tmp_path: Path) -> None:
    found = browser.post("/nodes/new", {"node": "1976", "name": "Ақтау", "q": "Астана", "do": "find"}).text
    assert 'value="kz-7"' in found
    assert 'value="1976"' in found  # what was typed is still there
    page = browser.post("/nodes/new", {"node": "1976", "name": "Ақтау", "court": ["kz-7", "kz-283"], "do": "make"}).text
    code = CODE.search(page)
    assert code
    for line in re.findall(r"python -m edge ([^<\n]+)", html.unescape(page)):
        edge_parser().parse_args(line.split())  # exits where the command line knows no such command
    assert enrol(tmp_path / "new", code[1], country.line) == 1976
    assert directory.courts_of(country.centre.database, 1976) == ["kz-283", "kz-7"]
    assert code[1] not in browser.get("/nodes/1976").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"node": "0"},
        {"node": "10000"},
        {"node": "x"},
        {"node": ""},
        {"name": " "},
        {"court": []},
        {"court": ["kz-99999"]},
        {"node": "1001"},
    ],
)
def test_what_is_wrong_with_a_new_machine_is_said(country: Country, browser: Browser, wrong: dict[str, object]) -> None:
    country.node("kz-7", number=1001)
    given: dict[str, object] = {"node": "1976", "name": "Ақтау", "court": ["kz-7"], "do": "make"}
    answer = browser.post("/nodes/new", given | wrong)
    assert answer.status_code == 400
    assert CODE.search(answer.text) is None


def test_a_machine_is_revoked_after_a_question(country: Country, browser: Browser) -> None:
    node = country.node("kz-7")
    asked = browser.post("/nodes/1001/revoke", {"reason": "Ұрланды"})
    assert "Ұрланды" in asked.text
    assert directory.revocation_of(country.centre.database, 1001) is None
    assert browser.post("/nodes/1001/revoke", {"reason": "Ұрланды", "sure": "1"}).status_code == 303
    assert nodes.machine(country.centre, 1001).state == "revoked"
    [(actor,)] = fetch(country.centre.database, "SELECT envelope FROM entry ORDER BY log_index DESC LIMIT 1")
    assert ADMIN.key.certificate.sha256 in actor
    with pytest.raises(Forbidden, match=r"node\.revoked"):
        node.client.exchange()
    assert browser.post("/nodes/1001/revoke", {"reason": "again", "sure": "1"}).status_code == 400


@pytest.mark.parametrize("reason", ["", "  ", "а" * 501])
def test_a_revocation_says_why(country: Country, browser: Browser, reason: str) -> None:
    country.node("kz-7")
    assert browser.post("/nodes/1001/revoke", {"reason": reason, "sure": "1"}).status_code == 400
    assert directory.revocation_of(country.centre.database, 1001) is None


def test_a_court_moves_to_another_machine(country: Country, browser: Browser) -> None:
    country.node("kz-7", number=1001)
    other = country.node("kz-283", number=1002)
    question = browser.post("/nodes/1002/courts", {"court": ["kz-7", "kz-283"], "do": "serve"}, headers={"Accept-Language": "en"}).text
    assert "1001" in question  # from whom it is taken
    assert browser.post("/nodes/1002/courts", {"courts": "kz-7 kz-283", "sure": "1"}).status_code == 303
    assert nodes.writers(country.centre.database) == {"kz-7": 1002, "kz-283": 1002}
    other.client.exchange()
    assert other.courts() == ["kz-283", "kz-7"]


def test_a_copy_raises_an_alarm_until_a_person_takes_it_back(country: Country, browser: Browser, tmp_path: Path) -> None:
    node = country.node("kz-7")
    shutil.copytree(node.data, tmp_path / "copy")
    for _ in range(3):
        node.client.exchange()
    copy = Node.open(EdgeConfig(data=str(tmp_path / "copy")), clock=country.clock, transport=country.line)
    copy.start()
    with pytest.raises(Forbidden, match=r"node\.twin"):
        copy.client.exchange()
    one = nodes.machine(country.centre, 1001)
    assert (one.alarms, one.tone) == (("twin",), "off")
    assert browser.get("/nodes/1001/clear").status_code == 200
    assert browser.post("/nodes/1001/clear").status_code == 303
    assert nodes.machine(country.centre, 1001).alarms == ()
    assert browser.post("/nodes/1001/clear").status_code == 409
    copy.client.exchange()  # the next one is believed
    assert len(fetch(country.centre.database, "SELECT 1 FROM cleared_alarm WHERE actor = ?", (ADMIN.key.certificate.sha256,))) == 1


def test_days_of_contact_are_kept_by_the_hour(country: Country) -> None:
    node = country.node("kz-7")
    for _ in range(3):
        node.client.exchange()
        nodes.note_contacts(country.centre)
        nodes.note_contacts(country.centre)
        country.clock.tick(nodes.HOUR_MS)
    [day] = nodes.days(country.centre, 1001, since_ms=0, offset_ms=5 * nodes.HOUR_MS)
    assert day.hours == 3
    country.clock.tick(nodes.KEPT_DAYS * nodes.DAY_MS)
    nodes.note_contacts(country.centre)
    assert nodes.days(country.centre, 1001, since_ms=0, offset_ms=0) == []


def test_no_such_machine(browser: Browser) -> None:
    for path in ("/nodes/1", "/nodes/0", "/nodes/99999", "/nodes/1/revoke", "/nodes/1/courts", "/nodes/1/clear"):
        assert browser.get(path).status_code == 404
