"""A machine falls over before every single durable write of a filing, its exchange and what is done with it elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.errors import CourtError
from tests.court import Court
from tests.sim.crashes import Crash, crashing
from tests.sim.papers import AIGUL

AKTAU, ASTANA = "kz-283", "kz-7"


def file_and_send(court: Court) -> None:
    """A filing at Aktau for Astana, sent, delivered, decided, and the decision brought home."""
    aktau, astana = court.machine(1001), court.machine(1002)
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA, attachment=b"a contract")
    court.exchange(aktau)
    court.exchange(astana)
    court.decide(astana, filing)
    court.exchange(astana)
    court.exchange(aktau)


def aktau(court: Court) -> Any:
    return court.machine(1001)


def astana(court: Court) -> Any:
    return court.machine(1002)


def centre(court: Court) -> Any:
    return court.centre


def finish_by_hand(court: Court) -> None:
    """After the fall: what the person did not get confirmed is done again, what was confirmed is there."""
    court.settle()
    for filing in court.filings:
        if court.status(astana(court), filing) == "filed":
            court.decide(astana(court), filing)
    court.settle()
    court.check(quarantined=("filing.decided",))
    assert {court.status(astana(court), filing) for filing in court.filings} <= {"registered"}
    assert not court.alarms(aktau(court))


@pytest.mark.parametrize("who", [aktau, astana, centre])
def test_fall_before_every_write(tmp_path: Path, who: Callable[[Court], Any]) -> None:
    """Rows 43 and 51: killed before every durable write of filing, exchange and decision, at node and centre."""
    counted = Court.ready(tmp_path / "count")
    with crashing(who(counted)) as points:
        file_and_send(counted)
    counted.close()
    assert points.count > 5
    every = [(at, False) for at in range(1, points.count + 1)] + [(at, True) for at in points.marks]
    for at, torn in every:
        court = Court.ready(tmp_path / f"{at} {torn}")
        try:
            with crashing(who(court), at=at, torn=torn):
                file_and_send(court)
        except Crash:
            court.crash(who(court))
        except CourtError:  # the centre fell before the filing reached Astana: there was nothing to decide yet
            if who is not centre:
                raise
        finish_by_hand(court)
        court.close()


def test_fall_again_while_recovering(tmp_path: Path) -> None:
    """Row 16: a restored disk falls before every write of its recovery; the tail comes back all the same."""
    at = 0
    while True:
        at += 1
        court = Court.ready(tmp_path / str(at))
        backup = court.backup(aktau(court), "old.db")
        filing = court.file(aktau(court), AIGUL, AKTAU, attachment=b"a contract")
        court.settle()
        node = court.restore(aktau(court), backup)
        fell = True
        try:
            with crashing(node, at=at):
                fell = not court.exchange(node)
        except Crash:
            court.crash(node)
        court.settle()
        court.check()
        assert court.status(aktau(court), filing) == "filed"
        assert not aktau(court).journal.recovering()
        court.close()
        if not fell:
            return
