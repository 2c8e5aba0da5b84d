"""PROTOCOL 5: a journal never says two things under one number."""

from pathlib import Path

import pytest
from protocol_world import OPEN, World, append, code_of, make_entry, picture

from common.db import fetch
from common.ids import read_talon
from sync import news, ports
from sync.directory import Serve, node_object
from sync.entry import chain_start
from sync.highwater import SLOT_BYTES, HighWater, Mark
from sync.position import Position


def test_5_1_what_the_fold_refuses_leaves_nothing(still: World) -> None:
    at = still.node.journal.position()
    assert code_of(lambda: append(still.node, Serve(courts=[]))) == "node.not_centre"
    assert still.node.journal.position() == at


def test_5_1_a_use_case_that_fails_later_leaves_nothing(still: World) -> None:
    def fails() -> None:
        with still.node.journal.unit() as unit:
            unit.append(node_object(still.node.number), OPEN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()


def open_bundle_of(world: World, epoch: int, seq: int, kind: str, prior: bytes | None = None) -> bytes:
    node = world.node.number
    body = {"previous": 1, "last_seq": 0, "reason": "x"}
    entry = make_entry(node, epoch, seq, type=kind, obj=node_object(node), body=body)
    start = Position(epoch, seq - 1, prior or chain_start(world.me.environment, node, epoch))
    return world.bundle([entry], after=start)


@pytest.mark.parametrize(
    ("seq", "kind", "prior"),
    [(1, "test.thing/1", None), (2, "epoch.open/1", None), (1, "epoch.open/1", bytes(32))],
)
def test_5_2_a_new_epoch_begins_with_its_own_word(still: World, seq: int, kind: str, prior: bytes | None) -> None:
    refusal = still.refused(ports.BUNDLE, open_bundle_of(still, 2, seq, kind, prior))
    assert refusal.code == "bundle.gap"
    at = still.at()
    assert (refusal.epoch, refusal.seq, refusal.head) == (at.epoch, at.seq, at.head)


def test_5_2_an_old_epoch_is_not_used_again(world: World) -> None:
    assert world.post(ports.BUNDLE, open_bundle_of(world, 2, 1, "epoch.open/1"))[0] == 200
    centre = world.court.centre.database
    before = picture(centre, without=("evidence", "peer"))
    again = world.bundle([make_entry(world.node.number, 1, 1)], after=Position(1, 0, chain_start(world.me.environment, 1001, 1)))
    assert world.refused(ports.BUNDLE, again).code == "bundle.fork"
    assert picture(centre, without=("evidence", "peer")) == before
    assert world.at().epoch == 2
    # the branch of the old epoch does not stop the one that took its place
    assert world.post(ports.BUNDLE, world.bundle(world.entries()))[0] == 200


def test_5_2_numbers_of_one_history_are_consecutive(world: World) -> None:
    numbers = [(entry.envelope.epoch, entry.envelope.seq) for entry in world.write(3)]
    assert numbers == [(1, 1), (1, 2), (1, 3)]


def test_5_3_a_restored_database_opens_the_next_epoch_first(world: World) -> None:
    """Rows 13 and 16: the mark is ahead of the database."""
    world.write()
    world.node.client.exchange()
    backup = world.court.backup(world.node, "backup.db")
    world.write(2)
    again = world.court.restore(world.node, backup)
    at = again.journal.position()
    assert (at.epoch, at.seq) == (2, 1)
    kinds = fetch(again.database, "SELECT COUNT(*) FROM entry WHERE node = ? AND epoch = 2", (again.number,))
    assert kinds == [(1,)]
    assert again.journal.recovering()
    again.client.exchange()
    assert world.court.centre.register.peer(again.number).epoch == 2


def test_5_3_the_mark_is_written_before_anybody_is_told(world: World) -> None:
    [entry] = world.write()
    mark = world.node.highwater.read()
    assert mark is not None
    assert (mark.epoch, mark.seq, mark.head) == (1, entry.envelope.seq, world.node.journal.position().head)


def test_5_3_a_torn_mark_leaves_the_one_before(tmp_path: Path) -> None:
    """Row 52: the mark itself is torn."""
    path = tmp_path / "mark"
    water = HighWater(path)
    water.write(Mark(1, 1, 0, bytes(32)))
    water.write(Mark(1, 2, 0, bytes(32)))
    water.close()
    data = bytearray(path.read_bytes())
    data[SLOT_BYTES : SLOT_BYTES + 8] = b"\xff" * 8
    path.write_bytes(data)
    again = HighWater(path)
    assert again.read() == Mark(1, 1, 0, bytes(32))
    again.close()


def test_5_4_a_lost_tail_comes_back_from_the_register(world: World) -> None:
    """Row 16: the own tail comes back."""
    backup = world.court.backup(world.node, "backup.db")
    lost = world.write(3)
    world.node.client.exchange()
    again = world.court.restore(world.node, backup)
    assert fetch(again.database, "SELECT COUNT(*) FROM entry WHERE leaf = ?", (lost[0].leaf,)) == [(0,)]
    again.client.exchange()
    for entry in lost:
        [(index,)] = fetch(again.database, "SELECT log_index FROM entry WHERE leaf = ?", (entry.leaf,))
        assert index is not None
    assert not again.journal.recovering()


def test_5_4_a_tail_of_which_a_stick_brought_a_later_part_comes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for goes on behind the part that is there from the beginning, or it would be the same part for ever."""
    backup = world.court.backup(world.node, "backup.db")
    lost = world.write(4)
    world.node.client.exchange()
    again = world.court.restore(world.node, backup)
    register, down = world.court.centre.register, again.client._down
    down._store_own(news.own_after(register, again.number, 1, 3))
    monkeypatch.setattr(news, "OWN_BYTES_MAX", 1)  # one entry a part
    line = world.court.lines[again.number]
    line.seen.clear()
    handle = line._handle

    def bounded(path: str, body: bytes) -> tuple[int, bytes]:
        assert len(line.seen) < 20
        return handle(path, body)

    line._handle = bounded
    again.client.exchange()
    known = {leaf for (leaf,) in fetch(again.database, "SELECT leaf FROM entry WHERE log_index IS NOT NULL")}
    assert {entry.leaf for entry in lost} <= known
    assert not again.journal.recovering()


def test_5_5_a_branch_is_sent_as_evidence_and_kept(world: World) -> None:
    """Row 15: a branch beside the register's history."""
    backup = world.court.backup(world.node, "backup.db")
    world.write(2)
    world.node.client.exchange()
    world.node.highwater.close()
    mark = world.node.data / "mark" / "highwater"
    world.node.highwater = HighWater(mark)
    again = world.court.restore(world.node, backup)  # with its mark the restore is noticed at once …
    assert again.journal.position().epoch == 2
    again.close()
    mark.unlink()
    world.court.nodes[0] = again
    blind = world.court.restore(again, backup)  # … without it the machine writes beside the register
    world.node = blind
    [branch] = world.write()
    assert (branch.envelope.epoch, branch.envelope.seq) == (1, 1)
    blind.client.exchange()
    centre = world.court.centre.database
    assert fetch(centre, "SELECT node, reason FROM evidence") == [(blind.number, "fork")]
    assert fetch(centre, "SELECT COUNT(*) FROM entry WHERE leaf = ?", (branch.leaf,)) == [(0,)]
    assert fetch(blind.database, "SELECT COUNT(*) FROM entry WHERE leaf = ?", (branch.leaf,)) == [(1,)]
    assert blind.journal.position().epoch == 2


def test_5_6_a_talon_number_is_not_given_twice(world: World) -> None:
    def reserve() -> str:
        with world.node.journal.unit() as unit:
            return unit.reserve_talon()

    backup = world.court.backup(world.node, "backup.db")
    given = {reserve(), reserve()}
    world.write()
    world.node = world.court.restore(world.node, backup)
    given |= {reserve(), reserve()}
    assert len(given) == 4
    assert {read_talon(talon).epoch for talon in given} == {1, 2}


def test_5_6_a_talon_reserved_and_lost_with_the_disk_is_not_given_again(world: World) -> None:
    """Row 16: nothing but a talon was written: the mark is ahead in its counter alone."""
    world.write()
    backup = world.court.backup(world.node, "backup.db")
    with world.node.journal.unit() as unit:
        lost = unit.reserve_talon()
    world.node = world.court.restore(world.node, backup)
    with world.node.journal.unit() as unit:
        assert unit.reserve_talon() != lost


def test_5_3_another_disk_at_the_same_number_opens_a_new_epoch(world: World) -> None:
    """Row 13: another head at the same number."""
    backup = world.court.backup(world.node, "backup.db")
    world.write()
    mark = (world.node.data / "mark" / "highwater").read_bytes()
    (world.node.data / "mark" / "highwater").unlink()
    world.node = world.court.restore(world.node, backup)
    world.write()  # the same number again, on the older disk
    path = world.node.data / "mark" / "highwater"
    world.node.highwater.close()
    path.write_bytes(mark)
    world.node.database.close()
    world.node = world.court.crash(world.node)
    assert world.node.journal.position().epoch == 2


def test_5_5_a_machine_whose_epoch_somebody_froze_goes_on_in_the_next(world: World) -> None:
    """Row 15: a thief with a copy of the keys writes beside the machine; what it wrote since is evidence, and it goes on."""
    start = world.at()
    world.write()
    world.node.client.exchange()
    assert world.post(ports.BUNDLE, world.bundle(world.entries(after=start), after=start))[0] == 409
    [late] = world.write()
    world.node.client.exchange()
    centre = world.court.centre.database
    assert fetch(centre, "SELECT COUNT(*) FROM entry WHERE leaf = ?", (late.leaf,)) == [(0,)]
    assert fetch(centre, "SELECT node, reason FROM evidence") == [(world.node.number, "fork")] * 2
    assert world.node.journal.position().epoch == 2
    [next_] = world.write()
    world.node.client.exchange()
    assert fetch(centre, "SELECT COUNT(*) FROM entry WHERE leaf = ?", (next_.leaf,)) == [(1,)]
    assert not world.node.journal.recovering()
    kept = fetch(centre, "SELECT COUNT(*) FROM evidence")
    world.node.client.exchange()
    assert fetch(centre, "SELECT COUNT(*) FROM evidence") == kept
