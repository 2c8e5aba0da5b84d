"""PROTOCOL 6: what the two sides say to each other, and what they must not believe."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import requests
from protocol_world import World, code_of, make_entry, picture

from common import canonical
from common.db import Database, fetch
from common.errors import Corrupt, Unreachable
from common.facts import BlobRef, encode_body
from edge import transport
from edge.exchanger import FRUITLESS_TRIES_MAX, Exchanger
from sync import completeness, contacts, container, cose, kept, log, ports, uplink
from sync.checkpoint import Checkpoint, sign_checkpoint
from sync.entry import chain_start
from sync.journal import DISK_FAILS
from sync.lanes import Lanes
from sync.messages import (
    Acknowledgement,
    Down,
    Hello,
    Item,
    Logged,
    Refusal,
    Welcome,
    pack,
    unpack,
)
from sync.position import Position
from sync.receipts import inclusion_of
from sync.uplink_files import ASK_AGAIN_MS


def hello(world: World, **changes: Any) -> Hello:
    at = world.node.journal.position()
    state = world.node.client._link.state()
    values: dict[str, Any] = {"node": world.node.number, "epoch": at.epoch, "seq": at.seq, "head": at.head, "nonce": bytes(16), "now": 1}
    values |= {name: state[name] for name in ("token", "size", "everyone", "feed", "complete", "receipted_epoch", "receipted_seq")}
    return Hello(**(values | changes))


def say(world: World, message: Hello) -> Welcome:
    status, answer = world.post(ports.HELLO, pack(message, world.me))
    assert status == 200
    return unpack(cose.parse(answer), Welcome, world.centre.certificate.sign_key, world.centre.environment)


def answering(world: World, path: str, answer: Callable[[bytes, int, bytes], tuple[int, bytes]]) -> None:
    """Let ``answer`` (request, status, true answer) answer in place of the centre on one path."""
    line = world.court.lines[world.node.number]
    handle = line._handle

    def between(asked: str, body: bytes) -> tuple[int, bytes]:
        status, true = handle(asked, body)
        return answer(body, status, true) if asked == path or asked.startswith(f"{path}/") else (status, true)

    line._handle = between


def expect_news(world: World) -> None:
    """Leave a receipt to be fetched, with the register's newest head already taken."""
    world.write()
    up = world.node.client._up
    take, up._take_receipt = up._take_receipt, lambda ack: False
    up.send_bundles(world.at())
    up._take_receipt = take
    world.node.client._hello()


def unmoved(world: World, code: str) -> None:
    """The exchange is refused with ``code`` and the machine holds what it held."""
    names = ("sync", "out_bundle", "turn")
    kept = "SELECT everyone, feed, complete, receipted_epoch, receipted_seq, size, root, note FROM sync"
    before = picture(world.node.database, without=names), fetch(world.node.database, kept)
    assert code_of(world.node.client.exchange) == code
    assert (picture(world.node.database, without=names), fetch(world.node.database, kept)) == before


@pytest.mark.parametrize(
    "path", ["/sync/nothing", "", ports.HELLO, ports.BUNDLE, ports.DOWN, ports.BLOB_HAVE, ports.BLOB_PUT, ports.BLOB_GET]
)
def test_6_1_refusals_are_signed_and_say_a_code_only(still: World, path: str) -> None:
    refusal = still.refused(path, b"garbage")
    assert refusal == Refusal(code=refusal.code)
    assert " " not in refusal.code


def test_6_2_a_gap_is_refused_with_where_the_centre_stands(still: World) -> None:
    """Row 29: a bundle too early."""
    at = still.at()
    beyond = Position(at.epoch, at.seq + 1, bytes(32))
    data = still.bundle(still.entries(after=beyond), after=beyond)
    assert still.post(ports.BUNDLE, data)[0] == 409
    assert still.refused(ports.BUNDLE, data) == Refusal(code="bundle.gap", epoch=at.epoch, seq=at.seq, head=at.head)


def test_6_2_a_machine_sends_from_where_the_centre_stands(world: World) -> None:
    world.write(2)
    world.node.client.exchange()
    world.write(3)
    assert world.node.client.exchange().entries_up == 3


def test_6_3_what_does_not_fold_is_logged_none_the_less(world: World) -> None:
    """Row 63: logged first, interpreted later."""
    [entry] = world.entries(type="test.unknown/7")
    assert world.post(ports.BUNDLE, world.bundle([entry]))[0] == 200
    centre = world.court.centre.database
    assert fetch(centre, "SELECT code FROM quarantine WHERE leaf = ?", (entry.leaf,)) == [("entry.unknown_type",)]
    assert fetch(centre, "SELECT log_index IS NOT NULL FROM entry WHERE leaf = ?", (entry.leaf,)) == [(1,)]


def test_6_3_a_failure_on_the_way_leaves_nothing(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 43: between append, index and checkpoint."""

    def fails(*_: object) -> None:
        raise OSError(DISK_FAILS)

    monkeypatch.setattr(still.court.centre.register, "_checkpoint", fails)
    with pytest.raises(OSError):
        still.court.centre.register.receive(still.bundle(still.entries()))


def test_6_3_logged_without_being_folded_is_acknowledged(world: World) -> None:
    world.court.centre.after_news = lambda: None
    [entry] = world.write()
    world.node.client.exchange()
    centre = world.court.centre
    assert world.at().seq == entry.envelope.seq
    assert centre.register.folded() < log.size(centre.database)


def down(world: World, request: bytes, **changes: Any) -> bytes:
    """Return a downlink that the centre really signed, saying what ``changes`` say."""
    nonce = canonical.decode_map(cose.parse(request).payload)["nonce"]
    state = world.node.client._link.state()
    size, note = world.court.centre.register.checkpoint()
    values: dict[str, Any] = {"note": note, "consistency": world.court.centre.register.consistency(state["size"])}
    values |= {"receipts": [], "complete": [], "everyone": [], "feed": [], "caught_up": False, "more": False}
    values |= {"everyone_at": state["everyone"], "feed_at": state["feed"], "complete_at": state["complete"]}
    body = encode_body(Down(**(values | changes)))
    return container.write_container("down", {"nonce": nonce}, body, world.centre, world.me.certificate)


def test_6_4_a_downlink_with_one_false_thing_is_not_taken_at_all(world: World) -> None:
    """Row 7: a downlink mixed of two."""
    good, bad = make_entry(0, 1, 900), make_entry(0, 1, 901)
    items = [Item(index=900, entry=good.wire()), Item(index=901, entry=[b"\x18\x01", bytes(16), bad.body or b""])]
    answering(world, ports.DOWN, lambda request, status, true: (200, down(world, request, feed=items, feed_at=9)))
    expect_news(world)
    unmoved(world, "canonical.not_canonical")


def test_6_4_a_false_receipt_keeps_the_entries_beside_it_out(world: World) -> None:
    good = make_entry(0, 1, 900)
    false = Logged(epoch=1, first=1, last=1, index=0, proof=[])
    answer = {"feed": [Item(index=900, entry=good.wire())], "feed_at": 9, "receipts": [false]}
    answering(world, ports.DOWN, lambda request, status, true: (200, down(world, request, **answer)))
    expect_news(world)
    unmoved(world, "proof.length")


def test_6_5_a_replayed_welcome_is_refused(world: World) -> None:
    """Rows 5 and 21: an old welcome replayed."""
    answers: list[bytes] = []
    answering(world, ports.HELLO, lambda request, status, true: (status, (answers.append(true), answers[0])[1]))
    world.node.client.exchange()
    unmoved(world, "exchange.replayed")


def test_6_5_a_replayed_downlink_is_refused(world: World) -> None:
    """Rows 5 and 21: an old downlink replayed."""
    answers: list[bytes] = []
    answering(world, ports.DOWN, lambda request, status, true: (status, (answers.append(true), answers[0])[1]))
    world.write()
    world.node.client.exchange()
    expect_news(world)
    unmoved(world, "exchange.replayed")


def forged_note(world: World, size: int, root: bytes) -> bytes:
    origin = world.me.pin.origin
    return sign_checkpoint(Checkpoint(origin, size, root), origin, world.court.centre.keys.log())


def test_6_6_a_register_that_shrinks_is_refused(world: World) -> None:
    """Row 8: the register shows less than before."""
    note = forged_note(world, 1, bytes(32))
    answering(world, ports.DOWN, lambda request, status, true: (200, down(world, request, note=note, consistency=[])))
    expect_news(world)
    unmoved(world, "checkpoint.rolled_back")


def test_6_6_another_history_of_the_same_size_is_refused(world: World) -> None:
    """Row 41: two heads of one size."""
    expect_news(world)
    size = world.node.client._link.state()["size"]
    note = forged_note(world, size, bytes(32))
    answering(world, ports.DOWN, lambda request, status, true: (200, down(world, request, note=note, consistency=[])))
    unmoved(world, "proof.root")


def test_6_6_a_growth_that_does_not_continue_is_refused(world: World) -> None:
    """Rows 8 and 41: a growth from somewhere else."""
    note = forged_note(world, 1000, bytes(32))

    def answer(request: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        told = unpack(cose.parse(true), Welcome, world.centre.certificate.sign_key, world.centre.environment)
        values = {name: getattr(told, name) for name in told.__struct_fields__} | {"note": note, "consistency": [bytes(32)] * 3}
        return 200, pack(Welcome(**values), world.centre)

    answering(world, ports.HELLO, answer)
    unmoved(world, "proof.length")


class Silent:
    """A connection on which nothing comes."""

    def __init__(self, error: Exception | None, parts: list[bytes]) -> None:
        self.error, self.parts, self.status_code = error, parts, 200
        self.asked: dict[str, Any] = {}

    def post(self, url: str, **settings: Any) -> "Silent":
        self.asked = settings
        if self.error:
            raise self.error
        return self

    def iter_content(self, size: int) -> list[bytes]:
        return self.parts

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("error", "parts", "code"),
    [
        (requests.ConnectTimeout(), [], "line.down"),
        (requests.ReadTimeout(), [], "line.down"),
        (requests.ConnectionError(), [], "line.down"),
        (None, [bytes(1 << 20)] * 65, "line.endless"),
    ],
)
def test_6_7_a_silent_or_endless_line_is_noticed(tmp_path: Any, error: Exception | None, parts: list[bytes], code: str) -> None:
    """Rows 2 and 31: silence and endless answers."""
    line = transport.HttpTransport("http://centre", tmp_path / "cut")
    silent = Silent(error, parts)
    line._session = silent
    with pytest.raises(Unreachable) as caught:
        line.post("/sync/hello", b"")
    assert caught.value.code == code
    assert silent.asked["timeout"] == (5, 60)


@pytest.fixture
def stranger(tmp_path: Any) -> Iterator[tuple[transport.HttpTransport, list[bytes], list[bytes]]]:
    """A line to a stranger, what it answers, one after the other, and what it was asked, or that somebody read it to its end."""
    answers: list[bytes] = []
    asked: list[bytes] = []
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            visitor, _ = door.accept()
            with visitor, suppress(OSError):
                asked.append(visitor.recv(1 << 16))
                visitor.sendall(answer)
                if answer.endswith(ENDLESS):
                    for _ in range(ENDLESS_BYTES >> 20):
                        visitor.sendall(bytes(1 << 20))
                    asked.append(TO_THE_END)

    thread = threading.Thread(target=serve, daemon=True)
    line = transport.HttpTransport(f"http://127.0.0.1:{door.getsockname()[1]}", tmp_path / "cut")
    line.begin = thread.start  # type: ignore[attr-defined]
    yield line, answers, asked
    door.close()


ENDLESS, ENDLESS_BYTES, TO_THE_END = b"\r\nX-Endless: 1\r\n\r\n", transport.ANSWER_BYTES_MAX + (20 << 20), b"to the end"


@pytest.mark.parametrize("where", [b"http://[", b"\xff\xfe", b"http://centre/else", b"//"])
def test_6_7_a_stranger_that_leads_elsewhere_is_read_as_everybody(stranger: Any, where: bytes) -> None:
    """Rows 2 and 31: nobody is followed, no answer is read without end for that, and no address makes an error of others."""
    line, answers, asked = stranger
    answers += [
        b"HTTP/1.1 302 Found\r\nLocation: " + where + b"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlogin",
        b"HTTP/1.1 307 Moved\r\nLocation: " + where + ENDLESS,
    ]
    line.begin()
    assert line.post("/sync/hello", b"") == (302, b"login")
    with pytest.raises(Unreachable) as caught:
        line.post("/sync/hello", b"")
    assert caught.value.code == "line.endless"
    assert TO_THE_END not in asked


def test_6_7_what_a_stranger_wants_remembered_is_not_told_the_centre(stranger: Any) -> None:
    """Row 31: a cookie of some hundred kilobytes would keep the centre from being asked until the program is started anew."""
    line, answers, asked = stranger
    answers += [b"HTTP/1.1 200 OK\r\nSet-Cookie: portal=" + b"x" * 4_000 + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"] * 2
    line.begin()
    assert [line.post("/sync/hello", b"")[0] for _ in range(2)] == [200, 200]
    assert [b"portal" in request for request in asked] == [False, False]


def test_6_8_a_repeated_bundle_gets_the_same_answer(world: World) -> None:
    """Rows 28 and 30: the same bundle again."""
    data = world.bundle(world.entries(2))
    first = world.post(ports.BUNDLE, data)
    before = picture(world.court.centre.database)
    assert world.post(ports.BUNDLE, data) == first
    assert picture(world.court.centre.database) == before


def fork(world: World) -> bytes:
    """Let the centre have one history; return a bundle of another."""
    start = world.at()
    one, two = world.entries(), world.entries()
    assert world.post(ports.BUNDLE, world.bundle(one))[0] == 200
    return world.bundle(two, after=start)


def test_6_9_a_fork_is_evidence_and_freezes_the_epoch(world: World) -> None:
    """Row 15: two entries under one number."""
    data = fork(world)
    centre = world.court.centre.database
    before = picture(centre, without=("evidence", "peer"))
    assert world.post(ports.BUNDLE, data)[0] == 409
    assert world.refused(ports.BUNDLE, data).code == "bundle.fork"
    assert fetch(centre, "SELECT reason, data FROM evidence") == [("fork", data)]  # once, however often it comes
    assert fetch(centre, "SELECT frozen FROM peer WHERE node = ?", (world.node.number,)) == [("fork",)]
    assert world.refused(ports.BUNDLE, world.bundle(world.entries())).code == "bundle.fork"
    assert picture(centre, without=("evidence", "peer")) == before


def test_6_9_a_bundle_on_another_head_is_a_fork(world: World) -> None:
    at = world.at()
    other = Position(at.epoch, at.seq, bytes(32))
    assert world.refused(ports.BUNDLE, world.bundle(world.entries(), after=other)).code == "bundle.fork"


def test_6_10_evidence_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 23: evidence cannot fill the disk."""
    world.post(ports.BUNDLE, fork(world))
    centre = world.court.centre.database
    before = fetch(centre, "SELECT * FROM evidence")
    assert kept.room(centre).turned_away == 0
    monkeypatch.setattr(kept, "ROWS_MAX", 1)
    assert world.refused(ports.BUNDLE, world.bundle(world.entries())).code == "bundle.fork"
    monkeypatch.setattr(kept, "ROWS_MAX", 10_000)
    monkeypatch.setattr(kept, "BYTES_MAX", len(before[0][3]))
    assert world.refused(ports.BUNDLE, world.bundle(world.entries())).code == "bundle.fork"
    assert fetch(centre, "SELECT * FROM evidence") == before
    room = kept.room(centre)  # what found no room is counted, for people to see
    assert (room.full, room.turned_away, room.last_ms) == (True, 2, world.court.clock.now())


def alarm(world: World) -> Any:
    return fetch(world.court.centre.database, "SELECT alarm_ms FROM contact WHERE node = ?", (world.node.number,))[0][0]


def test_6_11_a_lost_answer_raises_no_alarm(world: World) -> None:
    """Row 28: the answer with the token is lost."""
    answering(world, ports.HELLO, lambda request, status, true: (502, b""))
    for _ in range(3):
        assert code_of(world.node.client.exchange) == "line.stranger"
    world.court.lines[world.node.number]._handle = world.court._handle
    world.node.client.exchange()
    assert alarm(world) is None


def test_6_11_the_same_hello_again_rotates_nothing(world: World) -> None:
    seen: list[bytes] = []
    answering(world, ports.HELLO, lambda request, status, true: (seen.append(request), (status, true))[1])
    world.node.client.exchange()
    for _ in range(3):
        assert world.post(ports.HELLO, seen[-1])[0] == 200
    world.node.client.exchange()
    assert alarm(world) is None


def test_6_11_of_two_hellos_at_once_one_turns_the_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 28: one that was given up as lost is answered while its repetition is: no machine is its own twin for that."""
    judge, late = contacts.judge, list[threading.Thread]()
    answers: list[Welcome] = []

    def repeated() -> None:
        answers.append(say(world, hello(world, nonce=b"2" * 16)))
        world.court.centre.database.close()  # this thread's own connection

    def judged(database: Database, asked: Hello, at: Position) -> str:
        found = judge(database, asked, at)
        if not late:
            late.append(threading.Thread(target=repeated))
            late[0].start()
            late[0].join(0.5)
        return found

    monkeypatch.setattr(contacts, "judge", judged)
    say(world, hello(world, nonce=b"1" * 16))
    late[0].join()
    [told] = answers
    if told.token:  # else it was asked to prove itself, which any machine does by itself
        fetch(world.node.database, "UPDATE sync SET token = ?", (told.token,))
    world.node.client.exchange()
    assert alarm(world) is None


def test_6_12_a_replayed_old_hello_gets_a_challenge_and_no_alarm(world: World) -> None:
    """Row 21: an old hello replayed."""
    seen: list[bytes] = []
    answering(world, ports.HELLO, lambda request, status, true: (seen.append(request), (status, true))[1])
    for _ in range(4):
        world.node.client.exchange()
    _, answer = world.post(ports.HELLO, seen[0])
    welcome = unpack(cose.parse(answer), Welcome, world.centre.certificate.sign_key, world.centre.environment)
    assert (welcome.state, welcome.token, welcome.note, welcome.news) == ("prove", b"", b"", False)
    assert len(welcome.challenge) == 16
    assert alarm(world) is None
    world.node.client.exchange()
    assert alarm(world) is None


def test_6_12_a_twin_raises_an_alarm_and_gets_nothing(world: World) -> None:
    """Row 17: two machines on one identity."""
    old = world.node.client._link.state()["token"]
    for _ in range(3):
        world.node.client.exchange()
    fetch(world.node.database, "UPDATE sync SET token = ?", (old,))  # the copy of the disk wakes up
    line = world.court.lines[world.node.number]
    line.seen.clear()
    unmoved(world, "node.twin")
    assert [path for path, _ in line.seen] == [ports.HELLO, ports.HELLO]
    assert alarm(world) == world.court.clock.now()
    told = say(world, hello(world, challenge=bytes(16), nonce=b"n" * 16))
    assert (told.token, told.note, told.news) == (b"", b"", False)


def test_6_13_a_machine_cannot_speak_for_another(still: World) -> None:
    """Row 22: another machine's number."""
    assert still.refused(ports.HELLO, pack(hello(still, node=0), still.me)).code == "node.other"


def test_6_14_an_idle_exchange_is_one_trip(world: World) -> None:
    world.node.client.exchange()
    assert world.node.client.exchange().trips == 1


@pytest.mark.parametrize("status", [302, 400, 403, 409, 500, 502])
@pytest.mark.parametrize("page", [b"", b"<html>pay for your internet</html>", b"\xd2\x84"])
def test_6_15_a_stranger_on_the_line_changes_nothing(world: World, status: int, page: bytes) -> None:
    """Row 32: something on the line answers in place of the centre."""
    answering(world, ports.HELLO, lambda request, _, true: (status, page))
    unmoved(world, "line.stranger")


def test_6_15_a_page_in_place_of_an_answer_changes_nothing(world: World) -> None:
    """Row 31: a captive portal answers 200."""
    answering(world, ports.HELLO, lambda request, status, true: (200, b"<html>welcome</html>"))
    unmoved(world, "line.stranger")


def test_6_15_a_refusal_signed_by_another_machine_is_none(world: World) -> None:
    forged = pack(Refusal(code="node.revoked"), world.me)
    answering(world, ports.HELLO, lambda request, status, true: (403, forged))
    unmoved(world, "line.stranger")


@pytest.mark.parametrize("changes", [{"digest": bytes(32)}, {"seq": 0, "head": bytes(32)}, {"head": bytes(32)}, {"epoch": 9}])
def test_6_16_an_acknowledgement_of_something_else_is_refused(world: World, changes: dict[str, Any]) -> None:
    def answer(request: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        ack = unpack(cose.parse(true), Acknowledgement, world.centre.certificate.sign_key, world.centre.environment)
        values = {name: getattr(ack, name) for name in ack.__struct_fields__} | changes
        return 200, pack(Acknowledgement(**values), world.centre)

    world.write()
    answering(world, ports.BUNDLE, answer)
    unmoved(world, "exchange.acknowledgement")
    assert fetch(world.node.database, "SELECT acked_seq FROM sync") == [(0,)]


def test_6_16_an_acknowledgement_that_falls_short_of_what_was_sent_is_refused(world: World) -> None:
    """It would be sent for ever."""
    world.write()
    start = chain_start(world.me.environment, world.node.number, 1)
    left = [3]

    def answer(request: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        left[0] -= 1
        assert left[0]
        ack = unpack(cose.parse(true), Acknowledgement, world.centre.certificate.sign_key, world.centre.environment)
        return 200, pack(msgspec.structs.replace(ack, seq=0, head=start), world.centre)

    answering(world, ports.BUNDLE, answer)
    unmoved(world, "exchange.acknowledgement")


def asked(world: World) -> list[str]:
    """Return the paths that one exchange asks."""
    line = world.court.lines[world.node.number]
    line.seen.clear()
    world.node.client.exchange()
    return [path for path, _ in line.seen]


def without_folding(world: World) -> None:
    """Let the centre fold later, as a running one does."""
    world.court.centre.after_news = lambda: None


def acknowledging(world: World, **changes: Any) -> None:
    """Let the centre acknowledge bundles as ``changes`` say."""

    def answer(request: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        ack = unpack(cose.parse(true), Acknowledgement, world.centre.certificate.sign_key, world.centre.environment)
        return status, pack(msgspec.structs.replace(ack, **changes), world.centre)

    answering(world, ports.BUNDLE, answer)


def logged(world: World) -> list[Any]:
    return fetch(world.node.database, "SELECT last FROM logged ORDER BY epoch, last")


def test_6_20_the_receipt_comes_with_the_acknowledgement(world: World) -> None:
    without_folding(world)
    for _ in range(2):
        entry = world.write(2)[-1]
        assert asked(world) == [ports.HELLO, ports.BUNDLE]
        assert logged(world)[-1] == (entry.envelope.seq,)
        assert inclusion_of(world.node.database, entry.leaf)
    assert asked(world) == [ports.HELLO]


@pytest.mark.parametrize("changes", [{"receipts": []}, {"since": 1}, {"receipts": [Logged(epoch=1, first=9, last=9, index=9, proof=[])]}])
def test_6_20_what_does_not_follow_is_left_to_a_downlink(world: World, changes: dict[str, Any]) -> None:
    without_folding(world)
    acknowledging(world, **changes)
    [entry] = world.write()
    assert asked(world) == [ports.HELLO, ports.BUNDLE, ports.DOWN]
    assert logged(world)[-1] == (entry.envelope.seq,)


def test_6_20_a_false_receipt_is_refused_and_nothing_of_it_kept(world: World) -> None:
    without_folding(world)
    seq = world.write()[0].envelope.seq
    before = logged(world)
    acknowledging(world, receipts=[Logged(epoch=1, first=seq, last=seq, index=0, proof=[])])
    assert code_of(world.node.client.exchange).startswith("proof.")
    assert logged(world) == before


def test_6_20_only_files_that_are_missing_are_sent_and_nobody_asks(world: World) -> None:
    without_folding(world)
    refs = [BlobRef(world.node.blobs.put(data), len(data), "a/b") for data in (b"one", b"two")]
    world.write(blobs=refs[:1])
    assert asked(world) == [ports.HELLO, ports.BUNDLE, ports.BLOB_PUT, ports.DOWN]
    world.write(blobs=refs)
    assert asked(world) == [ports.HELLO, ports.BUNDLE, ports.BLOB_PUT, ports.DOWN]
    assert all(world.court.centre.blobs.has(ref.sha256) for ref in refs)


def test_6_20_a_centre_that_says_nothing_of_files_is_asked(world: World) -> None:
    without_folding(world)
    acknowledging(world, missing=None)
    world.write(blobs=[BlobRef(world.node.blobs.put(b"one"), 3, "a/b")])
    assert asked(world) == [ports.HELLO, ports.BUNDLE, ports.BLOB_HAVE, ports.BLOB_PUT, ports.DOWN]


def test_6_20_a_file_that_never_gets_its_receipt_is_asked_about_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    without_folding(world)
    monkeypatch.setattr(completeness, "WITH_BUNDLE", 0)
    ref = BlobRef(world.node.blobs.put(b"one"), 3, "a/b")
    world.court.centre.blobs.put(b"one")
    world.write(blobs=[ref])
    assert asked(world) == [ports.HELLO, ports.BUNDLE]
    assert asked(world) == [ports.HELLO]
    world.court.clock.tick(ASK_AGAIN_MS)
    assert asked(world) == [ports.HELLO, ports.BLOB_HAVE, ports.DOWN]
    assert asked(world) == [ports.HELLO]


def test_6_20_what_the_centre_said_it_has_is_not_read_again_while_its_receipt_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a first sync R2 of thousands of entries comes when they are folded: no exchange until then looks at all of them."""
    without_folding(world)
    monkeypatch.setattr(completeness, "WITH_BUNDLE", 0)
    files = world.node.client._up.files
    ref = BlobRef(world.node.blobs.put(b"one"), 3, "a/b")
    world.court.centre.blobs.put(b"one")
    world.write(3, blobs=[ref])
    assert len(asked(world)) == 2
    assert [row[3] for row in files._unreceipted(0)[0]] == [ref.sha256]
    assert files._unreceipted(files._answered)[0] == []
    world.write(blobs=[ref, BlobRef(world.node.blobs.put(b"two"), 3, "a/b")])
    assert asked(world) == [ports.HELLO, ports.BUNDLE, ports.BLOB_PUT, ports.DOWN]


def test_6_7_a_line_that_breaks_again_and_again_is_gone_on_with_while_something_gets_through(world: World) -> None:
    line = world.court.lines[world.node.number]
    handle, tries = line._handle, [0]

    def breaking(path: str, body: bytes) -> tuple[int, bytes]:
        tries[0] += 1
        if tries[0] % 4 == 0:
            raise Unreachable("line.down", "")
        return handle(path, body)

    line._handle = breaking
    files = [bytes([number]) * 2_000 for number in range(6)]
    world.write(3, blobs=[BlobRef(world.node.blobs.put(data), len(data), "a/b") for data in files])
    outcome = Exchanger(world.node).exchange()
    assert (outcome.pieces, outcome.entries_up) == (6, 3)
    assert outcome.trips == tries[0]
    assert all(world.court.centre.blobs.has(hashlib.sha256(data).digest()) for data in files)


def test_6_7_a_line_that_lets_only_answers_to_hello_through_is_given_up_after_some_tries(world: World) -> None:
    line = world.court.lines[world.node.number]
    handle, tries = line._handle, [0]

    def narrow(path: str, body: bytes) -> tuple[int, bytes]:
        if path != ports.HELLO:
            raise Unreachable("line.down", "")
        tries[0] += 1
        return handle(path, body)

    line._handle = narrow
    world.write()
    assert code_of(Exchanger(world.node).exchange) == "line.down"
    assert tries[0] == FRUITLESS_TRIES_MAX + 1


def test_6_7_a_dead_line_is_not_tried_again_at_once(world: World) -> None:
    tries: list[str] = []

    def dead(path: str, body: bytes) -> tuple[int, bytes]:
        tries.append(path)
        raise Unreachable("line.down", "")

    world.court.lines[world.node.number]._handle = dead
    world.write()
    assert code_of(Exchanger(world.node).exchange) == "line.down"
    assert tries == [ports.HELLO]


def test_6_14_an_idle_exchange_looks_for_no_files_until_something_came(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    up, looked = world.node.client._up.files, [0]
    send = up.send

    def counted() -> bool:
        looked[0] += 1
        return send()

    monkeypatch.setattr(up, "send", counted)
    ref = BlobRef(world.node.blobs.put(b"one"), 3, "a/b")
    world.write(blobs=[ref])
    for _ in range(3):
        world.node.client.exchange()
    before = looked[0]
    assert [world.node.client.exchange().trips for _ in range(3)] == [1, 1, 1]
    assert looked[0] == before
    other = BlobRef(world.node.blobs.put(b"two"), 3, "a/b")
    world.write(blobs=[other])
    world.node.client.exchange()
    assert looked[0] > before
    assert world.court.centre.blobs.has(other.sha256)


def on_two_lanes(world: World) -> list[bytes]:
    """Give the node a second lane; return the bundles that its database holds whenever one is on the line, filled as they go."""
    client, line, held = world.node.client, world.court.lines[world.node.number], list[bytes]()
    client._lanes = client._up._lanes = Lanes(2)
    handle = line._handle

    def noted(path: str, body: bytes) -> tuple[int, bytes]:
        try:
            if path.startswith(ports.BUNDLE):  # this may run in the lane's own thread, with connections of its own
                held.extend(data for (data,) in fetch(world.node.database, "SELECT data FROM out_bundle WHERE data = ?", (body,)))
            return handle(path, body)
        finally:
            if threading.current_thread() is not threading.main_thread():
                world.court.centre.database.close()
                world.node.database.close()

    line._handle = noted
    client.exchange()  # what the centre understands is known from here on
    return held


def test_6_2_the_first_bundle_is_made_while_the_hello_is_on_the_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept in one transaction with the welcome, so it is durable before it is sent and costs no flush of its own."""
    without_folding(world)
    held, made, kept_then = on_two_lanes(world), list[bool](), list[Any]()
    write, count_turn = uplink.write_bundle, world.node.journal.count_turn

    def written(*given: Any, **named: Any) -> bytes:
        made.append(world.node.database.in_transaction())
        return write(*given, **named)

    def counted() -> None:  # the last thing in the transaction of a welcome
        kept_then.extend(fetch(world.node.database, "SELECT COUNT(*) FROM out_bundle WHERE data IS NOT NULL")[0])
        count_turn()

    monkeypatch.setattr(uplink, "write_bundle", written)
    monkeypatch.setattr(world.node.journal, "count_turn", counted)
    world.write(2)
    assert asked(world) == [ports.HELLO, ports.BUNDLE]
    assert (made, kept_then, len(held)) == ([False], [1], 1)
    assert world.node.client.backlog()[0] == 0


def test_6_2_a_bundle_made_ahead_is_dropped_where_the_centre_stands_elsewhere_or_is_silent(world: World) -> None:
    held = on_two_lanes(world)
    world.write(2)
    line = world.court.lines[world.node.number]
    line.weather.cut = True
    assert code_of(world.node.client.exchange).startswith("line.")
    assert fetch(world.node.database, "SELECT 1 FROM out_bundle WHERE data IS NOT NULL") == []
    line.weather.cut = False
    begin = world.court.centre.register.peer(world.node.number).seq
    fetch(world.node.database, "UPDATE sync SET acked_seq = acked_seq - 1")
    world.node.client.exchange()
    [data] = held
    assert container.read_header(data, world.me.sign.public_key(), world.me.environment)[0].about["first"] == begin + 1
    assert world.node.client.backlog()[0] == 0


def test_6_2_a_bundle_made_ahead_takes_the_place_of_none_that_was_sent_since(world: World, tmp_path: Any) -> None:
    """What a stick has carried goes as the same bytes over the line (4.5)."""
    held = on_two_lanes(world)
    world.write(2)
    line = world.court.lines[world.node.number]
    line.weather.cut = True
    assert code_of(world.node.client.exchange).startswith("line.")
    usb = tmp_path / "usb"
    usb.mkdir()
    world.node.client.stick.export(usb)
    [(carried,)] = fetch(world.node.database, "SELECT data FROM out_bundle WHERE data IS NOT NULL")
    line.weather.cut = False
    world.node.client.exchange()
    assert held == [carried]


def test_6_2_a_bundle_that_cannot_be_made_ahead_keeps_no_hello_from_being_heard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    on_two_lanes(world)
    world.write(2)

    def fails() -> None:
        raise Corrupt("entry.row", "broken")

    monkeypatch.setattr(world.node.client._up, "get_ready", fails)
    before = fetch(world.node.database, "SELECT token FROM sync")
    world.node.client.exchange()
    assert fetch(world.node.database, "SELECT token FROM sync") != before
    assert world.node.client.backlog()[0] == 0


def test_6_2_the_next_bundle_is_made_while_one_is_on_the_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more lanes than one; the centre gets the same bundles in the same order, each following the one before."""
    monkeypatch.setattr("sync.uplink.PLAIN_BYTES_TARGET", 1)  # a bundle for each entry
    world.node.client._up._lanes = Lanes(2)
    line, firsts = world.court.lines[world.node.number], list[int]()
    handle = line._handle

    def noted(path: str, body: bytes) -> tuple[int, bytes]:
        try:
            return handle(path, body)
        finally:
            if path.startswith(ports.BUNDLE):  # this runs in the lane's own thread, with connections of its own
                firsts.append(container.read_header(body, world.me.sign.public_key(), world.me.environment)[0].about["first"])
                world.court.centre.database.close()

    line._handle = noted
    begin = world.at().seq
    world.write(4)
    world.node.client.exchange()
    assert firsts == list(range(begin + 1, begin + 5))
    assert world.node.client.backlog()[0] == 0


def test_6_20_completeness_out_of_turn_waits_for_a_downlink(world: World) -> None:
    without_folding(world)
    ref = BlobRef(world.node.blobs.put(b"one"), 3, "a/b")
    world.write(blobs=[ref])
    world.node.client.exchange()
    assert world.node.client.exchange().trips == 1  # R2 came with R1
    world.write(blobs=[ref])
    fetch(world.court.centre.database, "INSERT INTO complete (node, leaf, statement) VALUES (?, ?, ?)", (world.node.number, bytes(32), b""))
    world.node.client._up.send_bundles(world.at())
    assert fetch(world.node.database, "SELECT COUNT(*) FROM complete_here") == [(1,)]
    assert asked(world) == [ports.HELLO, ports.DOWN]
    assert fetch(world.node.database, "SELECT COUNT(*) FROM complete_here") == [(2,)]


def test_6_21_a_bundle_made_long_ago_gets_its_receipt_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles are made while there is no line, and sent as the same bytes; R1 of each comes with its acknowledgement."""
    without_folding(world)
    monkeypatch.setattr(uplink, "PLAIN_BYTES_TARGET", 600)
    world.write(7)
    client, line = world.node.client, world.court.lines[world.node.number]
    line.weather.cut = True
    assert code_of(client.exchange).startswith("line.")
    made = [data for (data,) in fetch(world.node.database, "SELECT data FROM out_bundle WHERE data IS NOT NULL ORDER BY first")]
    assert len(made) > 1
    line.weather.cut = False
    line.seen.clear()
    outcome = client.exchange()
    bundles = [(path, body) for path, body in line.seen if path.startswith(ports.BUNDLE)]
    assert [body for _, body in bundles][: len(made)] == made
    sizes = [ports.size_beside(path) for path, _ in bundles]
    assert sizes[0] is None  # that one was made when the checkpoint was what it is now
    assert None not in sizes[1 : len(made)]
    assert outcome.receipts == len(bundles)
    assert not [path for path, _ in line.seen if path == ports.DOWN]


def test_6_21_an_older_centre_is_sent_to_as_before(world: World) -> None:
    def older(request: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        welcome = unpack(cose.parse(true), Welcome, world.centre.certificate.sign_key, world.centre.environment)
        return status, pack(msgspec.structs.replace(welcome, protocol=1), world.centre)

    answering(world, ports.HELLO, older)
    world.write()
    assert world.node.client.exchange().entries_up == 1
    assert world.node.client._link.protocol == 1


@pytest.mark.parametrize("beside", ["", "x", "-1", "01", "1" * 19, "1/2"])
def test_6_21_another_path_is_none(world: World, beside: str) -> None:
    assert world.refused(f"{ports.BUNDLE}/{beside}", world.bundle(world.entries())).code == "exchange.path"
