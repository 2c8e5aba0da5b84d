"""A filing for somebody without a key: the witness says who the person is, the person reads and agrees, the witness signs."""

from html import unescape
from io import BytesIO
from zipfile import ZipFile

import msgspec
import pytest
from pypdf import PdfReader
from werkzeug.test import TestResponse

from central import app as central_app
from central.services import evidence, reference
from central.services import log as central_log
from common import canonical
from common.court import filing_lists
from common.court.filing_entries import Witness
from common.court.staff import Appoint
from common.db import fetch
from common.errors import Conflict, Refused
from common.pki import pades
from edge.services import cases, decisions, draft_files, drafts, filings, registration, statements
from edge.services import desk as desk_services
from edge.services import evidence as edge_evidence
from edge.services import talons as talon_service
from edge.services.draft_content import Draft
from edge.services.examination import examine
from edge.visitor import Visitor
from edge.web import accounts, desk, home, outages, talons, witness
from edge.web import cases as case_pages
from edge.web import filings as filing_pages
from edge.web import notifications as notification_pages
from sync.receipts import read_r0
from sync.verify import verify_file
from sync.verify_evidence import empty_database
from tests.web.desk_world import AKTAU, CHAIRMAN, CITIZEN, CLERK, FOREIGN_CLERK, JUDGE, World
from tests.web.elsewhere import sign_elsewhere
from tests.web.filing_world import claim_of, fill, pdf, ready, send, shown_on
from tests.web.pages import BOLAT, Browser, Person, build, errors_in

MAKERS = (
    home.make_pages, accounts.make_pages, notification_pages.make_pages, filing_pages.make_pages, talons.make_pages,
    desk.make_pages, witness.make_pages, case_pages.make_pages, outages.make_pages,
)  # fmt: skip
SHOWN = {
    "iin": CITIZEN.iin, "surname": "Сәрсенова", "first_name": "Айгүл", "patronymic": "Маратқызы", "kind": "identity_card",
    "number": "012345678", "issued_by": "ІІМ", "issued_on": "01.02.2020",
}  # fmt: skip
NUMBER = "012345678"
WITNESSED = "The receipt says: a witness of the court's staff signed, for a person without a key."
SPOOF = (
    "Қол қоюшы: \nБіреу\nКілті жоқ адам үшін: Басқа\nЖеке басын куәландыратын құжат: жоқ\n\n"
    "Подписывает: \nКто-то\nЗа человека без ключа: Другой"
)
"""Words of a person that look like those of a witness."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.create(tmp_path_factory.mktemp("world"))
    drafts.create(world.aktau)
    filings.create(world.aktau)
    return world


@pytest.fixture
def browser(world: World) -> Browser:
    browser = Browser(build(world.aktau, MAKERS))
    assert browser.post("/desk/enter", key=CLERK).status_code == 303
    return browser


def begin(browser: Browser, **changes: str) -> TestResponse:
    return browser.post("/desk/witness", SHOWN | changes)


def sent(browser: Browser, key: Person = CLERK) -> str:
    begin(browser)
    base = fill(browser, who=CITIZEN)
    answer = browser.post(f"{base}/review", {"shown": shown_on(browser, base), "agreed": "y"}, key=key)
    assert answer.status_code == 303, errors_in(answer)
    return str(answer.headers["Location"]).removesuffix("/sent")


def test_a_witnessed_filing_says_so_everywhere(world: World, browser: Browser) -> None:
    address = sent(browser)
    obj = bytes.fromhex(address.rsplit("/", 1)[1])
    filing = world.filing(obj)
    assert (filing.witnessed, filing.person, filing.filer_iin, filing.filer_name) == (
        True,
        CITIZEN.iin,
        CITIZEN.iin,
        "Сәрсенова Айгүл Маратқызы",
    )
    assert (filing.certificate, filing.assisted_by) == (CLERK.key.certificate.sha256, "Қасымова Дина Ерланқызы")
    form = filing_lists.form(world.aktau.database, obj)
    assert form is not None
    assert form.witness == Witness(
        court=AKTAU, name="Қасымова Дина Ерланқызы", kind="identity_card", number=NUMBER, issued_by="ІІМ", date="2020-02-01", receipt=2
    )
    assert "Signed by a witness: Қасымова Дина Ерланқызы" in browser.get(f"{address}/sent").text
    statement = browser.get(f"{address}/statement.pdf").data
    (signature,) = pades.read_pdf_signatures(statement)
    assert (signature.holds, signature.certificate.iin) == (True, CLERK.iin)
    text = words_of(statement)
    for words in ("Қасымова Дина Ерланқызы", NUMBER, "Кілті жоқ адам үшін"):
        assert words in text
    assert "Кілті жоқ адам үшін қол қойған куә" in words_of(browser.get(f"{address}/talon.pdf").data)
    assert "кілті жоқ адам үшін куә қол қойған" in words_of(browser.get(f"{address}/slip.pdf").data)
    page = desk_services.sheet(world.aktau, AKTAU, obj)
    assert "signed by a witness" in examine(world.aktau, page)[0].fact.sentence
    browser.post("/end", {"sure": "1"}, token=browser.token(f"{address}/sent"))
    browser.get("/help?lang=en")
    browser.post("/desk/enter", key=CHAIRMAN)
    assert "by a witness" in browser.get(f"/desk?q={filing.talon}").text
    assert "signed by a witness" in browser.get(f"/desk/filings/{obj.hex()}").text
    data = browser.get(f"/desk/filings/{obj.hex()}?paper=data").text
    assert "Signed by a witness" in data
    assert NUMBER in data


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_whoever_checks_the_statement_is_told(world: World, browser: Browser, language: str) -> None:
    witness = Witness(court=AKTAU, name="Қасымова Дина Ерланқызы", kind="identity_card", number=NUMBER, issued_by="ІІМ", date="2020-02-01")
    sha = CLERK.key.certificate.sha256
    author = Visitor(CITIZEN.iin, CITIZEN.iin, "", "Сәрсенова Айгүл Маратқызы", sha, "witness", witness)
    draft = ready(world.aktau, CITIZEN, author=author, language=language, circumstances=SPOOF)
    assert draft.content.paper is not None
    filing = filings.submit(world.aktau, author, draft.id, CLERK.open(world.aktau), shown=draft.content.paper.sha256)
    statement = world.aktau.blobs.read(filing.statement_sha256)
    named = {"database": empty_database(), "pin": None, "trust": world.aktau.trust, "now_ms": world.aktau.clock.now()}
    report = verify_file(statement, **named)
    (signed,) = report.signatures
    assert signed.witnessed_for == report.as_json()["signatures"][0]["witnessed_for"] == "Сәрсенова Айгүл Маратқызы"
    assert [each.level for each in report.findings if each.text.startswith("Witnessed, as the statement says: ҚАСЫМОВА ДИНА")] == ["warn"]
    assert "as a witness for Сәрсенова Айгүл" in dict(signed.rows(masked=True))["Who"][-1].text
    with edge_evidence.container(world.aktau, filing) as file, ZipFile(file) as container:
        page = container.read("README.txt").decode()
    assert "Свидетель, подписавший за человека без ключа: Қасымова Дина Ерланқызы" in page
    assert "Кілті жоқ адам үшін қол қойған куә: Қасымова Дина Ерланқызы" in page
    page = browser.post("/check", {"code": "", "file": (BytesIO(statement), "s.pdf")}).text
    assert "as a witness for Сәрсенова Айгүл Маратқызы, who has no key" in page
    world.deliver()
    centre = world.court.centre
    index = central_log.find(centre, filing.leaf.hex())
    found = evidence.filing_at(centre, index)
    assert found is not None
    assert found.witnessed
    said = "a witness of the court's staff, for a person without a key"
    if language == "kk":
        body = Appoint(name="Ахметов Болат", court="", role="central", certificate=BOLAT.key.certificate.der, from_ms=0)
        reference.appoint(centre, body)
    pages = Browser(central_app.build(centre))
    pages.enter(BOLAT)
    assert unescape(pages.get(f"/log/{index}").text).count(said) == 1
    assert said not in unescape(pages.get("/log/0").text)
    assert "as a witness for" in pages.post("/check", {"code": "", "file": (BytesIO(statement), "s.pdf")}).text
    talon = talon_service.pdf(world.aktau, filing)
    assert said in unescape(pages.post("/check", {"code": "", "file": (BytesIO(talon), "t.pdf")}).text)


def test_nobody_writes_a_witness_into_their_own_words(world: World) -> None:
    draft = ready(world.aktau, CITIZEN, circumstances=SPOOF)
    filing = send(world.aktau, draft, CITIZEN)
    named = {"database": empty_database(), "pin": None, "trust": world.aktau.trust, "now_ms": world.aktau.clock.now()}
    report = verify_file(world.aktau.blobs.read(filing.statement_sha256), **named)
    assert [signed.witnessed_for for signed in report.signatures] == [""]
    with edge_evidence.container(world.aktau, filing) as file, ZipFile(file) as container:
        assert "Свидетель" not in container.read("README.txt").decode()
    assert "witnessed_for" not in report.facts


def words_of(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages).split())


def test_the_person_finds_it_in_their_cabinet_and_the_centre_takes_it(world: World, browser: Browser) -> None:
    address = sent(browser)
    obj = bytes.fromhex(address.rsplit("/", 1)[1])
    world.deliver()
    assert filing_lists.filing(world.court.centre.database, obj) == world.filing(obj)
    own = Browser(build(world.aktau, MAKERS))
    own.enter(CITIZEN)
    for page in (address, "/filings", "/notifications", "/cabinet"):
        assert "Signed by a witness: Қасымова Дина Ерланқызы." in own.get(page).text, page


def test_the_notice_and_the_case_say_it_too(world: World, browser: Browser) -> None:
    obj = bytes.fromhex(sent(browser).rsplit("/", 1)[1])
    clerk = registration.Clerk(AKTAU, "Қасымова Дина Ерланқызы", CLERK.key.certificate.sha256)
    registration.sign(world.aktau, clerk, obj, decisions.Draft(kind="register"), CLERK.open(world.aktau))
    notice = cases.decision_notice(world.aktau, obj)
    assert "Кілті жоқ адам үшін қол қойған куә / Свидетель, подписавший за человека без ключа" in words_of(notice)
    desk = Browser(build(world.aktau, MAKERS))
    desk.post("/desk/enter", key=CHAIRMAN)
    case = world.filing(obj).case_obj
    assert case is not None
    assert "by a witness" in desk.get(f"/desk/cases/{case.hex()}").text


def test_the_talon_alone_says_it_and_one_of_before_is_printed_as_it_was(world: World, browser: Browser) -> None:
    obj = bytes.fromhex(sent(browser).rsplit("/", 1)[1])
    filing, node = world.filing(obj), world.aktau
    named = {"database": node.database, "pin": node.identity.pin, "trust": None, "now_ms": node.clock.now()}
    for paper in (talon_service.receipt_of(node, filing).qr_text.encode(), talon_service.pdf(node, filing)):
        report = verify_file(paper, **named)
        assert report.facts["witness"] is True
        assert WITNESSED in [each.text for each in report.findings]
    before = msgspec.structs.replace(filing_lists.form(node.database, obj).witness, receipt=1)
    statement = "UPDATE filing_form_row SET witness = ? WHERE obj = ?"
    fetch(node.database, statement, (canonical.encode(msgspec.to_builtins(before)), obj))
    old = read_r0(talon_service.receipt_of(node, filing).r0, node.identity.certificate)
    assert old.witness == 0
    report = verify_file(talon_service.receipt_of(node, filing).r0, **named)
    assert (report.verdict, "witness" in report.facts) == ("valid", False)


def test_the_witness_sees_nothing_else_of_the_person(world: World, browser: Browser) -> None:
    own = Browser(build(world.aktau, MAKERS))
    own.enter(CITIZEN)
    draft = fill(own, who=CITIZEN)
    begin(browser)
    for path in ("/filings", "/cabinet", "/notifications", "/desk", draft, f"{draft}/review"):
        assert browser.get(path).status_code in (303, 404), path
    assert browser.get("/desk").status_code == 404, "the clerk's own rights are put down"


def test_the_way_on_is_one_that_is_open(browser: Browser) -> None:
    address = sent(browser)
    page = browser.get(f"{address}/sent").text
    assert "Ask there for the answer with this talon" in page
    assert 'href="/end"' in page
    for closed in ('href="/filings"', "Do not forget your stick"):
        assert closed not in page, closed
    landing = browser.get("/").text
    assert 'href="/filings/drafts"' in landing
    assert 'href="/cabinet"' not in landing
    assert "your signing key" not in browser.get("/filings/new").text


def test_the_person_agrees_before_the_witness_signs(browser: Browser) -> None:
    begin(browser)
    base = fill(browser, who=CITIZEN)
    page = browser.get(f"{base}/review").text
    assert "The person has no key" in page
    answer = browser.post(f"{base}/review", {"shown": shown_on(browser, base)}, key=CLERK)
    assert "ticks this box" in errors_in(answer)


def test_only_the_witness_who_began_signs(browser: Browser) -> None:
    begin(browser)
    base = fill(browser, who=CITIZEN)
    for other in (CHAIRMAN, CITIZEN):
        answer = browser.post(f"{base}/review", {"shown": shown_on(browser, base), "agreed": "y"}, key=other)
        assert "not the key of the witness" in errors_in(answer)
    assert sign_elsewhere(browser, f"{base}/review", CLERK, {"shown": shown_on(browser, base), "agreed": "y"}).status_code == 303


@pytest.mark.parametrize("who", [JUDGE, None], ids=["a judge", "nobody"])
def test_only_who_decides_here_witnesses(world: World, who: Person | None) -> None:
    browser = Browser(build(world.aktau, MAKERS))
    if who:
        browser.post("/desk/enter", key=who)
    assert browser.get("/desk/witness").status_code == (404 if who else 303)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"iin": "760212350621"}, "iin"),
        ({"number": ""}, "number"),
        ({"issued_on": "01.01.2030"}, "issued_on"),
        ({"kind": "library"}, "kind"),
    ],
)
def test_a_document_half_written_is_corrected(browser: Browser, changes: dict[str, str], field: str) -> None:
    answer = begin(browser, **changes)
    assert answer.status_code == 400
    assert f'id="{field}-e"' in answer.text or f'href="#{field}"' in errors_in(answer)


def visitor(who: Person, **changes: str) -> Visitor:
    said = Witness(court=AKTAU, name="Қасымова Дина", kind="identity_card", number=NUMBER, issued_by="ІІМ", date="2020-02-01")
    return Visitor(
        CITIZEN.iin, CITIZEN.iin, "", "Сәрсенова Айгүл", who.key.certificate.sha256, "witness", msgspec.structs.replace(said, **changes)
    )


def prepared(world: World, author: Visitor) -> Draft:
    node = world.aktau
    draft = drafts.begin(node, author, claim_of(CITIZEN))
    draft_files.attach(node, author, draft.id, kind="claim", name="Талап арыз.pdf", data=pdf(2))
    return statements.prepare(node, author, draft.id)


@pytest.mark.parametrize("who", [BOLAT, JUDGE, FOREIGN_CLERK], ids=["a citizen", "a judge", "a clerk of another court"])
def test_no_machine_writes_what_no_staff_has_witnessed(world: World, who: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fold itself refuses it, wherever it comes from, also from a machine whose pages forgot to ask."""
    author = visitor(who)
    draft = prepared(world, author)
    assert draft.content.paper is not None
    with pytest.raises(Refused, match="witness.not_staff"):
        filings.submit(world.aktau, author, draft.id, who.open(world.aktau), shown=draft.content.paper.sha256)
    monkeypatch.setattr(filings, "_require_witness", lambda *_: None)
    with pytest.raises((Refused, Conflict), match="entry.role"):
        filings.submit(world.aktau, author, draft.id, who.open(world.aktau), shown=draft.content.paper.sha256)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"number": ""}, "filing.witness"), ({"kind": "library"}, "filing.witness"), ({"court": "kz-489"}, "entry.other_node")],
)
def test_no_machine_writes_a_witness_without_a_document(
    world: World, changes: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = visitor(CLERK)
    draft = prepared(world, author)
    assert draft.content.paper is not None
    monkeypatch.setattr(filings, "_require_witness", lambda *_: None)
    wrong = msgspec.structs.replace(author.witness, **changes)
    make = filings._body
    monkeypatch.setattr(filings, "_body", lambda *args: msgspec.structs.replace(make(*args), witness=wrong))
    with pytest.raises(Refused, match=code):
        filings.submit(world.aktau, author, draft.id, CLERK.open(world.aktau), shown=draft.content.paper.sha256)
