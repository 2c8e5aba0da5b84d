"""The pages of a filing as a person meets them: the four steps, what is refused and how, who sees what."""

import io
import re
from datetime import time
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from common.court import filing_lists
from common.court.terms import add_months, last_moments, local_date
from common.db import fetch, transaction
from common.pki.asic import looks_like_container
from edge.services import drafts
from tests.web.filing_world import CASE, DEFENDANT, begin, create, fill, house_of, pdf, ready, send, sent_by_pages, shown_on, visitor_of
from tests.web.pages import AIGUL, ALMA, BOLAT, FIRM, Browser, House, trust_our_centres

JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("house"))


@pytest.fixture
def aigul(house: House) -> Browser:
    return entered(house, AIGUL)


def entered(house: House, who: object) -> Browser:
    browser = house.browser()
    browser.enter(who)  # type: ignore[arg-type]
    browser.get("/filings?lang=en")
    return browser


def erase_all(house: House, who: object = AIGUL) -> None:
    author = visitor_of(who)  # type: ignore[arg-type]
    for draft in drafts.of_author(house.node, author):
        drafts.erase(house.node, author, draft.id)


@pytest.fixture(autouse=True)
def _no_drafts_left(house: House) -> None:
    erase_all(house)


def words(answer: TestResponse) -> str:
    main = answer.text[answer.text.find("<main") :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


@pytest.mark.parametrize(
    "path", ["/filings", "/filings/new", "/filings/drafts", f"/filings/{'0' * 32}", f"/filings/drafts/{'0' * 32}/case"]
)
def test_without_sign_in_the_way_leads_there_and_back(house: House, path: str) -> None:
    answer = house.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/enter?next=")


def test_from_the_chooser_to_the_talon(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    review = aigul.get(f"{base}/review")
    assert review.status_code == 200
    assert "11 / 12 hold" in words(review), "the unpaid duty is a warning"
    rows = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", review.text))
    asked = ("Kind of proceedings", "Category of the case", "Nature of the claim", "Court", "Language of the statement", "Plaintiff")
    assert all(rows.get(label) for label in asked), "everything that was chosen is read before signing"
    statement = aigul.get(f"{base}/statement.pdf")
    assert statement.data.startswith(b"%PDF-")
    answer = aigul.post(f"{base}/review", {"shown": shown_on(aigul, base)}, key=AIGUL)
    assert answer.status_code == 303
    sent = aigul.get(answer.headers["Location"])
    assert "the talon is given" in words(sent)
    filing = filing_lists.filings_of_person(house.node.database, AIGUL.person)[0]
    assert f"{filing.talon[:3]}\u00a0{filing.talon[3:6]}" in sent.text
    address = answer.headers["Location"].removesuffix("/sent")
    for name, start in (
        ("talon.pdf", b"%PDF-"),
        ("slip.pdf", b"%PDF-"),
        ("invoice.pdf", b"%PDF-"),
        ("statement.pdf", b"%PDF-"),
        ("qr.svg", b"<svg"),
    ):
        assert aigul.get(f"{address}/{name}").data.startswith(start), name
    assert aigul.get(f"{base}/case").headers["Location"] == f"{address}/sent", "the talon waits where the draft was"
    assert house.node.blobs.read(filing.statement_sha256).startswith(statement.data)


@pytest.mark.parametrize(
    ("document", "instance", "proceedings"),
    [("cassation_complaint", "cassation", "civil"), ("claim", "first", "criminal"), ("response", "first", "civil")],
)
def test_what_is_not_built_says_so(aigul: Browser, document: str, instance: str, proceedings: str) -> None:
    answer = aigul.post("/filings/new", {"proceedings": proceedings, "instance": instance, "document_type": document})
    assert answer.status_code == 501


def test_the_chooser_refuses_what_is_not_in_the_list(aigul: Browser) -> None:
    assert aigul.post("/filings/new", {"proceedings": "x", "instance": "y", "document_type": "z"}).status_code == 400


def test_step_one_says_all_that_is_missing_at_once(aigul: Browser) -> None:
    base = begin(aigul)
    answer = aigul.post(f"{base}/case", {"proceedings": "claim", "region": "", "court": "", "go": "next"})
    assert answer.status_code == 400
    for sentence in (
        "Choose the case category",
        "Choose the nature",
        "Choose the region and the court",
        "Add the defendant",
        "enter the address",
    ):
        assert sentence in words(answer), sentence


def test_region_then_court_works_without_a_script(aigul: Browser) -> None:
    base = begin(aigul)
    answer = aigul.post(f"{base}/case", {**CASE, "region": "71", "court": "", "go": "courts"})
    assert answer.status_code == 200
    assert 'value="kz-7"' in answer.text
    assert 'value="kz-283"' not in answer.text
    foreign = aigul.post(f"{base}/case", {**CASE, "region": "71", "court": "kz-283", "go": "next"})
    assert "Choose the region and the court" in words(foreign), "a court of another region is not taken"


def test_the_category_is_found_by_words_and_stays_chosen(aigul: Browser) -> None:
    base = begin(aigul)
    found = aigul.get(f"{base}/category?q=қарыз+шарты&lang=kk")
    assert 'value="claim.debt.loan"' in found.text
    assert 'value="claim.family.divorce"' not in found.text
    assert "No category has these words" in words(aigul.get(f"{base}/category?q=zzz&lang=en"))
    assert aigul.post(f"{base}/category", {"category": "special.fact.none"}).status_code == 400
    assert aigul.post(f"{base}/category", {"category": "claim.debt.loan"}).status_code == 303
    assert "Loan agreement" in words(aigul.get(f"{base}/case"))


def test_special_proceedings_turn_the_plaintiff_into_the_applicant(house: House, aigul: Browser) -> None:
    base = begin(aigul)
    aigul.post(f"{base}/category", {"category": "claim.debt.loan"})
    aigul.post(f"{base}/case", {**CASE, "proceedings": "special", "go": "courts"})
    claim = drafts.of_author(house.node, visitor_of(AIGUL))[0].claim
    assert (claim.parties[0].role, claim.category, claim.filed_by_role) == ("applicant", "", "applicant")


def test_a_participant_is_added_changed_removed_and_brought_back(house: House, aigul: Browser) -> None:
    base = begin(aigul)
    who = {"kind": "legal_entity", "role": "defendant", "resident": "yes"}
    page = aigul.post(f"{base}/parties/new", who).headers["Location"]
    bad = aigul.post(page, {**who, "bin": "14054000821", "name": "", "address": ""})
    assert bad.status_code == 400
    for sentence in ("A BIN has 12 digits; you entered 11", "Enter the name of the organisation", "Enter the address"):
        assert sentence in words(bad), sentence
    other = {**who, "bin": DEFENDANT.bin, "name": DEFENDANT.name, "address": DEFENDANT.address}
    assert aigul.post(page, other).status_code == 303
    assert "not checked yet" in words(aigul.get(f"{base}/case"))
    assert aigul.post(f"{base}/parties/1", {**other, "name": "«Жайық» ЖШС"}).status_code == 303
    assert "«Жайық» ЖШС" in words(aigul.get(f"{base}/case"))
    assert "Take this participant out?" in words(aigul.get(f"{base}/parties/1/remove"))
    aigul.post(f"{base}/parties/1/remove")
    gone = words(aigul.get(f"{base}/case"))
    assert "Taken out: «Жайық» ЖШС" in gone
    aigul.client.post(f"{base}/parties/undo", data={"csrf_token": aigul.token(f"{base}/case")})
    claim = drafts.of_author(house.node, visitor_of(AIGUL))[0].claim
    assert [party.name for party in claim.parties] == ["", "«Жайық» ЖШС"]
    assert aigul.get(f"{base}/parties/7").status_code == 404


def test_a_participant_saved_in_a_second_window_overwrites_nobody_else(house: House, aigul: Browser) -> None:
    base = begin(aigul)
    other = {"kind": "legal_entity", "role": "defendant", "resident": "yes", "bin": DEFENDANT.bin, "address": DEFENDANT.address}
    for name in ("«Жайық» ЖШС", "«Атырау» ЖШС"):
        aigul.post(f"{base}/parties/new/details", {**other, "name": name})
    was = re.findall(r'name="was" value="([^"]+)"', aigul.get(f"{base}/parties/2").text)[0]
    aigul.post(f"{base}/parties/1/remove")  # in the other window: places have moved
    token = {"X-CSRFToken": aigul.token(f"{base}/case"), **JSON}
    moved = aigul.client.post(f"{base}/save/party?place=2", data={"name": "«Атырау» ЖШС", "was": was}, headers=token)
    assert (moved.status_code, moved.json and moved.json["code"]) == (409, "claim.party_moved")
    mine = {**other, "name": "«Атырау» ЖШС", "address": "Атырау, 7", "was": was}
    assert aigul.post(f"{base}/parties/2", {**mine, "name": ""}).status_code == 400
    assert aigul.post(f"{base}/parties/2", mine).status_code == 303
    claim = drafts.of_author(house.node, visitor_of(AIGUL))[0].claim
    assert [(party.name, party.address) for party in claim.parties[1:]] == [("«Атырау» ЖШС", "Атырау, 7")]
    aigul.post(f"{base}/parties/1/remove")
    aigul.post(f"{base}/parties/new/details", {**other, "name": "«Жайық» ЖШС"})
    assert aigul.post(f"{base}/parties/1", mine).status_code == 303, "who was taken out meanwhile comes back"
    claim = drafts.of_author(house.node, visitor_of(AIGUL))[0].claim
    assert [party.name for party in claim.parties[1:]] == ["«Жайық» ЖШС", "«Атырау» ЖШС"]


def test_a_duty_that_was_found_is_not_asked_for_again(house: House, aigul: Browser) -> None:
    address = sent_by_pages(aigul)
    assert "The duty is not paid yet" in words(aigul.get(address))
    with transaction(house.node.database):  # as `filing.verify` of the centre folds
        fetch(house.node.database, "UPDATE filing_row SET payment = 'paid' WHERE obj = ?", (bytes.fromhex(address.split("/")[-1]),))
    assert "The duty is not paid yet" not in words(aigul.get(address)) + words(aigul.get(f"{address}/sent"))


@pytest.mark.parametrize(
    ("iin", "sentence"),
    [
        ("78062230145", "An IIN has 12 digits; you entered 11"),
        ("780622301451", "its last digit does not fit"),
        ("1405400082AB", "digits only"),
    ],
)
def test_a_wrong_iin_is_told_at_its_field(aigul: Browser, iin: str, sentence: str) -> None:
    base = begin(aigul)
    who = {"kind": "individual", "role": "defendant", "resident": "yes", "surname": "Ахметов", "first_name": "Ерлан", "address": "Ақтау"}
    answer = aigul.post(f"{base}/parties/new/details", {**who, "iin": iin})
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert 'aria-invalid="true"' in answer.text


def test_ones_own_number_is_taken_as_the_certificate_has_it(aigul: Browser) -> None:
    base = begin(aigul)
    own = {
        "kind": "individual",
        "role": "plaintiff",
        "resident": "yes",
        "iin": AIGUL.iin,
        "surname": "С",
        "first_name": "А",
        "address": "Ақтау",
    }
    assert aigul.post(f"{base}/parties/0", own).status_code == 303


def test_the_duty_is_counted_and_entered_by_a_press(house: House, aigul: Browser) -> None:
    base = begin(aigul)
    aigul.post(f"{base}/case", {**CASE, "go": "courts"})
    counted = aigul.post(f"{base}/payment", {"claim_amount": "2 450 000", "payment": "pending", "go": "count"})
    assert "24\u00a0500\u00a0₸" in counted.text
    assert "1 % of the claim amount" in words(counted)
    assert aigul.post(f"{base}/payment", {"claim_amount": "2 450 000", "payment": "pending", "go": "fill"}).status_code == 303
    assert drafts.of_author(house.node, visitor_of(AIGUL))[0].claim.payment.duty_tiyn == 2_450_000
    assert aigul.get(f"{base}/invoice.pdf").data.startswith(b"%PDF-")


def test_payment_is_refused_with_what_is_missing(aigul: Browser) -> None:
    base = begin(aigul)
    aigul.post(f"{base}/case", {**CASE, "go": "courts"})
    answer = aigul.post(f"{base}/payment", {"claim_amount": "екі", "duty_amount": "", "payment": "receipt", "exemption": "", "go": "next"})
    assert answer.status_code == 400
    for sentence in ("Write the amount in tenge with digits", "Enter the amount of the state duty", "Attach the scan of the receipt"):
        assert sentence in words(answer), sentence
    assert 'value="екі"' in answer.text, "what was typed stays on the screen"
    exempt = aigul.post(f"{base}/payment", {"claim_amount": "100", "payment": "exempt", "exemption": "", "go": "next"})
    assert "Choose why the duty is not paid" in words(exempt)
    assert (
        aigul.post(f"{base}/payment", {"claim_amount": "100", "payment": "exempt", "exemption": "668-4", "go": "next"}).status_code == 303
    )


def test_files_are_refused_each_for_itself(house: House, aigul: Browser) -> None:
    base = begin(aigul)
    files = {"files": [(io.BytesIO(pdf(2)), "Шарт.pdf"), (io.BytesIO(b"MZ"), "вирус.exe"), (io.BytesIO(b""), "бос.pdf")]}
    answer = aigul.post(f"{base}/documents", {"circumstances": "Мән-жай", "requirement": "", "go": "upload", **files})
    assert answer.status_code == 400
    assert "вирус — This kind of file is not taken" in words(answer)
    assert "бос — The file is empty" in words(answer)
    draft = drafts.of_author(house.node, visitor_of(AIGUL))[0]
    assert [file.title for file in draft.claim.attachments] == ["Шарт"]
    assert draft.claim.circumstances == "Мән-жай", "texts are kept with every press"
    sha256 = draft.claim.attachments[0].sha256
    assert aigul.get(f"{base}/files/{sha256}").data.startswith(b"%PDF-")
    replaced = aigul.post(f"{base}/files/{sha256}/replace", {"file": (io.BytesIO(pdf(4)), "Жаңа.pdf")})
    assert replaced.status_code == 303
    assert aigul.get(f"{base}/files/{sha256}/replace").status_code == 303, "it is not there any more"
    fresh = drafts.of_author(house.node, visitor_of(AIGUL))[0].claim.attachments[0]
    assert fresh.title == "Жаңа"
    aigul.post(f"{base}/documents", {"circumstances": "Мән-жай", "requirement": "", "remove": fresh.sha256})
    assert drafts.of_author(house.node, visitor_of(AIGUL))[0].claim.attachments == ()


def test_every_field_is_saved_before_any_check(house: House, aigul: Browser) -> None:
    base = begin(aigul)
    token = {"X-CSRFToken": aigul.token(f"{base}/payment"), **JSON}
    saved = aigul.client.post(f"{base}/save/payment", data={"claim_amount": "мың", "changed": "claim_amount"}, headers=token)
    assert saved.status_code == 200
    assert saved.json is not None
    assert saved.json["text"].startswith("Saved:")
    assert 'value="мың"' in aigul.get(f"{base}/payment").text
    aigul.client.post(f"{base}/save/documents", data={"circumstances": "Бірінші\r\nекінші", "requirement": "Сұраймын"}, headers=token)
    aigul.client.post(f"{base}/save/party?place=new", data={"surname": "Ахм"}, headers=token)
    draft = drafts.of_author(house.node, visitor_of(AIGUL))[0]
    assert (draft.claim.circumstances, draft.claim.requirement) == ("Бірінші\nекінші", "Сұраймын")
    assert 'value="Ахм"' in aigul.get(f"{base}/parties/new/details?kind=individual&role=defendant&resident=yes").text
    assert aigul.client.post(f"{base}/save/payment", data={}, headers=JSON).status_code == 400, "without a token nothing is saved"
    assert aigul.client.post(f"{base}/save/nothing", data={}, headers=token).status_code == 404


def test_what_was_typed_and_not_understood_stops_before_signing(aigul: Browser) -> None:
    base = fill(aigul)
    token = {"X-CSRFToken": aigul.token(f"{base}/payment"), **JSON}
    aigul.client.post(f"{base}/save/payment", data={"claim_amount": "мың", "duty_amount": "24500", "payment": "pending"}, headers=token)
    aigul.client.post(f"{base}/save/party?place=new", data={"surname": "Ахм"}, headers=token)
    stopped = aigul.get(f"{base}/review")
    assert "Write the amount in tenge" in words(stopped)
    assert "You began to fill in a participant" in words(stopped)
    assert "Sign and send" not in words(stopped)
    assert aigul.post(f"{base}/review", {"shown": "0" * 64}, key=AIGUL).status_code == 200, "and the post is stopped too"


def test_each_refusal_at_signing_leaves_the_draft(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    shown = shown_on(aigul, base)
    wrong = aigul.post(f"{base}/review", {"shown": shown}, key=AIGUL, key_password="Qwerty13")
    assert wrong.status_code == 400
    assert "Tries left: 4" in words(wrong)
    other = aigul.post(f"{base}/review", {"shown": shown}, key=BOLAT)
    assert "This key belongs to somebody else" in words(other)
    stale = aigul.post(f"{base}/review", {"shown": "0" * 64}, key=AIGUL)
    assert "changed after you read it" in words(stale)
    none = aigul.post(f"{base}/review", {"shown": shown})
    assert "Choose the key file" in words(none)
    assert len(drafts.of_author(house.node, visitor_of(AIGUL))) == 1
    assert "Qwerty13" not in wrong.text


def test_a_draft_of_somebody_else_is_not_there(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    for stranger in (entered(house, BOLAT), entered(house, FIRM)):
        for page in (
            "case",
            "category",
            "payment",
            "documents",
            "review",
            "statement.pdf",
            "invoice.pdf",
            "parties/0",
            "erase",
            "parties/new",
        ):
            assert stranger.get(f"{base}/{page}").status_code == 404, page
    assert aigul.get(f"{base}/case").status_code == 200


def test_a_filing_is_the_cabinets_and_nobody_elses(house: House, aigul: Browser) -> None:
    address = sent_by_pages(aigul)
    stranger = entered(house, BOLAT)
    sha256 = filing_lists.files(house.node.database, bytes.fromhex(address.split("/")[-1]))[0].sha256.hex()
    papers = ("/talon.pdf", "/slip.pdf", "/qr.svg", "/statement.pdf", f"/files/{sha256}", "/proof", "/invoice.pdf", "/evidence.asice")
    pages = ("", "/sent", "/withdraw", *papers)
    assert [stranger.get(f"{address}{page}").status_code for page in pages] == [404] * len(pages)
    assert aigul.get(f"{address}/files/{sha256}").data.startswith(b"%PDF-")
    assert aigul.get(f"{address}/files/{'0' * 64}").status_code == 404


def test_colleagues_share_what_the_organisation_filed_but_not_drafts(house: House) -> None:
    filing = send(house.node, ready(house.node, FIRM), FIRM)
    draft = ready(house.node, FIRM)
    colleague = entered(house, ALMA)
    assert colleague.get(f"/filings/{filing.obj.hex()}").status_code == 200
    assert colleague.get(f"/filings/drafts/{draft.id.hex()}/case").status_code == 404
    erase_all(house, FIRM)


def test_drafts_wait_are_resumed_by_code_and_erased(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    page = words(aigul.get("/filings/drafts"))
    code = drafts.of_author(house.node, visitor_of(AIGUL))[0].code
    assert f"code {code}" in page
    assert "4. Checking and signing" in page
    answer = aigul.post("/filings/drafts", {"code": code})
    assert answer.headers["Location"] == base
    assert aigul.get(base).headers["Location"] == f"{base}/review"
    assert aigul.post("/filings/drafts", {"code": "1"}).status_code == 400
    assert aigul.post(f"{base}/erase").status_code == 303
    assert "No drafts here" in words(aigul.get("/filings/drafts"))


def test_my_cases_are_filtered_and_tell_how_fresh_they_are(house: House, aigul: Browser) -> None:
    address = sent_by_pages(aigul)
    filing = filing_lists.filing(house.node.database, bytes.fromhex(address.split("/")[-1]))
    assert filing is not None
    talon = filing.talon
    page = words(aigul.get("/filings"))
    assert "as of" in page
    assert "Defendant — «Теңіз Құрылыс Сервис» ЖШС" in page
    assert address in aigul.get(f"/filings?talon={talon[:3]}+{talon[3:]}").text
    for query in ("talon=1", "since=22.11.2026", "until=20.11.2026", "region=71", "court=kz-7", "document_type=motion", "tab=cases"):
        assert address not in aigul.get(f"/filings?{query}").text, query
    for query in ("since=21.11.2026&until=21.11.2026", "region=47", "court=kz-283", "document_type=claim"):
        assert address in aigul.get(f"/filings?{query}").text, query
    assert "Write the date as day.month.year" in words(aigul.get("/filings?since=31.02.2026"))


def test_the_list_asks_the_database_a_few_times_however_long_it_is(house: House, aigul: Browser) -> None:
    def queries() -> int:
        seen: list[str] = []
        connection = house.node.database.connection()
        connection.trace_v2(1, lambda event: seen.append(event["sql"]))
        try:
            assert aigul.get("/filings").status_code == 200
        finally:
            connection.trace_v2(0, None)
        return len(seen)

    send(house.node, ready(house.node))
    few = queries()
    for _ in range(4):
        send(house.node, ready(house.node))
    assert queries() == few


def test_one_filing_shows_its_course_and_its_papers(house: House, aigul: Browser) -> None:
    page = words(aigul.get(sent_by_pages(aigul)))
    for text in ("Course of the consideration", "Signed statement", "No video yet", "Қарыз шарты жасалды.", "Withdraw"):
        assert text in page, text


def test_a_proof_of_the_register_is_there_after_the_exchange(house: House, aigul: Browser) -> None:
    address = sent_by_pages(aigul)
    early = aigul.get(f"{address}/proof")
    assert early.status_code == 400
    assert "has not confirmed this yet" in words(early)
    assert house.court.exchange(house.node)
    proof = aigul.get(f"{address}/proof")
    assert proof.data.startswith(b"c2sp.org/tlog-proof@v1\n")
    assert ".tlog-proof" in proof.headers["Content-Disposition"]


def test_all_evidence_comes_in_one_file_that_the_check_takes(house: House, aigul: Browser) -> None:
    address = sent_by_pages(aigul)
    assert f'href="{address}/evidence.asice"' in aigul.get(address).text
    before = {path for path in house.node.data.rglob("*") if path.is_file()}
    answer = aigul.get(f"{address}/evidence.asice")
    assert answer.status_code == 200
    assert looks_like_container(answer.data)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert {path for path in house.node.data.rglob("*") if path.is_file()} == before, "nothing of it stays on the disk"
    page = words(house.browser().post("/check", {"code": "", "file": (io.BytesIO(answer.data), "e.asice")}))
    for text in ("The evidence is genuine", "Receipt of the machine (R0)", "Signed statement", "СӘРСЕНОВА"):
        assert text in page, text


def test_a_file_is_saved_with_the_ending_of_its_content(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    for address in (base, sent_by_pages(aigul)):
        page = aigul.get(address if address != base else f"{base}/documents").text
        found = re.findall(r'href="([^"]+/files/[0-9a-f]{64})"', page)
        assert found, address
        for each in found:
            assert aigul.get(each).headers["Content-Disposition"].endswith(".pdf"), each


def test_whoever_ends_a_visit_in_a_draft_is_told_its_code(aigul: Browser) -> None:
    base = fill(aigul)
    code = re.search(r"\d{4}-\d{4}", words(aigul.get(f"{base}/case")))
    assert code is not None
    assert f"with the code {code.group()}" in words(aigul.get(f"/end?next={base}/case"))
    assert "with the code" not in words(aigul.get(f"/end?next=/filings/drafts/{'0' * 32}/case"))


def test_withdrawing_takes_the_key_and_ends_the_filing(aigul: Browser) -> None:
    address = sent_by_pages(aigul)
    assert "This key belongs to somebody else" in words(aigul.post(f"{address}/withdraw", {"reason": ""}, key=BOLAT))
    assert aigul.post(f"{address}/withdraw", {"reason": "Келістік"}, key=AIGUL).status_code == 303
    page = words(aigul.get(address))
    assert "Withdrawn by you" in page
    assert "Келістік" in page
    assert "With the next exchange. At the latest" in page
    assert "All files have arrived" not in page, "nothing has left this machine yet"
    assert aigul.get(f"{address}/withdraw").status_code == 400


def test_a_key_is_not_asked_for_over_an_open_line(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    far = {"environ_base": {"REMOTE_ADDR": "10.1.1.1"}}
    page = aigul.get(f"{base}/review", **far)
    assert 'name="key_password"' not in page.text
    answer = aigul.post(f"{base}/review", {"shown": shown_on(aigul, base)}, key=AIGUL, **far)
    assert answer.status_code in (400, 403)
    assert len(drafts.of_author(house.node, visitor_of(AIGUL))) == 1


def test_a_closed_machine_has_no_sending_button(house: House, aigul: Browser) -> None:
    base = fill(aigul)
    house.node.database.connection().execute("UPDATE sync SET state = 'node.revoked'")
    page = aigul.get(f"{base}/review")
    house.node.database.connection().execute("UPDATE sync SET state = ''")
    assert "cannot take papers now; your draft stays" in words(page)
    assert "Sign and send" not in words(page)


def test_the_logs_name_nobody(house: House, aigul: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        sent_by_pages(aigul)
    assert AIGUL.iin not in caplog.text
    assert "ЕНОВА" not in caplog.text.upper()
    assert "Qwerty12" not in caplog.text


def test_a_filing_made_elsewhere_says_so(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    other = house.court.node("kz-7")
    create(other)
    trust_our_centres(other)
    trust_our_centres(house.court.centre)  # type: ignore[arg-type]
    filing = send(other, ready(other))
    browser = entered(house, AIGUL)
    for node in (house.node, other, house.node):
        assert house.court.exchange(node)
    page = browser.get(f"/filings/{filing.obj.hex()}/sent")
    assert "The talon was given where the filing was taken" in words(page)
    assert browser.get(f"/filings/{filing.obj.hex()}/talon.pdf").status_code == 404
    assert "Sent at another court" in words(browser.get("/filings"))


def test_the_cabinet_keeps_copies_a_month_and_the_record_for_ever(tmp_path: Path) -> None:  # LET-9
    house = house_of(tmp_path)
    aigul = entered(house, AIGUL)
    address = sent_by_pages(aigul)
    sha256 = filing_lists.files(house.node.database, bytes.fromhex(address.split("/")[-1]))[0].sha256.hex()
    copies = ("/statement.pdf", f"/files/{sha256}", "/evidence.asice")
    last_day = add_months(local_date(house.court.clock.now()), 1)
    midnight = last_moments(last_day, time(18)).electronic_ms
    left = (last_day - local_date(house.court.clock.now())).days
    assert f"{left} more days: save it in time" in words(aigul.get(address))

    house.court.clock.tick(midnight - house.court.clock.now() - 1)
    aigul = entered(house, AIGUL)
    assert "0 more days: save it in time" in words(aigul.get(address))
    assert [aigul.get(f"{address}{copy}").status_code for copy in copies] == [200] * 3

    house.court.clock.tick(1)
    aigul = entered(house, AIGUL)
    shown = words(aigul.get(address))
    assert "Your copy was kept here until" in shown
    assert "kept by the court" in shown
    assert not any(copy in aigul.get(address).text for copy in copies)
    for copy in copies:
        refused = aigul.get(f"{address}{copy}")
        assert refused.status_code == 400
        assert "ask the court for a copy" in words(refused)
    assert aigul.get(f"{address}/talon.pdf").data.startswith(b"%PDF-")
    assert sha256[:4] in shown.replace(" ", "").lower()
