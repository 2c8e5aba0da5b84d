"""Revocation lists on their way to every machine: what the centre publishes of each certification centre.

Each entry is an object of its own and names one file: a full list (``full``, packed), the difference between two full
lists (``patch``), or the certification centre's own delta list as it is (``delta``). An entry is believed in nothing: a
machine uses a list only once it has verified the certification centre's signature over it, however it came together.

``route`` says which files lead from the list a machine holds to the newest one; all others it need not fetch.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from common.court.writers import Sha256, require_centre
from common.db import BlobField, Database, IntegerField, Table, TextField, fetch, rows_of
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows
from common.ids import OBJECT_ID_BYTES
from common.pki.crl_store import Held
from common.pki.trust import Trust, issuer_key

NAME: str = "crls"
WAY_MAX: Final = 64
"""Steps that a machine may be behind and still follow; one that is further behind starts from a whole list."""
MEDIA: Final = "application/pkix-crl"
Issuer = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
"""Names a certification centre: `common.pki.trust.issuer_key`."""


class Publish(Body, frozen=True, kw_only=True):
    """`crl.publish/1`: ``file`` brings the list ``sha256``; a patch starts at the list ``base``. Times in ms UTC.

    ``number`` and ``base_number`` (of a delta list) are decimal texts, as they may have 20 bytes; empty where there is none.
    """

    issuer: Issuer
    name: str
    kind: Literal["full", "patch", "delta"]
    number: str = ""
    base_number: str = ""
    this_update_ms: int
    next_update_ms: int
    sha256: Sha256
    base: bytes = b""
    file: Sha256
    file_size: int


TYPES: Mapping[str, type[Body]] = {"crl.publish/1": Publish}


class CrlFileRow(Table):
    """One file of a list."""

    obj = BlobField(primary_key=True)
    issuer = BlobField(index=True)
    name = TextField()
    kind = TextField()
    number = TextField()
    base_number = TextField()
    this_update_ms = IntegerField()
    next_update_ms = IntegerField()
    sha256 = BlobField()
    base = BlobField()
    file = BlobField()
    file_size = IntegerField()


TABLES: tuple[type[Table], ...] = (CrlFileRow,)


@dataclass(slots=True)
class State:
    """One publication."""

    obj: bytes = b""
    published: Publish | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One file on the way to a list: its hash and kind, and the list that is there after it."""

    file: bytes
    kind: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Holding:
    """The full list a machine holds: its hash, date and number, and the number of the delta list over it (-1 for none)."""

    sha256: bytes
    this_update_ms: int
    number: int | None
    delta: int = -1


def object_id(file: bytes, sha256: bytes) -> bytes:
    """Return the id of the publication of ``file`` for the list ``sha256``."""
    return hashlib.sha256(b"crl\0" + file + sha256).digest()[:OBJECT_ID_BYTES]


def begin() -> State:
    """Return nothing published yet."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add the publication; raises Refused or Conflict and leaves ``state`` alone."""
    require_centre(fact)
    body: Publish = fact.body
    if state.published is not None:
        raise Conflict("crl.twice", N_("This revocation list was published before."))
    if fact.obj != object_id(body.file, body.sha256):
        raise Refused("crl.object", N_("The revocation list is published under another name than its own."))
    if (body.kind == "patch") != bool(body.base) or any(text and not text.isdecimal() for text in (body.number, body.base_number)):
        raise Refused("crl.entry", N_("The publication of the revocation list contradicts itself."))
    if (body.file, body.file_size) not in {(blob.sha256, blob.size) for blob in fact.blobs}:
        raise Refused("crl.file", N_("The publication of the revocation list does not carry its file."))
    state.obj, state.published = fact.obj, body


def rows(state: State) -> Rows:
    """Return the row of the publication."""
    return {CrlFileRow: [{"obj": state.obj, **msgspec.structs.asdict(state.published)}] if state.published else []}


def audience(state: State) -> Audience:
    """Return everyone."""
    return Audience(everyone=state.published is not None)


def published(database: Database, issuer: bytes) -> list[Publish]:
    """Return the newest WAY_MAX files of full lists of one certification centre and its newest delta list, the newest first."""
    of_issuer = CrlFileRow.select().where(CrlFileRow.issuer == issuer).order_by(CrlFileRow.this_update_ms.desc(), CrlFileRow.obj)
    full = rows_of(database, of_issuer.where(CrlFileRow.kind != "delta").limit(WAY_MAX))
    delta = rows_of(database, of_issuer.where(CrlFileRow.kind == "delta").limit(1))
    return [Publish(**{name: value for name, value in row.items() if name != "obj"}) for row in (*full, *delta)]


def files(database: Database) -> list[bytes]:
    """Return the file of every publication."""
    return [file for (file,) in fetch(database, f'SELECT file FROM "{CrlFileRow._meta.table_name}"')]


def route(known: Sequence[Publish], held: Holding | None) -> tuple[Step, ...]:
    """Return the files that lead from ``held`` to the newest list, in order; none where it is held or nothing leads there."""
    newest = next((one for one in known if one.kind != "delta"), None)
    full: tuple[Step, ...] = ()
    if newest is not None and (held is None or held.this_update_ms < newest.this_update_ms):
        full = _way(known, newest.sha256, held.sha256 if held is not None else b"")
    if not full and held is None:
        return ()
    number = (int(newest.number) if newest.number else None) if full and newest is not None else held.number if held else None
    delta = next((one for one in known if one.kind == "delta"), None)
    if delta is None or number is None or not int(delta.base_number or 0) <= number < int(delta.number or 0):
        return full
    if held is not None and int(delta.number) <= held.delta:
        return full
    return (*full, Step(delta.file, "delta", delta.sha256))


def _way(known: Sequence[Publish], target: bytes, held: bytes) -> tuple[Step, ...]:
    """Follow the patches back from ``target`` to ``held``; where they do not lead there, to the newest full list."""
    patches = {one.sha256: one for one in known if one.kind == "patch"}
    fulls = {one.sha256: one for one in known if one.kind == "full"}
    steps: list[Step] = []
    from_full: tuple[Step, ...] = ()
    at = target
    while at != held:
        if not from_full and at in fulls:
            from_full = (Step(fulls[at].file, "full", at), *reversed(steps))
        patch = patches.pop(at, None)
        if patch is None:
            return from_full
        steps.append(Step(patch.file, "patch", at))
        at = patch.base
    return tuple(reversed(steps))


def ways(database: Database, trust: Trust) -> list[tuple[bytes, tuple[Step, ...]]]:
    """Return (issuer, files that lead to its newest list) of every certification centre trusted here, where any do."""
    held, found = trust.lists(), []
    for issuer in sorted({issuer_key(one) for one in (*trust.anchors(), *trust.authorities())}):
        way = route(published(database, issuer), _holding(held[issuer]) if issuer in held else None)
        if way:
            found.append((issuer, way))
    return found


def _holding(held: Held) -> Holding:
    full, delta = held.base.info, held.delta.info if held.delta is not None else None
    return Holding(full.sha256, full.this_update_ms, full.number, -1 if delta is None or delta.number is None else delta.number)


def unneeded(database: Database, trust: Trust) -> frozenset[bytes]:
    """Return the files of lists that a machine does not need: old ones, and those of certification centres not trusted there."""
    needed = {step.file for _, way in ways(database, trust) for step in way}
    return frozenset(file for file in files(database) if file not in needed)
