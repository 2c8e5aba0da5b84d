"""Signing with NCALayer in a real Chromium, before everything that the program and its owner may do."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.sync_api import Browser, Page, expect
from waitress.server import create_server

from common.pki import pades
from common.pki.authority import DAY_MS
from common.pki.keystore import Key
from tests.browser.driving import KIOSK, Visitor, visit
from tests.browser.ncalayer import BASICS, UTILS, Holder, Ncalayer, the_port
from tests.court import START_MS
from tests.web.filing_world import fill, house_of
from tests.web.pages import AIGUL, BEGUN_MS, BOLAT, CABINET_PASSWORD, GOST_AIGUL, REVOKED, House, centre_of

RECORDED = Path(__file__).resolve().parents[3] / "shared/pki/data/sigex-ncalayer-js-client/test-data.json"
STRIPPED = "Actual signature stripped to protect private data"
ENDS_MS = 20_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def base(house: House) -> Iterator[str]:
    server = create_server(house.app, host="127.0.0.1", port=0, threads=4, clear_untrusted_proxy_headers=True)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture
def ncalayer(localhost: trustme.LeafCert) -> Ncalayer:
    return Ncalayer(Holder(AIGUL.key, at_ms=START_MS), localhost)


@pytest.fixture
def visitor(chromium: Browser, base: str) -> Iterator[Visitor]:
    visitor = visit(chromium, KIOSK)
    visitor.page.goto(f"{base}/enter?lang=en")
    yield visitor
    visitor.page.context.close()


def press(page: Page) -> None:
    page.locator("form:has([data-ncalayer]) button[type=submit]").last.click()


def told(page: Page, words: str) -> None:
    """The page says so, does nothing more, and the way with the key file is open."""
    expect(page.locator("[data-ncalayer-problem]")).to_contain_text(words, timeout=ENDS_MS)
    expect(page.locator("[data-ncalayer-said]")).to_contain_text(words)
    expect(page.locator("[data-ncalayer-wait]")).to_be_hidden()
    expect(page.locator("form:has([data-ncalayer]) button[type=submit]").last).not_to_have_attribute("aria-disabled", "true")
    page.locator("input[name=key_where][value=file]").check()
    expect(page.locator("#key_file")).to_be_enabled()
    page.locator("input[name=key_where][value=ncalayer]").check()


def refused(page: Page, words: str) -> None:
    """The machine of the court did not accept the signature, and says why beside the choice."""
    expect(page.locator(".errors")).to_contain_text(words)
    expect(page.locator("input[name=key_where][value=ncalayer]")).to_be_checked()
    expect(page.locator("[data-ncalayer]")).to_be_visible()


def test_signing_in_through_everything_that_may_happen(visitor: Visitor, ncalayer: Ncalayer, base: str) -> None:
    page, person = visitor.page, ncalayer.person
    page.locator("input[name=key_where][value=ncalayer]").check()
    expect(page.locator("#key_file")).to_be_hidden()
    with the_port():
        press(page)
        told(page, "does not answer on this machine")
        with ncalayer.running():
            for act, words in (("cancel", "You closed the window"), ("refuse", "refused to sign"), ("garbage", "cannot be read")):
                person.act = act  # type: ignore[assignment]
                press(page)
                told(page, words)
            for modules, words in ((frozenset[str](), "has no module"), (frozenset({UTILS}), "You closed the window")):
                person.act, person.modules = "cancel", modules
                press(page)
                told(page, words)
            person.act, person.modules = "die", frozenset({BASICS, UTILS})
            press(page)
            told(page, "broke off")
            person.act = "silent"
            press(page)
            expect(page.locator("[data-ncalayer-wait]")).to_contain_text("in its own window")
            page.locator("[data-ncalayer-stop]").click()
            expect(page.locator("[data-ncalayer-wait]")).to_be_hidden()
            person.act, person.key = "sign", REVOKED.key
            press(page)
            refused(page, "has been revoked")
            person.key = late_key()
            press(page)
            refused(page, "no longer in force")
            person.key = GOST_AIGUL.key
            press(page)
            page.wait_for_url("**/cabinet")
    assert ncalayer.complaints == []
    # the browser itself reports the connections that were refused and broke off; nothing else may be heard
    assert [text for text in visitor.heard if "127.0.0.1:13579" not in text] == []


def late_key() -> Key:
    return centre_of(AIGUL.centre).issue_person("КЕШІККЕН", "АСАН", "", "800101300111", not_before_ms=BEGUN_MS - DAY_MS, days=2)


def test_a_program_that_never_answers_is_given_up(visitor: Visitor, ncalayer: Ncalayer) -> None:
    """Minutes pass on the page's own clock. Whoever looks for a token is not sent away from the kiosk meanwhile."""
    page = visitor.page
    page.clock.install()
    page.reload()
    page.locator("input[name=key_where][value=ncalayer]").check()
    with the_port(), ncalayer.running():
        ncalayer.person.act = "silent"
        press(page)
        expect(page.locator("[data-ncalayer-wait]")).to_contain_text("in its own window")
        page.clock.run_for("03:59")
        expect(page.locator("[data-ncalayer-wait]")).to_be_visible()
        page.clock.run_for("00:02")
        told(page, "did not answer in time")
        ncalayer.person.greets = False
        ncalayer.met.clear()
        press(page)
        expect(page.locator("[data-ncalayer-wait]")).to_contain_text("Looking for NCALayer")
        assert ncalayer.met.wait(5)
        page.clock.run_for("00:06")
        told(page, "did not answer in time")


@pytest.mark.parametrize("shape", ["text", "array", "certificate", "old module"])
def test_every_shape_of_a_result_is_understood(visitor: Visitor, ncalayer: Ncalayer, shape: Any) -> None:
    person = ncalayer.person
    if shape == "old module":
        person.modules, person.tokens = frozenset({UTILS}), ("AKKaztokenStore",)
    else:
        person.shape = shape
    visitor.page.locator("input[name=key_where][value=ncalayer]").check()
    with the_port(), ncalayer.running():
        press(visitor.page)
        visitor.page.wait_for_url("**/cabinet")
    assert (ncalayer.complaints, visitor.heard) == ([], [])


def test_a_claim_is_signed_with_the_key_of_the_one_who_filed_it(visitor: Visitor, ncalayer: Ncalayer, house: House, base: str) -> None:
    page, person = visitor.page, ncalayer.person
    filler = house.browser()
    filler.enter(AIGUL)
    draft = fill(filler)
    name = house.app.session_interface._cookie  # type: ignore[attr-defined]
    page.context.add_cookies([{"name": name, "value": filler.cookie, "url": base}])
    page.goto(f"{base}{draft}/review?lang=en")
    page.locator("input[name=key_where][value=ncalayer]").check()
    with the_port(), ncalayer.running():
        person.key = BOLAT.key
        press(page)
        told(page, "You closed the window")  # NCALayer offers nobody else's key
        person.restricts = False
        press(page)
        refused(page, "belongs to somebody else")
        person.key = AIGUL.key
        press(page)
        page.wait_for_url("**/sent")
    signed = page.request.get(page.url.replace("/sent", "/statement.pdf")).body()
    (found,) = pades.read_pdf_signatures(signed)
    assert (found.holds, found.covers_whole, found.certificate.sha256) == (True, True, AIGUL.key.certificate.sha256)
    assert (ncalayer.complaints, visitor.heard) == ([], [])


def test_registration_asks_for_two_signatures(visitor: Visitor, ncalayer: Ncalayer, base: str) -> None:
    page = visitor.page
    page.goto(f"{base}/register")
    page.locator("#accept").check()
    page.locator("main form button.btn-primary").click()
    page.locator("input[name=key_where][value=ncalayer]").check()
    page.fill("#password", "short")
    with the_port(), ncalayer.running():
        press(page)
        expect(page.locator(".errors")).to_be_visible()
        assert ncalayer.asked == [], "what is wrong in the form is said before anybody signs"
        page.fill("#password", CABINET_PASSWORD)
        page.fill("#password_again", CABINET_PASSWORD)
        page.fill("#email", "aigul@example.kz")
        press(page)
        page.wait_for_url("**/cabinet")
    assert len(ncalayer.asked) == 2
    assert visitor.heard == []


def test_without_a_script_the_key_file_works_alone(chromium: Browser, base: str, tmp_path: Path) -> None:
    page = visit(chromium, KIOSK, java_script_enabled=False).page
    page.goto(f"{base}/enter?lang=en")
    expect(page.locator("[data-ncalayer-way]")).to_be_hidden()
    (tmp_path / "key.p12").write_bytes(AIGUL.p12)
    page.set_input_files("#key_file", tmp_path / "key.p12")
    page.fill("#key_password", "Qwerty12")
    press(page)
    page.wait_for_url("**/cabinet")
    page.context.close()


def test_our_ncalayer_says_what_was_recorded(ncalayer: Ncalayer) -> None:
    """Every recorded exchange of the methods that the page uses; requests for a digest given ready are not made here."""
    if not RECORDED.exists():
        pytest.skip("the recorded exchanges are not on this machine")
    person, compared = ncalayer.person, 0
    for each in json.loads(RECORDED.read_text("utf-8")):
        request, response = json.loads(each["request"]), json.loads(each["response"])
        method, args = request["method"], request.get("args")
        if method not in ("getActiveTokens", "createCAdESFromBase64", "sign") or (method == "sign" and args["format"] != "cms"):
            continue
        person.act = "cancel" if response.get("body") == {} else "sign"
        person.tokens = tuple(response.get("responseObject", ())) if method == "getActiveTokens" else ("AKKaztokenStore",)
        person.shape, person.restricts = "text", False
        ncalayer._offered = lambda signer: True  # type: ignore[method-assign]  # recorded with a production key
        assert bare(json.loads(ncalayer.answer(each["request"]))) == bare(response), each["request"]
        compared += 1
    assert compared >= 20


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a signature says: it was taken out of the recordings."""
    if "body" in answer and "result" in answer["body"]:
        result = answer["body"]["result"]
        return {**answer, "body": {"result": [_shell(one) for one in result] if isinstance(result, list) else _shell(result)}}
    return {**answer, "responseObject": ""} if isinstance(answer.get("responseObject"), str) else answer


def _shell(text: str) -> str:
    lines = text.split("\n")
    return "\n".join([lines[0], *lines[-2:]])
