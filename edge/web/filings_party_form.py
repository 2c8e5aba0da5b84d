"""The form of a participant (CLM-3, CLM-4): first who it is, then the details; a number is checked, an address is needed."""

from typing import Any

import msgspec
from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, Field, StringField

from common.court import claim as forms
from common.court.claim import Party
from common.errors import CourtError
from common.people import check_bin, check_iin, clean_name
from common.web.forms import ChoiceField, CourtForm
from common.web.languages import tell
from edge.web.filings_forms import offer

ROLES_OF = {
    "claim": ("plaintiff", "defendant", "third_party", "representative"),
    "special": ("applicant", "third_party", "representative"),
}
"""Who takes part, by kind of proceedings (CLM-3)."""


def role_words() -> dict[str, str]:
    """Return the names of the roles."""
    return {
        "plaintiff": gettext("Plaintiff"),
        "defendant": gettext("Defendant"),
        "third_party": gettext("Third party"),
        "applicant": gettext("Applicant"),
        "interested": gettext("Interested person"),
        "representative": gettext("Representative"),
    }


def roles_for(proceedings: str) -> tuple[str, ...]:
    """Return the roles of these proceedings."""
    return ROLES_OF.get(proceedings, ROLES_OF["claim"])


class WhoForm(CourtForm):
    """The first window of adding a participant (CLM-3)."""

    kind = ChoiceField(lazy_gettext("Who is it?"))
    role = ChoiceField(lazy_gettext("Takes part as"))
    resident = ChoiceField(lazy_gettext("Resident of Kazakhstan?"))

    def offer(self, proceedings: str) -> None:
        """Put the choices in."""
        words = role_words()
        offer(self.kind, [("individual", gettext("A person")), ("legal_entity", gettext("An organisation"))])
        offer(self.role, [(role, words[role]) for role in roles_for(proceedings)])
        offer(self.resident, [("yes", gettext("Yes")), ("no", gettext("No"))])


class PartyForm(WhoForm):
    """A participant's details (CLM-4); which fields count depends on ``kind``."""

    iin = StringField(lazy_gettext("IIN"), description=lazy_gettext("12 digits, on the identity card"))
    surname = StringField(lazy_gettext("Surname"))
    first_name = StringField(lazy_gettext("First name"))
    patronymic = StringField(lazy_gettext("Patronymic"))
    bin = StringField(lazy_gettext("BIN"), description=lazy_gettext("12 digits, on the certificate of registration"))
    name = StringField(lazy_gettext("Name of the organisation"))
    state_body = BooleanField(lazy_gettext("It is a state body"))
    address = StringField(lazy_gettext("Address"))
    actual_address = StringField(lazy_gettext("Actual address"))
    phone = StringField(lazy_gettext("Phone"))
    email = StringField(lazy_gettext("E-mail"))
    workplace = StringField(lazy_gettext("Place of work"))
    bank_details = StringField(lazy_gettext("Bank details"))

    def party(self, before: Party | None, own_numbers: tuple[str, ...] = ()) -> Party | None:
        """Return the participant, or None with a sentence at each field to correct.

        A number of ``own_numbers`` is the signed-in person's own: a certificate vouches for it, whatever its check digit.
        """
        self.validate()
        entity = self.kind.data == "legal_entity"
        for name in ("address", "actual_address", "phone", "email", "workplace", "bank_details", "name"):
            self._short(self._fields[name], forms.TEXT_LIMITS.get(name, forms.LINE_CHARS_MAX))
        values = self._organisation(own_numbers) if entity else self._person(own_numbers)
        if not (self.address.data or "").strip() and self.role.data in ("plaintiff", "applicant", "defendant"):
            self._say(self.address, gettext("Enter the address: the court sends the summons there."))
        email = (self.email.data or "").strip()
        if email and ("@" not in email or " " in email):
            self._say(self.email, gettext("Write the e-mail as name@example.kz, or leave it empty."))
        if self.errors:
            return None
        texts = {name: self._text(name) for name in ("address", "actual_address", "phone", "email", "workplace", "bank_details")}
        unverified = before is None or before.address != texts["address"] or before.unverified_address
        who = {"role": self.role.data, "kind": self.kind.data, "resident": self.resident.data != "no"}
        return msgspec.convert({**who, **values, **texts, "unverified_address": unverified}, Party)

    def _person(self, own_numbers: tuple[str, ...]) -> dict[str, Any]:
        values = {"iin": self._number(self.iin, check_iin, own_numbers)}
        for name in ("surname", "first_name", "patronymic"):
            values[name] = self._clean(name)
        if not values["surname"] and not self.surname.errors:
            self._say(self.surname, gettext("Enter the surname as on the identity card."))
        if not values["first_name"] and not self.first_name.errors:
            self._say(self.first_name, gettext("Enter the first name as on the identity card."))
        self._require_number(self.iin, values["iin"], gettext("Enter the IIN: 12 digits from the identity card."))
        return values

    def _organisation(self, own_numbers: tuple[str, ...]) -> dict[str, Any]:
        values = {"bin": self._number(self.bin, check_bin, own_numbers), "name": self._text("name")}
        if not values["name"]:
            self._say(self.name_field, gettext("Enter the name of the organisation as in its certificate."))
        self._require_number(self.bin, values["bin"], gettext("Enter the BIN: 12 digits."))
        return {**values, "state_body": bool(self.state_body.data)}

    @property
    def name_field(self) -> Field:
        """The field called ``name``."""
        return self._fields["name"]

    def _require_number(self, field: Field, number: str, sentence: str) -> None:
        wanted = self.resident.data != "no" and self.role.data in ("plaintiff", "applicant", "representative")
        if wanted and not number and not field.errors:
            self._say(field, sentence)

    def _number(self, field: Field, check: Any, own_numbers: tuple[str, ...]) -> str:
        text = "".join((field.data or "").split())
        if not text or text in own_numbers:
            return text
        try:
            return str(check(text, field=field.name))
        except CourtError as error:
            self._say(field, tell(error))
            return ""

    def _clean(self, name: str) -> str:
        try:
            return clean_name(self._fields[name].data or "", field=name)
        except CourtError as error:
            self._say(self._fields[name], tell(error))
            return ""

    def _text(self, name: str) -> str:
        return " ".join((self._fields[name].data or "").split())

    def _short(self, field: Field, limit: int) -> None:
        if len(field.data or "") > limit:
            self._say(field, gettext("At most %(max)d signs. Shorten it.", max=limit))

    def _say(self, field: Field, sentence: str) -> None:
        field.errors = (*field.errors, sentence)


PARTY_TEXTS = ("iin", "surname", "first_name", "patronymic", "bin", "name", "address", "actual_address", "phone", "email", "workplace",
               "bank_details")  # fmt: skip


def party_data(party: Party) -> dict[str, Any]:
    """Return what the form of a participant shows."""
    texts = {name: getattr(party, name) for name in PARTY_TEXTS}
    return {**texts, "kind": party.kind, "role": party.role, "resident": "yes" if party.resident else "no", "state_body": party.state_body}
