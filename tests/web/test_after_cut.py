"""A filing whose machine was excluded from a moment before it: the clerk and the citizen read how it stands, nobody decides on it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from central.services import admissions as acts
from central.services import enrolment, reference
from common.court.staff import Appoint
from common.errors import Conflict
from common.pki.opening import Signer, open_key
from edge.services import registration
from edge.services.decisions import Draft
from edge.services.registration import Clerk
from edge.web import accounts, filings, home
from tests.web.desk_world import AKTAU, CITIZEN, CLERK, Terminal, World, plain
from tests.web.pages import BEGUN_MS, PASSWORD, Browser, Person, build

KEEPER = Person("ӘКІМШІ", "АЙНҰР", "", "750202400444")
WAITS = "Until then it is neither registered nor refused."


@dataclass
class Case:
    """A filing made at another court's machine, which is then excluded from a moment before it."""

    world: World
    obj: bytes

    def admit(self) -> None:
        centre = self.world.court.centre
        signer: Signer = open_key(KEEPER.p12, PASSWORD, centre.trust, now_ms=centre.clock.now())
        acts.admit(centre, acts.of_cut(centre, self.world.astana.number), reason="The seal was whole.", signer=signer)
        self.world.court.exchange(self.world.aktau)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    world = World.create(tmp_path)
    certificate = KEEPER.key.certificate
    body = Appoint(name=certificate.full_name, court="", role="central", certificate=certificate.der, from_ms=BEGUN_MS)
    reference.appoint(world.court.centre, body)
    obj = world.file_at_a_kiosk()
    at = world.filing(obj)
    enrolment.revoke(world.court.centre, node=at.node, reason="stolen", cut=(at.epoch, at.seq - 1))
    world.court.exchange(world.aktau)
    return Case(world, obj)


def test_the_clerk_reads_how_it_stands_and_cannot_decide(case: Case) -> None:
    """Row 20: what is logged already stays, and no decision is made on it before a person admits it."""
    world, where = case.world, f"/desk/filings/{case.obj.hex()}"
    terminal = Terminal(world.aktau)
    terminal.sign_in(CLERK)
    assert "its machine was excluded before it" in plain(terminal.get("/desk"))
    page = plain(terminal.get(where))
    assert WAITS in page
    assert "evidence, not a filing, until a person admits it" in page
    clerk = Clerk(AKTAU, "Қасымова Дина", CLERK.key.certificate.sha256)
    draft = Draft(kind="register", executor="Қасымова Дина")
    with pytest.raises(Conflict, match=r"filing\.after_cut"):
        registration.sign(world.aktau, clerk, case.obj, draft, CLERK.open(world.aktau))
    assert world.filing(case.obj).status == "filed"
    case.admit()
    page = plain(terminal.get(where))
    assert WAITS not in page
    assert "The seal was whole." in page
    registration.sign(world.aktau, clerk, case.obj, draft, CLERK.open(world.aktau))
    assert world.filing(case.obj).status == "registered"


def test_the_citizen_reads_it_in_any_court(case: Case) -> None:
    world = case.world
    browser = Browser(build(world.aktau, (home.make_pages, accounts.make_pages, filings.make_pages)))
    browser.enter(CITIZEN)
    world.court.exchange(world.aktau)
    world.court.exchange(world.aktau)
    page = plain(browser.get(f"/filings/{case.obj.hex()}").text)
    assert "your talon stays valid evidence" in page
    case.admit()
    page = plain(browser.get(f"/filings/{case.obj.hex()}").text)
    assert "has admitted this paper" in page
