"""Signatures on a statement before it is filed: parties first, one update of the PDF each, the filer last.

A signature covers the file as it stood; the next one is appended to it. What was made is read back before anybody relies on it.
"""

from common.court.filing_entries import Cosigner
from common.errors import N_, Refused
from common.pki import cms, pades
from common.pki.opening import Signer
from edge.node import Node
from edge.services import drafts, statements
from edge.services.draft_content import Draft
from edge.visitor import Visitor

SIGNATURE_FIELD = "Filer"


def sign_statement(pdf: bytes, signer: Signer, *, field: str = SIGNATURE_FIELD) -> tuple[bytes, pades.PdfSignature]:
    """Return the signed PDF and its newest signature, read back: intact, over the whole file, over these very bytes.

    Raises Refused("filing.signature") when what came out is not what went in, and as `pades.embed`.
    """
    gap, content = prepared(pdf, signer.at_ms, field)
    signed = pades.embed(gap, signer.sign(content, at_ms=None))
    found = pades.read_pdf_signatures(signed)
    newest = found[-1]
    good = (
        all(each.holds for each in found)
        and newest.field == field
        and newest.covers_whole
        and newest.certificate.sha256 == signer.certificate.sha256
        and signed.startswith(pdf)
        and cms.signed_attributes_signer(newest.cms)[2] == newest.byte_range_digest
    )
    if not good:
        raise Refused("filing.signature", N_("The signature could not be checked. Nothing was sent; try once more."))
    return signed, newest


def prepared(pdf: bytes, at_ms: int, field: str) -> tuple[bytes, bytes]:
    """Return the statement with a gap for the signature ``field``, and what is signed; the same whenever asked the same."""
    # who signs is in the certificate: before the signature it is not known when the key is elsewhere
    return pades.prepare_pdf(pdf, at_ms=at_ms, field=field)


def cosigners_of(draft: Draft) -> tuple[Cosigner, ...]:
    """Return who has signed the statement as it stands now."""
    held, paper = draft.content.cosigned, draft.content.paper
    return held.signers if held is not None and paper is not None and held.paper == paper.sha256 else ()


def signed_so_far(node: Node, author: Visitor, draft: Draft) -> bytes:
    """Return the statement with the signatures that stand on it; raises as `statements.read_statement`."""
    held = draft.content.cosigned
    if held is None or not cosigners_of(draft):
        return statements.read_statement(node, author, draft)
    return drafts.read_file(node, author, draft.id, held.file)
