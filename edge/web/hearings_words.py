"""What pages say of hearings, translated and ready to show: to the court's staff, and to who takes part."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext, lazy_gettext

from common.court.book import Book
from common.court.hearing_lists import HearingEvent
from common.court.hearings import Hearing
from common.errors import N_
from common.papers.qr import qr_svg
from common.papers.words import date_words, time_words
from common.web.languages import current_language, weekday, when
from edge.web.filings_words import court_word

KINDS = [
    ("preparation", lazy_gettext("preparation of the case for trial")),
    ("preliminary", lazy_gettext("preliminary hearing")),
    ("main", lazy_gettext("trial")),
    ("announcement", lazy_gettext("announcement of the decision")),
]
MODES = [
    ("hall", lazy_gettext("in the hall of the court"), lazy_gettext("everybody comes to the court")),
    ("video", lazy_gettext("by video conference"), lazy_gettext("participants join by a link, or come to the hall")),
]
OPENNESS = [
    ("open", lazy_gettext("open hearing"), lazy_gettext("anybody may be present")),
    ("closed", lazy_gettext("closed hearing"), lazy_gettext("participants and the court only")),
]
OUTCOMES = [
    ("held", lazy_gettext("it was held"), lazy_gettext("once its hour has come")),
    ("adjourned", lazy_gettext("it was adjourned"), lazy_gettext("another one is set in its place")),
    ("cancelled", lazy_gettext("it is cancelled"), lazy_gettext("it will not take place")),
]
STATES = {
    "held": (N_("held"), "ok"),
    "adjourned": (N_("adjourned"), "warn"),
    "cancelled": (N_("cancelled"), "bad"),
}
EVENTS = {
    "set": N_("The hearing is set"),
    "moved": N_("The hearing is moved"),
    "changed": N_("The hall or the way of taking part is changed"),
    "held": N_("The hearing was held"),
    "adjourned": N_("The hearing was adjourned"),
    "cancelled": N_("The hearing is cancelled"),
}


@dataclass(frozen=True, slots=True)
class HearingView:
    """One hearing. ``was`` is the earlier time of a moved one; ``link`` and ``qr`` (SVG) are empty once it is over, and in a hall."""

    id: str
    kind: str
    at: str
    was: str
    word: str
    tone: str
    note: str
    court: str
    place: str
    hall: str
    judge: str
    mode: str
    openness: str
    link: str
    qr: str


def view_of(book: Book, hearing: Hearing, now: int) -> HearingView:
    """Return a hearing as pages show it."""
    court, going = book.find_court(hearing.court), hearing.status == "set"
    place = (court.place_kk if current_language() == "kk" else court.place_ru) if court else ""
    word, tone = state_of(hearing, now)
    link = hearing.link if going else ""
    return HearingView(
        id=hearing.obj.hex(),
        kind=kind_word(hearing.kind),
        at=moment(hearing.starts_ms),
        was=moment(hearing.was_ms) if hearing.was_ms is not None else "",
        word=word,
        tone=tone,
        note=hearing.note,
        court=court_word(book, hearing.court),
        place=place,
        hall=hearing.hall,
        judge=hearing.judge,
        mode=_word(MODES, hearing.mode),
        openness=_word(OPENNESS, "closed" if hearing.closed else "open"),
        link=link,
        qr=qr_svg(link, css_class="qr", label=gettext("QR code of the link")) if link else "",
    )


def views_of(book: Book, hearings: Iterable[Hearing], now: int) -> list[HearingView]:
    """Return hearings for who takes part: those that are to come first, then those that are over, the latest first."""
    listed = list(hearings)
    coming = [each for each in listed if each.status == "set"]
    return [view_of(book, each, now) for each in (*coming, *(each for each in reversed(listed) if each.status != "set"))]


def moment(ms: int) -> str:
    """Return «2026 жылғы 1 желтоқсан, сейсенбі, 10:30»."""
    return f"{date_words(ms, current_language())}, {weekday(ms)}, {time_words(ms)}"


def kind_word(kind: str) -> str:
    """Return the name of a kind of hearing."""
    return _word(KINDS, kind)


def state_of(hearing: Hearing, now: int) -> tuple[str, str]:
    """Return (word, tone) of how a hearing stands."""
    if hearing.status in STATES:
        word, tone = STATES[hearing.status]
        return gettext(word), tone
    if hearing.starts_ms <= now:
        return gettext("its hour has come, the court has not written yet how it ended"), "warn"
    if hearing.was_ms is not None:
        return gettext("moved to another time"), "warn"
    return gettext("set for this time"), "ok"


def next_line(hearings: Iterable[Hearing], now: int) -> str:
    """Return in one sentence the hearing that comes next; empty for none."""
    found = next((each for each in hearings if each.status == "set" and each.starts_ms > now), None)
    if found is None:
        return ""
    return gettext("Hearing: %(time)s, hall %(hall)s", time=moment(found.starts_ms), hall=found.hall)


def event_words(event: HearingEvent, now: int) -> tuple[str, str, str]:
    """Return (when it was written, what, more) of one step."""
    params = event.params
    parts = [moment(int(params.get("starts_ms", 0)))]
    if params.get("was_ms") is not None:
        parts.append(gettext("the earlier time: %(time)s", time=moment(int(params["was_ms"]))))
    parts += [str(params[name]) for name in ("note", "officer") if params.get(name)]
    return when(event.time_ms, now), gettext(EVENTS.get(event.kind, event.kind)), " · ".join(parts)


def notice_words(kind: str, params: dict[str, object]) -> str:
    """Return what a notification says of one step of a hearing."""
    at = moment(int(str(params.get("starts_ms", 0))))
    match kind:
        case "set":
            return gettext("A hearing is set: %(time)s. Its place is on the page of the case.", time=at)
        case "moved":
            return gettext("The hearing of %(was)s is moved: %(time)s.", was=moment(int(str(params.get("was_ms", 0)))), time=at)
        case "changed":
            return gettext("The hearing of %(time)s takes place in another hall or another way. Look at its page.", time=at)
        case "adjourned":
            return gettext("The hearing of %(time)s was adjourned. The reason is on the page of the case.", time=at)
        case "cancelled":
            return gettext("The hearing of %(time)s is cancelled. The reason is on the page of the case.", time=at)
    return gettext("The hearing of %(time)s was held.", time=at)


def _word(choices: Iterable[tuple[object, ...]], value: str) -> str:
    return next((str(row[1]) for row in choices if row[0] == value), value)
