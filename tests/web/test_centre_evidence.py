"""What a machine wrote beside its history: an administrator sees its envelopes and takes the bundle away for `verify`."""

from pathlib import Path

import msgspec
import pytest

from common.db import fetch
from edge.node import Node
from sync import ports
from sync.bundle import write_bundle
from sync.directory import EpochOpen, node_object
from sync.entry import Entry, write_entry
from sync.position import Position
from sync.receipts import Taken, head_after, sign_r0
from sync.verify import verify_file
from sync.verify_evidence import empty_database, know_machines
from sync.verify_register import compare
from tests.web.country import ADMIN, Country
from tests.web.pages import Browser


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


def write(node: Node) -> tuple[Position, Entry]:
    """Write one entry at the machine and send it; return what it follows, and the entry."""
    node.client.exchange()
    before = node.journal.position()
    with node.journal.unit() as unit:
        entry = unit.append(node_object(node.number), EpochOpen(previous=0, last_seq=0, reason="test"))
    node.client.exchange()
    return before, entry


def fork(country: Country, node: Node, before: Position, entry: Entry) -> bytes:
    """Let the machine say something else in the place of ``entry``; return the bundle, which the centre keeps as evidence."""
    other = write_entry(msgspec.structs.replace(entry.envelope, type="test.other/1"), b"\xa0")
    bundle = write_bundle([other], before, b"", node.identity, country.centre.identity.certificate, beacon=0)
    assert country.line.post(ports.BUNDLE, bundle)[0] == 409
    return bundle


def receipt(node: Node, entry: Entry) -> bytes:
    place = {"epoch": entry.envelope.epoch, "seq": entry.envelope.seq}
    head = head_after(node.database, node.identity.environment, entry.leaf)
    taken = Taken(talon=1, node=node.number, leaf=entry.leaf, statement=bytes(32), at=1, head=head, **place)
    return sign_r0(taken, node.identity.now)


def test_evidence_is_seen_by_its_envelopes_and_taken_away_for_a_proof(country: Country) -> None:
    node = country.node("kz-7")
    before, entry = write(node)
    bundle = fork(country, node, before, entry)
    [(id,)] = fetch(country.centre.database, "SELECT id FROM evidence")
    browser = country.browser(ADMIN)
    address = f"/quarantine/evidence/{id}"
    for page in ("/quarantine", f"/nodes/{node.number}"):
        assert f'href="{address}"' in browser.get(page).text
    text = browser.get(f"{address}?lang=en").text
    [(index,)] = fetch(country.centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (entry.leaf,))
    for said in ("test.other/1", f"{entry.envelope.epoch} · {entry.envelope.seq}", f'href="/log/{index}"', "a second history"):
        assert said in text, said
    taken, machine = (browser.get(f"{address}/{which}").data for which in ("bundle", "machine"))
    assert taken == bundle
    database, pin = empty_database(), node.identity.pin
    know_machines(database, pin, [machine])
    reports = [verify_file(data, database=database, pin=pin, trust=None, now_ms=0) for data in (receipt(node, entry), taken)]
    database.close()
    compare(reports)
    assert [each.findings[-1].code for each in reports] == ["receipt.left_out"] * 2


def test_evidence_is_the_administrators_to_see(country: Country) -> None:
    node = country.node("kz-7")
    fork(country, node, *write(node))
    [(id,)] = fetch(country.centre.database, "SELECT id FROM evidence")
    for path in (f"/quarantine/evidence/{id}", f"/quarantine/evidence/{id}/bundle"):
        answer = Browser(country.app).get(path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/enter")
    administrator = country.browser(ADMIN)
    for path in ("/quarantine/evidence/999", f"/quarantine/evidence/{id}/other", "/quarantine/evidence/999/bundle"):
        assert administrator.get(path).status_code == 404
