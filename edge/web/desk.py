"""The court staff's terminal: sign-in and the inbox (picture 07); one filing is in `desk_filing`, deciding about it in `desk_decision`.

Clerks, the chairman and judges of the court read; clerks and the chairman decide, each time with their own key. For
everybody else these addresses do not exist.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from common.web.frame import safe_next
from common.web.keys import KeyForm, opened, takes_key
from common.web.parts import Tab, page_number, page_of
from edge.node import Node
from edge.services import desk, inbox, line, standing
from edge.web import access, desk_decision, desk_filing, desk_words
from edge.web.access import DECIDERS, READERS, Officer
from edge.web.accounts import challenge
from edge.web.filings_words import court_word, document_word

Answer = str | tuple[str, int] | BaseResponse


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``desk``."""
    pages = Blueprint("desk", __name__, url_prefix="/desk")

    @pages.route("/enter", methods=["GET", "POST"])
    @takes_key
    def enter() -> Answer:
        form = KeyForm()
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return challenge(node)
                who, held = desk.enter(node, opened(form, node.trust, node.clock.now()))
                access.sign_in(who)
                reads = any(appointment.role in READERS for appointment in held)
                home = url_for("desk.inbox" if reads else "line.show")
                return redirect(safe_next(request.args.get("next"), home), 303)
        return form.page("edge/desk/enter.html", courts=[court_word(node.book(), court) for court in node.courts()])

    @pages.get("", endpoint="inbox")
    def show_inbox() -> Answer:
        access.require_officer(node)
        readers = access.offices(node, READERS)
        if not readers:  # an administrator: runs the machine, reads nothing
            return redirect(url_for("line.show"), 303)
        asked = request.args.get("court", "")
        if asked and any(each.court == asked for each in readers):
            access.choose_court(asked)
            return redirect(url_for("desk.inbox"), 303)
        return _inbox_page(node, readers)

    desk_filing.add_pages(pages, node)
    desk_decision.add_pages(pages, node)
    return pages


def _inbox_page(node: Node, readers: tuple[Officer, ...]) -> str:
    court, book, now = readers[0].court, node.book(), node.clock.now()
    asked = request.args.get("tab", "")
    search, document_type = request.args.get("q", "").strip(), request.args.get("type", "")
    tab = asked if asked in inbox.TABS else "all" if search else "waiting"
    found = inbox.inbox(node, court, tab=tab, search=search, document_type=document_type, page=page_number())
    after = standing.after_cut(node, [row.filing for row in found.rows])
    kept = {name: value for name, value in (("tab", tab), ("q", search), ("type", document_type)) if value}
    types = inbox.document_types(node.database, court)
    return render_template(
        "edge/desk/inbox.html",
        tabs=[
            Tab(url_for("desk.inbox", tab=name), gettext(desk_words.TAB_WORDS[name]), name == tab, count, name == "due" and count > 0)
            for name, count in found.counts.items()
        ],
        rows=[desk_words.row_view(book, row, court, now, after=row.filing.obj in after) for row in found.rows],
        shows_days=desk_words.shows_days(tab),
        pages=page_of(found.total, inbox.PER_PAGE, page_number(), url_for("desk.inbox"), kept),
        found=found,
        overdue=len(line.overdue(node)),
        alarm_hours=node.config.alarm_hours,
        decides=bool(access.offices(node, DECIDERS)),
        now=now,
        tab=tab,
        search=search,
        types=[(code, document_word(book, code), code == document_type) for code in types] if len(types) > 1 else [],
        courts=[(court_word(book, code), url_for("desk.inbox", court=code), code == court) for code in _courts(readers)],
    )


def _courts(readers: tuple[Officer, ...]) -> list[str]:
    return sorted({officer.court for officer in readers})
