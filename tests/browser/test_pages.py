"""Every page of node and centre, as its readers meet it: by finger and by keyboard, in two languages, wide and narrow.

The addresses come from the applications themselves: a page that nobody opened here fails the test, and so does a page that
axe finds fault with, that scrolls sideways at 320 px, has a target under 44 px or a sentence in another language.
"""

import re

import pytest
from playwright.sync_api import Browser, Page

from central.app import build as build_centre
from edge.app import build as build_edge
from edge.exchanger import Exchanger
from tests.browser.driving import DESK, KIOSK, Demo, enter, visit
from tests.browser.walking import ID, LOOK, TARGET_PX, Walk, axe_findings, complaints
from tests.court import Court

NO_PAGES = re.compile(
    r"/static/|/look$|/here$|/idle/end|/wire|^/v1|/tile|/checkpoint|\.(asice|pdf|svg)$|/heads/|/quarantine/evidence/|/decision$"
    r"|/after/admit$|/lineage"
)
"""Rules that answer machines, or with nothing to look at: nothing in the demonstration has a second history."""


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(tmp_path_factory.mktemp("court"))


def draft_pages(page: Page, base: str) -> list[str]:
    """Return the pages of a draft that only buttons lead to."""
    page.goto(f"{base}/filings/drafts")
    address = str(page.locator("main a.btn-primary[href^='/filings/drafts/']").first.get_attribute("href"))
    details = "parties/new/details?kind={}&role=defendant&resident=yes"
    names = ("case", "category", "category?q=қарыз", "payment", "documents", "review", "parties/new")
    return [f"{address}/{name}" for name in (*names, details.format("individual"), details.format("legal_entity"))]


def withdrawal_page(page: Page, base: str) -> str:
    """Return the page that withdraws a filing: only one that still waits leads there, and it need not be among the newest."""
    page.goto(f"{base}/filings")
    filings = page.locator("main a[href^='/filings/']").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for address in sorted({each for each in filings if ID.search(each)}):
        page.goto(base + address)
        if (button := page.locator("main a[href$='/withdraw']")).count():
            return str(button.get_attribute("href"))
    raise AssertionError("nothing on the first page of filings waits")


def decision_pages(page: Page, base: str) -> list[str]:
    """Return the pages of a clerk's decision about the first filing that waits."""
    page.goto(f"{base}/desk")
    address = str(page.locator("td a[href^='/desk/filings/']").first.get_attribute("href"))
    return [f"{address}/decision/{kind}" for kind in ("register", "refuse", "redirect")]


def material_pages(page: Page, base: str) -> list[str]:
    """Return the pages of the materials of the court's first case, to whose list the newest ones do not lead."""
    page.goto(f"{base}/desk/cases?q=1")
    case = str(page.locator("td a[href^='/desk/cases/']").first.get_attribute("href"))
    page.goto(base + case)
    return [f"{case}/materials/add", str(page.locator("#materials li a").first.get_attribute("href"))]


def left(*walks: Walk, rules: object) -> set[str]:
    """Return the rules of pages that none of ``walks`` opened."""
    unseen = set.intersection(*(walk.unseen(rules) for walk in walks))  # type: ignore[arg-type]
    return {rule for rule in unseen if not NO_PAGES.search(rule)}


def test_every_page_of_a_node(demo: Demo, chromium: Browser, court: Court) -> None:
    anybody = Walk(visit(chromium, KIOSK), demo.aktau)
    anybody.through(["/"])
    anybody.page.goto(demo.aktau + "/register")
    anybody.page.locator("#accept").check()
    anybody.page.locator("main form button.btn-primary").click()
    anybody.look_at("/register/key")
    citizen = Walk(visit(chromium, KIOSK), demo.aktau, shapes=anybody.shapes)
    enter(citizen.page, demo.aktau + "/enter", demo.key("sarsenova"))
    citizen.through(["/cabinet", *draft_pages(citizen.page, demo.aktau), withdrawal_page(citizen.page, demo.aktau)])
    clerk, others = Walk(visit(chromium, DESK), demo.aktau), []
    clerk.look_at("/desk/enter")
    enter(clerk.page, demo.aktau + "/desk/enter", demo.key("clerk-aktau"))
    decisions = decision_pages(clerk.page, demo.aktau)
    clerk.through(["/desk", *decisions, *material_pages(clerk.page, demo.aktau)])
    for name in ("judge-aktau", "administrator-aktau"):
        others.append(Walk(visit(chromium, DESK), demo.aktau))
        enter(others[-1].page, demo.aktau + "/desk/enter", demo.key(name))
        others[-1].through(["/desk/line", "/desk/cases"] if name == "judge-aktau" else ["/desk/line"])
    others[0].look_at("/desk/erasures/" + decisions[0].split("/")[3])
    for walk in (citizen, clerk):
        walk.again_in_russian()
    citizen.page.goto(f"{demo.aktau}/help?lang=kk")
    citizen.look_at("/idle", "/end")
    walks = (anybody, citizen, clerk, *others)
    assert [each for walk in walks for each in walk.wrong] == []
    node = court.node("kz-7")
    assert left(*walks, rules=build_edge(node, Exchanger(node)).url_map) == set()


def test_every_page_of_the_centre(demo: Demo, chromium: Browser, court: Court) -> None:
    walk = Walk(visit(chromium, DESK), demo.centre)
    walk.look_at("/", "/help", "/enter", "/check", "/check/offline")
    enter(walk.page, walk.base + "/enter", demo.key("administrator"))
    walk.through(["/", "/overview", "/log?q=1", "/staff?region=47", "/nodes/1976/clear", "/nodes/1976/after"])
    walk.again_in_russian()
    walk.page.goto(f"{demo.centre}/help?lang=kk")
    walk.look_at("/idle", "/end")
    assert walk.wrong == []
    assert left(walk, rules=build_centre(court.centre).url_map) == set()


def test_a_page_with_defects_is_found(chromium: Browser) -> None:
    page = visit(chromium, {"width": 320, "height": 640}).page
    page.set_content(
        '<html lang="kk"><title>Сот</title><main><p>Please wait</p><a href="/x">Кіру</a><input type="file">'
        '<div style="width: 400px">кең</div><img src="data:,">'
    )
    found = complaints(page.evaluate(LOOK, TARGET_PX), "kk")
    for wanted in (
        "small: ",
        "the browser's own words",
        "wider than the screen",
        "no heading",
        "English on a page in kk: ['Please', 'wait']",
    ):
        assert any(each.startswith(wanted) or wanted in each for each in found), (wanted, found)
    assert any("image-alt" in each for each in axe_findings(page))
    page.set_content('<html lang="ru"><title>Суд</title><main><h1>Суд</h1><button style="height: 50px">Жіберу</button></main>')
    assert complaints(page.evaluate(LOOK, TARGET_PX), "ru") == ["Kazakh on a page in Russian: ['Жіберу']"]
