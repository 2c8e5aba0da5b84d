"""Every message of an exchange cut at every byte, and entries that a machine of ours would never write."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from common import canonical
from common.db import fetch
from common.errors import CourtError, Unreachable
from common.facts import encode_body
from edge.node import Node
from sync import bundle, directory, ports
from sync.directory import EpochOpen, node_object
from sync.entry import Entry, Envelope, chain_next, chain_start, encode_envelope, leaf_of, write_entry
from sync.position import Position
from tests.court import Court, Line
from tests.sim import papers
from tests.sim.papers import AIGUL, BOLAT

AKTAU, ASTANA = "kz-283", "kz-7"
CUTS = 40
"""Places at which an answer is cut, spread over its length."""
STEP = 11
"""Every eleventh offset of the longest messages; the seed moves which ones."""


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


def offsets(length: int) -> range:
    return range(length) if length < 700 else range(length % STEP, length, STEP)


def state(court: Court) -> bytes:
    """Return a hash of everything the centre holds of entries, log and machines' positions."""
    digest = hashlib.sha256()
    for table in ("entry", "peer", "tile", "checkpoint", "blob", "evidence"):
        digest.update(repr(sorted(map(repr, fetch(court.centre.database, f"SELECT * FROM {table}")))).encode())
    return digest.digest()


def test_a_message_cut_at_every_byte_changes_nothing(court: Court) -> None:
    """Row 27: each request of an exchange, cut anywhere, is refused and leaves the centre as it was; the whole one goes through."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, ASTANA, attachment=b"a contract")
    line = court.lines[node.number]
    line.seen.clear()
    whole = line.post

    def cut_first(path: str, body: bytes) -> tuple[int, bytes]:
        before = state(court)
        for end in offsets(len(body)):
            assert court.centre.server.handle(path, body[:end])[0] >= 400, f"{path} cut at {end} is taken"
        assert state(court) == before, path
        return whole(path, body)

    line.post = cut_first  # type: ignore[method-assign]
    assert court.exchange(node)
    assert {path for path, _ in line.seen} >= {ports.HELLO, ports.BUNDLE, ports.DOWN, ports.BLOB_PUT}
    court.settle()
    court.check()
    assert court.status(court.machine(1002), filing) == "filed"
    assert not court.troubles


class Shears(Line):
    """A line that cuts one answer at one byte, and hands what came to the machine as a proxy would."""

    path, end, whole = "", 0, 0

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        status, answer = super().post(path, body)
        if path != self.path:
            return status, answer
        self.path, self.whole = "", len(answer)
        return status, answer[: self.end]


@pytest.mark.parametrize("path", [ports.HELLO, ports.BUNDLE, ports.BLOB_PUT])
def test_an_answer_cut_at_any_byte_changes_nothing(court: Court, path: str) -> None:
    """Row 27: each answer of the centre, cut anywhere; the next exchange goes on, and what was verified is not sent again."""
    node = court.machine(1001)
    shears = Shears(court._handle, court.dice)
    node.transport = node.client._link._transport = shears  # type: ignore[assignment]
    court.lines[node.number] = shears
    for cut in range(CUTS):
        if cut % 8 == 0 or path == ports.BLOB_PUT:
            court.file(node, AIGUL, AKTAU, attachment=b"%d" % cut)
        else:
            court.write(node, node_object(node.number), EpochOpen(previous=1, last_seq=0, reason="cut"))
        shears.path, shears.end = path, (shears.whole * cut) // CUTS
        with suppress(CourtError, Unreachable):
            node.client.exchange()
        assert shears.path == "", f"no answer of {path} to cut"
        court.heal(node)
        court.exchange(node)
    court.settle()
    court.check()
    assert not court.alarms(node)


def forged(node: Node, envelope: Envelope, body: bytes = b"\xa0") -> bytes:
    """Return a bundle that the machine signs although its own code would never write such an entry."""
    at = node.journal.position()
    entry = write_entry(envelope, body)
    return bundle.write_bundle([entry], at, b"", node.identity, node.client._link.centre(), beacon=0)


def envelope_of(machine: Node, /, **changes: object) -> Envelope:
    at = machine.journal.position()
    given: dict[str, object] = {"node": machine.number, "epoch": at.epoch, "seq": at.seq + 1, "type": "filing.withdraw/1", "obj": bytes(16)}
    given |= {"base": None, "time": 0, "boot": bytes(16), "mono": 0, "beacon": 0, "root": None, "actor": None, "blobs": ()}
    return Envelope(**{**given, **changes})  # type: ignore[arg-type]


def send(court: Court, data: bytes) -> int:
    return court.centre.server.handle(ports.BUNDLE, data)[0]


def test_a_court_cannot_decide_what_is_not_its_own(court: Court) -> None:
    """Row 3: a machine signs a decision about another court's filing; it is logged, waits in quarantine and changes nothing."""
    aktau, astana = court.machine(1001), court.machine(1002)
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    decision = papers.register(filing, "7194-26-00-2/1")
    assert send(court, forged(aktau, envelope_of(aktau, type="filing.register/1", obj=filing.obj), encode_body(decision))) == ports.OK
    assert [code for (code,) in fetch(court.centre.database, "SELECT code FROM quarantine")] == ["entry.other_node"]
    assert court.status(court.centre, filing) == "filed"
    court.exchange(astana)
    assert court.status(astana, filing) == "filed"
    court.decide(astana, filing)
    court.exchange(astana)
    assert court.status(court.centre, filing) == "registered"


@pytest.mark.parametrize("seq", [2**63 - 2, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_jump_to_the_end_of_the_numbers_is_refused(court: Court, seq: int) -> None:
    """Row 4: a sequence number near 2⁶³ is refused by form or as a gap, and the machine's own next entry still follows."""
    node = court.machine(1001)
    before = state(court)
    at = node.journal.position()
    try:
        entry = write_entry(envelope_of(node, seq=seq), b"\xa0")
    except CourtError:
        return  # not even written
    data = bundle.write_bundle([entry], Position(at.epoch, seq - 1, at.head), b"", node.identity, node.client._link.centre(), beacon=0)
    assert send(court, data) in (400, 409)
    assert state(court) == before
    court.file(node, AIGUL, AKTAU)
    court.settle()
    court.check()


def test_an_entry_taken_out_of_the_middle_breaks_the_chain(court: Court) -> None:
    """Rows 11 and 14: the second of three entries is left out or replaced; nothing of the bundle is logged as if it followed."""
    node = court.machine(1001)
    start = node.journal.position()
    for _ in range(3):
        court.file(node, AIGUL, AKTAU)
    first, second, third = node.journal.entries_after(start.epoch, start.seq, bytes_max=1 << 20)
    backdated = write_entry(envelope_of(node, seq=second.envelope.seq, obj=second.envelope.obj, time=1), b"\xa0")
    for entries in ([first, third], [first, backdated, third]):
        data = bundle.write_bundle(entries, start, b"", node.identity, node.client._link.centre(), beacon=0)
        before = state(court)
        if entries == [first, third]:
            assert send(court, data) == 400
            assert state(court) == before
        else:  # a chain of its own: logged as what the machine says now, and the talon's entry proves the other one
            assert send(court, data) == ports.OK
            court.exchange(node)
            assert court.alarms(node)


def odd_bodies() -> Iterator[tuple[str, bytes]]:
    yield "NUL", b"\xa1\x61a\x61\x00"
    yield "surrogate", b"\xa1\x61a\x63\xed\xa0\x80"
    yield "NaN", b"\xa1\x61a\xf9\x7e\x00"
    yield "huge", b"\xa1\x61a\xc2\x59\x10\x00" + b"\xff" * 4096
    yield "deep", b"\x81" * 2000 + b"\x00"
    yield "twice", b"\xa2\x61a\x01\x61a\x02"
    yield "long form", b"\xa1\x61a\x18\x01"


@pytest.mark.parametrize(("name", "body"), list(odd_bodies()), ids=[name for name, _ in odd_bodies()])
def test_a_poisoned_body_waits_alone(court: Court, name: str, body: bytes) -> None:
    """Rows 63 and 69: NUL, surrogates, NaN, huge, deep, doubled keys, another encoding: logged as it is, read by nobody."""
    node = court.machine(1001)
    envelope = envelope_of(node)
    raw, salt = encode_envelope(envelope), bytes(16)
    content = hashlib.sha256(salt + body).digest()
    _append_raw(node, Entry(envelope, raw, salt, body, content, leaf_of(raw, content)))
    court.exchange(node)
    [(code,)] = fetch(court.centre.database, "SELECT code FROM quarantine")
    assert code.startswith("canonical.")
    later = court.file(node, AIGUL, AKTAU)
    court.settle()
    court.check(quarantined=(code, "entry.body"))
    assert court.status(court.centre, later) == "filed"


def test_a_body_of_another_shape_waits_and_holds_nobody_up(court: Court) -> None:
    """Rows 61, 63 and 64: canonical but meaningless, or of a type nobody knows yet: logged, listed, and still listed later."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU)
    court.settle()
    strange = (("filing.withdraw/1", filing.obj), ("filing.withdraw/9", filing.obj), ("weather.report/1", bytes(16)))
    for kind, obj in strange:
        at = node.journal.position()
        entry = write_entry(envelope_of(node, seq=at.seq + 1, type=kind, obj=obj), canonical.encode({"x": kind}))
        _append_raw(node, entry)
    court.exchange(node)
    codes = {code for (code,) in fetch(court.centre.database, "SELECT code FROM quarantine")}
    assert len(fetch(court.centre.database, "SELECT 1 FROM quarantine")) == len(strange)
    assert "entry.unknown_type" in codes
    later = court.file(node, BOLAT, AKTAU)
    court.settle()
    assert court.status(court.centre, later) == "filed"
    assert len(fetch(court.centre.database, "SELECT 1 FROM quarantine")) == len(strange)


def _append_raw(node: Node, entry: Entry) -> None:
    """Write an entry past the subjects, as a newer or a broken program would."""
    from sync.tables import store_entries

    head = chain_next(node.journal.position().head, entry.leaf)
    store_entries(node.database, [(entry, None, head)])
    fetch(node.database, "UPDATE journal SET seq = ?, head = ?", (entry.envelope.seq, head))
    node.journal._write_mark()


def test_no_machine_speaks_in_anothers_name(court: Court) -> None:
    """Row 22: entries under another machine's number, signed with one's own key."""
    aktau, astana = court.machine(1001), court.machine(1002)
    before = state(court)
    data = forged(aktau, envelope_of(aktau, node=astana.number))
    assert send(court, data) == 400
    start = Position(1, 0, chain_start(aktau.identity.environment, astana.number, 1))
    entry = write_entry(envelope_of(aktau, node=astana.number, seq=1), b"\xa0")
    assert send(court, bundle.write_bundle([entry], start, b"", aktau.identity, aktau.client._link.centre(), beacon=0)) == 400
    assert state(court) == before
    assert directory.courts_of(court.centre.database, astana.number) == [ASTANA]
