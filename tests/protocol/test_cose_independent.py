"""Our signed header, read and verified by another COSE library (pycose), which shares only cbor2 with ours."""

import cbor2
import pytest
from protocol_world import World
from pycose.headers import KID, Algorithm, ContentType
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from common import canonical
from sync import container, receipts


def decode(world: World, message: bytes, environment: bytes) -> Sign1Message:
    tag = cbor2.loads(message)  # CoseMessage.decode wants lists and dicts, which cbor2 no longer makes inside a tag
    assert tag.tag == Sign1Message.cbor_tag
    protected, unprotected, payload, signature = tag.value
    decoded = Sign1Message.from_cose_obj([protected, dict(unprotected), payload, signature], True)
    decoded.key = OKPKey(crv=Ed25519, x=world.me.certificate.body.sign, optional_params={"ALG": "EDDSA"})
    decoded.external_aad = environment
    return decoded


def test_a_bundles_header_verifies_under_the_environment_only(still: World) -> None:
    _, header, _ = container.split_container(still.bundle(still.entries(2)))
    message = decode(still, header, still.me.environment)
    assert message.verify_signature()
    assert message.phdr[Algorithm].fullname == "EDDSA"
    assert message.phdr[ContentType] == container.CONTENT_TYPE
    assert message.phdr[KID] == still.me.certificate.key_id
    assert message.uhdr == {}
    about = canonical.decode_map(message.payload)["about"]
    assert about["last"] - about["first"] == 1
    assert not decode(still, header, b"x" * 16).verify_signature()


def test_a_receipt_of_the_machine_verifies(still: World) -> None:
    taken = receipts.Taken(talon=1001_01_00000001_0, node=still.node.number, leaf=bytes(32), statement=bytes(32), at=1)
    assert decode(still, receipts.sign_r0(taken, still.me), still.me.environment).verify_signature()


def test_what_pycose_signs_we_read(still: World) -> None:
    body = canonical.encode({"talon": 1, "node": still.node.number, "leaf": bytes(32), "statement": bytes(32), "at": 1})
    message = Sign1Message(phdr={Algorithm: "EDDSA", ContentType: receipts.R0_TYPE, KID: still.me.certificate.key_id}, payload=body)
    message.external_aad = still.me.environment
    message.key = OKPKey(crv=Ed25519, d=still.me.sign.private_bytes_raw(), optional_params={"ALG": "EDDSA"})
    assert receipts.read_r0(message.encode(), still.me.certificate).talon == 1


@pytest.mark.parametrize("place", [0, 20, 100, -1])
def test_a_changed_header_does_not_verify(still: World, place: int) -> None:
    _, header, _ = container.split_container(still.bundle(still.entries()))
    changed = bytearray(header)
    changed[place] ^= 1
    try:
        message = decode(still, bytes(changed), still.me.environment)
    except Exception:  # noqa: BLE001 - pycose has its own tree; not readable is as good as not true
        return
    assert not message.verify_signature()
