"""Who a node is: three private keys, a certificate over their public halves, and what it pins of the register.

Ed25519 signs bundles and receipts, X25519 opens what is sealed to the node (HPKE, RFC 9180), P-256 signs PDFs, because
poppler calls Ed25519 signatures corrupted. The certificate is a COSE_Sign1 of the registry over the three (PROTOCOL 2).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from common import canonical
from common.errors import N_, Corrupt, Refused
from common.facts import Body, decode_body, encode_body
from common.files import write_durable
from sync import cose

CERTIFICATE_TYPE = "application/sot-node-certificate+cbor"
REQUEST_TYPE = "application/sot-node-request+cbor"
CENTRE_NODE = 0
KEY_BYTES = 32


class CertificateBody(Body, frozen=True):
    """What the registry vouches for. Times are ms UTC; ``pdf`` is an X.509 certificate (DER) of the P-256 key."""

    environment: bytes
    node: int
    serial: int
    sign: bytes
    seal: bytes
    pdf: bytes
    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """A certificate whose signature has been verified under the pinned registry key."""

    data: bytes
    key_id: bytes
    body: CertificateBody

    @property
    def sign_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.body.sign)

    @property
    def seal_key(self) -> X25519PublicKey:
        return X25519PublicKey.from_public_bytes(self.body.seal)


class Pin(Body, frozen=True):
    """What a node pins of the register at enrolment: keys of registry and log, the log's origin, the CA of PDF keys."""

    environment: bytes
    registry: bytes
    log: bytes
    origin: str
    pdf_ca: bytes

    @property
    def log_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.log)


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A node's private keys with its certificate; never printed."""

    sign: Ed25519PrivateKey
    seal: X25519PrivateKey
    pdf: ec.EllipticCurvePrivateKey
    certificate: NodeCertificate
    pin: Pin

    @property
    def node(self) -> int:
        return self.certificate.body.node

    @property
    def environment(self) -> bytes:
        return self.pin.environment

    def sign_message(self, payload: bytes, content_type: str) -> bytes:
        """Return a COSE_Sign1 of this node over ``payload``."""
        return cose.sign(payload, content_type, self.sign, key_id=self.certificate.key_id, environment=self.environment)


def key_id_of(certificate: bytes) -> bytes:
    """Return the 8 bytes by which messages name the certificate they are signed under."""
    return hashlib.sha256(certificate).digest()[: cose.KEY_ID_BYTES]


def issue_certificate(body: CertificateBody, registry: Ed25519PrivateKey) -> bytes:
    """Return the certificate of ``body``, signed by the registry."""
    registry_id = hashlib.sha256(registry.public_key().public_bytes_raw()).digest()[: cose.KEY_ID_BYTES]
    return cose.sign(encode_body(body), CERTIFICATE_TYPE, registry, key_id=registry_id, environment=body.environment)


def read_certificate(data: bytes, pin: Pin) -> NodeCertificate:
    """Return the certificate of ``data``; raises Refused unless the pinned registry signed it for this environment."""
    if len(pin.registry) != KEY_BYTES:
        raise Refused("certificate.form", N_("A machine's certificate does not have the form the protocol demands."))
    registry = Ed25519PublicKey.from_public_bytes(pin.registry)
    payload = cose.verify(cose.parse(data), registry, CERTIFICATE_TYPE, environment=pin.environment)
    body: CertificateBody = decode_body(payload, CertificateBody)
    if body.environment != pin.environment or len(body.sign) != KEY_BYTES or len(body.seal) != KEY_BYTES:
        raise Refused("certificate.form", N_("A machine's certificate does not have the form the protocol demands."))
    return NodeCertificate(data, key_id_of(data), body)


class _Secrets(msgspec.Struct, frozen=True):
    sign: bytes
    seal: bytes
    pdf: bytes


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKeys:
    """The three private keys before there is a certificate."""

    sign: Ed25519PrivateKey
    seal: X25519PrivateKey
    pdf: ec.EllipticCurvePrivateKey


def generate_keys() -> PrivateKeys:
    """Return fresh keys."""
    return PrivateKeys(Ed25519PrivateKey.generate(), X25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()))


def save_keys(path: Path, keys: PrivateKeys) -> None:
    """Write the keys durably, readable by this user only."""
    pdf = keys.pdf.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secrets = {"sign": keys.sign.private_bytes_raw(), "seal": keys.seal.private_bytes_raw(), "pdf": pdf}
    write_durable(path, canonical.encode(secrets))


def load_keys(path: Path) -> PrivateKeys:
    """Read the keys; raises Corrupt("identity.keys") when the file is missing or broken."""
    try:
        secrets = msgspec.convert(canonical.decode_map(path.read_bytes()), _Secrets)
        pdf = serialization.load_der_private_key(secrets.pdf, None)
        if not isinstance(pdf, ec.EllipticCurvePrivateKey):
            raise TypeError("not an elliptic curve key")
        return PrivateKeys(Ed25519PrivateKey.from_private_bytes(secrets.sign), X25519PrivateKey.from_private_bytes(secrets.seal), pdf)
    except (OSError, Refused, ValueError, TypeError, msgspec.ValidationError) as error:
        raise Corrupt("identity.keys", N_("The keys of this machine cannot be read. Call the administrator.")) from error


def assemble(keys: PrivateKeys, certificate: bytes, pin: Pin) -> Identity:
    """Return the identity; raises Refused when the certificate is not over these keys."""
    read = read_certificate(certificate, pin)
    if (read.body.sign, read.body.seal) != (keys.sign.public_key().public_bytes_raw(), keys.seal.public_key().public_bytes_raw()):
        raise Refused("certificate.keys", N_("The certificate belongs to other keys."))
    return Identity(keys.sign, keys.seal, keys.pdf, read, pin)


def save_identity(folder: Path, keys: PrivateKeys, certificate: bytes, pin: Pin) -> None:
    """Write keys, certificate and pin into ``folder``."""
    save_keys(folder / "node.keys", keys)
    write_durable(folder / "node.certificate", certificate)
    write_durable(folder / "register.pin", encode_body(pin))


def load_identity(folder: Path) -> Identity:
    """Read what `save_identity` wrote; raises Corrupt("identity.missing") before enrolment."""
    try:
        certificate = (folder / "node.certificate").read_bytes()
    except OSError as error:
        raise _not_enrolled() from error
    return assemble(load_keys(folder / "node.keys"), certificate, load_pin(folder))


def load_pin(folder: Path) -> Pin:
    """Read what the machine in ``folder`` pinned of the register: no secret; raises Corrupt("identity.missing") before enrolment."""
    try:
        pin: Pin = decode_body((folder / "register.pin").read_bytes(), Pin)
    except OSError as error:
        raise _not_enrolled() from error
    return pin


def _not_enrolled() -> Corrupt:
    return Corrupt("identity.missing", N_("This machine is not enrolled yet. Run enrol with the code from the centre."))
