"""kill -9 of the centre while bundles arrive: what it acknowledged is in the log, once; what it did not comes again."""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from common.clock import SystemClock
from common.db import fetch, open_database
from common.errors import CourtError
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from edge.transport import CUT_FILE, HttpTransport
from sync import uplink
from tests.bench import world
from tests.processes.citizen import Holder
from tests.processes.machines import Country, Machine

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SEED", "7"))
KILLS = 8
ENTRIES = 30
"""Written before each kill; a few in each bundle."""
BUNDLE_BYTES = 20_000


def test_a_centre_killed_while_bundles_arrive_loses_nothing(
    new_country: Callable[..., Country], holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows 43 and 51: SIGKILL of the centre while bundles arrive."""
    monkeypatch.setattr(uplink, "PLAIN_BYTES_TARGET", BUNDLE_BYTES)  # many bundles without many megabytes
    dice = random.Random(SEED)
    country = new_country()
    centre = country.centre(holder.certificates)
    data = tmp_path / "node-here"
    enrol(data, country.code(1976, world.COURT_ID), HttpTransport(centre.url, data / CUT_FILE))
    node = Node.open(EdgeConfig(data=str(data), centre=centre.url), clock=SystemClock())
    node.start()
    node.client.exchange()
    made = world.make(node, holder.authority)
    made.file_many(ENTRIES)
    usual = _exchange_seconds(node)
    for number in range(KILLS):
        made.file_many(ENTRIES)
        exchanging = threading.Thread(target=_try, args=(node,))
        exchanging.start()
        time.sleep(dice.uniform(0, usual))
        centre.kill()
        exchanging.join()
        centre.start()
        _check_acknowledged(centre, node, f"seed {SEED}, kill {number}")
    node.client.exchange()
    _check_everything(centre, node)
    node.close()
    assert "Everything is what the entries say." in centre.command("fsck")


def _exchange_seconds(node: Node) -> float:
    started = time.perf_counter()
    node.client.exchange()
    return time.perf_counter() - started


def _try(node: Node) -> None:
    try:
        node.client.exchange()
    except CourtError:  # the centre died in the middle of it
        node.database.close()  # this thread's connection
        return
    node.database.close()


def _check_acknowledged(centre: Machine, node: Node, when: str) -> None:
    """What the node was told is there, is there after the power cut."""
    [(epoch, seq)] = fetch(node.database, "SELECT acked_epoch, acked_seq FROM sync")
    there = open_database(centre.data / "centre.db")
    [(stored,)] = fetch(there, "SELECT COUNT(*) FROM entry WHERE node = 1976 AND epoch = ? AND seq <= ?", (epoch, seq))
    there.close()
    assert stored == seq, when


def _check_everything(centre: Machine, node: Node) -> None:
    centre.command("sync")
    there = open_database(centre.data / "centre.db")
    here = fetch(node.database, "SELECT leaf FROM entry WHERE chain IS NOT NULL ORDER BY epoch, seq")
    assert fetch(there, "SELECT leaf FROM entry WHERE node = 1976 ORDER BY epoch, seq") == here
    assert fetch(there, "SELECT leaf FROM entry WHERE node = 1976 ORDER BY log_index") == here
    [(size,)] = fetch(there, "SELECT MAX(size) FROM checkpoint")
    assert fetch(there, "SELECT COUNT(*) FROM entry") == [(size,)]
    there.close()
    assert fetch(node.database, "SELECT COUNT(*) FROM entry WHERE chain IS NOT NULL AND log_index IS NULL") == [(0,)]
    [(epoch, seq)] = fetch(node.database, "SELECT receipted_epoch, receipted_seq FROM sync")
    at = node.journal.position()
    assert (epoch, seq) == (at.epoch, at.seq)
