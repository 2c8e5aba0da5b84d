"""The court's notices. R3: registered with a case number, or refused with every reason at once. R4: what a judge ruled on acceptance.

Both languages on one paper; each reason with its code, article, whether it can be cured and until when, and the time of
the first talon, which a corrected filing keeps.

    pdf = decision_pdf(Decision(outcome="registered", case_number="4711-26-00-2/934", …))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from common.papers.parts import Both, Court
from common.papers.qr import qr_picture
from common.papers.texts import date_both, date_time_both, join_words, same, words
from common.papers.typeset import Attachment, typeset
from common.papers.words import date_time_words, talon_groups

Json = dict[str, object]
TEXT_NAME, SIGNATURE_NAME = "decision.txt", "decision.p7s"
"""Beside the page: the words as they were signed, and the detached signature of who decided."""
RULINGS = frozenset({"accepted", "returned", "declined"})
"""What a judge decides, after registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One ground of refusal from the coded list."""

    code: str
    text: Both
    article: Both = Both("", "")
    """Where the law says so; empty where the code is the court's own."""
    can_be_cured: bool
    cure_until: int | None = None
    """ms UTC; None where no term runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The facts of R3 or R4. Times are ms UTC."""

    outcome: Literal["registered", "refused", "accepted", "returned", "declined"]
    decided_at: int
    court: Court
    case_number: str = ""
    """For all but ``refused``."""
    reasons: tuple[Reason, ...] = ()
    """For ``refused``, ``returned`` and ``declined``: all of them."""
    note: str = ""
    """The clerk's or judge's own words about all of it, in the language they wrote."""
    talon_number: str
    received_at: int
    """Time of R0: the one that counts for terms."""
    applicant: str
    """Full name of the filer."""
    witness: str = ""
    """Who of the court's staff signed for a filer without a key."""
    document: Both
    subject: Both = Both("", "")
    clerk_name: str
    clerk_position: Both = Both("", "")
    qr_text: str = ""
    """``encode_qr`` of the signed R3, where it fits; empty for none."""


def decision_pdf(decision: Decision, attachments: Sequence[Attachment] = ()) -> bytes:
    """Return the notice as PDF/A-2b; with ``attachments`` (the clerk's signed text and signature) as PDF/A-3b.

    Raises Refused ``qr.too_long`` or ``papers.too_long``.
    """
    title, number = words(f"decision.{decision.outcome}"), talon_groups(decision.talon_number)
    facts = {
        "document_title": f"{title.kk} / {title.ru} {number}",
        "title": title,
        "court": decision.court.name,
        "region": decision.court.region,
        "time": date_time_both(decision.decided_at),
        "svg": qr_picture(decision.qr_text) if decision.qr_text else "",
        "qr_alt": words("decision.qr").kk,
        "case_label": words("decision.case_number"),
        "case_number": f"№ {decision.case_number}" if decision.case_number else "",
        "rows": [{"label": words(f"decision.{name}"), "value": value} for name, value in _rows(decision).items() if value.kk],
        "body": _body(decision),
        "reasons_label": words("decision.grounds" if decision.outcome in RULINGS else "decision.reasons"),
        "reasons": [_reason(reason) for reason in decision.reasons],
        "note_label": words("decision.note"),
        "note": decision.note,
        "clerk_label": words("decision.judge" if decision.outcome in RULINGS else "decision.clerk"),
        "clerk": decision.clerk_name,
        "position": decision.clerk_position,
        "sign_note": words("decision.judge_note" if decision.outcome in RULINGS else "decision.sign_note"),
        "foot": words("talon_no", number=number),
        "page": words("page_of", n="{n}", all="{all}"),
    }
    return typeset("decision.typ", facts, made_at=decision.decided_at, attachments=attachments)


def _rows(decision: Decision) -> dict[str, Both]:
    received = Both(date_time_words(decision.received_at, "kk", seconds=True), date_time_words(decision.received_at, "ru", seconds=True))
    return {
        "applicant": same(decision.applicant),
        "witness": same(decision.witness),
        "document": join_words(": ", decision.document, decision.subject),
        "talon": same(talon_groups(decision.talon_number)),
        "received": received,
    }


def _body(decision: Decision) -> Both:
    if decision.outcome != "refused":
        return words(f"decision.{decision.outcome}_text")
    if any(not reason.can_be_cured for reason in decision.reasons):
        return words("decision.refused_final_text")
    return words("decision.refused_text", received=date_time_both(decision.received_at))


def _reason(reason: Reason) -> Json:
    code = words("decision.code", code=reason.code)
    return {
        "text": reason.text,
        "ground": join_words(", ", reason.article, code),
        "cure": _cure(reason),
    }


def _cure(reason: Reason) -> Both:
    if not reason.can_be_cured:
        return words("decision.no_cure")
    if reason.cure_until is None:
        return words("decision.cure")
    return words("decision.cure_until", date=date_both(reason.cure_until))
