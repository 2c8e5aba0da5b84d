"""What the register holds of one machine: its certificates, epochs, bundles, and what was authentic but not admissible."""

from dataclasses import dataclass
from typing import Final

from central.centre import Centre
from central.services import admissions
from central.services.admissions import Candidate
from common.db import fetch
from common.facts import decode_body
from common.pki.certificates import Certificate
from common.pki.certificates import read_certificate as read_x509
from sync import kept as kept_bundles
from sync.directory import EpochOpen
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
class Kept:
    """A bundle kept as evidence, as it arrived, and whose it is; ``entries``: the first ENTRIES_SHOWN of ``first`` to ``last``, and
    how they stand. Not ``open``: all of them are in the register, and of the bundle only its header is kept."""

    about: Evidence
    data: bytes
    certificate: NodeCertificate
    epoch: int
    first: int
    last: int
    entries: list[Candidate]
    open: bool


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
    statement = """SELECT id, node, reason, received_ms, length(data) FROM evidence WHERE node = COALESCE(?1, node)
                   ORDER BY id DESC LIMIT ?2"""
    return [Evidence(*row) for row in fetch(centre.database, statement, (node, EVIDENCE_SHOWN))]


def kept(centre: Centre, id: int) -> Kept:
    """Return one piece of evidence, opened; raises NotFound("evidence.none")."""
    found = kept_bundles.read(centre.database, id, centre.identity)
    entries = found.entries if found.open else admissions.admitted_of(centre, found)
    return Kept(
        about=Evidence(id, found.node, found.reason, found.received_ms, len(found.data)),
        data=found.data,
        certificate=found.certificate,
        epoch=found.epoch,
        first=found.first,
        last=found.last,
        entries=admissions.candidates(centre, entries[:ENTRIES_SHOWN]),
        open=found.open,
    )


def cleared_ms(centre: Centre, node: int) -> list[int]:
    """Return when people cleared alarms of this machine (ms UTC), the newest first."""
    return [at for (at,) in fetch(centre.database, "SELECT at_ms FROM cleared_alarm WHERE node = ? ORDER BY at_ms DESC", (node,))]
