"""Answers about one certificate (OCSP, RFC 6960): asked over the line, judged and kept at the centre, checked again by anybody.

An answer counts when it is about this certificate of this issuer, is signed by the issuer itself or by a responder whom the
issuer certified for it, and is not older than what was asked. The national responder gives no nextUpdate and returns the
nonce; its certificate carries an extension without a value, which is why nothing here needs that extension.

    request = Request.about(certificate, issuer)
    answer = check(post(request.encoded()), certificate, issuer, trust, now_ms=now_ms, nonce=request.nonce)
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from common.errors import N_, Refused
from common.pki import der
from common.pki.algorithms import SHA_256, refused_as
from common.pki.certificates import Certificate, read_certificate
from common.pki.profile import OCSP_SIGNING
from common.pki.trust import Trust

RESPONSE_BYTES_MAX = 64 * 1024
SINGLES_MAX = 64
NONCE_BYTES = 16
CLOCK_SKEW_MS = 5 * 60_000

_BASIC, _NONCE, _SHA_1 = "1.3.6.1.5.5.7.48.1.1", "1.3.6.1.5.5.7.48.1.2", "1.3.14.3.2.26"
_SUCCESSFUL = 0
_ENUMERATED, _GOOD, _REVOKED, _UNKNOWN = 10, 0x80, 0xA1, 0x82

BROKEN = N_("This is not a readable answer about a certificate (OCSP).")
REFUSED = N_("The certificate status service refused to answer (status %(status)d). It will be asked again.")
OTHER = N_("The certificate status service answered something else than was asked. It will be asked again.")
UNTRUSTED = N_("The answer about the certificate is not signed by a service that its issuer has appointed.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer says, as of ``this_update_ms``. Times in ms UTC; ``since_ms`` and ``reason`` of a revoked certificate only.

    "unknown" is also what the responder says in the form of a revocation since 1970 (RFC 6960, 2.2): it has never heard of
    the number, which at once after the issue of a certificate need not be anybody's fault.
    """

    status: Literal["good", "revoked", "unknown"]
    this_update_ms: int
    next_update_ms: int | None
    produced_ms: int
    since_ms: int | None
    reason: int
    responder: Certificate


@dataclass(frozen=True, slots=True)
class Request:
    """A question about one certificate: its CertID (RFC 6960, 4.1.1) and a nonce of ours."""

    certificate_id: bytes
    nonce: bytes

    @classmethod
    def about(cls, certificate: Certificate, issuer: Certificate) -> "Request":
        """Return the question about ``certificate``."""
        return cls(_certificate_id(certificate, issuer, SHA_256), secrets.token_bytes(NONCE_BYTES))

    def encoded(self) -> bytes:
        """Return the OCSPRequest in DER."""
        extension = der.sequence(der.oid(_NONCE), der.octets(der.octets(self.nonce)))
        asked = der.sequence(der.sequence(self.certificate_id))
        return der.sequence(der.sequence(asked, der.explicit(2, der.sequence(extension))))


@dataclass(frozen=True, slots=True)
class _Basic:
    """A BasicOCSPResponse taken apart."""

    signed: bytes
    responder: der.Node
    produced_ms: int
    singles: tuple[der.Node, ...]
    nonce: bytes | None
    oid: str
    signature: bytes
    certificates: tuple[der.Node, ...]


def check(data: bytes, certificate: Certificate, issuer: Certificate, trust: Trust, *, now_ms: int, nonce: bytes | None = None) -> Answer:
    """Return what an OCSPResponse says of ``certificate``, of ``issuer``; with ``nonce`` it must be the answer to that question.

    Raises Refused: "ocsp.broken", "ocsp.refused", "ocsp.other" (not about this certificate, another nonce, a time that
    cannot be), "ocsp.untrusted".
    """
    with refused_as("ocsp.broken", BROKEN):
        basic = _read(data)
        if nonce is not None and (basic.nonce is None or not hmac.compare_digest(basic.nonce, nonce)):
            raise Refused("ocsp.other", OTHER)
        responder = _responder(basic, issuer, trust, now_ms)
        single = next((one for one in basic.singles if _is_about(one[0], certificate, issuer)), None)
        if single is None or basic.produced_ms > now_ms + CLOCK_SKEW_MS:
            raise Refused("ocsp.other", OTHER)
        return _answer(single, basic, responder)


def _read(data: bytes) -> _Basic:
    if len(data) > RESPONSE_BYTES_MAX:
        raise der.DerError("too large")
    whole = der.read(data).expect(der.SEQUENCE)
    (status,) = whole[0].expect(_ENUMERATED).body  # one byte, or ValueError
    if status != _SUCCESSFUL:
        raise Refused("ocsp.refused", REFUSED, status=status)
    kind, content = whole[1].expect(0xA0)[0].expect(der.SEQUENCE).parts
    if kind.oid() != _BASIC:
        raise der.DerError("another kind of response")
    basic = der.read(content.octets()).expect(der.SEQUENCE)
    said = basic[0].expect(der.SEQUENCE)
    fields = said.parts[1:] if said[0].tag == 0xA0 else said.parts
    if len(fields) < 3 or len(fields[2].parts) > SINGLES_MAX:
        raise der.DerError("not one answer")
    return _Basic(
        signed=said.raw,
        responder=fields[0],
        produced_ms=fields[1].expect(der.GENERALIZED_TIME).time_ms(),
        singles=fields[2].expect(der.SEQUENCE).parts,
        nonce=_nonce(fields[3:]),
        oid=basic[1].algorithm(),
        signature=basic[2].bits(),
        certificates=tuple(one for part in basic.parts[3:] if part.tag == 0xA0 for one in part[0].expect(der.SEQUENCE)),
    )


def _nonce(rest: tuple[der.Node, ...]) -> bytes | None:
    """Return the nonce that came back: in an OCTET STRING of its own (RFC 8954), or as it is (before it)."""
    for extension in (one for part in rest if part.tag == 0xA1 for one in part[0]):
        if extension[0].oid() == _NONCE:
            value = extension[-1].octets()
            return der.read(value).octets() if value[:1] == b"\x04" and len(value) == NONCE_BYTES + 2 else value
    return None


def _responder(basic: _Basic, issuer: Certificate, trust: Trust, now_ms: int) -> Certificate:
    """Return who signed: the issuer, or a responder it certified (RFC 6960, 4.2.2.2). Raises Refused("ocsp.untrusted")."""
    for candidate in (issuer, *_delegated(basic, issuer)):
        if not _is_named(basic.responder, candidate):
            continue
        try:
            candidate.verify(basic.signature, basic.signed, oid=basic.oid)
            if candidate is not issuer:
                trust.check(candidate, at_ms=basic.produced_ms, now_ms=now_ms, purpose=OCSP_SIGNING)
            return candidate
        except Refused as refused:
            raise Refused("ocsp.untrusted", UNTRUSTED) from refused
    raise Refused("ocsp.untrusted", UNTRUSTED)


def _delegated(basic: _Basic, issuer: Certificate) -> Iterator[Certificate]:
    for one in basic.certificates:
        try:
            certificate = read_certificate(one.raw)
        except Refused:
            continue  # of a kind we cannot read: it is not whom we look for
        if certificate.signed_by(issuer) and certificate.issuer_name == issuer.subject_name:
            yield certificate


def _is_named(responder: der.Node, certificate: Certificate) -> bool:
    if responder.tag == 0xA1:
        return responder[0].raw == certificate.subject_name
    return responder.tag == 0xA2 and hmac.compare_digest(responder[0].octets(), _key_hash(certificate, _SHA_1))


def _is_about(certificate_id: der.Node, certificate: Certificate, issuer: Certificate) -> bool:
    oid = certificate_id[0].algorithm()
    if oid not in (SHA_256, _SHA_1) or certificate_id[3].integer() != certificate.serial:
        return False
    name = hmac.compare_digest(certificate_id[1].octets(), _hashed(oid, issuer.subject_name))
    return name and hmac.compare_digest(certificate_id[2].octets(), _key_hash(issuer, oid))


def _certificate_id(certificate: Certificate, issuer: Certificate, oid: str) -> bytes:
    hashes = der.octets(_hashed(oid, issuer.subject_name)) + der.octets(_key_hash(issuer, oid))
    return der.sequence(der.algorithm(oid, der.null()), hashes, der.integer(certificate.serial))


def _hashed(oid: str, data: bytes) -> bytes:
    """Return the hash by which a CertID names: it only says which certificate is meant."""
    return hashlib.sha256(data).digest() if oid == SHA_256 else hashlib.sha1(data, usedforsecurity=False).digest()


def _key_hash(certificate: Certificate, oid: str) -> bytes:
    return _hashed(oid, der.read(certificate.key.spki)[1].bits())


def _answer(single: der.Node, basic: _Basic, responder: Certificate) -> Answer:
    status, this_update = single[1], single[2].expect(der.GENERALIZED_TIME).time_ms()
    following = [part[0].time_ms() for part in single.parts[3:] if part.tag == 0xA0]
    since, reason, word = None, 0, "unknown"
    if status.tag == _GOOD:
        word = "good"
    elif status.tag == _REVOKED:
        since = status[0].expect(der.GENERALIZED_TIME).time_ms()
        reason = int.from_bytes(status[1][0].expect(_ENUMERATED).body, "big") if len(status.parts) > 1 else 0
        word = "revoked" if since > 0 else "unknown"
    elif status.tag != _UNKNOWN:
        raise der.DerError("another status")
    return Answer(
        status=word,  # type: ignore[arg-type]  # one of the three words above
        this_update_ms=this_update,
        next_update_ms=following[0] if following else None,
        produced_ms=basic.produced_ms,
        since_ms=since if word == "revoked" else None,
        reason=reason if word == "revoked" else 0,
        responder=responder,
    )
