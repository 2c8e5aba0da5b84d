"""Sending and taking back: from a draft and a key to a filing of which the register will never lose anything.

    prepared = statements.prepare(node, author, draft_id)          # the exact PDF, shown to be read
    filing = filings.submit(node, author, draft_id, opened, shown=prepared.content.paper.sha256)

The order of `submit` is the promise (ARCHITECTURE, invariants 1 and 2):

1. Everything is checked, signed and checked again in memory; a refusal leaves the draft as it is.
2. Files and the signed statement become durable blobs.
3. One transaction: the entry with its rows, and the draft's key and content deleted. If we crash before its commit the draft
   is intact; after it the filing stands, under the same id, where the draft was. Never both lost, never twice.
4. The high-water mark, then the talon may be shown.
"""

import hashlib
import shutil
from dataclasses import dataclass

import msgspec

from common.court import erasures, filing_lists, rules, staff, terms
from common.court.claim import Attachment, Claim, dump
from common.court.filing_entries import Duty, File, Filer, FileRef, Party, Submit, Witness
from common.court.filing_lists import Filing
from common.court.rule_facts import ClaimFacts, FileFact, Finding
from common.court.signing import require_right
from common.court.writers import DECIDERS
from common.db import BlobField, IntegerField, Table, TextField, create_tables, fetch, insert
from common.errors import N_, Conflict, NotFound, Refused
from common.facts import BlobRef
from common.people import calm_name
from common.pki import pades
from common.pki.certificates import Certificate
from common.pki.opening import Signer, require_holder
from common.version import VERSION
from edge.exchanger import FRESH_INTERVALS
from edge.node import Node
from edge.services import drafts, signing, statements, talons
from edge.services.draft_content import Draft
from edge.visitor import Visitor
from sync import directory

PDF_MEDIA = "application/pdf"
DOCUMENT_TYPES = {"claim": "claim", "special": "motion"}
"""Codes of the classifier: an application in special proceedings is a «өтініш / заявление»."""
DISK_FREE_BYTES_MIN = 512 * 1024**2
"""Below it a filing of the largest size, its journal and its exchange might not fit any more."""


class ReceivedRow(Table):
    """What the machine knew of itself when it took a filing, for the talon: local, because nobody else promised anything."""

    obj = BlobField(primary_key=True)
    contact_ms = IntegerField(null=True)
    software = TextField()

    class Meta:
        table_name = "received"


@dataclass(frozen=True, slots=True)
class LineState:
    """The line at a moment. ``contact_ms``: the last exchange, None before the first; ``since_ms``: offline since, None while online."""

    online: bool
    contact_ms: int | None
    since_ms: int | None


def create(node: Node) -> None:
    """Create what is missing."""
    create_tables(node.database, (ReceivedRow,))


# -- before signing


def facts_of(node: Node, draft: Draft, author: Visitor) -> ClaimFacts:
    """Return what the rule pack is asked about before signing."""
    # signatures on a statement that says something else by now lapse when it is made again
    signers = signing.cosigners_of(draft) if statements.is_current(node, author, draft) else ()
    signed = frozenset(each.bin or each.iin for each in signers)
    # a file that could not be opened was never taken into the draft
    files = tuple(FileFact(file.sha256) for file in draft.claim.attachments)
    return ClaimFacts(draft.claim, signer_iin=author.iin, signer_bin=author.bin, signed_by=signed, files=files)


def preflight(node: Node, author: Visitor, draft: Draft) -> tuple[Finding, ...]:
    """Return what the rule pack finds today: the same checks the clerk will see."""
    return rules.check(facts_of(node, draft, author), node.book(), terms.local_date(node.clock.now()))


# -- sending


def submit(node: Node, author: Visitor, id: bytes, signer: Signer, *, shown: str) -> Filing:
    """Sign the statement that was ``shown`` (SHA-256, hex), file it, erase the draft, and return the filing.

    Sending a draft again returns the filing it became. Raises as `require_taking`, NotFound, Refused("key.other_person" or "key.no_right"),
    Refused("filing.rules"), Conflict("filing.changed") where the form was changed after reading, and what signing, the
    disk and the fold refuse with.
    """
    before = sent(node, author, id)
    if before is not None:
        return before
    require_taking(node)
    draft = as_shown(node, author, id, shown)
    require_author(node, signer, author)
    findings = preflight(node, author, draft)
    _require_ready(findings)
    signed, signature = signing.sign_statement(signing.signed_so_far(node, author, draft), signer)
    blobs = _store_blobs(node, author, draft, signed)
    body = _body(node, draft, signer, author, findings, signed, signature)
    return _commit(node, author, draft, body, blobs, signer.certificate)


def to_sign(node: Node, author: Visitor, id: bytes, *, shown: str, at_ms: int) -> bytes:
    """Return the bytes of the statement that `submit` has signed at ``at_ms``: for a key that is not opened here.

    They are made again by `submit`, byte for byte, so nothing is kept meanwhile. Raises as `submit`, before its signature.
    """
    require_taking(node)
    draft = as_shown(node, author, id, shown)
    _require_ready(preflight(node, author, draft))
    return signing.prepared(signing.signed_so_far(node, author, draft), at_ms, signing.SIGNATURE_FIELD)[1]


def as_shown(node: Node, author: Visitor, id: bytes, shown: str) -> Draft:
    """Return the draft whose statement is still the one that was ``shown``; raises NotFound, Conflict("filing.changed")."""
    draft = drafts.find(node, author, id)
    if not statements.is_current(node, author, draft) or draft.content.paper is None or draft.content.paper.sha256 != shown:
        raise Conflict("filing.changed", N_("The form was changed after you read it. Read it again, then sign."))
    return draft


def require_taking(node: Node) -> None:
    """Raise Conflict("filing.closed") where this machine may promise nothing: excluded by the centre, or its disk failed or nearly full."""
    code = fetch(node.database, "SELECT state FROM sync")[0][0]
    excluded = code.startswith("node.") or directory.revocation_of(node.database, node.number) is not None
    if excluded or node.database.failed or shutil.disk_usage(node.data).free < DISK_FREE_BYTES_MIN:
        sentence = N_("This machine cannot take papers now; your draft stays. Go to the court's office, or file at another court.")
        raise Conflict("filing.closed", sentence)


def sent(node: Node, author: Visitor, id: bytes) -> Filing | None:
    """Return what became of a draft that was sent, for its author alone; sweeps what a crash left of the draft."""
    found = filing_lists.filing_of_draft(node.database, id)
    if found is None or not _is_of(found, author):
        return None
    drafts.sweep(node, id)
    return found


def line_state(node: Node) -> LineState:
    """Return how the line is now, as the talon tells it."""
    contact, down = fetch(node.database, "SELECT contact_ms, down_since_ms FROM sync")[0]
    silent = node.clock.now() - contact > FRESH_INTERVALS * node.config.interval_seconds * 1000
    if down is None and not silent:
        return LineState(True, contact or None, None)
    # a failed try is later than the break itself: the last contact is the last moment the line is known to have worked
    return LineState(False, contact or None, contact or down or None)


def _require_ready(findings: tuple[Finding, ...]) -> None:
    problems = rules.blocking(findings)
    if problems:
        raise Refused("filing.rules", N_("Correct what the check has found, then sign. Problems left: %(count)d."), count=len(problems))


def _store_blobs(node: Node, author: Visitor, draft: Draft, signed: bytes) -> list[BlobRef]:
    """Make the statement and every file durable outside the draft; a crash after this leaves only unnamed blobs."""
    blobs = [BlobRef(node.blobs.put(signed), len(signed), PDF_MEDIA)]
    for file in draft.claim.attachments:
        data = drafts.read_file(node, author, draft.id, draft.content.files[file.sha256])
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise Refused("draft.file", N_("A file of the draft is damaged. Remove it and upload it again."), field="attachments")
        blobs.append(BlobRef(node.blobs.put(data), file.size, file.media_type))
    return list({blob.sha256: blob for blob in blobs}.values())


def _body(
    node: Node, draft: Draft, signer: Signer, author: Visitor, findings: tuple[Finding, ...], signed: bytes, signature: pades.PdfSignature
) -> Submit:
    claim, line, certificate, paper = draft.claim, line_state(node), signer.certificate, draft.content.paper
    assert paper is not None, "submit has compared it with what was shown"
    return Submit(
        talon=draft.content.talon,
        court=claim.court,
        region=claim.region,
        document_type=DOCUMENT_TYPES[claim.proceedings],
        instance="first",
        proceedings="civil",
        category=claim.category,
        nature=claim.nature,
        language=claim.language,
        claim=dump(claim),
        filer=_filer(certificate, author),
        parties=[Party(role=party.role, name=party.display_name, kind=party.kind) for party in claim.parties],
        duty=_duty(claim),
        statement=FileRef(sha256=hashlib.sha256(signed).digest(), size=len(signed), pages=paper.pages),
        files=[_file(file) for file in claim.attachments],
        signature=signature.cms,
        signed=signature.byte_range_digest,
        crl_as_of_ms=signer.verdict.crl_this_update_ms,
        crl_stale=signer.verdict.stale,
        rule_pack=rules.PACK_VERSION,
        findings=list(rules.warned(findings)),
        received_ms=node.clock.now(),
        line="online" if line.online else "offline",
        offline_since_ms=line.since_ms,
        key_id=draft.id,
        witness=msgspec.structs.replace(author.witness, receipt=talons.RECEIPT_SAYS_WITNESS) if author.witness else None,
        cosigners=list(signing.cosigners_of(draft)),
    )


def _filer(certificate: Certificate, author: Visitor) -> Filer:
    if author.witness is not None:
        return Filer(person=author.person, iin=author.iin, name=calm_name(author.name), certificate=certificate.sha256)
    name = certificate.organisation if certificate.bin else certificate.full_name
    person = certificate.bin or certificate.iin
    return Filer(person=person, iin=certificate.iin, bin=certificate.bin, name=calm_name(name), certificate=certificate.sha256)


def _duty(claim: Claim) -> Duty:
    payment = claim.payment
    return Duty(
        claim_tiyn=payment.claim_tiyn or 0,
        duty_tiyn=payment.duty_tiyn or 0,
        way=payment.way or "pending",
        exemption=payment.exemption_id if payment.exempt else "",
    )


def _file(file: Attachment) -> File:
    return File(
        title=file.title, kind=file.kind, media=file.media_type, pages=file.pages, size=file.size, sha256=bytes.fromhex(file.sha256)
    )


def _commit(node: Node, author: Visitor, draft: Draft, body: Submit, blobs: list[BlobRef], certificate: Certificate) -> Filing:
    with node.journal.unit() as unit:
        if (before := filing_lists.filing_of_draft(unit.database, draft.id)) is None:
            if drafts.find(node, author, draft.id).content.cosigned != draft.content.cosigned:  # somebody signed meanwhile
                raise Conflict("filing.changed", N_("The form was changed after you read it. Read it again, then sign."))
            received = msgspec.structs.replace(body, received_ms=unit.now)
            unit.append(draft.id, received, blobs=blobs, actor=certificate.sha256)
            row = {"obj": draft.id, "contact_ms": line_state(node).contact_ms, "software": VERSION}
            insert(unit.database, ReceivedRow, [row])
            drafts.forget(unit.database, draft.id)
    # if we crash here the filing stands and the talon waits under the draft's address; its sealed files are noise to be swept
    drafts.sweep(node, draft.id)
    filing = before or filing_lists.filing(node.database, draft.id)
    if filing is None or filing.person != author.person:
        raise NotFound("filing.none", N_("There is no such filing here, or it is not yours."))
    return filing


# -- afterwards


def own(node: Node, author: Visitor, obj: bytes) -> Filing:
    """Return a filing of this cabinet; raises NotFound for everybody else's and for what is not here."""
    found = filing_lists.filing(node.database, obj)
    if found is None:
        erasures.require_not_erased(node.database, obj)
    if found is None or not _is_of(found, author):
        raise NotFound("filing.none", N_("There is no such filing here, or it is not yours."))
    return found


def _is_of(filing: Filing, author: Visitor) -> bool:
    """A cabinet is the person's; a witness sees what they have witnessed for this person, and nothing else of them."""
    mine = filing.person == author.person
    return mine and (author.witness is None or (filing.witnessed and filing.certificate == author.certificate))


def require_author(node: Node, signer: Signer, author: Visitor) -> None:
    """Raise Refused("key.other_person", "key.no_right" or "key.not_witness") for a key that is not this author's, or may not sign."""
    if author.witness is not None:
        _require_witness(node, signer, author, author.witness)
        return
    require_holder(signer.certificate, iin=author.iin, bin=author.bin)
    require_right(signer.certificate.roles, bin=author.bin)


def _require_witness(node: Node, signer: Signer, author: Visitor, witness: Witness) -> None:
    if signer.certificate.sha256 != author.certificate:
        sentence = N_("This is not the key of the witness who began this filing. Choose your own key.")
        raise Refused("key.not_witness", sentence, field="key_file")
    held = staff.roles_at(node.database, author.certificate, now_ms=node.clock.now())
    if witness.court not in node.courts() or not any(each.court == witness.court and each.role in DECIDERS for each in held):
        raise Refused("witness.not_staff", N_("Only a clerk or the chairman of this court may witness a filing."), field="key_file")
