"""COSE_Sign1 with Ed25519 (RFC 9052, 4.2 and RFC 9053, 2.2): the one signature container of the protocol.

The protected header binds the algorithm (1: -8, EdDSA), the content type (3) and the key id (4: the first 8 bytes of the
SHA-256 of the signer's certificate). The external AAD is the environment id, so that nothing signed in one country, or
in a test, passes in another. The content type keeps one kind of message from being taken for another (PROTOCOL 3.2).
"""

from dataclasses import dataclass

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.errors import N_, Refused

SIGN1_TAG = 18
ALGORITHM, CONTENT_TYPE, KEY_ID = 1, 3, 4
EDDSA = -8
KEY_ID_BYTES = 8
SIGNATURE_BYTES = 64
PROTECTED_BYTES_MAX = 1 << 10
"""A protected header; a content type is some thirty characters long."""
MESSAGE_BYTES_MAX = 1 << 20
"""A signed header or message; the sealed payload travels beside it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A parsed COSE_Sign1 whose signature has not been checked yet."""

    content_type: str
    key_id: bytes
    payload: bytes
    protected: bytes
    signature: bytes


def sign(payload: bytes, content_type: str, key: Ed25519PrivateKey, *, key_id: bytes, environment: bytes) -> bytes:
    """Return the tagged COSE_Sign1 over ``payload``."""
    protected = cbor2.dumps({ALGORITHM: EDDSA, CONTENT_TYPE: content_type, KEY_ID: key_id}, canonical=True)
    signature = key.sign(_to_be_signed(protected, payload, environment))
    return cbor2.dumps(cbor2.CBORTag(SIGN1_TAG, [protected, {}, payload, signature]), canonical=True)


def parse(message: bytes) -> Signed:
    """Return the parts of ``message``; raises Refused("cose.broken") for anything but our exact form."""
    if len(message) > MESSAGE_BYTES_MAX:
        raise Refused("cose.too_large", N_("A signed message is larger than allowed."))
    try:
        signed = _read(message)
    except Exception as error:  # noqa: BLE001 - cbor2 has many roots; each means: not our form
        raise _broken() from error
    if signed is None:
        raise _broken()
    return signed


def _read(message: bytes) -> Signed | None:
    """Return the parts; None, or any error, for another form.

    What is written again to compare it is known to be flat by then: a map as the key of a map as the key of a map takes the
    writer twice as long with each of them, and thirty fit into a hundred bytes.
    """
    tag = cbor2.loads(message, strict_hashable_types=True)
    protected, unprotected, payload, signature = tag.value
    if not (tag.tag == SIGN1_TAG and unprotected == {} and type(protected) is type(payload) is type(signature) is bytes):
        return None
    if len(protected) > PROTECTED_BYTES_MAX or len(signature) != SIGNATURE_BYTES:
        return None
    header = cbor2.loads(protected)
    if set(map(type, header)) != {int} or set(header) != {ALGORITHM, CONTENT_TYPE, KEY_ID}:
        return None
    content_type, key_id = header[CONTENT_TYPE], header[KEY_ID]
    if type(header[ALGORITHM]) is not int or header[ALGORITHM] != EDDSA or type(content_type) is not str or type(key_id) is not bytes:
        return None
    same = cbor2.dumps(tag, canonical=True) == message and cbor2.dumps(header, canonical=True) == protected
    return Signed(content_type, key_id, payload, protected, signature) if same and len(key_id) == KEY_ID_BYTES else None


def verify(message: Signed, key: Ed25519PublicKey, content_type: str, *, environment: bytes) -> bytes:
    """Return the payload; raises Refused("cose.content_type") or Refused("cose.signature")."""
    if message.content_type != content_type:
        raise Refused("cose.content_type", N_("A signed message is of another kind than expected."))
    try:
        key.verify(message.signature, _to_be_signed(message.protected, message.payload, environment))
    except InvalidSignature as error:
        raise Refused("cose.signature", N_("The signature is not valid: the data were changed or come from somebody else.")) from error
    return message.payload


def _to_be_signed(protected: bytes, payload: bytes, environment: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, environment, payload], canonical=True)


def _broken() -> Refused:
    return Refused("cose.broken", N_("A signed message cannot be read."))
