"""`verify FILE`: a table for people, JSON for programs, 0 when all is right, 1 when something is wrong, 2 when nobody here can tell."""

import json
import shutil
from pathlib import Path

import pytest
from command_runs import Run

from common.db import fetch
from edge.node import Node
from edge.services import talons
from sync import container
from sync.receipts import inclusion_of
from tests.court import Court
from tests.web.filing_world import COURT, create, ready, send
from tests.web.pages import trust_our_centres


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
