"""A node's half of the exchange by hand: everything unacknowledged onto the stick, answers off it (PROTOCOL 11).

    node.client.stick.export(Path("/media/clerk/USB"))     → SOT1/UP1001
    node.client.stick.take(Path("/media/clerk/USB"))       ← SOT1/DN1001; folders of others are carried onward

Line and stick may take turns in any order: every step is the exchange's own, and cursors and positions only grow.
"""

import secrets
from pathlib import Path

from common.clock import Clock
from common.db import IntegerField, Table, create_tables, fetch
from common.errors import N_, CourtError, NotFound, Refused
from sync import container, rotation, stick
from sync.blobs import BlobStore
from sync.downlink import Downlink
from sync.journal import Journal
from sync.link import Link, Outcome
from sync.messages import CURSORS, NONCE_BYTES, Ask, blob_address, pack
from sync.pieces import chunk_count
from sync.position import Position
from sync.stick_in import Copied, folders
from sync.stick_relay import Relay
from sync.uplink import Uplink

READING = "reading"
LACKS_MAX = 50_000
"""Missing files named in one index: two and a half megabytes."""
CHUNK_OVERHEAD_BYTES = 1 << 10
"""What header, seal and signature of a chunk may add."""
NO_ROOM = "stick.no_room"
"""Noted for each file that stays behind because the stick has no room for it; entries never stay behind."""


class StickRow(Table):
    """When this machine last wrote and took a stick; ``made_ms``: when the centre wrote the newest one taken. 0: never."""

    id = IntegerField(primary_key=True)
    exported_ms = IntegerField()
    taken_ms = IntegerField()
    made_ms = IntegerField()

    class Meta:
        table_name = "stick"


class NodeStick:
    """One node's sticks. ``folder``: the machine's, with its keys and a place for what is being read and carried for others."""

    def __init__(self, link: Link, journal: Journal, up: Uplink, down: Downlink, blobs: BlobStore, folder: Path) -> None:
        place = folder / "stick"
        self._link = link
        self._journal = journal
        self._up = up
        self._down = down
        self._blobs = blobs
        self._place = place
        self._folder = folder
        self._clock: Clock = journal.clock
        self.relay = Relay(place / "carried", link.identity, link.database)

    def start(self) -> None:
        """Create what is missing."""
        create_tables(self._link.database, [StickRow])
        statement = "INSERT OR IGNORE INTO stick (id, exported_ms, taken_ms, made_ms) VALUES (1, 0, 0, 0)"
        fetch(self._link.database, statement)

    def export(self, medium: Path) -> Outcome:
        """Write everything the centre has not acknowledged; once this returns the stick may be pulled out.

        Raises Refused("stick.full"/"stick.rot"/…) or Unreachable("stick.gone"), and then nothing on the stick counts.
        """
        outcome = self._link.outcome = Outcome()
        wanted = self._up.files.unfinished()
        total = self._up.backlog()[1] + sum(size for _, size, _ in wanted)
        identity, centre = self._link.identity, self._link.centre()
        writer = stick.Writer(medium, stick.up_name(identity.node), identity, centre, self._link.progress, total)
        try:
            for data in self._up.unacknowledged():
                writer.add(data)
            for sha256, size, _ in wanted:
                if not self._blobs.vouch(sha256):
                    outcome.problems.append("blob.rot")
                    continue
                if writer.room() < size + CHUNK_OVERHEAD_BYTES * (chunk_count(size) + 1):
                    outcome.problems.append(NO_ROOM)
                    continue
                outcome.blobs_up += 1
                for chunk in range(chunk_count(size)):
                    about = {"nonce": secrets.token_bytes(NONCE_BYTES), "sha256": sha256, "size": size, "chunk": chunk}
                    writer.add(container.write_container("chunk", about, self._blobs.chunk(sha256, chunk), identity, centre))
            outcome.bytes_up = writer.finish(self._index)
        finally:
            writer.close()
        outcome.entries_up = self._up.backlog()[0]
        self.relay.put_on(medium)
        fetch(self._link.database, "UPDATE stick SET exported_ms = ?", (self._clock.now(),))
        return outcome

    def _index(self, files: list[stick.Piece]) -> stick.UpIndex:
        state, at = self._link.state(), self._journal.position()
        node = self._link.identity.node
        epochs = fetch(self._link.database, "SELECT DISTINCT epoch FROM entry WHERE node = ? ORDER BY epoch", (node,))
        return stick.UpIndex(
            made_ms=self._clock.now(),
            files=files,
            epoch=at.epoch,
            seq=at.seq,
            head=at.head,
            recovering=self._journal.recovering(),
            own=[[epoch, self._down.last_own(epoch)] for (epoch,) in epochs],
            ask=Ask(nonce=secrets.token_bytes(NONCE_BYTES), **{name: state[name] for name in CURSORS}),
            lacks=[stick.Piece(sha256, size) for sha256, size, _ in self._down.wanted()[:LACKS_MAX]],
            rotate=self._rotation(),
        )

    def _rotation(self) -> bytes:
        """Return a request for the next certificate: the centre knows by its own clock whether one is due."""
        who = self._link.identity
        keys = rotation.next_keys(self._folder, who)
        return pack(rotation.write_request(keys, who, nonce=secrets.token_bytes(NONCE_BYTES), token=b""), who)

    def _take_certificate(self, certificate: bytes) -> None:
        """Speak under the certificate that came by hand from the next entry on; the same one again changes nothing."""
        if not certificate or certificate == self._link.identity.certificate.data:
            return
        try:
            with self._journal.unit():  # nobody writes meanwhile: every entry belongs to one era
                at = self._journal.position()
                rotation.take(self._folder, self._link.identity, certificate, (at.epoch, at.seq + 1))
        except CourtError as error:  # of an old stick, or not over the keys that wait here
            if error.status >= 500:
                raise
            self._link.outcome.problems.append(error.code)

    def take(self, medium: Path) -> Outcome:
        """Take what the centre sent to this machine, and carry onward what is for others.

        Raises NotFound("stick.empty"), Refused("stick.not_ours") where there is nothing for this machine, and what a
        broken stick is refused with; what was verified before stays.
        """
        outcome = self._link.outcome = Outcome()
        mine, found = stick.down_name(self._link.identity.node), folders(medium)
        others = [name for name in found if name not in (mine, stick.up_name(self._link.identity.node))]
        carried = [name for name in others if self._carry(medium, name)]
        if mine not in found:
            if carried:
                return outcome
            raise NotFound("stick.not_ours", N_("There is nothing for this machine on the stick: the centre has not written to it yet."))
        reading = self._place / READING
        with Copied.of(
            medium,
            mine,
            reading,
            reader=self._link.identity,
            database=self._link.database,
            progress=self._link.progress,
            centre=self._link.centre(),
        ) as copied:
            index = copied.index(stick.DownIndex)
            for number, data in enumerate(copied.containers()):
                self._link.progress("stick_take", number, 0)
                with stick.stick_errors(machine=True):
                    self._take_one(data, copied)
        outcome.problems += copied.problems
        self._conclude(index)
        self._take_certificate(index.rotated)
        self._blobs.bury()
        # an old stick that comes late makes nothing newer
        statement = "UPDATE stick SET taken_ms = ?, made_ms = MAX(made_ms, ?)"
        fetch(self._link.database, statement, (self._clock.now(), index.made_ms))
        return outcome

    def _carry(self, medium: Path, name: str) -> bool:
        try:
            self.relay.carry(medium, name)
        except CourtError as error:
            if error.status >= 500:
                raise
            self._link.outcome.problems.append(error.code)
            return False
        self._link.outcome.carried += 1
        return True

    def _take_one(self, data: bytes, copied: Copied) -> None:
        try:
            header, sealed = container.read_header(data, copied.author.sign_key, self._link.identity.environment)
            payload = container.open_payload(header, sealed, self._link.identity)
            match header.kind:
                case "down":
                    self._down.take_carried(payload)
                case "own":
                    self._down.take_own(payload)
                case "chunk":
                    self._take_chunk(header, payload)
                case _:
                    raise Refused("container.kind", N_("A bundle is of another kind than expected."))
        except CourtError as error:
            if error.status >= 500:
                raise
            copied.problems.append(error.code)

    def _take_chunk(self, header: container.Header, payload: bytes) -> None:
        piece = blob_address(header.about)
        named = "SELECT 1 FROM blob_ref WHERE sha256 = ? AND size = ? LIMIT 1"
        if self._blobs.has(piece.sha256) or not fetch(self._link.database, named, (piece.sha256, piece.size)):
            return
        if self._blobs.pieces.put_chunk(piece.sha256, piece.size, piece.chunk, payload):
            self._link.outcome.blobs_down += 1

    def _conclude(self, index: stick.DownIndex) -> None:
        """Note where the centre stands with this machine, as a welcome over the line would say."""
        at = Position(index.epoch, index.seq, index.head)
        if self._up.diverged(at):
            reason = "restored" if (at.epoch, at.seq) > (self._journal.position().epoch, self._journal.position().seq) else "fork"
            self._journal.open_epoch(reason, after=max(at.epoch, self._journal.position().epoch), last_seq=at.seq)
            return
        self._up.acknowledged_by_hand(at)
        self._up.files.note_lacked(index.lacks)
        current = self._journal.position().epoch
        # that the centre knows this epoch proves that it answers after the restore, and that the older ones are final
        if self._journal.recovering() and index.recovering and index.epoch == current and self._down.own_held(index.own):
            self._journal.recovered()
