"""How much one machine may send in a time, and whose turn it is: a hostile machine cannot fill the log or keep others out (fault 23).

Levels live in memory and leak with the monotonic clock: setting a clock frees nobody, and a restart only begins anew.

    quota = Quota(clock, burst=100, per_hour=10)
    quota.check(1001); …; quota.charge(1001, 7)
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from common.clock import Clock
from common.errors import N_, TooMany

HOUR_MS = 3_600_000
ENTRIES_BURST, ENTRIES_PER_HOUR = 200_000, 50_000
"""Of one machine. A busy court writes some thousand entries a day; two weeks without a line fit into the burst many times."""
BUNDLE_BYTES_BURST, BUNDLE_BYTES_PER_HOUR = 2 << 30, 512 << 20
"""Sealed bytes of bundles, repeated and refused ones too."""
BLOB_BYTES_BURST, BLOB_BYTES_PER_HOUR = 64 << 30, 8 << 30
BUSY_SECONDS = 2
"""When a machine may come again whose last bundle is still being taken."""


def wait_of(error: TooMany) -> int:
    """Return the seconds to wait that an error of this module, or the refusal it became on the wire, names."""
    seconds = error.params.get("seconds")
    return seconds if isinstance(seconds, int) else BUSY_SECONDS


class Quota:
    """A level for each machine that leaks ``per_hour`` and must not stand above ``burst``."""

    def __init__(self, clock: Clock, *, burst: int, per_hour: int) -> None:
        self._clock, self._burst, self._per_hour = clock, burst, per_hour
        self._levels: dict[int, tuple[float, int]] = {}  # only of machines in the directory: bounded by their number
        self._lock = threading.Lock()

    def check(self, node: int) -> None:
        """Raise TooMany("exchange.quota") with the seconds to wait while the level stands above the burst."""
        with self._lock:
            over = self._level(node) - self._burst
        if over > 0:
            seconds = math.ceil(over * HOUR_MS / self._per_hour / 1000)
            raise TooMany("exchange.quota", N_("This machine sends more than it may. It goes on in %(seconds)d seconds."), seconds=seconds)

    def charge(self, node: int, amount: int) -> None:
        """Count ``amount``; what was checked is taken whole, and the next check sees it."""
        with self._lock:
            self._levels[node] = (self._level(node) + amount, self._clock.monotonic())

    def _level(self, node: int) -> float:
        level, at = self._levels.get(node, (0.0, 0))
        return max(0.0, level - (self._clock.monotonic() - at) * self._per_hour / HOUR_MS)


class Quotas:
    """What the centre allows one machine, and the queue before the log's one writer."""

    def __init__(self, clock: Clock) -> None:
        self.entries = Quota(clock, burst=ENTRIES_BURST, per_hour=ENTRIES_PER_HOUR)
        self.bundle_bytes = Quota(clock, burst=BUNDLE_BYTES_BURST, per_hour=BUNDLE_BYTES_PER_HOUR)
        self.blob_bytes = Quota(clock, burst=BLOB_BYTES_BURST, per_hour=BLOB_BYTES_PER_HOUR)
        self._queue: list[int] = []
        self._moved = threading.Condition()
        self._last_turn = self._last_answer = 0.0
        self._answering = 0
        self.more_follows = False
        """Whether the last bundle was as large as a machine makes them: it will hardly be the last."""

    def is_over(self, node: int) -> bool:
        """Return whether the machine has to wait now: people are shown that."""
        try:
            for quota in (self.entries, self.bundle_bytes, self.blob_bytes):
                quota.check(node)
        except TooMany:
            return True
        return False

    def quiet_seconds(self) -> float:
        """Return for how long no bundle has been in the queue; 0 while one is."""
        return 0.0 if self._queue else time.monotonic() - self._last_turn

    def idle_seconds(self) -> float:
        """Return for how long no machine has been answered, whatever it asked; 0 while one is."""
        return 0.0 if self._answering else time.monotonic() - self._last_answer

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a machine's request while it is being answered: what can wait then waits."""
        with self._moved:
            self._answering += 1
        try:
            yield
        finally:
            with self._moved:
                self._answering -= 1
                self._last_answer = time.monotonic()

    @contextmanager
    def turn(self, node: int) -> Iterator[None]:
        """Wait for the machine's turn, in the order of coming; raises TooMany("exchange.busy") for a second bundle at once."""
        with self._moved:
            if node in self._queue:
                sentence = N_("A bundle of this machine is still being taken. It goes on in %(seconds)d seconds.")
                raise TooMany("exchange.busy", sentence, seconds=BUSY_SECONDS)
            self._queue.append(node)
            self._moved.wait_for(lambda: self._queue[0] == node)
        try:
            yield
        finally:
            with self._moved:
                self._queue.pop(0)
                self._last_turn = time.monotonic()
                self._moved.notify_all()
