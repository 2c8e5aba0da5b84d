"""PROTOCOL 7.10 to 7.14: recordings come where somebody asks for them, after everything else, and are lost nowhere."""

import hashlib
from pathlib import Path

import pytest
from protocol_world import code_of
from test_musts_8_withdrawal import move
from test_musts_14_erasure import CHAIRMAN, Pen

from central.services import reference
from common.db import fetch
from edge.node import Node
from edge.services import erasures, retention
from sync import pieces, ports, receipts, recordings
from sync.entry import Entry
from sync.pieces import CHUNK_BYTES
from tests.court import Court, blob_path
from tests.sim import papers
from tests.sim.papers import AIGUL, BOLAT, Filing, with_

ASTANA = "kz-7"
FILM = bytes(range(256)) * 4096 * 2 + b"the end"  # three chunks
SHA = hashlib.sha256(FILM).digest()
SMALL_FILM = b"a film of a second"
CONTRACT = b"a contract that is larger than a small film" * 100


@pytest.fixture
def court(tmp_path: Path) -> Court:
    court = Court.ready(tmp_path)
    court.open_cabinet(court.nodes[0], AIGUL)
    court.settle()
    return court


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


def filed(court: Court) -> Filing:
    """A filing of Aigul, made at Aktau for Astana, at both machines and the centre."""
    filing = court.file(court.nodes[0], AIGUL, ASTANA)
    court.settle()
    return filing


def recorded(court: Court) -> Entry:
    """A film that Astana has added to Aigul's case, at the centre; Aktau knows of it."""
    entry = court.add_material(court.nodes[1], filed(court), FILM)
    court.settle()
    return entry


def ask(node: Node, sha256: bytes = SHA) -> None:
    recordings.request(node.database, sha256, now=node.clock.now())


def knows(node: Node, entry: Entry) -> bool:
    return bool(fetch(node.database, "SELECT 1 FROM material WHERE leaf = ?", (entry.leaf,)))


def names_of(court: Court, node: Node, path: str) -> list[str]:
    """Return what the line of ``node`` has seen at ``path``, in order."""
    return [each for each, _ in court.lines[node.number].seen if each == path]


def test_7_10_a_recording_comes_when_it_is_asked_for_and_not_before(court: Court) -> None:
    aktau, astana, almaty = court.nodes
    entry = recorded(court)
    assert [knows(node, entry) for node in court.nodes] == [True, True, False]
    assert court.centre.blobs.has(SHA)
    court.lines[aktau.number].seen.clear()
    court.settle()
    assert (aktau.blobs.has(SHA), names_of(court, aktau, ports.BLOB_GET)) == (False, [])
    ask(aktau)
    assert recordings.is_under_way(aktau.database, SHA)
    court.settle()
    assert aktau.blobs.read(SHA) == FILM
    assert not recordings.is_under_way(aktau.database, SHA)
    assert not almaty.blobs.has(SHA)
    court.check()


def test_7_10_a_file_that_one_entry_calls_otherwise_comes_by_itself(court: Court) -> None:
    aktau, astana, _ = court.nodes
    filing = filed(court)
    court.add_material(astana, filing, SMALL_FILM)
    court.add_material(astana, filing, SMALL_FILM, "application/pdf")
    court.settle()
    assert aktau.blobs.has(hashlib.sha256(SMALL_FILM).digest())


def test_7_10_a_stick_brings_a_recording_only_when_it_was_asked_for(court: Court, usb: Path) -> None:
    aktau, astana, _ = court.nodes
    filing = filed(court)
    for node in (aktau, astana):
        court.cut(node)
    entry = court.add_material(astana, filing, FILM)

    def carry(node: Node) -> None:
        node.client.stick.export(usb)
        court.centre.sticks.take(usb)
        court.centre.sticks.export(usb)
        node.client.stick.take(usb)

    carry(astana)
    carry(aktau)
    assert (knows(aktau, entry), court.centre.blobs.has(SHA), aktau.blobs.has(SHA)) == (True, True, False)
    assert sum(path.stat().st_size for path in (usb / f"SOT1/DN{aktau.number}").iterdir()) < len(FILM) // 2
    ask(aktau)
    carry(aktau)
    assert aktau.blobs.read(SHA) == FILM


def test_7_10_a_recording_that_got_damaged_comes_again_by_itself(court: Court) -> None:
    """Row of rot: at the court that recorded it, and at a machine that once asked."""
    aktau, astana, _ = court.nodes
    recorded(court)
    ask(aktau)
    court.settle()
    for node in (aktau, astana):
        path = blob_path(node, SHA)
        path.write_bytes(b"?" + path.read_bytes()[1:])
        assert not node.blobs.vouch(SHA)
        assert node.client.exchange().blobs_down == 1
        assert node.blobs.read(SHA) == FILM
    court.check()


def test_7_10_a_recording_waits_for_room_and_takes_none_from_papers(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 55: a machine whose disk is nearly full takes no filings, and a film that somebody asked for must not fill it."""
    aktau, *_ = court.nodes
    recorded(court)
    ask(aktau)
    needed = 2 * len(FILM) + recordings.ROOM_BYTES
    monkeypatch.setattr(aktau.blobs.pieces, "free_bytes", lambda: needed)
    outcome = aktau.client.exchange()
    assert (outcome.problems, outcome.pieces, outcome.goes_on) == (["blob.room"], 0, False)
    monkeypatch.setattr(aktau.blobs.pieces, "free_bytes", lambda: needed + CHUNK_BYTES)
    assert aktau.client.exchange().problems == []
    assert aktau.blobs.read(SHA) == FILM


def test_7_11_recordings_go_up_after_all_other_files(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    aktau, astana, _ = court.nodes
    filing = filed(court)
    court.add_material(astana, filing, SMALL_FILM)
    paper = court.file(astana, BOLAT, ASTANA, attachment=CONTRACT)
    order = [(sha256, film) for sha256, _, film in astana.client._up.files.unfinished()]
    assert (order[-1], [film for _, film in order]) == ((hashlib.sha256(SMALL_FILM).digest(), True), [False, False, True])
    court.lines[astana.number].cuts = []
    seen: list[bytes] = []
    take = court.centre.blobs.pieces.put_chunk
    monkeypatch.setattr(court.centre.blobs.pieces, "put_chunk", lambda sha, *rest, **more: seen.append(sha) or take(sha, *rest, **more))
    court.settle()
    assert seen[-1] == hashlib.sha256(SMALL_FILM).digest()
    assert len(seen) == 3
    assert receipts.ladder_of(astana.database, paper.leaf).complete_ms is not None


def test_7_11_an_exchange_gives_recordings_one_turn(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    aktau, astana, _ = court.nodes
    monkeypatch.setattr(recordings, "TURN_MS", -1)  # over after one chunk
    filing = filed(court)
    court.add_material(astana, filing, FILM)
    for left in (True, True):
        outcome = astana.client.exchange()
        assert (outcome.pieces, outcome.goes_on) == (1, left)
        paper = court.file(astana, BOLAT, ASTANA)  # sent while the film is under way
        astana.client.exchange()
        assert receipts.ladder_of(astana.database, paper.leaf).complete_ms is not None
    court.settle()
    assert court.centre.blobs.has(SHA)
    ask(aktau)
    assert [(outcome.pieces, outcome.goes_on) for outcome in [aktau.client.exchange() for _ in range(3)]] == [
        (1, True),
        (1, True),
        (1, False),
    ]
    assert aktau.blobs.read(SHA) == FILM


def test_7_11_on_a_stick_recordings_come_last_and_stay_behind_first(court: Court, usb: Path) -> None:
    _, astana, _ = court.nodes
    court.cut(astana)
    filing = court.file(astana, AIGUL, ASTANA, attachment=CONTRACT)
    court.add_material(astana, filing, SMALL_FILM)
    assert [film for *_, film in astana.client._up.files.unfinished()] == [False, False, True]
    astana.client.stick.export(usb)
    court.centre.sticks.take(usb)
    assert court.centre.blobs.has(hashlib.sha256(SMALL_FILM).digest())


def test_7_11_a_recording_that_finds_no_room_ends_no_exchange(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 55: contact with the centre is noted, and the recording is asked for again."""
    aktau, *_ = court.nodes
    recorded(court)
    ask(aktau)
    court.clock.tick(1_000)

    def full(*given: object, **named: object) -> None:
        raise OSError(28, "ENOSPC")

    with monkeypatch.context() as patch:
        patch.setattr(pieces, "write_durable", full)
        assert aktau.client.exchange().problems == ["blob.room"]
    assert fetch(aktau.database, "SELECT contact_ms FROM sync") == [(court.clock.now(),)]
    court.settle()
    assert aktau.blobs.read(SHA) == FILM


def test_7_12_what_was_transferred_counts(court: Court) -> None:
    aktau, astana, _ = court.nodes
    recorded(court)
    ask(aktau)
    before = len(names_of(court, aktau, ports.BLOB_GET))
    court.lines[aktau.number].cuts = [2]  # hello, one chunk, and the second one's answer is lost
    assert not court.exchange(aktau)
    assert 0 < recordings.percent(aktau.blobs, SHA, len(FILM)) < 99
    court.crash(aktau)
    aktau = court.machine(aktau.number)
    court.heal(aktau)
    court.settle()
    assert aktau.blobs.read(SHA) == FILM
    assert len(names_of(court, aktau, ports.BLOB_GET)) - before == 4  # three chunks, one of them twice
    assert astana.blobs.has(SHA)


def test_7_12_a_recording_is_read_whole_before_its_first_turn_and_not_in_each(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    _, astana, _ = court.nodes
    monkeypatch.setattr(recordings, "TURN_MS", -1)
    filing = filed(court)
    court.add_material(astana, filing, FILM)
    vouch, read = astana.blobs.vouch, []
    monkeypatch.setattr(astana.blobs, "vouch", lambda sha256: read.append(sha256) or vouch(sha256))
    assert [court.centre.blobs.has(SHA) for _ in range(3) if astana.client.exchange()] == [False, False, True]
    assert read == [SHA]


def test_7_12_a_recording_that_got_damaged_between_its_turns_is_found(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row of rot: the centre keeps nothing of it, and it is read again before it goes again (7.6)."""
    _, astana, _ = court.nodes
    monkeypatch.setattr(recordings, "TURN_MS", -1)
    filing = filed(court)
    court.add_material(astana, filing, FILM)
    astana.client.exchange()
    path = blob_path(astana, SHA)
    path.write_bytes(FILM[:-1] + b"?")
    astana.client.exchange()
    assert code_of(astana.client.exchange) == "blob.mismatch"
    assert "blob.rot" in astana.client.exchange().problems
    assert not court.centre.blobs.has(SHA)
    path.write_bytes(FILM)
    assert astana.blobs.adopt(SHA, len(FILM))
    court.settle()
    assert court.centre.blobs.has(SHA)


def test_7_13_the_centre_receives_every_recording_and_says_so(court: Court) -> None:
    _, astana, _ = court.nodes
    entry = recorded(court)
    assert receipts.ladder_of(astana.database, entry.leaf).complete_ms is not None
    court.check()


def test_7_13_no_other_entry_waits_for_a_recording(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    _, astana, _ = court.nodes
    monkeypatch.setattr(recordings, "TURN_MS", -1)
    filing = court.file(astana, AIGUL, ASTANA, attachment=CONTRACT)
    film = court.add_material(astana, filing, FILM)
    astana.client.exchange()
    ladders = [receipts.ladder_of(astana.database, leaf).complete_ms for leaf in (filing.leaf, film.leaf)]
    assert (ladders[0] is not None, ladders[1]) == (True, None)


def test_7_14_a_recording_that_was_let_go_comes_on_a_new_request_only(court: Court) -> None:
    aktau, astana, _ = court.nodes
    recorded(court)
    ask(aktau)
    court.settle()
    court.clock.tick(30 * 86_400_000)
    for node in (aktau, astana):
        node.config = with_(node.config, keep_files_days=20)
        assert retention.prune(node) >= 1
        assert not node.blobs.has(SHA)
        assert node.client.exchange().blobs_down == 0
        ask(node)
        assert node.client.exchange().blobs_down == 1
    court.settle()
    court.check()


def test_7_14_the_court_keeps_what_the_centre_has_not_confirmed(court: Court) -> None:
    _, astana, _ = court.nodes
    astana.config = with_(astana.config, keep_files_days=20)
    filing = filed(court)
    court.cut(astana)
    court.add_material(astana, filing, FILM)
    court.clock.tick(30 * 86_400_000)
    retention.prune(astana)
    assert astana.blobs.has(SHA)


def test_7_14_what_an_act_erased_is_asked_for_no_more(court: Court) -> None:
    """Row 73: the film is gone at the court, at the centre and where it was asked for, whole or under way."""
    aktau, astana, _ = court.nodes
    body = with_(papers.appointment(ASTANA), name=CHAIRMAN.name, role="chairman", certificate=CHAIRMAN.key.certificate.der)
    reference.appoint(court.centre, body)
    entry = recorded(court)
    ask(aktau)
    court.lines[aktau.number].cuts = [2]
    assert not court.exchange(aktau)
    assert erasures.order(astana, entry.envelope.obj, Pen(CHAIRMAN), court=ASTANA, reference="2/17", date="2026-11-27") == 1
    court.settle()
    for owner in (court.centre, *court.nodes):
        assert not owner.blobs.at_hand(SHA)
        assert not [path for path in (owner.data / "blobs").rglob("*") if SHA.hex() in path.name]
        assert not fetch(owner.database, "SELECT 1 FROM material UNION ALL SELECT 1 FROM material_reader")
    assert not recordings.is_under_way(aktau.database, SHA)
    assert code_of(lambda: ask(aktau)) == "blob.absent"
    court.check()


def test_7_14_a_recording_goes_with_the_court_that_moved(court: Court) -> None:
    """Row 67."""
    _, astana, almaty = court.nodes
    recorded(court)
    move(court, astana, almaty, [ASTANA])
    assert not almaty.blobs.has(SHA)
    ask(almaty)
    court.settle()
    assert almaty.blobs.has(SHA)
    move(court, almaty, astana, [ASTANA])
    assert not almaty.blobs.at_hand(SHA)
    assert code_of(lambda: ask(almaty)) == "blob.absent"
    assert astana.blobs.read(SHA) == FILM
    court.check()


def test_7_14_nobody_requests_what_no_entry_here_names(court: Court) -> None:
    aktau, _, almaty = court.nodes
    recorded(court)
    assert code_of(lambda: ask(almaty)) == "blob.absent"
    assert code_of(lambda: ask(aktau, bytes(32))) == "blob.absent"
    assert len(FILM) > 2 * CHUNK_BYTES
