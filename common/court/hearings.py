"""Hearings of a case: set, moved, closed by the case's court, and seen by who takes part (GEN-5).

- Set fixes a hearing; set again it is moved. Close says that it was held, adjourned or cancelled, and ends it.
- Only the node of the case's court writes, and a judge, a clerk or the chairman of that court signs (`hearing_texts`).
- Each entry but the first names the one it ``replaces``: the newest that its author had before their eyes. Of two that
  replace the same one the log takes the first; the other is kept in quarantine, where people see it and decide.
- It goes to the court and to the persons to whom its case goes, because it may hold a link. What everybody may read of an
  open hearing is for another entry (SUBJECTS.md 3.9).

Lists and pages read through `hearing_lists`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec

from common.court import hearing_texts
from common.court.events import EventTable, event_row
from common.court.hearing_texts import Kind, Mode, Outcome
from common.court.writers import ObjectId, Sha256, require_staff
from common.db import BlobField, BooleanField, IntegerField, Table, TextField
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: str = "hearings"
MINUTE_MS: Final = 60_000
MOMENT_MS_MAX: Final = 4_102_444_800_000
"""The year 2100."""
HALL_CHARS_MAX: Final = 100
PERSONS_MAX: Final = 1_000

Moment = Annotated[int, msgspec.Meta(ge=0, le=MOMENT_MS_MAX)]
Status = Literal["set", "held", "adjourned", "cancelled"]


class Set(Body, frozen=True, kw_only=True):
    """`hearing.set/1`: ``starts_ms`` UTC at a whole minute; ``persons`` (IIN or BIN) are those to whom the case goes now.

    ``replaces`` is the leaf of the entry before, empty for the first; ``officer`` who signed, ``date`` (ISO) when.
    """

    case: ObjectId
    talon: str
    court: str
    number: str
    starts_ms: Moment
    hall: Annotated[str, msgspec.Meta(min_length=1, max_length=HALL_CHARS_MAX)]
    kind: Kind
    closed: bool
    mode: Mode
    link: str = ""
    judge: str
    persons: Annotated[list[str], msgspec.Meta(min_length=1, max_length=PERSONS_MAX)]
    replaces: bytes = b""
    date: str
    officer: str
    content: bytes
    signature: bytes
    certificate: Sha256


class Close(Body, frozen=True, kw_only=True):
    """`hearing.close/1`: the hearing that ``replaces`` names was held, adjourned or cancelled; ``note`` is for the participants."""

    outcome: Outcome
    note: str = ""
    replaces: Sha256
    date: str
    officer: str
    content: bytes
    signature: bytes
    certificate: Sha256


TYPES: Mapping[str, type[Body]] = {"hearing.set/1": Set, "hearing.close/1": Close}


class HearingRow(Table):
    """One hearing as it stands. ``was_ms``: the time before it was moved last; ``leaf``: the entry that the next one replaces."""

    obj = BlobField(primary_key=True)
    case_obj = BlobField(index=True)
    talon = TextField()
    number = TextField()
    court = TextField()
    starts_ms = IntegerField()
    was_ms = IntegerField(null=True)
    hall = TextField()
    kind = TextField()
    closed = BooleanField()
    mode = TextField()
    link = TextField()
    judge = TextField()
    status = TextField()
    note = TextField()
    changed_ms = IntegerField()
    leaf = BlobField()

    class Meta:
        table_name = "hearing"
        indexes = ((("court", "starts_ms"), False),)


class HearingEventRow(EventTable):
    """One step of a hearing."""

    class Meta:
        table_name = "hearing_event"


TABLES: tuple[type[Table], ...] = (HearingRow, HearingEventRow)


@dataclass(slots=True)
class State:
    """One hearing: its facts in order, what fixed it last, and what ended it."""

    facts: list[Fact] = field(default_factory=list)
    last: Set | None = None
    ended: Close | None = None
    was_ms: int | None = None


def begin() -> State:
    """Return a hearing without history."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add one fact; raises Refused or Conflict and leaves ``state`` alone."""
    body = fact.body
    if isinstance(body, Set):
        _check_set(state, fact, known)
        if state.last is not None and state.last.starts_ms != body.starts_ms:
            state.was_ms = state.last.starts_ms
        state.last = body
    else:
        _check_close(state, fact, known)
        state.ended = body
    state.facts.append(fact)


def _check_set(state: State, fact: Fact, known: Known) -> None:
    body: Set = fact.body
    if state.last is not None and (body.case, body.talon, body.court, body.number) != _case_of(state.last):
        raise Refused("hearing.other", N_("A hearing stays in its case and its court."))
    if body.starts_ms % MINUTE_MS:
        raise Refused("hearing.minute", N_("A hearing begins at a whole minute."))
    hearing_texts.require_link(body.link, body.mode)
    first = state.last is None and not body.replaces
    require_staff(fact, known, body.court, lines_of_set(body, None if first else _seen(state, body.replaces).starts_ms))
    if not first:
        _require_newest(state, body.replaces)


def _check_close(state: State, fact: Fact, known: Known) -> None:
    body: Close = fact.body
    seen = _seen(state, body.replaces)
    require_staff(fact, known, seen.court, lines_of_close(body, seen))
    _require_newest(state, body.replaces)


def _seen(state: State, replaces: bytes) -> Set:
    """Return the hearing as the entry ``replaces`` left it: what the author of the next one signed a change of."""
    if state.last is None:
        raise Refused("hearing.unknown", N_("This hearing has not been set yet."))
    seen: Set | None = None
    for fact in state.facts:
        seen = fact.body if isinstance(fact.body, Set) else seen
        if fact.leaf == replaces and seen is not None:
            return seen
    raise Conflict("hearing.base", N_("This rests on a change of the hearing that does not count."))


def _require_newest(state: State, replaces: bytes) -> None:
    # after the signature: what people are shown of a change that came second was signed by who it says
    if state.ended is not None:
        raise Conflict("hearing.closed", N_("This hearing is over, so nothing can be changed about it. Set another one."))
    if replaces != state.facts[-1].leaf:
        raise Conflict("hearing.changed", N_("The hearing was changed meanwhile. Look at it as it stands now, then decide."))


def _case_of(body: Set) -> tuple[bytes, str, str, str]:
    return body.case, body.talon, body.court, body.number


def lines_of_set(body: Set, earlier_ms: int | None) -> list[tuple[str, str]]:
    """Return what the signed text of ``body`` must say; ``earlier_ms`` is the time of the entry that it replaces."""
    moved = earlier_ms if earlier_ms != body.starts_ms else None
    return hearing_texts.set_lines(
        talon=body.talon,
        court=body.court,
        number=body.number,
        starts_ms=body.starts_ms,
        earlier_ms=moved,
        hall=body.hall,
        kind=body.kind,
        closed=body.closed,
        mode=body.mode,
        link=body.link,
        judge=body.judge,
        replaces=body.replaces,
        date=body.date,
        officer=body.officer,
    )


def lines_of_close(body: Close, last: "Set | Hearing") -> list[tuple[str, str]]:
    """Return what the signed text of ``body`` must say; ``last`` is the hearing as it stood."""
    return hearing_texts.close_lines(
        talon=last.talon,
        court=last.court,
        number=last.number,
        starts_ms=last.starts_ms,
        outcome=body.outcome,
        note=body.note,
        replaces=body.replaces,
        date=body.date,
        officer=body.officer,
    )


def rows(state: State) -> Rows:
    """Return all rows of the hearing."""
    last = state.last
    if last is None:
        return {table: [] for table in TABLES}
    newest = state.facts[-1]
    row = {
        "obj": newest.obj,
        "case_obj": last.case,
        **{
            name: getattr(last, name)
            for name in ("talon", "number", "court", "starts_ms", "hall", "kind", "closed", "mode", "link", "judge")
        },
        "was_ms": state.was_ms,
        "status": state.ended.outcome if state.ended else "set",
        "note": state.ended.note if state.ended else "",
        "changed_ms": newest.time,
        "leaf": newest.leaf,
    }
    return {HearingRow: [row], HearingEventRow: list(_event_rows(state))}


def _event_rows(state: State) -> Iterable[dict[str, Any]]:
    before: Set | None = None
    for position, fact in enumerate(state.facts):
        body = fact.body
        if isinstance(body, Set):
            kind = "set" if before is None else "changed" if before.starts_ms == body.starts_ms else "moved"
            params = {"starts_ms": body.starts_ms, "hall": body.hall, "officer": body.officer}
            if kind == "moved" and before is not None:
                params["was_ms"] = before.starts_ms
            before = body
        else:
            kind, params = body.outcome, {"starts_ms": before.starts_ms if before else 0, "note": body.note, "officer": body.officer}
        yield event_row(fact, position, kind, params)


def audience(state: State) -> Audience:
    """Return the court and everybody to whom an entry of the hearing was addressed: who knew the old time learns the new one."""
    sets = [fact.body for fact in state.facts if isinstance(fact.body, Set)]
    return Audience(courts=frozenset(body.court for body in sets), persons=frozenset(person for body in sets for person in body.persons))


def owner(state: State) -> str:
    """Return the court of the hearing."""
    return str(state.last.court) if state.last else ""


class Hearing(msgspec.Struct, frozen=True):
    """A row of `hearing_lists`; times in ms UTC. ``status``: set, held, adjourned or cancelled."""

    obj: bytes
    case_obj: bytes
    talon: str
    number: str
    court: str
    starts_ms: int
    was_ms: int | None
    hall: str
    kind: str
    closed: bool
    mode: str
    link: str
    judge: str
    status: str
    note: str
    changed_ms: int
    leaf: bytes
