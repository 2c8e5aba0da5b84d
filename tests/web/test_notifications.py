"""Notifications: one's own, the newest first, marked until seen here, with a way to each paper."""

import re
from pathlib import Path

import pytest

from common.court import cases, filings
from edge.services import notifications
from tests.unit.court import court_world as world
from tests.web.pages import AIGUL, BOLAT, Browser, House

NOW = world.NOW


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def file(house: House, number: int, *, time: int = NOW, owner: world.Person = world.AIGUL, decided: bool = False) -> bytes:
    """Put a filing of ``owner`` into the tables, as the fold does."""
    obj = bytes([number]) * 16
    facts = [world.fact("filing.submit/1", world.submit_body(owner), blobs=world.BLOBS, obj=obj, time=time)]
    if decided:
        facts.append(world.fact("filing.register/1", world.register_decision(), obj=obj, time=time + 60_000))
    world.store(house.node.database, filings, world.fold(filings, facts)[0])
    return obj


def rows_in(page: str) -> list[str]:
    return re.findall(r'<li class="file">.*?</li>', page, re.DOTALL)


def unread_in(page: str) -> int:
    return sum("unread" in row for row in rows_in(page))


def words_in(row: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


def test_nobody_reads_without_signing_in(house: House) -> None:
    assert house.browser().get("/notifications").headers["Location"] == "/enter?next=/notifications"


def test_an_empty_list_says_what_will_appear(house: House) -> None:
    browser = house.browser()
    browser.enter(AIGUL)
    page = browser.get("/notifications").text
    assert "No notifications yet" in page
    assert "as of today 10:46" in page


def test_the_newest_comes_first_in_the_words_of_the_manual(house: House) -> None:
    obj = file(house, 1, decided=True)
    browser = house.browser()
    browser.enter(AIGUL)
    rows = rows_in(browser.get("/notifications").text)
    assert len(rows) == 2
    grouped = "\N{NO-BREAK SPACE}".join(world.TALON[at : at + 3] for at in range(0, 15, 3))
    assert f'The status of application <span class="num">{grouped}</span> has changed' in rows[0]
    assert f"Registered. Number of the case: {world.NUMBER}." in rows[0]
    assert "Sent; the talon was given. It is not registered yet." in rows[1]
    assert re.search(r"\d\d\.\d\d\.2026, \d\d:\d\d", words_in(rows[0]))
    assert "/elsewhere/filings.show" in rows[0]
    assert obj


def test_a_case_leads_to_the_filing_it_grew_from(house: House) -> None:
    file(house, 1)
    opened = [world.fact("case.open/1", world.case_body(), obj=b"c" * 16, time=NOW + 10)]
    world.store(house.node.database, cases, world.fold(cases, opened)[0])
    found = notifications.page(house.node, AIGUL.iin)
    assert [(row.what.kind, row.filing) for row in found.rows] == [("opened", b"\x01" * 16), ("filed", b"\x01" * 16)]


def test_they_stand_out_until_they_were_seen_and_only_for_who_saw_them(house: House) -> None:
    file(house, 1, decided=True)
    browser = house.browser()
    browser.enter(AIGUL)
    assert "new: 2" in browser.get("/cabinet").text
    assert unread_in(browser.get("/notifications").text) == 2
    assert unread_in(browser.get("/notifications").text) == 0
    assert "new:" not in browser.get("/cabinet").text
    file(house, 2, time=NOW - 86_400_000)  # older, but it came later
    rows = rows_in(browser.get("/notifications").text)
    assert ["unread" in row for row in rows] == [False, False, True]


def test_a_stranger_sees_nothing_of_it(house: House) -> None:
    file(house, 1)
    browser = house.browser()
    browser.enter(BOLAT)
    assert rows_in(browser.get("/notifications").text) == []
    file(house, 2, owner=world.BOLAT)
    assert len(rows_in(browser.get("/notifications").text)) == 1


def test_a_long_list_goes_on_without_gap_or_repeat(house: House) -> None:
    count = notifications.PAGE_ROWS + 5
    for number in range(count):
        file(house, number + 1, time=NOW + number)
    browser = house.browser()
    browser.enter(AIGUL)
    first = browser.get("/notifications").text
    assert len(rows_in(first)) == notifications.PAGE_ROWS
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = browser.get(older[1].replace("&amp;", "&")).text
    assert len(rows_in(second)) == 5
    assert "To the newest" in second
    assert 'rel="next"' not in second


def test_a_place_nobody_was_given_is_refused(house: House) -> None:
    browser = house.browser()
    browser.enter(AIGUL)
    answer = browser.get("/notifications?before=1.zz.1")
    assert answer.status_code == 400
    assert "cannot be continued from here" in answer.text


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("filing.refuse/1", world.refuse_decision(), "Registration was refused"),
        ("filing.refuse/1", world.refuse_decision(redirected_to="kz-283", grounds=[]), "Passed to another court:"),
        ("filing.withdraw/1", world.withdraw_body(), "You withdrew it."),
        ("filing.verify/1", world.verify_body("payment", "paid"), "The payment of the state duty was found."),
        ("filing.verify/1", world.verify_body("revocation", "revoked"), "had been revoked before signing"),
        ("filing.verify/1", world.verify_body("address", "unknown"), "nothing certain was found out"),
    ],
)
def test_every_change_has_its_own_words(house: House, kind: str, body: object, words: str) -> None:
    node = world.CENTRE if "verify" in kind else world.ASTANA
    facts = [
        world.fact("filing.submit/1", world.submit_body(), blobs=world.BLOBS),
        world.fact(kind, body, node=node, time=NOW + 1),  # type: ignore[arg-type]
    ]
    state, refused = world.fold(filings, facts)
    assert refused == []
    world.store(house.node.database, filings, state)
    browser = Browser(house.app)
    browser.enter(AIGUL)
    assert words in words_in(rows_in(browser.get("/notifications").text)[0])
