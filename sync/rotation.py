"""Rotation: how a machine gets its next certificate by itself, long before the old one runs out (PROTOCOL 2.10 to 2.13).

The centre says in its welcome when it is time, by its own clock, so that a machine whose clock is wrong rotates all the same.
The request is signed by the key in force (the message) and by the new one (``proof``); it stands in the directory beside the
certificate, so that everybody can see that both keys agreed. New keys are on disk before they are sent, and the same ones are
sent until there is an answer: a crash or a lost answer never leaves a certificate without its keys.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from common.errors import N_, Refused
from common.facts import Body, decode_body
from sync import cose, enrolment, identity
from sync.identity import Identity, NodeCertificate, PrivateKeys, read_certificate

ROTATE_TYPE = "application/sot-rotate+cbor"
DAY_MS = 86_400_000
ROTATE_BEFORE_MS = 30 * DAY_MS
"""A certificate of 90 days is renewed in its last 30: a month without a line still ends with time to spare."""
NEXT_KEYS_FILE = "next.keys"
_PROOF = b"sot/rotate/1\0"


class Rotate(Body, frozen=True):
    """Machine → centre: certify these keys. ``token`` is the newest one, so that an old copy of the disk gets nothing."""

    nonce: bytes
    token: bytes
    sign: bytes
    seal: bytes
    pdf: bytes
    proof: bytes


def is_due(certificate: NodeCertificate, newest: NodeCertificate, now: int) -> bool:
    """Return whether a machine that speaks under ``certificate`` should rotate: it runs out soon, or is not the newest."""
    return certificate.key_id != newest.key_id or certificate.body.not_after - now < ROTATE_BEFORE_MS


def next_keys(folder: Path, who: Identity) -> PrivateKeys:
    """Return the keys of the next era: made and durable before anybody hears of them, the same until `take` used them."""
    path = folder / NEXT_KEYS_FILE
    if path.exists():
        keys = identity.load_keys(path)
        if keys.sign.public_key() != who.sign.public_key():  # else `take` used them and a crash kept the file
            return keys
    identity.save_keys(path, identity.generate_keys())
    return identity.load_keys(path)


def write_request(keys: PrivateKeys, who: Identity, *, nonce: bytes, token: bytes) -> Rotate:
    """Return the request for ``keys``, with their proof over the certificate in force."""
    sign, seal, pdf = enrolment.public_keys(keys)
    proof = keys.sign.sign(_PROOF + who.certificate.key_id + sign + seal + pdf)
    return Rotate(nonce=nonce, token=token, sign=sign, seal=seal, pdf=pdf, proof=proof)


def check_request(request: Rotate, before: NodeCertificate) -> ec.EllipticCurvePublicKey:
    """Return the new P-256 key; raises Refused("enrol.request") unless the new key agreed to follow ``before``."""
    return enrolment.check_keys(request, _PROOF + before.key_id)


def take(folder: Path, who: Identity, certificate: bytes, since: tuple[int, int]) -> None:
    """Speak under ``certificate`` from entry ``since`` on; the caller keeps entries from being written meanwhile.

    Raises Refused("certificate.keys") where it is not over the keys that were sent, or ("certificate.form") for another machine.
    """
    if read_certificate(certificate, who.pin).body.node != who.node:
        raise Refused("certificate.form", N_("A machine's certificate does not have the form the protocol demands."))
    who.renew(next_keys(folder, who), certificate, since)
    (folder / NEXT_KEYS_FILE).unlink(missing_ok=True)


def check_rotation(request: bytes, certificate: NodeCertificate, before: NodeCertificate) -> None:
    """Check that ``before``'s machine asked for ``certificate`` with both keys; raises Refused."""
    environment = before.body.environment
    asked: Rotate = decode_body(cose.verify(cose.parse(request), before.sign_key, ROTATE_TYPE, environment=environment), Rotate)
    check_request(asked, before)
    told = (certificate.body.node, certificate.body.sign, certificate.body.seal)
    if told != (before.body.node, asked.sign, asked.seal):
        raise Refused("certificate.keys", N_("The certificate belongs to other keys."))
