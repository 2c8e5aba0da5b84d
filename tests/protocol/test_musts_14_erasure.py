"""PROTOCOL 14.3 to 14.6: a court's act takes body, rows and files away, and every proof holds (row 73)."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from protocol_world import code_of

from central.centre import Centre
from central.services import erasures as central_erasures
from central.services import reference
from common.court import erasures as orders
from common.db import fetch
from common.ids import new_object_id
from common.pki.certificates import Certificate
from edge.node import Node
from edge.services import erasures
from sync import inclusion, merkle, receipts
from sync.blobs import BlobStore
from sync.directory import node_object
from sync.entry import read_entry
from sync.tables import entry_at
from tests.court import Court
from tests.sim import papers
from tests.sim.papers import AIGUL, BOLAT, Filing, Person, with_

AKTAU, ASTANA, ALMATY = "kz-283", "kz-7", "kz-11"
CONTRACT = b"a contract nobody may read again"
ACT = {"reference": "7194-26-00-2/17", "date": "2026-11-27"}
CHAIRMAN = Person("ТӨРАҒА", "700101300999")


@dataclass
class Pen:
    """The chairman's key as a use case is given it."""

    who: Person
    at_ms: int = papers.BEGUN_MS
    content: bytes = b""

    @property
    def certificate(self) -> Certificate:
        return self.who.key.certificate

    def sign(self, content: bytes, *, at_ms: int | None) -> bytes:
        return self.who.sign(content)


@pytest.fixture
def court(tmp_path: Path) -> Court:
    court = Court.ready(tmp_path)
    for place in (ASTANA, ALMATY):
        body = with_(papers.appointment(place), name=CHAIRMAN.name, role="chairman", certificate=CHAIRMAN.key.certificate.der)
        reference.appoint(court.centre, body)
    court.settle()
    return court


def filed(court: Court) -> Filing:
    """A filing of Aigul, made at Aktau for Astana; both machines and the centre hold it."""
    filing = court.file(court.nodes[0], AIGUL, ASTANA, attachment=CONTRACT)
    court.settle()
    return filing


def ordered(court: Court, filing: Filing) -> int:
    count = erasures.order(court.nodes[1], filing.obj, Pen(CHAIRMAN), court=ASTANA, **ACT)
    court.settle()
    return count


def traces(owner: Node | Centre, what: bytes) -> list[str]:
    """Files of a machine in which ``what`` still stands."""
    owner.database.scrub()
    return [path.name for path in owner.data.rglob("*") if path.is_file() and what in path.read_bytes()]


def body(owner: Node | Centre, leaf: bytes) -> bytes | None:
    found = entry_at(owner.database, leaf)
    assert found is not None
    return found[0].body


def test_14_3_only_the_court_that_holds_it_orders(court: Court) -> None:
    """Row 73: neither the clerk, nor another court, nor the machine that merely took the paper."""
    filing = filed(court)
    aktau, astana, almaty = court.nodes
    assert code_of(lambda: erasures.order(aktau, filing.obj, Pen(CHAIRMAN), court=ASTANA, **ACT)) == "entry.other_node"
    clerk = Pen(papers.clerk_of(ASTANA))
    assert code_of(lambda: erasures.order(astana, filing.obj, clerk, court=ASTANA, **ACT)) == "erasure.role"
    assert code_of(lambda: erasures.order(almaty, filing.obj, Pen(CHAIRMAN), court=ALMATY, **ACT)) == "erasure.nothing"
    text = orders.content(court=ALMATY, leaves=[filing.leaf], **ACT)
    foreign = orders.Order(
        target=filing.obj,
        leaves=[filing.leaf],
        court=ALMATY,
        content=text,
        signature=CHAIRMAN.sign(text),
        certificate=CHAIRMAN.key.certificate.sha256,
        **ACT,
    )
    court.write(almaty, new_object_id(), foreign)  # Almaty knows the leaf, and holds nothing of it
    assert code_of(lambda: court.write(almaty, new_object_id(), with_(foreign, court="", content=b""))) == "entry.centre_only"
    court.settle()
    assert all(body(owner, filing.leaf) for owner in (court.centre, aktau, astana))
    court.check()


def test_14_3_who_handed_it_on_holds_it_no_more(court: Court) -> None:
    filing = filed(court)
    aktau, astana, _ = court.nodes
    refusal = papers.refuse(filing)
    content = papers.decision_content(talon=filing.talon, court=ASTANA, date=papers.DATE, executor=refusal.executor, redirected_to=ALMATY)
    clerk = papers.clerk_of(ASTANA)
    body_ = with_(refusal, grounds=[], redirected_to=ALMATY, content=content, signature=clerk.sign(content))
    court.write(astana, filing.obj, body_, actor=clerk.key.certificate.sha256)
    court.settle()
    assert code_of(lambda: erasures.order(astana, filing.obj, Pen(CHAIRMAN), court=ASTANA, **ACT)) == "erasure.other_court"
    assert body(astana, filing.leaf)
    court.check()


def test_14_4_body_rows_and_files_are_nowhere(court: Court) -> None:
    """Row 73."""
    filing = filed(court)
    other = court.file(court.nodes[0], BOLAT, ASTANA, attachment=b"another contract")
    court.settle()
    owners = (court.centre, *court.nodes[:2])
    assert all(traces(owner, AIGUL.name.encode()) and traces(owner, CONTRACT) for owner in owners)
    assert ordered(court, filing) == 1
    for owner in owners:
        assert body(owner, filing.leaf) is None
        assert (traces(owner, AIGUL.name.encode()), traces(owner, CONTRACT)) == ([], [])
        assert court.status(owner, filing) == ""
        assert court.status(owner, other) == "filed"
        assert fetch(owner.database, "SELECT COUNT(*) FROM examined WHERE leaf = ?", (filing.leaf,)) == [(0,)]
        found = orders.of(owner.database, filing.obj)
        assert found == orders.Erased(ASTANA, ACT["reference"], ACT["date"])
    court.check()


def test_14_4_a_file_that_another_filing_names_stays(court: Court) -> None:
    filing = filed(court)
    again = court.file(court.nodes[0], BOLAT, ASTANA, attachment=CONTRACT)
    court.settle()
    ordered(court, filing)
    assert all(traces(owner, CONTRACT) for owner in (court.centre, *court.nodes[:2]))
    assert court.status(court.centre, again) == "filed"
    court.check()


def test_14_4_an_order_that_comes_before_the_entry_erases_it_on_arrival(court: Court) -> None:
    """Row 73: a machine that was away learns of order and filing in whatever order."""
    aktau, astana, almaty = court.nodes
    filing = filed(court)
    court.open_cabinet(almaty, AIGUL)  # from now on the filing is due at Almaty
    ordered(court, filing)
    assert body(almaty, filing.leaf) is None
    assert traces(almaty, CONTRACT) == []
    assert orders.of(almaty.database, filing.obj) is not None
    court.check()


def test_14_4_a_restored_disk_forgets_again(court: Court) -> None:
    """Row 73: the backup itself is the operator's to erase; what was restored from it is not kept."""
    aktau = court.nodes[0]
    filing = filed(court)
    backup = court.backup(aktau, "old.db")
    ordered(court, filing)
    aktau = court.restore(aktau, backup)
    assert body(aktau, filing.leaf)
    court.settle()
    assert body(aktau, filing.leaf) is None
    court.check()


def test_14_4_the_centre_may_order(court: Court) -> None:
    filing = filed(court)
    assert central_erasures.order(court.centre, filing.obj, **ACT) == 1
    court.settle()
    assert all(body(owner, filing.leaf) is None for owner in (court.centre, *court.nodes[:2]))
    assert code_of(lambda: central_erasures.order(court.centre, filing.obj, **ACT)) == "erasure.nothing"
    court.check()


def test_14_3_what_every_machine_needs_is_not_erased(court: Court) -> None:
    """An order for the directory would take the country off the line."""
    target = node_object(court.nodes[0].number)
    assert code_of(lambda: central_erasures.order(court.centre, target, **ACT)) == "erasure.public"
    leaves = [leaf for (leaf,) in fetch(court.centre.database, "SELECT leaf FROM entry WHERE obj = ?", (target,))]
    with court.centre.journal.unit() as unit:
        unit.append(new_object_id(), orders.Order(target=target, leaves=leaves, **ACT))
    court.centre.publish()
    court.settle()
    assert all(body(owner, leaf) for owner in (court.centre, *court.nodes) for leaf in leaves)
    court.check()


def test_14_5_every_proof_verifies_as_before(court: Court) -> None:
    """Row 73."""
    filing = filed(court)
    aktau = court.nodes[0]
    before = receipts.inclusion_of(aktau.database, filing.leaf)
    ordered(court, filing)
    assert receipts.inclusion_of(aktau.database, filing.leaf) == before
    pin = aktau.identity.pin
    proof = inclusion.read_proof(before)
    inclusion.check_proof(proof, merkle.leaf_hash(filing.leaf), pin.origin, pin.log_key, origin=pin.origin)
    entry, _ = entry_at(court.centre.database, filing.leaf) or (None, None)
    assert entry is not None
    assert len(entry.wire()) == 2
    assert read_entry(entry.wire()).leaf == filing.leaf
    assert receipts.ladder_of(aktau.database, filing.leaf).complete_ms is not None


def test_14_6_a_crash_between_commit_and_disk_forgets_no_file(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    filing = filed(court)
    astana = court.nodes[1]
    with monkeypatch.context() as patch:
        patch.setattr(BlobStore, "bury", lambda self: 0)
        erasures.order(astana, filing.obj, Pen(CHAIRMAN), court=ASTANA, **ACT)
        assert traces(astana, CONTRACT)
    astana = court.crash(astana)
    assert traces(astana, CONTRACT) == []
    court.settle()
    court.check()
