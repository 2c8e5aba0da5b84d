"""Materials of a case: documents, audio records and video that the court joins to it (SUBJECTS.md 4, entry 16; CLM-12).

- One material is one object, so that one that is for the court alone travels to nobody else.
- Only the node of the case's court writes it, by a person who is a clerk, judge or chairman there; it is no decision, and so
  the entry names its author (``actor``) and carries no signature.
- The court says whom it is open to: nobody beside the court, or persons by their IIN or BIN. Who is named cannot be told otherwise
  later: what was delivered was delivered.
- The file is named by the entry. Audio and video come to other machines on request only (PROTOCOL 7.10).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

import msgspec

from common.court.cases import CaseRow
from common.court.writers import ObjectId, require_court_node
from common.db import BlobField, BooleanField, CompositeKey, Database, IntegerField, Table, TextField, one_of, rows_of
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: Final = "materials"
AUTHORS: Final = frozenset({"clerk", "judge", "chairman"})
"""Roles that may add a material."""
TITLE_CHARS_MAX: Final = 200
READERS_MAX: Final = 64
"""Persons that one material is open to."""
Kind = Literal["document", "audio", "video"]
MEDIA: Final = {"document": "application/pdf", "audio": "audio/", "video": "video/"}
"""How the media type of a kind's file begins."""


class Add(Body, frozen=True, kw_only=True):
    """`materials.add/1`: the one file of the entry joined to ``case`` (``number``, ``talon``) of ``court``.

    ``date`` (ISO) is the day of the document or hearing, ``seconds`` the length of a recording, 0 where it is not known;
    ``open_to`` are IINs or BINs, empty: for the court alone.
    """

    case: ObjectId
    court: str
    number: str
    talon: str
    kind: Kind
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_CHARS_MAX)]
    date: str
    seconds: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    open_to: Annotated[list[str], msgspec.Meta(max_length=READERS_MAX)] = []


TYPES: Final[Mapping[str, type[Body]]] = {"materials.add/1": Add}


class MaterialRow(Table):
    """One material. ``open``: to persons beside the court; ``case_obj`` names the case, ``leaf`` the entry."""

    obj = BlobField(primary_key=True)
    case_obj = BlobField(index=True)
    court = TextField()
    number = TextField()
    talon = TextField()
    kind = TextField()
    title = TextField()
    date = TextField()
    seconds = IntegerField()
    open = BooleanField()
    sha256 = BlobField()
    size = IntegerField()
    media = TextField()
    added_ms = IntegerField()
    leaf = BlobField()

    class Meta:
        table_name = "material"


class MaterialReaderRow(Table):
    """A person whom a material is open to."""

    obj = BlobField()
    person = TextField(index=True)

    class Meta:
        table_name = "material_reader"
        primary_key = CompositeKey("obj", "person")


TABLES: Final[tuple[type[Table], ...]] = (MaterialRow, MaterialReaderRow)


@dataclass(slots=True)
class State:
    """The one fact of a material."""

    fact: Fact | None = None


def begin() -> State:
    """Return a material without history."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Take the material; raises Refused or Conflict where it is not the case's court that adds it, or the file is another."""
    body: Add = fact.body
    if state.fact is not None:
        raise Conflict("materials.twice", N_("A material is added once."))
    require_court_node(fact, known, body.court)
    if fact.actor is None or not known.staff_role(fact.actor, body.court, before=fact.beacon) & AUTHORS:
        raise Refused("entry.role", N_("Only a clerk, a judge or the chairman of the court adds materials to its cases."))
    if len(fact.blobs) != 1 or not fact.blobs[0].media.startswith(MEDIA[body.kind]):
        raise Refused("materials.file", N_("A material has one file, of the kind that it says."))
    if not body.title.strip():
        raise Refused("materials.title", N_("A material has a title."))
    _require_day(body.date)
    if "" in body.open_to:
        raise Refused("materials.reader", N_("A person is named by IIN or BIN."))
    state.fact = fact


def _require_day(text: str) -> None:
    try:
        day = date.fromisoformat(text).isoformat()
    except ValueError:
        day = ""
    if day != text:
        raise Refused("materials.date", N_("The date of a material cannot be read."))


def rows(state: State) -> Rows:
    """Return the material and whom it is open to."""
    if state.fact is None:
        return {table: [] for table in TABLES}
    fact, body = state.fact, state.fact.body
    said: dict[str, Any] = {name: getattr(body, name) for name in ("court", "number", "talon", "kind", "title", "date", "seconds")}
    said |= {"obj": fact.obj, "case_obj": body.case, "open": bool(body.open_to), "added_ms": fact.time, "leaf": fact.leaf}
    file = fact.blobs[0]
    return {
        MaterialRow: [said | {"sha256": file.sha256, "size": file.size, "media": file.media}],
        MaterialReaderRow: [{"obj": fact.obj, "person": person} for person in dict.fromkeys(body.open_to)],
    }


def audience(state: State) -> Audience:
    """Return the court and the persons the material is open to."""
    if state.fact is None:
        return Audience()
    return Audience(courts=frozenset({state.fact.body.court}), persons=frozenset(state.fact.body.open_to))


def owner(state: State) -> str:
    """Return the court that added the material."""
    return str(state.fact.body.court) if state.fact is not None else ""


class Material(msgspec.Struct, frozen=True):
    """One material as lists need it; ``date`` ISO, ``added_ms`` in ms UTC."""

    obj: bytes
    case_obj: bytes
    court: str
    number: str
    talon: str
    kind: str
    title: str
    date: str
    seconds: int
    open: bool
    sha256: bytes
    size: int
    media: str
    added_ms: int
    leaf: bytes

    @property
    def recorded(self) -> bool:
        """Whether it is an audio record or a video."""
        return self.kind != "document"


def material(database: Database, obj: bytes) -> Material | None:
    """Return one material, or None where this database does not hold it."""
    row = one_of(database, MaterialRow.select().where(MaterialRow.obj == obj))
    return Material(**row) if row else None


def of_case(database: Database, case: bytes, court: str, *, person: str | None = None) -> list[Material]:
    """Return what ``court`` has added to its case, by day: everything, or what is open to ``person`` (IIN or BIN)."""
    which = (MaterialRow.case_obj == case) & (MaterialRow.court == court)
    return _materials(database, which if person is None else which & MaterialRow.obj.in_(open_to(person)))


def written(database: Database, *, court: str, number: str) -> list[Material]:
    """Return the materials that ``court`` added under a case number, whatever became of the case: for who erases them."""
    return _materials(database, (MaterialRow.court == court) & (MaterialRow.number == number))


def open_to(person: str) -> Any:
    """Return the query for the objects of all materials that a court has opened to a person (IIN or BIN) in a case of its own.

    As with hearings, no court adds to another court's case, whatever an entry says.
    """
    mine = MaterialReaderRow.select(MaterialReaderRow.obj).where(MaterialReaderRow.person == person)
    beside = (MaterialRow.case_obj == CaseRow.obj) & (MaterialRow.court == CaseRow.court)
    return MaterialRow.select(MaterialRow.obj).join(CaseRow, on=beside).where(MaterialRow.obj.in_(mine))


def is_open_to(database: Database, obj: bytes, person: str) -> bool:
    """Return whether a material is among those `open_to` a person."""
    return bool(person and one_of(database, open_to(person).where(MaterialRow.obj == obj)))


def _materials(database: Database, which: Any) -> list[Material]:
    query = MaterialRow.select().where(which).order_by(MaterialRow.date, MaterialRow.added_ms, MaterialRow.obj)
    return [Material(**row) for row in rows_of(database, query)]
