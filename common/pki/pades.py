"""Signatures inside PDFs (PAdES-B, ETSI.CAdES.detached): the only door to pyHanko.

A signature is added as an incremental update: not a byte of what was there changes, nor does the document's metadata, and
the field is invisible and printable as PDF/A wants it. pyHanko handles the structure of the file; the cryptography is
``cms``'s. For a signer elsewhere, ``prepare_pdf`` leaves a gap and says what to sign, ``embed`` fills it.

Reading tells, for each signature in signing order: whether it is right (``intact``), how far it covers the file (all of its
first ``covered_bytes`` but its own gap), whether that is the end, and what was appended after it: ``"nothing"``,
``"signatures"`` (further signatures only) or ``"content"``. Of the bytes in the gap, which no signature covers, only one form
is taken: the CMS in hex of one case, then zeros.
"""

import binascii
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.generic import ArrayObject, ByteStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from common.clock import KAZAKHSTAN_OFFSET_MS
from common.errors import N_, CourtError, Refused
from common.pki import cms, der
from common.pki.algorithms import digest
from common.pki.certificates import Certificate
from common.pki.keystore import Key
from common.pki.signed_data import Signer

PDF_BYTES_MAX = 64 * 1024 * 1024
SIGNATURES_MAX = 32
SIGNED_BYTES_MAX = 512 * 1024 * 1024  # of all signatures together: some seconds
_LIMITS = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=64 * 1024 * 1024),
    document_budget=DocumentDecodeBudget(base_allowance=96 * 1024 * 1024, max_ratio=4),
)
"""What pyHanko may unpack of one file: a small one must not become a large one."""
ID_BYTES = 16
CMS_BYTES_RESERVED = 8 * 1024  # with the centre's timestamp a signature takes 3.4 KB
_KAZAKHSTAN = timezone(timedelta(milliseconds=KAZAKHSTAN_OFFSET_MS))
_FIELD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0 (\d{1,10}) (\d{1,10}) (\d{1,10})\s*\]")

BROKEN = N_("This PDF cannot be read: it is damaged or of an unusual kind. Save it again as a PDF and try once more.")
SIGNATURE_BROKEN = N_("A signature in this PDF cannot be read.")


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature found in a PDF."""

    field: str
    certificate: Certificate
    intact: bool
    covers_whole: bool
    covered_bytes: int
    """It signs the first so many bytes of the file, all but its own gap."""
    level: str
    """What ``cms`` calls it: "CAdES-B" is PAdES-B, "CAdES-T" PAdES-T, "CMS" a signature that does not name its certificate."""
    appended: str
    """What follows the signed bytes: "nothing", "signatures" or "content"."""
    signing_time_ms: int | None
    """The time that the signer claims."""
    cms: bytes
    byte_range_digest: bytes
    """The digest of the signed bytes, by the signature's own digest."""

    @property
    def holds(self) -> bool:
        """Whether it is intact and nothing but further signatures came after it."""
        return self.intact and self.appended != "content"


class _Writer(IncrementalPdfFileWriter):
    """An incremental writer that gives the same bytes each time: a signer elsewhere signs what is made again afterwards.

    It leaves the metadata alone (they are the document's, and carry the time of the machine), and the changing half of the
    file's identifier is made of what was there before (ISO 32000-2, 14.4), not of chance.
    """

    def _update_meta(self) -> None:
        return

    @classmethod
    def _handle_id(cls, prev: PdfFileReader) -> ArrayObject:
        prev.stream.seek(0)
        made = ByteStringObject(hashlib.sha256(prev.stream.read()).digest()[:ID_BYTES])
        given = prev.trailer["/ID"][0] if "/ID" in prev.trailer else made
        return ArrayObject([ByteStringObject(given.original_bytes), made])


@contextmanager
def refused_as_pdf(code: str, sentence: str) -> Iterator[None]:
    """Turn every error of pyHanko inside into ``Refused(code, sentence)``; our own errors pass unchanged."""
    try:
        yield
    except CourtError:
        raise
    except Exception as error:  # noqa: BLE001 - pyHanko's errors have no common root; the fall-back is to refuse the file
        raise Refused(code, sentence) from error


def sign_pdf(pdf: bytes, key: Key, *, at_ms: int, field: str, name: str = "", reason: str = "", location: str = "") -> bytes:
    """Return ``pdf`` with one more signature, in the new field ``field``, that claims the time ``at_ms``.

    Raises Refused("pdf.broken"), Refused("pdf.encrypted") or Refused("pdf.field").
    """
    prepared, to_sign = prepare_pdf(pdf, at_ms=at_ms, field=field, name=name, reason=reason, location=location)
    return _fill(prepared, cms.sign_digest(digest(key.certificate.digest, to_sign), key, at_ms=None))


def prepare_pdf(pdf: bytes, *, at_ms: int, field: str, name: str = "", reason: str = "", location: str = "") -> tuple[bytes, bytes]:
    """Return (the PDF with a gap for a signature, the bytes to sign detached): the same whenever asked the same.

    Raises as ``sign_pdf``.
    """
    if not _FIELD.fullmatch(field):
        raise Refused("pdf.field", N_("The name of a signature field has letters, digits, _ and - only."))
    with refused_as_pdf("pdf.broken", BROKEN):
        writer = _Writer(io.BytesIO(_checked(pdf)), decode_limits=_LIMITS)
        _refuse_encrypted(writer.prev)
        if any(taken == field for taken in _field_names(writer.prev)):
            raise Refused("pdf.field", N_("This document already has that signature."))
        placeholder = SignatureObject(
            timestamp=datetime.fromtimestamp(at_ms / 1000, _KAZAKHSTAN),
            subfilter=SigSeedSubFilter.PADES,
            name=name or None,
            location=location or None,
            reason=reason or None,
            bytes_reserved=2 * CMS_BYTES_RESERVED,
        )
        steps = PdfCMSEmbedder(SigFieldSpec(field)).write_cms(field, writer)
        next(steps)
        steps.send(SigObjSetup(placeholder))
        _, output = steps.send(SigIOSetup("sha256"))  # its digest is not used: the signer's own is another
        prepared = output.getvalue()
        start, end = _gap(prepared)
        return prepared, prepared[:start] + prepared[end:]


def embed(prepared: bytes, signature: bytes) -> bytes:
    """Return the finished PDF: ``signature`` (a detached CMS over what ``prepare_pdf`` gave) in its gap.

    Raises Refused("pdf.broken") when there is no gap, Refused("pdf.signature_size"), or as ``cms.verify_detached``.
    """
    with refused_as_pdf("pdf.broken", BROKEN):
        start, end = _gap(prepared)
        cms.verify_detached(signature, prepared[:start] + prepared[end:])
        return _fill(prepared, signature)


def _fill(prepared: bytes, signature: bytes) -> bytes:
    start, end = _gap(prepared)
    text = binascii.hexlify(signature).upper()
    if len(text) > end - start - 2:
        raise Refused("pdf.signature_size", N_("The signature is larger than the room left for it."))
    return prepared[: start + 1] + text.ljust(end - start - 2, b"0") + prepared[end - 1 :]


def _gap(prepared: bytes) -> tuple[int, int]:
    """Return where the gap with its brackets begins and ends: that of the last signature, still empty. Raises DerError."""
    ranges = _BYTE_RANGE.findall(prepared)
    if not ranges:
        raise der.DerError("no gap")
    start, end, rest = (int(number) for number in ranges[-1])
    gap = prepared[start:end]
    if end + rest != len(prepared) or gap[:1] != b"<" or gap[-1:] != b">" or gap[1:-1].strip(b"0"):
        raise der.DerError("no gap")
    return start, end


def read_pdf_signatures(pdf: bytes) -> tuple[PdfSignature, ...]:
    """Return the signatures of a PDF in signing order; none for a PDF without any.

    Raises Refused: "pdf.broken", "pdf.encrypted", "pdf.signature_broken" (a signature that cannot be read at all), "cms.algorithm".
    A signature that is readable but wrong is returned with ``intact`` False.
    """
    with refused_as_pdf("pdf.broken", BROKEN):
        reader = PdfFileReader(io.BytesIO(_checked(pdf)), decode_limits=_LIMITS)
        _refuse_encrypted(reader)
        if b"/ByteRange" not in pdf and not _field_names(reader):
            return ()
    with refused_as_pdf("pdf.signature_broken", SIGNATURE_BROKEN):
        found = list(reader.embedded_regular_signatures)  # document timestamps sign nothing for anybody
        if len(found) > SIGNATURES_MAX or len(found) * len(pdf) > SIGNED_BYTES_MAX:
            raise Refused("pdf.signature_broken", SIGNATURE_BROKEN)
        signatures = tuple(_read(pdf, one) for one in found)
        if signatures and signatures[-1].appended == "content":  # then it came after every one of them
            return tuple(replace(one, appended="content") for one in signatures)
        return signatures


def _read(pdf: bytes, embedded: EmbeddedPdfSignature) -> PdfSignature:
    signature = der.read_prefix(embedded.pkcs7_content).raw
    found = cms.read(signature)
    signer = cms.only_signer(found)
    whole_gap = found.content is None and _clean_gap(pdf, embedded, signature)
    start, end, rest = (int(number) for number in list(embedded.byte_range)[1:4])
    signed = digest(signer.digest, pdf[:start] + pdf[end : end + rest])
    covers_whole = whole_gap and end + rest == len(pdf)
    claimed = embedded.self_reported_timestamp
    return PdfSignature(
        field=embedded.field_name,
        certificate=signer.certificate,
        intact=whole_gap and _holds(signer, signed),
        covers_whole=covers_whole,
        covered_bytes=end + rest,
        level=signer.level,
        appended="nothing" if covers_whole else _appended(embedded),
        signing_time_ms=int(claimed.timestamp() * 1000) if claimed is not None else None,
        cms=signature,
        byte_range_digest=signed,
    )


def _holds(signer: Signer, content_digest: bytes) -> bool:
    try:
        cms.check_digest(signer, content_digest)
    except Refused:
        return False
    return True


def _clean_gap(pdf: bytes, embedded: EmbeddedPdfSignature, signature: bytes) -> bool:
    """Return whether all but the one gap is signed, and the gap holds the signature and zeros, nothing else.

    Without this a wrong range could hide other bytes from the signature (ISO 32000-2, 12.8.1; the "shadow" attacks).
    """
    numbers = [int(number) for number in embedded.byte_range]
    if len(numbers) != 4 or numbers[0] != 0 or any(number < 0 for number in numbers):
        return False
    _, start, end, rest = numbers
    gap = pdf[start:end]
    text = gap[1:-1]
    if end + rest > len(pdf) or len(gap) < 4 or gap[:1] != b"<" or gap[-1:] != b">" or text not in (text.upper(), text.lower()):
        return False
    try:
        return binascii.unhexlify(text) == signature.ljust(len(text) // 2, b"\0")
    except binascii.Error:
        return False


def _appended(embedded: EmbeddedPdfSignature) -> str:
    """Return what the updates after the signed bytes did. What cannot be judged counts as content."""
    try:
        newest = embedded.reader.xrefs.total_revisions - 1
        if embedded.signed_revision == newest or embedded.evaluate_signature_coverage() < SignatureCoverageLevel.ENTIRE_REVISION:
            return "content"  # bytes that no revision accounts for, or a revision signed in part
        result = DEFAULT_DIFF_POLICY.review_file(
            embedded.reader, embedded.signed_revision, field_mdp_spec=embedded.fieldmdp, doc_mdp=embedded.docmdp_level
        )
    except Exception:  # noqa: BLE001 - the safe fall-back: what cannot be judged was changed
        return "content"
    if isinstance(result, DiffResult) and result.modification_level <= ModificationLevel.FORM_FILLING:
        return "signatures"
    return "content"


def _field_names(reader: PdfFileReader) -> list[str]:
    """Return the names of the form fields at the top of a document."""
    if "/AcroForm" not in reader.root or "/Fields" not in reader.root["/AcroForm"]:
        return []
    fields = [field.get_object() for field in reader.root["/AcroForm"]["/Fields"]]
    return [str(field["/T"]) for field in fields if "/T" in field]


def _checked(pdf: bytes) -> bytes:
    if len(pdf) > PDF_BYTES_MAX:
        raise Refused("pdf.size", N_("This PDF is larger than %(mb)d MB."), mb=PDF_BYTES_MAX // 1024 // 1024)
    return pdf


def _refuse_encrypted(reader: PdfFileReader) -> None:
    if reader.encrypted:
        raise Refused("pdf.encrypted", N_("This PDF is closed with a password. Save it without one and try again."))
