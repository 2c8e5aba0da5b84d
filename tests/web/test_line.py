"""The page of the line: figures, one button, what the last exchanges did, what waits in quarantine and what to do."""

import re
import threading
from pathlib import Path

import pytest

from central.services import lineage as lineages
from common.db import fetch
from common.papers.words import talon_groups
from edge.exchanger import Exchanger
from edge.services import line
from sync import witness
from tests.web.desk_world import ADMINISTRATOR, CITIZEN, CLERK, JUDGE, Terminal, World, plain
from tests.web.pages import DAY_MS, trust_our_centres


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


@pytest.fixture
def exchanger(world: World) -> Exchanger:
    return Exchanger(world.aktau)


@pytest.fixture
def terminal(world: World, exchanger: Exchanger) -> Terminal:
    terminal = Terminal(world.aktau, exchanger)
    terminal.sign_in(CLERK)
    return terminal


def press(terminal: Terminal) -> str:
    """Press the button and wait until the exchange has ended, however slow this machine is today."""
    location = terminal.post("/desk/line/exchange")
    for thread in threading.enumerate():
        if thread.name == "exchange":
            thread.join()
    return location


def test_a_press_exchanges_and_says_what_came(world: World, terminal: Terminal) -> None:
    world.file()
    page = plain(terminal.get("/desk/line"))
    assert "Entries waiting to be sent 1" in page
    assert press(terminal) == "/desk/line"
    page = plain(terminal.get("/desk/line"))
    assert "Last exchange, today 10:46: entries sent: 1, files sent: 4, confirmations: 1" in page
    assert "Entries waiting to be sent 0" in page


def test_a_press_on_a_dead_line_says_so_in_a_sentence(world: World, terminal: Terminal) -> None:
    world.court.cut(world.aktau)
    world.file()
    terminal.get("/desk/line")
    press(terminal)
    assert [each.code for each in line.outcomes(world.aktau)] == ["line.down"]
    page = plain(terminal.get("/desk/line"))
    assert "off since today" in page
    assert "Entries waiting to be sent 1" in page
    assert "No line" in terminal.text


@pytest.mark.parametrize("who", [JUDGE, ADMINISTRATOR])
def test_any_officer_may_press(world: World, exchanger: Exchanger, who) -> None:
    terminal = Terminal(world.aktau, exchanger)
    terminal.sign_in(who)
    terminal.get("/desk/line")
    press(terminal)
    assert len(line.outcomes(world.aktau)) == 1


def test_nobody_else_may(world: World, exchanger: Exchanger) -> None:
    terminal = Terminal(world.aktau, exchanger)
    terminal.sign_in(CITIZEN, status=400)
    assert terminal.post("/desk/line/exchange").startswith("/desk/enter")
    assert line.outcomes(world.aktau) == []


def test_while_it_runs_the_page_reloads_itself(world: World, exchanger: Exchanger, terminal: Terminal) -> None:
    assert 'http-equiv="refresh"' not in terminal.get("/desk/line").split("<noscript>")[0]
    exchanger._running.acquire()
    exchanger._note("blobs_up", 3, 14)
    try:
        page = terminal.get("/desk/line")
        assert '<meta http-equiv="refresh" content="2">' in page
        assert "Sending files: 3 / 14" in plain(page)
        assert "Exchange now" not in page
    finally:
        exchanger._running.release()


def test_the_history_is_bounded(world: World, exchanger: Exchanger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "OUTCOMES_MAX", 3)
    for _ in range(5):
        exchanger.exchange()
        world.court.clock.tick(1_000)
    kept = line.outcomes(world.aktau)
    assert [each.id for each in kept] == [5, 4, 3]
    assert fetch(world.aktau.database, "SELECT COUNT(*) FROM exchange_outcome")[0][0] == 3


def test_quarantine_names_code_and_cure_and_no_content(world: World, terminal: Terminal) -> None:
    obj = world.file()
    leaf = world.filing(obj).leaf
    fetch(world.aktau.database, "INSERT INTO quarantine (leaf, obj, code, since_ms) VALUES (?, ?, 'entry.role', ?)", (leaf, obj, 1))
    page = plain(terminal.get("/desk/line"))
    assert "filing.submit/1 of machine 1001, entry 1-" in page
    assert "was not on the staff list known to that machine" in page
    assert "entry.role" in page
    fetch(world.aktau.database, "UPDATE quarantine SET code = 'something.new'")
    assert "Tell the centre this code." in plain(terminal.get("/desk/line"))


def test_lists_past_their_term_and_a_lost_past_are_said(world: World, terminal: Terminal) -> None:
    fetch(world.aktau.database, "UPDATE journal SET recovering = 1")
    assert "nothing is decided here" in plain(terminal.get("/desk/line"))
    world.court.clock.tick(2 * DAY_MS)
    terminal.sign_in(CLERK)
    page = plain(terminal.get("/desk/line"))
    assert "СЫНАҚ rsa2048 as of" in page
    assert "Past its term" in page


def test_a_register_that_contradicts_itself_is_shown_with_both_statements(world: World, terminal: Terminal) -> None:
    world.court.exchange(world.aktau)
    [(ours,)] = fetch(world.aktau.database, "SELECT note FROM sync")
    witness.keep_refused(world.aktau.database, "proof.root", b"theirs\n", world.court.clock.now() + 1)
    page = plain(terminal.get("/desk/line"))
    assert "The central register contradicts itself — papers are accepted" in terminal.text
    assert "proof.root" in page
    links = re.findall(r'href="(/desk/line/heads/[^"]+)"', terminal.text)
    assert [terminal.client.get(link).data for link in links] == [ours, b"theirs\n"]
    assert terminal.client.get("/desk/line/heads/9/now").status_code == 404


def test_a_talon_without_a_confirmation_in_the_promised_time_is_an_alarm(world: World, terminal: Terminal) -> None:
    """row 6, row 49: the age of the oldest unproven promise."""
    world.court.cut(world.aktau)
    filed = world.file()
    world.court.clock.tick(world.aktau.config.alarm_hours * line.HOUR_MS)
    assert line.overdue(world.aktau) == []
    world.court.clock.tick(1)
    assert [each.talon for each in line.overdue(world.aktau)] == [world.filing(filed).talon]
    terminal.sign_in(CLERK)
    assert "is not in the central register after 72 hours" in plain(terminal.get("/desk"))
    world.court.heal(world.aktau)
    world.court.exchange(world.aktau)
    assert line.overdue(world.aktau) == []


def test_a_machine_whose_disk_was_put_back_says_so_and_what_to_do(world: World, terminal: Terminal) -> None:
    """row 16: people at the machine."""
    assert "began its numbers anew" not in terminal.get("/desk/line")
    world.court.cut(world.aktau)
    filed = world.file()
    world.aktau.journal.open_epoch("fork", after=1, last_seq=1)
    page = plain(terminal.get("/desk/line"))
    assert "epoch 2" in page
    assert "people at the centre decide" in page
    assert line.outside(world.aktau) == [world.filing(filed).talon]
    assert talon_groups(world.filing(filed).talon).replace("\N{NO-BREAK SPACE}", " ") in page


def test_a_new_log_that_holds_less_is_followed_by_a_persons_decision(world: World, terminal: Terminal) -> None:
    """row 8: the clerk reads what happened, the administrator of the court decides, the page says what was decided."""
    copy = world.court.copy_of_centre()
    filed = world.file()
    world.court.exchange(world.aktau)
    world.court.set_back(copy)
    trust_our_centres(world.court.centre)
    lineages.begin(world.court.centre, reason="The disk of the register failed.")
    assert not world.court.exchange(world.aktau)
    page = plain(terminal.get("/desk/line"))
    for said in ("The central register has begun a new log", "The disk of the register failed.", "the administrator of the court decides"):
        assert said in page, said
    terminal.get("/desk/line/lineage", status=404)
    terminal.sign_in(ADMINISTRATOR)
    assert "/desk/line/lineage" in terminal.get("/desk/line")
    question = plain(terminal.get("/desk/line/lineage"))
    assert "is sent again: entries" in question
    assert terminal.post("/desk/line/lineage", number="2") == "/desk/line"
    for thread in threading.enumerate():
        if thread.name == "exchange":
            thread.join()
    assert "Log of the register 2" in plain(terminal.get("/desk/line"))
    assert "has begun a new log" not in plain(terminal.text)
    assert world.court.status(world.court.centre, world.filing(filed)) == "filed"  # type: ignore[arg-type]
    assert terminal.client.get("/desk/line/lineage").status_code == 303
