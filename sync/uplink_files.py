"""The files on the way up: those of our own entries that the centre lacks, and what got damaged there (PROTOCOL 7).

Chunk by chunk; on a poor line in slices of a chunk, so that a cut costs a second of it and not a whole chunk.
"""

import functools
import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

from common.db import BlobField, Table, fetch, insert, transaction
from common.errors import Forbidden, Refused, TooMany
from sync import container, ports, recordings
from sync.blobs import BlobStore
from sync.identity import NodeCertificate
from sync.journal import Journal
from sync.link import Link
from sync.messages import NONCE_BYTES, Acknowledgement, BlobAsk, BlobHave
from sync.pieces import chunk_count, is_set
from sync.position import Position
from sync.recordings import Step, Turn, is_recording
from sync.slices import Slicer, Upload

ASK_AGAIN_MS = 3_600_000
"""A file that the centre has whole and that is not receipted (R2) is asked about after so long: the centre may have fallen between."""


class LackedRow(Table):
    """A file that got damaged at the centre, as it said last, over whatever carrier."""

    sha256 = BlobField(primary_key=True)

    class Meta:
        table_name = "lacked"


LACKED = "SELECT sha256, size FROM blob WHERE sha256 IN (SELECT sha256 FROM lacked)"  # as a join it reads all blobs
UNRECEIPTED = """SELECT MIN(e.rowid), MAX(e.log_index IS NOT NULL), b.sha256 IS NOT NULL, r.sha256, r.size, r.media FROM entry e
                 CROSS JOIN blob_ref r ON r.leaf = e.leaf LEFT JOIN blob b ON b.sha256 = r.sha256
                 WHERE e.rowid > ? AND e.node = ? AND NOT EXISTS (SELECT 1 FROM complete_here c WHERE c.leaf = e.leaf)
                 GROUP BY r.sha256, r.size, r.media"""  # CROSS: from the newest entries to their files, not through all files there are
Row = tuple[int, int, int, bytes, int, str]
"""First entry, whether one of them is logged, whether the file is here, and what it is."""


class FilesUp:
    """Sends the files of what this node wrote, and gives the centre back what got damaged there."""

    def __init__(self, link: Link, journal: Journal, blobs: BlobStore, slicer: Slicer) -> None:
        self._link = link
        self._slicer = slicer
        self._journal = journal
        self._blobs = blobs
        self._database = link.database
        self._whole: dict[bytes, int] = {}
        """Files that the centre said it has whole, and when (monotonic ms)."""
        self._receipted = self._answered = 0
        """Every own entry up to this row has R2 or names no file; or one that the centre said within the hour that it has."""
        self._withdrawn = 0
        """Of so many objects: where it was less, rows have gone, and those that came since may have their numbers."""
        self._look_again = 0
        self._recordings: list[tuple[bytes, int]] = []
        """Left for the end of the exchange that is under way."""
        self._begun: dict[bytes, bytes] = {}
        """Files that the centre said it lacks, with the chunks it has."""
        self._under_way: dict[tuple[bytes, int], Upload] = {}
        """Chunks that were begun in slices and not ended: only the same bytes go on where they stopped."""
        self._vouched: dict[bytes, int] = {}
        """Files of several chunks that were read whole and found as they should be, and when (monotonic ms)."""

    def begin(self) -> None:
        """Forget which chunks the centre had: they may have come another way since."""
        self._begun.clear()

    def forget(self) -> None:
        """Forget which files the centre has: it may be another one, or one that was set back."""
        self._whole.clear()
        self._begun.clear()
        self._under_way.clear()
        self._vouched.clear()
        self._receipted = self._answered = 0

    def note(self, began: Position, at: Position, ack: Acknowledgement) -> None:
        """Remember which files of entries ``began``…``at`` the centre has, so that they are not asked for one by one."""
        if ack.missing is None:
            return
        statement = """SELECT DISTINCT r.sha256 FROM entry e JOIN blob_ref r ON r.leaf = e.leaf
                       WHERE e.node = ? AND e.chain IS NOT NULL AND e.epoch = ? AND e.seq > ? AND e.seq <= ?"""
        named = fetch(self._database, statement, (self._journal.node, at.epoch, began.seq if began.epoch == at.epoch else 0, at.seq))
        missing = {one.sha256: one.bitmap for one in ack.missing}
        self._begun |= missing
        self._whole |= dict.fromkeys((sha256 for (sha256,) in named if sha256 not in missing), self._journal.clock.monotonic())

    def unfinished(self) -> list[tuple[bytes, int, bool]]:
        """Return (sha256, size, whether it is a recording) of the files that the centre lacks as far as is known here, recordings
        last, the small first: those of our own entries without R2, and what got damaged there.

        Entries before the first one that lacks R2 are not read again: there may be years of them.
        """
        rows, self._receipted = self._unreceipted(self._receipted)
        return self._files(rows)

    def _unreceipted(self, after: int, *, whole_counts: bool = False) -> tuple[list[Row], int]:
        """Return the files of own entries after row ``after`` that lack R2, and the row up to which there are none. ``whole_counts``:
        so does the centre's word that it has a file."""
        stood, withdrawn = fetch(self._database, "SELECT (SELECT MAX(rowid) FROM entry), (SELECT COUNT(*) FROM withdrawn)")[0]
        if self._withdrawn != withdrawn:
            self._receipted = self._answered = after = 0
            self._withdrawn = withdrawn
        rows: list[Row] = fetch(self._database, UNRECEIPTED, (after, self._journal.node))
        if whole_counts:
            rows = [row for row in rows if not self._is_whole(row[3])]
        return rows, min([stood or 0, *(place - 1 for place, *_ in rows)])

    def _is_whole(self, sha256: bytes) -> bool:
        """Return whether the centre said within the hour that it has the file."""
        before = self._journal.clock.monotonic() - ASK_AGAIN_MS
        return self._whole.get(sha256, before) > before

    def _files(self, rows: list[Row]) -> list[tuple[bytes, int, bool]]:
        found = {sha256: (size, is_recording(media)) for *_, here, sha256, size, media in rows if here}
        found |= {sha256: (size, recordings.is_one(self._database, sha256)) for sha256, size in fetch(self._database, LACKED)}
        files = [(sha256, size, recorded) for sha256, (size, recorded) in found.items()]
        return sorted(files, key=lambda one: (one[2], one[1], one[0]))

    def note_lacked(self, files: list[bytes]) -> None:
        """Remember which files the centre says got damaged there: they go with this exchange, or with the next stick."""
        for sha256 in files:
            self._whole.pop(sha256, None)
        if {sha256 for (sha256,) in fetch(self._database, "SELECT sha256 FROM lacked")} == set(files):
            return
        with transaction(self._database):
            fetch(self._database, "DELETE FROM lacked")
            insert(self._database, LackedRow, [{"sha256": sha256} for sha256 in set(files)])

    def send(self) -> bool:
        """Send the files of logged entries that the centre lacks, smallest first, and leave recordings for `send_recordings`; return
        whether there were any to send or to ask about."""
        now = self._journal.clock.monotonic()
        if now >= self._look_again:
            self._whole = {sha256: at for sha256, at in self._whole.items() if self._is_whole(sha256)}  # not all there ever were
            _, self._receipted = self._unreceipted(self._receipted)
            self._answered, self._look_again = self._receipted, now + ASK_AGAIN_MS
        rows, self._answered = self._unreceipted(self._answered, whole_counts=True)
        found = [each for each in self._files([row for row in rows if row[1]]) if not self._is_whole(each[0])]
        self._recordings = [(sha256, size) for sha256, size, recorded in found if recorded]
        wanted = [(sha256, size) for sha256, size, recorded in found if not recorded]
        names = {sha256 for sha256, *_ in found}
        self._under_way = {place: upload for place, upload in self._under_way.items() if place[0] in names}
        self._vouched = {sha256: at for sha256, at in self._vouched.items() if sha256 in names}
        return self._send(wanted)

    def send_recordings(self) -> bool:
        """Send the recordings that `send` has left, for one turn; return whether there were any to send or to ask about."""
        wanted, self._recordings, turn = self._recordings, [], Turn(self._journal.clock)
        sent = self._send(wanted, turn)
        self._link.outcome.goes_on |= turn.over
        return sent

    def _send(self, wanted: list[tuple[bytes, int]], turn: Turn | None = None) -> bool:
        try:
            self._run(wanted, turn)
        except TooMany as error:
            self._link.wait(error)
        except Refused:  # one of them may be another file than its name says
            self._vouched.clear()
            raise
        for (sha256,) in fetch(self._database, "SELECT sha256 FROM lacked") if wanted else ():
            if sha256 in self._whole:
                fetch(self._database, "DELETE FROM lacked WHERE sha256 = ?", (sha256,))
        return bool(wanted)

    def offer(self) -> None:
        """Hand over files of a machine that is not served any more: those that the register has by its entries it still takes."""
        for sha256, size, _ in self.unfinished():
            if self._is_whole(sha256):
                continue
            self._whole[sha256] = self._journal.clock.monotonic()  # asked about again after a while, whatever comes of it
            try:
                self._run([(sha256, size)])
            except (Refused, Forbidden):
                continue  # of an entry that is evidence: until a person admits it there is no place for its files
            except TooMany as error:
                self._link.wait(error)
                return

    def _run(self, wanted: list[tuple[bytes, int]], turn: Turn | None = None) -> None:
        pieces = self._pieces(wanted)
        self._slicer.lanes.run(turn.of(pieces) if turn else pieces)
        if not (turn and turn.over):
            left = [upload for (sha256, _), upload in self._under_way.items() if sha256 in dict(wanted)]
            self._slicer.lanes.run(step for upload in left for step in upload.steps())  # a centre that fell lost some of their slices

    def _pieces(self, wanted: list[tuple[bytes, int]]) -> Iterator[Step]:
        """Yield what sends one chunk, or a slice of one, for every chunk the centre lacks."""
        for place, (sha256, size) in enumerate(wanted):
            self._link.progress("blobs_up", place, len(wanted))
            have = self._begun.pop(sha256, None)
            if have is None:
                asked = BlobAsk(nonce=secrets.token_bytes(NONCE_BYTES), sha256=sha256, size=size)
                answer = self._link.ask(ports.BLOB_HAVE, asked, BlobHave)
                have = answer.bitmap
                if answer.whole:
                    self._whole[sha256] = self._journal.clock.monotonic()
                    self._drop(sha256)
                    continue
            in_slices = self._slicer.in_slices(size)
            if (in_slices or chunk_count(size) != 1) and not self._vouch(sha256):
                self._link.outcome.problems.append("blob.rot")
                self._drop(sha256)
                continue
            self._link.outcome.blobs_up += 1
            for chunk in range(chunk_count(size)):
                if in_slices and not is_set(have, chunk):
                    yield from self._slices_of(sha256, size, chunk)
                    continue
                self._under_way.pop((sha256, chunk), None)  # it is there, or goes whole now
                if not is_set(have, chunk):
                    yield functools.partial(self._send_chunk, self._link.centre(), sha256, size, chunk)

    def _drop(self, sha256: bytes) -> None:
        """Begin no chunk of a file again where it stopped."""
        for place in [each for each in list(self._under_way) if each[0] == sha256]:  # lanes may end some of them meanwhile
            self._under_way.pop(place, None)

    def _vouch(self, sha256: bytes) -> bool:
        """Return whether a file may be given to the centre: it is read whole before its first chunk goes (PROTOCOL 7.6), and not
        again in every turn that a large one takes: what is damaged in between the centre finds, and then it is read again."""
        now = self._journal.clock.monotonic()
        if sha256 not in self._vouched or self._vouched[sha256] <= now - ASK_AGAIN_MS:
            if not self._blobs.vouch(sha256):
                return False
            self._vouched[sha256] = now
        return True

    def _slices_of(self, sha256: bytes, size: int, chunk: int) -> Iterator[Step]:
        """Yield what sends one slice of a chunk, for every slice the centre lacks."""
        place = (sha256, chunk)
        if place not in self._under_way:
            piece, centre = self._blobs.chunk(sha256, chunk), self._link.centre()
            data = self._pack(centre, {"sha256": sha256, "size": size, "chunk": chunk}, piece, hashlib.sha256(piece).digest())

            def done(answer: bytes) -> None:
                self._take(centre, sha256, answer)
                self._under_way.pop(place, None)

            self._under_way[place] = self._slicer.upload(ports.BLOB_PUT, data, centre, done)
        yield from self._under_way[place].steps()

    def _send_chunk(self, centre: NodeCertificate, sha256: bytes, size: int, chunk: int) -> None:
        piece = self._blobs.chunk(sha256, chunk)
        digest = hashlib.sha256(piece).digest()
        if chunk_count(size) == 1 and digest != sha256:  # of larger files that is seen before their first chunk goes
            self._blobs.vouch(sha256)
            self._link.outcome.problems.append("blob.rot")
            return
        self._put(centre, {"sha256": sha256, "size": size, "chunk": chunk}, piece, digest)

    def _put(self, centre: NodeCertificate, about: dict[str, Any], piece: bytes, digest: bytes) -> None:
        self._take(centre, about["sha256"], self._link.post(ports.BLOB_PUT, self._pack(centre, about, piece, digest)))

    def _pack(self, centre: NodeCertificate, about: dict[str, Any], piece: bytes, digest: bytes) -> bytes:
        named = {"nonce": secrets.token_bytes(NONCE_BYTES), **about}
        return container.write_container("chunk", named, piece, self._link.identity, centre, digest=digest)

    def _take(self, centre: NodeCertificate, sha256: bytes, answer: bytes) -> None:
        have = self._link.read(answer, BlobHave, centre)
        self._link.count_piece()
        if have.whole:
            self._whole[sha256] = self._journal.clock.monotonic()
