"""Passwords of cabinets, and what no page of accounts may do: open channels, missing tokens, logs, what stays on the disk."""

import logging
from pathlib import Path

import pytest

from common.db import fetch
from common.errors import Refused
from common.pki.opening import open_key
from edge.services import accounts, passwords
from edge.web import accounts as account_pages
from tests.web.pages import AIGUL, BOLAT, CABINET_PASSWORD, PASSWORD, Browser, House, build, by_password, errors_in, somebody

NATIONAL = Path(__file__).resolve().parents[3] / "shared/pki/data/ncanode-go-2026/certs"
OTHER_PASSWORD = "қара жылқы көк аспан сары алма"
WRONG = "The number or the password is wrong"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One node for the module; what each test does, it does with people of its own."""
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def browser(house: House) -> Browser:
    """A new visitor of a freshly started application: nothing tried yet."""
    return Browser(build(house.node))


# -- sign-in by password


def test_iin_and_password_sign_in_where_they_were_set(browser: Browser) -> None:
    who = somebody(40)
    browser.register(who)
    visitor = Browser(browser.app)
    spaced = f"{who.iin[:6]} {who.iin[6:]}"
    assert by_password(visitor, spaced).headers["Location"] == "/cabinet"
    page = visitor.get("/cabinet").text
    assert "<dd>by password</dd>" in page


def test_a_wrong_password_and_an_unknown_number_get_the_same_answer(browser: Browser) -> None:
    who = somebody(41)
    browser.register(who)
    wrong = by_password(Browser(browser.app), who.iin, "something else here")
    unknown = by_password(Browser(browser.app), "700101399999", "something else here")
    assert wrong.status_code == unknown.status_code == 400
    assert errors_in(wrong) == errors_in(unknown)
    assert WRONG in errors_in(wrong)
    assert "set a password here" in errors_in(wrong)


def test_nobodys_verifier_costs_as_much_as_anybodys() -> None:
    assert not passwords._hasher().check_needs_rehash(passwords.NOBODY)
    costs = passwords.make_verifier("x").rsplit("$", 2)[0]
    assert passwords.NOBODY.startswith(costs)


def test_nobodys_verifier_fits_nothing(house: House) -> None:
    assert not passwords.fits(house.node.database, "nobody", "", 0)


@pytest.mark.parametrize(
    ("number", "sentence"), [("85031240012", "you entered 11"), ("85031240012x", "digits only"), ("", "Enter your IIN")]
)
def test_what_is_wrong_with_a_number_is_said(browser: Browser, number: str, sentence: str) -> None:
    assert sentence in errors_in(by_password(browser, number))


def test_a_number_is_locked_after_five_wrong_passwords_and_a_new_one_set_by_key_opens_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.browser().register(AIGUL)
    browser = house.browser()
    for _ in range(account_pages.NUMBER_TRIES_MAX):
        assert WRONG in errors_in(by_password(browser, AIGUL.iin, "wrong password"))
    locked = errors_in(by_password(browser, AIGUL.iin))
    assert "wrong too often. Try again in 15 min, or sign in by key now" in locked
    house.browser().register(BOLAT)
    assert by_password(house.browser(), BOLAT.iin).status_code == 303
    fields = {"password": OTHER_PASSWORD, "password_again": OTHER_PASSWORD}
    assert house.browser().post("/reset", fields, key=AIGUL).headers["Location"] == "/cabinet"
    assert by_password(house.browser(), AIGUL.iin, OTHER_PASSWORD).status_code == 303
    assert WRONG in errors_in(by_password(house.browser(), AIGUL.iin))


def test_a_locked_number_opens_again_after_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_pages, "NUMBER_TRIES_MAX", 1)
    house = House(tmp_path)
    house.browser().register(AIGUL)
    by_password(house.browser(), AIGUL.iin, "wrong password")
    assert by_password(house.browser(), AIGUL.iin).status_code == 400
    house.court.clock.tick(account_pages.TRIES_MS)
    assert by_password(house.browser(), AIGUL.iin).status_code == 303


def test_many_numbers_from_one_client_stop_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_pages, "CLIENT_TRIES_MAX", 2)
    browser = Browser(build(house.node))
    for number in ("700101388881", "700101388882"):
        by_password(browser, number, "wrong password")
    assert "Too many wrong passwords came from this machine" in errors_in(by_password(browser, "700101388883", "wrong password"))


def test_who_never_registered_here_may_set_a_password_by_key(house: House, browser: Browser) -> None:
    who = somebody(42)
    fields = {"password": OTHER_PASSWORD, "password_again": OTHER_PASSWORD}
    browser.post("/reset", fields, key=who)
    assert "The new password is set" in browser.get("/cabinet").text
    assert by_password(Browser(browser.app), who.iin, OTHER_PASSWORD).status_code == 303


# -- what no page may do


@pytest.mark.parametrize("path", ["/enter", "/enter/password", "/register", "/reset"])
def test_a_change_without_a_token_is_refused(browser: Browser, path: str) -> None:
    answer = browser.post(path, {"password": "x"}, token="")
    assert answer.status_code == 400
    assert "stood open for too long" in answer.text
    assert f'href="{path}"' in answer.text, "and the way on is the page itself, by way of the door"


def test_over_an_open_channel_no_key_is_taken_and_the_page_says_why(browser: Browser) -> None:
    abroad = {"environ_base": {"REMOTE_ADDR": "10.0.0.7"}}
    page = browser.get("/enter", **abroad).text
    assert "The signing key cannot be used on this page" in page
    assert 'type="file"' not in page
    assert browser.post("/enter", key=AIGUL, **abroad).status_code == 403
    assert browser.get("/cabinet").status_code == 303


@pytest.mark.parametrize("path", ["/enter/password", "/register/key", "/reset"])
def test_pages_with_a_password_are_not_served_over_an_open_channel(browser: Browser, path: str) -> None:
    assert browser.get(path, environ_base={"REMOTE_ADDR": "10.0.0.7"}).status_code == 403


def test_after_erasing_nothing_is_reachable(browser: Browser) -> None:
    browser.enter(somebody(50))
    assert browser.get("/cabinet").headers["Cache-Control"] == "no-store"
    kept = browser.cookie
    answer = browser.post("/end", {"sure": "1"}, token=browser.token("/cabinet"))
    assert answer.headers["Location"] == "/"
    assert "storage" in answer.headers["Clear-Site-Data"]
    assert browser.cookie == ""
    browser.client.set_cookie(browser.app.session_interface._cookie, kept)  # type: ignore[attr-defined]
    for path in ("/cabinet", "/notifications"):
        assert browser.get(path).status_code == 303


def test_nothing_of_a_person_reaches_the_log(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    who = somebody(51)
    browser.register(who, email="secret@example.kz")
    browser.post("/enter", key=who, key_password="Wrong-Key-Password")
    by_password(Browser(browser.app), who.iin, "Wrong-Cabinet-Password")
    browser.get("/cabinet")
    for secret in (who.iin, "СЫНАҚОВ", "Сынақов", "secret@example.kz", CABINET_PASSWORD, PASSWORD, "Wrong-", "GOST512_key"):
        assert secret not in caplog.text


def test_neither_key_nor_password_is_kept_anywhere(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.browser().register(AIGUL)
    house.node.database.empty_log()
    kept = b"".join(path.read_bytes() for path in house.node.data.rglob("*") if path.is_file())
    verifier = fetch(house.node.database, "SELECT verifier FROM password")[0][0]
    assert verifier.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert verifier.encode() in kept
    for secret in (AIGUL.p12[100:164], CABINET_PASSWORD.encode(), PASSWORD.encode()):
        assert secret not in kept
    bodies = b"".join(row[0] or b"" for row in fetch(house.node.database, "SELECT body FROM entry"))
    assert b"argon2" not in bodies
    assert AIGUL.iin.encode() in bodies


@pytest.mark.skipif(not NATIONAL.is_dir(), reason="no national test data")
def test_national_test_keys_sign_in_and_revoked_ones_do_not(tmp_path: Path) -> None:
    house = House(tmp_path)
    trust, now = house.node.trust, house.court.clock.now()
    for name in ("root_test_gost_2022.cer", "nca_gost2022_test.cer"):
        trust.add((NATIONAL / name).read_bytes())
    trust.import_crl((NATIONAL / "nca_gost2022_test.crl").read_bytes(), now)
    person = open_key((NATIONAL / "individual/valid/individual_valid.p12").read_bytes(), PASSWORD, trust, now_ms=now)
    assert accounts.sign_in_by_key(house.node, person).name == "Тестов Тест Тестович"
    head = open_key((NATIONAL / "legal/valid/head.p12").read_bytes(), PASSWORD, trust, now_ms=now)
    assert accounts.sign_in_by_key(house.node, head).person == head.certificate.bin
    with pytest.raises(Refused) as refused:
        open_key((NATIONAL / "individual/revoked/individual_revoked.p12").read_bytes(), PASSWORD, trust, now_ms=now)
    assert refused.value.code == "pki.revoked"
