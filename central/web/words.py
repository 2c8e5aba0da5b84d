"""Words that several pages of the centre share: states, alarms, roles, statuses, spans of time, names of places."""

from flask_babel import gettext as _

from central.services.nodes import HOUR_MS, MINUTE_MS, Machine
from common.court.book import Book
from common.court.book import name as name_of
from common.web.languages import current_language

DAY_HOURS = 24
SECOND_MS = 1000
MINOR_ALARMS = (
    ("disk", "device-hdd"),
    ("clock", "clock-history"),
    ("quota", "speedometer2"),
    ("quarantine", "exclamation-triangle-fill"),
)
"""What a person looks at without haste, and its icon, the gravest first."""


def machine_state(one: Machine) -> tuple[str, str, str]:
    """Return (word, kind, icon) of the worst thing to say about a machine, for the macro ``state``."""
    if one.state == "revoked":
        return _("revoked"), "mute", ""
    for alarm in ("twin", "fork", "register", "overdue"):
        if alarm in one.alarms:
            return alarm_word(alarm), "bad", "exclamation-triangle-fill"
    if one.state == "off":
        return _("no line"), "bad", "wifi-off"
    if one.state == "never":
        return _("has not called yet"), "warn", "hourglass-split"
    for alarm, icon in (
        ("disk", "device-hdd"),
        ("clock", "clock-history"),
        ("quota", "speedometer2"),
        ("quarantine", "exclamation-triangle-fill"),
    ):
        if alarm in one.alarms:
            return alarm_word(alarm), "warn", icon
    if one.state == "late":
        return _("late"), "warn", "hourglass-split"
    return _("in touch"), "ok", "wifi"


def alarm_word(alarm: str) -> str:
    """Return an alarm in a few words."""
    words = {
        "twin": _("a copy of it is running"),
        "fork": _("two histories"),
        "register": _("has seen more of the register than there is"),
        "overdue": _("a talon waits for the register for over 72 hours"),
        "clock": _("wrong clock"),
        "disk": _("disk nearly full"),
        "quota": _("sends more than it may"),
        "quarantine": _("entries in quarantine"),
    }
    return words[alarm]


def tone_word(tone: str) -> str:
    """Return what a shape on the map means."""
    return {"ok": _("in touch"), "late": _("late"), "off": _("no line")}[tone]


def span(ms: int | None) -> str:
    """Return «3 сағ 32 мин»; a dash for None. The two largest units, whole minutes at least."""
    if ms is None:
        return "—"
    hours, minutes = divmod(ms // MINUTE_MS, HOUR_MS // MINUTE_MS)
    days, hours = divmod(hours, DAY_HOURS)
    if days:
        return _("%(days)d d %(hours)d h", days=days, hours=hours)
    return _("%(hours)d h %(minutes)d min", hours=hours, minutes=minutes) if hours else _("%(minutes)d min", minutes=minutes)


def clock_off(ms: int) -> str:
    """Return «+0,4 с», or a span where the difference is large."""
    if abs(ms) >= MINUTE_MS:
        return f"{'+' if ms > 0 else '−'}{span(abs(ms))}"
    text = f"{ms / SECOND_MS:+.1f}".replace("-", "−")
    return _("%(seconds)s s", seconds=text if current_language() == "en" else text.replace(".", ","))


def status_word(status: str) -> str:
    """Return a filing's status, or what a judge ruled about it."""
    words = {
        "filed": _("filed"),
        "withdrawn": _("withdrawn"),
        "registered": _("registered"),
        "refused": _("refused"),
        "redirected": _("sent to another court"),
        "accepted": _("accepted to proceedings by the judge"),
        "returned": _("returned by the judge"),
        "declined": _("not accepted by the judge"),
    }
    return words.get(status, status)


STATUSES = ("filed", "redirected", "registered", "refused", "withdrawn")


def role_word(role: str) -> str:
    """Return a role of the staff."""
    words = {
        "clerk": _("clerk"),
        "judge": _("judge"),
        "chairman": _("chairman"),
        "administrator": _("administrator of the court"),
        "central": _("administrator of the centre"),
    }
    return words.get(role, role)


def court_name(book: Book, court: str) -> str:
    """Return a court's name in the visitor's language; its id where the reference data do not know it."""
    found = book.find_court(court)
    return name_of(found, current_language()) if found else court


def region_name(book: Book, rr: str) -> str:
    """Return a region's name in the visitor's language; its code where the reference data do not know it."""
    found = book.region(rr)
    return name_of(found, current_language()) if found else rr


def seat_name(book: Book, rr: str) -> str:
    """Return the name of a region's seat."""
    found = book.region(rr)
    language = current_language()
    return str(getattr(found, f"centre_{language}", "") or found.centre_ru) if found else rr
