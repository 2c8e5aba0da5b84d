"""Checking anything of ours, by anybody, offline: receipts, signed PDFs, bundles, statements of the register, files.

- One door, `verify_file`, for pages, command lines and tests; it never raises for what is inside the data: every problem is a
  finding in words, and ``valid`` is false as soon as one is bad.
- Cryptography first: signature, chain, hash. What this machine knows of the world besides (is it logged, is the machine
  revoked, is the certificate on a list) is said with its own weight: not knowing is a warning, contradiction is bad.
- Parameters are raw: a name ending in ``_ms`` is a moment in ms UTC.

    report = verify_file(data, database=node.database, pin=node.identity.pin, trust=node.trust, now_ms=node.clock.now())
    report.valid, [finding.sentence % finding.params for finding in report.findings]
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from common.db import Database, fetch
from common.errors import N_, CourtError, Refused
from common.papers.embedded import embedded_files
from common.papers.qr import PREFIX, decode_qr
from common.papers.talon import CERTIFICATE_NAME, RECEIPT_NAME
from common.pki import pades
from common.pki.certificates import Certificate
from common.pki.certificates import read_certificate as read_x509
from common.pki.pades import PdfSignature
from common.pki.trust import Trust
from sync import container, cose, directory, inclusion, log, merkle
from sync.bundle import leaves_digest
from sync.checkpoint import read_checkpoint
from sync.identity import CERTIFICATE_TYPE, NodeCertificate, Pin, read_certificate
from sync.receipts import COMPLETE_TYPE, R0_TYPE, Taken, leaves_of, read_r0, read_r2
from sync.report import Finding as Finding
from sync.report import Kind
from sync.report import Report as Report
from sync.tables import entry_at

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
"""More than any paper or bundle of ours."""
CBOR_SIGN1: Final = b"\xd2"
"""The first byte of a tagged COSE_Sign1."""


@dataclass(frozen=True, slots=True)
class _World:
    """What a check may lean on."""

    database: Database
    pin: Pin
    trust: Trust | None
    now_ms: int
    leaf: bytes | None


def verify_file(data: bytes, *, database: Database, pin: Pin, trust: Trust | None, now_ms: int, leaf: bytes | None = None) -> Report:
    """Return what ``data`` is and whether it holds.

    ``database`` is that of a node or of the centre, ``trust`` the national certificates known here (None: the citizen's
    signature is checked without its chain), ``leaf`` the entry a proof of the register should be about, where the file
    itself names none. Raises only what a broken disk raises.
    """
    world = _World(database, pin, trust, now_ms, leaf)
    if len(data) > FILE_BYTES_MAX:
        return _failed("file", Refused("verify.large", N_("This file is larger than anything that can be checked here.")))
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(PREFIX.encode()):
        return _qr(world, text)
    if data.startswith(container.MAGIC):
        return _guarded("bundle", lambda report: _bundle(world, data, report))
    if data.startswith(b"%PDF-"):
        return _pdf(world, data)
    if data.startswith(inclusion.HEADER.encode()):
        return _guarded("proof", lambda report: _proof(world, data, report))
    if data.startswith(CBOR_SIGN1):
        return _message(world, data)
    if b"\n\n\xe2\x80\x94 " in data:
        return _guarded("checkpoint", lambda report: _checkpoint(world, data, report))
    return _guarded("file", lambda report: _other(world, data, report))


def _guarded(kind: Kind, check: Callable[[Report], object]) -> Report:
    report = Report(kind)
    try:
        check(report)
    except CourtError as error:
        if error.status >= 500:
            raise
        report.refused(error)
    return report


def _failed(kind: Kind, error: CourtError) -> Report:
    report = Report(kind)
    report.refused(error)
    return report


# -- receipts of a machine and of the centre


def _qr(world: _World, text: bytes) -> Report:
    try:
        message = decode_qr(text.decode("ascii", "replace"))
    except Refused as error:
        return _failed("receipt", error)
    return _message(world, message)


def _message(world: _World, data: bytes) -> Report:
    try:
        content_type = cose.parse(data).content_type
    except Refused as error:
        return _failed("receipt", error)
    if content_type == COMPLETE_TYPE:
        return _guarded("complete", lambda report: _complete(world, data, report))
    if content_type == CERTIFICATE_TYPE:
        return _guarded("certificate", lambda report: _certificate(world, data, report))
    return _guarded("receipt", lambda report: _receipt(world, data, report, None))


def _receipt(world: _World, data: bytes, report: Report, certificate: NodeCertificate | None) -> Taken:
    """R0: who signed, what it promises, what is known of it here."""
    if cose.parse(data).content_type != R0_TYPE:
        raise Refused("verify.message", N_("This is a signed message, but no receipt."))
    signer = certificate or directory.certificate_of(world.database, cose.parse(data).key_id, world.pin)
    taken = read_r0(data, signer)
    report.facts |= {"talon": f"{taken.talon:015}", "node": taken.node, "at_ms": taken.at, "leaf": taken.leaf, "statement": taken.statement}
    report.ok(
        N_("The receipt is genuine: machine %(node)s took talon %(talon)s at %(at_ms)s."),
        node=f"{taken.node:04}",
        talon=f"{taken.talon:015}",
        at_ms=taken.at,
    )
    if signer.body.not_before > taken.at or taken.at > signer.body.not_after:
        # a clock may be wrong, and a machine off the line for months still takes papers: when it was, the register's heads say
        report.warn(N_("By the machine's clock its certificate was not in force then. The register's statements tell the time."))
    _standing(world, taken, report)
    return taken


def _standing(world: _World, taken: Taken, report: Report) -> None:
    """What this database knows of the entry, and of the machine's standing when it wrote it."""
    found = entry_at(world.database, taken.leaf)
    revoked = directory.revocation_of(world.database, taken.node)
    if found is None:
        report.warn(N_("This machine does not hold the papers behind the receipt. Ask in the court it was sent to."))
        if revoked is not None:
            report.warn(N_("The machine that gave the receipt was excluded later. The central register says whether it was given before."))
        return
    entry, index = found
    if revoked is not None and (entry.envelope.epoch, entry.envelope.seq) > revoked:
        report.bad(N_("The machine wrote this after it had been excluded: it is kept as evidence and is no filing."), "node.revoked")
    if taken.statement not in {blob.sha256 for blob in entry.envelope.blobs}:
        report.bad(N_("The receipt names another statement than the papers kept here."), "receipt.statement")
    if index is None:
        report.warn(N_("The papers are here. The central register has not confirmed them yet."))
    else:
        report.facts["index"] = index
        report.ok(N_("The papers are here, and in the central register under number %(index)d."), index=index)


def _complete(world: _World, data: bytes, report: Report) -> None:
    centre = directory.certificate_of(world.database, cose.parse(data).key_id, world.pin)
    complete = read_r2(data, centre)
    if centre.body.node != 0:
        raise Refused("receipt.centre", N_("This receipt is the centre's to give, and another machine signed it."))
    report.facts |= {"leaf": complete.leaf, "index": complete.index, "at_ms": complete.at}
    sentence = N_("The centre confirms that all files of entry number %(index)d had arrived whole at %(at_ms)s.")
    report.ok(sentence, index=complete.index, at_ms=complete.at)


def _certificate(world: _World, data: bytes, report: Report) -> None:
    certificate = read_certificate(data, world.pin)
    report.facts |= {"node": certificate.body.node, "until_ms": certificate.body.not_after}
    report.ok(N_("The registry has issued this certificate to machine %(node)s."), node=f"{certificate.body.node:04}")
    if directory.revocation_of(world.database, certificate.body.node) is not None:
        report.warn(N_("This machine was excluded later."))


# -- signed PDFs


def _pdf(world: _World, data: bytes) -> Report:
    try:
        inside = embedded_files(data)
        signatures = pades.read_pdf_signatures(data)
    except CourtError as error:
        return _failed("pdf", error)
    if RECEIPT_NAME in inside:
        return _guarded("talon", lambda report: _talon(world, inside, signatures, report))
    if not signatures:
        return _guarded("file", lambda report: _unsigned(world, data, report))
    report = Report("statement")
    for signature in signatures:
        _person_signature(world, signature, report)
    _named(world, data, report)
    return report


def _unsigned(world: _World, data: bytes, report: Report) -> None:
    """An attachment needs no signature of its own: the statement's covers its hash."""
    if not _named(world, data, report):
        report.kind = "pdf"
        report.bad(N_("This PDF carries no signature, and no paper kept here names it."), "pdf.unsigned")


def _talon(world: _World, inside: dict[str, bytes], signatures: tuple[PdfSignature, ...], report: Report) -> None:
    certificate = read_certificate(inside.get(CERTIFICATE_NAME, b""), world.pin)
    if not signatures:
        report.bad(N_("The page of the talon carries no signature of the machine."), "pdf.unsigned")
    for signature in signatures:
        _machine_signature(world, signature, certificate, report)
    _receipt(world, inside[RECEIPT_NAME], report, certificate)


def _machine_signature(world: _World, signature: PdfSignature, certificate: NodeCertificate, report: Report) -> None:
    if not _whole(signature, report):
        return
    if signature.certificate.der != certificate.body.pdf or not _issued_by_registry(signature.certificate, world.pin):
        report.bad(N_("The page was signed with another key than the machine's."), "talon.key")
        return
    report.ok(N_("The page is signed by machine %(node)s and unchanged since."), node=f"{certificate.body.node:04}")


def _issued_by_registry(certificate: Certificate, pin: Pin) -> bool:
    authority = read_x509(pin.pdf_ca)
    return certificate.issuer_name == authority.subject_name and certificate.signed_by(authority)


def _whole(signature: PdfSignature, report: Report) -> bool:
    if not signature.intact:
        report.bad(N_("The document was changed after signing: the signature does not fit any more."), "pdf.tampered")
    elif signature.appended == "content":
        report.bad(N_("Something was added to the document after it was signed."), "pdf.appended")
    else:
        return True
    return False


def _person_signature(world: _World, signature: PdfSignature, report: Report) -> None:
    certificate = signature.certificate
    report.facts |= {"name": certificate.full_name, "at_ms": signature.signing_time_ms}
    if not _whole(signature, report):
        return
    report.ok(N_("The document is unchanged since %(name)s signed it."), name=certificate.full_name)
    at_ms = signature.signing_time_ms if signature.signing_time_ms is not None else world.now_ms
    if world.trust is None:
        report.warn(N_("Who issued the certificate was not checked: no trusted centres are known here."))
        return
    try:
        verdict = world.trust.check(certificate, at_ms=at_ms, now_ms=world.now_ms)
    except Refused as error:
        report.refused(error)
        return
    report.ok(N_("The certificate comes from a trusted centre and was in force at %(at_ms)s."), at_ms=at_ms)
    if verdict.crl_this_update_ms is None:
        report.warn(N_("There is no revocation list here to hold the certificate against."))
    elif verdict.stale:
        report.warn(
            N_("The revocation list here is of %(list_ms)s and past its term; a newer one may say otherwise."),
            list_ms=verdict.crl_this_update_ms,
        )
    else:
        report.ok(N_("It is not on the revocation list of %(list_ms)s."), list_ms=verdict.crl_this_update_ms)


# -- bundles


def _bundle(world: _World, data: bytes, report: Report) -> None:
    signed, _, _ = container.split_container(data)
    certificate = directory.certificate_of(world.database, signed.key_id, world.pin)
    header, _ = container.read_header(data, certificate.sign_key, world.pin.environment)
    node = f"{certificate.body.node:04}"
    report.facts |= {"node": certificate.body.node, "bundle": header.kind, "size": header.plain_size}
    report.ok(N_("The bundle is signed by machine %(node)s, and its sealed content is whole."), node=node)
    epoch, first, last = (header.about.get(name) for name in ("epoch", "first", "last"))
    if header.kind == "up" and type(epoch) is int and type(first) is int and type(last) is int:
        report.facts |= {"epoch": epoch, "first": first, "last": last}
        report.ok(N_("It carries entries %(first)d to %(last)d of epoch %(epoch)d."), first=first, last=last, epoch=epoch)
        _compare_entries(world, certificate.body.node, epoch, first, last, header.about.get("leaves"), report)


def _compare_entries(world: _World, node: int, epoch: int, first: int, last: int, said: object, report: Report) -> None:
    """Hold the bundle's own digest of its entries against the entries kept here, where all of them are."""
    held = leaves_of(world.database, node, epoch, first, last)
    if len(held) != last - first + 1:
        return
    if leaves_digest(held) == said:
        report.ok(N_("They are the same entries that are kept here."))
    else:
        report.bad(N_("They are other entries than those kept here under the same numbers."), "bundle.fork")


# -- the register


def _proof(world: _World, data: bytes, report: Report) -> None:
    proof = inclusion.read_proof(data)
    leaf = world.leaf or proof.extra
    if leaf is None:
        raise Refused("verify.leaf", N_("The proof does not name its entry. Give the talon or the entry beside it."))
    pin = world.pin
    checkpoint = inclusion.check_proof(proof, merkle.leaf_hash(leaf), pin.origin, pin.log_key, origin=pin.origin)
    report.facts |= {"index": proof.index, "size": checkpoint.size, "leaf": leaf}
    sentence = N_("The central register holds the entry under number %(index)d among %(size)d.")
    report.ok(sentence, index=proof.index, size=checkpoint.size)
    _same_register(world, checkpoint.size, checkpoint.root, report)
    if entry_at(world.database, leaf) is None:
        report.warn(N_("The entry itself is not kept here."))


def _checkpoint(world: _World, data: bytes, report: Report) -> None:
    checkpoint = read_checkpoint(data, world.pin.origin, world.pin.log_key, origin=world.pin.origin)
    report.facts |= {"size": checkpoint.size, "root": checkpoint.root}
    report.ok(N_("The register's own key has signed this statement about %(size)d entries."), size=checkpoint.size)
    _same_register(world, checkpoint.size, checkpoint.root, report)


def _same_register(world: _World, size: int, root: bytes, report: Report) -> None:
    """A register that shows two histories is caught by comparing what it told others with what it told this machine."""
    known = _known_root(world.database, size)
    if known is None:
        return
    if known == root:
        report.ok(N_("It agrees with what the register has told this machine."))
    else:
        report.bad(N_("The register has told this machine something else about the same number of entries."), "register.split")


def _known_root(database: Database, size: int) -> bytes | None:
    tables = {name for (name,) in fetch(database, "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('tile', 'sync')")}
    if "tile" in tables:  # the centre: it has the whole log
        return log.root(database, size) if size <= log.size(database) else None
    rows = fetch(database, "SELECT root FROM sync WHERE size = ?", (size,)) if "sync" in tables else []
    return rows[0][0] if rows else None


# -- any other file


def _other(world: _World, data: bytes, report: Report) -> None:
    if not _named(world, data, report):
        sentence = N_("No paper kept here names a file of these bytes: it is another file, a changed one, or one of another court.")
        report.bad(sentence, "file.unknown")


def _named(world: _World, data: bytes, report: Report) -> bool:
    """Say whether an entry held here names these very bytes."""
    sha256 = hashlib.sha256(data).digest()
    report.facts |= {"sha256": sha256, "size": len(data)}
    rows = fetch(world.database, "SELECT leaf FROM blob_ref WHERE sha256 = ? LIMIT 1", (sha256,))
    if rows:
        report.facts["leaf"] = rows[0][0]
        report.ok(N_("The file is, byte for byte, one that papers kept here name."))
    return bool(rows)
