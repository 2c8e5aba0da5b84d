"""The first page with all eighteen services (REG-8), the cabinet of who is signed in, and pages of services not built yet."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from common.errors import N_, NotFound
from common.papers.words import iin_groups
from common.people import calm_name
from common.web.languages import when
from common.web.pages import render_not_built
from edge.node import Node
from edge.services import accounts, arrival, catalogue, invitations, notifications
from edge.services.accounts import Cabinet, KeyCheck
from edge.services.catalogue import GROUPS, SERVICES, Service
from edge.services.freshness import others_as_of
from edge.visitor import Visitor
from edge.web import access
from edge.web.accounts import agreement_is_current
from edge.web.notifications import unread_words, views_of

LATEST = 3
"""Notifications on the first page of the cabinet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One service as the macro ``tile`` takes it, translated."""

    url: str
    icon: str
    name: str
    about: str
    first: bool
    open: bool
    later: bool


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``home``."""
    pages = Blueprint("home", __name__)

    @pages.get("/")
    def landing() -> str:
        who = access.visitor()
        return render_template(
            "edge/home/landing.html",
            groups=[(gettext(title), [_tile(each) for each in SERVICES if each.group == group]) for group, title in GROUPS.items()],
            who=who,
            others_ms=others_as_of(node),
            now_ms=node.clock.now(),
        )

    @pages.get("/cabinet")
    def cabinet() -> str:
        who = access.require_visitor()
        known = accounts.cabinet_of(node, who.person)
        check = accounts.recheck(node, who.certificate) if who.certificate else None
        latest = notifications.page(node, who.person, limit=LATEST)
        return render_template(
            "edge/home/cabinet.html",
            name=calm_name(who.name),
            cabinet=known,
            rows=_facts(who, known, check, node.clock.now()),
            old_agreement=known is not None and known.registered and not agreement_is_current(known.agreement),
            check=check,
            notices=views_of(node, latest.rows),
            unread=unread_words(notifications.unread(node, who.person)),
            others_ms=others_as_of(node),
            now_ms=node.clock.now(),
            arrival=arrival.of(node, who.person),
            to_sign=len(invitations.waiting(node, who)),
        )

    @pages.get("/services/<slug>")
    def service(slug: str) -> Response:
        found = catalogue.find(slug)
        if found is None:
            raise NotFound("web.no_page", N_("There is no page at this address."))
        if found.endpoint:
            return redirect(url_for(found.endpoint), 303)
        return render_not_built(gettext(found.name))

    return pages


def _facts(who: Visitor, known: Cabinet | None, check: KeyCheck | None, now_ms: int) -> list[tuple[str, str]]:
    rows = [(gettext("BIN"), iin_groups(who.bin))] if who.bin else []
    rows.append((gettext("IIN of the representative") if who.bin else gettext("IIN"), iin_groups(who.iin)))
    if known is not None and known.email:
        rows.append((gettext("E-mail"), known.email))
    rows.append((gettext("Way of signing in"), gettext("by key") if who.how == "key" else gettext("by password")))
    if check is not None and check.as_of_ms is not None:
        rows.append((gettext("Revocation list"), gettext("as of %(time)s", time=when(check.as_of_ms, now_ms))))
    if known is not None:
        rows.append((gettext("Password at this court"), gettext("it is set") if known.has_password else gettext("it is not set")))
    return rows


def _tile(service: Service) -> Tile:
    return Tile(
        url=url_for(service.endpoint) if service.endpoint else url_for("home.service", slug=service.slug),
        icon=service.icon,
        name=gettext(service.name),
        about=gettext(service.about),
        first=service is SERVICES[0],
        open=not service.sign_in,
        later=service.endpoint is None,
    )
