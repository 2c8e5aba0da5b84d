"""The cases of a court at its staff's desk, and the notice that the citizen gets."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from common.court import cases as case_rows
from common.errors import NotFound
from common.pki import cms, pades
from edge.services import cases, decisions, registration
from edge.services.decisions import Draft
from edge.services.registration import Clerk
from sync.report import Report
from sync.verify import verify_file
from tests.web.desk_world import ADMINISTRATOR, AKTAU, ASTANA, CITIZEN, CLERK, FOREIGN_CLERK, JUDGE, Terminal, World, plain
from tests.web.filing_world import MAKERS
from tests.web.pages import BOLAT, Browser, build


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.create(tmp_path_factory.mktemp("cases"))
    for _ in range(3):
        register(world, world.file())
        world.court.clock.tick(60_000)
    return world


def register(world: World, obj: bytes, kind: str = "register", **said) -> registration.Decided:
    clerk = Clerk(AKTAU, "Қасымова Дина Ерланқызы", CLERK.key.certificate.sha256)
    return registration.sign(world.aktau, clerk, obj, Draft(kind=kind, **said), CLERK.open(world.aktau))


def numbers(world: World, **asked) -> list[str]:
    return [row.case.number.rpartition("/")[2] for row in cases.find(world.aktau, AKTAU, **asked).rows]


def test_the_list_is_the_courts_own_newest_first(world: World) -> None:
    assert numbers(world) == ["3", "2", "1"]
    assert numbers(world, per_page=2, page=2) == ["1"]
    assert cases.find(world.aktau, ASTANA).total == 0


def test_inbox_and_cases_ask_the_database_a_few_times_however_long_they_are(world: World) -> None:
    terminal = Terminal(world.aktau)
    terminal.sign_in(CLERK)

    def queries(path: str) -> int:
        terminal.get(path)  # what is asked once is known then
        seen: list[str] = []
        connection = world.aktau.database.connection()
        connection.trace_v2(1, lambda event: seen.append(event["sql"]))
        try:
            terminal.get(path)
        finally:
            connection.trace_v2(0, None)
        return len(seen)

    paths = ("/desk/cases?q=2", "/desk/cases?q=760212350620"), ("/desk?tab=registered&q=/1", "/desk?tab=registered&q=/")
    for few, many in paths:
        assert queries(few) == queries(many), (few, many)


@pytest.mark.parametrize("search", ["760212350620", "теңіз", "ТЕҢІЗ ҚҰРЫЛЫС", "Сәрсенова Айгүл"])
def test_search_by_a_party(world: World, search: str) -> None:
    assert numbers(world, search=search) == ["3", "2", "1"]


def test_search_by_number_however_it_is_typed(world: World) -> None:
    number = cases.find(world.aktau, AKTAU).rows[1].case.number
    assert numbers(world, search=number) == ["2"]
    assert numbers(world, search=f"№ {number.replace('-', ' - ')}") == ["2"]
    assert numbers(world, search="2") == ["2"]
    assert numbers(world, search="Бекова") == []
    assert numbers(world, search="%") == []


def test_the_card_shows_parties_history_and_the_filing(world: World) -> None:
    terminal = Terminal(world.aktau)
    terminal.sign_in(JUDGE)
    listed = terminal.get("/desk/cases")
    assert listed.count('class="table-open num"') == 3
    case = cases.find(world.aktau, AKTAU).rows[0].case
    page = plain(terminal.get(f"/desk/cases/{case.obj.hex()}"))
    for text in (
        case.number,
        "Plaintiff Сәрсенова Айгүл Маратқызы IIN 760212 350620",
        "Defendant «Теңіз Құрылыс Сервис» ЖШС BIN 940140 000385",
        "The case is opened",
        "Қасымова Дина Ерланқызы",
        "Statement of claim",
    ):
        assert text in page, text
    assert f"/desk/filings/{case.filing.hex()}/notice.pdf" in terminal.text


def test_an_empty_search_says_what_was_searched(world: World) -> None:
    terminal = Terminal(world.aktau)
    terminal.sign_in(CLERK)
    assert "Only the cases of this court" in plain(terminal.get("/desk/cases?q=7594-25-00-4/5229"))


def test_a_case_is_for_its_own_court(world: World) -> None:
    """The machine of another court holds the case for the citizen who stood there; its staff do not see it."""
    obj = world.file_at_a_kiosk()
    case = register(world, obj).case
    world.deliver()
    assert case_rows.case(world.astana.database, case) is not None
    there = Terminal(world.astana)
    there.sign_in(FOREIGN_CLERK)
    there.get(f"/desk/cases/{case.hex()}", status=404)
    there.get("/desk/cases/zz", status=404)
    here = Terminal(world.aktau)
    here.sign_in(ADMINISTRATOR)
    here.get(f"/desk/cases/{case.hex()}", status=404)


def test_the_notice_carries_the_clerks_own_signature(world: World) -> None:
    case = cases.find(world.aktau, AKTAU).rows[0].case
    pdf = cases.decision_notice(world.aktau, case.filing)
    (signature,) = pades.read_pdf_signatures(pdf)
    assert signature.intact
    assert signature.covers_whole
    assert signature.certificate.der == world.aktau.identity.certificate.body.pdf
    with pikepdf.open(io.BytesIO(pdf)) as document:
        embedded = {name: file.get_file().read_bytes() for name, file in document.attachments.items()}
    text = embedded["decision.txt"]
    assert case.number in text.decode()
    assert cms.verify_detached(embedded["decision.p7s"], text).sha256 == CLERK.key.certificate.sha256


def checked(world: World, pdf: bytes) -> Report:
    node = world.aktau
    return verify_file(pdf, database=node.database, pin=node.identity.pin, trust=node.trust, now_ms=node.clock.now())


def test_anybody_checks_the_notice_its_page_and_who_decided(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    case = cases.find(world.aktau, AKTAU).rows[0].case
    pdf = cases.decision_notice(world.aktau, case.filing)
    report = checked(world, pdf)
    assert (report.kind, report.verdict) == ("notice", "valid"), [finding.text for finding in report.findings]
    assert [signed.number for signed in report.signatures] == [CLERK.iin]
    assert any("signed by machine" in finding.text for finding in report.findings)
    place = len(pdf) // 3
    forged = checked(world, pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :])
    assert (forged.kind, forged.verdict) == ("notice", "invalid")
    real = cases._proof
    monkeypatch.setattr(cases, "_proof", lambda decided: (dataclasses.replace(real(decided)[0], data=b"refused"), real(decided)[1]))
    other = checked(world, cases.decision_notice(world.aktau, case.filing))
    assert other.verdict == "invalid", "the words inside are not those that were signed"
    monkeypatch.setattr(cases, "_proof", real)
    monkeypatch.setattr(cases.papers, "decision_pdf", without_the_last(cases.papers.decision_pdf))
    assert checked(world, cases.decision_notice(world.aktau, case.filing)).verdict == "valid", "a notice of before brings no certificate"


def without_the_last(made: Callable[..., bytes]) -> Callable[..., bytes]:
    return lambda decision, attachments: made(decision, attachments=attachments[:-1])


def test_a_notice_of_refusal_is_made_too(world: World) -> None:
    obj = world.file()
    with pytest.raises(NotFound):
        cases.decision_notice(world.aktau, obj)
    day = decisions.cure_suggestion(world.aktau)
    register(world, obj, "refuse", grounds=("reg-letter", "reg-type"), note="Бұл хат.", cure_until=day)
    assert cases.decision_notice(world.aktau, obj).startswith(b"%PDF-")
    assert day is not None
    terminal = Terminal(world.aktau)
    terminal.sign_in(CLERK)
    answer = terminal.client.get(f"/desk/filings/{obj.hex()}/notice.pdf?save=1")
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_notice_is_there_for_nobody_else(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        cases.decision_notice(world.aktau, bytes(16))


def test_the_citizen_reads_the_decision_in_the_own_cabinet(world: World) -> None:
    obj = world.file()
    citizen, stranger = (Browser(build(world.aktau, MAKERS)) for _ in range(2))
    citizen.enter(CITIZEN)
    stranger.enter(BOLAT)
    assert "notice.pdf" not in citizen.get(f"/filings/{obj.hex()}").text
    assert citizen.get(f"/filings/{obj.hex()}/notice.pdf").status_code == 404
    register(world, obj)
    assert f"/filings/{obj.hex()}/notice.pdf" in citizen.get(f"/filings/{obj.hex()}").text
    answer = citizen.get(f"/filings/{obj.hex()}/notice.pdf")
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert stranger.get(f"/filings/{obj.hex()}/notice.pdf").status_code == 404
