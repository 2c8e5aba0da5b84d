"""The public check of a talon or a signed paper: what the cryptography says, and what this machine knows of the filing."""

from dataclasses import dataclass

from common.court.filing_lists import Filing
from common.court.filing_tables import FilingRow
from common.db import one_of
from edge.node import Node
from sync.receipts import Ladder, ladder_of
from sync.report import Report
from sync.verify import verify_file


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, with the filing behind it where this machine holds it."""

    report: Report
    filing: Filing | None
    climbed: Ladder | None


def check(node: Node, data: bytes) -> Checked:
    """Return what was found about ``data``; nothing of it is kept."""
    node.trust.refresh()
    pin, now = node.identity.pin, node.clock.now()
    report = verify_file(data, database=node.database, pin=pin, trust=node.trust, now_ms=now)
    leaf = report.facts.get("leaf")
    row = one_of(node.database, FilingRow.select().where(FilingRow.leaf == leaf)) if isinstance(leaf, bytes) and report.valid else None
    filing = Filing(**row) if row else None
    return Checked(report, filing, ladder_of(node.database, filing.leaf) if filing else None)
