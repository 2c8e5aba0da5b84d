"""A node's half of the exchange (PROTOCOL 6): hello, up, down, files; resumable at every step, harmless when repeated.

    outcome = Client(journal, identity, blobs, transport, folder=folder).exchange()

Whatever cuts it off, the next exchange begins with where both sides really stand. `Client` decides; the line itself is
`link`, the two ways are `uplink` and `downlink`. Errors are raised to the caller, who decides when to try again:
`Unreachable` soon, `Forbidden` when a person has acted, everything else is shown.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from common.clock import Clock
from common.db import Table, create_tables, fetch, insert, passing
from common.errors import N_, Conflict, CourtError, Forbidden, Refused, Unreachable
from sync import absent, filling, lineage_node, merkle, ports, receipts, revocations, rotation, stick_line, witness
from sync.blobs import BlobStore
from sync.downlink import Downlink, Unneeded
from sync.identity import Identity
from sync.journal import Journal
from sync.lanes import Lanes
from sync.lineage import Lineage, number_of
from sync.lineage_node import Follower, Offer
from sync.link import REVOKED_SENTENCE, Health, Link, Outcome, Progress, SyncRow
from sync.messages import AHEAD, BASES_PROTOCOL, NONCE_BYTES, PROTOCOL, PROVE, REVOKED, TWIN, Hello, Rotated, Welcome, check_nonce, pack
from sync.position import Position
from sync.stick_node import NodeStick
from sync.uplink import OutBundleRow, Uplink
from sync.uplink_files import ASK_AGAIN_MS, LackedRow

FILES_SEEN = """SELECT (SELECT MAX(rowid) FROM blob_ref), (SELECT MAX(rowid) FROM blob), (SELECT MAX(rowid) FROM logged),
                       (SELECT COUNT(*) FROM damaged), (SELECT COUNT(*) FROM lacked), (SELECT MAX(rowid) FROM admitted_here),
                       (SELECT COUNT(*) FROM requested)"""
"""What changes when an entry that names files, a file, or a receipt that lets files be sent has come, a file got damaged, or a
recording was asked for."""
TABLES: tuple[type[Table], ...] = (SyncRow, OutBundleRow, LackedRow, *receipts.TABLES)


class Client:
    """One node's line to the centre, and its sticks; ``folder``: this machine's own, for keys and what comes on sticks."""

    def __init__(
        self,
        journal: Journal,
        identity: Identity,
        blobs: BlobStore,
        transport: ports.Transport,
        *,
        folder: Path,
        health: Callable[[], Health] = Health,
        unneeded: Unneeded = frozenset,
        lanes: int = 1,
    ) -> None:
        self._journal = journal
        self._database = journal.database
        self._health = health
        self._clock: Clock = journal.clock
        self._folder = folder
        self._files_at_rest: list[Any] = []
        self._rest_until = 0
        self._transport = transport
        self._blobs = blobs
        self._link = Link(self._database, identity, transport)
        self._link.monotonic = journal.clock.monotonic
        self._down = Downlink(self._link, journal, blobs, unneeded)
        self._lanes = Lanes(lanes)
        self._up = Uplink(self._link, journal, blobs, self._lanes, self._down.take_receipt)
        self._follower = Follower(self._link, journal)
        self.stick = NodeStick(self._link, journal, self._up, self._down, blobs, folder)

    def report_progress(self, progress: Progress) -> None:
        """Tell ``progress`` (step, done, total) what an exchange is doing."""
        self._link.progress = progress

    def start(self, centre_certificate: bytes) -> None:
        """Create what is missing; ``centre_certificate`` came with the enrolment."""
        create_tables(self._database, TABLES)
        absent.create(self._database)
        self.stick.start()
        self._blobs.bury()
        revocations.create(self._database)
        witness.create_at_machine(self._database)
        if not fetch(self._database, "SELECT 1 FROM sync"):
            row: dict[str, Any] = dict.fromkeys(("everyone", "feed", "complete", "size", "tried_ms", "contact_ms", "acked_seq"), 0)
            row |= {"id": 1, "token": b"", "acked_epoch": 1, "receipted_epoch": 0, "receipted_seq": 0, "root": merkle.EMPTY_ROOT}
            row |= {"note": b"", "down_since_ms": None, "state": "", "centre_certificate": centre_certificate}
            insert(self._database, SyncRow, [row])
        self._follower.start()
        filling.create(self._database, self._clock.now())

    def recall(self, sha256: bytes, size: int) -> None:
        """Get one file back now, beside whatever exchange is under way; raises Unreachable and what the centre refuses with."""
        link = Link(self._database, self._link.identity, self._transport)
        Downlink(link, self._journal, self._blobs, frozenset).fetch_blob(sha256, size)

    def offer(self) -> Offer | None:
        """Return the new log of the register that waits for a person's decision, or None."""
        return lineage_node.offer(self._link)

    def accept(self, number: int, *, by: bytes) -> None:
        """Follow log ``number`` from the next exchange on, by the decision of the holder of certificate ``by`` (SHA-256)."""
        lineage_node.accept(self._link, number, by=by, now=self._clock.now())

    def follow_by_hand(self, data: bytes, *, by: bytes) -> Lineage:
        """Go over to the log of a statement that was carried here, by a person's decision; raises as `Follower.take`."""
        return self._follower.take_by_hand(data, by=by)

    def backlog(self) -> tuple[int, int, int]:
        """Return (entries, bytes, claimed time of the oldest in ms or 0) that the centre has not acknowledged."""
        return self._up.backlog()

    @property
    def outcome(self) -> Outcome:
        """What the exchange under way, or else the last one, has done."""
        return self._link.outcome

    def exchange(self) -> Outcome:
        """Run one exchange to its end; raises Unreachable, Forbidden, Conflict or Refused with everything so far kept."""
        self._link.outcome, self._link.refused_head = Outcome(), b""
        now = self._clock.now()
        self._note("UPDATE sync SET tried_ms = ?", now)
        try:
            self._run()
        except CourtError as error:
            self._link.outcome.state = error.code
            self._note_failure(error, now)
            if error.code.startswith("line."):
                with suppress(CourtError):  # what cannot be made now is made when it is sent
                    self._up.prepare()
            raise
        self._note("UPDATE sync SET contact_ms = ?, down_since_ms = NULL, state = ''", self._clock.now())
        return self._link.outcome

    def _note(self, statement: str, *values: object) -> None:
        """Write down how the line fares: an idle exchange of every court waits for the disk only where something is promised."""
        with passing(self._database):
            fetch(self._database, statement, values)

    def _note_failure(self, error: CourtError, now: int) -> None:
        down = now if isinstance(error, Unreachable) else None
        statement = """UPDATE sync SET state = ?1,
                       down_since_ms = CASE WHEN ?2 IS NULL THEN NULL ELSE COALESCE(down_since_ms, ?2) END"""
        self._note(statement, error.code, down)
        if self._link.refused_head or error.code in ("log.ahead", "lineage.other"):
            witness.keep_refused(self._database, error.code, self._link.refused_head, now)

    def _run(self) -> None:
        welcome = self._hello()
        if self._up.diverged(Position(welcome.epoch, welcome.seq, welcome.head)):
            self._up.offer_evidence()
            welcome = self._begin_anew("restored" if welcome.state == AHEAD else "fork", welcome)
        try:
            sent = self._up.send_bundles(Position(welcome.epoch, welcome.seq, welcome.head))
        except Conflict as error:
            if error.code != "bundle.fork":
                raise
            # somebody wrote another branch with this machine's key: the epoch takes nothing more, and the centre has kept ours
            welcome = self._begin_anew("fork", welcome)
            sent = self._up.send_bundles(Position(welcome.epoch, welcome.seq, welcome.head))
        recovering = self._journal.recovering()
        if welcome.rotate:
            self._rotate(welcome.token)
        if recovering:
            self._down.fetch_own(welcome.own)
        if recovering or welcome.news or (sent and self._up.expects_news) or filling.is_filling(self._database):
            self._down.receive_news()
        self._exchange_files()
        stick_line.forward(self._link, self._up.slicer, self.stick.relay)

    def _begin_anew(self, reason: str, welcome: Welcome) -> Welcome:
        """Open a new epoch, and say hello in it."""
        self._journal.open_epoch(reason, after=max(welcome.epoch, self._journal.position().epoch), last_seq=welcome.seq)
        return self._hello()

    def _exchange_files(self) -> None:
        """Send, bury and fetch files. What is to be sent or fetched is found among all there ever were, so it is not looked for
        while nothing has come that could change the answer: an idle exchange costs the same after a year."""
        now, seen = self._clock.monotonic(), fetch(self._database, FILES_SEEN)
        rests = self._files_at_rest == seen and now < self._rest_until
        asked = not rests and self._up.files.send()
        if asked:
            self._down.receive_news()  # R2 of what has just become whole
        self._blobs.bury()
        if not rests:
            wanted = self._down.fetch_blobs()
            recorded = self._exchange_recordings()
            self._files_at_rest = [] if asked or wanted or recorded else seen
            self._rest_until = now + ASK_AGAIN_MS

    def _exchange_recordings(self) -> bool:
        """Send and fetch recordings, after all else and for a while (PROTOCOL 7.11); return whether there were any."""
        sent = self._up.files.send_recordings()
        if sent:
            self._down.receive_news()  # R2 again
        return self._down.fetch_blobs(recordings=True) or sent

    def _rotate(self, token: bytes) -> None:
        """Renew this machine's certificate; a refusal is noted and delays nothing else (PROTOCOL 2.10)."""
        request = rotation.write_request(
            rotation.next_keys(self._folder, self._link.identity), self._link.identity, nonce=secrets.token_bytes(NONCE_BYTES), token=token
        )
        try:
            rotated = self._link.ask(ports.ROTATE, request, Rotated)
            check_nonce(request.nonce, rotated.nonce)
            with self._journal.unit():  # nobody writes meanwhile: every entry belongs to one era
                at = self._journal.position()
                rotation.take(self._folder, self._link.identity, rotated.certificate, (at.epoch, at.seq + 1))
        except Unreachable:
            raise
        except CourtError as error:
            self._link.outcome.problems.append(error.code)

    def _hello(self, challenge: bytes = b"") -> Welcome:
        hello, welcome = self._ask_hello(challenge)
        check_nonce(hello.nonce, welcome.nonce)
        self._link.protocol = welcome.protocol
        welcome = welcome if welcome.head else msgspec.structs.replace(welcome, head=hello.head)
        if welcome.state == REVOKED:
            self._up.offer_evidence()
            self._up.files.offer()
            raise Forbidden("node.revoked", REVOKED_SENTENCE)
        if welcome.state == TWIN:
            raise Forbidden("node.twin", N_("A copy of this machine seems to be running elsewhere. A person at the centre must decide."))
        if welcome.state == PROVE:
            if challenge:
                raise Refused("exchange.prove", N_("The centre asks the same question again. It will be tried again."))
            return self._hello(welcome.challenge)
        with self._journal.unit():
            if hello.cosigned:
                witness.delivered(self._database, hello.size)
            if welcome.note:
                self._link.accept_checkpoint(welcome.note, welcome.consistency)
            self._up.keep_ready(Position(welcome.epoch, welcome.seq, welcome.head))
            self._up.files.note_lacked(welcome.lacks)
            fetch(self._database, "UPDATE sync SET token = ?", (welcome.token,))
            self._journal.count_turn()
        return welcome

    def _ask_hello(self, challenge: bytes) -> tuple[Hello, Welcome]:
        """Say hello, under the newest log of the register that this machine may follow."""
        cures = {"log.lineage": self._follow, "node.unknown": self._follower.introduce}
        while True:
            try:
                hello = self._write_hello(challenge)
                return hello, self._link.read(self._say(hello), Welcome)
            except Refused as error:
                cure = cures.pop(error.code, None)  # each once: what it does not cure is said
                if cure is None:
                    raise
            cure()

    def _say(self, hello: Hello) -> bytes:
        """Post a hello; where there is something to send and the line was up, its bundle is made meanwhile, once it is known what the
        centre reads."""
        self._up.drop_ready()  # an exchange that ended before its welcome may have left one, and another is on its way since
        request = pack(hello, self._link.identity)
        sends = hello.backlog and not hello.recovering and self._link.state()["down_since_ms"] is None
        if sends and self._link.protocol >= BASES_PROTOCOL and self._lanes.beside_each_other:
            return self._lanes.beside(lambda: self._link.post(ports.HELLO, request), self._get_ready)
        return self._link.post(ports.HELLO, request)

    def _get_ready(self) -> None:
        with suppress(CourtError):  # what cannot be made now is made when it is sent, and the answer to the hello has come by then
            self._up.get_ready()

    def _follow(self) -> None:
        self._follower.follow()
        self._files_at_rest = []
        self._up.files.forget()

    def _write_hello(self, challenge: bytes) -> Hello:
        state = self._link.state()
        at = self._journal.position()
        backlog, backlog_bytes, oldest = self.backlog()
        health = self._health()
        cursors = {name: state[name] for name in ("token", "size", "everyone", "feed", "complete", "receipted_epoch", "receipted_seq")}
        return Hello(
            node=self._journal.node,
            epoch=at.epoch,
            seq=at.seq,
            head=at.head,
            nonce=secrets.token_bytes(NONCE_BYTES),
            now=self._clock.now(),
            recovering=self._journal.recovering(),
            backlog=backlog,
            backlog_bytes=backlog_bytes,
            oldest_ms=oldest,
            disk_free=health.disk_free,
            quarantine=fetch(self._database, "SELECT COUNT(*) FROM quarantine")[0][0],
            revocations=revocations.number_of(self._database),
            version=health.version,
            challenge=challenge,
            protocol=PROTOCOL,
            cosigned=witness.cosign(self._database, self._link.identity, self._clock.now()),
            lineage=number_of(self._link.identity.pin.origin),
            **cursors,
        )
