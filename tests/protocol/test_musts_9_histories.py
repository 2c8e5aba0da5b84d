"""PROTOCOL 9.6 to 9.8: a receipt names its place in the machine's chain, and with what was signed later it is a proof."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from protocol_world import World, head_after, make_entry

from common.db import fetch
from sync import ports, receipts
from sync.entry import Entry, chain_next
from sync.position import Position
from sync.receipts import Taken, inclusion_of, sign_r0
from sync.report import Report
from sync.tables import store_entries
from sync.verify import verify_file
from sync.verify_evidence import empty_database, know_machines
from sync.verify_register import compare


@dataclass
class Stranger:
    """Somebody without a machine: the register's pin and the machine's certificate are all they have."""

    world: World

    def judge(self, *files: bytes) -> list[Report]:
        database, me = empty_database(), self.world.me
        know_machines(database, me.pin, [me.certificate.data])
        reports = [verify_file(data, database=database, pin=me.pin, trust=None, now_ms=0) for data in files]
        database.close()
        compare(reports)
        return reports


def codes(report: Report) -> list[str]:
    return [each.code for each in report.findings if each.code]


def sentences(report: Report) -> str:
    return " ".join(each.text for each in report.findings)


def receipt(world: World, entry: Entry, head: bytes | None = None) -> bytes:
    place = {"epoch": entry.envelope.epoch, "seq": entry.envelope.seq}
    head = receipts.head_after(world.node.database, world.me.environment, entry.leaf) if head is None else head
    return sign_r0(Taken(talon=1, node=world.node.number, leaf=entry.leaf, statement=bytes(32), at=1, head=head, **place), world.me.now)


def sent(world: World) -> list[bytes]:
    """Return the bundles that the machine has sent, as they were on the wire."""
    return [body for path, body in world.court.lines[world.node.number].seen if path.startswith(ports.BUNDLE)]


def test_9_6_a_receipt_names_the_head_right_after_its_entry(world: World) -> None:
    first, second = world.write(2)
    head = receipts.head_after(world.node.database, world.me.environment, second.leaf)
    assert head == chain_next(receipts.head_after(world.node.database, world.me.environment, first.leaf), second.leaf)
    assert head == world.node.journal.position().head
    [report] = Stranger(world).judge(receipt(world, second))
    assert (report.facts["seq"], report.facts["head"]) == (second.envelope.seq, head)


def test_9_6_a_receipt_is_the_same_where_the_entry_came_back_from_the_register(world: World) -> None:
    """Row 13: the disk is put back and the tail after R0 is gone; the register gives it back, and the receipt names its place as before."""
    backup = world.court.backup(world.node, "before.db")
    entries = world.write(3)
    before = [receipt(world, each) for each in entries]
    world.node.client.exchange()
    world.node = world.court.restore(world.node, backup)
    for _ in range(3):
        world.node.client.exchange()
    assert world.node.journal.position().epoch == entries[0].envelope.epoch + 1
    lost = fetch(world.node.database, "SELECT COUNT(*) FROM entry WHERE chain IS NULL AND leaf = ?", (entries[1].leaf,))
    assert lost == [(1,)]
    assert [receipt(world, each) for each in entries] == before
    alone = empty_database()
    store_entries(alone, [(entries[1], 7, None)])
    assert receipts.head_after(alone, world.me.environment, entries[1].leaf) == b"", "a chain with a hole has no head"
    alone.close()


def test_9_6_a_receipt_of_before_holds_and_names_no_place(world: World) -> None:
    [entry] = world.write()
    old = sign_r0(Taken(talon=1, node=world.node.number, leaf=entry.leaf, statement=bytes(32), at=1), world.me.now)
    other = world.bundle([make_entry(world.node.number, entry.envelope.epoch, entry.envelope.seq)])
    found, bundle = Stranger(world).judge(old, other)
    assert (found.valid, bundle.valid, "seq" in found.facts, codes(found)) == (True, True, False, [])


@dataclass
class Parted:
    """A machine gave a receipt for ``taken``, and then went on as if it had written ``instead``."""

    world: World
    taken: Entry
    r0: bytes
    at: Position
    instead: list[Entry]

    def bundles(self, cut: int) -> list[bytes]:
        """Return the other history in bundles, cut after ``cut`` entries."""
        middle = Position(self.at.epoch, self.at.seq + cut, head_after(self.at, self.instead[:cut]))
        parts = [(self.instead[:cut], self.at), (self.instead[cut:], middle)]
        return [self.world.bundle(entries, after=after) for entries, after in parts if entries]


@pytest.fixture
def parted(world: World) -> Parted:
    world.node.client.exchange()
    at = world.at()
    [taken] = world.write()
    return Parted(world, taken, receipt(world, taken), at, world.entries(3, after=at))


@pytest.mark.parametrize("cut", [1, 3])
def test_9_7_row_49_a_receipt_and_a_later_bundle_without_its_entry_prove_that_it_was_left_out(parted: Parted, cut: int) -> None:
    """Row 49: the papers of a receipt are kept from the register; whoever holds both files can show it to anybody, offline."""
    r0, bundles = parted.r0, parted.bundles(cut)
    if cut == 1:  # one bundle ends at the receipt's place, the next begins after it: each alone proves it
        for bundle in bundles:
            found, later = Stranger(parted.world).judge(r0, bundle)
            assert (found.valid, codes(found)) == (True, ["receipt.left_out"])
            assert (later.verdict, codes(later)) == ("invalid", ["receipt.left_out"])
            alone = Stranger(parted.world).judge(bundle)[0]
            assert alone.valid, "one file alone proves nothing"
    for bundle in bundles:
        assert parted.world.post(ports.BUNDLE, bundle)[0] == 200
    centre = parted.world.court.centre.database
    told = [verify_file(each, database=centre, pin=parted.world.me.pin, trust=None, now_ms=0) for each in (r0, bundles[0])]
    assert codes(told[0]) == ["receipt.left_out"], "the centre tells from the receipt alone"
    compare(told)
    assert codes(told[1]) == ["receipt.left_out"], "the place may be inside where the entries are at hand"


def test_9_7_a_bundle_that_hides_the_place_inside_is_said_to_show_nothing(parted: Parted) -> None:
    found, bundle = Stranger(parted.world).judge(parted.r0, parted.bundles(3)[0])
    assert (found.valid, bundle.valid, codes(found)) == (True, True, [])
    assert "does not show" in sentences(found)


def test_9_7_two_bundles_of_two_histories_are_told_without_a_receipt(parted: Parted) -> None:
    one, other = parted.world.bundle([parted.taken], after=parted.at), parted.bundles(1)[0]
    assert [codes(each) for each in Stranger(parted.world).judge(one, other)] == [["bundle.fork"]] * 2


def test_9_7_an_honest_machine_is_never_accused(world: World) -> None:
    """Row 49: what holds for a liar must not be said of a machine whose bundles carry what it gave receipts for."""
    entries = []
    for count in (1, 3, 2):
        entries += world.write(count)
        world.node.client.exchange()
    bundles = sent(world)
    assert len(bundles) >= 3
    found = Stranger(world).judge(*[receipt(world, each) for each in entries], *bundles)
    assert all(each.valid and not codes(each) for each in found)
    assert "carries the entry" in sentences(found[0])
    assert "goes on right after" in sentences(found[0])
    assert "begins after it" in sentences(found[1])


def test_9_7_another_machine_or_epoch_is_another_chain(parted: Parted) -> None:
    body = msgspec.structs.replace(
        Taken(talon=1, node=parted.world.node.number, leaf=bytes(32), statement=bytes(32), at=1),
        epoch=9,
        seq=parted.at.seq + 1,
        head=bytes(32),
    )
    reports = Stranger(parted.world).judge(sign_r0(body, parted.world.me.now), *parted.bundles(1))
    assert all(each.valid and not codes(each) for each in reports)


def test_9_8_row_49_what_the_register_holds_after_the_receipt_proves_that_it_had_the_entry(world: World, tmp_path: Path) -> None:
    """Row 49: the centre says it never had the filing, and holds the machine's next one."""
    taken, later = world.write(2)
    mine, next_r0 = receipt(world, taken), receipt(world, later)
    found, beside = Stranger(world).judge(mine, next_r0)
    assert codes(found) == codes(beside) == [], "that a machine wrote more says nothing of the register"
    world.node.client.exchange()
    proof = inclusion_of(world.node.database, later.leaf)
    found, beside, shown = Stranger(world).judge(mine, next_r0, proof)
    assert (found.valid, codes(found), codes(beside), shown.valid) == (True, ["receipt.passed_over"], [], True)
    assert f"entry {later.envelope.seq} of the same machine" in sentences(found)
    earlier = inclusion_of(world.node.database, taken.leaf)
    assert codes(Stranger(world).judge(next_r0, mine, earlier)[0]) == [], "what stands before it proves nothing"
    flipped = bytearray(proof)
    flipped[60] ^= 1
    assert codes(Stranger(world).judge(mine, next_r0, bytes(flipped))[0]) == [], "a broken proof proves nothing"


def test_9_8_a_bundle_of_one_entry_is_shown_to_be_logged_by_its_proof(world: World) -> None:
    world.node.client.exchange()
    [taken] = world.write()
    mine = receipt(world, taken)
    world.node.client.exchange()
    [later] = world.write()
    world.node.client.exchange()
    bundle, proof = sent(world)[-1], inclusion_of(world.node.database, later.leaf)
    found = Stranger(world).judge(mine, bundle, proof)[0]
    assert codes(found) == ["receipt.passed_over"]
    assert codes(Stranger(world).judge(mine, bundle)[0]) == []
