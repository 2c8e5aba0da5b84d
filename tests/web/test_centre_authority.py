"""What the centre asks of the certification centre's services, over real HTTP: lists, OCSP, timestamps, and what becomes of it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from central.services import authority as asking
from central.services import outside, overview
from central.services.authority import Authority as Asking
from common.court import filing_lists, notifications
from common.db import fetch
from common.pki import cms, ocsp, timestamps
from common.pki.authority import Authority
from edge.node import Node
from edge.services.lists import Taker
from tests.pki_services import Services
from tests.web.country import ADMIN, Country
from tests.web.pages import AIGUL, DAY_MS, Person, centre_of

DOOMED = Person("ЖОЙЫЛҒАН", "А", "", "900202300217")


class World:
    """A country whose centre has the services of AIGUL's certification centre on its line."""

    def __init__(self, country: Country, services: Services) -> None:
        self.country, self.services = country, services
        self.asking = Asking(country.centre)
        self.node = country.node("kz-7")

    def connect(self, **settings: str) -> None:
        self.country.centre.config = msgspec.structs.replace(self.country.centre.config, **settings)

    def round(self) -> None:
        self.country.folding.round()
        self.asking.round()
        self.country.folding.round()

    def list_of(self, number: int) -> bytes:
        now = self.country.clock.now()
        return self.services.authority.crl(now, now + DAY_MS, number)

    def rows(self) -> list[filing_lists.Filing]:
        return filing_lists.inbox(self.node.database, "kz-7")

    def exchange(self) -> None:
        self.node.client.exchange()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    country = Country(tmp_path)
    issuing = centre_of(AIGUL.centre)
    services = Services(Authority(issuing.root, issuing.issuer), country.clock.now)
    with services.serving():
        made = World(country, services)
        made.connect(crl="", crl_delta="", ocsp="", tsa="")
        yield made


def test_nothing_is_asked_where_every_address_is_empty(world: World) -> None:
    world.country.file(world.node)
    world.exchange()
    world.round()
    assert not world.services.asked


def test_a_list_is_fetched_published_and_used_at_the_node(world: World) -> None:
    world.services.files["full.crl"] = world.list_of(1)
    world.connect(crl=f"{world.services.address}/full.crl")
    world.round()
    world.exchange()
    assert Taker(world.node).run() == 1
    assert [info.number for info in world.node.trust.crls()] == [1]
    world.round()  # not due yet
    assert world.services.asked == ["/full.crl"]
    world.country.clock.tick(asking.FULL_EVERY_MS)
    before = dict(world.services.authority.revoked)
    world.services.authority.revoke(DOOMED.key.certificate, world.country.clock.now())
    world.services.files["full.crl"] = world.list_of(2)
    world.services.files["delta.crl"] = world.services.authority.crl(
        world.country.clock.now(), world.country.clock.now() + DAY_MS, 3, base=(2, before)
    )
    world.connect(crl_delta=f"{world.services.address}/delta.crl")
    world.round()
    world.exchange()
    assert Taker(world.node).run() == 2
    assert [info.number for info in world.node.trust.crls()] == [3]


def test_a_service_that_is_down_or_sends_rubbish_is_remembered_and_tried_again(world: World) -> None:
    """Row 47: the stamping service is away."""
    address = f"{world.services.address}/full.crl"
    world.connect(crl=address)
    world.services.down = True
    world.round()
    world.services.down = False
    world.services.files["full.crl"] = b"<html>captive portal</html>"
    for expected in ("outside.down", "crl.broken"):
        [service] = outside.services(world.country.centre.database)
        assert (service.code, service.failing_since_ms is not None) == (expected, True)
        assert not service.alarming(service.tried_ms)
        assert service.alarming(world.country.clock.now() + outside.ALARM_MS + 1)
        world.round()  # not yet
        world.country.clock.tick(outside.RETRY_MS)
        world.round()
    world.services.files["full.crl"] = world.list_of(1)
    world.country.clock.tick(outside.RETRY_MS)
    world.round()
    [service] = outside.services(world.country.centre.database)
    assert (service.code, service.failing_since_ms) == ("", None)


def test_the_first_page_of_the_centre_says_how_the_services_are(world: World) -> None:
    """Row 47: an alarm after the limit."""
    browser = world.country.browser(ADMIN)
    assert "Services of the certification centre" not in browser.get("/overview?lang=en").text
    world.connect(tsa=f"{world.services.address}/tsa")
    world.country.file(world.node)
    world.exchange()
    world.services.down = True
    for wait_ms, word in ((0, "does not answer now"), (outside.ALARM_MS + 1, "has not answered for long")):
        world.country.clock.tick(wait_ms)
        world.round()
        world.country.clock.tick(overview.HELD_MS)
        browser.enter(ADMIN)
        page = browser.get("/overview?lang=en").text
        assert word in page
        assert "1 signature has no timestamp yet" in page
    world.services.down = False
    world.country.clock.tick(outside.RETRY_MS)
    world.round()
    world.country.clock.tick(overview.HELD_MS)
    page = browser.get("/overview").text
    assert "answers" in page
    assert "no timestamp yet" not in page


def test_more_than_a_service_may_send_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "CRL_BYTES_MAX", 100)
    world.services.files["full.crl"] = bytes(101)
    world.connect(crl=f"{world.services.address}/full.crl")
    world.round()
    assert outside.services(world.country.centre.database)[0].code == "outside.too_large"


def test_what_was_signed_offline_is_stamped_once_there_is_a_line(world: World) -> None:
    """Row 47: stamped later."""
    world.connect(tsa=f"{world.services.address}/tsa")
    world.services.down = True
    body = world.country.file(world.node)
    world.exchange()
    world.country.clock.tick(3 * DAY_MS)
    world.round()
    assert asking.unstamped(world.country.centre) == 1  # goes on without it
    world.services.down = False
    world.country.clock.tick(outside.RETRY_MS)
    world.round()
    assert asking.unstamped(world.country.centre) == 0
    world.exchange()
    [filing] = world.rows()
    assert filing.stamped_ms == world.country.clock.now()
    [token] = filing_lists.evidence(world.node.database, filing.obj)
    value = cms.read(body.signature).signers[0].signature
    said, _ = timestamps.check(token.data, value, world.node.trust, now_ms=world.country.clock.now())
    assert said.at_ms == filing.stamped_ms
    assert cms.read(cms.add_timestamp(body.signature, token.data)).signers[0].level == "CAdES-T"
    assert not [event for event in filing_lists.events(world.node.database, filing.obj) if event.kind != "filed"]
    world.country.clock.tick(asking.ASK_EVERY_MS)
    asked = len(world.services.asked)
    world.round()
    assert len(world.services.asked) == asked  # nothing is asked for twice


def test_an_answer_about_the_key_is_kept_and_speaks(world: World) -> None:
    world.connect(ocsp=f"{world.services.address}/ocsp")
    body = world.country.file(world.node)
    world.services.authority.revoke(DOOMED.key.certificate, world.country.clock.now() - 1000, reason=6)
    world.country.file(world.node, who=DOOMED)
    world.exchange()
    world.country.clock.tick(5000)
    world.round()
    world.exchange()
    found = {filing.filer_iin: filing for filing in world.rows()}
    assert (found[AIGUL.iin].revocation, found[DOOMED.iin].revocation) == ("good", "revoked")
    assert found[DOOMED.iin].revoked_ms is not None
    [kept] = filing_lists.evidence(world.node.database, found[AIGUL.iin].obj)
    certificate, issuer = cms.signer(body.signature)[0], world.services.authority.issuer.certificate
    answer = ocsp.check(kept.data, certificate, issuer, world.node.trust, now_ms=world.country.clock.now())
    assert answer.status == "good"
    asked = len(world.services.asked)
    world.country.clock.tick(asking.ASK_EVERY_MS)
    world.round()
    assert len(world.services.asked) == asked


def test_one_filing_that_is_refused_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BATCH", 1)
    stranger = Person("БӨТЕН", "А", "", "900303300318")
    other = Authority.create("p256", "БӨТЕН", at_ms=world.country.clock.now() - DAY_MS)
    world.connect(tsa=f"{world.services.address}/tsa")
    monkeypatch.setattr(world.services, "tsa", other.issue_service("TSA", timestamps.TIME_STAMPING, not_before_ms=0, days=99_999))
    world.country.file(world.node)
    world.country.file(world.node, who=stranger)
    world.exchange()
    world.round()
    assert outside.services(world.country.centre.database)[0].code == "pki.untrusted"
    tried = fetch(world.country.centre.database, "SELECT COUNT(*) FROM signer WHERE stamp_tried_ms > 0")
    world.country.clock.tick(outside.RETRY_MS)
    world.round()
    assert tried == [(1,)]
    assert fetch(world.country.centre.database, "SELECT COUNT(*) FROM signer WHERE stamp_tried_ms > 0") == [(2,)]


def node_notices(node: Node, who: Person) -> list[tuple[str, object]]:
    found = notifications.notifications(node.database, who.person, limit=10)
    return [(each.params["result"], each.params.get("since_ms")) for each in found if each.kind == "verified"]


def test_a_decision_on_a_stale_list_is_looked_at_again_and_what_is_learnt_later_too(world: World) -> None:
    now = world.country.clock.now()
    world.country.file(world.node, who=DOOMED, crl_as_of_ms=now - 20 * DAY_MS)
    world.exchange()
    world.country.clock.tick(DAY_MS)
    world.services.files["full.crl"] = world.list_of(1)
    world.connect(crl=f"{world.services.address}/full.crl")
    world.round()
    world.exchange()
    assert node_notices(world.node, DOOMED) == [("good", None)]
    later = world.country.clock.now()
    world.services.authority.revoke(DOOMED.key.certificate, later)  # after the signing: it stands, and that is said
    for number, expected in ((2, ("good", later)), (3, ("revoked", now - 1000)), (4, ("good", None))):
        world.country.clock.tick(DAY_MS)
        if number == 3:  # the authority learns that the key was lost before the signing
            world.services.authority.revoke(DOOMED.key.certificate, now - 1000)
        if number == 4:  # it was on hold only, and is released
            world.services.authority.revoked.clear()
        world.services.files["full.crl"] = world.list_of(number)
        world.round()
        world.round()
        world.exchange()
        assert node_notices(world.node, DOOMED)[0] == expected
    assert len(node_notices(world.node, DOOMED)) == 4
