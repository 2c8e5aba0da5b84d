"""A machine that names an old set of rules: refused where it knew of the newer one, shown to people where it says it did not."""

from pathlib import Path

import pytest

from central import app as central_app
from central.services import log as central_log
from central.services import reference
from common.court.filing_entries import Filer
from common.court.staff import Appoint
from common.errors import Refused
from edge.services import desk
from edge.services.examination import examine
from tests.web.desk_world import AKTAU, World
from tests.web.pages import BOLAT, DAY_MS, EMPLOYEE, Browser

OLD = "2026.1"
UNASKED = "The signer has no right to sign for the organisation, and the set of rules 2026.1 did not ask"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


def file(world: World) -> bytes:
    certificate = EMPLOYEE.key.certificate
    filer = Filer(
        person=certificate.bin, iin=certificate.iin, bin=certificate.bin, name=certificate.organisation, certificate=certificate.sha256
    )
    return world.file(who=EMPLOYEE, filer=filer, rule_pack=OLD)


def said(world: World, obj: bytes) -> tuple[str, str]:
    [check] = [
        each for each in examine(world.aktau, desk.sheet(world.aktau, AKTAU, obj)) if each.fact.sentence.startswith("The signer has")
    ]
    return check.kind, check.grounds[-1].sentence


def test_what_was_filed_before_the_newer_rules_stands_and_is_proved_by_the_register(world: World) -> None:
    obj = file(world)
    assert said(world, obj) == ("bad", "That it was filed before rests on the clock of the machine alone: nothing else proves it.")
    world.deliver()
    assert said(world, obj) == ("warn", "It was in force then: the filing stands as it was judged.")
    body = Appoint(name="Ахметов Болат", court="", role="central", certificate=BOLAT.key.certificate.der, from_ms=0)
    reference.appoint(world.court.centre, body)
    pages = Browser(central_app.build(world.court.centre))
    pages.enter(BOLAT)
    page = pages.get(f"/log/{central_log.find(world.court.centre, world.filing(obj).leaf.hex())}").text
    assert UNASKED in page


def test_a_machine_that_knew_of_the_newer_rules_writes_nothing_by_the_old_ones(world: World) -> None:
    world.court.clock.tick(7 * DAY_MS)
    with pytest.raises(Refused, match=r"entry\.right"):
        file(world)
