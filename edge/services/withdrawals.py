"""Taking a filing back: its filer signs that, and the court does not look at it any more; papers and talon stay."""

from common.court import filing_lists, terms
from common.court.filing_entries import Withdraw
from common.court.filing_lists import Filing
from common.court.filing_texts import withdrawal_content
from common.pki.opening import Signer
from edge.node import Node
from edge.services import filings
from edge.visitor import Visitor

REASON_CHARS_MAX = 500


def withdraw(node: Node, author: Visitor, obj: bytes, signer: Signer, *, reason: str) -> Filing:
    """Take a filing back, signed by its filer.

    Raises NotFound, Refused("key.other_person"), Conflict("filing.decided") or Conflict("filing.withdrawn").
    """
    filing = filings.own(node, author, obj)
    filings.require_author(node, signer, author)
    reason = _reason(reason)
    with node.journal.unit() as unit:
        held = filing_lists.filing(unit.database, obj) or filing
        day = terms.local_date(unit.now).isoformat()
        content = _withdrawal(node, held, day, reason)
        signature = signer.sign(content, at_ms=unit.now)
        certificate = signer.certificate.sha256
        body = Withdraw(content=content, signature=signature, certificate=certificate, reason=reason, date=day)
        unit.append(obj, body, actor=certificate)
    return filings.own(node, author, obj)


def to_sign(node: Node, author: Visitor, obj: bytes, *, reason: str) -> bytes:
    """Return the text that `withdraw` signs today; raises NotFound."""
    return _withdrawal(node, filings.own(node, author, obj), terms.local_date(node.clock.now()).isoformat(), _reason(reason))


def _withdrawal(node: Node, filing: Filing, day: str, reason: str) -> bytes:
    court = node.book().find_court(filing.court)
    name = f"{court.name_kk} / {court.name_ru}" if court else ""
    return withdrawal_content(talon=filing.talon, court=filing.court, date=day, reason=reason, court_name=name)


def _reason(text: str) -> str:
    return " ".join(text.split())[:REASON_CHARS_MAX]
