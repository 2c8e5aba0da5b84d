"""What others signed about a filing's signature, as files for its container of evidence, and the statement with it inside.

The statement itself is hashed and never changed; the copy made here (PAdES-T, with what validates it) signs the same bytes
and is for software that wants everything in one PDF. Where it cannot be made (another signature follows the filer's, or
there is no timestamp yet) the files beside it say the same.
"""

from common.court import filing_lists
from common.court.filing_lists import Filing
from common.db import Database
from common.errors import Refused
from common.pki import cms, pades_evidence
from common.pki.asic import Part
from common.pki.trust import Trust

COPY, SIGNATURE = "statement-with-timestamp.pdf", "signature/statement-with-timestamp.p7s"
KINDS = {"timestamp": ("tst", "application/vnd.etsi.timestamp-token"), "ocsp": ("ors", "application/ocsp-response")}


def parts(database: Database, filing: Filing, trust: Trust, statement: bytes | None) -> list[Part]:
    """Return tokens and answers as they came, the signature with its timestamp (CAdES-T) and, with the ``statement``, its copy."""
    kept, form = filing_lists.evidence(database, filing.obj), filing_lists.form(database, filing.obj)
    found = []
    for number, one in enumerate(kept, 1):
        ending, media = KINDS[one.kind]
        found.append(Part(f"signature/{one.kind}{number:02}.{ending}", media, one.data))
    token = next((one.data for one in kept if one.kind == "timestamp"), None)
    if token is None or form is None:
        return found
    found.append(Part(SIGNATURE, "application/pkcs7-signature", cms.add_timestamp(form.signature, token)))
    answers = [one.data for one in kept if one.kind == "ocsp"]
    copy = _copy(statement, token, answers, trust, form.signature) if statement is not None else None
    return [*found, Part(COPY, "application/pdf", copy)] if copy is not None else found


def _copy(statement: bytes, token: bytes, answers: list[bytes], trust: Trust, signature: bytes) -> bytes | None:
    try:
        stamped = pades_evidence.with_timestamp(statement, token)
        chain = trust.chain(cms.read(signature).signers[0].certificate)[1:]
        return pades_evidence.with_validation_data(stamped, certificates=[one.der for one in chain], ocsp=answers)
    except Refused:
        return None
