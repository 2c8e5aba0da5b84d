"""The rule pack: a sound claim passes, and each defect is found by its own rule and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from common.court import rules
from common.court.book import Book
from common.court.claim import Attachment, Claim, Party, Payment
from common.court.datasets import initial_publication
from common.court.rule_facts import ClaimFacts, FileFact, Finding

DAY = date(2026, 11, 20)
BOOK = Book(initial_publication(), on=DAY)
AKTAU = "kz-283"
ADDRESS = "Ақтау қаласы, 5-шағын аудан, 12-үй"
PLAINTIFF = Party(surname="Сәрсенова", first_name="Айгүл", iin="760212350620", address=ADDRESS)
DEFENDANT = Party(role="defendant", kind="legal_entity", name="«Нұр» ЖШС", bin="940140000385", address=ADDRESS)
CLAIM_FILE = Attachment(kind="claim", title="Талап арыз", sha256="11" * 32, size=5, pages=2)
RECEIPT = Attachment(kind="receipt", title="Түбіртек", sha256="22" * 32, size=5, pages=1)
SOUND = Claim(
    proceedings="claim",
    category="claim.debt.loan",
    nature="property",
    region="47",
    court=AKTAU,
    parties=(PLAINTIFF, DEFENDANT),
    payment=Payment(claim_tiyn=245_000_000, duty_tiyn=2_450_000, way="receipt", receipt=RECEIPT.sha256),
    circumstances="Қарыз қайтарылмады.",
    requirement="Берешекті өндіру.",
    attachments=(CLAIM_FILE, RECEIPT),
    filed_by_role="plaintiff",
)
FACTS = ClaimFacts(SOUND, signer_iin=PLAINTIFF.iin)
SPECIAL = replace(
    FACTS,
    claim=Claim(
        proceedings="special",
        category="special.fact",
        region="47",
        court=AKTAU,
        parties=(msgspec.structs.replace(PLAINTIFF, role="applicant"),),
        payment=Payment(duty_tiyn=216_250, way="receipt"),
        circumstances="Факт.",
        requirement="Анықтау.",
        attachments=(CLAIM_FILE, RECEIPT),
        filed_by_role="applicant",
    ),
)

Change = Callable[[Claim], Claim]


def changed(**values: object) -> Change:
    return lambda claim: msgspec.structs.replace(claim, **values)


def paid(**values: object) -> Change:
    return lambda claim: msgspec.structs.replace(claim, payment=msgspec.structs.replace(claim.payment, **values))


def party(place: int, **values: object) -> Change:
    def change(claim: Claim) -> Claim:
        parties = list(claim.parties)
        parties[place] = msgspec.structs.replace(parties[place], **values)
        return msgspec.structs.replace(claim, parties=tuple(parties))

    return change


def failed(facts: ClaimFacts, on: date = DAY) -> list[Finding]:
    return [finding for finding in rules.check(facts, BOOK, on) if not finding.passed]


@pytest.mark.parametrize("facts", [FACTS, SPECIAL])
def test_a_sound_filing_passes_every_rule(facts: ClaimFacts) -> None:
    findings = rules.check(facts, BOOK, DAY)
    assert [finding.rule_id for finding in findings] == [rule.rule_id for rule in rules.RULES]
    assert failed(facts) == []
    assert rules.blocking(findings) == ()


@pytest.mark.parametrize(
    ("change", "rule_id", "ground_id", "field"),
    [
        (changed(category="special.fact"), "case.chosen", "reg-type", "category"),
        (changed(nature=""), "case.chosen", "cpc152-3", "nature"),
        (changed(court=""), "court.competent", "reg-court", "court"),
        (changed(court="kz-281"), "court.competent", "cpc152-2", "court"),  # the regional court
        (changed(court="kz-426"), "court.competent", "cpc152-2", "court"),  # the administrative court
        (changed(region="75"), "court.competent", "cpc152-2", "court"),
        (changed(parties=(PLAINTIFF,)), "parties.present", "cpc152-3", "parties"),
        (party(0, first_name=" "), "parties.complete", "cpc152-3", "parties-0-surname"),
        (party(1, address=""), "parties.complete", "cpc152-3", "parties-1-address"),
        (party(1, bin="940140000380"), "parties.complete", "cpc152-3", "parties-1-bin"),
        (party(1, kind="individual", surname="А", first_name="Б", iin="760212350620"), "parties.present", "cpc152-3", "parties"),
        (paid(claim_tiyn=None), "payment.amounts", "cpc152-3", "claim_amount"),
        (paid(claim_tiyn=-5), "payment.amounts", "cpc152-3", "claim_amount"),
        (paid(way=""), "payment.duty", "reg-duty", "payment"),
        (paid(receipt="33" * 32), "payment.duty", "reg-duty", "receipt"),
        (paid(way="exempt"), "payment.duty", "reg-duty", "exemption"),
        (paid(way="exempt", exemption_id="668-99"), "payment.duty", "reg-duty", "exemption"),
        (paid(way="exempt", exemption_id="668-16"), "payment.duty", "reg-duty", "exemption"),  # state bodies only
        (changed(circumstances="  "), "text.present", "cpc152-3", "circumstances"),
        (changed(attachments=(RECEIPT,)), "documents.main", "reg-main", "attachments"),
        (changed(filed_by_role="representative"), "representative.power", "reg-who", "parties"),
        (party(0, iin="800416300257"), "signer.filer", "reg-who", "filed_by_role"),
    ],
)
def test_each_defect_has_its_rule(change: Change, rule_id: str, ground_id: str, field: str) -> None:
    found = failed(replace(FACTS, claim=change(SOUND)))
    assert (found[0].rule_id, found[0].ground_id, found[0].field) == (rule_id, ground_id, field)
    assert found[0].level == "must"
    assert found[0].sentence % found[0].params


def test_an_empty_draft_says_everything_and_raises_nothing() -> None:
    found = rules.check(ClaimFacts(Claim()), BOOK, DAY)
    assert {finding.rule_id for finding in rules.blocking(found)} == {
        "case.chosen",
        "court.competent",
        "parties.present",
        "payment.duty",
        "text.present",
        "documents.main",
    }


def test_grounds_exist_and_each_rule_names_its_step() -> None:
    drafts = [ClaimFacts(Claim()), *[replace(FACTS, claim=msgspec.structs.replace(SOUND, parties=()))]]
    for finding in (finding for facts in drafts for finding in failed(facts)):
        assert finding.ground_id == "" or BOOK.refusal_ground(finding.ground_id)
        assert finding.step in (1, 2, 3, 4)


def test_the_pack_is_the_published_one() -> None:
    packs = [BOOK.rule_pack(day) for day in (DAY, date(2026, 11, 26), date(2026, 11, 27))]
    assert [pack and pack.version for pack in packs] == ["2026.1", "2026.1", rules.PACK_VERSION]


def test_files_that_cannot_be_opened() -> None:
    for refusal, ground in (("upload.broken", "reg-open"), ("upload.type", "reg-format")):
        found = failed(replace(FACTS, files=(FileFact(RECEIPT.sha256, refusal),)))
        assert [(finding.rule_id, finding.ground_id, finding.field) for finding in found] == [
            ("documents.readable", ground, "attachments-1")
        ]


def test_the_same_file_twice_only_warns() -> None:
    found = failed(replace(FACTS, claim=changed(attachments=(CLAIM_FILE, RECEIPT, CLAIM_FILE))(SOUND)))
    assert [(finding.rule_id, finding.level, finding.field) for finding in found] == [("documents.once", "warn", "attachments-2")]
    assert rules.warned(tuple(found)) == ("documents.once",)


def test_too_little_duty_only_warns() -> None:
    found = failed(replace(FACTS, claim=paid(duty_tiyn=100)(SOUND)))
    assert [(finding.rule_id, finding.level) for finding in found] == [("payment.duty", "warn")]
    assert found[0].params == {"due_tiyn": 2_450_000, "entered_tiyn": 100}


def test_an_exempt_claim_needs_no_sum_of_duty() -> None:
    assert failed(replace(FACTS, claim=paid(way="exempt", exemption_id="668-4", duty_tiyn=None)(SOUND))) == []


def test_pending_payment_is_a_ground_only_after_its_term() -> None:
    pending = replace(FACTS, claim=paid(way="pending")(SOUND))
    assert [(finding.level, finding.ground_id) for finding in failed(pending)] == [("warn", "")]
    filed = replace(pending, filed_on=DAY)
    last = date(2026, 11, 27)
    assert failed(filed, last)[0].level == "warn"
    late = failed(filed, date(2026, 11, 28))
    assert [(finding.level, finding.ground_id, finding.params) for finding in late] == [("must", "reg-duty", {"last_on": last})]
    assert failed(replace(filed, paid=True), date(2026, 11, 28)) == []


def test_next_year_the_duty_is_unknown_and_blocks_nothing() -> None:
    found = failed(FACTS, date(2027, 2, 1))
    assert [(finding.rule_id, finding.level, finding.params) for finding in found] == [("payment.duty", "warn", {"year": 2027})]


def test_an_organisation_files_by_bin() -> None:
    firm = msgspec.structs.replace(DEFENDANT, role="plaintiff")
    claim = changed(parties=(firm, msgspec.structs.replace(PLAINTIFF, role="defendant")))(paid(duty_tiyn=7_350_000)(SOUND))
    assert failed(ClaimFacts(claim, signer_iin=PLAINTIFF.iin, signer_bin=firm.bin)) == []
    found = failed(ClaimFacts(claim, signer_iin="800416300257"))
    assert [finding.rule_id for finding in found] == ["signer.filer"]
    assert "Sign in by BIN" in found[0].sentence


def test_a_representative_needs_a_power_known_or_attached() -> None:
    agent = Party(role="representative", surname="Ким", first_name="Олег", iin="800416300257")
    claim = changed(parties=(PLAINTIFF, DEFENDANT, agent), filed_by_role="representative")(SOUND)
    facts = ClaimFacts(claim, signer_iin=agent.iin)
    assert [(finding.rule_id, finding.field) for finding in failed(facts)] == [("representative.power", "power")]
    assert failed(replace(facts, power_valid=True)) == []
    paper = Attachment(kind="power_of_attorney", sha256="44" * 32)
    assert failed(replace(facts, claim=changed(attachments=(*claim.attachments, paper))(claim))) == []


def test_the_principals_own_signature_stands_for_a_power() -> None:
    agent = Party(role="representative", surname="Ким", first_name="Олег", iin="800416300257")
    second = msgspec.structs.replace(PLAINTIFF, iin="900101400013")
    claim = changed(parties=(PLAINTIFF, DEFENDANT, agent), filed_by_role="representative")(SOUND)
    facts = ClaimFacts(claim, signer_iin=agent.iin)
    assert failed(replace(facts, signed_by=frozenset({PLAINTIFF.iin}))) == []
    without = failed(replace(facts, signed_by=frozenset({DEFENDANT.number})))
    assert [(finding.rule_id, finding.ground_id, finding.level) for finding in without] == [("representative.power", "reg-who", "must")]
    assert rules.blocking(tuple(without))
    assert rules.unsettled(tuple(without)) == (), "a signature may still settle it"
    two = changed(parties=(PLAINTIFF, second, DEFENDANT, agent))(claim)
    assert [finding.rule_id for finding in failed(replace(facts, claim=two, signed_by=frozenset({PLAINTIFF.iin})))] == [
        "representative.power"
    ]
    assert failed(replace(facts, claim=two, signed_by=frozenset({PLAINTIFF.iin, second.iin}))) == []
    foreigner = changed(parties=(msgspec.structs.replace(PLAINTIFF, resident=False, iin=""), DEFENDANT, agent))(claim)
    assert [finding.rule_id for finding in failed(replace(facts, claim=foreigner, signed_by=frozenset({""})))] == ["representative.power"]
    nobody = rules.blocking(rules.check(replace(facts, claim=changed(parties=(DEFENDANT, agent))(claim)), BOOK, DAY))
    assert "representative.power" in {finding.rule_id for finding in nobody}


def test_what_no_signature_settles_stops_that_signature_too() -> None:
    claim = changed(parties=(PLAINTIFF, DEFENDANT), filed_by_role="representative", requirement="")(SOUND)
    found = rules.check(ClaimFacts(claim, signer_iin=PLAINTIFF.iin), BOOK, DAY)
    assert {finding.rule_id for finding in rules.unsettled(found)} == {"text.present", "representative.power", "signer.filer"}


def test_a_foreigner_without_iin_may_be_sued_and_may_sue() -> None:
    claim = party(0, resident=False, iin="")(SOUND)
    assert failed(ClaimFacts(claim)) == []


def test_special_proceedings_have_no_defendant() -> None:
    claim = msgspec.structs.replace(SPECIAL.claim, parties=(*SPECIAL.claim.parties, DEFENDANT))
    assert [finding.rule_id for finding in failed(replace(SPECIAL, claim=claim))] == ["parties.present"]
