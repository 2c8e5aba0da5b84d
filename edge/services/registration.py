"""The court's decision about a filing (receipt R3): register it with a number, refuse it for coded reasons, hand it on.

- A draft says what is to be decided; `preview` gives the text as it will be signed, `sign` signs it with the clerk's own
  key, opened for this once or in a program elsewhere, and writes everything in one transaction: the decision, the case, who
  takes part.
- A case number is minted inside that transaction, from the sequence of this court, year and type, and only when the machine
  is sure of its own past: after a restored disk nothing is decided until the centre has given the lost entries back.
- Two terminals may press at once: one transaction wins, the other gets Conflict and reads what was decided.
- A supplement to a filing that has become a case joins that case; no second number is given.

    sign(node, clerk, obj, Draft(kind="register", executor=clerk.name), signer)
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from common.court import cases, filing_lists, filing_texts, numbers, staff, terms
from common.court import claim as claims
from common.court.book import Book
from common.court.datasets import Court
from common.court.filing_entries import Refuse, Register
from common.court.filing_lists import WAITING, Filing
from common.db import Database
from common.errors import N_, Conflict, NotFound, Refused
from common.ids import new_object_id
from common.people import calm_name
from common.pki.opening import Signer
from edge.node import Node
from edge.services import standing
from edge.services.decisions import Draft, Kind, check, grounds_named
from edge.services.desk import NOT_FOR_YOU
from sync.journal import Unit

PROCEEDINGS: Final = {"claim": "civil", "special": "civil"}
"""Kinds of civil proceedings, where a filing names the kind instead of the branch."""

RECOVERING: Final = N_(
    "This machine was restored from a copy and does not have its own newest entries back yet: a number could be given twice. "
    "Exchange with the centre, then decide."
)

FILLING: Final = N_(
    "The papers of this court are still coming to this machine: a number could be given twice. "
    "Wait for the end of the exchange, then decide."
)


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who decides: at which court, by which name, with which certificate (SHA-256)."""

    court: str
    name: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Decided:
    """What came out: ``number`` and ``case`` of a registration, empty otherwise."""

    kind: Kind
    number: str = ""
    case: bytes = b""


# -- before signing


def executors(node: Node, court: str) -> list[str]:
    """Return the names of those who may be named as executor: clerks and the chairman of the court."""
    held = staff.staff_of(node.database, court, now_ms=node.clock.now())
    return list(dict.fromkeys(calm_name(each.name) for each in held if each.role in ("clerk", "chairman")))


def number_prefix(node: Node, filing: Filing) -> str:
    """Return the part of the number that is known before signing, «4711-26-00-2»; raises Refused("registration.no_code")."""
    case_type = numbers.case_type(PROCEEDINGS.get(filing.proceedings, filing.proceedings), filing.instance)
    rrcc = _rrcc(node.book(), filing.court)
    return str(numbers.mint(rrcc, terms.local_date(node.clock.now()).year, case_type, 1)).rpartition("/")[0]


def preview(node: Node, clerk: Clerk, filing: Filing, draft: Draft) -> bytes:
    """Return the text that `sign` would sign now; of a number only what is known before signing."""
    number = f"{number_prefix(node, filing)}/…" if draft.kind == "register" else ""
    joined = _joined_case(node, filing) if draft.kind == "register" else None
    return _content(node, clerk, filing, draft, joined.number if joined else number, node.clock.now())


def to_sign(node: Node, clerk: Clerk, filing: Filing, draft: Draft) -> bytes:
    """Return the very text that `sign` will sign if nobody decides in between; its number is given only there.

    Raises as `check`, Conflict("filing.after_cut" or "registration.recovering") and Refused("registration.no_code").
    """
    check(node, filing, draft)
    standing.require_counts(node, filing)
    require_past(node)
    number = _number(node, node.database, filing) if draft.kind == "register" else ""
    return _content(node, clerk, filing, draft, number, node.clock.now())


# -- signing


def sign(node: Node, clerk: Clerk, obj: bytes, draft: Draft, signer: Signer) -> Decided:
    """Decide about the filing ``obj`` and sign it; returns what came out.

    Raises Refused("registration.other_key") for a key that is not the clerk's own, Conflict("filing.decided",
    "filing.withdrawn" or "filing.other_court") when somebody was first, Conflict("registration.recovering") on a machine
    that does not have its whole past, Conflict("filing.after_cut") for what is evidence only, and what `check` and the fold refuse.
    """
    if signer.certificate.sha256 != clerk.certificate:
        sentence = N_("This is not the key you signed in with. Choose your own key.")
        raise Refused("registration.other_key", sentence, field="key_file")
    with node.journal.unit() as unit:
        filing = _require_waiting(unit, clerk.court, obj)
        check(node, filing, draft)
        standing.require_counts(node, filing)
        require_past(node)
        if draft.kind == "register":
            return _register(node, unit, clerk, filing, draft, signer)
        return _refuse(node, unit, clerk, filing, draft, signer)


def require_past(node: Node) -> None:
    """Raise Conflict("registration.recovering" or "registration.filling") on a machine that does not have its whole past."""
    if node.journal.recovering():
        raise Conflict("registration.recovering", RECOVERING)
    if node.filling():
        raise Conflict("registration.filling", FILLING)


def _require_waiting(unit: Unit, court: str, obj: bytes) -> Filing:
    """Read the state inside the transaction that will change it: who comes second sees it here, before any number is minted."""
    filing = filing_lists.filing(unit.database, obj)
    if filing is None:
        raise NotFound("access.none", NOT_FOR_YOU)
    if filing.status == "withdrawn":
        raise Conflict("filing.withdrawn", N_("The filing was withdrawn before."))
    if filing.status not in WAITING:
        raise Conflict("filing.decided", N_("The court has already decided about this filing."))
    if filing.court != court:
        raise Conflict("filing.other_court", N_("Another court holds this filing."))
    return filing


@dataclass(frozen=True, slots=True)
class _Signed:
    """The decision as it was signed: the same words go into the filing and into the case."""

    number: str
    date: str
    executor: str
    content: bytes
    signature: bytes


def _sign(node: Node, unit: Unit, clerk: Clerk, filing: Filing, draft: Draft, number: str, signer: Signer) -> _Signed:
    content = _content(node, clerk, filing, draft, number, unit.now)
    signature = signer.sign(content, at_ms=unit.now)
    return _Signed(number, terms.local_date(unit.now).isoformat(), _executor(clerk, draft), content, signature)


def _register(node: Node, unit: Unit, clerk: Clerk, filing: Filing, draft: Draft, signer: Signer) -> Decided:
    joined = _joined_case(node, filing)
    number = _number(node, unit.database, filing)
    case = joined.obj if joined else new_object_id()
    said = _sign(node, unit, clerk, filing, draft, number, signer)
    body = Register(
        court=clerk.court,
        number=said.number,
        case=case,
        date=said.date,
        executor=said.executor,
        content=said.content,
        signature=said.signature,
        certificate=clerk.certificate,
    )
    unit.append(filing.obj, body, actor=clerk.certificate)
    if joined is None:
        unit.append(case, _opening(clerk, filing, said), actor=clerk.certificate)
        for party in _participants(node, unit, filing):
            unit.append(case, party, actor=clerk.certificate)
    return Decided("register", number, case)


def _opening(clerk: Clerk, filing: Filing, said: _Signed) -> cases.Open:
    return cases.Open(
        number=said.number,
        court=clerk.court,
        filing=filing.obj,
        talon=filing.talon,
        proceedings=filing.proceedings,
        category=filing.category,
        nature=filing.nature,
        date=said.date,
        language="ru" if filing.language == "ru" else "kk",
        filer_person=filing.person,
        executor=said.executor,
        content=said.content,
        signature=said.signature,
        certificate=clerk.certificate,
    )


def _refuse(node: Node, unit: Unit, clerk: Clerk, filing: Filing, draft: Draft, signer: Signer) -> Decided:
    said = _sign(node, unit, clerk, filing, draft, "", signer)
    body = Refuse(
        court=clerk.court,
        grounds=grounds_named(node.book(), draft),
        note=draft.note,
        cure_until=_iso(draft.cure_until),
        redirected_to=draft.redirected_to,
        date=said.date,
        executor=said.executor,
        content=said.content,
        signature=said.signature,
        certificate=clerk.certificate,
    )
    unit.append(filing.obj, body, actor=clerk.certificate)
    return Decided(draft.kind)


def _content(node: Node, clerk: Clerk, filing: Filing, draft: Draft, number: str, now: int) -> bytes:
    book = node.book()
    court, target = book.find_court(clerk.court), book.find_court(draft.redirected_to)
    names = [f"{each.name_kk} / {each.name_ru}" for each in (court, target) if each is not None]
    return filing_texts.decision_content(
        talon=filing.talon,
        court=clerk.court,
        date=terms.local_date(now).isoformat(),
        executor=_executor(clerk, draft),
        number=number,
        grounds=grounds_named(book, draft),
        note=draft.note,
        cure_until=_iso(draft.cure_until),
        redirected_to=draft.redirected_to,
        court_name=" → ".join(names),
    )


def _number(node: Node, database: Database, filing: Filing) -> str:
    """Return the number of the case that a supplement joins, else the next one of this court, year and type."""
    if (joined := _joined_case(node, filing)) is not None:
        return joined.number
    prefix = number_prefix(node, filing)
    last = cases.last_sequence(database, court=filing.court, prefix=prefix)
    return str(numbers.parse(f"{prefix}/{last + 1}"))


def _rrcc(book: Book, court_id: str) -> str:
    court: Court | None = book.find_court(court_id)
    if court is None or not court.rrcc:
        sentence = N_("The centre has not published the code that case numbers of this court begin with. Ask the centre.")
        raise Refused("registration.no_code", sentence)
    return court.rrcc


def _joined_case(node: Node, filing: Filing) -> cases.Case | None:
    """Return the case that a supplement belongs to: the filing it answers was registered by this same court after all."""
    answered = filing_lists.filing(node.database, filing.answers_to) if filing.answers_to else None
    if answered is None or answered.person != filing.person or answered.case_obj is None:
        return None
    found = cases.case(node.database, answered.case_obj)
    return found if found is not None and found.court == filing.court else None


def _participants(node: Node, unit: Unit, filing: Filing) -> list[cases.Party]:
    """Return who takes part: with IIN or BIN from the form, by name alone where the form cannot be read here."""
    return [
        cases.Party(role=role, name=name, kind=kind, person=person, from_ms=unit.now)
        for role, name, kind, person in _named(node, filing)
        if name
    ]


def _named(node: Node, filing: Filing) -> list[tuple[str, str, str, str]]:
    form = filing_lists.form(node.database, filing.obj)
    try:
        claim = claims.load(form.claim) if form else claims.Claim()
    except Refused:  # filled by a newer node
        claim = claims.Claim()
    if claim.parties:
        return [(party.role, party.display_name, party.kind, party.number) for party in claim.parties]
    return [(party.role, party.name, party.kind, "") for party in filing_lists.parties(node.database, filing.obj)]


def _executor(clerk: Clerk, draft: Draft) -> str:
    return draft.executor or clerk.name


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
