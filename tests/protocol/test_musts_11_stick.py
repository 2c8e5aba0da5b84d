"""PROTOCOL 11: what is carried by hand, and what a broken or prepared stick cannot do."""

import errno
import hashlib
import os
import random
import re
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from protocol_world import World, add_node, code_of, picture

from central.centre import NODE_CERTIFICATE_DAYS
from central.services import enrolment
from common import canonical
from common.db import fetch
from common.facts import BlobRef
from sync import container, directory, identity, stick, stick_centre, stick_in, stick_relay
from sync.pieces import CHUNK_BYTES

FILE = random.Random(1).randbytes(1_500_000)


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


def file_of(world: World, data: bytes = FILE) -> BlobRef:
    return BlobRef(world.node.blobs.put(data), len(data), "application/pdf")


def up(usb: Path, node: int = 1001) -> Path:
    return usb / "SOT1" / f"UP{node}"


def down(usb: Path, node: int = 1001) -> Path:
    return usb / "SOT1" / f"DN{node}"


def written(world: World, usb: Path) -> Path:
    """A stick with three entries and a file of the machine."""
    world.write(3, blobs=[file_of(world)])
    world.node.client.stick.export(usb)
    return up(usb)


def answered(world: World, usb: Path) -> Path:
    """The stick came back from the centre with the machine's receipts."""
    written(world, usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb)
    return down(usb)


def take_at_centre(world: World, usb: Path) -> stick_centre.Moved:
    [moved] = world.court.centre.sticks.take(usb)
    return moved


def flip(path: Path, place: int = -40) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_11_1_names_are_short_and_every_file_is_one_sealed_container(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 36: what lies on a lost stick tells who, when and how much, and nothing of what."""
    monkeypatch.setattr(stick, "PACK_BYTES_TARGET", 1 << 20)
    folder = written(world, usb)
    names = sorted(str(path.relative_to(usb)) for path in usb.rglob("*") if path.is_file())
    assert names == [f"SOT1/UP1001/{name}" for name in ("00001.SOT", "00002.SOT", "00003.SOT", "INDEX.SOT")]
    for path in folder.iterdir():
        data = path.read_bytes()
        assert len(data) < 34_668_544 < 4 << 30
        header, _ = container.read_header(data, world.me.certificate.sign_key, world.me.environment)
        assert (header.kind, set(header.about)) in (("pack", set()), ("stick", {"made"}))
        assert code_of(lambda h=header, d=data: container.open_payload(h, d[-h.packed_size - 48 :], world.me)) == "container.recipient"
        assert hashlib.sha256(FILE).digest() not in data


@pytest.mark.parametrize("name", ["UP1002", "DN1001", "DN1002"])
def test_11_2_a_folder_under_another_name_is_left_out(world: World, usb: Path, name: str) -> None:
    """Row 7: one machine's folder in another one's place."""
    add_node(world.court, 1002)
    written(world, usb).rename(usb / "SOT1" / name)
    before = picture(world.court.centre.database)
    if name.startswith("UP"):
        assert take_at_centre(world, usb).problems == ["stick.author"]
    else:
        world.node.client.stick.relay.drop(name)
        assert code_of(lambda: world.node.client.stick.take(usb)) in ("stick.author", "stick.not_ours")
        assert world.node.client.stick.relay.names() == []
    assert picture(world.court.centre.database) == before


def test_11_3_without_an_index_nothing_is_taken(world: World, usb: Path) -> None:
    """Row 35: a stick that was pulled out while it was written."""
    folder = written(world, usb)
    (folder / "INDEX.SOT").rename(folder / "INDEX.TMP")
    before = picture(world.court.centre.database)
    assert take_at_centre(world, usb).problems == ["stick.unfinished"]
    assert picture(world.court.centre.database) == before
    assert world.node.client.backlog()[0] == 3


def test_11_3_an_export_that_breaks_off_leaves_no_index(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 35: not even the one of the export before."""
    written(world, usb)
    monkeypatch.setattr(stick, "write_file", fails_with(errno.ENODEV))
    assert code_of(lambda: world.node.client.stick.export(usb)) == "stick.gone"
    assert not (up(usb) / "INDEX.SOT").exists()


def fails_with(number: int, after: int = 0) -> Callable[..., None]:
    real, calls = stick.write_file, [0]

    def write(folder: int, name: str, data: bytes) -> None:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(number, os.strerror(number))
        real(folder, name, data)

    return write


@pytest.mark.parametrize("spoiled", ["00001.SOT", "INDEX.SOT"])
def test_11_4_a_medium_that_gives_back_something_else_is_refused(
    world: World, usb: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    """Row 35: a stick that claims more room than it has, or forgets."""
    real = stick.write_file

    def write(folder: int, name: str, data: bytes) -> None:
        worn = name.split(".")[0] == spoiled.split(".")[0]
        real(folder, name, data[:-100] + bytes(100) if worn else data)

    world.write(3, blobs=[file_of(world)])
    monkeypatch.setattr(stick, "write_file", write)
    assert code_of(lambda: world.node.client.stick.export(usb)) == "stick.rot"
    assert not (up(usb) / "INDEX.SOT").exists()
    monkeypatch.undo()
    assert world.node.client.stick.export(usb).entries_up == 3


def test_11_4_it_is_the_medium_that_is_asked(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 35: memory would say yes to anything; the pages are given up before the file is read again, once all is written."""
    steps: list[str] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda descriptor, start, length, advice: steps.append(f"drop {advice}"))
    real = stick.write_file
    monkeypatch.setattr(stick, "write_file", lambda folder, name, data: (steps.append(name), real(folder, name, data)))
    written(world, usb)
    assert steps == ["00001.SOT", f"drop {os.POSIX_FADV_DONTNEED}", "INDEX.TMP", f"drop {os.POSIX_FADV_DONTNEED}"]


def test_11_5_everything_unacknowledged_goes_each_time_as_the_same_bundles(world: World, usb: Path, tmp_path: Path) -> None:
    """Row 36: a stick was lost; the next one has all of it again."""
    written(world, usb)
    first = opened(world, usb)
    (tmp_path / "other").mkdir()
    world.write(2)
    world.node.client.stick.export(tmp_path / "other")
    again = opened(world, tmp_path / "other")
    kinds = [kind_of(world, data) for data in again]
    assert kinds == ["up", "up", "chunk", "chunk"]
    assert again[0] == first[0]
    moved = take_at_centre(world, tmp_path / "other")
    assert (moved.entries, moved.blobs, moved.problems) == (5, 1, [])
    assert take_at_centre(world, usb).repeated == 1


def opened(world: World, usb: Path) -> list[bytes]:
    """The containers in the machine's packs, opened with the centre's key."""
    items: list[bytes] = []
    for path in sorted(up(usb).glob("0*.SOT")):
        header, sealed = container.read_header(path.read_bytes(), world.me.certificate.sign_key, world.me.environment)
        items += canonical.decode(container.open_payload(header, sealed, world.centre))
    return items


def kind_of(world: World, data: bytes) -> str:
    return container.read_header(data, world.me.certificate.sign_key, world.me.environment)[0].kind


def test_11_5_a_file_for_which_there_is_no_room_waits_and_is_counted(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write(1, blobs=[file_of(world), file_of(world, b"small")])
    monkeypatch.setattr(stick.Writer, "room", lambda self: CHUNK_BYTES)
    outcome = world.node.client.stick.export(usb)
    assert (outcome.entries_up, outcome.blobs_up, outcome.problems) == (1, 1, ["stick.no_room"])
    assert take_at_centre(world, usb).entries == 1


def replace_with_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def replace_with_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_with_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_with_socket(path: Path) -> None:
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as one:  # by the short way: the name of a socket may have 107 bytes
        one.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(1 << 20))


@pytest.mark.parametrize("spoil", [replace_with_link, replace_with_pipe, replace_with_folder, replace_with_socket, grow])
def test_11_6_only_regular_files_of_the_right_size_are_read(world: World, usb: Path, spoil: Callable[[Path], None]) -> None:
    """Row 37: links, pipes, folders and sockets in place of files, and a file that grows."""
    folder = written(world, usb)
    spoil(folder / "00001.SOT")
    before = picture(world.court.centre.database, without=("sync", "contact", "stick_contact"))
    assert take_at_centre(world, usb).problems == ["stick.file"]
    assert picture(world.court.centre.database, without=("sync", "contact", "stick_contact")) == before
    (folder / "INDEX.SOT").unlink()
    (folder / "INDEX.SOT").mkdir()
    assert take_at_centre(world, usb).problems == ["stick.file"]


def test_11_6_no_folder_is_reached_through_a_link(world: World, usb: Path, tmp_path: Path) -> None:
    """Row 37: neither when reading nor when writing."""
    written(world, usb).rename(tmp_path / "outside")
    up(usb).symlink_to(tmp_path / "outside")
    assert take_at_centre(world, usb).problems == ["stick.file"]
    names = sorted(os.listdir(tmp_path / "outside"))
    assert code_of(lambda: world.node.client.stick.export(usb)) == "stick.file"
    assert sorted(os.listdir(tmp_path / "outside")) == names
    shutil.rmtree(usb / "SOT1")
    (tmp_path / "elsewhere").mkdir()
    (usb / "SOT1").symlink_to(tmp_path / "elsewhere")
    assert code_of(lambda: world.node.client.stick.export(usb)) == "stick.file"
    assert code_of(lambda: world.court.centre.sticks.take(usb)) == "stick.file"
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("name", ["autorun.inf", "UP1001 ", "up1001", "UP10012", "DN١٠٠١", "x" * 255, "UP1001\n", ".UP1001"])
def test_11_6_strange_names_are_not_looked_at(world: World, usb: Path, name: str) -> None:
    """Row 37: long names, other digits, a line break, what Windows would run."""
    folder = written(world, usb)
    shutil.copytree(folder, usb / "SOT1" / name)
    (folder / name).write_bytes(b"calc.exe")
    moved = take_at_centre(world, usb)
    assert (moved.entries, moved.problems) == (3, [])
    assert not list((world.court.centre.data / "stick").glob("*"))


def test_11_7_a_stick_with_a_million_names_is_refused(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 37."""
    monkeypatch.setattr(stick, "NAMES_MAX", 100)
    written(world, usb)
    for number in range(120):
        (usb / "SOT1" / f"{number}").touch()
    assert code_of(lambda: world.court.centre.sticks.take(usb)) == "stick.crowded"
    assert world.at().seq == 0


def test_11_7_an_index_that_promises_too_much_is_refused(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(world, usb)
    monkeypatch.setattr(stick, "PACKS_MAX", 0)
    assert take_at_centre(world, usb).problems == ["stick.file"]
    monkeypatch.undo()
    monkeypatch.setattr(stick, "RESERVE_BYTES", 1 << 60)
    assert take_at_centre(world, usb).problems == ["stick.machine_full"]
    assert world.at().seq == 0


def test_11_7_what_happens_to_the_stick_after_copying_changes_nothing(world: World, usb: Path) -> None:
    """Row 37: a stick whose controller gives other bytes the second time."""
    written(world, usb)
    centre = world.court.centre
    with stick_in.Copied.of(
        usb, "UP1001", centre.data / "stick", reader=world.centre, database=centre.database, progress=lambda *at: None
    ) as copied:
        shutil.rmtree(usb / "SOT1")
        assert len(list(copied.containers())) == 3
    assert not (centre.data / "stick").exists()


@pytest.mark.parametrize("place", [12, 200, -40])
def test_11_8_a_damaged_pack_is_left_out_and_the_next_stick_has_it(
    world: World, usb: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 35: bit rot on the stick."""
    monkeypatch.setattr(stick, "PACK_BYTES_TARGET", 1)
    folder = written(world, usb)
    flip(folder / "00002.SOT", place)
    moved = take_at_centre(world, usb)
    assert (moved.entries, moved.blobs, moved.problems) == (3, 0, ["stick.file"])
    world.node.client.stick.export(usb)
    assert take_at_centre(world, usb).blobs == 1


def test_11_8_a_pack_of_another_export_is_left_out(world: World, usb: Path, tmp_path: Path) -> None:
    """Row 7: the index of one export beside the pack of another."""
    shutil.copytree(written(world, usb), tmp_path / "before")
    world.write(1)
    world.node.client.stick.export(usb)
    shutil.copy(tmp_path / "before" / "00001.SOT", up(usb) / "00001.SOT")
    moved = take_at_centre(world, usb)
    assert (moved.entries, moved.problems) == (0, ["stick.file"])


def test_11_9_another_court_carries_what_it_cannot_read(world: World, usb: Path, tmp_path: Path) -> None:
    """Row 39."""
    courier = add_node(world.court, 1002)
    written(world, usb)
    world.court.cut(courier)
    before = picture(courier.database, without=("sync", "contact", "stick"))
    assert courier.client.stick.take(usb).carried == 1
    assert picture(courier.database, without=("sync", "contact", "stick")) == before
    onward = tmp_path / "onward"
    onward.mkdir()
    courier.client.stick.export(onward)
    for path in up(usb).iterdir():
        assert path.read_bytes() == (up(onward) / path.name).read_bytes()
    entries = {moved.node: moved.entries for moved in world.court.centre.sticks.take(onward)}
    assert entries[1001] == 3


def test_11_9_only_the_newest_and_only_what_a_machine_signed_is_carried(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    courier = add_node(world.court, 1002)
    relay = courier.client.stick.relay
    written(world, usb)
    old = usb.with_name("old")
    shutil.copytree(usb, old)
    world.court.clock.tick(1_000)
    world.node.client.stick.export(usb)
    newest = (up(usb) / "INDEX.SOT").read_bytes()
    for medium in (usb, old):
        relay.carry(medium, "UP1001")
    assert (relay._place / "UP1001" / "INDEX.SOT").read_bytes() == newest
    relay.drop("UP1001")
    flip(up(usb) / "00001.SOT")
    assert code_of(lambda: relay.carry(usb, "UP1001")) == "container.payload"
    assert relay.names() == []
    monkeypatch.setattr(stick_relay, "CARRIED_BYTES_MAX", 1000)
    assert code_of(lambda: relay.carry(old, "UP1001")) == "stick.carried"
    assert relay.names() == []


def test_11_10_a_stick_that_begins_after_what_is_here_is_refused(world: World, usb: Path) -> None:
    answered(world, usb)
    world.node.client.stick.take(usb)
    world.write(1)
    world.node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb)
    fetch(world.node.database, "UPDATE sync SET everyone = 0")
    before = picture(world.node.database, without=())
    assert world.node.client.stick.take(usb).problems == ["stick.gap"]
    after = picture(world.node.database, without=())
    assert after["entry"] == before["entry"]
    assert fetch(world.node.database, "SELECT everyone FROM sync") == [(0,)]


def test_11_10_an_old_stick_moves_nothing_back(world: World, usb: Path) -> None:
    """Row 38: months later; what it holds is here already."""
    answered(world, usb)
    old = usb.with_name("old")
    shutil.copytree(usb, old)
    world.node.client.exchange()
    world.write(2)
    world.node.client.exchange()
    before = picture(world.node.database, without=("stick",))
    assert world.node.client.stick.take(old).problems == []
    assert picture(world.node.database, without=("stick",)) == before
    register = picture(world.court.centre.database, without=("contact", "stick_contact"))
    moved = take_at_centre(world, old)
    assert (moved.entries, moved.repeated, moved.problems) == (0, 1, [])
    assert picture(world.court.centre.database, without=("contact", "stick_contact")) == register


def test_11_10_a_head_that_cannot_be_proven_stays_aside(world: World, usb: Path) -> None:
    """Row 30: the line brought another head while the stick was under way; the entries beside it are taken none the less."""
    written(world, usb)
    world.court.centre.sticks.take(usb)
    other = add_node(world.court, 1002)
    world.court.centre.sticks.export(usb)
    note, size = fetch(world.node.database, "SELECT note, size FROM sync")[0]
    ours = world.court.centre.register.checkpoint()[0] - 1
    fetch(world.node.database, "UPDATE sync SET size = ?", (ours,))
    assert ours not in (0, size)
    outcome = world.node.client.stick.take(usb)
    assert (outcome.problems, outcome.receipts) == ([], 0)
    assert outcome.entries_down >= 1
    assert fetch(world.node.database, "SELECT note, size FROM sync") == [(note, ours)]
    assert other.number == 1002


def test_11_10_another_head_of_the_same_size_is_refused(world: World, usb: Path) -> None:
    """Row 41: two heads of one size are a split view, by hand as over the line."""
    answered(world, usb)
    fetch(world.node.database, "UPDATE sync SET size = ?, root = ?", (world.court.centre.register.checkpoint()[0], bytes(32)))
    assert re.match("proof", world.node.client.stick.take(usb).problems[0])


def test_11_11_a_position_moves_only_forward_and_only_on_our_own_chain(world: World, usb: Path) -> None:
    answered(world, usb)
    acked = "SELECT acked_epoch, acked_seq FROM sync"
    world.node.client.stick.take(usb)
    assert fetch(world.node.database, acked) == [(1, 3)]
    world.write(2)
    world.node.client.exchange()
    assert fetch(world.node.database, acked) == [(1, 5)]
    world.node.client.stick.take(usb)
    assert fetch(world.node.database, acked) == [(1, 5)]


def test_11_12_a_machine_without_any_line_gets_what_it_lacks(world: World, usb: Path) -> None:
    world.court.cut(world.node)
    answered(world, usb)
    outcome = world.node.client.stick.take(usb)
    assert (outcome.receipts, outcome.problems) == (1, [])
    assert world.node.client.backlog() == (0, 0, 0)
    assert fetch(world.node.database, "SELECT COUNT(*) FROM complete_here")[0][0] == 3
    world.node.client.stick.export(usb)
    assert take_at_centre(world, usb).bytes == 0
    [moved] = world.court.centre.sticks.export(usb)
    assert (moved.entries, moved.blobs) == (0, 0)


def test_11_12_a_machine_never_heard_of_by_hand_gets_everything_it_may_have(world: World, usb: Path) -> None:
    assert code_of(lambda: world.court.centre.sticks.export(usb)) == "stick.empty"
    [moved] = world.court.centre.sticks.export(usb, [1001])
    assert moved.entries > 0
    assert world.node.client.stick.take(usb).entries_down == 0


def test_11_12_nothing_is_written_for_a_revoked_machine(world: World, usb: Path) -> None:
    """Row 20: what it still sends is evidence."""
    written(world, usb)
    enrolment.revoke(world.court.centre, node=1001, reason="stolen")
    assert "node.revoked" in take_at_centre(world, usb).problems
    assert code_of(lambda: world.court.centre.sticks.export(usb)) == "node.revoked"
    assert not down(usb).exists()
    assert fetch(world.court.centre.database, "SELECT reason FROM evidence") == [("revoked",)]


def test_11_12_for_an_old_certificate_a_person_must_say_so(world: World, usb: Path) -> None:
    written(world, usb)
    sticks = world.court.centre.sticks
    world.court.clock.tick(91 * 86_400_000)
    assert take_at_centre(world, usb).entries == 3
    assert code_of(lambda: sticks.export(usb)) == "certificate.old"
    assert not down(usb).exists()
    sticks.export(usb, [1001])
    assert world.node.client.stick.take(usb).receipts == 1


@pytest.mark.parametrize("after", [0, 1, 2])
def test_11_13_a_full_stick_ends_the_export_with_nothing_that_counts(
    world: World, usb: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Row 40."""
    monkeypatch.setattr(stick, "PACK_BYTES_TARGET", 1 << 20)
    world.write(3, blobs=[file_of(world)])
    monkeypatch.setattr(stick, "write_file", fails_with(errno.ENOSPC, after))
    assert code_of(lambda: world.node.client.stick.export(usb)) == "stick.full"
    assert not (up(usb) / "INDEX.SOT").exists()
    assert world.node.client.backlog()[0] == 3


def test_11_13_a_full_disk_ends_the_import_with_nothing_acknowledged(world: World, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 40."""
    written(world, usb)

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert take_at_centre(world, usb).problems == ["stick.machine_full"]
    assert world.at().seq == 0
    assert world.court.centre.sticks.known() == {}
    monkeypatch.undo()
    assert take_at_centre(world, usb).entries == 3


def test_11_14_recovery_ends_by_hand_only_with_everything_in_hand(world: World, usb: Path) -> None:
    """Row 16: a restored disk without a line gets its own lost tail from the stick."""
    world.court.cut(world.node)
    early = usb.with_name("early")
    shutil.copytree(answered(world, usb).parent.parent, early)
    backup = world.court.backup(world.node, "old.db")
    world.write(2)
    world.node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    node = world.court.restore(world.node, backup)
    world.node = node
    assert node.journal.recovering()
    node.client.stick.take(early)  # an answer from before the restore proves nothing
    assert node.journal.recovering()
    node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb)
    node.client.stick.take(usb)
    assert not node.journal.recovering()
    assert node.journal.position().epoch == 2
    assert fetch(node.database, "SELECT COUNT(*) FROM entry WHERE node = 1001 AND epoch = 1 AND log_index IS NOT NULL") == [(5,)]


# 11.15: a court without any line renews its certificate


def due(world: World, days: int = 75) -> None:
    world.court.cut(world.node)
    world.court.clock.tick(days * 86_400_000)


def round_trip(world: World, usb: Path, named: Sequence[int] = (1001,)) -> list[str]:
    """A stick there and back; return what the machine had to say."""
    world.node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb, named)
    return world.node.client.stick.take(usb).problems


@pytest.mark.parametrize("days", [75, 91, 400])
def test_11_15_a_court_without_any_line_renews_by_stick(world: World, usb: Path, days: int) -> None:
    """In its last month, or long after it ran out; then it receives again without being named."""
    first = world.me.certificate
    written(world, usb)
    due(world, days)
    assert round_trip(world, usb) == []
    newest = directory.newest_certificate(world.court.centre.database, 1001, world.me.pin)
    assert world.me.certificate == newest != first
    assert newest.body.not_after == world.court.clock.now() + NODE_CERTIFICATE_DAYS * 86_400_000
    assert identity.load_identity(world.node.data).certificate == newest
    world.write(1)
    assert round_trip(world, usb, ()) == []
    assert world.node.client.backlog() == (0, 0, 0)
    world.court.heal(world.node)
    world.write(1)
    assert world.node.client.exchange().problems == []


def test_11_15_a_lost_stick_costs_nothing(world: World, usb: Path) -> None:
    """Row 36: the answer never came; the next one brings the same certificate, and taken twice it changes nothing."""
    due(world)
    world.node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb, [1001])
    newest = directory.newest_certificate(world.court.centre.database, 1001, world.me.pin)
    shutil.rmtree(usb / "SOT1")
    assert round_trip(world, usb) == []
    assert world.me.certificate == newest
    assert world.node.client.stick.take(usb).problems == []
    assert len(directory.certificates_of(world.court.centre.database, 1001, world.me.pin)) == 2


def test_11_15_nobody_is_certified_whom_nobody_named(world: World, usb: Path) -> None:
    first = world.me.certificate
    due(world)
    world.node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    [moved] = world.court.centre.sticks.export(usb)
    assert (moved.due, moved.renewed, moved.problems) == (True, False, [])
    assert world.node.client.stick.take(usb).problems == []
    assert world.me.certificate == first == directory.newest_certificate(world.court.centre.database, 1001, world.me.pin)


def test_11_15_before_its_time_nothing_is_certified(world: World, usb: Path) -> None:
    first = world.me.certificate
    due(world, 10)
    assert round_trip(world, usb) == []
    assert world.me.certificate == first == directory.newest_certificate(world.court.centre.database, 1001, world.me.pin)


def test_11_15_a_stick_of_before_brings_back_no_old_keys(world: World, usb: Path) -> None:
    """Row 38: its request is for keys that were certified already and have been followed by others."""
    due(world)
    world.node.client.stick.export(usb)
    old = usb.with_name("old")
    shutil.copytree(usb, old)
    round_trip(world, usb)
    due(world)
    round_trip(world, usb)
    newest = world.me.certificate
    world.court.centre.sticks.take(old)
    [moved] = world.court.centre.sticks.export(old, [1001])
    assert not moved.renewed
    assert directory.newest_certificate(world.court.centre.database, 1001, world.me.pin) == newest
    assert code_of(lambda: world.node.client.stick.take(old)) == "container.recipient"  # sealed to a key of two certificates ago
    assert world.me.certificate == newest


def test_11_15_a_certificate_over_other_keys_is_not_taken(world: World, usb: Path) -> None:
    """The disk was put back between: the keys that waited are gone, and the old certificate stays in use."""
    first = world.me.certificate
    due(world)
    world.node.client.stick.export(usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb, [1001])
    (world.node.data / "next.keys").unlink()
    assert world.node.client.stick.take(usb).problems == ["certificate.keys"]
    assert world.me.certificate == first
    assert round_trip(world, usb) == []
    assert world.me.certificate == directory.newest_certificate(world.court.centre.database, 1001, world.me.pin) != first


def test_11_15_a_request_for_another_machine_is_refused(world: World, usb: Path) -> None:
    due(world)
    other = add_node(world.court, 1002)
    server = world.court.centre.server
    assert code_of(lambda: server.rotate_by_hand(1001, other.client.stick._rotation())) == "node.other"
