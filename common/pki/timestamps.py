"""Timestamps (RFC 3161): what the national service (TSA) says existed when, over the value of a signature (CAdES-T).

``Request`` says what to send, ``read_response`` takes the token out of the answer, ``check`` judges a token: it covers
exactly this signature, its service signed it, and at that moment the service's certificate was in force, of a trusted chain,
meant for timestamps and not revoked. Serial numbers and nonces of the national service may be negative.

    request = Request.over(signature)
    token = request.read_response(post(request.encoded()))
    check(token, signature, trust, now_ms=now_ms).at_ms
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from common.errors import N_, Refused
from common.pki import cms, der
from common.pki.algorithms import DIGEST_NAMES, digest, digest_algorithm, refused_as
from common.pki.certificates import Certificate
from common.pki.profile import TIME_STAMPING
from common.pki.signed_data import TST_INFO, SignedData, parts_of
from common.pki.trust import Trust, Verdict

POLICY_GOST_2015, POLICY_RSA = "1.2.398.3.3.2.6.4", "1.2.398.3.3.2.6.2"
"""The national policies of today; .1 (GOST 2004) is refused by the service since mid-2025."""
RESPONSE_BYTES_MAX = 64 * 1024
NONCE_BYTES = 8
GRANTED, GRANTED_WITH_MODS = 0, 1

BROKEN = N_("This is not a readable timestamp.")
REFUSED = N_("The timestamping service refused to give a timestamp (status %(status)d). It will be asked again.")
OTHER = N_("The timestamping service answered something else than was asked. It will be asked again.")
TAMPERED = N_("The timestamp is of another signature, or it has been changed.")


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a token says: ``at_ms`` (ms UTC) under ``policy``, signed by the service's ``certificate``; ``nonce`` as it came back."""

    at_ms: int
    policy: str
    serial: int
    nonce: int | None
    digest: str
    imprint: bytes
    certificate: Certificate

    def covers(self, signature: bytes) -> bool:
        """Return whether the token is over this value of a signature."""
        return hmac.compare_digest(self.imprint, digest(self.digest, signature))


@dataclass(frozen=True, slots=True)
class Request:
    """A question to the service: the digest of what is to be stamped, under which policy, and a nonce of ours."""

    imprint: bytes
    digest: str
    policy: str
    nonce: int

    @classmethod
    def over(cls, signature: bytes, *, policy: str = POLICY_GOST_2015) -> "Request":
        """Return the question for the value of a signature; the digest goes with the policy."""
        name = "streebog512" if policy == POLICY_GOST_2015 else "sha256"
        return cls(digest(name, signature), name, policy, int.from_bytes(secrets.token_bytes(NONCE_BYTES), "big") >> 1)

    def encoded(self) -> bytes:
        """Return the TimeStampReq (RFC 3161, 2.4.1); the service's certificate is asked for."""
        imprint = der.sequence(digest_algorithm(self.digest), der.octets(self.imprint))
        return der.sequence(der.integer(1), imprint, der.oid(self.policy), der.integer(self.nonce), der.boolean(True))

    def read_response(self, data: bytes) -> bytes:
        """Return the token in an answer to this question (RFC 3161, 2.4.2).

        Raises Refused: "tsp.broken", "tsp.refused", or "tsp.other" where imprint, policy or nonce are not those asked for.
        """
        with refused_as("tsp.broken", BROKEN):
            if len(data) > RESPONSE_BYTES_MAX:
                raise der.DerError("too large")
            whole = der.read(data).expect(der.SEQUENCE)
            status = whole[0][0].integer()
            if status not in (GRANTED, GRANTED_WITH_MODS):
                raise Refused("tsp.refused", REFUSED, status=status)
            token = whole[1].raw
            found = read(token)
        if (found.imprint, found.digest, found.policy, found.nonce) != (self.imprint, self.digest, self.policy, self.nonce):
            raise Refused("tsp.other", OTHER)
        return token


def token_in(data: bytes) -> bytes:
    """Return the token in a file: the file itself, or the service's whole answer (RFC 3161, 2.4.2). Raises Refused("tsp.broken")."""
    with refused_as("tsp.broken", BROKEN):
        if len(data) > RESPONSE_BYTES_MAX:
            raise der.DerError("too large")
        whole = der.read(data).expect(der.SEQUENCE)
        return whole[1].raw if whole[0].tag == der.SEQUENCE else data


def said(token: bytes) -> Timestamp:
    """Return what a token says, its signature unchecked. Raises Refused("tsp.broken")."""
    return _timestamp(token, cms.read)


def read(token: bytes) -> Timestamp:
    """Return what a token says once its own signature holds. Raises Refused("tsp.broken") or Refused("tsp.tampered")."""
    return _timestamp(token, cms.verify)


def _timestamp(token: bytes, door: Callable[..., SignedData]) -> Timestamp:
    try:
        found = door(token, content_type=TST_INFO)
    except Refused as refused:
        code, sentence = ("tsp.tampered", TAMPERED) if refused.code == "cms.tampered" else ("tsp.broken", BROKEN)
        raise Refused(code, sentence) from refused
    with refused_as("tsp.broken", BROKEN):
        if len(found.signers) != 1 or found.content is None or parts_of(token)[0].integer() != 3:
            raise der.DerError("not one signer, or another version")
        return _info(der.read(found.content).expect(der.SEQUENCE), found.signers[0].certificate)


def _info(info: der.Node, certificate: Certificate) -> Timestamp:
    """Read TSTInfo (RFC 3161, 2.4.2). Raises DerError."""
    name = DIGEST_NAMES.get(info[2][0].algorithm())
    if info[0].integer() != 1 or name is None:
        raise der.DerError("another version, or a digest out of use")
    if any(part.tag == 0xA1 and any(one[1].tag == der.BOOLEAN for one in part) for part in info.parts[5:]):
        raise der.DerError("an extension that has to be understood")
    nonces = [part.integer() for part in info.parts[5:] if part.tag == der.INTEGER]
    return Timestamp(
        at_ms=_moment(info[4].expect(der.GENERALIZED_TIME)),
        policy=info[1].oid(),
        serial=info[3].integer(),
        nonce=nonces[0] if nonces else None,
        digest=name,
        imprint=info[2][1].octets(),
        certificate=certificate,
    )


def _moment(node: der.Node) -> int:
    """Return a GeneralizedTime that may have fractions of a second (RFC 3161, 2.4.2: genTime), in milliseconds UTC."""
    whole, _, fraction = node.body.removesuffix(b"Z").partition(b".")
    if not node.body.endswith(b"Z") or not (whole + fraction).isdigit() or len(fraction) > 9:
        raise der.DerError("expected a time")
    seconds = int(datetime.strptime(whole.decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    return seconds * 1000 + int(fraction.ljust(3, b"0")[:3] or 0)


def covers(token: bytes, signature: bytes) -> Timestamp:
    """Return what a token says that is over ``signature``; trust is not asked. Raises as ``read``."""
    found = read(token)
    if not found.covers(signature):
        raise Refused("tsp.tampered", TAMPERED)
    return found


def check(token: bytes, signature: bytes, trust: Trust, *, now_ms: int) -> tuple[Timestamp, Verdict]:
    """Return what a token over ``signature`` says, and the verdict on its service as of that moment.

    Raises Refused: "tsp.broken", "tsp.tampered", or as ``Trust.check``.
    """
    found = covers(token, signature)
    return found, trust.check(found.certificate, at_ms=found.at_ms, now_ms=now_ms, purpose=TIME_STAMPING)
