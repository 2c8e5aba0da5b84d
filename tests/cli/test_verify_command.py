"""`verify FILE`: a table for people, JSON for programs, 0 when all is right, 1 when something is wrong, 2 when nobody here can tell."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_runs import Run

from common.clock import SystemClock
from common.db import fetch
from common.pki import cms
from common.pki.authority import DAY_MS, Authority
from edge.node import Node
from edge.services import talons
from sync import container, ports
from sync.checkpoint import Checkpoint, sign_checkpoint
from sync.directory import EpochOpen, node_object
from sync.receipts import Taken, inclusion_of, sign_r0
from tests.court import Court
from tests.web.filing_world import COURT, create, ready, send
from tests.web.pages import trust_our_centres
from tests.xml_signing import sign_xml


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of genuine papers, beside the folders of the node and the centre they come from."""
    folder = tmp_path_factory.mktemp("papers")
    court = Court(folder)
    court.publish_reference()
    node = court.node(COURT)
    for machine in (node, court.centre):
        trust_our_centres(machine)  # type: ignore[arg-type]
    create(node)
    filing = send(node, ready(node))
    assert court.exchange(node)
    assert court.exchange(node)
    receipt = talons.receipt_of(node, filing)
    [bundle] = [body for _, body in court.lines[node.number].seen if body.startswith(container.MAGIC)][-1:]
    made = {
        "talon.pdf": talons.pdf(node, filing),
        "receipt.r0": receipt.r0,
        "qr.txt": receipt.qr_text.encode(),
        "statement.pdf": node.blobs.read(filing.statement_sha256),
        "register.proof": inclusion_of(node.database, filing.leaf),
        "checkpoint.txt": fetch(node.database, "SELECT note FROM sync")[0][0],
        "up.bundle": bundle,
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    (folder / "node").symlink_to(node.data)
    node.close()
    court.centre.close()
    return folder


NAMES = ("talon.pdf", "receipt.r0", "qr.txt", "statement.pdf", "register.proof", "checkpoint.txt", "up.bundle")


@pytest.mark.parametrize("side", ["edge", "central"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_genuine_is_said_so(run: Run, papers: Path, side: str, name: str) -> None:
    said = run(side, papers / ("node" if side == "edge" else "centre"), "verify", papers / name)
    assert said.status == 0
    assert said.out.startswith(f"valid  {name}")
    assert "✓" in said.out


@pytest.mark.parametrize("name", NAMES)
def test_what_was_changed_is_said_with_what_is_wrong(run: Run, papers: Path, tmp_path: Path, name: str) -> None:
    data = bytearray((papers / name).read_bytes())
    data[len(data) * 2 // 3] ^= 1
    (tmp_path / name).write_bytes(data)
    said = run("edge", papers / "node", "verify", tmp_path / name)
    assert said.status == 1
    assert said.out.startswith(f"NOT VALID  {name}")
    assert "✗" in said.out


def test_programs_get_json(run: Run, papers: Path) -> None:
    said = run("edge", papers / "node", "verify", "--json", papers / "talon.pdf", papers / "receipt.r0")
    assert said.status == 0
    talon, receipt = json.loads(said.out)
    assert (talon["kind"], talon["valid"], receipt["kind"]) == ("talon", True, "receipt")
    assert talon["facts"]["talon"] == receipt["facts"]["talon"]
    assert talon["file"].endswith("talon.pdf")


def test_one_bad_file_among_good_ones_is_enough(run: Run, papers: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"no paper of ours")
    said = run("edge", papers / "node", "verify", papers / "talon.pdf", tmp_path / "other")
    assert said.status == 1
    assert "file.unknown" in said.out


def test_a_folder_without_secrets_is_enough(run: Run, papers: Path, tmp_path: Path) -> None:
    for name in ("node.db", "register.pin"):
        shutil.copy(papers / "node" / name, tmp_path)
    assert run("edge", tmp_path, "verify", papers / "talon.pdf", papers / "register.proof").status == 0


def test_a_machine_of_another_country_cannot_tell(run: Run, papers: Path, tmp_path: Path) -> None:
    other = Court(tmp_path)
    other.centre.close()
    said = run("central", tmp_path / "centre", "verify", papers / "receipt.r0")
    assert said.status == 2
    assert said.out.startswith("cannot tell")


@pytest.mark.parametrize("missing", ["node.db", "register.pin"])
def test_a_folder_that_knows_nothing_cannot_tell(run: Run, papers: Path, tmp_path: Path, missing: str) -> None:
    for name in {"node.db", "register.pin"} - {missing}:
        shutil.copy(papers / "node" / name, tmp_path)
    assert run("edge", tmp_path, "verify", papers / "talon.pdf").status == 2


def test_a_file_that_is_not_there_cannot_be_judged(run: Run, papers: Path) -> None:
    said = run("edge", papers / "node", "verify", papers / "none.pdf")
    assert said.status == 2
    assert said.error.startswith("file.unreadable")


def test_a_node_in_use_is_not_disturbed(run: Run, court: Court, papers: Path) -> None:
    node: Node = court.node(COURT)
    with node.journal.unit():
        said = run("edge", node.data, "verify", papers / "receipt.r0")  # another register's: it only matters that it answers
    assert said.status == 2


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a signature beside its content, a trust folder, and a list that came later and revokes the signer."""
    folder = tmp_path_factory.mktemp("signed")
    now = SystemClock().now()
    authority = Authority.create("p256", "СЫНАҚ", at_ms=now - 90 * DAY_MS)
    key = authority.issue_person("АХМЕТОВА", "АЙГҮЛ", "", "900101400018", not_before_ms=now - 60 * DAY_MS)
    trusted = folder / "trusted"
    trusted.mkdir()
    (trusted / "root.cer").write_bytes(authority.anchors()[0])
    (trusted / "issuing.der").write_bytes(authority.authorities()[0])
    (trusted / "list.crl").write_bytes(authority.crl(now - DAY_MS, now + DAY_MS, 1))
    authority.revoke(key.certificate, now - 10 * DAY_MS)
    (folder / "later.crl").write_bytes(authority.crl(now - 1000, now + DAY_MS, 2))
    (folder / "paper.txt").write_text("Талап қою арызы")
    (folder / "paper.txt.p7s").write_bytes(cms.sign_detached((folder / "paper.txt").read_bytes(), key, at_ms=now - DAY_MS))
    (folder / "paper.xml").write_bytes(sign_xml("<a><b>1</b></a>", key))
    return folder


def test_no_machine_is_needed_where_there_is_a_folder_of_trust(run: Run, signed: Path, tmp_path: Path) -> None:
    given = ("--trust", signed / "trusted", "--content", signed / "paper.txt")
    said = run("edge", tmp_path / "none", "verify", "--json", *given, signed / "paper.txt.p7s")
    [report] = json.loads(said.out)
    assert (said.status, report["verdict"]) == (0, "valid")
    names = {"name", "claimed", "stamped", "after", "before", "algorithm", "chain", "revocation", "list", "covers", "not_covered"}
    assert set(report["signatures"][0]) >= names
    shown = run("central", tmp_path / "none", "verify", *given, signed / "paper.txt.p7s")
    assert shown.out.startswith("valid  paper.txt.p7s (cms)")
    for part in ("Who: АХМЕТОВА АЙГҮЛ, 900101400018", "Algorithm: ECDSA P-256", "Issued by: СЫНАҚ ← СЫНАҚ ROOT", "not on the list of"):
        assert part in shown.out, part
    assert run("edge", tmp_path / "none", "verify", "--trust", signed / "trusted", signed / "paper.xml").status == 0
    assert not (tmp_path / "none").exists()


def test_a_reader_who_stops_reading_does_not_change_the_answer(signed: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "edge", "--data", tmp_path / "none", "verify", "--trust", signed / "trusted"]
    done = subprocess.run(
        [*command, "--content", signed / "paper.txt", signed / "paper.txt.p7s"], stdout=writer, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_newer_list_and_another_moment_change_the_answer(run: Run, signed: Path, tmp_path: Path) -> None:
    given = ("--trust", signed / "trusted", "--content", signed / "paper.txt", "--crl", signed / "later.crl")
    revoked = run("edge", tmp_path, "verify", *given, signed / "paper.txt.p7s")
    assert revoked.status == 1
    assert "pki.revoked" in revoked.out
    before = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    assert run("edge", tmp_path, "verify", *given, "--at", before, signed / "paper.txt.p7s").status == 0
    odd = run("edge", tmp_path, "verify", *given, "--at", "yesterday", signed / "paper.txt.p7s")
    assert (odd.status, odd.error.split()[0]) == (2, "verify.time")


def test_what_lies_beside_has_to_be_given(run: Run, signed: Path, tmp_path: Path) -> None:
    alone = run("edge", tmp_path, "verify", "--trust", signed / "trusted", signed / "paper.txt.p7s")
    assert alone.status == 2
    assert "cms.detached" in alone.out
    assert "document too." in alone.out
    for wrong in ("none", "later.crl"):
        said = run("edge", tmp_path, "verify", "--trust", signed / wrong, signed / "paper.txt.p7s")
        assert (said.status, said.error.split()[0]) == (2, "verify.trust_folder")


def test_two_statements_of_one_size_are_a_register_with_two_faces(run: Run, tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.publish_reference()
    pin, log = court.centre.identity.pin, court.centre.keys.log()
    size = court.centre.register.checkpoint()[0]
    honest = court.centre.register.checkpoint()[1]
    court.centre.close()
    (tmp_path / "one").write_bytes(honest)
    (tmp_path / "two").write_bytes(sign_checkpoint(Checkpoint(pin.origin, size, bytes(32)), pin.origin, log))
    (tmp_path / "more").write_bytes(sign_checkpoint(Checkpoint(pin.origin, size + 5, bytes(32)), pin.origin, log))
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(tmp_path / "centre" / "register.pin", alone)
    assert run("edge", tmp_path, "verify", "--trust", alone, tmp_path / "one").status == 0
    assert run("edge", tmp_path, "verify", "--trust", alone, tmp_path / "two").status == 0, "nobody can tell from one alone"
    said = run("edge", tmp_path, "verify", "--trust", alone, tmp_path / "one", tmp_path / "two")
    assert (said.status, said.out.count("register.split")) == (1, 2)
    back = run("central", tmp_path / "centre", "verify", tmp_path / "more")
    assert (back.status, "register.rolled_back" in back.out) == (1, True)


def test_a_receipt_and_a_bundle_without_its_entry_are_a_proof_for_somebody_without_a_machine(run: Run, tmp_path: Path) -> None:
    """Row 49: the register's pin and the machine's certificate in a folder are enough."""
    court = Court(tmp_path / "court")
    court.publish_reference()
    node = court.node("kz-283")
    court.write(node, node_object(node.number), EpochOpen(previous=0, last_seq=0, reason="test"))
    assert court.exchange(node)
    me, at = node.identity, node.journal.position()
    bundle = [body for path, body in court.lines[node.number].seen if path == ports.BUNDLE][-1]
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(node.data / "register.pin", alone)
    (alone / "machine.cose").write_bytes(me.certificate.data)
    for name, head in (("true", at.head), ("other", bytes(32))):
        taken = Taken(talon=1, node=node.number, leaf=bytes(32), statement=bytes(32), at=1, epoch=at.epoch, seq=at.seq, head=head)
        (tmp_path / name).write_bytes(sign_r0(taken, me.now))
    court.close()
    (tmp_path / "bundle").write_bytes(bundle)
    honest = run("edge", tmp_path, "verify", "--trust", alone, tmp_path / "true", tmp_path / "bundle")
    assert (honest.status, "receipt.left_out" in honest.out) == (0, False)
    said = run("edge", tmp_path, "verify", "--trust", alone, tmp_path / "other", tmp_path / "bundle")
    assert (said.status, said.out.count("receipt.left_out")) == (1, 2)
