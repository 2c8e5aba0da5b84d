"""Stories of the stick: what a courier brings, loses, brings twice and months late. A settled country is held against all oracles."""

import random
import shutil
from pathlib import Path

import pytest

from common.db import fetch
from edge.node import Node
from sync import receipts
from tests.court import Court
from tests.sim.papers import AIGUL, BOLAT

MONTH_MS = 30 * 86_400_000
AKTAU, ASTANA, ALMATY = "kz-283", "kz-7", "kz-11"


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


def carry(court: Court, node: Node, usb: Path) -> bool:
    """One trip of the courier, there and back; return whether anything moved."""
    sent = node.client.stick.export(usb)
    court.centre.sticks.take(usb)
    court.centre.sticks.export(usb)
    back = node.client.stick.take(usb)
    return bool(sent.entries_up or back.entries_down or back.receipts or back.blobs_down)


def settle_by_hand(court: Court, usb: Path) -> None:
    """Let couriers go until nothing moves any more: no machine has a line."""
    for _ in range(10):
        moved = [carry(court, node, usb) for node in court.nodes]
        if not any(moved):
            return
    raise AssertionError("still moving")


def test_a_country_without_any_line_lives_by_sticks(court: Court, usb: Path) -> None:
    """Filed in Aktau, registered in Astana, seen in Aktau; files, R1 and R2 too. The oracles hold without one exchange."""
    aktau, astana, _ = court.nodes
    for node in court.nodes:
        court.cut(node)
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA, attachment=b"a contract")
    settle_by_hand(court, usb)
    assert receipts.ladder_of(aktau.database, filing.leaf).complete_ms is not None
    assert court.status(astana, filing) == "filed"
    assert not fetch(astana.database, "SELECT 1 FROM blob_ref r LEFT JOIN blob b ON b.sha256 = r.sha256 WHERE b.sha256 IS NULL")
    court.decide(astana, filing)
    settle_by_hand(court, usb)
    assert court.status(aktau, filing) == "registered"
    court.check()


def test_a_court_without_a_line_is_served_through_its_neighbour(court: Court, usb: Path, tmp_path: Path) -> None:
    """Row 39: the clerk of Aktau leaves the stick in Astana; whoever goes from there to the centre has both courts' papers."""
    aktau, astana, _ = court.nodes
    court.cut(aktau)
    filing = court.file(aktau, AIGUL, AKTAU, attachment=b"a contract")
    aktau.client.stick.export(usb)
    assert astana.client.stick.take(usb).carried == 1
    onward = tmp_path / "onward"
    onward.mkdir()
    astana.client.stick.export(onward)
    assert {one.node for one in court.centre.sticks.take(onward)} == {1001, 1002}
    court.centre.sticks.export(onward)
    assert astana.client.stick.take(onward).carried == 2  # the answer for Aktau, and Aktau's own folder as it was
    astana.client.stick.export(usb)
    assert aktau.client.stick.take(usb).receipts == 1
    assert receipts.ladder_of(aktau.database, filing.leaf).complete_ms is not None
    court.settle()
    court.check()


def test_a_neighbour_with_a_line_hands_the_stick_over(court: Court, usb: Path) -> None:
    """Row 39: nobody has to go to the centre: the answer comes back to be carried, and the neighbour reads none of it."""
    aktau, astana, _ = court.nodes
    court.cut(aktau)
    filing = court.file(aktau, AIGUL, AKTAU, attachment=b"a contract")
    aktau.client.stick.export(usb)
    assert astana.client.stick.take(usb).carried == 1
    assert astana.client.exchange().forwarded == 1
    assert court.status(court.centre, filing) == "filed"
    assert astana.client.stick.relay.names() == ["DN1001"]
    assert not fetch(astana.database, "SELECT 1 FROM entry WHERE leaf = ?", (filing.leaf,))
    assert astana.client.exchange().forwarded == 0
    astana.client.stick.export(usb)
    assert aktau.client.stick.take(usb).receipts == 1
    assert receipts.ladder_of(aktau.database, filing.leaf).complete_ms is not None
    court.settle()
    court.check()


def test_a_lost_stick_costs_nothing_but_time(court: Court, usb: Path) -> None:
    """Row 36."""
    aktau = court.nodes[0]
    court.cut(aktau)
    court.file(aktau, AIGUL, AKTAU, attachment=b"a contract")
    aktau.client.stick.export(usb)
    shutil.rmtree(usb / "SOT1")
    court.file(aktau, BOLAT, AKTAU)
    carry(court, aktau, usb)
    assert aktau.client.backlog()[0] == 0
    court.settle()
    court.check()


def test_a_stick_that_comes_months_late_rolls_nothing_back(court: Court, usb: Path, tmp_path: Path) -> None:
    """Row 38: in both directions."""
    aktau = court.nodes[0]
    filing = court.file(aktau, AIGUL, AKTAU)
    carry(court, aktau, usb)
    old = tmp_path / "old"
    shutil.copytree(usb, old)
    court.clock.tick(4 * MONTH_MS)
    court.decide(aktau, filing)
    court.settle()
    [moved] = court.centre.sticks.take(old)
    assert (moved.entries, moved.repeated, moved.problems) == (0, 1, [])
    assert aktau.client.stick.take(old).problems == []
    court.centre.sticks.export(usb, [aktau.number])  # answers the old question: more than is needed, nothing that harms
    assert aktau.client.stick.take(usb).problems == []
    assert court.status(aktau, filing) == "registered"
    court.settle()
    court.check()


def test_a_restored_disk_without_a_line_gets_its_tail_back(court: Court, usb: Path) -> None:
    """Row 16, by hand."""
    aktau = court.nodes[0]
    court.cut(aktau)
    early = court.file(aktau, AIGUL, AKTAU)
    carry(court, aktau, usb)
    backup = court.backup(aktau, "old.db")
    late = court.file(aktau, BOLAT, AKTAU, attachment=b"a contract")
    carry(court, aktau, usb)
    aktau = court.restore(aktau, backup)
    assert aktau.journal.recovering()
    offline = court.file(aktau, AIGUL, AKTAU)
    carry(court, aktau, usb)
    assert not aktau.journal.recovering()
    assert [court.status(aktau, one) for one in (early, late, offline)] == ["filed"] * 3
    court.settle()
    court.check()


def test_a_fork_carried_by_hand_is_evidence_and_goes_on(court: Court, usb: Path) -> None:
    """Row 15: a disk restored without its mark has written beside the register, and no line tells it so."""
    aktau = court.nodes[0]
    backup = court.backup(aktau, "old.db")
    court.file(aktau, AIGUL, AKTAU)
    carry(court, aktau, usb)
    aktau = court.restore(aktau, backup, mark=False)
    court.cut(aktau)
    court.file(aktau, BOLAT, AKTAU)
    carry(court, aktau, usb)
    assert aktau.journal.position().epoch == 2
    carry(court, aktau, usb)
    assert not aktau.journal.recovering()
    later = court.file(aktau, BOLAT, AKTAU)
    carry(court, aktau, usb)
    assert court.status(court.centre, later) == "filed"
    court.settle()
    court.check()


@pytest.mark.parametrize("seed", range(3))
def test_line_and_stick_take_turns_in_any_order(tmp_path: Path, seed: int) -> None:
    """Row 30: overlapping ranges both ways, cut lines, sticks that are lost, kept and brought again."""
    court = Court.ready(tmp_path, seed=seed)
    dice = random.Random(seed)
    media = [tmp_path / f"usb-{number}" for number in range(3)]
    for medium in media:
        medium.mkdir()
    people = (AIGUL, BOLAT)
    for _ in range(25):
        node, medium = dice.choice(court.nodes), dice.choice(media)
        match dice.randrange(8):
            case 0 | 1:
                court.file(
                    node, dice.choice(people), dice.choice((AKTAU, ASTANA, ALMATY)), attachment=dice.choice((b"", dice.randbytes(99)))
                )
            case 2:
                court.open_cabinet(node, dice.choice(people))
            case 3:
                court.lines[node.number].cuts = [dice.randrange(6)]
                court.exchange(node)
            case 4 | 5:
                node.client.stick.export(medium)
            case 6:
                _at_centre(court, medium)
            case 7:
                _at(node, medium)
    court.settle()
    assert court.troubles == []
    court.check()


def _at_centre(court: Court, medium: Path) -> None:
    names = {path.name for path in medium.glob("SOT1/*")}
    if any(name.startswith("UP") for name in names):
        assert [one.problems for one in court.centre.sticks.take(medium) if one.problems] == []
        court.centre.sticks.export(medium)


def _at(node: Node, medium: Path) -> None:
    if (medium / "SOT1" / f"DN{node.number}").exists():
        assert node.client.stick.take(medium).problems == []
