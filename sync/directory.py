"""The node directory: which machines there are, under which certificates, for which courts they write (PROTOCOL 2).

It is a subject like the court's own, but the protocol itself reads it: bundles are verified under its certificates.
Certificates stay for ever, so that a talon of today can be checked in twenty years. The centre is node 0.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, fetch
from common.errors import N_, Refused
from common.facts import Audience, Body, Fact, Known, Rows
from sync import cose, rotation
from sync.identity import CENTRE_NODE, NodeCertificate, Pin, read_certificate

NAME = "nodes"


class Enrol(Body, frozen=True):
    """A machine received a certificate; ``name`` is how people call it."""

    certificate: bytes
    name: str


class Rotated(Body, frozen=True):
    """The machine goes on under another certificate; ``request`` is its own, signed by the key before and by the new one."""

    certificate: bytes
    request: bytes


class Serve(Body, frozen=True):
    """From here on the machine writes for exactly these courts (court ids of the reference data)."""

    courts: list[str]


class Revoke(Body, frozen=True):
    """What the machine wrote after (epoch, after_seq) is evidence, not filings, until a person admits it."""

    epoch: int
    after_seq: int
    reason: str


class EpochOpen(Body, frozen=True):
    """The machine's own word: its old epoch ended at ``last_seq`` as far as it knows, for ``reason``."""

    previous: int
    last_seq: int
    reason: str


TYPES: dict[str, type[Body]] = {
    "node.enrol/1": Enrol,
    "node.rotate/1": Rotated,
    "node.serve/1": Serve,
    "node.revoke/1": Revoke,
    "epoch.open/1": EpochOpen,
}


class NodeRow(Table):
    """A machine as it stands now. Revocation: ``revoked_epoch`` is NULL while it is trusted."""

    obj = BlobField(primary_key=True)
    node = IntegerField(index=True)
    name = TextField()
    epoch = IntegerField()
    revoked_epoch = IntegerField(null=True)
    revoked_seq = IntegerField(null=True)
    revoked_reason = TextField()

    class Meta:
        table_name = "node"


class NodeCertificateRow(Table):
    """Every certificate a machine ever had."""

    obj = BlobField(index=True)
    key_id = BlobField(index=True)
    node = IntegerField()
    data = BlobField()
    position = IntegerField()

    class Meta:
        table_name = "node_certificate"
        primary_key = CompositeKey("obj", "position")


class NodeCourtRow(Table):
    """From log index ``since`` on, ``node`` writes for ``court``, until a later row says otherwise. "" ends a list."""

    obj = BlobField(index=True)
    court = TextField(index=True)
    node = IntegerField()
    since = IntegerField()

    class Meta:
        table_name = "node_court"
        primary_key = CompositeKey("obj", "court", "since")


TABLES: tuple[type[Table], ...] = (NodeRow, NodeCertificateRow, NodeCourtRow)


@dataclass(slots=True)
class State:
    """A machine's history so far."""

    obj: bytes = b""
    node: int = -1
    name: str = ""
    epoch: int = 1
    certificates: list[tuple[bytes, bytes]] = field(default_factory=list)
    serves: list[tuple[int, list[str]]] = field(default_factory=list)
    revoked: Revoke | None = None


def node_object(node: int) -> bytes:
    """Return the object id of a machine: derived, so that its first entry needs no look-up."""
    return hashlib.sha256(b"sot/node/1\0" + node.to_bytes(4, "big")).digest()[:16]


class Directory:
    """The subject; it needs the pin, under which every certificate it takes in must verify."""

    NAME: str = NAME
    TYPES: Mapping[str, type[Body]] = TYPES
    TABLES: tuple[type[Table], ...] = TABLES

    def __init__(self, pin: Pin) -> None:
        self._pin = pin

    def begin(self) -> State:
        return State()

    def step(self, state: State, fact: Fact, known: Known) -> None:
        """Take one fact; refuses what the centre did not write, but for a machine's own epoch."""
        if isinstance(fact.body, EpochOpen):
            if fact.obj != node_object(fact.node):
                raise _refused("node.foreign_epoch")
            state.obj, state.node, state.epoch = fact.obj, fact.node, max(state.epoch, fact.epoch)
            return
        if fact.node != CENTRE_NODE:
            raise _refused("node.not_centre")
        match fact.body:
            case Enrol(certificate=data, name=name):
                certificate = read_certificate(data, self._pin)
                if fact.obj != node_object(certificate.body.node):
                    raise _refused("node.object")
                state.obj, state.node, state.name = fact.obj, certificate.body.node, name
                state.certificates.append((certificate.key_id, data))
            case Rotated(certificate=data, request=request):
                state.certificates.append((self._rotation(state, data, request), data))
            case Serve(courts=courts):
                # not yet logged exists for an instant at the centre only; -1 sorts it before everything
                state.serves.append((fact.log_index if fact.log_index is not None else -1, courts))
            case Revoke(epoch=epoch, after_seq=seq):  # a later one may reach further back, never forward
                held = state.revoked
                state.revoked = fact.body if held is None or (epoch, seq) < (held.epoch, held.after_seq) else held

    def _rotation(self, state: State, data: bytes, request: bytes) -> bytes:
        """Return the key id of a renewed certificate; refuses one that a certificate of this machine did not ask for."""
        certificate, asked_by = read_certificate(data, self._pin), cose.parse(request).key_id
        before = next((held for key_id, held in state.certificates if key_id == asked_by), None)
        if before is None:
            raise Refused("node.unknown", N_("The message comes from a machine that is not in the directory."))
        rotation.check_rotation(request, certificate, read_certificate(before, self._pin))
        return certificate.key_id

    def rows(self, state: State) -> Rows:
        revoked = state.revoked
        node = {
            "obj": state.obj,
            "node": state.node,
            "name": state.name,
            "epoch": state.epoch,
            "revoked_epoch": revoked.epoch if revoked else None,
            "revoked_seq": revoked.after_seq if revoked else None,
            "revoked_reason": revoked.reason if revoked else "",
        }
        certificates = [
            {"obj": state.obj, "key_id": key_id, "node": state.node, "data": data, "position": place}
            for place, (key_id, data) in enumerate(state.certificates)
        ]
        if not state.certificates:  # an epoch before its enrolment arrived: nothing to show yet
            return {}
        return {NodeRow: [node], NodeCertificateRow: certificates, NodeCourtRow: self._courts(state)}

    def _courts(self, state: State) -> list[dict[str, Any]]:
        rows = []
        before: set[str] = set()
        for since, courts in state.serves:
            rows += [{"obj": state.obj, "court": court, "node": state.node, "since": since} for court in courts]
            # a court that is no longer named falls back to nobody until another machine's row names it
            rows += [{"obj": state.obj, "court": court, "node": -1, "since": since} for court in sorted(before - set(courts))]
            before = set(courts)
        return rows

    def audience(self, state: State) -> Audience:
        return Audience(everyone=True)


def certificate_of(database: Database, key_id: bytes, pin: Pin) -> NodeCertificate:
    """Return the certificate that a message names; raises Refused("node.unknown")."""
    rows = fetch(database, "SELECT data FROM node_certificate WHERE key_id = ?", (key_id,))
    if not rows:
        raise Refused("node.unknown", N_("The message comes from a machine that is not in the directory."))
    return read_certificate(rows[0][0], pin)


def certificates_of(database: Database, node: int, pin: Pin) -> list[NodeCertificate]:
    """Return every certificate ``node`` ever had, the newest first."""
    rows = fetch(database, "SELECT data FROM node_certificate WHERE node = ? ORDER BY position DESC", (node,))
    return [read_certificate(data, pin) for (data,) in rows]


def newest_certificate(database: Database, node: int, pin: Pin) -> NodeCertificate:
    """Return the newest certificate of ``node``; raises Refused("node.unknown")."""
    rows = fetch(database, "SELECT data FROM node_certificate WHERE node = ? ORDER BY position DESC LIMIT 1", (node,))
    if not rows:
        raise Refused("node.unknown", N_("The message comes from a machine that is not in the directory."))
    return read_certificate(rows[0][0], pin)


def all_certificates(database: Database) -> dict[bytes, bytes]:
    """Return every certificate in the directory by its key id, as it was issued."""
    return dict(fetch(database, "SELECT key_id, data FROM node_certificate"))


def excluded(database: Database) -> tuple[int, ...]:
    """Return the numbers of the machines that are not trusted any more."""
    return tuple(node for (node,) in fetch(database, "SELECT node FROM node WHERE revoked_epoch IS NOT NULL ORDER BY node"))


def revocation_of(database: Database, node: int) -> tuple[int, int] | None:
    """Return the last trusted (epoch, seq) of a revoked machine, or None while it is trusted."""
    rows = fetch(database, "SELECT revoked_epoch, revoked_seq FROM node WHERE node = ? AND revoked_epoch IS NOT NULL", (node,))
    return (rows[0][0], rows[0][1]) if rows else None


def node_of(database: Database, court: str, *, before: int | None = None) -> int | None:
    """Return the machine that writes for ``court`` as of log size ``before`` (now when None), or None."""
    limit = before if before is not None else 1 << 62
    statement = "SELECT node FROM node_court WHERE court = ? AND since < ? ORDER BY since DESC, node DESC LIMIT 1"
    rows = fetch(database, statement, (court, limit))
    return rows[0][0] if rows and rows[0][0] >= 0 else None


def courts_of(database: Database, node: int) -> list[str]:
    """Return the courts for which ``node`` writes now."""
    courts = fetch(database, "SELECT DISTINCT court FROM node_court WHERE node = ?", (node,))
    return sorted(court for (court,) in courts if node_of(database, court) == node)


def _refused(code: str) -> Refused:
    return Refused(code, N_("Only the centre may write this about a machine."))
