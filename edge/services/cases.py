"""The cases of a court: the list, one card, and the notices of the court's decision (R3) and the judge's ruling (R4) as papers.

page = find(node, court, search="4711-26-00-2/934")
pdf = decision_notice(node, filing_obj)
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from common import canonical
from common.court import cases, filing_lists, numbers, staff, terms
from common.court.book import Book
from common.court.cases import Case, CaseEventRow, CasePartyRow, CaseRow, Participant
from common.court.filing_lists import Decision, Event, Filing
from common.db import Database, fn, one_of, rows_of
from common.errors import N_, NotFound, Refused
from common.papers import decision as papers
from common.papers.parts import Both
from common.papers.parts import Court as PaperCourt
from common.papers.talon import CERTIFICATE_NAME
from common.papers.typeset import Attachment
from common.people import calm_name
from common.pki import pades
from common.pki.keystore import key_from_ec
from edge.node import Node
from edge.services.desk import NOT_FOR_YOU
from edge.services.inbox import SEARCH_CHARS_MAX
from edge.services.statements import paper_court

PER_PAGE: Final = 50
NOTICE_FIELD: Final = "Court"
POSITIONS: Final = {
    "clerk": Both("кеңсе маманы", "специалист канцелярии"),
    "judge": Both("судья", "судья"),
    "chairman": Both("сот төрағасы", "председатель суда"),
}
OUTCOMES: Final = frozenset({"registered", "refused"})


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the list with who takes part."""

    case: Case
    parties: tuple[Participant, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a court's cases."""

    rows: tuple[Row, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Card:
    """One case: who takes part, what happened, and the filing it grew from, where that is held here."""

    case: Case
    parties: tuple[Participant, ...]
    events: tuple[Event, ...]
    filing: Filing | None
    joined: tuple[Filing, ...]
    """Filings that were registered into this case later."""


def find(node: Node, court: str, *, search: str = "", page: int = 1, per_page: int = PER_PAGE) -> Found:
    """Return a page of the court's cases, newest first; ``search`` is a number, an IIN or BIN, or part of a name."""
    which = CaseRow.court == court
    if search:
        which = which & _matches(search)
    total = _count(node.database, which)
    page = min(max(1, page), max(1, -(-total // per_page)))
    query = CaseRow.select().where(which).order_by(CaseRow.opened_ms.desc(), CaseRow.obj)
    found = [Case(**row) for row in rows_of(node.database, query.limit(per_page).offset((page - 1) * per_page))]
    parties = cases.participants_of(node.database, [each.obj for each in found])
    return Found(tuple(Row(each, tuple(parties.get(each.obj, ()))) for each in found), total)


def case_of(node: Node, obj: bytes) -> Case | None:
    """Return a case held here, for whoever asks about its court; None where it is not held."""
    return cases.case(node.database, obj)


def of_court(node: Node, court: str, obj: bytes) -> Case:
    """Return a case of ``court``; raises NotFound for everything else."""
    case = cases.case(node.database, obj)
    if case is None or case.court != court:
        raise NotFound("access.none", NOT_FOR_YOU)
    return case


def card(node: Node, court: str, obj: bytes) -> Card:
    """Return the card of a case of ``court``; raises as `of_court`."""
    case = of_court(node, court, obj)
    became = filing_lists.filings_in_case(node.database, obj, number=case.number, person=case.filer_person)
    return Card(
        case=case,
        parties=tuple(cases.participants(node.database, obj)),
        events=_events(node.database, obj),
        filing=filing_lists.filing(node.database, case.filing),
        joined=tuple(each for each in became if each.obj != case.filing),
    )


# -- the notice


def decision_notice(node: Node, filing_obj: bytes) -> bytes:
    """Return the notice R3 of a filing as PDF/A: signed by this machine, the clerk's signed text and signature embedded.

    Raises NotFound("notice.none") for a filing that is not held here or about which no court has decided yet.
    """
    filing = filing_lists.filing(node.database, filing_obj)
    return _notice_of(node, filing, OUTCOMES, filing.decided_ms if filing else None)


def ruling_notice(node: Node, filing_obj: bytes) -> bytes:
    """Return the notice R4 of a filing, as `decision_notice`, with the judge's signed text; raises NotFound("notice.none")."""
    filing = filing_lists.filing(node.database, filing_obj)
    return _notice_of(node, filing, papers.RULINGS, filing.ruled_ms if filing else None)


def _notice_of(node: Node, filing: Filing | None, kinds: frozenset[str], at_ms: int | None) -> bytes:
    said = filing_lists.decisions(node.database, filing.obj) if filing is not None else []
    decided = next((each for each in reversed(said) if each.kind in kinds), None)
    if filing is None or decided is None or at_ms is None:
        raise NotFound("notice.none", N_("The court has not decided about this filing yet, so there is no notice."))
    era = node.identity.now
    machine = Attachment(CERTIFICATE_NAME, era.certificate.data, "application/cose", "Certificate of the node's key", "supplement")
    page = papers.decision_pdf(_notice(node, filing, decided, at_ms), attachments=(*_proof(decided), machine))
    key = key_from_ec(era.pdf, era.certificate.body.pdf)
    return pades.sign_pdf(page, key, at_ms=at_ms, field=NOTICE_FIELD, name=key.certificate.subject)


def _notice(node: Node, filing: Filing, decided: Decision, decided_ms: int) -> papers.Decision:
    book = node.book()
    received = filing_lists.filed_ms(node.database, filing.obj) or filing.submitted_ms
    return papers.Decision(
        outcome=decided.kind,  # type: ignore[arg-type]  # one of the kinds that were looked for
        decided_at=decided_ms,
        court=_court(book, decided.court),
        case_number=filing.number,
        reasons=_reasons(decided),
        note=decided.note,
        talon_number=filing.talon,
        received_at=received,
        applicant=filing.filer_name,
        witness=calm_name(filing.assisted_by) if filing.witnessed else "",
        document=_word(book, "document_type", filing.document_type),
        subject=_word(book, "case_category", filing.category),
        clerk_name=decided.executor,
        clerk_position=_position(node, decided),
    )


def _reasons(decided: Decision) -> tuple[papers.Reason, ...]:
    until = _noon_ms(decided.cure_until)
    return tuple(
        papers.Reason(
            code=ground.code,
            text=Both(ground.text_kk, ground.text_ru),
            article=_both(ground.article),
            can_be_cured=ground.cure,
            cure_until=until if ground.cure else None,
        )
        for ground in decided.grounds
    )


def _proof(decided: Decision) -> tuple[Attachment, ...]:
    return (
        Attachment(papers.TEXT_NAME, decided.content, "text/plain", "Text of the decision as it was signed", "source"),
        Attachment(
            papers.SIGNATURE_NAME, decided.signature, "application/pkcs7-signature", "Detached signature of who decided", "supplement"
        ),
    )


def _position(node: Node, decided: Decision) -> Both:
    held = staff.roles_as_of(node.database, decided.certificate, decided.court, before=1 << 62)
    roles = ("judge", "chairman") if decided.kind in papers.RULINGS else ("clerk", "chairman")
    return next((POSITIONS[role] for role in roles if role in held), Both("", ""))


def _court(book: Book, court_id: str) -> PaperCourt:
    court = book.find_court(court_id)
    return paper_court(book, court) if court else PaperCourt(name=Both(court_id, court_id))


def _word(book: Book, kind: str, code: str) -> Both:
    row = book.category(kind, code)
    return Both(row.name_kk, row.name_ru) if row else Both("", "")


def _both(text: str) -> Both:
    """The article as `edge.services.registration` wrote it: «қазақша / по-русски»."""
    kk, found, ru = text.partition(" / ")
    return Both(kk, ru) if found else Both(text, text)


def _noon_ms(day: str) -> int | None:
    """Noon of an ISO day in Kazakhstan: papers show the day only."""
    if not day:
        return None
    try:
        return terms.moment_of(date.fromisoformat(day), terms.NOON)
    except ValueError:  # an entry of a machine that writes days otherwise: the notice then names none
        return None


# -- lists


def _matches(search: str) -> Any:
    text = " ".join(search.split())[:SEARCH_CHARS_MAX]
    digits = "".join(text.split())
    found = CaseRow.number == _number(text)
    if digits.isdecimal():
        in_party = CasePartyRow.select(CasePartyRow.obj).where(CasePartyRow.person == digits)
        return found | CaseRow.number.endswith("/" + digits) | (CaseRow.talon == digits) | CaseRow.obj.in_(in_party)
    for spelling in sorted({text, text.lower(), text.upper(), text.title(), text[:1].upper() + text[1:].lower()}):
        named = CasePartyRow.select(CasePartyRow.obj).where(CasePartyRow.name.contains(spelling))
        found = found | CaseRow.obj.in_(named)
    return found


def _number(text: str) -> str:
    try:
        return str(numbers.parse(text))
    except Refused:  # not a whole number: other columns are searched for it
        return text


def _events(database: Database, obj: bytes) -> tuple[Event, ...]:
    query = CaseEventRow.select().where(CaseEventRow.obj == obj).order_by(CaseEventRow.position)
    return tuple(Event(**{**row, "params": canonical.decode_map(row["params"])}) for row in rows_of(database, query))


def _count(database: Database, which: Any) -> int:
    row = one_of(database, CaseRow.select(fn.COUNT(CaseRow.obj).alias("count")).where(which))
    return row["count"] if row else 0
