"""Signatures that come from NCALayer: the same doors as with a key file, and nothing that a script could slip in."""

import base64
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from common.court import accounts as account_rules
from common.court import filing_lists
from common.pki import cms, pades
from common.pki.keystore import Key
from common.web import ncalayer
from edge.node import Node
from edge.services import drafts, passwords
from tests.web.country import ADMIN, Country
from tests.web.desk_world import CHAIRMAN, CLERK, World, make_app
from tests.web.elsewhere import answer_with, armoured, ask, sign_elsewhere
from tests.web.filing_world import create, fill, house_of, sent_by_pages, shown_on, visitor_of
from tests.web.pages import AIGUL, BOLAT, CABINET_PASSWORD, FIRM, GOST_AIGUL, OUTSIDER, REVOKED, Browser, House, Person, errors_in

PASSWORDS = {"password": CABINET_PASSWORD, "password_again": CABINET_PASSWORD}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("house"))


@pytest.fixture
def browser(house: House) -> Browser:
    return house.browser()


@pytest.mark.parametrize("who", [AIGUL, GOST_AIGUL, FIRM], ids=["rsa", "gost", "organisation"])
def test_ncalayer_opens_the_cabinet(browser: Browser, who: Person) -> None:
    answer = sign_elsewhere(browser, "/enter", who)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cabinet")
    assert browser.get("/cabinet").status_code == 200


def test_a_page_without_a_key_opens_no_connection(browser: Browser) -> None:
    assert ncalayer.ADDRESS in browser.get("/enter").headers["Content-Security-Policy"]
    assert ncalayer.ADDRESS not in browser.get("/").headers["Content-Security-Policy"]
    open_channel = browser.get("/enter", environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    assert ncalayer.ADDRESS not in open_channel.headers["Content-Security-Policy"]


def test_no_signature_is_asked_for_or_taken_over_an_open_channel(browser: Browser) -> None:
    token = browser.token("/enter")
    for extra in ({"ask": "1"}, {"signature": "MAA="}):
        data = {"csrf_token": token, "key_where": "ncalayer", **extra}
        answer = browser.client.post("/enter", data=data, environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
        assert answer.status_code == 403


def test_a_signature_serves_once_and_in_its_own_session(house: House, browser: Browser) -> None:
    content = base64.b64decode(ask(browser, "/enter").get_json()["content"])
    signature = armoured(content, AIGUL.key)
    stranger = house.browser()
    assert "begun anew" in errors_in(answer_with(stranger, "/enter", signature))
    assert answer_with(browser, "/enter", signature).status_code == 303
    browser.post("/end", {"sure": "1"}, token=browser.token("/cabinet"))
    browser.get("/help?lang=en")
    ask(browser, "/enter")
    assert "changed after signing" in errors_in(answer_with(browser, "/enter", signature))


def test_a_signature_fits_only_the_page_that_asked(browser: Browser) -> None:
    content = base64.b64decode(ask(browser, "/enter").get_json()["content"])
    assert "begun anew" in errors_in(answer_with(browser, "/reset", armoured(content, AIGUL.key), PASSWORDS))
    assert "begun anew" in errors_in(answer_with(browser, "/enter", armoured(content, AIGUL.key))), "a wrong use spends it too"


def test_what_waits_too_long_is_worth_nothing(house: House, browser: Browser) -> None:
    content = base64.b64decode(ask(browser, "/enter").get_json()["content"])
    house.court.clock.tick(ncalayer.SIGNING_MS + 1)
    assert "begun anew" in errors_in(answer_with(browser, "/enter", armoured(content, AIGUL.key)))


@pytest.mark.parametrize(
    ("signature", "sentence"),
    [
        ("", "gave no signature"),
        ("-----BEGIN CMS-----\n-----END CMS-----\n", "not a readable electronic signature"),
        ("AAAA", "not a readable electronic signature"),
        ("{}", "not a readable electronic signature"),
    ],
)
def test_what_is_no_signature_is_told(browser: Browser, signature: str, sentence: str) -> None:
    ask(browser, "/enter")
    answer = answer_with(browser, "/enter", signature)
    assert answer.status_code == 400
    assert sentence in errors_in(answer)


@pytest.mark.parametrize(("who", "sentence"), [(REVOKED, "has been revoked"), (OUTSIDER, "not issued by a certification centre")])
def test_a_key_that_is_not_accepted(browser: Browser, who: Person, sentence: str) -> None:
    answer = sign_elsewhere(browser, "/enter", who)
    assert answer.status_code == 400
    assert sentence in errors_in(answer)
    assert 'href="#key_where"' in errors_in(answer), "the fields of the file are not there to be corrected"


def test_registration_asks_twice_and_is_whole(house: House, browser: Browser) -> None:
    version = browser.get("/register").text.split('name="version" value="')[1].split('"')[0]
    browser.post("/register", {"accept": "y", "version": version})
    said = {"email": "bolat@example.kz", **PASSWORDS}
    answer = sign_elsewhere(browser, "/register/key", BOLAT, said)
    assert answer.status_code == 303, answer.text
    (account,) = account_rules.accounts_of(house.node.database, BOLAT.iin)
    assert (account.registered, account.email, account.certificate) == (True, "bolat@example.kz", BOLAT.key.certificate.sha256)
    assert passwords.is_set(house.node.database, BOLAT.iin)


def test_whoever_signs_the_challenge_signs_the_statement(house: House, browser: Browser) -> None:
    version = browser.get("/register").text.split('name="version" value="')[1].split('"')[0]
    browser.post("/register", {"accept": "y", "version": version})
    said = {"email": "bolat@example.kz", **PASSWORDS}
    challenge = base64.b64decode(ask(browser, "/register/key", said).get_json()["content"])
    statement = base64.b64decode(
        ask(browser, "/register/key", said, signature=armoured(challenge, FIRM.key).decode()).get_json()["content"]
    )
    answer = answer_with(browser, "/register/key", armoured(statement, AIGUL.key), said)
    assert "changed while you were signing" in errors_in(answer)
    for number in (FIRM.bin, AIGUL.iin):
        assert not any(account.registered for account in account_rules.accounts_of(house.node.database, number))


def test_a_weak_password_is_told_before_anything_is_signed(browser: Browser) -> None:
    answer = ask(browser, "/reset", {"password": "short", "password_again": "short"})
    assert (answer.status_code, answer.is_json) == (400, False)
    assert 'id="password-e"' in answer.text


def test_a_new_password_by_ncalayer(house: House, browser: Browser) -> None:
    assert sign_elsewhere(browser, "/reset", AIGUL, PASSWORDS).status_code == 303
    assert passwords.is_set(house.node.database, AIGUL.iin)


# -- a filing


@pytest.fixture
def base(browser: Browser) -> str:
    browser.enter(AIGUL)
    return fill(browser)


@pytest.mark.parametrize("who", [AIGUL, GOST_AIGUL], ids=["rsa", "gost"])
def test_a_claim_is_signed_elsewhere(house: House, browser: Browser, base: str, who: Person) -> None:
    shown = {"shown": shown_on(browser, base)}
    read = browser.get(f"{base}/statement.pdf").data
    asked = ask(browser, f"{base}/review", shown).get_json()
    assert (asked["iin"], asked["bin"], asked["again"]) == (AIGUL.iin, "", False)
    content = base64.b64decode(asked["content"])
    assert content.startswith(read), "what goes out is the document that was read, and the place of its signature"
    answer = answer_with(browser, f"{base}/review", armoured(content, who.key), shown)
    assert answer.status_code == 303, errors_in(answer)
    signed = browser.get(answer.headers["Location"].replace("/sent", "/statement.pdf")).data
    (found,) = pades.read_pdf_signatures(signed)
    assert (found.holds, found.covers_whole, found.certificate.sha256) == (True, True, who.key.certificate.sha256)


@pytest.mark.parametrize(
    ("who", "sentence"), [(BOLAT, "belongs to somebody else"), (FIRM, "belongs to somebody else"), (REVOKED, "revoked")]
)
def test_another_key_sends_nothing(house: House, browser: Browser, base: str, who: Person, sentence: str) -> None:
    answer = sign_elsewhere(browser, f"{base}/review", who, {"shown": shown_on(browser, base)})
    assert sentence in errors_in(answer)
    assert_still_a_draft(house.node, base)


def assert_still_a_draft(node: Node, base: str) -> None:
    id = bytes.fromhex(base.rsplit("/", 1)[1])
    assert drafts.find(node, visitor_of(AIGUL), id).id == id
    assert filing_lists.filing(node.database, id) is None


@pytest.mark.parametrize("sign", ["other bytes", "flipped", "attached to something else"])
def test_nothing_is_embedded_before_it_is_verified(
    house: House, browser: Browser, base: str, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(content: bytes, key: Key) -> bytes:
        if sign == "other bytes":
            return armoured(content[:-1], key)
        made = bytearray(cms.sign_detached(content if sign == "flipped" else b"", key, at_ms=house.court.clock.now()))
        made[-1] ^= sign == "flipped"
        return base64.b64encode(bytes(made))

    monkeypatch.setattr(pades, "embed", lambda *_: pytest.fail("it went into the document unverified"))
    answer = sign_elsewhere(browser, f"{base}/review", AIGUL, {"shown": shown_on(browser, base)}, sign=bad)
    assert "changed after signing" in errors_in(answer)
    assert_still_a_draft(house.node, base)


def test_a_form_changed_in_between_is_not_sent(house: House, browser: Browser, base: str) -> None:
    shown = {"shown": shown_on(browser, base)}
    content = base64.b64decode(ask(browser, f"{base}/review", shown).get_json()["content"])
    browser.post(f"{base}/documents", {"circumstances": "Басқа мән-жай.", "requirement": "Өндіріп беруіңізді.", "go": "next"})
    answer = answer_with(browser, f"{base}/review", armoured(content, AIGUL.key), shown)
    assert "changed after you read it" in errors_in(answer)
    assert_still_a_draft(house.node, base)


def test_a_crash_between_asking_and_answering_leaves_the_draft(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    browser = house.browser()
    browser.enter(AIGUL)
    base = fill(browser)
    shown = {"shown": shown_on(browser, base)}
    content = base64.b64decode(ask(browser, f"{base}/review", shown).get_json()["content"])
    before = {path.relative_to(house.node.data) for path in house.node.data.rglob("*")}
    node = house.court.crash(house.node)
    create(node)
    assert_still_a_draft(node, base)
    assert before >= {path.relative_to(node.data) for path in node.data.rglob("*") if "drafts" in path.parts}
    raw = (node.data / "node.db").read_bytes()
    for part in (content[:200], content[-200:]):
        assert part not in raw, "what was handed out lies on the disk in the open"


def test_a_filing_is_withdrawn_by_ncalayer(browser: Browser) -> None:
    browser.enter(AIGUL)
    filing = sent_by_pages(browser)
    answer = sign_elsewhere(browser, f"{filing}/withdraw", AIGUL, {"reason": "Жауапкер төледі."})
    assert answer.status_code == 303, errors_in(answer)
    assert "withdrawn" in browser.get(filing).text.lower()


# -- the desk, and the centre


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.create(tmp_path_factory.mktemp("world"))


@pytest.fixture
def desk(world: World) -> Browser:
    browser = Browser(make_app(world.aktau))
    assert sign_elsewhere(browser, "/desk/enter", CLERK).status_code == 303
    return browser


def decide(desk: Browser, obj: bytes, who: Person) -> TestResponse:
    page = f"/desk/filings/{obj.hex()}/decision/register"
    return sign_elsewhere(desk, f"{page}/sign", who, {"executor": "Қасымова Дина Ерланқызы"}, page=page)


def test_a_clerk_registers_with_ncalayer(world: World, desk: Browser) -> None:
    obj = world.file()
    assert decide(desk, obj, CLERK).status_code == 303
    assert world.filing(obj).status == "registered"


def test_only_the_clerks_own_key_decides(world: World, desk: Browser) -> None:
    obj = world.file()
    assert "not the key you signed in with" in errors_in(decide(desk, obj, CHAIRMAN))
    assert world.filing(obj).status == "filed"


def test_a_number_taken_in_between_is_signed_anew(world: World, desk: Browser) -> None:
    """The number stands in the text: whoever was slower signs again, and no number is given twice."""
    first, second = world.file(), world.file()
    said = {"executor": "Қасымова Дина Ерланқызы"}
    page = f"/desk/filings/{first.hex()}/decision/register"
    content = base64.b64decode(ask(desk, f"{page}/sign", said, page=page).get_json()["content"])
    other = Browser(make_app(world.aktau))
    sign_elsewhere(other, "/desk/enter", CLERK)
    assert decide(other, second, CLERK).status_code == 303
    answer = answer_with(desk, f"{page}/sign", armoured(content, CLERK.key), said, page=page)
    assert "changed after signing" in errors_in(answer)
    assert world.filing(first).status == "filed"
    assert decide(desk, first, CLERK).status_code == 303


def test_the_centres_staff_sign_in_with_ncalayer(tmp_path: Path) -> None:
    browser = Country(tmp_path).browser()
    assert "appointed nobody" in errors_in(sign_elsewhere(browser, "/enter", BOLAT))
    assert sign_elsewhere(browser, "/enter", ADMIN).status_code == 303
    assert browser.get("/overview").status_code == 200
