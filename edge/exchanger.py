"""When exchanges happen: on schedule, on a person's press, one at a time, and what people may see of it.

Retry is a timer that never parks: after a failure the next try comes sooner or later, never not at all (lesson 13).
"""

import fcntl
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.db import fetch
from common.errors import N_, Conflict, CourtError, Unreachable
from edge.node import Node
from edge.services import line, outages
from sync.link import Outcome, Progress

BACKOFF_SECONDS_MAX = 900
"""However long the line has been down, it is tried at least every quarter of an hour."""
FRESH_INTERVALS = 3
"""The line counts as working until this many intervals have passed without contact."""
FRUITLESS_TRIES_MAX = 5
LOCK_FILE = "exchange.lock"
TURN_SECONDS = 120
"""How long a command waits for the exchange that is under way before it says so."""
LOOK_SECONDS = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LineStatus:
    """The line as people see it. ``kind``: ok, off, refused (by the centre), disk (it failed). Times in ms UTC."""

    kind: str
    contact_ms: int | None
    down_since_ms: int | None
    code: str
    backlog: int
    backlog_bytes: int
    oldest_ms: int | None
    running: bool
    step: str
    done: int
    total: int


class Exchanger:
    """Runs a node's exchanges. ``dice`` spreads the nodes of a country so that they do not all call at once."""

    def __init__(self, node: Node, dice: random.Random | None = None, progress: Progress = lambda step, done, total: None) -> None:
        self._node = node
        self._dice = dice or random.SystemRandom()
        self._running = threading.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._asked_to_wait = 0
        self._goes_on = False
        self._step, self._done, self._total = "", 0, 0
        self._show = progress
        node.client.report_progress(self._note)
        node.hurry = self.hurry
        line.create(node.database)
        outages.create(node.database)

    def watch(self, progress: Progress) -> None:
        """Tell ``progress`` too what is being done."""
        self._show = progress

    def in_turn(self, move: Callable[[], Outcome]) -> Outcome:
        """Run ``move`` after the exchange that may be under way in another process: what the command line calls "now"."""
        until = time.monotonic() + TURN_SECONDS
        while True:
            try:
                return move()
            except Conflict as error:
                if error.code != "exchange.running" or time.monotonic() > until:
                    raise
            time.sleep(LOOK_SECONDS)

    def exchange(self) -> Outcome:
        """Run one exchange now; raises Conflict("exchange.running") when one is under way, and what the exchange raises."""
        try:
            outcome = self._run(self._exchange_on)
        except CourtError as error:
            self._failures += error.code != "exchange.running"  # somebody else's exchange is no failure of the line
            self._asked_to_wait, self._goes_on = 0, False
            if error.code != "exchange.running":
                outages.note(self._node, error)
            raise
        outages.note(self._node, None)
        self._failures, self._asked_to_wait, self._goes_on = 0, outcome.retry_seconds, outcome.goes_on
        return outcome

    def _exchange_on(self) -> Outcome:
        """Exchange, and where the line breaks go on at once from there (PROTOCOL 6.7): as long as the centre answers at all, and
        no more than FRUITLESS_TRIES_MAX times on end without moving anything."""
        client, before, fruitless = self._node.client, Outcome(), 0
        while True:
            try:
                outcome = client.exchange()
            except Unreachable as error:
                tried = client.outcome
                fruitless = 0 if tried.moved() else fruitless + 1
                if error.code in ("line.cut", "line.slices") or not tried.bytes_down or fruitless > FRUITLESS_TRIES_MAX:
                    raise
                tried.add(before)
                before = tried
            else:
                outcome.add(before)
                return outcome

    def export(self, medium: Path) -> Outcome:
        """Write a stick; raises Conflict("exchange.running") as `exchange` does, and what `NodeStick.export` raises."""
        return self._run(lambda: self._node.client.stick.export(medium))

    def take(self, medium: Path) -> Outcome:
        """Take in a stick; raises Conflict("exchange.running") as `exchange` does, and what `NodeStick.take` raises."""
        return self._run(lambda: self._node.client.stick.take(medium))

    def _run(self, move: Callable[[], Outcome]) -> Outcome:
        if not self._running.acquire(blocking=False):
            raise Conflict("exchange.running", N_("An exchange is under way already."))
        started = self._node.clock.now()
        try:
            with self._alone():
                outcome = move()
            line.note(self._node, started, outcome, None)
            return outcome
        except CourtError as error:
            if error.code != "exchange.running":  # another process does it: its own history
                line.note(self._node, started, None, error)
            raise
        finally:
            self._step, self._done, self._total = "", 0, 0
            self._running.release()

    def tick(self) -> None:
        """Exchange if it is time: called by the schedule every few seconds for ever, so that no failure can stop the tries."""
        if self._node.clock.monotonic() < self._not_before:
            return
        try:
            self._attempt()
        finally:
            self._not_before = self._node.clock.monotonic() + self.wait_seconds() * 1000

    def hurry(self) -> None:
        """Let the next tick exchange, unless the line is failing or the centre asked to wait: somebody waits for the result."""
        if not self._failures and not self._asked_to_wait:
            self._not_before = 0.0

    def press(self) -> threading.Thread:
        """Start one exchange in a thread of its own, as a person's press does; how it went stands in `line.outcomes`."""
        thread = threading.Thread(target=self._attempt_apart, name="exchange", daemon=True)
        thread.start()
        return thread

    def _attempt_apart(self) -> None:
        try:
            self._attempt()
        finally:
            self._node.database.close()  # this thread's own connection

    def _attempt(self) -> None:
        try:
            self.exchange()
        except (Unreachable, Conflict) as error:
            logger.info("exchange: %s", error.code)  # the line is down or busy: a normal day
        except CourtError as error:
            logger.error("exchange: %s", error.code)

    def wait_seconds(self) -> float:
        """Return how long to wait: the interval, doubling back-off after failures, or what the centre asked for, with a quarter
        of jitter; never more than BACKOFF_SECONDS_MAX: receipts and news come meanwhile. Recordings that are under way go on at once."""
        if self._goes_on and not self._asked_to_wait:
            return 0.0
        interval = self._node.config.interval_seconds
        wanted = max(interval * 2 ** min(self._failures, 10), self._asked_to_wait)
        wait = min(max(BACKOFF_SECONDS_MAX, interval), wanted)
        return float(wait) * (1 + self._dice.uniform(-0.25, 0.25))

    def status(self) -> LineStatus:
        """Return what people may see."""
        contact, down, code = fetch(self._node.database, "SELECT contact_ms, down_since_ms, state FROM sync")[0]
        backlog, size, oldest = self._node.client.backlog()
        return LineStatus(
            kind=self._kind(contact, down, code),
            contact_ms=contact or None,
            down_since_ms=down,
            code=code,
            backlog=backlog,
            backlog_bytes=size,
            oldest_ms=oldest or None,
            running=self._running.locked(),
            step=self._step,
            done=self._done,
            total=self._total,
        )

    def _kind(self, contact: int, down: int | None, code: str) -> str:
        if self._node.database.failed:
            return "disk"
        if code.startswith("node."):
            return "refused"
        if fetch(self._node.database, "SELECT 1 FROM refused_head WHERE at_ms >= ? LIMIT 1", (contact,)):
            return "register"
        silent = self._node.clock.now() - contact > FRESH_INTERVALS * self._node.config.interval_seconds * 1000
        return "off" if down is not None or silent else "ok"

    def _note(self, step: str, done: int, total: int) -> None:
        self._step, self._done, self._total = step, done, total
        self._show(step, done, total)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a command line beside a running node from exchanging at the same moment."""
        descriptor = os.open(self._node.data / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise Conflict("exchange.running", N_("An exchange is under way already.")) from error
        finally:
            os.close(descriptor)
