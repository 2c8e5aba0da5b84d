"""PROTOCOL 11.16 and 11.17: another court's folder goes on over the line, and its answer comes back to be carried."""

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from protocol_world import World, add_node, code_of, picture

from common.db import fetch
from common.errors import Unreachable
from common.facts import BlobRef
from edge.node import Node
from sync import cose, ports, stick
from sync.messages import RelayAsk, Relayed, pack, unpack
from sync.stick_line import RelayDesk

FILE = random.Random(1).randbytes(1_500_000)


@pytest.fixture
def carried(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[World, Node, dict[str, bytes]]:
    """A machine without a line, its neighbour that carries its stick, and the files that are carried."""
    monkeypatch.setattr(stick, "PACK_BYTES_TARGET", 1 << 20)
    neighbour = add_node(world.court, 1002)
    usb = tmp_path / "usb"
    usb.mkdir()
    world.court.cut(world.node)
    world.write(3, blobs=[BlobRef(world.node.blobs.put(FILE), len(FILE), "application/pdf")])
    world.node.client.stick.export(usb)
    neighbour.client.stick.take(usb)
    return world, neighbour, {path.name: path.read_bytes() for path in (usb / "SOT1" / "UP1001").iterdir()}


def put(world: World, data: bytes) -> Relayed:
    status, answer = world.post(ports.RELAY_PUT, data)
    assert status == 200
    return unpack(cose.parse(answer), Relayed, world.centre.certificate.sign_key, world.centre.environment)


def test_11_16_nothing_is_taken_in_before_all_of_it_is_there(carried: tuple[World, Node, dict[str, bytes]]) -> None:
    """Row 39: whoever brings it, in whatever order."""
    world, _, files = carried
    index = files.pop(stick.INDEX)
    centre = world.court.centre.database
    before = picture(centre)
    assert len(put(world, index).missing) == len(files) > 1
    first, *rest = files.values()
    assert not put(world, first).done
    assert len(put(world, index).missing) == len(rest)
    assert picture(centre) == before
    for data in rest:
        put(world, data)
    said = put(world, index)
    assert (said.done, said.missing, said.problems) == (True, [], [])
    assert world.at().seq == 3
    at = picture(centre, without=("sync", "contact", "stick_contact"))
    for data in (*files.values(), index):
        put(world, data)
    assert picture(centre, without=("sync", "contact", "stick_contact")) == at  # again, and nothing twice


def test_11_16_two_processes_of_the_centre_take_one_file_at_a_time(
    carried: tuple[World, Node, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share the folder, and what one has taken in it clears away."""
    world, _, files = carried
    centre = world.court.centre
    one, other = (RelayDesk(centre.sticks, centre.identity, centre.database, centre.data / "relayed") for _ in range(2))
    index = files.pop(stick.INDEX)
    for data in files.values():
        one.put(data)
    take, late = centre.sticks.take, []

    def taken(medium: Path) -> Any:
        late.append(threading.Thread(target=other.put, args=(files["00001.SOT"],)))
        late[0].start()
        late[0].join(0.3)
        assert late[0].is_alive()
        return take(medium)

    monkeypatch.setattr(centre.sticks, "take", taken)
    assert one.put(index).done
    late[0].join(20)
    assert not late[0].is_alive()


def test_11_16_only_what_a_machine_of_the_directory_wrote_is_taken(carried: tuple[World, Node, dict[str, bytes]]) -> None:
    world, _, files = carried
    spool = world.court.centre.data / "relayed"
    changed = bytearray(files["00001.SOT"])
    changed[-1] ^= 1
    before = picture(world.court.centre.database)
    for data, code in (
        (bytes(changed), "container.payload"),
        (b"no container", "container.broken"),
        (world.bundle(world.entries()), "container.kind"),
    ):
        assert world.refused(ports.RELAY_PUT, data).code == code
    assert picture(world.court.centre.database) == before
    assert not [path for path in spool.rglob("*") if path.is_file()]


def test_11_16_a_folder_whose_taking_over_was_not_heard_of_goes_over_again(
    carried: tuple[World, Node, dict[str, bytes]],
) -> None:
    """On a line that breaks, where its packs go in slices: the centre wants them again, and takes them."""
    world, neighbour, _ = carried
    neighbour.client._link._broken_until = 10**15
    line = world.court.lines[neighbour.number]
    handle, lost = line._handle, [False]

    def between(path: str, body: bytes) -> tuple[int, bytes]:
        status, answer = handle(path, body)
        done = (
            path == ports.RELAY_PUT
            and unpack(cose.parse(answer), Relayed, world.centre.certificate.sign_key, world.centre.environment).done
        )
        if done and not lost[0]:
            lost[0] = True
            raise Unreachable("line.down", "cut while answering")
        return status, answer

    line._handle = between
    assert code_of(neighbour.client.exchange) == "line.down"
    assert lost[0]
    outcome = neighbour.client.exchange()
    assert (outcome.forwarded, outcome.problems) == (1, [])
    assert neighbour.client.stick.relay.names() == ["DN1001"]


def test_11_17_the_answer_is_kept_under_the_centres_signature_and_goes_back(
    carried: tuple[World, Node, dict[str, bytes]], tmp_path: Path
) -> None:
    """Row 39."""
    world, neighbour, _ = carried
    assert neighbour.client.exchange().forwarded == 1
    relay = neighbour.client.stick.relay
    assert relay.names() == ["DN1001"]
    assert code_of(lambda: relay.keep("DN1001", "00001.SOT", b"SOTB1\n nothing", world.centre.certificate)) == "container.broken"
    usb = tmp_path / "back"
    usb.mkdir()
    neighbour.client.stick.export(usb)
    assert world.node.client.stick.take(usb).receipts > 0
    assert fetch(world.node.database, "SELECT COUNT(*) FROM entry WHERE log_index IS NULL AND chain IS NOT NULL") == [(0,)]
    absent = RelayAsk(nonce=bytes(16), node=1009, file=0)
    assert world.refused(ports.RELAY_GET, pack(absent, neighbour.identity)).code == "stick.file"


def test_11_17_what_was_not_taken_over_is_carried_on(carried: tuple[World, Node, dict[str, bytes]]) -> None:
    world, neighbour, _ = carried
    world.court.cut(neighbour)
    assert code_of(neighbour.client.exchange) == "line.down"
    assert neighbour.client.stick.relay.names() == ["UP1001"]
    world.court.heal(neighbour)
    lost = next(path for name, path in neighbour.client.stick.relay.files("UP1001").items() if name == "00001.SOT")
    lost.unlink()
    outcome = neighbour.client.exchange()
    assert (outcome.forwarded, outcome.problems) == (0, ["stick.file"])
    assert neighbour.client.stick.relay.names() == ["UP1001"]
