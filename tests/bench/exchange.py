"""(c) The first sync of a node over real HTTP, over one zstd POST of the same payload; (d) what an idle exchange costs.

Centre and endpoint are processes of their own; the node lives here. The clock of the first sync starts before the node
asks hello and stops when R1 of the last entry is in the node's database, and again when the centre's tables hold them all.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import zstandard

from common import canonical
from common.clock import SystemClock
from common.errors import Unreachable
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from edge.transport import CUT_FILE, HttpTransport
from sync import ports
from sync.container import ZSTD_LEVEL
from tests.bench import world
from tests.bench.measure import Line, at_most, in_turns, seconds
from tests.bench.world import COURT_ID, World
from tests.processes.machines import ROOT, Country, Machine, browser, free_port, wait_until_served

GOAL_TIME, GOAL_BYTES = 5.0, 1.05
IDLE_BYTES_MAX = 1024
FOLD_SECONDS_MAX = 900


class CountingTransport:
    """The node's own transport, with the bytes of bundles counted."""

    LANES = HttpTransport.LANES

    def __init__(self, inner: HttpTransport) -> None:
        self._inner = inner
        self.bundle_bytes = 0

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path.startswith(ports.BUNDLE):
            self.bundle_bytes += len(body)
        return self._inner.post(path, body)


def run(folder: Path, *, entries: int, rounds: int) -> tuple[list[Line], list[Line]]:
    """Return the lines of the first sync and of the idle exchange."""
    country = Country(folder)
    try:
        clock = SystemClock()
        authority = world.new_authority(clock.now())
        centre = country.centre((*authority.anchors(), *authority.authorities()), log_level="WARNING")
        node, transport = enrolled(country, centre, folder / "node", clock)
        made = world.make(node, authority, people=len(world.PEOPLE))
        node.client.exchange()
        transport.bundle_bytes = 0
        _file_off_line(made, entries)
        return _first(made, centre, transport, folder, entries, rounds), _idle(made, centre)
    finally:
        country.close()


def enrolled(country: Country, centre: Machine, data: Path, clock: SystemClock) -> tuple[Node, CountingTransport]:
    transport = CountingTransport(HttpTransport(centre.url, data / CUT_FILE))
    enrol(data, country.code(1976, COURT_ID), transport)
    node = Node.open(EdgeConfig(data=str(data), centre=centre.url), clock=clock, transport=transport)
    node.start()
    node.client.exchange()
    return node, transport


def _file_off_line(made: World, entries: int) -> None:
    """File them while the line is cut: the try that fails makes the bundles that are full, as a running node's schedule does."""
    cut = made.node.data / CUT_FILE
    cut.touch()
    made.file_many(entries)
    with contextlib.suppress(Unreachable):
        made.node.client.exchange()
    cut.unlink()


def _first(made: World, centre: Machine, transport: CountingTransport, folder: Path, entries: int, rounds: int) -> list[Line]:
    node = made.node
    first = node.journal.position().seq - entries
    payload = canonical.encode([entry.wire() for entry in node.journal.entries_after(1, first, bytes_max=1 << 40)])
    started = time.perf_counter()
    with _watch(node.data / "node.db", f"SELECT 1 FROM logged WHERE last >= {first + entries}") as receipted:
        node.client.exchange()
    with _watch(centre.data / "centre.db", f"SELECT 1 FROM register WHERE folded >= {_log_size(centre)}") as folded:
        folded.wait(FOLD_SECONDS_MAX)
    until_r1, visible = receipted.at - started, folded.at - started
    posted, size = _post(payload, folder, rounds)
    return [
        at_most(
            f"{entries:,} entries until R1 is back, over one zstd POST", f"{until_r1:.2f} s / {posted:.2f} s", until_r1 / posted, GOAL_TIME
        ),
        at_most(
            "bytes of the bundles, over the bytes of that POST",
            f"{transport.bundle_bytes:,} / {size:,}",
            transport.bundle_bytes / size,
            GOAL_BYTES,
        ),
        Line("entries a second until R1", f"{entries / until_r1:,.0f}"),
        Line("entries a second until visible in the centre's tables, every signature verified (RSA)", f"{entries / visible:,.0f}"),
        Line("bytes an entry on the wire (plain)", f"{transport.bundle_bytes / entries:,.0f} ({len(payload) / entries:,.0f})"),
    ]


def _log_size(centre: Machine) -> int:
    with contextlib.closing(apsw.Connection(str(centre.data / "centre.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        return int(next(iter(database.execute("SELECT MAX(size) FROM checkpoint")))[0])


class Seen:
    """When a query first had a row."""

    def __init__(self) -> None:
        self.at = 0.0
        self.done = threading.Event()

    def wait(self, timeout: float) -> None:
        assert self.done.wait(timeout), "the centre does not get there"


@contextmanager
def _watch(path: Path, query: str) -> Iterator[Seen]:
    """Note when ``query`` has a row, looking fifty times a second from a thread of its own."""
    seen, over = Seen(), threading.Event()

    def look() -> None:
        with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
            database.set_busy_timeout(5_000)
            while not seen.done.is_set():
                last = over.is_set()
                if list(database.execute(query)):
                    seen.at = time.perf_counter()
                    seen.done.set()
                elif last:
                    return
                over.wait(0.02) if not last else None

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _post(payload: bytes, folder: Path, rounds: int) -> tuple[float, int]:
    """Return the seconds and bytes of packing ``payload`` and posting it to the bare endpoint."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.endpoint", str(port), str(folder / "posted")]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_until_served(url, lambda: process.poll() is None, folder / "endpoint.log")
            session = browser()
            sizes: list[int] = []

            def post() -> None:
                packed = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(payload)
                sizes.append(len(packed))
                assert session.post(url, data=packed, timeout=120).status_code == 204

            return in_turns(rounds, lambda _: seconds(post))[0], sizes[0]
        finally:
            process.terminate()


def _idle(made: World, centre: Machine) -> list[Line]:
    node = made.node
    node.client.exchange()  # what the centre has found out about the filings meanwhile
    with _metered(centre.port) as (port, counted):
        metered = Node.open(EdgeConfig(data=str(node.data), centre=f"http://127.0.0.1:{port}"), clock=node.clock)
        metered.client.exchange()
        counted.clear()
        outcome = metered.client.exchange()
        on_the_wire = sum(counted)
        took = in_turns(10, lambda _: seconds(metered.client.exchange))[0]
        metered.close()
    bodies = outcome.bytes_up + outcome.bytes_down
    return [
        Line("round trips", str(outcome.trips), goal="1", met=outcome.trips == 1),
        Line("bytes of the messages", f"{bodies:,}"),
        Line("bytes with HTTP headers, both ways", f"{on_the_wire:,}", goal=f"< {IDLE_BYTES_MAX:,}", met=on_the_wire < IDLE_BYTES_MAX),
        Line("time of one", f"{took * 1000:.1f} ms"),
    ]


@contextmanager
def _metered(port: int) -> Iterator[tuple[int, list[int]]]:
    """A door in front of ``port`` that counts the bytes going through, both ways."""
    counted: list[int] = []
    door = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                counted.append(len(data))
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for pair in ((near, far), (far, near)):
                    _background(lambda pair=pair: carry(*pair))

    _background(take)
    try:
        yield door.getsockname()[1], counted
    finally:
        door.close()


def _background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()
