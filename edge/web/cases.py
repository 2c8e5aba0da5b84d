"""The cases of a court at its staff's desk: the list with search, and one card with its parties, history and filing."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext

from common.court.book import Book
from common.court.cases import Participant
from common.court.filing_lists import Event, Filing
from common.papers.words import iin_groups, initials
from common.web.languages import current_language, when
from common.web.parts import page_number, page_of
from edge.node import Node
from edge.services import cases, hearings
from edge.services import materials as joined
from edge.web import access, materials, rulings
from edge.web import hearings as hearing_pages
from edge.web.access import READERS
from edge.web.desk_words import role_word
from edge.web.filings_words import FIRST_ROLES, RULED, STATES, case_state, category_word, court_word, document_word, iso_day
from edge.web.hearings_words import views_of


@dataclass(frozen=True, slots=True)
class RowView:
    """One line of the list, ready to show."""

    url: str
    number: str
    opened: str
    subject: str
    parties: str
    executor: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class PartyView:
    """One participant; ``until`` is empty while they take part."""

    role: str
    name: str
    number: str
    since: str
    until: str


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``cases``."""
    pages = Blueprint("cases", __name__, url_prefix="/desk/cases")

    @pages.get("", endpoint="list")
    def show_list() -> str:
        officer = access.require_officer(node, *READERS)
        book, search, number = node.book(), request.args.get("q", "").strip(), page_number()
        found = cases.find(node, officer.court, search=search, page=number)
        return render_template(
            "edge/cases/list.html",
            rows=[_row(book, row) for row in found.rows],
            pages=page_of(found.total, cases.PER_PAGE, number, url_for("cases.list"), {"q": search} if search else {}),
            total=found.total,
            search=search,
            court=court_word(book, officer.court),
        )

    @pages.get("/<id>")
    def show(id: str) -> str:
        _, case = access.officer_of_case(node, id)
        card, book, now = cases.card(node, case.court, case.obj), node.book(), node.clock.now()
        return render_template(
            "edge/cases/show.html",
            case=card.case,
            facts=_facts(book, card),
            parties=[_party(each, now) for each in card.parties],
            events=[_event(each, now) for each in card.events],
            filings=[_filing(book, each) for each in (card.filing, *card.joined) if each is not None],
            held=card.filing is not None,
            rules=card.filing is not None and rulings.may_rule(node, card.case),
            hearings=views_of(book, hearings.of_case(node, card.case), now),
            sets=hearing_pages.may_set(node, card.case.status, card.case.court),
            materials=materials.views(node, joined.of_case(node, card.case), desk=True),
        )

    rulings.add_pages(pages, node)
    materials.add_pages(pages, node)

    return pages


def _row(book: Book, row: cases.Row) -> RowView:
    case = row.case
    named = [(each.role, initials(each.name) if each.kind == "individual" else each.name) for each in row.parties if each.to_ms is None]
    sides = [
        ", ".join(name for role, name in named if (role in FIRST_ROLES) == first and role != "representative") for first in (True, False)
    ]
    return RowView(
        url_for("cases.show", id=case.obj.hex()),
        case.number,
        iso_day(case.date),
        category_word(book, case.category),
        " — ".join(side for side in sides if side),
        case.executor,
        case_state(case.status),
        RULED.get(case.status, ""),
    )


def _facts(book: Book, card: cases.Card) -> list[tuple[str, str]]:
    case = card.case
    nature = book.category("claim_character", case.nature)
    rows = [
        (gettext("Court"), court_word(book, case.court)),
        (gettext("Opened"), iso_day(case.date)),
        (gettext("Category"), category_word(book, case.category)),
        (gettext("Nature of the claim"), book.name(nature, current_language()) if nature else ""),
        (gettext("Executor"), case.executor),
        (gettext("State"), case_state(case.status)),
    ]
    return [(label, value) for label, value in rows if value]


def _party(party: Participant, now: int) -> PartyView:
    label = gettext("BIN") if party.kind == "legal_entity" else gettext("IIN")
    return PartyView(
        role_word(party.role),
        party.name,
        f"{label} {iin_groups(party.person)}" if party.person else "",
        gettext("since %(time)s", time=when(party.from_ms, now)),
        gettext("until %(time)s", time=when(party.to_ms, now)) if party.to_ms is not None else "",
    )


def _event(event: Event, now: int) -> tuple[str, str, str]:
    params = event.params
    who = f"{role_word(str(params.get('role', '')))} — {params.get('name', '')}"
    words = {
        **{outcome: (case_state(outcome), f"{params.get('judge', '')}") for outcome in STATES},
        "opened": (gettext("The case is opened"), f"№ {params.get('number', '')}"),
        "party": (gettext("A participant joined"), who),
        "party_left": (gettext("A participant left"), who),
    }
    what, more = words.get(event.kind, (event.kind, ""))
    return when(event.time_ms, now), what, more


def _filing(book: Book, filing: Filing) -> tuple[str, str, str, str, str, bool]:
    notice, ruling = (url_for(f"desk.{name}", id=filing.obj.hex()) for name in ("notice", "ruling"))
    word = document_word(book, filing.document_type)
    return url_for("desk.filing", id=filing.obj.hex()), word, filing.talon, notice, ruling if filing.ruling else "", filing.witnessed
