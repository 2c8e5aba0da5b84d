"""PROTOCOL 2: the list of revoked machines."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from protocol_world import World, add_node, code_of, picture

from central.services import enrolment
from common.db import fetch, transaction
from common.facts import encode_body
from sync import cose, revocations
from sync.identity import key_id_of
from sync.receipts import Taken, sign_r0
from sync.revocations import LIFE_MS, LIST_TYPE, RENEW_MS, RevocationList
from sync.verify import verify_file


def held(world: World) -> RevocationList:
    found = revocations.newest(world.node.database, world.me.pin)
    assert found is not None
    return found[1]


def signed(world: World, body: RevocationList, key: Ed25519PrivateKey | None = None) -> bytes:
    registry = key or world.court.centre.keys.registry
    return cose.sign(encode_body(body), LIST_TYPE, registry, key_id=key_id_of(world.me.pin.registry), environment=world.me.environment)


def test_2_15_row_20_every_machine_hears_of_a_revocation_with_its_next_exchange(world: World) -> None:
    """row 20: a stolen node after revocation: others know, and it gets nothing."""
    other = add_node(world.court, 1002)
    world.node.client.exchange()
    assert held(world).revoked == []
    enrolment.revoke(world.court.centre, node=other.number, reason="stolen")
    world.node.client.exchange()
    at = world.court.centre.register.peer(other.number)
    assert held(world).cut_of(other.number) == (at.epoch, at.seq)
    assert held(world).until == held(world).at + LIFE_MS
    everyone = fetch(world.court.centre.database, "SELECT MAX(position) FROM feed WHERE node = 1002")
    stolen = picture(other.database, without=("sync",))
    assert code_of(other.client.exchange) == "node.revoked"
    assert picture(other.database, without=("sync",)) == stolen
    assert fetch(world.court.centre.database, "SELECT MAX(position) FROM feed WHERE node = 1002") == everyone


def test_2_15_a_list_is_signed_anew_after_a_day_and_fetched_once(world: World) -> None:
    world.node.client.exchange()
    first = held(world)
    assert world.node.client.exchange().trips == 1
    world.court.clock.tick(RENEW_MS)
    world.court.centre.revocations()
    assert world.node.client.exchange().trips == 2
    assert (held(world).number, held(world).at) == (first.number + 1, world.court.clock.now())
    assert world.node.client.exchange().trips == 1


@pytest.mark.parametrize("forged", ["stranger", "environment", "form"])
def test_2_16_a_list_that_the_registry_did_not_sign_keeps_the_downlink_out(
    world: World, monkeypatch: pytest.MonkeyPatch, forged: str
) -> None:
    body = held(world)
    lists = {
        "stranger": signed(world, body, Ed25519PrivateKey.generate()),
        "environment": signed(world, msgspec.structs.replace(body, environment=bytes(16))),
        "form": signed(world, msgspec.structs.replace(body, revoked=[[1]])),
    }
    monkeypatch.setattr(world.court.centre.register, "revoked", lambda: lists[forged])
    monkeypatch.setattr(world.node.client._up, "_take_receipt", lambda ack: False)  # it comes with the downlink then
    world.write()
    before = picture(world.node.database, without=("sync", "out_bundle"))
    expected = "cose.signature" if forged == "stranger" else "revocations.form"
    assert code_of(world.node.client.exchange) == expected
    assert picture(world.node.database, without=("sync", "out_bundle")) == before
    assert not fetch(world.node.database, "SELECT 1 FROM logged WHERE last = (SELECT seq FROM journal)")


def test_2_16_an_older_list_is_refused(world: World) -> None:
    body = held(world)
    newer = signed(world, msgspec.structs.replace(body, number=body.number + 1, revoked=[[7, 1, 2]]))
    with transaction(world.node.database):
        revocations.take(world.node.database, newer, world.me.pin)
    world.write()
    assert code_of(world.node.client.exchange) == "revocations.rolled_back"
    assert held(world).cut_of(7) == (1, 2)


def test_2_17_receipts_and_bundles_are_held_against_the_list(world: World) -> None:
    other = add_node(world.court, 1002)
    [entry] = world.write()
    bundle = world.bundle([entry])
    r0 = sign_r0(Taken(talon=1, node=world.node.number, leaf=entry.leaf, statement=bytes(32), at=entry.envelope.time), world.me.now)

    def codes(data: bytes, now: int) -> list[str]:
        report = verify_file(data, database=other.database, pin=world.me.pin, trust=None, now_ms=now)
        return [each.code or each.level for each in report.findings if each.level != "ok"]

    now = world.court.clock.now()
    assert codes(bundle, now) == []
    body = msgspec.structs.replace(held(world), revoked=[[world.node.number, 1, 0]], number=9)
    with transaction(other.database):
        revocations.take(other.database, signed(world, body), world.me.pin)
    assert codes(bundle, now) == ["node.revoked"]
    assert len(codes(r0, now)) == 2  # not kept here, and excluded later
    assert len(codes(r0, body.until + 1)) == 3
