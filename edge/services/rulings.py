"""A judge rules on a registered case (receipt R4): accepts it to proceedings, returns it, or does not accept it, for coded grounds.

As with registration (`registration`): a draft says what is ruled, `preview` gives the text as it will be signed, `sign` signs it
with the judge's own key and writes both entries in one transaction; of two who press at once one gets Conflict.

    sign(node, judge, case_obj, Draft(outcome="accepted"), signer)
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from common.court import cases, filing_entries, filing_lists, ruling, terms
from common.court.book import Book
from common.court.cases import Case
from common.court.datasets import RefusalGround
from common.court.filing_lists import Filing
from common.court.ruling import STAGES, Outcome
from common.errors import N_, Conflict, NotFound, Refused
from common.pki.opening import Signer
from edge.node import Node
from edge.services import registration, standing
from edge.services.decisions import NOTE_CHARS_MAX, coded
from edge.services.desk import NOT_FOR_YOU
from edge.services.registration import Clerk

OPENED: Final = "opened"
"""The status of a case on which nobody has ruled yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be ruled; ``grounds`` are ids of the published list."""

    outcome: Outcome
    grounds: tuple[str, ...] = ()
    note: str = ""


def grounds_of(book: Book, outcome: str) -> tuple[RefusalGround, ...]:
    """Return the grounds that an outcome may rest on; none for an acceptance."""
    stage = STAGES.get(outcome)
    return book.refusal_grounds(stage) if stage else ()


def check(node: Node, draft: Draft) -> Draft:
    """Return ``draft`` as it can be ruled; raises Refused naming the field to correct."""
    if len(draft.note) > NOTE_CHARS_MAX:
        raise Refused("registration.note", N_("The note has at most %(max)d signs. Shorten it."), field="note", max=NOTE_CHARS_MAX)
    known = {ground.ground_id for ground in grounds_of(node.book(), draft.outcome)}
    if known and not draft.grounds:
        raise Refused("ruling.no_ground", N_("Choose at least one ground."), field=draft.outcome)
    if not set(draft.grounds) <= known:
        raise Refused("registration.ground", N_("A chosen ground is not in the published list. Choose again."), field=draft.outcome)
    return draft


def preview(node: Node, judge: Clerk, case: Case, draft: Draft) -> bytes:
    """Return the text that `sign` would sign now."""
    return _content(node, judge, case, draft, node.clock.now())


def to_sign(node: Node, judge: Clerk, case: Case, draft: Draft) -> bytes:
    """Return the very text that `sign` will sign today; raises as `sign`, before its signature."""
    check(node, draft)
    _require_open(node, judge, case.obj)
    return _content(node, judge, case, draft, node.clock.now())


def sign(node: Node, judge: Clerk, obj: bytes, draft: Draft, signer: Signer) -> None:
    """Rule on the case ``obj`` and sign it.

    Raises Refused("registration.other_key") for a key that is not the judge's own, NotFound, Conflict("case.ruled") when somebody was
    first, Conflict("filing.after_cut") for what is evidence only, and what `check` and the fold refuse.
    """
    if signer.certificate.sha256 != judge.certificate:
        sentence = N_("This is not the key you signed in with. Choose your own key.")
        raise Refused("registration.other_key", sentence, field="key_file")
    check(node, draft)
    with node.journal.unit() as unit:
        case, filing = _require_open(node, judge, obj)
        content = _content(node, judge, case, draft, unit.now)
        rule = filing_entries.Rule(
            outcome=draft.outcome,
            filing=filing.obj,
            case=case.obj,
            talon=case.talon,
            court=case.court,
            number=case.number,
            grounds=coded(grounds_of(node.book(), draft.outcome), draft.grounds),
            note=draft.note,
            date=terms.local_date(unit.now).isoformat(),
            judge=judge.name,
            content=content,
            signature=signer.sign(content, at_ms=unit.now),
            certificate=judge.certificate,
        )
        unit.append(filing.obj, rule, actor=judge.certificate)
        unit.append(case.obj, cases.Rule(**msgspec.structs.asdict(rule)), actor=judge.certificate)


def _require_open(node: Node, judge: Clerk, obj: bytes) -> tuple[Case, Filing]:
    case = cases.case(node.database, obj)
    if case is None or case.court != judge.court:
        raise NotFound("access.none", NOT_FOR_YOU)
    if case.status != OPENED:
        raise Conflict("case.ruled", N_("A judge has already ruled on this case."))
    filing = filing_lists.filing(node.database, case.filing)
    if filing is None:
        raise Conflict("ruling.no_filing", N_("The filing of this case is not held on this machine. It comes with an exchange."))
    standing.require_counts(node, filing)
    registration.require_past(node)
    return case, filing


def _content(node: Node, judge: Clerk, case: Case, draft: Draft, now: int) -> bytes:
    book = node.book()
    court = book.find_court(case.court)
    said = ruling.lines(
        outcome=draft.outcome,
        talon=case.talon,
        court=case.court,
        number=case.number,
        date=terms.local_date(now).isoformat(),
        judge=judge.name,
        grounds=coded(grounds_of(book, draft.outcome), draft.grounds),
        note=draft.note,
    )
    return ruling.write(said, court_name=f"{court.name_kk} / {court.name_ru}" if court else "")
