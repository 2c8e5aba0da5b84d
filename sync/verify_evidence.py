"""Checking a container of evidence: everything about one filing, offline, from the container alone (PROTOCOL 13).

First the container: every file is named by a manifest, with its digest, under a good signature or time stamp. Then what is in
it, each part by its own reader, over a database in memory that holds only what the container brought. What this machine itself
knows (an excluded machine, another word of the register) is asked last.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Any

from common import canonical
from common.db import Database, create_tables, fetch, insert, open_database
from common.errors import N_, CourtError, Refused
from common.facts import decode_body
from common.pki import asic, cms, ocsp, timestamps
from common.pki.asic import Container
from common.pki.certificates import read_certificate
from common.pki.signed_data import Signer
from common.pki.trust import Trust
from sync import cose, directory, evidence, identity
from sync.entry import Entry, read_entry
from sync.identity import Pin
from sync.receipts import COMPLETES_TYPE, Completes
from sync.report import Finding, Report
from sync.tables import create_shared_tables, set_log_indexes, store_entries
from sync.verify_container import SMALL_BYTES_MAX, check_over, digests_of
from sync.verify_papers import read_pdf
from sync.verify_register import complete, completes, read_proof, receipt, say_standing
from sync.verify_world import Seen, Signature, World, judge, say_service

EXTRACTS_MAX = 256
INSIDE = Finding("ok", N_("the decision's text in the court's entry, byte for byte"))


@dataclass(slots=True)
class _Found:
    """What the container turned out to hold."""

    held: Container
    inner: World
    head: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)


def empty_database() -> Database:
    """Return a database in memory that knows no machine and no entry."""
    database = open_database(":memory:")
    create_shared_tables(database)
    create_tables(database, directory.TABLES)
    return database


def know_machines(database: Database, pin: Pin, certificates: Iterable[bytes]) -> None:
    """Put machines' certificates into an empty database; raises Refused unless the pinned registry issued each of them."""
    rows: list[dict[str, object]] = []
    for certificate in (identity.read_certificate(data, pin) for data in certificates):
        node = certificate.body.node
        row = {"obj": directory.node_object(node), "key_id": certificate.key_id, "node": node}
        rows.append({**row, "data": certificate.data, "position": len(rows)})
    insert(database, directory.NodeCertificateRow, rows)


def read_bytes(world: World, data: bytes, report: Report) -> None:
    """Check a container that is at hand whole."""
    read_container(world, io.BytesIO(data), report)


def read_container(world: World, file: IO[bytes], report: Report) -> None:
    """Check a container; its files are read piece by piece."""
    held = Container(file)
    manifests = held.manifests()
    digests = digests_of(held, manifests, report)
    if evidence.HEAD not in held.names:
        for manifest in manifests:
            check_over(world, held, manifest, report)
        report.warn(N_("This container is of another system: what its files mean was not looked at."))
        return
    head = canonical.decode_map(held.read(evidence.HEAD, SMALL_BYTES_MAX))
    if head.get("v") != evidence.VERSION or not isinstance(head.get("leaf"), bytes):
        raise Refused("evidence.version", N_("This container has a version that is not known here. A newer program can read it."))
    found = _Found(held, replace(world, database=empty_database(), trust=_trust(world, held)), head)
    try:
        _read_machines(found)
        for manifest in manifests:
            stamped_ms = check_over(found.inner, held, manifest, report)
            if stamped_ms is not None:
                found.inner = replace(found.inner, before_ms=min(stamped_ms, found.inner.before_ms or stamped_ms))
        _say_maker(world, report)
        found.inner = replace(found.inner, seen=_seen(held))
        _read_parts(world, found, digests, report)
    finally:
        found.inner.database.close()


def _say_maker(world: World, report: Report) -> None:
    """A container of this form is a machine's to make: on its word stands what was seen in lists."""
    node = report.facts.get("node")
    if not isinstance(node, int):
        raise Refused("evidence.unsigned", N_("No machine of the register has signed this container."))
    if directory.revocation_of(world.database, node) is not None:
        report.warn(N_("The machine that made the container was excluded, now or later."))


# -- what is in it


def _read_machines(found: _Found) -> None:
    names = (name for name in found.held.names if name.startswith("certificates/machine-"))
    know_machines(found.inner.database, found.inner.register(), (found.held.read(name, SMALL_BYTES_MAX) for name in names))


def _trust(world: World, held: Container) -> Trust | None:
    """Return the trust with what the container brings: authorities, which count only under a trusted root, and signed lists."""
    if world.trust is None:
        return None
    trust = world.trust.apart()
    for name in held.names:
        if name.startswith("certificates/") and name.endswith(".cer"):
            certificate = read_certificate(held.read(name, SMALL_BYTES_MAX))
            if certificate.subject_name != certificate.issuer_name and certificate.ca:
                trust.add(certificate.der)
    for ending in (".crl", ".delta"):
        for name in held.names:
            if name.startswith("revocation/") and name.endswith(ending):
                _import(trust, held.read(name, evidence.LIST_BYTES_MAX), world.now_ms)
    return trust


def _import(trust: Trust, data: bytes, now_ms: int) -> None:
    try:
        trust.import_crl(data, now_ms)
    except Refused as error:
        if error.code not in ("crl.older", "crl.unknown_issuer", "crl.delta_base"):  # a newer one, or no trust, is here
            raise


def _seen(held: Container) -> Mapping[bytes, Seen]:
    if evidence.EXTRACTS not in held.names:
        return {}
    said = canonical.decode(held.read(evidence.EXTRACTS, SMALL_BYTES_MAX))
    try:
        return {bytes(each["certificate"]): Seen(int(each["this"]), each["since"]) for each in said[:EXTRACTS_MAX]}
    except (TypeError, KeyError, ValueError) as error:
        raise Refused("evidence.extracts", asic.BROKEN) from error


def _read_parts(world: World, found: _Found, digests: dict[str, bytes], report: Report) -> None:
    names = found.held.names
    _read_entries(found)
    first = found.entries[0] if found.entries else None
    if first is None or first.leaf != found.head["leaf"]:
        raise Refused("evidence.entry", N_("The container does not hold the entry that it is about."))
    report.facts["leaf"] = first.leaf
    for number, entry in enumerate(found.entries, 1):
        name = f"proofs/{number:03}.tlog-proof"
        if name in names:
            title = N_("Proof of the register (R1)") if number == 1 else N_("Proof of the register, later entry")
            _part(report, title, partial(_proof, world, found, entry, name))
    if evidence.R0 in names:
        _part(report, N_("Receipt of the machine (R0)"), partial(_r0, world, found, first))
    if evidence.R2 in names:
        _part(report, N_("All files at the centre (R2)"), partial(_r2, found, first))
    for kind, title in (("timestamp", N_("Time stamp over the signature")), ("ocsp", N_("Answer about the certificate (OCSP)"))):
        for place, data in evidence.outside_of(found.entries, kind):
            _part(report, title, partial(_OUTSIDE[kind], found, first, place, data))
    _part(report, N_("Files"), partial(_files, found, first, digests))
    if evidence.STATEMENT in names:
        _part(report, N_("Signed statement"), partial(read_pdf, found.inner, found.held.read(evidence.STATEMENT)))
    for entry in found.entries:
        decision = evidence.decision_of(entry.body)
        if decision is not None:
            _part(report, N_("Signed decision or request"), partial(_decision, found.inner, entry, decision))


def _part(report: Report, title: str, read: Callable[[Report], object]) -> None:
    """Read one part into a report of its own: what is wrong with one does not hide the others."""
    part = Report("part", title)
    try:
        read(part)
    except CourtError as error:
        if error.status >= 500:
            raise
        part.refused(error)
    report.parts.append(part)


def _read_entries(found: _Found) -> None:
    names = sorted(name for name in found.held.names if name.startswith("entries/"))
    found.entries = [read_entry(canonical.decode(found.held.read(name, SMALL_BYTES_MAX))) for name in names[: evidence.ENTRIES_MAX]]
    if len({entry.leaf for entry in found.entries}) != len(found.entries):
        raise Refused("evidence.entry", asic.BROKEN)
    store_entries(found.inner.database, [(entry, None, None) for entry in found.entries])


def _proof(world: World, found: _Found, entry: Entry, name: str, part: Report) -> None:
    read_proof(replace(found.inner, leaf=entry.leaf), found.held.read(name, SMALL_BYTES_MAX), part)
    index, size = part.facts["index"], part.facts["size"]
    assert isinstance(index, int)
    assert isinstance(size, int)
    set_log_indexes(found.inner.database, [(index, entry.leaf)])
    known = world.known_root(size)
    if known is not None and known != part.facts["root"]:
        part.bad(N_("The register has told this machine something else about the same number of entries."), "register.split")


def _r0(world: World, found: _Found, first: Entry, part: Report) -> None:
    taken = receipt(found.inner, found.held.read(evidence.R0, SMALL_BYTES_MAX), part)
    if taken.leaf != first.leaf:
        part.bad(N_("The receipt is of another filing than the one in the container."), "evidence.receipt")
    if taken.witness and canonical.decode_map(first.body or b"").get("witness") is None:
        part.bad(N_("The receipt names a witness, and the entry in the container names none."), "evidence.receipt")
    revoked = directory.revocation_of(world.database, taken.node)
    say_standing(world, first, revoked is not None and (first.envelope.epoch, first.envelope.seq) > revoked, part)


def _r2(found: _Found, first: Entry, part: Report) -> None:
    data = found.held.read(evidence.R2, SMALL_BYTES_MAX)
    if cose.parse(data).content_type == COMPLETES_TYPE:
        completes(found.inner, data, part)
        about = _covers(found, first, data)
    else:
        complete(found.inner, data, part)
        about = part.facts["leaf"] == first.leaf
    if not about:
        part.bad(N_("The receipt is of another filing than the one in the container."), "evidence.receipt")
        return
    at_ms = part.facts["at_ms"]
    assert isinstance(at_ms, int)
    found.inner = replace(found.inner, before_ms=min(at_ms, found.inner.before_ms or at_ms))


def _covers(found: _Found, first: Entry, data: bytes) -> bool:
    """Return whether R2 for many speaks of the place that R1 in the same container proves."""
    said = decode_body(cose.parse(data).payload, Completes)
    [(index,)] = fetch(found.inner.database, "SELECT log_index FROM entry WHERE leaf = ?", (first.leaf,))
    return index is not None and said.covers(index)


def _timestamp(found: _Found, first: Entry, place: int, token: bytes, part: Report) -> None:
    """A time stamp over the value of a signature proves that it was there; the filer's is made last, over all that stands before it."""
    trust = found.inner.trust
    if trust is None or not trust.anchors():
        raise Refused("verify.trust", N_("Who issued the certificate was not checked: no trusted centres are known here."))
    stamp, verdict = timestamps.check(token, _signer(first, place).signature, trust, now_ms=found.inner.now_ms)
    part.ok(N_("A time stamp of the national service proves that the signature was there at %(stamped_ms)s."), stamped_ms=stamp.at_ms)
    say_service(verdict, part)
    if place == 0:
        found.inner = replace(found.inner, before_ms=min(stamp.at_ms, found.inner.before_ms or stamp.at_ms))


def _ocsp(found: _Found, first: Entry, place: int, data: bytes, part: Report) -> None:
    """The certification centre's own answer about a signer's certificate stands in for a list."""
    trust, certificate = found.inner.trust, _signer(first, place).certificate
    if trust is None or not trust.anchors():
        raise Refused("verify.trust", N_("Who issued the certificate was not checked: no trusted centres are known here."))
    answer = ocsp.check(data, certificate, trust.chain(certificate)[1], trust, now_ms=found.inner.now_ms)
    if answer.status == "unknown":
        part.warn(N_("The certification centre answered that it does not know the certificate."))
        return
    part.ok(N_("The certification centre's answer of %(list_ms)s is genuine."), list_ms=answer.this_update_ms)
    seen = Seen(answer.this_update_ms, answer.since_ms, answered=True)
    found.inner = replace(found.inner, seen={**found.inner.seen, certificate.sha256: seen})


_OUTSIDE: dict[str, Callable[[_Found, Entry, int, bytes, Report], None]] = {"timestamp": _timestamp, "ocsp": _ocsp}
"""What others signed about the statement's signature, by its kind (`filing.evidence/1`)."""


def _signer(first: Entry, place: int) -> Signer:
    """Return who signed the statement in ``place`` (0: the filer), out of its entry; raises Refused("evidence.signer") for nobody."""
    made = evidence.signatures_of(first)
    if not (0 <= place < len(made) and made[place]):
        raise Refused("evidence.signer", N_("Nobody has signed this statement in that place."))
    return cms.read(made[place]).signers[0]


def _files(found: _Found, first: Entry, digests: dict[str, bytes], part: Report) -> None:
    """Hold the files against the hashes in the entry: these are what the signed statement and the receipts name."""
    wanted = {blob.sha256 for blob in first.envelope.blobs}
    brought = {name: digest for name, digest in digests.items() if name == evidence.STATEMENT or name.startswith("files/")}
    for name in sorted(brought):
        if brought[name] not in wanted:
            part.bad(N_("The file %(name)s is none of those that the filing names."), "evidence.file", name=name)
    missing = len(wanted - set(brought.values()))
    if missing:
        part.warn(N_("Files that the filing names and the container does not bring: %(count)d."), count=missing)
    part.ok(N_("Files that the filing names by their hashes: %(count)d."), count=len(wanted) - missing)


def _decision(world: World, entry: Entry, said: tuple[bytes, bytes], part: Report) -> None:
    content, signature = said
    part.facts["sha256"] = hashlib.sha256(content).digest()
    for signer in cms.verify(signature, content).signers:
        sentence = N_("The entry %(type)s is unchanged since %(name)s signed it.")
        part.ok(sentence, type=entry.envelope.type, name=signer.certificate.full_name)
        found = Signature(
            certificate=signer.certificate, digest=signer.digest, level=signer.level, claimed_ms=signer.claimed_ms, scope=(INSIDE,)
        )
        judge(world, found, part)
