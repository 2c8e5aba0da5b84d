"""The disk fails, lies, fills up and rots below one machine."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from common.db import fetch, open_database
from common.errors import Conflict, Corrupt
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services.filings import require_taking
from sync import fsck
from tests.court import Court, blob_path
from tests.faults.disk import Disk, PowerCut
from tests.sim.papers import AIGUL, BOLAT

AKTAU = "kz-283"


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


def on(court: Court, disk: Disk) -> Node:
    """Start the machine of Aktau again on ``disk``, whose block has begun."""
    return court.crash(court.machine(1001))


def failing(operation: str, error: Callable[[], Exception]) -> Callable[[str, Path], Exception | None]:
    return lambda asked, path: error() if asked == operation and path.name.startswith("node.db") else None


def test_a_failed_sync_is_fatal_even_when_the_next_one_succeeds(court: Court) -> None:
    """Row 53: an error of fsync is no acknowledgement, and nothing is written until the machine is started again."""
    disk = Disk(court.machine(1001).data, random.Random(53))
    with disk:
        node = on(court, disk)
        kept = court.file(node, AIGUL, AKTAU)
        disk.failing = failing("sync", apsw.IOError)
        with pytest.raises(Corrupt) as caught:
            court.file(node, BOLAT, AKTAU)
        assert caught.value.code == "db.broken"
        disk.failing = lambda operation, path: None
        with pytest.raises(Corrupt):
            court.file(node, BOLAT, AKTAU)
        with pytest.raises(Conflict):
            require_taking(node)
        assert Exchanger(node).status().kind == "disk"  # what the banner of every page is made of
        assert court.status(node, kept) == "filed"  # and it still reads
        node.close()
    court.crash(node)
    court.settle()
    court.check()
    assert court.status(court.centre, kept) == "filed"


def test_a_mark_that_cannot_be_written_is_no_promise(court: Court) -> None:
    """Row 53: the same for the file of the high-water mark."""
    disk = Disk(court.machine(1001).data, random.Random(53))
    with disk:
        node = on(court, disk)
        disk.failing = lambda operation, path: OSError("EIO") if path.name == "highwater" else None
        with pytest.raises(Corrupt) as caught:
            court.file(node, AIGUL, AKTAU)
        assert caught.value.code == "journal.mark"
        disk.failing = lambda operation, path: None
        with pytest.raises(Corrupt):
            court.file(node, AIGUL, AKTAU)
        node.close()
    court.crash(node)
    court.settle()
    court.check()


def test_a_disk_that_lies_about_syncs_is_found_by_the_mark(court: Court) -> None:
    """Row 54: acknowledged syncs of the database are lost with the power; the mark tells, a new epoch opens, R0 stays proof."""
    node = court.machine(1001)
    disk = Disk(node.data, random.Random(54))
    with disk:
        node = on(court, disk)
        disk.lying = lambda path: path.name.startswith("node.db")
        lost = court.file(node, AIGUL, AKTAU)
        court.file(node, BOLAT, AKTAU)
        disk.cut_at = disk.count + 1
        with pytest.raises(PowerCut):
            court.file(node, AIGUL, AKTAU)
    node.close()
    for path, entry in disk._unsynced.items():  # the worst of all outcomes: nothing since the last true sync
        entry.sectors = {sector: states[:1] for sector, states in entry.sectors.items()}
        entry.sizes = entry.sizes[:1]
        assert path.name.startswith("node.db") or path.name == "highwater"
    disk.settle()
    node = court._start(1001)
    assert node.journal.position().epoch == 2
    assert node.journal.recovering()
    assert not fetch(node.database, "SELECT 1 FROM entry WHERE leaf = ?", (lost.leaf,))
    court.taken = {leaf: number for leaf, number in court.taken.items() if court._exists(leaf, node)}
    after = court.file(node, BOLAT, AKTAU)
    assert after.talon != lost.talon
    court.settle()
    court.check()


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(court: Court) -> None:
    """Row 55: no room in the database or its log is a sentence, not a loss; with room again the same machine goes on."""
    disk = Disk(court.machine(1001).data, random.Random(55))
    with disk:
        node = on(court, disk)
        kept = court.file(node, AIGUL, AKTAU)
        disk.failing = failing("write", apsw.FullError)
        with pytest.raises(Corrupt) as caught:
            court.file(node, BOLAT, AKTAU)
        assert caught.value.code == "db.full"
        disk.failing = lambda operation, path: None
        again = court.file(node, BOLAT, AKTAU)
        assert again.talon != kept.talon
        court.settle()
        court.check()
        node.close()
    court.crash(node)
    assert court.status(court.centre, again) == "filed"


def test_a_full_disk_keeps_no_half_of_a_file(court: Court) -> None:
    """Row 55: a blob that finds no room leaves nothing under its name."""
    node = court.machine(1001)
    with Disk(node.data, random.Random(55)) as disk:
        node = on(court, disk)
        disk.failing = lambda operation, path: OSError(28, "ENOSPC") if "blobs" in path.parts else None
        with pytest.raises(OSError, match="ENOSPC"):
            court.file(node, AIGUL, AKTAU, attachment=b"a contract")
        disk.failing = lambda operation, path: None
        assert not [path for path in (node.data / "blobs").rglob("*") if path.is_file()]
        court.file(node, AIGUL, AKTAU, attachment=b"a contract")
        node.close()
    court.crash(node)
    court.settle()
    court.check()


def test_the_first_file_in_a_new_folder_outlives_the_power(court: Court) -> None:
    """Row 52: the folder's own name is durable before the file in it counts as kept."""
    node = court.machine(1001)
    disk = Disk(node.data, random.Random(52))
    disk.dice.random = lambda: 0.0  # type: ignore[method-assign]  # whatever was not synced is lost
    with disk:
        node = on(court, disk)
        sha256 = node.blobs.put(b"the first file of its folder")
        node.close()
    disk.settle()
    assert court.crash(node).blobs.read(sha256) == b"the first file of its folder"


def findings(node: Node) -> set[str]:
    found = fsck.check(node.database, node.fold, node.blobs, environment=node.identity.environment)
    return {finding.code for finding in found}


CONTRACT = b"a contract of two pages"


def rot(owner: Any, sha256: bytes) -> None:
    """Flip a bit in a stored file."""
    path = blob_path(owner, sha256)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def test_rot_in_a_file_is_found_and_the_file_comes_again(court: Court) -> None:
    """Row 56: a flipped bit in a stored file is never handed out; `fsck` names it, and it comes again with the next exchange."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU, attachment=CONTRACT)
    court.settle()
    file = filing_file(node, filing.leaf)
    rot(node, file)
    assert findings(node) == {"blob.rot"}
    court.cut(node)
    with pytest.raises(Corrupt, match="blob.rot"):
        node.blobs.read(file)
    assert not node.blobs.has(file)
    assert findings(node) == {"blob.rot"}  # until it has come
    court.heal(node)
    assert node.client.exchange().blobs_down == 1
    assert node.blobs.read(file) == CONTRACT
    court.settle()
    court.check()


@pytest.mark.parametrize("gone", [False, True])
def test_a_damaged_file_comes_while_it_is_opened(court: Court, gone: bool) -> None:
    """Row 56: with a line the reader notices nothing; a file that was deleted is no different."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU, attachment=CONTRACT)
    court.settle()
    file = filing_file(node, filing.leaf)
    blob_path(node, file).unlink() if gone else rot(node, file)
    assert node.blobs.read(file) == CONTRACT
    assert findings(node) == set()


def test_rot_at_the_centre_is_mended_by_whoever_has_the_file(court: Court) -> None:
    """Row 56: the audit finds it; nobody is given a damaged file; the author sends it again, although it had its R2."""
    aktau, astana = court.machine(1001), court.machine(1002)
    filing = court.file(aktau, AIGUL, "kz-7", attachment=CONTRACT)
    court.exchange(aktau)
    file = filing_file(aktau, filing.leaf)
    rot(court.centre, file)
    court.exchange(astana)  # the centre looks before it gives
    assert not astana.blobs.has(file)
    assert not court.centre.blobs.has(file)
    court.settle()
    court.check()
    assert astana.blobs.read(file) == CONTRACT


def test_rot_at_the_centre_is_mended_by_the_court_that_received_the_file(court: Court) -> None:
    """Row 56: where the author's disk is gone."""
    aktau, astana = court.machine(1001), court.machine(1002)
    filing = court.file(aktau, AIGUL, "kz-7", attachment=CONTRACT)
    court.settle()
    file = filing_file(aktau, filing.leaf)
    for owner in (court.centre, aktau):
        rot(owner, file)
        found = fsck.check(owner.database, owner.fold, owner.blobs, environment=owner.identity.environment)
        assert fsck.repair(owner.database, owner.fold, owner.blobs, found, court.clock.now()) == 1
    court.exchange(aktau)
    assert not aktau.blobs.has(file)
    assert astana.client.exchange().blobs_up == 1
    court.settle()
    court.check()


def test_rot_at_the_centre_is_mended_by_a_stick(court: Court, tmp_path: Path) -> None:
    """Row 56: the centre's answer asks for it, and the next stick brings it."""
    usb = tmp_path / "usb"
    usb.mkdir()
    aktau = court.machine(1001)
    court.cut(aktau)
    filing = court.file(aktau, AIGUL, AKTAU, attachment=CONTRACT)
    for _ in range(2):
        aktau.client.stick.export(usb)
        court.centre.sticks.take(usb)
        court.centre.sticks.export(usb)
        aktau.client.stick.take(usb)
    file = filing_file(aktau, filing.leaf)
    rot(court.centre, file)
    assert not court.centre.blobs.vouch(file)
    court.centre.sticks.export(usb)
    aktau.client.stick.take(usb)
    assert aktau.client.stick.export(usb).blobs_up == 1
    assert [one.blobs for one in court.centre.sticks.take(usb)] == [1]
    court.settle()
    court.check()


def test_a_file_that_rotted_before_it_was_sent_holds_up_no_other(court: Court) -> None:
    """Row 56: the only copy is lost and said to be; everything else arrives."""
    node = court.machine(1001)
    lost = court.file(node, AIGUL, AKTAU, attachment=CONTRACT)
    kept = court.file(node, BOLAT, AKTAU, attachment=CONTRACT * 2)
    rot(node, filing_file(node, lost.leaf))
    assert "blob.rot" in node.client.exchange().problems
    assert court.centre.blobs.has(filing_file(node, kept.leaf))
    assert findings(node) == {"blob.rot"}
    for _ in range(3):
        node.client.exchange()
    assert court.status(court.centre, lost) == "filed"


def filing_file(node: Node, leaf: bytes) -> bytes:
    sha256: bytes = fetch(node.database, "SELECT sha256 FROM blob_ref WHERE leaf = ? ORDER BY size DESC", (leaf,))[0][0]
    return sha256


@pytest.mark.parametrize(
    ("column", "code"), [("body", "fsck.body"), ("envelope", "fsck.leaf"), ("salt", "fsck.body")], ids=["body", "envelope", "salt"]
)
def test_rot_in_an_entry_is_found(court: Court, column: str, code: str) -> None:
    """Rows 24 and 56: bytes of an entry changed below the triggers, as a direct edit of the file or rot does."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU)
    court.settle()
    database = open_database(node.data / "node.db")
    for trigger in ("entry_is_never_changed", "entry_body_is_only_erased"):
        fetch(database, f"DROP TRIGGER {trigger}")
    [(content,)] = fetch(database, f"SELECT {column} FROM entry WHERE leaf = ?", (filing.leaf,))
    spoiled = content[:-1] + bytes([content[-1] ^ 1])
    fetch(database, f"UPDATE entry SET {column} = ? WHERE leaf = ?", (spoiled, filing.leaf))
    database.close()
    assert code in findings(node)


def test_a_row_edited_in_the_file_is_found_and_folded_again(court: Court) -> None:
    """Rows 12 and 50: a table row changed behind the journal's back does not match its fold; folding again heals it."""
    node = court.machine(1001)
    filing = court.file(node, AIGUL, AKTAU)
    court.settle()
    for owner in (node, court.centre):
        fetch(owner.database, "UPDATE filing_row SET status = 'registered' WHERE obj = ?", (filing.obj,))
        codes = {one.code for one in fsck.check(owner.database, owner.fold, owner.blobs, environment=owner.identity.environment)}
        assert codes == {"fsck.rows"}
        owner.fold.refold(owner.database, [filing.obj], court.clock.now())
    court.check()


@pytest.mark.parametrize("statement", ["DELETE FROM entry", "UPDATE entry SET envelope = x'00'", "UPDATE entry SET body = x'00'"])
def test_a_signed_filing_cannot_be_deleted_or_changed_by_sql(court: Court, statement: str) -> None:
    """Row 24: the tables of entries guard themselves."""
    node = court.machine(1001)
    court.file(node, AIGUL, AKTAU)
    with pytest.raises(apsw.ConstraintError):
        fetch(node.database, statement)
    court.settle()
    court.check()
