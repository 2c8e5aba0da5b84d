"""The forms of the four steps, and what can be understood of a half-filled one.

Each step has three things of the same shape: a form that refuses, ``…_data(claim)`` that fills it, and ``understand_…`` that
takes over every field that makes sense and leaves the others alone: the autosave keeps raw text before any check.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from flask_babel import gettext, lazy_gettext
from wtforms import Field, MultipleFileField, StringField, TextAreaField
from wtforms.validators import Length

from common.court import claim as forms
from common.court import rules
from common.court.attachments import EXTENSIONS
from common.court.book import Book
from common.court.claim import Claim, Party
from common.court.datasets import Court
from common.court.duty import CLAIM_TIYN_MAX
from common.web.forms import ChoiceField, CourtForm, ListField, Required, options
from common.web.languages import current_language
from edge.services.citations import cite

ACCEPT = ",".join(EXTENSIONS)
LANGUAGES_OF_STATEMENTS = {"kk": "Қазақша", "ru": "Русский"}
_Raw = Mapping[str, str]


def hears_civil(court: Court) -> bool:
    """Say whether a claim of first instance can be addressed to the court, as the rule pack sees it."""
    return court.status == "active" and (court.also_first or (court.level == "first" and court.jurisdiction in rules.CIVIL_JURISDICTIONS))


class ChooserForm(CourtForm):
    """Kind of proceedings, instance, document type (FIL-2)."""

    proceedings = ListField(lazy_gettext("Kind of proceedings"))
    instance = ListField(lazy_gettext("Instance"))
    document_type = ListField(lazy_gettext("Type of document"))

    def offer(self, book: Book, types: tuple[str, ...]) -> None:
        """Put the words of the classifier in; ``types`` are the document types in order."""
        lang = current_language()
        rows = {row.code: row for row in book.categories("document_type")}
        offer(self.proceedings, [(row.code, book.name(row, lang)) for row in book.categories("proceedings")])
        offer(self.instance, [(row.code, book.name(row, lang)) for row in book.categories("instance")])
        offer(self.document_type, [(code, book.name(rows[code], lang)) for code in types if code in rows])


# -- step 1


class CaseForm(CourtForm):
    """What it is about and to which court."""

    proceedings = ChoiceField(lazy_gettext("Kind of proceedings"))
    nature = ChoiceField(lazy_gettext("Nature of the claim"))
    region = ListField(lazy_gettext("Region"))
    court = ListField(lazy_gettext("Court"))
    language = ChoiceField(lazy_gettext("Language of the statement"))
    filed_by_role = ChoiceField(lazy_gettext("Who files"))

    def offer(self, book: Book, claim: Claim) -> None:
        """Put the choices in: they come from the published data and depend on what is chosen already."""
        lang = current_language()
        offer(self.proceedings, proceedings_choices(book))
        offer(self.nature, nature_choices(book))
        regions = [(region.rr, book.name(region, lang)) for region in book.regions if any(map(hears_civil, book.courts_of(region.rr)))]
        offer(self.region, [("", gettext("Choose the region")), *regions])
        region = self.region.data or claim.region
        courts = [(court.court_id, book.name(court, lang)) for court in book.courts_of(region) if hears_civil(court)]
        offer(self.court, [("", gettext("Choose the court") if courts else gettext("First choose the region")), *courts])
        offer(self.language, list(LANGUAGES_OF_STATEMENTS.items()))
        offer(self.filed_by_role, filer_choices(self.proceedings.data or claim.proceedings))

    def validate_region(self, field: Field) -> None:
        if not field.data:
            raise ValueError(gettext("Choose the region."))

    def validate_court(self, field: Field) -> None:
        if not field.data:
            raise ValueError(gettext("Choose the court."))


def proceedings_choices(book: Book) -> list[tuple[str, str]]:
    """Return claim and special proceedings in the visitor's language (CLM-1)."""
    rows = {row.code: row for row in book.categories("civil_kind")}
    return [(code, book.name(rows[code], current_language())) for code in ("claim", "special") if code in rows]


def nature_choices(book: Book) -> list[tuple[str, str, str]]:
    """Return property and non-property, with a line of explanation."""
    hints = {"property": gettext("money or things are asked for"), "non_property": gettext("no money is asked for")}
    return [(row.code, book.name(row, current_language()), hints.get(row.code, "")) for row in book.categories("claim_character")]


def filer_choices(proceedings: str) -> list[tuple[str, str]]:
    """Return on whose behalf one may file."""
    own = ("applicant", gettext("I am the applicant")) if proceedings == "special" else ("plaintiff", gettext("I am the plaintiff"))
    return [own, ("representative", gettext("I represent somebody"))]


def case_data(claim: Claim) -> dict[str, str]:
    """Return what the form of step 1 shows."""
    filer = claim.filed_by_role or forms.FILING_ROLES.get(claim.proceedings, "plaintiff")
    return {
        "proceedings": claim.proceedings,
        "nature": claim.nature,
        "region": claim.region,
        "court": claim.court,
        "language": claim.language,
        "filed_by_role": filer,
    }


def understand_case(claim: Claim, raw: _Raw, book: Book) -> Claim:
    """Return ``claim`` with what makes sense of step 1; roles follow the kind of proceedings, a court its region."""
    proceedings = _known(raw.get("proceedings"), ("claim", "special"), claim.proceedings)
    region = raw.get("region", claim.region) if book.region(raw.get("region", "")) or not raw.get("region", "x") else claim.region
    court = raw.get("court", claim.court)
    found = book.find_court(court)
    if found is None or found.region_rr != region:
        court = ""
    filer = raw.get("filed_by_role", claim.filed_by_role)
    if filer != "representative":
        filer = forms.FILING_ROLES.get(proceedings, "")
    changed: dict[str, Any] = {
        "proceedings": proceedings,
        "nature": _known(raw.get("nature"), ("property", "non_property", "mixed"), claim.nature),
        "region": region,
        "court": court,
        "language": _known(raw.get("language"), ("kk", "ru"), claim.language),
        "filed_by_role": filer,
    }
    if proceedings != claim.proceedings:
        changed |= {"category": "", "parties": tuple(_role_of(party, proceedings) for party in claim.parties)}
    return msgspec.structs.replace(claim, **changed)


def _role_of(party: Party, proceedings: str) -> Party:
    """The person who files is called otherwise in special proceedings."""
    swapped = {("plaintiff", "special"): "applicant", ("applicant", "claim"): "plaintiff"}.get((party.role, proceedings))
    return msgspec.structs.replace(party, role=swapped) if swapped else party


# -- step 2


class PaymentForm(CourtForm):
    """Both amounts and the way of payment (CLM-5 … CLM-7)."""

    claim_amount = StringField(lazy_gettext("Claim amount, tenge"))
    duty_amount = StringField(lazy_gettext("State duty, tenge"))
    payment = ChoiceField(lazy_gettext("How the duty is paid"))
    exemption = ListField(lazy_gettext("Why the duty is not paid"))
    receipt = MultipleFileField(lazy_gettext("Scan of the payment receipt"))

    def offer(self, book: Book, claim: Claim, day: Any) -> None:
        """Put the ways and the grounds in force on ``day`` in."""
        lang = current_language()
        ways = [
            ("receipt", gettext("A receipt is attached"), gettext("paid at a bank; a scan of the receipt")),
            ("pending", gettext("Payment pending"), gettext("pay later by the printed invoice")),
            ("exempt", gettext("No payment is made"), gettext("a ground of the Tax Code")),
        ]
        offer(self.payment, ways)
        who = ("legal_entity", "state_body") if claim.claimant_kind == "individual" else ("individual",)
        grounds = [
            (row.exemption_id, f"{book.name(row, lang)} — {cite(row.act, row.article, row.item).of(lang)}")
            for row in book.exemptions(day)
            if row.who not in who
        ]
        offer(self.exemption, [("", gettext("Choose the ground")), *grounds])

    def strict(self, claim: Claim) -> Claim | None:
        """Return the form with step 2, or None with a sentence at each field to correct."""
        self.validate()
        amounts = {name: self._amount(self._fields[f"{name}_amount"]) for name in ("claim", "duty")}
        exempt = self.payment.data == "exempt"
        if claim.nature in ("property", "mixed") and not amounts["claim"] and not self.claim_amount.errors:
            self._say(self.claim_amount, gettext("Enter the claim amount: a property claim has one."))
        if amounts["duty"] is None and not exempt and not self.duty_amount.errors:
            self._say(self.duty_amount, gettext("Enter the amount of the state duty; it may be zero."))
        if exempt and not self.exemption.data:
            self._say(self.exemption, gettext("Choose why the duty is not paid."))
        if self.payment.data == "receipt" and not claim.of_kind("receipt"):
            self._say(self.receipt, gettext("Attach the scan of the receipt, or choose another way."))
        if self.errors:
            return None
        return understand_payment(claim, {name: str(self._fields[name].data or "") for name in PAYMENT_TEXTS})

    def _amount(self, field: Field) -> int | None:
        text = field.data or ""
        amount = read_amount(text)
        if amount is None and text.strip():
            self._say(field, gettext("Write the amount in tenge with digits, for example 2 450 000 or 24500,50."))
        return amount

    def _say(self, field: Field, sentence: str) -> None:
        field.errors = (*field.errors, sentence)


PAYMENT_TEXTS = ("claim_amount", "duty_amount", "payment", "exemption")


def read_amount(text: str) -> int | None:
    """Return tiyn for «2 450 000», «24500,50» or «24500.5»; None for anything that is no amount."""
    plain = "".join(text.replace("₸", "").split()).replace(",", ".")
    whole, dot, rest = plain.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 15) or (
        dot and not (rest.isascii() and rest.isdigit() and len(rest) <= 2)
    ):
        return None
    amount = int(whole) * 100 + int(rest.ljust(2, "0") or "0")
    return amount if amount <= CLAIM_TIYN_MAX else None


def amount_text(tiyn: int | None) -> str:
    """Return tiyn as a person types them: «2 450 000» or «24500,50»."""
    if tiyn is None:
        return ""
    tenge, rest = divmod(tiyn, 100)
    return f"{tenge:,}".replace(",", " ") + (f",{rest:02}" if rest else "")


def payment_data(claim: Claim) -> dict[str, str]:
    """Return what the form of step 2 shows."""
    payment = claim.payment
    return {
        "claim_amount": amount_text(payment.claim_tiyn),
        "duty_amount": amount_text(payment.duty_tiyn),
        "payment": payment.way,
        "exemption": payment.exemption_id,
    }


def understand_payment(claim: Claim, raw: _Raw) -> Claim:
    """Return ``claim`` with what makes sense of step 2; who is exempt owes nothing."""
    way = _known(raw.get("payment"), ("receipt", "pending", "exempt"), claim.payment.way)
    duty = read_amount(raw.get("duty_amount", ""))
    payment = msgspec.structs.replace(
        claim.payment,
        claim_tiyn=read_amount(raw.get("claim_amount", "")),
        duty_tiyn=0 if way == "exempt" and duty is None else duty,
        way=way,
        exemption_id=raw.get("exemption", "")[: forms.LINE_CHARS_MAX] if way == "exempt" else "",
    )
    return msgspec.structs.replace(claim, payment=payment)


# -- step 3


class DocumentsForm(CourtForm):
    """The words of the claim and its files (CLM-8)."""

    circumstances = TextAreaField(
        lazy_gettext("Circumstances"),
        [
            Required(lazy_gettext("Describe the circumstances on which you rely.")),
            Length(max=forms.CIRCUMSTANCES_CHARS_MAX, message=lazy_gettext("The text is too long. Shorten it, or attach it as a file.")),
        ],
        description=lazy_gettext("What happened, when, and what proves it. An empty line begins a new paragraph."),
    )
    requirement = TextAreaField(
        lazy_gettext("Requirement"),
        [
            Required(lazy_gettext("Write what you ask the court for.")),
            Length(max=forms.REQUIREMENT_CHARS_MAX, message=lazy_gettext("The text is too long. Shorten it, or attach it as a file.")),
        ],
        description=lazy_gettext("What you ask the court to decide."),
    )
    claim_file = MultipleFileField(lazy_gettext("File of the claim"))
    files = MultipleFileField(lazy_gettext("Documents to be attached"))
    power_file = MultipleFileField(lazy_gettext("Power of attorney"))


def documents_data(claim: Claim) -> dict[str, str]:
    """Return what the form of step 3 shows."""
    return {"circumstances": claim.circumstances, "requirement": claim.requirement}


def understand_documents(claim: Claim, raw: _Raw) -> Claim:
    """Return ``claim`` with the texts of step 3 as far as they fit."""
    texts = {
        "circumstances": (raw.get("circumstances", claim.circumstances), forms.CIRCUMSTANCES_CHARS_MAX),
        "requirement": (raw.get("requirement", claim.requirement), forms.REQUIREMENT_CHARS_MAX),
    }
    fitting = {name: text.replace("\r\n", "\n") for name, (text, limit) in texts.items() if len(text) <= limit}
    return msgspec.structs.replace(claim, **fitting)


# -- signing and the rest


class ReplaceForm(CourtForm):
    """One file in the place of another."""

    file = MultipleFileField(lazy_gettext("File"), [Required(lazy_gettext("Choose a file."))])


class CodeForm(CourtForm):
    """A draft by its code."""

    code = StringField(lazy_gettext("Code of the draft"), [Required(lazy_gettext("Enter the 8 digits of the code."))])


def offer(field: Any, rows: Any) -> None:
    """Give a field of choices its rows: (value, label) or (value, label, hint)."""
    field.choices = options(rows)


def _known(value: str | None, allowed: tuple[str, ...], otherwise: Any) -> Any:
    return value if value in allowed else otherwise
