"""Hearings: set, moved and closed at the desk; seen by who takes part and by that court, and by nobody else."""

import re
from datetime import date, time
from html import unescape
from pathlib import Path

import msgspec
import pytest

from common.court import hearing_lists, terms, texts
from common.court.hearings import Hearing, Set
from common.db import fetch, transaction
from common.errors import Conflict, NotFound, Refused
from common.facts import decode_body, encode_body
from common.pki import cms
from edge.services import decisions, drafts, erasures, filings, hearings, registration, rulings
from edge.services.hearings import Closing, Draft, Target
from edge.services.registration import Clerk
from edge.visitor import Visitor
from edge.web.filings_mine import _hearings
from edge.web.hearings_words import moment
from sync import fsck
from sync.entry import write_entry
from sync.tables import entries_of, store_entries
from tests.web.desk_world import (
    ADMINISTRATOR,
    AKTAU,
    CHAIRMAN,
    CITIZEN,
    CLERK,
    FOREIGN_CLERK,
    HIDDEN,
    JUDGE,
    Terminal,
    World,
    key_fields,
    plain,
)
from tests.web.filing_world import MAKERS
from tests.web.pages import BOLAT, Browser, Person, build
from tests.web.test_rulings import as_judge, registered, ruled

DAY_MS = 86_400_000
DAY, LATER = date(2026, 12, 1), date(2026, 12, 3)
JUDGE_NAME = "Омаров Берік Серікұлы"
LINK = "https://vks.example.kz/j/4711?pwd=Abc"
FORM = {
    "day": "01.12.2026",
    "at": "10:30",
    "hall": "3-зал",
    "judge": JUDGE_NAME,
    "kind": "main",
    "openness": "open",
    "mode": "video",
    "link": LINK,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.create(tmp_path_factory.mktemp("hearings"))
    drafts.create(world.aktau)
    filings.create(world.aktau)
    return world


def draft(**said: object) -> Draft:
    return Draft(
        **{  # type: ignore[arg-type]
            "day": DAY,
            "at": time(10, 30),
            "hall": "3-зал",
            "kind": "main",
            "closed": False,
            "mode": "video",
            "judge": JUDGE_NAME,
            "link": LINK,
            **said,
        }
    )


def fixed(world: World, case: bytes, **said: object) -> Target:
    """Set a hearing in ``case`` and return it as its page shows it."""
    where = hearings.in_case(world.aktau, AKTAU, case)
    obj = hearings.sign(world.aktau, as_judge(), where, draft(**said), JUDGE.open(world.aktau))
    return hearings.of_court(world.aktau, AKTAU, obj)


def stands(world: World, target: Target) -> Hearing:
    assert target.hearing is not None
    found = hearing_lists.hearing(world.aktau.database, target.hearing.obj)
    assert found is not None
    return found


def hidden_in(page: str) -> dict[str, str]:
    found = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    found.pop("csrf_token")
    return found


def cabinet(world: World, who: Person = CITIZEN) -> Browser:
    browser = Browser(build(world.aktau, MAKERS))
    browser.enter(who)
    return browser


def test_a_judge_sets_a_hearing_on_the_pages_and_signs_what_is_shown(world: World) -> None:
    _, case = ruled(world)
    judge = Terminal(world.aktau)
    judge.sign_in(JUDGE)
    assert "No hearing is set yet." in judge.get(f"/desk/cases/{case.hex()}")
    assert f"/desk/hearings/new/{case.hex()}" in judge.text
    address = f"/desk/hearings/new/{case.hex()}"
    judge.get(address)
    page = judge.post(address, status=200, **FORM)
    for shown in ("1 December 2026, Tuesday, 10:30", "3-зал", LINK, "by video conference", "QR code of the link"):
        assert shown in plain(page) + page, shown
    assert f"Бейнебайланыс сілтемесі / Ссылка на видеосвязь: {LINK}" in unescape(page)
    assert "Басталуы / Начало: 2026-12-01 10:30" in page
    said = hidden_in(page)
    before = unescape(judge.go_back())
    for shown in ('value="01.12.2026"', 'value="10:30"', 'value="3-зал"', f'value="{LINK}"', f'<option value="{JUDGE_NAME}" selected>'):
        assert shown in before, shown
    judge.post(f"{address}/sign", status=400, **said, **key_fields(CLERK))
    assert "This is not the key you signed in with" in judge.text
    to = judge.post(f"{address}/sign", **said, **key_fields(JUDGE))
    page = plain(judge.get(to))
    assert "set for this time" in page
    [hearing] = hearing_lists.of_case(world.aktau.database, case)
    entry, _ = entries_of(world.aktau.database, hearing.obj)[0]
    assert LINK.encode() in (entry.body or b"")
    assert LINK.encode() not in entry.envelope_bytes, "nothing of it in the envelope"
    assert "1 December 2026" in plain(judge.get(f"/desk/cases/{case.hex()}"))
    assert fsck.check(world.aktau.database, world.aktau.fold) == []


def test_the_participant_sees_time_place_and_link_and_nobody_else_does(world: World) -> None:
    obj, case = ruled(world)
    target = fixed(world, case)
    citizen = cabinet(world)
    page = unescape(citizen.get(f"/filings/{obj.hex()}").text)
    for text in ("1 December 2026, Tuesday, 10:30", "3-зал", LINK, 'aria-label="QR code of the link"', "Актау"):
        assert text in page, text
    assert f'href="{LINK}"' not in page, "a kiosk leads nowhere else"
    assert "as of" in page
    listed = unescape(citizen.get("/filings").text)
    assert "Hearing: 1 December 2026, Tuesday, 10:30, hall 3-зал" in listed
    assert LINK not in listed
    assert "A hearing is set: 1 December 2026, Tuesday, 10:30." in citizen.get("/notifications").text
    other = cabinet(world, BOLAT)
    assert other.get(f"/filings/{obj.hex()}").status_code == 404
    assert "No notifications yet" in other.get("/notifications").text
    assert LINK not in Browser(build(world.aktau, MAKERS)).get("/").text
    address = f"/desk/hearings/{stands(world, target).obj.hex()}"
    world.deliver()
    held = fetch(world.astana.database, "SELECT COUNT(*) FROM hearing WHERE obj = ?", (stands(world, target).obj,))
    for who, node in ((FOREIGN_CLERK, world.astana), (ADMINISTRATOR, world.aktau)):
        stranger = Terminal(node)
        stranger.sign_in(who)
        for path in ("", "/move", "/close"):
            stranger.get(address + path, status=404)
        stranger.get(f"/desk/hearings/new/{case.hex()}", status=404)
    assert held == [(0,)], "a machine where no cabinet of hers was opened has nothing of it"


def test_it_reaches_the_cabinet_that_was_opened_elsewhere_and_says_as_of_when(world: World) -> None:
    obj = world.file_at_a_kiosk()
    clerk = Clerk(AKTAU, "Қасымова Дина", CLERK.key.certificate.sha256)
    from_desk = registered_of(world, obj, clerk)
    fixed(world, from_desk)
    world.deliver()
    drafts.create(world.astana)
    filings.create(world.astana)
    browser = Browser(build(world.astana, MAKERS))
    browser.enter(CITIZEN)
    page = unescape(browser.get(f"/filings/{obj.hex()}").text)
    assert LINK in page
    assert "other courts: as of today" in page


def registered_of(world: World, obj: bytes, clerk: Clerk) -> bytes:
    case = registration.sign(world.aktau, clerk, obj, decisions.Draft(kind="register"), CLERK.open(world.aktau)).case
    rulings.sign(world.aktau, as_judge(), case, rulings.Draft(outcome="accepted"), JUDGE.open(world.aktau))
    return case


def test_a_moved_and_a_cancelled_hearing_are_said_plainly(world: World) -> None:
    obj, case = ruled(world)
    target = fixed(world, case)
    address = f"/desk/hearings/{stands(world, target).obj.hex()}"
    clerk = Terminal(world.aktau)
    clerk.sign_in(CLERK)
    form = clerk.get(f"{address}/move")
    assert 'value="01.12.2026"' in form
    assert 'value="10:30"' in form
    page = clerk.post(f"{address}/move", status=200, **hidden_in(form), **{**FORM, "day": "03.12.2026", "at": "9.15"})
    assert "Бұрынғы уақыты / Прежнее время: 2026-12-01 10:30" in page
    clerk.post(f"{address}/move/sign", **hidden_in(page), **key_fields(CLERK))
    citizen = cabinet(world)
    shown = unescape(citizen.get(f"/filings/{obj.hex()}").text)
    assert "3 December 2026, Thursday, 09:15" in shown
    assert "The earlier time, which does not count any more: 1 December 2026, Tuesday, 10:30." in shown
    assert (
        "The hearing of 1 December 2026, Tuesday, 10:30 is moved: 3 December 2026, Thursday, 09:15." in citizen.get("/notifications").text
    )
    form = clerk.get(f"{address}/close")
    said = {"outcome": "cancelled", "note": ""}
    assert "Write why" in clerk.post(f"{address}/close", status=400, **hidden_in(form), **said)
    page = clerk.post(f"{address}/close", status=200, **hidden_in(form), **{**said, "note": "Тараптар келісті."})
    clerk.post(f"{address}/close/sign", **hidden_in(page), **key_fields(CLERK))
    shown = unescape(citizen.get(f"/filings/{obj.hex()}").text)
    assert "cancelled" in shown
    assert "Тараптар келісті." in shown
    assert LINK not in shown, "nobody joins any more"
    assert "is cancelled" in citizen.get("/notifications").text
    assert "3 December 2026" not in citizen.get("/filings").text, "nothing comes next"
    assert clerk.client.get(f"{address}/move").status_code == 303
    assert "Set the next hearing" in clerk.get(address)
    assert [each.kind for each in hearing_lists.events(world.aktau.database, stands(world, target).obj)] == ["set", "moved", "cancelled"]


def test_of_two_who_change_it_at_once_the_second_is_told(world: World) -> None:
    _, case = ruled(world)
    target = fixed(world, case)
    address = f"/desk/hearings/{stands(world, target).obj.hex()}"
    judge, clerk = Terminal(world.aktau), Terminal(world.aktau)
    judge.sign_in(JUDGE)
    clerk.sign_in(CLERK)
    pages = [each.post(f"{address}/move", status=200, **hidden_in(each.get(f"{address}/move")), **{**FORM, "at": at})
             for each, at in ((judge, "11:00"), (clerk, "15:00"))]  # fmt: skip
    judge.post(f"{address}/move/sign", **hidden_in(pages[0]), **key_fields(JUDGE))
    to = clerk.post(f"{address}/move/sign", **hidden_in(pages[1]), **key_fields(CLERK))
    assert "The hearing was changed meanwhile" in clerk.get(to)
    assert moment(stands(world, target).starts_ms).endswith("11:00")
    stale = {**hidden_in(pages[1]), "seen": ""}
    clerk.post(f"{address}/move/sign", **stale, **key_fields(CLERK))
    assert moment(stands(world, target).starts_ms).endswith("11:00"), "a page that saw nothing changes nothing"


def test_who_is_told_of_a_change_goes_on_from_there_and_loses_nothing(world: World) -> None:
    _, case = ruled(world)
    target = fixed(world, case)
    clerk = Terminal(world.aktau)
    clerk.sign_in(CLERK)
    address = f"/desk/hearings/{stands(world, target).obj.hex()}"
    note = "Тараптар келісті."
    pages = {"move": {**FORM, "hall": "5-зал"}, "close": {"outcome": "cancelled", "note": note}}
    forms = {name: clerk.get(f"{address}/{name}") for name in pages}
    hearings.sign(world.aktau, as_judge(), target, draft(at=time(11, 0)), JUDGE.open(world.aktau))
    for name, said in pages.items():
        told = clerk.post(f"{address}/{name}", status=400, **hidden_in(forms[name]), **said)
        assert "The hearing was changed meanwhile" in told
        assert "11:00" in plain(told)
        assert said.get("hall", note) in unescape(told)
        assert "The text that is signed" in clerk.post(f"{address}/{name}", status=200, **hidden_in(told), **said)


def test_a_change_from_an_older_base_is_shown_until_people_have_decided(world: World) -> None:
    _, case = ruled(world)
    target = fixed(world, case)
    node = world.aktau
    hearings.sign(node, as_judge(), target, draft(day=LATER), JUDGE.open(node))
    clerk = Clerk(AKTAU, "Қасымова Дина Ерланқызы", CLERK.key.certificate.sha256)
    stale = hearings._unsigned(node, clerk, target, draft(at=time(16, 0)), node.clock.now())
    signature = CLERK.open(node).sign(stale.content, at_ms=node.clock.now())
    write_unchecked(world, target, stale, signature)
    judge = Terminal(node)
    judge.sign_in(JUDGE)
    address = f"/desk/hearings/{stands(world, target).obj.hex()}"
    page = plain(judge.get(address))
    assert "Two changes that did not know of each other." in page
    assert "Қасымова Дина Ерланқызы signed a change to 1 December 2026, Tuesday, 16:00" in page
    world.court.clock.tick(1000)
    now = hearings.of_court(node, AKTAU, stands(world, target).obj)
    hearings.sign(node, as_judge(), now, draft(day=LATER, at=time(16, 0)), JUDGE.open(node))
    assert "Two changes" not in plain(judge.get(address))


def write_unchecked(world: World, target: Target, body: object, signature: bytes) -> None:
    """Write an entry as a machine did that did not know of the newest one: it is folded, and refused by the fold."""
    node = world.aktau
    first, _ = entries_of(node.database, stands(world, target).obj)[0]
    envelope = msgspec.structs.replace(first.envelope, epoch=9, seq=1, base=first.leaf, time=node.clock.now())
    entry = write_entry(envelope, encode_body(msgspec.structs.replace(body, signature=signature)))  # type: ignore[arg-type,type-var]
    with transaction(node.database):
        store_entries(node.database, [(entry, None, None)])
        node.fold.refold(node.database, [envelope.obj], node.clock.now())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"day": date(2026, 11, 20)}, r"hearing\.past"),
        ({"day": date(2026, 11, 28)}, r"hearing\.day_off"),
        ({"day": date(2026, 12, 16)}, r"hearing\.day_off"),
        ({"day": date(2029, 1, 9)}, r"hearing\.far"),
        ({"at": time(7, 59)}, r"hearing\.hour"),
        ({"at": time(18, 31)}, r"hearing\.hour"),
        ({"hall": " "}, r"hearing\.hall"),
        ({"hall": "з" * 101}, r"hearing\.hall"),
        ({"judge": "Біреу"}, r"hearing\.judge"),
        ({"link": ""}, r"hearing\.no_link"),
        ({"link": "http://vks.example.kz"}, r"hearing\.link"),
        ({"link": "https://" + "v" * 400 + ".kz"}, r"hearing\.link"),
        ({"mode": "hall"}, r"hearing\.link_unused"),
    ],
)
def test_what_cannot_be_set_is_told_at_its_field(world: World, said: dict[str, object], code: str) -> None:
    _, case = ruled(world)
    with pytest.raises(Refused, match=code) as refused:
        fixed(world, case, **said)
    assert refused.value.field in (*said, "link")
    assert hearing_lists.of_case(world.aktau.database, case) == []


def test_an_hour_of_today_that_is_over_is_told(tmp_path: Path) -> None:
    world = World.create(tmp_path)
    _, case = ruled(world)
    world.court.clock.tick(3 * DAY_MS)
    today = terms.local_date(world.aktau.clock.now())
    with pytest.raises(Refused, match=r"hearing\.past_hour"):
        fixed(world, case, day=today, at=time(8, 0))
    assert stands(world, fixed(world, case, day=today, at=time(18, 0))).status == "set"


def test_who_may_set_and_close_a_hearing(world: World) -> None:
    _, waiting = registered(world)
    with pytest.raises(Conflict, match=r"hearing\.not_accepted"):
        hearings.in_case(world.aktau, AKTAU, waiting)
    _, case = ruled(world)
    node = world.aktau
    with pytest.raises(NotFound):
        hearings.in_case(node, "kz-7", case)
    where = hearings.in_case(node, AKTAU, case)
    with pytest.raises(Refused, match=r"registration\.other_key"):
        hearings.sign(node, as_judge(), where, draft(), CHAIRMAN.open(node))
    with pytest.raises(Refused, match=r"entry\.role"):
        hearings.sign(node, as_judge(ADMINISTRATOR), where, draft(), ADMINISTRATOR.open(node))
    for who in (JUDGE, CLERK, CHAIRMAN):
        hearings.sign(node, as_judge(who), where, draft(), who.open(node))
    target = fixed(world, case)
    with pytest.raises(Refused, match=r"hearing\.not_yet"):
        hearings.sign(node, as_judge(), target, Closing(outcome="held"), JUDGE.open(node))
    hearings.sign(node, as_judge(), target, Closing(outcome="adjourned", note="Сарапшы келмеді."), JUDGE.open(node))
    with pytest.raises(Conflict, match=r"hearing\.changed"):
        hearings.sign(node, as_judge(), target, draft(), JUDGE.open(node))
    with pytest.raises(Conflict, match=r"hearing\.closed"):
        hearings.sign(node, as_judge(), hearings.of_court(node, AKTAU, stands(world, target).obj), draft(), JUDGE.open(node))


def test_the_signature_is_the_officers_own_over_the_text_that_was_shown(world: World) -> None:
    _, case = ruled(world)
    where = hearings.in_case(world.aktau, AKTAU, case)
    shown = hearings.to_sign(world.aktau, as_judge(), where, draft())
    obj = hearings.sign(world.aktau, as_judge(), where, draft(), JUDGE.open(world.aktau))
    entry, _ = entries_of(world.aktau.database, obj)[0]
    said = decode_body(entry.body or b"", Set)
    assert said.content == shown
    assert cms.verify_detached(said.signature, said.content).sha256 == JUDGE.key.certificate.sha256
    assert (texts.NUMBER, stands(world, Target(where.case, hearing_lists.hearing(world.aktau.database, obj))).number) in texts.read(shown)


def test_the_list_of_the_court_in_order_of_day_and_what_clashes(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World.create(tmp_path_factory.mktemp("list"))
    judge = Terminal(world.aktau)
    judge.sign_in(JUDGE)
    assert "No hearings are set from today on" in judge.get("/desk/hearings")
    assert "There were no hearings before today" in judge.get("/desk/hearings?past=1")
    _, case = ruled(world)
    fixed(world, case, day=LATER)
    fixed(world, case, at=time(11, 0), hall="5-зал", mode="hall", link="")
    first = fixed(world, case, at=time(9, 0))
    page = plain(judge.get("/desk/hearings"))
    times = re.findall(r"\b(?:09:00|11:00|10:30)\b|\d December 2026", page)
    assert times == ["1 December 2026", "09:00", "11:00", "3 December 2026", "10:30"]
    address = f"/desk/hearings/new/{case.hex()}"
    judge.get(address)
    page = plain(judge.post(address, status=200, **{**FORM, "at": "09:30"}))
    assert "the same judge or the same hall is taken: 1 December 2026, Tuesday, 09:00" in page
    judge.get(address)
    assert "is taken" not in plain(judge.post(address, status=200, **{**FORM, "at": "17:00"}))
    world.court.clock.tick(12 * DAY_MS)
    judge.sign_in(JUDGE)
    page = plain(judge.get("/desk/hearings?past=1"))
    assert "has not written yet how it ended" in page
    judge.get(f"/desk/hearings/{stands(world, first).obj.hex()}/close")
    hearings.sign(world.aktau, as_judge(), first, Closing(outcome="held"), JUDGE.open(world.aktau))
    assert "held" in plain(judge.get("/desk/hearings?past=1"))


def test_a_witness_sees_the_filing_and_not_its_hearings(world: World) -> None:
    obj, case = ruled(world)
    fixed(world, case)
    filing = world.filing(obj)
    witness = Visitor(filing.person, "", "", "", b"", "witness", witness=object())  # type: ignore[arg-type]
    with build(world.aktau, MAKERS).test_request_context():
        assert _hearings(world.aktau, witness, filing, world.aktau.clock.now()) is None


def test_an_act_erases_a_hearing_too_whatever_became_of_its_case(world: World) -> None:
    obj, case = ruled(world)
    target = fixed(world, case)
    hearing = stands(world, target)
    act = {"court": AKTAU, "reference": "4711-26-00-2/17", "date": "2026-11-27"}
    for each in (obj, case):
        erasures.order(world.aktau, each, JUDGE.open(world.aktau), **act)
    judge = Terminal(world.aktau)
    judge.sign_in(JUDGE)
    judge.get(f"/desk/hearings/{hearing.obj.hex()}", status=404)
    address = f"/desk/erasures/{hearing.obj.hex()}"
    page = judge.get(f"/desk/erasures?q=№ {hearing.number}")
    assert address in page
    assert "1 December 2026, Tuesday, 10:30" in page
    judge.get(address)
    judge.post(address, reference=act["reference"], day="27.11.2026", **key_fields(JUDGE))
    assert fetch(world.aktau.database, "SELECT COUNT(*) FROM entry WHERE obj = ? AND body IS NOT NULL", (hearing.obj,)) == [(0,)]
    assert fetch(world.aktau.database, "SELECT COUNT(*) FROM hearing WHERE obj = ?", (hearing.obj,)) == [(0,)]


def test_on_a_screen_of_ones_own_the_link_is_a_link(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    obj, case = ruled(world)
    target = fixed(world, case)
    monkeypatch.setattr(world.aktau, "config", msgspec.structs.replace(world.aktau.config, surface="home"))
    assert f'href="{LINK}" target="_blank" rel="noopener noreferrer"' in unescape(cabinet(world).get(f"/filings/{obj.hex()}").text)
    judge = Terminal(world.aktau)
    judge.sign_in(JUDGE)
    assert f'href="{LINK}"' in unescape(judge.get(f"/desk/hearings/{stands(world, target).obj.hex()}"))
