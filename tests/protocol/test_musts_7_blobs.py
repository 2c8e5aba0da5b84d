"""PROTOCOL 7 and 8: files, and who is given what."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from protocol_world import World, add_node, code_of, make_entry, picture

from common.db import fetch
from common.errors import Unreachable
from common.facts import Audience, BlobRef
from sync import container, cose, delivery, ports
from sync.identity import Identity
from sync.messages import BlobAsk, BlobHave, pack, unpack
from sync.objects import Folder
from sync.pieces import BLOB_BYTES_MAX, CHUNK_BYTES, PART_BYTES, chunk_count, part_count
from tests.court import blob_path

DATA = bytes(range(256)) * 8192  # two chunks
SHA = hashlib.sha256(DATA).digest()
FILE = BlobRef(SHA, len(DATA), "application/pdf")


def named(world: World, ref: BlobRef = FILE) -> None:
    """Let an entry of the machine that the centre has logged name the file."""
    assert world.post(ports.BUNDLE, world.bundle(world.entries(blobs=(ref,))))[0] == 200


def put(world: World, chunk: int, data: bytes, *, author: Identity | None = None, **changes: Any) -> bytes:
    about = {"nonce": bytes(16), "sha256": SHA, "size": len(DATA), "chunk": chunk} | changes
    return container.write_container("chunk", about, data, author or world.me, world.centre.certificate)


def have(world: World, answer: bytes) -> BlobHave:
    return unpack(cose.parse(answer), BlobHave, world.centre.certificate.sign_key, world.centre.environment)


def has_files(world: World) -> list[str]:
    folder = world.court.centre.data / "blobs"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("chunk", "data"),
    [(0, DATA[: CHUNK_BYTES - 1]), (0, b""), (1, DATA[:5]), (2, b""), (-1, DATA[:CHUNK_BYTES]), (2**62, b""), (10**6, DATA[:CHUNK_BYTES])],
)
def test_7_1_a_chunk_of_another_size_is_refused(world: World, chunk: int, data: bytes) -> None:
    named(world)
    before = picture(world.court.centre.database)
    assert world.refused(ports.BLOB_PUT, put(world, chunk, data)).code == "blob.chunk"
    assert picture(world.court.centre.database) == before
    assert has_files(world) == []


@pytest.mark.parametrize("chunk", [-1, -(2**62), 512, 2**62])
def test_7_1_a_chunk_that_cannot_be_is_refused(world: World, chunk: int) -> None:
    named(world)
    ask = pack(BlobAsk(nonce=bytes(16), sha256=SHA, size=len(DATA), chunk=chunk), world.me)
    assert world.refused(ports.BLOB_GET, ask).code == "blob.chunk"


def test_7_2_a_whole_that_does_not_hash_to_its_name_leaves_nothing(world: World) -> None:
    """Row 7: pieces of two files."""
    named(world)
    before = picture(world.court.centre.database)
    assert world.post(ports.BLOB_PUT, put(world, 1, DATA[CHUNK_BYTES:]))[0] == 200
    assert world.refused(ports.BLOB_PUT, put(world, 0, bytes(CHUNK_BYTES))).code == "blob.mismatch"
    assert has_files(world) == []
    assert picture(world.court.centre.database) == before


def test_7_2_any_order_makes_the_blob(world: World) -> None:
    named(world)
    assert not have(world, world.post(ports.BLOB_PUT, put(world, 1, DATA[CHUNK_BYTES:]))[1]).whole
    assert have(world, world.post(ports.BLOB_PUT, put(world, 0, DATA[:CHUNK_BYTES]))[1]).whole
    assert world.court.centre.blobs.read(SHA) == DATA


@pytest.mark.parametrize("path", [ports.BLOB_HAVE, ports.BLOB_GET, ports.BLOB_PUT])
def test_7_3_a_hash_is_not_a_capability(world: World, path: str) -> None:
    named(world)
    for chunk in (0, 1):
        world.post(ports.BLOB_PUT, put(world, chunk, DATA[chunk * CHUNK_BYTES : (chunk + 1) * CHUNK_BYTES]))
    stranger = add_node(world.court, 1002)
    before = picture(world.court.centre.database), has_files(world)
    ask = pack(BlobAsk(nonce=bytes(16), sha256=SHA, size=len(DATA), chunk=0), stranger.identity)
    body = put(world, 0, DATA[:CHUNK_BYTES], author=stranger.identity) if path == ports.BLOB_PUT else ask
    assert world.refused(path, body).code == "blob.absent"
    assert world.post(path, body)[0] == 404
    absent = pack(BlobAsk(nonce=bytes(16), sha256=bytes(32), size=1, chunk=0), stranger.identity)
    assert path == ports.BLOB_PUT or world.post(path, absent) == world.post(path, body)  # as if there were none
    assert (picture(world.court.centre.database), has_files(world)) == before


@pytest.mark.parametrize("size", [0, 1, len(DATA) - 1, len(DATA) + 1, 2**62, -1])
def test_7_3_another_size_than_the_entry_says_is_another_blob(world: World, size: int) -> None:
    named(world)
    ask = pack(BlobAsk(nonce=bytes(16), sha256=SHA, size=size), world.me)
    assert world.refused(ports.BLOB_HAVE, ask).code == "blob.absent"
    assert world.refused(ports.BLOB_PUT, put(world, 0, DATA[:1], size=size)).code == "blob.absent"
    assert has_files(world) == []


@pytest.mark.parametrize("changes", [{"sha256": "x"}, {"size": None}, {"nonce": 1}])
def test_7_3_an_address_of_another_form_is_refused(still: World, changes: dict[str, Any]) -> None:
    assert still.refused(ports.BLOB_PUT, put(still, 0, b"x", **changes)).code == "container.broken"


@pytest.mark.parametrize("size", [BLOB_BYTES_MAX + 1, 2**62, 2**63 - 1])
def test_7_4_a_size_over_the_cap_reserves_nothing(world: World, size: int) -> None:
    huge = world.entries(blobs=(BlobRef(SHA, size, "a/b"),))
    assert world.post(ports.BUNDLE, world.bundle(huge))[0] == 200
    ask = pack(BlobAsk(nonce=bytes(16), sha256=SHA, size=size), world.me)
    assert world.refused(ports.BLOB_HAVE, ask).code == "blob.size"
    assert world.refused(ports.BLOB_PUT, put(world, 0, b"x", size=size)).code == "blob.size"
    assert code_of(lambda: chunk_count(size)) == "blob.size"


def test_7_4_a_size_that_somebody_claims_costs_one_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows 2 and 23: a bundle may name a thousand files of 512 chunks, and what is missing of each is said with its acknowledgement."""
    looks: list[Path] = []
    exists, listed = Path.exists, os.listdir
    monkeypatch.setattr(Path, "exists", lambda path, **more: looks.append(path) or exists(path, **more))
    monkeypatch.setattr(os, "listdir", lambda path: looks.append(path) or listed(path))
    named(world, BlobRef(SHA, BLOB_BYTES_MAX, "a/b"))
    assert len(looks) < 9
    ask = pack(BlobAsk(nonce=bytes(16), sha256=SHA, size=BLOB_BYTES_MAX), world.me)
    assert have(world, world.post(ports.BLOB_HAVE, ask)[1]).bitmap == bytes(64)
    assert len(looks) < 9


def test_7_4_an_entry_that_names_too_much_hinders_nobody_who_receives_it(world: World) -> None:
    reader = add_node(world.court, 1002)
    world.post(ports.BUNDLE, world.bundle(world.entries(blobs=(BlobRef(SHA, 2**62, "a/b"),))))
    [(obj,)] = fetch(world.court.centre.database, "SELECT obj FROM entry WHERE node = ?", (world.node.number,))
    delivery.admit(world.court.centre.database, reader.number, obj)
    assert reader.client.exchange().problems == ["blob.size"]
    assert reader.client.exchange().trips >= 1


def test_7_5_only_missing_chunks_are_sent(world: World) -> None:
    """Row 27: nothing verified is sent again."""
    world.node.blobs.put(DATA)
    world.write(blobs=[FILE])
    world.node.client._up.send_bundles(world.at())
    world.post(ports.BLOB_PUT, put(world, 0, DATA[:CHUNK_BYTES]))
    answer = world.post(ports.BLOB_HAVE, pack(BlobAsk(nonce=bytes(16), sha256=SHA, size=len(DATA)), world.me))[1]
    assert have(world, answer).bitmap == b"\x01"
    line = world.court.lines[world.node.number]
    line.seen.clear()
    world.node.client.exchange()
    assert [path for path, _ in line.seen].count(ports.BLOB_PUT) == 1
    assert world.court.centre.blobs.read(SHA) == DATA


def test_7_5_a_chunk_again_changes_nothing(world: World) -> None:
    named(world)
    chunk = put(world, 0, DATA[:CHUNK_BYTES])
    world.post(ports.BLOB_PUT, chunk)
    before = picture(world.court.centre.database), has_files(world)
    assert world.post(ports.BLOB_PUT, chunk)[0] == 200
    assert (picture(world.court.centre.database), has_files(world)) == before


class Failing(Folder):
    """A store that does not answer."""

    def write(self, name: str, data: bytes) -> None:
        raise Unreachable("store.down", "down")

    def take(self, name: str, file: Path) -> None:
        raise Unreachable("store.down", "down")


@pytest.mark.parametrize("data", [b"one piece", DATA], ids=["one", "two"])
def test_7_8_a_store_that_does_not_answer_keeps_no_entry_and_gets_the_piece_again(world: World, data: bytes) -> None:
    centre = world.court.centre
    whole, centre.blobs._objects = centre.blobs._objects, Failing(centre.data / "elsewhere")
    ref = BlobRef(world.node.blobs.put(data), len(data), "application/pdf")
    [entry] = world.write(blobs=[ref])
    assert world.node.client.exchange().problems == ["exchange.busy"]
    assert fetch(centre.database, "SELECT log_index IS NOT NULL FROM entry WHERE leaf = ?", (entry.leaf,)) == [(1,)]
    assert fetch(centre.database, "SELECT 1 FROM complete") == []
    assert not centre.blobs.has(ref.sha256)
    centre.blobs._objects = whole
    world.court.clock.tick(3_600_000)
    world.node.client.exchange()
    assert centre.blobs.read(ref.sha256) == data
    assert len(fetch(centre.database, "SELECT 1 FROM complete")) == 1


def feed(world: World, node: int) -> list[tuple[int, int]]:
    return fetch(world.court.centre.database, "SELECT position, log_index FROM feed WHERE node = ? ORDER BY position", (node,))


def test_8_1_a_feed_is_dense_and_only_grows(world: World) -> None:
    before = feed(world, delivery.EVERYONE)
    world.write(3)
    world.node.client.exchange()
    after = feed(world, delivery.EVERYONE)
    assert after[: len(before)] == before
    assert [position for position, _ in after] == list(range(1, len(after) + 1))
    assert len(after) == len(before) + 3  # a machine's own entry is for everyone


def test_8_2_admission_brings_the_whole_history_once(world: World) -> None:
    """Row 67: a wider scope brings everything."""
    reader = add_node(world.court, 1002)
    centre = world.court.centre.database
    at, obj = world.at(), b"o" * 16
    entries = [make_entry(world.node.number, at.epoch, at.seq + place, obj=obj) for place in (1, 2, 3)]
    assert world.post(ports.BUNDLE, world.bundle(entries))[0] == 200
    delivery.admit(centre, reader.number, obj)
    delivery.admit(centre, reader.number, obj)
    assert len(feed(world, reader.number)) == 3
    reader.client.exchange()
    held = fetch(reader.database, "SELECT leaf FROM entry WHERE obj = ? ORDER BY log_index", (obj,))
    assert held == [(entry.leaf,) for entry in entries]


def test_8_3_nobody_receives_what_they_were_not_admitted_to(world: World) -> None:
    reader = add_node(world.court, 1002)
    [secret] = world.entries()
    world.post(ports.BUNDLE, world.bundle([secret]))
    delivery.deliver(world.court.centre.database, {secret.envelope.obj: Audience(courts=frozenset({"kz-9"}))})
    reader.client.exchange()
    assert fetch(reader.database, "SELECT 1 FROM entry WHERE leaf = ?", (secret.leaf,)) == []


def test_8_3_a_machines_own_entries_do_not_come_back(world: World) -> None:
    [mine] = world.entries()
    world.post(ports.BUNDLE, world.bundle([mine]))
    delivery.admit(world.court.centre.database, world.node.number, mine.envelope.obj)
    assert feed(world, world.node.number) == []


def put_whole(world: World) -> None:
    for chunk in (0, 1):
        assert world.post(ports.BLOB_PUT, put(world, chunk, DATA[chunk * CHUNK_BYTES :][:CHUNK_BYTES]))[0] == 200


def test_7_6_a_damaged_blob_is_given_to_nobody_and_taken_again(world: World) -> None:
    named(world)
    put_whole(world)
    blobs = world.court.centre.blobs
    blob_path(world.court.centre, SHA).write_bytes(DATA[:-1] + b"\0")
    ask = BlobAsk(nonce=bytes(16), sha256=SHA, size=len(DATA), chunk=0)
    for _ in range(2):
        assert world.refused(ports.BLOB_GET, pack(ask, world.me)).code == "blob.absent"
    assert not have(world, world.post(ports.BLOB_HAVE, pack(ask, world.me))[1]).whole
    put_whole(world)
    assert blobs.read(SHA) == DATA


def test_7_7_a_damaged_blob_is_asked_of_those_who_may_have_it(world: World) -> None:
    named(world)
    put_whole(world)
    stranger, centre = add_node(world.court, 1002), world.court.centre
    blob_path(centre, SHA).unlink()
    assert not centre.blobs.vouch(SHA)
    assert delivery.damaged_for(centre.database, stranger.number) == []
    assert delivery.damaged_for(centre.database, world.node.number) == [SHA]


def test_7_7_who_holds_a_damaged_blob_sends_it(world: World) -> None:
    node, centre = world.node, world.court.centre
    world.write(blobs=(BlobRef(node.blobs.put(DATA), len(DATA), "application/pdf"),))
    node.client.exchange()
    blob_path(centre, SHA).unlink()
    assert not centre.blobs.vouch(SHA)
    assert node.client.exchange().blobs_up == 1  # although it has R2
    assert delivery.damaged_for(centre.database, node.number) == []
    assert centre.blobs.read(SHA) == DATA
    assert node.client.exchange().trips == 1


def part(world: World, chunk: int, number: int, data: bytes = DATA, **changes: Any) -> bytes:
    start = chunk * CHUNK_BYTES + number * PART_BYTES
    end = min(start + PART_BYTES, (chunk + 1) * CHUNK_BYTES)
    return put(world, chunk, data[start:end], part=number, **changes)


@pytest.mark.parametrize("size", [100, PART_BYTES, 3 * PART_BYTES + 1, CHUNK_BYTES, CHUNK_BYTES + 40_000])
def test_7_9_parts_in_any_order_are_the_file(world: World, size: int) -> None:
    data = DATA[:size]
    ref = BlobRef(hashlib.sha256(data).digest(), size, "a/b")
    named(world, ref)
    blobs = world.court.centre.blobs
    every = [(chunk, number) for chunk in range(chunk_count(size)) for number in range(part_count(size, chunk))]
    for place, (chunk, number) in enumerate(reversed(every)):
        assert not blobs.has(ref.sha256)
        for _ in range(2):  # a part again changes nothing
            answer = world.post(ports.BLOB_PUT, part(world, chunk, number, data, sha256=ref.sha256, size=size))[1]
        assert have(world, answer).whole == (place == len(every) - 1)
    assert blobs.read(ref.sha256) == data
    assert not [name for name in has_files(world) if name.startswith("partial")]


@pytest.mark.parametrize(
    ("chunk", "number", "data"),
    [(0, 0, b""), (0, 0, DATA[:100]), (0, 32, DATA[:PART_BYTES]), (0, 2**62, b"x"), (2, 0, b""), (-1, 0, DATA[:PART_BYTES])],
)
def test_7_9_a_part_of_another_size_or_place_is_refused(world: World, chunk: int, number: int, data: bytes) -> None:
    named(world)
    assert world.refused(ports.BLOB_PUT, put(world, chunk, data, part=number)).code == "blob.chunk"
    assert has_files(world) == []


def test_7_9_of_parts_that_are_no_file_nothing_stays(world: World) -> None:
    data = DATA[: 2 * PART_BYTES]
    ref = BlobRef(hashlib.sha256(b"another").digest(), len(data), "a/b")
    named(world, ref)
    world.post(ports.BLOB_PUT, part(world, 0, 0, data, sha256=ref.sha256, size=ref.size))
    assert world.refused(ports.BLOB_PUT, part(world, 0, 1, data, sha256=ref.sha256, size=ref.size)).code == "blob.mismatch"
    assert has_files(world) == []
