"""The talon: made again, the same, from the entry and the machine's own keys whenever it is asked for.

R0 is deterministic (Ed25519 over canonical bytes), so QR and short code never change; the PDF carries it and is signed with
the machine's P-256 key. Only the machine that took a filing can make its talon: it promised, nobody else.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Literal

from common.court import filing_lists, terms
from common.court.book import Book
from common.court.claim import Claim, load
from common.court.filing_lists import Filing
from common.db import fetch
from common.errors import N_, Corrupt, NotFound, Refused
from common.papers import parts, talon
from common.papers.parts import Both
from common.papers.qr import encode_qr
from common.papers.talon import Talon, talon_pdf, talon_slip_pdf
from common.papers.words import short_code
from common.people import calm_name
from common.pki import cms, pades
from common.pki.certificates import Certificate
from common.pki.keystore import key_from_ec
from edge.node import Node
from edge.services import statements
from edge.services.citations import cite
from sync.bounds import bounds_of
from sync.receipts import Taken, head_after, sign_r0

REGISTER_MS = 72 * 3_600_000
"""Within three days a talon's filing must be in the central register; later the talon proves the court's omission."""
DECIDE_TERM = "cpc_accept"
SIGNATURE_FIELD = "Court"
RECEIPT_SAYS_WITNESS = 2
"""The form of R0 from which on it says that a witness signed (`Witness.receipt`)."""
FORMS = {
    "claim": (Both("Талап арыз", "Исковое заявление"), Both("электрондық бланк", "электронный бланк")),
    "special": (Both("Арыз, ерекше іс жүргізу", "Заявление, особое производство"), Both("электрондық бланк", "электронный бланк")),
}
CLOCK_SOURCE = Both("орталық тізілім", "центральный реестр")
NATIONAL_CENTRE = Both("ҰКО", "НУЦ РК")


@dataclass(frozen=True, slots=True)
class Receipt:
    """R0 of a filing with what people see of it."""

    r0: bytes
    qr_text: str
    short_code: str


def receipt_of(node: Node, filing: Filing) -> Receipt:
    """Return R0 of a filing that this machine took; raises NotFound("talon.elsewhere")."""
    r0 = _r0(node, filing)
    return Receipt(r0, encode_qr(r0), short_code(hashlib.sha256(r0).digest()))


def pdf(node: Node, filing: Filing) -> bytes:
    """Return the talon's page of A4, signed by this machine as of the time of receipt; raises NotFound("talon.elsewhere")."""
    era = node.identity.at(filing.epoch, filing.seq)
    key = key_from_ec(era.pdf, era.certificate.body.pdf)
    page = talon_pdf(facts_of(node, filing))
    return pades.sign_pdf(page, key, at_ms=filing.received_ms, field=SIGNATURE_FIELD, name=key.certificate.subject)


def slip_pdf(node: Node, filing: Filing) -> bytes:
    """Return the talon for the roll of 80 mm; raises NotFound("talon.elsewhere")."""
    return talon_slip_pdf(facts_of(node, filing))


def invoice_pdf(node: Node, filing: Filing) -> bytes:
    """Return the invoice of a filing whose duty is still to be paid; raises Refused("filing.no_duty")."""
    book = node.book()
    return statements.invoice_of(
        book,
        talon=filing.talon,
        issued_ms=filing.received_ms,
        payer=(filing.filer_name, filing.person, bool(filing.filer_bin)),
        court=book.court(filing.first_court),
        duty_tiyn=filing.duty_tiyn if filing.duty_way == "pending" else 0,
        claim_tiyn=filing.claim_tiyn,
        basis=statements.NOTHING,
    )


def register_by(filing: Filing) -> int:
    """Return until when the filing must be in the central register (R1), ms UTC."""
    return filing.received_ms + REGISTER_MS


def decide_by(book: Book, filing: Filing) -> date | None:
    """Return the day until which the court decides (R3), or None where the term is not published."""
    try:
        return terms.deadline(book, DECIDE_TERM, terms.local_date(filing.received_ms)).last_day
    except Refused:
        return None


def facts_of(node: Node, filing: Filing) -> Talon:
    """Return the fifteen contents of the talon; raises NotFound("talon.elsewhere")."""
    receipt, book = receipt_of(node, filing), node.book()
    claim, kind = _claim(node, filing), "special" if filing.document_type == "motion" else "claim"
    contact, software = _received(node, filing)
    last_day = decide_by(book, filing)
    return Talon(
        number=filing.talon,
        filing_id=filing.obj,
        node_court=_node_court(node, book),
        place=Both(f"№ {node.number} құрылғы", f"устройство № {node.number}"),
        node_id=f"{node.number:04}",
        node_key=node.identity.at(filing.epoch, filing.seq).certificate.key_id,
        software=software,
        received_at=filing.received_ms,
        clock=talon.ClockState(source=CLOCK_SOURCE, synced_at=contact, error_ms=None),
        proved=_proved(node, filing),
        epoch=filing.epoch,
        seq=filing.seq,
        filer_name=filing.filer_name,
        filer_number=filing.person,
        filer_is_entity=bool(filing.filer_bin),
        signature=_signature(node, filing),
        capacity=_capacity(claim),
        document=FORMS[kind][0],
        subject=_category(book, filing.category),
        court=statements.paper_court(book, book.court(filing.first_court)),
        instance=_instance(book, filing.instance),
        parties=_parties(node, filing),
        files=_files(node, filing, kind),
        duty=_duty(book, filing),
        line=talon.Line(online=filing.line == "online", last_exchange=contact, offline_since=filing.offline_since_ms),
        previous=_previous(node, filing),
        qr_text=receipt.qr_text,
        short_code=receipt.short_code,
        r0=receipt.r0,
        node_certificate=node.identity.at(filing.epoch, filing.seq).certificate.data,
        register_by=register_by(filing),
        decide_by=terms.moment_of(last_day, terms.NOON) if last_day else register_by(filing),
        employee=calm_name(filing.assisted_by),
        witnessed=filing.witnessed,
    )


def _r0(node: Node, filing: Filing) -> bytes:
    if filing.node != node.number:
        raise NotFound("talon.elsewhere", N_("The talon was given by the machine that took this filing. Ask for it there."))
    taken = Taken(
        talon=int(filing.talon),
        node=filing.node,
        leaf=filing.leaf,
        statement=filing.statement_sha256,
        at=filing.received_ms,
        epoch=filing.epoch,
        seq=filing.seq,
        head=head_after(node.database, node.identity.environment, filing.leaf),
        witness=int(filing.witnessed and _says_witness(node, filing)),
    )
    return sign_r0(taken, node.identity.at(filing.epoch, filing.seq))


def _says_witness(node: Node, filing: Filing) -> bool:
    form = filing_lists.form(node.database, filing.obj)
    return form is not None and form.witness is not None and form.witness.receipt >= RECEIPT_SAYS_WITNESS


def _proved(node: Node, filing: Filing) -> talon.Proved:
    """Return the interval as this machine can prove it now: a talon printed after R1 shows its end too."""
    bounds = bounds_of(node.database, filing.leaf)
    return talon.Proved(head=bounds.head, after=bounds.after_ms, before=bounds.before_ms)


def _received(node: Node, filing: Filing) -> tuple[int | None, str]:
    rows = fetch(node.database, "SELECT contact_ms, software FROM received WHERE obj = ?", (filing.obj,))
    # after a restored disk the row may be missing: the talon then says of the line only what the entry says
    return rows[0] if rows else (filing.offline_since_ms, "")


def _previous(node: Node, filing: Filing) -> bytes:
    """The hash of this machine's receipt before this one in its epoch: whoever drops a receipt breaks the chain of talons."""
    statement = "SELECT obj FROM filing_row WHERE node = ? AND epoch = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
    rows = fetch(node.database, statement, (filing.node, filing.epoch, filing.seq))
    before = filing_lists.filing(node.database, rows[0][0]) if rows else None
    return hashlib.sha256(_r0(node, before)).digest() if before else b""


def _claim(node: Node, filing: Filing) -> Claim:
    form = filing_lists.form(node.database, filing.obj)
    if form is None:
        raise Corrupt("filing.form", N_("A filing is here without its form. Call the administrator."))
    return load(form.claim)


def _node_court(node: Node, book: Book) -> parts.Court:
    courts = node.courts()
    court = book.find_court(courts[0]) if courts else None
    return statements.paper_court(book, court) if court else parts.Court(name=Both("Сот құрылғысы", "Устройство суда"))


def _signature(node: Node, filing: Filing) -> talon.Signature:
    certificate = filer_certificate(node, filing)
    national = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ" in certificate.issuer.upper()
    return talon.Signature(
        state="recheck" if filing.crl_stale else "valid",
        issuer=NATIONAL_CENTRE if national else Both(certificate.issuer, certificate.issuer),
        serial=f"{certificate.serial:x}",
        valid_until=certificate.not_after_ms,
        crl_as_of=filing.crl_as_of_ms,
    )


def filer_certificate(node: Node, filing: Filing) -> Certificate:
    """Return the certificate with which the statement was signed, out of its CMS."""
    form = filing_lists.form(node.database, filing.obj)
    if form is None:
        raise Corrupt("filing.form", N_("A filing is here without its form. Call the administrator."))
    return cms.signer(form.signature)[0]


def _capacity(claim: Claim) -> Literal["self", "representative"]:
    return "representative" if claim.filed_by_role == "representative" else "self"


def _category(book: Book, code: str) -> Both:
    row = book.category("case_category", code)
    return Both(row.name_kk, row.name_ru) if row else Both(code, code)


def _instance(book: Book, code: str) -> Both:
    row = book.category("instance", code)
    return Both(row.name_kk.lower(), row.name_ru.lower()) if row else Both("", "")


def _parties(node: Node, filing: Filing) -> tuple[str, ...]:
    return tuple(party.name for party in filing_lists.parties(node.database, filing.obj))


def _files(node: Node, filing: Filing, kind: str) -> tuple[parts.PaperFile, ...]:
    title, form = FORMS[kind]
    lang = filing.language
    statement = parts.PaperFile(
        title=f"{title.of(lang)} ({form.of(lang)})",
        kind="PDF/A",
        pages=filing.statement_pages,
        size_bytes=filing.statement_size,
        sha256=filing.statement_sha256,
    )
    files = [
        parts.PaperFile(
            title=file.title,
            kind=statements.KIND_WORDS.get(file.media, file.media),
            pages=file.pages,
            size_bytes=file.size,
            sha256=file.sha256,
            role=statements.FILE_ROLES[file.kind],
        )
        for file in filing_lists.files(node.database, filing.obj)
    ]
    return (statement, *files)


def _duty(book: Book, filing: Filing) -> parts.Duty:
    day = terms.local_date(filing.received_ms)
    exemption = next((row for row in book.exemptions(day) if row.exemption_id == filing.exemption), None)
    return parts.Duty(
        amount=filing.duty_tiyn,
        claim_sum=filing.claim_tiyn or None,
        payment=statements.PAYMENTS.get(filing.duty_way, "none"),
        ground=Both(exemption.name_kk, exemption.name_ru) if exemption else statements.NOTHING,
        article=cite(exemption.act, exemption.article, exemption.item) if exemption else statements.NOTHING,
    )
