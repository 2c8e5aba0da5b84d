"""The desk of a court's staff: who may sit at it, and everything about one filing on one sheet.

- Whoever signs in is on the centre's staff list, by certificate, at a court this node writes for (SUBJECTS.md 4, entry 2).
- A sheet is shown to the court that holds the filing and to courts that held it before: what they decided stays theirs to
  answer for. Nobody else learns that it exists.
- The checks a clerk decides on are in `edge.services.examination`, the decision itself in `edge.services.registration`.
"""

from dataclasses import dataclass, replace
from datetime import date

import msgspec

from common.court import claim as claims
from common.court import erasures, filing_lists, rule_facts, rules, staff, terms
from common.court.claim import Claim
from common.court.filing_entries import File, Party
from common.court.filing_lists import WAITING, Decision, Event, Filing, Form
from common.court.rule_facts import Finding
from common.court.staff import Appointment
from common.errors import N_, NotFound, Refused
from common.pki.opening import Signer
from edge.node import Node
from edge.services import accounts, inbox
from edge.services.inbox import Term
from edge.visitor import Visitor

NOT_FOR_YOU = N_("There is no such page, or it is not for you.")
PAID = {"paid": True, "unpaid": False}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One filing with everything the desk shows of it. ``claim`` is None where the form is of a shape unknown here.

    ``filed_ms`` is the date of filing that counts: that of the first filing of a chain of supplements. ``answers`` is the
    refused filing that this one answers, where it is held here.
    """

    filing: Filing
    form: Form
    claim: Claim | None
    parties: tuple[Party, ...]
    files: tuple[File, ...]
    events: tuple[Event, ...]
    decisions: tuple[Decision, ...]
    duplicates: tuple[Filing, ...]
    answers: Filing | None
    filed_ms: int
    came_ms: int
    term: Term

    @property
    def waits(self) -> bool:
        """Whether the court that holds the filing has still to decide."""
        return self.filing.status in WAITING


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """The rule pack's answers today, beside what it answered before signing.

    ``pack`` saw the citizen, ``current`` is used now. ``warned`` are the rules that did not hold before signing.
    """

    pack: str
    current: str
    findings: tuple[Finding, ...]
    warned: frozenset[str]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What does not hold today."""
        return tuple(finding for finding in self.findings if not finding.passed)

    @property
    def rules(self) -> int:
        """How many rules there are."""
        return len({finding.rule_id for finding in self.findings})

    @property
    def passed(self) -> int:
        """How many rules hold."""
        return self.rules - len({finding.rule_id for finding in self.failed})

    def is_new(self, finding: Finding) -> bool:
        """Whether a rule that does not hold now did hold before signing."""
        return not finding.passed and finding.rule_id not in self.warned


def enter(node: Node, signer: Signer) -> tuple[Visitor, list[Appointment]]:
    """Return who sits down at the desk, and their appointments at courts of this node; nothing is written about citizens.

    Raises Refused("desk.not_staff") for anybody who is on no staff list here, and what `accounts.sign_in_by_key` refuses.
    """
    courts = node.courts()
    held = staff.roles_at(node.database, signer.certificate.sha256, now_ms=node.clock.now())
    here = [appointment for appointment in held if appointment.court in courts]
    if not here:
        sentence = N_(
            "The holder of this key is not on the staff list of this court as it is known here. If you have just been appointed, "
            "exchange with the centre first. Citizens sign in on the first page."
        )
        raise Refused("desk.not_staff", sentence, field="key_file")
    who = accounts.sign_in_by_key(node, signer, cabinet=False)
    return replace(who, name=here[0].name), here


def sheet(node: Node, court: str, obj: bytes) -> Sheet:
    """Return the sheet of a filing that ``court`` holds or held; raises NotFound for everything else."""
    database = node.database
    filing = filing_lists.filing(database, obj)
    form = filing_lists.form(database, obj)
    decisions = tuple(filing_lists.decisions(database, obj))
    if filing is None:
        erasures.require_not_erased(database, obj)
    if filing is None or form is None or not _held_by(filing, decisions, court):
        raise NotFound("access.none", NOT_FOR_YOU)
    came = inbox.came_ms(database, obj)
    today = terms.local_date(node.clock.now())
    waits = filing.status in WAITING and filing.court == court
    return Sheet(
        filing=filing,
        form=form,
        claim=_claim(form),
        parties=tuple(filing_lists.parties(database, obj)),
        files=tuple(filing_lists.files(database, obj)),
        events=tuple(filing_lists.events(database, obj)),
        decisions=decisions,
        duplicates=tuple(filing_lists.duplicates(database, obj)),
        answers=filing_lists.filing(database, filing.answers_to) if filing.answers_to else None,
        filed_ms=filing_lists.filed_ms(database, obj) or filing.submitted_ms,
        came_ms=came,
        term=inbox.term_of(node.book(), came, today) if waits else Term(None, None),
    )


def courts_that_held(node: Node, obj: bytes) -> tuple[str, ...]:
    """Return the courts whose staff may see a filing, the one that holds it first; empty for one that is not here."""
    filing = filing_lists.filing(node.database, obj)
    if filing is None:
        return ()
    before = (each.court for each in filing_lists.decisions(node.database, obj))
    return tuple(dict.fromkeys((filing.court, filing.first_court, *before)))


def read_file(node: Node, page: Sheet, sha256: bytes) -> tuple[str, str, bytes]:
    """Return (title, media type, bytes) of the statement or an attached file; the statement's title is empty.

    Raises NotFound("access.none") for a file of another filing, NotFound("blob.absent") while it is on the way, Corrupt
    where the disk changed it.
    """
    if sha256 == page.filing.statement_sha256:
        return "", "application/pdf", node.blobs.read(sha256)
    for file in page.files:
        if file.sha256 == sha256:
            return file.title, file.media, node.blobs.read(sha256)
    raise NotFound("access.none", NOT_FOR_YOU)


def check_rules(node: Node, page: Sheet) -> RuleCheck | None:
    """Return what the rule pack says today about the form, as the court that holds it sees it; None where it cannot be read."""
    if page.claim is None:
        return None
    filing, book = page.filing, node.book()
    claim = page.claim
    if filing.court != filing.first_court and (court := book.find_court(filing.court)) is not None:
        # handed over: the question is whether this court is competent, not the one the citizen chose
        claim = msgspec.structs.replace(claim, court=filing.court, region=court.region_rr)
    facts = rule_facts.ClaimFacts(
        claim,
        signer_iin=filing.filer_iin,
        signer_bin=filing.filer_bin,
        signed_by=frozenset(each.bin or each.iin for each in filing_lists.cosigners(node.database, filing.obj)),
        filed_on=terms.local_date(page.filed_ms),
        paid=PAID.get(filing.payment),
    )
    found = rules.check(facts, book, _today(node))
    return RuleCheck(page.form.rule_pack, rules.PACK_VERSION, found, frozenset(page.form.findings))


def _today(node: Node) -> date:
    return terms.local_date(node.clock.now())


def _held_by(filing: Filing, decisions: tuple[Decision, ...], court: str) -> bool:
    return court in (filing.court, filing.first_court) or any(each.court == court for each in decisions)


def _claim(form: Form) -> Claim | None:
    try:
        return claims.load(form.claim)
    except Refused:  # filled by a newer node: the signed page and the files still say everything
        return None
