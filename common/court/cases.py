"""Cases: opened by a court with a number of its own, and who takes part in them.

- Open comes first and once, with the clerk's signature over the text of the registration (`filing_texts.decision_content`).
- Rule is a judge's ruling on acceptance, once (R4, `ruling`).
- Party states who takes part, as what, from when until when; the same role, name and person again replaces. These are the
  only source of access rights (SUBJECTS.md, 4 entry 10); until a judge accepts the case the other parties do not receive it.
- Only the node of the case's court writes. No uniqueness of numbers is assumed anywhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from common.court import filing_texts, numbers, ruling
from common.court.events import EventTable, event_row
from common.court.ruling import Ruling
from common.court.writers import ObjectId, Sha256, require_court_node, require_decider
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, one_of, rows_of
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: str = "cases"


class Open(Body, frozen=True, kw_only=True):
    """`case.open/1`: ``filing`` and ``talon`` name what it grew from; ``date`` is an ISO text."""

    number: str
    court: str
    filing: ObjectId
    talon: str
    proceedings: str
    category: str
    nature: str
    date: str
    language: Literal["kk", "ru"]
    filer_person: str
    executor: str
    content: bytes
    signature: bytes
    certificate: Sha256


class Party(Body, frozen=True, kw_only=True):
    """`case.party/1`: ``person`` (IIN or BIN, empty where unknown) is for the court alone; times in ms UTC."""

    role: str
    name: str
    kind: str
    person: str = ""
    from_ms: int
    to_ms: int | None = None


class Rule(Ruling, frozen=True, kw_only=True):
    """`case.rule/1`: the judge's ruling on acceptance (R4)."""


TYPES: Mapping[str, type[Body]] = {"case.open/1": Open, "case.party/1": Party, "case.rule/1": Rule}


class CaseRow(Table):
    """One case. ``node`` and ``leaf`` are those of its opening."""

    obj = BlobField(primary_key=True)
    number = TextField(index=True)
    court = TextField(index=True)
    filing = BlobField(index=True)
    talon = TextField()
    proceedings = TextField()
    category = TextField()
    nature = TextField()
    date = TextField()
    language = TextField()
    filer_person = TextField(index=True)
    executor = TextField()
    status = TextField()
    opened_ms = IntegerField()
    node = IntegerField()
    leaf = BlobField()
    content = BlobField()
    signature = BlobField()
    certificate = BlobField()


class CasePartyRow(Table):
    """One participant."""

    obj = BlobField()
    position = IntegerField()
    role = TextField()
    name = TextField()
    kind = TextField()
    person = TextField(index=True)
    from_ms = IntegerField()
    to_ms = IntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("obj", "position")


class CaseEventRow(EventTable):
    """One step of a case."""


TABLES: tuple[type[Table], ...] = (CaseRow, CasePartyRow, CaseEventRow)


@dataclass(slots=True)
class State:
    """One case: its facts in order, and its participants by role, name and person."""

    facts: list[Fact] = field(default_factory=list)
    parties: dict[tuple[str, str, str], Party] = field(default_factory=dict)
    ruled: Rule | None = None

    @property
    def open(self) -> Open:
        """The opening; only where there is one."""
        return self.facts[0].body


def begin() -> State:
    """Return a case without history."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add one fact; raises Refused or Conflict and leaves ``state`` alone."""
    body = fact.body
    if isinstance(body, Open):
        _check_open(state, fact, known)
    elif isinstance(body, Rule):
        _check_rule(state, fact, known)
        state.ruled = body
    else:
        _check_party(state, fact, known)
        state.parties[(body.role, body.name, body.person)] = body
    state.facts.append(fact)


def _check_open(state: State, fact: Fact, known: Known) -> None:
    body: Open = fact.body
    if state.facts:
        raise Conflict("case.twice", N_("This case was opened before."))
    if str(numbers.parse(body.number)) != body.number:
        raise Refused("case.number", N_("The case number is not in its one spelling."))
    if not body.filer_person:
        raise Refused("case.filer", N_("A case names the person whose filing opened it."))
    lines = filing_texts.decision_lines(talon=body.talon, court=body.court, date=body.date, executor=body.executor, number=body.number)
    require_decider(fact, known, body.court, lines)


def _check_rule(state: State, fact: Fact, known: Known) -> None:
    body: Rule = fact.body
    if not state.facts:
        raise Refused("case.unknown", N_("This case has not been opened yet."))
    if state.ruled is not None:
        raise Conflict("case.ruled", N_("A judge has already ruled on this case."))
    opened = state.open
    if (body.case, body.filing, body.number, body.court, body.talon) != (
        fact.obj,
        opened.filing,
        opened.number,
        opened.court,
        opened.talon,
    ):
        raise Refused("case.other", N_("The ruling is about another case."))
    ruling.check(fact, known)


def _check_party(state: State, fact: Fact, known: Known) -> None:
    body: Party = fact.body
    if not state.facts:
        raise Refused("case.unknown", N_("This case has not been opened yet."))
    require_court_node(fact, known, state.open.court)
    if not body.role or not body.name:
        raise Refused("case.party", N_("A participant has a name and a role."))
    if body.to_ms is not None and body.to_ms < body.from_ms:
        raise Refused("case.term", N_("Taking part cannot end before it begins."))


def rows(state: State) -> Rows:
    """Return all rows of the case."""
    if not state.facts:
        return {table: [] for table in TABLES}
    obj = state.facts[0].obj
    parties = enumerate(state.parties.values())
    return {
        CaseRow: [_case_row(state)],
        CasePartyRow: [{"obj": obj, "position": position, **msgspec.structs.asdict(party)} for position, party in parties],
        CaseEventRow: [_event_row(position, fact) for position, fact in enumerate(state.facts)],
    }


def _case_row(state: State) -> dict[str, Any]:
    fact, body = state.facts[0], state.open
    return {
        "obj": fact.obj,
        **msgspec.structs.asdict(body),
        "status": status(state),
        "opened_ms": fact.time,
        "node": fact.node,
        "leaf": fact.leaf,
    }


def _event_row(position: int, fact: Fact) -> dict[str, Any]:
    body = fact.body
    if isinstance(body, Open):
        kind, params = "opened", {"number": body.number, "court": body.court, "date": body.date}
    elif isinstance(body, Rule):
        kind, params = body.outcome, {"judge": body.judge, "note": body.note, "date": body.date}
    else:
        kind, params = ("party" if body.to_ms is None else "party_left"), {"role": body.role, "name": body.name}
    return event_row(fact, position, kind, params)


def status(state: State) -> Literal["", "opened", "accepted", "returned", "declined"]:
    """Return where the case stands; empty when it was never opened."""
    if state.ruled is not None:
        return state.ruled.outcome
    return "opened" if state.facts else ""


def audience(state: State) -> Audience:
    """Return the court and the filer; the other parties come only with acceptance by a judge."""
    if not state.facts:
        return Audience()
    return Audience(courts=frozenset({state.open.court}), persons=persons(state.open))


def owner(state: State) -> str:
    """Return the court of the case."""
    return str(state.open.court) if state.facts else ""


class Case(msgspec.Struct, frozen=True):
    """A row of the lists below; times in ms UTC."""

    obj: bytes
    number: str
    court: str
    filing: bytes
    talon: str
    proceedings: str
    category: str
    nature: str
    date: str
    language: str
    filer_person: str
    executor: str
    status: str
    opened_ms: int
    node: int
    leaf: bytes
    content: bytes
    signature: bytes
    certificate: bytes


class Participant(msgspec.Struct, frozen=True):
    """One participant of a case; times in ms UTC."""

    obj: bytes
    position: int
    role: str
    name: str
    kind: str
    person: str
    from_ms: int
    to_ms: int | None


def persons(opened: Open | Case) -> frozenset[str]:
    """Return to whom (IIN or BIN) a case goes beside its court: the same for whatever is written about it later."""
    return frozenset({opened.filer_person})


def goes_to(person: str) -> Any:
    """Return the condition on `CaseRow` that says the same: which cases go to a person."""
    return CaseRow.filer_person == person


def case(database: Database, obj: bytes) -> Case | None:
    """Return the case, or None where this database does not hold it."""
    row = one_of(database, CaseRow.select().where(CaseRow.obj == obj))
    return Case(**row) if row else None


def cases_by_number(database: Database, number: str) -> list[Case]:
    """Return the cases with exactly this number; there may be several."""
    return _cases(database, CaseRow.number == number)


def cases_of_filing(database: Database, filing: bytes) -> list[Case]:
    """Return the cases that grew from a filing."""
    return _cases(database, CaseRow.filing == filing)


def participants(database: Database, obj: bytes) -> list[Participant]:
    """Return who takes or took part in a case, in the order of joining."""
    return participants_of(database, [obj]).get(obj, [])


def participants_of(database: Database, objects: Iterable[bytes]) -> dict[bytes, list[Participant]]:
    """Return the participants of several cases in one question: for lists."""
    query = CasePartyRow.select().where(CasePartyRow.obj.in_(list(objects))).order_by(CasePartyRow.obj, CasePartyRow.position)
    found: dict[bytes, list[Participant]] = {}
    for row in rows_of(database, query):
        found.setdefault(row["obj"], []).append(Participant(**row))
    return found


def last_sequence(database: Database, *, court: str, prefix: str) -> int:
    """Return the highest N of the court's numbers ``prefix/N``, 0 where there is none: a floor for the node's own counter."""
    query = CaseRow.select(CaseRow.number).where(CaseRow.court == court, CaseRow.number.startswith(prefix + "/"))
    return max((numbers.parse(row["number"]).sequence for row in rows_of(database, query)), default=0)


def _cases(database: Database, which: object) -> list[Case]:
    query = CaseRow.select().where(which).order_by(CaseRow.opened_ms.desc(), CaseRow.obj)
    return [Case(**row) for row in rows_of(database, query)]
