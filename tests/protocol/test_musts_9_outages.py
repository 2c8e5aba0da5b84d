"""PROTOCOL 9.9 and 9.10: what a machine certifies of its line."""

from contextlib import nullcontext
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from protocol_world import World, code_of

from common.db import fetch
from common.errors import NotFound, Refused, Unreachable
from common.facts import encode_body
from common.papers.qr import encode_qr
from edge.exchanger import Exchanger
from edge.services import outages
from sync.outages import LISTED_MAX, OUTAGES_TYPE, Outage, Outages, read_outages, sign_outages
from sync.report import Report
from sync.verify import verify_file
from tests.court import START_MS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAY = date(2026, 11, 21)
NEXT = DAY + timedelta(days=1)
SAID = Outages(v=1, node=1001, since=0, until=100, made=100, count=1, down=30, outages=[Outage(10, 20, 40, 3, 5, 9)])


class Machine:
    """The machine of the world with the exchanger that a running one has."""

    def __init__(self, world: World) -> None:
        self.world, self.exchanger = world, Exchanger(world.node)

    def run(self, *, cut: bool, after_ms: int = HOUR_MS) -> None:
        """Let time pass and try an exchange."""
        court = self.world.court
        court.clock.tick(after_ms)
        (court.cut if cut else court.heal)(self.world.node)
        with pytest.raises(Unreachable) if cut else nullcontext():
            self.exchanger.exchange()

    def kept(self) -> list[Outage]:
        return [each.outage for each in outages.recent(self.world.node)]

    def judge(self, data: bytes, where: Any = None) -> Report:
        where = where or self.world.court.centre
        return verify_file(data, database=where.database, pin=self.world.me.pin, trust=None, now_ms=0)


@pytest.fixture
def machine(world: World) -> Machine:
    world.court.clock.tick(DAY_MS - (world.court.clock.now() + 5 * HOUR_MS) % DAY_MS)  # the midnight that begins the next day here
    return Machine(world)


def codes(report: Report) -> list[str]:
    return [each.code for each in report.findings if each.level == "bad"]


def test_9_9_a_statement_is_its_machines_own(still: World) -> None:
    assert read_outages(sign_outages(SAID, still.me), still.me.certificate) == SAID
    forged = still.centre.sign_message(encode_body(SAID), OUTAGES_TYPE)
    assert code_of(lambda: read_outages(forged, still.me.certificate)) == "cose.signature"
    other = sign_outages(msgspec.structs.replace(SAID, node=1002), still.me)
    assert code_of(lambda: read_outages(other, still.me.certificate)) == "receipt.node"
    newer = sign_outages(msgspec.structs.replace(SAID, v=2), still.me)
    assert code_of(lambda: read_outages(newer, still.me.certificate)) == "outages.version"


@pytest.mark.parametrize(
    "changes",
    [
        {"outages": []},
        {"count": 0},
        {"down": 101},
        {"down": -1},
        {"outages": [Outage(10, 9, 40, 3, 5, 9)]},
        {"outages": [Outage(10, 20, 19, 3, 5, 9)]},
        {"outages": [Outage(10, 20, None, 3, 5, 9)]},
        {"outages": [Outage(10, 20, 40, 3, 5, None)]},
        {"outages": [Outage(10, 20, 40, 0, 5, 9)]},
        {"outages": [Outage(30, 30, 40, 1, 5, 9), Outage(10, 20, 25, 1, 5, 9)], "count": 2},
        {"outages": [Outage(10, 20, 40, 1, 5, 9)] * (LISTED_MAX + 1), "count": LISTED_MAX + 1},
    ],
)
def test_9_9_a_statement_that_contradicts_itself_is_refused(still: World, changes: dict[str, Any]) -> None:
    data = sign_outages(msgspec.structs.replace(SAID, **changes), still.me)
    assert code_of(lambda: read_outages(data, still.me.certificate)) == "outages.form"


def test_9_10_an_outage_is_from_the_first_try_that_failed_to_the_first_answer(machine: Machine) -> None:
    node, clock = machine.world.node, machine.world.court.clock
    machine.run(cut=False)
    assert machine.kept() == []
    before = fetch(node.database, "SELECT size FROM sync")[0][0]
    machine.run(cut=True)
    began = clock.now()
    machine.run(cut=True)
    assert machine.kept() == [Outage(began, began + HOUR_MS, None, 2, before, None)]
    machine = Machine(machine.world)  # the machine is started again: the outage goes on
    machine.world.write()
    machine.run(cut=False)
    [over] = machine.kept()
    after = fetch(node.database, "SELECT size FROM sync")[0][0]
    assert over == Outage(began, began + HOUR_MS, clock.now(), 2, before, after)
    assert after > before
    machine.run(cut=False)
    assert machine.kept() == [over]
    said = outages.statement(node, NEXT, NEXT)
    assert (said.count, said.down, said.outages) == (1, 2 * HOUR_MS, [over])


def test_9_10_a_fault_of_the_machine_neither_begins_nor_ends_an_outage(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.run(cut=True)
    [before] = machine.kept()
    monkeypatch.setattr(machine.world.node.client, "_run", lambda: (_ for _ in ()).throw(Refused("own.fault", "of its own")))
    for _ in range(2):
        code_of(machine.exchanger.exchange)
    assert machine.kept() == [before]


def test_9_10_a_refusal_of_the_centre_is_an_answer(machine: Machine) -> None:
    machine.run(cut=True)
    machine.world.court.heal(machine.world.node)
    machine.world.court.centre.server.handle = lambda path, body: (500, b"")  # type: ignore[method-assign]
    assert code_of(machine.exchanger.exchange)
    [kept] = machine.kept()
    assert kept.ended is None, "an answer that nobody signed is no answer of the centre"


def test_9_10_days_without_an_outage_and_days_that_are_none(machine: Machine) -> None:
    node = machine.world.node
    machine.run(cut=True)
    machine.run(cut=False)
    with pytest.raises(NotFound):
        outages.statement(node, DAY, DAY)
    for first, last in ((NEXT, DAY), (DAY, NEXT + timedelta(days=1)), (NEXT - timedelta(days=outages.PERIOD_DAYS_MAX), NEXT)):
        with pytest.raises(Refused):
            outages.statement(node, first, last)


def test_9_10_the_longest_are_listed_all_are_counted_and_the_code_fits(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "KEPT_MAX", LISTED_MAX + 5)
    for number in range(LISTED_MAX + 8):
        machine.run(cut=True, after_ms=60_000)
        machine.run(cut=False, after_ms=60_000 * (number + 1))
    said = outages.statement(machine.world.node, NEXT, NEXT)
    assert (said.count, len(said.outages)) == (LISTED_MAX + 5, LISTED_MAX)
    assert min((each.ended or 0) - each.began for each in said.outages) == 60_000 * 9
    assert said.down == sum(60_000 * (number + 1) for number in range(3, LISTED_MAX + 8))
    report = machine.judge(encode_qr(sign_outages(said, machine.world.me)).encode())
    assert (report.kind, report.valid, report.facts["outages"]) == ("outages", True, LISTED_MAX + 5)


def test_9_10_the_certificate_is_checked_by_anybody_and_the_clock_by_the_centre(machine: Machine) -> None:
    node = machine.world.node
    machine.run(cut=False)
    machine.run(cut=True)
    machine.world.write()
    machine.run(cut=False)
    page = outages.pdf(node, NEXT, NEXT)
    for where in (node, machine.world.court.centre):
        report = machine.judge(page, where)
        assert (report.kind, report.valid, report.facts["node"]) == ("outages", True, node.number)
    assert any("agree with these times" in each.sentence for each in machine.judge(page).findings)
    place = page.index(b"%PDF") + len(page) // 3
    changed = page[:place] + bytes([page[place] ^ 1]) + page[place + 1 :]
    assert codes(machine.judge(changed)) != []
    said = outages.statement(node, NEXT, NEXT)
    early = [msgspec.structs.replace(each, began=START_MS - DAY_MS) for each in said.outages]
    slow = machine.judge(sign_outages(msgspec.structs.replace(said, outages=early), machine.world.me))
    assert slow.valid
    assert any("clock was behind" in each.sentence for each in slow.findings)
    made_up = [msgspec.structs.replace(each, after=10**6) for each in said.outages]
    assert codes(machine.judge(sign_outages(msgspec.structs.replace(said, outages=made_up), machine.world.me))) == ["outages.head"]
