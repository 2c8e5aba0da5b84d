"""Checking PDFs: talons of machines, statements signed by people, and files that signed papers name by their hash."""

import hashlib

from common.db import fetch, has_table
from common.errors import N_, Refused
from common.papers.decision import SIGNATURE_NAME, TEXT_NAME
from common.papers.embedded import embedded_files
from common.papers.outage import STATEMENT_NAME
from common.papers.reading import witnessed_for
from common.papers.talon import CERTIFICATE_NAME, RECEIPT_NAME
from common.pki import cms, pades
from common.pki.certificates import Certificate
from common.pki.certificates import read_certificate as read_x509
from common.pki.pades import PdfSignature
from sync import directory
from sync.identity import NodeCertificate, Pin, read_certificate
from sync.report import Finding, Report
from sync.verify_outages import outages
from sync.verify_register import receipt
from sync.verify_signatures import check_signers
from sync.verify_world import Signature, World, judge, stamp_of

WHOLE = Finding("ok", N_("the whole document as it stands"))
REVISION = N_("the document as it was when it was signed: the first %(count)d bytes of the file")
DECISION = Finding("ok", N_("the words of the decision inside the file, byte for byte"))
LATER = Finding("warn", N_("not the signatures added after it"))


def read_pdf(world: World, data: bytes, report: Report) -> None:
    """Check all signatures of a PDF, and whether papers kept here name it."""
    inside = embedded_files(data)
    signatures = pades.read_pdf_signatures(data)
    if RECEIPT_NAME in inside:
        report.kind = "talon"
        _talon(world, inside, signatures, report)
    elif STATEMENT_NAME in inside:
        report.kind = "outages"
        outages(world, inside[STATEMENT_NAME], report, _machine_page(world, inside, signatures, report))
    elif SIGNATURE_NAME in inside:
        report.kind = "notice"
        _notice(world, inside, signatures, report)
    elif signatures:
        report.kind = "statement"
        leaf = named(world, data)
        for signature in signatures:
            person = _witnessed_for(data, signature) if signature is signatures[-1] else ""
            _person(world, signature, leaf, person, report)
        say_named(world, data, report)
    elif say_named(world, data, report):  # an attachment needs no signature of its own: the statement's covers its hash
        report.kind = "file"
    else:
        report.bad(N_("This PDF carries no signature, and no paper kept here names it."), "pdf.unsigned")


def _talon(world: World, inside: dict[str, bytes], signatures: tuple[PdfSignature, ...], report: Report) -> None:
    receipt(world, inside[RECEIPT_NAME], report, _machine_page(world, inside, signatures, report))


def _notice(world: World, inside: dict[str, bytes], signatures: tuple[PdfSignature, ...], report: Report) -> None:
    """Check what a court tells the person: who decided signed the words, the machine that printed them signed the page."""
    _machine_page(world, inside, signatures, report)
    check_signers(world, cms.read(inside[SIGNATURE_NAME]), inside.get(TEXT_NAME, b""), DECISION, report)


def _machine_page(world: World, inside: dict[str, bytes], signatures: tuple[PdfSignature, ...], report: Report) -> NodeCertificate:
    """Check the page of a paper that a machine made; return the certificate of the machine, which the paper brings."""
    pin = world.register()
    certificate = read_certificate(inside.get(CERTIFICATE_NAME) or _printer(world, signatures), pin)
    if not signatures:
        report.bad(N_("The page carries no signature of the machine."), "pdf.unsigned")
    for signature in signatures:
        machine_signature(pin, signature, certificate, report)
    return certificate


def _printer(world: World, signatures: tuple[PdfSignature, ...]) -> bytes:
    """Return the certificate of the machine whose key signed the page, for notices of before that do not bring it."""
    known = directory.all_certificates(world.database).values() if has_table(world.database, "node_certificate") else ()
    signed_by = {signature.certificate.der for signature in signatures}
    found = next((data for data in known if read_certificate(data, world.register()).body.pdf in signed_by), None)
    if found is None:
        raise Refused("node.unknown", N_("The machine that signed this page is not known here. Check it at a court's machine."))
    return found


def machine_signature(pin: Pin, signature: PdfSignature, certificate: NodeCertificate, report: Report) -> None:
    """Check that ``certificate``'s machine signed the page with its own key."""
    if not _whole(signature, report):
        return
    if signature.certificate.der != certificate.body.pdf or not issued_by_registry(signature.certificate, pin):
        report.bad(N_("The page was signed with another key than the machine's."), "talon.key")
        return
    report.ok(N_("The page is signed by machine %(node)s and unchanged since."), node=f"{certificate.body.node:04}")


def issued_by_registry(certificate: Certificate, pin: Pin) -> bool:
    """Return whether the registry's authority of PDF keys issued this certificate."""
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


def _witnessed_for(data: bytes, signature: PdfSignature) -> str:
    """Return for whom the signed bytes themselves say that their signer, the last one, is a witness; empty where nobody is named."""
    try:
        return witnessed_for(data[: signature.covered_bytes]) if signature.holds else ""
    except Refused:  # pages of another maker
        return ""


def _person(world: World, signature: PdfSignature, leaf: bytes | None, person: str, report: Report) -> None:
    certificate = signature.certificate
    report.facts |= {"name": certificate.full_name, "at_ms": signature.signing_time_ms}
    if not _whole(signature, report):
        return
    report.ok(N_("The document is unchanged since %(name)s signed it."), name=certificate.full_name)
    if person:
        report.facts["witnessed_for"] = person
        sentence = N_("Witnessed, as the statement says: %(name)s signed for %(person)s, who has no key.")
        report.warn(sentence, name=certificate.full_name, person=person)
    after_ms, before_ms = world.interval_of(leaf) if leaf is not None else (None, None)
    revision = Finding("ok", REVISION, {"count": signature.covered_bytes})
    scope = (WHOLE,) if signature.covers_whole else (revision, LATER)
    signer = cms.read(signature.cms).signers[0]
    found = Signature(
        certificate=certificate,
        digest=signer.digest,
        level=signature.level.replace("CAdES", "PAdES"),
        claimed_ms=signature.signing_time_ms,
        stamped_ms=stamp_of(world, signer, report),
        after_ms=after_ms,
        before_ms=before_ms,
        witnessed_for=person,
        scope=scope,
    )
    judge(world, found, report)


def read_other(world: World, data: bytes, report: Report) -> None:
    """Check a file of no kind that is known: all that can be said is whether papers kept here name it."""
    if not say_named(world, data, report):
        sentence = N_("No paper kept here names a file of these bytes: it is another file, a changed one, or one of another court.")
        report.bad(sentence, "file.unknown")


def named(world: World, data: bytes) -> bytes | None:
    """Return the leaf of an entry held here that names these very bytes."""
    rows = fetch(world.database, "SELECT leaf FROM blob_ref WHERE sha256 = ? LIMIT 1", (hashlib.sha256(data).digest(),))
    return rows[0][0] if rows else None


def say_named(world: World, data: bytes, report: Report) -> bool:
    """Say whether an entry held here names these very bytes."""
    report.facts |= {"sha256": hashlib.sha256(data).digest(), "size": len(data)}
    leaf = named(world, data)
    if leaf is not None:
        report.facts["leaf"] = leaf
        report.ok(N_("The file is, byte for byte, one that papers kept here name."))
    return leaf is not None
