"""A whole country comes back after two weeks without a line: every machine calls at the same moment, each with filings nobody has.

One real centre process with its defaults over HTTP. The machines are real nodes' folders and databases, enrolled one by one,
each in a thread of its own in a few processes, with the exchanger, its retries and its back-off as `run` has them. Their
filings are written by the journal and folded; all carry one signed statement, which the centre verifies for each of them.
Machines are made from one folder that has the directory already, because that is what a machine of two weeks ago has.
"""

import multiprocessing
import random
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty
from typing import Any

import apsw
import msgspec

from common.clock import SystemClock
from common.court.filing_entries import Submit
from common.db import fetch
from common.errors import CourtError
from common.facts import BlobRef
from common.ids import new_object_id
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.exchanger import Exchanger
from edge.node import Node
from sync.entry import chain_start
from tests.bench import world
from tests.bench.history import cpu_seconds, pid_of
from tests.bench.measure import Line, at_most
from tests.court import Court, FakeClock
from tests.court import Line as MemoryLine
from tests.processes.machines import Country, Machine
from tests.sim import papers

FAIR = 3.0
"""The slowest machine's time until R1 of everything, over the median."""
FLAT = 1.25
"""The centre's memory while the second half of the machines is served, over its highest until then."""
PROCESSES = 4
FIRST = 1001
STATEMENT = b"%PDF-1.7 one statement for all"
LOOK_SECONDS = 0.2
SECONDS_MAX = 3_600
Told = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Served:
    """How one machine fared: seconds until everything had R1, exchanges it took, how many of them the line or the centre ended."""

    number: int
    seconds: float
    tries: int
    failed: int
    asked_to_wait: int


def run(folder: Path, *, machines: int = 1_000, filings: int = 20, told: Told = lambda text: None) -> list[Line]:
    """Return the lines of the table."""
    numbers = range(FIRST, FIRST + machines)
    _found(folder, numbers)
    told(f"{machines:,} machines enrolled")
    country = Country(folder)
    centre = country.machine("central", "centre", log_level="WARNING", crl="", crl_delta="", ocsp="", tsa="")
    centre.start()
    try:
        served, memory, took = _herd(folder, centre, numbers, filings, told)
        used = cpu_seconds(pid_of(centre))
        _check(centre, numbers, filings)
    finally:
        country.close()
    return [
        Line("machines that have R1 of everything they wrote", f"{len(served):,} of {machines:,}", met=len(served) == machines),
        *_lines(served, memory),
        Line("entries a second until R1", f"{machines * filings / max(one.seconds for one in served):,.0f}"),
        Line("until everything is folded and delivered", f"{took:.1f} s"),
        Line("CPU of the centre in all", f"{used:.1f} s"),
    ]


def _lines(served: Sequence[Served], memory: Sequence[tuple[float, int]]) -> list[Line]:
    times = sorted(one.seconds for one in served)
    median, slowest = statistics.median(times), times[-1]
    early = [size for at, size in memory if at <= median]
    late = [size for at, size in memory if at > median] or early
    return [
        at_most("until the slowest machine has it, over the median", f"{slowest:.1f} s / {median:.1f} s", slowest / median, FAIR),
        at_most("the centre's memory for the second half, over the first", _mb(max(late), max(early)), max(late) / max(early), FLAT),
        Line("the centre's memory before the first came", f"{memory[0][1] >> 20} MB"),
        Line("exchanges a machine; ended by the line or the centre; asked to wait", _tries(served)),
    ]


def _mb(one: int, other: int) -> str:
    return f"{one >> 20} MB / {other >> 20} MB"


def _tries(served: Sequence[Served]) -> str:
    mean = statistics.mean(one.tries for one in served)
    return f"{mean:.2f}; {sum(one.failed for one in served)}; {sum(one.asked_to_wait for one in served)}"


# the country before


def _found(folder: Path, numbers: Sequence[int]) -> None:
    """Make a centre, enrol all machines, and leave one caught-up folder to make the others of."""
    court = Court(folder, clock=FakeClock(SystemClock().now()))
    for certificate in (*papers.authority().anchors(), *papers.authority().authorities()):
        court.centre.trust.add(certificate)
    for number in numbers:
        line = MemoryLine(court._handle, court.dice)
        enrol(folder / f"node-{number}", court._code(number, [_court(number)]), line)
    first = court._start(numbers[0])
    for certificate in (*papers.authority().anchors(), *papers.authority().authorities()):
        first.trust.add(certificate)
    Exchanger(first)
    first.client.exchange()
    for owner in (first, court.centre):
        owner.database.empty_log()
    court.close()
    shutil.copytree(folder / f"node-{numbers[0]}", folder / "pattern")
    for path in (folder / f"node-{numbers[0]}").glob("node.db*"):
        path.unlink()
    shutil.rmtree(folder / f"node-{numbers[0]}" / "mark")


def _court(number: int) -> str:
    return f"court-{number}"


# the herd


def _herd(
    folder: Path, centre: Machine, numbers: Sequence[int], filings: int, told: Told
) -> tuple[list[Served], list[tuple[float, int]], float]:
    context = multiprocessing.get_context("fork")
    ready: Any = context.Queue()
    results: Any = context.Queue()
    go = context.Event()
    shares = [numbers[place::PROCESSES] for place in range(PROCESSES) if numbers[place::PROCESSES]]
    workers = [
        context.Process(target=_share, args=(folder, centre.url, share, len(numbers), filings, ready, go, results)) for share in shares
    ]
    for worker in workers:
        worker.start()
    try:
        for _ in workers:
            ready.get(timeout=SECONDS_MAX)
        told(f"each has written {filings} filings")
        started, memory, served = time.monotonic(), [(0.0, _rss(pid_of(centre)))], list[Served]()
        go.set()
        while len(served) < len(numbers) and time.monotonic() - started < SECONDS_MAX:
            try:
                served.append(results.get(timeout=LOOK_SECONDS))
            except Empty:
                assert all(worker.is_alive() or worker.exitcode == 0 for worker in workers), "a process of machines has died"
            memory.append((time.monotonic() - started, _rss(pid_of(centre))))
        told(f"{len(served):,} have R1")
        _wait_folded(centre)
        return served, memory, time.monotonic() - started
    finally:
        for worker in workers:
            worker.join(10)
            if worker.is_alive():
                worker.kill()


def _rss(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def _wait_folded(centre: Machine) -> None:
    until = time.monotonic() + SECONDS_MAX
    with closing(apsw.Connection(str(centre.data / "centre.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        database.set_busy_timeout(5_000)
        while not list(database.execute("SELECT 1 FROM register WHERE folded >= (SELECT MAX(size) FROM checkpoint)")):
            assert time.monotonic() < until, "the centre does not fold"
            time.sleep(LOOK_SECONDS)


def _check(centre: Machine, numbers: Sequence[int], filings: int) -> None:
    """Everything is in the register, once."""
    with closing(apsw.Connection(str(centre.data / "centre.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        written = dict(database.execute("SELECT node, COUNT(*) FROM entry WHERE node <> 0 GROUP BY node"))
        assert written == dict.fromkeys(numbers, filings)
        assert list(database.execute("SELECT COUNT(*) FROM filing_row")) == [(len(numbers) * filings,)]


def _share(folder: Path, url: str, numbers: Sequence[int], machines: int, filings: int, ready: Any, go: Event, results: Any) -> None:
    """One process: prepare its machines, wait for the line, and let all of them call at once."""
    pattern = papers.submit(papers.AIGUL, "", "", STATEMENT, b"", 0)
    nodes = [_prepare(folder, number, url, pattern, machines, filings) for number in numbers]
    threads = [threading.Thread(target=_call, args=(node, Exchanger(node), go, results)) for node in nodes]
    for node in nodes:
        node.database.close()  # each thread has its own connection
    ready.put(len(nodes))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _prepare(folder: Path, number: int, url: str, pattern: Submit, machines: int, filings: int) -> Node:
    """Return a machine that has the directory and ``filings`` of its own, for the court of its neighbour."""
    data = folder / f"node-{number}"
    shutil.copy(folder / "pattern" / "node.db", data / "node.db")
    shutil.copytree(folder / "pattern" / "trust", data / "trust", dirs_exist_ok=True)
    node = Node.open(EdgeConfig(data=str(data), centre=url), clock=SystemClock())
    head = chain_start(node.identity.environment, number, 1)
    fetch(node.database, "UPDATE journal SET node = ?, seq = 0, head = ?, talon = 0", (number, head))
    fetch(node.database, "UPDATE sync SET token = x'', feed = 0, complete = 0")
    fetch(node.database, "DELETE FROM turn")
    file = BlobRef(node.blobs.put(STATEMENT), len(STATEMENT), "application/pdf")
    to = _court(FIRST + (number - FIRST + 1) % machines)
    with world.remembering(node), node.journal.unit() as unit:
        for _ in range(filings):
            obj = new_object_id()
            said = {"circumstances": " ".join(random.choices(world.WORDS, k=60))}
            body = msgspec.structs.replace(pattern, court=to, talon=unit.reserve_talon(), claim=said, key_id=obj, received_ms=unit.now)
            unit.append(obj, body, blobs=[file], actor=papers.AIGUL.key.certificate.sha256)
    return node


def _call(node: Node, exchanger: Exchanger, go: Event, results: Any) -> None:
    """Exchange as a running machine does until everything has R1."""
    last = node.journal.position().seq
    go.wait()
    started, tries, failed, waits = time.monotonic(), 0, 0, 0
    while True:
        tries += 1
        try:
            waits += exchanger.exchange().retry_seconds > 0
        except CourtError:
            failed += 1
        if fetch(node.database, "SELECT 1 FROM sync WHERE receipted_seq = ?", (last,)):
            break
        time.sleep(exchanger.wait_seconds())
    results.put(Served(node.number, time.monotonic() - started, tries, failed, waits))
    node.close()
