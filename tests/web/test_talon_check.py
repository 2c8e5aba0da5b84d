"""The check of a talon: open to everybody, also without a line, and nothing of it stays."""

import io
from pathlib import Path

import pytest

from common.court.filing_lists import Filing
from common.db import fetch
from common.pki import cms
from edge.services import checks, talons
from tests.court import START_MS
from tests.web.filing_world import house_of, ready, send
from tests.web.pages import AIGUL, BOLAT, Browser, House
from tests.web.test_filings_pages import words
from tests.xml_signing import sign_xml


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def filing(house: House) -> Filing:
    return send(house.node, ready(house.node))


def guest(house: House) -> Browser:
    browser = house.browser()
    browser.get("/check?lang=en")
    return browser


def files_of(house: House) -> set[Path]:
    return {path for path in house.node.data.rglob("*") if path.is_file() and not path.name.startswith("node.db")}


def test_a_scanned_code_is_checked_without_signing_in(house: House, filing: Filing) -> None:
    answer = guest(house).post("/check", {"code": talons.receipt_of(house.node, filing).qr_text + "\r\n"})
    page = words(answer)
    assert answer.status_code == 200
    for text in (
        "The talon is genuine",
        "The receipt is genuine: machine",
        filing.talon,
        "What this machine knows",
        "Statement of claim: Loan agreement",
    ):
        assert text in page, text
    for private in (AIGUL.iin, "Сәрсенова", "Теңіз"):
        assert private not in page, "who holds the paper learns nothing about people from the machine"


def test_a_talon_as_a_file_is_checked_and_not_kept(house: House, filing: Filing) -> None:
    before = files_of(house)
    page = words(guest(house).post("/check", {"code": "", "file": (io.BytesIO(talons.pdf(house.node, filing)), "talon.pdf")}))
    assert "The page is signed by machine 1001 and unchanged since" in page
    assert files_of(house) == before


def test_a_signed_statement_names_its_signer_to_who_brings_it(house: House, filing: Filing) -> None:
    data = house.node.blobs.read(filing.statement_sha256)
    page = words(guest(house).post("/check", {"code": "", "file": (io.BytesIO(data), "s.pdf")}))
    assert "The signature is genuine" in page
    assert "СӘРСЕНОВА" in page


def test_of_a_filing_taken_back_nobody_is_called_you(house: House) -> None:
    sent = send(house.node, ready(house.node))
    fetch(house.node.database, "UPDATE filing_row SET status = 'withdrawn' WHERE obj = ?", (sent.obj,))
    page = words(guest(house).post("/check", {"code": talons.receipt_of(house.node, sent).qr_text}))
    assert "Withdrawn by whoever filed it" in page


def test_a_forged_paper_says_what_is_wrong(house: House, filing: Filing) -> None:
    data = talons.pdf(house.node, filing)
    forged = data[:9_000] + bytes([data[9_000] ^ 1]) + data[9_001:]
    page = words(guest(house).post("/check", {"code": "", "file": (io.BytesIO(forged), "talon.pdf")}))
    assert "This cannot be relied on" in page
    assert "was changed after signing" in page
    assert "What this machine knows" not in page
    cut = words(guest(house).post("/check", {"code": talons.receipt_of(house.node, filing).qr_text[:-4]}))
    assert "This cannot be relied on" in cut


def test_nothing_given_is_asked_for(house: House) -> None:
    answer = guest(house).post("/check", {"code": " "})
    assert answer.status_code == 400
    assert "Scan the code, or choose a file" in words(answer)


def test_it_works_without_a_line_and_at_another_machine(house: House, filing: Filing, tmp_path: Path) -> None:
    house.court.cut(house.node)
    assert "The talon is genuine" in words(guest(house).post("/check", {"code": talons.receipt_of(house.node, filing).qr_text}))
    house.court.heal(house.node)


def test_the_state_is_told_with_its_age(house: House) -> None:
    filing = send(house.node, ready(house.node, BOLAT), BOLAT)
    page = words(guest(house).post("/check", {"code": talons.receipt_of(house.node, filing).qr_text}))
    assert "Sent, talon given" in page
    assert "as of" in page


def test_a_signature_in_a_file_of_its_own_is_checked_with_what_it_is_over(house: House) -> None:
    signature = cms.sign_detached(b"paper", AIGUL.key, at_ms=START_MS)
    told_of = {b"paper": "The signature is genuine", None: "Here nobody can tell", b"other": "This cannot be relied on"}
    for content, told in told_of.items():
        beside = (io.BytesIO(content), "p.txt") if content else None
        fields: dict[str, object] = {"code": "", "file": (io.BytesIO(signature), "p.txt.p7s")}
        page = words(guest(house).post("/check", fields | ({"content": beside} if beside else {})))
        assert told in page
        assert AIGUL.iin not in page, "on a screen in a hall numbers are masked"
        if "genuine" in told:
            for part in ("СӘРСЕНОВА АЙГҮЛ", "RSA-2048", "not on the list of", "the file given beside the signature"):
                assert part in page, part


def test_a_signed_xml_is_checked_in_every_language(house: House) -> None:
    for lang, part in (("kk", "құжат"), ("ru", "документ"), ("en", "the whole XML document but the signature itself")):
        browser = house.browser()
        browser.get(f"/check?lang={lang}")
        page = words(browser.post("/check", {"code": "", "file": (io.BytesIO(sign_xml("<a>1</a>", AIGUL.key)), "a.xml")}))
        assert part in page


def test_a_file_too_large_for_the_page_is_not_judged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PUBLIC_BYTES_MAX", 1000)
    page = words(guest(house).post("/check", {"code": "", "file": (io.BytesIO(b"<a>" + b" " * 1000), "a.xml")}))
    assert "Here nobody can tell" in page
    assert "larger than anything that can be checked here" in page
