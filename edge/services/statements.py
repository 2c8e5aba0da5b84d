"""From the filled form to the papers made of it: the statement that is read and signed, and the printed invoice.

- The talon's number is minted before typesetting and stays with the draft, so that the signature covers it.
- The statement read on the screen is kept, sealed with the draft, and is to the byte what is signed; anything that would
  change a word of it makes a new one.
"""

import hashlib
import re
from datetime import date
from typing import Literal

import msgspec

from common import canonical
from common.court import duty as duties
from common.court import terms
from common.court.book import Book
from common.court.claim import Attachment, Claim, Party, dump
from common.court.datasets import Court
from common.court.filing_entries import Witness
from common.errors import N_, CourtError, Refused
from common.papers import parts
from common.papers import statement as papers
from common.papers.invoice import Invoice, invoice_pdf
from common.papers.parts import Both
from common.papers.statement import Statement, statement_pdf
from common.papers.texts import word
from common.papers.words import Lang, date_words
from common.people import calm_name
from edge.node import Node
from edge.services import drafts
from edge.services.citations import cite
from edge.services.draft_content import Content, Draft, Paper
from edge.visitor import Visitor

FILE_ROLES = {
    "claim": Both("Талап арыздың файлы", "Файл заявления"),
    "attachment": Both("Қосымша", "Приложение"),
    "receipt": Both("Баж түбіртегі", "Квитанция об оплате пошлины"),
    "power_of_attorney": Both("Сенімхат", "Доверенность"),
}
KIND_WORDS = {
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/msword": "DOC",
    "application/vnd.ms-excel": "XLS",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
}
"""What people call the types that a court takes."""
PAYMENTS: dict[str, parts.Payment] = {"receipt": "attached", "pending": "pending", "exempt": "exempt"}
NOTHING = Both("", "")
RECIPIENT = Both("Соттың орналасқан жеріндегі мемлекеттік кірістер органы", "Орган государственных доходов по месту нахождения суда")
_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
"""Typst writes each page as an object of its own, in the open."""
# Codes of the treasury's classifiers as generally known; the reference data do not publish requisites yet.
KBK_COURT_DUTY = "108126"
KNP_DUTY = "911"


def reserve_talon(node: Node, author: Visitor, id: bytes) -> Draft:
    """Return the draft with a talon number of its own; raises NotFound."""
    draft = drafts.find(node, author, id)
    if draft.content.talon:
        return draft
    with node.journal.unit() as unit:  # a number reserved and then lost by a crash is never given again
        talon = unit.reserve_talon()
    return drafts.change(node, author, id, lambda content: content if content.talon else msgspec.structs.replace(content, talon=talon))


def prepare(node: Node, author: Visitor, id: bytes) -> Draft:
    """Return the draft with a statement that says exactly what the form says now; raises NotFound or Refused("papers.…")."""
    draft = reserve_talon(node, author, id)
    if is_current(node, author, draft):
        return draft
    now = node.clock.now()
    pdf = statement_pdf(statement_of(node.book(), draft, author, now))
    paper = Paper(
        file=drafts.store_file(node, author, id, pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
        size=len(pdf),
        pages=len(_PAGE.findall(pdf)),
        made_of=fingerprint(draft.content, author, now),
        made_ms=now,
    )
    drafts.change(node, author, id, lambda content: msgspec.structs.replace(content, paper=paper, cosigned=None))
    return drafts.find(node, author, id)


def is_current(node: Node, author: Visitor, draft: Draft) -> bool:
    """Say whether the typeset statement still is what the form says: on this day, or on its own while others sign it too."""
    paper, invited = draft.content.paper, draft.content.invited
    if paper is None:
        return False
    shared = draft.content.cosigned is not None or (invited is not None and bool(invited.waiting))
    return paper.made_of == fingerprint(draft.content, author, paper.made_ms if shared else node.clock.now())


def fingerprint(content: Content, author: Visitor, now: int) -> str:
    """Return the hash of everything that a statement is made of; its date is the day of ``now``."""
    witness = msgspec.to_builtins(author.witness)
    made_of = [dump(content.claim), content.talon, author.name, author.person, terms.local_date(now).isoformat(), witness]
    return hashlib.sha256(canonical.encode(made_of)).hexdigest()


def read_statement(node: Node, author: Visitor, draft: Draft) -> bytes:
    """Return the statement as it was shown; raises Refused("filing.not_prepared") or Corrupt("draft.file")."""
    if draft.content.paper is None:
        raise Refused("filing.not_prepared", N_("There is nothing to sign yet. Open the page of checking first."))
    pdf = drafts.read_file(node, author, draft.id, draft.content.paper.file)
    if hashlib.sha256(pdf).hexdigest() != draft.content.paper.sha256:
        raise Refused("filing.not_prepared", N_("There is nothing to sign yet. Open the page of checking first."))
    return pdf


def statement_of(book: Book, draft: Draft, author: Visitor, now: int) -> Statement:
    """Return the facts of the statement."""
    claim, lang = draft.claim, draft.claim.language
    category = book.category("case_category", claim.category)
    subject = book.name(category, lang) if category else ""
    return Statement(
        lang=lang,
        kind="special" if claim.proceedings == "special" else "claim",
        number=draft.content.talon,
        made_at=now,
        court=paper_court(book, book.court(claim.court)),
        parties=tuple(_party(party) for party in claim.parties),
        duty=paper_duty(book, claim, now),
        subject=subject,
        circumstances=claim.circumstances,
        requirement=claim.requirement,
        attachments=tuple(paper_file(file) for file in claim.attachments),
        signer_name=author.name,
        signer_number=author.person,
        witness=_witness(book, author.witness, lang) if author.witness else None,
    )


def document_words(witness: Witness, lang: Lang) -> str:
    """Return the identity document in one line: kind, number, who issued it and when."""
    day = date_words(terms.moment_of(date.fromisoformat(witness.date), terms.NOON), lang)
    return f"{word(f'document.{witness.kind}', lang)} № {witness.number}, {witness.issued_by}, {day}"


def _witness(book: Book, witness: Witness, lang: Lang) -> papers.Witness:
    return papers.Witness(
        name=calm_name(witness.name), court=paper_court(book, book.court(witness.court)), document=document_words(witness, lang)
    )


def paper_court(book: Book, court: Court) -> parts.Court:
    """Return a court as papers name it."""
    region = book.region(court.region_rr)
    place = Both(region.name_kk, region.name_ru) if region else Both("", "")
    return parts.Court(name=Both(court.name_kk, court.name_ru), region=place)


def paper_file(file: Attachment) -> parts.PaperFile:
    """Return an attached file as papers list it."""
    return parts.PaperFile(
        title=file.title,
        kind=KIND_WORDS.get(file.media_type, file.media_type),
        pages=file.pages,
        size_bytes=file.size,
        sha256=bytes.fromhex(file.sha256),
        role=FILE_ROLES[file.kind],
    )


def paper_duty(book: Book, claim: Claim, now: int) -> parts.Duty:
    """Return the duty as papers show it: what the person entered, with the ground where nothing is paid."""
    payment = claim.payment
    ground = article = NOTHING
    exemption = next((row for row in book.exemptions(terms.local_date(now)) if row.exemption_id == payment.exemption_id), None)
    if payment.exempt and exemption is not None:
        ground = Both(exemption.name_kk, exemption.name_ru)
        article = cite(exemption.act, exemption.article, exemption.item)
    return parts.Duty(
        amount=payment.duty_tiyn or 0,
        claim_sum=payment.claim_tiyn if claim.nature in ("property", "mixed") else None,
        payment=PAYMENTS.get(payment.way, "none"),
        ground=ground,
        article=article,
    )


def assess(node: Node, claim: Claim) -> duties.Duty | CourtError:
    """Return the duty by the published rates, or the sentence that says why it cannot be counted yet."""
    payment = claim.payment
    try:
        return duties.assess(
            node.book(),
            on=terms.local_date(node.clock.now()),
            claimant=claim.claimant_kind,
            nature=claim.nature or "non_property",
            kind=duties.kind_of(claim.proceedings, claim.category),
            claim_tiyn=payment.claim_tiyn or 0,
            exemption_id=payment.exemption_id if payment.exempt else None,
        )
    except CourtError as error:
        return error


def invoice(node: Node, author: Visitor, draft: Draft) -> bytes:
    """Return the printed invoice of a draft that has its talon number; raises Refused("filing.no_duty") or Refused("filing.no_court")."""
    claim, book = draft.claim, node.book()
    court = book.find_court(claim.court)
    if court is None:
        raise Refused("filing.no_court", N_("Choose the region and the court first: the invoice names them."), field="court")
    payer = next((party for party in claim.parties if party.role in ("plaintiff", "applicant")), None)
    name, number = (payer.display_name, payer.number) if payer and payer.number else (author.name, author.person)
    return invoice_of(
        book,
        talon=draft.content.talon,
        issued_ms=node.clock.now(),
        payer=(name, number, payer.kind == "legal_entity" if payer else bool(author.bin)),
        court=court,
        duty_tiyn=claim.payment.duty_tiyn or 0,
        claim_tiyn=claim.payment.claim_tiyn,
        basis=_basis(node, claim),
    )


def invoice_of(
    book: Book,
    *,
    talon: str,
    issued_ms: int,
    payer: tuple[str, str, bool],
    court: Court,
    duty_tiyn: int,
    claim_tiyn: int | None,
    basis: Both,
) -> bytes:
    """Return the invoice; ``payer`` is (name, IIN or BIN, whether an organisation). Raises Refused("filing.no_duty") for nothing to pay."""
    if duty_tiyn <= 0:
        raise Refused("filing.no_duty", N_("Enter the amount of the duty first: there is nothing to pay yet."), field="duty_amount")
    name, number, entity = payer
    tenge = f"{duty_tiyn // 100}.{duty_tiyn % 100:02}"
    return invoice_pdf(
        Invoice(
            issued_at=issued_ms,
            talon_number=talon,
            payer_name=name,
            payer_number=number,
            payer_is_entity=entity,
            court=paper_court(book, court),
            amount=duty_tiyn,
            claim_sum=claim_tiyn or None,
            basis=basis,
            recipient=RECIPIENT,
            kbk=KBK_COURT_DUTY,
            kno="",
            knp=KNP_DUTY,
            purpose=Both(f"Мемлекеттік баж, талон {talon}", f"Государственная пошлина, талон {talon}"),
            due=_due(book, issued_ms),
            qr_text=f"SOTPAY|{talon}|{tenge}|{KBK_COURT_DUTY}||{KNP_DUTY}",
        )
    )


def _due(book: Book, issued_ms: int) -> int | None:
    """Until when it should be paid: the term in which the judge decides on acceptance (CPC 150 part 1)."""
    try:
        last = terms.deadline(book, "cpc_accept", terms.local_date(issued_ms)).last_day
    except Refused:  # the term is not published: the invoice then names none
        return None
    return terms.moment_of(last, terms.NOON)


def _basis(node: Node, claim: Claim) -> Both:
    found = assess(node, claim)
    if isinstance(found, CourtError) or not found.rate_id:
        return NOTHING
    rate = next(row for row in node.book().duty_rates(terms.local_date(node.clock.now())) if row.rate_id == found.rate_id)
    return cite(rate.act, rate.article, rate.item)


def _party(party: Party) -> papers.Party:
    role: Literal["plaintiff", "defendant", "third_party", "applicant", "representative"] = party.role
    return papers.Party(
        role=role,
        name=party.display_name,
        number=party.number,
        is_entity=party.kind == "legal_entity",
        resident=party.resident,
        address=party.address,
        phone=party.phone,
        email=party.email,
    )
