"""A filing whose signature was stamped and asked about: its container brings the proofs, and a copy of the statement with them."""

import io
import zipfile
from html import unescape
from pathlib import Path

import msgspec

from central.folding import Folding
from central.services import authority as asking
from central.services import evidence as central_evidence
from central.services import outside, verification
from common.court import filing_lists, filing_proofs
from common.db import fetch
from common.pki import cms, timestamps
from common.pki.authority import Authority
from common.pki.pades import read_pdf_signatures
from common.pki.trust import Trust
from edge.node import Node
from edge.services import cosigning, desk, evidence, filings
from edge.services.examination import examine
from edge.services.moments import interval
from sync.verify import World, check
from sync.verify_evidence import empty_database
from tests.court import Court
from tests.pki_services import Services
from tests.web.filing_world import COURT, DEFENDANT, MAKERS, claim_of, create, ready, send, visitor_of
from tests.web.pages import AIGUL, Browser, build, centre_of, trust_our_centres
from tests.web.test_cosign import FIRM


def house_with_services(folder: Path) -> tuple[Court, Services]:
    court = Court(folder)
    court.publish_reference()
    node, centre = court.node(COURT), court.centre
    for machine in (node, centre):
        trust_our_centres(machine)  # type: ignore[arg-type]
    for part in (outside, verification, asking):
        part.create(centre.database)
    create(node)
    issuing = centre_of(AIGUL.centre)
    return court, Services(Authority(issuing.root, issuing.issuer), court.clock.now)


def asked(court: Court, services: Services) -> None:
    """Let the centre ask about everything it has, and the node hear of it."""
    node, centre = court.nodes[0], court.centre
    assert court.exchange(node)
    with services.serving() as address:
        centre.config = msgspec.structs.replace(centre.config, crl="", crl_delta="", ocsp=f"{address}/ocsp", tsa=f"{address}/tsa")
        Folding(centre).round()
        asking.Authority(centre).round()
    for _ in range(2):
        assert court.exchange(node)


def test_every_signer_is_asked_about_and_stamped_and_the_copy_is_of_the_last_signature(tmp_path: Path) -> None:
    court, services = house_with_services(tmp_path)
    node, author = court.nodes[0], visitor_of(AIGUL)
    draft = ready(node, AIGUL, parties=(claim_of(AIGUL).parties[0], DEFENDANT))
    assert draft.content.paper is not None
    shown = draft.content.paper.sha256
    cosigning.cosign(node, author, draft.id, FIRM.open(node), shown=shown)
    filing = filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown)
    revoked_ms = court.clock.now() - 60_000
    services.authority.revoke(FIRM.key.certificate, revoked_ms)
    court.clock.tick(5000)
    asked(court, services)
    assert asking.unstamped(court.centre) == 0
    kept = filing_lists.evidence(node.database, filing.obj)
    assert sorted((each.kind, each.signer) for each in kept) == [("ocsp", 0), ("ocsp", 1), ("timestamp", 0), ("timestamp", 1)]
    [held] = filing_lists.cosigners(node.database, filing.obj)
    found = filing_lists.filing(node.database, filing.obj)
    assert found is not None
    assert (found.revocation, held.revocation, held.revoked_ms) == ("good", "revoked", revoked_ms)
    assert found.stamped_ms == held.stamped_ms == court.clock.now()
    check_of = {each.fact.sentence: each for each in examine(node, desk.sheet(node, COURT, filing.obj))}
    assert check_of["%(name)s signed too"].kind == "bad"
    page = pages(node).get(f"/filings/{filing.obj.hex()}").text
    assert f"{FIRM.organisation}: The key had been revoked before signing" in unescape(page)
    with evidence.container(node, found) as file:
        data = file.read()
    named = {"database": empty_database(), "pin": node.identity.pin, "now_ms": court.clock.now()}
    report = check(World(**named, trust=Trust.of(centre_of(AIGUL.centre).anchors())), data)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        party = cms.read(opened.read(filing_proofs.PARTY_SIGNATURE.format(1))).signers[0]
        copy = read_pdf_signatures(opened.read(filing_proofs.COPY))
    assert (party.level, party.certificate.bin) == ("CAdES-T", FIRM.bin)
    assert [(each.level, each.holds) for each in copy] == [("CAdES-B", True), ("CAdES-T", True)]
    assert copy[-1].certificate.iin == AIGUL.iin
    assert [(part.title, part.verdict) for part in report.parts if "Time stamp" in part.title or "OCSP" in part.title] == [
        ("Time stamp over the signature", "valid"),
        ("Time stamp over the signature", "valid"),
        ("Answer about the certificate (OCSP)", "valid"),
        ("Answer about the certificate (OCSP)", "valid"),
    ]
    statement = next(part for part in report.parts if part.title == "Signed statement")
    assert {each.number: each.revocation for each in statement.signatures}[FIRM.bin] == "revoked"


def pages(node: Node) -> Browser:
    browser = Browser(build(node, MAKERS))
    browser.enter(AIGUL)
    browser.get("/help?lang=en")
    return browser


def test_a_container_brings_the_proofs_and_a_copy_that_lasts(tmp_path: Path) -> None:
    court, services = house_with_services(tmp_path)
    node, centre = court.nodes[0], court.centre
    filing = send(node, ready(node))
    assert interval(node, filing).lines[-1].sentence.startswith("There is no timestamp")
    asked(court, services)
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
