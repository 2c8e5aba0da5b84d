"""The checks of a claim or of special proceedings: one versioned pack, the same before signing and at the clerk's desk.

- `check` returns a `Finding` per rule that holds, and one or more per rule that does not, in the order of the form.
- ``must`` findings that failed stop the filing before signing; ``warn`` findings are shown and travel with it.
- ``ground_id`` is a row of refusal_grounds: a clerk may refuse registration for ``reg-…`` only; ``cpc…`` grounds are the
  judge's, so at the desk they inform. Empty: nothing to refuse for.
- What cannot be known is not guessed: a rule that lacks its facts passes.

Drawn from CPC 148 (content), 149 (annexes), 151, 152 and Tax Code 665, 668, 672, as the reference data quote them.
Whoever changes a rule changes `PACK_VERSION` and publishes a row of rule_packs: a refusal on a rule that passed before
signing can then be told from one on a rule that is new.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from common.court.book import Book
from common.court.claim import FILING_ROLES, Claim, Party
from common.court.datasets import Court
from common.court.rule_duty import amounts_entered, duty_settled
from common.court.rule_facts import ClaimFacts, Finding, Problem, Step
from common.errors import N_, Refused
from common.people import check_bin, check_iin

PACK_VERSION: Final = "2026.2"

CIVIL_JURISDICTIONS: Final = frozenset({"general", "civil", "civil_criminal", "juvenile", "unknown"})
POWER: Final = "power"
"""The field of a finding that the principal's own signature settles."""
FORMAT_REFUSALS: Final = frozenset({"upload.type", "upload.large", "upload.named", "upload.macros", "upload.active"})


@dataclass(frozen=True, slots=True)
class _Rule:
    rule_id: str
    step: Step
    title: str
    find: Callable[[ClaimFacts, Book, date], Iterator[Problem]]


def check(facts: ClaimFacts, book: Book, on: date) -> tuple[Finding, ...]:
    """Return the findings of all rules for the day ``on``; never raises for what a person can write into the form."""
    findings: list[Finding] = []
    for rule in RULES:
        problems = tuple(rule.find(facts, book, on))
        findings += [_finding(rule, problem) for problem in problems] or [Finding(rule.rule_id, True, rule.title, step=rule.step)]
    return tuple(findings)


def blocking(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that forbid signing."""
    return tuple(finding for finding in findings if not finding.passed and finding.level == "must")


def unsettled(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that forbid another party's signature too: all that block but the want of a power, which it settles."""
    return tuple(finding for finding in blocking(findings) if finding.field != POWER)


def warned(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """Return the ids of rules that did not hold, once each, in order: what `filing.submit` carries."""
    return tuple(dict.fromkeys(finding.rule_id for finding in findings if not finding.passed))


def _finding(rule: _Rule, problem: Problem) -> Finding:
    return Finding(
        rule.rule_id,
        False,
        problem.sentence,
        problem.params,
        ground_id=problem.ground_id,
        field=problem.field,
        step=rule.step,
        level=problem.level,
    )


def _case_chosen(facts: ClaimFacts, book: Book, _on: date) -> Iterator[Problem]:
    claim = facts.claim
    if not claim.proceedings:
        yield Problem(N_("Choose the kind of proceedings: claim or special."), "reg-type", "proceedings")
    elif not _belongs(book, claim.category, claim.proceedings):
        yield Problem(N_("Choose the case category from the list of these proceedings."), "reg-type", "category")
    if claim.proceedings == "claim" and not claim.nature:
        yield Problem(N_("Choose the nature of the claim: property or non-property."), "cpc152-3", "nature")


def _court_competent(facts: ClaimFacts, book: Book, _on: date) -> Iterator[Problem]:
    claim = facts.claim
    court = book.find_court(claim.court)
    if court is None or court.status != "active":
        yield Problem(N_("Choose the region and the court."), "reg-court", "court")
        return
    if claim.region and court.region_rr != claim.region:
        yield Problem(N_("This court is in another region. Choose the region or the court again."), "cpc152-2", "court")
    if not _hears_civil_claims(court):
        yield Problem(N_("This court does not hear civil cases at first instance. Choose another court."), "cpc152-2", "court")


def _parties_present(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    claim = facts.claim
    if claim.proceedings == "special":
        if not claim.of_role("applicant"):
            yield Problem(N_("Add the applicant."), "cpc152-3", "parties")
        if claim.of_role("plaintiff") or claim.of_role("defendant"):
            sentence = N_("Special proceedings have an applicant, no plaintiff and no defendant. Correct the roles.")
            yield Problem(sentence, "cpc152-3", "parties")
        return
    if not claim.of_role("plaintiff"):
        yield Problem(N_("Add the plaintiff."), "cpc152-3", "parties")
    if not claim.of_role("defendant"):
        yield Problem(N_("Add the defendant."), "cpc152-3", "parties")
    if claim.of_role("applicant"):
        yield Problem(N_("A claim has a plaintiff, not an applicant. Correct the roles."), "cpc152-3", "parties")
    if _numbers(claim, "plaintiff") & _numbers(claim, "defendant"):
        yield Problem(N_("The same person is plaintiff and defendant. Correct the roles."), "cpc152-3", "parties")


def _parties_complete(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    # a certificate vouches for its holder's number, also where the check digit does not hold (foreigners, test keys)
    vouched = {facts.signer_iin, facts.signer_bin} - {""}
    for place, party in enumerate(facts.claim.parties):
        for name, sentence in _missing(party, vouched):
            yield Problem(sentence, "cpc152-3", f"parties-{place}-{name}", {"number": place + 1})


def _texts_present(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    if not facts.claim.circumstances.strip():
        yield Problem(N_("Describe the circumstances on which you rely."), "cpc152-3", "circumstances")
    if not facts.claim.requirement.strip():
        yield Problem(N_("Write what you ask the court for."), "cpc152-3", "requirement")


def _main_document(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    if not facts.claim.of_kind("claim"):
        yield Problem(N_("Attach the file of the claim or application itself."), "reg-main", "attachments")


def _files_readable(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    refusals = {file.sha256: file.refusal for file in facts.files}
    for place, file in enumerate(facts.claim.attachments):
        refusal = refusals.get(file.sha256, "")
        if refusal:
            ground = "reg-format" if refusal in FORMAT_REFUSALS else "reg-open"
            sentence = N_("File %(number)d cannot be taken. Replace it.")
            yield Problem(sentence, ground, f"attachments-{place}", {"number": place + 1})


def _representative_has_power(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    claim = facts.claim
    if claim.filed_by_role != "representative":
        return
    if not claim.of_role("representative"):
        yield Problem(N_("Add yourself as the representative."), "reg-who", "parties")
    if not (facts.power_valid or claim.of_kind("power_of_attorney") or _principals_signed(facts)):
        sentence = N_("Choose a power of attorney in force, attach one as a file, or let the person you represent sign the statement too.")
        yield Problem(sentence, "reg-who", POWER)


def _principals_signed(facts: ClaimFacts) -> bool:
    """Whether everybody whose application it is has signed it: who signs a paper needs nobody's authority to file it."""
    signed = facts.signed_by | {facts.signer_bin or facts.signer_iin}
    principals = facts.claim.of_role(FILING_ROLES.get(facts.claim.proceedings, ""))
    return bool(principals) and all(party.number and party.number in signed for party in principals)


def _signer_is_filer(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    claim = facts.claim
    role = claim.filed_by_role or FILING_ROLES.get(claim.proceedings, "")
    if not (facts.signer_iin or facts.signer_bin) or not role:
        return
    filers = claim.of_role(role)
    if any(_is_signer(party, facts) for party in filers):
        return
    if not facts.signer_bin and filers and all(party.kind == "legal_entity" for party in filers):
        yield Problem(
            N_("An organisation files with its own key. Sign in by BIN, or file as a representative."), "reg-who", "filed_by_role"
        )
    else:
        yield Problem(
            N_("The key belongs to somebody else than the person who files. Correct the role or the IIN or BIN."),
            "reg-who",
            "filed_by_role",
        )


def _files_once(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    counts = Counter(file.sha256 for file in facts.claim.attachments if file.sha256)
    seen: set[str] = set()
    for place, file in enumerate(facts.claim.attachments):
        if counts[file.sha256] > 1 and file.sha256 in seen:
            sentence = N_("File %(number)d is attached twice. Remove one if that is a mistake.")
            yield Problem(sentence, "", f"attachments-{place}", {"number": place + 1}, level="warn")
        seen.add(file.sha256)


RULES: Final = (
    _Rule("case.chosen", 1, N_("Proceedings, category and nature are chosen."), _case_chosen),
    _Rule("court.competent", 1, N_("The court hears such cases."), _court_competent),
    _Rule("parties.present", 1, N_("The parties are named in their roles."), _parties_present),
    _Rule("parties.complete", 1, N_("Names, numbers and addresses are filled."), _parties_complete),
    _Rule("payment.amounts", 2, N_("The claim amount and the duty are filled."), amounts_entered),
    _Rule("payment.duty", 2, N_("The duty is paid, pending in time, or not due."), duty_settled),
    _Rule("text.present", 3, N_("Circumstances and requirement are written."), _texts_present),
    _Rule("documents.main", 3, N_("The claim itself is attached."), _main_document),
    _Rule("documents.readable", 3, N_("Every file can be opened."), _files_readable),
    _Rule("documents.once", 3, N_("No file is attached twice."), _files_once),
    _Rule(
        "representative.power",
        4,
        N_("The representative has a power of attorney, or the person represented signs too."),
        _representative_has_power,
    ),
    _Rule("signer.filer", 4, N_("The person who signs is the person who files."), _signer_is_filer),
)


def _belongs(book: Book, category: str, proceedings: str) -> bool:
    """Walk up the category tree; it is four deep at most, and a published loop must not hang a node."""
    code = category
    for _ in range(8):
        row = book.category("case_category", code)
        if row is None:
            return False
        if row.parent == proceedings:
            return True
        code = row.parent
    return False


def _hears_civil_claims(court: Court) -> bool:
    if court.also_first:
        return True
    return court.level == "first" and court.jurisdiction in CIVIL_JURISDICTIONS


def _numbers(claim: Claim, role: str) -> set[str]:
    return {party.number for party in claim.of_role(role) if party.number}


def _missing(party: Party, vouched: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (field, sentence) for what CPC 148 asks of this participant and is not there."""
    if party.kind == "legal_entity":
        if not party.name.strip():
            yield "name", N_("Participant %(number)d: enter the name of the organisation.")
    elif not party.surname.strip() or not party.first_name.strip():
        yield "surname", N_("Participant %(number)d: enter the surname and the first name.")
    if party.number and party.number not in vouched and not _number_holds(party):
        yield _number_field(party), N_("Participant %(number)d: there is a mistake in the IIN or BIN. Compare it with the document.")
    if not party.number and party.resident and party.role in ("plaintiff", "applicant", "representative"):
        yield _number_field(party), N_("Participant %(number)d: enter the IIN or BIN.")
    if not party.address.strip() and party.role in ("plaintiff", "applicant", "defendant"):
        yield "address", N_("Participant %(number)d: enter the address.")


def _number_field(party: Party) -> str:
    return "bin" if party.kind == "legal_entity" else "iin"


def _number_holds(party: Party) -> bool:
    try:
        (check_bin if party.kind == "legal_entity" else check_iin)(party.number)
    except Refused:
        return False
    return True


def _is_signer(party: Party, facts: ClaimFacts) -> bool:
    if facts.signer_bin:
        return party.kind == "legal_entity" and party.bin == facts.signer_bin
    return party.kind == "individual" and party.iin == facts.signer_iin
