"""Several parties on one statement: each signs what they have read, the author sends, everybody sees who signed."""

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from common.court import filing_lists
from common.court.claim import Party
from common.court.filing_entries import Cosigner
from common.court.rules import blocking
from common.errors import Conflict, Refused
from common.pki import pades
from edge.services import cosigning, drafts, filings, signing, statements
from edge.services import desk as desk_services
from edge.services.draft_content import Draft, replace_claim
from edge.services.examination import examine
from tests.court import Court
from tests.web.elsewhere import sign_elsewhere
from tests.web.filing_world import COURT, DEFENDANT, claim_of, create, fill, house_of, ready, shown_on, visitor_of
from tests.web.pages import AIGUL, BOLAT, GOST_AIGUL, House, Person, errors_in, trust_our_centres

DANA = Person("ЫСҚАҚ", "ДАНА", "", "910101400025")
FIRM = Person("ЖАҚСЫЛЫҚ", "ЕРЛАН", "", "800202300222", DEFENDANT.name, DEFENDANT.bin)
COLLEAGUE = replace(FIRM, surname="ОСПАН", iin="800303300333", role="right_to_sign")
EMPLOYEE = replace(FIRM, surname="ЖАҚЫП", iin="800404300444", role="employee")


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    made = Court(tmp_path_factory.mktemp("court"))
    made.publish_reference()
    for machine in (made.node(COURT), made.centre):
        trust_our_centres(machine)  # type: ignore[arg-type]
    create(made.nodes[0])
    return made


def begun(court: Court) -> Draft:
    own = claim_of(AIGUL).parties[0]
    return ready(court.nodes[0], AIGUL, parties=(own, DEFENDANT))


def shown(draft: Draft) -> str:
    assert draft.content.paper is not None
    return draft.content.paper.sha256


def test_both_parties_of_an_agreement_sign_one_statement(court: Court) -> None:
    node, author = court.nodes[0], visitor_of(AIGUL)
    draft = begun(court)
    read = statements.read_statement(node, author, draft)
    cosigning.cosign(node, author, draft.id, FIRM.open(node), shown=shown(draft))
    filing = filings.submit(node, author, draft.id, GOST_AIGUL.open(node), shown=shown(draft))
    signed = node.blobs.read(filing.statement_sha256)
    assert signed.startswith(read), "nobody's words were changed"
    first, second = pades.read_pdf_signatures(signed)
    assert (first.holds, first.appended, first.certificate.bin) == (True, "signatures", FIRM.bin)
    assert (second.holds, second.covers_whole, second.certificate.iin) == (True, True, AIGUL.iin)
    (held,) = filing_lists.cosigners(node.database, filing.obj)
    assert (held.role, held.bin, held.name, held.certificate) == ("defendant", FIRM.bin, FIRM.organisation, FIRM.key.certificate.sha256)
    assert court.exchange(node)
    assert filing_lists.cosigners(court.centre.database, filing.obj) == [held]
    page = desk_services.sheet(node, COURT, filing.obj)
    assert examine(node, page)[0].kind == "ok"


@pytest.mark.parametrize(("who", "code"), [(BOLAT, "key.no_party"), (AIGUL, "key.no_party"), (EMPLOYEE, "key.no_right")])
def test_who_may_not_sign_is_told_so(court: Court, who, code: str) -> None:  # type: ignore[no-untyped-def]
    node, author, draft = court.nodes[0], visitor_of(AIGUL), begun(court)
    with pytest.raises(Refused, match=code):
        cosigning.cosign(node, author, draft.id, who.open(node), shown=shown(draft))
    assert drafts.find(node, author, draft.id) == draft


def test_a_party_signs_once(court: Court) -> None:
    node, author, draft = court.nodes[0], visitor_of(AIGUL), begun(court)
    cosigning.cosign(node, author, draft.id, FIRM.open(node), shown=shown(draft))
    with pytest.raises(Conflict, match="filing.cosigned"):
        cosigning.cosign(node, author, draft.id, COLLEAGUE.open(node), shown=shown(draft))


def test_a_change_of_the_form_lets_signatures_lapse(court: Court) -> None:
    node, author, draft = court.nodes[0], visitor_of(AIGUL), begun(court)
    cosigning.cosign(node, author, draft.id, FIRM.open(node), shown=shown(draft))
    drafts.change(node, author, draft.id, lambda content: replace_claim(content, requirement="Басқаша шешуіңізді сұраймын."))
    with pytest.raises(Conflict, match="filing.changed"):
        filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown(draft))
    again = statements.prepare(node, author, draft.id)
    assert signing.cosigners_of(again) == ()
    filing = filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown(again))
    assert len(pades.read_pdf_signatures(node.blobs.read(filing.statement_sha256))) == 1
    assert filing_lists.cosigners(node.database, filing.obj) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signed": b"0" * 64}, "filing.digest"),
        ({"certificate": b"0" * 32}, "entry.certificate"),
        ({"bin": "000740000728"}, "entry.person"),
    ],
)
def test_no_machine_names_a_signer_who_did_not_sign(
    court: Court, changes: dict[str, object], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, author, draft = court.nodes[0], visitor_of(AIGUL), begun(court)
    cosigning.cosign(node, author, draft.id, FIRM.open(node), shown=shown(draft))
    make = filings._body

    def lying(*args: object) -> object:
        body = make(*args)  # type: ignore[arg-type]
        one: Cosigner = body.cosigners[0]
        return msgspec.structs.replace(body, cosigners=[msgspec.structs.replace(one, **changes)])

    monkeypatch.setattr(filings, "_body", lying)
    with pytest.raises(Refused, match=code):
        filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown(draft))


def test_on_the_pages_with_ncalayer_and_with_a_file(tmp_path: Path) -> None:
    house: House = house_of(tmp_path)
    browser = house.browser()
    browser.enter(AIGUL)
    base = fill(browser)
    assert "Another party signs too" in browser.get(f"{base}/review").text
    said = {"shown": shown_on(browser, base)}
    assert "tick this box" in errors_in(browser.post(f"{base}/cosign", said, key=FIRM))
    answer = sign_elsewhere(browser, f"{base}/cosign", FIRM, {**said, "agreed": "y"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/review"), errors_in(answer)
    page = browser.get(f"{base}/review").text
    assert "has signed this statement" in page
    answer = browser.post(f"{base}/review", said, key=AIGUL)
    assert answer.status_code == 303, errors_in(answer)
    assert "Signed too" in browser.get(answer.headers["Location"].removesuffix("/sent")).text


def represented(who: Person, principal: Person) -> dict[str, object]:
    """The parties of a claim that ``who`` files for ``principal``, without a power of attorney."""
    agent = Party(role="representative", iin=who.iin, surname=who.surname.title(), first_name=who.first.title())
    return {"parties": (*claim_of(principal).parties, agent), "filed_by_role": "representative"}


def test_the_principals_signature_stands_for_a_power_of_attorney(court: Court) -> None:
    node, author = court.nodes[0], visitor_of(BOLAT)
    draft = ready(node, BOLAT, **represented(BOLAT, DANA))
    with pytest.raises(Refused, match="filing.rules"):
        filings.submit(node, author, draft.id, BOLAT.open(node), shown=shown(draft))
    cosigning.cosign(node, author, draft.id, DANA.open(node), shown=shown(draft))
    filing = filings.submit(node, author, draft.id, BOLAT.open(node), shown=shown(draft))
    assert [each.role for each in filing_lists.cosigners(node.database, filing.obj)] == ["plaintiff"]
    checked = desk_services.check_rules(node, desk_services.sheet(node, COURT, filing.obj))
    assert checked is not None
    assert "representative.power" not in {finding.rule_id for finding in checked.failed}


def test_a_signature_on_what_was_changed_since_settles_nothing(court: Court) -> None:
    node, author = court.nodes[0], visitor_of(BOLAT)
    draft = ready(node, BOLAT, **represented(BOLAT, DANA))
    cosigning.cosign(node, author, draft.id, DANA.open(node), shown=shown(draft))
    drafts.change(node, author, draft.id, lambda content: replace_claim(content, requirement="Басқаша шешуіңізді сұраймын."))
    found = filings.preflight(node, author, drafts.find(node, author, draft.id))
    assert [finding.rule_id for finding in blocking(found)] == ["representative.power"]


def test_the_review_leads_a_representative_to_the_principals_signature(tmp_path: Path) -> None:
    house: House = house_of(tmp_path)
    draft = ready(house.node, BOLAT, **represented(BOLAT, DANA))
    browser, base = house.browser(), f"/filings/drafts/{draft.id.hex()}"
    browser.enter(BOLAT)
    page = browser.get(f"{base}/review").text
    assert "let the person you represent sign the statement too" in page
    assert f'href="{base}/cosign"' in page
    read = re.search(r'name="shown" value="([0-9a-f]{64})"', browser.get(f"{base}/cosign").text)
    assert read is not None
    answer = browser.post(f"{base}/cosign", {"shown": read[1], "agreed": "y"}, key=DANA)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/review"), errors_in(answer)
    answer = browser.post(f"{base}/review", {"shown": shown_on(browser, base)}, key=BOLAT)
    assert answer.status_code == 303, errors_in(answer)


def test_nobody_signs_beside_what_the_rules_stop_or_what_was_not_saved(tmp_path: Path) -> None:
    house: House = house_of(tmp_path)
    node, author = house.node, visitor_of(BOLAT)
    browser = house.browser()
    browser.enter(BOLAT)
    whole = represented(BOLAT, DANA)
    stopped = ready(node, BOLAT, **whole, requirement="")
    half = ready(node, BOLAT, **whole)
    typed = {"party-new": {"surname": "Оспанов"}}
    drafts.change(node, author, half.id, lambda content: msgspec.structs.replace(content, typed=typed))
    for draft in (stopped, half):
        base = f"/filings/drafts/{draft.id.hex()}"
        assert f'href="{base}/cosign"' not in browser.get(f"{base}/review").text
        answer = browser.get(f"{base}/cosign")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/review")
