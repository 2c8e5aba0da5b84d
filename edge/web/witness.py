"""A filing for somebody without a key: the desk writes down the identity document, and hands the screen to the person.

From then on this session is the person's filing and nothing else: the clerk's own rights are put down with it, the person's
cabinet stays closed. The person fills and reads the same pages as everybody; at the end the witness signs with the own key.
"""

from datetime import date

from flask import Blueprint, redirect, url_for
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response
from wtforms import StringField, ValidationError
from wtforms.validators import Length

from common.court import terms
from common.court.filing_entries import Witness
from common.errors import N_, Refused
from common.people import check_iin
from common.web.forms import ChoiceField, CourtForm, DayField, Required
from common.web.languages import tell
from edge.node import Node
from edge.visitor import Visitor
from edge.web import access
from edge.web.access import DECIDERS, Officer

NAME_CHARS_MAX, NUMBER_CHARS_MAX, ISSUER_CHARS_MAX = 60, 30, 120
LONG = lazy_gettext("This is too long. Write it as in the document.")
DOCUMENT_WORDS = {
    "identity_card": N_("identity card of Kazakhstan"),
    "passport": N_("passport"),
    "residence_permit": N_("residence permit"),
    "other": N_("another document"),
}


class WitnessForm(CourtForm):
    """Who stands at the desk, by which document."""

    iin = StringField(lazy_gettext("IIN"), [Required(lazy_gettext("Enter the IIN from the document."))])
    surname = StringField(
        lazy_gettext("Surname"), [Required(lazy_gettext("Enter the surname as in the document.")), Length(max=NAME_CHARS_MAX, message=LONG)]
    )
    first_name = StringField(
        lazy_gettext("First name"),
        [Required(lazy_gettext("Enter the first name as in the document.")), Length(max=NAME_CHARS_MAX, message=LONG)],
    )
    patronymic = StringField(lazy_gettext("Patronymic"), [Length(max=NAME_CHARS_MAX, message=LONG)])
    kind = ChoiceField(
        lazy_gettext("Identity document"),
        [Required(lazy_gettext("Choose which document was shown."))],
        choices=[(kind, lazy_gettext(sentence)) for kind, sentence in DOCUMENT_WORDS.items()],
    )
    number = StringField(
        lazy_gettext("Number of the document"),
        [Required(lazy_gettext("Enter the number of the document.")), Length(max=NUMBER_CHARS_MAX, message=LONG)],
    )
    issued_by = StringField(
        lazy_gettext("Who issued it"),
        [Required(lazy_gettext("Write who issued the document.")), Length(max=ISSUER_CHARS_MAX, message=LONG)],
    )
    issued_on = DayField(lazy_gettext("When it was issued"), [Required(lazy_gettext("Write when the document was issued."))])

    def __init__(self, today: date) -> None:
        super().__init__()
        self._today = today

    def validate_iin(self, field: StringField) -> None:
        """As `people.check_iin`."""
        try:
            check_iin(field.data or "")
        except Refused as refused:
            raise ValidationError(tell(refused)) from refused

    def validate_issued_on(self, field: DayField) -> None:
        """Refuse a document from the future."""
        if isinstance(field.data, date) and field.data > self._today:
            raise ValidationError(str(lazy_gettext("The document cannot have been issued after today.")))

    def visitor(self, officer: Officer) -> Visitor:
        """Return the person, with the officer as witness."""
        day = self.issued_on.data
        assert isinstance(day, date), "a valid form has one"
        said = [" ".join((field.data or "").split()) for field in (self.surname, self.first_name, self.patronymic)]
        iin = check_iin(self.iin.data or "")
        witness = Witness(
            court=officer.court,
            name=officer.visitor.name,
            kind=self.kind.data,
            number=" ".join((self.number.data or "").split()),
            issued_by=" ".join((self.issued_by.data or "").split()),
            date=day.isoformat(),
        )
        return Visitor(iin, iin, "", " ".join(said).strip(), officer.visitor.certificate, "witness", witness)


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``witness``."""
    pages = Blueprint("witness", __name__, url_prefix="/desk/witness")

    @pages.route("", methods=["GET", "POST"])
    def begin() -> Response | tuple[str, int]:
        officer = access.require_officer(node, *DECIDERS)
        form = WitnessForm(terms.local_date(node.clock.now()))
        if form.validate_on_submit():
            access.sign_in(form.visitor(officer))
            return redirect(url_for("filings.choose"), 303)
        return form.page("edge/witness/begin.html")

    return pages
