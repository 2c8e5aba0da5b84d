"""Stories of the line: what arrives, what survives, what is noticed. A settled country is held against all oracles."""

from pathlib import Path

import pytest

from central.services import enrolment, reference
from common.db import fetch
from common.errors import CourtError
from common.ids import new_object_id
from edge.services import line
from sync import directory, receipts
from sync.pieces import CHUNK_BYTES
from tests.court import START_MS, Court, Weather
from tests.sim import papers
from tests.sim.oracles import evidence_leaves
from tests.sim.papers import AIGUL, BOLAT, Person, clerk_of

HOUR_MS = 3_600_000
YEAR_MS = 365 * 86_400_000
HEARD_MS = START_MS // HOUR_MS * HOUR_MS + 240 * HOUR_MS
AKTAU, ASTANA, ALMATY = "kz-283", "kz-7", "kz-11"


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


def finish(court: Court, *, quarantined: tuple[str, ...] = ()) -> None:
    court.settle()
    court.check(quarantined=quarantined)


def test_filed_offline_registered_elsewhere_seen_at_home(court: Court) -> None:
    aktau, astana, _ = court.nodes
    court.cut(aktau)
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA, attachment=b"a contract")
    assert not court.exchange(aktau)
    court.settle()
    ladder = receipts.ladder_of(aktau.database, filing.leaf)
    assert ladder.logged_ms is not None
    assert ladder.complete_ms is not None
    court.decide(astana, filing, number="7194-26-00-2/934")
    finish(court)
    assert court.status(aktau, filing) == "registered"
    assert fetch(aktau.database, "SELECT number FROM filing_row WHERE obj = ?", (filing.obj,)) == [("7194-26-00-2/934",)]


def test_a_cabinet_opened_at_a_second_node_gets_its_history(court: Court) -> None:
    """Row 67: the scope grows while the machine is away."""
    aktau, _, almaty = court.nodes
    filing = court.file(aktau, AIGUL, AKTAU, attachment=b"a contract")
    court.settle()
    assert court.status(almaty, filing) == ""
    court.open_cabinet(almaty, AIGUL)
    finish(court)
    assert court.status(almaty, filing) == "filed"
    assert not fetch(almaty.database, "SELECT 1 FROM blob_ref r LEFT JOIN blob b ON b.sha256 = r.sha256 WHERE b.sha256 IS NULL")


def test_a_court_moves_to_another_machine_which_decides(court: Court) -> None:
    aktau, astana, almaty = court.nodes
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    with court.centre.journal.unit() as unit:
        for node, courts in ((astana, []), (almaty, [ALMATY, ASTANA])):
            unit.append(directory.node_object(node.number), directory.Serve(courts=courts))
    court.centre.publish()
    court.settle()
    with pytest.raises(CourtError, match="entry.withdrawn"):
        court.decide(astana, filing)
    court.decide(almaty, filing)
    finish(court)
    assert court.status(court.centre, filing) == "registered"


def test_a_hearing_that_two_machines_move_keeps_both_and_the_log_decides(court: Court) -> None:
    """Row 65: the court moves to another machine while the old one, off the line, moves a hearing too."""
    aktau, astana, almaty = court.nodes
    court.open_cabinet(aktau, AIGUL)
    filing, hearing = court.file(aktau, AIGUL, ASTANA), new_object_id()
    court.settle()
    first = court.write(astana, hearing, papers.hearing(filing, HEARD_MS))
    court.settle()
    court.cut(astana)
    with court.centre.journal.unit() as unit:
        for node, courts in ((astana, []), (almaty, [ALMATY, ASTANA])):
            unit.append(directory.node_object(node.number), directory.Serve(courts=courts))
    court.centre.publish()
    for _ in range(2):
        assert court.exchange(almaty)
    moves = {"replaces": first.leaf, "earlier_ms": HEARD_MS}
    court.write(almaty, hearing, papers.hearing(filing, HEARD_MS + HOUR_MS, **moves))
    court.write(astana, hearing, papers.hearing(filing, HEARD_MS + 2 * HOUR_MS, **moves))
    assert court.exchange(almaty)
    finish(court, quarantined=("hearing.changed",))
    stands = "SELECT starts_ms, was_ms FROM hearing WHERE obj = ?"
    for at in (aktau, almaty, court.centre):
        assert fetch(at.database, stands, (hearing,)) == [(HEARD_MS + HOUR_MS, HEARD_MS)], "the participant reads what counts"
        assert fetch(at.database, "SELECT code FROM quarantine WHERE obj = ?", (hearing,)) == [("hearing.changed",)]
    newest = fetch(almaty.database, "SELECT leaf FROM hearing WHERE obj = ?", (hearing,))[0][0]
    moved = {"replaces": newest, "earlier_ms": HEARD_MS + HOUR_MS}
    court.write(almaty, hearing, papers.hearing(filing, HEARD_MS + 2 * HOUR_MS, **moved))
    finish(court, quarantined=("hearing.changed",))
    assert fetch(aktau.database, stands, (hearing,)) == [(HEARD_MS + 2 * HOUR_MS, HEARD_MS + HOUR_MS)]


@pytest.mark.parametrize(("first", "status"), [(0, "withdrawn"), (1, "registered")])
def test_withdrawal_and_registration_race_and_the_log_decides(court: Court, first: int, status: str) -> None:
    """Row 65: two machines act on one filing."""
    aktau, astana, _ = court.nodes
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    court.withdraw(aktau, filing)
    court.decide(astana, filing)
    court.exchange(court.nodes[first])
    finish(court, quarantined=("filing.withdrawn", "filing.decided"))
    assert {court.status(at, filing) for at in (aktau, astana, court.centre)} == {status}


def test_order_is_the_registers_and_not_the_clocks(court: Court) -> None:
    """Row 18: clocks eleven years apart."""
    aktau, astana, _ = court.nodes
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    court.watches[aktau.number].off_ms = -YEAR_MS
    court.withdraw(aktau, filing)
    court.watches[astana.number].off_ms = 10 * YEAR_MS
    court.decide(astana, filing, "refuse")
    court.exchange(astana)
    finish(court, quarantined=("filing.decided",))
    assert court.status(aktau, filing) == "refused"


def test_a_decision_waits_for_the_appointment_of_who_signed_it(court: Court, tmp_path: Path) -> None:
    """Row 66: the decision comes before the appointment."""
    aktau, astana, almaty = court.nodes
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    newcomer = Person("ЖАҢА", "800505400111")
    body = papers.register(filing, "7194-26-00-2/7")
    signed = newcomer.sign(body.content)
    strange = {"signature": signed, "certificate": newcomer.key.certificate.sha256}
    with pytest.raises(CourtError, match="entry.role"):
        court.write(astana, filing.obj, papers.with_(body, **strange))
    assert court.status(astana, filing) == "filed"
    appointed = papers.with_(papers.appointment(ASTANA), name="ЖАҢА", certificate=newcomer.key.certificate.der)
    reference.appoint(court.centre, appointed)
    court.exchange(astana)
    court.write(astana, filing.obj, papers.with_(body, **strange))
    finish(court)
    assert court.status(almaty, filing) in ("", "registered")


def test_a_machine_that_trusts_later_folds_what_waited(court: Court) -> None:
    """Rows 64 and 66: what waits is tried again."""
    aktau, astana, _ = court.nodes
    for path in (astana.data / "trust").rglob("*.cer"):
        path.unlink()
    astana = court.crash(astana)
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    waiting = fetch(astana.database, "SELECT COUNT(*) FROM quarantine")[0][0]
    assert waiting == 1
    assert court.status(astana, filing) == ""
    for certificate in (*papers.authority().anchors(), *papers.authority().authorities()):
        astana.trust.add(certificate)
    court.open_cabinet(aktau, BOLAT)
    court.file(aktau, BOLAT, ASTANA)
    finish(court)
    assert court.status(astana, filing) == "filed"


def test_a_restored_disk_with_its_mark_opens_an_epoch_and_gets_its_tail_back(court: Court) -> None:
    """Row 16: restored from a backup."""
    aktau = court.nodes[0]
    early = court.file(aktau, AIGUL, AKTAU)
    backup = court.backup(aktau, "old.db")
    late = court.file(aktau, BOLAT, AKTAU, attachment=b"a contract")
    court.settle()
    court.cut(aktau)
    aktau = court.restore(aktau, backup)
    assert aktau.journal.position().epoch == 2
    assert aktau.journal.recovering()
    offline = court.file(aktau, AIGUL, AKTAU)
    assert court.status(aktau, late) == ""
    finish(court)
    assert not aktau.journal.recovering()
    assert [court.status(aktau, one) for one in (early, late, offline)] == ["filed"] * 3
    assert len({one.talon for one in (early, late, offline)}) == 3
    assert "twin" not in court.alarms(aktau)


def test_row_16_an_idle_machine_restored_is_known_before_its_first_promise(court: Court) -> None:
    """row 16: nothing was written since the backup, only exchanged: no twin, no number twice."""
    aktau = court.nodes[0]
    court.file(aktau, AIGUL, AKTAU)
    court.settle()
    backup = court.backup(aktau, "old.db")
    for _ in range(3):
        court.exchange(aktau)
    aktau = court.restore(aktau, backup)
    assert aktau.journal.position().epoch == 2
    court.file(aktau, BOLAT, AKTAU)
    finish(court)
    assert not court.alarms(aktau)
    assert not court.troubles


def test_what_a_backup_still_had_to_send_is_sent_after_the_restore(court: Court) -> None:
    aktau = court.nodes[0]
    court.cut(aktau)
    kept = court.file(aktau, AIGUL, AKTAU)
    backup = court.backup(aktau, "old.db")
    court.file(aktau, BOLAT, AKTAU)
    aktau = court.restore(aktau, backup)
    new = court.file(aktau, BOLAT, AKTAU)
    finish(court)
    assert court.status(court.centre, kept) == court.status(court.centre, new) == "filed"


def test_the_files_of_a_tail_that_came_back_still_reach_the_centre(court: Court) -> None:
    aktau = court.nodes[0]
    backup = court.backup(aktau, "old.db")
    filing = court.file(aktau, AIGUL, AKTAU, attachment=b"a contract")
    court.lines[aktau.number].cuts = [1]  # the entry arrives, its acknowledgement and the files do not
    court.exchange(aktau)
    aktau = court.restore(aktau, backup)
    finish(court)
    assert receipts.ladder_of(aktau.database, filing.leaf).complete_ms is not None


def restored_without_mark(court: Court, written: int) -> tuple[list[bytes], str]:
    """Three entries reach the centre after the backup; ``written`` others are written on the restored disk."""
    aktau = court.nodes[0]
    court.file(aktau, AIGUL, AKTAU)
    backup = court.backup(aktau, "old.db")
    for _ in range(3):
        court.file(aktau, AIGUL, AKTAU)
        court.settle()
    aktau = court.restore(aktau, backup, mark=False)
    branch = [court.file(aktau, BOLAT, AKTAU).leaf for _ in range(written)]
    court.exchange(aktau)
    return branch, court.troubles[-1]


@pytest.mark.parametrize("written", [0, 1, 3, 5])
def test_a_disk_without_its_mark_is_told_from_its_twin_by_a_person(court: Court, written: int) -> None:
    """Rows 16 and 17: restored without its mark."""
    branch, trouble = restored_without_mark(court, written)
    assert trouble == "node.twin"
    assert "twin" in court.alarms(court.nodes[0])
    court.clear_alarm(court.nodes[0])
    after = court.file(court.nodes[0], BOLAT, AKTAU)
    finish(court)
    assert set(branch) <= evidence_leaves(court)
    assert court.nodes[0].journal.position().epoch == 2
    assert after.leaf in evidence_leaves(court) or court.status(court.centre, after) == "filed"
    later = court.file(court.nodes[0], BOLAT, AKTAU)
    finish(court)
    assert court.status(court.centre, later) == "filed"


@pytest.mark.parametrize("written", [1, 2, 4])
def test_a_fork_with_a_valid_token_is_evidence_and_goes_on(court: Court, written: int) -> None:
    """Row 15: a fork of a disk that lost its mark."""
    aktau = court.nodes[0]
    backup = court.backup(aktau, "old.db")
    court.file(aktau, AIGUL, AKTAU)
    court.file(aktau, AIGUL, AKTAU)
    court.exchange(aktau)
    aktau = court.restore(aktau, backup, mark=False)
    branch = [court.file(aktau, BOLAT, AKTAU).leaf for _ in range(written)]
    finish(court)
    assert set(branch) == evidence_leaves(court)
    assert [each.epoch for each in line.beginnings(aktau)] == [2]
    held = {talon for one in court.filings if (talon := one.talon) and one.leaf in branch}
    assert set(line.outside(aktau)) == held
    later = court.file(aktau, BOLAT, AKTAU)
    finish(court)
    assert court.status(court.centre, later) == "filed"
    assert aktau.journal.position().epoch == 2


def test_a_clone_raises_the_alarm(court: Court) -> None:
    """Row 17: a cloned disk runs twice."""
    aktau = court.nodes[0]
    clone = court.clone(aktau)
    for _ in range(3):
        court.exchange(aktau)
        try:
            clone.client.exchange()
        except CourtError as error:
            court.troubles.append(error.code)
    clone.close()
    assert not court.exchange(aktau)
    assert "node.twin" in court.troubles
    assert "twin" in court.alarms(aktau)
    court.clear_alarm(aktau)
    finish(court)


def test_lost_answers_raise_no_alarm(court: Court) -> None:
    """Row 28: answers lost again and again."""
    aktau = court.nodes[0]
    for number in range(6):
        court.lines[aktau.number].cuts = [0, 0] if number % 2 else [0]
        court.file(aktau, AIGUL, AKTAU)
        court.exchange(aktau)
    finish(court)
    assert not court.alarms(aktau)
    assert not court.troubles


def test_any_old_message_may_come_again(court: Court) -> None:
    """Rows 28 and 29: every old message comes again."""
    aktau = court.nodes[0]
    line = court.lines[aktau.number]
    for number in range(4):
        line.cuts = [0] if number % 2 else []
        court.file(aktau, AIGUL, AKTAU)
        court.exchange(aktau)
        for path, body in list(line.seen):
            court.centre.server.handle(path, body)
    finish(court)
    assert not court.alarms(aktau)
    assert not court.troubles


def test_what_a_revoked_machine_writes_later_is_evidence(court: Court) -> None:
    """Row 20: a stolen machine."""
    aktau = court.nodes[0]
    before = court.file(aktau, AIGUL, AKTAU)
    court.settle()
    enrolment.revoke(court.centre, node=aktau.number, reason="stolen")
    after = court.file(aktau, BOLAT, AKTAU)
    assert not court.exchange(aktau)
    assert court.troubles == ["node.revoked"]
    court.nodes.remove(aktau)
    finish(court)
    assert after.leaf in evidence_leaves(court)
    assert court.status(court.centre, before) == "filed"
    assert court.status(court.centre, after) == ""


def test_weeks_without_a_line(court: Court) -> None:
    """Row 29: three weeks late."""
    aktau, astana, _ = court.nodes
    court.cut(aktau)
    filings = []
    for _ in range(21):
        court.clock.tick(86_400_000)
        filings.append(court.file(aktau, AIGUL, ASTANA))
        assert not court.exchange(aktau)
    assert aktau.client.backlog()[0] == 21
    finish(court)
    assert {court.status(astana, one) for one in filings} == {"filed"}


def test_a_blob_cut_in_the_middle_goes_on_where_it_stopped(court: Court) -> None:
    """Row 27: a large file, cut in the middle."""
    aktau = court.nodes[0]
    line = court.lines[aktau.number]
    filing = court.file(aktau, AIGUL, ASTANA, attachment=bytes(3 * CHUNK_BYTES + 5))
    line.cuts = [6]  # hello, bundle, news, have, the statement, have … and the first pieces of the large file
    assert not court.exchange(aktau)
    begun = aktau.client.exchange()
    assert begun.bytes_up < 3 * CHUNK_BYTES
    finish(court)
    assert receipts.ladder_of(aktau.database, filing.leaf).complete_ms is not None


def test_a_poisoned_entry_delays_nobody_else(court: Court) -> None:
    """Row 63: others about other objects go on."""
    aktau, astana, _ = court.nodes
    poisoned = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    court.open_cabinet(aktau, AIGUL)
    court.settle()
    court.withdraw(aktau, poisoned)
    court.decide(astana, poisoned)  # refused by everybody once the withdrawal is known
    others = [court.file(aktau, BOLAT, ASTANA) for _ in range(3)]
    court.exchange(aktau)
    finish(court, quarantined=("filing.withdrawn",))
    assert fetch(court.centre.database, "SELECT code FROM quarantine") == [("filing.withdrawn",)]
    for one in others:
        court.decide(astana, one)
    finish(court, quarantined=("filing.withdrawn",))
    assert {court.status(aktau, one) for one in others} <= {"filed", "registered"}
    assert {court.status(court.centre, one) for one in others} == {"registered"}


def test_a_storm_on_one_line_loses_nothing(court: Court) -> None:
    aktau, astana, _ = court.nodes
    court.lines[aktau.number].weather = Weather(lose=0.1, late=0.1, cut_answer=0.1, duplicate=0.2, corrupt=0.1, garble=0.1)
    for _ in range(15):
        court.file(aktau, AIGUL, ASTANA)
        court.exchange(aktau)
    finish(court)
    assert {court.status(astana, one) for one in court.filings} == {"filed"}
    assert clerk_of(ASTANA).key is not None
