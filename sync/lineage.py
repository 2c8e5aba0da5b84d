"""Lineages of the log: a register that lost its end, or its log key, goes on as a new log under the last good head (PROTOCOL 10.10).

The registry signs what the new log is: its key and origin, and up to which head it continues the log before, whose own signature
over that head is in the statement. Leaves, tiles and indexes below that size stay what they were; what stood above it is
another history, of which machines feed again what they wrote. Old proofs keep verifying under the earlier key and origin.

    origin of log 1: sot.kz/…      of log 2: sot.kz/…/2
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.db import BlobField, Database, IntegerField, Table, create_tables, fetch, has_table
from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync import cose
from sync.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from sync.identity import Pin, key_id_of
from sync.inclusion import Proof
from sync.merkle import verify_inclusion

LINEAGE_TYPE = "application/sot-lineage+cbor"
REASON_CHARS_MAX = 500
NUMBER_DIGITS_MAX = 3
"""A longer last part of an origin is no number of a log."""


class Lineage(Body, frozen=True):
    """``number``, ``origin`` and ``log`` (key) of the new log; it continues the log ``before_origin``, ``before_log`` up to ``size``
    entries with ``root``: ``before`` and ``first`` are both logs' statements about that head. ``at`` in ms UTC."""

    environment: bytes
    number: int
    origin: str
    log: bytes
    size: int
    root: bytes
    before_origin: str
    before_log: bytes
    before: bytes
    first: bytes
    at: int
    reason: str


class LineageAsk(Body, frozen=True):
    """Node → centre: which logs there were; and, of log ``number``, that its first head extends the one of ``size``.

    ``certificate`` is the sender's own, where a register that was set back does not know it any more.
    """

    nonce: bytes
    number: int = 0
    size: int = 0
    certificate: bytes = b""


class LineageTold(Body, frozen=True):
    """Centre → node: the registry's statements from log 2 on, and the proof that was asked for."""

    nonce: bytes
    statements: list[bytes] = []
    consistency: list[bytes] = []


class LineageRow(Table):
    """A log that this machine follows, or followed: all of them but the first."""

    number = IntegerField(primary_key=True)
    data = BlobField()
    size = IntegerField()
    at_ms = IntegerField()

    class Meta:
        table_name = "lineage"


@dataclass(frozen=True, slots=True)
class Log:
    """A log that the registry stands for. ``until``: the size up to which the log after it continues this one, None for the present."""

    number: int
    origin: str
    key: bytes = field(repr=False)
    until: int | None = None

    def read(self, note: bytes) -> Checkpoint:
        """Return the checkpoint that this log signed; raises Refused("checkpoint.…")."""
        return read_checkpoint(note, self.origin, Ed25519PublicKey.from_public_bytes(self.key), origin=self.origin)


def create(database: Database) -> None:
    """Create what is missing."""
    create_tables(database, [LineageRow])


def number_of(origin: str) -> int:
    """Return the number of the log with this origin: 1 where it names none."""
    last = origin.rpartition("/")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) <= NUMBER_DIGITS_MAX else 1


def origin_after(origin: str) -> str:
    """Return the origin of the log that continues this one."""
    number = number_of(origin)
    base = origin if number == 1 else origin.rpartition("/")[0]
    return f"{base}/{number + 1}"


def write(
    pin: Pin, registry: Ed25519PrivateKey, log_key: Ed25519PrivateKey, *, before: bytes, cosigned: bytes = b"", at: int, reason: str
) -> bytes:
    """Return the statement that a log under ``log_key`` continues the pinned one from its head ``before`` on.

    ``cosigned`` is the same head with the lines of machines, where there are any.
    """
    head = read_checkpoint(before, pin.origin, pin.log_key, origin=pin.origin)
    origin = origin_after(pin.origin)
    body = Lineage(
        environment=pin.environment,
        number=number_of(origin),
        origin=origin,
        log=log_key.public_key().public_bytes_raw(),
        size=head.size,
        root=head.root,
        before_origin=pin.origin,
        before_log=pin.log,
        before=cosigned or before,
        first=sign_checkpoint(Checkpoint(origin, head.size, head.root), origin, log_key),
        at=at,
        reason=reason,
    )
    return cose.sign(encode_body(body), LINEAGE_TYPE, registry, key_id=key_id_of(pin.registry), environment=pin.environment)


def read(data: bytes, pin: Pin) -> Lineage:
    """Return the statement; raises Refused unless the pinned registry signed it and both logs say the same of that head."""
    registry = Ed25519PublicKey.from_public_bytes(pin.registry)
    body: Lineage = decode_body(cose.verify(cose.parse(data), registry, LINEAGE_TYPE, environment=pin.environment), Lineage)
    if body.environment != pin.environment or body.origin != origin_after(body.before_origin) or body.number != number_of(body.origin):
        raise _form()
    try:
        heads = [Log(0, body.before_origin, body.before_log).read(body.before), Log(0, body.origin, body.log).read(body.first)]
    except ValueError as error:  # no key at all
        raise _form() from error
    if any((each.size, each.root) != (body.size, body.root) for each in heads):
        raise Refused("lineage.head", N_("The statement about a new log of the register contradicts itself. Nothing is taken from it."))
    return body


def statements(database: Database) -> list[bytes]:
    """Return the statements of every log but the first, in their order."""
    if not has_table(database, "lineage"):
        return []  # a database of before, or one that has not been started yet
    return [data for (data,) in fetch(database, "SELECT data FROM lineage ORDER BY number")]


def current(database: Database, pin: Pin) -> Pin:
    """Return ``pin`` as it is under the newest log that is followed here; ``pin`` itself where it is of that one or a later."""
    told = statements(database)
    newest = read(told[-1], pin) if told else None
    if newest is None or newest.number <= number_of(pin.origin):
        return pin
    return msgspec.structs.replace(pin, origin=newest.origin, log=newest.log)


def logs(database: Database, pin: Pin) -> list[Log]:
    """Return every log that the registry stands for, as far as known here, the newest first."""
    told = [read(data, pin) for data in statements(database)]
    found = {number_of(pin.origin): Log(number_of(pin.origin), pin.origin, pin.log)}
    for one in told:
        found[one.number - 1] = Log(one.number - 1, one.before_origin, one.before_log, one.size)
        found.setdefault(one.number, Log(one.number, one.origin, one.log))
    return [found[number] for number in sorted(found, reverse=True)]


def read_note(note: bytes, known: Sequence[Log]) -> tuple[Checkpoint, Log]:
    """Return the checkpoint and which log signed it; raises Refused("checkpoint.…") as the newest log refuses it."""
    refused: Refused | None = None
    for one in known:
        try:
            return one.read(note), one
        except Refused as error:
            refused = refused or error
    assert refused is not None, "there is always the pinned log"
    raise refused


def check_proof(proof: Proof, leaf_hash: bytes, known: Sequence[Log]) -> tuple[Checkpoint, Log]:
    """Return the checkpoint under which the leaf is logged and which log signed it; raises as `inclusion.check_proof`."""
    checkpoint, one = read_note(proof.note, known)
    verify_inclusion(leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint, one


def store(database: Database, one: Lineage, data: bytes) -> None:
    """Follow a log from now on, inside the caller's transaction."""
    values: tuple[Any, ...] = (one.number, data, one.size, one.at)
    fetch(database, "INSERT INTO lineage (number, data, size, at_ms) VALUES (?, ?, ?, ?)", values)


def earlier_size(database: Database, time_ms: int, size: int) -> int:
    """Return how much of ``size`` entries that an author knew at ``time_ms``, by its clock, the present log holds as the author saw them.

    A head above the size at which a later log began, and named before that, is of a history that ended there.
    """
    if not has_table(database, "lineage"):
        return size
    return min([size, *(until for until, at in fetch(database, "SELECT size, at_ms FROM lineage") if time_ms < at)])


def _form() -> Refused:
    return Refused("lineage.form", N_("The statement about a new log of the register does not have the form the protocol demands."))
