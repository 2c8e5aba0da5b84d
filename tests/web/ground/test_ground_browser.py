"""The common ground in a real Chromium: narrow screens, both themes, with scripts and without."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tiny_app import tiny_app
from waitress.server import create_server

from common.web.languages import ALPHABET

pytestmark = pytest.mark.browser

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
PAGES = ("/", "/form", "/parts", "/charts", "/help", "/sure", "/later", "/nope", "/attach")
KIOSK = {"width": 1080, "height": 1920}
DESK = {"width": 1440, "height": 1000}
Serve = Callable[[str], str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    servers = []

    def start(surface: str) -> str:
        app = tiny_app(tmp_path_factory.mktemp(surface), surface=surface)  # type: ignore[arg-type]
        server = create_server(app, host="127.0.0.1", port=0, threads=4, clear_untrusted_proxy_headers=True)
        threading.Thread(target=server.run, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.effective_port}"

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def kiosk(serve: Serve) -> str:
    return serve("kiosk")


def complaints_of(page: Page) -> list[str]:
    """Collect what the browser complains about, a refused policy of content above all."""
    heard: list[str] = []
    page.on(
        "console",
        lambda said: heard.append(said.text) if said.type == "error" and "404" not in said.text and "501" not in said.text else None,
    )
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


@pytest.mark.parametrize("surface", ["home", "desk", "kiosk"])
def test_no_page_scrolls_sideways_and_nothing_is_refused(browser: Browser, serve: Serve, surface: str) -> None:
    base = serve(surface)
    page = browser.new_context(viewport={"width": 320, "height": 800}).new_page()
    heard = complaints_of(page)
    for path in PAGES:
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    assert heard == []
    page.context.close()


@pytest.mark.parametrize(("surface", "theme"), [("home", "light"), ("home", "contrast"), ("desk", "contrast"), ("kiosk", "contrast")])
def test_axe_finds_nothing(browser: Browser, serve: Serve, surface: str, theme: str) -> None:
    base = serve(surface)
    page = browser.new_context(viewport={"width": 1440, "height": 1200} if surface == "desk" else KIOSK).new_page()
    page.goto(f"{base}/look?theme={theme}&next=/")
    for path in PAGES:
        page.goto(base + path)
        found = Axe().run(page).response["violations"]
        assert found == [], (path, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found])
    page.context.close()


def test_everything_pressed_is_as_large_as_a_finger(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    for path in PAGES:
        page.goto(kiosk + path)
        for target in page.locator("a:visible, button:visible, select:visible, label.choice:visible, summary:visible").all():
            box = target.bounding_box()
            if (
                box
                and "skip" not in path
                and target.get_attribute("href") != "#main"
                and not target.locator("xpath=ancestor::header").count()
            ):
                assert box["height"] >= 44, (path, target.inner_text())
    page.context.close()


def test_the_kazakh_letters_are_drawn(browser: Browser, kiosk: str) -> None:
    page = browser.new_page()
    page.goto(kiosk)
    missing = page.evaluate(
        """letters => {
            const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
            const drawn = letter => {
                pen.clearRect(0, 0, 60, 60); pen.font = '700 32px ' + getComputedStyle(document.body).fontFamily;
                pen.fillText(letter, 5, 40); return canvas.toDataURL();
            };
            const absent = drawn(String.fromCodePoint(0x10FFFE));
            return [...letters].filter(letter => drawn(letter) === absent);
        }""",
        ALPHABET + ALPHABET.upper() + "₸№",
    )
    assert missing == []
    page.close()


def test_autosave_says_when_and_when_not(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/form?lang=en")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.url.endswith("/form/save") else None)
    page.fill("#secret", "Qwerty12")
    page.fill("#family", "Әбдірахманова")
    page.locator("#family").blur()
    expect(page.locator("[data-saved]")).to_have_text("Saved: 14:47")
    assert "Qwerty12" not in "".join(sent)
    assert "changed=family" in sent[-1]
    page.route("**/form/save", lambda route: route.abort())
    page.fill("#family", "Б")
    page.locator("#family").blur()
    expect(page.locator("[data-saved].is-bad")).to_have_text("Not saved. Look again: what you wrote is on the screen.")
    page.unroute("**/form/save")
    expect(page.locator("[data-saved]")).to_have_text("Saved: 14:47", timeout=8000)
    page.context.close()


def test_a_long_text_is_saved_while_it_is_written(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.clock.install()
    page.goto(kiosk + "/form?lang=en")
    page.locator("#family").press_sequentially("Әбд")
    page.clock.fast_forward(20_000)
    expect(page.locator("[data-saved]")).to_have_text("Saved: 14:47")
    expect(page.locator("#family")).to_be_focused()
    page.context.close()


def test_a_form_goes_after_the_saving_that_is_under_way(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/form?lang=en")
    order: list[str] = []
    page.on("requestfinished", lambda request: order.append(request.url.removeprefix(kiosk)) if request.method == "POST" else None)
    page.route("**/form/save", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.fill("#family", "Ә")
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.locator("section.errors")).to_be_visible()
    assert order == ["/form/save", "/form"]
    page.context.close()


def test_what_takes_longer_says_so(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/form?lang=en")
    page.evaluate("addEventListener('submit', (event) => event.preventDefault())")  # the answer never comes
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.get_by_role("status").filter(has_text="One moment: this takes a few seconds.")).to_be_visible()
    page.context.close()


def test_a_kiosk_asks_and_then_erases(browser: Browser, kiosk: str) -> None:
    context = browser.new_context(viewport=KIOSK)
    page = context.new_page()
    page.clock.install()
    page.goto(kiosk + "/form")
    page.clock.run_for(40_000)  # real time goes on beside it, on a busy machine by seconds
    expect(page.locator("dialog")).to_be_hidden()
    page.clock.run_for(21_000)
    expect(page.locator("dialog")).to_be_visible()
    page.locator("[data-stay]").click()
    expect(page.locator("dialog")).to_be_hidden()
    page.clock.run_for(61_000)
    expect(page.locator("dialog")).to_be_visible()
    page.clock.run_for(21_000)
    page.wait_for_url(kiosk + "/")
    assert context.cookies() == []
    context.close()


def test_a_page_that_looks_again_by_itself_is_nobodys_touch(browser: Browser, kiosk: str) -> None:
    context = browser.new_context(viewport=KIOSK)
    page = context.new_page()
    page.goto(kiosk + "/form")  # from here on there is something to erase
    page.goto(kiosk + "/parts?again=3")
    touched = page.evaluate("sessionStorage.touched")
    with page.expect_navigation():
        pass  # it does so by itself
    expect(page.locator("dialog")).to_be_hidden()
    assert page.evaluate("sessionStorage.touched") == touched
    page.evaluate("sessionStorage.touched = Date.now() - 60_000")
    expect(page.locator("dialog")).to_be_visible()
    context.close()


def test_who_watches_a_recording_is_asked_later(browser: Browser, kiosk: str) -> None:
    context = browser.new_context(viewport=KIOSK)
    page = context.new_page()
    page.clock.install()
    page.goto(kiosk + "/form")
    page.evaluate("Object.defineProperty(document.body.appendChild(new Audio()), 'paused', { value: false })")
    page.clock.run_for(125_000)
    expect(page.locator("dialog")).to_be_hidden()
    page.clock.run_for(180_000)
    expect(page.locator("dialog")).to_be_visible()
    context.close()


def sign_in(page: Page, base: str) -> None:
    page.goto(base + "/form")
    page.evaluate("""async () => {
        const body = new URLSearchParams({ csrf_token: document.querySelector('[name=csrf_token]').value });
        await fetch('/sign-in', { method: 'POST', body });
    }""")


def test_what_was_written_before_a_session_ended_goes_after_signing_in_again(browser: Browser, serve: Serve) -> None:
    base, context = serve("desk"), browser.new_context(viewport=DESK)
    page = context.new_page()
    page.clock.install()
    sign_in(page, base)
    page.goto(base + "/form?lang=en")
    page.fill("#family", "Ә")
    page.clock.fast_forward(180_000)
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.locator("section.errors")).to_be_visible()  # the machine says that they are signed in still
    page.fill("#family", "Әб")
    context.clear_cookies()
    page.clock.fast_forward(180_000)
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.locator("[data-away]")).to_be_visible()
    expect(page.locator("[data-away] a")).to_be_focused()
    expect(page.locator("#family")).to_have_value("Әб")
    sign_in(context.new_page(), base)
    page.fill("#iin", "000000000000")
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.locator("section.errors")).to_contain_text("12 zeros are nobody.")
    expect(page.locator("#family")).to_have_value("Әб")
    context.close()


def test_the_kiosks_keyboard_writes_kazakh(browser: Browser, kiosk: str) -> None:
    context = browser.new_context(viewport=KIOSK, has_touch=True)
    page = context.new_page()
    page.goto(kiosk + "/form?lang=en")
    page.locator("#family").tap()
    keys = page.locator("[data-keys]")
    expect(keys).to_be_visible()
    page.get_by_role("button", name="Capital letter").tap()
    for letter in ("Қ", "ұ", "с"):
        keys.get_by_role("button", name=letter, exact=True).tap()
    assert page.input_value("#family") == "Құс"
    page.get_by_role("button", name="Delete the letter").tap()
    assert page.input_value("#family") == "Құ"
    keys.get_by_role("button", name="Close").tap()
    expect(keys).to_be_hidden()
    expect(page.locator("[data-saved]")).to_have_text("Saved: 14:47")
    page.locator("#iin").tap()
    assert keys.get_by_role("button", name="ә", exact=True).count() == 0
    keys.get_by_role("button", name="7", exact=True).tap()
    assert page.input_value("#iin") == "7"
    box, field = keys.bounding_box(), page.locator("#iin").bounding_box()
    assert box is not None
    assert field is not None
    assert field["y"] + field["height"] <= box["y"]
    context.close()


def test_errors_take_the_focus(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/form?lang=en")
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.locator("section.errors")).to_be_focused()
    page.locator("section.errors a").first.click()
    expect(page.locator("#iin")).to_be_focused()
    page.context.close()


def test_an_upload_shows_its_way_and_its_errors(browser: Browser, kiosk: str, tmp_path: Path) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/attach?lang=en")
    (tmp_path / "bad.pdf").write_bytes(b"no")
    page.set_input_files("#paper", tmp_path / "bad.pdf")
    page.get_by_role("button", name="Жіберу").click()
    expect(page.locator("section.errors")).to_be_focused()
    (tmp_path / "good.pdf").write_bytes(b"%PDF" + b"x" * 1_000_000)
    page.set_input_files("#paper", tmp_path / "good.pdf")
    page.get_by_role("button", name="Жіберу").click()
    page.wait_for_url(kiosk + "/parts")
    page.context.close()


def test_a_page_that_came_in_place_waits_for_its_saving_too(browser: Browser, kiosk: str, tmp_path: Path) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/attach?lang=en")
    for name, data in (("bad.pdf", b"no"), ("good.pdf", b"%PDF")):
        (tmp_path / name).write_bytes(data)
    page.set_input_files("#paper", tmp_path / "bad.pdf")
    page.get_by_role("button", name="Жіберу").click()
    expect(page.locator("section.errors")).to_be_focused()
    page.route("**/form/save", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.set_input_files("#paper", tmp_path / "good.pdf")
    page.fill("#family", "Ә")
    page.get_by_role("button", name="Жіберу").click()
    page.wait_for_url(kiosk + "/parts", timeout=8000)
    page.context.close()


def test_what_no_page_of_ours_may_take_is_told_and_nothing_typed_is_lost(browser: Browser, kiosk: str, tmp_path: Path) -> None:
    page = browser.new_context(viewport=KIOSK).new_page()
    page.goto(kiosk + "/attach?lang=en")
    (tmp_path / "good.pdf").write_bytes(b"%PDF")
    refusal = "Request Entity Too Large"  # the server's own words, before the application
    page.route("**/attach*", lambda route: route.fulfill(status=413, content_type="text/plain", body=refusal))
    page.fill("#family", "Ә")
    page.set_input_files("#paper", tmp_path / "good.pdf")
    page.get_by_role("button", name="Жіберу").click()
    expect(page.get_by_role("alert")).to_have_text("What you sent is too large. Choose a smaller file or send the files one by one.")
    expect(page.locator("#family")).to_have_value("Ә")
    page.unroute("**/attach*")
    page.get_by_role("button", name="Жіберу").click()
    page.wait_for_url(kiosk + "/parts", timeout=8000)
    page.context.close()


def test_all_of_it_without_a_script(browser: Browser, kiosk: str) -> None:
    page = browser.new_context(viewport=KIOSK, java_script_enabled=False).new_page()
    page.goto(kiosk + "/form")
    page.get_by_role("link", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.get_by_role("link", name="Контраст").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "contrast")
    page.fill("#iin", "1")
    page.get_by_role("button", name="Сохранить участника").click()
    expect(page.locator("section.errors a")).to_have_count(1)
    page.fill("#family", "А")
    page.get_by_role("button", name="Сохранить участника").click()
    page.wait_for_url(kiosk + "/")
    page.context.close()
