"""PROTOCOL 2: certificates, directory, enrolment, revocation."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from protocol_world import World, add_node, append, code_of, make_code, picture

from central.services import enrolment as central_enrolment
from common.db import fetch
from common.errors import CourtError
from common.facts import decode_body, encode_body
from edge.enrolment import enrol as enrol_machine
from sync import enrolment, identity, ports
from sync.directory import EpochOpen, Revoke, Serve, node_object, revocation_of
from sync.identity import CertificateBody, issue_certificate, read_certificate
from sync.messages import Ask, BlobAsk, pack


def body_of(world: World, **changes: Any) -> CertificateBody:
    return msgspec.structs.replace(world.me.certificate.body, **changes)


def test_2_1_a_certificate_of_another_registry_is_refused(still: World) -> None:
    forged = issue_certificate(body_of(still), Ed25519PrivateKey.generate())
    assert code_of(lambda: read_certificate(forged, still.me.pin)) == "cose.signature"


def test_2_1_a_certificate_of_another_environment_is_refused(still: World) -> None:
    registry = still.court.centre.keys.registry
    abroad = issue_certificate(body_of(still, environment=b"x" * 16), registry)
    assert code_of(lambda: read_certificate(abroad, still.me.pin)) == "cose.signature"
    short = issue_certificate(body_of(still, seal=bytes(31)), registry)
    assert code_of(lambda: read_certificate(short, still.me.pin)) == "certificate.form"


def test_2_2_an_unknown_machine_is_refused(still: World) -> None:
    """Row 1: a message under a key that nobody knows is refused before anything is opened."""
    keys = identity.generate_keys()
    public = still.me.certificate.body
    certificate = issue_certificate(
        msgspec.structs.replace(public, sign=keys.sign.public_key().public_bytes_raw(), seal=keys.seal.public_key().public_bytes_raw()),
        still.court.centre.keys.registry,
    )
    stranger = identity.assemble(keys, certificate, still.me.pin)  # genuine, but not in the directory
    for path, message in ((ports.HELLO, b""), (ports.DOWN, b""), (ports.BUNDLE, still.bundle(still.entries(), author=stranger))):
        body = message or pack(Ask(nonce=bytes(16)), stranger)
        assert still.refused(path, body).code == "node.unknown"


def test_2_3_a_certificate_over_other_keys_is_refused(still: World) -> None:
    assert code_of(lambda: identity.assemble(identity.generate_keys(), still.me.certificate.data, still.me.pin)) == "certificate.keys"


def test_2_4_a_machine_cannot_write_the_directory(world: World) -> None:
    for body in (Serve(courts=["kz-1"]), Revoke(epoch=1, after_seq=0, reason="")):
        assert code_of(lambda body=body: append(world.node, body)) == "node.not_centre"
    before = fetch(world.court.centre.database, "SELECT * FROM node_court")
    forged = world.entries(type="node.serve/1", obj=node_object(0), body={"courts": ["kz-1"]})
    assert world.post(ports.BUNDLE, world.bundle(forged))[0] == 200
    assert fetch(world.court.centre.database, "SELECT * FROM node_court") == before
    assert fetch(world.court.centre.database, "SELECT leaf, code FROM quarantine") == [(forged[0].leaf, "node.not_centre")]


def test_2_4_a_machine_cannot_open_anothers_epoch(world: World) -> None:
    """Row 3: an entry about another machine changes nothing."""
    body = EpochOpen(previous=1, last_seq=1, reason="x")
    with pytest.raises(CourtError) as caught, world.node.journal.unit() as unit:
        unit.append(node_object(0), body)
    assert caught.value.code == "node.foreign_epoch"


@pytest.mark.parametrize("text", ["", "AAAA", "!" * 24, "A" * 23, "A" * 25, "ә" * 24, "0189" * 6, "A" * 22 + "==", "\0" * 24])
def test_2_5_a_mistyped_code_is_refused(text: str) -> None:
    assert code_of(lambda: enrolment.read_code(text)) == "enrol.code"


def test_2_5_a_code_has_24_letters_and_the_centre_does_not_keep_it(still: World) -> None:
    code = enrolment.new_code(still.me.pin)
    assert len(base64.b32decode(str(code).replace("-", ""))) == 15
    assert enrolment.read_code(f" {str(code).lower()} ") == code
    assert code.secret not in enrolment.secret_hash(code.secret)


def test_2_6_a_code_works_once_and_for_a_day(world: World) -> None:
    centre = world.court.centre
    code = make_code(world.court, 1002)
    request = enrolment.write_request(code, identity.generate_keys())
    world.court.clock.tick(central_enrolment.CODE_MS)
    before = picture(centre.database)
    stranger = enrolment.new_code(world.me.pin)
    assert code_of(lambda: central_enrolment.enrol(centre, request)) == "enrol.used"
    wrong = enrolment.write_request(stranger, identity.generate_keys())
    assert code_of(lambda: central_enrolment.enrol(centre, wrong)) == "enrol.used"
    assert picture(centre.database) == before
    again = enrolment.write_request(make_code(world.court, 1003), identity.generate_keys())
    central_enrolment.enrol(centre, again)
    before = picture(centre.database)
    assert code_of(lambda: central_enrolment.enrol(centre, again)) == "enrol.used"
    assert picture(centre.database) == before


def request_with(world: World, **changes: Any) -> bytes:
    code, keys = enrolment.new_code(world.me.pin), identity.generate_keys()
    request = msgspec.structs.replace(decode_body(enrolment.write_request(code, keys), enrolment.Request), **changes)
    if "proof" not in changes:
        proof = keys.sign.sign(b"sot/enrol/1\0" + request.secret + request.sign + request.seal + request.pdf)
        request = msgspec.structs.replace(request, proof=proof)
    return encode_body(request)


def foreign_pdf_key(curve: ec.EllipticCurve) -> bytes:
    key = ec.generate_private_key(curve).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


UNKNOWN_ALGORITHM = bytes.fromhex("300e3008060624010101010103020000")


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": bytes(64)},
        {"proof": b""},
        {"sign": bytes(31)},
        {"seal": bytes(31)},
        {"seal": bytes(32)},  # a point to which nothing can be sealed
        {"pdf": b""},
        {"pdf": foreign_pdf_key(ec.SECP384R1())},
        {"pdf": UNKNOWN_ALGORITHM},
    ],
)
def test_2_7_a_request_without_proof_or_with_useless_keys_is_refused(still: World, changes: dict[str, Any]) -> None:
    body = request_with(still, **changes)
    assert code_of(lambda: central_enrolment.enrol(still.court.centre, body)) == "enrol.request"


class Answers:
    """Whoever answers in the centre's place."""

    def __init__(self, answer: Callable[[bytes], tuple[int, bytes]]) -> None:
        self.answer = answer

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        return self.answer(body)


def test_2_8_a_stranger_cannot_enrol_a_machine(still: World, tmp_path: Path) -> None:
    """Row 9: without the registry's key there is no machine."""
    code = enrolment.new_code(still.me.pin)
    pin = msgspec.structs.replace(still.me.pin, registry=Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    grant = enrolment.Grant(certificate=b"", pin=encode_body(pin), centre=b"")
    stranger = Answers(lambda body: (200, encode_body(grant)))
    assert code_of(lambda: enrol_machine(tmp_path / "new", str(code), stranger)) == "enrol.stranger"
    assert not (tmp_path / "new").exists()


def test_2_8_another_machine_is_not_the_centre(world: World, tmp_path: Path) -> None:
    def swap(body: bytes) -> tuple[int, bytes]:
        grant = decode_body(central_enrolment.enrol(world.court.centre, body), enrolment.Grant)
        return 200, encode_body(msgspec.structs.replace(grant, centre=world.me.certificate.data))

    code = make_code(world.court, 1002)
    assert code_of(lambda: enrol_machine(tmp_path / "new", str(code), Answers(swap))) == "enrol.stranger"
    assert not (tmp_path / "new").exists()


def test_2_9_a_revoked_machine_is_not_served_and_its_later_bundles_are_evidence(world: World) -> None:
    """Row 20: a stolen machine after its revocation."""
    centre = world.court.centre
    [earlier] = world.write()
    world.node.client.exchange()
    central_enrolment.revoke(centre, node=world.node.number, reason="stolen")
    assert revocation_of(centre.database, world.node.number) == (1, earlier.envelope.seq)
    before = picture(centre.database, without=("evidence", "contact"))
    late = world.bundle(world.entries())
    refusal = world.refused(ports.BUNDLE, late)
    assert refusal.code == "node.revoked"
    assert world.post(ports.BUNDLE, late)[0] == 403
    assert fetch(centre.database, "SELECT node, reason, data FROM evidence") == [(world.node.number, "revoked", late)]
    for path, message in (
        (ports.DOWN, Ask(nonce=bytes(16))),
        (ports.BLOB_HAVE, BlobAsk(nonce=bytes(16), sha256=bytes(32), size=1)),
        (ports.BLOB_GET, BlobAsk(nonce=bytes(16), sha256=bytes(32), size=1, chunk=0)),
    ):
        assert world.refused(path, pack(message, world.me)).code == "node.revoked"
    assert picture(centre.database, without=("evidence", "contact")) == before
    mine = picture(world.node.database)
    assert code_of(world.node.client.exchange) == "node.revoked"
    assert picture(world.node.database) == mine


def test_2_9_others_go_on(world: World) -> None:
    """Row 9: one machine revoked, the others go on."""
    other = add_node(world.court, 1002)
    central_enrolment.revoke(world.court.centre, node=world.node.number, reason="stolen")
    other.client.exchange()
    assert revocation_of(other.database, world.node.number) is not None
