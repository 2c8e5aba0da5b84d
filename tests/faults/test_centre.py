"""Several writers at the centre, clocks that stand still, timers that misfire, and what a line or stick gives away."""

import random
import threading
import tracemalloc
from pathlib import Path

import pytest

from central.centre import Centre
from central.config import CentralConfig
from common.errors import CourtError, Unreachable
from edge import jobs
from edge.exchanger import BACKOFF_SECONDS_MAX, Exchanger
from edge.node import Node
from sync import container, ports
from sync.directory import EpochOpen, node_object
from sync.fsck import check
from sync.register import Outcome
from tests.court import COURTS, Court
from tests.sim.papers import AIGUL, BOLAT

AKTAU, ASTANA = "kz-283", "kz-7"
FILINGS = 12
HERD = 25
LARGE_BYTES = 40 << 20


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


def test_bundles_at_the_same_moment_get_indexes_without_a_gap(court: Court) -> None:
    """Rows 44 and 45: three machines send at once, from threads; indexes are dense, and no reader skips what committed late."""
    problems: list[Exception] = []

    def work(number: int) -> None:
        node = court.machine(number)
        try:
            for _ in range(FILINGS):
                court.file(node, AIGUL, COURTS[number % 3])
                node.client.exchange()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
            problems.append(error)
        finally:
            node.database.close()
            court.centre.database.close()

    threads = [threading.Thread(target=work, args=(node.number,)) for node in court.nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    court.settle()
    court.check()
    assert len(court.filings) == 3 * FILINGS


def test_a_whole_country_comes_back_at_once(court: Court) -> None:
    """Row 33: every machine calls at the same moment after an outage; all get their receipts, and nobody is passed over."""
    nodes = [*court.nodes, *(court.node(number=1100 + place) for place in range(HERD))]
    for node in nodes:
        for _ in range(3):
            court.write(node, node_object(node.number), EpochOpen(previous=1, last_seq=0, reason="herd"))
    served: list[int] = []
    receive = court.centre.register.receive

    def counted(data: bytes, *more: object) -> Outcome:
        outcome = receive(data, *more)  # type: ignore[arg-type]
        served.append(outcome.position.seq)
        return outcome

    court.centre.register.receive = counted  # type: ignore[method-assign]
    started, problems = threading.Barrier(len(nodes)), list[Exception]()

    def work(node: Node) -> None:
        try:
            started.wait()
            node.client.exchange()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
            problems.append(error)
        finally:
            node.database.close()
            court.centre.database.close()

    threads = [threading.Thread(target=work, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    assert len(served) == len(nodes)  # one bundle each, and none came twice for having waited
    for node in nodes:
        assert node.client.backlog()[0] == 0


def test_a_large_file_passes_through_little_memory(court: Court) -> None:
    """Row 59: node and centre hold a few pieces of a file at a time, whatever its size."""
    aktau = court.machine(1001)
    court.file(aktau, AIGUL, AKTAU, attachment=bytes(LARGE_BYTES))
    tracemalloc.start()
    try:
        assert court.exchange(aktau)
        assert tracemalloc.get_traced_memory()[1] < LARGE_BYTES // 2
    finally:
        tracemalloc.stop()
    court.settle()
    court.check()


def test_two_centres_on_one_folder_write_one_log(court: Court, tmp_path: Path) -> None:
    """Row 44: a second process opens the register's folder; whoever is late sees what the other logged, and nothing is given twice."""
    other = Centre.open(CentralConfig(data=str(court.centre.config.data)), clock=court.clock)
    other.start()
    first, aktau, astana = court.centre, court.machine(1001), court.machine(1002)
    for number in range(6):
        court.centre = (first, other)[number % 2]
        court.file(aktau, AIGUL, ASTANA)
        court.file(astana, BOLAT, AKTAU)
        court.exchange(aktau)
        court.centre = (other, first)[number % 2]
        court.exchange(astana)
    for centre in (first, other):
        court.centre = centre
        court.settle()
        court.check()
    other.close()
    court.centre = first
    assert check(first.database, first.fold, first.blobs, environment=first.identity.environment) == []


def test_a_clock_that_stands_still_in_1970_changes_no_order(court: Court) -> None:
    """Row 19: the battery is dead; entries follow each other by chain and boot clock, and the register's order decides."""
    aktau = court.machine(1001)
    court.watches[aktau.number].off_ms = -court.clock.now()
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA)
    court.withdraw(aktau, filing)
    court.settle()
    court.check()
    assert court.status(court.centre, filing) == court.status(aktau, filing) == "withdrawn"


def test_timers_may_misfire_sleep_and_run_twice(court: Court) -> None:
    """Row 60: two ticks at once are one exchange; failures only change when the next one comes; no clock on the wall matters."""
    aktau = court.machine(1001)
    exchanger = Exchanger(aktau, random.Random(60))
    court.file(aktau, AIGUL, AKTAU)
    inside, seen = threading.Event(), []
    post = court.lines[aktau.number].post

    def slow(path: str, body: bytes) -> tuple[int, bytes]:
        inside.set()
        exchanger.tick()  # a second timer fires in the middle
        seen.append(path)
        return post(path, body)

    court.lines[aktau.number].post = slow  # type: ignore[method-assign]
    exchanger.exchange()
    assert inside.is_set()
    assert seen.count(ports.HELLO) == 1
    court.lines[aktau.number].post = post  # type: ignore[method-assign]
    court.cut(aktau)
    for _ in range(40):
        court.clock.tick(2_000 * BACKOFF_SECONDS_MAX)
        exchanger.tick()
        assert 0 < exchanger.wait_seconds() <= 1.25 * BACKOFF_SECONDS_MAX
    court.watches[aktau.number].off_ms = -50 * 365 * 86_400_000  # the wall clock jumps back: the timer is not on it
    court.heal(aktau)
    court.file(aktau, BOLAT, AKTAU)
    court.clock.tick(2_000 * BACKOFF_SECONDS_MAX)
    exchanger.tick()
    assert aktau.client.backlog()[0] == 0


def test_the_schedule_is_coalesced_and_knows_no_daylight_saving(court: Court) -> None:
    """Row 60: a job that was missed runs once, never beside itself, in a time without jumps."""
    aktau = court.machine(1001)
    court.cut(aktau)
    scheduler = jobs.start(aktau, Exchanger(aktau))
    try:
        assert str(scheduler.timezone) == "UTC"
        for job in scheduler.get_jobs():
            assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, None)
    finally:
        scheduler.shutdown()


def test_a_line_gives_away_sizes_and_kinds_and_nothing_of_a_person(court: Court) -> None:
    """Row 74: in the open stand machine, numbers, sizes, kinds of entries and the newest checkpoint; padding is postponed."""
    aktau = court.machine(1001)
    court.open_cabinet(aktau, AIGUL)
    court.file(aktau, AIGUL, ASTANA, attachment=b"a contract")
    court.exchange(aktau)
    open_parts = b""
    for path, body in court.lines[aktau.number].seen:
        if path in (ports.BUNDLE, ports.BLOB_PUT):
            _, header, sealed = container.split_container(body)
            open_parts += header
            assert AIGUL.iin.encode() not in sealed
    for secret in (AIGUL.iin, AIGUL.name, ASTANA, "a contract", court.filings[0].talon):
        assert secret.encode() not in open_parts


def test_a_refused_use_case_and_a_dead_line_are_no_foreign_errors(court: Court) -> None:
    """Row 31: whatever the line does, what leaves an exchange is one of ours."""
    aktau = court.machine(1001)
    for status, answer in ((200, b""), (200, b"\xff" * 10_000), (500, b"<html>"), (204, b""), (301, b"")):
        court.lines[aktau.number].post = lambda path, body, s=status, a=answer: (s, a)  # type: ignore[method-assign,misc]
        with pytest.raises((CourtError, Unreachable)):
            aktau.client.exchange()
