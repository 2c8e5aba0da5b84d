"""Detached signatures: CMS SignedData (RFC 5652) with the attributes of CAdES-BES, as NCALayer makes them.

One signer to a signature. Its certificate lies inside; signed are the content's type and digest, the certificate's SHA-256
and the time the signer claims. The check here is of the cryptography alone: whether the certificate is trusted, in force and
not revoked is ``trust``'s to say, and a timestamp among the unsigned attributes is not looked at.

Refusals: "cms.broken" (not a signature, or of a form we do not take), "cms.algorithm" (digest, signature and key do not
belong together, or are out of use), "cms.tampered" (the content, the attributes or the certificate are not what was signed).
"""

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.errors import N_, Refused
from common.pki import der
from common.pki.algorithms import (
    DIGEST_NAMES,
    DIGEST_OIDS,
    GOST_256_KEY,
    GOST_512_KEY,
    RSA_KEY,
    RSA_SIGNATURES,
    SHA_256,
    digest,
    refused_as,
)
from common.pki.certificates import Certificate, read_certificate
from common.pki.keystore import Key

CMS_BYTES_MAX = 1024 * 1024  # with the centre's timestamp and certificates 10 KB

DATA, SIGNED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME = (f"1.2.840.113549.1.9.{number}" for number in (3, 4, 5))
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_ARMOUR = re.compile(rb"-----BEGIN (?:CMS|PKCS7)-----([A-Za-z0-9+/=\s]+)-----END (?:CMS|PKCS7)-----")

BROKEN = N_("This is not a readable electronic signature (CMS).")
ALGORITHM = N_("The signature uses an algorithm that is not accepted, or one that does not belong to its key.")
TAMPERED = N_("The signature does not fit: the document or the signature has been changed after signing.")


@dataclass(frozen=True, slots=True)
class _Signature:
    """The one signer of a CMS, taken apart."""

    certificate: Certificate
    digest: str
    signed: bytes | None
    """The signed attributes as a SET, or None when the content itself is what was signed."""
    attributes: dict[str, der.Node]
    signature: bytes
    signature_oid: str
    content: bytes | None


def sign_detached(data: bytes, key: Key, *, at_ms: int) -> bytes:
    """Return a detached CMS in DER over ``data``, by ``key``'s own algorithm, that claims the time ``at_ms``."""
    return sign_digest(digest(key.certificate.digest, data), key, at_ms=at_ms)


def sign_digest(message_digest: bytes, key: Key, *, at_ms: int | None) -> bytes:
    """Return a detached CMS over content whose digest (by the certificate's own digest) is known.

    Without ``at_ms`` no time is claimed inside: in a PDF the signed dictionary tells it (ETSI EN 319 142-1, 6.3).
    """
    certificate = key.certificate
    attributes = [
        _attribute(_CONTENT_TYPE, der.oid(DATA)),
        _attribute(_MESSAGE_DIGEST, der.octets(message_digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(der.sequence(der.octets(certificate.sha256))))),
    ]
    if at_ms is not None:
        attributes.append(_attribute(_SIGNING_TIME, der.time(at_ms)))
    signed = der.set_of(attributes)
    digest_algorithm = der.algorithm(DIGEST_OIDS[certificate.digest], der.null())
    signer = der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer_name, der.integer(certificate.serial)),
        digest_algorithm,
        der.element(0xA0, der.read(signed).body),
        der.algorithm(certificate.key.signature_oid, b"" if certificate.algorithm.startswith("ECDSA") else der.null()),
        der.octets(key.sign(signed)),
    )
    content = der.sequence(
        der.integer(1),
        der.set_of([digest_algorithm]),
        der.sequence(der.oid(DATA)),
        der.element(0xA0, certificate.der),
        der.set_of([signer]),
    )
    return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, content))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of([value]))


def unarmoured(data: bytes) -> bytes:
    """Return the CMS in ``data``, which may be DER, NCALayer's «BEGIN CMS» text or bare base64. Raises Refused("cms.broken")."""
    found = _ARMOUR.search(data[: 2 * CMS_BYTES_MAX])
    if not found and data[:1] == b"\x30":
        return data
    with refused_as("cms.broken", BROKEN):
        return base64.b64decode(b"".join((found.group(1) if found else data).split()), validate=True)


def verify_detached(cms: bytes, data: bytes) -> Certificate:
    """Return the certificate of the signer when ``cms`` is a good signature over ``data``.

    Raises Refused("cms.broken"), Refused("cms.algorithm") or Refused("cms.tampered").
    """
    with refused_as("cms.broken", BROKEN):
        found = _read(cms)
        if found.content is not None and found.content != data:
            raise Refused("cms.tampered", TAMPERED)
        if found.signed is None:
            _check_signature(found, data)
            return found.certificate
        if not hmac.compare_digest(_check_attributes(found), digest(found.digest, data)):
            raise Refused("cms.tampered", TAMPERED)
        return found.certificate


def signer(cms: bytes) -> tuple[Certificate, str]:
    """Return the certificate inside and the name of the digest, of a signature not checked yet. Raises as ``verify_detached``."""
    with refused_as("cms.broken", BROKEN):
        found = _read(cms)
        return found.certificate, found.digest


def signed_attributes_signer(cms: bytes) -> tuple[Certificate, str, bytes, int | None]:
    """Return (certificate, digest name, digest of the content, claimed time) of a good signature, without the content.

    The caller holds the digest against the content when that arrives. Raises as ``verify_detached``; a signature without
    signed attributes cannot be checked so and is "cms.broken".
    """
    with refused_as("cms.broken", BROKEN):
        found = _read(cms)
        message_digest = _check_attributes(found)
        claimed = found.attributes.get(_SIGNING_TIME)
        return found.certificate, found.digest, message_digest, claimed.time_ms() if claimed is not None else None


def _check_attributes(found: _Signature) -> bytes:
    """Return the content's digest out of the signed attributes once the signature over them holds."""
    if found.signed is None or _MESSAGE_DIGEST not in found.attributes or _CONTENT_TYPE not in found.attributes:
        raise der.DerError("no signed attributes")
    _check_signature(found, found.signed)
    if found.attributes[_CONTENT_TYPE].oid() != DATA or not _names_certificate(found):
        raise Refused("cms.tampered", TAMPERED)
    return found.attributes[_MESSAGE_DIGEST].octets()


def _check_signature(found: _Signature, data: bytes) -> None:
    try:
        found.certificate.verify(found.signature, data, oid=found.signature_oid)
    except Refused as refused:
        raise Refused("cms.tampered", TAMPERED) from refused


def _names_certificate(found: _Signature) -> bool:
    """Return whether signingCertificateV2, where there is one, names the certificate that lies inside (RFC 5035, 4)."""
    if _SIGNING_CERTIFICATE_V2 not in found.attributes:
        return True
    first = found.attributes[_SIGNING_CERTIFICATE_V2][0][0]
    oid = first[0][0].oid() if first[0].tag == der.SEQUENCE else SHA_256
    expected = next(part for part in first if part.tag == der.OCTET_STRING).octets()
    return oid in DIGEST_NAMES and hmac.compare_digest(expected, digest(DIGEST_NAMES[oid], found.certificate.der))


def _read(cms: bytes) -> _Signature:
    if len(cms) > CMS_BYTES_MAX:
        raise der.DerError("too large")
    whole = der.read(cms).expect(der.SEQUENCE)
    if whole[0].oid() != SIGNED_DATA:
        raise der.DerError("not signed data")
    signed_data = whole[1].expect(0xA0)[0].expect(der.SEQUENCE)
    encapsulated, signers = signed_data[2].expect(der.SEQUENCE), signed_data.parts[-1].expect(der.SET)
    if encapsulated[0].oid() != DATA or len(signers.parts) != 1 or signed_data[0].integer() not in (1, 3):
        raise der.DerError("not one signer of data")
    certificates = [one for part in signed_data if part.tag == 0xA0 for one in part]
    signer = signers[0].expect(der.SEQUENCE)
    if signer[0].integer() != (3 if signer[1].tag == 0x80 else 1):
        raise der.DerError("another version")
    certificate = _signer_certificate(signer[1], certificates)
    digest_oid = signer[2].algorithm()
    if digest_oid not in [one.algorithm() for one in signed_data[1].expect(der.SET)]:
        raise Refused("cms.algorithm", ALGORITHM)
    signed = signer[3] if signer[3].tag == 0xA0 else None
    rest = signer.parts[3:] if signed is None else signer.parts[4:]
    signature_oid = _check_algorithms(certificate, digest_oid, rest[0].algorithm())
    return _Signature(
        certificate=certificate,
        digest=DIGEST_NAMES[digest_oid],
        signed=None if signed is None else der.element(der.SET, signed.body),
        attributes={} if signed is None else _attributes(signed),
        signature=rest[1].octets(),
        signature_oid=signature_oid,
        content=encapsulated[1][0].octets() if len(encapsulated.parts) > 1 else None,
    )


def _attributes(signed: der.Node) -> dict[str, der.Node]:
    """Return the single values of the attributes. Raises DerError for one given twice or with several values."""
    values: dict[str, der.Node] = {}
    for attribute in signed:
        oid, several = attribute[0].oid(), attribute[1].expect(der.SET)
        if oid in values or len(several.parts) != 1:
            raise der.DerError("an attribute twice")
        values[oid] = several[0]
    return values


def _signer_certificate(identifier: der.Node, certificates: Iterable[der.Node]) -> Certificate:
    """Return the certificate that a SignerIdentifier means; others inside may be of kinds we cannot read."""
    for one in certificates:
        fields = one[0].parts[1:] if one[0][0].tag == 0xA0 else one[0].parts
        if identifier.tag == 0x80:  # by subject key identifier
            meant = der.octets(identifier.body) in one.raw
        else:
            meant = fields[0].raw == identifier.expect(der.SEQUENCE)[1].raw and fields[2].raw == identifier[0].raw
        if meant:
            return _readable(one.raw)
    raise der.DerError("the signer's certificate is missing")


def _readable(data: bytes) -> Certificate:
    try:
        return read_certificate(data)
    except Refused as refused:
        if refused.code == "pki.algorithm":
            raise Refused("cms.algorithm", ALGORITHM) from refused
        raise Refused("cms.broken", BROKEN) from refused


def _check_algorithms(certificate: Certificate, digest_oid: str, signature_oid: str) -> str:
    """Return the signature's identifier in full; some signers name the kind of key instead (PKI.md, 2: Quirks)."""
    name = DIGEST_NAMES.get(digest_oid, "")
    if signature_oid == RSA_KEY:
        signature_oid = next((oid for oid, used in RSA_SIGNATURES.items() if used == name), "")
    elif signature_oid in (GOST_512_KEY, GOST_256_KEY) and der.read(certificate.key.spki)[0][0].oid() == signature_oid:
        signature_oid = certificate.key.signature_oid
    try:
        if name and signature_oid and certificate.key.digest_of(signature_oid) == name:
            return signature_oid
    except Refused:
        pass  # the refusal below says the same in the words of signatures
    raise Refused("cms.algorithm", ALGORITHM)
