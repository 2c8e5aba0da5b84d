"""The country at a glance (picture 09): six figures, the map, the way from talon to register, queues, who needs a person."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, render_template
from flask_babel import gettext as _

from central.centre import Centre
from central.services import authority, nodes, outside, overview
from central.services.nodes import Machine
from central.services.overview import Filings, Overview, Watch
from central.web import access, words
from central.web.filings import by_day
from common.court.book import Book
from common.papers.words import size_words, time_words
from common.web.charts import Anchor, Bars, MapChart, Sample, Seat, Tone, Trend, bars, country_map, trend
from common.web.languages import current_language, number

QUEUES_SHOWN = 6
FILING_DAYS = 30
REGIONS_SHOWN = 7
HIGH_WORD = "95 %"
ANCHORS: Mapping[str, Anchor] = {"10": "end", "19": "end", "39": "end", "51": "end", "52": "middle", "75": "middle"}
"""On which side of its seat a region's name stands, where the right side is taken."""


def make_pages(centre: Centre, counted: Watch[Filings]) -> Blueprint:
    """Return the blueprint ``overview``; ``counted`` answers how many filings there are."""
    pages = Blueprint("overview", __name__)
    watch = Watch(centre.clock, lambda _key: overview.overview(centre))

    @pages.get("/overview")
    def show() -> str:
        access.require_administrator(centre)
        found, book = watch.ask(), centre.book()
        return render_template(
            "central/overview/show.html",
            now=found.as_of_ms,
            figures=_figures(found),
            country=_map(found, book),
            tones=[words.tone_word(tone) for tone in ("ok", "late", "off")],
            lag=_lag(found) if found.lag else None,
            queues=_queues(found.machines),
            needy=[(one, *words.machine_state(one)) for one in nodes.worst_first(found.machines, found.as_of_ms)],
            days=by_day(counted.ask(FILING_DAYS)),
            regions=_busiest(counted.ask(FILING_DAYS), book),
            services=_services(centre, found.as_of_ms),
            unstamped=authority.unstamped(centre) if centre.config.tsa else 0,
            span=words.span,
            clock_off=words.clock_off,
        )

    return pages


def _services(centre: Centre, now: int) -> list[tuple[outside.Service, str, str]]:
    """Return (service, word, kind) of what the certification centre offers, the failing ones first."""
    found = []
    for one in outside.services(centre.database):
        if one.alarming(now):
            found.append((one, _("has not answered for long"), "bad"))
        elif one.failing_since_ms is not None:
            found.append((one, _("does not answer now"), "warn"))
        else:
            found.append((one, _("answers"), "ok"))
    return sorted(found, key=lambda each: (each[0].failing_since_ms is None, each[0].address))


def _figures(found: Overview) -> list[tuple[str, ...]]:
    language = current_language()
    waits = words.span(found.as_of_ms - found.quarantine_since_ms) if found.quarantine_since_ms is not None else ""
    return [
        (_("In touch"), f"{number(found.in_touch)} / {number(found.expected)}", _("machines, in the last 15 minutes")),
        (_("Overdue talons"), number(found.overdue), _("machines where a talon has waited for the register for over 72 hours")),
        (_("In the queue"), number(found.backlog), _("entries, %(size)s in all", size=size_words(found.backlog_bytes, language))),
        (_("Quarantine"), number(found.quarantine), _("the oldest waits %(time)s", time=waits) if waits else _("nothing waits")),
        (_("Came today"), number(found.entries_today), _("entries, filings among them: %(count)s", count=number(found.filings_today))),
        (_("Unverified payments"), number(found.unverified_payments), _("filings that wait for a decision")),
    ]


def _map(found: Overview, book: Book) -> MapChart:
    seats = []
    for rr, (count, tone) in sorted(nodes.by_region(found.machines).items()):
        region = book.region(rr)
        lat, lon = (region.lat, region.lon) if region and region.territory else (None, None)
        seats.append(Seat(words.seat_name(book, rr), lat, lon, count, tone, words.tone_word(tone), ANCHORS.get(rr, "start")))
    label = _("Map of Kazakhstan: the state of the machines by seat of region")
    return country_map(label, seats, heads=(_("Seat of the region"), _("Machines"), _("The worst of them")))


def _lag(found: Overview) -> Trend:
    samples = [Sample(time_words(slot.start_ms), slot.middle, slot.high) for slot in found.lag]
    return trend(
        _("From the talon to the register in the last 24 hours, minutes"),
        samples,
        heads=(_("Hour"), _("Median"), HIGH_WORD),
        goal=overview.GOAL_MINUTES,
        goal_label=_("goal: %(minutes)d minutes", minutes=overview.GOAL_MINUTES),
    )


def _queues(machines: Sequence[Machine]) -> Bars | None:
    longest = sorted((one for one in machines if one.backlog and one.state != "revoked"), key=lambda one: -one.backlog)[:QUEUES_SHOWN]
    rows = [(_short(one.name), one.backlog, one.tone) for one in longest]
    return bars(_("Entries that have not reached the centre, by machine"), rows, heads=(_("Machine"), _("Entries"))) if rows else None


def _short(name: str, most: int = 25) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def _busiest(found: Filings, book: Book) -> Bars | None:
    counts = found.by("region").most_common(REGIONS_SHOWN)
    rows: list[tuple[str, int, Tone]] = [(_short(words.region_name(book, rr)), count, "ok") for (rr,), count in counts]
    return bars(_("Filings by region"), rows, heads=(_("Region"), _("Filings"))) if rows else None
