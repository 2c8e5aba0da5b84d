"""A register that lost its end, or its log key, comes back as a new log: nothing promised is lost, and every old proof holds."""

from pathlib import Path

import pytest

from central.centre import Centre
from central.services import lineage as lineages
from common.db import fetch
from edge.node import Node
from sync import directory, inclusion, lineage, lineage_node, merkle, ports, receipts
from sync.lineage_node import past_receipts
from sync.messages import pack
from sync.tables import entry_at
from sync.verify import verify_file
from tests.court import Court
from tests.sim.papers import AIGUL, BOLAT, Filing

ASTANA, ALMATY = "kz-7", "kz-11"
REASON = "The disk of the register failed; yesterday's copy was put in its place."
OFFICER = b"o" * 32


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


def accept(node: Node) -> None:
    """A person at the machine decides to follow the new log."""
    offer = node.client.offer()
    assert offer is not None
    node.client.accept(offer.statement.number, by=OFFICER)


def index(owner: Node | Centre, filing: Filing) -> int | None:
    found = entry_at(owner.database, filing.leaf)
    return found[1] if found else None


def lost_an_hour(court: Court) -> tuple[Filing, Filing, Filing]:
    """A filing before the copy was made, and two after it, of two machines: all of them confirmed. The register is set back."""
    aktau, astana, _ = court.nodes
    before = court.file(aktau, AIGUL, ASTANA, attachment=b"before")
    court.settle()
    backup = court.copy_of_centre()
    after = court.file(aktau, BOLAT, ASTANA, attachment=b"after"), court.file(astana, AIGUL, ALMATY)
    court.settle()
    assert None not in (index(court.centre, each) for each in (before, *after))
    court.set_back(backup)
    return before, *after


def test_a_register_set_back_comes_back_as_a_new_log(court: Court) -> None:
    """Rows 8 and 46: the centre loses its last hour; machines feed it again, and what was proved stays provable."""
    aktau, astana, almaty = court.nodes
    before, *after = lost_an_hour(court)
    old = {filing: receipts.inclusion_of(aktau.database, filing.leaf) for filing in (before, after[0])}
    done = fetch(aktau.database, "SELECT statement FROM complete_here WHERE leaf = ?", (after[0].leaf,))
    assert not court.exchange(aktau)
    assert court.troubles == ["log.ahead"]
    one = lineages.begin(court.centre, reason=REASON)
    assert one.number == 2
    for node in (aktau, astana, almaty):
        size = fetch(node.database, "SELECT size FROM sync")
        assert not court.exchange(node)
        assert court.troubles[-1] == "lineage.waits"
        assert fetch(node.database, "SELECT size FROM sync") == size, "nothing moves before a person has decided"
        accept(node)
    court.settle()
    for owner in (court.centre, astana):
        assert [court.status(owner, each) for each in (before, after[0])] == ["filed", "filed"]
    assert court.status(almaty, after[1]) == "filed"
    court.check()
    held = past_receipts(aktau.database, after[0].leaf)
    assert ("R1", 1, old[after[0]]) in held
    assert [("R2", 1, data) for (data,) in done] == [each for each in held if each[0] == "R2"]
    assert receipts.inclusion_of(aktau.database, before.leaf) == old[before]
    for owner in (court.centre, aktau, astana):
        for proof in old.values():
            report = verify_file(proof, database=owner.database, pin=owner.identity.pin, trust=None, now_ms=0)
            assert not [each for each in report.findings if each.level == "bad"], [each.text for each in report.findings]
            assert report.facts["lineage"] == 1
    fresh = inclusion.read_proof(receipts.inclusion_of(aktau.database, after[0].leaf))
    pin = aktau.identity.pin
    inclusion.check_proof(fresh, merkle.leaf_hash(after[0].leaf), pin.origin, pin.log_key, origin=pin.origin)
    assert pin.origin.endswith("/2")


def test_a_stolen_log_key_is_replaced_without_anybody_deciding(court: Court) -> None:
    """Row 48: nothing is lost, so the registry's word and a proof are enough; what the stolen key signs from then on is refused."""
    aktau, astana, almaty = court.nodes
    first = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    stolen = court.centre.keys.log()
    proof = receipts.inclusion_of(aktau.database, first.leaf)
    late = court.file(almaty, BOLAT, ASTANA)  # not sent yet
    one = lineages.begin(court.centre, reason="The key of the log lay open for a night.")
    second = court.file(aktau, BOLAT, ASTANA)
    court.settle()
    assert [node.identity.pin.origin for node in court.nodes] == [one.origin] * 3
    assert [court.status(astana, each) for each in (first, late, second)] == ["filed"] * 3
    court.check()
    assert court.centre.keys.log(2).private_bytes_raw() != stolen.private_bytes_raw()
    size, note = court.centre.register.checkpoint()
    court.centre.register.speak_as(court.centre.identity.pin, stolen)
    third = court.file(aktau, AIGUL, ASTANA)
    assert not court.exchange(aktau)
    assert court.troubles[-1].startswith("checkpoint.")
    assert index(aktau, third) is None
    report = verify_file(proof, database=aktau.database, pin=aktau.identity.pin, trust=None, now_ms=0)
    assert report.valid


def test_a_machine_restarted_knows_the_log_it_follows(court: Court) -> None:
    """Row 8: what was decided is durable, at the machine and at the centre; and a second new log follows the first."""
    aktau = court.nodes[0]
    court.settle()
    lineages.begin(court.centre, reason=REASON)
    court.settle()
    aktau = court.crash(aktau)
    court.crash_centre()
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    lineages.begin(court.centre, reason=REASON)
    court.settle()
    assert {node.identity.pin.origin[-2:] for node in (*court.nodes, court.centre)} == {"/3"}
    assert [one.number for one in lineage.logs(aktau.database, aktau.identity.pin)] == [3, 2, 1]
    assert court.status(court.nodes[1], filing) == "filed"
    court.check()


def test_a_machine_that_was_away_for_two_logs_follows_both(court: Court) -> None:
    aktau, astana, almaty = court.nodes
    court.cut(almaty)
    late = court.file(almaty, AIGUL, ASTANA)
    for _ in range(2):
        court.exchange(aktau)
        lineages.begin(court.centre, reason=REASON)
    court.heal(almaty)
    court.settle()
    assert almaty.identity.pin.origin.endswith("/3")
    assert court.status(astana, late) == "filed"
    court.check()


def test_who_crashes_while_going_over_has_gone_or_not(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    _, *after = lost_an_hour(court)
    lineages.begin(court.centre, reason=REASON)
    aktau = court.nodes[0]
    court.exchange(aktau)
    accept(aktau)

    def falls(*args: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(lineage_node.Follower, "_set_back", falls)
        with pytest.raises(RuntimeError):
            aktau.client.exchange()
    aktau = court.crash(aktau)
    assert index(aktau, after[0]) is not None
    for node in court.nodes[1:]:
        court.exchange(node)
        accept(node)
    court.settle()
    assert index(court.centre, after[0]) is not None
    court.check()


def test_machines_that_the_register_forgot_introduce_themselves(court: Court) -> None:
    """Row 46: in the lost hour one machine was enrolled and another one renewed its certificate."""
    aktau = court.nodes[0]
    court.settle()
    backup = court.copy_of_centre()
    fresh = court.node("kz-12")
    court.staff(nodes=[fresh])
    court.clock.tick(61 * 86_400_000)
    aktau.client.exchange()
    renewed = aktau.identity.certificate
    court.settle()
    court.set_back(backup)
    lineages.begin(court.centre, reason=REASON)
    filing = court.file(fresh, AIGUL, ASTANA)
    for node in court.nodes:
        court.exchange(node)
        if node.client.offer():
            accept(node)
    court.settle()
    assert directory.newest_certificate(court.centre.database, aktau.number, aktau.identity.pin).data == renewed.data
    assert directory.newest_certificate(court.centre.database, fresh.number, fresh.identity.pin).body.node == fresh.number
    assert court.status(court.nodes[1], filing) == "filed"
    court.check()


def test_only_a_certificate_of_the_registry_introduces(court: Court) -> None:
    aktau = court.nodes[0]
    fetch(court.centre.database, "DELETE FROM node_certificate WHERE node = ?", (aktau.number,))
    body = court.nodes[1].identity.certificate.data  # another machine's
    ask = lineage.LineageAsk(nonce=bytes(16), certificate=body)
    status, _ = court.centre.server.handle(ports.LINEAGE, pack(ask, aktau.identity))
    assert status == 400
    assert not fetch(court.centre.database, "SELECT 1 FROM node_certificate WHERE node = ?", (aktau.number,))
