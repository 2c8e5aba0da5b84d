"""What a machine wrote beside its history: an administrator sees its envelopes and takes the bundle away for `verify`."""

from pathlib import Path

import msgspec
import pytest

from common.db import fetch
from edge.node import Node
from sync import kept, ports
from sync.bundle import write_bundle
from sync.directory import EpochOpen, node_object, revocation_of
from sync.entry import Entry, write_entry
from sync.position import Position
from sync.receipts import Taken, head_after, sign_r0
from sync.verify import verify_file
from sync.verify_evidence import empty_database, know_machines
from sync.verify_register import compare
from tests.web.country import ADMIN, CLERK, Country
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


REASON = "The branch was written in the repair shop; nothing of it is doubtful."


def test_an_administrator_admits_evidence_with_their_own_key(country: Country) -> None:
    """Row 15: the page says what happens, and shows before and after."""
    node = country.node("kz-7")
    fork(country, node, *write(node))
    [(id,)] = fetch(country.centre.database, "SELECT id FROM evidence")
    browser, address = country.browser(ADMIN), f"/quarantine/evidence/{id}"
    assert "not admitted" in browser.get(address).text
    form = browser.get(f"{address}/admit").text
    for said in ("What happens", "This cannot be taken back", "test.other/1"):
        assert said in form, said
    for key, reason, field in ((ADMIN, " ", "reason"), (CLERK, REASON, "")):
        answer = browser.post(f"{address}/admit", {"reason": reason}, key=key)
        assert (answer.status_code, f'id="{field}-e"' in answer.text) == (400, bool(field))
        assert fetch(country.centre.database, "SELECT 1 FROM admission") == []
    assert browser.post(f"{address}/admit", {"reason": REASON}, key=ADMIN).status_code == 303
    after = browser.get(address).text
    [(act, index)] = fetch(country.centre.database, "SELECT a.log_index, e.log_index FROM admission a JOIN entry e ON e.leaf = a.leaf")
    for said in ("admitted on", REASON, f'href="/log/{act}"', f'href="/log/{index}"', "its room is free again"):
        assert said in after, said
    assert "waits in quarantine: entry.unknown_type" in after  # admitted is not the same as understood
    assert browser.get(f"{address}/admit").status_code == 409  # never twice
    assert REASON in browser.get(f"/log/{index}").text
    assert browser.get(f"{address}/bundle").status_code == 404


def test_a_full_store_says_so(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    node = country.node("kz-7")
    before, entry = write(node)
    fork(country, node, before, entry)
    browser = country.browser(ADMIN)
    assert "The evidence store" not in browser.get("/quarantine").text
    monkeypatch.setattr(kept, "ROWS_MAX", 1)
    assert "The evidence store is full." in browser.get("/quarantine").text
    fork(country, node, before, entry)
    assert "1 bundle found no room here" in browser.get("/quarantine").text


def test_a_revocation_reaches_back_from_the_page(country: Country) -> None:
    """Rows 9 and 20: stolen on Tuesday, noticed on Friday."""
    node = country.node("kz-7")
    write(node)
    before, entry = write(node)
    browser, where = country.browser(ADMIN), f"/nodes/{node.number}"
    assert f'href="{where}/revoke?epoch={before.epoch}&amp;seq={before.seq}"' in browser.get(f"{where}/revoke").text
    assert f'value="{before.seq}"' in browser.get(f"{where}/revoke?epoch={before.epoch}&seq={before.seq}").text
    said = {"reason": "Stolen", "epoch": str(before.epoch), "seq": str(before.seq)}
    for wrong in ({"seq": ""}, {"seq": "999"}):
        assert browser.post(f"{where}/revoke", said | wrong).status_code == 400
    assert "1 entry after the cut" in browser.post(f"{where}/revoke", said).text
    assert browser.post(f"{where}/revoke", said | {"sure": "1"}).status_code == 303
    assert revocation_of(country.centre.database, node.number) == (before.epoch, before.seq)
    [(index,)] = fetch(country.centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (entry.leaf,))
    assert "it is evidence, not a filing or a decision" in browser.get(f"/log/{index}").text
    page = browser.get(f"{where}/after").text
    assert f'href="/log/{index}"' in page
    assert "not admitted" in page
    assert browser.post(f"{where}/after/admit", {"reason": REASON}, key=ADMIN).status_code == 303
    assert "All of them are admitted." in browser.get(f"{where}/after").text
    assert "it is evidence, not a filing or a decision" not in browser.get(f"/log/{index}").text
