"""Real machines over real HTTP: enrolment, exchanges by schedule and by hand, the line cut and healed, a clean end."""

import contextlib
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from tests.processes.machines import Country, browser

pytestmark = pytest.mark.slow

NewCountry = Callable[..., Country]


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a database in use holds."""
    with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        database.set_busy_timeout(5_000)
        return list(database.execute(query))


def until(true: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_machines_enrol_exchange_and_end_cleanly(new_country: NewCountry) -> None:
    country = new_country(cold=True)
    centre = country.centre()
    code = country.code(7, "kz-7")
    node = country.machine("edge", "node", interval_seconds="5")
    node.command("init", "--centre", centre.url)
    assert "Enrolled as machine 7; courts: kz-7." in node.command("enrol", "--code", code)
    node.start()
    contacts = ask(centre.data / "centre.db", "SELECT contact_ms FROM contact")
    until(lambda: ask(centre.data / "centre.db", "SELECT contact_ms FROM contact") > contacts)  # by itself
    assert "1 trips" in node.command("sync")  # and by hand, while it runs
    assert browser().get(node.url, timeout=30).status_code == 200

    other = country.machine("edge", "other", centre=centre.url)
    assert "enrol.used" in other.command("enrol", "--code", code, status=1)
    strange = country.machine("edge", "strange", centre=node.url)
    assert "enrol." in strange.command("enrol", "--code", country.code(8, "kz-18"), status=1)
    assert "serve.running" in node.command("run", status=1)
    taken = country.machine("edge", "taken", centre=centre.url)
    taken.port = node.port
    taken.command("enrol", "--code", country.code(9, "kz-18"))
    assert "serve.address" in taken.command("run", status=1)

    assert node.stop() == 0
    assert centre.stop() == 0
    for machine in (node, centre):
        assert "Traceback" not in machine.log.read_text()
        assert re.search(r"begins: \S+, process \d+\n(.*\n)*.* ends: told to by SIGTERM", machine.log.read_text())


def test_what_a_machine_dies_of_stands_in_its_log(new_country: NewCountry) -> None:
    country = new_country(cold=True)
    country.centre()
    node = country.node(7, "kz-7")
    assert node.process is not None
    node.process.send_signal(signal.SIGSEGV)  # as a library in C dies, with no exception of Python's
    assert node.process.wait(30) == -signal.SIGSEGV
    assert re.search(r"Fatal Python error: Segmentation fault\n(.*\n)*.*common/serving.py", node.log.read_text())


def test_the_line_is_cut_and_healed_while_the_machine_runs(new_country: NewCountry) -> None:
    country = new_country()
    centre = country.centre()
    node = country.node(7, "kz-7", interval_seconds="5")
    node.command("line", "cut")
    until(lambda: ask(node.data / "node.db", "SELECT down_since_ms FROM sync") != [(None,)])
    assert "line.cut" in node.command("sync", status=1)
    assert browser().get(node.url, timeout=30).status_code == 200  # pages go on
    node.command("line", "heal")
    node.command("sync")
    assert ask(node.data / "node.db", "SELECT down_since_ms, state FROM sync") == [(None, "")]
    centre.kill()
    assert "line.down" in node.command("sync", status=1)
    centre.start()
    node.command("sync")


@contextmanager
def silence() -> Iterator[str]:
    """Something that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def test_a_silent_line_does_not_hold_up_the_end(new_country: NewCountry) -> None:
    """Row 31: a line that takes everything and says nothing."""
    country = new_country(cold=True)
    country.centre()
    node = country.node(7, "kz-7", start=False)
    with silence() as url:
        node.settings |= {"centre": url, "interval_seconds": "5"}
        node.start()
        until(lambda: ask(node.data / "node.db", "SELECT tried_ms > contact_ms FROM sync") == [(1,)])
        started = time.monotonic()
        assert browser().get(node.url, timeout=30).status_code == 200
        assert node.stop() == 0
        assert time.monotonic() - started < 20


def test_nothing_of_a_person_stands_in_the_log(new_country: NewCountry) -> None:
    country = new_country()
    country.centre()
    node = country.node(7, "kz-7")
    session = browser()
    session.get(f"{node.url}/enter?next=850312400127", timeout=30)
    session.post(f"{node.url}/enter/password", data={"login": "850312400127", "password": "төрт сөз"}, timeout=30)
    session.get(f"{node.url}/filings/850312400127", timeout=30)
    log = node.log.read_text()
    assert re.search(r"GET /enter ", log)
    assert "850312400127" not in log
