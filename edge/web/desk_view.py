"""One filing as the desk's page shows it: the tabs of its papers, what stands open, the form's facts, the decisions."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext

from common.court.book import Book
from common.court.claim import Party
from common.court.datasets import RefusalGround
from common.court.filing_lists import Decision
from common.court.filing_texts import Ground
from common.papers.words import iin_groups, money
from common.web.documents import INLINE_KINDS
from common.web.languages import current_language, when
from common.web.parts import Tab
from edge.node import Node
from edge.services.citations import cite
from edge.services.desk import Sheet
from edge.web.desk_words import role_word
from edge.web.filings_words import RULED, category_word, court_word, document_word, iso_day, ruling_word, signed_by, witnessed

DATA = "data"
TAB_CHARS_MAX = 28
"""A title longer than this is cut in its tab; the whole of it stands over the paper."""
PDF_VIEW = "#navpanes=0&view=FitH"
"""What Chromium's own viewer understands: no side panel, the page as wide as its frame."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands open at the left. ``kind``: pdf, image, other, absent, data; addresses are empty where nothing can be opened."""

    kind: str
    title: str
    about: str = ""
    view_url: str = ""
    open_url: str = ""
    save_url: str = ""
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class PartyView:
    """One participant with everything the form says of them."""

    role: str
    name: str
    number: str
    lines: tuple[str, ...]
    warning: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision as it was signed."""

    kind: str
    title: str
    who: str
    grounds: tuple[tuple[str, str], ...]
    note: str
    cure_until: str


def tabs(node: Node, page: Sheet, chosen: str) -> list[Tab]:
    """Return one tab a paper and one for the form's facts."""
    filing = page.filing
    names = [(filing.statement_sha256.hex(), gettext("Statement"))]
    names += [(file.sha256.hex(), _cut(file.title)) for file in page.files]
    names.append((DATA, gettext("Data")))
    return [Tab(url_for("desk.filing", id=filing.obj.hex(), paper=key), label, key == chosen) for key, label in names]


def chosen_paper(page: Sheet, asked: str) -> str:
    """Return which tab is open: the one asked for where there is such, else the statement."""
    known = {page.filing.statement_sha256.hex(), DATA, *(file.sha256.hex() for file in page.files)}
    return asked if asked in known else page.filing.statement_sha256.hex()


def paper(node: Node, page: Sheet, chosen: str, size: str) -> Paper:
    """Return the open paper; ``size`` is its size in words."""
    filing = page.filing
    if chosen == DATA:
        return Paper(DATA, gettext("Data of the form"))
    sha256 = bytes.fromhex(chosen)
    file = next((each for each in page.files if each.sha256 == sha256), None)
    title, media = (file.title, file.media) if file else (gettext("Statement"), "application/pdf")
    pages = file.pages if file else filing.statement_pages
    about = ", ".join(part for part in (gettext("%(count)d p.", count=pages) if pages else "", size) if part)
    if not node.blobs.at_hand(sha256):
        return Paper("absent", title, about, sha256=sha256)
    address = url_for("desk.file", id=filing.obj.hex(), sha256=chosen)
    shown = media in INLINE_KINDS
    kind = "pdf" if media == "application/pdf" else "image" if shown else "other"
    view = address + PDF_VIEW if kind == "pdf" else address
    return Paper(kind, title, about, view if shown else "", address if shown else "", f"{address}?save=1", sha256)


def file_size(page: Sheet, chosen: str) -> int:
    """Return the size of the open paper in bytes; 0 for the form's facts."""
    if chosen == page.filing.statement_sha256.hex():
        return page.filing.statement_size
    return next((file.size for file in page.files if file.sha256.hex() == chosen), 0)


def facts(node: Node, page: Sheet, now: int) -> list[tuple[str, str]]:
    """Return what the form and the entry say, label and value."""
    book, filing, claim = node.book(), page.filing, page.claim
    return (
        list(_facts(book, page, now))
        + signed_by(node, filing)
        + ([] if claim is None else list(_sums(book, page)))
        + [
            (gettext("Taken by machine"), f"№ {filing.node} · {filing.epoch}-{filing.seq}"),
            (gettext("Line when taken"), _line(page, now)),
        ]
    )


def parties(page: Sheet) -> list[PartyView]:
    """Return the participants, from the form where it can be read here."""
    if page.claim is None:
        return [PartyView(role_word(each.role), each.name, "", (), "") for each in page.parties]
    return [_party(each) for each in page.claim.parties]


def decisions(node: Node, page: Sheet) -> list[DecisionView]:
    """Return the decisions, the newest first."""
    return [_decision(node.book(), page, each) for each in reversed(page.decisions)]


def _cut(title: str) -> str:
    return title if len(title) <= TAB_CHARS_MAX else f"{title[: TAB_CHARS_MAX - 1].rstrip()}…"


def _facts(book: Book, page: Sheet, now: int) -> Iterator[tuple[str, str]]:
    filing = page.filing
    yield gettext("Document"), document_word(book, filing.document_type)
    yield gettext("Category"), category_word(book, filing.category)
    yield gettext("Filer"), f"{filing.filer_name}, {iin_groups(filing.person)}"
    yield gettext("Filed"), when(page.filed_ms, now)
    if page.came_ms != filing.submitted_ms:
        yield gettext("Came to this court"), when(page.came_ms, now)
    if filing.first_court != filing.court:
        yield gettext("Addressed to"), court_word(book, filing.first_court)
    yield gettext("Language of the document"), gettext("Russian") if filing.language == "ru" else gettext("Kazakh")
    if filing.assisted_by and not filing.witnessed:
        yield gettext("With the help of"), filing.assisted_by
    yield from witnessed(filing, page.form)


def _sums(book: Book, page: Sheet) -> Iterator[tuple[str, str]]:
    filing, claim = page.filing, page.claim
    if claim is None:
        return
    nature = book.category("claim_character", filing.nature)
    if nature is not None:
        yield gettext("Nature of the claim"), book.name(nature, current_language())
    yield gettext("Claim amount"), money(filing.claim_tiyn)
    yield gettext("State duty"), money(filing.duty_tiyn)
    yield gettext("Circumstances"), claim.circumstances
    yield gettext("Requirement"), claim.requirement


def _line(page: Sheet, now: int) -> str:
    filing = page.filing
    if filing.line != "offline":
        return gettext("online")
    if filing.offline_since_ms is None:
        return gettext("offline")
    return gettext("offline since %(time)s", time=when(filing.offline_since_ms, now))


def _party(party: Party) -> PartyView:
    lines = (
        party.address,
        ", ".join(part for part in (party.phone, party.email) if part),
        "" if party.resident else gettext("not a resident of Kazakhstan"),
    )
    label = gettext("BIN") if party.kind == "legal_entity" else gettext("IIN")
    return PartyView(
        role_word(party.role),
        party.display_name,
        f"{label} {iin_groups(party.number)}" if party.number else "",
        tuple(line for line in lines if line),
        gettext("the address is not verified yet") if party.unverified_address and party.address else "",
    )


def _decision(book: Book, page: Sheet, decision: Decision) -> DecisionView:
    russian = current_language() == "ru"
    title = {
        "registered": gettext("Registered: %(number)s", number=f"№ {page.filing.number}"),
        "refused": gettext("Registration refused"),
        "redirected": gettext("Handed to: %(court)s", court=court_word(book, decision.redirected_to)),
        **{outcome: ruling_word(outcome) for outcome in RULED},
    }[decision.kind]
    return DecisionView(
        decision.kind,
        title,
        f"{court_word(book, decision.court)} · {decision.executor} · {iso_day(decision.date)}",
        tuple((each.text_ru if russian else each.text_kk, _where(each)) for each in decision.grounds),
        decision.note,
        iso_day(decision.cure_until) if decision.cure_until else "",
    )


def _where(ground: Ground) -> str:
    return ground.article or gettext("rules of registration, code %(code)s", code=ground.code)


def chosen_grounds(book: Book, ids: tuple[str, ...], language: str) -> list[tuple[str, str]]:
    """Return (text, where it is written) of chosen grounds, the text in the language of the document as the citizen reads it."""
    chosen = [each for each in book.refusal_grounds() if each.ground_id in ids]
    return [(book.name(each, language), where_written(each)) for each in chosen]


def where_written(ground: RefusalGround) -> str:
    """Return the article of a ground, or that it is one of the rules of registration."""
    if ground.article:
        return cite(ground.code, ground.article, ground.item).of(current_language())
    return gettext("rules of registration, code %(code)s", code=ground.ground_id)
