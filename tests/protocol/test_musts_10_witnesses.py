"""PROTOCOL 10: machines as witnesses of the log."""

from pathlib import Path

import pytest
from protocol_world import World, add_node, code_of
from test_musts_6_exchange import answering, forged_note, hello, say

from central.services import nodes
from common.db import fetch
from common.facts import decode_body
from edge.exchanger import Exchanger
from edge.services import line
from sync import cose, ports, witness
from sync.checkpoint import read_checkpoint, read_cosignature
from sync.messages import Hello, Welcome, pack
from sync.verify import verify_file


def cosigned(world: World) -> tuple[int, bytes, int]:
    found = witness.cosigned(world.court.centre.database)
    assert found is not None
    return found


def test_10_6_a_head_is_kept_before_it_is_cosigned_and_a_refused_one_is_not(world: World) -> None:
    world.write()
    world.node.client.exchange()
    [(size, root)] = fetch(world.node.database, "SELECT size, root FROM sync")
    forged = forged_note(world, size + 3, b"\1" * 32)
    answering(world, ports.HELLO, lambda asked, status, true: (200, pack(lying(world, asked, forged), world.centre)))
    code_of(world.node.client.exchange)
    assert fetch(world.node.database, "SELECT size, root FROM sync") == [(size, root)]
    value = witness.cosign(world.node.database, world.me, 7_000)
    assert value == b"" or value[:8] == (7).to_bytes(8, "big")
    assert not fetch(world.court.centre.database, "SELECT 1 FROM cosignature WHERE size > ?", (size,))


def lying(world: World, asked: bytes, note: bytes) -> Welcome:
    said: Hello = decode_body(cose.parse(asked).payload, Hello)
    at = world.at()
    return Welcome(
        nonce=said.nonce, now=1, state="equal", epoch=at.epoch, seq=at.seq, head=at.head, token=b"t" * 16, note=note, consistency=[]
    )


def test_10_7_the_cosignature_comes_with_the_next_hello_and_once(world: World) -> None:
    world.write()
    world.node.client.exchange()
    seen: list[int] = []
    answering(world, ports.HELLO, lambda asked, status, true: (seen.append(len(asked)), (status, true))[1])
    trips = [world.node.client.exchange().trips for _ in range(3)]
    assert trips == [1, 1, 1]
    assert seen[0] - seen[1] > witness.VALUE_BYTES
    assert seen[1] == seen[2]
    size, note, count = cosigned(world)
    pin = world.me.pin
    assert count == 1
    assert size == read_checkpoint(note, pin.origin, pin.log_key, origin=pin.origin).size == world.court.centre.register.checkpoint()[0]
    at = read_cosignature(note, f"{pin.origin}/{world.node.number:04}", world.me.certificate.sign_key)
    assert at == world.court.clock.now() // 1000


def test_10_8_the_centre_keeps_true_cosignatures_of_its_own_heads_only(world: World) -> None:
    other = add_node(world.court, 1002)
    for node in (world.node, other, world.node, other):
        node.client.exchange()
    size, note, count = cosigned(world)
    assert count == 2
    report = verify_file(note, database=other.database, pin=world.me.pin, trust=None, now_ms=0)
    assert report.valid
    assert [each.params["node"] for each in report.findings if "cosigned_ms" in each.params] == ["1001", "1002"]
    before = fetch(world.court.centre.database, "SELECT * FROM cosignature")
    true = witness.cosign(world.node.database, world.me, 9_000) or bytes(72)
    for value, of in ((bytes(72), size), (b"x", size), (true, size - 1), (true, size + 1), (true[:-1] + b"\0", size)):
        assert not witness.take(world.court.centre.database, world.me.certificate, world.me.pin, of, value, 1)
    assert say(world, hello(world, cosigned=bytes(72), nonce=b"n" * 16)).state  # its papers come first
    assert fetch(world.court.centre.database, "SELECT * FROM cosignature") == before


@pytest.mark.parametrize("grown", [0, 3])
def test_10_9_row_41_a_split_view_is_refused_kept_and_shown(world: World, grown: int) -> None:
    """row 41: two heads of one size; and a growth that does not continue."""
    world.node.client.exchange()
    [(size, ours)] = fetch(world.node.database, "SELECT size, note FROM sync")
    theirs = forged_note(world, size + grown, b"\1" * 32)
    answering(world, ports.HELLO, lambda asked, status, true: (200, pack(lying(world, asked, theirs), world.centre)))
    for _ in range(2):
        code_of(world.node.client.exchange)
        world.court.clock.tick(1000)
    [kept] = line.contradictions(world.node)
    assert (kept.ours, kept.theirs) == (ours, theirs)
    assert Exchanger(world.node).status().kind == "register"
    if not grown:
        judged = verify_file(theirs, database=world.node.database, pin=world.me.pin, trust=None, now_ms=0)
        assert [each.code for each in judged.findings if each.level == "bad"] == ["register.split"]
    world.court.lines[world.node.number]._handle = world.court._handle
    world.node.client.exchange()
    world.court.clock.tick(1)
    assert Exchanger(world.node).status().kind == "ok"
    assert line.contradictions(world.node) == [kept]


def test_10_9_row_8_a_centre_set_back_is_noticed_and_shown(world: World, tmp_path: Path) -> None:
    """row 8: the centre's database restored to yesterday."""
    database = world.court.centre.database
    database.empty_log()
    backup = (world.court.centre.data / "centre.db").read_bytes()
    world.write(2)
    world.node.client.exchange()
    world.court.centre.close()
    for old in world.court.centre.data.glob("centre.db*"):
        old.unlink()
    (world.court.centre.data / "centre.db").write_bytes(backup)
    world.court.crash_centre()
    assert code_of(world.node.client.exchange) == "log.ahead"
    assert [(each.code, each.theirs) for each in line.contradictions(world.node)] == [("log.ahead", b"")]
    assert Exchanger(world.node).status().kind == "register"
    [one] = nodes.machines(world.court.centre)
    assert one.alarms == ("register",)
    assert len(world.write()) == 1  # papers are taken as always
