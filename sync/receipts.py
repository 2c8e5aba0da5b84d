"""Receipts as a node keeps them: R0 it makes itself, R1 and R2 come from the centre (PROTOCOL 9).

R0  COSE_Sign1 of the node: this talon, this leaf, this signed statement were taken here at this time, in this place of its chain.
R1  one range proof a bundle: its leaves stand in the log at these indexes under this checkpoint. Each filing's own
    inclusion proof (C2SP tlog-proof) is made from it, offline.
R2  COSE_Sign1 of the centre: every file of the entry, or of the entries at these log indexes, is verified there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any

import msgspec

from common import canonical
from common.canonical import INT_MAX
from common.db import BlobField, Database, IntegerField, Table, fetch, insert
from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync import cose, merkle
from sync.checkpoint import Checkpoint
from sync.entry import chain_next, chain_start
from sync.identity import Era, Identity, NodeCertificate
from sync.inclusion import write_proof
from sync.messages import Admitted, Logged
from sync.tables import PLACED

R0_TYPE = "application/sot-r0+cbor"
COMPLETE_TYPE = "application/sot-r2+cbor"
COMPLETES_TYPE = "application/sot-r2s+cbor"
RUNS_MAX = 16
"""Runs in one R2 for many: each entry of it keeps a copy."""


class Taken(Body, frozen=True):
    """R0. ``talon`` as a number of 15 digits, ``statement`` the SHA-256 of the signed statement, ``at`` in ms UTC.

    ``epoch`` and ``seq`` are the entry's place, ``head`` the chain head right after it (PROTOCOL 9.6); 0, 0 and empty in receipts
    of machines before that, which name none. ``witness`` is 1 where staff of the court signed for a person without a key
    (PROTOCOL 9.11): a number, for readers of before know no other kind of value here.
    """

    talon: int
    node: int
    leaf: bytes
    statement: bytes
    at: int
    epoch: int = 0
    seq: int = 0
    head: bytes = b""
    witness: int = 0


class Complete(Body, frozen=True):
    """R2 of the entry ``leaf`` at log index ``index``; ``at`` in ms UTC."""

    leaf: bytes
    index: int
    at: int


class Completes(Body, frozen=True):
    """R2 of the entries at the log indexes of ``runs`` ([first, count]…, at most RUNS_MAX); ``at`` in ms UTC. Which leaf stands at an
    index says R1."""

    runs: list[Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(min_length=2, max_length=2)]]
    at: int

    def covers(self, index: int) -> bool:
        """Return whether it speaks of the entry at ``index``."""
        return any(first <= index < first + count for first, count in self.runs)


class LoggedRow(Table):
    """R1 of one bundle of this node: the range proof under the checkpoint ``note``."""

    epoch = IntegerField()
    first = IntegerField()
    last = IntegerField(index=True)
    first_index = IntegerField()
    size = IntegerField()
    note = BlobField()
    proof = BlobField()
    at_ms = IntegerField()

    class Meta:
        table_name = "logged"
        indexes = ((("epoch", "first"), True),)


class CompleteHereRow(Table):
    """R2 of one entry of this node."""

    leaf = BlobField(primary_key=True)
    statement = BlobField()
    at_ms = IntegerField()

    class Meta:
        table_name = "complete_here"


class AdmittedHereRow(Table):
    """R1 of one entry of this node that a person admitted beside its history: its own inclusion proof under the checkpoint ``note``."""

    leaf = BlobField(primary_key=True)
    log_index = IntegerField()
    note = BlobField()
    proof = BlobField()
    at_ms = IntegerField()

    class Meta:
        table_name = "admitted_here"


TABLES: tuple[type[Table], ...] = (LoggedRow, CompleteHereRow, AdmittedHereRow)


@dataclass(frozen=True, slots=True)
class Ladder:
    """How far an entry of this node has climbed. Times in ms UTC, None while not yet."""

    log_index: int | None
    logged_ms: int | None
    complete_ms: int | None


def sign_r0(taken: Taken, node: Identity | Era) -> bytes:
    """Return R0, signed with the node's Ed25519 key; deterministic, so that the same talon is printed again."""
    return node.sign_message(encode_body(taken), R0_TYPE)


def read_r0(data: bytes, certificate: NodeCertificate) -> Taken:
    """Return R0; raises Refused unless ``certificate``'s node signed exactly this."""
    payload = cose.verify(cose.parse(data), certificate.sign_key, R0_TYPE, environment=certificate.body.environment)
    taken: Taken = decode_body(payload, Taken)
    if taken.node != certificate.body.node:
        raise Refused("receipt.node", N_("The receipt names another machine than the one that signed it."))
    return taken


def read_r2(data: bytes, centre: NodeCertificate) -> Complete:
    """Return R2; raises Refused unless the centre signed exactly this."""
    complete: Complete = decode_body(
        cose.verify(cose.parse(data), centre.sign_key, COMPLETE_TYPE, environment=centre.body.environment), Complete
    )
    return complete


def read_r2s(data: bytes, centre: NodeCertificate) -> Completes:
    """Return R2 for many; raises Refused unless the centre signed exactly this."""
    payload = cose.verify(cose.parse(data), centre.sign_key, COMPLETES_TYPE, environment=centre.body.environment)
    completes: Completes = decode_body(payload, Completes)
    if len(completes.runs) > RUNS_MAX:
        raise Refused("receipt.runs", N_("The receipt speaks of more entries than one may."))
    return completes


def runs_of(indexes: Iterable[int]) -> list[list[int]]:
    """Return the log indexes as runs [first, count], lowest first."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == sum(runs[-1]):
            runs[-1][1] += 1
        else:
            runs.append([index, 1])
    return runs


def store_complete(database: Database, statement: bytes, centre: NodeCertificate, node: int) -> None:
    """Verify R2, of one entry or of many, and keep it with the entries of ``node`` that it speaks of; raises Refused."""
    keep = "INSERT INTO complete_here (leaf, statement, at_ms)"
    if cose.parse(statement).content_type != COMPLETES_TYPE:
        one = read_r2(statement, centre)
        fetch(database, f"{keep} VALUES (?, ?, ?) ON CONFLICT (leaf) DO NOTHING", (one.leaf, statement, one.at))
        return
    many = read_r2s(statement, centre)
    for first, count in many.runs:
        logged = "SELECT leaf, ?, ? FROM entry WHERE log_index BETWEEN ? AND ? AND node = ?"
        values = (statement, many.at, first, min(first + count - 1, INT_MAX), node)
        fetch(database, f"{keep} {logged} ON CONFLICT (leaf) DO NOTHING", values)


def store_logged(database: Database, logged: Logged, leaves: Sequence[bytes], checkpoint: Checkpoint, note: bytes, *, at_ms: int) -> None:
    """Verify R1 of a bundle under ``checkpoint`` and keep it; raises Refused("proof.…") and keeps nothing."""
    if len(leaves) != logged.last - logged.first + 1:
        raise Refused("proof.leaves", N_("The register's receipt names entries this machine does not have."))
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    merkle.verify_range(hashes, logged.index, checkpoint.size, logged.proof, checkpoint.root)
    row: dict[str, Any] = {"epoch": logged.epoch, "first": logged.first, "last": logged.last, "first_index": logged.index}
    row |= {"size": checkpoint.size, "note": note, "proof": canonical.encode(logged.proof), "at_ms": at_ms}
    insert(database, LoggedRow, [row])


def store_admitted(database: Database, items: Sequence[Admitted], checkpoint: Checkpoint, note: bytes, *, at_ms: int) -> None:
    """Verify R1 of admitted entries under ``checkpoint`` and keep it; raises Refused("proof.…") and keeps nothing."""
    for one in items:
        merkle.verify_inclusion(merkle.leaf_hash(one.leaf), one.index, checkpoint.size, one.proof, checkpoint.root)
        row = {"leaf": one.leaf, "log_index": one.index, "note": note, "proof": canonical.encode(one.proof), "at_ms": at_ms}
        if not fetch(database, "SELECT 1 FROM admitted_here WHERE leaf = ?", (one.leaf,)):
            insert(database, AdmittedHereRow, [row])


def inclusion_of(database: Database, leaf: bytes) -> bytes:
    """Return the tlog-proof (R1) of one entry of this node; raises Refused("receipt.not_yet") before there is one."""
    admitted = fetch(database, "SELECT log_index, proof, note FROM admitted_here WHERE leaf = ?", (leaf,))
    if admitted:  # beside the history of its bundles: its proof is its own
        index, proof, note = admitted[0]
        return write_proof(index, canonical.decode(proof), note, extra=leaf)
    rows = fetch(
        database,
        """SELECT e.node, l.epoch, l.first, l.last, l.first_index, l.size, l.note, l.proof, e.seq FROM entry e
           JOIN journal j ON j.node = e.node JOIN logged l ON l.epoch = e.epoch AND e.seq BETWEEN l.first AND l.last
           WHERE e.leaf = ? AND e.log_index IS NOT NULL""",
        (leaf,),
    )
    if not rows:
        raise Refused("receipt.not_yet", N_("The central register has not confirmed this yet. The talon holds meanwhile."))
    node, epoch, first, last, first_index, size, note, proof, seq = rows[0]
    leaves = leaves_of(database, node, epoch, first, last)
    hashes = [merkle.leaf_hash(each) for each in leaves]
    index = first_index + seq - first
    own = merkle.inclusion_from_range(hashes, first_index, size, canonical.decode(proof), index)
    return write_proof(index, own, note, extra=leaf)


def leaves_of(database: Database, node: int, epoch: int, first: int, last: int) -> list[bytes]:
    """Return the leaves of a machine's entries first…last of an epoch; where a place has two, the one the register took first."""
    statement = f"""SELECT leaf FROM (
                     SELECT leaf, seq, row_number() OVER (PARTITION BY seq ORDER BY log_index IS NULL, log_index, chain IS NULL) AS place
                     FROM {PLACED} AS e WHERE node = ? AND epoch = ? AND seq BETWEEN ? AND ?) AS ranked WHERE place = 1 ORDER BY seq"""
    return [leaf for (leaf,) in fetch(database, statement, (node, epoch, first, last))]


def head_after(database: Database, environment: bytes, leaf: bytes) -> bytes:
    """Return the chain head right after an entry of this node, also where the entry came back from the register; empty if unknown."""
    rows = fetch(database, "SELECT node, epoch, seq, chain FROM entry WHERE leaf = ?", (leaf,))
    if not rows or rows[0][3] is not None:
        return rows[0][3] if rows else b""
    node, epoch, seq, _ = rows[0]
    leaves = leaves_of(database, node, epoch, 1, seq)
    return reduce(chain_next, leaves, chain_start(environment, node, epoch)) if len(leaves) == seq else b""


def ladder_of(database: Database, leaf: bytes) -> Ladder:
    """Return how far an entry has climbed, as this machine knows."""
    rows = fetch(
        database,
        """SELECT e.log_index, COALESCE(a.at_ms, l.at_ms), c.at_ms FROM entry e
           LEFT JOIN journal j ON j.node = e.node
           LEFT JOIN admitted_here a ON a.leaf = e.leaf
           LEFT JOIN logged l ON j.node IS NOT NULL AND e.log_index IS NOT NULL AND l.epoch = e.epoch AND e.seq BETWEEN l.first AND l.last
           LEFT JOIN complete_here c ON c.leaf = e.leaf WHERE e.leaf = ?""",
        (leaf,),
    )
    return Ladder(*rows[0]) if rows else Ladder(None, None, None)
