"""A claim ready to be sent, and the small steps that tests of filings share."""

import io
import re
from pathlib import Path
from typing import Any

import msgspec
import pikepdf

from common.court.claim import Claim, Party, Payment
from common.court.filing_lists import Filing
from edge.node import Node
from edge.services import draft_files, drafts, filings, statements
from edge.services.draft_content import Draft
from edge.visitor import Visitor
from edge.web import accounts, home, notifications, outages, talons
from edge.web import filings as filing_pages
from tests.web.pages import AIGUL, Browser, House, Person

COURT = "kz-283"
"""Aktau, hears civil cases."""
MAKERS = (home.make_pages, accounts.make_pages, notifications.make_pages, filing_pages.make_pages, talons.make_pages, outages.make_pages)
DEFENDANT = Party(
    role="defendant", kind="legal_entity", bin="140540008219", name="«Теңіз Құрылыс Сервис» ЖШС", address="Ақтау, 3-шағын аудан, 101"
)
CASE = {"proceedings": "claim", "nature": "property", "region": "47", "court": COURT, "language": "kk", "filed_by_role": "plaintiff"}


def pdf(pages: int = 1) -> bytes:
    with pikepdf.new() as made:
        for _ in range(pages):
            made.add_blank_page()
        out = io.BytesIO()
        made.save(out)
        return out.getvalue()


def house_of(folder: Path, **config: Any) -> House:
    house = House(folder, MAKERS, courts=(COURT,), **config)
    create(house.node)
    return house


def create(node: Node) -> None:
    drafts.create(node)
    filings.create(node)


def visitor_of(who: Person, how: str = "key") -> Visitor:
    key = who.key.certificate
    name = who.organisation or f"{who.surname} {who.first} {who.patronymic}".strip()
    return Visitor(who.person, who.iin, who.bin, name, key.sha256 if how == "key" else b"", how)


def claim_of(who: Person, **changes: Any) -> Claim:
    if who.bin:
        own = Party(role="plaintiff", kind="legal_entity", bin=who.bin, name=who.organisation, address="Ақтау, 5-шағын аудан")
    else:
        own = Party(
            role="plaintiff", iin=who.iin, surname=who.surname.title(), first_name=who.first.title(), address="Ақтау, 12-шағын аудан"
        )
    claim = Claim(
        proceedings="claim",
        category="claim.debt.loan",
        nature="property",
        region="47",
        court=COURT,
        parties=(own, DEFENDANT),
        payment=Payment(claim_tiyn=245_000_000, duty_tiyn=7_350_000, way="pending"),
        circumstances="Қарыз шарты жасалды.\n\nМерзім өтті.",
        requirement="Берешекті өндіріп беруіңізді сұраймын.",
        filed_by_role="plaintiff",
    )
    return msgspec.structs.replace(claim, **changes)


def ready(node: Node, who: Person = AIGUL, *, author: Visitor | None = None, **changes: Any) -> Draft:
    """A draft of ``who`` with two files, checked and typeset: everything but the signature."""
    author = author or visitor_of(who)
    draft = drafts.begin(node, author, claim_of(who, **changes))
    draft_files.attach(node, author, draft.id, kind="claim", name="Талап арыз.pdf", data=pdf(2))
    draft_files.attach(node, author, draft.id, kind="attachment", name="Қарыз шарты.pdf", data=pdf(3))
    return statements.prepare(node, author, draft.id)


def send(node: Node, draft: Draft, who: Person = AIGUL) -> Filing:
    assert draft.content.paper is not None
    return filings.submit(node, visitor_of(who), draft.id, who.open(node), shown=draft.content.paper.sha256)


def begin(browser: Browser) -> str:
    """Begin a claim on the pages; return the address of its draft."""
    answer = browser.post("/filings/new", {"proceedings": "civil", "instance": "first", "document_type": "claim"})
    return str(answer.headers["Location"]).removesuffix("/case")


def fill(browser: Browser, *, way: str = "pending", who: Person = AIGUL) -> str:
    """Fill all steps on the pages up to the review; return the address of the draft."""
    base = begin(browser)
    browser.post(f"{base}/category", {"category": "claim.debt.loan"})
    own = {"kind": "individual", "role": "plaintiff", "resident": "yes", "iin": who.iin, "surname": "Сәрсенова", "first_name": "Айгүл"}
    browser.post(f"{base}/parties/0", {**own, "address": "Ақтау, 12-шағын аудан"})
    other = {"kind": "legal_entity", "role": "defendant", "resident": "yes", "bin": DEFENDANT.bin, "name": DEFENDANT.name}
    browser.post(f"{base}/parties/new/details", {**other, "address": DEFENDANT.address})
    browser.post(f"{base}/case", {**CASE, "go": "next"})
    browser.post(f"{base}/payment", {"claim_amount": "2 450 000", "duty_amount": "24 500", "payment": way, "exemption": "", "go": "next"})
    texts = {"circumstances": "Қарыз шарты жасалды.", "requirement": "Өндіріп беруіңізді.", "go": "next"}
    files = {"claim_file": (io.BytesIO(pdf(2)), "Талап арыз.pdf"), "files": (io.BytesIO(pdf(3)), "Шарт.pdf")}
    browser.post(f"{base}/documents", {**texts, **files})
    return base


def shown_on(browser: Browser, base: str) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', browser.get(f"{base}/review").text)
    assert found, "the review shows nothing to sign"
    return found[1]


def sent_by_pages(browser: Browser, who: Person = AIGUL) -> str:
    """File a claim on the pages and return the address of the filing."""
    base = fill(browser)
    answer = browser.post(f"{base}/review", {"shown": shown_on(browser, base)}, key=who)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"]).removesuffix("/sent")
