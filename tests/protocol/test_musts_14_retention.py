"""PROTOCOL 14: what a machine need not keep, and what a court's order takes away."""

from pathlib import Path

import msgspec
import pytest
from protocol_world import code_of

from common.db import fetch
from edge.node import Node
from edge.services import retention
from tests.court import Court, blob_path
from tests.sim.papers import AIGUL, BOLAT, Filing

DAYS = 20
DAY_MS = 86_400_000
AKTAU, ASTANA = "kz-283", "kz-7"
CONTRACT = b"a contract"


@pytest.fixture
def court(tmp_path: Path) -> Court:
    court = Court.ready(tmp_path)
    for node in court.nodes:
        node.config = msgspec.structs.replace(node.config, keep_files_days=DAYS)
    return court


def files(node: Node, filing: Filing) -> list[tuple[bytes, bool, bool]]:
    """(SHA-256, whether it is here, whether it can be had) of the files of a filing."""
    named = fetch(node.database, "SELECT sha256 FROM blob_ref WHERE leaf = ? ORDER BY size", (filing.leaf,))
    return [(sha256, node.blobs.has(sha256) and blob_path(node, sha256).exists(), node.blobs.at_hand(sha256)) for (sha256,) in named]


def old_filing(court: Court) -> Filing:
    """A filing at Aktau for Astana whose files everybody has had for longer than the days."""
    filing = court.file(court.nodes[0], AIGUL, ASTANA, attachment=CONTRACT)
    court.settle()
    court.clock.tick((DAYS + 1) * DAY_MS)
    return filing


def test_14_1_files_that_the_register_confirmed_are_let_go_and_entries_stay(court: Court) -> None:
    filing = old_filing(court)
    young = court.file(court.nodes[0], BOLAT, ASTANA, attachment=b"another")
    court.settle()
    for node in court.nodes[:2]:
        before = fetch(node.database, "SELECT COUNT(*) FROM entry")
        assert retention.prune(node) == 2
        assert [(here, had) for _, here, had in files(node, filing)] == [(False, True)] * 2
        assert all(here for _, here, _ in files(node, young))
        assert fetch(node.database, "SELECT COUNT(*) FROM entry") == before
        assert retention.prune(node) == 0
    court.settle()
    court.check()


def test_14_1_what_is_not_confirmed_or_not_logged_is_kept(court: Court) -> None:
    aktau = court.nodes[0]
    court.cut(aktau)
    waiting = court.file(aktau, AIGUL, ASTANA, attachment=CONTRACT)
    court.clock.tick((DAYS + 1) * DAY_MS)
    assert retention.prune(aktau) == 0
    court.heal(aktau)
    court.lines[aktau.number].cuts = [3]  # logged, but the files do not arrive
    court.exchange(aktau)
    assert retention.prune(aktau) == 0
    assert all(here for _, here, _ in files(aktau, waiting))
    court.settle()
    assert retention.prune(aktau) == 2


def test_14_1_nothing_is_let_go_unless_the_operator_says_so(court: Court) -> None:
    aktau = court.nodes[0]
    old_filing(court)
    aktau.config = msgspec.structs.replace(aktau.config, keep_files_days=0)
    assert retention.prune(aktau) == 0


def test_14_2_a_file_comes_back_when_it_is_opened_and_not_before(court: Court) -> None:
    aktau, astana, _ = court.nodes
    filing = old_filing(court)
    for node in (aktau, astana):
        retention.prune(node)
        outcome = node.client.exchange()
        assert (outcome.blobs_down, node.client.stick._down.wanted()) == (0, [])
        sha256 = files(node, filing)[0][0]
        assert node.blobs.read(sha256) == CONTRACT
        assert [here for _, here, _ in files(node, filing)] == [True, False]
    court.settle()
    court.check()


def test_14_2_without_a_line_it_is_said_where_the_file_is(court: Court) -> None:
    aktau = court.nodes[0]
    filing = old_filing(court)
    retention.prune(aktau)
    court.cut(aktau)
    sha256 = files(aktau, filing)[0][0]
    assert code_of(lambda: aktau.blobs.read(sha256)) == "blob.pruned"
    court.heal(aktau)
    assert aktau.blobs.read(sha256) == CONTRACT


def test_14_2_the_same_file_attached_again_is_there_again(court: Court) -> None:
    aktau = court.nodes[0]
    filing = old_filing(court)
    retention.prune(aktau)
    court.file(aktau, BOLAT, ASTANA, attachment=CONTRACT)
    assert [here for _, here, _ in files(aktau, filing)] == [True, False]
    court.settle()
    court.check()
