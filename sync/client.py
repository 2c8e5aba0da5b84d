"""A node's half of the exchange (PROTOCOL 6): hello, up, down, blobs; resumable at every step, harmless when repeated.

    outcome = Client(journal, identity, blobs, transport).exchange()

Whatever cuts it off, the next exchange begins with where both sides really stand. Errors are raised to the caller, who
decides when to try again: `Unreachable` soon, `Forbidden` when a person has acted, everything else is shown.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from common import canonical
from common.clock import Clock
from common.db import BlobField, IntegerField, Table, TextField, create_tables, fetch, insert, transaction
from common.errors import N_, Conflict, CourtError, Forbidden, Refused, TooMany, Unreachable
from common.facts import Body
from sync import container, cose, directory, merkle, ports, receipts
from sync.blobs import BlobStore, chunk_count
from sync.bundle import PLAIN_BYTES_TARGET, write_bundle
from sync.checkpoint import Checkpoint, read_checkpoint
from sync.entry import Entry, read_entry
from sync.identity import CENTRE_NODE, Identity, NodeCertificate, read_certificate
from sync.journal import Journal
from sync.messages import (
    AHEAD,
    FORK,
    NONCE_BYTES,
    REVOKED,
    TWIN,
    Acknowledgement,
    Ask,
    BlobAsk,
    BlobHave,
    Hello,
    M,
    Refusal,
    Welcome,
    check_nonce,
    pack,
    unpack,
)
from sync.position import Position
from sync.tables import known_leaves, missing_blobs, set_log_indexes, store_entries

ROUNDS_MAX = 10_000
"""Downlink containers in one exchange; a bound on what a wrong centre can make us do."""


class SyncRow(Table):
    """What a node knows of its line and how far it has what the centre sends."""

    id = IntegerField(primary_key=True)
    token = BlobField()
    acked_epoch = IntegerField()
    acked_seq = IntegerField()
    everyone = IntegerField()
    feed = IntegerField()
    complete = IntegerField()
    receipted_epoch = IntegerField()
    receipted_seq = IntegerField()
    size = IntegerField()
    root = BlobField()
    note = BlobField()
    tried_ms = IntegerField()
    contact_ms = IntegerField()
    down_since_ms = IntegerField(null=True)
    state = TextField()
    centre_certificate = BlobField()

    class Meta:
        table_name = "sync"


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


TABLES: tuple[type[Table], ...] = (SyncRow, OutBundleRow, *receipts.TABLES)


@dataclass(slots=True)
class Outcome:
    """What one exchange did; bytes count bodies of requests and answers."""

    state: str = ""
    entries_up: int = 0
    entries_down: int = 0
    blobs_up: int = 0
    blobs_down: int = 0
    receipts: int = 0
    trips: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Health:
    """What a node tells the centre of itself beside its position."""

    disk_free: int = 0
    version: str = ""


Progress = Callable[[str, int, int], None]


class Client:
    """One node's line to the centre."""

    def __init__(
        self,
        journal: Journal,
        identity: Identity,
        blobs: BlobStore,
        transport: ports.Transport,
        *,
        health: Callable[[], Health] = Health,
    ) -> None:
        self._journal = journal
        self._database = journal.database
        self._identity = identity
        self._blobs = blobs
        self._transport = transport
        self._health = health
        self._progress: Progress = lambda step, done, total: None
        self._clock: Clock = journal.clock
        self._outcome = Outcome()

    def report_progress(self, progress: Progress) -> None:
        """Tell ``progress`` (step, done, total) what an exchange is doing."""
        self._progress = progress

    def start(self, centre_certificate: bytes) -> None:
        """Create what is missing; ``centre_certificate`` came with the enrolment."""
        create_tables(self._database, TABLES)
        if not fetch(self._database, "SELECT 1 FROM sync"):
            row: dict[str, Any] = dict.fromkeys(("everyone", "feed", "complete", "size", "tried_ms", "contact_ms", "acked_seq"), 0)
            row |= {"id": 1, "token": b"", "acked_epoch": 1, "receipted_epoch": 0, "receipted_seq": 0, "root": merkle.EMPTY_ROOT}
            row |= {"note": b"", "down_since_ms": None, "state": "", "centre_certificate": centre_certificate}
            insert(self._database, SyncRow, [row])

    def exchange(self) -> Outcome:
        """Run one exchange to its end; raises Unreachable, Forbidden, Conflict or Refused with everything so far kept."""
        self._outcome = Outcome()
        now = self._clock.now()
        fetch(self._database, "UPDATE sync SET tried_ms = ?", (now,))
        try:
            self._run()
        except CourtError as error:
            self._outcome.state = error.code
            self._note_failure(error, now)
            raise
        fetch(self._database, "UPDATE sync SET contact_ms = ?, down_since_ms = NULL, state = ''", (self._clock.now(),))
        return self._outcome

    def _note_failure(self, error: CourtError, now: int) -> None:
        down = now if isinstance(error, Unreachable) else None
        statement = """UPDATE sync SET state = ?1,
                       down_since_ms = CASE WHEN ?2 IS NULL THEN NULL ELSE COALESCE(down_since_ms, ?2) END"""
        fetch(self._database, statement, (error.code, down))

    def _run(self) -> None:
        welcome = self._hello()
        if welcome.state in (AHEAD, FORK):
            self._journal.open_epoch("restored" if welcome.state == AHEAD else "fork", after=welcome.epoch, last_seq=welcome.seq)
            welcome = self._hello()
        sent = self._send_bundles(Position(welcome.epoch, welcome.seq, welcome.head))
        if self._journal.recovering():
            self._fetch_own(welcome.own)
        if sent or welcome.news or self._journal.recovering():
            self._receive_news()
        self._send_blobs()
        self._fetch_blobs()

    def _hello(self) -> Welcome:
        sync = self._sync()
        at = self._journal.position()
        backlog, backlog_bytes, oldest = self.backlog()
        health = self._health()
        nonce = secrets.token_bytes(NONCE_BYTES)
        hello = Hello(
            node=self._identity.node,
            epoch=at.epoch,
            seq=at.seq,
            head=at.head,
            nonce=nonce,
            now=self._clock.now(),
            token=sync["token"],
            size=sync["size"],
            everyone=sync["everyone"],
            feed=sync["feed"],
            complete=sync["complete"],
            receipted_epoch=sync["receipted_epoch"],
            receipted_seq=sync["receipted_seq"],
            recovering=self._journal.recovering(),
            backlog=backlog,
            backlog_bytes=backlog_bytes,
            oldest_ms=oldest,
            disk_free=health.disk_free,
            quarantine=fetch(self._database, "SELECT COUNT(*) FROM quarantine")[0][0],
            version=health.version,
        )
        welcome = self._ask(ports.HELLO, hello, Welcome)
        check_nonce(nonce, welcome.nonce)
        if welcome.state == REVOKED:
            raise Forbidden("node.revoked", N_("This machine's certificate has been revoked. What it sends is kept as evidence."))
        if welcome.state == TWIN:
            raise Forbidden("node.twin", N_("A copy of this machine seems to be running elsewhere. A person at the centre must decide."))
        if welcome.note:
            self._accept_checkpoint(welcome.note, welcome.consistency)
        fetch(self._database, "UPDATE sync SET token = ?", (welcome.token,))
        return welcome

    def _accept_checkpoint(self, note: bytes, consistency: list[bytes]) -> Checkpoint:
        """Verify that the register's head extends the one we have; raises Refused("proof.…"/"checkpoint.…"), keeping ours."""
        sync = self._sync()
        pin = self._identity.pin
        fresh = read_checkpoint(note, pin.origin, pin.log_key, origin=pin.origin)
        if fresh.size < sync["size"]:
            raise Refused("checkpoint.rolled_back", N_("The central register shows an older state than before. Nothing is taken from it."))
        merkle.verify_consistency(sync["size"], sync["root"], fresh.size, fresh.root, consistency)
        fetch(self._database, "UPDATE sync SET size = ?, root = ?, note = ?", (fresh.size, fresh.root, note))
        return fresh

    def _send_bundles(self, at: Position) -> bool:
        """Send everything after the centre's position; return whether anything was sent."""
        own = self._journal.position()
        if at.epoch < own.epoch:  # a new epoch begins with its own first entry
            at = Position(own.epoch, 0, self._journal.head_at(own.epoch, 0) or b"")
        elif self._journal.head_at(at.epoch, at.seq) != at.head:
            raise Conflict("bundle.fork", N_("This machine has written two different histories. Both are kept; a person must decide."))
        self._acknowledged(at)
        sent = False
        while data := self._next_bundle(at):
            self._progress("up", at.seq, own.seq)
            ack = self._send_bundle(data)
            sent = True
            self._outcome.entries_up += ack.seq - at.seq
            at = Position(ack.epoch, ack.seq, ack.head)
            self._acknowledged(at)
        return sent

    def _next_bundle(self, at: Position) -> bytes | None:
        rows = fetch(
            self._database, "SELECT data FROM out_bundle WHERE epoch = ? AND first = ? AND data IS NOT NULL", (at.epoch, at.seq + 1)
        )
        if rows:
            data: bytes = rows[0][0]
            return data
        entries = self._journal.entries_after(at.epoch, at.seq, bytes_max=PLAIN_BYTES_TARGET)
        return self._make_bundle(entries, at) if entries else None

    def _make_bundle(self, entries: list[Entry], at: Position) -> bytes:
        previous = fetch(self._database, "SELECT digest FROM out_bundle WHERE epoch = ? AND last = ?", (at.epoch, at.seq))
        digest = previous[0][0] if previous else b""
        data = write_bundle(entries, at, digest, self._identity, self._centre(), beacon=self._sync()["size"])
        _, header, _ = container.split_container(data)
        statement = "INSERT OR REPLACE INTO out_bundle (epoch, first, last, digest, data) VALUES (?, ?, ?, ?, ?)"
        last = entries[-1].envelope.seq
        fetch(self._database, statement, (at.epoch, at.seq + 1, last, container.digest_of(header), data))
        return data

    def _send_bundle(self, data: bytes) -> Acknowledgement:
        answer = self._post(ports.BUNDLE, data)
        ack = unpack(cose.parse(answer), Acknowledgement, self._centre().sign_key, self._identity.environment)
        _, header, _ = container.split_container(data)
        if ack.digest != container.digest_of(header) or self._journal.head_at(ack.epoch, ack.seq) != ack.head:
            raise Refused("exchange.acknowledgement", N_("The centre acknowledged something else than was sent."))
        return ack

    def _acknowledged(self, at: Position) -> None:
        with transaction(self._database):
            fetch(self._database, "UPDATE sync SET acked_epoch = ?, acked_seq = ?", (at.epoch, at.seq))
            fetch(self._database, "UPDATE out_bundle SET data = NULL WHERE (epoch, last) <= (?, ?)", (at.epoch, at.seq))

    def _fetch_own(self, epochs: list[list[int]]) -> None:
        """Get back what a restored disk lost of this machine's own earlier epochs (PROTOCOL 5.4)."""
        current = self._journal.position().epoch
        for epoch, last in epochs:
            if epoch >= current:
                continue
            while (mine := self._last_own(epoch)) < last:
                items = canonical.decode(self._ask_container(Ask(nonce=b"", own=True, own_epoch=epoch, own_seq=mine), "own"))
                if not self._store_items(_items(items)):
                    break
        self._journal.recovered()

    def _last_own(self, epoch: int) -> int:
        """Return the last sequence number up to which this machine holds its own epoch without a gap, logged."""
        statement = "SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM entry WHERE node = ? AND epoch = ?"
        count, last = fetch(self._database, statement, (self._identity.node, epoch))[0]
        return int(last) if count == last else 0

    def _receive_news(self) -> None:
        for _ in range(ROUNDS_MAX):
            sync = self._sync()
            ask = Ask(
                nonce=b"",
                size=sync["size"],
                everyone=sync["everyone"],
                feed=sync["feed"],
                complete=sync["complete"],
                receipted_epoch=sync["receipted_epoch"],
                receipted_seq=sync["receipted_seq"],
            )
            down = canonical.decode_map(self._ask_container(ask, "down"))
            if not self._take_news(down):
                return
            self._progress("down", self._outcome.entries_down, 0)

    def _take_news(self, down: dict[str, Any]) -> bool:
        """Verify and store one downlink; return whether there is more. All of it is one transaction with its cursors."""
        try:
            note, consistency, logged, complete = down["note"], down["consistency"], down["receipts"], down["complete"]
            everyone, feed, cursors = _items(down["everyone"]), _items(down["feed"]), down["cursors"]
            caught_up, more = down["caught_up"] is True, down["more"] is True
            everyone_at, feed_at, complete_at = (int(cursor) for cursor in cursors)
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("exchange.down", N_("The centre's answer cannot be read.")) from error
        with transaction(self._database):
            checkpoint = self._accept_checkpoint(note, consistency)
            self._store_receipts(logged, complete, checkpoint, note)
            objects = self._insert(everyone + feed)
            fetch(self._database, "UPDATE sync SET everyone = ?, feed = ?, complete = ?", (everyone_at, feed_at, complete_at))
            if caught_up:
                self._journal.set_beacon(checkpoint.size, checkpoint.root)
            self._refold(objects)
        return more

    def _store_receipts(self, logged: list[Any], complete: list[bytes], checkpoint: Checkpoint, note: bytes) -> None:
        now = self._clock.now()
        for item in logged:
            epoch, first, last, index, proof = item
            leaves = receipts.leaves_of(self._database, self._identity.node, epoch, first, last)
            receipts.store_logged(
                self._database,
                epoch=epoch,
                first=first,
                last=last,
                first_index=index,
                proof=proof,
                size=checkpoint.size,
                note=note,
                root=checkpoint.root,
                leaves=leaves,
                at_ms=now,
            )
            set_log_indexes(self._database, [(index + place, leaf) for place, leaf in enumerate(leaves)])
            fetch(self._database, "UPDATE sync SET receipted_epoch = ?, receipted_seq = ?", (epoch, last))
            self._outcome.receipts += 1
        for statement in complete:
            done = receipts.read_r2(statement, self._centre())
            values = (done.leaf, statement, done.at)
            fetch(self._database, "INSERT OR IGNORE INTO complete_here (leaf, statement, at_ms) VALUES (?, ?, ?)", values)

    def _insert(self, items: list[tuple[int, Entry]]) -> set[bytes]:
        known = known_leaves(self._database, [entry.leaf for _, entry in items])
        fresh = [(entry, index, None) for index, entry in items if entry.leaf not in known]
        store_entries(self._database, fresh)
        set_log_indexes(self._database, [(index, entry.leaf) for index, entry in items if entry.leaf in known])
        self._outcome.entries_down += len(fresh)
        return {entry.envelope.obj for _, entry in items}

    def _store_items(self, items: list[tuple[int, Entry]]) -> int:
        with transaction(self._database):
            self._refold(self._insert(items))
        return len(items)

    def _refold(self, objects: Iterable[bytes]) -> None:
        now = self._clock.now()
        fold = self._journal.fold
        fold.refold(self._database, objects, now)
        if waiting := fold.waiting(self._database):
            fold.refold(self._database, waiting, now)

    def _send_blobs(self) -> None:
        """Send the files of our own entries that the centre has not completed, smallest first."""
        statement = """SELECT DISTINCT r.sha256, r.size FROM blob_ref r JOIN entry e ON e.leaf = r.leaf JOIN blob b ON b.sha256 = r.sha256
                       LEFT JOIN complete_here c ON c.leaf = r.leaf
                       WHERE e.chain IS NOT NULL AND c.leaf IS NULL ORDER BY r.size"""
        wanted = fetch(self._database, statement)
        for place, (sha256, size) in enumerate(wanted):
            self._progress("blobs_up", place, len(wanted))
            self._send_blob(sha256, size)
        if wanted:
            self._receive_news()

    def _send_blob(self, sha256: bytes, size: int) -> None:
        have = self._ask(ports.BLOB_HAVE, BlobAsk(nonce=secrets.token_bytes(NONCE_BYTES), sha256=sha256, size=size), BlobHave)
        if have.whole:
            return
        self._outcome.blobs_up += 1
        for chunk in range(chunk_count(size)):
            if chunk // 8 < len(have.bitmap) and have.bitmap[chunk // 8] >> chunk % 8 & 1:
                continue
            about = {"nonce": secrets.token_bytes(NONCE_BYTES), "sha256": sha256, "size": size, "chunk": chunk}
            data = container.write_container("chunk", about, self._blobs.chunk(sha256, chunk), self._identity, self._centre())
            unpack(cose.parse(self._post(ports.BLOB_PUT, data)), BlobHave, self._centre().sign_key, self._identity.environment)

    def _fetch_blobs(self) -> None:
        wanted = missing_blobs(self._database)
        for place, (sha256, size) in enumerate(wanted):
            self._progress("blobs_down", place, len(wanted))
            try:
                self._fetch_blob(sha256, size)
            except (Refused, TooMany) as error:
                self._outcome.problems.append(error.code)  # not there yet, or broken on the way: the next exchange asks again
            except CourtError as error:
                if isinstance(error, Unreachable):
                    raise
                self._outcome.problems.append(error.code)

    def _fetch_blob(self, sha256: bytes, size: int) -> None:
        have = self._blobs.bitmap(sha256, size)
        for chunk in range(chunk_count(size)):
            if have[chunk // 8] >> chunk % 8 & 1:
                continue
            ask = BlobAsk(nonce=secrets.token_bytes(NONCE_BYTES), sha256=sha256, size=size, chunk=chunk)
            data = self._open(self._post(ports.BLOB_GET, pack(ask, self._identity)), "chunk", ask.nonce)
            if self._blobs.put_chunk(sha256, size, chunk, data):
                self._outcome.blobs_down += 1

    def _ask_container(self, ask: Ask, kind: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        values = {name: getattr(ask, name) for name in ask.__struct_fields__} | {"nonce": nonce}
        return self._open(self._post(ports.DOWN, pack(Ask(**values), self._identity)), kind, nonce)

    def _open(self, data: bytes, kind: str, nonce: bytes) -> bytes:
        header, sealed = container.read_header(data, self._centre().sign_key, self._identity.environment)
        if header.kind != kind:
            raise Refused("container.kind", N_("A bundle is of another kind than expected."))
        check_nonce(nonce, header.about.get("nonce", b""))
        return container.open_payload(header, sealed, self._identity)

    def _ask(self, path: str, message: Body, kind: type[M]) -> M:
        answer = self._post(path, pack(message, self._identity))
        return unpack(cose.parse(answer), kind, self._centre().sign_key, self._identity.environment)

    def _post(self, path: str, body: bytes) -> bytes:
        self._outcome.trips += 1
        self._outcome.bytes_up += len(body)
        status, answer = self._transport.post(path, body)
        self._outcome.bytes_down += len(answer)
        if status == ports.OK:
            return answer
        raise self._refused(answer)

    def _refused(self, answer: bytes) -> CourtError:
        """Turn a refusal into an error; what is not signed by the centre is somebody on the line, not the centre."""
        try:
            refusal = unpack(cose.parse(answer), Refusal, self._centre().sign_key, self._identity.environment)
        except Refused:
            return Unreachable("line.stranger", N_("Something on the line answers in place of the centre. It will be tried again."))
        sentence = N_("The centre refused a message (%(code)s).")
        if refusal.code == "node.revoked":
            return Forbidden(refusal.code, N_("This machine's certificate has been revoked. What it sends is kept as evidence."))
        if refusal.code.startswith("bundle."):
            return Conflict(refusal.code, sentence, code=refusal.code)
        return Refused(refusal.code, sentence, code=refusal.code)

    def backlog(self) -> tuple[int, int, int]:
        """Return (entries, bytes, claimed time of the oldest in ms or 0) that the centre has not acknowledged."""
        statement = """SELECT COUNT(*), COALESCE(SUM(length(e.envelope) + COALESCE(length(e.body), 0)), 0) FROM entry e, sync s
                       WHERE e.chain IS NOT NULL AND (e.epoch, e.seq) > (s.acked_epoch, s.acked_seq)"""
        count, size = fetch(self._database, statement)[0]
        if not count:
            return 0, 0, 0
        sync = self._sync()
        oldest = self._journal.entries_after(sync["acked_epoch"], sync["acked_seq"], bytes_max=1)
        return count, size, oldest[0].envelope.time if oldest else 0

    def _centre(self) -> NodeCertificate:
        try:
            return directory.newest_certificate(self._database, CENTRE_NODE, self._identity.pin)
        except Refused:  # before the directory has arrived: the certificate that came with the enrolment
            return read_certificate(self._sync()["centre_certificate"], self._identity.pin)

    def _sync(self) -> dict[str, Any]:
        names = [column.name for column in SyncRow._meta.sorted_fields]
        return dict(zip(names, fetch(self._database, f"SELECT {', '.join(names)} FROM sync")[0], strict=True))


def _items(value: Any) -> list[tuple[int, Entry]]:
    if type(value) is not list:
        raise Refused("exchange.down", N_("The centre's answer cannot be read."))
    items = []
    for pair in value:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not int:
            raise Refused("exchange.down", N_("The centre's answer cannot be read."))
        items.append((pair[0], read_entry(pair[1])))
    return items
