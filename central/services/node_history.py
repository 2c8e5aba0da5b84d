"""What the register holds of one machine: its certificates, epochs, bundles, and what was authentic but not admissible."""

from dataclasses import dataclass
from typing import Final

from central.centre import Centre
from common.db import fetch
from common.errors import N_, NotFound
from common.facts import decode_body
from common.pki.certificates import Certificate
from common.pki.certificates import read_certificate as read_x509
from sync.bundle import open_bundle, read_bundle_header
from sync.directory import EpochOpen
from sync.entry import Envelope
from sync.identity import NodeCertificate, read_certificate

BUNDLES_SHOWN: Final = 50
EVIDENCE_SHOWN: Final = 100
ENTRIES_SHOWN: Final = 200
"""Of one bundle that is kept as evidence."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A machine's certificate by the registry, and inside it the certificate under which it signs PDFs."""

    certificate: NodeCertificate
    pdf: Certificate


@dataclass(frozen=True, slots=True)
class Epoch:
    """One unbroken life of a machine's disk: how many entries the register has of it, and why it was opened."""

    epoch: int
    last: int
    since_ms: int
    until_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class BundleHead:
    """A bundle as logged; ``folded`` says whether its raw bytes have been let go."""

    epoch: int
    first: int
    last: int
    first_index: int
    received_ms: int
    digest: bytes
    folded: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Kept for people to decide about. ``reason``: fork, revoked."""

    id: int
    node: int
    reason: str
    received_ms: int
    size: int


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry in evidence, by its envelope: nothing of its body. ``index``: of what the register holds in its place."""

    index: int | None
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Kept:
    """A bundle kept as evidence, as it arrived, and whose it is; ``entries``: the first ENTRIES_SHOWN of ``first`` to ``last``."""

    about: Evidence
    data: bytes
    certificate: NodeCertificate
    epoch: int
    first: int
    last: int
    entries: list[KeptEntry]


def identities(centre: Centre, node: int) -> list[Identity]:
    """Return every certificate the machine ever had, the newest first."""
    rows = fetch(centre.database, "SELECT data FROM node_certificate WHERE node = ? ORDER BY position DESC", (node,))
    found = [read_certificate(data, centre.identity.pin) for (data,) in rows]
    return [Identity(one, read_x509(one.body.pdf)) for one in found]


def epochs(centre: Centre, node: int) -> list[Epoch]:
    """Return the machine's epochs as far as logged, the newest first."""
    statement = """SELECT epoch, MAX(last), MIN(received_ms), MAX(received_ms) FROM bundle WHERE node = ?
                   GROUP BY epoch ORDER BY epoch DESC"""
    return [
        Epoch(epoch, last, since, until, _why_opened(centre, node, epoch))
        for epoch, last, since, until in fetch(centre.database, statement, (node,))
    ]


def _why_opened(centre: Centre, node: int, epoch: int) -> str:
    """Return the reason in the first entry of an epoch; the first epoch has none."""
    statement = "SELECT body FROM entry WHERE node = ? AND epoch = ? AND seq = 1 AND body IS NOT NULL"
    rows = fetch(centre.database, statement, (node, epoch)) if epoch > 1 else []
    return str(decode_body(rows[0][0], EpochOpen).reason) if rows else ""


def bundles(centre: Centre, node: int) -> list[BundleHead]:
    """Return the machine's last bundles, the newest first."""
    statement = """SELECT epoch, first, last, first_index, received_ms, digest, data IS NULL FROM bundle WHERE node = ?
                   ORDER BY epoch DESC, last DESC LIMIT ?"""
    rows = fetch(centre.database, statement, (node, BUNDLES_SHOWN))
    return [
        BundleHead(epoch, first, last, first_index, received, digest, bool(folded))
        for epoch, first, last, first_index, received, digest, folded in rows
    ]


def evidence(centre: Centre, node: int | None = None) -> list[Evidence]:
    """Return what was authentic but not admissible, of one machine or of all, the newest first."""
    statement = """SELECT id, node, reason, received_ms, length(data) FROM evidence WHERE ?1 IS NULL OR node = ?1
                   ORDER BY id DESC LIMIT ?2"""
    return [Evidence(*row) for row in fetch(centre.database, statement, (node, EVIDENCE_SHOWN))]


def kept(centre: Centre, id: int) -> Kept:
    """Return one piece of evidence, opened; raises NotFound("evidence.none")."""
    rows = fetch(centre.database, "SELECT id, node, reason, received_ms, length(data), data FROM evidence WHERE id = ?", (id,))
    if not rows:
        raise NotFound("evidence.none", N_("There is no such evidence here."))
    *row, data = rows[0]
    sealed = read_bundle_header(data, centre.database, centre.identity.pin)
    bundle = open_bundle(sealed, centre.identity)
    held = [KeptEntry(_logged(centre, each), each) for each in (entry.envelope for entry in bundle.entries[:ENTRIES_SHOWN])]
    return Kept(Evidence(*row), data, sealed.certificate, bundle.epoch, bundle.first, bundle.last, held)


def _logged(centre: Centre, envelope: Envelope) -> int | None:
    """Return the number in the log of what the register holds in the place of an entry, or None."""
    statement = "SELECT log_index FROM entry WHERE node = ? AND epoch = ? AND seq = ? AND log_index IS NOT NULL"
    rows = fetch(centre.database, statement, (envelope.node, envelope.epoch, envelope.seq))
    return rows[0][0] if rows else None


def cleared_ms(centre: Centre, node: int) -> list[int]:
    """Return when people cleared alarms of this machine (ms UTC), the newest first."""
    return [at for (at,) in fetch(centre.database, "SELECT at_ms FROM cleared_alarm WHERE node = ? ORDER BY at_ms DESC", (node,))]
