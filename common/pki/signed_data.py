"""CMS SignedData taken apart (RFC 5652, 5), in BER as it came; nothing is checked here: ``cms`` is the door.

Of each signer are kept the certificate, the attributes and the exact bytes that were signed. What is refused is what cannot
be judged: a signer without its certificate, algorithms that do not belong together, an attribute given twice.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common.errors import N_, Refused
from common.pki import der
from common.pki.algorithms import DIGEST_NAMES
from common.pki.certificates import Certificate, read_certificate

CMS_BYTES_MAX = 32 * 1024 * 1024
"""An attached one holds its document; with the centre's timestamp and certificates alone it has 10 KB."""
SIGNERS_MAX = 32
CERTIFICATES_MAX = 64

DATA, SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (f"1.2.840.113549.1.9.{number}" for number in (3, 4, 5))
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
_VERSIONS = (1, 3, 4, 5)

Readable = Callable[[bytes], Certificate]

BROKEN = N_("This is not a readable electronic signature (CMS).")
NO_CERTIFICATE = N_("The signature does not bring the certificate of its signer.")
ALGORITHM = N_("The signature uses an algorithm that is not accepted, or one that does not belong to its key.")


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """One signer of a CMS, unchecked until ``cms`` has checked it."""

    certificate: Certificate
    digest: str
    """The name of the digest of the content."""
    signed: bytes | None
    """The signed attributes as a SET, or None when the content itself is what was signed."""
    attributes: dict[str, der.Node]
    message_digest: bytes | None
    """The digest of the content as the signed attributes say it."""
    claimed_ms: int | None
    """The time that the signer claims, in milliseconds UTC."""
    signature: bytes
    """The signature's value: what a timestamp is over."""
    signature_oid: str
    timestamps: tuple[bytes, ...]
    """The tokens beside it (CAdES-T), in DER: ``timestamps`` judges them, nobody else."""

    @property
    def level(self) -> str:
        """Return "CMS", "CAdES-B" (the certificate is named under the signature) or "CAdES-T" (and a timestamp is there)."""
        if SIGNING_CERTIFICATE not in self.attributes and SIGNING_CERTIFICATE_V2 not in self.attributes:
            return "CMS"
        return "CAdES-T" if self.timestamps else "CAdES-B"


@dataclass(frozen=True, slots=True, repr=False)
class SignedData:
    """A CMS, taken apart: its content when that is inside, every certificate as it came, its signers in their order."""

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    signers: tuple[Signer, ...]


def parts_of(cms: bytes) -> der.Node:
    """Return the SignedData element of a CMS. Raises DerError."""
    if len(cms) > CMS_BYTES_MAX:
        raise der.DerError("too large")
    whole = der.read(cms).expect(der.SEQUENCE)
    if whole[0].oid() != SIGNED_DATA:
        raise der.DerError("not signed data")
    signed_data = whole[1].expect(0xA0)[0].expect(der.SEQUENCE)
    if signed_data[0].integer() not in _VERSIONS:
        raise der.DerError("another version")
    return signed_data


def take_apart(cms: bytes, content_type: str, others: Iterable[bytes]) -> SignedData:
    """Return the parts of a CMS over content of this type; ``others`` are certificates that may be missing inside.

    Raises DerError, or Refused: "cms.algorithm", "cms.broken", "cms.certificate" (no certificate lies inside).
    """
    try:
        return _take_apart(cms, content_type, others)
    except der.AlgorithmError as error:
        raise Refused("cms.algorithm", ALGORITHM) from error


def _take_apart(cms: bytes, content_type: str, others: Iterable[bytes]) -> SignedData:
    signed_data = parts_of(cms)
    encapsulated, signers = signed_data[2].expect(der.SEQUENCE), signed_data.parts[-1].expect(der.SET)
    if encapsulated[0].oid() != content_type or not 1 <= len(signers.parts) <= SIGNERS_MAX:
        raise der.DerError("other content, or no signer")
    inside = [one for part in signed_data if part.tag == 0xA0 for one in part]
    if len(inside) > CERTIFICATES_MAX:
        raise der.DerError("too many certificates")
    known = [*inside, *(der.read(one) for one in others)]
    if not known:
        raise Refused("cms.certificate", NO_CERTIFICATE)
    digests = [one.algorithm() for one in signed_data[1].expect(der.SET)]
    readable = functools.cache(_readable)  # many signers of few certificates: each is read once
    return SignedData(
        content_type=content_type,
        content=encapsulated[1].expect(0xA0)[0].octets() if len(encapsulated.parts) > 1 else None,
        certificates=tuple(one.raw for one in inside),
        signers=tuple(_signer(one.expect(der.SEQUENCE), known, digests, readable) for one in signers),
    )


def _signer(signer: der.Node, certificates: list[der.Node], digests: list[str], readable: Readable) -> Signer:
    if signer[0].integer() != (3 if signer[1].tag == 0x80 else 1):
        raise der.DerError("another version")
    certificate = _certificate_of(signer[1], certificates, readable)
    digest_oid = signer[2].algorithm()
    if digest_oid not in digests:
        raise Refused("cms.algorithm", ALGORITHM)
    signed = signer[3] if signer[3].tag == 0xA0 else None
    rest = signer.parts[3:] if signed is None else signer.parts[4:]
    if len(rest) < 2:
        raise der.DerError("no signature")
    name, signature_oid = _algorithms(certificate, digest_oid, rest[0].algorithm())
    attributes = {} if signed is None else _attributes(signed)
    return Signer(
        certificate=certificate,
        digest=name,
        signed=None if signed is None else der.element(der.SET, signed.body),
        attributes=attributes,
        message_digest=attributes[MESSAGE_DIGEST].octets() if MESSAGE_DIGEST in attributes else None,
        claimed_ms=attributes[SIGNING_TIME].time_ms() if SIGNING_TIME in attributes else None,
        signature=rest[1].octets(),
        signature_oid=signature_oid,
        timestamps=tuple(
            value.raw for part in rest[2:] if part.tag == 0xA1 for one in part if one[0].oid() == TIMESTAMP for value in one[1]
        ),
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


def _certificate_of(identifier: der.Node, certificates: Iterable[der.Node], readable: Readable) -> Certificate:
    """Return the certificate that a SignerIdentifier means; others inside may be of kinds we cannot read."""
    for one in certificates:
        if one.tag != der.SEQUENCE:
            continue  # RFC 5652, 10.2.2: attribute certificates and what came after them
        if identifier.tag == 0x80:  # by subject key identifier
            meant = der.octets(identifier.body) in one.raw and readable(one.raw).ski == identifier.body
        else:
            fields = one[0].parts[1:] if one[0][0].tag == 0xA0 else one[0].parts
            if len(fields) < 3:
                continue
            meant = fields[0].raw == identifier.expect(der.SEQUENCE)[1].raw and fields[2].raw == identifier[0].raw
        if meant:
            return readable(one.raw)
    raise der.DerError("the signer's certificate is missing")


def _readable(data: bytes) -> Certificate:
    try:
        return read_certificate(data)
    except Refused as refused:
        if refused.code == "pki.algorithm":
            raise Refused("cms.algorithm", ALGORITHM) from refused
        raise Refused("cms.broken", BROKEN) from refused


def _algorithms(certificate: Certificate, digest_oid: str, signature_oid: str) -> tuple[str, str]:
    """Return the digest's name and the signature's full identifier."""
    try:
        name = DIGEST_NAMES[digest_oid]
        return name, certificate.key.signature_of(signature_oid, name)
    except (KeyError, Refused) as error:
        raise Refused("cms.algorithm", ALGORITHM) from error
