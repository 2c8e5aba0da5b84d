"""The country in numbers: every figure against facts that the test has made itself."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from central.services import nodes, overview, verification
from common.db import fetch
from common.errors import Refused
from tests.web.country import ADMIN, Country

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def plan(country: Country, statement: str) -> str:
    """Return how SQLite answers a question."""
    return " ".join(row[-1] for row in fetch(country.centre.database, f"EXPLAIN QUERY PLAN {statement}"))


def test_every_figure(tmp_path: Path) -> None:
    country = Country(tmp_path)
    astana, aktau = country.node("kz-7", number=1001), country.node("kz-283", number=1002)
    country.file(astana)
    country.clock.tick(4 * MINUTE_MS)
    astana.client.exchange()
    country.file(astana, pay="exempt")
    country.file(astana)
    country.clock.tick(10 * MINUTE_MS)
    astana.client.exchange()
    for _ in range(5):
        country.file(aktau, "kz-283")
    country.clock.tick(2 * MINUTE_MS)
    astana.client.exchange()
    found = overview.overview(country.centre)
    assert (found.in_touch, found.expected) == (1, 2)  # Aktau was heard 16 minutes ago
    assert (found.entries_today, found.filings_today) == (3, 3)
    assert found.unverified_payments == 2
    assert (found.backlog, found.overdue, found.quarantine) == (0, 0, 0)
    assert found.as_of_ms == country.clock.now()
    assert [(slot.filings, slot.middle, slot.high) for slot in found.lag] == [(1, 4.0, 4.0), (2, 10.0, 10.0)]  # an hour begins between


def test_a_backlog_is_what_the_machine_last_said(tmp_path: Path) -> None:
    country = Country(tmp_path)
    node = country.node("kz-7")
    for _ in range(3):
        country.file(node)
    country.clock.tick(73 * HOUR_MS)
    country.centre.server.handle = _deaf_after_hello(country.centre.server.handle)  # type: ignore[method-assign]
    with pytest.raises(Refused, match="internal"):
        node.client.exchange()
    found = overview.overview(country.centre)
    assert (found.in_touch, found.backlog, found.overdue) == (1, 3, 1)
    late = next(one for one in found.machines if "overdue" in one.alarms)  # R0 without R1 after the promised time, at this end
    assert "a talon waits for the register for over 72 hours" in country.browser(ADMIN).get(f"/nodes/{late.node}").text
    assert found.backlog_bytes > 1000
    one = nodes.machine(country.centre, 1001)
    assert (one.state, one.tone, one.waits_ms(country.clock.now())) == ("late", "late", 73 * HOUR_MS)


def _deaf_after_hello(handle: Callable[[str, bytes], tuple[int, bytes]]) -> Callable[[str, bytes], tuple[int, bytes]]:
    def deaf(path: str, body: bytes) -> tuple[int, bytes]:
        if path != "/sync/hello":
            raise ConnectionError
        return handle(path, body)

    return deaf


def test_states_follow_the_silence(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.node("kz-7")
    states = []
    for minutes in (0, 14, 30, 45):
        country.clock.tick(minutes * MINUTE_MS)
        states.append(nodes.machine(country.centre, 1001).state)
    assert states == ["ok", "ok", "late", "off"]
    assert nodes.by_region(nodes.machines(country.centre)) == {"71": (1, "off")}


def test_filings_are_counted_by_place_state_and_day(tmp_path: Path) -> None:
    country = Country(tmp_path)
    node = country.node("kz-7")
    for court in ("kz-7", "kz-7", "kz-283"):
        country.file(node, court)
    country.clock.tick(DAY_MS)
    country.file(node)
    node.client.exchange()
    found = overview.filings(country.centre, 7)
    today = (country.clock.now() + 5 * HOUR_MS) // DAY_MS
    assert found.by("region", "court") == {("71", "kz-7"): 3, ("47", "kz-283"): 1}
    assert found.on_days("71") == {today: 1, today - 1: 2}
    assert found.on_days() == {today: 1, today - 1: 3}
    assert overview.filings(country.centre, 1).by("status") == {("filed",): 1}


def test_the_page_shows_the_numbers_and_reloads_itself(tmp_path: Path) -> None:
    country = Country(tmp_path)
    node = country.node("kz-7")
    country.file(node)
    node.client.exchange()
    browser = country.browser(ADMIN)
    page = browser.get("/overview?lang=en").text
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in page
    assert 'data-reload="60"' in page
    assert "data-reload" not in browser.get("/overview?still=1").text
    figures = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)", page)
    assert dict(figures) | {"In touch": "1 / 1", "In the queue": "0", "Quarantine": "0", "Came today": "1"} == dict(figures)
    assert "Astana" in page


def test_many_screens_ask_once(tmp_path: Path) -> None:
    country = Country(tmp_path)
    asked: list[int] = []
    watch = overview.Watch(country.clock, asked.append)
    for _ in range(3):
        watch.ask(7)
    country.clock.tick(overview.HELD_MS)
    watch.ask(7)
    watch.ask(30)
    assert asked == [7, 7, 30]


def test_no_question_reads_a_whole_table(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.node("kz-7")
    asked: list[str] = []
    connection = country.centre.database.connection()
    connection.exec_trace = lambda _cursor, statement, _bindings: asked.append(statement) or True
    overview.overview(country.centre)
    overview.filings(country.centre, 30)
    country.import_list(at_ms=country.clock.now(), number=1)
    verification.Verifier(country.centre).run()
    connection.exec_trace = None
    large = ("entry", "filing_row", "bundle", "checkpoint", "b", "f", "e")
    for statement in asked:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            found = plan(country, re.sub(r"\?\d*", "0", statement))
            scanned = re.findall(r"SCAN (\w+)(?! USING (?:COVERING )?INDEX (?:filing_unpaid|filing_unchecked))", found)
            assert not set(scanned) & set(large), (statement, found)
