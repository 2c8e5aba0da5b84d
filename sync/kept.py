"""The evidence store of the centre: bundles that are authentic and were not admissible, as they came (PROTOCOL 6.9, 6.10).

A fork, or what a revoked machine wrote later. It is bounded, older evidence is never displaced, and what found no room is
counted, so that people see it. When a person has admitted every entry of a bundle (`sync.admission`), only its signed
header stays here: the entries are in the register, and the room is free again.
"""

from dataclasses import dataclass

from common import canonical
from common.db import AutoField, BlobField, CompositeKey, Database, IntegerField, Table, TextField, create_tables, fetch
from common.errors import N_, NotFound
from sync import container, cose, directory
from sync.bundle import open_bundle, read_bundle_header
from sync.entry import Entry
from sync.identity import Identity, NodeCertificate

ROWS_MAX = 10_000
BYTES_MAX = 1 << 30


class EvidenceRow(Table):
    """A bundle as received; only its header once everything in it is admitted. ``reason``: fork, revoked."""

    id = AutoField()
    node = IntegerField()
    reason = TextField()
    data = BlobField()
    received_ms = IntegerField()

    class Meta:
        table_name = "evidence"


class TurnedAwayRow(Table):
    """How many bundles of a machine found no room."""

    node = IntegerField()
    reason = TextField()
    count = IntegerField()
    last_ms = IntegerField()

    class Meta:
        table_name = "evidence_turned_away"
        primary_key = CompositeKey("node", "reason")


@dataclass(frozen=True, slots=True)
class Room:
    """How full the store is, and how many bundles found no room (``last_ms``: the newest of them, None for none)."""

    rows: int
    bytes: int
    turned_away: int
    last_ms: int | None

    @property
    def full(self) -> bool:
        """Whether a bundle of the usual size may find no room."""
        return self.rows >= ROWS_MAX or self.bytes + container.SEALED_BYTES_MAX > BYTES_MAX


@dataclass(frozen=True, slots=True)
class Kept:
    """One bundle of the store: whose, its place, its entries (empty once they are all admitted, ``open`` False then)."""

    id: int
    node: int
    reason: str
    received_ms: int
    data: bytes
    digest: bytes
    certificate: NodeCertificate
    epoch: int
    first: int
    last: int
    entries: tuple[Entry, ...]
    open: bool


def create(database: Database) -> None:
    """Create what is missing."""
    create_tables(database, [EvidenceRow, TurnedAwayRow])


def keep(database: Database, reason: str, node: int, data: bytes, now: int) -> None:
    """Keep a bundle once, inside the caller's transaction; count it where there is no room."""
    known = "SELECT 1 FROM evidence WHERE node = ? AND reason = ? AND (data = ? OR data = ?) LIMIT 1"
    if fetch(database, known, (node, reason, data, _header_of(data))):
        return
    rows, size = _size(database)
    if rows < ROWS_MAX and size + len(data) <= BYTES_MAX:
        statement = "INSERT INTO evidence (node, reason, data, received_ms) VALUES (?, ?, ?, ?)"
        fetch(database, statement, (node, reason, data, now))
        return
    statement = """INSERT INTO evidence_turned_away (node, reason, count, last_ms) VALUES (?1, ?2, 1, ?3)
                   ON CONFLICT (node, reason) DO UPDATE SET count = evidence_turned_away.count + 1, last_ms = ?3"""
    fetch(database, statement, (node, reason, now))


def room(database: Database) -> Room:
    """Return how full the store is."""
    count, last = fetch(database, "SELECT COALESCE(SUM(count), 0), MAX(last_ms) FROM evidence_turned_away")[0]
    return Room(*_size(database), count, last)


def read(database: Database, id: int, reader: Identity) -> Kept:
    """Return one bundle of the store, opened; raises NotFound("evidence.none")."""
    rows = fetch(database, "SELECT node, reason, received_ms, data FROM evidence WHERE id = ?", (id,))
    if not rows:
        raise NotFound("evidence.none", N_("There is no such evidence here."))
    node, reason, received, data = rows[0]
    signed, header, _ = container.split_container(data)
    if is_open := len(data) > len(_header_of(data)):
        sealed = read_bundle_header(data, database, reader.pin)
        certificate, entries, about = sealed.certificate, open_bundle(sealed, reader, database).entries, sealed.header.about
    else:
        certificate, entries = directory.certificate_of(database, signed.key_id, reader.pin), ()
        said = cose.verify(signed, certificate.sign_key, container.CONTENT_TYPE, environment=reader.environment)
        about = canonical.decode_map(said)["about"]
    place = (about["epoch"], about["first"], about["last"])
    return Kept(id, node, reason, received, data, container.digest_of(header), certificate, *place, entries, is_open)


def release(database: Database, id: int) -> None:
    """Keep only the signed header of a bundle whose entries are all in the register; inside the caller's transaction."""
    [(data,)] = fetch(database, "SELECT data FROM evidence WHERE id = ?", (id,))
    fetch(database, "UPDATE evidence SET data = ? WHERE id = ?", (_header_of(data), id))


def _size(database: Database) -> tuple[int, int]:
    rows, size = fetch(database, "SELECT COUNT(*), COALESCE(SUM(length(data)), 0) FROM evidence")[0]
    return rows, size


def _header_of(data: bytes) -> bytes:
    """Return a container without its sealed payload."""
    _, _, sealed = container.split_container(data)
    return data[: len(data) - len(sealed)]
