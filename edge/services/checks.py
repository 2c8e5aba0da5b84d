"""The public check of a talon or a signed paper: what the cryptography says, and what this machine knows of the filing."""

from dataclasses import dataclass
from typing import IO

from common.court.filing_lists import Filing
from common.court.filing_tables import FilingRow
from common.db import one_of
from edge.node import Node
from sync.receipts import Ladder, ladder_of
from sync.report import Report
from sync.verify import PUBLIC_BYTES_MAX, World, check_open


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, with the filing behind it where this machine holds it."""

    report: Report
    filing: Filing | None
    climbed: Ladder | None


def check(node: Node, file: IO[bytes], content: bytes | None = None) -> Checked:
    """Return what was found about ``file``, and ``content`` where that is a signature beside it; nothing of it is kept."""
    node.trust.refresh()
    world = World(database=node.database, pin=node.identity.pin, trust=node.trust, now_ms=node.clock.now(), content=content)
    report = check_open(world, file, bytes_max=PUBLIC_BYTES_MAX)
    leaf = report.facts.get("leaf")
    row = one_of(node.database, FilingRow.select().where(FilingRow.leaf == leaf)) if isinstance(leaf, bytes) and report.valid else None
    filing = Filing(**row) if row else None
    return Checked(report, filing, ladder_of(node.database, filing.leaf) if filing else None)
