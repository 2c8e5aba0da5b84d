"""Who works where: the list of a court or of the centre, appointing, dismissing."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from werkzeug.wrappers import Response
from wtforms import StringField

from central.centre import Centre
from central.services import staff
from central.web import access, words
from common.court import staff as subject
from common.court.book import Book
from common.court.book import name as name_of
from common.court.datasets import Court
from common.court.staff import Appointment
from common.errors import N_, NotFound
from common.people import calm_name
from common.web.forms import ChoiceField, CourtForm, ListField, Required, options
from common.web.languages import current_language
from common.web.pages import render_confirm

CENTRE_PLACE = "centre"
NO_REGION = "none"
"""In place of the empty code of the military courts: an empty choice is the centre itself."""


class PlaceForm(CourtForm):
    """Whose staff is shown: a region first, then a court of it; asked by GET."""

    class Meta:
        csrf = False

    region = ListField(lazy_gettext("Region"))
    court = ListField(lazy_gettext("Court"))

    def offer(self, book: Book) -> None:
        """Fill in the lists; a court of another region than the chosen one is forgotten."""
        language, region = current_language(), self.region.data or ""
        regions = [(one.rr or NO_REGION, name_of(one, language)) for one in book.regions]
        self.region.choices = options([("", _("The centre itself")), *regions])
        found = book.courts_of("" if region == NO_REGION else region) if region else ()
        courts = [(one.court_id, name_of(one, language)) for one in found]
        self.court.choices = options(courts)
        if self.court.data not in {court for court, _name in courts}:
            self.court.data = courts[0][0] if courts else ""


class AppointForm(CourtForm):
    """One appointment at the place that the page was opened for."""

    name = StringField(
        lazy_gettext("Name"),
        [Required(lazy_gettext("Write the person's name."))],
        description=lazy_gettext("Surname first, as in the order of appointment."),
    )
    role = ChoiceField(lazy_gettext("Role"), [Required(lazy_gettext("Choose a role."))])
    certificate = FileField(
        lazy_gettext("Certificate of the signing key"),
        [Required(lazy_gettext("Choose the file of the certificate."))],
        description=lazy_gettext("A .cer or .pem file. Never the key itself (.p12)."),
    )


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``staff``."""
    pages = Blueprint("staff", __name__, url_prefix="/staff")

    @pages.get("")
    def show() -> str:
        access.require_administrator(centre)
        book, form = centre.book(), PlaceForm(request.args)
        form.offer(book)
        court = form.court.data or ""
        held = subject.staff_of(centre.database, court, now_ms=centre.clock.now())
        return render_template(
            "central/staff/list.html",
            form=form,
            place=words.court_name(book, court) if court else _("The centre"),
            court=court or CENTRE_PLACE,
            listed=[(one, words.role_word(one.role)) for one in held],
            now=centre.clock.now(),
        )

    @pages.route("/<court>/new", methods=["GET", "POST"])
    def new(court: str) -> tuple[str, int] | Response:
        who = access.require_administrator(centre)
        book, at = centre.book(), "" if court == CENTRE_PLACE else court
        place = _region_of(book.court(at)) if at else ""
        form = AppointForm()
        form.role.choices = options((role, words.role_word(role)) for role in staff.ROLES if (role == "central") == (not at))
        if form.validate_on_submit():
            with form.refusals():
                certificate = form.certificate.data.read(subject.CERTIFICATE_BYTES_MAX * 2)
                given = {"name": form.name.data or "", "role": form.role.data or ""}
                staff.appoint(centre, court=at, certificate=certificate, actor=who.certificate, **given)
                flash(_("The appointment is written. Machines learn it with their next exchange."))
                return redirect(_list_url(place, at), 303)
        named = words.court_name(book, at) if at else _("The centre")
        return form.page("central/staff/new.html", place=named, back_url=_list_url(place, at))

    @pages.route("/dismiss/<obj>", methods=["GET", "POST"])
    def dismiss(obj: str) -> str | Response:
        who = access.require_administrator(centre)
        held, book = staff.appointment(centre, _object_id(obj)), centre.book()
        court = book.find_court(held.court)
        back = _list_url(_region_of(court) if court else "", held.court)
        if request.method == "GET":
            return _ask(held, words.court_name(book, held.court) if held.court else _("The centre"), back)
        staff.dismiss(centre, held.obj, actor=who.certificate)
        flash(_("The appointment has ended. Machines learn it with their next exchange."))
        return redirect(back, 303)

    return pages


def _region_of(court: Court) -> str:
    return court.region_rr or NO_REGION


def _list_url(region: str, court: str) -> str:
    return url_for("staff.show", region=region or None, court=court or None)


def _object_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise NotFound("staff.none", N_("There is no such appointment.")) from error


def _ask(held: Appointment, place: str, back: str) -> str:
    return render_confirm(
        _("End the appointment of %(name)s?", name=calm_name(held.name)),
        action=url_for("staff.dismiss", obj=held.obj.hex()),
        verb=_("Yes, end it"),
        back=back,
        happens=[
            _("%(role)s, %(place)s", role=words.role_word(held.role), place=place),
            _("From now on this key opens nothing there, and what it signs as staff is refused."),
        ],
        stays=[_("Decisions signed before stay in force.")],
        icon="person-badge",
        danger=True,
    )
