"""A party that was invited signs in a session of its own, at another time, the very document; the author sees it and files."""

import re
from pathlib import Path

import pytest

from common.court import filing_lists
from common.db import fetch
from common.errors import Conflict, NotFound, Refused
from common.pki import pades
from edge.services import drafts, filings, invitations, signing, statements
from edge.services.draft_content import Draft, replace_claim
from tests.court import Court
from tests.web.elsewhere import sign_elsewhere
from tests.web.filing_world import COURT, create, house_of, ready, visitor_of
from tests.web.pages import AIGUL, BOLAT, DAY_MS, House, Person, errors_in, trust_our_centres
from tests.web.test_cosign import COLLEAGUE, DANA, EMPLOYEE, FIRM, begun, represented, shown


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    made = Court(tmp_path_factory.mktemp("court"))
    made.publish_reference()
    for machine in (made.node(COURT), made.centre):
        trust_our_centres(machine)  # type: ignore[arg-type]
    create(made.nodes[0])
    return made


def of_bolat(court: Court) -> Draft:
    """A claim that a representative prepares for the principal, who is invited."""
    node, author = court.nodes[0], visitor_of(BOLAT)
    draft = ready(node, BOLAT, **represented(BOLAT, DANA))
    return invitations.invite(node, author, draft.id, DANA.iin)


def ids(court: Court, who: Person) -> list[bytes]:
    return [each.draft.id for each in invitations.waiting(court.nodes[0], visitor_of(who))]


def test_who_is_invited_signs_days_later_and_the_author_files_another_day(court: Court) -> None:
    node, author, principal = court.nodes[0], visitor_of(BOLAT), visitor_of(DANA)
    draft = of_bolat(court)
    assert ids(court, DANA) == [draft.id]
    court.clock.tick(3 * DAY_MS)
    read = invitations.read_statement(node, principal, draft.id)
    assert read == statements.read_statement(node, author, draft), "the very document"
    invitations.sign(node, principal, draft.id, DANA.open(node), shown=shown(draft))
    assert ids(court, DANA) == []
    [found] = [each for each in invitations.found_for(node, principal) if each.draft.id == draft.id]
    assert found.signed
    court.clock.tick(DAY_MS)
    again = statements.prepare(node, author, draft.id)
    assert [each.iin for each in signing.cosigners_of(again)] == [DANA.iin], "no signature lapses for a night"
    filing = filings.submit(node, author, draft.id, BOLAT.open(node), shown=shown(draft))
    signatures = pades.read_pdf_signatures(node.blobs.read(filing.statement_sha256))
    assert [each.certificate.iin for each in signatures] == [DANA.iin, BOLAT.iin]
    assert [each.iin for each in filing_lists.cosigners(node.database, filing.obj)] == [DANA.iin]
    assert invitations.found_for(node, principal) == []
    assert fetch(node.database, "SELECT * FROM draft_invited WHERE id = ?", (draft.id,)) == []


def test_nobody_else_finds_or_opens_it(court: Court) -> None:
    node, draft = court.nodes[0], of_bolat(court)
    for other in (visitor_of(AIGUL), visitor_of(FIRM)):
        assert all(each.draft.id != draft.id for each in invitations.found_for(node, other))
        for act in (
            lambda: invitations.read_statement(node, other, draft.id),  # noqa: B023
            lambda: invitations.read_file(node, other, draft.id, draft.claim.attachments[0].sha256),  # noqa: B023
            lambda: invitations.decline(node, other, draft.id),  # noqa: B023
        ):
            with pytest.raises(NotFound, match=r"draft\.none"):
                act()
    with pytest.raises(NotFound):
        drafts.find(node, visitor_of(DANA), draft.id)
    names = fetch(node.database, "SELECT party FROM draft_invited")
    assert all(DANA.iin.encode() not in party for (party,) in names), "the table names nobody"


@pytest.mark.parametrize("who", [AIGUL, BOLAT])
def test_only_whom_the_statement_names_is_invited(court: Court, who: Person) -> None:
    draft = of_bolat(court)
    with pytest.raises(Refused, match=r"invite\.no_party"):
        invitations.invite(court.nodes[0], visitor_of(BOLAT), draft.id, who.iin)


def test_an_organisation_signs_by_whoever_binds_it(court: Court) -> None:
    node, draft = court.nodes[0], begun(court)
    invitations.invite(node, visitor_of(AIGUL), draft.id, FIRM.bin)
    for who, code in ((EMPLOYEE, r"key\.no_right"), (COLLEAGUE, "")):
        who_sees = visitor_of(who)
        assert draft.id in [each.draft.id for each in invitations.waiting(node, who_sees)]
        if code:
            with pytest.raises(Refused, match=code):
                invitations.sign(node, who_sees, draft.id, who.open(node), shown=shown(draft))
        else:
            with pytest.raises(Refused, match=r"key\.other_person"):
                invitations.sign(node, who_sees, draft.id, DANA.open(node), shown=shown(draft))
            invitations.sign(node, who_sees, draft.id, who.open(node), shown=shown(draft))


def test_what_its_author_changes_is_not_signed_until_it_is_ready_again(court: Court) -> None:
    node, author, principal, draft = court.nodes[0], visitor_of(BOLAT), visitor_of(DANA), of_bolat(court)
    drafts.change(node, author, draft.id, lambda content: replace_claim(content, requirement="Басқаша шешуіңізді сұраймын."))
    with pytest.raises(Conflict, match=r"invite\.changing"):
        invitations.sign(node, principal, draft.id, DANA.open(node), shown=shown(draft))
    again = statements.prepare(node, author, draft.id)
    with pytest.raises(Conflict, match=r"filing\.changed"):
        invitations.sign(node, principal, draft.id, DANA.open(node), shown=shown(draft))
    invitations.sign(node, principal, draft.id, DANA.open(node), shown=shown(again))


def test_two_who_sign_at_once_do_not_lose_a_signature(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    node, author = court.nodes[0], visitor_of(BOLAT)
    both = represented(BOLAT, DANA)
    firm = begun(court).claim.parties[1]
    draft = ready(node, BOLAT, **{**both, "parties": (*both["parties"], firm)})  # type: ignore[misc]
    for number in (DANA.iin, FIRM.bin):
        invitations.invite(node, author, draft.id, number)
    sign_statement = signing.sign_statement

    def meanwhile(*args: object, **more: object) -> object:
        monkeypatch.setattr(signing, "sign_statement", sign_statement)
        invitations.sign(node, visitor_of(FIRM), draft.id, FIRM.open(node), shown=shown(draft))
        return sign_statement(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(signing, "sign_statement", meanwhile)
    with pytest.raises(Conflict, match=r"filing\.changed"):
        invitations.sign(node, visitor_of(DANA), draft.id, DANA.open(node), shown=shown(draft))
    invitations.sign(node, visitor_of(DANA), draft.id, DANA.open(node), shown=shown(draft))
    held = drafts.find(node, author, draft.id)
    assert [each.bin or each.iin for each in signing.cosigners_of(held)] == [FIRM.bin, DANA.iin]


def test_the_author_does_not_send_past_a_signature_that_came_meanwhile(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    node, author, draft = court.nodes[0], visitor_of(AIGUL), begun(court)
    invitations.invite(node, author, draft.id, FIRM.bin)
    make = filings._body

    def meanwhile(*args: object) -> object:
        invitations.sign(node, visitor_of(FIRM), draft.id, FIRM.open(node), shown=shown(draft))
        return make(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(filings, "_body", meanwhile)
    with pytest.raises(Conflict, match=r"filing\.changed"):
        filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown(draft))
    monkeypatch.undo()
    filing = filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown(draft))
    assert [each.bin for each in filing_lists.cosigners(node.database, filing.obj)] == [FIRM.bin]


def test_an_invitation_is_taken_back_or_declined(court: Court) -> None:
    node, author, draft = court.nodes[0], visitor_of(BOLAT), of_bolat(court)
    invitations.take_back(node, author, draft.id, DANA.iin)
    assert draft.id not in ids(court, DANA)
    invitations.invite(node, author, draft.id, DANA.iin)
    invitations.decline(node, visitor_of(DANA), draft.id)
    assert draft.id not in ids(court, DANA)
    said = drafts.find(node, author, draft.id).content.invited
    assert said is not None
    assert (said.waiting, said.declined) == ({}, (DANA.iin,))
    invitations.invite(node, author, draft.id, DANA.iin)
    assert draft.id in ids(court, DANA)


def test_without_signatures_a_statement_still_takes_the_day_on_which_it_is_signed(court: Court) -> None:
    node, author = court.nodes[0], visitor_of(AIGUL)
    draft = begun(court)
    court.clock.tick(DAY_MS)
    assert not statements.is_current(node, author, drafts.find(node, author, draft.id))


def test_on_the_pages_of_both(tmp_path: Path) -> None:
    house: House = house_of(tmp_path)
    author, invited = house.browser(), house.browser()
    draft = ready(house.node, BOLAT, **represented(BOLAT, DANA))
    base = f"/filings/drafts/{draft.id.hex()}"
    author.enter(BOLAT)
    invited.enter(DANA)
    assert "Nothing waits for your signature" in invited.get("/filings/to-sign").text
    assert "Invite to sign: Ысқақ Дана" in author.get(f"{base}/cosign").text
    assert author.post(f"{base}/invite", {"party": DANA.iin}, token=author.token(f"{base}/cosign")).status_code == 303
    page = author.get(f"{base}/cosign").text
    assert "invited, has not signed yet" in page
    assert "Take back the invitation" in page
    assert "1 document waits for your signature" in invited.get("/cabinet").text
    listed = invited.get("/filings/to-sign").text
    assert "waits for your signature" in listed
    address = re.search(r'href="(/filings/to-sign/[0-9a-f]{32})"', listed)
    assert address is not None
    page = invited.get(address[1]).text
    assert "Read the document to be signed" in page
    assert invited.get(f"{address[1]}/statement.pdf").data.startswith(b"%PDF-")
    file = re.search(r'href="(/filings/to-sign/[0-9a-f]{32}/files/[0-9a-f]{64})"', page)
    assert file is not None
    assert invited.get(file[1]).status_code == 200
    said = {"shown": re.search(r'name="shown" value="([0-9a-f]{64})"', page)[1], "agreed": "y"}  # type: ignore[index]
    assert "tick this box" in errors_in(invited.post(address[1], {"shown": said["shown"]}, key=DANA))
    assert invited.post(address[1], said, key=AIGUL).status_code == 400, "another person's key"
    answer = sign_elsewhere(invited, address[1], DANA, said)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/filings/to-sign"), errors_in(answer)
    assert "signed by you, not sent yet" in invited.get("/filings/to-sign").text
    assert "has signed this statement" in author.get("/filings/drafts").text
    assert author.get(address[1]).status_code == 404
    answer = author.post(f"{base}/review", {"shown": said["shown"]}, key=BOLAT)
    assert answer.status_code == 303, errors_in(answer)
    assert invited.get(address[1]).status_code == 404
