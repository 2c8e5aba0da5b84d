"""The tables both ends share: entries, what could not be folded, and the files entries name.

An entry row is written once. Triggers let few things happen to it later and nothing else: the register's log index arrives, and
goes only with the log that gave it; a court's erasure order empties body and salt; it goes with an object that this machine may no
longer hold.
"""

from collections.abc import Sequence
from typing import Any

from common.db import BlobField, Database, Guard, IntegerField, Table, TextField, create_tables, fetch, fetch_many, insert
from common.errors import N_, Corrupt
from common.facts import BlobRef
from sync.entry import Entry, stored_envelope


class EntryRow(Table):
    """``chain`` is the author's chain head after this entry; only for entries of this machine's own journal."""

    leaf = BlobField(primary_key=True)
    node = IntegerField()
    epoch = IntegerField()
    seq = IntegerField()
    obj = BlobField(index=True)
    log_index = IntegerField(null=True, unique=True)
    chain = BlobField(null=True)
    envelope = BlobField()
    salt = BlobField(null=True)
    body = BlobField(null=True)
    content_hash = BlobField()

    class Meta:
        table_name = "entry"


class QuarantineRow(Table):
    """An authentic entry that could not be folded; durable, visible, retried (lesson 10)."""

    leaf = BlobField(primary_key=True)
    obj = BlobField(index=True)
    code = TextField()
    since_ms = IntegerField()

    class Meta:
        table_name = "quarantine"


class BlobRefRow(Table):
    """Which entry names which blob."""

    leaf = BlobField(index=True)
    sha256 = BlobField(index=True)
    size = IntegerField()
    media = TextField()

    class Meta:
        table_name = "blob_ref"
        primary_key = False


class BlobRow(Table):
    """A blob this machine holds whole and verified."""

    sha256 = BlobField(primary_key=True)
    size = IntegerField()
    stored_ms = IntegerField()

    class Meta:
        table_name = "blob"


class PrunedRow(Table):
    """A blob this machine has let go of: the centre gives it back when somebody asks."""

    sha256 = BlobField(primary_key=True)
    size = IntegerField()
    pruned_ms = IntegerField()

    class Meta:
        table_name = "pruned"


class RequestedRow(Table):
    """A recording that somebody at this machine asked for and that has not come yet (`sync.recordings`)."""

    sha256 = BlobField(primary_key=True)
    at_ms = IntegerField()

    class Meta:
        table_name = "requested"


class DamagedRow(Table):
    """A blob whose bytes no longer hash to its name, or whose file is gone: missing until it comes again."""

    sha256 = BlobField(primary_key=True)
    size = IntegerField()
    found_ms = IntegerField()

    class Meta:
        table_name = "damaged"


class DoomedRow(Table):
    """A blob that a court's order took away; its file is removed after the commit."""

    sha256 = BlobField(primary_key=True)

    class Meta:
        table_name = "doomed"


class WithdrawnRow(Table):
    """An object that this machine may no longer hold: a court went to another machine (`sync.withdrawal`)."""

    obj = BlobField(primary_key=True)

    class Meta:
        table_name = "withdrawn"


class GoingOverRow(Table):
    """Not empty only within the transaction in which a machine goes over to another log of the register (`sync.lineage_node`)."""

    id = IntegerField(primary_key=True)

    class Meta:
        table_name = "going_over"


TABLES: tuple[type[Table], ...] = (
    GoingOverRow,
    EntryRow,
    QuarantineRow,
    BlobRefRow,
    BlobRow,
    PrunedRow,
    RequestedRow,
    DamagedRow,
    DoomedRow,
    WithdrawnRow,
)

PLACES = (
    # one entry a place: in this machine's own journal, and in what came from the register. Where a restored disk has
    # written beside the register both stand, for nothing is ever thrown away; the register's is the one that counts.
    # A second one in the register is there by a person's act, which comes before it (`common.court.admissions`)
    "CREATE UNIQUE INDEX IF NOT EXISTS entry_own ON entry (node, epoch, seq) WHERE chain IS NOT NULL",
    "DROP INDEX IF EXISTS entry_logged",  # of a release before entries could be admitted
    "CREATE INDEX IF NOT EXISTS entry_place ON entry (node, epoch, seq) WHERE chain IS NULL",
)

# the centre keeps all, a machine what it wrote itself; what others wrote goes only with an object that was withdrawn
KEPT = """OLD.chain IS NOT NULL OR OLD.node = (SELECT node FROM journal) OR 0 = (SELECT node FROM journal)
          OR NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.obj = OLD.obj)"""
WRITTEN_ONCE = "UPDATE OF leaf, node, epoch, seq, obj, chain, envelope, content_hash"
GUARDS = (
    Guard("entry_is_kept", "entry", "DELETE", "an entry is never deleted", KEPT),
    Guard("entry_is_never_changed", "entry", WRITTEN_ONCE, "an entry is never changed"),
    Guard(
        "entry_body_is_only_erased",
        "entry",
        "UPDATE OF body, salt",
        "a body is only erased",
        "NEW.body IS NOT NULL OR NEW.salt IS NOT NULL",
    ),
    # it goes only with the log that gave it, when the machine goes over to another one
    Guard(
        "entry_index_stays",
        "entry",
        "UPDATE OF log_index",
        "a log index is final",
        """OLD.log_index IS NOT NULL AND NEW.log_index IS DISTINCT FROM OLD.log_index
           AND NOT (NEW.log_index IS NULL AND EXISTS (SELECT 1 FROM going_over))""",
    ),
)

GUARD_OF_PLACES = Guard(
    "entry_has_its_place",
    "entry",
    "INSERT",
    "a place is taken",
    """NEW.chain IS NULL AND 0 = (SELECT node FROM journal) AND EXISTS (
         SELECT 1 FROM entry e WHERE e.node = NEW.node AND e.epoch = NEW.epoch AND e.seq = NEW.seq AND e.chain IS NULL)
       AND NOT EXISTS (SELECT 1 FROM admission a WHERE a.leaf = NEW.leaf)""",
)
"""At the centre alone: to a machine the act may come after the entry, and `fsck` looks. It asks a table of the fold, and so it comes
after those."""

_PLACED = "SELECT leaf, node, epoch, seq, obj, log_index, chain FROM entry WHERE chain IS"
PLACED = f"({_PLACED} NOT NULL UNION ALL {_PLACED} NULL)"
"""All entries, for questions by (node, epoch, seq): each half has the index for that, and asked of the table itself they read all of it."""
_COLUMNS = "leaf, obj, log_index, envelope, salt, body, content_hash"


def create_shared_tables(database: Database) -> None:
    """Create the shared tables and their guards."""
    if not database.shared:
        for before in ("entry_is_never_deleted", "entry_index_is_final"):  # of releases before objects and logs could go
            fetch(database, f"DROP TRIGGER IF EXISTS {before}")
    create_tables(database, TABLES, more=(*PLACES, *GUARDS))


def guard_places(database: Database) -> None:
    """Let the register have no second entry in one place but what a person admitted; the tables of the fold are there."""
    create_tables(database, (), more=(GUARD_OF_PLACES,))


def store_entries(database: Database, entries: Sequence[tuple[Entry, int | None, bytes | None]]) -> None:
    """Insert (entry, log index, own chain head) triples and what blobs they name."""
    insert(database, EntryRow, [_row(*triple) for triple in entries])
    refs = [
        {"leaf": entry.leaf, "sha256": blob.sha256, "size": blob.size, "media": blob.media}
        for entry, _, _ in entries
        if entry.body is not None  # of what a court's order has erased the files are gone too
        for blob in entry.envelope.blobs
    ]
    insert(database, BlobRefRow, refs)


def _row(entry: Entry, log_index: int | None, chain: bytes | None) -> dict[str, Any]:
    envelope = entry.envelope
    return {
        "leaf": entry.leaf,
        "node": envelope.node,
        "epoch": envelope.epoch,
        "seq": envelope.seq,
        "obj": envelope.obj,
        "log_index": log_index,
        "chain": chain,
        "envelope": entry.envelope_bytes,
        "salt": entry.salt,
        "body": entry.body,
        "content_hash": entry.content_hash,
    }


def set_log_indexes(database: Database, pairs: Sequence[tuple[int, bytes]]) -> None:
    """Record (log index, leaf) pairs."""
    fetch_many(database, "UPDATE entry SET log_index = ? WHERE leaf = ? AND log_index IS NULL", pairs)


def known_leaves(database: Database, leaves: Sequence[bytes]) -> set[bytes]:
    """Return which of ``leaves`` are stored already."""
    return {leaf for leaf in leaves if fetch(database, "SELECT 1 FROM entry WHERE leaf = ?", (leaf,))}


def entries_of(database: Database, obj: bytes) -> list[tuple[Entry, int | None]]:
    """Return the object's entries with their log index: in log order, unlogged ones last in the order they were written."""
    found = fetch(
        database,
        f"SELECT {_COLUMNS} FROM entry WHERE obj = ? ORDER BY log_index IS NULL, log_index, epoch, seq",
        (obj,),
    )
    return [_entry(row) for row in found]


def entries_between(database: Database, first: int, end: int) -> list[tuple[Entry, int | None]]:
    """Return logged entries with first ≤ index < end."""
    rows = fetch(database, f"SELECT {_COLUMNS} FROM entry WHERE log_index >= ? AND log_index < ? ORDER BY log_index", (first, end))
    return [_entry(row) for row in rows]


def entry_at(database: Database, leaf: bytes) -> tuple[Entry, int | None] | None:
    """Return one entry with its log index, or None."""
    rows = fetch(database, f"SELECT {_COLUMNS} FROM entry WHERE leaf = ?", (leaf,))
    return _entry(rows[0]) if rows else None


def last_leaf_of(database: Database, obj: bytes) -> bytes | None:
    """Return the newest leaf known of an object: the ``base`` of the next entry about it."""
    rows = fetch(
        database,
        "SELECT leaf FROM entry WHERE obj = ? ORDER BY log_index IS NULL DESC, log_index DESC, epoch DESC, seq DESC LIMIT 1",
        (obj,),
    )
    return rows[0][0] if rows else None


def blobs_of(database: Database, leaf: bytes) -> list[BlobRef]:
    """Return the blobs an entry names."""
    return [BlobRef(*row) for row in fetch(database, "SELECT sha256, size, media FROM blob_ref WHERE leaf = ?", (leaf,))]


def has_blob(database: Database, sha256: bytes) -> bool:
    """Return whether the blob is here, whole and verified."""
    return bool(fetch(database, "SELECT 1 FROM blob WHERE sha256 = ?", (sha256,)))


def _entry(row: tuple[Any, ...]) -> tuple[Entry, int | None]:
    leaf, obj, log_index, envelope_bytes, salt, body, content_hash = row
    envelope = stored_envelope(envelope_bytes)
    if envelope.obj != obj:
        raise Corrupt("entry.row", N_("A stored entry contradicts itself. Call the administrator."))
    return Entry(envelope, envelope_bytes, salt, body, content_hash, leaf), log_index


def forget_entry(database: Database, leaf: bytes) -> None:
    """Forget what was derived from an entry beside its rows: quarantine, its signature's examination, files nobody else names."""
    fetch(database, "DELETE FROM quarantine WHERE leaf = ?", (leaf,))
    fetch(database, "DELETE FROM examined WHERE leaf = ?", (leaf,))
    named = fetch(database, "DELETE FROM blob_ref WHERE leaf = ? RETURNING sha256", (leaf,))
    for (sha256,) in set(named):
        if not fetch(database, "SELECT 1 FROM blob_ref WHERE sha256 = ? LIMIT 1", (sha256,)):
            fetch(database, "DELETE FROM blob WHERE sha256 = ?", (sha256,))
            for table in ("pruned", "requested", "damaged"):
                fetch(database, f"DELETE FROM {table} WHERE sha256 = ?", (sha256,))
            fetch(database, "INSERT INTO doomed (sha256) VALUES (?) ON CONFLICT DO NOTHING", (sha256,))


def is_withdrawn(database: Database, obj: bytes) -> bool:
    """Return whether this machine may no longer hold the object."""
    return bool(fetch(database, "SELECT 1 FROM withdrawn WHERE obj = ?", (obj,)))
