"""The centre's half of the exchange by hand: bundles and files off the stick, answers onto it (PROTOCOL 11).

    sticks.take(Path("/media/usb"))            ← every SOT1/UPnnnn
    sticks.export(Path("/media/usb"))          → SOT1/DNnnnn of each machine whose folder is on this stick

What a machine last said of itself by hand is kept, so that a machine without any line gets what it lacks.
"""

import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.db import BlobField, Database, IntegerField, Table, create_tables, fetch
from common.errors import N_, CourtError, NotFound
from common.facts import decode_body, encode_body
from sync import container, delivery, directory, recordings, stick
from sync.checkpoint import read_checkpoint
from sync.entry import read_entry
from sync.identity import Identity, NodeCertificate
from sync.messages import NONCE_BYTES, Ask, Down, blob_address
from sync.news import news_for, own_after, own_epochs
from sync.pieces import chunk_count
from sync.server import Server
from sync.stick_in import Copied, folders
from sync.stick_node import CHUNK_OVERHEAD_BYTES, NO_ROOM

COMPLETE_AT_ONCE = 5_000
"""Statements of R2 that one downlink holds."""
NAMED_BLOBS = "SELECT r.sha256, r.size, r.media FROM entry e JOIN blob_ref r ON r.leaf = e.leaf WHERE e.log_index = ?"


class StickContactRow(Table):
    """What a machine last said of itself by hand: `stick.UpIndex` as it came, and under which certificate; times in ms UTC."""

    node = IntegerField(primary_key=True)
    key_id = BlobField()
    data = BlobField()
    made_ms = IntegerField()
    taken_ms = IntegerField()

    class Meta:
        table_name = "stick_contact"


@dataclass(slots=True)
class Moved:
    """What one machine's folder held, or what was written for it."""

    node: int
    entries: int = 0
    repeated: int = 0
    blobs: int = 0
    bytes: int = 0
    renewed: bool = False
    """Whether the folder brings the machine its next certificate."""
    due: bool = False
    """Whether it should have, and a person must name the machine for that."""
    problems: list[str] = field(default_factory=list)


class CentreStick:
    """The centre's sticks. ``place``: a folder of this machine for what is being read."""

    def __init__(self, server: Server, identity: Identity, place: Path) -> None:
        self._server = server
        self._register = server.register
        self._database: Database = server.register.database
        self._identity = identity
        self._place = place
        self._busy = threading.Lock()
        self.progress: stick.Progress = lambda step, done, total: None

    def start(self) -> None:
        """Create the table."""
        create_tables(self._database, [StickContactRow])

    def take(self, medium: Path) -> list[Moved]:
        """Take everything machines sent; raises NotFound("stick.empty"/"stick.not_ours") and what a lost stick raises."""
        with self._busy:
            moved = [self._take_folder(medium, name) for name in folders(medium) if name.startswith(stick.UP)]
        if not moved:
            raise NotFound("stick.not_ours", N_("There is nothing for the centre on this stick."))
        return moved

    def _take_folder(self, medium: Path, name: str) -> Moved:
        moved = Moved(int(name[2:]))
        try:
            with Copied.of(medium, name, self._place, reader=self._identity, database=self._database, progress=self.progress) as copied:
                index = copied.index(stick.UpIndex)
                moved.bytes = sum(each.size for each in index.files)
                for number, data in enumerate(copied.containers()):
                    self.progress("stick_take", number, 0)
                    with stick.stick_errors(machine=True):
                        self._take_one(data, moved)
            moved.problems += copied.problems
        except CourtError as error:
            if error.status >= 500:
                raise
            moved.problems.append(error.code)
            return moved
        self._remember(moved.node, copied.author, index)
        return moved

    def _take_one(self, data: bytes, moved: Moved) -> None:
        try:
            signed, _, _ = container.split_container(data)
            author = directory.certificate_of(self._database, signed.key_id, self._identity.pin)
            header, _ = container.read_header(data, author.sign_key, self._identity.environment)
            if header.kind == "chunk":
                known = self._server.blobs.has(blob_address(header.about).sha256)
                moved.blobs += self._server.take_chunk(data)[1] and not known
                return
            fresh = self._server.take_bundle(data).fresh
            moved.entries += fresh
            moved.repeated += not fresh
        except CourtError as error:
            if error.status >= 500:
                raise
            moved.problems.append(error.code)

    def _remember(self, node: int, author: NodeCertificate, index: stick.UpIndex) -> None:
        statement = """INSERT INTO stick_contact (node, key_id, data, made_ms, taken_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (node) DO UPDATE SET key_id = ?2, data = ?3, made_ms = ?4, taken_ms = ?5"""
        fetch(self._database, statement, (node, author.key_id, encode_body(index), index.made_ms, self._register.clock.now()))

    def known(self) -> dict[int, int]:
        """Return the machines that ever came by hand, each with when (ms UTC)."""
        return dict(fetch(self._database, "SELECT node, taken_ms FROM stick_contact ORDER BY node"))

    def export(self, medium: Path, nodes: Sequence[int] = ()) -> list[Moved]:
        """Write what each machine lacks: ``nodes``, or those whose folder is on this stick.

        Who names a machine answers for giving the stick to its court, also where its certificate has run out meanwhile.
        Raises NotFound("stick.nobody") when that is nobody, Forbidden("node.revoked"/"certificate.old"),
        Refused("stick.full"/…) or Unreachable("stick.gone").
        """
        with self._busy:
            chosen = list(nodes) or [int(name[2:]) for name in folders(medium) if name.startswith(stick.UP)]
            if not chosen:
                raise NotFound("stick.nobody", N_("No machine has written to this stick. Say for which one it is."))
            self._server.register.fold_pending()
            return [self._export_one(medium, node, named=bool(nodes)) for node in chosen]

    def _export_one(self, medium: Path, node: int, *, named: bool) -> Moved:
        certificate = self._certificate(node)
        self._server.check_standing(certificate)
        if not named:
            self._server.check_in_force(certificate)
        asked, moved = self._asked(node), Moved(node)
        rotated = self._rotated(node, asked.rotate, moved, named=named)
        writer = stick.Writer(medium, stick.down_name(node), self._identity, certificate, self.progress, 0)
        try:
            wanted = {(each.sha256, each.size) for each in asked.lacks}
            if asked.recovering:
                self._write_own(writer, certificate, asked)
            for down in self._news(node, asked.ask):
                moved.entries += len(down.everyone) + len(down.feed)
                wanted |= {blob for item in (*down.everyone, *down.feed) for blob in self._pushed(item.index)}
                writer.add(container.write_container("down", {}, encode_body(down), self._identity, certificate))
            self._write_blobs(writer, certificate, wanted, moved)
            moved.bytes = writer.finish(lambda files: self._index(node, asked, files, rotated))
        finally:
            writer.close()
        return moved

    def _certificate(self, node: int) -> NodeCertificate:
        """Return the certificate whose keys the machine had in hand when it last wrote by hand; the newest before that."""
        rows = fetch(self._database, "SELECT key_id FROM stick_contact WHERE node = ?", (node,))
        if rows:
            return directory.certificate_of(self._database, rows[0][0], self._identity.pin)
        return directory.newest_certificate(self._database, node, self._identity.pin)

    def _asked(self, node: int) -> stick.UpIndex:
        rows = fetch(self._database, "SELECT data FROM stick_contact WHERE node = ?", (node,))
        if rows:
            index: stick.UpIndex = decode_body(rows[0][0], stick.UpIndex)
            return index
        # never heard by hand: it gets everything it may have, and takes what it lacks of it
        return stick.UpIndex(made_ms=0, files=[], epoch=1, seq=0, head=b"", ask=Ask(nonce=b""))

    def _write_own(self, writer: stick.Writer, certificate: NodeCertificate, asked: stick.UpIndex) -> None:
        """Give a restored disk back what it lost of its own."""
        node, held = certificate.body.node, {epoch: seq for epoch, seq in asked.own}  # noqa: C416 - pairs are lists here
        for epoch, last in own_epochs(self._database, node):
            seq = held.get(epoch, 0)
            while seq < last and (own := own_after(self._register, node, epoch, seq)).entries:
                writer.add(container.write_container("own", {"epoch": epoch}, encode_body(own), self._identity, certificate))
                seq = read_entry(own.entries[-1].entry).envelope.seq

    def _news(self, node: int, ask: Ask) -> Iterator[Down]:
        pin = self._identity.pin
        while True:
            down = news_for(self._register, node, ask, carried=True)
            yield down
            size = read_checkpoint(down.note, pin.origin, pin.log_key, origin=pin.origin).size
            last = down.receipts[-1] if down.receipts else None
            ask = Ask(
                nonce=b"",
                size=size,
                everyone=down.everyone_at,
                feed=down.feed_at,
                complete=down.complete_at,
                receipted_epoch=last.epoch if last else ask.receipted_epoch,
                receipted_seq=last.last if last else ask.receipted_seq,
            )
            if not down.more and len(down.complete) < COMPLETE_AT_ONCE:
                return

    def _pushed(self, log_index: int) -> Iterator[tuple[bytes, int]]:
        """Yield the files of an entry that go with it unasked: all but recordings (PROTOCOL 7.10)."""
        for sha256, size, media in fetch(self._database, NAMED_BLOBS, (log_index,)):
            if not recordings.is_recording(media):
                yield sha256, size

    def _write_blobs(self, writer: stick.Writer, certificate: NodeCertificate, wanted: set[tuple[bytes, int]], moved: Moved) -> None:
        recorded = {sha256 for sha256, _ in wanted if recordings.is_one(self._database, sha256)}
        for sha256, size in sorted(wanted, key=lambda blob: (blob[0] in recorded, blob[1], blob[0])):
            if not (self._server.blobs.has(sha256) and delivery.may_read_blob(self._database, moved.node, sha256, size)):
                continue
            if not self._server.blobs.vouch(sha256):
                moved.problems.append("blob.rot")
                continue
            if writer.room() < size + CHUNK_OVERHEAD_BYTES * (chunk_count(size) + 1):
                moved.problems.append(NO_ROOM)
                continue
            moved.blobs += 1
            for chunk in range(chunk_count(size)):
                about = {"nonce": secrets.token_bytes(NONCE_BYTES), "sha256": sha256, "size": size, "chunk": chunk}
                data = self._server.blobs.chunk(sha256, chunk)
                writer.add(container.write_container("chunk", about, data, self._identity, certificate))

    def _rotated(self, node: int, request: bytes, moved: Moved, *, named: bool) -> bytes:
        """Return the machine's next certificate where it asked for one and a person named it; say where that is needed."""
        rotated = b""
        try:
            if request and named:
                rotated = self._server.rotate_by_hand(node, request)
            elif request:
                moved.due = self._server.may_rotate(node, request)
        except CourtError as error:  # the answer goes without it
            if error.status >= 500:
                raise
            moved.problems.append(error.code)
        moved.renewed = bool(rotated)
        return rotated

    def _index(self, node: int, asked: stick.UpIndex, files: list[stick.Piece], rotated: bytes) -> stick.DownIndex:
        at = self._register.peer(node)
        return stick.DownIndex(
            made_ms=self._register.clock.now(),
            files=files,
            epoch=at.epoch,
            seq=at.seq,
            head=at.head,
            recovering=asked.recovering,
            own=own_epochs(self._database, node),
            lacks=delivery.damaged_for(self._database, node),
            rotated=rotated,
        )
