"""The recording of a hearing on the citizen's page: it plays, it jumps, and one of another court is asked for and comes."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.driving import KIOSK, Demo, enter, reload_until, visit

PLAYED = """async (media) => {
  media.muted = true;
  if (media.readyState < 2) await new Promise((done, failed) => {
    media.addEventListener('loadeddata', done);
    media.addEventListener('error', () => failed(media.error.message));
    media.load();
    media.play();
  });
  media.currentTime = 2;
  await new Promise((done) => media.addEventListener('seeked', done));
  return [media.readyState, media.currentTime, media.videoWidth || 0];
}"""


def listed(page: Page, kind: str) -> list[str]:
    """Return the addresses of materials with the icon ``kind`` on the pages of the person's cases."""
    base = page.url.split("/", 3)
    page.goto("/".join(base[:3]) + "/filings?tab=cases")
    cases = page.locator("main a[href^='/filings/']").evaluate_all("links => links.map((link) => link.href)")
    found = []
    for case in dict.fromkeys(case for case in cases if len(case.rsplit("/", 1)[-1]) == 32):
        page.goto(case)
        rows = page.locator(f"#materials li:has(use[href*='#{kind}']) a[href^='/materials/']")
        found += rows.evaluate_all("links => links.map((link) => link.href)")
    return found


def test_a_recording_plays_and_jumps(demo: Demo, chromium: Browser) -> None:
    visitor = visit(chromium, KIOSK)
    page = visitor.page
    enter(page, demo.aktau + "/enter", demo.key("sarsenova"))
    for kind, element in (("mic", "audio"), ("play-circle", "video")):
        page.goto(listed(page, kind)[0])
        if element == "video" and not page.locator("video").count():
            page.locator("form button.btn-primary").click()  # the one of the other court: it comes when it was asked for
            reload_until(page, page.locator("video"))
        expect(page.locator(element)).to_be_visible()
        ready, at, width = page.locator(element).evaluate(PLAYED)
        assert ready >= 2
        assert at == 2
        assert (width == 320) == (element == "video")
    assert visitor.heard == []
