"""PROTOCOL 6.22 to 6.25: a container in slices, and a line that breaks on the way."""

import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from protocol_world import World, add_node, append, code_of, picture

from common.errors import Unreachable
from common.facts import BlobRef, Body
from sync import container, cose, ports, slices, slices_centre
from sync.directory import EpochOpen
from sync.lanes import Lanes
from sync.link import BROKEN_FOR_MS, THIN_FOR_MS
from sync.messages import CONTENT_TYPES, Acknowledgement, Kept, unpack
from sync.slices import SLICE_BYTES, SLICE_BYTES_MAX, name_of

Post = Callable[[str, bytes], tuple[int, bytes]]


def place(data: bytes, start: int, *, path: str = ports.BUNDLE, name: str = "", node: int = 1001) -> str:
    return ports.slice_path(ports.Slice(path, name or name_of(node, data), start))


def read(world: World, answer: tuple[int, bytes], kind: type[Body]) -> Any:
    assert answer[0] == 200
    return unpack(cose.parse(answer[1]), kind, world.centre.certificate.sign_key, world.centre.environment)


def cuts(data: bytes, *, size: int = 100) -> list[tuple[int, bytes]]:
    """The header with a few bytes, and the rest in slices."""
    head = container.head_bytes(data) + 7
    return [(0, data[:head]), *((start, data[start : start + size]) for start in range(head, len(data), size))]


def kept(world: World) -> list[str]:
    folder = world.court.centre.data / "slices"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def large(world: World, size: int = 300_000) -> BlobRef:
    """A file of the machine that is named by an entry and that the centre lacks."""
    data = os.urandom(size)
    ref = BlobRef(world.node.blobs.put(data), size, "a/b")
    world.write(blobs=[ref])
    return ref


def write_much(world: World) -> None:
    """More entries than go whole."""
    for _ in range(40):
        append(world.node, EpochOpen(previous=0, last_seq=0, reason=os.urandom(2_000).hex()))


def make_thin(world: World) -> None:
    """Let the line be thin, and its slices as small as can be."""
    world.node.client._up.slicer._pace.took = lambda count, ms: None  # type: ignore[method-assign]
    world.node.client._link._measure(1 << 16, 5_000)


def at_slices(*numbers: int) -> Callable[[str, bytes], bool]:
    """Break the line before the slices of these numbers."""
    seen = [0]

    def when(path: str, body: bytes) -> bool:
        seen[0] += ports.slice_of(path) is not None
        return ports.slice_of(path) is not None and seen[0] in numbers

    return when


def breaking(world: World, when: Callable[[str, bytes], bool]) -> list[tuple[str, int]]:
    """Let the line break before every request of which ``when`` is true; return what is asked for, with how many bytes."""
    line = world.court.lines[world.node.number]
    handle, asked = line._handle, []

    def between(path: str, body: bytes) -> tuple[int, bytes]:
        asked.append((path, len(body)))
        if when(path, body):
            raise Unreachable("line.down", "cut")
        return handle(path, body)

    line._handle = between
    return asked


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("path", [ports.BUNDLE, ports.bundle_beside(0)])
def test_6_22_slices_in_any_order_are_the_container(world: World, order: int, path: str) -> None:
    data = world.bundle(world.entries(3))
    before, at = picture(world.court.centre.database), world.at().seq
    first, *rest = cuts(data)
    for start, piece in [first, *rest[::order]][:-1]:
        read(world, world.post(place(data, start, path=path), piece), Kept)
        assert picture(world.court.centre.database) == before
    start, piece = rest[::order][-1]
    ack = read(world, world.post(place(data, start, path=path), piece), Acknowledgement)
    assert (ack.seq, ack.head) == (world.at().seq, world.at().head)
    assert ack.seq == at + 3


def test_6_22_slices_may_overlap(world: World) -> None:
    data = world.bundle(world.entries(3))
    head = container.head_bytes(data)
    for start, end in ((0, head + 50), (head + 60, head + 120), (head + 30, head + 90)):
        world.post(place(data, start), data[start:end])
    read(world, world.post(place(data, head + 100), data[head + 100 :]), Acknowledgement)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: (place(data, 0, name=name_of(1002, data)), data), "slice.form"),
        (lambda data: (place(data, 0, name=name_of(1001, data)[:4] + "0" * 28), data), "slice.form"),
        (lambda data: (place(data, 0), data + b"more"), "slice.form"),
        (lambda data: (place(data, 0), b""), "container.broken"),
        (lambda data: (place(data, 0), data[: container.head_bytes(data) - 1]), "container.broken"),
        (lambda data: (place(data, 0), data[:300] + bytes([data[300] ^ 1]) + data[301:]), ""),
        (lambda data: (place(data, 400), data[400:]), "slice.unknown"),
        (lambda data: (place(data, 0, path=ports.HELLO), data), "exchange.path"),
        (lambda data: (place(data, 0) + "0", data), "exchange.path"),
        (lambda data: (place(data, 0).replace("1001", "../1"), data), "exchange.path"),
    ],
)
def test_6_22_what_no_header_stands_for_is_refused(still: World, change: Callable[[bytes], tuple[str, bytes]], code: str) -> None:
    refusal = still.refused(*change(still.bundle(still.entries(1))))
    assert refusal.code == code or not code and refusal.code.split(".")[0] in ("cose", "node", "container", "slice", "canonical")
    assert kept(still) == []


def test_6_22_a_header_of_nobody_is_refused(still: World, tmp_path: Any) -> None:
    other = World(*(lambda court: (court, add_node(court)))(type(still.court)(tmp_path)))
    data = other.bundle(other.entries(1))
    assert still.refused(place(data, 0), data[: container.head_bytes(data)]).code == "node.unknown"
    assert kept(still) == []


def test_6_22_a_slice_past_the_end_is_refused(world: World) -> None:
    data = world.bundle(world.entries(3))
    head = container.head_bytes(data)
    world.post(place(data, 0), data[:head])
    for start, piece in ((head, data[head:] + b"1"), (len(data), b"1"), (10**7, b"1"), (head, b"")):
        assert world.refused(place(data, start), piece).code == "slice.form"
    assert kept(world) == [f"{name_of(1001, data)}/0"]


def test_6_22_a_centre_of_before_gets_whole_containers(world: World) -> None:
    ref = large(world)
    client = world.node.client
    make_thin(world)
    welcome = client._hello

    def old_hello(*given: Any) -> Any:
        answer = welcome(*given)
        client._link.protocol = 2
        return answer

    client._hello = old_hello  # type: ignore[method-assign]
    asked = breaking(world, lambda path, body: False)
    client.exchange()
    assert world.court.centre.blobs.has(ref.sha256)
    assert {path for path, _ in asked} <= {ports.HELLO, ports.BUNDLE, ports.bundle_beside(client._link.state()["size"]), *DOORS}


DOORS = (ports.BLOB_PUT, ports.BLOB_HAVE, ports.DOWN)


def test_6_22_what_is_small_and_a_line_that_is_not_poor_need_no_slices(world: World) -> None:
    client = world.node.client
    link, in_slices = client._link, client._up.slicer.in_slices
    for count, took_ms in ((1 << 20, 2_001), (100, 1_999)):
        link._measure(count, took_ms)
        assert not link.is_thin
        assert not in_slices(10**6)
    link._measure(1 << 16, 2_001)
    assert link.is_thin
    assert in_slices(10**6)
    assert not in_slices(2 * SLICE_BYTES)
    world.court.clock.tick(THIN_FOR_MS - 1)
    link._measure(SLICE_BYTES, 501)  # still
    world.court.clock.tick(THIN_FOR_MS - 1)
    assert link.is_thin
    world.court.clock.tick(1)
    assert not in_slices(10**6)
    breaking(world, lambda path, body: True)
    assert code_of(client.exchange) == "line.down"
    assert not link.is_thin
    assert in_slices(10**6)


def test_6_23_how_much_is_there_is_said(world: World) -> None:
    data = world.bundle(world.entries(3))
    head = container.head_bytes(data)
    for start, end, there in ((-head, 0, 0), (20, 30, 0), (0, 10, 10), (10, 20, 30)):
        told = read(world, world.post(place(data, head + start), data[head + start : head + end]), Kept)
        assert (told.name, told.there) == (name_of(1001, data), head + there)


def test_6_23_a_lost_answer_comes_again_and_nothing_happens_twice(world: World) -> None:
    data = world.bundle(world.entries(3))
    answers = [world.post(place(data, start), piece) for start, piece in cuts(data)]
    assert kept(world) == [f"{name_of(1001, data)}/answer"]
    before = picture(world.court.centre.database)
    for start, piece in cuts(data):
        assert world.post(place(data, start), piece) == answers[-1]
    assert picture(world.court.centre.database) == before


def test_6_23_a_centre_that_lost_them_gets_them_again(world: World) -> None:
    ref = large(world)
    make_thin(world)
    place = world.court.centre.data / "slices"
    left = [6]

    def falls(path: str, body: bytes) -> bool:
        left[0] -= ports.slice_of(path) is not None
        if not left[0]:
            shutil.rmtree(place)
        return False

    breaking(world, falls)
    world.node.client.exchange()
    assert world.court.centre.blobs.has(ref.sha256)


def test_6_23_a_centre_that_keeps_nothing_gets_whole_containers(world: World) -> None:
    write_much(world)
    make_thin(world)

    def forgets(path: str, body: bytes) -> bool:
        shutil.rmtree(world.court.centre.data / "slices", ignore_errors=True)
        return False

    breaking(world, forgets)
    client = world.node.client
    assert code_of(client.exchange) == "line.slices"
    client.exchange()
    assert world.at().seq == world.node.journal.position().seq
    client._link._broken_until = 10**15
    assert not client._up.slicer.in_slices(10**6)
    world.court.clock.tick(BROKEN_FOR_MS)
    assert client._up.slicer.in_slices(10**6)  # it may have been a fall of the centre, and the line is as poor as before


@pytest.mark.parametrize("left", [b"", bytes(900)])
def test_6_23_what_a_crash_left_of_a_header_begins_anew(world: World, left: bytes) -> None:
    """Row 52: slices are not flushed."""
    data = world.bundle(world.entries(3))
    (_, head), (start, piece), *_ = cuts(data)
    world.post(place(data, 0), head)
    (world.court.centre.data / "slices" / kept(world)[0]).write_bytes(left)
    assert world.refused(place(data, start), piece).code == "slice.unknown"
    for start, piece in cuts(data):
        answer = world.post(place(data, start), piece)
    read(world, answer, Acknowledgement)


@pytest.mark.parametrize("left", [b"", bytes(900)])
def test_6_23_a_header_that_comes_again_takes_the_place_of_a_spoiled_one(world: World, left: bytes) -> None:
    data = world.bundle(world.entries(3))
    first, *rest = cuts(data)
    world.post(place(data, 0), first[1])
    (world.court.centre.data / "slices" / kept(world)[0]).write_bytes(left)
    for start, piece in (first, *rest):
        answer = world.post(place(data, start), piece)
    read(world, answer, Acknowledgement)


def test_6_23_a_shorter_beginning_takes_nothing_away(world: World) -> None:
    data = world.bundle(world.entries(3))
    head = container.head_bytes(data)
    world.post(place(data, 0), data[: head + 100])
    assert read(world, world.post(place(data, 0), data[:head]), Kept).there == head + 100


def test_6_23_the_answer_is_whole_or_not_there_after_a_crash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 52: half of one would come for ever."""
    durable: list[str] = []
    write = slices_centre.write_durable
    monkeypatch.setattr(slices_centre, "write_durable", lambda path, data: durable.append(path.name) or write(path, data))
    data = world.bundle(world.entries(3))
    for start, piece in cuts(data):
        world.post(place(data, start), piece)
    assert durable == ["answer"]


def slices_of(world: World) -> slices_centre.Slices:
    """What another front end of the same centre has: the same folder, and nothing in memory."""
    centre = world.court.centre
    return slices_centre.Slices(centre.data / "slices", centre.database, centre.identity, centre.server.quotas)


def test_6_23_of_two_processes_that_have_the_last_slice_one_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    data = world.bundle(world.entries(3))
    *most, (start, last) = cuts(data)
    for at, piece in most:
        world.post(place(data, at), piece)
    first, final = (ports.Slice(ports.BUNDLE, name_of(1001, data), at) for at in (0, start))
    one, other = slices_of(world), slices_of(world)
    join, turns = slices_centre._join, [other]

    def whole(received: bytes) -> tuple[int, bytes]:
        assert received == data
        return 200, b"the same answer"

    def joined(folder: Path, slices: dict[int, int]) -> bytes:
        if turns:  # the other process has it all just then
            assert turns.pop().take(final, last, whole) == (200, b"the same answer")
        return join(folder, slices)

    monkeypatch.setattr(slices_centre, "_join", joined)
    assert code_of(lambda: one.take(final, last, whole)) == "slice.unknown"
    assert one.take(first, most[0][1], whole) == (200, b"the same answer")
    assert kept(world) == [f"{final.name}/answer"]


def test_6_23_what_another_process_let_go_of_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    data = world.bundle(world.entries(3))
    (_, head), (start, piece), *_ = cuts(data)
    world.post(place(data, 0), head)
    there = slices_centre._there

    def gone(slices: dict[int, int]) -> int:
        shutil.rmtree(world.court.centre.data / "slices" / name_of(1001, data))
        return there(slices)

    monkeypatch.setattr(slices_centre, "_there", gone)
    assert world.refused(place(data, start), piece).code == "slice.unknown"


def test_6_23_an_answer_that_finds_no_room_is_given_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 55."""
    data = world.bundle(world.entries(3))
    *most, (start, last) = cuts(data)
    for at, piece in most:
        world.post(place(data, at), piece)

    def full(path: object, answer: bytes) -> None:
        raise OSError(28, "ENOSPC")

    monkeypatch.setattr(slices_centre, "write_durable", full)
    ack = read(world, world.post(place(data, start), last), Acknowledgement)
    assert ack.seq == world.at().seq
    assert kept(world) == []


def test_6_24_a_slice_that_finds_no_room_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 55: what was written of it would count nowhere."""
    data = world.bundle(world.entries(3))
    (_, head), (start, piece), *_ = cuts(data)
    world.post(place(data, 0), head)
    before, write = kept(world), Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        write(path, data[:7])
        raise OSError(28, "ENOSPC")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="ENOSPC"):
            world.post(place(data, start), piece)
    assert kept(world) == before


def test_6_24_one_machine_has_four_names(world: World) -> None:
    datas = [world.bundle(world.entries(1)) for _ in range(6)]
    for data in datas:
        world.post(place(data, 0), data[: container.head_bytes(data)])
    assert len(kept(world)) == slices_centre.NAMES_MAX
    other = add_node(world.court, 1002)
    data = World(world.court, other).bundle(World(world.court, other).entries(1))
    world.post(place(data, 0, node=1002), data[: container.head_bytes(data)])
    assert len(kept(world)) == slices_centre.NAMES_MAX + 1  # nobody else's go for it
    assert world.refused(place(datas[0], 900), b"1").code == "slice.unknown"


def test_6_24_too_many_slices_begin_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices_centre, "SLICES_MAX", 3)
    data = world.bundle(world.entries(3))
    head = container.head_bytes(data)
    world.post(place(data, 0), data[:head])
    for at in (head, head + 1):
        world.post(place(data, at), data[at : at + 1])
    assert world.refused(place(data, head + 2), data[head + 2 : head + 3]).code == "slice.unknown"
    assert kept(world) == []
    for start, piece in cuts(data, size=len(data)):
        answer = world.post(place(data, start), piece)
    read(world, answer, Acknowledgement)


def test_6_24_twice_the_bytes_begin_anew(world: World) -> None:
    data = world.bundle(world.entries(3))
    head = container.head_bytes(data)
    world.post(place(data, 0), data[:head])
    codes = [world.post(place(data, at), data[at:-1])[0] for at in range(head, head + 9)]
    assert codes[-1] == 404
    assert sum(code == 200 for code in codes) < 8


def test_6_24_of_a_container_that_is_refused_nothing_stays(world: World) -> None:
    data = world.bundle(world.entries(3))
    *most, (start, last) = cuts(data)
    for at, piece in most:
        world.post(place(data, at), piece)
    before = picture(world.court.centre.database)
    assert world.refused(place(data, start), bytes([last[0] ^ 1]) + last[1:]).code == "container.payload"
    assert picture(world.court.centre.database) == before
    assert kept(world) == []


def test_6_24_what_has_to_wait_is_kept(world: World) -> None:
    data = world.bundle(world.entries(3))
    *most, (start, last) = cuts(data)
    for at, piece in most:
        world.post(place(data, at), piece)
    quotas = world.court.centre.server.quotas
    quotas.entries.charge(1001, 10**9)
    assert world.post(place(data, start), last)[0] == 429
    quotas.entries._levels.clear()
    read(world, world.post(place(data, start), last), Acknowledgement)


def test_6_24_slices_that_wait_for_each_other_keep_nobody_else_out(world: World) -> None:
    """Row 23: each that waits holds one of the few threads that answer all machines."""
    data = world.bundle(world.entries(3))
    *most, (start, last) = cuts(data)
    for at, piece in most:
        world.post(place(data, at), piece)
    at, one = ports.Slice(ports.BUNDLE, name_of(1001, data), start), slices_of(world)
    begun, end = threading.Event(), threading.Event()

    def whole(received: bytes) -> tuple[int, bytes]:
        begun.set()
        assert end.wait(20)
        return 200, b"taken"

    def take() -> tuple[int, bytes]:
        try:
            return one.take(at, last, whole)
        finally:
            world.court.centre.database.close()

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(take)
        assert begun.wait(20)
        others = [pool.submit(take) for _ in range(slices_centre.AT_ONCE_MAX + 2)]
        busy, waiting = wait(others, return_when=FIRST_COMPLETED, timeout=20)
        while len(busy) < 3:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED, timeout=20)
            busy |= done
        assert {code_of(each.result) for each in busy} == {"exchange.busy"}
        end.set()
        assert {each.result() for each in (first, *waiting)} == {(200, b"taken")}
    assert not one._waiting


def test_6_24_slices_count_and_who_sent_too_much_does_not_begin(world: World) -> None:
    data = world.bundle(world.entries(3))
    quotas = world.court.centre.server.quotas
    quotas.bundle_bytes.charge(1001, 1 << 40)
    assert world.refused(place(data, 0), data).code == "exchange.quota"
    quotas.bundle_bytes._levels.clear()
    world.post(place(data, 0), data[:-1])
    assert quotas.blob_bytes._level(1001) == len(data) - 1
    quotas.blob_bytes.charge(1001, 1 << 40)
    assert world.refused(place(data, len(data) - 1), data[-1:]).code == "exchange.quota"


def test_6_25_a_cut_costs_a_slice_and_no_hello(world: World) -> None:
    """Row 27: nothing that arrived is sent again."""
    ref = large(world)
    make_thin(world)
    asked = breaking(world, at_slices(5, 9))
    world.node.client.exchange()
    assert world.court.centre.blobs.has(ref.sha256)
    assert [path for path, _ in asked].count(ports.HELLO) == 1
    sent = [(path, count) for path, count in asked if ports.slice_of(path)]
    twice = [each for each in sent if sent.count(each) == 2]
    assert len(twice) == 4
    assert sum(count for _, count in sent) == ref.size + sum(count for _, count in twice) // 2 + container_bytes(world, ref)


def container_bytes(world: World, ref: BlobRef) -> int:
    """How much longer the container of a file is than the file."""
    about = {"sha256": ref.sha256, "size": ref.size, "chunk": 0, "nonce": bytes(16)}
    return len(container.write_container("chunk", about, world.node.blobs.read(ref.sha256), world.me, world.centre.certificate)) - ref.size


def test_6_25_a_line_that_carries_nothing_ends_the_exchange_and_the_next_one_goes_on(world: World) -> None:
    ref = large(world)
    make_thin(world)
    asked = breaking(world, at_slices(9, 10))
    assert code_of(world.node.client.exchange) == "line.down"
    assert [path for path, _ in asked[-2:]] == [asked[-1][0]] * 2  # once more, and no third time
    came = {path for path, _ in asked[:-2]}
    asked.clear()
    world.node.client.exchange()
    assert world.court.centre.blobs.has(ref.sha256)
    again = [ports.slice_of(path) for path, _ in asked if path in came]
    assert [each.start for each in again if each] == [0]  # which asks what is there


def test_6_25_bundles_too(world: World) -> None:
    write_much(world)
    make_thin(world)
    asked = breaking(world, at_slices(3))
    world.node.client.exchange()
    assert world.at().seq == world.node.journal.position().seq
    sliced = [path for path, _ in asked if ports.slice_of(path)]
    assert len(sliced) == len(set(sliced)) + 1 > 4


@pytest.mark.parametrize("thin", [True, False])
def test_6_25_with_more_lanes_than_one(world: World, thin: bool) -> None:
    slicer, link = world.node.client._up.slicer, world.node.client._link
    slicer.lanes = slicer._pace._lanes = Lanes(3)
    refs = [large(world, 100_000) for _ in range(4)]
    link._broken_until = 10**15
    if thin:
        make_thin(world)
    breaking(world, at_slices(4, 13))
    world.node.client.exchange()
    assert all(world.court.centre.blobs.has(ref.sha256) for ref in refs)


def test_6_25_an_answer_about_something_else_is_refused(world: World) -> None:
    large(world)
    make_thin(world)
    line = world.court.lines[world.node.number]
    handle = line._handle

    def other(path: str, body: bytes) -> tuple[int, bytes]:
        status, answer = handle(path, body)
        return status, world.centre.sign_message(b"\xa2dnamecxyzethere\x01", CONTENT_TYPES[Kept]) if ports.slice_of(path) else answer

    line._handle = other
    assert code_of(world.node.client.exchange) == "exchange.replayed"


def test_6_25_slices_grow_while_they_are_quick() -> None:
    pace = slices.Pace(Lanes(3))
    for took, size in ((699, 2), (2_000, 2), (100, 4), (3_001, 2), (10, 4), (10, 8), (10, 8)):
        pace.took(pace.size, took)
        assert pace.size == size * SLICE_BYTES
    pace.took(pace.size - 1, 9_999)  # an end says nothing
    assert pace.size == slices.SLICE_BYTES_MAX


@pytest.mark.parametrize("larger", [40_000, 70_000])
def test_6_25_slices_shrink_where_the_line_breaks_in_them(world: World, larger: int) -> None:
    """Else a line that was better once would carry none of them again; the beginning too is half a slice."""
    ref = large(world)
    make_thin(world)
    world.node.client._up.slicer._pace.size = SLICE_BYTES_MAX
    breaking(world, lambda path, body: len(body) > larger)
    codes = []
    while not codes or codes[-1] and len(codes) < 9:
        try:
            world.node.client.exchange()
            codes.append("")
        except Unreachable as error:
            codes.append(error.code)
    assert world.court.centre.blobs.has(ref.sha256)


def test_6_25_a_line_that_breaks_in_several_slices_at_once_broke_once() -> None:
    pace = slices.Pace(Lanes(3))
    pace.size = SLICE_BYTES_MAX
    for answered, size in ((7, 4), (7, 4), (8, 2), (9, 1), (10, 0.625), (11, 0.625)):
        pace.broke(answered)
        assert pace.size == size * SLICE_BYTES


def test_6_25_lanes_that_begin_together_are_parted() -> None:
    waited: list[float] = []
    pace = slices.Pace(Lanes(2))
    pace.took(SLICE_BYTES, 2_000)
    now = [100.0]
    slices.time, real = Clock(now, waited), slices.time  # type: ignore[assignment]
    try:
        for count in (SLICE_BYTES, SLICE_BYTES // 2, SLICE_BYTES):
            pace.turn(count)
    finally:
        slices.time = real
    assert waited == [0.0, pytest.approx(0.6), pytest.approx(0.9)]


class Clock:
    def __init__(self, now: list[float], waited: list[float]) -> None:
        self._now, self._waited = now, waited

    def monotonic(self) -> float:
        return self._now[0]

    def sleep(self, seconds: float) -> None:
        self._waited.append(seconds)


def test_6_25_a_file_that_was_ended_is_forgotten(world: World) -> None:
    large(world)
    make_thin(world)
    world.node.client.exchange()
    assert world.node.client._up.files._under_way == {}


def answers_lost(world: World, count: int) -> list[str]:
    """Lose the answers to the last slices of a chunk, ``count`` of them; return what is asked."""
    line = world.court.lines[world.node.number]
    handle, asked, left = line._handle, [], [count]

    def between(path: str, body: bytes) -> tuple[int, bytes]:
        asked.append(path)
        status, answer = handle(path, body)
        if left[0] and ports.slice_of(path) and cose.parse(answer).content_type != CONTENT_TYPES[Kept]:
            left[0] -= 1
            raise Unreachable("line.down", "cut while answering")
        return status, answer

    line._handle = between
    return asked


def test_6_25_a_chunk_that_had_come_is_not_begun_again(world: World) -> None:
    """Its answer was lost; the next exchange is told that the file is there (7.5)."""
    ref = large(world)
    make_thin(world)
    asked = answers_lost(world, 2)
    assert code_of(world.node.client.exchange) == "line.down"
    assert world.court.centre.blobs.has(ref.sha256)
    asked.clear()
    world.node.client.exchange()
    assert not [path for path in asked if ports.slice_of(path)]
    assert world.node.client._up.files._under_way == {}


@pytest.mark.parametrize("size", [300_000, 1_500_000])
def test_6_25_a_chunk_that_went_whole_meanwhile_is_not_begun_again(world: World, size: int) -> None:
    ref = large(world, size)
    make_thin(world)
    asked = breaking(world, at_slices(6, 7))
    client = world.node.client
    assert code_of(client.exchange) == "line.down"
    client._link._thin_until = client._link._broken_until = 0  # the line is a good one again
    asked.clear()
    client.exchange()
    assert world.court.centre.blobs.has(ref.sha256)
    assert not [path for path, _ in asked if ports.slice_of(path)]
    assert client._up.files._under_way == {}
