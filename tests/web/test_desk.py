"""The clerk's terminal: who may sit at it, what the inbox and a filing show, and the decision that travels back."""

import re
import threading
from datetime import date
from pathlib import Path

import msgspec
import pytest

from common.court import cases as case_rows
from common.court import filing_lists, notifications, terms
from common.court.claim import Payment
from common.db import fetch
from common.errors import Conflict, Refused
from common.pki.asic import looks_like_container
from edge.services import decisions, inbox, registration
from edge.services.cases import decision_notice
from edge.services.decisions import Draft
from edge.services.registration import Clerk
from tests.web.desk_world import (
    ADMINISTRATOR,
    AKTAU,
    ASTANA,
    CHAIRMAN,
    CITIZEN,
    CLERK,
    FOREIGN_CLERK,
    GOST_CITIZEN,
    JUDGE,
    Terminal,
    World,
    key_fields,
    plain,
    sound_claim,
)
from tests.web.pages import BOLAT, DAY_MS, Person, centre_of

LATE = Person("КЕШІККЕН", "АЗАМАТ", "", "760212350620")
"""Whose key turns out to have been revoked before it signed."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A court with one filing that nobody decides about: for tests that only read."""
    world = World.create(tmp_path_factory.mktemp("court"))
    world.file(world.astana)
    world.deliver()
    return world


@pytest.fixture(scope="module")
def filed(shared: World) -> bytes:
    return filing_lists.inbox(shared.aktau.database, AKTAU)[0].obj


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A court where much is going on: for tests that look at nothing but their own filings."""
    return World.create(tmp_path_factory.mktemp("busy"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


def at_desk(world: World, who=CLERK) -> Terminal:
    terminal = Terminal(world.aktau)
    terminal.sign_in(who)
    return terminal


def clerk_of(who=CLERK, name: str = "Қасымова Дина Ерланқызы") -> Clerk:
    return Clerk(AKTAU, name, who.key.certificate.sha256)


# -- who may sit at the desk


@pytest.mark.parametrize(("who", "to"), [(CLERK, "/desk"), (CHAIRMAN, "/desk"), (JUDGE, "/desk"), (ADMINISTRATOR, "/desk/line")])
def test_staff_sign_in_with_their_own_key(shared: World, who, to: str) -> None:
    terminal = Terminal(shared.aktau)
    assert terminal.sign_in(who) == to
    terminal.get(to)
    assert len(fetch(shared.aktau.database, "SELECT 1 FROM account_row")) == 0, "staff open no cabinet at their desk"


@pytest.mark.parametrize("who", [CITIZEN, FOREIGN_CLERK])
def test_who_is_no_staff_here_is_told_so(shared: World, who) -> None:
    terminal = Terminal(shared.aktau)
    terminal.sign_in(who, status=400)
    assert "not on the staff list of this court" in plain(terminal.text)
    assert terminal.client.get("/desk").status_code == 303


def test_nobody_sees_the_desk_without_signing_in(shared: World, filed: bytes) -> None:
    terminal = Terminal(shared.aktau)
    for url in ("/desk", f"/desk/filings/{filed.hex()}", "/desk/cases", "/desk/line"):
        answer = terminal.client.get(url)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/desk/enter")


def test_staff_of_another_court_do_not_learn_that_a_filing_is_here(shared: World, filed: bytes) -> None:
    """The filing lies on their machine, for the citizen stood there; its pages do not exist for them."""
    assert filing_lists.filing(shared.astana.database, filed) is not None
    terminal = Terminal(shared.astana)
    terminal.sign_in(FOREIGN_CLERK)
    for url in ("", f"/files/{shared.filing(filed).statement_sha256.hex()}", "/notice.pdf", "/evidence.asice", "/decision/register"):
        terminal.get(f"/desk/filings/{filed.hex()}{url}", status=404)
    assert "Nothing here" in plain(terminal.get("/desk"))


def test_an_administrator_reads_nothing(shared: World, filed: bytes) -> None:
    terminal = at_desk(shared, ADMINISTRATOR)
    terminal.get(f"/desk/filings/{filed.hex()}", status=404)
    terminal.get("/desk/cases", status=404)
    assert terminal.client.get("/desk").headers["Location"] == "/desk/line"


def test_a_judge_reads_and_does_not_decide(shared: World, filed: bytes) -> None:
    terminal = at_desk(shared, JUDGE)
    terminal.get(f"/desk/filings/{filed.hex()}")
    assert "Clerks and the chairman decide" in plain(terminal.text)
    terminal.get(f"/desk/filings/{filed.hex()}/decision/register", status=404)
    terminal.post(f"/desk/filings/{filed.hex()}/decision/register/sign", status=404, **key_fields(JUDGE))


def test_a_dismissal_ends_an_open_session(world: World) -> None:
    obj = world.file()
    terminal = at_desk(world)
    terminal.get(f"/desk/filings/{obj.hex()}")
    world.court.clock.tick(1_000)
    world.dismiss(CLERK)
    terminal.get(f"/desk/filings/{obj.hex()}", status=404)
    terminal.get("/desk", status=404)


def test_an_address_that_is_none_is_not_found(shared: World) -> None:
    terminal = at_desk(shared)
    for path in ("filings/zz", "filings/00", f"filings/{bytes(16).hex()}", f"filings/{bytes(16).hex()}/files/00"):
        terminal.get(f"/desk/{path}", status=404)


def test_an_officer_of_two_courts_chooses_one(tmp_path: Path) -> None:
    world = World.create(tmp_path, courts=(AKTAU, "kz-284"))
    world.appoint(CLERK, "kz-284")
    terminal = at_desk(world)
    world.file(claim=sound_claim("kz-284", region="47"))
    assert "Nothing here" in plain(terminal.get("/desk"))
    terminal.client.get("/desk?court=kz-284")
    assert "Nothing here" not in plain(terminal.get("/desk"))
    terminal.client.get(f"/desk?court={ASTANA}")
    assert "Nothing here" not in plain(terminal.get("/desk")), "a court without an appointment cannot be chosen"


# -- the inbox


def test_the_inbox_counts_working_days_and_shows_the_late_first(world: World) -> None:
    first = world.file()
    world.court.clock.tick(3 * DAY_MS)  # from Saturday the 21st to Tuesday the 24th
    second = world.file()
    found = inbox.inbox(world.aktau, AKTAU)
    assert [row.filing.obj for row in found.rows] == [first, second]
    assert [(row.term.last_day, row.term.left) for row in found.rows] == [(date(2026, 11, 27), 3), (date(2026, 12, 1), 5)]
    world.court.clock.tick(3 * DAY_MS)
    found = inbox.inbox(world.aktau, AKTAU, tab="due")
    assert [(row.filing.obj, row.term.left) for row in found.rows] == [(first, 0)]
    world.court.clock.tick(3 * DAY_MS)  # Monday
    found = inbox.inbox(world.aktau, AKTAU)
    assert [row.term.left for row in found.rows] == [-1, 1]
    assert found.counts["due"] == 1
    page = at_desk(world).get("/desk")
    assert page.count('class="is-late"') == 1
    assert "1 day late" in plain(page)


def test_tabs_search_and_pages(world: World) -> None:
    objects = [world.file() for _ in range(3)]
    world.court.clock.tick(1)
    pending = world.file(claim=sound_claim(payment=Payment(claim_tiyn=245_000_000, duty_tiyn=2_450_000, way="pending")))
    talon = world.filing(objects[0]).talon
    counts = inbox.inbox(world.aktau, AKTAU).counts
    assert (counts["waiting"], counts["unpaid"], counts["all"], counts["due"]) == (4, 1, 4, 0)

    def found(**asked) -> list[bytes]:
        return [row.filing.obj for row in inbox.inbox(world.aktau, AKTAU, **asked).rows]

    assert found(tab="unpaid") == [pending]
    assert found(tab="all", search=talon) == [objects[0]]
    assert found(tab="all", search=f"{talon[:3]} {talon[3:6]} {talon[6:9]} {talon[9:12]} {talon[12:]}") == [objects[0]]
    assert len(found(tab="all", search="теңіз құрылыс")) == 4
    assert len(found(tab="all", search="760212350620")) == 4
    assert found(tab="all", search="Бекова") == []
    assert found(tab="all", search="%") == []
    assert len(found(per_page=3, page=1)) == 3
    assert found(per_page=3, page=2) == [pending]
    assert found(per_page=3, page=99) == [pending]
    assert found(document_type="appeal_complaint") == []


def test_a_search_without_a_hit_says_what_was_searched(shared: World) -> None:
    assert "in this court" in plain(at_desk(shared).get("/desk?q=Жоқ"))


# -- one filing


def test_the_page_of_a_filing_shows_what_was_found(shared: World, filed: bytes) -> None:
    page = plain(at_desk(shared).get(f"/desk/filings/{filed.hex()}"))
    for sentence in (
        "The signature is valid",
        "СӘРСЕНОВА АЙГҮЛ МАРАТҚЫЗЫ, IIN 760212 350620.",
        "SHA-256 of 3 files agrees with the signed page.",
        "The certificate was issued by СЫНАҚ rsa2048",
        "Not revoked by the list as of",
        "The payment is not confirmed yet",
        "In the central register",
        "12 / 12 hold",
        "Set of rules: 2026.2.",
        "term: 27 November",
    ):
        assert sentence in page, sentence


def test_a_gost_signature_is_examined_too(busy: World) -> None:
    obj = busy.file(who=GOST_CITIZEN)
    page = plain(at_desk(busy).get(f"/desk/filings/{obj.hex()}"))
    assert "The signature is valid" in page
    assert "GOST 34.10-2015/512; the signature covers the whole file." in page


def test_papers_are_shown_and_saved(shared: World, filed: bytes) -> None:
    terminal = at_desk(shared)
    base = f"/desk/filings/{filed.hex()}"
    page = terminal.get(base)
    (address,) = re.findall(r'<iframe[^>]* src="([^"#]+)', page)
    shown = terminal.client.get(address)
    assert (shown.content_type, shown.data[:5]) == ("application/pdf", b"%PDF-")
    assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
    saved = terminal.client.get(f"{address}?save=1")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    contract = filing_lists.files(shared.aktau.database, filed)[1]
    assert "Қарыз шарты" in plain(terminal.get(f"{base}?paper={contract.sha256.hex()}"))
    data = plain(terminal.get(f"{base}?paper=data"))
    assert "«Теңіз Құрылыс Сервис» ЖШС" in data
    assert "BIN 940140 000385" in data
    terminal.get(f"{base}/files/{bytes(32).hex()}", status=404)


@pytest.mark.parametrize("who", [CLERK, JUDGE])
def test_clerk_and_judge_have_all_evidence_by_one_button(shared: World, filed: bytes, who: Person) -> None:
    terminal, base = at_desk(shared, who), f"/desk/filings/{filed.hex()}"
    assert f'href="{base}/evidence.asice"' in terminal.get(base)
    assert looks_like_container(terminal.client.get(f"{base}/evidence.asice").data)


@pytest.mark.parametrize(
    ("how", "sentence", "ground"),
    [
        ({"tamper": True}, "The statement was changed after it was signed", "reg-sign"),
        ({"named_hashes": False}, "The signed page names other files than those sent", ""),
        ({"keep_statement": False}, "The statement's file is on the way", ""),
    ],
)
def test_what_is_wrong_with_the_statement_is_said(busy: World, how: dict[str, bool], sentence: str, ground: str) -> None:
    obj = busy.file(**how)
    terminal = at_desk(busy)
    assert sentence in plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    refusal = terminal.get(f"/desk/filings/{obj.hex()}/decision/refuse")
    assert bool(re.search(rf'value="{ground or "none"}"[^>]* checked', refusal)) is bool(ground)


def test_a_revocation_list_grows_old_and_the_page_says_so(world: World) -> None:
    obj = world.file()
    terminal = at_desk(world)
    world.court.clock.tick(2 * DAY_MS)
    terminal.sign_in(CLERK)
    assert "The list is past its term" in plain(terminal.get(f"/desk/filings/{obj.hex()}"))


def test_a_revocation_that_becomes_known_later_is_heeded(busy: World) -> None:
    obj = busy.file(who=LATE)
    centre, now = centre_of("rsa2048"), busy.court.clock.now()
    centre.revoke(LATE.key.certificate, now - 3_600_000)
    busy.aktau.trust.import_crl(centre.crl(now + 1_000, now + DAY_MS, now // DAY_MS + 1), now)
    terminal = at_desk(busy)
    page = plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    assert "The certificate did not hold on the day of filing" in page
    assert "Revoked since today 09:46, filed today 10:46." in page
    assert re.search(r'value="reg-sign"[^>]* checked', terminal.get(f"/desk/filings/{obj.hex()}/decision/refuse"))


def test_files_on_the_way_are_counted(busy: World) -> None:
    obj = busy.file(busy.astana)
    lost = filing_lists.files(busy.astana.database, obj)[1]
    busy.court.exchange(busy.astana)
    busy.court.exchange(busy.aktau)
    fetch(busy.aktau.database, "DELETE FROM blob WHERE sha256 = ?", (lost.sha256,))
    terminal = at_desk(busy)
    assert "2 / 3" in plain(terminal.get("/desk"))
    page = plain(terminal.get(f"/desk/filings/{obj.hex()}?paper={lost.sha256.hex()}"))
    assert "Files are on the way Here and unchanged: 2 of 3." in page
    assert "This file is on the way" in page


def test_filings_of_the_same_content_are_linked(busy: World) -> None:
    form = sound_claim()
    first, second = busy.file(claim=form), busy.file(claim=form)
    page = at_desk(busy).get(f"/desk/filings/{first.hex()}")
    assert "The same was filed more than once" in page
    assert f"/desk/filings/{second.hex()}" in page


# -- registering


def test_registering_opens_a_case_and_travels_to_the_citizen(world: World) -> None:
    obj = world.file_at_a_kiosk()
    terminal = at_desk(world)
    terminal.get(f"/desk/filings/{obj.hex()}/decision/register")
    assert "4711-26-00-2/…" in plain(terminal.text) or "-26-00-2/…" in plain(terminal.text)
    location = terminal.decide(obj, "register", CLERK)
    filing = world.filing(obj)
    assert filing.status == "registered"
    assert filing.number.endswith("-26-00-2/1")
    assert location == f"/desk/cases/{filing.case_obj.hex()}"
    assert filing.number in plain(terminal.get(location))
    people = case_rows.participants(world.aktau.database, filing.case_obj)
    assert [(each.role, each.person) for each in people] == [("plaintiff", "760212350620"), ("defendant", "940140000385")]

    world.deliver()  # R3 goes back to where the citizen stands
    there = world.filing(obj, world.astana)
    assert (there.status, there.number) == ("registered", filing.number)
    told = notifications.notifications(world.astana.database, "760212350620", limit=5)
    assert {(each.kind, each.number) for each in told} >= {("registered", filing.number), ("opened", filing.number)}
    assert fetch(world.astana.database, "SELECT COUNT(*) FROM quarantine")[0][0] == 0
    notice = decision_notice(world.astana, obj)
    assert notice.startswith(b"%PDF-")


def test_numbers_run_on_and_another_court_has_its_own(world: World) -> None:
    objects = [world.file() for _ in range(3)]
    for obj in objects:
        registration.sign(world.aktau, clerk_of(), obj, Draft(kind="register"), CLERK.open(world.aktau))
    assert [world.filing(obj).number.rpartition("/")[2] for obj in objects] == ["1", "2", "3"]


def test_two_terminals_decide_one_filing(busy: World) -> None:
    obj = busy.file()
    one, two = at_desk(busy), at_desk(busy, CHAIRMAN)
    one.get(f"/desk/filings/{obj.hex()}/decision/register")
    two.get(f"/desk/filings/{obj.hex()}/decision/register")
    one.decide(obj, "register", CLERK)
    said = two.post(f"/desk/filings/{obj.hex()}/decision/register/sign", status=409, executor="Оспанов Ержан", **key_fields(CHAIRMAN))
    assert "The court has already decided about this filing." in plain(said)
    assert busy.filing(obj).number in plain(said)
    assert len(case_rows.cases_of_filing(busy.aktau.database, obj)) == 1
    two.get(f"/desk/filings/{obj.hex()}/decision/refuse", status=409)


def test_two_threads_decide_one_filing(busy: World) -> None:
    obj = busy.file()
    keys = [(who, who.open(busy.aktau)) for who in (CLERK, CHAIRMAN)]
    results: list[object] = []

    def press(who, opened) -> None:
        try:
            results.append(registration.sign(busy.aktau, clerk_of(who, "Кеңсе"), obj, Draft(kind="register"), opened))
        except Conflict as error:
            results.append(error.code)
        finally:
            busy.aktau.database.close()

    threads = [threading.Thread(target=press, args=pair) for pair in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("filing.decided") == 1
    assert len(case_rows.cases_of_filing(busy.aktau.database, obj)) == 1


def test_only_ones_own_key_signs(busy: World) -> None:
    obj = busy.file()
    terminal = at_desk(busy)
    terminal.decide(obj, "register", CHAIRMAN, status=400)
    assert "not the key you signed in with" in plain(terminal.text)
    url = f"/desk/filings/{obj.hex()}/decision/register/sign"
    terminal.post(url, status=400, executor="Қасымова Дина Ерланқызы", **key_fields(CLERK, "wrong"))
    assert "The password does not fit this key file" in plain(terminal.text)
    assert busy.filing(obj).status == "filed"


def test_a_machine_without_its_whole_past_gives_no_number(world: World) -> None:
    obj = world.file()
    fetch(world.aktau.database, "UPDATE journal SET recovering = 1")
    terminal = at_desk(world)
    assert "restored from a copy" in plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    with pytest.raises(Conflict) as refused:
        registration.sign(world.aktau, clerk_of(), obj, Draft(kind="register"), CLERK.open(world.aktau))
    assert refused.value.code == "registration.recovering"
    assert world.filing(obj).status == "filed"


def test_a_decision_is_written_whole_or_not_at_all(busy: World) -> None:
    obj = busy.file()
    before = busy.aktau.journal.position()
    with pytest.raises(Refused):
        registration.sign(busy.aktau, clerk_of(JUDGE, "Судья"), obj, Draft(kind="register"), JUDGE.open(busy.aktau))
    assert busy.aktau.journal.position() == before
    assert busy.filing(obj).status == "filed"
    assert case_rows.cases_of_filing(busy.aktau.database, obj) == []


# -- refusing and handing on


def test_refusing_for_all_reasons_at_once(busy: World) -> None:
    obj = busy.file_at_a_kiosk()
    terminal = at_desk(busy)
    url = f"/desk/filings/{obj.hex()}/decision/refuse"
    terminal.get(url)
    terminal.post(url, status=400, grounds=[], note="", cure_until="")
    assert "Choose at least one ground" in plain(terminal.text)
    terminal.post(url, status=200, grounds=["reg-letter", "reg-dup"], note="Бұл хат, іс емес.", cure_until="20.12.2026")
    preview = plain(terminal.text)
    for text in (
        "What the citizen will read",
        "Хат сот ісіне қатысты",
        "Бұрын тіркелген құжаттың қайталамасы",
        "Бұл хат, іс емес.",
        "20 December 2026",
    ):
        assert text in preview, text
    before = terminal.go_back()
    assert "Бұл хат, іс емес.</textarea>" in before
    assert 'value="20.12.2026"' in before
    assert sorted(re.findall(r'value="(reg-\w+)"[^>]* checked', before)) == ["reg-dup", "reg-letter"]
    assert "Correct 1 error" not in before
    terminal.decide(obj, "refuse", CLERK, grounds=["reg-letter", "reg-dup"], note="Бұл хат, іс емес.", cure_until="20.12.2026")
    busy.deliver()
    there = busy.filing(obj, busy.astana)
    assert there.status == "refused"
    (decision,) = filing_lists.decisions(busy.astana.database, obj)
    assert [each.code for each in decision.grounds] == ["reg-dup", "reg-letter"]
    assert (decision.cure_until, decision.note) == ("2026-12-20", "Бұл хат, іс емес.")
    assert decision_notice(busy.astana, obj).startswith(b"%PDF-")
    shown = plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    assert "Registration refused" in shown
    assert "To be cured by 20 December 2026." in shown
    assert inbox.inbox(busy.aktau, AKTAU).refused_today == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"grounds": ()}, "registration.no_ground"),
        ({"grounds": ("cpc152-1",)}, "registration.ground"),
        ({"cure_until": None}, "registration.cure"),
        ({"cure_until": date(2026, 11, 21)}, "registration.cure_day"),
        ({"cure_until": date(2028, 1, 1)}, "registration.cure_day"),
        ({"note": "а" * 1001}, "registration.note"),
        ({"grounds": ("reg-duty",), "note": ""}, "registration.unexplained"),
    ],
)
def test_a_refusal_that_cannot_stand(shared: World, filed: bytes, said: dict[str, object], code: str) -> None:
    draft = Draft(**{"kind": "refuse", "grounds": ("reg-letter",), "note": "Хат.", "cure_until": date(2026, 12, 20), **said})
    with pytest.raises(Refused) as refused:
        decisions.check(shared.aktau, shared.filing(filed), draft)
    assert refused.value.code == code


def test_a_ground_that_passed_before_signing_is_shown_as_such(shared: World, filed: bytes) -> None:
    terminal = at_desk(shared)
    url = f"/desk/filings/{filed.hex()}/decision/refuse"
    assert "was in order before signing" in terminal.get(url)
    terminal.post(url, status=400, grounds="reg-duty", note="", cure_until="20.12.2026")
    assert "Explain in the note what is wrong." in plain(terminal.text)
    terminal.post(url, status=200, grounds="reg-duty", note="Түбіртек басқа талонға берілген.", cure_until="20.12.2026")
    assert "Before signing the citizen was told" in plain(terminal.text)


def test_handing_to_another_court(busy: World) -> None:
    obj = busy.file()
    terminal = at_desk(busy)
    url = f"/desk/filings/{obj.hex()}/decision/redirect"
    assert '<option value="47" selected>' in terminal.get(url), "the court's own region first"
    assert ASTANA in terminal.get(f"{url}?region=71")
    terminal.post(f"{url}?region=71", status=400, redirected_to="", note="")
    assert "Choose the court" in plain(terminal.text)
    terminal.post(f"{url}?region=71", status=200, redirected_to=ASTANA, note="Соттылығы бойынша.")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', terminal.text))
    hidden.pop("csrf_token")
    before = terminal.go_back()
    assert f'<option value="{ASTANA}" selected>' in before
    assert "Соттылығы бойынша.</textarea>" in before
    terminal.post(f"{url}/sign", **hidden, **key_fields(CLERK))
    busy.deliver()
    assert busy.filing(obj, busy.astana).court == ASTANA
    assert [row.filing.obj for row in inbox.inbox(busy.aktau, AKTAU, tab="gone", search=busy.filing(obj).talon).rows] == [obj]
    assert "handed to another court" in plain(terminal.get("/desk?tab=gone"))
    terminal.get(f"/desk/filings/{obj.hex()}")
    terminal.get(f"/desk/filings/{obj.hex()}/decision/register", status=409)

    there = Terminal(busy.astana)
    there.sign_in(FOREIGN_CLERK)
    assert "Nothing here" not in plain(there.get("/desk"))
    there.decide(obj, "register", FOREIGN_CLERK)
    assert busy.filing(obj, busy.astana).number.startswith(busy.astana.book().court(ASTANA).rrcc)
    assert busy.filing(obj, busy.astana).submitted_ms == busy.filing(obj).submitted_ms


def test_a_supplement_joins_the_case_of_the_filing_it_answers(busy: World) -> None:
    first = busy.file()
    registration.sign(busy.aktau, clerk_of(), first, Draft(kind="register"), CLERK.open(busy.aktau))
    later = busy.file(answers_to=first)
    assert inbox.inbox(busy.aktau, AKTAU).counts["supplements"] == 1
    registration.sign(busy.aktau, clerk_of(), later, Draft(kind="register"), CLERK.open(busy.aktau))
    assert busy.filing(later).number == busy.filing(first).number
    assert case_rows.cases_of_filing(busy.aktau.database, later) == []


def test_what_the_citizen_withdrew_is_not_decided(busy: World) -> None:
    obj = busy.file()
    fetch(busy.aktau.database, "UPDATE filing_row SET status = 'withdrawn' WHERE obj = ?", (obj,))
    with pytest.raises(Conflict) as refused:
        registration.sign(busy.aktau, clerk_of(), obj, Draft(kind="register"), CLERK.open(busy.aktau))
    assert refused.value.code == "filing.withdrawn"


def test_rules_that_fail_only_now_are_told_from_those_that_warned(busy: World) -> None:
    form = sound_claim(payment=Payment(claim_tiyn=245_000_000, duty_tiyn=2_450_000, way="pending"))
    obj = busy.file(claim=form)
    terminal = at_desk(busy)
    assert "The citizen saw this before signing." in plain(terminal.get(f"/desk/filings/{obj.hex()}"))
    unwarned = busy.file(claim=msgspec.structs.replace(form, requirement="Басқа."), findings=[])
    assert "Before signing this check passed." in plain(terminal.get(f"/desk/filings/{unwarned.hex()}"))


def test_a_citizens_session_opens_no_desk(shared: World, filed: bytes) -> None:
    terminal = Terminal(shared.aktau)
    terminal.sign_in(BOLAT, status=400)
    with terminal.client.session_transaction() as session:
        session["visitor"] = {
            "person": CITIZEN.iin,
            "iin": CITIZEN.iin,
            "bin": "",
            "name": "",
            "certificate": CITIZEN.key.certificate.sha256.hex(),
            "how": "key",
        }
    for path in ("/desk", f"/desk/filings/{filed.hex()}", "/desk/cases", "/desk/line"):
        terminal.get(path, status=404)


def test_terms_begin_on_the_day_of_receipt(shared: World, filed: bytes) -> None:
    came = inbox.came_ms(shared.aktau.database, filed)
    assert terms.local_date(came) == date(2026, 11, 21)
    assert inbox.came_ms(shared.aktau.database, bytes(16)) == 0
