"""A machine is put back from its backup, into an empty folder, as deploy/README.md tells an operator to."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from command_runs import Run, Said

from common.db import fetch
from edge.enrolment import enrol
from tests.court import Court, blob_path
from tests.sim.papers import AIGUL

AKTAU = "kz-283"
GUIDE = Path(__file__).parents[2] / "deploy" / "README.md"
SAFE = {
    "edge": ("node.keys", "register.pin", "centre.certificate", "trust"),
    "central": ("registry.key", "log.key", "pdf-ca.key", "pdf-ca.cer", "node.keys", "register.pin", "trust"),
}
"""What lies in the operator's safe and in no backup; the rest of the guide's list is made anew or may be missing."""


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Court]:
    court = Court.ready(tmp_path)
    yield court
    court.close()


def burn(data: Path, kept: Sequence[str]) -> None:
    """Lose the disk; the machine's folder is made anew from the safe."""
    lost = data.with_name(f"{data.name}-lost")
    data.rename(lost)
    data.mkdir(mode=0o700)
    for name in kept:
        (shutil.copytree if (lost / name).is_dir() else shutil.copy)(lost / name, data / name)


def restored(run: Run, side: str, data: Path, copy: Path) -> Said:
    said = run(side, data, "restore", copy)
    assert said.status == 0, said.error
    return said


@pytest.mark.parametrize("side", SAFE)
def test_the_guide_names_what_lies_in_the_safe(side: str) -> None:
    assert [name for name in (*SAFE[side], "host.key") if f"`{name}`" not in GUIDE.read_text()] == []


@pytest.mark.parametrize("mark", [True, False], ids=["mark on another disk", "mark lost too"])
def test_a_node_whose_disk_burnt_goes_on_in_a_new_epoch(run: Run, court: Court, tmp_path: Path, mark: bool) -> None:
    """Rows 16 and 57: what it had written since the backup and sent comes back from the centre; nothing is numbered twice."""
    node = court.machine(1001)
    old = court.file(node, AIGUL, AKTAU, attachment=b"before the backup")
    court.settle()
    assert run("edge", node.data, "backup", tmp_path / "copy").status == 0
    new = court.file(node, AIGUL, AKTAU, attachment=b"after the backup")
    court.settle()
    node.close()
    burn(node.data, (*SAFE["edge"], *(["mark"] if mark else [])))
    said = restored(run, "edge", node.data, tmp_path / "copy")
    assert ("A new epoch was opened: restored" in said.out) is mark
    node = court.crash(node)
    if not mark:  # nothing on the machine knows; the centre sees an old token, and a person there says that it is no copy
        assert not court.exchange(node)
        assert court.troubles == ["node.twin"]
        court.clear_alarm(node)
    court.settle()
    assert node.journal.position().epoch == 2
    assert {court.status(node, filing) for filing in (old, new)} == {"filed"}
    court.file(node, AIGUL, AKTAU)
    court.settle()
    court.check()
    assert run("edge", node.data, "fsck").status == 0


def test_a_centre_restored_from_its_latest_backup_goes_on(run: Run, court: Court, tmp_path: Path) -> None:
    """Keys from the safe, database and files from the backup: machines notice nothing."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU, attachment=b"a contract")
    court.settle()
    assert run("central", court.centre.data, "backup", tmp_path / "copy").status == 0
    court.centre.close()
    burn(court.centre.data, SAFE["central"])
    restored(run, "central", court.centre.data, tmp_path / "copy")
    court.crash_centre()
    court.file(node, AIGUL, AKTAU)
    court.settle()
    court.check()
    assert court.status(court.centre, filing) == "filed"
    assert run("central", court.centre.data, "fsck").status == 0


def test_a_centre_restored_from_an_older_backup_is_refused_and_machines_take_papers(run: Run, court: Court, tmp_path: Path) -> None:
    """Row 8: it says that it was rolled back; no machine forgets what it has."""
    node = court.machine(1001)
    assert run("central", court.centre.data, "backup", tmp_path / "copy").status == 0
    filing = court.file(node, AIGUL, AKTAU)
    court.settle()
    court.centre.close()
    burn(court.centre.data, SAFE["central"])
    assert "Machines that have seen more will say so" in restored(run, "central", court.centre.data, tmp_path / "copy").out
    court.crash_centre()
    assert not court.exchange(node)
    assert court.troubles == ["log.ahead"]
    assert court.status(node, filing) == "filed"
    assert court.status(node, court.file(node, AIGUL, AKTAU)) == "filed"
    assert court.centre.register.checkpoint()[0] < fetch(node.database, "SELECT size FROM sync")[0][0]


def test_a_backup_of_a_later_log_of_the_register_is_its_own(run: Run, court: Court, tmp_path: Path) -> None:
    """Row 46: after the register went on as another log, its key lies in the safe too."""
    assert run("central", court.centre.data, "lineage", "--reason", "an old copy was put back", "--yes").status == 0
    court.crash_centre()
    court.settle()
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU)
    court.settle()
    assert run("central", court.centre.data, "backup", tmp_path / "copy").status == 0
    assert run("edge", node.data, "backup", tmp_path / "node").status == 0
    court.centre.close()
    burn(court.centre.data, (*SAFE["central"], "log-2.key"))
    restored(run, "central", court.centre.data, tmp_path / "copy")
    court.crash_centre()
    node.close()
    restored(run, "edge", node.data, tmp_path / "node")
    node = court.crash(node)
    court.settle()
    assert court.status(court.centre, filing) == court.status(node, filing) == "filed"


def test_what_was_there_is_kept_aside_and_files_that_rotted_stay_out(run: Run, court: Court, tmp_path: Path) -> None:
    node = court.machine(1001)
    good, bad = node.blobs.put(b"good"), node.blobs.put(b"bad")
    run("edge", node.data, "backup", tmp_path / "copy")
    node.close()
    for sha256 in (good, bad):
        blob_path(node, sha256).unlink()
    rotten = tmp_path / "copy" / "blobs" / bad.hex()[:2] / bad.hex()
    rotten.write_bytes(b"worse")
    said = restored(run, "edge", node.data, tmp_path / "copy")
    assert "1 files with it" in said.out
    assert "1 files of the backup are damaged" in said.out
    assert (node.data / "before-restore" / "node.db").exists()
    assert blob_path(node, good).read_bytes() == b"good"
    assert not blob_path(node, bad).exists()


def test_a_backup_that_cannot_be_meant_is_refused_and_nothing_changes(run: Run, court: Court, tmp_path: Path) -> None:
    """Of another machine, of another register, damaged, none, or while the machine runs."""
    node, other = court.machine(1001), court.machine(1002)
    stranger = Court(tmp_path / "abroad")
    for owner, name in ((node, "mine"), (other, "other")):
        run("edge", owner.data, "backup", tmp_path / name)
    run("central", stranger.centre.data, "backup", tmp_path / "abroad-copy")
    stranger.close()
    before = (node.data / "node.db").stat().st_ino
    centre = (court.centre.data / "centre.db").stat().st_ino
    assert run("edge", node.data, "restore", tmp_path / "other").error.startswith("restore.other")
    assert run("edge", node.data, "restore", tmp_path).error.startswith("restore.none")
    assert run("central", court.centre.data, "restore", tmp_path / "abroad-copy").error.startswith("restore.other")
    damaged = tmp_path / "mine" / "node.db"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    assert run("edge", node.data, "restore", tmp_path / "mine").error.startswith("restore.broken")
    damaged.write_bytes(b"no database")
    assert run("edge", node.data, "restore", tmp_path / "mine").error.startswith("restore.broken")
    assert ((node.data / "node.db").stat().st_ino, (court.centre.data / "centre.db").stat().st_ino) == (before, centre)
    assert not list(node.data.glob(".node.db*"))


def test_a_node_whose_keys_are_lost_too_is_enrolled_under_its_number(run: Run, court: Court, tmp_path: Path) -> None:
    """Nothing is left of the machine: a new code, a new epoch, and what the register has of it comes back."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU, attachment=b"a contract")
    court.settle()
    node.close()
    burn(node.data, ["trust"])  # public, and added by hand
    enrol(node.data, court._code(1001, [AKTAU]), court.lines[1001])
    node = court.crash(node)
    assert not court.exchange(node)
    assert court.troubles == ["node.twin"]
    court.clear_alarm(node)
    court.settle()
    assert node.journal.position().epoch == 2
    assert court.status(node, filing) == "filed"
    court.file(node, AIGUL, AKTAU)
    court.settle()
    court.check()
