"""What stands around every page of a node: its court, the state of the line in plain words, who is here."""

import re

from flask import request, url_for
from flask_babel import gettext
from flask_babel import gettext as _

from common.court.book import name as name_of
from common.court.erasures import SIGNERS
from common.errors import N_, NotFound
from common.papers.words import initials, size_words
from common.web.frame import Action, Frame, Line, NavItem
from common.web.languages import current_language, when
from edge.exchanger import Exchanger, LineStatus
from edge.node import Node
from edge.services import drafts
from edge.visitor import Visitor
from edge.web import access
from edge.web.access import READERS, Officer

DRAFT_PAGE = re.compile(r"/filings/drafts/([0-9a-f]{32})/")
DESK_BLUEPRINTS = ("desk", "line", "sticks", "cases", "hearings", "erasures")
ROLES = {"clerk": N_("office clerk"), "judge": N_("judge"), "chairman": N_("chairman of the court"), "administrator": N_("administrator")}


def frame_of(node: Node, exchanger: Exchanger) -> Frame:
    """Return the frame of the current request."""
    desk = request.blueprint in DESK_BLUEPRINTS
    status = exchanger.status()
    office = access.officer(node) if desk else None
    court, region = _house(node, office)
    who = access.visitor()
    return Frame(
        surface="desk" if desk else "kiosk" if node.config.surface == "kiosk" else "home",
        house_name=court,
        house_sub=_("Court cabinet · %(region)s", region=region) if region else _("Court cabinet"),
        now_ms=node.clock.now(),
        home_url=url_for("desk.inbox") if desk else url_for("home.landing"),
        line=line_words(status, node.clock.now(), staff=desk),
        nav=_nav(office),
        who=_who(who, office),
        help_text=node.config.office,
        help_links=_help_links(),
        draft_code=_draft_code(node, who),
    )


def _draft_code(node: Node, who: Visitor | None) -> str:
    """Return the code of the draft that a visitor is about to leave: the pages that ask are told where they came from."""
    found = DRAFT_PAGE.match(request.values.get("next", "")) if who is not None and request.blueprint == "shared" else None
    if who is None or found is None:
        return ""
    try:
        return drafts.find(node, who, bytes.fromhex(found[1])).code
    except NotFound:
        return ""


def _help_links() -> tuple[Action, ...]:
    return (
        Action(url_for("talons.check"), _("Check a talon"), "qr-code-scan"),
        Action(url_for("mykey.show"), _("Test my key"), "key"),
        Action(url_for("outages.show"), _("Outages of the line"), "wifi-off"),
    )


def _who(who: Visitor | None, office: Officer | None) -> str:
    if who is None:
        return ""
    return f"{initials(who.name)}, {gettext(ROLES[office.role])}" if office and office.role in ROLES else who.name


def _house(node: Node, office: Officer | None) -> tuple[str, str]:
    book, language = node.book(), current_language()
    courts = [office.court] if office else node.courts()
    court = book.find_court(courts[0]) if courts else None
    if court is None:
        return _("Court cabinet"), ""
    region = book.region(court.region_rr)
    return name_of(court, language), name_of(region, language) if region else ""


def line_words(status: LineStatus, now: int, *, staff: bool) -> Line:
    """Return the line's state in the visitor's language (DESIGN 4)."""
    language = current_language()
    counts = _("Waiting to be sent: %(count)d entries, %(size)s.", count=status.backlog, size=size_words(status.backlog_bytes, language))
    counts = counts if staff and status.backlog else ""
    if status.kind == "refused":
        return Line(
            "closed",
            _("This machine cannot take papers now"),
            _("The centre does not accept this machine. Ask the office for paper filing and call the administrator."),
        )
    if status.kind == "disk":
        return Line(
            "closed",
            _("This machine cannot take papers now"),
            _("Its disk reports an error. What was accepted before is kept. Ask the office for paper filing and call the administrator."),
        )
    if status.kind == "register":
        return _contradicted(counts, staff=staff)
    since = when(status.contact_ms, now) if status.contact_ms else _("not yet")
    if status.kind == "ok":
        return Line("ok", "", _("The line works. Last exchange: %(time)s.", time=since), counts)
    title = _("No line — papers are accepted")
    if staff:
        text = _("Last exchange: %(time)s. Registering and refusing go on here.", time=since)
        return Line("off", title, text, counts, action=Action(url_for("sticks.show"), _("Send by stick"), "usb-drive"))
    text = _("Your paper is kept in this court and you get the talon at once. It goes to the centre by itself when the line is back.")
    return Line("off", title, text)


def _contradicted(counts: str, *, staff: bool) -> Line:
    """The line while the register shows another history than before: nothing is taken from it, papers are taken as always."""
    title = _("The central register contradicts itself — papers are accepted")
    if staff:
        text = _("It shows another history than before. Nothing is taken from it. Tell the administrator and the centre.")
        return Line("off", title, text, counts, "shield-exclamation", Action(url_for("line.show"), _("Exchange"), "arrow-repeat"))
    text = _("Your paper is kept in this court and you get the talon at once. It goes to the centre when people there have put this right.")
    return Line("off", title, text, icon="shield-exclamation")


def _nav(office: Officer | None) -> tuple[NavItem, ...]:
    if office is None:
        return ()
    items = []
    if office.role in READERS:
        items = [("desk.inbox", _("Incoming papers")), ("cases.list", _("Cases")), ("hearings.list", _("Hearings"))]
    if office.role in SIGNERS:
        items.append(("erasures.show", _("Erasure")))
    items.append(("line.show", _("Exchange")))
    here = {"sticks": "line"}.get(request.blueprint or "", request.blueprint)
    return tuple(NavItem(url_for(name), label, here == name.split(".")[0]) for name, label in items)
