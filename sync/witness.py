"""Machines as witnesses of the log: they cosign each head they found to extend the one before (PROTOCOL 10.6 to 10.9).

A machine keeps the head durably before it signs it, and hands the signature over with its next hello, 72 bytes and no trip of
their own. The centre puts the line of C2SP tlog-cosignature together, keeps it and serves the head with it: whoever holds such
a head knows that the register cannot show that machine another history any more. A head that contradicts what a machine
has seen is kept beside its own, as proof that needs nobody's word.
"""

import logging

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.db import AutoField, BlobField, CompositeKey, Database, IntegerField, Table, TextField, create_tables, fetch
from common.errors import Refused
from sync import checkpoint
from sync.checkpoint import SIGNATURES_MAX, TYPE_COSIGNATURE, Signature
from sync.identity import Identity, NodeCertificate, Pin

VALUE_BYTES = checkpoint.TIME_BYTES + checkpoint.SIGNATURE_BYTES
REFUSED_ROWS_MAX = 100
"""Contradicting heads a machine keeps; the first ones are the proof, later ones are not added."""

logger = logging.getLogger(__name__)


class WitnessRow(Table):
    """Up to which size the centre has this machine's cosignature."""

    id = IntegerField(primary_key=True)
    size = IntegerField()

    class Meta:
        table_name = "witness"


class RefusedHeadRow(Table):
    """A head of the register that contradicts the one this machine held: both, as signed. ``theirs`` is empty where the centre
    itself said that it knows less than it has signed."""

    id = AutoField()
    at_ms = IntegerField()
    code = TextField()
    ours = BlobField()
    theirs = BlobField()

    class Meta:
        table_name = "refused_head"


class CosignatureRow(Table):
    """One machine's line under one head, at the centre."""

    size = IntegerField()
    node = IntegerField()
    line = BlobField()
    at_ms = IntegerField()

    class Meta:
        table_name = "cosignature"
        primary_key = CompositeKey("size", "node")


def name_of(pin: Pin, node: int) -> str:
    """Return the name under which a machine cosigns: that of the log, and its number."""
    return f"{pin.origin}/{node:04}"


# -- at a machine


def create_at_machine(database: Database) -> None:
    """Create what is missing at a machine."""
    create_tables(database, [WitnessRow, RefusedHeadRow])


def cosign(database: Database, who: Identity, now_ms: int) -> bytes:
    """Return time and signature over the head this machine holds, or b"" where the centre has them already.

    The head lies in the database, verified and fsynced: it was kept before it is signed.
    """
    [(size, note)] = fetch(database, "SELECT size, note FROM sync")
    if not note or fetch(database, "SELECT 1 FROM witness WHERE size >= ?", (size,)):
        return b""
    line = checkpoint.cosign(note, name_of(who.pin, who.node), who.sign, max(0, now_ms) // 1000)
    return checkpoint.read_base64(line.decode().split(" ")[2].rstrip("\n"))[checkpoint.KEY_ID_BYTES :]


def delivered(database: Database, size: int) -> None:
    """Note that the centre answered the hello that carried the cosignature of ``size``."""
    fetch(database, "INSERT INTO witness (id, size) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET size = ?1", (size,))


def keep_refused(database: Database, code: str, theirs: bytes, now_ms: int) -> None:
    """Keep a contradicting head beside the one held here; the same again only renews its time."""
    [(ours,)] = fetch(database, "SELECT note FROM sync")
    known = fetch(database, "UPDATE refused_head SET at_ms = ? WHERE code = ? AND theirs = ? RETURNING id", (now_ms, code, theirs))
    if not known and fetch(database, "SELECT COUNT(*) FROM refused_head")[0][0] < REFUSED_ROWS_MAX:
        statement = "INSERT INTO refused_head (at_ms, code, ours, theirs) VALUES (?, ?, ?, ?)"
        fetch(database, statement, (now_ms, code, ours, theirs))


# -- at the centre


def create_at_centre(database: Database) -> None:
    """Create what is missing at the centre."""
    create_tables(database, [CosignatureRow])


def take(database: Database, certificate: NodeCertificate, pin: Pin, size: int, value: bytes, now_ms: int) -> bool:
    """Keep a machine's cosignature of the head of ``size``; return whether it is true. A false one is said in the log only:
    the machine's own check of the head is what protects it, and its papers come first."""
    rows = fetch(database, "SELECT note FROM checkpoint WHERE size = ?", (size,))
    node = certificate.body.node
    line = _line(name_of(pin, node), certificate.sign_key, value)
    if not rows or line is None or not _is_true(rows[0][0], line, name_of(pin, node), certificate.sign_key):
        logger.warning("machine %04d cosigned another head of %d entries", node, size)
        return False
    statement = "INSERT INTO cosignature (size, node, line, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
    fetch(database, statement, (size, node, line, now_ms))
    return True


def cosigned(database: Database, size: int | None = None) -> tuple[int, bytes, int] | None:
    """Return (size, note with its cosignatures, how many) of the head of ``size``, else of the newest one that has any."""
    limit = fetch(database, "SELECT MAX(size) FROM cosignature")[0][0] if size is None else size
    rows = fetch(database, "SELECT note FROM checkpoint WHERE size = ?", (limit,)) if limit is not None else []
    if not rows:
        return None
    note: bytes = rows[0][0]
    lines = fetch(database, "SELECT line FROM cosignature WHERE size = ? ORDER BY at_ms, node LIMIT ?", (limit, SIGNATURES_MAX - 1))
    for (line,) in lines:
        note = checkpoint.add_signature(note, line)
    return limit, note, len(lines)


def _line(name: str, key: Ed25519PublicKey, value: bytes) -> bytes | None:
    return Signature(name, checkpoint.key_id(name, key, TYPE_COSIGNATURE), value).line().encode() if len(value) == VALUE_BYTES else None


def _is_true(note: bytes, line: bytes, name: str, key: Ed25519PublicKey) -> bool:
    try:
        checkpoint.read_cosignature(checkpoint.add_signature(note, line), name, key)
    except Refused:
        return False
    return True
