"""PROTOCOL 8.4 to 8.6: what a machine may no longer hold, and the one lawful way in which an entry is deleted (row 67)."""

from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest
from protocol_world import code_of

from common.db import Database, fetch
from edge.node import Node
from sync import delivery, directory, receipts
from tests.court import Court
from tests.sim.papers import AIGUL, BOLAT, Filing

AKTAU, ASTANA, ALMATY = "kz-283", "kz-7", "kz-11"
CONTRACT = b"a contract of the court that moved"


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


def move(court: Court, source: Node, target: Node, courts: Sequence[str], *, settle: bool = True) -> None:
    """Let ``courts`` go from one machine to another."""
    held = {node: directory.courts_of(court.centre.database, node.number) for node in (source, target)}
    after = {source: [each for each in held[source] if each not in courts], target: [*held[target], *courts]}
    with court.centre.journal.unit() as unit:
        for node, list_ in after.items():
            unit.append(directory.node_object(node.number), directory.Serve(courts=list_))
    court.centre.publish()
    if settle:
        court.settle()


def held(database: Database, filing: Filing) -> int:
    return int(fetch(database, "SELECT COUNT(*) FROM entry WHERE obj = ?", (filing.obj,))[0][0])


def has_file(node: Node, content: bytes) -> bool:
    return any(content == path.read_bytes() for path in (node.data / "blobs").rglob("*") if path.is_file())


def decided(court: Court) -> Filing:
    """A filing that came from Aktau and that Astana registered."""
    filing = court.file(court.nodes[0], AIGUL, ASTANA, attachment=CONTRACT)
    court.settle()
    court.decide(court.nodes[1], filing)
    court.settle()
    return filing


def test_8_4_a_court_that_moved_takes_its_papers_with_it(court: Court) -> None:
    """Row 67."""
    _, astana, almaty = court.nodes
    filing = decided(court)
    assert has_file(astana, CONTRACT)
    move(court, astana, almaty, [ASTANA])
    assert court.status(astana, filing) == ""
    assert court.status(almaty, filing) == "registered"
    assert not has_file(astana, CONTRACT)
    assert has_file(almaty, CONTRACT)
    [(sha256, size)] = fetch(almaty.database, "SELECT sha256, size FROM blob_ref WHERE size = ?", (len(CONTRACT),))
    assert not delivery.may_read_blob(court.centre.database, astana.number, sha256, size)
    court.check()


def test_8_4_a_machine_that_was_away_meanwhile_learns_it(court: Court) -> None:
    """Row 67: the scope changed while the machine was off the line, and entries came that it never saw."""
    aktau, astana, almaty = court.nodes
    filing = decided(court)
    court.cut(astana)
    unseen = court.file(aktau, BOLAT, ASTANA)
    court.exchange(aktau)
    move(court, astana, almaty, [ASTANA])
    court.settle()
    assert (court.status(astana, filing), court.status(astana, unseen)) == ("", "")
    assert held(astana.database, unseen) == 0
    court.check()


def test_8_4_another_reason_to_hold_it_remains(court: Court) -> None:
    """A person's cabinet at the machine is one."""
    aktau, astana, almaty = court.nodes
    court.open_cabinet(astana, AIGUL)
    filing = decided(court)
    move(court, astana, almaty, [ASTANA])
    assert court.status(astana, filing) == court.status(almaty, filing) == "registered"
    court.check()


def test_8_5_what_the_machine_wrote_itself_stays_with_its_proofs(court: Court) -> None:
    _, astana, almaty = court.nodes
    filing = decided(court)
    [(own,)] = fetch(astana.database, "SELECT leaf FROM entry WHERE obj = ? AND node = ?", (filing.obj, astana.number))
    proof = receipts.inclusion_of(astana.database, own)
    move(court, astana, almaty, [ASTANA])
    assert fetch(astana.database, "SELECT leaf FROM entry WHERE obj = ?", (filing.obj,)) == [(own,)]
    assert receipts.inclusion_of(astana.database, own) == proof
    assert fetch(astana.database, "SELECT COUNT(*) FROM quarantine") == [(0,)]
    assert code_of(lambda: court.decide(astana, filing)) == "entry.withdrawn"


def test_8_5_no_other_way_deletes_an_entry(court: Court) -> None:
    """Row 24: neither at a machine nor, whatever stands in its tables, at the centre."""
    filing = decided(court)
    astana, delete = court.nodes[1], "DELETE FROM entry WHERE obj = ?"
    with pytest.raises(apsw.ConstraintError, match="never deleted"):
        fetch(astana.database, delete, (filing.obj,))
    for owner in (astana, court.centre):
        fetch(owner.database, "INSERT INTO withdrawn (obj) VALUES (?)", (filing.obj,))
        with pytest.raises(apsw.ConstraintError, match="never deleted"):  # the machine's own entry, and all at the centre
            fetch(owner.database, delete, (filing.obj,))
        assert held(owner.database, filing) == 2


def test_8_5_a_downlink_that_breaks_off_takes_nothing_away(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    _, astana, almaty = court.nodes
    filing = decided(court)
    move(court, astana, almaty, [ASTANA], settle=False)
    with monkeypatch.context() as patch:
        patch.setattr(type(astana.client._down), "_refold", lambda self, objects: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            astana.client.exchange()
    assert held(astana.database, filing) == 2
    court.settle()
    assert held(astana.database, filing) == 1
    court.check()


def test_8_6_a_court_that_comes_back_brings_everything(court: Court) -> None:
    _, astana, almaty = court.nodes
    filing = decided(court)
    before = astana.fold.state_hash(astana.database, filing.obj)
    move(court, astana, almaty, [ASTANA])
    move(court, almaty, astana, [ASTANA])
    assert court.status(astana, filing) == "registered"
    assert astana.fold.state_hash(astana.database, filing.obj) == before
    assert has_file(astana, CONTRACT)
    assert held(almaty.database, filing) == 0
    court.check()


def test_8_6_away_and_back_before_the_machine_looks_changes_nothing(court: Court) -> None:
    _, astana, almaty = court.nodes
    filing = decided(court)
    move(court, astana, almaty, [ASTANA], settle=False)
    move(court, almaty, astana, [ASTANA], settle=False)
    court.settle()
    assert court.status(astana, filing) == "registered"
    court.check()


def test_8_6_an_old_stick_neither_takes_away_nor_brings_back(court: Court, tmp_path: Path) -> None:
    """Rows 38 and 67: what it says is older than the cursor."""
    _, astana, almaty = court.nodes
    filing = decided(court)
    usb, late = tmp_path / "usb", tmp_path / "late"
    for folder in (usb, late):
        folder.mkdir()
    fetch(astana.database, "UPDATE sync SET feed = 0")
    astana.client.stick.export(usb)
    court.centre.sticks.take(usb)
    court.centre.sticks.export(usb)  # holds the filing, written before the move
    court.settle()
    move(court, astana, almaty, [ASTANA])
    astana.client.stick.take(usb)
    assert held(astana.database, filing) == 1
    court.centre.sticks.export(late, [astana.number])  # says that it is gone
    move(court, almaty, astana, [ASTANA])
    astana.client.stick.take(late)
    assert court.status(astana, filing) == "registered"
    court.check()
