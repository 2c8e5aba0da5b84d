"""The line itself: signed messages there and back, what this node knows of the centre, what an exchange did.

What answers without the centre's signature is somebody on the line, not the centre: it is tried again later (faults 5, 31, 32).
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from common.db import BlobField, Database, IntegerField, Table, TextField, fetch
from common.errors import N_, Conflict, CourtError, Forbidden, Refused, TooMany, Unreachable
from common.facts import Body
from sync import container, cose, directory, merkle, ports
from sync.checkpoint import Checkpoint, read_checkpoint
from sync.identity import CENTRE_NODE, Identity, NodeCertificate, read_certificate
from sync.messages import NONCE_BYTES, Ask, M, Refusal, check_nonce, pack, unpack
from sync.quota import wait_of

THIN_BYTES_PER_SECOND = 1 << 17
"""A chunk of a file takes eight seconds there."""
THIN_MS = 2_000
"""What took less says nothing of how thick a line is."""
THIN_STILL_MS = 500
"""What takes no longer than this on a line that was thin says nothing either."""
THIN_FOR_MS = BROKEN_FOR_MS = 600_000
"""Then it is tried anew."""


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


STATE_NAMES = tuple(column.name for column in SyncRow._meta.sorted_fields)
READ_STATE = f"SELECT {', '.join(STATE_NAMES)} FROM sync"


@dataclass(slots=True)
class Outcome:
    """What one exchange did; bytes count bodies of requests and answers."""

    state: str = ""
    entries_up: int = 0
    entries_down: int = 0
    blobs_up: int = 0
    blobs_down: int = 0
    receipts: int = 0
    pieces: int = 0
    """Chunks of files, both ways, and slices of what goes in slices."""
    carried: int = 0
    """Folders of a stick taken along for others."""
    forwarded: int = 0
    """Of those, how many went on to the centre over the line."""
    trips: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    goes_on: bool = False
    """Recordings are under way, and the next exchange may follow at once."""
    retry_seconds: int = 0
    """The centre asked to wait so long before more is sent."""
    problems: list[str] = field(default_factory=list)

    def moved(self) -> bool:
        """Return whether anything got through for good."""
        return bool(self.entries_up or self.entries_down or self.receipts or self.pieces)

    def add(self, before: "Outcome") -> None:
        """Count what an earlier try did that the line cut off."""
        for name in (
            "entries_up",
            "entries_down",
            "blobs_up",
            "blobs_down",
            "receipts",
            "pieces",
            "forwarded",
            "trips",
            "bytes_up",
            "bytes_down",
        ):
            setattr(self, name, getattr(self, name) + getattr(before, name))


@dataclass(frozen=True, slots=True)
class Health:
    """What a node tells the centre of itself beside its position."""

    disk_free: int = 0
    version: str = ""


Progress = Callable[[str, int, int], None]


class Link:
    """One node's signed conversation with the centre."""

    def __init__(self, database: Database, identity: Identity, transport: ports.Transport) -> None:
        self.database = database
        self.identity = identity
        self._transport = transport
        self._counting = threading.Lock()  # several lanes may be on the way
        self.progress: Progress = lambda step, done, total: None
        self.outcome = Outcome()
        self.monotonic: Callable[[], int] = lambda: 0
        """The machine's clock (ms), to tell a thin line by."""
        self._thin_until = self._broken_until = 0
        self.answered = self._answered_before = 0
        """Requests that the centre answered with what was asked for: the line works, or did a moment ago."""
        self.protocol = 1
        """What the centre understands, by its last welcome."""
        self.refused_head = b""
        """The head of the register that this exchange had to refuse, as signed."""

    def state(self) -> dict[str, Any]:
        """Return the row of `SyncRow`."""
        return dict(zip(STATE_NAMES, fetch(self.database, READ_STATE)[0], strict=True))

    def centre(self) -> NodeCertificate:
        """Return the centre's newest certificate: of the directory, or the one that came with the enrolment."""
        try:
            return directory.newest_certificate(self.database, CENTRE_NODE, self.identity.pin)
        except Refused:  # before the directory has arrived
            return read_certificate(self.state()["centre_certificate"], self.identity.pin)

    def post(self, path: str, body: bytes) -> bytes:
        """Return the answer to one request; raises what the centre refuses with, or Unreachable."""
        with self._counting:
            self.outcome.trips += 1
            self.outcome.bytes_up += len(body)
        started = self.monotonic()
        try:
            status, answer = self._transport.post(path, body)
        except Unreachable as error:
            self._note_break(error)
            raise
        finally:
            self._measure(len(body), self.monotonic() - started)
        with self._counting:
            self.outcome.bytes_down += len(answer)
            self.answered += status == ports.OK
        if status == ports.OK:
            return answer
        raise self._refused(answer)

    def _note_break(self, error: Unreachable) -> None:
        """Note that the line broke while it was used; one that does not come about at all says nothing of what it will be like."""
        if error.code == "line.down" and self.answered != self._answered_before:
            self._answered_before = self.answered
            self._broken_until = self.monotonic() + BROKEN_FOR_MS

    def _measure(self, count: int, took_ms: int) -> None:
        """Note whether ``count`` bytes there, and the answer or the end of the line, took longer than on a line that is not thin."""
        if took_ms > (THIN_STILL_MS if self.is_thin else THIN_MS) and count * 1000 < took_ms * THIN_BYTES_PER_SECOND:
            self._thin_until = self.monotonic() + THIN_FOR_MS

    @property
    def is_thin(self) -> bool:
        """Whether a chunk would be on the line for so long that a cut in it costs much."""
        return self.monotonic() < self._thin_until

    @property
    def is_poor(self) -> bool:
        """Whether what is sent whole is likely to be sent in vain: the line is thin, or broke a while ago."""
        return self.is_thin or self.monotonic() < self._broken_until

    def count_piece(self) -> None:
        """Count a chunk that the other side has for good."""
        with self._counting:
            self.outcome.pieces += 1

    def wait(self, error: TooMany) -> None:
        """Note that the centre wants no more of this now; the rest of the exchange goes on."""
        self.outcome.retry_seconds = max(self.outcome.retry_seconds, wait_of(error))
        self.outcome.problems.append(error.code)

    def ask(self, path: str, message: Body, kind: type[M]) -> M:
        """Return the centre's signed answer to ``message``."""
        return self.read(self.post(path, pack(message, self.identity)), kind)

    def read(self, answer: bytes, kind: type[M], centre: NodeCertificate | None = None) -> M:
        """Return a message that the centre signed, whose certificate the caller may have; raises Unreachable("line.stranger") for
        what it did not sign, and Refused."""
        try:
            return unpack(cose.parse(answer), kind, (centre or self.centre()).sign_key, self.identity.environment)
        except Refused as error:
            if error.code.startswith("cose."):  # a captive portal, a proxy that alters: a broken line and nothing else
                raise Unreachable("line.stranger", STRANGER_SENTENCE) from error
            raise

    def ask_container(self, ask: Ask, kind: str) -> bytes:
        """Return the payload of the container that answers ``ask``, whose nonce is made here."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        values = {name: getattr(ask, name) for name in ask.__struct_fields__} | {"nonce": nonce}
        return self.open(self.post(ports.DOWN, pack(Ask(**values), self.identity)), kind, nonce)

    def open(self, data: bytes, kind: str, nonce: bytes) -> bytes:
        """Return the payload of a container of the centre; raises Refused when it answers another question."""
        header, sealed = container.read_header(data, self.centre().sign_key, self.identity.environment)
        if header.kind != kind:
            raise Refused("container.kind", N_("A bundle is of another kind than expected."))
        check_nonce(nonce, header.about.get("nonce", b""))
        return container.open_payload(header, sealed, self.identity)

    def size_of(self, note: bytes) -> int:
        """Return the size of a head of the register; raises Refused("checkpoint.…") where the log did not sign it."""
        pin = self.identity.pin
        return read_checkpoint(note, pin.origin, pin.log_key, origin=pin.origin).size

    def accept_checkpoint(self, note: bytes, consistency: list[bytes]) -> Checkpoint:
        """Verify that the register's head extends the one we have; raises Refused("proof.…"/"checkpoint.…"), keeping ours."""
        ours, pin = self.state(), self.identity.pin
        fresh = read_checkpoint(note, pin.origin, pin.log_key, origin=pin.origin)
        self.refused_head = note  # until it proves to extend ours
        if fresh.size < ours["size"]:
            raise Refused("checkpoint.rolled_back", N_("The central register shows an older state than before. Nothing is taken from it."))
        merkle.verify_consistency(ours["size"], ours["root"], fresh.size, fresh.root, consistency)
        self.refused_head = b""
        fetch(self.database, "UPDATE sync SET size = ?, root = ?, note = ?", (fresh.size, fresh.root, note))
        return fresh

    def accept_carried(self, note: bytes, consistency: list[bytes], since: int) -> Checkpoint | None:
        """Take over a head that came by hand, with a proof from size ``since``; None where it cannot be held against ours.

        The line may have brought another one meanwhile: then the proof says nothing, the head stays aside, and what
        stands beside it is taken none the less, for the centre signed it (PROTOCOL 11.10).
        """
        ours, pin = self.state(), self.identity.pin
        fresh = read_checkpoint(note, pin.origin, pin.log_key, origin=pin.origin)
        if fresh.size == ours["size"]:
            return self.accept_checkpoint(note, [])
        return self.accept_checkpoint(note, consistency) if since == ours["size"] else None

    def _refused(self, answer: bytes) -> CourtError:
        try:
            refusal = self.read(answer, Refusal)
        except (Refused, Unreachable):
            return Unreachable("line.stranger", STRANGER_SENTENCE)
        sentence = N_("The centre refused a message (%(code)s).")
        if refusal.code in ("exchange.quota", "exchange.busy"):
            return TooMany(refusal.code, N_("The centre asks this machine to wait for %(seconds)d seconds."), seconds=refusal.retry)
        if refusal.code == "node.revoked":
            return Forbidden(refusal.code, REVOKED_SENTENCE)
        if refusal.code.startswith("bundle."):
            return Conflict(refusal.code, sentence, code=refusal.code)
        return Refused(refusal.code, sentence, code=refusal.code)


STRANGER_SENTENCE = N_("Something on the line answers in place of the centre. It will be tried again.")
REVOKED_SENTENCE = N_("This machine's certificate has been revoked. What it sends is kept as evidence.")
