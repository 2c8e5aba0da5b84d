"""Registration and sign-in as a person meets them: owner, colleague, stranger; wrong, revoked and other people's keys."""

import io
import re
from pathlib import Path

import pytest

from common.court import accounts as account_rows
from common.db import fetch
from common.errors import Refused
from common.pki import cms
from common.pki.authority import DAY_MS
from edge.services import accounts, passwords
from edge.web import accounts as account_pages
from tests.web.pages import (
    AIGUL,
    ALMA,
    BEGUN_MS,
    BOLAT,
    CABINET_PASSWORD,
    FIRM,
    GOST_AIGUL,
    OUTSIDER,
    PASSWORD,
    REVOKED,
    Browser,
    House,
    Person,
    build,
    by_password,
    centre_of,
    errors_in,
    somebody,
    trust_our_centres,
)

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


def objects_of(house: House, who: Person) -> list[account_rows.Account]:
    return account_rows.accounts_of(house.node.database, who.person)


def entries(house: House) -> int:
    return int(fetch(house.node.database, "SELECT COUNT(*) FROM entry WHERE node = ?", (house.node.number,))[0][0])


# -- registration


def test_without_accepting_the_agreement_nobody_goes_on(browser: Browser) -> None:
    page = browser.get("/register").text
    assert "Your personal data" in page
    version = re.search(r'name="version" value="([0-9a-f]{16})"', page)
    assert version is not None
    answer = browser.post("/register", {"version": version[1]})
    assert answer.status_code == 400
    assert "Without accepting the agreement" in errors_in(answer)
    assert browser.get("/register/key").headers["Location"] == "/register"


def test_another_version_than_the_one_shown_is_not_accepted(browser: Browser) -> None:
    answer = browser.post("/register", {"version": "0" * 16, "accept": "y"})
    assert "The agreement has changed meanwhile" in errors_in(answer)


def test_registration_writes_what_was_signed_and_opens_the_cabinet(house: House, browser: Browser) -> None:
    who = somebody(1)
    answer = browser.register(who, email="a@b.kz")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cabinet")
    page = browser.get("/cabinet").text
    assert "You are registered" in page
    assert "a@b.kz" in page
    (account,) = objects_of(house, who)
    assert (account.registered, account.email, account.language, account.name) == (True, "a@b.kz", "en", "Сынақов Азамат1")
    assert "agreement has changed" not in page
    assert fetch(house.node.database, "SELECT COUNT(*) FROM quarantine")[0][0] == 0


def test_registering_again_changes_email_and_password_of_the_same_account(house: House, browser: Browser) -> None:
    who = somebody(2)
    browser.register(who)
    again = Browser(browser.app)
    again.register(who, email="new@b.kz", password=OTHER_PASSWORD)
    (account,) = objects_of(house, who)
    assert account.email == "new@b.kz"
    assert by_password(Browser(browser.app), who.iin).status_code == 400
    assert by_password(Browser(browser.app), who.iin, OTHER_PASSWORD).status_code == 303


def test_an_organisation_is_registered_by_its_bin(house: House, browser: Browser) -> None:
    browser.register(FIRM)
    (account,) = objects_of(house, FIRM)
    assert (account.person, account.iin, account.name) == (FIRM.bin, AIGUL.iin, "«ДАЛА» ЖШС")
    colleague = Browser(browser.app)
    assert by_password(colleague, FIRM.bin).status_code == 303
    assert "«ДАЛА» ЖШС" in colleague.get("/cabinet").text
    colleague = Browser(browser.app)
    colleague.enter(ALMA)
    assert len(objects_of(house, FIRM)) == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"password_again": "another one entirely"}, "The two passwords differ"),
        ({"password": "short", "password_again": "short"}, "at least 10 characters; yours has 5"),
        ({"password": "ққққққққққққққ"}, "easy to guess"),
        ({"email": "aigul@example"}, "Write the e-mail like this"),
        ({"email": "", "password": ""}, "Think up a password"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_before_the_key_is_opened(browser: Browser, data: dict[str, str], sentence: str) -> None:
    _agree(browser)
    good = {"email": "a@b.kz", "password": CABINET_PASSWORD, "password_again": CABINET_PASSWORD}
    answer = browser.post("/register/key", good | data, key=somebody(3))
    assert answer.status_code == 400
    assert sentence in errors_in(answer)
    assert CABINET_PASSWORD not in answer.text


def _agree(browser: Browser) -> None:
    version = re.search(r'name="version" value="([^"]+)"', browser.get("/register").text)
    assert version is not None
    browser.post("/register", {"accept": "y", "version": version[1]})


def test_one_person_cannot_fill_the_register_with_entries(house: House, browser: Browser) -> None:
    who = somebody(4)
    gate = account_pages.Gate(house.node)
    for _ in range(account_pages.CHANGES_MAX):
        gate.change(who.iin)
    with pytest.raises(Exception, match="account.changes"):
        gate.change(who.iin)
    gate.change("somebody else")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("a" * 129, "password.long"),
        ("qwertyuiop", "password.simple"),
        ("йцукенгшщз", "password.simple"),
        ("9876543210", "password.simple"),
        ("Password2026", "password.simple"),
        ("менің 850312400127 кілтім", "password.yours"),
        ("sarsenova 4 көктем", "password.yours"),
    ],
)
def test_weak_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        passwords.check_new(password, person="850312400127", email="Sarsenova@example.kz")
    assert refused.value.code == code


@pytest.mark.parametrize("password", [CABINET_PASSWORD, "correct horse battery staple", "Тау-Өзен-Бұлт-7"])
def test_good_passwords_are_taken(password: str) -> None:
    assert passwords.check_new(password, person="850312400127", email="a@b.kz") == password


# -- sign-in by key


def test_the_first_sign_in_here_opens_a_cabinet_and_the_second_writes_nothing(house: House, browser: Browser) -> None:
    who = somebody(10)
    browser.enter(who)
    (account,) = objects_of(house, who)
    assert (account.registered, account.node) == (False, house.node.number)
    before = entries(house)
    Browser(browser.app).enter(who)
    assert entries(house) == before


def test_a_gost_key_opens_the_same_cabinet_as_the_person(browser: Browser) -> None:
    browser.enter(GOST_AIGUL)
    page = browser.get("/cabinet").text
    assert "Сәрсенова Айгүл Маратқызы" in page
    assert "850312\N{NO-BREAK SPACE}400127" in page


def test_sign_in_renews_the_session(browser: Browser) -> None:
    _agree(browser)
    planted = browser.cookie
    assert planted
    browser.enter(somebody(11))
    assert browser.cookie != planted
    thief = Browser(browser.app)
    thief.client.set_cookie(browser.app.session_interface._cookie, planted)  # type: ignore[attr-defined]
    assert thief.get("/cabinet").status_code == 303


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/notifications", "/notifications"),
        ("//evil.example/", "/cabinet"),
        ("https://evil.example/", "/cabinet"),
        ("/\\evil.example", "/cabinet"),
        ("", "/cabinet"),
    ],
)
def test_after_sign_in_one_goes_on_where_one_wanted_and_never_elsewhere(browser: Browser, wanted: str, led: str) -> None:
    assert browser.enter(BOLAT, to=wanted).headers["Location"] == led


def test_a_page_that_needs_sign_in_leads_there_and_back(browser: Browser) -> None:
    assert browser.get("/cabinet").headers["Location"] == "/enter?next=/cabinet"


def test_a_wrong_key_password_says_how_many_tries_are_left_and_then_waits(house: House, browser: Browser) -> None:
    who = somebody(12)
    for left in (4, 3, 2, 1, 0):
        answer = browser.post("/enter", key=who, key_password="Qwerty13")
        assert answer.status_code == 400
        assert f"Tries left: {left}." in errors_in(answer)
    assert "was wrong too often. Try again in 15 min" in errors_in(browser.post("/enter", key=who))
    Browser(browser.app).enter(somebody(13))  # another file is another count
    assert objects_of(house, who) == []


def test_many_keys_that_do_not_open_stop_the_whole_client(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.web.keys.CLIENT_TRIES_MAX", 2)
    browser = Browser(build(house.node))
    for number in (14, 15):
        browser.post("/enter", key=somebody(number), key_password="wrong")
    assert "Too many keys did not open here" in errors_in(browser.post("/enter", key=AIGUL))


def test_the_right_password_starts_the_count_anew(browser: Browser) -> None:
    who = somebody(16)
    browser.post("/enter", key=who, key_password="wrong")
    browser.enter(who)
    assert "Tries left: 4." in errors_in(Browser(browser.app).post("/enter", key=who, key_password="wrong"))


@pytest.mark.parametrize(
    ("who", "sentence"), [(REVOKED, "has been revoked"), (OUTSIDER, "not issued by a certification centre that is trusted")]
)
def test_a_key_that_is_not_in_order_does_not_sign_in(house: House, browser: Browser, who: Person, sentence: str) -> None:
    answer = browser.post("/enter", key=who)
    assert answer.status_code == 400
    assert sentence in errors_in(answer)
    assert 'href="#key_file"' in errors_in(answer)
    assert objects_of(house, who) == []
    assert browser.get("/cabinet").status_code == 303


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"\x30\x80" * 500, AIGUL.iin.encode()])
def test_another_file_than_a_key_is_named_as_such(browser: Browser, data: bytes) -> None:
    fields = {"csrf_token": browser.token("/enter"), "key_file": (io.BytesIO(data), "key.p12"), "key_password": PASSWORD}
    answer = browser.client.post("/enter", data=fields)
    assert answer.status_code == 400
    assert "not a key file" in errors_in(answer)


def test_a_large_file_is_not_even_read(browser: Browser) -> None:
    fields = {"csrf_token": browser.token("/enter"), "key_file": (io.BytesIO(b"x" * 300_000), "key.p12"), "key_password": PASSWORD}
    assert browser.client.post("/enter", data=fields).status_code == 413


def test_a_system_is_nobody_to_a_cabinet(house: House) -> None:
    key = centre_of("rsa2048").issue_organisation(
        "ЖҮЙЕ", "", "", "", "«ДАЛА» ЖШС", FIRM.bin, role="information_system", not_before_ms=BEGUN_MS
    )
    with pytest.raises(Refused) as refused:
        accounts.visitor_of(key.certificate)
    assert refused.value.code == "key.nobody"


@pytest.mark.parametrize("path", ["/reset", "/register/key"])
def test_the_key_of_another_person_does_nothing_in_an_open_session(house: House, browser: Browser, path: str) -> None:
    owner, stranger = somebody(17), somebody(18)
    browser.register(owner)
    _agree(browser)
    fields = {"password": OTHER_PASSWORD, "password_again": OTHER_PASSWORD, "email": "a@b.kz"}
    answer = browser.post(path, fields, key=stranger)
    assert answer.status_code == 400
    assert "belongs to somebody else" in errors_in(answer)
    assert not passwords.is_set(house.node.database, stranger.iin)
    assert by_password(Browser(browser.app), owner.iin).status_code == 303


def test_who_came_with_a_password_may_add_only_their_own_key(browser: Browser) -> None:
    owner = somebody(19)
    browser.register(owner)
    visitor = Browser(browser.app)
    by_password(visitor, owner.iin)
    assert "belongs to somebody else" in errors_in(visitor.post("/enter", key=BOLAT))
    visitor.enter(owner)
    assert "<dd>by key</dd>" in visitor.get("/cabinet").text


def test_staff_at_their_desk_open_no_cabinet(house: House) -> None:
    who = somebody(20)
    visitor = accounts.sign_in_by_key(house.node, who.open(house.node), cabinet=False)
    assert (visitor.person, visitor.how, visitor.certificate) == (who.iin, "key", who.key.certificate.sha256)
    assert objects_of(house, who) == []


# -- the challenge


def test_a_challenge_is_good_once_here_and_not_for_long(tmp_path: Path) -> None:
    house = House(tmp_path)
    node, clock = house.node, house.court.clock
    challenge = accounts.make_challenge(node)
    signature = cms.sign_detached(challenge, AIGUL.key, at_ms=clock.now())
    assert accounts.enter(node, challenge, signature).person == AIGUL.iin
    _refused(node, challenge, signature, "enter.challenge")
    late = accounts.make_challenge(node)
    clock.tick(accounts.CHALLENGE_MS + 1)
    _refused(node, late, cms.sign_detached(late, AIGUL.key, at_ms=clock.now()), "enter.challenge")
    invented = account_rows.sign_in_challenge(node=node.number, time="21.11.2026, 10:46", once=b"1" * 32)
    _refused(node, invented, cms.sign_detached(invented, AIGUL.key, at_ms=clock.now()), "enter.challenge")
    fresh = accounts.make_challenge(node)
    _refused(node, fresh, cms.sign_detached(b"another text", AIGUL.key, at_ms=clock.now()), "cms.tampered")
    _refused(node, fresh, cms.sign_detached(fresh, AIGUL.key, at_ms=clock.now()), "enter.challenge")


def _refused(node: object, challenge: bytes, signature: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        accounts.enter(node, challenge, signature)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_second_node_without_a_line_takes_the_key_and_joins_the_accounts_later(tmp_path: Path) -> None:
    house = House(tmp_path)
    court, first = house.court, house.node
    trust_our_centres(court.centre)  # type: ignore[arg-type]
    second = court.node("kz-283")
    trust_our_centres(second)
    court.cut(first)
    court.cut(second)
    Browser(house.app).register(AIGUL)
    there = Browser(build(second))
    there.enter(AIGUL)
    assert "without registration at this court" in there.get("/cabinet").text
    assert WRONG in by_password(Browser(there.app), AIGUL.iin).text
    for node in (first, second, first, second):
        court.heal(node)
        court.exchange(node)
    for node in (first, second):
        found = accounts.cabinet_of(node, AIGUL.iin)
        assert found is not None
        assert (found.registered, found.email) == (True, "aigul@example.kz")
        assert len(account_rows.accounts_of(node.database, AIGUL.iin)) == 2
    assert WRONG in by_password(Browser(there.app), AIGUL.iin).text  # a verifier never travels


# -- how fresh the list of revocations is


def test_an_old_list_is_shown_and_a_newer_one_ends_the_session_of_a_revoked_key(tmp_path: Path) -> None:
    house = House(tmp_path)
    clock, node = house.court.clock, house.node
    who = somebody(30)
    clock.tick(2 * DAY_MS)
    browser = house.browser()
    browser.enter(who)
    assert "The key will be checked again when a newer list comes" in browser.get("/cabinet").text
    centre = centre_of("rsa2048")
    node.trust.import_crl(centre.crl(clock.now() - 1, clock.now() + DAY_MS, 99_999), clock.now())
    assert "checked again" not in browser.get("/cabinet").text
    clock.tick(3 * DAY_MS)
    browser = house.browser()
    browser.enter(who)
    centre.revoke(who.key.certificate, clock.now() - 1000)
    try:
        node.trust.import_crl(centre.crl(clock.now() - 1, clock.now() + DAY_MS, 100_000), clock.now())
    finally:
        del centre.revoked[who.key.certificate.serial]
    answer = browser.get("/cabinet")
    assert answer.status_code == 403
    assert "no longer accepted" in answer.text
    assert browser.get("/cabinet").status_code == 303


def test_without_any_list_the_page_says_so(tmp_path: Path) -> None:
    house = House(tmp_path)
    centre = centre_of("elsewhere")
    for certificate in (*centre.anchors(), *centre.authorities()):
        house.node.trust.add(certificate)
    browser = house.browser()
    browser.enter(OUTSIDER)
    assert "There is no revocation list here yet" in browser.get("/cabinet").text
