"""Programs of different ages meet: what one does not know yet is kept raw, and read when it does."""

from pathlib import Path

import pytest

from common.court import filings
from common.db import fetch
from sync import ports
from sync.bundle import about_of
from tests.court import Court
from tests.faults import corpus
from tests.sim import ages
from tests.sim.papers import AIGUL

AKTAU, ASTANA = "kz-283", "kz-7"


def forget(patch: pytest.MonkeyPatch, name: str) -> None:
    """Let programs that start now not know the entry type ``name``."""
    patch.setattr(filings, "TYPES", {each: kind for each, kind in filings.TYPES.items() if each != name})


@pytest.mark.parametrize("old", ["centre", "node"])
def test_an_old_program_keeps_what_it_cannot_read_and_reads_it_after_the_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    """Row 61: a type unknown at the centre or at the court's node is logged, gets its R1, waits in sight, and is folded later."""
    court = Court.ready(tmp_path)
    aktau, astana = court.machine(1001), court.machine(1002)
    court.open_cabinet(aktau, AIGUL)
    filing = court.file(aktau, AIGUL, ASTANA)
    court.settle()
    with monkeypatch.context() as patch:
        forget(patch, "filing.withdraw/1")
        if old == "centre":
            court.crash_centre()
        else:
            astana = court.crash(astana)
    withdrawn = court.withdraw(aktau, filing)
    court.settle()
    behind = court.centre if old == "centre" else astana
    assert fetch(behind.database, "SELECT code FROM quarantine") == [("entry.unknown_type",)]
    assert court.status(behind, filing) == "filed"
    assert court.status(aktau, filing) == "withdrawn"
    assert fetch(aktau.database, "SELECT log_index IS NOT NULL FROM entry WHERE leaf = ?", (withdrawn.leaf,)) == [(1,)]
    if old == "centre":
        court.crash_centre()
    else:
        astana = court.crash(astana)
    court.settle()
    court.check()
    assert {court.status(one, filing) for one in (court.centre, aktau, astana)} == {"withdrawn"}


def test_an_entry_of_any_age_is_read() -> None:
    """Row 62: every entry type ever released has a body on record, byte for byte; today's program reads it and loses nothing of it."""
    assert corpus.missing() == []
    for path in corpus.files():
        assert corpus.problem(path) == "", path.name


def test_a_bundle_made_before_the_upgrade_is_sent_after_it(tmp_path: Path) -> None:
    """Row 61: it is sent as the bytes it was made of (PROTOCOL 4.5), though a program of before named no beacon in it."""
    court = Court.ready(tmp_path)
    node = court.machine(1001)
    ages.make_old_node(node)
    line = court.lines[1001]
    handle = line._handle
    line._handle = lambda path, body: (502, b"") if path.startswith(ports.BUNDLE) else handle(path, body)
    court.open_cabinet(node, AIGUL)
    assert not court.exchange(node)
    [(data,)] = fetch(node.database, "SELECT data FROM out_bundle WHERE data IS NOT NULL")
    assert "beacon" not in about_of(data)
    line._handle = handle
    ages.make_new(1001)
    court.crash(node)
    court.settle()
    court.check()
