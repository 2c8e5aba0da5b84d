"""Erasure by a court's order: what it takes away, by whose act, and what people are told in its place.

- The court that holds an object orders it, at its own machine, signed by its chairman or a judge; or the centre does.
- An order is an object of its own and everybody receives it: whoever holds the entries it names erases body, salt, files and
  rows (`sync.erasure`). It names leaves, a reference and a date: nothing of what it erases.
- Envelope and content hash stay, so that every proof still holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from common.court import texts
from common.court.writers import CENTRE, ObjectId, Sha256, require_court_node, require_signature
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, rows_of
from common.errors import N_, Conflict, NotFound, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: Final = "erasures"
LEAVES_MAX: Final = 256
REFERENCE_CHARS_MAX: Final = 200
UNLOGGED: Final = -1
SIGNERS: Final = frozenset({"chairman", "judge"})
"""Roles whose signature erases."""
TITLE: Final = ("Сот актісі бойынша жазбалар жойылсын.", "Удалить записи по судебному акту.")


class Order(Body, frozen=True, kw_only=True):
    """`erasure.order/1`: entries ``leaves`` of the object ``target`` are to be erased by the act ``reference`` of ``date`` (ISO).

    ``court`` is empty where the centre orders; then there is no signature of a person, as with all that the centre writes.
    """

    target: ObjectId
    leaves: Annotated[list[Sha256], msgspec.Meta(min_length=1, max_length=LEAVES_MAX)]
    court: str = ""
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=REFERENCE_CHARS_MAX)]
    date: str
    content: bytes = b""
    signature: bytes = b""
    certificate: bytes = b""


TYPES: Final[Mapping[str, type[Body]]] = {"erasure.order/1": Order}


class ErasureRow(Table):
    """One entry that an order erases. ``log_index`` of the order, UNLOGGED before it has one."""

    obj = BlobField()
    leaf = BlobField(index=True)
    target = BlobField(index=True)
    court = TextField()
    reference = TextField()
    date = TextField()
    log_index = IntegerField()

    class Meta:
        table_name = "erasure"
        primary_key = CompositeKey("obj", "leaf")


TABLES: Final[tuple[type[Table], ...]] = (ErasureRow,)


@dataclass(slots=True)
class State:
    """The one fact of an order."""

    fact: Fact | None = None


def begin() -> State:
    """Return an order without history."""
    return State()


def lines(*, court: str, reference: str, date: str, leaves: list[bytes]) -> list[texts.Line]:
    """Return the lines that the signed text of an order must hold."""
    return [(texts.COURT, court), (texts.ACT, reference), (texts.DATE, date), *((texts.ENTRY, leaf.hex()) for leaf in leaves)]


def content(*, court: str, reference: str, date: str, leaves: list[bytes], court_name: str = "") -> bytes:
    """Return the text of an order as its chairman or judge signs it."""
    said = lines(court=court, reference=reference, date=date, leaves=leaves)
    return texts.write(TITLE, [*said, (texts.COURT_NAME, court_name)])


def step(state: State, fact: Fact, known: Known) -> None:
    """Take the order; raises Refused where it is not the centre's, nor signed for the court at the court's own machine."""
    if state.fact is not None:
        raise Conflict("erasure.twice", N_("An order is written once."))
    body: Order = fact.body
    if body.court:
        require_court_node(fact, known, body.court)
        texts.require_lines(body.content, lines(court=body.court, reference=body.reference, date=body.date, leaves=body.leaves))
        require_signature(fact, known, body.signature, body.content)
        if not known.staff_role(body.certificate, body.court, before=fact.beacon) & SIGNERS:
            raise Refused("erasure.role", N_("Only the chairman or a judge of the court orders an erasure."))
    elif fact.node != CENTRE:
        raise Refused("entry.centre_only", N_("Only the centre may write this."))
    state.fact = fact


def rows(state: State) -> Rows:
    """Return one row for each entry to be erased."""
    if state.fact is None:
        return {ErasureRow: []}
    fact, body = state.fact, state.fact.body
    said: dict[str, Any] = {"obj": fact.obj, "target": body.target, "court": body.court, "reference": body.reference, "date": body.date}
    said["log_index"] = UNLOGGED if fact.log_index is None else fact.log_index
    return {ErasureRow: [said | {"leaf": leaf} for leaf in dict.fromkeys(body.leaves)]}


def audience(state: State) -> Audience:
    """Return everyone: nobody but the centre knows who holds what, and an order says nothing of what it erases."""
    return Audience(everyone=state.fact is not None)


class Erased(msgspec.Struct, frozen=True):
    """What people are told in place of what was erased; ``court`` empty: the centre; ``date`` ISO."""

    court: str
    reference: str
    date: str


def of(database: Database, target: bytes) -> Erased | None:
    """Return by which order entries of an object were erased, the first of them; None where there is none."""
    query = ErasureRow.select(ErasureRow.court, ErasureRow.reference, ErasureRow.date)
    found = rows_of(database, query.where(ErasureRow.target == target).order_by(ErasureRow.log_index).limit(1))
    return Erased(**found[0]) if found else None


def require_not_erased(database: Database, target: bytes) -> None:
    """Raise NotFound("erasure.done"), which says by which act, where an order took the object away."""
    if found := of(database, target):
        sentence = N_("This was erased by a court's act: %(reference)s of %(date)s.")
        raise NotFound("erasure.done", sentence, reference=found.reference, date=found.date)
