"""Enrolment: how a new machine gets its certificate with a one-time code (PROTOCOL 2.5).

The code has two halves: a secret of 80 bits that the centre keeps only as a hash, and the first 40 bits of the SHA-256 of
the register's pin. The machine checks what it is sent against the second half, so that whoever answers in the centre's
place, or stands in the line, is noticed before anything is trusted.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync.identity import CENTRE_NODE, Pin, PrivateKeys, assemble, read_certificate

PATH = "/sync/enrol"
SECRET_BYTES = 10
PIN_BYTES = 5
_PROOF = b"sot/enrol/1\0"


class Request(Body, frozen=True):
    """Machine → centre. ``proof`` is the Ed25519 signature over secret and keys: whoever asks holds the key."""

    secret: bytes
    sign: bytes
    seal: bytes
    pdf: bytes
    proof: bytes


class Grant(Body, frozen=True):
    """Centre → machine: its certificate, what to pin, and the centre's own certificate."""

    certificate: bytes
    pin: bytes
    centre: bytes


@dataclass(frozen=True, slots=True)
class Code:
    """What a person reads off the centre's screen and types at the machine."""

    secret: bytes
    pin: bytes

    def __str__(self) -> str:
        text = base64.b32encode(self.secret + self.pin).decode("ascii")
        return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def new_code(pin: Pin) -> Code:
    """Return a fresh code for a register."""
    return Code(secrets.token_bytes(SECRET_BYTES), _fingerprint(encode_body(pin)))


def read_code(text: str) -> Code:
    """Parse what a person typed; raises Refused("enrol.code")."""
    try:
        data = base64.b32decode("".join(text.split()).replace("-", "").upper())
    except ValueError as error:
        raise _bad_code() from error
    if len(data) != SECRET_BYTES + PIN_BYTES:
        raise _bad_code()
    return Code(data[:SECRET_BYTES], data[SECRET_BYTES:])


def secret_hash(secret: bytes) -> bytes:
    """Return what the centre keeps of a secret."""
    return hashlib.sha256(b"sot/enrol-secret/1\0" + secret).digest()


def write_request(code: Code, keys: PrivateKeys) -> bytes:
    """Return the request of a machine with fresh ``keys``."""
    sign, seal, pdf = public_keys(keys)
    proof = keys.sign.sign(_PROOF + code.secret + sign + seal + pdf)
    return encode_body(Request(secret=code.secret, sign=sign, seal=seal, pdf=pdf, proof=proof))


def public_keys(keys: PrivateKeys) -> tuple[bytes, bytes, bytes]:
    """Return the public halves (sign, seal, pdf) as requests carry them."""
    pdf = keys.pdf.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return keys.sign.public_key().public_bytes_raw(), keys.seal.public_key().public_bytes_raw(), pdf


class Asked(Protocol):
    """What a request for a certificate has of the new keys; ``proof`` is theirs."""

    @property
    def sign(self) -> bytes: ...
    @property
    def seal(self) -> bytes: ...
    @property
    def pdf(self) -> bytes: ...
    @property
    def proof(self) -> bytes: ...


def read_request(data: bytes) -> tuple[Request, ec.EllipticCurvePublicKey]:
    """Return the request with its P-256 key; raises Refused("enrol.request") unless the proof holds."""
    request: Request = decode_body(data, Request)
    return request, check_keys(request, _PROOF + request.secret)


def check_keys(request: Asked, promise: bytes) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key; raises Refused("enrol.request") unless ``proof`` holds over ``promise`` and the keys can be used."""
    try:
        key = Ed25519PublicKey.from_public_bytes(request.sign)
        key.verify(request.proof, promise + request.sign + request.seal + request.pdf)
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(request.seal))  # a point to which nothing can be sealed
        pdf = serialization.load_der_public_key(request.pdf)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise Refused("enrol.request", N_("The enrolment request cannot be read.")) from error
    if not isinstance(pdf, ec.EllipticCurvePublicKey) or not isinstance(pdf.curve, ec.SECP256R1):
        raise Refused("enrol.request", N_("The enrolment request cannot be read."))
    return pdf


def read_grant(data: bytes, code: Code, keys: PrivateKeys) -> tuple[Grant, Pin]:
    """Return the grant; raises Refused("enrol.stranger") unless it comes from the register the code was made for."""
    grant: Grant = decode_body(data, Grant)
    if not secrets.compare_digest(_fingerprint(grant.pin), code.pin):
        raise _stranger()
    pin: Pin = decode_body(grant.pin, Pin)
    assemble(keys, grant.certificate, pin)
    if read_certificate(grant.centre, pin).body.node != CENTRE_NODE:  # another machine's genuine certificate, put in its place
        raise _stranger()
    return grant, pin


def _fingerprint(pin: bytes) -> bytes:
    return hashlib.sha256(pin).digest()[:PIN_BYTES]


def _stranger() -> Refused:
    return Refused("enrol.stranger", N_("Not the register that made this code answers. Check the address of the centre."))


def _bad_code() -> Refused:
    return Refused("enrol.code", N_("The enrolment code has 24 letters and digits. Compare it with the centre's screen."), field="code")
