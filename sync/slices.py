"""A container on a line that is thin or breaks: it goes in slices, and what had arrived when the line broke counts (PROTOCOL 6.22 to 6.24).

    answer = Slicer(link, lanes).carry(ports.BUNDLE, data)      whole on any other line

Several slices are on the way at once, or the line would be idle for a round trip after each. The one with the signed header begins
first: without it the centre keeps nothing. A slice that the line cut off is sent again at once, by itself, and the
exchange goes on as if nothing had been; only a line that has carried nothing since ends it.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator

from common.errors import N_, Refused, Unreachable
from sync import container, cose, ports
from sync.identity import NodeCertificate
from sync.lanes import Lanes
from sync.link import BROKEN_FOR_MS, Link
from sync.messages import CONTENT_TYPES, SLICES_PROTOCOL, Kept

SLICE_BYTES_MIN, SLICE_BYTES, SLICE_BYTES_MAX = 10 << 10, 16 << 10, 128 << 10
"""The first one is half a second of a thin line; the size follows the line, and where that breaks less is lost each time."""
WORTH_BYTES = 2 * SLICE_BYTES
"""What is no larger goes whole."""
QUICK_MS, SLOW_MS = 700, 3_000
"""How long a slice takes, with its answer, after which the next ones are twice as large, or half."""
SPREAD, SPREAD_SECONDS_MAX = 0.6, 1.0
"""Of the time for which one lane's slice is under way, over the number of lanes: no two slices begin closer than that."""
ROUNDS = 3
"""How often a container is gone through: a centre that fell lost some of its slices."""


class Pace:
    """How large slices are, and when the next one may begin.

    Lanes that begin together share the line, end together, and then wait together: the line would be idle meanwhile.
    """

    def __init__(self, lanes: Lanes) -> None:
        self.size = SLICE_BYTES
        self.in_vain_until = 0
        """Until then (monotonic ms) nothing goes in slices: the centre kept none, as several processes do that share no folder."""
        self._lanes = lanes
        self._broke = -1
        self._apart = self._next = 0.0
        self._lock = threading.Lock()

    def turn(self, count: int) -> None:
        """Wait until a slice of ``count`` bytes may begin."""
        with self._lock:
            now = time.monotonic()
            begins = max(now, self._next)
            self._next = begins + self._apart * count / self.size
        time.sleep(begins - now)

    def took(self, count: int, ms: int) -> None:
        """Note how long a slice of ``count`` bytes was under way."""
        if count < self.size:  # the beginning, or the end, of a container
            return
        with self._lock:
            if ms < QUICK_MS:
                self.size = min(2 * self.size, SLICE_BYTES_MAX)
            elif ms > SLOW_MS:
                self.size = max(self.size // 2, SLICE_BYTES_MIN)
            if self._lanes.beside_each_other:
                self._apart = min(SPREAD * ms / 1000 / self._lanes.count, SPREAD_SECONDS_MAX)

    def broke(self, answered: int) -> None:
        """Note that the line broke after ``answered`` requests: the next slices are half as large, once for all that it cut off."""
        with self._lock:
            if answered != self._broke:
                self._broke = answered
                self.size = max(self.size // 2, SLICE_BYTES_MIN)


class Upload:
    """One container of machine ``author`` on its way to ``path``; ``done`` is told the answer to the whole."""

    def __init__(
        self,
        link: Link,
        pace: Pace,
        path: str,
        data: bytes,
        centre: NodeCertificate,
        done: Callable[[bytes], object],
        *,
        author: int,
    ) -> None:
        self.is_done = False
        self._link, self._pace, self._path, self._data, self._centre, self._done = link, pace, path, data, centre, done
        self._head = container.head_bytes(data)
        self._name = name_of(author, data)
        self._there = 0
        self._opened = threading.Event()

    def steps(self) -> Iterator[Callable[[], None]]:
        """Yield what sends each slice that the centre lacks, as far as it has said by then what it has."""
        self._there = 0
        self._opened.clear()
        at = min(self._head + self._pace.size // 2, len(self._data))  # so that it is there before those that begin with it
        yield functools.partial(self._open, at)
        if not self._link.is_thin:  # there the slices that follow hardly overtake it, and nobody waits for the answer
            self._opened.wait()
        while not self.is_done and (at := max(at, self._there)) < len(self._data):
            end = at + self._pace.size if len(self._data) - at > 1.5 * self._pace.size else len(self._data)
            yield functools.partial(self._send, at, end)
            at = end

    def _open(self, end: int) -> None:
        try:
            self._take(self._post(0, end))
        finally:
            self._opened.set()

    def _send(self, start: int, end: int) -> None:
        try:
            answer = self._post(start, end)
        except Refused as error:
            if error.code != "slice.unknown":
                raise
            answer = self._begin_anew(start, end)
        self._take(answer)
        self._link.count_piece()

    def _begin_anew(self, start: int, end: int) -> bytes:
        """Send the header and the slice again: it was faster than the header, or the centre fell; raises Unreachable("line.slices")."""
        self._take(self._post(0, self._head))
        try:
            return self._post(start, end)
        except Refused as error:
            if error.code != "slice.unknown":
                raise
            raise self.lost() from error

    def lost(self) -> Unreachable:
        """Return the error of a centre that does not keep slices: the next exchanges do without them."""
        self._pace.in_vain_until = self._link.monotonic() + BROKEN_FOR_MS
        return Unreachable("line.slices", N_("The centre does not keep what is sent to it in parts. It will be tried again."))

    def _post(self, start: int, end: int) -> bytes:
        path = ports.slice_path(ports.Slice(self._path, self._name, start))
        before = -1
        while True:
            self._pace.turn(end - start)
            began = self._link.monotonic()
            try:
                answer = self._link.post(path, self._data[start:end])
            except Unreachable as error:
                self._pace.broke(self._link.answered)
                if error.code != "line.down" or self._link.answered == before:
                    raise
                before = self._link.answered
            else:
                self._pace.took(end - start, self._link.monotonic() - began)
                return answer

    def _take(self, answer: bytes) -> None:
        if self.is_done:
            return
        if not _is_kept(answer):
            self._done(answer)
            self.is_done = True
            return
        kept = self._link.read(answer, Kept, self._centre)
        if kept.name != self._name:
            raise Refused("exchange.replayed", N_("The answer belongs to an older question. Somebody may be replaying messages."))
        self._there = max(self._there, kept.there)


class Slicer:
    """Carries containers over ``link``, in slices where that is better."""

    def __init__(self, link: Link, lanes: Lanes) -> None:
        self.lanes = lanes
        self._link = link
        self._pace = Pace(lanes)

    def in_slices(self, count: int) -> bool:
        """Return whether a container of ``count`` bytes should go in slices."""
        takes = self._link.protocol >= SLICES_PROTOCOL and self._link.monotonic() >= self._pace.in_vain_until
        return count > WORTH_BYTES and takes and self._link.is_poor

    def upload(self, path: str, data: bytes, centre: NodeCertificate, done: Callable[[bytes], object]) -> Upload:
        """Return a container to be sent in slices."""
        return Upload(self._link, self._pace, path, data, centre, done, author=self._link.identity.node)

    def carry(self, path: str, data: bytes, *, author: int | None = None) -> bytes:
        """Return the centre's answer to a container of this machine, or of ``author``; raises what the centre refuses with, and
        Unreachable."""
        if not self.in_slices(len(data)):
            return self._link.post(path, data)
        answers: list[bytes] = []
        author = self._link.identity.node if author is None else author
        upload = Upload(self._link, self._pace, path, data, self._link.centre(), answers.append, author=author)
        for _ in range(ROUNDS):
            self.lanes.run(upload.steps())
            if answers:
                return answers[0]
        raise upload.lost()


def name_of(node: int, data: bytes) -> str:
    """Return what the slices of a container of machine ``node`` are named by; raises Refused where it has no readable header."""
    _, header, _ = container.split_container(data)
    return f"{node:04d}{container.digest_of(header)[:14].hex()}"


def _is_kept(answer: bytes) -> bool:
    try:
        return cose.parse(answer).content_type == CONTENT_TYPES[Kept]
    except Refused:  # not of the centre, or the answer to the whole in another form: its reader says so
        return False
