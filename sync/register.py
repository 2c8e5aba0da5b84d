"""The register: what the centre does with a bundle, in this order and no other (PROTOCOL 6.3, invariant 5).

1. The header is read under a key of the directory; nothing unknown is decrypted.
2. Position: the next one is taken, a repeated one gets the same acknowledgement, a gap is refused with where we stand,
   a fork is kept as evidence and freezes the epoch, a revoked machine's later entries are evidence.
3. Entries, log leaves, raw bundle, peer position and checkpoint are one transaction. When it returns, it is fsynced.
4. The acknowledgement goes out. Folding and delivery come after, in their own transactions.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.clock import Clock
from common.db import BlobField, Database, IntegerField, Table, TextField, create_tables, fetch, insert, transaction
from common.errors import N_, Conflict, Corrupt, Forbidden, Refused
from sync import bases, completeness, delivery, directory, kept, lineage, log, merkle
from sync.bundle import Bundle, SealedBundle, open_bundle, read_bundle_header, write_bundle
from sync.checkpoint import Checkpoint, sign_checkpoint
from sync.container import CODEC_BASED
from sync.entry import Entry, chain_start
from sync.fold import Fold
from sync.identity import CENTRE_NODE, Identity, Pin
from sync.journal import Journal
from sync.merkle import HashReader
from sync.messages import Logged
from sync.position import Position
from sync.receipts import leaves_of
from sync.tables import entries_between, set_log_indexes, store_entries

FOLD_ENTRIES_MAX = 50
"""Entries folded in one transaction: bundles get their turn in between, and a commit costs a hundredth of such a fold."""
OWN_BYTES_MAX = 8 << 20
"""Of the centre's own entries in one bundle."""


class PeerRow(Table):
    """Where the centre stands with a machine. ``frozen`` is "" or why nothing more is logged of this epoch."""

    node = IntegerField(primary_key=True)
    epoch = IntegerField()
    seq = IntegerField()
    head = BlobField()
    digest = BlobField(null=True)
    frozen = TextField()

    class Meta:
        table_name = "peer"


class BundleRow(Table):
    """A bundle as received; ``data`` goes once its entries are folded, the signed header stays for ever."""

    digest = BlobField(primary_key=True)
    node = IntegerField()
    epoch = IntegerField()
    first = IntegerField()
    last = IntegerField()
    first_index = IntegerField(index=True)
    header = BlobField()
    data = BlobField(null=True)
    received_ms = IntegerField()

    class Meta:
        table_name = "bundle"
        indexes = ((("node", "epoch", "last"), False),)


UNFOLDED_BUNDLES = "CREATE INDEX IF NOT EXISTS bundle_unfolded ON bundle (first_index) WHERE data IS NOT NULL"
"""Few at any time, among all there ever were."""


class CheckpointRow(Table):
    size = IntegerField(primary_key=True)
    note = BlobField()
    made_ms = IntegerField()

    class Meta:
        table_name = "checkpoint"


class RegisterRow(Table):
    """``folded``: every log index below it has been folded and delivered."""

    id = IntegerField(primary_key=True)
    folded = IntegerField()

    class Meta:
        table_name = "register"


TABLES: tuple[type[Table], ...] = (PeerRow, BundleRow, CheckpointRow, RegisterRow, completeness.CompleteRow)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a bundle: the position to acknowledge."""

    position: Position
    bundle: Bundle
    fresh: int
    """Entries that were logged: none when the bundle had been taken before."""


class Register:
    """The centre's log with everything that hangs on it."""

    def __init__(
        self, database: Database, fold: Fold, clock: Clock, identity: Identity, log_key: Ed25519PrivateKey, journal: Journal
    ) -> None:
        self.database = database
        self.fold = fold
        self.clock = clock
        self.identity = identity
        self.journal = journal
        self._log_key = log_key
        self._folding = threading.Lock()
        self.folds_at_start = True
        self.after_fold: Callable[[], object] = lambda: None
        """Called when all is folded: removes the files that orders of erasure took away."""
        self.revoked: Callable[[], bytes] = bytes
        """The registry's newest list of revoked machines, as every downlink carries it; who holds the registry key puts it here."""

    def start(self) -> None:
        """Create what is missing and finish what a crash interrupted."""
        self.journal.start()
        create_tables(self.database, TABLES, more=(UNFOLDED_BUNDLES,))
        kept.create(self.database)
        lineage.create(self.database)
        log.create_log(self.database)
        delivery.create(self.database)
        if not fetch(self.database, "SELECT 1 FROM register"):
            with transaction(self.database):
                insert(self.database, RegisterRow, [{"id": 1, "folded": 0}])
                self._checkpoint(self.clock.now())
        self.log_own()
        if self.folds_at_start:
            self.fold_pending()

    def log_own(self) -> None:
        """Log what the centre itself has written: its entries take the same way as everybody's, through a signed bundle."""
        while self._own_after(self._own_peer()):
            with transaction(self.database):  # two writers would make two bundles that overlap
                self._log_own()

    def _own_after(self, at: Position) -> list[Entry]:
        return self.journal.entries_after(at.epoch, at.seq, bytes_max=OWN_BYTES_MAX)

    def _own_peer(self) -> Position:
        """Return where the register stands with the centre's own journal: at the start of an epoch that began with another log."""
        at, own = self.peer(CENTRE_NODE), self.journal.position()
        if at.epoch == own.epoch or self._own_after(at):
            return at
        return Position(own.epoch, 0, chain_start(self.identity.environment, CENTRE_NODE, own.epoch))

    def _log_own(self) -> None:
        at = self._own_peer()
        if entries := self._own_after(at):
            data = write_bundle(entries, at, self._digest(CENTRE_NODE), self.identity, self.identity.certificate, beacon=0)
            self.receive(data)

    def read_header(self, data: bytes) -> SealedBundle:
        """Return a bundle whose author is known, not opened yet; raises Refused."""
        return read_bundle_header(data, self.database, self.identity.pin)

    def receive(self, data: bytes, header: SealedBundle | None = None) -> Outcome:
        """Take one bundle; raises Refused, Forbidden("node.revoked"), Conflict("bundle.gap") or Conflict("bundle.fork").

        ``header`` is what `read_header` made of ``data`` before.
        """
        header = header or self.read_header(data)
        bundle = open_bundle(header, self.identity, self.database)
        with transaction(self.database):
            at = self.peer(bundle.node)
            verdict = self._place(bundle, at)
            if verdict == "next":
                self._log(bundle, data)
        if verdict == "duplicate":
            return Outcome(at, bundle, 0)
        if verdict != "next":
            self._refuse(verdict, bundle, data)
        return Outcome(Position(bundle.epoch, bundle.last, bundle.head), bundle, len(bundle.entries))

    def _place(self, bundle: Bundle, at: Position) -> str:
        if (cut := directory.revocation_of(self.database, bundle.node)) is not None and (bundle.epoch, bundle.last) > cut:
            return "revoked"
        if self._frozen(bundle.node) and bundle.epoch <= at.epoch:
            return "fork"
        if bundle.epoch > at.epoch:
            opened = bundle.first == 1 and bundle.prior == chain_start(self.identity.environment, bundle.node, bundle.epoch)
            return "next" if opened and bundle.entries[0].envelope.type == "epoch.open/1" else "gap"
        if (bundle.epoch, bundle.last) <= (at.epoch, at.seq):
            return "duplicate" if self._same(bundle) else "fork"
        if bundle.first != at.seq + 1:
            return "gap" if bundle.first > at.seq or self._same(bundle) else "fork"
        return "next" if bundle.prior == at.head else "fork"

    def _same(self, bundle: Bundle) -> bool:
        """Return whether what is logged under the bundle's numbers (as far as the log goes) is what the bundle says."""
        stored = leaves_of(self.database, bundle.node, bundle.epoch, bundle.first, bundle.last)
        told = [entry.leaf for entry in bundle.entries]
        return stored == (told if bundle.epoch < self.peer(bundle.node).epoch else told[: len(stored)])

    def _log(self, bundle: Bundle, data: bytes) -> None:
        now = self.clock.now()
        leaves = [entry.leaf for entry in bundle.entries]
        first, size = log.append(self.database, [merkle.leaf_hash(leaf) for leaf in leaves])
        if bundle.node == CENTRE_NODE:  # the centre's entries are in the table already, written with their rows
            set_log_indexes(self.database, [(first + place, leaf) for place, leaf in enumerate(leaves)])
        else:
            store_entries(self.database, [(entry, first + place, None) for place, entry in enumerate(bundle.entries)])
        digest = bundle.header.digest
        row = {"digest": digest, "node": bundle.node, "epoch": bundle.epoch, "first": bundle.first, "last": bundle.last}
        row |= {"first_index": first, "header": bundle.header.signed, "data": data, "received_ms": now}
        insert(self.database, BundleRow, [row])
        statement = """INSERT INTO peer (node, epoch, seq, head, digest, frozen) VALUES (?1, ?2, ?3, ?4, ?5, '')
                       ON CONFLICT (node) DO UPDATE SET epoch = ?2, seq = ?3, head = ?4, digest = ?5, frozen = ''"""
        fetch(self.database, statement, (bundle.node, bundle.epoch, bundle.last, bundle.head, digest))
        if len(leaves) <= completeness.WITH_BUNDLE:
            completeness.note_logged(self.database, first, size)
        self._checkpoint(now)

    def log_admitted(self, entries: Sequence[Entry]) -> None:
        """Log entries that an act admits, right after it: inside the transaction that has just written and logged the act.

        They go into their author's own feed, whoever else receives them: so the machine learns of their place (PROTOCOL 2.21).
        """
        first, _ = log.append(self.database, [merkle.leaf_hash(entry.leaf) for entry in entries])
        store_entries(self.database, [(entry, first + place, None) for place, entry in enumerate(entries)])
        for place, entry in enumerate(entries):
            delivery.append(self.database, entry.envelope.node, first + place)
        self._checkpoint(self.clock.now())

    def _refuse(self, verdict: str, bundle: Bundle, data: bytes) -> None:
        if verdict == "gap":
            raise Conflict("bundle.gap", N_("A bundle does not follow the last one received."))
        if bundle.header.codec == CODEC_BASED:  # evidence must be readable by itself
            raise bases.absent()
        with transaction(self.database):
            kept.keep(self.database, verdict, bundle.node, data, self.clock.now())
            if verdict == "fork":  # a late branch of an older epoch must not stop the one that took its place
                fetch(self.database, "UPDATE peer SET frozen = 'fork' WHERE node = ? AND epoch = ?", (bundle.node, bundle.epoch))
        if verdict == "revoked":
            raise Forbidden("node.revoked", N_("This machine's certificate has been revoked. What it sends is kept as evidence."))
        raise Conflict("bundle.fork", N_("This machine has written two different histories. Both are kept; a person must decide."))

    def _checkpoint(self, now: int) -> None:
        size = log.size(self.database)
        origin = self.identity.pin.origin
        if fetch(self.database, "SELECT 1 FROM lineage WHERE number > ?", (lineage.number_of(origin),)):
            raise Corrupt("log.ended", N_("Another log of the register has begun. Start this process again: it signs nothing more."))
        note = sign_checkpoint(Checkpoint(origin, size, log.root(self.database)), origin, self._log_key)
        fetch(self.database, "INSERT INTO checkpoint (size, note, made_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (size, note, now))

    def speak_as(self, pin: Pin, log_key: Ed25519PrivateKey) -> None:
        """Sign the heads of another log from now on (`sync.lineage_centre`)."""
        self.identity.pin, self._log_key = pin, log_key

    def checkpoint(self) -> tuple[int, bytes]:
        """Return (size, note) of the newest checkpoint."""
        size, note = fetch(self.database, "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")[0]
        return size, note

    def peer(self, node: int) -> Position:
        """Return where the centre stands with ``node``."""
        rows = fetch(self.database, "SELECT epoch, seq, head FROM peer WHERE node = ?", (node,))
        return Position(*rows[0]) if rows else Position(1, 0, chain_start(self.identity.environment, node, 1))

    def pending(self) -> bool:
        """Return whether something logged is not folded yet."""
        return self.folded() < log.size(self.database)

    def folded(self) -> int:
        """Return the log size up to which everything is folded and delivered."""
        return int(fetch(self.database, "SELECT folded FROM register")[0][0])

    def fold_pending(self, give_way: Callable[[], object] = lambda: None) -> int:
        """Fold and deliver what is logged but not folded yet; return how many entries that were.

        ``give_way`` is called before each part of it and may wait for whoever is more urgent.
        """
        done = 0
        while True:
            give_way()
            with self._folding:
                count = self._fold_some()
            if not count:
                self.after_fold()
                return done
            done += count

    def _fold_some(self) -> int:
        with transaction(self.database):
            start, size = self.folded(), log.size(self.database)
            end = min(size, start + FOLD_ENTRIES_MAX)
            if start >= end:
                return 0
            entries = entries_between(self.database, start, end)
            objects = {entry.envelope.obj for entry, _ in entries}
            types = {entry.envelope.type.partition(".")[0] for entry, _ in entries}
            audiences = self.fold.refold(self.database, objects, self.clock.now())
            if types & {"node", "staff", "reference"}:  # the world changed: what was refused may stand now
                audiences |= self.fold.refold(self.database, self.fold.waiting(self.database), self.clock.now())
            delivery.deliver(self.database, audiences)
            if "node" in types:
                delivery.redeliver_courts(self.database)
            completeness.note_logged(self.database, start, end)
            fetch(self.database, "UPDATE register SET folded = ?", (end,))
            fetch(self.database, "UPDATE bundle SET data = NULL WHERE first_index + last - first < ? AND data IS NOT NULL", (end,))
        return end - start

    def blob_arrived(self, sha256: bytes) -> None:
        """Note the entries that were waiting for this blob alone: they have R2 now."""
        completeness.note_waiting(self.database, sha256)

    def entry_range(self, first: int, end: int) -> list[tuple[Entry, int | None]]:
        """Return logged entries with first ≤ index < end."""
        return entries_between(self.database, first, end)

    def receipts_after(self, node: int, epoch: int, seq: int) -> list[Logged]:
        """Return R1 for the node's bundles after (epoch, seq), one a bundle."""
        return self._receipts("node = ? AND (epoch, last) > (?, ?)", (node, epoch, seq), log.reader(self.database))

    def receipt_of(self, digest: bytes, reader: HashReader) -> list[Logged]:
        """Return R1 for one bundle, made of what ``reader`` reads; none for a bundle that was logged in other pieces."""
        return self._receipts("digest = ?", (digest,), reader)

    def _receipts(self, which: str, values: tuple[Any, ...], reader: HashReader) -> list[Logged]:
        size, _ = self.checkpoint()
        statement = f"""SELECT epoch, first, last, first_index FROM bundle WHERE {which}
                        AND first_index + last - first < ? ORDER BY epoch, last"""
        return [
            Logged(epoch=at, first=first, last=last, index=index, proof=merkle.range_proof(index, index + last - first + 1, size, reader))
            for at, first, last, index in fetch(self.database, statement, (*values, size))
        ]

    def consistency(self, old: int, reader: HashReader | None = None) -> list[bytes]:
        """Return the proof that the newest checkpoint extends size ``old``, by a ``reader`` that is there already.

        Raises Refused("log.ahead") for a size we never had.
        """
        size, _ = self.checkpoint()
        if old > size:
            raise Refused("log.ahead", N_("The node has seen a larger register than this one: the centre was rolled back."))
        return merkle.consistency_proof(old, size, reader or log.reader(self.database))

    def complete_after(self, node: int, position: int, *, runs: bool) -> tuple[list[bytes], int]:
        """Return R2 statements for ``node`` after ``position``, for many entries each with ``runs``, and the new cursor."""
        return completeness.after(self.database, self.identity, node, position, self.clock.now(), runs=runs)

    def complete_with(self, bundle: Bundle) -> tuple[list[bytes], int, int]:
        """Return R2 of a bundle's entries as far as they have it, and between which cursors."""
        found = fetch(self.database, "SELECT first_index FROM bundle WHERE digest = ?", (bundle.header.digest,))
        if not found:
            return [], 0, 0
        first, count = found[0][0], len(bundle.entries)
        return completeness.with_bundle(self.database, self.identity, bundle.node, first, first + count, self.clock.now())

    def _digest(self, node: int) -> bytes:
        rows = fetch(self.database, "SELECT digest FROM peer WHERE node = ?", (node,))
        return rows[0][0] if rows else b""

    def _frozen(self, node: int) -> bool:
        return bool(fetch(self.database, "SELECT 1 FROM peer WHERE node = ? AND frozen <> ''", (node,)))
