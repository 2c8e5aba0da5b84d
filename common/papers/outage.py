"""The certificate of a machine that its line was down: for whoever was late because of it, and for the judge.

It names no person. It states what the machine recorded and decides nothing.

    pdf = outage_pdf(OutagePaper(made_at=1795168328000, rows=(Row(…),), …))
"""

from dataclasses import dataclass

from common.papers.parts import Both
from common.papers.qr import qr_picture
from common.papers.talon import CERTIFICATE_NAME
from common.papers.texts import date_time_both, join_words, same, words
from common.papers.typeset import Attachment, typeset
from common.papers.words import date_time_short

STATEMENT_NAME = "outages.cose"
"""Of the signed statement inside the PDF."""
MINUTE_MS = 60_000
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Row:
    """One outage, ms UTC; ``ended`` None while it lasts, ``before`` and ``after`` sizes of the register's statements."""

    began: int
    last: int
    ended: int | None
    tries: int
    before: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePaper:
    """The facts of one certificate. Times are ms UTC."""

    made_at: int
    courts: tuple[Both, ...]
    node: str
    since: int
    until: int
    count: int
    down_ms: int
    rows: tuple[Row, ...]
    qr_text: str
    statement: bytes
    node_certificate: bytes


def outage_pdf(paper: OutagePaper) -> bytes:
    """Return the certificate, PDF/A-3b, with the signed statement and the machine's certificate embedded.

    Raises Refused ``qr.too_long`` or ``papers.too_long``.
    """
    title = words("outage.title")
    facts = {
        "document_title": f"{title.kk} / {title.ru} {paper.node}",
        "title": title,
        "svg": qr_picture(paper.qr_text),
        "qr_alt": words("outage.qr").kk,
        "courts": list(paper.courts),
        "machine": words("outage.machine", number=paper.node),
        "made_label": words("outage.made"),
        "made": date_time_both(paper.made_at),
        "rows": [{"label": words(f"outage.{name}"), "value": value} for name, value in _rows(paper).items()],
        "columns": [words(f"outage.{name}") for name in ("began", "ended", "length", "tries", "heads")],
        "outages": [_row(row) for row in paper.rows],
        "more": words("outage.more", count=len(paper.rows)) if len(paper.rows) < paper.count else None,
        "note_title": words("outage.note_title"),
        "note": words("outage.note"),
        "check": words("outage.check"),
    }
    statement = Attachment(STATEMENT_NAME, paper.statement, "application/cose", "Statement as signed by the node", "source")
    certificate = Attachment(CERTIFICATE_NAME, paper.node_certificate, "application/cose", "Certificate of the node's key", "supplement")
    return typeset("outage.typ", facts, made_at=paper.made_at, attachments=(statement, certificate))


def _rows(paper: OutagePaper) -> dict[str, Both]:
    since, until = date_time_both(paper.since), date_time_both(paper.until)
    return {"period": join_words(" – ", since, until), "count": same(str(paper.count)), "down": _length(paper.down_ms)}


def _row(row: Row) -> Json:
    last = row.last if row.ended is None else row.ended
    return {
        "began": date_time_short(row.began),
        "ended": same(date_time_short(row.ended)) if row.ended is not None else words("outage.lasts"),
        "length": _length(last - row.began),
        "tries": str(row.tries),
        "heads": f"{row.before} → {'—' if row.after is None else row.after}",
    }


def _length(ms: int) -> Both:
    hours, minutes = divmod(ms // MINUTE_MS, 60)
    return words("outage.hours", hours=hours, minutes=minutes)
