"""The public log in a store: readable by anybody without the centre, never ahead of its tiles, and a memory of the register's size."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central import cli
from central.bucket import Bucket
from central.services import lineage, public_log
from common.errors import Corrupt, Refused, Unreachable
from sync import log, merkle
from sync.checkpoint import read_checkpoint
from sync.directory import EpochOpen, node_object
from sync.log import TILE_WIDTH, TilePath
from sync.objects import Folder, Objects
from tests.court import Court
from tests.s3 import S3

MANY = 300
"""More than a tile."""


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Court]:
    court = Court.ready(tmp_path)
    yield court
    court.close()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: S3) -> Objects:
    return Folder(tmp_path / "log") if request.param == "folder" else Bucket(s3.url)


def grow(court: Court, count: int) -> None:
    node = court.machine(1001)
    with node.journal.unit() as unit:
        for _ in range(count):
            unit.append(node_object(node.number), EpochOpen(previous=1, last_seq=0, reason="test"))
    node.client.exchange()


def read(store: Objects, name: str) -> bytes:
    with store.open(name) as file:
        return file.read()


def stranger_finds(court: Court, store: Objects) -> int:
    """Verify what is published with the pinned key and nothing else; return its size."""
    pin = court.centre.identity.pin
    head = read_checkpoint(read(store, "checkpoint"), pin.origin, pin.log_key, origin=pin.origin)
    leaves: list[bytes] = []
    for index in range(-(-head.size // TILE_WIDTH)):
        place = TilePath(0, index, min(TILE_WIDTH, head.size - index * TILE_WIDTH))
        tile = read(store, str(place))
        entries = read(store, str(place).replace("tile/0/", "tile/entries/"))
        below = [entries[at + 2 : at + 34] for at in range(0, len(entries), 34)]
        assert tile == b"".join(merkle.leaf_hash(leaf) for leaf in below)
        leaves += [merkle.leaf_hash(leaf) for leaf in below]
    assert merkle.root_of_hashes(leaves) == head.root
    if head.size >= TILE_WIDTH:
        above = TilePath(1, 0, head.size // TILE_WIDTH)
        assert read(store, str(above)) == log.tile_bytes(court.centre.database, 1, 0, above.width)
    return head.size


def test_whoever_has_the_store_can_verify_the_log(court: Court, store: Objects) -> None:
    """Grown in steps, over the end of a tile, it is what it is at once."""
    for count in (0, 3, MANY, 0, 5):
        if count:
            grow(court, count)
        size = public_log.publish(court.centre, store)
        assert size == court.centre.register.checkpoint()[0]
        assert stranger_finds(court, store) == size
    assert list(public_log.check(court.centre, store)) == []


def test_no_head_is_seen_before_its_tiles(court: Court, s3: S3) -> None:
    """Row 43: published up to any object, then cut: the head before holds, and the next round ends what was begun."""
    store = Bucket(s3.url)
    before = public_log.publish(court.centre, store)
    grow(court, MANY)
    todo = list(public_log._objects(court.centre, before, court.centre.register.checkpoint()[0]))
    for name, data in todo[: len(todo) // 2]:
        store.write(name, data)
    s3.fault = "busy"
    with pytest.raises(Unreachable, match="store.down"):
        public_log.publish(court.centre, store)
    public_log.round(court.centre, store)
    assert court.centre.public_trouble == "store.down"
    s3.fault = ""
    assert stranger_finds(court, store) == before
    public_log.round(court.centre, store)
    assert court.centre.public_trouble == ""
    assert stranger_finds(court, store) > before


def test_a_centre_that_was_set_back_finds_it_out_by_itself(court: Court, store: Objects) -> None:
    """Row 8: before any machine says so; what was published stays."""
    old = court.centre.register.checkpoint()
    grow(court, 3)
    size = public_log.publish(court.centre, store)
    court.centre.register.checkpoint = lambda: old  # type: ignore[method-assign]
    with pytest.raises(Corrupt, match="log.ahead"):
        public_log.publish(court.centre, store)
    public_log.round(court.centre, store)
    assert court.centre.public_trouble == "log.ahead"
    assert stranger_finds(court, store) == size


def test_two_registers_do_not_share_a_store(court: Court, store: Objects, tmp_path: Path) -> None:
    """A mistyped address overwrites nothing."""
    size = public_log.publish(court.centre, store)
    other = Court(tmp_path / "other")
    with pytest.raises(Refused, match="checkpoint"):
        public_log.publish(other.centre, store)
    other.close()
    assert stranger_finds(court, store) == size


def test_fsck_reads_what_was_published(court: Court, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Row 42: a flipped bit in a published tile."""
    folder = tmp_path / "log"
    store = Folder(folder)
    size = public_log.publish(court.centre, store)
    (court.centre.data / "central.toml").write_text(f'tiles = "{folder}"\n')
    assert cli.main(["--data", str(court.centre.data), "fsck"]) == 0
    tile = str(TilePath(0, 0, size))
    data = read(store, tile)
    store.write(tile, bytes([data[0] ^ 1]) + data[1:])
    assert cli.main(["--data", str(court.centre.data), "fsck"]) == 1
    assert f"fsck.public_tile  {tile}" in capsys.readouterr().out


def test_a_new_log_takes_the_place_of_what_the_one_before_said_above_its_end(court: Court, tmp_path: Path) -> None:
    """Rows 8 and 46: the register was set back and goes on as another log; whoever reads the store finds that one, whole."""
    store = Folder(tmp_path / "log")
    grow(court, 3)
    copy = court.copy_of_centre()
    grow(court, MANY)
    public_log.publish(court.centre, store)
    court.set_back(copy)
    lineage.begin(court.centre, reason="The disk of the register failed.")
    assert list(public_log.check(court.centre, store)) == []
    public_log.publish(court.centre, store)
    assert stranger_finds(court, store) == court.centre.register.checkpoint()[0]
    node = court.machine(1001)
    court.exchange(node)
    node.client.accept(2, by=bytes(32))
    node.client.exchange()
    public_log.publish(court.centre, store)
    assert stranger_finds(court, store) == court.centre.register.checkpoint()[0]
    assert list(public_log.check(court.centre, store)) == []
