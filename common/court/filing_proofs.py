"""What others signed about a filing's signature, as files for its container of evidence, and the statement with it inside.

The statement itself is hashed and never changed; the copy made here (PAdES-T, with what validates it) signs the same bytes
and is for software that wants everything in one PDF. Where it cannot be made (the last signature has no timestamp yet) the
files beside it say the same.
"""

from collections.abc import Mapping

from common.court import filing_lists
from common.court.filing_lists import Filing
from common.db import Database
from common.errors import Refused
from common.pki import cms, pades, pades_evidence
from common.pki.asic import Part
from common.pki.trust import Trust

COPY, SIGNATURE = "statement-with-timestamp.pdf", "signature/statement-with-timestamp.p7s"
PARTY_SIGNATURE = "signature/party{:02}-with-timestamp.p7s"
KINDS = {"timestamp": ("tst", "application/vnd.etsi.timestamp-token"), "ocsp": ("ors", "application/ocsp-response")}


def parts(database: Database, filing: Filing, trust: Trust, statement: bytes | None) -> list[Part]:
    """Return tokens and answers as they came, the signature with its timestamp (CAdES-T) and, with the ``statement``, its copy."""
    kept, form = filing_lists.evidence(database, filing.obj), filing_lists.form(database, filing.obj)
    found = []
    for number, one in enumerate(kept, 1):
        ending, media = KINDS[one.kind]
        found.append(Part(f"signature/{one.kind}{number:02}.{ending}", media, one.data))
    if form is None:
        return found
    signatures = [form.signature, *(each.signature for each in filing_lists.cosigners(database, filing.obj))]
    tokens = {one.signer: one.data for one in reversed(kept) if one.kind == "timestamp"}
    for place, token in sorted(tokens.items()):
        name = PARTY_SIGNATURE.format(place) if place else SIGNATURE
        found.append(Part(name, "application/pkcs7-signature", cms.add_timestamp(signatures[place], token)))
    answers = [one.data for one in kept if one.kind == "ocsp"]
    copy = _copy(statement, tokens, answers, trust, signatures) if statement is not None else None
    return [*found, Part(COPY, "application/pdf", copy)] if copy is not None else found


def _copy(statement: bytes, tokens: Mapping[int, bytes], answers: list[bytes], trust: Trust, signatures: list[bytes]) -> bytes | None:
    """Put its token into the signature that is last, whosever it is: it covers all before it, and its gap nobody covers."""
    try:
        last = pades.read_pdf_signatures(statement)[-1:]
        token = next((tokens[place] for place, made in enumerate(signatures) if place in tokens and last and last[0].cms == made), None)
        if token is None:
            return None
        stamped = pades_evidence.with_timestamp(statement, token)
        above = {one.der: None for made in signatures for one in trust.chain(cms.read(made).signers[0].certificate)[1:]}
        return pades_evidence.with_validation_data(stamped, certificates=list(above), ocsp=answers)
    except Refused:
        return None
