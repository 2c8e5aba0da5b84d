"""The way up: bundles of the journal from where the centre stands, then the files their entries name (PROTOCOL 6.2, 7)."""

import functools
import secrets
from collections.abc import Callable, Iterator

from common.db import BlobField, IntegerField, Table, fetch, insert, transaction
from common.errors import N_, Conflict, Forbidden, Refused, TooMany
from sync import container, ports
from sync.blobs import BlobStore, chunk_count
from sync.bundle import PLAIN_BYTES_TARGET, beacon_of, write_bundle
from sync.entry import Entry
from sync.identity import NodeCertificate
from sync.journal import Journal
from sync.lanes import Lanes
from sync.link import Link
from sync.messages import BESIDE_PROTOCOL, NONCE_BYTES, Acknowledgement, BlobAsk, BlobHave
from sync.position import Position

ASK_AGAIN_MS = 3_600_000
"""A file that the centre has whole and that is not receipted (R2) is asked about after so long: the centre may have fallen between."""


class OutBundleRow(Table):
    """A bundle on its way: made once and sent as the same bytes, over any carrier, until it is acknowledged."""

    epoch = IntegerField()
    first = IntegerField()
    last = IntegerField()
    digest = BlobField()
    data = BlobField(null=True)

    class Meta:
        table_name = "out_bundle"
        indexes = ((("epoch", "first"), True),)


class LackedRow(Table):
    """A file that got damaged at the centre, as it said last, over whatever carrier."""

    sha256 = BlobField(primary_key=True)

    class Meta:
        table_name = "lacked"


LACKED = "SELECT b.sha256, b.size FROM lacked l JOIN blob b ON b.sha256 = l.sha256"
UNRECEIPTED = """SELECT e.rowid, e.log_index IS NOT NULL, b.sha256 IS NOT NULL, r.sha256, r.size FROM entry e
                 JOIN blob_ref r ON r.leaf = e.leaf LEFT JOIN blob b ON b.sha256 = r.sha256 LEFT JOIN complete_here c ON c.leaf = e.leaf
                 WHERE e.rowid > ? AND e.node = ? AND c.leaf IS NULL"""


class Uplink:
    """Sends what this node wrote, and gives the centre back what got damaged there."""

    def __init__(
        self, link: Link, journal: Journal, blobs: BlobStore, lanes: Lanes, take_receipt: Callable[[Acknowledgement], bool]
    ) -> None:
        self._link = link
        self._lanes = lanes
        self._take_receipt = take_receipt
        self._journal = journal
        self._blobs = blobs
        self._database = link.database
        self._counted: tuple[tuple[int, ...], tuple[int, int, int]] | None = None
        self._whole: dict[bytes, int] = {}
        """Files that the centre said it has whole, and when (monotonic ms)."""
        self._size = 0
        """Of the checkpoint that will be here when the next bundle is answered."""
        self._receipted = (0, 0)
        """Every own entry up to this row has R2 or names no file; and how many objects had been withdrawn then."""
        self._begun: dict[bytes, bytes] = {}
        """Files that the centre said it lacks, with the chunks it has."""
        self.expects_news = False
        """Whether what was sent last left something to be asked for: a receipt, or what it brought about."""

    def diverged(self, at: Position) -> bool:
        """Return whether the centre's history of our newest epoch is ahead of this disk's or another one."""
        own = self._journal.position()
        return at.epoch > own.epoch or (at.epoch == own.epoch and self._journal.head_at(at.epoch, at.seq) != at.head)

    def send_bundles(self, at: Position) -> bool:
        """Send everything after the centre's position; return whether anything was sent. Raises Conflict("bundle.…")."""
        sent = self._link.outcome.entries_up
        self.expects_news = False
        self._begun.clear()  # they may have come another way since
        try:
            self._send_epochs(at)
        except TooMany as error:
            self._link.wait(error)
        return self._link.outcome.entries_up > sent

    def _send_epochs(self, at: Position) -> None:
        for epoch in self._older_epochs(at):
            # a restored disk may hold promises of the closed epoch that never arrived: they go before the new epoch does
            start = at if epoch == at.epoch else self._start_of(epoch)
            if self._journal.head_at(epoch, start.seq) != start.head:
                self._offer(epoch)
                continue
            try:
                self._send_after(start)
            except Conflict as error:
                if error.code != "bundle.fork":
                    raise
                # frozen: that bundle is evidence now, the rest of the epoch too, and the epoch that took its place goes on
                fetch(self._database, "UPDATE out_bundle SET data = NULL WHERE epoch = ? AND first = ?", (epoch, start.seq + 1))
                self._offer(epoch)
        own = self._journal.position()
        self._send_after(at if at.epoch == own.epoch else self._start_of(own.epoch))

    def _older_epochs(self, at: Position) -> list[int]:
        statement = "SELECT DISTINCT epoch FROM entry WHERE node = ? AND chain IS NOT NULL AND epoch >= ? AND epoch < ? ORDER BY epoch"
        current = self._journal.position().epoch
        return [epoch for (epoch,) in fetch(self._database, statement, (self._journal.node, at.epoch, current))]

    def _start_of(self, epoch: int) -> Position:
        return Position(epoch, 0, self._journal.head_at(epoch, 0) or b"")

    def _send_after(self, at: Position) -> None:
        self._acknowledged(at)
        last = self._journal.position().seq
        self._size = self._link.state()["size"]
        settle: Callable[[], object] = _nothing
        try:
            while data := self._next_bundle(at):
                self._link.progress("up", at.seq, last)
                ack = self._send(data, at, settle)
                self._link.outcome.entries_up += ack.seq - at.seq
                began, at = at, Position(ack.epoch, ack.seq, ack.head)
                settle = functools.partial(self._settle, began, at, ack)
                if ack.receipts:
                    self._size = self._link.size_of(ack.note)
        finally:  # what was acknowledged counts, whatever became of the bundle after it
            settle()

    def _settle(self, began: Position, at: Position, ack: Acknowledgement) -> None:
        """Note what an acknowledgement says: done while the next bundle is on the line."""
        self._acknowledged(at)
        self._note_files(began, at, ack)
        if not self._take_receipt(ack) or ack.folded:
            self.expects_news = True

    def _note_files(self, began: Position, at: Position, ack: Acknowledgement) -> None:
        """Remember which files of entries ``began``…``at`` the centre has, so that they are not asked for one by one."""
        if ack.missing is None:
            return
        statement = """SELECT DISTINCT r.sha256 FROM entry e JOIN blob_ref r ON r.leaf = e.leaf
                       WHERE e.node = ? AND e.chain IS NOT NULL AND e.epoch = ? AND e.seq > ? AND e.seq <= ?"""
        named = fetch(self._database, statement, (self._journal.node, at.epoch, began.seq if began.epoch == at.epoch else 0, at.seq))
        missing = {one.sha256: one.bitmap for one in ack.missing}
        self._begun |= missing
        self._whole |= dict.fromkeys((sha256 for (sha256,) in named if sha256 not in missing), self._journal.clock.monotonic())

    def unacknowledged(self) -> Iterator[bytes]:
        """Yield every bundle that the centre has not acknowledged as far as is known here: what a stick carries each time."""
        state = self._link.state()
        epoch, seq = state["acked_epoch"], state["acked_seq"]
        acked = Position(epoch, seq, self._journal.head_at(epoch, seq) or b"")
        own = self._journal.position()
        for each in (*self._older_epochs(acked), own.epoch):
            at = acked if each == acked.epoch else self._start_of(each)
            while data := self._next_bundle(at):
                yield data
                last = fetch(self._database, "SELECT last FROM out_bundle WHERE epoch = ? AND first = ?", (each, at.seq + 1))[0][0]
                at = Position(each, last, self._journal.head_at(each, last) or b"")

    def acknowledged_by_hand(self, at: Position) -> bool:
        """Note where the centre said it stands, unless more is known already; return whether it was news."""
        state = self._link.state()
        if (at.epoch, at.seq) <= (state["acked_epoch"], state["acked_seq"]) or self._journal.head_at(at.epoch, at.seq) != at.head:
            return False
        self._acknowledged(at)
        return True

    def unfinished_blobs(self, *, logged: bool = False) -> list[tuple[bytes, int]]:
        """Return (sha256, size) of the files that the centre lacks as far as is known here, smallest first: those of our own entries
        without R2, of all or of ``logged`` ones, and what got damaged there.

        Entries before the first one that lacks R2 are not read again: there may be years of them.
        """
        stood, withdrawn = fetch(self._database, "SELECT (SELECT MAX(rowid) FROM entry), (SELECT COUNT(*) FROM withdrawn)")[0]
        if self._receipted[1] != withdrawn:  # rows have gone, and those that came since may have their numbers
            self._receipted = (0, withdrawn)
        rows = fetch(self._database, UNRECEIPTED, (self._receipted[0], self._journal.node))
        self._receipted = (min([stood or 0, *(place - 1 for place, *_ in rows)]), withdrawn)
        found = {sha256: size for _, known, here, sha256, size in rows if here and (known or not logged)}
        found |= dict(fetch(self._database, LACKED))
        return sorted(found.items(), key=lambda one: (one[1], one[0]))

    def note_lacked(self, files: list[bytes]) -> None:
        """Remember which files the centre says got damaged there: they go with this exchange, or with the next stick."""
        for sha256 in files:
            self._whole.pop(sha256, None)
        if {sha256 for (sha256,) in fetch(self._database, "SELECT sha256 FROM lacked")} == set(files):
            return
        with transaction(self._database):
            fetch(self._database, "DELETE FROM lacked")
            insert(self._database, LackedRow, [{"sha256": sha256} for sha256 in set(files)])

    def offer_evidence(self) -> None:
        """Hand over, once, what the register will not log: a branch beside its history, or what a revoked machine wrote later.

        The centre keeps it as evidence and people decide; a refusal is what is expected (PROTOCOL 5.5, 6.9).
        """
        statement = "SELECT DISTINCT epoch FROM entry WHERE node = ? AND chain IS NOT NULL AND log_index IS NULL ORDER BY epoch"
        for (epoch,) in fetch(self._database, statement, (self._journal.node,)):
            self._offer(epoch)

    def forget_files(self) -> None:
        """Forget which files the centre has: it may be another one, or one that was set back."""
        self._whole.clear()
        self._begun.clear()
        self._receipted = (0, 0)

    def offer_files(self) -> None:
        """Hand over files of a machine that is not served any more: those that the register has by its entries it still takes."""
        before = self._journal.clock.monotonic() - ASK_AGAIN_MS
        for sha256, size in self.unfinished_blobs():
            if self._whole.get(sha256, before) > before:
                continue
            self._whole[sha256] = self._journal.clock.monotonic()  # asked about again after a while, whatever comes of it
            try:
                self._lanes.run(self._pieces([(sha256, size)]))
            except (Refused, Forbidden):
                continue  # of an entry that is evidence: until a person admits it there is no place for its files
            except TooMany as error:
                self._link.wait(error)
                return

    def _offer(self, epoch: int) -> None:
        given = "SELECT COALESCE(MAX(last), 0) FROM out_bundle WHERE epoch = ? AND data IS NULL"
        seq = int(fetch(self._database, given, (epoch,))[0][0])
        while entries := self._journal.entries_after(epoch, seq, bytes_max=PLAIN_BYTES_TARGET):
            data = self._make_bundle(entries, Position(epoch, seq, self._journal.head_at(epoch, seq) or b""))
            try:
                # not `_send`: what the register has already is acknowledged with a position this disk does not know
                self._link.read(self._link.post(ports.BUNDLE, data), Acknowledgement)
            except (Conflict, Forbidden) as error:
                self._link.outcome.problems.append(error.code)
            fetch(self._database, "UPDATE out_bundle SET data = NULL WHERE epoch = ? AND first = ?", (epoch, seq + 1))
            seq = entries[-1].envelope.seq

    def send_blobs(self) -> bool:
        """Send the files of logged entries that the centre lacks, smallest first; return whether there were any to send or to ask about."""
        before = self._journal.clock.monotonic() - ASK_AGAIN_MS
        wanted = [(sha256, size) for sha256, size in self.unfinished_blobs(logged=True) if self._whole.get(sha256, before) <= before]
        try:
            self._lanes.run(self._pieces(wanted))
        except TooMany as error:
            self._link.wait(error)
        for (sha256,) in fetch(self._database, "SELECT sha256 FROM lacked") if wanted else ():
            if sha256 in self._whole:
                fetch(self._database, "DELETE FROM lacked WHERE sha256 = ?", (sha256,))
        return bool(wanted)

    def _pieces(self, wanted: list[tuple[bytes, int]]) -> Iterator[Callable[[], None]]:
        """Yield what sends one chunk, for every chunk the centre lacks."""
        for place, (sha256, size) in enumerate(wanted):
            self._link.progress("blobs_up", place, len(wanted))
            have = self._begun.pop(sha256, None)
            if have is None:
                asked = BlobAsk(nonce=secrets.token_bytes(NONCE_BYTES), sha256=sha256, size=size)
                answer = self._link.ask(ports.BLOB_HAVE, asked, BlobHave)
                have = answer.bitmap
                if answer.whole:
                    self._whole[sha256] = self._journal.clock.monotonic()
                    continue
            if not self._blobs.vouch(sha256):
                self._link.outcome.problems.append("blob.rot")
                continue
            self._link.outcome.blobs_up += 1
            for chunk in range(chunk_count(size)):
                if chunk // 8 >= len(have) or not have[chunk // 8] >> chunk % 8 & 1:
                    yield functools.partial(self._send_chunk, self._link.centre(), sha256, size, chunk)

    def _send_chunk(self, centre: NodeCertificate, sha256: bytes, size: int, chunk: int) -> None:
        about = {"nonce": secrets.token_bytes(NONCE_BYTES), "sha256": sha256, "size": size, "chunk": chunk}
        data = container.write_container("chunk", about, self._blobs.chunk(sha256, chunk), self._link.identity, centre)
        answer = self._link.read(self._link.post(ports.BLOB_PUT, data), BlobHave, centre)
        self._link.count_piece()
        if answer.whole:
            self._whole[sha256] = self._journal.clock.monotonic()

    def backlog(self) -> tuple[int, int, int]:
        """Return (entries, bytes, claimed time of the oldest in ms or 0) that the centre has not acknowledged.

        Every page asks; it is counted anew only when something was written or acknowledged.
        """
        at = fetch(self._database, "SELECT j.epoch, j.seq, s.acked_epoch, s.acked_seq FROM journal j, sync s")[0]
        counted = self._counted
        if counted is None or counted[0] != at:
            self._counted = counted = (at, self._count_backlog())
        return counted[1]

    def _count_backlog(self) -> tuple[int, int, int]:
        [acked] = fetch(self._database, "SELECT acked_epoch, acked_seq FROM sync")
        statement = """SELECT COUNT(*), COALESCE(SUM(length(envelope) + COALESCE(length(body), 0)), 0) FROM entry
                       WHERE chain IS NOT NULL AND node = ? AND (epoch, seq) > (?, ?)"""  # of constants, or the index is not used
        count, size = fetch(self._database, statement, (self._journal.node, *acked))[0]
        if not count:
            return 0, 0, 0
        oldest = self._journal.entries_after(*acked, bytes_max=1)
        return count, size, oldest[0].envelope.time if oldest else 0

    def _next_bundle(self, at: Position) -> bytes | None:
        statement = "SELECT data FROM out_bundle WHERE epoch = ? AND first = ? AND data IS NOT NULL"
        rows = fetch(self._database, statement, (at.epoch, at.seq + 1))
        if rows:
            data: bytes = rows[0][0]
            return data
        entries = self._journal.entries_after(at.epoch, at.seq, bytes_max=PLAIN_BYTES_TARGET)
        return self._make_bundle(entries, at) if entries else None

    def prepare(self) -> None:
        """Make the bundles that nothing can be added to any more: while there is no line there is time for that."""
        state = self._link.state()
        own = self._journal.position()
        at = Position(own.epoch, state["acked_seq"] if state["acked_epoch"] == own.epoch else 0, b"")
        while (last := self._last_of_full(at)) is not None:
            self._next_bundle(Position(at.epoch, at.seq, self._journal.head_at(at.epoch, at.seq) or b""))
            at = Position(at.epoch, last, b"")

    def _last_of_full(self, at: Position) -> int | None:
        """Return where the bundle that begins after ``at`` ends, None where there are not entries enough to fill it."""
        made = fetch(self._database, "SELECT last FROM out_bundle WHERE epoch = ? AND first = ?", (at.epoch, at.seq + 1))
        if made:
            return int(made[0][0])
        return self._journal.last_that_fits(at.epoch, at.seq, bytes_max=PLAIN_BYTES_TARGET)

    def _prepare_after(self, at: Position, settle: Callable[[], object]) -> None:
        """Make the bundle that follows the one which begins after ``at``, so that it is ready when that one is acknowledged."""
        settle()
        (last,) = fetch(self._database, "SELECT last FROM out_bundle WHERE epoch = ? AND first = ?", (at.epoch, at.seq + 1))[0]
        self._next_bundle(Position(at.epoch, last, self._journal.head_at(at.epoch, last) or b""))

    def _make_bundle(self, entries: list[Entry], at: Position) -> bytes:
        previous = fetch(self._database, "SELECT digest FROM out_bundle WHERE epoch = ? AND last = ?", (at.epoch, at.seq))
        digest = previous[0][0] if previous else b""
        beacon = self._link.state()["size"]
        data = write_bundle(entries, at, digest, self._link.identity, self._link.centre(), beacon=beacon)
        statement = "INSERT OR REPLACE INTO out_bundle (epoch, first, last, digest, data) VALUES (?, ?, ?, ?, ?)"
        fetch(self._database, statement, (at.epoch, at.seq + 1, entries[-1].envelope.seq, _digest(data), data))
        return data

    def _post(self, data: bytes) -> bytes:
        aged = self._link.protocol >= BESIDE_PROTOCOL and beacon_of(data) != self._size
        return self._link.post(ports.bundle_beside(self._size) if aged else ports.BUNDLE, data)

    def _send(self, data: bytes, at: Position, settle: Callable[[], object]) -> Acknowledgement:
        if self._lanes.beside_each_other:
            answer = self._lanes.beside(lambda: self._post(data), lambda: self._prepare_after(at, settle))
        else:
            settle()
            answer = self._post(data)
        ack = self._link.read(answer, Acknowledgement)
        if ack.digest != _digest(data) or self._journal.head_at(ack.epoch, ack.seq) != ack.head:
            raise Refused("exchange.acknowledgement", N_("The centre acknowledged something else than was sent."))
        return ack

    def _acknowledged(self, at: Position) -> None:
        state = self._link.state()
        if (state["acked_epoch"], state["acked_seq"]) == (at.epoch, at.seq):
            return  # an idle exchange writes nothing here
        with transaction(self._database):
            fetch(self._database, "UPDATE sync SET acked_epoch = ?, acked_seq = ?", (at.epoch, at.seq))
            fetch(self._database, "UPDATE out_bundle SET data = NULL WHERE (epoch, last) <= (?, ?)", (at.epoch, at.seq))


def _nothing() -> None: ...


def _digest(data: bytes) -> bytes:
    _, header, _ = container.split_container(data)
    return container.digest_of(header)
