"""Filings: what citizens send to courts, and what the addressed court decides about it (receipt R3).

- Submit comes first and once; it is judged by the CMS of the signed statement, whose holder must be the filer, or for a person
  without a key a witness: staff of the court at whose machine it was filed.
- Withdraw is the filer's, before the decision.
- Verify is the centre's: what a check over the line found. It informs and decides nothing; all are kept, the newest shows.
- Evidence is the centre's too: what others signed about the statement's signature (timestamp, OCSP), kept beside it.
- Register and Refuse belong to the court that holds the filing, at its own node, signed by a clerk or the chairman in the
  text of `filing_texts`. One decision per filing. Refuse with ``redirected_to`` is no decision: it hands the filing
  and the right to decide to another court.
- Rule is the judge's, of that same court, once, about what was registered there (R4, `ruling`). It leaves the status "registered".
- A status is derived by `status`, never stated. R1 and R2 live with the receipts, not here.

Lists and pages read through `filing_lists`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from common.court import filing_rows, filing_texts, ruling, texts
from common.court.filing_entries import DOCUMENTS, Cosigner, Refuse, Register, Rule, Submit, Verify, Withdraw, Witness
from common.court.filing_entries import TYPES as TYPES
from common.court.filing_entries import Duty as Duty
from common.court.filing_entries import Evidence as Evidence
from common.court.filing_entries import File as File
from common.court.filing_entries import Filer as Filer
from common.court.filing_entries import FileRef as FileRef
from common.court.filing_entries import Party as Party
from common.court.filing_tables import TABLES as TABLES
from common.court.filing_texts import Ground as Ground
from common.court.signing import require_bound
from common.court.writers import (
    DECIDERS,
    person_of,
    require_centre,
    require_court_node,
    require_decider,
    require_holder,
    require_same_person,
)
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Fact, Known, Rows
from common.ids import read_talon
from common.pki import cms, timestamps

NAME: str = "filings"

Status = Literal["", "filed", "withdrawn", "registered", "refused", "redirected"]
RESULTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "revocation": frozenset({"good", "revoked", "unknown"}),
        "payment": frozenset({"paid", "unpaid", "unknown"}),
        "address": frozenset({"matches", "differs", "unknown"}),
    }
)
"""What the centre may find out about each subject."""


@dataclass(slots=True)
class State:
    """One filing: its facts in order, the courts that held it (the last one holds it), and what ended it."""

    facts: list[Fact] = field(default_factory=list)
    courts: list[str] = field(default_factory=list)
    ended: Fact | None = None
    ruled: Fact | None = None

    @property
    def submit(self) -> Submit:
        """The submission; only where there is one."""
        return self.facts[0].body


def begin() -> State:
    """Return a filing without history."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add one fact; raises Refused or Conflict and leaves ``state`` alone."""
    _CHECKS[type(fact.body)](state, fact, known)
    body = fact.body
    if isinstance(body, Submit):
        state.courts.append(body.court)
    elif isinstance(body, Refuse) and body.redirected_to:
        state.courts.append(body.redirected_to)
    elif isinstance(body, Rule):
        state.ruled = fact
    elif not isinstance(body, Verify | Evidence):
        state.ended = fact
    state.facts.append(fact)


def status(state: State) -> Status:
    """Return where the filing stands; empty when it was never submitted."""
    if not state.facts:
        return ""
    if state.ended is None:
        return "filed" if len(state.courts) == 1 else "redirected"
    return _ENDS[type(state.ended.body)]


def audience(state: State) -> Audience:
    """Return the courts that held the filing and the filer; for an organisation also the employee who signed."""
    if not state.facts:
        return Audience()
    filer = state.submit.filer
    persons = {filer.person, filer.iin} - {""}
    return Audience(courts=frozenset(state.courts), persons=frozenset(persons))


def owner(state: State) -> str:
    """Return the court that holds the filing now."""
    return state.courts[-1] if state.courts else ""


def _check_submit(state: State, fact: Fact, known: Known) -> None:
    body: Submit = fact.body
    if state.facts:
        raise Conflict("filing.twice", N_("This filing was sent before."))
    if read_talon(body.talon).node != fact.node:
        raise Refused("filing.talon", N_("The talon number belongs to another machine than the one that took the filing."))
    if not body.court:
        raise Refused("filing.no_court", N_("A filing is addressed to one court."))
    if body.filer.person != person_of(body.filer.iin, body.filer.bin):
        raise Refused("filing.person", N_("A filing belongs to one IIN or BIN."))
    named = {(body.statement.sha256, body.statement.size), *((file.sha256, file.size) for file in body.files)}
    if not named <= {(blob.sha256, blob.size) for blob in fact.blobs}:
        raise Refused("filing.files", N_("The filing names a file that its entry does not carry."))
    _check_statement(fact, known)


def _check_statement(fact: Fact, known: Known) -> None:
    body: Submit = fact.body
    signer = known.pdf_signer(fact.leaf, body.signature)
    if signer.digest != body.signed:
        raise Refused("filing.digest", N_("The signature covers another statement than this one."))
    if signer.certificate != body.filer.certificate:
        raise Refused("entry.certificate", N_("The signature was made with another key than the one named."))
    for place, each in enumerate(body.cosigners):
        _check_cosigner(fact, known, each, place)
    if body.witness is None:
        require_same_person(signer.iin, signer.bin, iin=body.filer.iin, bin=body.filer.bin)
        require_bound(fact, known, signer, bin=body.filer.bin, rule_pack=body.rule_pack)
    else:
        _check_witness(fact, known, body.witness)


def _check_cosigner(fact: Fact, known: Known, cosigner: Cosigner, place: int) -> None:
    """Each party's signature is judged as the filer's is; the entry carries it, so it is judged without the file."""
    signer = known.pdf_signer(fact.leaf, cosigner.signature, place=place + 1)
    if signer.digest != cosigner.signed:
        raise Refused("filing.digest", N_("The signature covers another statement than this one."))
    if signer.certificate != cosigner.certificate:
        raise Refused("entry.certificate", N_("The signature was made with another key than the one named."))
    require_same_person(signer.iin, signer.bin, iin=cosigner.iin, bin=cosigner.bin)
    require_bound(fact, known, signer, bin=cosigner.bin, rule_pack=fact.body.rule_pack)


def _check_witness(fact: Fact, known: Known, witness: Witness) -> None:
    """A witness is a clerk or the chairman of a court, at that court's own machine, and names the document that was shown."""
    body: Submit = fact.body
    require_court_node(fact, known, witness.court)
    if not known.staff_role(body.filer.certificate, witness.court, before=fact.beacon) & DECIDERS:
        raise Refused("entry.role", N_("The person who signed is not a clerk or the chairman of this court."))
    if body.filer.bin:
        raise Refused("filing.witness", N_("An organisation signs with its own key: nobody witnesses for it."))
    if witness.kind not in DOCUMENTS or not (witness.name and witness.number and witness.issued_by and witness.date):
        raise Refused("filing.witness", N_("A witnessed filing names the identity document in full."))


def _check_withdraw(state: State, fact: Fact, known: Known) -> None:
    _require_open(state)
    body: Withdraw = fact.body
    filing = state.submit
    texts.require_lines(
        body.content,
        filing_texts.withdrawal_lines(talon=filing.talon, court=state.courts[-1], date=body.date, reason=body.reason),
    )
    holder = require_holder(fact, known, body.signature, body.content, iin=filing.filer.iin, bin=filing.filer.bin)
    require_bound(fact, known, holder, bin=filing.filer.bin, rule_pack=filing.rule_pack)


def _check_verify(state: State, fact: Fact, known: Known) -> None:
    _require_submitted(state)
    require_centre(fact)
    if fact.body.result not in RESULTS[fact.body.subject]:
        raise Refused("filing.result", N_("This is no result of that check."))
    _signature_of(state, fact.body.signer)


def _check_evidence(state: State, fact: Fact, known: Known) -> None:
    """A timestamp must be over this very signature; who signed it is for whoever relies on it to check, as of then."""
    _require_submitted(state)
    require_centre(fact)
    body: Evidence = fact.body
    signature = _signature_of(state, body.signer)
    if body.kind == "timestamp":
        said = timestamps.said(body.data)
        if said.at_ms != body.at_ms or not said.covers(cms.read(signature).signers[0].signature):
            raise Refused("filing.timestamp", N_("The timestamp is of another signature than that of this filing."))


def _signature_of(state: State, place: int) -> bytes:
    """Return the CMS of the filer (0) or of the n-th cosigner; raises Refused("filing.signer") where nobody signed there."""
    made = [state.submit.signature, *(each.signature for each in state.submit.cosigners)]
    if not 0 <= place < len(made):
        raise Refused("filing.signer", N_("Nobody has signed this statement in that place."))
    return made[place]


def _check_register(state: State, fact: Fact, known: Known) -> None:
    body: Register = fact.body
    _require_holding(state, body.court)
    if not body.number:
        raise Refused("filing.no_number", N_("A registration gives a number."))
    lines = filing_texts.decision_lines(
        talon=state.submit.talon, court=body.court, date=body.date, executor=body.executor, number=body.number
    )
    require_decider(fact, known, body.court, lines)


def _check_refuse(state: State, fact: Fact, known: Known) -> None:
    body: Refuse = fact.body
    _require_holding(state, body.court)
    if not body.grounds and not body.redirected_to:
        raise Refused("filing.no_ground", N_("A refusal names at least one ground."))
    if body.redirected_to == body.court:
        raise Refused("filing.same_court", N_("A filing is redirected to another court, not to the same one."))
    lines = filing_texts.decision_lines(
        talon=state.submit.talon,
        court=body.court,
        date=body.date,
        executor=body.executor,
        grounds=body.grounds,
        note=body.note,
        cure_until=body.cure_until,
        redirected_to=body.redirected_to,
    )
    require_decider(fact, known, body.court, lines)


def _check_rule(state: State, fact: Fact, known: Known) -> None:
    _require_submitted(state)
    body: Rule = fact.body
    registered = state.ended.body if state.ended is not None else None
    if not isinstance(registered, Register):
        raise Refused("filing.not_registered", N_("A judge rules on what the court has registered."))
    if state.ruled is not None:
        raise Conflict("filing.ruled", N_("A judge has already ruled on this filing."))
    about = (body.filing, body.case, body.number, body.court, body.talon)
    if about != (fact.obj, registered.case, registered.number, registered.court, state.submit.talon):
        raise Refused("filing.other_case", N_("The ruling is about another case than that of this filing."))
    ruling.check(fact, known)


def _require_submitted(state: State) -> None:
    if not state.facts:
        raise Refused("filing.unknown", N_("Nothing was filed under this number yet."))


def _require_open(state: State) -> None:
    _require_submitted(state)
    if state.ended is not None:
        if isinstance(state.ended.body, Withdraw):
            raise Conflict("filing.withdrawn", N_("The filing was withdrawn before."))
        raise Conflict("filing.decided", N_("The court has already decided about this filing."))


def _require_holding(state: State, court: str) -> None:
    _require_open(state)
    if state.courts[-1] != court:
        raise Conflict("filing.other_court", N_("Another court holds this filing."))


_CHECKS: Final[Mapping[type, Callable[[State, Fact, Known], None]]] = MappingProxyType(
    {
        Submit: _check_submit,
        Withdraw: _check_withdraw,
        Verify: _check_verify,
        Evidence: _check_evidence,
        Register: _check_register,
        Refuse: _check_refuse,
        Rule: _check_rule,
    }
)
_ENDS: Final[Mapping[type, Status]] = MappingProxyType({Withdraw: "withdrawn", Register: "registered", Refuse: "refused"})


def rows(state: State) -> Rows:
    """Return all rows of the filing."""
    court = state.courts[-1] if state.courts else ""
    return filing_rows.rows(state.facts, court=court, status=status(state), ended=state.ended, ruled=state.ruled)
