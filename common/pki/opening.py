"""A person's key, opened for one signature or one sign-in, and never kept: the caller lets go of it before it answers.

What is checked is what a court relies on: the password, that the key belongs to its certificate, the chain to the
national roots, its dates, its right to sign, and the newest revocation list at hand, however old; how old is in the verdict.
"""

from dataclasses import dataclass

from common.errors import N_, Refused
from common.pki.certificates import Certificate
from common.pki.keystore import P12_BYTES_MAX as P12_BYTES_MAX
from common.pki.keystore import Key, open_p12
from common.pki.trust import Trust, Verdict

PASSWORD_CHARS_MAX = 128


@dataclass(frozen=True, slots=True, repr=False)
class OpenedKey:
    """A key with what was found out about it; never printed, never stored."""

    key: Key
    verdict: Verdict

    @property
    def certificate(self) -> Certificate:
        return self.key.certificate


def open_key(p12: bytes, password: str, trust: Trust, *, now_ms: int) -> OpenedKey:
    """Return the opened key; raises Refused("p12.…") or Refused("pki.…") with a sentence for its owner."""
    if not p12 or len(p12) > P12_BYTES_MAX:
        raise Refused("p12.broken", N_("This is not a key file. Choose the file that ends in .p12."), field="key_file")
    if len(password) > PASSWORD_CHARS_MAX:
        raise Refused(
            "p12.password", N_("The password of the key is wrong. Check the keyboard language and try again."), field="key_password"
        )
    key = open_p12(p12, password)
    trust.refresh()
    return OpenedKey(key, trust.check(key.certificate, at_ms=now_ms, now_ms=now_ms))


def require_holder(certificate: Certificate, *, iin: str, bin: str) -> None:
    """Raise Refused("key.other_person") unless the certificate is of this person: the organisation's where ``bin`` is given."""
    if certificate.bin != bin or (not bin and certificate.iin != iin):
        raise Refused(
            "key.other_person", N_("This key belongs to somebody else. Choose the key of the person who signed in."), field="key_file"
        )
