"""When a filing was taken, as an interval that the register proves: on the talon, at the clerk's, in the citizen's cabinet."""

import io
from pathlib import Path

import pypdf
import pytest

from edge.services import filings as filing_services
from edge.services import moments, talons
from edge.web import accounts, filings, home
from sync.bounds import bounds_of
from tests.web.desk_world import ASTANA, CITIZEN, CLERK, Terminal, World, plain
from tests.web.pages import DAY_MS, Browser, build

WRONG = "outside of what is proved"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


def text_of(pdf: bytes) -> str:
    """What is read of a paper, without line ends and invisible breaks."""
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(text.replace("\u200b", "").replace("\u00ad", "").split())


def cabinet(world: World) -> Browser:
    browser = Browser(build(world.astana, (home.make_pages, accounts.make_pages, filings.make_pages)))
    browser.enter(CITIZEN)
    return browser


def test_the_talon_names_its_beginning_at_once_and_its_end_after_the_receipt(world: World) -> None:
    filing_services.create(world.astana)
    obj = world.file(world.astana)
    filing = world.filing(obj, world.astana)
    before = text_of(talons.pdf(world.astana, filing))
    bounds = bounds_of(world.astana.database, filing.leaf)
    assert bounds.head > 0
    assert bounds.before_ms is None
    assert f"записей — {bounds.head}" in before
    assert "конец станет известен с записью в реестр" in before
    assert talons.receipt_of(world.astana, filing).r0 == talons.receipt_of(world.astana, filing).r0
    world.deliver()
    after = text_of(talons.pdf(world.astana, filing))
    assert f"записей — {bounds.head}" in after
    assert "по месту в реестре" in after


def test_clerk_and_citizen_read_both_ends(world: World) -> None:
    obj = world.file_at_a_kiosk()
    world.appoint(CLERK, ASTANA)  # the centre writes something: its place in the log is a word about time
    world.deliver()
    terminal = Terminal(world.aktau)
    terminal.sign_in(CLERK)
    page = plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    for said in ("by the register's statement about", "by its place in the register"):
        assert said in page, said
    browser = cabinet(world)
    for path in (f"/filings/{obj.hex()}", f"/filings/{obj.hex()}/sent"):
        page = plain(browser.get(path).text)
        assert "By the clock of the machine" in page
        assert "by the register's statement about" in page
        assert WRONG not in page


def test_a_claimed_time_outside_is_flagged_for_people_and_refused_nobody(world: World) -> None:
    """Row 18: a clock years off."""
    watch = world.court.watches[world.astana.number]
    watch.off_ms = -20 * DAY_MS
    obj = world.file(world.astana)
    watch.off_ms = 0
    world.deliver()
    filing = world.filing(obj)
    assert filing.status == "filed"
    assert moments.interval(world.aktau, filing).outside
    terminal = Terminal(world.aktau)
    terminal.sign_in(CLERK)
    assert "outside this interval: the machine's clock was wrong" in plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    assert WRONG in plain(cabinet(world).get(f"/filings/{obj.hex()}/sent").text)
