"""The main job, end to end, on real processes: file without a line, sign, talon, exchange, register, the answer at another court."""

import re
import secrets
import subprocess
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.demo_people import CABINET_PASSWORD, MEDEU, NEWCOMER
from tests.browser.driving import AKTAU_NODE, DESK, KIOSK, MEDEU_NODE, Demo, arrive, enter, give_key, reload_until, visit

SIDE = 2_300
"""Pixels of a grey scan: 5.3 MB that no compression makes smaller."""
MIB = 1024**2
NUMBER = re.compile(r"\d{4}-\d{2}-\d{2}-\d/\d+")


def scan(path: Path) -> Path:
    """Write a PDF of one page that is a scan of more than 5 MB."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    image = pikepdf.Stream(pdf, secrets.token_bytes(SIDE * SIDE))
    for name, value in (("Width", SIDE), ("Height", SIDE), ("BitsPerComponent", 8)):
        image[f"/{name}"] = value
    image["/Type"], image["/Subtype"], image["/ColorSpace"] = pikepdf.Name.XObject, pikepdf.Name.Image, pikepdf.Name.DeviceGray
    page = pdf.pages[0]
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=pdf.make_indirect(image)))
    page.Contents = pdf.make_stream(b"q 500 0 0 700 40 60 cm /Im Do Q")
    pdf.save(path, compress_streams=False)
    assert path.stat().st_size > 5 * MIB
    return path


@pytest.fixture
def papers(tmp_path: Path) -> list[Path]:
    return [scan(tmp_path / f"{name}.pdf") for name in ("Талап арыз", "Қарыз шарты", "Банк үзіндісі")]


def press_next(page: Page) -> None:
    page.locator("main button.btn-primary[value=next]").click()


def register(page: Page, demo: Demo) -> None:
    page.goto(demo.aktau)
    page.locator("main a[href='/register']").click()
    page.locator("#accept").check()
    page.locator("main form button.btn-primary").click()
    page.fill("#password", CABINET_PASSWORD)
    page.fill("#password_again", CABINET_PASSWORD)
    page.fill("#email", "dauletzhumabaev@example.kz")
    give_key(page, demo.key(NEWCOMER.file))
    arrive(page, "cabinet")
    expect(page.locator(".note-ok")).to_be_visible()


def describe_the_case(page: Page) -> None:
    """Step 1: what, where, who."""
    page.locator("input[name=nature][value=property]").check()
    page.locator("#category").click()
    page.locator("details.tree summary").first.click()
    page.locator("details.tree[open] input[name=category]").nth(1).check()
    page.locator("main button.btn-primary").click()
    page.select_option("#region", "75")
    page.locator("button[value=courts]").click()
    page.select_option("#court", MEDEU)
    page.locator("main a[href$='/parties/0']").click()
    page.fill("#address", "Ақтау қаласы, 12-шағын аудан, 34-үй, 7-пәтер")
    page.locator("main form button.btn-primary").click()
    page.locator("button[value=party]").click()
    page.locator("input[name=kind][value=legal_entity]").check()
    page.locator("input[name=role][value=defendant]").check()
    page.locator("main form button.btn-primary").click()
    page.fill("#bin", "070941024691")
    page.fill("#name", "«Жетісу Транс» ЖШС")
    page.fill("#address", "Алматы қаласы, Абай даңғылы, 10-үй")
    page.locator("main form button.btn-primary").click()
    press_next(page)


def pay(page: Page) -> None:
    """Step 2: the amounts, the duty counted by the machine, to be paid later by the invoice."""
    arrive(page, "payment")
    with page.expect_response("**/save/payment") as saved:
        page.fill("#claim_amount", "2 450 000")
        page.locator("#claim_amount").blur()
    expect(page.locator("[data-saved]")).to_have_text(saved.value.json()["text"])
    page.locator("button[value=count]").click()
    page.locator("button[value=fill]").click()
    expect(page.locator("#duty_amount")).to_have_value(re.compile(r"^24\s500$"))
    page.locator("input[name=payment][value=pending]").check()
    press_next(page)


def attach(page: Page, papers: list[Path]) -> None:
    """Step 3: what happened, what is asked, three scans."""
    arrive(page, "documents")
    page.fill("#circumstances", "Қарыз шарты бойынша ақша қайтарылмады. Талап хатқа жауап жоқ.")
    page.fill("#requirement", "Жауапкерден 2 450 000 теңгені өндіріп беруіңізді сұраймын.")
    page.set_input_files("#claim_file", papers[0])
    page.locator("#claim_file + button, .field:has(#claim_file) button").first.click()
    expect(page.locator("li.file")).to_have_count(1, timeout=20_000)
    page.set_input_files("#files", papers[1:])
    page.locator(".field:has(#files) button").first.click()
    expect(page.locator("li.file")).to_have_count(3, timeout=20_000)
    expect(page.locator("#circumstances")).to_have_value(re.compile("Талап хатқа"))
    press_next(page)


def file_claim(page: Page, demo: Demo, papers: list[Path]) -> str:
    """Fill, read, sign, send; return the talon's number."""
    page.goto(demo.aktau + "/filings/new")
    page.locator("main form button.btn-primary").click()
    arrive(page, "case")
    describe_the_case(page)
    pay(page)
    attach(page, papers)
    arrive(page, "review")
    statement = page.request.get(demo.aktau + str(page.locator("a[href$='/statement.pdf']").get_attribute("href")))
    assert statement.body().startswith(b"%PDF-")
    give_key(page, demo.key(NEWCOMER.file))
    arrive(page, "sent")
    return "".join(page.locator(".talon-no").inner_text().split())


def check_talon(page: Page, demo: Demo, folder: Path, number: str) -> None:
    """The talon is in hand: its QR on the screen, its PDF sound for a stranger's program and for ours."""
    assert page.locator("img.qr").evaluate("picture => picture.complete && picture.naturalWidth > 0")
    with page.expect_download() as download:
        page.locator("a[href*='talon.pdf'][href*='save']").click()
    path = folder / "talon.pdf"
    download.value.save_as(path)
    assert number in download.value.suggested_filename
    said = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=True).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    verified = demo.edge(AKTAU_NODE, "verify", str(path))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def register_the_case(page: Page, demo: Demo, talon: str) -> str:
    """The clerk's part, at the other node: see, examine, register with the clerk's own key; return the case number."""
    enter(page, demo.medeu + "/desk/enter", demo.key("clerk-medeu"))
    reload_until(page, page.locator("tr", has_text=spaced(talon)))
    page.locator("tr", has_text=spaced(talon)).locator("a").click()
    assert page.locator(".checks .ok").count() >= 3
    assert page.locator(".checks .bad").count() == 0
    page.locator("iframe").wait_for()
    page.locator("input[name=kind][value=register]").check()
    page.locator("main form[action*=decision] button").click()
    give_key(page, demo.key("clerk-medeu"))
    page.wait_for_url("**/desk/cases/*")
    found = NUMBER.search(page.locator("h1").inner_text())
    assert found is not None
    return found.group()


def spaced(talon: str) -> re.Pattern[str]:
    return re.compile(r"\s".join(talon[start : start + 3] for start in range(0, 15, 3)))


def test_the_main_job(demo: Demo, chromium: Browser, papers: list[Path], tmp_path: Path) -> None:
    for node in (AKTAU_NODE, MEDEU_NODE):
        demo.cut(node)
    citizen, clerk = visit(chromium, KIOSK), visit(chromium, DESK)
    page = citizen.page
    register(page, demo)
    expect(page.locator(".line-off")).to_be_visible()
    talon = file_claim(page, demo, papers)
    expect(page.locator(".line-off")).to_be_visible()
    assert len(talon) == 15
    check_talon(page, demo, tmp_path, talon)

    for node in (AKTAU_NODE, MEDEU_NODE):
        demo.heal(node)
    page.reload()
    expect(page.locator(".line-off")).to_have_count(0)
    reload_until(page, page.locator(".ladder .is-done"), count=3)
    number = register_the_case(clerk.page, demo, talon)
    demo.exchange(MEDEU_NODE)
    demo.exchange(AKTAU_NODE)

    page.goto(demo.aktau + "/notifications")
    reload_until(page, page.locator("li.file", has_text=spaced(talon)).filter(has_text=number))
    elsewhere = visit(chromium, KIOSK)
    enter(elsewhere.page, demo.medeu + "/enter", demo.key(NEWCOMER.file))
    elsewhere.page.goto(demo.medeu + "/filings?tab=cases")
    reload_until(elsewhere.page, elsewhere.page.locator("main", has_text=number))
    elsewhere.page.locator("main section.sheet a.btn").click()
    expect(elsewhere.page.locator(".ladder .is-done")).to_have_count(4)
    the_centre_counts_it(chromium, demo, talon)
    assert citizen.heard + clerk.heard + elsewhere.heard == []


def the_centre_counts_it(chromium: Browser, demo: Demo, talon: str) -> None:
    administrator = visit(chromium, DESK)
    page = administrator.page
    enter(page, demo.centre + "/enter", demo.key("administrator"))
    page.goto(demo.centre + "/overview")
    expect(page.locator("main")).to_contain_text("Ақтау")
    page.goto(demo.centre + "/log")
    expect(page.locator("main")).to_contain_text("filing")
    assert administrator.heard == []
