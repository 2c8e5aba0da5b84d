"""Who a node is: three private keys, a certificate over their public halves, and what it pins of the register.

Ed25519 signs bundles and receipts, X25519 opens what is sealed to the node (HPKE, RFC 9180), P-256 signs PDFs, because
poppler calls Ed25519 signatures corrupted. The certificate is a COSE_Sign1 of the registry over the three (PROTOCOL 2).
"""

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

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
CENTRE_NODE = 0
KEY_BYTES = 32
CERTIFICATES_HELD_MAX = 4_096
"""Certificates whose signature a process does not verify again; only true ones are held."""
KEYS_FILE, PIN_FILE = "node.keys", "register.pin"
RING_VERSION = 2
"""Of the file of keys: every era with its certificate in one file, so that a rotation is one rename."""


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
class Era:
    """The keys of a machine from entry ``since`` (epoch, seq) on, until the next rotation; never printed.

    ``seal`` is None once nothing that was sealed to this certificate can still be under way.
    """

    sign: Ed25519PrivateKey
    seal: X25519PrivateKey | None
    pdf: ec.EllipticCurvePrivateKey
    certificate: NodeCertificate
    since: tuple[int, int] = (0, 0)

    def sign_message(self, payload: bytes, content_type: str) -> bytes:
        """Return a COSE_Sign1 over ``payload`` under this era's certificate."""
        environment = self.certificate.body.environment
        return cose.sign(payload, content_type, self.sign, key_id=self.certificate.key_id, environment=environment)


class Identity:
    """A machine's keys of all times: the newest era speaks, the earlier ones read what is under way and print receipts again.

    Another process of the machine may rotate meanwhile; the file is looked at (one stat) whenever keys are used.
    """

    def __init__(self, eras: Sequence[Era], pin: Pin, path: Path | None = None) -> None:
        self.pin = pin
        self._eras = tuple(eras)
        self._path = path
        self._read_as = _stamp(path)

    @property
    def node(self) -> int:
        return self._eras[0].certificate.body.node

    @property
    def environment(self) -> bytes:
        return self.pin.environment

    @property
    def now(self) -> Era:
        """The era that speaks."""
        return self._current()[-1]

    @property
    def certificate(self) -> NodeCertificate:
        return self.now.certificate

    @property
    def sign(self) -> Ed25519PrivateKey:
        return self.now.sign

    def sign_message(self, payload: bytes, content_type: str) -> bytes:
        """Return a COSE_Sign1 of this node over ``payload``."""
        return self.now.sign_message(payload, content_type)

    def at(self, epoch: int, seq: int) -> Era:
        """Return the era in which own entry (epoch, seq) was written: what it promised is printed again with the same keys."""
        eras = self._current()
        return next((era for era in reversed(eras) if era.since <= (epoch, seq)), eras[0])

    def opener(self, key_id: bytes) -> X25519PrivateKey | None:
        """Return the key that opens what is sealed to the certificate ``key_id``, or None where it is not this machine's."""
        return next((era.seal for era in self._current() if era.certificate.key_id == key_id), None)

    def renew(self, keys: "PrivateKeys", certificate: bytes, since: tuple[int, int]) -> None:
        """Speak under ``certificate`` from entry ``since`` on: durable before it returns; raises Refused("certificate.keys")."""
        fresh = _era(keys, read_certificate(certificate, self.pin), since)
        eras = self._current()
        kept = [dataclasses.replace(era, seal=None) for era in eras[:-1]]  # what was sealed two certificates ago has long come
        after = (*kept, eras[-1], fresh)
        if self._path is not None:
            write_durable(self._path, _encode_eras(after))
        self._eras, self._read_as = after, _stamp(self._path)

    def _current(self) -> tuple[Era, ...]:
        if self._path is not None and (stamp := _stamp(self._path)) != self._read_as:
            self._eras, self._read_as = _decode_eras(self._path.read_bytes(), self.pin), stamp
        return self._eras


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:  # being replaced, or gone: what was read stays
        return None
    return (found.st_ino, found.st_mtime_ns) if found else None


def key_id_of(certificate: bytes) -> bytes:
    """Return the 8 bytes by which messages name the certificate they are signed under."""
    return hashlib.sha256(certificate).digest()[: cose.KEY_ID_BYTES]


def issue_certificate(body: CertificateBody, registry: Ed25519PrivateKey) -> bytes:
    """Return the certificate of ``body``, signed by the registry."""
    registry_id = hashlib.sha256(registry.public_key().public_bytes_raw()).digest()[: cose.KEY_ID_BYTES]
    return cose.sign(encode_body(body), CERTIFICATE_TYPE, registry, key_id=registry_id, environment=body.environment)


@functools.lru_cache(maxsize=CERTIFICATES_HELD_MAX)
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
    certificate: bytes = b""
    epoch: int = 0
    seq: int = 0


class _Ring(msgspec.Struct, frozen=True):
    v: int
    eras: Annotated[list[_Secrets], msgspec.Meta(min_length=1)]


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
    """Write keys that have no certificate yet durably, readable by this user only."""
    write_durable(path, canonical.encode(_secrets(keys)))


def load_keys(path: Path) -> PrivateKeys:
    """Read what `save_keys` wrote; raises Corrupt("identity.keys") when the file is missing or broken."""
    try:
        secrets = msgspec.convert(canonical.decode_map(path.read_bytes()), _Secrets)
        return PrivateKeys(
            Ed25519PrivateKey.from_private_bytes(secrets.sign), X25519PrivateKey.from_private_bytes(secrets.seal), _pdf(secrets)
        )
    except _UNREADABLE as error:
        raise _no_keys() from error


def assemble(keys: PrivateKeys, certificate: bytes, pin: Pin) -> Identity:
    """Return the identity; raises Refused when the certificate is not over these keys."""
    return Identity([_era(keys, read_certificate(certificate, pin), (0, 0))], pin)


def save_identity(folder: Path, keys: PrivateKeys, certificate: bytes, pin: Pin) -> None:
    """Write keys with their certificate, and the pin, into ``folder``."""
    write_durable(folder / PIN_FILE, encode_body(pin))
    write_durable(folder / KEYS_FILE, _encode_eras([_era(keys, read_certificate(certificate, pin), (0, 0))]))


def load_identity(folder: Path) -> Identity:
    """Read what `save_identity` and rotations wrote; raises Corrupt("identity.missing") before enrolment."""
    path, pin = folder / KEYS_FILE, load_pin(folder)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _not_enrolled() from error
    return Identity(_decode_eras(data, pin), pin, path)


def load_pin(folder: Path) -> Pin:
    """Read what the machine in ``folder`` pinned of the register: no secret; raises Corrupt("identity.missing") before enrolment."""
    try:
        pin: Pin = decode_body((folder / PIN_FILE).read_bytes(), Pin)
    except OSError as error:
        raise _not_enrolled() from error
    return pin


def _era(keys: PrivateKeys, certificate: NodeCertificate, since: tuple[int, int]) -> Era:
    body = certificate.body
    if (body.sign, body.seal) != (keys.sign.public_key().public_bytes_raw(), keys.seal.public_key().public_bytes_raw()):
        raise Refused("certificate.keys", N_("The certificate belongs to other keys."))
    return Era(keys.sign, keys.seal, keys.pdf, certificate, since)


def _secrets(keys: PrivateKeys | Era) -> dict[str, Any]:
    pdf = keys.pdf.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {"sign": keys.sign.private_bytes_raw(), "seal": keys.seal.private_bytes_raw() if keys.seal else b"", "pdf": pdf}


def _encode_eras(eras: Sequence[Era]) -> bytes:
    items = [_secrets(era) | {"certificate": era.certificate.data, "epoch": era.since[0], "seq": era.since[1]} for era in eras]
    return canonical.encode({"v": RING_VERSION, "eras": items})


def _decode_eras(data: bytes, pin: Pin) -> tuple[Era, ...]:
    try:
        ring = msgspec.convert(canonical.decode_map(data), _Ring)
        if ring.v != RING_VERSION:
            raise ValueError("another version")
        return tuple(_read_era(each, pin) for each in ring.eras)
    except _UNREADABLE as error:
        raise _no_keys() from error


def _read_era(secrets: _Secrets, pin: Pin) -> Era:
    seal = X25519PrivateKey.from_private_bytes(secrets.seal) if secrets.seal else None
    certificate = read_certificate(secrets.certificate, pin)
    return Era(Ed25519PrivateKey.from_private_bytes(secrets.sign), seal, _pdf(secrets), certificate, (secrets.epoch, secrets.seq))


def _pdf(secrets: _Secrets) -> ec.EllipticCurvePrivateKey:
    pdf = serialization.load_der_private_key(secrets.pdf, None)
    if not isinstance(pdf, ec.EllipticCurvePrivateKey):
        raise TypeError("not an elliptic curve key")
    return pdf


_UNREADABLE = (OSError, Refused, ValueError, TypeError, msgspec.ValidationError)


def _no_keys() -> Corrupt:
    return Corrupt("identity.keys", N_("The keys of this machine cannot be read. Call the administrator."))


def _not_enrolled() -> Corrupt:
    return Corrupt("identity.missing", N_("This machine is not enrolled yet. Run enrol with the code from the centre."))
