"""PROTOCOL 2: how a machine renews its certificate."""

from typing import Any

import msgspec
import pytest
from protocol_world import OPEN, World, append, code_of, picture

from central.centre import NODE_CERTIFICATE_DAYS
from common.db import fetch
from common.errors import Unreachable
from sync import cose, directory, identity, ports, rotation
from sync.directory import Rotated, node_object
from sync.messages import Ask, BlobAsk, pack, unpack
from sync.messages import Rotated as Answer
from sync.receipts import Taken, read_r0, sign_r0
from sync.rotation import DAY_MS, ROTATE_BEFORE_MS, Rotate
from tests.court import Watch


def age(world: World, days: int) -> None:
    world.court.clock.tick(days * DAY_MS)


def make_due(world: World) -> None:
    world.court.clock.tick(NODE_CERTIFICATE_DAYS * DAY_MS - ROTATE_BEFORE_MS + 1)


def newest(world: World) -> bytes:
    return directory.newest_certificate(world.court.centre.database, world.node.number, world.me.pin).data


def request(world: World, **changes: Any) -> Rotate:
    keys = rotation.next_keys(world.node.data, world.me)
    [(token,)] = fetch(world.node.database, "SELECT token FROM sync")
    return msgspec.structs.replace(rotation.write_request(keys, world.me, nonce=bytes(16), token=token), **changes)


def ask(world: World, message: Rotate) -> bytes:
    status, answer = world.post(ports.ROTATE, pack(message, world.me))
    assert status == 200, answer
    return unpack(cose.parse(answer), Answer, world.centre.certificate.sign_key, world.centre.environment).certificate


def test_2_10_a_machine_rotates_by_itself_in_the_last_month(world: World) -> None:
    first = world.me.certificate
    age(world, NODE_CERTIFICATE_DAYS - 31)
    world.node.client.exchange()
    assert world.me.certificate == first
    age(world, 2)
    world.node.client.exchange()
    assert world.me.certificate.data == newest(world) != first.data
    assert world.me.certificate.body.not_after == world.court.clock.now() + NODE_CERTIFICATE_DAYS * DAY_MS
    world.write()
    assert world.node.client.exchange().entries_up == 1
    assert identity.load_identity(world.node.data).certificate == world.me.certificate
    assert directory.certificate_of(world.node.database, first.key_id, world.me.pin) == first  # for ever, and everywhere


def test_2_10_the_clock_of_the_machine_does_not_matter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make_due(world)
    wrong = Watch(world.court.clock)
    wrong.off_ms = -world.court.clock.now()  # 1970
    monkeypatch.setattr(world.node.client, "_clock", wrong)
    world.node.client.exchange()
    assert world.me.certificate.data == newest(world)


@pytest.mark.parametrize("changes", [{"proof": bytes(64)}, {"sign": bytes(32)}, {"seal": bytes(32)}, {"pdf": b""}])
def test_2_10_the_new_keys_must_agree(world: World, changes: dict[str, Any]) -> None:
    make_due(world)
    before = picture(world.court.centre.database)
    assert world.refused(ports.ROTATE, pack(request(world, **changes), world.me)).code == "enrol.request"
    assert picture(world.court.centre.database) == before


def test_2_10_the_directory_takes_no_certificate_that_the_old_key_did_not_ask_for(world: World) -> None:
    centre, keys = world.court.centre, identity.generate_keys()
    obj, public = node_object(world.node.number), rotation.write_request(keys, world.me, nonce=b"", token=b"")
    body = msgspec.structs.replace(world.me.certificate.body, sign=public.sign, seal=public.seal)
    certificate = identity.issue_certificate(body, centre.keys.registry)

    def written(signed: bytes, given: bytes = certificate) -> str:
        def write() -> None:
            with centre.journal.unit() as unit:
                unit.append(obj, Rotated(certificate=given, request=signed))

        return code_of(write)

    assert written(pack(public, world.centre)) == "node.unknown"
    assert written(pack(msgspec.structs.replace(public, proof=bytes(64)), world.me)) == "enrol.request"
    assert written(pack(public, world.me), world.me.certificate.data) == "certificate.keys"
    request = pack(public, world.me)
    assert written(request[:-1] + bytes([request[-1] ^ 1])) == "cose.signature"


def test_2_11_a_lost_answer_gets_the_same_certificate(world: World) -> None:
    make_due(world)
    world.court.lines[world.node.number].cuts = [1]  # hello, then the answer to the rotation is lost
    with pytest.raises(Unreachable):
        world.node.client.exchange()
    certified = newest(world)
    assert world.me.certificate.data != certified
    world.node.client.exchange()
    assert world.me.certificate.data == certified == newest(world)


def test_2_11_a_crash_at_any_point_keeps_an_identity(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class PulledPlug(Exception):
        pass

    def pulled(*_: object, **__: object) -> None:
        raise PulledPlug

    for owner, name in ((identity, "write_durable"), (identity.Identity, "renew"), (type(world.node.data), "unlink")):
        make_due(world)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, pulled)
            with pytest.raises(PulledPlug):
                world.node.client.exchange()
        world.node = world.court.crash(world.node)
        world.node.client.exchange()
        world.node.client.exchange()
        assert world.me.certificate.data == newest(world)
    make_due(world)
    used = world.me.certificate  # whose keys the last crash left beside the new ones
    world.node.client.exchange()
    assert world.me.certificate.data == newest(world) != used.data
    assert not (world.node.data / rotation.NEXT_KEYS_FILE).exists()


def test_2_11_another_process_of_the_machine_learns_of_the_rotation(world: World) -> None:
    beside = identity.load_identity(world.node.data)
    make_due(world)
    world.node.client.exchange()
    assert beside.certificate == world.me.certificate


def test_2_12_three_months_without_a_line_do_not_silence_a_machine(world: World) -> None:
    age(world, 3 * NODE_CERTIFICATE_DAYS)
    late = world.write(3)
    for path, message in ((ports.DOWN, Ask(nonce=bytes(16))), (ports.BLOB_GET, BlobAsk(nonce=bytes(16), sha256=bytes(32), size=1))):
        assert world.refused(path, pack(message, world.me)).code == "certificate.old"
    assert world.node.client.exchange().entries_up == len(late)
    assert world.me.certificate.data == newest(world)
    assert not fetch(world.node.database, "SELECT 1 FROM entry WHERE log_index IS NULL")


def test_2_12_what_was_signed_before_the_rotation_is_delivered_after_it(world: World) -> None:
    make_due(world)
    old, entries = world.me.now, world.write()
    made = world.bundle(entries)
    append(world.node, OPEN)
    world.court.lines[world.node.number].weather.cut = True
    with pytest.raises(Unreachable):
        world.node.client.exchange()
    world.court.heal(world.node)
    hello_first = world.node.client
    hello_first._rotate(hello_first._hello().token)
    assert world.me.certificate.key_id != old.certificate.key_id
    assert world.post(ports.BUNDLE, made)[0] == 200
    assert world.refused(ports.DOWN, old.sign_message(b"\xa1enonceP" + bytes(16), "application/sot-ask+cbor")).code == "certificate.old"


def test_2_13_a_rotation_out_of_turn_is_refused(world: World) -> None:
    world.node.client.exchange()
    assert world.refused(ports.ROTATE, pack(request(world), world.me)).code == "certificate.early"
    make_due(world)
    for token in (b"", bytes(16)):
        assert world.refused(ports.ROTATE, pack(request(world, token=token), world.me)).code == "certificate.token"
    assert newest(world) == world.me.certificate.data
    world.node.client.exchange()
    assert newest(world) == world.me.certificate.data


def test_2_14_a_receipt_is_the_same_after_any_rotation(world: World) -> None:
    [entry] = world.write()
    place = entry.envelope.epoch, entry.envelope.seq
    taken = Taken(talon=1, node=world.node.number, leaf=entry.leaf, statement=bytes(32), at=entry.envelope.time)
    first = sign_r0(taken, world.me.at(*place))
    for _ in range(3):
        make_due(world)
        world.node.client.exchange()
        assert sign_r0(taken, world.me.at(*place)) == first
        assert sign_r0(taken, identity.load_identity(world.node.data).at(*place)) == first
    assert read_r0(first, directory.certificate_of(world.node.database, cose.parse(first).key_id, world.me.pin)) == taken
    assert world.me.at(*world.me.now.since) == world.me.now
    assert [era.seal is None for era in world.me._eras] == [True, True, False, False]
