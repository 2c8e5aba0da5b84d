"""Admission: entries that are authentic and were not admissible become part of the register by a person's signed act.

- The act names the entries by their leaves, the machine that wrote them, and why; an administrator of the centre signs it with
  their own key. Everybody receives it: whoever meets such an entry later finds the act that admits it.
- What is admitted stands in the log after its act, with the numbers its author gave it, and folds like everything else.
- Entries that were logged before a revocation from an earlier place reached back over them are admitted the same way.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from common.court import texts
from common.court.writers import Sha256, require_centre, require_signature
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, rows_of
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: Final = "admissions"
LEAVES_MAX: Final = 1_000
"""So many fit into one entry; what is more takes another act."""
REASON_CHARS_MAX: Final = 500
UNLOGGED: Final = -1
LAST: Final = 1 << 62
"""Before it is logged an act of the centre stands after everything."""
SIGNERS: Final = frozenset({"central"})
TITLE: Final = ("Жазбалар тізілімге қабылдансын.", "Принять записи в реестр.")


class Admit(Body, frozen=True, kw_only=True):
    """`evidence.admit/1`: entries ``leaves`` that machine ``node`` wrote in ``epoch`` are admitted, for ``reason``.

    ``bundle`` is the digest of the bundle's signed header in which they were kept; empty for entries that are logged already.
    """

    node: int
    epoch: int
    bundle: bytes = b""
    leaves: Annotated[list[Sha256], msgspec.Meta(min_length=1, max_length=LEAVES_MAX)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_CHARS_MAX)]
    content: bytes
    signature: bytes
    certificate: bytes


TYPES: Final[Mapping[str, type[Body]]] = {"evidence.admit/1": Admit}


class AdmissionRow(Table):
    """One entry that an act admits. ``log_index`` of the act, UNLOGGED before it has one."""

    obj = BlobField()
    leaf = BlobField(index=True)
    node = IntegerField(index=True)
    epoch = IntegerField()
    reason = TextField()
    certificate = BlobField()
    time_ms = IntegerField()
    log_index = IntegerField()

    class Meta:
        table_name = "admission"
        primary_key = CompositeKey("obj", "leaf")


TABLES: Final[tuple[type[Table], ...]] = (AdmissionRow,)


@dataclass(slots=True)
class State:
    """The one fact of an act."""

    fact: Fact | None = None


def begin() -> State:
    """Return an act without history."""
    return State()


def digest_of(leaves: Sequence[bytes]) -> bytes:
    """Return the SHA-256 by which the signed text names the entries."""
    return hashlib.sha256(b"sot/admit/1\0" + b"".join(leaves)).digest()


def lines(*, node: int, epoch: int, leaves: Sequence[bytes], reason: str) -> list[texts.Line]:
    """Return the lines that the signed text of an act must hold."""
    numbers = [(texts.NODE, f"{node:04}"), (texts.EPOCH, str(epoch)), (texts.ENTRIES, str(len(leaves)))]
    return [*numbers, (texts.ENTRIES_HASH, digest_of(leaves).hex()), (texts.REASON, reason)]


def content(*, node: int, epoch: int, leaves: Sequence[bytes], reason: str) -> bytes:
    """Return the text of an act as an administrator signs it."""
    return texts.write(TITLE, lines(node=node, epoch=epoch, leaves=leaves, reason=reason))


def step(state: State, fact: Fact, known: Known) -> None:
    """Take the act; raises Refused where it is not the centre's, or an administrator of the centre has not signed it."""
    if state.fact is not None:
        raise Conflict("admission.twice", N_("An act of admission is written once."))
    body: Admit = fact.body
    require_centre(fact)
    said = lines(node=body.node, epoch=body.epoch, leaves=body.leaves, reason=body.reason)
    texts.require_lines(body.content, said)
    require_signature(fact, known, body.signature, body.content)
    before = LAST if fact.log_index is None else fact.log_index  # the centre's own entries know of all that stands before them
    if not known.staff_role(body.certificate, "", before=before) & SIGNERS:
        raise Refused("admission.role", N_("Only an administrator of the centre admits entries."))
    state.fact = fact


def rows(state: State) -> Rows:
    """Return one row for each entry that is admitted."""
    if state.fact is None:
        return {AdmissionRow: []}
    fact, body = state.fact, state.fact.body
    said = {"obj": fact.obj, "node": body.node, "epoch": body.epoch, "reason": body.reason, "certificate": body.certificate}
    said |= {"time_ms": fact.time, "log_index": UNLOGGED if fact.log_index is None else fact.log_index}
    return {AdmissionRow: [said | {"leaf": leaf} for leaf in dict.fromkeys(body.leaves)]}


def audience(state: State) -> Audience:
    """Return everyone: whoever meets such an entry must find the act that admits it."""
    return Audience(everyone=state.fact is not None)


class Admission(msgspec.Struct, frozen=True):
    """By which act an entry was admitted: the act's number in the log (UNLOGGED before it has one), when, why, by whose certificate."""

    log_index: int
    time_ms: int
    reason: str
    certificate: bytes


def of(database: Database, leaf: bytes) -> Admission | None:
    """Return the first act that admits the entry ``leaf``, or None."""
    query = AdmissionRow.select(AdmissionRow.log_index, AdmissionRow.time_ms, AdmissionRow.reason, AdmissionRow.certificate)
    found = rows_of(database, query.where(AdmissionRow.leaf == leaf).order_by(AdmissionRow.log_index).limit(1))
    return Admission(**found[0]) if found else None
