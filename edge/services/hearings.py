"""Hearings at the court's own machine: set, moved and closed by a judge or a clerk; and what a participant may see of them.

As with rulings: a draft says what is to be, `preview` gives the text as it will be signed, `sign` signs it with the own key and
writes the entry in one transaction. What is changed is what stood on the page (`Target.seen`): of two who press at once the
second gets Conflict and looks again.

    sign(node, judge, Target(case), Draft(...), signer)                     a new hearing
    sign(node, judge, Target(case, hearing, seen=hearing.leaf), …, signer)  moved
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Final

import msgspec

from common.court import cases, filing_lists, hearing_lists, hearing_texts, hearings, staff, terms
from common.court.cases import Case
from common.court.filing_lists import Filing
from common.court.hearing_lists import HearingEvent
from common.court.hearing_texts import Kind, Mode, Outcome
from common.court.hearings import HALL_CHARS_MAX, Close, Hearing, Set
from common.court.terms import WorkCalendar
from common.court.writers import JUDGES
from common.db import fetch
from common.errors import N_, Conflict, NotFound, Refused
from common.facts import decode_body
from common.ids import new_object_id
from common.people import calm_name
from common.pki.opening import Signer
from edge.node import Node
from edge.services import registration, standing
from edge.services.cases import of_court as case_of_court
from edge.services.decisions import NOTE_CHARS_MAX
from edge.services.desk import NOT_FOR_YOU
from edge.services.registration import Clerk
from sync.tables import entry_at

ACCEPTED: Final = "accepted"
"""The status of a case in which hearings are set."""
FIRST: Final = time(8, 0)
LAST: Final = time(18, 30)
"""A hearing begins between these, in Kazakhstan."""
AHEAD_DAYS_MAX: Final = 730
CLASH_MS: Final = 3_600_000
"""Two hearings of one judge or in one hall that begin closer than this are told."""
PER_PAGE: Final = 50
NOTED: Final = frozenset({"adjourned", "cancelled"})
"""Outcomes of which the participants are told why."""
SECOND: Final = ("hearing.changed", "hearing.closed")
"""Codes of changes that are whole and signed, and came second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A hearing as it is to be; ``day`` and ``at`` are Kazakhstan's."""

    day: date
    at: time
    hall: str
    kind: Kind
    closed: bool
    mode: Mode
    judge: str
    link: str = ""

    @property
    def starts_ms(self) -> int:
        """The moment in ms UTC, at a whole minute."""
        return terms.moment_of(self.day, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How a hearing ended; ``note`` is for the participants."""

    outcome: Outcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What is changed: ``hearing`` of ``case``, None for a new one; ``seen`` is the entry that its author had before their eyes."""

    case: Case
    hearing: Hearing | None = None
    seen: bytes = b""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A change that came from another base than the one that stands: people decide. ``starts_ms`` None: it was to end the hearing."""

    officer: str
    starts_ms: int | None
    since_ms: int


# -- what is changed


def in_case(node: Node, court: str, obj: bytes) -> Target:
    """Return a new hearing in a case of ``court``; raises NotFound for another court's, Conflict("hearing.not_accepted")."""
    case = case_of_court(node, court, obj)
    if case.status != ACCEPTED:
        sentence = N_("Hearings are set in a case that a judge has accepted to proceedings. Rule on acceptance first.")
        raise Conflict("hearing.not_accepted", sentence)
    return Target(case)


def find(node: Node, obj: bytes) -> Hearing | None:
    """Return a hearing held here, for whoever asks about its court; None where it is not held."""
    return hearing_lists.hearing(node.database, obj)


def of_court(node: Node, court: str, obj: bytes, *, seen: bytes | None = None) -> Target:
    """Return a hearing of ``court`` as it was ``seen``, None for as it stands; raises NotFound for another court's."""
    hearing = hearing_lists.hearing(node.database, obj)
    if hearing is None:
        raise NotFound("access.none", NOT_FOR_YOU)
    return Target(case_of_court(node, court, hearing.case_obj), hearing, hearing.leaf if seen is None else seen)


def judges(node: Node, court: str) -> list[str]:
    """Return the names of the judges of a court."""
    held = staff.staff_of(node.database, court, now_ms=node.clock.now())
    return list(dict.fromkeys(calm_name(each.name) for each in held if each.role in JUDGES))


def clashes(node: Node, target: Target, draft: Draft) -> list[Hearing]:
    """Return hearings of the court about the same hour with the same judge or in the same hall: told, not forbidden."""
    near = draft.starts_ms - CLASH_MS + 1, draft.starts_ms + CLASH_MS - 1
    found = hearing_lists.at_one_time(node.database, target.case.court, from_ms=near[0], until_ms=near[1])
    own = target.hearing.obj if target.hearing else b""
    hall = draft.hall.casefold()
    return [each for each in found if each.obj != own and (each.judge == draft.judge or each.hall.casefold() == hall)]


def check(node: Node, target: Target, draft: Draft) -> Draft:
    """Return ``draft`` as it can be set; raises Refused naming the field to correct, Conflict as `require_open`."""
    require_open(node, target)
    now = node.clock.now()
    if draft.day < terms.local_date(now):
        raise Refused("hearing.past", N_("This day is over. Choose a day that comes."), field="day")
    if (draft.day - terms.local_date(now)).days > AHEAD_DAYS_MAX:
        raise Refused("hearing.far", N_("This day is more than two years away. Look at the year again."), field="day")
    if not WorkCalendar(node.book().holidays).is_working(draft.day):
        raise Refused("hearing.day_off", N_("The court does not work on this day. Choose a working day."), field="day")
    if not FIRST <= draft.at <= LAST:
        raise Refused("hearing.hour", N_("A hearing begins between 08:00 and 18:30."), field="at")
    if draft.starts_ms <= now:
        raise Refused("hearing.past_hour", N_("This hour is over. Choose a later one."), field="at")
    if not draft.hall.strip() or len(draft.hall) > HALL_CHARS_MAX:
        raise Refused("hearing.hall", N_("Write the hall, at most %(max)d signs."), field="hall", max=HALL_CHARS_MAX)
    if draft.judge not in judges(node, target.case.court):
        raise Refused("hearing.judge", N_("Choose a judge of this court."), field="judge")
    hearing_texts.require_link(draft.link, draft.mode)
    return draft


def check_closing(node: Node, target: Target, closing: Closing) -> Closing:
    """Return ``closing`` as it can be signed; raises as `check`."""
    hearing = require_open(node, target)
    if closing.outcome == "held" and hearing is not None and hearing.starts_ms > node.clock.now():
        raise Refused("hearing.not_yet", N_("This hearing has not begun yet, so it was not held. Move it or cancel it."), field="outcome")
    if closing.outcome in NOTED and not closing.note.strip():
        raise Refused("hearing.no_reason", N_("Write why: the participants read it."), field="note")
    if len(closing.note) > NOTE_CHARS_MAX:
        raise Refused("registration.note", N_("The note has at most %(max)d signs. Shorten it."), field="note", max=NOTE_CHARS_MAX)
    return closing


def require_open(node: Node, target: Target) -> Hearing | None:
    """Return the hearing as it stands, None for a new one.

    Raises Conflict("hearing.closed") for one that is over, Conflict("hearing.changed") where it is not as seen any more,
    Conflict("filing.after_cut") for a case of what is evidence only, and as `registration.require_past`.
    """
    registration.require_past(node)
    filing = filing_lists.filing(node.database, target.case.filing)
    if filing is not None:
        standing.require_counts(node, filing)
    if target.hearing is None:
        return None
    now = hearing_lists.hearing(node.database, target.hearing.obj)
    if now is None or now.leaf != target.seen:
        raise Conflict("hearing.changed", N_("The hearing was changed meanwhile. Look at it as it stands now, then decide."))
    if now.status != "set":
        raise Conflict("hearing.closed", N_("This hearing is over, so nothing can be changed about it. Set another one."))
    return now


# -- signing


def preview(node: Node, who: Clerk, target: Target, said: Draft | Closing) -> bytes:
    """Return the text that `sign` would sign now."""
    return _unsigned(node, who, target, said, node.clock.now()).content


def to_sign(node: Node, who: Clerk, target: Target, said: Draft | Closing) -> bytes:
    """Return the very text that `sign` will sign today; raises as `sign`, before its signature."""
    _check(node, target, said)
    return preview(node, who, target, said)


def sign(node: Node, who: Clerk, target: Target, said: Draft | Closing, signer: Signer) -> bytes:
    """Set or move a hearing (a Draft) or end it (a Closing), and sign that; returns its object.

    Raises Refused("registration.other_key") for a key that is not the officer's own, and what `check`, `check_closing` and
    the fold refuse.
    """
    if signer.certificate.sha256 != who.certificate:
        sentence = N_("This is not the key you signed in with. Choose your own key.")
        raise Refused("registration.other_key", sentence, field="key_file")
    with node.journal.unit() as unit:
        _check(node, target, said)
        body = _unsigned(node, who, target, said, unit.now)
        obj = target.hearing.obj if target.hearing is not None else new_object_id()
        signed = msgspec.structs.replace(body, signature=signer.sign(body.content, at_ms=unit.now))
        unit.append(obj, signed, actor=who.certificate)
    return obj


def _check(node: Node, target: Target, said: Draft | Closing) -> None:
    if isinstance(said, Draft):
        check(node, target, said)
    else:
        check_closing(node, target, said)


def _unsigned(node: Node, who: Clerk, target: Target, said: Draft | Closing, now: int) -> Set | Close:
    """Return the body with its text and without its signature."""
    by = {"date": terms.local_date(now).isoformat(), "officer": who.name, "certificate": who.certificate, "content": b"", "signature": b""}
    hearing = target.hearing
    if isinstance(said, Closing):
        assert hearing is not None, "only a hearing that was set is closed"
        close = Close(outcome=said.outcome, note=said.note, replaces=target.seen, **by)  # type: ignore[arg-type]
        return msgspec.structs.replace(close, content=_text(node, target, hearings.lines_of_close(close, hearing)))
    case = target.case
    body = Set(
        case=case.obj,
        talon=case.talon,
        court=case.court,
        number=case.number,
        starts_ms=said.starts_ms,
        hall=said.hall,
        kind=said.kind,
        closed=said.closed,
        mode=said.mode,
        link=said.link,
        judge=said.judge,
        persons=sorted(cases.persons(case)),
        replaces=target.seen,
        **by,  # type: ignore[arg-type]
    )
    return msgspec.structs.replace(body, content=_text(node, target, hearings.lines_of_set(body, hearing.starts_ms if hearing else None)))


def _text(node: Node, target: Target, lines: list[tuple[str, str]]) -> bytes:
    court = node.book().find_court(target.case.court)
    return hearing_texts.write(lines, court_name=f"{court.name_kk} / {court.name_ru}" if court else "")


# -- what is shown


def as_it_will_be(target: Target, said: Draft | Closing) -> Hearing:
    """Return the hearing as it will stand once ``said`` is signed."""
    case, hearing = target.case, target.hearing
    if isinstance(said, Closing):
        assert hearing is not None, "only a hearing that was set is closed"
        return msgspec.structs.replace(hearing, status=said.outcome, note=said.note)
    return Hearing(
        obj=hearing.obj if hearing else b"",
        case_obj=case.obj,
        talon=case.talon,
        number=case.number,
        court=case.court,
        starts_ms=said.starts_ms,
        was_ms=None if hearing is None else hearing.starts_ms if hearing.starts_ms != said.starts_ms else hearing.was_ms,
        hall=said.hall,
        kind=said.kind,
        closed=said.closed,
        mode=said.mode,
        link=said.link,
        judge=said.judge,
        status="set",
        note="",
        changed_ms=0,
        leaf=b"",
    )


def day_list(node: Node, court: str, *, past: bool, page: int) -> tuple[list[Hearing], int]:
    """Return a page (from 1) of a court's hearings in order of day, from today on or those before, and how many there are."""
    midnight = terms.moment_of(terms.local_date(node.clock.now()))
    total = hearing_lists.count_of_court(node.database, court, from_ms=midnight, past=past)
    page = min(max(1, page), max(1, -(-total // PER_PAGE)))
    found = hearing_lists.of_court(node.database, court, from_ms=midnight, past=past, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    return found, total


def history(node: Node, hearing: Hearing) -> list[HearingEvent]:
    """Return the steps of a hearing in order."""
    return hearing_lists.events(node.database, hearing.obj)


def of_case(node: Node, case: Case) -> list[Hearing]:
    """Return the hearings of a case, the earliest first: for its court."""
    return hearing_lists.of_case(node.database, case.obj)


def of_person(node: Node, person: str, filings: Iterable[Filing]) -> dict[bytes, list[Hearing]]:
    """Return the hearings of the cases that ``filings`` of a person became or joined, by case, the earliest first."""
    found: dict[bytes, list[Hearing]] = {}
    for each in hearing_lists.of_person(node.database, person, {filing.case_obj for filing in filings if filing.case_obj is not None}):
        found.setdefault(each.case_obj, []).append(each)
    return found


def unsettled(node: Node, hearing: Hearing) -> list[Unsettled]:
    """Return the changes of a hearing that rest on an older one than they should and came after the last one that counts."""
    rows = fetch(node.database, "SELECT leaf, code, since_ms FROM quarantine WHERE obj = ? ORDER BY since_ms, leaf", (hearing.obj,))
    found = []
    for leaf, code, since_ms in rows:
        entry = entry_at(node.database, leaf)
        if code not in SECOND or since_ms < hearing.changed_ms or entry is None or entry[0].body is None:
            continue
        body = decode_body(entry[0].body, hearings.TYPES[entry[0].envelope.type])
        found.append(Unsettled(body.officer, body.starts_ms if isinstance(body, Set) else None, since_ms))
    return found
