"""Whom this machine trusts: root certificates, the authorities under them, their newest revocation lists.

``check`` answers offline: is this certificate, at the moment of signing, of a chain that ends in a trusted root, in force,
meant for signing, and not on the list of its issuer. How fresh that list is, the verdict says: a list past its term (the
national one lives 27 hours) or no list at all makes it ``stale``, to be checked again when the line is back.

In the folder: ``anchors/`` and ``authorities/`` hold certificates, ``crl/`` the lists of each issuer (`crl_store`). A list's
signature is checked once, at import; its file carries the SHA-256 of what was checked, and loading holds the bytes against that.

    trust = Trust.load(folder)
    trust.add(root); trust.add(issuing); trust.import_crl(crl, now_ms)
    trust.check(key.certificate, at_ms=now_ms, now_ms=now_ms).stale
"""

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from common.errors import N_, Refused
from common.files import make_folder, write_durable
from common.pki.certificates import Certificate, read_certificate
from common.pki.crl import Crl, CrlInfo, Revocation
from common.pki.crl_index import CrlIndex, build
from common.pki.crl_store import CrlFolder, Held, Lists, corrupt, laid

CHAIN_MAX = 6  # the national chain has three links
CLOCK_SKEW_MS = 24 * 3_600_000  # a list from further ahead means that this machine's clock is wrong

UNTRUSTED = N_("This certificate was not issued by a certification centre that is trusted here.")
EXPIRED = N_("The certificate is no longer in force. Get a new key from the certification centre.")
NOT_YET = N_("The certificate is not in force yet. If it is new, ask the staff to check the clock of this machine.")
REVOKED = N_("The certificate has been revoked. Get a new key from the certification centre.")
ON_HOLD = N_("The certificate has been put on hold. Ask the certification centre to release it, or get a new key.")
NOT_FOR_SIGNING = N_("This key is not meant for signing. Choose the key for signing.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An accepted certificate: its chain up to the root, and how old the list is that it was held against.

    ``revoked_later_ms``: since when it is revoked, after the moment that was asked about; None when it is not.
    """

    chain: tuple[Certificate, ...]
    crl_this_update_ms: int | None
    crl_next_update_ms: int | None
    stale: bool
    revoked_later_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Store:
    """What is trusted at one moment; replaced whole, so that a check in another thread sees one state."""

    anchors: tuple[Certificate, ...] = ()
    authorities: tuple[Certificate, ...] = ()
    crls: Lists = field(default_factory=dict)

    def crl_of(self, issuer: Certificate) -> Held | None:
        """Return the lists of ``issuer``, if there are any."""
        return self.crls.get(issuer_key(issuer))


class Trust:
    """The trusted certificates and lists of one machine."""

    def __init__(self, folder: Path | None = None) -> None:
        """Start empty; with a ``folder`` what is added is kept there."""
        self._folder = folder
        self._lists = CrlFolder(folder / "crl") if folder is not None else None
        self._store = _Store()
        self._files: frozenset[str] = frozenset()

    @classmethod
    def load(cls, folder: Path) -> "Trust":
        """Return what ``folder`` holds, made when missing. Raises Corrupt("trust.file") when a file is not what it was."""
        trust = cls(folder)
        for part in ("anchors", "authorities", "crl"):
            make_folder(folder / part)
        trust.refresh()
        return trust

    @classmethod
    def of(cls, certificates: Iterable[bytes]) -> "Trust":
        """Return a trust of these certificates alone, kept nowhere."""
        trust = cls()
        for certificate in certificates:
            trust.add(certificate)
        return trust

    def apart(self) -> "Trust":
        """Return a trust of what this one holds now, kept nowhere: what is added to it stays in it."""
        other = Trust()
        other._store = self._store
        return other

    def anchors(self) -> tuple[Certificate, ...]:
        """Return the trusted roots."""
        return self._store.anchors

    def authorities(self) -> tuple[Certificate, ...]:
        """Return the intermediate authorities, each trusted only as far as a root signed it."""
        return self._store.authorities

    def crls(self) -> tuple[CrlInfo, ...]:
        """Return the revocation lists at hand."""
        return tuple(held.info for held in self._store.crls.values())

    def lists(self) -> Lists:
        """Return the revocation lists at hand by issuer (`issuer_key`)."""
        return self._store.crls

    def list_file(self, sha256: bytes) -> bytes | None:
        """Return a list at hand as the certification centre signed it, or None; only where there is a folder."""
        return self._lists.read(sha256) if self._lists is not None else None

    def refresh(self) -> bool:
        """Read the folder again when another process has changed it; return whether it had. Raises Corrupt("trust.file")."""
        if self._folder is None or self._lists is None:
            return False
        files = sorted(path for part in ("anchors", "authorities") for path in (self._folder / part).glob("[!.]*"))
        names = frozenset(map(str, files)) | self._lists.names()
        if names == self._files:
            return False
        anchors = tuple(_load_certificate(path) for path in files if path.parent.name == "anchors")
        authorities = tuple(_load_certificate(path) for path in files if path.parent.name == "authorities")
        self._store = _Store(anchors, authorities, self._lists.load())
        self._files = names
        return True

    def add(self, data: bytes) -> Certificate:
        """Trust a certification centre: a self-signed certificate as a root, another one as an authority under a root.

        Returns what was added. Raises Refused("pki.certificate_broken"), or Refused("pki.not_an_authority") for the
        certificate of a person or a root whose signature is wrong.
        """
        certificate = read_certificate(data)
        root = certificate.subject_name == certificate.issuer_name
        if not (certificate.ca and certificate.may_sign_certificates) or (root and not certificate.signed_by(certificate)):
            raise Refused("pki.not_an_authority", N_("This is not the certificate of a certification centre."))
        if self._folder is not None:
            path = self._folder / ("anchors" if root else "authorities") / f"{certificate.sha256.hex()}.cer"
            write_durable(path, certificate.der)
            self._files |= {str(path)}
        store = self._store
        if root:
            self._store = replace(store, anchors=_with(store.anchors, certificate))
        else:
            self._store = replace(store, authorities=_with(store.authorities, certificate))
        return certificate

    def import_crl(self, data: bytes, now_ms: int) -> CrlInfo:
        """Check a revocation list, full or delta, and put it in the place of the one we have; return what is held now.

        Raises Refused: "crl.broken", "crl.form", "crl.unknown_issuer", "crl.signature", "crl.future" (this machine's clock
        is behind), "crl.older" (we have a newer one), "crl.delta_base" (the full list of a delta list is not here).
        """
        crl = Crl(data)
        key = issuer_key(self._crl_issuer(crl))
        if crl.info.this_update_ms > now_ms + CLOCK_SKEW_MS:
            raise Refused("crl.future", N_("This revocation list is from the future: check the clock of this machine first."))
        present = self._store.crls.get(key)
        if present is not None and crl.info.sha256 in (present.base.info.sha256, present.delta.info.sha256 if present.delta else b""):
            return present.info
        index = build(crl)
        held = laid(present, CrlIndex(index))
        if self._lists is not None:
            kept = self._lists.keep(key, crl, index)
            held = replace(held, base=kept) if crl.info.base_number is None else replace(held, delta=kept)
            self._lists.drop_others(key, held)
            self._files = frozenset(name for name in self._files if "/" in name) | self._lists.names()
        self._store = replace(self._store, crls={**self._store.crls, key: held})
        return held.info

    def _crl_issuer(self, crl: Crl) -> Certificate:
        known = [one for one in (*self._store.anchors, *self._store.authorities) if one.subject_name == crl.issuer_name]
        if not known:
            raise Refused("crl.unknown_issuer", N_("This revocation list is of a certification centre that is not trusted here."))
        for issuer in known:
            if crl.signed_by(issuer):
                return issuer
        raise Refused("crl.signature", N_("The signature of this revocation list is wrong. Download it again."))

    def chain(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Return the chain from ``certificate`` to a root, whatever its dates; raises Refused("pki.untrusted")."""
        chain = _chain(certificate, self._store)
        if chain is None:
            raise Refused("pki.untrusted", UNTRUSTED)
        return chain

    def check(self, certificate: Certificate, *, at_ms: int, now_ms: int, purpose: str = "") -> Verdict:
        """Return the verdict on a certificate that signed at ``at_ms``; ``now_ms`` is for the age of the list.

        Of a person's key is asked that it is meant for signing; with ``purpose`` that it is meant for that (an extended key
        usage: those of timestamping and OCSP services). Raises Refused: "pki.untrusted", "pki.expired", "pki.not_yet_valid",
        "pki.revoked" (with ``since``, milliseconds, and ``reason``), "pki.not_for_signing". RFC 5280, 6.
        """
        store = self._store
        if not (purpose in certificate.purposes if purpose else certificate.may_sign):
            raise Refused("pki.not_for_signing", NOT_FOR_SIGNING)
        chain = _chain(certificate, store)
        if chain is None:
            raise Refused("pki.untrusted", UNTRUSTED)
        for link in chain:
            if at_ms < link.not_before_ms:
                raise Refused("pki.not_yet_valid", NOT_YET)
            if at_ms >= link.not_after_ms + 1000:  # the last second counts
                raise Refused("pki.expired", EXPIRED)
        for link, issuer in zip(chain, chain[1:], strict=False):
            crl = store.crl_of(issuer)
            found = crl.find(link.serial) if crl else None
            if found is not None and found.since_ms <= at_ms:
                raise Refused("pki.revoked", ON_HOLD if found.on_hold else REVOKED, since=found.since_ms, reason=found.reason)
        crl = store.crl_of(chain[1])
        if crl is None:
            return Verdict(chain, None, None, stale=True)
        info, later = crl.info, crl.find(certificate.serial)
        stale = now_ms > info.next_update_ms
        return Verdict(chain, info.this_update_ms, info.next_update_ms, stale, later.since_ms if later else None)

    def revocation(self, certificate: Certificate) -> tuple[CrlInfo, Revocation | None] | None:
        """Return the list of the certificate's issuer and what it says, or None where there is none or no chain."""
        chain = _chain(certificate, self._store)
        held = self._store.crl_of(chain[1]) if chain is not None and len(chain) > 1 else None
        return (held.info, held.find(certificate.serial)) if held is not None else None


def _with(certificates: tuple[Certificate, ...], one: Certificate) -> tuple[Certificate, ...]:
    return (*(other for other in certificates if other.sha256 != one.sha256), one)


def issuer_key(issuer: Certificate) -> bytes:
    """Return what a list belongs to: a name and a key, whatever certificate carries them."""
    return hashlib.sha256(issuer.subject_name + issuer.key.spki).digest()[:16]


def _chain(leaf: Certificate, store: _Store) -> tuple[Certificate, ...] | None:
    """Return the chain from ``leaf`` to a root, or None. Roots are tried before authorities."""
    if leaf.unknown_critical:
        return None
    return _climb((leaf,), store)


def _climb(chain: tuple[Certificate, ...], store: _Store) -> tuple[Certificate, ...] | None:
    below = len(chain) - 1  # authorities between the next one and the leaf
    for issuer in store.anchors:
        if _may_issue(issuer, chain[-1], below):
            return (*chain, issuer)
    if len(chain) >= CHAIN_MAX - 1:
        return None
    for issuer in store.authorities:
        if issuer not in chain and _may_issue(issuer, chain[-1], below):
            found = _climb((*chain, issuer), store)
            if found:
                return found
    return None


def _may_issue(issuer: Certificate, certificate: Certificate, below: int) -> bool:
    """Return whether ``issuer`` signed ``certificate`` and may have authorities below it that deep (RFC 5280, 6.1.4)."""
    if issuer.subject_name != certificate.issuer_name or not (issuer.ca and issuer.may_sign_certificates) or issuer.unknown_critical:
        return False
    if issuer.path_length is not None and below > issuer.path_length:
        return False
    if certificate.aki and issuer.ski and certificate.aki != issuer.ski:
        return False
    return _signed(certificate, issuer)


@functools.lru_cache(maxsize=1024)  # a court sees the same people again, and every one of them under the same authority
def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    return certificate.signed_by(issuer)


def _load_certificate(path: Path) -> Certificate:
    try:
        return read_certificate(path.read_bytes())
    except (Refused, OSError) as error:
        raise corrupt(path) from error
