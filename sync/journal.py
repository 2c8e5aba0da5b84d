"""The journal: a machine's own entries, hash-chained within an epoch, written together with the rows they fold into.

    with journal.unit() as unit:                 one IMMEDIATE transaction, one `now`
        unit.append(obj, Submit(...), blobs=…)   entry, chain and rows, or none of them

The high-water mark follows after the commit and before anybody is told: a receipt is shown only after both (invariant 1).
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from common.clock import Clock
from common.db import DISK_FAILS, BlobField, Database, IntegerField, Table, create_tables, each, fetch, insert, transaction
from common.errors import Corrupt
from common.facts import BlobRef, Body, encode_body
from common.ids import mint_talon
from sync.directory import EpochOpen, node_object
from sync.entry import Entry, Envelope, chain_next, chain_start, stored_envelope, write_entry
from sync.fold import Fold
from sync.highwater import HighWater, Mark
from sync.position import Position
from sync.tables import create_shared_tables, guard_places, last_leaf_of, store_entries

FRAME_BYTES = 64
"""What an entry needs in a bundle beside envelope and body, at most."""


class JournalRow(Table):
    """The one row that says where the journal stands. ``recovering``: an epoch was opened after a restored or cloned
    disk, and the centre has not yet given back the lost tail."""

    id = IntegerField(primary_key=True)
    node = IntegerField()
    epoch = IntegerField()
    seq = IntegerField()
    head = BlobField()
    talon = IntegerField()
    beacon = IntegerField()
    root = BlobField(null=True)
    recovering = IntegerField()

    class Meta:
        table_name = "journal"


class TurnRow(Table):
    """How many tokens the centre has given this machine."""

    id = IntegerField(primary_key=True)
    count = IntegerField()

    class Meta:
        table_name = "turn"


class Unit:
    """One use case: its transaction, its one ``now``, and the entries it writes."""

    def __init__(self, journal: "Journal", now: int) -> None:
        self._journal = journal
        self.database = journal.database
        self.now = now

    def append(self, obj: bytes, body: Body, *, blobs: Sequence[BlobRef] = (), actor: bytes | None = None) -> Entry:
        """Write one entry about ``obj`` and fold it; raises whatever the subject refuses it with, and then nothing is written.

        ``actor`` is the SHA-256 of the acting person's certificate.
        """
        return self._journal._append(self, obj, body, tuple(blobs), actor)

    def reserve_talon(self) -> str:
        """Return the next talon number; it is never given twice, even when the filing is never sent."""
        return self._journal._reserve_talon(self.database)


class Journal:
    """A machine that writes. One per process and database; threads share it and take turns."""

    def __init__(self, database: Database, fold: Fold, clock: Clock, *, node: int, environment: bytes, highwater: HighWater | None) -> None:
        self.database = database
        self.fold = fold
        self.clock = clock
        self.node = node
        self.environment = environment
        self._highwater = highwater
        self._lock = threading.RLock()

    def start(self) -> str:
        """Create what is missing and compare with the mark; return "" or why a new epoch was opened ("restored")."""
        create_shared_tables(self.database)
        create_tables(self.database, [JournalRow, TurnRow])
        self.fold.create_tables(self.database)
        guard_places(self.database)
        mark = self._highwater.read() if self._highwater else None
        if not fetch(self.database, "SELECT 1 FROM journal"):
            self._begin()
        if mark and self._is_other(mark):
            self.open_epoch("restored", after=mark.epoch, last_seq=mark.seq)
            return "restored"
        if mark:  # numbers given by a use case that wrote no entry; a restored disk has forgotten them
            fetch(self.database, "UPDATE journal SET talon = ? WHERE epoch = ? AND talon < ?", (mark.talon, mark.epoch, mark.talon))
        return ""

    def _is_other(self, mark: Mark) -> bool:
        """Return whether the mark tells of entries that this database never had: it was restored, or is another disk's."""
        position = self.position()
        if mark.epoch != position.epoch:
            return mark.epoch > position.epoch
        return self.head_at(mark.epoch, mark.seq) != mark.head or self._turns() < mark.turns

    def _turns(self) -> int:
        return int(fetch(self.database, "SELECT COALESCE(MAX(count), 0) FROM turn")[0][0])

    def count_turn(self) -> None:
        """Note that the centre gave a new token, inside the unit that keeps it: whoever restores the disk before is known by it."""
        fetch(self.database, "INSERT INTO turn (id, count) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = turn.count + 1")

    def _begin(self) -> None:
        with transaction(self.database):
            start = chain_start(self.environment, self.node, 1)
            row = {"id": 1, "node": self.node, "epoch": 1, "seq": 0, "head": start, "talon": 0, "beacon": 0, "root": None, "recovering": 0}
            insert(self.database, JournalRow, [row])

    def open_epoch(self, reason: str, *, after: int, last_seq: int) -> None:
        """Close the old epoch and begin the next one after ``after``: no (node, epoch, seq) is ever used twice."""
        with self.unit() as unit:
            epoch = after + 1
            start = chain_start(self.environment, self.node, epoch)
            fetch(self.database, "UPDATE journal SET epoch = ?, seq = 0, head = ?, talon = 0, recovering = 1", (epoch, start))
            unit.append(node_object(self.node), EpochOpen(previous=after, last_seq=last_seq, reason=reason))

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """One IMMEDIATE transaction; the high-water mark is durable before this returns."""
        with self._lock:
            with transaction(self.database):
                unit = Unit(self, self.clock.now())
                yield unit
            # if we crash here the mark is behind the database, which is harmless: nobody has been told yet
            self._write_mark()

    def position(self) -> Position:
        """Return where the journal stands."""
        epoch, seq, head = fetch(self.database, "SELECT epoch, seq, head FROM journal")[0]
        return Position(epoch, seq, head)

    def recovering(self) -> bool:
        """Return whether the centre must still give back a lost tail before numbers may be minted."""
        return bool(fetch(self.database, "SELECT recovering FROM journal")[0][0])

    def recovered(self) -> None:
        """Say that the lost tail is back."""
        fetch(self.database, "UPDATE journal SET recovering = 0")

    def set_beacon(self, size: int, root: bytes) -> None:
        """Remember the newest checkpoint whose entries for everyone are all here, inside the caller's transaction."""
        fetch(self.database, "UPDATE journal SET beacon = ?, root = ?", (size, root))

    def entries_after(self, epoch: int, seq: int, *, bytes_max: int) -> list[Entry]:
        """Return own entries of ``epoch`` after ``seq``, as many as fit into ``bytes_max`` (at least one if there is one)."""
        statement = """SELECT envelope, salt, body, content_hash, leaf FROM entry
                       WHERE node = ? AND epoch = ? AND seq > ? AND chain IS NOT NULL ORDER BY seq"""
        taken: list[Entry] = []
        size = 0
        with each(self.database, statement, (self.node, epoch, seq)) as rows:
            for envelope, salt, body, content_hash, leaf in rows:
                size += len(envelope) + len(body or b"") + FRAME_BYTES
                if taken and size > bytes_max:
                    break
                taken.append(Entry(stored_envelope(envelope), envelope, salt, body, content_hash, leaf))
        return taken

    def last_that_fits(self, epoch: int, seq: int, *, bytes_max: int) -> int | None:
        """Return the last number that `entries_after` gives, None where more entries would still fit."""
        statement = """SELECT seq, length(envelope) + COALESCE(length(body), 0) FROM entry
                       WHERE node = ? AND epoch = ? AND seq > ? AND chain IS NOT NULL ORDER BY seq"""
        size = 0
        with each(self.database, statement, (self.node, epoch, seq)) as rows:
            for number, entry_bytes in rows:
                size += entry_bytes + FRAME_BYTES
                if number > seq + 1 and size > bytes_max:
                    return int(number) - 1
        return None

    def head_at(self, epoch: int, seq: int) -> bytes | None:
        """Return the chain head after own entry ``seq`` of ``epoch``, or None when this machine does not hold it."""
        if seq == 0:
            return chain_start(self.environment, self.node, epoch)
        statement = "SELECT chain FROM entry WHERE node = ? AND epoch = ? AND seq = ? AND chain IS NOT NULL"
        rows = fetch(self.database, statement, (self.node, epoch, seq))
        return rows[0][0] if rows else None

    def _append(self, unit: Unit, obj: bytes, body: Body, blobs: tuple[BlobRef, ...], actor: bytes | None) -> Entry:
        epoch, seq, head, beacon, root = fetch(self.database, "SELECT epoch, seq, head, beacon, root FROM journal")[0]
        base = last_leaf_of(self.database, obj)
        envelope = Envelope(
            node=self.node,
            epoch=epoch,
            seq=seq + 1,
            type=self.fold.type_of(body),
            obj=obj,
            base=base,
            time=unit.now,
            boot=self.clock.boot_id(),
            mono=self.clock.monotonic(),
            beacon=beacon,
            root=root,
            actor=actor,
            blobs=blobs,
        )
        entry = write_entry(envelope, encode_body(body))
        after = chain_next(head, entry.leaf)
        store_entries(self.database, [(entry, None, after)])
        fetch(self.database, "UPDATE journal SET seq = ?, head = ?", (seq + 1, after))
        if base is None:
            self.fold.fold_first(self.database, entry, unit.now)
        else:
            self.fold.refold(self.database, [obj], unit.now, must_fold=entry.leaf)
        return entry

    def _reserve_talon(self, database: Database) -> str:
        epoch, counter = fetch(database, "UPDATE journal SET talon = talon + 1 RETURNING epoch, talon")[0]
        return mint_talon(node=self.node, epoch=epoch, counter=counter)

    def _write_mark(self) -> None:
        if self._highwater is None:
            return
        epoch, seq, talon, head = fetch(self.database, "SELECT epoch, seq, talon, head FROM journal")[0]
        try:
            self._highwater.write(Mark(epoch, seq, talon, head, self._turns()))
        except OSError as error:  # the entry is written, but nothing may be promised on it
            self.database.failed = True
            raise Corrupt("journal.mark", DISK_FAILS) from error
