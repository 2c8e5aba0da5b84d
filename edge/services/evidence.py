"""The evidence of a filing as one file: made for whoever may see the filing, from what this machine holds.

Of a paper that another machine took, that one has receipt and proof; the container then says what it does not bring.
"""

from typing import IO

from common.court import filing_evidence, filing_proofs
from common.court.filing_lists import Filing
from common.db import fetch
from common.errors import CourtError, NotFound, Refused
from common.pki.asic import Part
from edge.node import Node
from edge.services import talons
from sync import evidence
from sync.entry import Entry
from sync.evidence import Source
from sync.receipts import inclusion_of


def container(node: Node, filing: Filing) -> IO[bytes]:
    """Return the container of a filing, open at its beginning; whoever asks has been found to be allowed to see the filing."""
    now = node.clock.now()
    node.trust.refresh()
    source = Source(
        database=node.database, pin=node.identity.pin, trust=node.trust, own=node.identity.certificate, proof=lambda *of: _proof(node, *of)
    )
    protocol = evidence.parts_of(source, filing.obj, filing.leaf, made_ms=now)
    receipts = _receipts(node, filing)
    files, members = filing_evidence.file_parts(node.database, filing, node.blobs.opener)
    statement = node.blobs.read(filing.statement_sha256) if node.blobs.has(filing.statement_sha256) else None
    files += filing_proofs.parts(node.database, filing, node.trust, statement)
    rungs = evidence.rungs_of([*protocol, *receipts])
    top = filing_evidence.readme(node.book(), filing, members, machine=node.number, rungs=rungs, made_ms=now)
    return evidence.write(node.data, [top, *files, *receipts, *protocol], node.identity.now, at_ms=now)


def _proof(node: Node, entry: Entry, index: int | None) -> bytes | None:
    try:
        return inclusion_of(node.database, entry.leaf)
    except Refused:  # not confirmed yet, or another machine's: that one has the proof
        return None


def _receipts(node: Node, filing: Filing) -> list[Part]:
    parts = []
    try:
        parts.append(Part(evidence.R0, evidence.COSE, talons.receipt_of(node, filing).r0))
        parts.append(Part(evidence.TALON, filing_evidence.PDF, talons.pdf(node, filing)))
    except NotFound:
        pass  # another machine gave the talon, and only that one can
    except CourtError as error:  # the page cannot be made; the receipt itself is there
        if error.status >= 500:
            raise
    rows = fetch(node.database, "SELECT statement FROM complete_here WHERE leaf = ?", (filing.leaf,))
    return [*parts, *(Part(evidence.R2, evidence.COSE, statement) for (statement,) in rows)]
