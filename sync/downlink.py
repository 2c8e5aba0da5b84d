"""The way down: receipts, what others wrote, a lost tail of our own, files (PROTOCOL 6.4, 6.5, 5.4, 7).

One downlink is one transaction with its cursors: what is stored is counted, what is counted is stored (lessons 6 and 7).
"""

import secrets
from collections.abc import Callable, Collection, Iterable

from common.clock import Clock
from common.db import fetch, transaction
from common.errors import N_, Conflict, CourtError, Refused, Unreachable
from common.facts import decode_body
from sync import filling, ports, receipts, revocations, withdrawal
from sync.absent import missing_blobs
from sync.blobs import BlobStore
from sync.checkpoint import Checkpoint
from sync.entry import Entry, read_entry
from sync.journal import Journal
from sync.link import Link
from sync.messages import CURSORS, NONCE_BYTES, Acknowledgement, Ask, BlobAsk, Down, Item, Logged, Own, pack
from sync.pieces import chunk_count, is_set
from sync.recordings import Turn, fits
from sync.tables import PLACED, known_leaves, set_log_indexes, store_entries

FEEDS = CURSORS[1:4]
Unneeded = Callable[[], Collection[bytes]]
"""Says which named files nobody at this machine needs any more (SHA-256)."""
ROUNDS_MAX = 10_000
"""Downlink containers in one exchange; a bound on what a wrong centre can make us do."""
SHARED_OBJECTS = f"""SELECT DISTINCT e.obj FROM {PLACED} AS e WHERE e.node = ?1 AND e.epoch = ?2 AND e.seq BETWEEN ?3 AND ?4
                    AND EXISTS (SELECT 1 FROM entry o WHERE o.obj = e.obj AND o.node <> ?1)"""


class Downlink:
    """Takes in what the centre sends."""

    def __init__(self, link: Link, journal: Journal, blobs: BlobStore, unneeded: Unneeded) -> None:
        self._link = link
        self._journal = journal
        self._blobs = blobs
        self._unneeded = unneeded
        self._database = link.database
        self._clock: Clock = journal.clock

    def fetch_own(self, epochs: list[list[int]]) -> None:
        """Get back what a restored disk lost of this machine's own earlier epochs (PROTOCOL 5.4)."""
        current = self._journal.position().epoch
        for epoch, last in epochs:
            if epoch >= current:
                continue
            while (mine := self.last_own(epoch)) < last:
                own: Own = decode_body(self._link.ask_container(Ask(nonce=b"", own=True, own_epoch=epoch, own_seq=mine), "own"), Own)
                if not own.entries:
                    break
                self._store_own(own)
        self._journal.recovered()

    def last_own(self, epoch: int) -> int:
        """Return the last sequence number up to which this machine holds its own epoch without a gap, logged."""
        statement = """SELECT COALESCE(MAX(seq), 0) FROM (
                         SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM (
                           SELECT DISTINCT seq FROM entry WHERE node = ? AND epoch = ? AND log_index IS NOT NULL)) WHERE seq = place"""
        return int(fetch(self._database, statement, (self._link.identity.node, epoch))[0][0])

    def receive_news(self) -> None:
        """Take everything after our cursors; raises Refused and keeps what was verified before."""
        for _ in range(ROUNDS_MAX):
            state = self._link.state()
            ask = Ask(nonce=b"", runs=True, **{name: state[name] for name in CURSORS})
            down: Down = decode_body(self._link.ask_container(ask, "down"), Down)
            self._take(down)
            if not down.more:
                return
            self._link.progress("down", self._link.outcome.entries_down, 0)

    def take_receipt(self, ack: Acknowledgement) -> bool:
        """Keep the R1 that came with an acknowledgement; return False where it does not follow what is here: a downlink brings
        it then. Raises Refused and keeps nothing of it when it is false (PROTOCOL 6.20)."""
        state = self._link.state()
        held = (state["receipted_epoch"], state["receipted_seq"]) if state["receipted_epoch"] else (1, 0)
        if ack.since != state["size"] or [(one.epoch, one.first - 1) for one in ack.receipts] != [held]:
            return False
        with transaction(self._database):
            checkpoint = self._link.accept_checkpoint(ack.note, ack.consistency)
            self._refold(self._store_logged(ack.receipts, checkpoint, ack.note))
            if ack.complete and ack.complete_after == state["complete"]:
                self._store_complete(ack.complete)
                fetch(self._database, "UPDATE sync SET complete = ?", (ack.complete_at,))
        return True

    def take_carried(self, payload: bytes) -> None:
        """Take a downlink that was carried by hand; raises Conflict("stick.gap") where it begins after what is here."""
        down: Down = decode_body(payload, Down)
        state = self._link.state()
        if len(down.since) != len(CURSORS):
            raise Refused("stick.form", N_("The stick was written by a program this machine does not understand."))
        if any(began > state[name] for name, began in zip(FEEDS, down.since[1:4], strict=True)):
            raise Conflict("stick.gap", N_("The stick begins after what this machine has. Export here again and carry that to the centre."))
        self._take(down)

    def _take(self, down: Down) -> None:
        """Verify and store one downlink: all of it is one transaction with its cursors."""
        with transaction(self._database):
            if down.since:
                checkpoint = self._link.accept_carried(down.note, down.consistency, down.since[0])
            else:
                checkpoint = self._link.accept_checkpoint(down.note, down.consistency)
            if down.revocations:  # a centre of before says nothing of it: ours stays
                revocations.take(self._database, down.revocations, self._link.identity.pin, carried=bool(down.since))
            objects = self._insert(_entries(down.everyone)) | self._take_feed(down)
            state = self._link.state()
            # by hand, where what came before them had a head that could not be proven, they come again
            if checkpoint and tuple(down.since[4:]) <= (state["receipted_epoch"], state["receipted_seq"]):
                objects |= self._store_logged(down.receipts, checkpoint, down.note)
            if checkpoint:
                receipts.store_admitted(self._database, down.admitted, checkpoint, down.note, at_ms=self._clock.now())
            self._store_complete(down.complete)
            filling.note(self._database, more=down.more, now=self._clock.now())
            # by hand some of it may come again, with older cursors than ours
            statement = "UPDATE sync SET everyone = MAX(everyone, ?), feed = MAX(feed, ?), complete = MAX(complete, ?)"
            fetch(self._database, statement, (down.everyone_at, down.feed_at, down.complete_at))
            if checkpoint and down.caught_up:
                self._journal.set_beacon(checkpoint.size, checkpoint.root)
            self._refold(objects)

    def _take_feed(self, down: Down) -> set[bytes]:
        """Store what the feed brings and let go of what it takes away, of the part after our cursor alone."""
        cursor = self._link.state()["feed"]
        gone = [each.obj for each in down.gone if each.at > cursor]
        if gone:
            tables = [table for subject in self._journal.fold.subjects for table in subject.TABLES]
            withdrawal.withdraw(self._database, gone, self._link.identity.node, tables)
        # an entry that was withdrawn again before it came is not in the feed any more; what is there comes after
        entries = _entries([item for item in down.feed if not item.at or item.at > cursor])
        objects = {entry.envelope.obj for _, entry in entries}
        withdrawal.take_back(self._database, objects)
        return self._insert(entries)

    def take_own(self, payload: bytes) -> None:
        """Store entries of this machine's own earlier epochs that a restored disk lost."""
        self._store_own(decode_body(payload, Own))

    def _store_own(self, own: Own) -> None:
        with transaction(self._database):
            self._refold(self._insert(_entries(own.entries)))

    def own_held(self, epochs: list[list[int]]) -> bool:
        """Return whether everything the centre has of this machine's earlier epochs is here."""
        current = self._journal.position().epoch
        return all(self.last_own(epoch) >= last for epoch, last in epochs if epoch < current)

    def _store_logged(self, logged: list[Logged], checkpoint: Checkpoint, note: bytes) -> set[bytes]:
        """Keep R1 of our bundles; return the objects whose order it may have changed: those to which others wrote too."""
        node = self._link.identity.node
        objects: set[bytes] = set()
        state = self._link.state()
        held = (state["receipted_epoch"], state["receipted_seq"])
        for one in logged:
            if (one.epoch, one.last) <= held:
                continue  # came another way meanwhile
            leaves = receipts.leaves_of(self._database, node, one.epoch, one.first, one.last)
            receipts.store_logged(self._database, one, leaves, checkpoint, note, at_ms=self._clock.now())
            set_log_indexes(self._database, [(one.index + place, leaf) for place, leaf in enumerate(leaves)])
            fetch(self._database, "UPDATE sync SET receipted_epoch = ?, receipted_seq = ?", (one.epoch, one.last))
            objects |= {obj for (obj,) in fetch(self._database, SHARED_OBJECTS, (node, one.epoch, one.first, one.last))}
            self._link.outcome.receipts += 1
        return objects

    def _store_complete(self, statements: list[bytes]) -> None:
        for statement in statements:
            receipts.store_complete(self._database, statement, self._link.centre(), self._link.identity.node)

    def _insert(self, items: list[tuple[int, Entry]]) -> set[bytes]:
        known = known_leaves(self._database, [entry.leaf for _, entry in items])
        fresh = [(entry, index, None) for index, entry in items if entry.leaf not in known]
        store_entries(self._database, fresh)
        set_log_indexes(self._database, [(index, entry.leaf) for index, entry in items if entry.leaf in known])
        self._link.outcome.entries_down += len(fresh)
        return {entry.envelope.obj for _, entry in items}

    def _refold(self, objects: Iterable[bytes]) -> None:
        now = self._clock.now()
        fold = self._journal.fold
        fold.refold(self._database, objects, now)
        if waiting := fold.waiting(self._database):
            fold.refold(self._database, waiting, now)

    def wanted(self) -> list[tuple[bytes, int, bool]]:
        """Return (SHA-256, size, whether it is a recording) of the named files this machine needs and does not hold, recordings
        last, the small first."""
        missing = missing_blobs(self._database)
        unneeded = self._unneeded() if missing else ()
        return [each for each in missing if each[0] not in unneeded]

    def fetch_blobs(self, *, recordings: bool = False) -> bool:
        """Get the named files this machine needs and does not hold, smallest first, or the ``recordings`` among them for one turn;
        what the centre does not have yet is asked for next time. Return whether there were any."""
        wanted = [(sha256, size) for sha256, size, recorded in self.wanted() if recorded == recordings]
        turn = Turn(self._clock) if recordings else None
        for place, (sha256, size) in enumerate(wanted):
            self._link.progress("blobs_down", place, len(wanted))
            try:
                if turn is not None and not fits(self._blobs, sha256, size):
                    self._link.outcome.problems.append("blob.room")  # a recording is not worth the papers of a court
                    continue
                self.fetch_blob(sha256, size, turn)
            except Unreachable:
                raise
            except CourtError as error:
                self._link.outcome.problems.append(error.code)  # not there yet, or broken on the way: the next exchange asks again
            except OSError:  # no room on the disk: what is small may still find some, and the exchange itself went well
                self._link.outcome.problems.append("blob.room")
        self._link.outcome.goes_on |= turn is not None and turn.over
        return bool(wanted)

    def fetch_blob(self, sha256: bytes, size: int, turn: Turn | None = None) -> None:
        """Get one file, piece by piece, from where an earlier try stopped, while ``turn`` lasts."""
        if self._blobs.adopt(sha256, size):
            return
        have = self._blobs.pieces.bitmap(sha256, size)
        for chunk in range(chunk_count(size)):
            if is_set(have, chunk):
                continue
            if turn is not None and not turn.goes_on():
                return
            ask = BlobAsk(nonce=secrets.token_bytes(NONCE_BYTES), sha256=sha256, size=size, chunk=chunk)
            data = self._link.open(self._link.post(ports.BLOB_GET, pack(ask, self._link.identity)), "chunk", ask.nonce)
            self._link.count_piece()
            if self._blobs.pieces.put_chunk(sha256, size, chunk, data):
                self._link.outcome.blobs_down += 1


def _entries(items: list[Item]) -> list[tuple[int, Entry]]:
    return [(item.index, read_entry(item.entry)) for item in items]
