"""Filings: one submission, one decision, by the court that holds it; each rule has a test that breaks only it."""

import pytest
from court_world import (
    AIGUL,
    AKTAU,
    ASTANA,
    ATTACHMENT,
    BLOBS,
    BOLAT,
    CENTRE,
    CLERK,
    COLLEAGUE,
    COURT,
    EMPLOYEE,
    FIRM,
    GROUND,
    JUDGE,
    NOW,
    NUMBER,
    OTHER_CLERK,
    OTHER_COURT,
    TALON,
    World,
    fact,
    fold,
    refuse_decision,
    register_decision,
    rule_body,
    sha,
    store,
    submit_body,
    verify_body,
    with_,
    withdraw_body,
)

from common.court import filing_lists, filings, texts
from common.court.filing_tables import FilingDecisionRow, FilingEventRow, FilingEvidenceRow, FilingGroundRow, FilingRow, FilingSignerRow
from common.court.filing_texts import decision_content
from common.db import open_database
from common.errors import Refused
from common.facts import Announced
from common.ids import mint_talon
from common.pki import cms, timestamps
from common.pki.authority import Authority
from tests.pki_services import timestamp_response


def submit(body=None, **more):
    return fact("filing.submit/1", body or submit_body(), **{"blobs": BLOBS, **more})


def withdraw(body=None, **more):
    return fact("filing.withdraw/1", body or withdraw_body(), **more)


def register(body=None, **more):
    return fact("filing.register/1", body or register_decision(), **{"time": NOW + 1000, **more})


def refuse(body=None, **more):
    return fact("filing.refuse/1", body or refuse_decision(), **{"time": NOW + 1000, **more})


def redirect(**more):
    return refuse(refuse_decision(redirected_to=OTHER_COURT), **more)


def verify(body=None, **more):
    return fact("filing.verify/1", body or verify_body(), **{"node": CENTRE, **more})


def the_row(state):
    (row,) = filings.rows(state)[FilingRow]
    return row


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([], ""),
        ([submit()], "filed"),
        ([submit(), withdraw()], "withdrawn"),
        ([submit(), register()], "registered"),
        ([submit(), refuse()], "refused"),
        ([submit(), redirect()], "redirected"),
        ([submit(), verify(), register(), verify()], "registered"),
    ],
)
def test_status_is_derived(facts, status):
    state, refused = fold(filings, facts)
    assert not refused
    assert filings.status(state) == status


def test_a_submission_fills_the_rows():
    state, _ = fold(filings, [submit(seq=7)])
    row = the_row(state)
    assert (row["talon"], row["court"], row["person"], row["seq"], row["files"]) == (TALON, COURT, AIGUL.iin, 7, 1)
    assert (row["submitted_ms"], row["received_ms"], row["total_bytes"]) == (NOW, NOW - 5, 5_090_000)
    assert filings.audience(state).courts == {COURT}
    assert filings.audience(state).persons == {AIGUL.iin}


def test_an_organisations_filing_goes_to_the_organisation_and_its_employee():
    state, refused = fold(filings, [submit(submit_body(FIRM))])
    assert not refused
    assert filings.audience(state).persons == {FIRM.bin, FIRM.iin}
    assert the_row(state)["person"] == FIRM.bin


SUBMIT_REFUSALS = {
    "filing.twice": [submit(), submit(time=NOW + 1)],
    "filing.talon": [submit(node=AKTAU)],
    "talon.check": [submit(with_(submit_body(), talon=TALON[:-1] + str((int(TALON[-1]) + 1) % 10)))],
    "filing.no_court": [submit(with_(submit_body(), court=""))],
    "filing.person": [submit(with_(submit_body(), filer=with_(submit_body().filer, person=BOLAT.iin)))],
    "filing.files": [submit(blobs=BLOBS[:1])],
    "filing.digest": [submit(with_(submit_body(), signed=b"another statement"))],
    "entry.certificate": [submit(with_(submit_body(), filer=with_(submit_body().filer, certificate=BOLAT.key)))],
    "entry.person": [submit(with_(submit_body(), filer=with_(submit_body().filer, iin=BOLAT.iin, person=BOLAT.iin)))],
    "cms.tampered": [submit(with_(submit_body(), signature=b"nothing"))],
}


@pytest.mark.parametrize("code", SUBMIT_REFUSALS)
def test_refused_submissions(code):
    assert fold(filings, SUBMIT_REFUSALS[code])[1] == [code]


def test_a_person_cannot_file_for_a_firm_without_its_key():
    filer = with_(submit_body().filer, bin=FIRM.bin, person=FIRM.bin)
    assert fold(filings, [submit(with_(submit_body(), filer=filer))])[1] == ["entry.person"]


@pytest.mark.parametrize(
    ("who", "rule_pack", "codes"),
    [
        (FIRM, "2026.2", []),
        (COLLEAGUE, "2026.2", []),
        (EMPLOYEE, "2026.2", ["entry.right"]),
        (EMPLOYEE, "2027.1", ["entry.right"]),
        (EMPLOYEE, "2026.1", []),
    ],
)
def test_who_does_not_bind_the_organisation_files_nothing_in_its_name(who, rule_pack, codes):
    state, refused = fold(filings, [submit(with_(submit_body(who), rule_pack=rule_pack))])
    assert refused == codes
    assert filings.status(state) == ("" if codes else "filed")


def cosigned(who, rule_pack):
    digest = sha("byte range")
    named = {"iin": who.iin, "bin": who.bin, "name": who.name, "certificate": who.key}
    one = filings.Cosigner(role="defendant", **named, signature=who.sign_pdf(digest), signed=digest)
    return submit(with_(submit_body(), cosigners=[one], rule_pack=rule_pack))


@pytest.mark.parametrize(
    ("who", "rule_pack", "codes"),
    [(BOLAT, "2026.2", []), (FIRM, "2026.2", []), (EMPLOYEE, "2026.2", ["entry.right"]), (EMPLOYEE, "2026.1", [])],
)
def test_nor_does_such_a_key_sign_beside_the_filer(who, rule_pack, codes):
    assert fold(filings, [cosigned(who, rule_pack)])[1] == codes


ASKS = Announced("2026.2", from_ms=NOW, at_ms=NOW - 1000)
"""Announced before it applied."""
SOON, LATE_PACK = Announced("2026.2", from_ms=NOW + 1, at_ms=NOW - 1000), Announced("2026.2", from_ms=NOW - 9, at_ms=NOW + 1)


@pytest.mark.parametrize(
    ("packs", "codes"),
    [
        ([(19, ASKS)], ["entry.right"]),
        ([(20, ASKS)], []),
        ([(19, Announced("2026.1", from_ms=0, at_ms=0))], []),
        ([(19, SOON)], []),
        ([(19, LATE_PACK)], ["entry.right"]),
    ],
    ids=["known where it was made", "not heard of yet", "an older one", "not in force yet", "whatever the clock claims"],
)
def test_an_old_pack_is_named_in_vain_where_a_newer_one_was_known(packs, codes):
    """The beacon is 20: whoever names it has everything for everyone below."""
    world = World(packs=packs)
    for body in (with_(submit_body(EMPLOYEE), rule_pack="2026.1"), cosigned(EMPLOYEE, "2026.1").body):
        assert fold(filings, [submit(body)], world)[1] == codes
    state, refused = fold(filings, [submit(with_(submit_body(FIRM), rule_pack="2026.1"))], world)
    assert not refused, "who binds the organisation does so by every pack"


def test_nor_is_what_an_old_pack_took_withdrawn_by_such_a_key_later():
    world = World(packs=[(25, ASKS)])
    first = submit(with_(submit_body(EMPLOYEE), rule_pack="2026.1"))
    assert fold(filings, [first, withdraw(withdraw_body(EMPLOYEE), beacon=25)], world)[1] == []
    assert fold(filings, [first, withdraw(withdraw_body(EMPLOYEE), beacon=26)], world)[1] == ["entry.right"]


@pytest.mark.parametrize(("rule_pack", "codes"), [("2026.2", ["entry.person"]), ("2026.1", ["entry.person"])])
def test_a_colleague_is_not_the_filer_whatever_the_role(rule_pack, codes):
    assert fold(filings, [submit(with_(submit_body(FIRM), rule_pack=rule_pack)), withdraw(withdraw_body(COLLEAGUE))])[1] == codes


def test_an_entry_on_record_by_the_first_pack_is_withdrawn_as_it_was_filed():
    first = submit(with_(submit_body(EMPLOYEE), rule_pack="2026.1"))
    state, refused = fold(filings, [first, withdraw(withdraw_body(EMPLOYEE))])
    assert (refused, filings.status(state)) == ([], "withdrawn")


def test_a_file_of_another_size_is_not_the_file():
    body = with_(submit_body(), files=[with_(ATTACHMENT, size=1)])
    assert fold(filings, [submit(body)])[1] == ["filing.files"]


@pytest.mark.parametrize(("signer", "codes"), [(0, []), (1, []), (2, ["filing.signer"]), (-1, ["filing.signer"])])
def test_what_is_found_out_is_about_somebody_who_signed(signer, codes):
    first, found = cosigned(BOLAT, "2026.2"), with_(verify_body(), signer=signer)
    state, refused = fold(filings, [first, verify(found)])
    assert refused == codes
    [row] = filings.rows(state)[FilingSignerRow]
    said = {0: the_row(state)["revocation"], 1: row["revocation"]}
    assert said == {place: found.result if place == signer else "" for place in (0, 1)}


@pytest.mark.parametrize("first", [withdraw(), register(), refuse(), verify()])
def test_nothing_happens_before_the_submission(first):
    state, refused = fold(filings, [first])
    assert refused == ["filing.unknown"]
    assert filings.audience(state).courts == frozenset()


LATE = [register(time=NOW + 2000), refuse(time=NOW + 2000), withdraw(time=NOW + 2000), redirect(time=NOW + 2000)]
ENDS = [(register(), "filing.decided"), (refuse(), "filing.decided"), (withdraw(), "filing.withdrawn")]


@pytest.mark.parametrize("second", LATE)
@pytest.mark.parametrize(("first", "code"), ENDS)
def test_nothing_competes_with_a_decision(first, code, second):
    assert fold(filings, [submit(), first, second])[1] == [code]


def rule(body=None, **more):
    return fact("filing.rule/1", body or rule_body(), **{"time": NOW + 2000, **more})


@pytest.mark.parametrize("outcome", ["accepted", "returned", "declined"])
def test_a_judge_rules_on_what_was_registered(outcome):
    state, refused = fold(filings, [submit(), register(), rule(rule_body(outcome=outcome))])
    assert not refused
    row, rows = the_row(state), filings.rows(state)
    assert (filings.status(state), row["ruling"], row["ruled_ms"], row["decided_ms"]) == ("registered", outcome, NOW + 2000, NOW + 1000)
    assert rows[FilingEventRow][-1]["kind"] == rows[FilingDecisionRow][-1]["kind"] == outcome
    assert rows[FilingDecisionRow][-1]["executor"] == JUDGE.name
    assert [ground["code"] for ground in rows[FilingGroundRow]] == ([] if outcome == "accepted" else [GROUND.code])


RULING_REFUSALS = {
    "nothing filed": ([rule()], "filing.unknown"),
    "not registered": ([submit(), rule()], "filing.not_registered"),
    "refused": ([submit(), refuse(), rule()], "filing.not_registered"),
    "twice": ([submit(), register(), rule(), rule(rule_body(outcome="returned"))], "filing.ruled"),
    "by a clerk": ([submit(), register(), rule(rule_body(judge=CLERK))], "entry.role"),
    "elsewhere": ([submit(), register(), rule(node=AKTAU)], "entry.other_node"),
    "another case": ([submit(), register(), rule(rule_body(case=b"d" * 16))], "filing.other_case"),
    "another number": ([submit(), register(), rule(rule_body(number="4711-26-00-2/9"))], "filing.other_case"),
    "no ground": ([submit(), register(), rule(rule_body(outcome="returned", grounds=[]))], "ruling.grounds"),
    "accepted with a ground": ([submit(), register(), rule(rule_body(grounds=[GROUND]))], "ruling.grounds"),
    "another outcome than signed": ([submit(), register(), rule(with_(rule_body(outcome="returned"), outcome="declined"))], "text.differs"),
    "another key": ([submit(), register(), rule(rule_body(certificate=CLERK.key))], "entry.certificate"),
}


@pytest.mark.parametrize("name", RULING_REFUSALS)
def test_refused_rulings(name):
    facts, code = RULING_REFUSALS[name]
    assert fold(filings, facts)[1] == [code]


DECISION_REFUSALS = {
    "wrong node": ([submit(), register(node=AKTAU)], "entry.other_node"),
    "the centre never decides": ([submit(), register(node=CENTRE)], "entry.other_node"),
    "nothing was known yet": ([submit(), register(beacon=0)], "entry.other_node"),
    "a judge is no clerk": ([submit(), register(register_decision(JUDGE))], "entry.role"),
    "a citizen is no clerk": ([submit(), register(register_decision(AIGUL))], "entry.role"),
    "another court's clerk": ([submit(), register(register_decision(OTHER_CLERK))], "entry.role"),
    "another court": ([submit(), register(register_decision(OTHER_CLERK, court=OTHER_COURT), node=AKTAU)], "filing.other_court"),
    "no number": ([submit(), register(register_decision(number=""))], "filing.no_number"),
    "other number than signed": ([submit(), register(with_(register_decision(), number="7194-26-00-2/1"))], "text.differs"),
    "other date than signed": ([submit(), register(with_(register_decision(), date="2026-11-01"))], "text.differs"),
    "other key than named": ([submit(), register(with_(register_decision(), certificate=JUDGE.key))], "entry.certificate"),
    "not signed": ([submit(), register(with_(register_decision(), signature=b""))], "cms.tampered"),
    "no ground": ([submit(), refuse(refuse_decision(grounds=[]))], "filing.no_ground"),
    "other ground than signed": ([submit(), refuse(with_(refuse_decision(), grounds=[with_(GROUND, code="x")]))], "text.differs"),
    "one ground more than signed": ([submit(), refuse(with_(refuse_decision(), grounds=[GROUND, GROUND]))], "text.differs"),
    "other term than signed": ([submit(), refuse(with_(refuse_decision(), cure_until="2027-01-01"))], "text.differs"),
    "redirected by changing the entry": ([submit(), refuse(with_(refuse_decision(), redirected_to=OTHER_COURT))], "text.differs"),
    "redirected to itself": ([submit(), refuse(refuse_decision(redirected_to=COURT))], "filing.same_court"),
}


@pytest.mark.parametrize("name", DECISION_REFUSALS)
def test_refused_decisions(name):
    facts, code = DECISION_REFUSALS[name]
    state, refused = fold(filings, facts)
    assert refused == [code]
    assert filings.status(state) == "filed"


def test_a_text_signed_for_another_talon_decides_nothing_here():
    said = {"court": COURT, "number": NUMBER, "date": "2026-11-22", "executor": CLERK.name}
    content = decision_content(talon=mint_talon(node=1, epoch=1, counter=2), **said)
    body = with_(register_decision(), content=content, signature=CLERK.sign(content))
    assert fold(filings, [submit(), register(body)])[1] == ["text.differs"]


def test_a_redirection_hands_over_the_right_to_decide():
    taken = register(register_decision(OTHER_CLERK, court=OTHER_COURT), node=AKTAU, time=NOW + 3000)
    late = register(time=NOW + 2000)
    state, refused = fold(filings, [submit(), redirect(), late, taken])
    assert refused == ["filing.other_court"]
    row = the_row(state)
    assert (row["first_court"], row["court"], row["status"], row["number"]) == (COURT, OTHER_COURT, "registered", NUMBER)
    assert filings.audience(state).courts == {COURT, OTHER_COURT}


def test_a_redirected_filing_may_be_withdrawn_from_its_new_court():
    stale = withdraw(time=NOW + 2000)
    fresh = withdraw(withdraw_body(court=OTHER_COURT), time=NOW + 3000)
    state, refused = fold(filings, [submit(), redirect(), stale, fresh])
    assert (refused, filings.status(state)) == (["text.differs"], "withdrawn")


def test_only_the_filer_withdraws():
    assert fold(filings, [submit(), withdraw(withdraw_body(BOLAT))])[1] == ["entry.person"]


def test_a_withdrawal_may_come_from_any_node():
    assert fold(filings, [submit(), withdraw(node=AKTAU)])[1] == []


def test_only_the_centre_verifies():
    assert fold(filings, [submit(), verify(node=ASTANA)])[1] == ["entry.centre_only"]


def test_a_result_belongs_to_its_subject():
    assert fold(filings, [submit(), verify(verify_body("payment", "revoked"))])[1] == ["filing.result"]


def test_the_newest_verification_shows_and_all_are_kept():
    old = verify(verify_body("revocation", "good", NOW - 9), time=NOW + 9)
    state, _ = fold(filings, [submit(), verify(verify_body("revocation", "revoked")), old, verify(verify_body("payment", "paid"))])
    row = the_row(state)
    assert (row["revocation"], row["payment"], row["address"]) == ("revoked", "paid", "")
    assert [event["kind"] for event in filings.rows(state)[FilingEventRow]] == ["filed", "verified", "verified", "verified"]


def test_a_refusal_keeps_its_grounds_and_its_signed_text():
    state, _ = fold(filings, [submit(), refuse()])
    rows = filings.rows(state)
    (ground,) = rows[FilingGroundRow]
    (decision,) = rows[FilingDecisionRow]
    assert (ground["code"], ground["decision"], decision["position"], decision["kind"]) == ("cpc152-1", 1, 1, "refused")
    said = dict(texts.read(decision["content"]))
    assert (said[texts.TALON], said[texts.NOTE]) == (TALON, "Екі жол бір хатта")


@pytest.fixture
def database(tmp_path):
    """A filing registered, one refused and cured by a third, and one of somebody else."""
    database = open_database(tmp_path / "filings.db")
    registered = fold(filings, [submit(obj=b"1" * 16), register(obj=b"1" * 16), verify(obj=b"1" * 16)])[0]
    refused = fold(filings, [submit(with_(submit_body(), claim={}), obj=b"2" * 16, time=NOW + 1), refuse(obj=b"2" * 16)])[0]
    cure = with_(submit_body(), answers_to=b"2" * 16, key_id=b"cure")
    cured = fold(filings, [submit(cure, obj=b"3" * 16, time=NOW + 5000)])[0]
    other = fold(filings, [submit(submit_body(BOLAT), obj=b"4" * 16, time=NOW + 6000)])[0]
    store(database, filings, registered, refused, cured, other)
    return database


def test_lists(database):
    assert [each.obj[:1] for each in filing_lists.filings_of_person(database, AIGUL.iin)] == [b"3", b"2", b"1"]
    assert [each.obj[:1] for each in filing_lists.filings_of_person(database, AIGUL.iin, limit=1, offset=1)] == [b"2"]
    assert [each.obj[:1] for each in filing_lists.inbox(database, COURT)] == [b"3", b"4"]
    assert len(filing_lists.filings_by_talon(database, TALON)) == 4
    [first] = filing_lists.filings_in_case(database, b"c" * 16, number=NUMBER, person=AIGUL.iin)
    assert first.obj == b"1" * 16
    for other in ({"number": "7194-26-00-2/9"}, {"person": BOLAT.iin}):
        assert filing_lists.filings_in_case(database, b"c" * 16, **{"number": NUMBER, "person": AIGUL.iin, **other}) == []
    assert filing_lists.filing(database, b"?" * 16) is None
    assert filing_lists.filing_of_draft(database, b"cure").obj == b"3" * 16
    assert filing_lists.filing_of_draft(database, b"none") is None


def test_a_cure_keeps_the_first_time_of_filing(database):
    assert filing_lists.filed_ms(database, b"3" * 16) == NOW + 1
    assert filing_lists.filed_ms(database, b"1" * 16) == NOW
    assert filing_lists.filed_ms(database, b"?" * 16) is None


def test_the_same_content_is_linked(database):
    assert [each.obj[:1] for each in filing_lists.duplicates(database, b"1" * 16)] == [b"3"]
    assert filing_lists.duplicates(database, b"4" * 16) == []


def test_the_page_of_one_filing(database):
    body = submit_body()
    assert filing_lists.form(database, b"1" * 16).claim == body.claim
    assert filing_lists.form(database, b"?" * 16) is None
    assert filing_lists.parties(database, b"1" * 16) == body.parties
    assert filing_lists.files(database, b"1" * 16) == body.files
    assert [each.kind for each in filing_lists.events(database, b"1" * 16)] == ["filed", "registered", "verified"]
    (decision,) = filing_lists.decisions(database, b"2" * 16)
    assert (decision.grounds, decision.cure_until, decision.executor) == ([GROUND], "2026-12-01", CLERK.name)


def test_totals(database):
    totals = filing_lists.totals(database)
    assert sum(each.count for each in totals) == 4
    assert {(each.region, each.court) for each in totals} == {("71", COURT)}
    assert {each.day for each in totals} == {(NOW + 5 * 3_600_000) // 86_400_000}


def evidence(data, *, kind="timestamp", at_ms=NOW, node=CENTRE):
    return fact("filing.evidence/1", filings.Evidence(kind=kind, data=data, at_ms=at_ms), node=node)


def test_a_timestamp_is_of_this_signature_and_says_its_own_time():
    authority = Authority.create("p256", "СЫНАҚ", at_ms=NOW - 9_000)
    tsa = authority.issue_service("TSA", timestamps.TIME_STAMPING, not_before_ms=NOW - 9_000)
    person = authority.issue_person("А", "Б", "", AIGUL.iin, not_before_ms=NOW - 9_000)
    signature = cms.sign_digest(b"d" * 32, person, at_ms=None)

    def token(value):
        request = timestamps.Request.over(value, policy=timestamps.POLICY_RSA)
        return request.read_response(timestamp_response(request.encoded(), tsa, at_ms=NOW // 1000 * 1000))

    moment = NOW // 1000 * 1000
    mine, other = token(cms.read(signature).signers[0].signature), token(b"another")
    state = filings.begin()
    filings.step(state, submit(), World())
    state.facts[0] = submit(with_(state.submit, signature=signature))
    for wrong in (evidence(other, at_ms=moment), evidence(mine, at_ms=moment + 1)):
        with pytest.raises(Refused, match="filing.timestamp"):
            filings.step(state, wrong, World())
    with pytest.raises(Refused, match="tsp.broken"):
        filings.step(state, evidence(b"garbage"), World())
    filings.step(state, evidence(mine, at_ms=moment), World())
    assert the_row(state)["stamped_ms"] == moment
    assert [row["data"] for row in filings.rows(state)[FilingEvidenceRow]] == [mine]
    assert len(filings.rows(state)[FilingEventRow]) == 1  # nothing happened to the filing


def test_evidence_is_the_centres_and_about_something():
    assert fold(filings, [submit(), evidence(b"x", kind="ocsp", node=AKTAU)])[1] == ["entry.centre_only"]
    assert fold(filings, [evidence(b"x", kind="ocsp")])[1] == ["filing.unknown"]
    state, refused = fold(filings, [submit(), evidence(b"x", kind="ocsp"), register()])
    assert (refused, filings.status(state), the_row(state)["stamped_ms"]) == ([], "registered", None)


def test_a_revocation_after_the_signing_is_told_with_its_date():
    later = verify(with_(verify_body(), since_ms=NOW + 5, reason=1))
    state, _ = fold(filings, [submit(), later])
    assert (the_row(state)["revocation"], the_row(state)["revoked_ms"]) == ("good", NOW + 5)
