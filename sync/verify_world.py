"""What a check may lean on, and the one way in which a person's signature is judged, whatever document it stands in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from common.db import Database, fetch, has_table
from common.errors import N_, Refused
from common.pki import timestamps
from common.pki.certificates import Certificate
from common.pki.signed_data import Signer
from common.pki.trust import Trust, Verdict
from sync import directory, lineage, log
from sync.bounds import bounds_of
from sync.identity import NodeCertificate, Pin
from sync.lineage import Log
from sync.report import SECOND_MS, Finding, KnownBy, Report, Revocation, Signed


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a certificate without a list: as of when, and since when it was revoked, in ms UTC.

    ``answered``: by the certification centre's own answer (OCSP); else by the word of the machine that made the container.
    """

    list_ms: int
    since_ms: int | None
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a check may lean on.

    ``leaf`` is the entry a bare proof should be about, ``at_ms`` the moment as of which certificates are judged (else what a
    time stamp or the signer says), ``content`` what a detached signature is over. What came with the file itself: ``before_ms``,
    when all of it is proven to have been there, and ``seen``, what is known of certificates (by their SHA-256) without a list.
    """

    database: Database
    pin: Pin | None
    trust: Trust | None
    now_ms: int
    leaf: bytes | None = None
    at_ms: int | None = None
    content: bytes | None = None
    before_ms: int | None = None
    seen: Mapping[bytes, Seen] = field(default_factory=lambda: MappingProxyType({}))

    def register(self) -> Pin:
        """Return the pin; raises Refused("verify.pin") where no register is known."""
        if self.pin is None:
            raise Refused(
                "verify.pin", N_("No register is known here, so papers of machines cannot be checked. Check it at a court's machine.")
            )
        return self.pin

    def logs(self) -> list[Log]:
        """Return every log of the register that is known here, the newest first; raises Refused("verify.pin")."""
        return lineage.logs(self.database, self.register())

    def certificate_of(self, key_id: bytes) -> NodeCertificate:
        """Return the certificate that a message names; raises Refused("node.unknown" or "verify.pin")."""
        return directory.certificate_of(self.database, key_id, self.register())

    def interval_of(self, leaf: bytes) -> tuple[int | None, int | None]:
        """Return (not earlier, not later), in ms UTC, than which the entry ``leaf`` came to be, as far as the register's heads tell."""
        bounds = bounds_of(self.database, leaf)
        return bounds.after_ms, bounds.before_ms

    def known_root(self, size: int) -> bytes | None:
        """Return the root that this machine knows of the register's first ``size`` entries.

        Raises Refused("register.rolled_back") at the centre when its log is shorter than that.
        """
        if has_table(self.database, "tile"):  # the centre: it has the whole log
            if size > log.size(self.database):
                sentence = N_("The register has signed more entries than it holds now: it was set back to an earlier state.")
                raise Refused("register.rolled_back", sentence)
            return log.root(self.database, size)
        rows = fetch(self.database, "SELECT root FROM sync WHERE size = ?", (size,)) if has_table(self.database, "sync") else []
        return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature whose cryptography holds: who, when, and what it covers."""

    certificate: Certificate
    digest: str
    level: str
    claimed_ms: int | None
    stamped_ms: int | None = None
    after_ms: int | None = None
    before_ms: int | None = None
    witnessed_for: str = ""
    scope: tuple[Finding, ...] = ()


def stamp_of(world: World, signer: Signer, report: Report) -> int | None:
    """Return the earliest moment (ms UTC) that a good time stamp beside the signature proves, and say what is wrong with others."""
    moments: list[int] = []
    if world.trust is None or not world.trust.anchors():
        return None
    for token in signer.timestamps:
        try:
            stamp, verdict = timestamps.check(token, signer.signature, world.trust, now_ms=world.now_ms)
        except Refused as error:
            if error.code.startswith("tsp."):
                report.refused(error)
            else:
                report.warn(N_("There is a time stamp, but the service that gave it is not to be relied on here."))
            continue
        report.ok(N_("A time stamp of the national service proves that the signature was there at %(stamped_ms)s."), stamped_ms=stamp.at_ms)
        say_service(verdict, report)
        moments.append(stamp.at_ms)
    return min(moments, default=None)


def say_service(verdict: Verdict, report: Report) -> None:
    """Say where nobody here knows whether the service that gave a time stamp has been revoked."""
    if verdict.stale:
        report.warn(N_("Whether the time stamp's service was revoked is not known here: there is no list of its issuer in term."))


def judge(world: World, signature: Signature, report: Report) -> None:
    """Say whether the signer's certificate is to be relied on, and add the signature to the report.

    RFC 5280, 6 as of the moment of signing; a moment that only the signer claims is no proof (ETSI EN 319 102-1, 5.2.6).
    """
    certificate, trust = signature.certificate, world.trust
    known = _known_of(world, certificate)
    before_ms = min((each for each in (signature.before_ms, world.before_ms) if each is not None), default=None)
    moment = _moment(world, signature, before_ms, report)
    revocation: Revocation = "unknown"
    later_ms: int | None = None
    if trust is None or not trust.anchors():
        report.bad(N_("Who issued the certificate was not checked: no trusted centres are known here."), "verify.trust")
    else:
        try:
            verdict = trust.check(certificate, at_ms=moment, now_ms=world.now_ms)
            revocation = _say_verdict(world, verdict, moment, report)
            later_ms = _say_later(world, verdict, moment, report)
            if (world.at_ms, signature.stamped_ms, before_ms) == (None, None, None):
                _say_unproven(world, trust, certificate, later_ms, report)
        except Refused as error:
            revocation = "revoked" if error.code == "pki.revoked" else "unknown"
            report.refused(error)
    report.signatures.append(
        Signed(
            name=certificate.full_name,
            number=certificate.bin or certificate.iin,
            organisation=certificate.organisation,
            role=certificate.role,
            algorithm=certificate.algorithm,
            digest=signature.digest,
            level=signature.level,
            serial=f"{certificate.serial:x}",
            not_before_ms=certificate.not_before_ms,
            not_after_ms=certificate.not_after_ms,
            claimed_ms=signature.claimed_ms,
            stamped_ms=signature.stamped_ms,
            after_ms=signature.after_ms,
            before_ms=before_ms,
            chain=known.chain,
            checked_ms=world.now_ms,
            revocation=revocation,
            revocation_by=known.by,
            revoked_since_ms=known.since_ms if revocation == "revoked" else None,
            revoked_later_ms=later_ms,
            list_ms=known.list_ms,
            list_until_ms=known.until_ms,
            list_stale=known.until_ms is not None and world.now_ms > known.until_ms,
            witnessed_for=signature.witnessed_for,
            scope=signature.scope,
        )
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a certificate, whatever the moment: its chain, and by whom, of when and until when, whether it is revoked."""

    chain: tuple[str, ...] = ()
    by: KnownBy = ""
    list_ms: int | None = None
    until_ms: int | None = None
    since_ms: int | None = None


def _known_of(world: World, certificate: Certificate) -> _Known:
    if world.trust is None:
        return _Known()
    try:
        chain = tuple(each.subject for each in world.trust.chain(certificate)[1:])
    except Refused:
        return _Known()
    held = world.trust.revocation(certificate)
    seen = _newer_than_list(world, certificate, held[0].this_update_ms if held else None)
    if seen is not None:
        return _Known(chain, "answer" if seen.answered else "maker", seen.list_ms, None, seen.since_ms)
    if held is None:
        return _Known(chain)
    info, found = held
    return _Known(chain, "list", info.this_update_ms, info.next_update_ms, found.since_ms if found else None)


def _moment(world: World, signature: Signature, before_ms: int | None, report: Report) -> int:
    """Return the moment (ms UTC) as of which the certificate is judged."""
    proven = next((each for each in (world.at_ms, signature.stamped_ms) if each is not None), None)
    if proven is not None:
        return proven
    claimed, after_ms, last_ms = signature.claimed_ms, signature.after_ms or 0, before_ms if before_ms is not None else world.now_ms
    if claimed is None:
        return last_ms
    # the register only bounds the time: within its bounds the signer's own word says when, and that in whole seconds
    if not after_ms - after_ms % SECOND_MS <= claimed <= last_ms:
        report.warn(N_("The time that the signer says lies outside of what is known of it."))
    return max(claimed, after_ms) if claimed <= last_ms else last_ms


def _say_verdict(world: World, verdict: Verdict, at_ms: int, report: Report) -> Revocation:
    report.ok(N_("The certificate comes from a trusted centre and was in force at %(at_ms)s."), at_ms=at_ms)
    list_ms, seen = verdict.crl_this_update_ms, _newer_than_list(world, verdict.chain[0], verdict.crl_this_update_ms)
    if list_ms is None or seen is not None:
        return _say_seen(seen, at_ms, report)
    if verdict.stale:
        sentence = N_("The revocation list here is of %(list_ms)s and past its term; a newer one may say otherwise.")
        report.warn(sentence, list_ms=list_ms)
    elif verdict.revoked_later_ms is None:
        report.ok(N_("It is not on the revocation list of %(list_ms)s."), list_ms=list_ms)
    return "good"


def _say_later(world: World, verdict: Verdict, at_ms: int, report: Report) -> int | None:
    """Say that the key was revoked after the moment it was judged by, and return since when (ms UTC): what it had signed stands."""
    seen = _newer_than_list(world, verdict.chain[0], verdict.crl_this_update_ms)
    later_ms = seen.since_ms if seen is not None else verdict.revoked_later_ms
    if later_ms is None or later_ms <= at_ms:
        return None
    report.warn(N_("The key was revoked later, at %(since_ms)s: a signature made before that stands."), since_ms=later_ms)
    return later_ms


def _newer_than_list(world: World, certificate: Certificate, list_ms: int | None) -> Seen | None:
    """Return what speaks instead of the list at hand: without one anything that was seen, else a newer answer of the centre itself."""
    seen = world.seen.get(certificate.sha256)
    return seen if seen is not None and (list_ms is None or (seen.answered and seen.list_ms > list_ms)) else None


def _say_seen(seen: Seen | None, at_ms: int, report: Report) -> Revocation:
    """Where there is no list, what the machine that made the container saw is better than nothing, and said to be no more than that."""
    if seen is None:
        report.bad(N_("There is no revocation list here to hold the certificate against."), "verify.crl")
        return "unknown"
    if seen.since_ms is not None and seen.since_ms <= at_ms:
        by_list = N_("The machine that made the container saw the certificate on the revocation list of %(list_ms)s.")
        by_answer = N_("By the certification centre's answer of %(list_ms)s the certificate was revoked.")
        report.bad(by_answer if seen.answered else by_list, "pki.revoked", list_ms=seen.list_ms)
        return "revoked"
    if seen.since_ms is not None:
        return "good"  # then, and not any more: `_say_later`
    if seen.answered:
        report.ok(N_("By the certification centre's answer of %(list_ms)s the certificate was not revoked then."), list_ms=seen.list_ms)
        return "good"
    sentence = N_("By the word of the machine that made the container it was not on the revocation list of %(list_ms)s.")
    report.warn(sentence, list_ms=seen.list_ms)
    return "good"


def _say_unproven(world: World, trust: Trust, certificate: Certificate, later_ms: int | None, report: Report) -> None:
    """Without a proof of time a certificate has to be good now too: else its holder, or a thief, may have set the clock back."""
    ended = later_ms is not None and later_ms <= world.now_ms
    try:
        trust.check(certificate, at_ms=world.now_ms, now_ms=world.now_ms)
    except Refused as error:
        ended = ended or error.code in ("pki.revoked", "pki.expired")
    if ended:
        sentence = N_("The certificate is revoked or out of force by now, and nothing proves that the signature is older than that.")
        report.bad(sentence, "verify.moment")
        return
    report.warn(N_("The time is what the signer says: nothing in the file proves it."))
