"""When the line of this machine was down, open to everybody without sign-in, and the certificate of any days as a PDF."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from common.errors import N_, Refused
from common.papers.words import date_time_short
from common.web.documents import file_answer
from common.web.limits import RateLimit
from edge.node import Node
from edge.services import outages

CERTIFICATES_MAX: Final = 30
WINDOW_MS: Final = 600_000


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

    @pages.get("/")
    def show() -> str:
        found = [_view(each) for each in outages.recent(node)]
        return render_template("edge/outages/show.html", outages=found, days_max=outages.PERIOD_DAYS_MAX)

    @pages.get("/certificate.pdf")
    def certificate() -> Response:
        first, last = _day("first"), _day("last")
        made.hit(request.remote_addr or "")
        data = outages.pdf(node, first, last)
        return file_answer(data, name=f"outages-{node.number:04}-{first}-{last}.pdf", kind="application/pdf")

    return pages


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError as error:
        raise Refused("outage.day", N_("Choose the first and the last day.")) from error


def _view(down: outages.Down) -> DownView:
    each = down.outage
    began, tries = date_time_short(each.began), gettext("tries that failed: %(count)d", count=each.tries)
    if each.ended is None:
        return DownView(gettext("since %(time)s, not over yet", time=began), tries, True, down.first, down.last)
    words = gettext("from %(time)s to %(until)s", time=began, until=date_time_short(each.ended))
    return DownView(words, tries, False, down.first, down.last)
