"""Electronic signatures: CMS SignedData (RFC 5652) with the attributes of CAdES (ETSI EN 319 122-1), as NCALayer makes them.

Attached or detached, one signer or several side by side, DER, BER or text. Made here are signatures of the level CAdES-B:
the certificate lies inside; signed are the content's type and digest, the certificate's SHA-256 and the time the signer
claims. The check is of the cryptography alone: whether a certificate is trusted, in force and not revoked is ``trust``'s to
say, and the timestamp tokens of CAdES-T are handed on unread (``Signer.timestamps``).

Refusals: "cms.broken" (not a signature, or of a form we do not take), "cms.algorithm" (digest, signature and key do not
belong together, or are out of use), "cms.certificate" (no certificate lies inside), "cms.tampered" (the content, the attributes
or the certificate are not what was signed), "cms.detached" (the document is needed and was not given), "pki.digest_slow" (see
``engines``).

    found = verify(cms, document)                # every signer holds, or Refused
    [one.certificate.full_name for one in found.signers]
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from common.errors import N_, Refused
from common.pki import der
from common.pki.algorithms import DIGEST_NAMES, SHA_256, digest, digest_algorithm, refused_as, signature_algorithm
from common.pki.certificates import Certificate
from common.pki.der import WHITE_SPACE
from common.pki.keystore import Key
from common.pki.signed_data import (
    BROKEN,
    CMS_BYTES_MAX,
    CONTENT_TYPE,
    DATA,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    TIMESTAMP,
    SignedData,
    Signer,
    parts_of,
    take_apart,
)

_ARMOUR = re.compile(rb"-----BEGIN (?:CMS|PKCS7)-----([A-Za-z0-9+/=\s]+)-----END (?:CMS|PKCS7)-----")

TAMPERED = N_("The signature does not fit: the document or the signature has been changed after signing.")
DETACHED = N_("This signature lies apart from its document. Give the document too.")


def sign_detached(data: bytes, key: Key, *, at_ms: int) -> bytes:
    """Return a detached CMS in DER over ``data``, by ``key``'s own algorithm, that claims the time ``at_ms``."""
    return sign_digest(digest(key.certificate.digest, data), key, at_ms=at_ms)


def sign_attached(data: bytes, key: Key, *, at_ms: int | None, content_type: str = DATA) -> bytes:
    """Return a CMS in DER with ``data`` inside, of the type ``content_type``."""
    signer = _signer_info(digest(key.certificate.digest, data), key, at_ms, content_type)
    content = der.sequence(der.oid(content_type), der.explicit(0, der.octets(data)))
    return _signed_data(
        1 if content_type == DATA else 3, [digest_algorithm(key.certificate.digest)], content, [key.certificate.der], [signer]
    )


def sign_digest(message_digest: bytes, key: Key, *, at_ms: int | None) -> bytes:
    """Return a detached CMS over content whose digest (by the certificate's own digest) is known.

    Without ``at_ms`` no time is claimed inside: in a PDF the signed dictionary tells it (ETSI EN 319 142-1, 6.3).
    """
    signer = _signer_info(message_digest, key, at_ms, DATA)
    return _signed_data(1, [digest_algorithm(key.certificate.digest)], der.sequence(der.oid(DATA)), [key.certificate.der], [signer])


def add_signer(cms: bytes, data: bytes | None, key: Key, *, at_ms: int) -> bytes:
    """Return ``cms`` with one more signer beside those it has (RFC 5652, 5.1); theirs keep every byte.

    ``data`` is the document where it is not inside. Raises as ``verify``: nobody signs beside a signature that does not hold.
    """
    cms = unarmoured(cms)
    found = verify(cms, data)
    content = content_of(found, data)
    with refused_as("cms.broken", BROKEN):
        parts = parts_of(cms)
        signer = _signer_info(digest(key.certificate.digest, content), key, at_ms, DATA)
        algorithms = {*(one.raw for one in parts[1]), digest_algorithm(key.certificate.digest)}
        signers = [*(one.raw for one in parts.parts[-1]), signer]
        others = [part.raw for part in parts.parts[3:-1] if part.tag != 0xA0]  # lists of revocations inside
        certificates = {*found.certificates, key.certificate.der}
        return _signed_data(parts[0].integer(), algorithms, parts[2].raw, certificates, signers, others)


def add_timestamp(cms: bytes, token: bytes, *, signer: int = 0) -> bytes:
    """Return ``cms`` with ``token`` as signature-time-stamp of one of its signers (ETSI EN 319 122-1, 5.3), the token unread.

    Raises Refused("cms.broken").
    """
    with refused_as("cms.broken", BROKEN):
        parts = parts_of(unarmoured(cms))
        signers = [one.raw for one in parts.parts[-1]]
        info = parts.parts[-1][signer]
        unsigned = [one.raw for part in info if part.tag == 0xA1 for one in part]
        unsigned.append(_attribute(TIMESTAMP, token))
        body = b"".join(part.raw for part in info if part.tag != 0xA1)
        signers[signer] = der.sequence(body, der.element(0xA1, b"".join(sorted(unsigned))))
        certificates = [one.raw for part in parts if part.tag == 0xA0 for one in part]
        others = [part.raw for part in parts.parts[3:-1] if part.tag != 0xA0]
        algorithms = [one.raw for one in parts[1]]
        return _signed_data(parts[0].integer(), algorithms, parts[2].raw, certificates, signers, others)


def _signer_info(message_digest: bytes, key: Key, at_ms: int | None, content_type: str) -> bytes:
    certificate = key.certificate
    attributes = [
        _attribute(CONTENT_TYPE, der.oid(content_type)),
        _attribute(MESSAGE_DIGEST, der.octets(message_digest)),
        _attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(der.sequence(der.octets(certificate.sha256))))),
    ]
    if at_ms is not None:
        attributes.append(_attribute(SIGNING_TIME, der.time(at_ms)))
    signed = der.set_of(attributes)
    return der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer_name, der.integer(certificate.serial)),
        digest_algorithm(certificate.digest),
        der.element(0xA0, der.read(signed).body),
        signature_algorithm(certificate.key),
        der.octets(key.sign(signed)),
    )


def _signed_data(
    version: int,
    algorithms: Iterable[bytes],
    content: bytes,
    certificates: Iterable[bytes],
    signers: Iterable[bytes],
    others: Iterable[bytes] = (),
) -> bytes:
    body = der.sequence(
        der.integer(version),
        der.set_of(algorithms),
        content,
        der.element(0xA0, b"".join(sorted(certificates))),
        *others,
        der.set_of(signers),
    )
    return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, body))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of([value]))


def unarmoured(data: bytes) -> bytes:
    """Return the CMS in ``data``, which may be DER, NCALayer's «BEGIN CMS» text or bare base64. Raises Refused("cms.broken")."""
    if data[:1] == b"\x30":
        return _without_terminator(data)
    with refused_as("cms.broken", BROKEN):
        if len(data) > 2 * CMS_BYTES_MAX:
            raise der.DerError("too large")
        found = _ARMOUR.search(data)
        text = (found.group(1) if found else data).translate(None, WHITE_SPACE)
        return _without_terminator(base64.b64decode(text, validate=True))


def _without_terminator(data: bytes) -> bytes:
    """Programs over the C interface of KalkanCrypt hand on the NUL that ends its string: one zero after the end is no part of it."""
    if data[-1:] != b"\0" or data[1:2] == b"\x80":
        return data
    with refused_as("cms.broken", BROKEN):
        end = der.contents(data, 0, len(data))[1]
        return data[:-1] if end == len(data) - 1 else data


def read(cms: bytes, *, content_type: str = DATA, others: Iterable[bytes] = ()) -> SignedData:
    """Return the parts of a CMS (DER, BER or text), none of them checked yet; ``others`` are certificates it may lack.

    Raises Refused("cms.broken"), Refused("cms.algorithm") or Refused("cms.certificate").
    """
    with refused_as("cms.broken", BROKEN):
        return take_apart(unarmoured(cms), content_type, others)


def verify(cms: bytes, data: bytes | None = None, *, content_type: str = DATA, others: Iterable[bytes] = ()) -> SignedData:
    """Return the parts of ``cms`` when every signer of it holds over the content inside, or over ``data``.

    Raises as ``read``, Refused("cms.tampered") (also when ``data`` is not the content inside), or Refused("cms.detached").
    """
    found = read(cms, content_type=content_type, others=others)
    content = content_of(found, data)
    digests = {name: digest(name, content) for name in {one.digest for one in found.signers if one.signed is not None}}
    for one in found.signers:
        _check(one, content, digests.get(one.digest), content_type)
    return found


def check(signer: Signer, content: bytes, *, content_type: str = DATA) -> None:
    """Return when this one signer holds over ``content``; raises as ``verify``."""
    _check(signer, content, digest(signer.digest, content) if signer.signed is not None else None, content_type)


def check_digest(signer: Signer, content_digest: bytes) -> None:
    """Return when this one signer's attributes hold and name ``content_digest`` (by ``signer.digest``); raises as ``verify``."""
    with refused_as("cms.broken", BROKEN):
        if not hmac.compare_digest(_check_attributes(signer, DATA), content_digest):
            raise Refused("cms.tampered", TAMPERED)


def only_signer(found: SignedData) -> Signer:
    """Return the one signer there is. Raises Refused("cms.broken") for several."""
    if len(found.signers) != 1:
        raise Refused("cms.broken", BROKEN)
    return found.signers[0]


def content_of(found: SignedData, data: bytes | None) -> bytes:
    """Return what was signed: the content inside, or ``data``. Raises Refused("cms.detached") or Refused("cms.tampered")."""
    content = found.content if found.content is not None else data
    if content is None:
        raise Refused("cms.detached", DETACHED)
    if data is not None and content != data:
        raise Refused("cms.tampered", TAMPERED)
    return content


def verify_detached(cms: bytes, data: bytes) -> Certificate:
    """Return the certificate of the one signer when ``cms`` is a good signature over ``data``.

    Raises as ``read``, Refused("cms.broken") also for several signers, or Refused("cms.tampered").
    """
    return only_signer(verify(cms, data)).certificate


def signer(cms: bytes) -> tuple[Certificate, str]:
    """Return the certificate inside and the name of the digest, of a signature not checked yet. Raises as ``verify_detached``."""
    found = only_signer(read(cms))
    return found.certificate, found.digest


def signed_attributes_signer(cms: bytes) -> tuple[Certificate, str, bytes, int | None]:
    """Return (certificate, digest name, digest of the content, claimed time) of a good signature, without the content.

    The caller holds the digest against the content when that arrives. Raises as ``verify_detached``; a signature without
    signed attributes cannot be checked so and is "cms.broken".
    """
    found = only_signer(read(cms))
    with refused_as("cms.broken", BROKEN):
        return found.certificate, found.digest, _check_attributes(found, DATA), found.claimed_ms


def _check(found: Signer, content: bytes, content_digest: bytes | None, content_type: str) -> None:
    with refused_as("cms.broken", BROKEN):
        if content_digest is None:
            if content_type != DATA:
                raise der.DerError("no signed attributes")  # RFC 5652, 5.3
            _check_signature(found, content)
        elif not hmac.compare_digest(_check_attributes(found, content_type), content_digest):
            raise Refused("cms.tampered", TAMPERED)


def _check_attributes(found: Signer, content_type: str) -> bytes:
    """Return the content's digest out of the signed attributes once the signature over them holds."""
    message_digest = found.message_digest
    if found.signed is None or message_digest is None or CONTENT_TYPE not in found.attributes:
        raise der.DerError("no signed attributes")
    _check_signed(found, found.signed)
    if found.attributes[CONTENT_TYPE].oid() != content_type or not _names_certificate(found):
        raise Refused("cms.tampered", TAMPERED)
    return message_digest


def _check_signed(found: Signer, signed: bytes) -> None:
    """Check the signature over the attributes as they came, as most sign them, or over their DER (RFC 5652, 5.4)."""
    try:
        _check_signature(found, signed)
    except Refused:
        exact = der.exact(der.read(signed))
        if exact == signed:
            raise
        _check_signature(found, exact)


def _check_signature(found: Signer, data: bytes) -> None:
    try:
        found.certificate.verify(found.signature, data, oid=found.signature_oid)
    except Refused as refused:
        if refused.code == "pki.digest_slow":
            raise  # nothing is wrong with it: this machine cannot tell
        raise Refused("cms.tampered", TAMPERED) from refused


def _names_certificate(found: Signer) -> bool:
    """Return whether signingCertificate and signingCertificateV2, where there are, name the certificate inside (RFC 5035)."""
    certificate = found.certificate
    if SIGNING_CERTIFICATE in found.attributes:
        first = found.attributes[SIGNING_CERTIFICATE][0][0]
        if not hmac.compare_digest(first[0].octets(), hashlib.sha1(certificate.der, usedforsecurity=False).digest()):
            return False
    if SIGNING_CERTIFICATE_V2 not in found.attributes:
        return True
    first = found.attributes[SIGNING_CERTIFICATE_V2][0][0]
    oid = first[0][0].oid() if first[0].tag == der.SEQUENCE else SHA_256
    expected = first[1 if first[0].tag == der.SEQUENCE else 0].octets()
    return oid in DIGEST_NAMES and hmac.compare_digest(expected, digest(DIGEST_NAMES[oid], certificate.der))
