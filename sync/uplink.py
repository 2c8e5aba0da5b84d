"""The way up: bundles of the journal from where the centre stands (PROTOCOL 6.2); then go the files their entries name."""

import functools
from collections.abc import Callable, Iterator

from common.db import BlobField, IntegerField, Table, fetch, passing
from common.errors import N_, Conflict, Forbidden, Refused, TooMany
from sync import bases, container, ports
from sync.blobs import BlobStore
from sync.bundle import PLAIN_BYTES_TARGET, about_of, write_bundle
from sync.entry import Entry
from sync.journal import Journal
from sync.lanes import Lanes
from sync.link import Link
from sync.messages import BASES_PROTOCOL, BESIDE_PROTOCOL, Acknowledgement
from sync.position import Position
from sync.slices import Slicer
from sync.uplink_files import FilesUp


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


UNREADABLE = ("bundle.base", "container.version", "container.broken")
"""What the centre says of a bundle that it cannot unpack: one that lacks a base, or an older program. Made anew, it can."""


class Uplink:
    """Sends what this node wrote."""

    def __init__(
        self, link: Link, journal: Journal, blobs: BlobStore, lanes: Lanes, take_receipt: Callable[[Acknowledgement], bool]
    ) -> None:
        self._link = link
        self._lanes = lanes
        self.slicer = Slicer(link, lanes)
        self._take_receipt = take_receipt
        self._journal = journal
        self.files = FilesUp(link, journal, blobs, self.slicer)
        self._database = link.database
        self._counted: tuple[tuple[int, ...], tuple[int, int, int]] | None = None
        self._unbased = False
        """Whether the centre lacked what a bundle was packed against: the exchange goes on without."""
        self._size = 0
        """Of the checkpoint that will be here when the next bundle is answered."""
        self._ready: tuple[Position, int, bytes] | None = None
        """(position it follows, its last entry, the bundle) that was made while the hello was on the line; not sent, not kept yet."""
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
        self.files.begin()
        self._unbased = False
        try:
            try:
                self._send_epochs(at)
            except (Conflict, Refused) as error:
                if self._unbased or error.code not in UNREADABLE:
                    raise
                self._unbase()
                self._send_epochs(self._acked())
        except TooMany as error:
            self._link.wait(error)
        return self._link.outcome.entries_up > sent

    @property
    def _packs_against(self) -> bool:
        return self._link.protocol >= BASES_PROTOCOL and not self._unbased

    def _unbase(self) -> None:
        """Make anew, without bases, what is on its way: the centre lost what it was packed against, or nobody can say so in time."""
        self._unbased = True
        for epoch, first, data in fetch(self._database, "SELECT epoch, first, data FROM out_bundle WHERE data IS NOT NULL"):
            if "bases" in about_of(data):
                fetch(self._database, "DELETE FROM out_bundle WHERE epoch = ? AND first = ?", (epoch, first))

    def _acked(self) -> Position:
        state = self._link.state()
        return self._at(state["acked_epoch"], state["acked_seq"])

    def _at(self, epoch: int, seq: int) -> Position:
        return Position(epoch, seq, self._journal.head_at(epoch, seq) or b"")

    def _send_epochs(self, at: Position) -> None:
        for epoch in self._older_epochs(at):
            # a restored disk may hold promises of the closed epoch that never arrived: they go before the new epoch does
            start = at if epoch == at.epoch else self._at(epoch, 0)
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
        self._send_after(at if at.epoch == own.epoch else self._at(own.epoch, 0))

    def _older_epochs(self, at: Position) -> list[int]:
        statement = "SELECT DISTINCT epoch FROM entry WHERE node = ? AND chain IS NOT NULL AND epoch >= ? AND epoch < ? ORDER BY epoch"
        current = self._journal.position().epoch
        return [epoch for (epoch,) in fetch(self._database, statement, (self._journal.node, at.epoch, current))]

    def _send_after(self, at: Position) -> None:
        self._acknowledged(at)
        last = self._journal.position().seq
        self._size = self._link.state()["size"]
        note = b""
        settle: Callable[[], object] = _nothing
        try:
            while data := self._next_bundle(at):
                if note:
                    self._size = self._link.size_of(note)
                self._link.progress("up", at.seq, last)
                ack = self._send(data, at, settle)
                self._link.outcome.entries_up += ack.seq - at.seq
                began, at = at, Position(ack.epoch, ack.seq, ack.head)
                settle = functools.partial(self._settle, began, at, ack)
                note = ack.note if ack.receipts else note
        finally:  # what was acknowledged counts, whatever became of the bundle after it
            settle()

    def _settle(self, began: Position, at: Position, ack: Acknowledgement) -> None:
        """Note what an acknowledgement says: done while the next bundle is on the line."""
        self._acknowledged(at)
        self.files.note(began, at, ack)
        if not self._take_receipt(ack) or ack.folded:
            self.expects_news = True

    def unacknowledged(self) -> Iterator[bytes]:
        """Yield every bundle that the centre has not acknowledged as far as is known here: what a stick carries each time, readable
        whatever the centre has."""
        self._unbase()
        acked = self._acked()
        own = self._journal.position()
        for each in (*self._older_epochs(acked), own.epoch):
            at = acked if each == acked.epoch else self._at(each, 0)
            while data := self._next_bundle(at):
                yield data
                last = self._end_of_made(at.epoch, at.seq)
                assert last is not None, "it was just made"
                at = self._at(each, last)

    def acknowledged_by_hand(self, at: Position) -> bool:
        """Note where the centre said it stands, unless more is known already; return whether it was news."""
        state = self._link.state()
        if (at.epoch, at.seq) <= (state["acked_epoch"], state["acked_seq"]) or self._journal.head_at(at.epoch, at.seq) != at.head:
            return False
        self._acknowledged(at)
        return True

    def offer_evidence(self) -> None:
        """Hand over, once, what the register will not log: a branch beside its history, or what a revoked machine wrote later.

        The centre keeps it as evidence and people decide; a refusal is what is expected (PROTOCOL 5.5, 6.9).
        """
        statement = "SELECT DISTINCT epoch FROM entry WHERE node = ? AND chain IS NOT NULL AND log_index IS NULL ORDER BY epoch"
        for (epoch,) in fetch(self._database, statement, (self._journal.node,)):
            self._offer(epoch)

    def _offer(self, epoch: int) -> None:
        self._unbased = True  # what is kept as evidence must be readable by itself
        given = "SELECT COALESCE(MAX(last), 0) FROM out_bundle WHERE epoch = ? AND data IS NULL"
        seq = int(fetch(self._database, given, (epoch,))[0][0])
        while entries := self._journal.entries_after(epoch, seq, bytes_max=PLAIN_BYTES_TARGET):
            data = self._make_bundle(entries, self._at(epoch, seq))
            try:
                # not `_send`: what the register has already is acknowledged with a position this disk does not know
                self._link.read(self._link.post(ports.BUNDLE, data), Acknowledgement)
            except (Conflict, Forbidden) as error:
                self._link.outcome.problems.append(error.code)
            fetch(self._database, "UPDATE out_bundle SET data = NULL WHERE epoch = ? AND first = ?", (epoch, seq + 1))
            seq = entries[-1].envelope.seq

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

    def get_ready(self) -> None:
        """Make the next bundle, where the centre is likely to say that it stands as it did, and keep it here until it has."""
        self._unbased = False
        at = self._acked()
        made = "SELECT 1 FROM out_bundle WHERE epoch = ? AND first = ? AND data IS NOT NULL"
        if at.epoch != self._journal.position().epoch or fetch(self._database, made, (at.epoch, at.seq + 1)):
            return
        if entries := self._journal.entries_after(at.epoch, at.seq, bytes_max=PLAIN_BYTES_TARGET):
            self._ready = at, entries[-1].envelope.seq, self._pack(entries, at)

    def keep_ready(self, at: Position) -> None:
        """Keep that bundle if the centre stands at ``at``, inside the transaction that keeps its welcome: one flush makes both
        durable before the bundle is sent."""
        if self._ready is not None and self._ready[0] == at:
            self._keep(*self._ready)
        self.drop_ready()

    def drop_ready(self) -> None:
        """Forget that bundle, which was not sent."""
        self._ready = None

    def prepare(self) -> None:
        """Make the bundles that nothing can be added to any more: while there is no line there is time for that."""
        state = self._link.state()
        own = self._journal.position()
        at = Position(own.epoch, state["acked_seq"] if state["acked_epoch"] == own.epoch else 0, b"")
        while (last := self._last_of_full(at)) is not None:
            self._next_bundle(self._at(at.epoch, at.seq))
            at = Position(at.epoch, last, b"")

    def _last_of_full(self, at: Position) -> int | None:
        """Return where the bundle that begins after ``at`` ends, None where there are not entries enough to fill it."""
        return self._end_of_made(at.epoch, at.seq) or self._journal.last_that_fits(at.epoch, at.seq, bytes_max=PLAIN_BYTES_TARGET)

    def _end_of_made(self, epoch: int, seq: int) -> int | None:
        """Return the last sequence number of the bundle that was made to follow ``seq``, None where there is none."""
        rows = fetch(self._database, "SELECT last FROM out_bundle WHERE epoch = ? AND first = ?", (epoch, seq + 1))
        return int(rows[0][0]) if rows else None

    def _prepare_after(self, at: Position, settle: Callable[[], object]) -> None:
        """Make the first bundle after ``at`` that is not made yet, so that it is ready in its turn."""
        settle()
        seq = at.seq
        while (last := self._end_of_made(at.epoch, seq)) is not None:
            seq = last
        self._next_bundle(self._at(at.epoch, seq))

    def _more_after(self, at: Position) -> bool:
        last = self._end_of_made(at.epoch, at.seq)
        assert last is not None, "it is about to be sent"
        return self._journal.position() != self._at(at.epoch, last)

    def _make_bundle(self, entries: list[Entry], at: Position) -> bytes:
        data = self._pack(entries, at)
        self._keep(at, entries[-1].envelope.seq, data)
        return data

    def _pack(self, entries: list[Entry], at: Position) -> bytes:
        previous = fetch(self._database, "SELECT digest FROM out_bundle WHERE epoch = ? AND last = ?", (at.epoch, at.seq))
        digest = previous[0][0] if previous else b""
        beacon = self._link.state()["size"]
        names = bases.choose(self._database, entries) if self._packs_against else []
        against = bases.read(self._database, self._journal.node, names) if names else b""
        return write_bundle(
            entries, at, digest, self._link.identity, self._link.centre(), beacon=beacon, names=names, packed_against=against
        )

    def _keep(self, at: Position, last: int, data: bytes) -> None:
        statement = "INSERT OR REPLACE INTO out_bundle (epoch, first, last, digest, data) VALUES (?, ?, ?, ?, ?)"
        fetch(self._database, statement, (at.epoch, at.seq + 1, last, _digest(data), data))

    def _post(self, data: bytes) -> bytes:
        aged = self._link.protocol >= BESIDE_PROTOCOL and about_of(data).get("beacon") != self._size
        return self.slicer.carry(ports.bundle_beside(self._size) if aged else ports.BUNDLE, data)

    def _send(self, data: bytes, at: Position, settle: Callable[[], object]) -> Acknowledgement:
        if self._lanes.beside_each_other and (settle is not _nothing or self._more_after(at)):
            answer = self._lanes.beside(lambda: self._post(data), lambda: self._prepare_after(at, settle))
        else:
            settle()
            answer = self._post(data)
        ack, about = self._link.read(answer, Acknowledgement), about_of(data)
        falls_short = (ack.epoch, ack.seq) < (about["epoch"], about["last"])  # it would be sent for ever
        if ack.digest != _digest(data) or falls_short or self._journal.head_at(ack.epoch, ack.seq) != ack.head:
            raise Refused("exchange.acknowledgement", N_("The centre acknowledged something else than was sent."))
        return ack

    def _acknowledged(self, at: Position) -> None:
        state = self._link.state()
        if (state["acked_epoch"], state["acked_seq"]) == (at.epoch, at.seq):
            return  # an idle exchange writes nothing here
        with passing(self._database):  # the next welcome says it again
            fetch(self._database, "UPDATE sync SET acked_epoch = ?, acked_seq = ?", (at.epoch, at.seq))
            fetch(self._database, "UPDATE out_bundle SET data = NULL WHERE (epoch, last) <= (?, ?)", (at.epoch, at.seq))


def _nothing() -> None: ...


def _digest(data: bytes) -> bytes:
    _, header, _ = container.split_container(data)
    return container.digest_of(header)
