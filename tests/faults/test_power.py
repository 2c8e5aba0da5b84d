"""The power goes at some write or sync of a node's or the centre's life, and comes back.

CUTS=1000 pytest tests/faults/test_power.py          that many cuts, from 0 on
CUTS=417:418 pytest tests/faults/test_power.py       these; what a failure prints
"""

import functools
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from common.db import fetch
from common.errors import CourtError
from sync.pieces import CHUNK_BYTES
from tests.court import Court
from tests.faults.disk import Disk
from tests.sim.papers import AIGUL, BOLAT

CUTS = 40
CHUNKS = 4
"""Tests over which the cuts are spread, so that several workers share them."""
AKTAU, ASTANA = "kz-283", "kz-7"


def cuts() -> range:
    first, _, end = os.environ.get("CUTS", str(CUTS)).rpartition(":")
    return range(int(first or 0), int(end))


def live(court: Court) -> None:
    """Filings with files on two machines, an exchange of each, and a decision."""
    aktau, astana = court.machine(1001), court.machine(1002)
    filing = court.file(aktau, AIGUL, ASTANA, attachment=b"a contract")
    court.exchange(aktau)
    court.file(aktau, BOLAT, AKTAU, attachment=bytes(CHUNK_BYTES + 7))
    court.exchange(aktau)
    court.exchange(astana)
    with suppress(CourtError):  # the filing may not have reached Astana before the power went
        court.decide(astana, filing)
    court.exchange(astana)


def fallen_node(court: Court) -> Any:
    return court.machine(1001)


def fallen_centre(court: Court) -> Any:
    return court.centre


def start(court: Court, owner: Any) -> None:
    if owner is court.centre:
        court.crash_centre()
    else:
        court.crash(owner)


@functools.cache
def operations(who: Callable[[Court], Any], folder: Path) -> int:
    """Return how many writes and syncs there are in a life without a cut."""
    court = Court.ready(folder / f"count {who.__name__}")
    with Disk(who(court).data, random.Random(0)) as disk:
        start(court, who(court))
        live(court)
        counted = disk.count
        court.close()
    return counted


@pytest.mark.parametrize("who", [fallen_node, fallen_centre])
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_power_cut(tmp_path: Path, who: Callable[[Court], Any], chunk: int) -> None:
    """Row 52: unsynced writes are lost, torn and reordered; nothing acknowledged is lost, and no disk is taken for a restored one."""
    total = operations(who, tmp_path)
    for number in cuts()[chunk::CHUNKS]:
        dice = random.Random(f"power {number}")
        at = 1 + int(dice.random() * total)
        court = Court.ready(tmp_path / str(number))
        try:
            _cut_and_check(court, who, dice, at)
        except BaseException as error:
            error.add_note(f"{who.__name__}, cut {number} at operation {at} of {total}; again: CUTS={number}:{number + 1}")
            raise
        finally:
            court.close()
        shutil.rmtree(tmp_path / str(number))


def _cut_and_check(court: Court, who: Callable[[Court], Any], dice: random.Random, at: int) -> None:
    with Disk(who(court).data, dice, cut_at=at) as disk:
        start(court, who(court))
        live(court)
    assert disk.off, "the power never went"
    who(court).close()
    disk.settle()
    start(court, who(court))
    court.settle()
    court.check()
    for node in court.nodes:
        assert fetch(node.database, "SELECT epoch FROM journal") == [(1,)], f"{node.number} thinks that its disk was restored"
