"""The exchange by hand at pages: a clerk's and the administration's, from the first look to "safe to remove"."""

import shutil
import threading
from pathlib import Path

import msgspec
import pytest

from common.db import fetch
from edge.exchanger import Exchanger
from sync import media, stick
from tests.web.country import ADMIN, Country
from tests.web.desk_world import CITIZEN, CLERK, Terminal, World, plain
from tests.web.pages import Browser


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    folder = tmp_path / "СОТ-USB"
    folder.mkdir()
    return folder


@pytest.fixture
def world(tmp_path: Path, usb: Path) -> World:
    world = World.create(tmp_path)
    world.aktau.config = msgspec.structs.replace(world.aktau.config, sticks=str(usb))
    return world


@pytest.fixture
def terminal(world: World) -> Terminal:
    terminal = Terminal(world.aktau, Exchanger(world.aktau))
    terminal.sign_in(CLERK)
    return terminal


def finished() -> None:
    for thread in threading.enumerate():
        if thread.name == "stick":
            thread.join()


def press(terminal: Terminal, what: str, usb: Path, *, status: int = 303) -> str:
    terminal.get("/desk/stick")
    terminal.post(f"/desk/stick/{what}", medium=str(usb), status=status)
    finished()
    return plain(terminal.get("/desk/stick"))


def test_a_clerk_writes_a_stick_and_takes_the_answer_in(world: World, terminal: Terminal, usb: Path) -> None:
    world.court.cut(world.aktau)
    world.file()
    page = plain(terminal.get("/desk/stick"))
    assert "СОТ-USB" in page
    assert "Take in" not in page
    page = press(terminal, "export", usb)
    assert "Safe to remove “СОТ-USB” is written, and everything on it was read back. entries: 1, files: 4" in page
    assert "papers of this court, for the centre" in page
    assert "A stick was written today" in page
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb)
    page = press(terminal, "import", usb)
    assert "Safe to remove “СОТ-USB” is taken in. entries received: 0, confirmations: 1, files received: 0" in page
    assert "The centre had written it today" in page
    assert world.aktau.client.backlog()[0] == 0


def test_without_a_stick_it_is_said_what_to_do(terminal: Terminal, usb: Path) -> None:
    usb.rmdir()
    page = plain(terminal.get("/desk/stick"))
    assert "No stick is inserted" in page
    assert "Look again" in page
    terminal.post("/desk/stick/export", medium=str(usb), status=404)


def test_only_an_inserted_stick_can_be_named(terminal: Terminal, tmp_path: Path) -> None:
    terminal.get("/desk/stick")
    for path in (str(tmp_path), "/etc", "", "../СОТ-USB"):
        terminal.post("/desk/stick/export", medium=path, status=404)
        terminal.get("/desk/stick")
    assert not (tmp_path / "SOT1").exists()


def test_a_full_stick_says_so_and_nothing_counts(world: World, terminal: Terminal, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 40."""

    def full(folder: int, name: str, data: bytes) -> None:
        raise OSError(28, "full")

    world.file()
    monkeypatch.setattr(stick, "write_file", full)
    page = press(terminal, "export", usb)
    assert "The stick “СОТ-USB” did not work The stick is full." in page
    assert "Safe to remove" not in page
    assert world.aktau.client.backlog()[0] == 1


def test_a_file_that_was_damaged_on_the_way_is_counted(world: World, terminal: Terminal, usb: Path) -> None:
    """Row 35."""
    world.file()
    press(terminal, "export", usb)
    world.court.centre.sticks.take(usb)
    world.court.centre.sticks.export(usb)
    (usb / "SOT1" / "DN1001" / "00001.SOT").write_bytes(b"gone")
    assert "Left out, because it is damaged or not ours: stick.file (1)." in press(terminal, "import", usb)


def test_while_it_runs_the_page_shows_how_far_and_takes_no_second_stick(
    world: World, terminal: Terminal, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, real = threading.Event(), stick.write_file
    monkeypatch.setattr(stick, "write_file", lambda *given: (going.wait(20), real(*given)))
    world.file()
    terminal.get("/desk/stick")
    terminal.post("/desk/stick/export", medium=str(usb))
    page = terminal.get("/desk/stick")
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "Do not pull the stick out" in page
    assert "<form" not in page.split("<main")[1]
    terminal.get("/desk/line")
    terminal.post("/desk/stick/export", medium=str(usb), status=409)
    going.set()
    finished()
    assert "Safe to remove" in terminal.get("/desk/stick")


def test_nobody_but_staff_comes_near(world: World, usb: Path) -> None:
    terminal = Terminal(world.aktau, Exchanger(world.aktau))
    terminal.sign_in(CITIZEN, status=400)
    assert terminal.post("/desk/stick/export", medium=str(usb)).startswith("/desk/enter")
    assert list(usb.iterdir()) == []


def test_another_courts_stick_is_carried_onward_and_named(world: World, terminal: Terminal, usb: Path) -> None:
    """Row 39."""
    world.astana.client.stick.export(usb)
    page = press(terminal, "import", usb)
    assert "carried for other courts: 1" in page
    assert "Carried for other courts papers of machine 1002, for the centre" in page


def test_where_the_line_is_down_the_clerk_is_led_to_the_stick(world: World, terminal: Terminal) -> None:
    world.court.clock.tick(3_600_000)
    terminal.sign_in(CLERK)
    assert 'href="/desk/stick"' in terminal.get("/desk/line").split("<main")[0]


def test_media_are_found_by_mount_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "line\nbreak"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr("os.path.ismount", lambda path: str(path).endswith("two"))
    assert [each.name for each in media.inserted(f"{tmp_path}/*")] == ["two"]
    assert [each.name for each in media.inserted(f"{tmp_path}/one:{tmp_path}/line\nbreak:{tmp_path}/file:{tmp_path}/none")] == [
        "one",
        "linebreak",
    ]
    assert media.inserted("") == []


# at the centre


@pytest.fixture
def country(tmp_path: Path, usb: Path) -> Country:
    country = Country(tmp_path)
    country.centre.config = msgspec.structs.replace(country.centre.config, sticks=str(usb))
    return country


@pytest.fixture
def browser(country: Country) -> Browser:
    return country.browser(ADMIN)


def pressed(browser: Browser, what: str, usb: Path, **fields: str) -> str:
    browser.post(f"/sticks/{what}", {"medium": str(usb), **fields})
    finished()
    return plain(browser.get("/sticks").text)


def test_the_administration_takes_a_stick_in_and_answers(country: Country, browser: Browser, usb: Path) -> None:
    node = country.node("kz-7")
    country.file(node)
    node.client.stick.export(usb)
    assert "papers of machine 1001, for the centre" in plain(browser.get("/sticks").text)
    page = pressed(browser, "import", usb)
    assert "“СОТ-USB” is taken in." in page
    assert "Machine 1001: entries: 1, files: 0" in page
    assert "Safe to remove" in pressed(browser, "export", usb)
    assert node.client.stick.take(usb).receipts == 1
    (usb / "SOT1" / "UP1001" / "INDEX.SOT").unlink()
    assert "Left out: stick.unfinished (1)" in pressed(browser, "import", usb)


def test_a_machine_can_be_named(country: Country, browser: Browser, usb: Path) -> None:
    node = country.node("kz-7")
    shutil.rmtree(usb / "SOT1", ignore_errors=True)
    assert "Machine 1001: entries:" in pressed(browser, "named", usb, node="1001")
    assert node.client.stick.take(usb).problems == []
    assert "is not in the directory" in pressed(browser, "named", usb, node="4711")
    answer = browser.post("/sticks/named", {"medium": str(usb), "node": ""})
    assert answer.status_code == 400
    assert "Enter a number." in answer.text


def test_a_certificate_that_is_due_goes_with_a_machine_that_is_named(country: Country, browser: Browser, usb: Path) -> None:
    node = country.node("kz-7")
    before = node.identity.certificate
    country.clock.tick(75 * 86_400_000)
    browser = country.browser(ADMIN)
    node.client.stick.export(usb)
    pressed(browser, "import", usb)
    page = pressed(browser, "export", usb)
    assert "its certificate is due" in page
    assert "with the next certificate" not in page
    assert "with the next certificate" in pressed(browser, "named", usb, node="1001")
    assert node.client.stick.take(usb).problems == []
    assert node.identity.certificate != before


def test_nobody_else_comes_near_the_centres_sticks(country: Country, usb: Path) -> None:
    stranger = country.browser()
    assert stranger.get("/sticks").status_code == 303
    assert fetch(country.centre.database, "SELECT COUNT(*) FROM stick_contact") == [(0,)]
