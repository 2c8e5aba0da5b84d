"""PROTOCOL 2.18 to 2.22: a revocation that reaches back, and evidence that a person admits to the register."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from protocol_world import code_of, picture

from central.services import admissions as acts
from central.services import enrolment as central_enrolment
from central.services import reference
from common.court import admissions
from common.court.admissions import Admit
from common.db import fetch, transaction
from common.errors import CourtError
from common.facts import decode_body
from common.ids import new_object_id
from common.pki.certificates import Certificate
from edge.node import Node
from sync import fsck, inclusion, kept, merkle, ports, receipts
from sync.admission import standing_of
from sync.directory import revocation_of
from sync.entry import Entry
from sync.messages import Down
from sync.refold import everything
from sync.tables import entries_of, entry_at, store_entries
from sync.verify import verify_file
from tests.court import Court
from tests.sim import papers
from tests.sim.papers import AIGUL, BOLAT, Filing, Person, with_

ASTANA = "kz-7"
REASON = "The machine was found in the repair shop, with its seal whole."
KEEPER = Person("ӘКІМШІ", "750202300444")


@dataclass
class Pen:
    """An administrator's key as a use case is given it."""

    who: Person = KEEPER
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
    body = with_(papers.appointment(ASTANA), name=KEEPER.name, court="", role="central", certificate=KEEPER.key.certificate.der)
    reference.appoint(court.centre, body)
    court.settle()
    return court


def forked(court: Court) -> tuple[Filing, Filing, Node]:
    """Two filings under one number of one machine: the first is in the register, the other is evidence; and the machine."""
    aktau = court.nodes[0]
    backup = court.backup(aktau, "before.db")
    first = court.file(aktau, AIGUL, ASTANA)
    aktau.client.exchange()
    aktau = court.restore(aktau, backup, mark=False)  # the mark is lost too: the machine writes beside the register …
    second = court.file(aktau, BOLAT, ASTANA)
    court.settle()  # … until it hears of it
    return first, second, aktau


def place(court: Court, filing: Filing) -> tuple[int, int, int]:
    found = entry_at(court.centre.database, filing.leaf)
    assert found is not None
    envelope = found[0].envelope
    return envelope.node, envelope.epoch, envelope.seq


def r0(node: Node, filing: Filing) -> bytes:
    found = entry_at(node.database, filing.leaf)
    assert found is not None
    at, statement = found[0].envelope, found[0].envelope.blobs[0].sha256
    taken = receipts.Taken(talon=int(filing.talon), node=node.number, leaf=filing.leaf, statement=statement, at=at.time)
    return receipts.sign_r0(taken, node.identity.now)


def only_kept(court: Court) -> int:
    [(id,)] = fetch(court.centre.database, "SELECT id FROM evidence")
    return int(id)


def admit(court: Court, id: int, who: Person = KEEPER) -> int:
    count = acts.admit(court.centre, acts.of_kept(court.centre, id), reason=REASON, signer=Pen(who))
    court.settle()
    return count


def revoke(court: Court, node: Node, cut: tuple[int, int] | None = None) -> None:
    central_enrolment.revoke(court.centre, node=node.number, reason="stolen", cut=cut)


def others(court: Court, *but: Node) -> list[Node]:
    return [node for node in court.nodes if node.number not in {each.number for each in but}]


def settle_others(court: Court, node: Node) -> None:
    for _ in range(3):
        for other in others(court, node):
            other.client.exchange()


# -- 2.18


def test_2_18_a_revocation_reaches_back_and_nothing_vanishes(court: Court) -> None:
    """Rows 9 and 20: stolen on Tuesday, noticed on Friday."""
    aktau, astana, _ = court.nodes
    before, after = court.file(aktau, AIGUL, ASTANA), court.file(aktau, BOLAT, ASTANA)
    court.settle()
    node, epoch, seq = place(court, before)
    revoke(court, aktau, (epoch, seq))
    settle_others(court, aktau)
    assert revocation_of(court.centre.database, node) == (epoch, seq)
    for owner in (court.centre, astana):
        pin = owner.identity.pin
        assert [standing_of(owner.database, pin, place(court, each), each.leaf) for each in (before, after)] == ["", "after"]
        assert [court.status(owner, each) for each in (before, after)] == ["filed", "filed"]
        assert not fsck.check(owner.database, owner.fold, environment=owner.identity.environment)


def test_2_18_a_later_revocation_only_reaches_further_back(court: Court) -> None:
    aktau = court.nodes[0]
    first, second = court.file(aktau, AIGUL, ASTANA), court.file(aktau, BOLAT, ASTANA)
    court.settle()
    node, epoch, last = place(court, second)
    before = picture(court.centre.database)
    assert code_of(lambda: revoke(court, aktau, (epoch, last + 100))) == "node.cut"
    assert code_of(lambda: revoke(court, aktau, (epoch + 1, 0))) == "node.cut"
    assert picture(court.centre.database) == before
    cut = place(court, first)[1:]
    revoke(court, aktau, cut)
    assert code_of(lambda: revoke(court, aktau, (epoch, last))) == "node.revoked_already"
    revoke(court, aktau, (epoch, cut[1] - 1))
    assert revocation_of(court.centre.database, node) == (epoch, cut[1] - 1)


def test_2_18_whoever_checks_a_receipt_after_the_cut_is_told(court: Court) -> None:
    aktau, astana, _ = court.nodes
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    node, epoch, seq = place(court, filing)
    talon = r0(aktau, filing)
    revoke(court, aktau, (epoch, seq - 1))
    settle_others(court, aktau)

    def codes(owner: Node) -> list[str]:
        pin = owner.identity.pin
        report = verify_file(talon, database=owner.database, pin=pin, trust=None, now_ms=court.clock.now())
        return [each.code for each in report.findings]

    assert "node.revoked" in codes(astana)
    acts.admit(court.centre, acts.of_cut(court.centre, node), reason=REASON, signer=Pen())
    settle_others(court, aktau)
    assert "node.revoked" not in codes(astana)
    assert "receipt.admitted" in codes(astana)


# -- 2.19


def test_2_19_only_an_administrator_of_the_centre_admits(court: Court) -> None:
    """Row 15: neither a clerk, nor somebody else's machine, nor a text that says something else."""
    _, second, aktau = forked(court)
    id = only_kept(court)
    before = picture(court.centre.database)
    for who in (papers.clerk_of(ASTANA), AIGUL):
        choice = acts.of_kept(court.centre, id)
        assert code_of(lambda choice=choice, who=who: acts.admit(court.centre, choice, reason=REASON, signer=Pen(who))) == "admission.role"
    assert code_of(lambda: acts.admit(court.centre, acts.of_kept(court.centre, id), reason=" ", signer=Pen())) == "admission.reason"
    assert picture(court.centre.database) == before
    text = admissions.content(node=aktau.number, epoch=1, leaves=[second.leaf], reason=REASON)
    body = Admit(
        node=aktau.number,
        epoch=1,
        leaves=[second.leaf],
        reason=REASON,
        content=text,
        signature=KEEPER.sign(text),
        certificate=KEEPER.key.certificate.sha256,
    )
    assert code_of(lambda: court.write(aktau, new_object_id(), body)) == "entry.centre_only"
    with pytest.raises(CourtError) as caught, court.centre.journal.unit() as unit:
        unit.append(new_object_id(), with_(body, leaves=[bytes(32)]))
    assert caught.value.code == "text.differs"
    assert picture(court.centre.database) == before


# -- 2.20


def test_2_20_what_is_admitted_stands_right_after_its_act_once(court: Court) -> None:
    """Row 15: a fork's other branch becomes part of the register; both stand."""
    first, second, aktau = forked(court)
    id = only_kept(court)
    count = admit(court, id)
    centre = court.centre.database
    [(act_index, obj)] = fetch(centre, "SELECT DISTINCT log_index, obj FROM admission")
    [(act, _)] = entries_of(centre, obj)
    leaves = decode_body(act.body or b"", Admit).leaves
    logged = fetch(centre, "SELECT leaf FROM entry WHERE log_index BETWEEN ? AND ? ORDER BY log_index", (act_index + 1, act_index + count))
    assert [leaf for (leaf,) in logged] == leaves
    assert second.leaf in leaves
    numbers = [place(court, each) for each in (first, second)]
    assert numbers[0] == numbers[1]
    for owner in (court.centre, court.nodes[1]):
        assert [court.status(owner, each) for each in (first, second)] == ["filed", "filed"]
    assert code_of(lambda: acts.of_kept(court.centre, id)) == "admission.done"
    court.check()
    hashes = {each: court.centre.fold.state_hash(centre, each.obj) for each in (first, second)}
    everything(centre, court.centre.fold, court.clock)
    assert {each: court.centre.fold.state_hash(centre, each.obj) for each in (first, second)} == hashes
    court.check()


def test_2_20_a_crash_leaves_the_act_with_its_entries_or_neither(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    _, second, _ = forked(court)
    id = only_kept(court)
    before = picture(court.centre.database)

    def falls(entries: list[Entry]) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(court.centre.register, "log_admitted", falls)
        with pytest.raises(RuntimeError):
            admit(court, id)
    court.crash_centre()
    assert picture(court.centre.database) == before
    admit(court, id)
    assert court.status(court.nodes[1], second) == "filed"
    court.check()


def test_2_20_without_an_act_a_place_is_taken_once(court: Court) -> None:
    _, second, _ = forked(court)
    bundle = kept.read(court.centre.database, only_kept(court), court.centre.identity)
    [entry] = [each for each in bundle.entries if each.leaf == second.leaf]
    before = picture(court.centre.database)

    def store() -> None:
        with transaction(court.centre.database):
            store_entries(court.centre.database, [(entry, None, None)])

    assert code_of(store) == "db.constraint"
    assert picture(court.centre.database) == before
    database = court.centre.database
    fetch(database, f"DROP TRIGGER entry_has_its_place{' ON entry' if database.shared else ''}")
    size = court.centre.register.checkpoint()[0]
    store_entries(court.centre.database, [(entry, size, None)])
    assert "fsck.place" in {each.code for each in fsck.check(court.centre.database, court.centre.fold)}


# -- 2.21


def test_2_21_the_author_gets_its_receipt(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 15: R1 and R2 of the branch come back to the machine that wrote it, and R1 of the other history stays what it was."""
    first, second, aktau = forked(court)
    held = receipts.inclusion_of(aktau.database, first.leaf)
    assert code_of(lambda: receipts.inclusion_of(aktau.database, second.leaf)) == "receipt.not_yet"
    acts.admit(court.centre, acts.of_kept(court.centre, only_kept(court)), reason=REASON, signer=Pen())
    take, before = receipts.store_admitted, picture(aktau.database)

    def false(database: object, items: Down, *rest: object, **named: object) -> None:
        take(database, [with_(each, index=each.index - 1) for each in items], *rest, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(receipts, "store_admitted", false)
        assert code_of(aktau.client.exchange).startswith("proof.")
    assert picture(aktau.database) == before
    court.settle()
    proof, pin = inclusion.read_proof(receipts.inclusion_of(aktau.database, second.leaf)), aktau.identity.pin
    inclusion.check_proof(proof, merkle.leaf_hash(second.leaf), pin.origin, pin.log_key, origin=pin.origin)
    assert receipts.inclusion_of(aktau.database, first.leaf) == held
    ladder = receipts.ladder_of(aktau.database, second.leaf)
    assert None not in (ladder.log_index, ladder.logged_ms, ladder.complete_ms)
    court.check()


# -- 2.22


def test_2_22_an_admission_moves_no_position_and_frees_the_store(court: Court) -> None:
    _, second, aktau = forked(court)
    id = only_kept(court)
    bundle = kept.read(court.centre.database, id, court.centre.identity)
    at, room = court.centre.register.peer(aktau.number), kept.room(court.centre.database)
    admit(court, id)
    assert court.centre.register.peer(aktau.number) == at
    assert kept.room(court.centre.database).bytes < room.bytes
    header = kept.read(court.centre.database, id, court.centre.identity)
    assert (header.open, header.digest, header.first, header.last) == (False, bundle.digest, bundle.first, bundle.last)
    rest = fetch(court.centre.database, "SELECT data FROM evidence")
    assert court.centre.server.handle(ports.BUNDLE, bundle.data)[0] == 409
    assert fetch(court.centre.database, "SELECT data FROM evidence") == rest


def test_2_22_what_a_revoked_machine_wrote_later_is_admitted_with_its_files(court: Court) -> None:
    """Rows 9 and 20: the machine itself stays revoked and receives nothing; what it had promised reaches court and citizen."""
    aktau, astana, _ = court.nodes
    revoke(court, aktau)
    late = court.file(aktau, AIGUL, ASTANA, attachment=b"a contract")
    assert code_of(aktau.client.exchange) == "node.revoked"
    assert court.status(court.centre, late) == ""
    acts.admit(court.centre, acts.of_kept(court.centre, only_kept(court)), reason=REASON, signer=Pen())
    court.clock.tick(4_000_000)
    assert code_of(aktau.client.exchange) == "node.revoked"
    settle_others(court, aktau)
    assert court.status(astana, late) == "filed"
    assert standing_of(astana.database, astana.identity.pin, place(court, late), late.leaf) == "admitted"
    assert fetch(court.centre.database, "SELECT 1 FROM complete WHERE leaf = ?", (late.leaf,)), "its files came too"
    assert revocation_of(court.centre.database, aktau.number) is not None
