"""Every command: what it says of itself, what it makes, what it refuses."""

import fcntl
import re
import shutil
import threading
from pathlib import Path

import apsw
import pytest
from command_runs import Run

from central.centre import Centre
from common.db import fetch
from common.pki.authority import Authority
from common.pki.gost94 import gost34311
from common.pki.streebog import streebog512
from edge.exchanger import LOCK_FILE, Exchanger
from sync.directory import EpochOpen, node_object
from sync.link import Outcome
from tests.court import START_MS, Court
from tests.sim.papers import AIGUL

COMMANDS = {
    "edge": [
        "init",
        "enrol",
        "run",
        "sync",
        "fsck",
        "backup",
        "restore",
        "export",
        "import",
        "line",
        "lineage",
        "verify",
        "trust add",
        "crl import",
        "update",
        "trial",
    ],
    "central": [
        "init",
        "run",
        "enrol",
        "appoint",
        "erase",
        "payments",
        "sync",
        "fsck",
        "backup",
        "restore",
        "export",
        "import",
        "lineage",
        "verify",
        "restamp",
        "trust add",
        "crl import",
        "release key",
        "release certify",
        "release pack",
    ],
}


@pytest.mark.parametrize(("side", "command"), [(side, command) for side, commands in COMMANDS.items() for command in commands])
def test_every_command_says_what_it_is_for(run: Run, tmp_path: Path, side: str, command: str) -> None:
    said = run(side, tmp_path, *command.split(), "--help")
    assert said.status == 0
    assert len(said.out.splitlines()) > 3


@pytest.mark.parametrize("side", COMMANDS)
def test_the_list_of_commands_is_whole(run: Run, tmp_path: Path, side: str) -> None:
    said = run(side, tmp_path, "--help")
    listed = re.findall(r"^    (\w+) ", said.out, re.MULTILINE)
    assert sorted(listed) == sorted({command.split()[0] for command in COMMANDS[side]})


@pytest.mark.parametrize("side", COMMANDS)
def test_the_version_says_who_computes_the_digests(run: Run, tmp_path: Path, side: str) -> None:
    said = run(side, tmp_path, "--version")
    assert re.fullmatch(r"\d+\.\d+\.\d+ \(Streebog: (\w+), GOST 34\.311-95: (\w+)\)\n", said.out)
    assert {streebog512.name, gost34311.name} <= {"OpenSSL", "libgcrypt", "Python"}


@pytest.mark.parametrize("side", COMMANDS)
def test_a_command_nobody_knows_is_refused(run: Run, tmp_path: Path, side: str) -> None:
    said = run(side, tmp_path, "dance")
    assert said.status == 2
    assert "dance" in said.error


@pytest.mark.parametrize("command", ["sync", "fsck", "run", "backup out"])
def test_a_machine_that_is_not_enrolled_says_so(run: Run, tmp_path: Path, command: str) -> None:
    said = run("edge", tmp_path, *command.split())
    assert said.status == 1
    assert said.error.startswith("identity.missing")
    assert not (tmp_path / "node.db").exists()


def test_init_writes_settings_once(run: Run, tmp_path: Path) -> None:
    said = run("edge", tmp_path / "node", "init", "--centre", "https://register.example", "--surface", "home")
    assert said.status == 0
    assert "enrol --code" in said.out
    before = (tmp_path / "node" / "edge.toml").read_text()
    assert 'surface = "home"' in before
    again = run("edge", tmp_path / "node", "init")
    assert (again.status, again.error.split()[0]) == (1, "init.exists")
    assert (tmp_path / "node" / "edge.toml").read_text() == before
    assert run("edge", tmp_path / "node", "run").error.startswith("identity.missing")  # and `run` can read them


def test_init_refuses_settings_that_run_would_refuse(run: Run, tmp_path: Path) -> None:
    said = run("edge", tmp_path / "node", "init", "--centre", 'http://x"\nlisten = "0.0.0.0:1')
    assert (said.status, said.error.split()[0]) == (1, "config.value")
    assert not (tmp_path / "node").exists()


def test_init_of_the_centre_is_done_once(run: Run, tmp_path: Path) -> None:
    said = run("central", tmp_path / "centre", "init")
    assert said.status == 0
    assert "13 datasets" in said.out
    keys = (tmp_path / "centre" / "registry.key").read_bytes()
    again = run("central", tmp_path / "centre", "init")
    assert (again.status, again.error.split()[0]) == (1, "centre.exists")
    assert (tmp_path / "centre" / "registry.key").read_bytes() == keys


def test_init_with_an_unreadable_administrator_makes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear centre")
    said = run("central", tmp_path / "centre", "init", "--administrator", tmp_path / "letter.txt")
    assert (said.status, said.error.split()[0]) == (1, "pki.certificate_broken")
    assert run("central", tmp_path / "centre", "init", "--administrator", tmp_path / "none").error.startswith("file.unreadable")
    assert not (tmp_path / "centre").exists()


def test_the_administrator_is_appointed_with_the_register(run: Run, tmp_path: Path) -> None:
    key = Authority.create("p256", "СЫНАҚ", at_ms=START_MS).issue_person("АХМЕТОВ", "НҰРБОЛ", "", "830505300559", not_before_ms=START_MS)
    (tmp_path / "admin.cer").write_bytes(key.certificate.der)
    said = run("central", tmp_path / "centre", "init", "--administrator", tmp_path / "admin.cer")
    assert said.status == 0
    assert "Appointed: АХМЕТОВ НҰРБОЛ, central." in said.out


@pytest.mark.parametrize(
    ("node", "courts", "code"),
    [("0", "kz-7", "enrol.node"), ("10000", "kz-7", "enrol.node"), ("7", "kz-x", "enrol.courts"), ("7", ",", "enrol.courts")],
)
def test_a_code_for_a_machine_that_cannot_be_is_refused(run: Run, court: Court, node: str, courts: str, code: str) -> None:
    said = run("central", court.folder / "centre", "enrol", "--node", node, "--name", "Астана", "--courts", courts)
    assert (said.status, said.error.split()[0]) == (1, code)


def test_a_code_is_shown_in_groups_of_four(run: Run, court: Court) -> None:
    said = run("central", court.folder / "centre", "enrol", "--node", "7", "--name", "Астана", "--courts", "kz-7, kz-283")
    assert said.status == 0
    assert re.match(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}  ", said.out)


def test_a_mistyped_code_is_refused_without_the_line(run: Run, tmp_path: Path) -> None:
    said = run("edge", tmp_path, "enrol", "--code", "ABCD-EFGH")
    assert (said.status, said.error.split()[0]) == (1, "enrol.code")


def test_an_enrolled_machine_is_not_enrolled_again(run: Run, court: Court) -> None:
    node = court.node("kz-7")
    said = run("edge", node.data, "enrol", "--code", "L2IT-EYR2-QLCQ-VH3C-LUVZ-ERCF")
    assert (said.status, said.error.split()[0]) == (1, "enrol.done")


def test_the_line_is_cut_and_healed_by_hand(run: Run, court: Court) -> None:
    node = court.node("kz-7")
    assert "not cut" in run("edge", node.data, "line", "show").out
    assert "is cut" in run("edge", node.data, "line", "cut").out
    said = run("edge", node.data, "sync")
    assert (said.status, said.error.split()[0]) == (1, "line.cut")
    assert "is cut" in run("edge", node.data, "line", "show").out
    assert "not cut" in run("edge", node.data, "line", "heal").out


def test_sync_without_a_centre_says_that_it_will_be_tried_again(run: Run, court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    node = court.node("kz-7")
    monkeypatch.setenv("SOT_EDGE_CENTRE", "http://127.0.0.1:9")
    said = run("edge", node.data, "sync")
    assert (said.status, said.error.split()[0]) == (1, "line.down")


def test_sync_waits_its_turn_behind_the_exchange_under_way(run: Run, court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    node = court.node("kz-7")
    monkeypatch.setenv("SOT_EDGE_CENTRE", "http://127.0.0.1:9")
    with (node.data / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        release = threading.Timer(0.5, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        said = run("edge", node.data, "sync")
        assert release.finished.is_set()  # not before the other one ended
    assert (said.status, said.error.split()[0]) == (1, "line.down")  # it tried, and did not give up as "running"


def test_sync_goes_on_until_recordings_are_there(run: Run, court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each exchange gives them one turn; who asks for one by hand wants all of it."""
    node = court.node("kz-7")
    turns = [Outcome(pieces=2, trips=3, goes_on=True), Outcome(pieces=2, trips=2, goes_on=True), Outcome(blobs_up=1, trips=2)]
    monkeypatch.setattr(Exchanger, "exchange", lambda self: turns.pop(0))
    said = run("edge", node.data, "sync")
    assert (said.status, turns) == (0, [])
    assert "1 files up, 0 down; 7 trips" in said.out
    assert "under way" not in said.out


def test_sync_says_that_recordings_are_left_where_the_centre_asks_to_wait(run: Run, court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    node = court.node("kz-7")
    monkeypatch.setattr(Exchanger, "exchange", lambda self: Outcome(goes_on=True, retry_seconds=9))
    said = run("edge", node.data, "sync")
    assert said.status == 0
    assert "Recordings are under way still" in said.out


def test_sync_of_the_centre_says_where_the_log_stands(run: Run, court: Court) -> None:
    said = run("central", court.folder / "centre", "sync")
    assert said.status == 0
    size = court.centre.register.checkpoint()[0]
    assert f"{size} entries; folded and delivered: {size}" in said.out


def test_a_backup_of_a_machine_in_use_holds_all_of_it(run: Run, court: Court, tmp_path: Path) -> None:
    node = court.node("kz-7")
    node.blobs.put(b"a file")
    said = run("edge", node.data, "backup", tmp_path / "copy")
    assert said.status == 0
    copy = apsw.Connection(str(tmp_path / "copy" / "node.db"))
    assert list(copy.execute("SELECT COUNT(*) FROM entry")) == fetch(node.database, "SELECT COUNT(*) FROM entry")
    assert list(copy.execute("PRAGMA integrity_check")) == [("ok",)]
    copy.close()
    assert len(list((tmp_path / "copy" / "blobs").glob("*/*"))) == 1
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    assert names == {"node.db", "blobs"}  # no key, no certificate: a copy is not a second machine


def test_a_second_backup_brings_the_first_up_to_date(run: Run, court: Court, tmp_path: Path) -> None:
    node = court.node("kz-7")
    node.blobs.put(b"one")
    run("edge", node.data, "backup", tmp_path / "copy")
    node.blobs.put(b"two")
    assert "1 new files" in run("edge", node.data, "backup", tmp_path / "copy").out


def test_a_restored_backup_opens_a_new_epoch(run: Run, court: Court, tmp_path: Path) -> None:
    node = court.node("kz-7")
    run("edge", node.data, "backup", tmp_path / "copy")
    with node.journal.unit() as unit:
        unit.append(node_object(node.number), EpochOpen(previous=1, last_seq=0, reason="test"))
    node.close()
    for old in node.data.glob("node.db*"):
        old.unlink()
    shutil.copy(tmp_path / "copy" / "node.db", node.data)
    said = run("edge", node.data, "backup", tmp_path / "other")
    assert "A new epoch was opened: restored" in said.out
    again = court.crash(node)
    assert again.journal.position().epoch == 2
    assert again.journal.recovering()
    assert court.exchange(again)
    assert not again.journal.recovering()


def test_a_backup_of_the_centre_holds_its_log(run: Run, court: Court, tmp_path: Path) -> None:
    said = run("central", court.folder / "centre", "backup", tmp_path / "copy")
    assert said.status == 0
    copy = apsw.Connection(str(tmp_path / "copy" / "centre.db"))
    assert list(copy.execute("SELECT MAX(size) FROM checkpoint"))[0][0] == court.centre.register.checkpoint()[0]
    copy.close()


def test_a_backup_into_a_file_is_refused_in_a_sentence(run: Run, court: Court, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = run("central", court.folder / "centre", "backup", tmp_path / "file")
    assert (said.status, said.error.split()[0]) == (1, "command.file")


def test_a_stick_goes_there_and_back(run: Run, court: Court, tmp_path: Path) -> None:
    node = court.node("kz-7")
    usb = tmp_path / "usb"
    usb.mkdir()
    with node.journal.unit() as unit:
        unit.append(node_object(node.number), EpochOpen(previous=0, last_seq=0, reason="test"))
    said = run("edge", node.data, "export", usb)
    assert (said.status, said.out.splitlines()[-1]) == (0, "Safe to remove.")
    assert "1 entries, 0 files" in said.out
    centre = court.folder / "centre"
    assert "Machine 1001: 1 entries logged, 0 bundles known already" in run("central", centre, "import", usb).out
    assert "Machine 1001: 0 entries logged, 1 bundles known already" in run("central", centre, "import", usb).out
    assert run("central", centre, "export", usb).out.splitlines()[-1] == "Safe to remove."
    said = run("edge", node.data, "import", usb)
    assert (said.status, "0 entries, 1 receipts, 0 files taken;" in said.out) == (0, True)


def test_a_damaged_stick_is_said_with_its_code(run: Run, court: Court, tmp_path: Path) -> None:
    """Rows 35 and 37: nothing falls over, and the person at the terminal reads what was left out."""
    node = court.node("kz-7")
    usb = tmp_path / "usb"
    usb.mkdir()
    assert run("edge", node.data, "import", usb).error.startswith("stick.empty")
    assert run("central", court.folder / "centre", "export", usb).error.startswith("stick.empty")
    assert run("edge", node.data, "export", usb / "nowhere").error.startswith("stick.gone")
    assert run("edge", node.data, "export", usb).status == 0
    (usb / "SOT1" / "UP1001" / "INDEX.SOT").write_bytes(b"SOTB1\n nothing")
    said = run("central", court.folder / "centre", "import", usb)
    assert (said.status, "container.broken  1" in said.out) == (1, True)


def test_an_object_is_erased_by_an_act(run: Run, court: Court) -> None:
    """Row 73: by the administration, at the terminal; asked back, and said that backups are the operator's."""
    node = court.node("kz-7")
    court.staff(nodes=[node])
    obj = court.open_cabinet(node, AIGUL).envelope.obj
    node.client.exchange()
    given = ["erase", obj.hex(), "--act", "7194-26-00-2/17", "--date"]
    centre = court.folder / "centre"
    assert run("central", centre, *given, "27.11.2026", "--yes").error.startswith("erasure.form")
    assert run("central", centre, *given, "2026-11-27").error.startswith("command.no_terminal")
    said = run("central", centre, *given, "2026-11-27", "--yes")
    assert (said.status, "erased here" in said.out) == (0, True)
    node.client.exchange()
    assert fetch(node.database, "SELECT COUNT(*) FROM entry WHERE obj = ? AND body IS NOT NULL", (obj,)) == [(0,)]
    assert run("central", centre, *given, "2026-11-27", "--yes").error.startswith("erasure.nothing")


def test_a_new_log_is_begun_and_followed_by_commands(run: Run, court: Court) -> None:
    """Row 8: by whoever looks after the register, and at a machine by whoever looks after that."""
    node, data = court.node("kz-7"), court.folder
    court.staff(nodes=[node])
    court.settle()
    copy = court.copy_of_centre()
    court.file(node, AIGUL, "kz-7")
    node.client.exchange()
    court.set_back(copy)
    court.centre.close()
    assert run("central", data / "centre", "lineage", "--reason", " ", "--yes").error.startswith("lineage.reason")
    said = run("central", data / "centre", "lineage", "--reason", "The disk failed.", "--yes")
    assert (said.status, "Log 2 of the register goes on from entry" in said.out) == (0, True)
    court.centre = Centre.open(court.centre.config, clock=court.clock)
    court.centre.start()
    assert not court.exchange(node)
    node.close()
    folder = data / f"node-{node.number}"
    shown = run("edge", folder, "lineage")
    assert "The disk failed." in shown.out
    assert "follows log 1" in shown.out
    assert "Followed with the next exchange" in run("edge", folder, "lineage", "--accept").out
    node = court._start(node.number)
    node.client.exchange()
    assert "follows log 2" in run("edge", folder, "lineage").out
