"""The rows of one filing, made from its facts: the pure second half of the fold of `filings`."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from common import canonical
from common.court import filing_tables as tables
from common.court.events import event_row
from common.court.filing_entries import Cosigner, Evidence, Refuse, Register, Rule, Submit, Verify, Withdraw
from common.facts import Body, Fact, Rows


def rows(facts: Sequence[Fact], *, court: str, status: str, ended: Fact | None, ruled: Fact | None) -> Rows:
    """Return all rows of a filing with ``facts``, held by ``court``, ended by ``ended``, on which a judge ``ruled``."""
    if not facts:
        return {table: [] for table in tables.TABLES}
    obj, submit = facts[0].obj, facts[0].body
    claim = canonical.encode(submit.claim)
    decisions = [(position, fact) for position, fact in enumerate(facts) if isinstance(fact.body, Register | Refuse | Rule)]
    return {
        tables.FilingRow: [{**_filing_row(facts[0], claim), **_state_columns(facts, court, status, ended, ruled)}],
        tables.FilingFormRow: [_form_row(obj, submit, claim)],
        tables.FilingPartyRow: [
            {"obj": obj, "position": position, "role": party.role, "name": party.name, "kind": party.kind}
            for position, party in enumerate(submit.parties)
        ],
        tables.FilingSignerRow: [_signer_row(obj, position, each, facts) for position, each in enumerate(submit.cosigners)],
        tables.FilingFileRow: [
            {"obj": obj, "position": position, **msgspec.structs.asdict(file)} for position, file in enumerate(submit.files)
        ],
        tables.FilingEventRow: [
            _event_row(position, fact, submit) for position, fact in enumerate(facts) if not isinstance(fact.body, Evidence)
        ],
        tables.FilingEvidenceRow: [
            {"obj": obj, "position": position, **msgspec.structs.asdict(fact.body)}
            for position, fact in enumerate(facts)
            if isinstance(fact.body, Evidence)
        ],
        tables.FilingDecisionRow: [_decision_row(position, fact) for position, fact in decisions],
        tables.FilingGroundRow: [
            {"obj": obj, "decision": position, "position": place, **msgspec.structs.asdict(ground)}
            for position, fact in decisions
            if isinstance(fact.body, Refuse | Rule)
            for place, ground in enumerate(fact.body.grounds)
        ],
    }


def _filing_row(fact: Fact, encoded_claim: bytes) -> dict[str, Any]:
    """What the submission alone says."""
    body: Submit = fact.body
    return {
        "obj": fact.obj,
        "talon": body.talon,
        "first_court": body.court,
        "region": body.region,
        "document_type": body.document_type,
        "instance": body.instance,
        "proceedings": body.proceedings,
        "category": body.category,
        "nature": body.nature,
        "language": body.language,
        "person": body.filer.person,
        "filer_name": body.filer.name,
        "filer_iin": body.filer.iin,
        "filer_bin": body.filer.bin,
        "certificate": body.filer.certificate,
        "assisted_by": body.witness.name if body.witness else body.assisted_by,
        "witnessed": body.witness is not None,
        "submitted_ms": fact.time,
        "received_ms": body.received_ms,
        "line": body.line,
        "offline_since_ms": body.offline_since_ms,
        "node": fact.node,
        "epoch": fact.epoch,
        "seq": fact.seq,
        "leaf": fact.leaf,
        "key_id": body.key_id,
        "answers_to": body.answers_to,
        "likeness": _likeness(body, encoded_claim),
        "claim_tiyn": body.duty.claim_tiyn,
        "duty_tiyn": body.duty.duty_tiyn,
        "duty_way": body.duty.way,
        "exemption": body.duty.exemption,
        "crl_as_of_ms": body.crl_as_of_ms,
        "crl_stale": body.crl_stale,
        "files": len(body.files),
        "total_bytes": body.statement.size + sum(file.size for file in body.files),
        "statement_sha256": body.statement.sha256,
        "statement_size": body.statement.size,
        "statement_pages": body.statement.pages,
    }


def _state_columns(facts: Sequence[Fact], court: str, status: str, ended: Fact | None, ruled: Fact | None) -> dict[str, Any]:
    """What later facts changed."""
    payment, address = (_found(facts, subject) for subject in ("payment", "address"))
    registered = ended.body if ended is not None and isinstance(ended.body, Register) else None
    return {
        "court": court,
        "status": status,
        "number": registered.number if registered else "",
        "case_obj": registered.case if registered else None,
        "decided_ms": ended.time if ended is not None else None,
        "ruling": ruled.body.outcome if ruled is not None else "",
        "ruled_ms": ruled.time if ruled is not None else None,
        **_of_signature(facts, 0),
        "payment": payment.result if payment is not None else "",
        "address": address.result if address is not None else "",
    }


def _of_signature(facts: Sequence[Fact], signer: int) -> dict[str, Any]:
    """What was found out later about one signature: that of the filer (0) or of a cosigner."""
    revocation = _found(facts, "revocation", signer)
    evidence = [fact.body for fact in facts if isinstance(fact.body, Evidence) and fact.body.signer == signer]
    return {
        "revocation": revocation.result if revocation is not None else "",
        "revoked_ms": revocation.since_ms if revocation is not None else None,
        "stamped_ms": min((body.at_ms for body in evidence if body.kind == "timestamp"), default=None),
    }


def _signer_row(obj: bytes, position: int, cosigner: Cosigner, facts: Sequence[Fact]) -> dict[str, Any]:
    said = msgspec.structs.asdict(cosigner)
    del said["signed"]  # it is the digest inside the signature
    return {"obj": obj, "position": position, **said, **_of_signature(facts, position + 1)}


def _form_row(obj: bytes, body: Submit, encoded_claim: bytes) -> dict[str, Any]:
    return {
        "obj": obj,
        "claim": encoded_claim,
        "findings": canonical.encode(body.findings),
        "rule_pack": body.rule_pack,
        "witness": canonical.encode(msgspec.to_builtins(body.witness)),
        "signature": body.signature,
        "signed": body.signed,
    }


def _found(facts: Sequence[Fact], subject: str, signer: int = 0) -> Verify | None:
    """The result with the newest as-of; of two equally old ones the later entry."""
    said = (fact.body for fact in facts if isinstance(fact.body, Verify))
    found = [body for body in said if (body.subject, body.signer) == (subject, signer)]
    newest = max(enumerate(found), key=lambda each: (each[1].as_of_ms, each[0]), default=None)
    return newest[1] if newest else None


def _likeness(body: Submit, encoded_claim: bytes) -> bytes:
    claim = hashlib.sha256(encoded_claim).digest()
    same = [body.court, body.document_type, body.filer.person, claim, sorted(file.sha256 for file in body.files)]
    return hashlib.sha256(canonical.encode(same)).digest()


def _event_row(position: int, fact: Fact, submit: Submit) -> dict[str, Any]:
    kind, params = _event(fact.body)
    if isinstance(fact.body, Verify) and fact.body.signer:
        params["signer"] = submit.cosigners[fact.body.signer - 1].name
    return event_row(fact, position, kind, params)


def _event(body: Body) -> tuple[str, dict[str, Any]]:
    """What happened, in a word, and what a sentence about it may name."""
    match body:
        case Submit():
            witness = {"witness": body.witness.name} if body.witness is not None else {}
            return "filed", {"court": body.court, "line": body.line, **witness}
        case Withdraw():
            return "withdrawn", {"reason": body.reason}
        case Verify():
            about = {"subject": body.subject, "result": body.result, "as_of_ms": body.as_of_ms, "source": body.source}
            return "verified", about | ({"since_ms": body.since_ms, "reason": body.reason} if body.since_ms is not None else {})
        case Register():
            return "registered", {"court": body.court, "number": body.number, "date": body.date, "executor": body.executor}
        case Refuse() if body.redirected_to:
            return "redirected", {"court": body.court, "to": body.redirected_to, "note": body.note}
        case Rule():
            about = {"court": body.court, "number": body.number, "date": body.date, "executor": body.judge, "note": body.note}
            return body.outcome, about
        case Refuse():
            return "refused", {"court": body.court, "date": body.date, "cure_until": body.cure_until, "note": body.note}
    raise TypeError(type(body))


def _decision_row(position: int, fact: Fact) -> dict[str, Any]:
    body: Register | Refuse | Rule = fact.body
    refused = body if isinstance(body, Refuse) else None
    return {
        "obj": fact.obj,
        "position": position,
        "kind": _event(body)[0],
        "court": body.court,
        "date": body.date,
        "executor": body.judge if isinstance(body, Rule) else body.executor,
        "note": "" if isinstance(body, Register) else body.note,
        "cure_until": refused.cure_until if refused else "",
        "redirected_to": refused.redirected_to if refused else "",
        "content": body.content,
        "signature": body.signature,
        "certificate": body.certificate,
    }
