"""The list of notifications (NOT-1, NOT-2): newest first, the unread ones marked, each with a way to what it is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext

from common.court.book import Book
from common.court.notifications import Notification
from common.people import calm_name
from edge.node import Node
from edge.services import notifications
from edge.services.freshness import others_as_of
from edge.services.notifications import UNREAD_MAX, Row
from edge.web import access
from edge.web.filings_words import court_word
from edge.web.hearings_words import notice_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One row, ready to show; ``talon`` has 15 digits, ``url`` is empty where the paper is not held here."""

    talon: str
    words: str
    court: str
    time_ms: int
    url: str
    unread: bool
    icon: str
    joined: bool
    """Something was added to the case; its status is as it was."""


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``notifications``."""
    pages = Blueprint("notifications", __name__)

    @pages.get("/notifications", endpoint="list")
    def show() -> str:
        who = access.require_visitor()
        before = request.args.get("before") or None
        found = notifications.page(node, who.person, before=before)
        answer = render_template(
            "edge/notifications/list.html",
            notices=views_of(node, found.rows),
            older=url_for("notifications.list", before=found.older) if found.older else "",
            newest=url_for("notifications.list") if before else "",
            others_ms=others_as_of(node),
            now_ms=node.clock.now(),
        )
        notifications.note_seen(node, who.person, found.rows)  # after the page is made: on this visit they still stand out
        return answer

    return pages


def views_of(node: Node, rows: Iterable[Row]) -> list[Notice]:
    """Return ``rows`` as pages show them, in the visitor's language."""
    book = node.book()
    return [_view(row, book) for row in rows]


def unread_words(count: int) -> str:
    """Return how many were not read yet, as text; empty when none."""
    if not count:
        return ""
    return f"{UNREAD_MAX}+" if count > UNREAD_MAX else str(count)


def _view(row: Row, book: Book) -> Notice:
    what = row.what
    return Notice(
        talon=what.talon,
        words=_words(what, book),
        court=court_word(book, what.court),
        time_ms=what.time_ms,
        url=_url(row),
        unread=row.unread,
        icon=ICONS.get(what.kind, "bell"),
        joined=what.kind == "material",
    )


def _url(row: Row) -> str:
    if row.what.subject == "materials":
        return url_for("materials.material", id=row.what.obj.hex())
    return url_for("filings.show", id=row.filing.hex()) if row.filing else ""


ICONS = {
    "filed": "send",
    "verified": "shield-check",
    "withdrawn": "arrow-repeat",
    "registered": "check-circle-fill",
    "refused": "x-circle-fill",
    "redirected": "arrow-right-circle-fill",
    "opened": "folder2-open",
    "material": "play-circle",
    "accepted": "check-circle-fill",
    "returned": "x-circle-fill",
    "declined": "x-circle-fill",
    "set": "calendar3",
    "moved": "arrow-repeat",
    "changed": "arrow-repeat",
    "held": "calendar-check",
    "adjourned": "hourglass-split",
    "cancelled": "x-circle-fill",
}


def _words(what: Notification, book: Book) -> str:
    """What happened, in one sentence."""
    if what.subject == "hearings":
        return notice_words(what.kind, what.params)
    match what.kind:
        case "filed":
            name = calm_name(str(what.params.get("witness", "")))
            said = gettext("Sent; the talon was given. It is not registered yet.")
            return " ".join([said, gettext("Signed by a witness: %(name)s.", name=name)]) if name else said
        case "withdrawn":
            return gettext("You withdrew it.")
        case "registered":
            return gettext("Registered. Number of the case: %(number)s.", number=str(what.params.get("number", what.number)))
        case "refused":
            return gettext("Registration was refused. The reasons are on its page.")
        case "accepted":
            return gettext("The judge accepted the case to proceedings: %(number)s.", number=what.number)
        case "returned":
            return gettext("The judge returned the claim. The reasons are on its page.")
        case "declined":
            return gettext("The judge did not accept the claim. The reasons are on its page.")
        case "redirected":
            return gettext("Passed to another court: %(court)s.", court=court_word(book, str(what.params.get("to", ""))))
        case "opened":
            return gettext("The case was opened: %(number)s.", number=what.number)
        case "material":
            title = str(what.params.get("title", ""))
            if what.params.get("kind") == "document":
                return gettext("The court added a document to case %(number)s: %(title)s.", number=what.number, title=title)
            return gettext("The court added a recording to case %(number)s: %(title)s.", number=what.number, title=title)
        case "verified":
            later = what.params.get("since_ms") is not None
            said = _checked(str(what.params.get("subject", "")), str(what.params.get("result", "")), later=later)
            who = str(what.params.get("signer", ""))
            return f"{who}: {said}" if who else said
    return gettext("Its status has changed.")


def _checked(subject: str, result: str, *, later: bool) -> str:
    """What the centre found out about a filing once there was a line; ``later``: the key was revoked after the signing."""
    match subject, result:
        case "revocation", "good" if later:
            return gettext("The key was revoked after the signing. The signature stands.")
        case "revocation", "good":
            return gettext("The key of the signature was in force: it was checked against a newer list.")
        case "revocation", "revoked":
            return gettext("The key of the signature had been revoked before signing.")
        case "payment", "paid":
            return gettext("The payment of the state duty was found.")
        case "payment", "unpaid":
            return gettext("The payment of the state duty was not found.")
        case "address", "matches":
            return gettext("The address agrees with the state register.")
        case "address", "differs":
            return gettext("The address differs from the state register.")
    return gettext("It was checked, but nothing certain was found out.")
