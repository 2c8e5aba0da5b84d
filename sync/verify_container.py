"""Checking a container as such: every file is named by a manifest, and over that lies a good signature or time stamp (PROTOCOL 13)."""

from common.db import fetch
from common.errors import N_, Refused
from common.pki import asic, cms, timestamps
from common.pki.asic import SIGNATURE_TYPE, TIMESTAMP_TYPE, Container, Manifest
from common.pki.certificates import Certificate
from sync import identity
from sync.cose import MESSAGE_BYTES_MAX
from sync.report import Finding, Report
from sync.verify_papers import issued_by_registry
from sync.verify_world import Signature, World, judge, say_service

SMALL_BYTES_MAX = MESSAGE_BYTES_MAX
"""Of a member that is read whole and is no paper."""
MANIFEST = Finding("ok", N_("every file in the container, by its digest"))


def digests_of(held: Container, manifests: tuple[Manifest, ...], report: Report) -> dict[str, bytes]:
    """Hold every file against the manifests; return the SHA-256 of each."""
    mine = {name for manifest in manifests for name in (manifest.name, manifest.signature)}
    known: dict[tuple[str, str], bytes] = {}
    covered = set()
    for manifest in manifests:
        for name, (method, digest) in manifest.digests.items():
            if name not in held.names:
                report.bad(N_("The file %(name)s is missing from the container."), "evidence.missing", name=name)
                continue
            if (name, method) not in known:
                known[name, method] = held.digest(name, method)
            if known[name, method] != digest:
                report.bad(N_("The file %(name)s in the container was changed."), "evidence.changed", name=name)
            covered.add(name)
    for name in held.names:
        if name not in covered and name not in mine and name != asic.MIMETYPE:
            report.bad(N_("The file %(name)s was put into the container later: no signature covers it."), "evidence.added", name=name)
    return {name: known.get((name, "sha256")) or held.digest(name, "sha256") for name in held.names}


def check_over(world: World, held: Container, manifest: Manifest, report: Report) -> int | None:
    """Check what lies over a manifest; return the moment (ms UTC) that a good time stamp over it proves."""
    data = held.read(manifest.signature, SMALL_BYTES_MAX)
    if manifest.signature_type == TIMESTAMP_TYPE:
        return _stamp(world, data, manifest, report)
    if manifest.signature_type != SIGNATURE_TYPE:
        raise Refused("evidence.signature", N_("The container is signed in a way that is not known here."))
    signed = cms.verify(data, manifest.data)
    for signer in signed.signers:
        node = _machine_of(world, signer.certificate)
        if node is not None:
            report.facts |= {"node": node, "at_ms": signer.claimed_ms}
            sentence = N_("The container was made by machine %(node)s at %(at_ms)s, and nothing in it was changed since.")
            report.ok(sentence, node=f"{node:04}", at_ms=signer.claimed_ms)
        else:
            report.ok(N_("The list of files is unchanged since %(name)s signed it."), name=signer.certificate.full_name)
            judge(
                world,
                Signature(
                    certificate=signer.certificate,
                    digest=signer.digest,
                    level=signer.level,
                    claimed_ms=signer.claimed_ms,
                    scope=(MANIFEST,),
                ),
                report,
            )
    return None


def _stamp(world: World, token: bytes, manifest: Manifest, report: Report) -> int | None:
    if world.trust is None or not world.trust.anchors():
        report.warn(N_("There is a time stamp over the container; it was not checked, for no trusted centres are known here."))
        return None
    try:
        stamp, verdict = timestamps.check(token, manifest.data, world.trust, now_ms=world.now_ms)
    except Refused as error:
        if error.code.startswith("tsp."):
            raise
        report.warn(N_("There is a time stamp, but the service that gave it is not to be relied on here."))
        return None
    report.ok(N_("A time stamp proves that everything in the container was there at %(stamped_ms)s."), stamped_ms=stamp.at_ms)
    say_service(verdict, report)
    return stamp.at_ms


def _machine_of(world: World, certificate: Certificate) -> int | None:
    """Return the number of the machine whose key this is by the registry's word, None for a person's."""
    if world.pin is None or not issued_by_registry(certificate, world.pin):
        return None
    rows = fetch(world.database, "SELECT node, data FROM node_certificate")
    for node, data in list(rows):
        if identity.read_certificate(data, world.pin).body.pdf == certificate.der:
            return int(node)
    raise Refused("evidence.machine", N_("The container was signed with a key of a machine whose certificate it does not bring."))
