"""A filing whose signature was stamped and asked about: its container brings the proofs, and a copy of the statement with them."""

import io
import zipfile
from pathlib import Path

import msgspec

from central.folding import Folding
from central.services import authority as asking
from central.services import evidence as central_evidence
from central.services import outside, verification
from common.court import filing_lists, filing_proofs
from common.db import fetch
from common.pki import cms, timestamps
from common.pki.pades import read_pdf_signatures
from common.pki.trust import Trust
from edge.services import evidence
from edge.services.moments import interval
from sync.verify import World, check
from sync.verify_evidence import empty_database
from tests.court import Court
from tests.pki_services import Services
from tests.web.filing_world import COURT, create, ready, send
from tests.web.pages import AIGUL, centre_of, trust_our_centres


def test_a_container_brings_the_proofs_and_a_copy_that_lasts(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.publish_reference()
    node, centre = court.node(COURT), court.centre
    for machine in (node, centre):
        trust_our_centres(machine)  # type: ignore[arg-type]
    for part in (outside, verification, asking):
        part.create(centre.database)
    create(node)
    filing = send(node, ready(node))
    assert court.exchange(node)
    assert interval(node, filing).lines[-1].sentence.startswith("There is no timestamp")
    services = Services(centre_of(AIGUL.centre), court.clock.now)
    with services.serving() as address:
        centre.config = msgspec.structs.replace(centre.config, crl="", crl_delta="", ocsp=f"{address}/ocsp", tsa=f"{address}/tsa")
        Folding(centre).round()
        asking.Authority(centre).round()
    for _ in range(2):
        assert court.exchange(node)
    stamped = filing_lists.filing(node.database, filing.obj)
    assert stamped is not None
    assert stamped.stamped_ms is not None
    proved = interval(node, stamped)
    assert (proved.sound, proved.before_ms) == (True, stamped.stamped_ms)
    index = fetch(centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (filing.leaf,))[0][0]
    with evidence.container(node, stamped) as ours, central_evidence.container(centre, index)[1] as theirs:
        containers = ours.read(), theirs.read()
    for data in containers:
        world = World(
            database=empty_database(), pin=node.identity.pin, trust=Trust.of(centre_of(AIGUL.centre).anchors()), now_ms=court.clock.now()
        )
        report = check(world, data)
        assert report.verdict == "valid", report.as_json()
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            proofs = {name for name in opened.namelist() if name.startswith("signature/")}
            assert proofs == {"signature/ocsp01.ors", "signature/timestamp02.tst", filing_proofs.SIGNATURE}
            statement, copy = opened.read("statement.pdf"), opened.read(filing_proofs.COPY)
            signer = cms.read(opened.read(filing_proofs.SIGNATURE)).signers[0]
        assert signer.level == "CAdES-T"
        before, after = read_pdf_signatures(statement)[0], read_pdf_signatures(copy)[0]
        assert (before.level, after.level, after.holds) == ("CAdES-B", "CAdES-T", True)
        assert after.byte_range_digest == before.byte_range_digest
        found, _ = timestamps.check(signer.timestamps[0], signer.signature, node.trust, now_ms=court.clock.now())
        assert found.at_ms == stamped.stamped_ms
