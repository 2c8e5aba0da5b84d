"""The page for a USB stick, opened from disk in a real Chromium: a genuine talon, a changed one, one of another country."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from common.court.filing_lists import Filing
from common.papers.qr import encode_qr
from edge.services import talons
from sync.receipts import Taken, sign_r0
from tests.browser.driving import PHONE, Visitor, visit
from tests.court import Court
from tests.web.filing_world import house_of, ready, send
from tests.web.pages import House


@dataclass
class Stick:
    """A house, a filing with its talon, and the page as the house's machine gives it out."""

    house: House
    filing: Filing
    page: Path
    folder: Path

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    @property
    def code(self) -> str:
        return talons.receipt_of(self.house.node, self.filing).qr_text


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Stick:
    folder = tmp_path_factory.mktemp("stick")
    house = house_of(folder / "house")
    answer = house.browser().get("/check/offline")
    assert answer.headers["Content-Disposition"].startswith("attachment"), "it never runs inside the application"
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    path = folder / "talon-check.html"
    path.write_bytes(answer.data)
    return Stick(house, send(house.node, ready(house.node)), path, folder)


@contextlib.contextmanager
def opened(chromium: Browser, stick: Stick, lang: str = "en") -> Iterator[Page]:
    visitor: Visitor = visit(chromium, PHONE)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    try:
        visitor.page.goto(stick.page.as_uri())
        visitor.page.locator(f"#languages button[lang={lang}]").click()
        yield visitor.page
        assert visitor.heard == []
        assert [url for url in asked if not url.startswith(("file:", "blob:"))] == [], "nothing leaves the page"
    finally:
        visitor.page.context.close()


def told(page: Page, *, code: str = "", file: Path | None = None, statement: Path | None = None) -> str:
    page.fill("#code", code)
    for field, path in (("#file", file), ("#statement", statement)):
        page.set_input_files(field, path if path else [])
    page.locator("#answer").evaluate("section => { section.hidden = true }")
    page.locator("form button").click()
    page.locator("#answer").wait_for(state="visible")
    return page.locator("#answer").inner_text()


def test_a_genuine_talon_is_said_so_by_code_and_by_paper(chromium: Browser, stick: Stick) -> None:
    node, filing = stick.house.node, stick.filing
    groups = " ".join(filing.talon[at : at + 3] for at in range(0, 15, 3))
    statement = stick.file("statement.pdf", node.blobs.read(filing.statement_sha256))
    with opened(chromium, stick) as page:
        for given in ({"code": stick.code}, {"code": f" {stick.code}\r\n"}, {"file": stick.file("talon.pdf", talons.pdf(node, filing))}):
            text = told(page, **given)  # type: ignore[arg-type]
            for part in ("The talon is genuine", groups, f"{node.number:04}", "21.11.2026, 10:46:40", filing.statement_sha256.hex()):
                assert part in text, part
        assert "The statement is the one" in told(page, code=stick.code, statement=statement)
        other = told(page, code=stick.code, statement=stick.file("other.pdf", b"other"))
        assert "This cannot be relied on" in other
        assert "another file" in other
        receipt = stick.file("r0.cose", talons.receipt_of(node, filing).r0)
        assert "The talon is genuine" in told(page, file=receipt)
        assert page.evaluate("document.documentElement.scrollWidth <= 320"), "it fits a phone"


def test_a_witnessed_talon_says_so(chromium: Browser, stick: Stick) -> None:
    taken = Taken(talon=1, node=stick.house.node.number, leaf=bytes(32), statement=bytes(32), at=0, witness=1)
    with opened(chromium, stick) as page:
        text = told(page, code=encode_qr(sign_r0(taken, stick.house.node.identity.now)))
        assert "The talon is genuine" in text
        assert "a witness of the court's staff signed" in text
        assert "a witness" not in told(page, code=stick.code)


def test_a_changed_talon_says_what_is_wrong(chromium: Browser, stick: Stick) -> None:
    r0 = talons.receipt_of(stick.house.node, stick.filing).r0
    with opened(chromium, stick) as page:
        for place in range(0, len(r0), 40):
            changed = r0[:place] + bytes([r0[place] ^ 1]) + r0[place + 1 :]
            assert "The talon is genuine" not in told(page, code=encode_qr(changed)), place
        assert "The signature does not fit" in told(page, code=encode_qr(r0[:-1] + bytes([r0[-1] ^ 1])))
        assert "not read whole" in told(page, code=stick.code[:-4] + "!!!!")
        assert "This is not a talon" in told(page, code="https://example.kz/")
        assert "This is not a talon" in told(page, file=stick.file("empty.pdf", b"%PDF-1.7\n"))
        assert "Scan the code" in told(page)


def test_a_talon_of_another_country_is_not_taken(chromium: Browser, stick: Stick, tmp_path: Path) -> None:
    other = Court(tmp_path)
    node = other.node("kz-7")
    taken = Taken(talon=1, node=node.number, leaf=bytes(32), statement=bytes(32), at=0)
    with opened(chromium, stick) as page:
        text = told(page, code=encode_qr(sign_r0(taken, node.identity.now)))
        assert "Here nobody can tell" in text
        assert "not in this page" in text
        brought = stick.file(
            "foreign.pdf",
            b"%PDF-1.7\n"
            + b"".join(
                b"stream\n" + data + b"\nendstream\n" for data in (sign_r0(taken, node.identity.now), node.identity.now.certificate.data)
            ),
        )
        foreign = told(page, file=brought)
        assert "This cannot be relied on" in foreign
        assert "did not certify" in foreign
    other.centre.close()
    node.close()


def test_it_shows_whose_key_it_has_in_three_languages(chromium: Browser, stick: Stick) -> None:
    expected = hashlib.sha256(stick.house.node.identity.pin.registry).hexdigest()
    for lang, title in (
        ("kk", "Талонды желісіз тексеру"),
        ("ru", "Проверка талона без сети"),
        ("en", "Checking a talon without a network"),
    ):
        with opened(chromium, stick, lang) as page:
            assert page.locator("h1").inner_text() == title
            assert page.evaluate("document.documentElement.lang") == lang
            assert page.locator("#fingerprint").inner_text().replace(" ", "") == expected
            assert all(page.locator("[data-word]").all_inner_texts())
