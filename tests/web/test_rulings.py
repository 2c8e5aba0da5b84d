"""A judge rules on a registered case (R4): at the desk, in the citizen's cabinet, on paper, in the container, at the centre."""

import io
import re
from html import unescape
from zipfile import ZipFile

import pikepdf
import pytest

from central.services import log
from central.web import words
from common.court import cases as case_rows
from common.court import filing_lists
from common.errors import Conflict, NotFound, Refused
from common.pki import cms
from common.pki.trust import Trust
from edge.node import Node
from edge.services import cases, decisions, drafts, evidence, filings, registration, rulings
from edge.services.registration import Clerk
from edge.services.rulings import Draft
from sync import fsck
from sync.verify import World as Checker
from sync.verify import check
from sync.verify_evidence import empty_database
from tests.web.desk_world import AKTAU, CHAIRMAN, CITIZEN, CLERK, FOREIGN_CLERK, JUDGE, Terminal, World, key_fields, plain
from tests.web.filing_world import MAKERS
from tests.web.pages import Browser, Person, build, centre_of

GROUND = "cpc152-1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.create(tmp_path_factory.mktemp("rulings"))
    drafts.create(world.aktau)
    filings.create(world.aktau)
    return world


def as_judge(who: Person = JUDGE) -> Clerk:
    return Clerk(AKTAU, "Жақсылықов Болат Өмірұлы", who.key.certificate.sha256)


def registered(world: World) -> tuple[bytes, bytes]:
    """Return (filing, case) of a filing that the clerk registered."""
    obj = world.file()
    clerk = Clerk(AKTAU, "Қасымова Дина Ерланқызы", CLERK.key.certificate.sha256)
    done = registration.sign(world.aktau, clerk, obj, decisions.Draft(kind="register"), CLERK.open(world.aktau))
    return obj, done.case


def ruled(world: World, who: Person = JUDGE, **said: object) -> tuple[bytes, bytes]:
    obj, case = registered(world)
    rulings.sign(world.aktau, as_judge(who), case, Draft(**{"outcome": "accepted", **said}), who.open(world.aktau))  # type: ignore[arg-type]
    return obj, case


@pytest.mark.parametrize("who", [JUDGE, CHAIRMAN], ids=["a judge", "the chairman"])
def test_an_accepted_case_is_known_everywhere(world: World, who: Person) -> None:
    obj, case = ruled(world, who)
    world.deliver()
    for node in (world.aktau, world.court.centre):
        filing, held = filing_lists.filing(node.database, obj), case_rows.case(node.database, case)
        assert filing is not None
        assert held is not None
        assert (filing.status, filing.ruling, held.status) == ("registered", "accepted", "accepted")
    found = filing_lists.filing(world.court.centre.database, obj)
    assert found is not None
    assert words.status_word(log.state_of(world.court.centre, found).status) == "accepted to proceedings by the judge", "at its check"
    assert fsck.check(world.aktau.database, world.aktau.fold) == []
    citizen = Browser(build(world.aktau, MAKERS))
    citizen.enter(CITIZEN)
    page = citizen.get(f"/filings/{obj.hex()}").text
    assert "accepted to proceedings by the judge" in page
    assert "Accepted to proceedings" in citizen.get(f"/filings/{obj.hex()}/sent").text
    assert "The judge accepted the case to proceedings" in citizen.get("/notifications").text
    assert citizen.get(f"/filings/{obj.hex()}/ruling.pdf").data.startswith(b"%PDF-")


def test_a_returned_claim_says_why_and_carries_the_judges_own_signature(world: World) -> None:
    obj, _ = ruled(world, outcome="returned", grounds=(GROUND,), note="Алдымен келіссөз жүргізіңіз.")
    citizen = Browser(build(world.aktau, MAKERS))
    citizen.enter(CITIZEN)
    shown = unescape(citizen.get(f"/filings/{obj.hex()}").text)
    for text in ("Returned by the judge", "Сотқа дейінгі тәртіп сақталмаған", "Алдымен келіссөз жүргізіңіз."):
        assert text in shown, text
    assert "returned by the judge" in citizen.get("/filings").text
    assert "Reason: Сотқа дейінгі тәртіп сақталмаған" in unescape(citizen.get("/filings?lang=kk").text).replace("Себебі", "Reason")
    notice = cases.ruling_notice(world.aktau, obj)
    with pikepdf.open(io.BytesIO(notice)) as document:
        embedded = {name: file.get_file().read_bytes() for name, file in document.attachments.items()}
    text = embedded["decision.txt"].decode()
    assert "Ұйғарым / Определение: қайтарылды / возвращено" in text
    assert cms.verify_detached(embedded["decision.p7s"], embedded["decision.txt"]).sha256 == JUDGE.key.certificate.sha256
    node = world.aktau
    report = check(Checker(database=node.database, pin=node.identity.pin, trust=node.trust, now_ms=node.clock.now()), notice)
    assert (report.kind, report.verdict) == ("notice", "valid"), report.as_json()
    assert JUDGE.key.certificate.full_name in [signed.name for part in (report, *report.parts) for signed in part.signatures]
    with pytest.raises(NotFound):
        cases.ruling_notice(world.aktau, registered(world)[0])


def test_a_container_brings_the_ruling_and_it_is_checked(world: World) -> None:
    obj, _ = ruled(world, outcome="declined", grounds=("cpc151-1",))
    node: Node = world.aktau
    with evidence.container(node, world.filing(obj)) as file:
        data = file.read()
    with ZipFile(io.BytesIO(data)) as opened:
        assert "R4  судья принял или возвратил: есть" in opened.read("README.txt").decode()
    anchors = [anchor for kind in ("rsa2048", "gost512") for anchor in centre_of(kind).anchors()]
    named = {"database": empty_database(), "pin": node.identity.pin, "now_ms": node.clock.now()}
    report = check(Checker(**named, trust=Trust.of(anchors)), data)
    said = [part for part in report.parts if part.title == "Signed decision or request"]
    assert [part.signatures[0].name for part in said] == [CLERK.key.certificate.full_name, JUDGE.key.certificate.full_name]
    assert "filing.rule/1" in " ".join(finding.text for finding in said[-1].findings)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"outcome": "returned"}, r"ruling\.no_ground"),
        ({"outcome": "returned", "grounds": ("cpc151-1",)}, r"registration\.ground"),
        ({"outcome": "accepted", "grounds": (GROUND,)}, r"registration\.ground"),
        ({"note": "ұ" * 1001}, r"registration\.note"),
    ],
)
def test_what_cannot_be_ruled_is_told(world: World, said: dict[str, object], code: str) -> None:
    with pytest.raises(Refused, match=code):
        ruled(world, **said)


def test_a_judge_rules_once_with_the_own_key_in_the_own_court(world: World) -> None:
    obj, case = ruled(world)
    with pytest.raises(Conflict, match=r"case\.ruled"):
        rulings.sign(world.aktau, as_judge(), case, Draft(outcome="accepted"), JUDGE.open(world.aktau))
    other = registered(world)[1]
    with pytest.raises(Refused, match=r"registration\.other_key"):
        rulings.sign(world.aktau, as_judge(), other, Draft(outcome="accepted"), CHAIRMAN.open(world.aktau))
    elsewhere = Clerk("kz-7", "Судья", JUDGE.key.certificate.sha256)
    with pytest.raises(NotFound):
        rulings.sign(world.aktau, elsewhere, other, Draft(outcome="accepted"), JUDGE.open(world.aktau))
    with pytest.raises(Refused, match=r"entry\.role"):
        rulings.sign(world.aktau, as_judge(CLERK), other, Draft(outcome="accepted"), CLERK.open(world.aktau))
    assert world.filing(obj).ruling == "accepted"


def test_at_the_desk_a_judge_reads_signs_and_nobody_else_may(world: World) -> None:
    obj, case = registered(world)
    address = f"/desk/cases/{case.hex()}"
    clerk = Terminal(world.aktau)
    clerk.sign_in(CLERK)
    assert "Rule on acceptance" not in clerk.get(address)
    clerk.get(f"{address}/ruling", status=404)
    foreign = Terminal(world.astana)
    foreign.sign_in(FOREIGN_CLERK)
    foreign.get(f"{address}/ruling", status=404)
    judge = Terminal(world.aktau)
    judge.sign_in(JUDGE)
    assert "Rule on acceptance" in judge.get(address)
    assert "Не соблюден досудебный порядок" in unescape(judge.get(f"{address}/ruling"))
    assert "Choose at least one ground" in judge.post(f"{address}/ruling", outcome="returned", status=400)
    page = judge.post(f"{address}/ruling", outcome="returned", returned=[GROUND], note="Келіссөз.", status=200)
    assert "Your claim is returned." in page
    assert "Ұйғарым / Определение: қайтарылды / возвращено" in unescape(page)
    hidden = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1] for name in ("outcome", "grounds", "note")}  # type: ignore[index]
    assert hidden == {"outcome": "returned", "grounds": GROUND, "note": "Келіссөз."}
    before = judge.go_back()
    assert re.search(rf'name="returned" value="{GROUND}"[^>]* checked', before)
    assert "Келіссөз.</textarea>" in before
    judge.post(f"{address}/ruling/sign", **hidden, **key_fields(CLERK), status=400)
    judge.post(f"{address}/ruling/sign", **hidden, **key_fields(JUDGE))
    page = plain(judge.get(address))
    assert "returned by the judge" in page
    assert "Rule on acceptance" not in page
    assert f"/desk/filings/{obj.hex()}/ruling.pdf" in judge.text
    assert "returned by the judge" in plain(judge.get("/desk/cases")), "the list says it too"
    judge.post(f"{address}/ruling/sign", **hidden, **key_fields(JUDGE))
    assert world.filing(obj).ruling == "returned"
