"""A register in PostgreSQL with processes as an operator runs them: front ends, one that folds, any of them killed at any moment."""

import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common.clock import SystemClock
from common.db import fetch
from common.errors import CourtError
from common.postgres import open_postgres
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from edge.transport import CUT_FILE, HttpTransport
from sync import uplink
from tests.bench import world
from tests.postgres import BIN, Server
from tests.processes.citizen import Holder
from tests.processes.machines import Country, Machine, browser, free_port

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SEED", "7"))
KILLS = 3
ENTRIES = 30
BUNDLE_BYTES = 20_000
LOOK_SECONDS = 60
"""Generous: what is slow on a busy machine is not wrong."""


@pytest.fixture
def address() -> Iterator[str]:
    address = Server.shared().fresh()
    yield address
    Server.shared().drop(open_postgres(address).name)


class Line(HttpTransport):
    """The line of a node to a proxy that asks the next front end when one does not answer: every message may come twice."""

    def __init__(self, machines: list[Machine], data: Path) -> None:
        super().__init__(machines[0].url, data / CUT_FILE)
        self._machines, self._data = machines, data

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        alive = [machine for machine in self._machines if machine.alive()]
        return HttpTransport(random.choice(alive).url, self._data / CUT_FILE).post(path, body)


def until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + LOOK_SECONDS
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_processes_of_one_register_are_killed_and_the_others_go_on(
    new_country: Callable[..., Country], holder: Holder, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows 43 and 44: whoever logs or folds is killed in the middle of bundles; another goes on, nothing acknowledged is lost or twice."""
    monkeypatch.setattr(uplink, "PLAIN_BYTES_TARGET", BUNDLE_BYTES)  # many bundles without many megabytes
    dice, country = random.Random(SEED), new_country()
    first = country.centre(holder.certificates, database=address)
    machines = [first, *(beside(country, first, front) for front in (False, True))]
    data = tmp_path / "node-here"
    enrol(data, country.code(1976, world.COURT_ID), HttpTransport(first.url, data / CUT_FILE))
    node = Node.open(EdgeConfig(data=str(data), centre=first.url), clock=SystemClock(), transport=Line(machines, data))
    node.start()
    node.client.exchange()
    made = world.make(node, holder.authority)
    made.file_many(ENTRIES)
    started = time.perf_counter()
    node.client.exchange()
    usual = time.perf_counter() - started
    there = open_postgres(address)
    for number in range(KILLS):
        made.file_many(ENTRIES)
        exchanging = threading.Thread(target=attempt, args=(node,))
        exchanging.start()
        time.sleep(dice.uniform(0, usual))
        victim = machines[number % len(machines)]
        victim.kill()
        exchanging.join()
        [(epoch, seq)] = fetch(node.database, "SELECT acked_epoch, acked_seq FROM sync")
        stored = fetch(there, "SELECT COUNT(*) FROM entry WHERE node = 1976 AND epoch = ? AND seq <= ?", (epoch, seq))
        assert stored == [(seq,)], f"seed {SEED}, kill {number}"
        victim.start()
    machines[0].kill()  # at least one that folds is left
    node.client.exchange()
    until(lambda: fetch(there, "SELECT folded FROM register") == fetch(there, "SELECT MAX(size) FROM checkpoint"))
    ours = fetch(node.database, "SELECT leaf FROM entry WHERE chain IS NOT NULL ORDER BY epoch, seq")
    assert fetch(there, "SELECT leaf FROM entry WHERE node = 1976 ORDER BY log_index") == ours
    assert fetch(there, "SELECT COUNT(*) FROM entry") == fetch(there, "SELECT MAX(size) FROM checkpoint")
    assert fetch(there, "SELECT COUNT(*) FROM filing_row") == fetch(node.database, "SELECT COUNT(*) FROM filing_row")
    there.close()
    node.close()
    assert "Everything is what the entries say." in machines[1].command("fsck")


def beside(country: Country, first: Machine, front: bool) -> Machine:
    """Start another process of the same register, in the same folder of keys."""
    settings = {**first.settings, "front_end": str(front).lower()}
    machine = Machine("central", first.data, settings=settings, nursery=first.nursery, cold=first.cold)
    country.machines.append(machine)
    return machine.start()


def counted(address: str) -> int:
    there = open_postgres(address)
    [(count,)] = fetch(there, "SELECT COUNT(*) FROM entry")
    there.close()
    return int(count)


def attempt(node: Node) -> None:
    try:
        node.client.exchange()
    except CourtError:  # a process died in the middle of it
        pass
    finally:
        node.database.close()  # this thread's connection


def test_a_dump_and_its_restore_are_the_same_register(
    new_country: Callable[..., Country], tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    centre = new_country().centre(database=address)
    said = centre.command("backup", tmp_path / "copy")
    assert "centre.dump" in said
    other = Server.shared().fresh()
    subprocess.run([BIN / "pg_restore", "--no-owner", f"--dbname={other}", tmp_path / "copy" / "centre.dump"], check=True)
    shutil.copytree(centre.data, tmp_path / "restored")
    settings = {**centre.settings, "database": other}
    restored = Machine("central", tmp_path / "restored", port=free_port(), settings=settings, nursery=centre.nursery)
    assert "Everything is what the entries say." in restored.command("fsck")
    assert counted(other) == counted(address) > 0
    monkeypatch.setenv("PATH", "/nowhere")
    assert "backup.pg_dump" in centre.command("backup", tmp_path / "again", status=1)
    head = tmp_path / "head.txt"
    head.write_text(browser().get(f"{centre.url}/checkpoint", timeout=60).text)
    assert "head.txt" in centre.command("verify", head)


def test_a_register_is_begun_once_and_never_by_mistake(new_country: Callable[..., Country], tmp_path: Path, address: str) -> None:
    country = new_country()
    centre = country.machine("central", "centre", database=address)
    centre.command("init")
    other = country.machine("central", "other", database=address)
    assert "centre.exists" in other.command("init", status=1)
    assert not (other.data / "registry.key").exists()
    empty = Server.shared().fresh()
    centre.settings["database"] = empty
    assert "centre.none" in centre.command("sync", status=1)
    Server.shared().drop(open_postgres(empty).name)


def test_a_front_end_needs_a_server_and_a_server_its_address(new_country: Callable[..., Country]) -> None:
    country = new_country()
    alone = country.machine("central", "centre", front_end="true")
    alone.command("init")
    assert "config.front_end" in alone.command("run", status=1)
    wrong = country.machine("central", "other", database="postgresql://a b/=")
    assert "config.database" in wrong.command("init", status=1)
