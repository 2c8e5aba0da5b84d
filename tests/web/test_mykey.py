"""«Test my key»: for everybody, for every key, keeping nothing."""

import dataclasses
import io
from pathlib import Path

import pytest

from common.db import fetch
from common.pki.authority import DAY_MS
from common.pki.keystore import write_p12
from common.web.keys import CLIENT_TRIES_MAX
from edge.web import mykey
from tests.web.desk_world import CLERK, World
from tests.web.elsewhere import sign_elsewhere
from tests.web.pages import (
    AIGUL,
    BEGUN_MS,
    FIRM,
    GOST_AIGUL,
    MAKERS,
    OUTSIDER,
    PASSWORD,
    REVOKED,
    Browser,
    House,
    Person,
    build,
    centre_of,
    errors_in,
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"), (*MAKERS, mykey.make_pages))


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["file", "ncalayer"])
@pytest.mark.parametrize("who", [AIGUL, GOST_AIGUL], ids=["rsa", "gost"])
def test_a_good_key_says_whose_it_is(browser: Browser, who: Person, elsewhere: bool) -> None:
    page = (sign_elsewhere(browser, "/key", who) if elsewhere else browser.post("/key", key=who)).text
    for words in (
        "The key works here",
        "Сәрсенова Айгүл",
        who.key.certificate.algorithm,
        "file (.p12)",
        "as a person",
        "not on the revocation",
    ):
        assert words in page, words


def test_what_a_certificate_does_not_say_is_left_out(browser: Browser) -> None:
    browser.get("/help?lang=kk")
    page = browser.post("/key", key=AIGUL).text
    assert "Кілт мұнда жарамды" in page
    for wrong in ("Project-Id-Version", "Жеке басты анықтау"):  # the first is what a catalogue says of the empty sentence
        assert wrong not in page, wrong


def test_nothing_is_kept_and_nobody_is_signed_in(house: House, browser: Browser) -> None:
    tables = [name for (name,) in fetch(house.node.database, "SELECT name FROM sqlite_master WHERE type = 'table'")]

    def rows() -> dict[str, int]:
        counted = {name: fetch(house.node.database, f"SELECT COUNT(*) FROM {name}")[0][0] for name in tables}
        return {name: count for name, count in counted.items() if name != "web_session"}

    before = rows()
    assert browser.post("/key", key=AIGUL).status_code == 200
    assert sign_elsewhere(browser, "/key", AIGUL).status_code == 200
    assert rows() == before
    assert browser.get("/cabinet").status_code == 303


@pytest.mark.parametrize(("who", "words"), [(REVOKED, "stands on the revocation list"), (OUTSIDER, "not issued by a certification centre")])
def test_a_key_that_does_not_work_is_shown_with_the_reason(browser: Browser, who: Person, words: str) -> None:
    page = browser.post("/key", key=who).text
    assert "The key does not work here" in page
    assert words in page
    assert who.iin[:6] in page.replace("\u202f", "").replace("\u00a0", "").replace(" ", "")


def test_an_old_key_and_a_list_out_of_date(house: House, browser: Browser) -> None:
    old = centre_of(AIGUL.centre).issue_person("ЕСКІ", "КІЛТ", "", AIGUL.iin, not_before_ms=BEGUN_MS, days=2)
    answer = browser.client.post("/key", data=file_fields(browser, write_p12(old, PASSWORD)))
    assert "no longer in force" in answer.text
    house.court.clock.tick(2 * DAY_MS)
    assert "that list is out of date" in house.browser().post("/key", key=AIGUL).text
    house.court.clock.tick(-2 * DAY_MS)


def file_fields(browser: Browser, p12: bytes) -> dict[str, object]:
    return {"csrf_token": browser.token("/key"), "key_file": (io.BytesIO(p12), "key.p12"), "key_password": PASSWORD}


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("head", "as: head of the organisation"),
        ("right_to_sign", "as: employee with the right to sign"),
        ("employee", "but not sign for it"),
        ("information_system", "names no person"),
    ],
)
def test_an_organisation_signs_by_its_role(browser: Browser, role: str, words: str) -> None:
    page = browser.post("/key", key=dataclasses.replace(FIRM, role=role)).text
    assert words in page


def test_a_clerk_sees_where_they_decide(tmp_path: Path) -> None:
    world = World.create(tmp_path)
    browser = Browser(build(world.aktau, (*MAKERS, mykey.make_pages)))
    assert "You are on the staff list: office clerk" in browser.post("/key", key=CLERK).text


def test_tries_are_counted(house: House) -> None:
    browser = Browser(build(house.node, (*MAKERS, mykey.make_pages)))
    for number in range(CLIENT_TRIES_MAX):
        data = {"csrf_token": browser.token("/key"), "key_where": "ncalayer", "signature": f"{number}"}
        assert browser.client.post("/key", data=data).status_code == 400
    assert "Too many keys did not open here" in errors_in(browser.post("/key", key=AIGUL))
