"""PROTOCOL 4.6: a small bundle is packed against what the register has of its author already."""

from typing import Any

import msgspec
import pytest
from protocol_world import World, add_node, append, code_of, make_entry
from test_musts_4_bundle import forge
from test_musts_6_exchange import answering

from common import canonical
from common.db import fetch
from sync import bases, container, cose, kept, ports
from sync.bundle import about_of, open_bundle, read_bundle_header, write_bundle
from sync.directory import EpochOpen
from sync.entry import Entry
from sync.messages import Welcome, pack, unpack
from sync.position import Position

TEXT = " ".join(f"{number * 7919 % 1009:x}" for number in range(600))
"""What no packer makes small by itself."""


def write(world: World, text: str) -> Entry:
    """Write an entry about the machine's own object, with a body of some length."""
    return append(world.node, EpochOpen(previous=0, last_seq=0, reason=text))


def exchanged(world: World, text: str) -> bytes:
    """Write, exchange, and return the bundle that went."""
    write(world, text)
    line = world.court.lines[world.node.number]
    line.seen.clear()
    world.node.client.exchange()
    return [body for path, body in line.seen if path.startswith(ports.BUNDLE)][-1]


def codec(world: World, data: bytes) -> str:
    return container.read_header(data, world.me.sign.public_key(), world.me.environment)[0].codec


def test_4_6_text_that_changed_a_little_costs_little(world: World) -> None:
    first, second = exchanged(world, TEXT), exchanged(world, TEXT.replace("1f", "xx"))
    assert len(second) < len(first) - 600
    assert codec(world, second) == container.CODEC_BASED
    bundle = open_bundle(read_bundle_header(second, world.court.centre.database, world.me.pin), world.centre, world.court.centre.database)
    [body] = fetch(world.court.centre.database, "SELECT body FROM entry WHERE leaf = ?", (bundle.entries[0].leaf,))[0]
    assert "xx" in canonical.decode(body)["reason"]


def test_4_6_a_base_that_is_gone_is_said_and_the_same_exchange_goes_on_without(world: World) -> None:
    """The centre carried out a court's order of which this machine does not know yet."""
    exchanged(world, TEXT)
    fetch(world.court.centre.database, "UPDATE entry SET body = NULL, salt = NULL WHERE node = ?", (world.node.number,))
    again = exchanged(world, TEXT + " 1")
    assert codec(world, again) == container.CODEC
    assert world.node.client.backlog()[0] == 0
    assert codec(world, exchanged(world, TEXT + " 2")) == container.CODEC_BASED  # against what went meanwhile


def test_4_6_by_hand_goes_what_can_be_read_whatever_the_centre_has(world: World) -> None:
    exchanged(world, TEXT)
    write(world, TEXT + " 1")
    line = world.court.lines[world.node.number]
    answering(world, ports.BUNDLE, lambda request, status, true: (502, b""))  # made for the line, and not acknowledged
    assert code_of(world.node.client.exchange) == "line.stranger"
    assert codec(world, line.seen[-1][1]) == container.CODEC_BASED
    assert [codec(world, data) for data in world.node.client._up.unacknowledged()] == [container.CODEC]


def against(world: World, names: Any, packed_against: bytes) -> bytes:
    return write_bundle(
        world.entries(), world.at(), b"", world.me, world.centre.certificate, beacon=0, names=names, packed_against=packed_against
    )


@pytest.mark.parametrize("names", [[], [b"12345678"], [b""], [bytes(9)], [1], [None], [[1, 2]], [b"12345678"] * 65])
def test_4_6_what_is_no_base_here_is_refused(still: World, names: Any) -> None:
    assert still.refused(ports.BUNDLE, against(still, names, b"anything")).code == "bundle.base"


def test_4_6_what_others_wrote_is_no_base(world: World) -> None:
    """Row 9: what a machine may not read it cannot ask about this way either."""
    other = add_node(world.court, 1002)
    entry = append(other, EpochOpen(previous=0, last_seq=0, reason=TEXT))
    other.client.exchange()
    assert fetch(world.court.centre.database, "SELECT 1 FROM entry WHERE leaf = ? AND log_index IS NOT NULL", (entry.leaf,))
    told = against(world, [entry.leaf[: bases.NAME_BYTES]], entry.envelope_bytes + (entry.body or b""))
    assert world.refused(ports.BUNDLE, told).code == "bundle.base"


def test_4_6_bases_that_do_not_fit_are_refused(world: World) -> None:
    entry = write(world, TEXT)
    world.node.client.exchange()
    alike = world.entries()[0].envelope_bytes * 9
    assert world.refused(ports.BUNDLE, against(world, [entry.leaf[: bases.NAME_BYTES]], alike)).code == "container.broken"


def test_4_6_nothing_but_a_bundle_is_packed_against_anything(still: World) -> None:
    about = {"nonce": bytes(16), "sha256": bytes(32), "size": 4, "chunk": 0}
    data = container.write_container("chunk", about, b"data", still.me, still.centre.certificate, bases=b"data")
    header, sealed = container.read_header(data, still.me.sign.public_key(), still.me.environment)
    assert code_of(lambda: container.open_payload(header, sealed, still.centre)) == "container.broken"
    unbased = forge(still, still.entries(), bases=[b"12345678"])
    assert codec(still, unbased) == container.CODEC


def test_4_6_evidence_is_kept_readable_by_itself(world: World) -> None:
    """A branch beside the register's history: the bundle that is kept can be opened whatever becomes of its bases."""
    exchanged(world, TEXT)
    at = world.at()
    beside = [make_entry(world.node.number, at.epoch, at.seq + 1, body={"text": TEXT})]
    assert world.post(ports.BUNDLE, world.bundle(beside))[0] == 200  # the register's history is not the machine's now
    write(world, TEXT + " 1")
    before = Position(at.epoch, at.seq, at.head)
    names = bases.choose(world.node.database, world.node.journal.entries_after(at.epoch, at.seq, bytes_max=1))
    packed = bases.read(world.node.database, world.node.number, names)
    mine = world.node.journal.entries_after(at.epoch, at.seq, bytes_max=1)
    data = write_bundle(mine, before, b"", world.me, world.centre.certificate, beacon=0, names=names, packed_against=packed)
    assert world.refused(ports.BUNDLE, data).code == "bundle.base"
    world.node.client.exchange()
    [(id, kept_as)] = fetch(world.court.centre.database, "SELECT id, data FROM evidence")
    assert codec(world, kept_as) == container.CODEC
    assert kept.read(world.court.centre.database, id, world.centre).entries[0].leaf == mine[0].leaf


def test_4_6_an_older_centre_gets_what_it_can_read(world: World) -> None:
    exchanged(world, TEXT)

    def older(request: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        welcome = unpack(cose.parse(true), Welcome, world.centre.certificate.sign_key, world.centre.environment)
        return status, pack(msgspec.structs.replace(welcome, protocol=1), world.centre)

    answering(world, ports.HELLO, older)
    again = exchanged(world, TEXT + " 1")
    assert codec(world, again) == container.CODEC
    assert "bases" not in about_of(again)
