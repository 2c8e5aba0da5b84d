"""The evidence of a filing as one file, from what the register holds: for the administration, as `edge.services.evidence` for a court.

A container, whoever made it, is stamped again here before its algorithms age: the centre has the line to the national service.
"""

from typing import IO

from central.centre import Centre
from central.services import log
from central.services.outside import Line, addresses
from common.court import filing_evidence, filing_lists, filing_proofs
from common.court.filing_lists import Filing
from common.errors import N_, NotFound, Refused
from common.pki import asic, timestamps
from common.pki.asic import Part
from sync import completeness, evidence
from sync.entry import Entry
from sync.evidence import Source
from sync.identity import CENTRE_NODE


def filing_at(centre: Centre, index: int) -> Filing | None:
    """Return the filing that the entry number ``index`` submitted, or None where that is no submission."""
    found = log.entry(centre, index)
    filing = filing_lists.filing(centre.database, found.envelope.obj)
    return filing if filing is not None and filing.leaf == found.leaf else None


def container(centre: Centre, index: int) -> tuple[Filing, IO[bytes]]:
    """Return the filing submitted by entry ``index`` and its container, open at its beginning; raises NotFound("evidence.none")."""
    filing = filing_at(centre, index)
    if filing is None:
        raise NotFound("evidence.none", N_("This entry submits no filing, so there is no evidence of one."))
    now = centre.clock.now()
    centre.trust.refresh()
    source = Source(
        database=centre.database,
        pin=centre.identity.pin,
        trust=centre.trust,
        own=centre.identity.certificate,
        proof=lambda *of: _proof(centre, *of),
    )
    protocol = evidence.parts_of(source, filing.obj, filing.leaf, made_ms=now)
    r2 = completeness.of_entry(centre.database, centre.identity, filing.leaf, now)
    receipts = [Part(evidence.R2, evidence.COSE, r2)] if r2 else []
    files, members = filing_evidence.file_parts(centre.database, filing, centre.blobs.opener)
    statement = centre.blobs.read(filing.statement_sha256) if centre.blobs.has(filing.statement_sha256) else None
    files += filing_proofs.parts(centre.database, filing, centre.trust, statement)
    rungs = evidence.rungs_of([*protocol, *receipts])
    top = filing_evidence.readme(centre.book(), filing, members, machine=CENTRE_NODE, rungs=rungs, made_ms=now)
    return filing, evidence.write(centre.data, [top, *files, *receipts, *protocol], centre.identity.now, at_ms=now)


def _proof(centre: Centre, entry: Entry, index: int | None) -> bytes | None:
    covered, _ = centre.register.checkpoint()
    return log.proof(centre, index) if index is not None and index < covered else None


def restamp(centre: Centre, file: IO[bytes]) -> str:
    """Add a time stamp of today over everything in a container (open for reading and writing); return the new manifest's name.

    Raises Refused("asic.…"), Refused("evidence.no_service"), Unreachable("outside.down") or Refused("tsp.…"); nothing is then written.
    """
    address = next(iter(addresses(centre.config.tsa)), "")
    if not address:
        raise Refused("evidence.no_service", N_("No timestamping service is set. Set tsa in the settings of the centre."))
    line = Line(centre.database, centre.clock)

    def stamp(manifest: bytes) -> bytes:
        request = timestamps.Request.over(manifest, policy=centre.config.tsa_policy)
        data = line.ask(address, request.encoded(), "application/timestamp-query", timestamps.RESPONSE_BYTES_MAX)
        token = request.read_response(data)
        timestamps.check(token, manifest, centre.trust, now_ms=centre.clock.now())
        return token

    return asic.add_timestamp(file, stamp)
