"""Real machines over a bad line: cut at any byte, captive portals, proxies that alter, silence, and two processes on one folder."""

import random
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from common.db import fetch, open_database
from sync.pieces import CHUNK_BYTES
from tests.court import Court
from tests.processes.machines import Country, Machine, browser
from tests.processes.proxy import Proxy
from tests.sim.papers import AIGUL

pytestmark = pytest.mark.slow

NewCountry = Callable[..., Country]
AKTAU, ASTANA = "kz-283", "kz-7"
CUTS = 25
SEED = 20261127


@pytest.fixture
def country(tmp_path: Path, new_country: NewCountry) -> Country:
    """The simulator's country as folders for real processes; Aktau has filings that nobody knows of yet."""
    court, dice = Court.ready(tmp_path / "sim"), random.Random(SEED)
    for number in range(8):
        court.file(court.machine(1001), AIGUL, ASTANA, attachment=dice.randbytes(number * 40_000))
    court.file(court.machine(1001), AIGUL, ASTANA, attachment=dice.randbytes(2 * CHUNK_BYTES))
    court.close()
    country = new_country()
    for side, name in (("central", "centre"), ("edge", "node-1001")):
        shutil.copytree(court.folder / name, tmp_path / name)
        country.machine(side, name)
    return country


def machines(country: Country) -> tuple[Machine, Machine]:
    centre, node = country.machines
    return centre.start(), node


def filings(centre: Machine) -> list[tuple[int, int]]:
    """Return how many filings the register has, and how many files it lacks."""
    centre.command("sync")
    database = open_database(centre.data / "centre.db")
    missing = "SELECT COUNT(DISTINCT r.sha256) FROM blob_ref r LEFT JOIN blob b ON b.sha256 = r.sha256 WHERE b.sha256 IS NULL"
    found = (fetch(database, "SELECT COUNT(*) FROM filing_row")[0][0], fetch(database, missing)[0][0])
    database.close()
    return [found]


def trying(node: Machine) -> str:
    """Exchange once, whatever comes of it; return what was said."""
    status, said = node._run(["--data", str(node.data), "sync"])
    assert status == 0 or "line." in said, said
    return said if status else ""


def test_a_line_cut_at_any_byte_brings_everything_once(country: Country) -> None:
    """Rows 27, 28 and 31: over real HTTP, each connection reset after some bytes; the exchange ends by itself, and nothing comes twice."""
    dice = random.Random(SEED)
    centre, node = machines(country)
    with Proxy(centre.port) as line:
        node.settings["centre"] = line.url
        for number in range(CUTS):
            line.cut_after = 1 + int(dice.random() * (3_000 if number < CUTS // 2 else CHUNK_BYTES))
            trying(node)
        assert line.cuts > CUTS // 3
        line.cut_after = 0
        assert trying(node) == ""
    assert filings(centre) == [(9, 0)]
    assert "Everything is what the entries say." in centre.command("fsck")
    assert "Everything is what the entries say." in node.command("fsck")


def test_a_stranger_on_the_line_is_a_broken_line(country: Country) -> None:
    """Rows 31 and 32: a captive portal that answers 200, and then the centre itself."""
    centre, node = machines(country)
    with Proxy(centre.port) as line:
        node.settings["centre"] = line.url
        line.page = b"<html>pay for your internet</html>"
        assert "line.stranger" in trying(node)
        line.page = b""
        assert trying(node) == ""
    assert filings(centre) == [(9, 0)]


def test_a_thin_line_sends_entries_before_files(country: Country) -> None:
    """Row 31: at 40 kB/s, and dead soon, the entries are in the register before the files."""
    centre, node = machines(country)
    with Proxy(centre.port) as line:
        node.settings["centre"] = line.url
        line.rate, line.delay, line.cut_after, line.dead_after = 40_000, 0.1, 30_000, 60_000
        assert "line." in trying(node)
    [(logged, missing)] = filings(centre)
    assert logged == 9
    assert missing > 0
    assert trying_straight(node, centre) == ""
    assert filings(centre) == [(9, 0)]


def trying_straight(node: Machine, centre: Machine) -> str:
    node.settings["centre"] = centre.url
    return trying(node)


def test_one_folder_has_one_process_and_no_deadlock(country: Country) -> None:
    """Rows 57 and 58: a second process is turned away; a killed one leaves no lock behind; a copied database is another disk."""
    centre, node = machines(country)
    node.settings |= {"centre": centre.url, "interval_seconds": "3600"}
    node.start()
    assert "serve.running" in node.command("run", status=1)
    held = apsw.Connection(str(node.data / "node.db"))
    held.execute("BEGIN IMMEDIATE")
    node.kill()  # while somebody else holds the write lock
    held.execute("ROLLBACK")
    held.close()
    node.start()
    assert trying(node) == ""
    assert browser().get(node.url, timeout=30).status_code == 200
    shutil.copy(node.data / "node.db", node.data.parent / "copy.db")  # without its write-ahead log
    node.command("sync")
    node.command("sync")
    node.kill()
    for old in node.data.glob("node.db*"):
        old.unlink()
    shutil.copy(node.data.parent / "copy.db", node.data / "node.db")
    assert "A new epoch was opened: restored" in node.command("sync")
    assert filings(centre) == [(9, 0)]


def test_a_slow_upload_holds_nobody_up(country: Country) -> None:
    """Row 34: connections that send a byte and wait take no thread from the others."""
    centre, node = machines(country)
    node.settings["centre"] = centre.url
    doors = [socket.create_connection(("127.0.0.1", centre.port)) for _ in range(40)]
    for door in doors:
        door.sendall(b"POST /sync/bundle HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
    started = time.monotonic()
    assert trying(node) == ""
    assert time.monotonic() - started < 30
    assert filings(centre) == [(9, 0)]
    for door in doors:
        door.close()
