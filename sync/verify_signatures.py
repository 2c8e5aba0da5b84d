"""Checking what is signed outside of a PDF: by people CMS (attached or detached) and XML, by services time stamps."""

from common.errors import N_, Refused
from common.pki import cms, der, timestamps, xmldsig
from common.pki.signed_data import TST_INFO, SignedData
from common.pki.xmldsig import XmlSignature
from sync.report import Finding, Report
from sync.verify_world import Signature, World, judge, say_service, stamp_of

HEAD_BYTES = 64
STAMP_HEAD_BYTES = 128
SPACE = b"\xef\xbb\xbf \t\r\n"
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_STAMP = der.oid(TST_INFO)
INSIDE = Finding("ok", N_("the content inside the signature, byte for byte"))
BESIDE = Finding("ok", N_("the file given beside the signature, byte for byte"))
DOCUMENT = Finding("ok", N_("the whole XML document but the signature itself"))
REST = Finding("warn", N_("not the rest of the document"))
COMMENTS = Finding("warn", N_("not the comments in the document"))
KEY_INFO = Finding("warn", N_("not the certificate beside the signature: it is held against its issuer instead"))


def looks_like_cms(data: bytes) -> bool:
    """Return whether ``data`` is a CMS in DER, in NCALayer's text, or in bare base64."""
    if data[:1] == b"\x30" and _SIGNED_DATA in data[:HEAD_BYTES]:
        return True
    text = data.lstrip(SPACE)
    if text.startswith((b"-----BEGIN CMS-----", b"-----BEGIN PKCS7-----")):
        return True
    try:
        return text.startswith(b"MI") and _SIGNED_DATA in cms.unarmoured(text.split(b"\n", 1)[0].strip()[: HEAD_BYTES // 3 * 4])
    except Refused:
        return False


def looks_like_timestamp(data: bytes) -> bool:
    """Return whether ``data`` is a time stamp in a file of its own, or a service's answer with one inside."""
    return data[:1] == b"\x30" and _SIGNED_DATA in data[:HEAD_BYTES] and _STAMP in data[:STAMP_HEAD_BYTES]


def read_timestamp(world: World, data: bytes, report: Report) -> None:
    """Check a time stamp over the content given beside it."""
    token = timestamps.token_in(data)
    stamp = timestamps.read(token)
    report.facts |= {"name": stamp.certificate.subject, "at_ms": stamp.at_ms, "policy": stamp.policy}
    if world.content is None:
        raise Refused("tsp.detached", N_("This time stamp lies apart from what it was given for. Give that file too."))
    if world.trust is None or not world.trust.anchors():
        raise Refused("verify.trust", N_("Who issued the certificate was not checked: no trusted centres are known here."))
    _, verdict = timestamps.check(token, world.content, world.trust, now_ms=world.now_ms)
    sentence = N_("A time stamp of %(name)s proves that the file given beside it was there at %(stamped_ms)s.")
    report.ok(sentence, name=stamp.certificate.subject, stamped_ms=stamp.at_ms)
    say_service(verdict, report)


def read_cms(world: World, data: bytes, report: Report) -> None:
    """Check all signers of a CMS over its own content, or over the content given beside it."""
    signed = cms.read(data.lstrip(SPACE) if data[:1] != b"\x30" else data)
    content = cms.content_of(signed, world.content)
    check_signers(world, signed, content, INSIDE if signed.content is not None else BESIDE, report)


def check_signers(world: World, signed: SignedData, content: bytes, scope: Finding, report: Report) -> None:
    """Check every signer of a CMS over ``content``; ``scope`` says what that is."""
    for signer in signed.signers:
        name = signer.certificate.full_name
        report.facts |= {"name": name, "at_ms": signer.claimed_ms}
        try:
            cms.check(signer, content)
        except Refused as error:
            report.refused(error)
            continue
        report.ok(N_("What was signed is unchanged since %(name)s signed it."), name=name)
        stamped_ms = stamp_of(world, signer, report)
        found = Signature(
            certificate=signer.certificate,
            digest=signer.digest,
            level=signer.level,
            claimed_ms=signer.claimed_ms,
            stamped_ms=stamped_ms,
            scope=(scope,),
        )
        judge(world, found, report)


def read_xml(world: World, data: bytes, report: Report) -> None:
    """Check all signatures in an XML document."""
    signatures = xmldsig.read_xml_signatures(data)
    for signature in signatures:
        certificate = signature.certificate
        report.facts |= {"name": certificate.full_name, "at_ms": signature.claimed_ms}
        if not signature.intact:
            report.bad(N_("The document was changed after signing: the signature does not fit any more."), "xml.tampered")
            continue
        report.ok(N_("What was signed is unchanged since %(name)s signed it."), name=certificate.full_name)
        found = Signature(
            certificate=certificate, digest=signature.digest, level="XMLDSig", claimed_ms=signature.claimed_ms, scope=_scope(signature)
        )
        judge(world, found, report)
    if not any(signature.covers_whole for signature in signatures):
        report.warn(N_("Only a part of the document is signed; the rest may be anybody's."))


def _scope(signature: XmlSignature) -> tuple[Finding, ...]:
    elements = [each for each in signature.covers if not each.whole]
    said = [DOCUMENT] if signature.covers_whole else []
    sentence = N_("the element «%(element)s» with the Id «%(id)s»")
    said += [Finding("ok", sentence, {"element": each.element, "id": each.id}) for each in elements]
    said += [] if signature.covers_whole else [REST]
    return (*said, *([COMMENTS] if signature.comments else []), KEY_INFO)
