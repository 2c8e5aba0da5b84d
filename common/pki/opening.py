"""Who signs: a person's key opened for one signature, or a signature that the person's own program has made elsewhere.

Use cases take a ``Signer`` and ask it for a signature; both ways lead through the same checks. A key is opened in memory and
never kept: the caller lets go of it before it answers. A signature given by the person's program (NCALayer) is checked over
the very bytes that were handed out, before anybody sees a certificate, and fits no other bytes.

What is checked is what a court relies on: the password, that the key belongs to its certificate, the chain to the
national roots, its dates, its right to sign, and the newest revocation list at hand, however old; how old is in the verdict.
"""

from dataclasses import dataclass
from typing import Protocol

from common.errors import N_, Conflict, Refused
from common.pki import cms
from common.pki.algorithms import digest
from common.pki.certificates import Certificate
from common.pki.keystore import P12_BYTES_MAX as P12_BYTES_MAX
from common.pki.keystore import Key, open_p12
from common.pki.trust import Trust, Verdict

PASSWORD_CHARS_MAX = 128

CHANGED = N_("What is to be signed has changed while you were signing. Read it again, then sign.")


class Signer(Protocol):
    """Somebody who signs now: whose certificate, what was found out about it, since when the signature is being made."""

    @property
    def certificate(self) -> Certificate:
        """The certificate, checked."""

    @property
    def verdict(self) -> Verdict:
        """What the trusted roots and the revocation list at hand say about it."""

    @property
    def at_ms(self) -> int:
        """The time that the signature claims."""

    @property
    def content(self) -> bytes:
        """The bytes that are signed already; empty where anything can be signed."""

    def sign(self, content: bytes, *, at_ms: int | None) -> bytes:
        """Return a detached CMS in DER over ``content``; with ``at_ms`` None a key claims no time inside (in a PDF).

        Raises Conflict("signing.changed") where the signature was made over other bytes.
        """


@dataclass(frozen=True, slots=True, repr=False)
class OpenedKey:
    """A key with what was found out about it at ``at_ms``; never printed, never stored."""

    key: Key
    verdict: Verdict
    at_ms: int

    @property
    def certificate(self) -> Certificate:
        return self.key.certificate

    @property
    def content(self) -> bytes:
        return b""

    def sign(self, content: bytes, *, at_ms: int | None) -> bytes:
        """As `Signer`."""
        return cms.sign_digest(digest(self.certificate.digest, content), self.key, at_ms=at_ms)


@dataclass(frozen=True, slots=True, repr=False)
class GivenSignature:
    """A signature that came from elsewhere, right over ``content``, asked for at ``at_ms``. Made by `take_signature` alone."""

    certificate: Certificate
    verdict: Verdict
    at_ms: int
    content: bytes
    signature: bytes

    def sign(self, content: bytes, *, at_ms: int | None) -> bytes:
        """As `Signer`; the time inside is what the person's program wrote."""
        if content != self.content:
            raise Conflict("signing.changed", CHANGED)
        return self.signature


def open_key(p12: bytes, password: str, trust: Trust, *, now_ms: int) -> OpenedKey:
    """Return the opened key; raises Refused("p12.…") or Refused("pki.…") with a sentence for its owner."""
    key = open_file(p12, password)
    trust.refresh()
    return OpenedKey(key, trust.check(key.certificate, at_ms=now_ms, now_ms=now_ms), now_ms)


def open_file(p12: bytes, password: str) -> Key:
    """Return the key of a file that a person gave, whether or not it is trusted; raises Refused("p12.…")."""
    if not p12 or len(p12) > P12_BYTES_MAX:
        raise Refused("p12.broken", N_("This is not a key file. Choose the file that ends in .p12."), field="key_file")
    if len(password) > PASSWORD_CHARS_MAX:
        raise Refused(
            "p12.password", N_("The password of the key is wrong. Check the keyboard language and try again."), field="key_password"
        )
    return open_p12(p12, password)


def take_signature(text: bytes, content: bytes, trust: Trust, *, asked_ms: int, now_ms: int) -> GivenSignature:
    """Return the signature in ``text`` (CMS as `cms.unarmoured` takes it) over ``content``, as good as an opened key.

    Raises Refused("cms.…") for one that is broken or over other bytes, Refused("pki.…") as `Trust.check`, at ``now_ms``.
    """
    signature = cms.unarmoured(text)
    certificate = cms.verify_detached(signature, content)
    trust.refresh()
    return GivenSignature(certificate, trust.check(certificate, at_ms=now_ms, now_ms=now_ms), asked_ms, content, signature)


def require_holder(certificate: Certificate, *, iin: str, bin: str) -> None:
    """Raise Refused("key.other_person") unless the certificate is of this person: the organisation's where ``bin`` is given."""
    if certificate.bin != bin or (not bin and certificate.iin != iin):
        raise Refused(
            "key.other_person", N_("This key belongs to somebody else. Choose the key of the person who signed in."), field="key_file"
        )
