"""When the line of this machine was down, open to everybody without sign-in, and the certificate of any days as a PDF."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import Blueprint, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from common.papers.words import date_time_short
from common.web.documents import file_answer
from common.web.forms import CourtForm, DayField, Required
from common.web.limits import RateLimit
from edge.node import Node
from edge.services import outages
from edge.web import access

CERTIFICATES_MAX: Final = 30
WINDOW_MS: Final = 600_000


class DaysForm(CourtForm):
    """The days that a certificate is about; comes by GET, so it carries no token."""

    class Meta:
        csrf = False

    first = DayField(lazy_gettext("First day"), [Required(lazy_gettext("Choose the first and the last day."))])
    last = DayField(lazy_gettext("Last day"), [Required(lazy_gettext("Choose the first and the last day."))])


@dataclass(frozen=True, slots=True)
class DownView:
    """One outage, ready to show; ``lasts`` while it does."""

    text: str
    small: str
    lasts: bool
    first: date
    last: date


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``outages``."""
    pages = Blueprint("outages", __name__, url_prefix="/outages")
    made = RateLimit(node.clock, CERTIFICATES_MAX, WINDOW_MS)
    outages.create(node.database)

    def page(form: DaysForm) -> tuple[str, int]:
        back = url_for("line.show" if access.officer(node) else "home.landing")
        found = [_view(each) for each in outages.recent(node)]
        return form.page("edge/outages/show.html", outages=found, days_max=outages.PERIOD_DAYS_MAX, back_url=back)

    @pages.get("/")
    def show() -> tuple[str, int]:
        return page(DaysForm(formdata=None))

    @pages.get("/certificate.pdf")
    def certificate() -> Response | tuple[str, int]:
        form = DaysForm(formdata=request.args)
        if form.validate():
            first, last = form.first.data, form.last.data
            assert isinstance(first, date), "a valid form has one"
            assert isinstance(last, date), "a valid form has one"
            made.hit(request.remote_addr or "")
            with form.refusals():
                data = outages.pdf(node, first, last)
                name = f"outages-{node.number:04}-{first}-{last}.pdf"
                return file_answer(data, name=name, kind="application/pdf")
        return page(form)

    return pages


def _view(down: outages.Down) -> DownView:
    each = down.outage
    began, tries = date_time_short(each.began), gettext("tries that failed: %(count)d", count=each.tries)
    if each.ended is None:
        return DownView(gettext("since %(time)s, not over yet", time=began), tries, True, down.first, down.last)
    words = gettext("from %(time)s to %(until)s", time=began, until=date_time_short(each.ended))
    return DownView(words, tries, False, down.first, down.last)
