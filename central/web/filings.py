"""Filings of the country: how many, where, in which state, on which day; never whose."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from central.centre import Centre
from central.services.nodes import DAY_MS
from central.services.overview import DAYS_CHOICES, Filings, Watch
from central.web import access, words
from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court.book import Book
from common.papers.words import date_short
from common.web.charts import Bars, Sample, Tone, Trend, bars, trend
from common.web.parts import Tab, asked_number

DAYS_DEFAULT = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: a region or a court, its counts in the order of the statuses, their sum, and how many a witness signed."""

    name: str
    url: str
    counts: tuple[int, ...]
    witnessed: int

    @property
    def total(self) -> int:
        return sum(self.counts)


def make_pages(centre: Centre, counted: Watch[Filings]) -> Blueprint:
    """Return the blueprint ``filings``."""
    pages = Blueprint("filings", __name__)

    @pages.get("/filings")
    def show() -> str:
        access.require_administrator(centre)
        asked = asked_number("days")
        days = asked if asked in DAYS_CHOICES else DAYS_DEFAULT
        region = request.args.get("region")  # "" is a region too: the military courts have no number
        found, book = counted.ask(days), centre.book()
        lines = _regions(found, book) if region is None else _courts(found, book, region)
        sums = tuple(sum(line.counts[place] for line in lines) for place in range(len(words.STATUSES)))
        return render_template(
            "central/filings/show.html",
            now=found.as_of_ms,
            region="" if region is None else words.region_name(book, region),
            tabs=_tabs(days, region),
            chart=by_day(found, region),
            states=_by_state(sums),
            statuses=[words.status_word(status) for status in words.STATUSES],
            lines=lines,
            sums=sums,
            witnessed=sum(line.witnessed for line in lines),
            all_regions=url_for("filings.show", days=days),
        )

    return pages


def _tabs(days: int, region: str | None) -> list[Tab]:
    def tab(choice: int) -> Tab:
        url = url_for("filings.show", days=choice, region=region)
        return Tab(url, ngettext("%(num)d day", "%(num)d days", choice), choice == days)

    return [tab(choice) for choice in DAYS_CHOICES]


def by_day(found: Filings, region: str | None = None) -> Trend:
    """Return the counts of each day as a line; of one region where given."""
    counts = found.on_days(region)
    last = (found.as_of_ms + KAZAKHSTAN_OFFSET_MS) // DAY_MS
    days = range(last - found.days + 1, last + 1)
    samples = [Sample(date_short(day * DAY_MS)[:5], counts[day], counts[day]) for day in days]
    return trend(_("Filings by day of submission"), samples, heads=(_("Day"), _("Filings")))


def _by_state(sums: Sequence[int]) -> Bars:
    rows: list[tuple[str, int, Tone]] = [(words.status_word(status), count, "") for status, count in zip(words.STATUSES, sums, strict=True)]
    return bars(_("Filings by state"), rows, heads=(_("State"), _("Filings")))


def _regions(found: Filings, book: Book) -> Sequence[Line]:
    counts, witnessed = found.by("region", "status"), found.witnessed_by("region")
    codes = sorted({rr for rr, _status in counts}, key=lambda rr: -sum(counts[rr, status] for status in words.STATUSES))
    return [
        Line(
            words.region_name(book, rr),
            url_for("filings.show", region=rr, days=found.days),
            tuple(counts[rr, status] for status in words.STATUSES),
            witnessed[rr],
        )
        for rr in codes
    ]


def _courts(found: Filings, book: Book, region: str) -> Sequence[Line]:
    counts, witnessed = found.by("court", "status", region=region), found.witnessed_by("court")
    codes = sorted({court for court, _status in counts}, key=lambda court: -sum(counts[court, status] for status in words.STATUSES))
    return [
        Line(words.court_name(book, court), "", tuple(counts[court, status] for status in words.STATUSES), witnessed[court])
        for court in codes
    ]
