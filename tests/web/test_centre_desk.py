"""Quarantine, staff, reference data, the second look at revocation, and the thread that does it all."""

import io
import threading
from pathlib import Path
from typing import Any

import pytest

from central import folding
from central.services import public_log, quarantine, verification
from common.court import filing_lists, staff
from common.db import fetch
from common.errors import Corrupt
from sync.objects import Folder
from tests.web.country import ADMIN, CLERK, Country
from tests.web.pages import AIGUL, DAY_MS, OUTSIDER, Browser, Person, centre_of

DOOMED = Person("ҚАЙРАТОВ", "ЕРБОЛ", "", "900202300555")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


@pytest.fixture
def browser(country: Country) -> Browser:
    browser = country.browser(ADMIN)
    browser.get("/overview?lang=en")
    return browser


def hide_root(country: Country) -> Any:
    """Let the centre trust nobody until the returned function is called."""
    trust, held = country.centre.trust, country.centre.trust._store
    trust._store = type(held)()

    def back() -> None:
        trust._store = held

    return back


def test_what_waits_is_seen_and_tried_again(country: Country, browser: Browser) -> None:
    node = country.node("kz-7")
    give_back = hide_root(country)
    country.file(node)
    node.client.exchange()
    assert quarantine.counts(country.centre) == {"pki.untrusted": 1}
    give_back()
    page = browser.get("/quarantine").text
    assert "pki.untrusted" in page
    assert AIGUL.iin not in page
    assert "1001" in browser.get("/quarantine?code=pki.untrusted").text
    assert browser.post("/quarantine/retry", token=browser.token("/quarantine")).status_code == 303
    assert quarantine.counts(country.centre) == {}
    assert filing_lists.totals(country.centre.database)[0].count == 1


def test_a_vain_retry_keeps_since_when_it_waits(country: Country) -> None:
    node = country.node("kz-7")
    give_back = hide_root(country)
    country.file(node)
    node.client.exchange()
    [before] = quarantine.waiting(country.centre)
    country.clock.tick(DAY_MS)
    assert quarantine.retry(country.centre) == (0, 1)
    assert quarantine.waiting(country.centre) == [before]
    give_back()
    assert quarantine.retry(country.centre) == (1, 0)


def test_an_appointment_and_its_end(country: Country, browser: Browser) -> None:
    certificate = CLERK.key.certificate
    given = {"name": "Омарова Жанар", "role": "clerk", "certificate": (io.BytesIO(certificate.der), "omarova.cer")}
    assert browser.post("/staff/kz-7/new", given).status_code == 303
    [held] = staff.roles_at(country.centre.database, certificate.sha256, now_ms=country.clock.now())
    assert (held.name, held.court, held.role) == ("Омарова Жанар", "kz-7", "clerk")
    assert "Омарова Жанар" in browser.get("/staff?region=71&court=kz-7").text
    again = {**given, "certificate": (io.BytesIO(certificate.der), "omarova.cer")}
    assert browser.post("/staff/kz-7/new", again).status_code == 400
    country.clock.tick(1)
    assert browser.get(f"/staff/dismiss/{held.obj.hex()}").status_code == 200
    assert browser.post(f"/staff/dismiss/{held.obj.hex()}").status_code == 303
    assert staff.roles_at(country.centre.database, certificate.sha256, now_ms=country.clock.now()) == []
    assert browser.post(f"/staff/dismiss/{held.obj.hex()}").status_code == 409


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"role": "king"}, "role"),
        ({"role": "central"}, "role"),
        ({"certificate": (io.BytesIO(b"not a certificate"), "x.cer")}, "certificate"),
        ({"certificate": (io.BytesIO(OUTSIDER.key.certificate.der), "x.cer")}, "certificate"),
    ],
)
def test_what_is_wrong_with_an_appointment_is_said_at_its_field(browser: Browser, wrong: dict[str, Any], field: str) -> None:
    given = {"name": "Омарова", "role": "clerk", "certificate": (io.BytesIO(CLERK.key.certificate.der), "x.cer")}
    answer = browser.post("/staff/kz-7/new", given | wrong)
    assert answer.status_code == 400
    assert f'id="{field}-e"' in answer.text


def test_the_last_administrator_stays(country: Country, browser: Browser) -> None:
    [held] = staff.staff_of(country.centre.database, "", now_ms=country.clock.now())
    assert browser.post(f"/staff/dismiss/{held.obj.hex()}").status_code == 409
    assert browser.get("/overview").status_code == 200


@pytest.mark.parametrize("path", ["/staff/dismiss/zz", "/staff/dismiss/00", "/staff/kz-99999/new"])
def test_no_such_place_or_appointment(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_the_reference_data_say_where_they_are_from(browser: Browser) -> None:
    page = browser.get("/reference").text
    assert "courts" in page
    assert "396 / 399" in page


def revocation(country: Country) -> list[str]:
    return [row[0] for row in fetch(country.centre.database, "SELECT revocation FROM filing_row ORDER BY submitted_ms")]


def test_a_filing_is_looked_at_again_once_a_newer_list_is_here(country: Country) -> None:
    node, now = country.node("kz-7"), country.clock.now()
    country.file(node, crl_as_of_ms=now - 20 * DAY_MS)
    node.client.exchange()
    country.import_list(at_ms=now - DAY_MS, number=1)
    country.folding.round()
    assert revocation(country) == [""]  # newer than the node's, but from before the filing
    country.clock.tick(DAY_MS)
    country.import_list(at_ms=now + DAY_MS, number=2)
    country.folding.round()
    country.folding.round()
    assert revocation(country) == ["good"]
    assert fetch(country.centre.database, "SELECT COUNT(*) FROM filing_event_row WHERE kind = 'verified'") == [(1,)]
    node.client.exchange()
    assert fetch(node.database, "SELECT revocation FROM filing_row") == [("good",)]


def test_a_key_revoked_before_the_filing_is_found_and_one_revoked_after_it_is_not(country: Country) -> None:
    node, now = country.node("kz-7"), country.clock.now()
    centre_of(DOOMED.centre).revoke(DOOMED.key.certificate, now + 1000)
    country.file(node, who=DOOMED)
    country.clock.tick(2000)
    country.file(node, who=DOOMED)
    node.client.exchange()
    country.clock.tick(DAY_MS)
    country.import_list(at_ms=now + DAY_MS, number=9)
    country.folding.round()
    assert revocation(country) == ["good", "revoked"]


def test_what_the_node_knew_itself_is_not_looked_at_again(country: Country) -> None:
    node, now = country.node("kz-7"), country.clock.now()
    country.import_list(at_ms=now, number=1)
    country.file(node, crl_as_of_ms=now)
    node.client.exchange()
    country.folding.round()
    assert revocation(country) == [""]


def test_many_filings_are_looked_at_batch_by_batch(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "BATCH", 2)
    node, now = country.node("kz-7"), country.clock.now()
    for _ in range(5):
        country.file(node)
    node.client.exchange()
    country.clock.tick(DAY_MS)
    country.import_list(at_ms=now + DAY_MS, number=3)
    verifier = verification.Verifier(country.centre)
    assert [verifier.run() for _ in range(3)] == [True, True, False]
    assert revocation(country) == ["good"] * 5


def test_one_certificate_is_read_once_however_much_it_signed(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(verification, "_signer", lambda made, signer=verification._signer: read.append(made) or signer(made))
    node = country.node("kz-7")
    for _ in range(3):
        country.file(node)
    node.client.exchange()
    country.folding.round()
    keys = fetch(country.centre.database, "SELECT issuer, serial FROM signer")
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(keys[0][0]) > 0
    assert len(read) == 1


def test_keys_are_looked_up_while_no_machine_is_being_answered(country: Country) -> None:
    node = country.node("kz-7")
    country.file(node)
    node.client.exchange()
    entered = "SELECT COUNT(*) FROM signer"
    thread = threading.Thread(target=country.folding.round)
    with country.centre.server.quotas.answering():
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert fetch(country.centre.database, entered) == [(0,)]
    thread.join()
    assert fetch(country.centre.database, entered) == [(1,)]


def test_the_folding_thread_survives_every_error_and_says_so(country: Country, browser: Browser) -> None:
    folded = country.centre.register.fold_pending

    def broken(give_way: object) -> int:
        raise Corrupt("db.full", "full")

    country.centre.register.fold_pending = broken  # type: ignore[method-assign]
    country.folding.round()
    assert country.centre.trouble == "db.full"
    assert "db.full" in browser.get("/overview").text
    country.centre.register.fold_pending = None  # type: ignore[method-assign, assignment]
    country.folding.round()
    assert country.centre.trouble == "internal"
    country.centre.register.fold_pending = folded  # type: ignore[method-assign]
    country.folding.round()
    assert country.centre.trouble == ""


def test_every_page_says_why_the_log_is_not_published(country: Country, browser: Browser, tmp_path: Path) -> None:
    store = Folder(tmp_path / "log")
    public_log.round(country.centre, store)
    assert "log.ahead" not in browser.get("/overview").text
    head = country.centre.register.checkpoint()
    node = country.node("kz-7")
    country.file(node)
    node.client.exchange()
    public_log.round(country.centre, store)
    country.centre.register.checkpoint = lambda: head  # type: ignore[method-assign]
    public_log.round(country.centre, store)
    assert country.centre.public_trouble == "log.ahead"
    assert "log.ahead" in browser.get("/staff").text


def test_a_running_centre_folds_after_it_has_answered(country: Country) -> None:
    node = country.node("kz-7")
    running = folding.start(country.centre)
    try:
        country.file(node)
        node.client.exchange()
        for _ in range(200):
            if filing_lists.totals(country.centre.database):
                break
            threading.Event().wait(0.05)
        assert filing_lists.totals(country.centre.database)[0].count == 1
    finally:
        running.stop()
    assert not running._thread.is_alive()


def test_decisions_made_at_the_same_moment_are_all_logged(country: Country) -> None:
    country.node("kz-7")
    clerks = [Person(f"ҚЫЗМЕТКЕР {place}", "А", "", f"9001013{place:05}") for place in range(6)]
    threads = [threading.Thread(target=country.appoint, args=(clerk, "clerk", "kz-7")) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(staff.staff_of(country.centre.database, "kz-7", now_ms=country.clock.now())) == 6
    assert fetch(country.centre.database, "SELECT COUNT(*) FROM entry WHERE log_index IS NULL") == [(0,)]
