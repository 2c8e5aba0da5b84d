"""What stands around every page of the centre: its sections, who is here, and how far the log is signed and folded."""

from flask import request, url_for
from flask_babel import gettext as _

from central.centre import Centre
from central.services import log
from central.web import access
from common.papers.words import date_time_short, initials
from common.web.frame import Frame, Line, NavItem
from common.web.languages import number

RELOAD_SECONDS = 60
RELOADING = ("overview.show",)
PARTS = {"filings": "overview", "enrolment": "nodes"}
"""Pages that belong to a section of another name."""
SECTIONS = ("overview", "nodes", "sticks", "log", "quarantine", "staff", "reference")


def frame_of(centre: Centre) -> Frame:
    """Return the frame of the current request."""
    who = access.administrator(centre)
    return Frame(
        surface="desk" if who else "home",
        house_name=_("Central register"),
        now_ms=centre.clock.now(),
        home_url=url_for("overview.show") if who else url_for("home.landing"),
        line=line_of(centre) if who else None,
        nav=_nav() if who else (),
        who=initials(who.name) if who else "",
        reload_seconds=RELOAD_SECONDS if who and request.endpoint in RELOADING and not request.args.get("still") else 0,
    )


def line_of(centre: Centre) -> Line:
    """Return how far the log is signed, and what is behind (DESIGN 6)."""
    head = log.newest(centre)
    size = head.checkpoint.size
    behind = size - centre.register.folded()
    made = date_time_short(head.made_ms, now=centre.clock.now(), seconds=True)
    signed = _("Last signed checkpoint of the log: %(time)s, entries: %(count)s.", time=made, count=number(size))
    if centre.trouble:
        title = _("Entries are logged but not processed")
        return Line(
            "off", title, _("Pages are behind by %(count)s entries. The cause: %(code)s.", count=number(behind), code=centre.trouble)
        )
    if centre.public_trouble:
        title = _("The log is not published")
        return Line("off", title, signed, _("The cause: %(code)s.", code=centre.public_trouble))
    counts = _("Still being processed: %(count)s.", count=number(behind)) if behind else ""
    return Line("ok", "", signed, counts, icon="check-circle")


def _nav() -> tuple[NavItem, ...]:
    labels = {
        "overview": _("Overview"),
        "nodes": _("Machines"),
        "sticks": _("Sticks"),
        "log": _("Log"),
        "quarantine": _("Quarantine"),
        "staff": _("Staff"),
        "reference": _("Reference data"),
    }
    here = PARTS.get(request.blueprint or "", request.blueprint or "")
    return tuple(NavItem(url_for(f"{name}.show"), labels[name], here == name) for name in SECTIONS)
