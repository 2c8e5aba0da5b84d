"""Copies of a signed PDF that carry their evidence inside: PAdES-T and PAdES-LT (ETSI EN 319 142-1, 5.4 and 5.5).

A signed statement is hashed, named in entries and talons, and never changed; a timestamp that comes later is therefore kept
beside it, and a copy for other people's software is made from both when somebody asks. Its signed bytes are the same.

- ``with_timestamp`` puts the token into the signature's own gap: only while nothing was appended after the signature, for a
  later signature covers that gap.
- ``with_validation_data`` appends the certificates, lists and OCSP answers (DSS and VRI) as an incremental update, through
  pyHanko; whoever validates the copy needs no line, as far as their software knows the algorithms.
"""

import binascii
import io
from collections.abc import Iterable

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.validation.dss import DocumentSecurityStore

from common.errors import N_, Refused
from common.pki import cms
from common.pki.pades import BROKEN, PdfSignature, read_pdf_signatures, refused_as_pdf

EMBEDDED_BYTES_MAX = 1024 * 1024
"""Of lists and answers in one copy: the national list has 22 MB, an OCSP answer 3 KB."""


def with_timestamp(pdf: bytes, token: bytes) -> bytes:
    """Return a copy of ``pdf`` whose last signature carries ``token`` (PAdES-T); the token is put in unread.

    Raises Refused: "pdf.broken", "pdf.not_last" (something was appended after the signature, or there is none),
    "pdf.signature_size", "cms.broken".
    """
    signature, start, end = _last(pdf)
    text = binascii.hexlify(cms.add_timestamp(signature.cms, token)).upper()
    if len(text) > end - start:
        raise Refused("pdf.signature_size", N_("The signature is larger than the room left for it."))
    return pdf[:start] + text.ljust(end - start, b"0") + pdf[end:]


def with_validation_data(pdf: bytes, *, certificates: Iterable[bytes], crls: Iterable[bytes] = (), ocsp: Iterable[bytes] = ()) -> bytes:
    """Return a copy of ``pdf`` with what its last signature is to be validated by (PAdES-LT), all in DER.

    Raises Refused: "pdf.broken", "pdf.not_last", or "pdf.evidence_size" for more than EMBEDDED_BYTES_MAX.
    """
    _, start, end = _last(pdf)
    lists, answers = list(crls), list(ocsp)
    if sum(map(len, lists + answers)) > EMBEDDED_BYTES_MAX:
        raise Refused("pdf.evidence_size", N_("The evidence is too large to be put into a PDF. Keep it beside the file."))
    with refused_as_pdf("pdf.broken", BROKEN):
        out = io.BytesIO(pdf)
        writer = IncrementalPdfFileWriter(out)
        DocumentSecurityStore.supply_dss_in_writer(
            writer,
            pdf[start:end],
            certs=[asn1_x509.Certificate.load(one) for one in certificates],
            crls=[asn1_crl.CertificateList.load(one) for one in lists],
            ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in answers],
        )
        writer.write_in_place()  # type: ignore[no-untyped-call]  # pyHanko's
        return out.getvalue()


def _last(pdf: bytes) -> tuple[PdfSignature, int, int]:
    """Return the last signature and where its text in the gap begins and ends."""
    found = read_pdf_signatures(pdf)
    if not found or not found[-1].covers_whole:
        raise Refused("pdf.not_last", N_("Something was added to this PDF after its last signature, or it has none."))
    hexed = binascii.hexlify(found[-1].cms)
    start = max(pdf.rfind(b"<" + hexed), pdf.rfind(b"<" + hexed.upper())) + 1
    end = pdf.find(b">", start)
    if start == 0 or end < 0:
        raise Refused("pdf.broken", BROKEN)
    return found[-1], start, end
