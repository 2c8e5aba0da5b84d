"""«Менің істерім» (CLM-11, CLM-12): the list with its filter, one filing with its course and papers, and taking it back."""

import re
from datetime import date
from functools import cache, partial

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from common.court import filing_lists
from common.court.attachments import file_name
from common.court.claim import load
from common.court.filing_lists import Filing
from common.errors import N_, NotFound, Refused
from common.people import calm_name
from common.pki.asic import MEDIA_TYPE, SUFFIX
from common.web.documents import file_answer, stream_answer
from common.web.forms import CourtForm, ListField
from common.web.keys import KeyForm, hand_out, takes_key
from common.web.keys import opened as open_key_of
from common.web.languages import current_language, when
from common.web.parts import Tab, page_number, page_of
from edge.node import Node
from edge.services import arrival, cases, copies, drafts, evidence, filings, hearings, mine, withdrawals
from edge.services import materials as joined
from edge.services.mine import Card, Filter
from edge.visitor import Visitor
from edge.web import access, materials
from edge.web.filings_draft import read_id
from edge.web.filings_forms import offer
from edge.web.filings_sign import case_facts, payment_facts, talon_values
from edge.web.filings_words import (
    category_word,
    court_word,
    day_words,
    document_word,
    event_words,
    freshness,
    house,
    iso_day,
    region_word,
    signed_by,
    standing_note,
    state_of,
    with_standing,
    witnessed,
)
from edge.web.hearings_words import HearingView, next_line, views_of
from sync.inclusion import FILE_SUFFIX
from sync.receipts import inclusion_of, ladder_of

DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


class FilterForm(CourtForm):
    """What to look for; comes by GET, so it carries no token."""

    class Meta:
        csrf = False

    talon = StringField(lazy_gettext("Talon number"))
    since = StringField(lazy_gettext("Sent from"), description=lazy_gettext("day.month.year"))
    until = StringField(lazy_gettext("Sent until"), description=lazy_gettext("day.month.year"))
    document_type = ListField(lazy_gettext("Type of document"))
    region = ListField(lazy_gettext("Region"))
    court = ListField(lazy_gettext("Court"))


class WithdrawForm(KeyForm):
    """Why, in a line that the court reads; may stay empty."""

    reason = TextAreaField(
        lazy_gettext("Reason"),
        [Length(max=withdrawals.REASON_CHARS_MAX, message=lazy_gettext("The text is too long. Shorten it."))],
    )


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the list, the page of one filing, its files and its withdrawal."""
    _add_list(pages, node)
    _add_show(pages, node)
    _add_files(pages, node)
    _add_withdraw(pages, node)


def tabs(node: Node, who: Visitor, current: str) -> list[Tab]:
    """Return the three tabs with their counts."""
    sent, cases = mine.totals(node, who.person)
    return [
        Tab(url_for("filings.mine"), gettext("Sent"), current == "sent", sent),
        Tab(url_for("filings.drafts"), gettext("Waiting to be sent"), current == "drafts", drafts.count(node, who)),
        Tab(url_for("filings.mine", tab="cases"), gettext("Cases"), current == "cases", cases),
    ]


def _add_list(pages: Blueprint, node: Node) -> None:
    @pages.get("", endpoint="mine")
    def list_mine() -> str:
        who = access.require_visitor()
        cases = request.args.get("tab") == "cases"
        form = FilterForm(formdata=request.args)
        wanted, problem = read_filter(request.args.to_dict(), registered=cases)
        _offer(node, who, form)
        total = mine.count(node, who.person, wanted)
        args = {name: value for name, value in request.args.items() if name != "page" and value}
        page = page_of(total, mine.PER_PAGE, page_number(), url_for("filings.mine"), args)
        now = node.clock.now()
        return render_template(
            "edge/filings/mine.html",
            tabs=tabs(node, who, "cases" if cases else "sent"),
            cards=card_views(node, mine.cards(node, who.person, wanted, page=page.number)),
            page=page,
            total=total,
            form=form,
            problem=problem,
            filtering=wanted.used or "filter" in request.args or bool(problem),
            used=wanted.used,
            cases=cases,
            fresh=freshness(node, house(node), now),
            arrival=arrival.of(node, who.person),
        )


def _offer(node: Node, who: Visitor, form: FilterForm) -> None:
    types, regions, courts = mine.places(node, who.person)
    book, every = node.book(), ("", gettext("any"))
    offer(form.document_type, [every, *((code, document_word(book, code)) for code in types)])
    offer(form.region, [every, *((code, region_word(book, code)) for code in regions)])
    offer(form.court, [every, *((code, court_word(book, code)) for code in courts)])


def read_filter(args: dict[str, str], *, registered: bool) -> tuple[Filter, str]:
    """Return the filter in an address and a sentence where a day in it is none."""
    days: dict[str, date | None] = {}
    problem = ""
    for name in ("since", "until"):
        try:
            days[name] = _day(args.get(name, ""))
        except ValueError:
            days[name], problem = None, gettext("Write the date as day.month.year, for example 20.11.2026.")
    texts = {name: args.get(name, "").strip()[:40] for name in ("talon", "document_type", "region", "court")}
    return Filter(**texts, since=days["since"], until=days["until"], registered=registered), problem


def _day(text: str) -> date | None:
    text = text.strip()
    if not text:
        return None
    found = DAY.fullmatch(text)
    if found is None:
        return date.fromisoformat(text)
    return date(int(found[3]), int(found[2]), int(found[1]))


def card_views(node: Node, cards: list[Card]) -> list[dict[str, object]]:
    """Return the cards as the page shows them."""
    book, now, online = node.book(), node.clock.now(), filings.line_state(node).online
    lang = current_language()
    # a person's filings share a few words: each is looked up once
    type_of, subject_of, court_of = (cache(partial(word, book)) for word in (document_word, category_word, court_word))
    heard = hearings.of_person(node, cards[0].filing.person, [card.filing for card in cards]) if cards else {}
    views = []
    for card in cards:
        filing = card.filing
        others = [party.name for party in card.parties if party.role == "defendant"]
        views.append(
            {
                "id": filing.obj.hex(),
                "type": type_of(filing.document_type),
                "talon": filing.talon,
                "subject": subject_of(filing.category),
                "court": court_of(filing.court),
                "others": ", ".join(others),
                "sent": when(filing.submitted_ms, now),
                "state": state_of(filing, card.climbed, online=online),
                "number": filing.number,
                "reason": "; ".join(ru if lang == "ru" else kk for kk, ru in card.reasons),
                "cure_until": iso_day(card.cure_until) if card.cure_until else "",
                "here": filing.node == node.number,
                "witness": calm_name(filing.assisted_by) if filing.witnessed else "",
                "hearing": next_line(heard.get(filing.case_obj or b"", []), now),
            }
        )
    return views


def _add_show(pages: Blueprint, node: Node) -> None:
    @pages.get("/<id>")
    def show(id: str) -> str:
        who = access.require_visitor(witnessed=True)
        filing = filings.own(node, who, read_id(id))
        book, now = node.book(), node.clock.now()
        form = filing_lists.form(node.database, filing.obj)
        claim = load(form.claim) if form else None
        climbed = ladder_of(node.database, filing.leaf)
        lang = current_language()
        kept = copies.of(filing, now)
        return render_template(
            "edge/filings/show.html",
            **talon_values(node, filing),
            type=document_word(book, filing.document_type),
            subject=category_word(book, filing.category),
            holder_court=court_word(book, filing.court),
            state=state_of(filing, climbed, online=filings.line_state(node).online),
            case_facts=[*witnessed(filing, form), *signed_by(node, filing), *(case_facts(book, claim) if claim else [])],
            payment_facts=payment_facts(node, claim) if claim else [],
            files=[(file, node.blobs.at_hand(file.sha256)) for file in filing_lists.files(node.database, filing.obj)],
            statement_here=node.blobs.at_hand(filing.statement_sha256),
            events=[_event(node, event, now) for event in filing_lists.events(node.database, filing.obj)],
            standing=standing_note(node, filing),
            grounds=[
                (ground.text_ru if lang == "ru" else ground.text_kk, ground.article, ground.cure)
                for decision in filing_lists.decisions(node.database, filing.obj)
                for ground in decision.grounds
            ],
            logged=climbed.logged_ms is not None,
            decided=filing.status in cases.OUTCOMES,
            fresh=freshness(node, house(node), now),
            hearings=_hearings(node, who, filing, now),
            kiosk=node.config.surface == "kiosk",
            copies=kept,
            copies_until=day_words(kept.last_day),
            materials=materials.views(node, joined.of_filing(node, who.person, filing)) if who.witness is None else [],
        )


def _hearings(node: Node, who: Visitor, filing: Filing, now: int) -> list[HearingView] | None:
    """Return the hearings of a registered case for who takes part; None before, and for a witness, who does not."""
    if filing.case_obj is None or who.witness is not None:
        return None
    found = hearings.of_person(node, filing.person, [filing]).get(filing.case_obj, [])
    return views_of(node.book(), found, now)


def _event(node: Node, event: filing_lists.Event, now: int) -> tuple[str, str, str]:
    title, more = event_words(node, event)
    return when(event.time_ms, now), title, with_standing(node, event, more)


def _add_files(pages: Blueprint, node: Node) -> None:
    def own(id: str) -> Filing:
        return filings.own(node, access.require_visitor(witnessed=True), read_id(id))

    def own_copy(id: str) -> Filing:
        filing = own(id)
        copies.require_kept(filing, node.clock.now())
        return filing

    @pages.get("/<id>/statement.pdf")
    def signed_statement(id: str) -> Response:
        filing = own_copy(id)
        data = node.blobs.read(filing.statement_sha256)
        inline = request.args.get("save") != "1"
        return file_answer(data, name=f"statement-{filing.talon}.pdf", kind="application/pdf", inline=inline)

    @pages.get("/<id>/notice.pdf")
    def notice(id: str) -> Response:
        filing = own(id)
        name = gettext("Notice %(talon)s.pdf", talon=filing.talon)
        inline = request.args.get("save") != "1"
        return file_answer(cases.decision_notice(node, filing.obj), name=name, kind="application/pdf", inline=inline)

    @pages.get("/<id>/ruling.pdf")
    def ruling(id: str) -> Response:
        filing = own(id)
        name = gettext("Ruling %(talon)s.pdf", talon=filing.talon)
        inline = request.args.get("save") != "1"
        return file_answer(cases.ruling_notice(node, filing.obj), name=name, kind="application/pdf", inline=inline)

    @pages.get("/<id>/files/<sha256>")
    def file(id: str, sha256: str) -> Response:
        filing = own_copy(id)
        found = next((each for each in filing_lists.files(node.database, filing.obj) if each.sha256.hex() == sha256), None)
        if found is None:
            raise NotFound("filing.no_file", N_("There is no such file in this filing."))
        return file_answer(
            node.blobs.read(found.sha256), name=file_name(found.title or sha256[:8], found.media), kind=found.media, inline=True
        )

    @pages.get("/<id>/proof")
    def proof(id: str) -> Response:
        filing = own(id)
        data = inclusion_of(node.database, filing.leaf)
        return file_answer(data, name=f"{filing.talon}{FILE_SUFFIX}", kind="text/plain; charset=utf-8")

    @pages.get("/<id>/evidence.asice", endpoint="evidence")
    def container(id: str) -> Response:
        filing = own_copy(id)
        return stream_answer(evidence.container(node, filing), name=f"evidence-{filing.talon}{SUFFIX}", kind=MEDIA_TYPE)


def _add_withdraw(pages: Blueprint, node: Node) -> None:
    @pages.route("/<id>/withdraw", methods=["GET", "POST"])
    @takes_key
    def withdraw(id: str) -> tuple[str, int] | BaseResponse:
        who = access.require_visitor()
        filing = filings.own(node, who, read_id(id))
        if filing.status not in filing_lists.WAITING:
            raise Refused("filing.ended", N_("The filing is not open any more, so it cannot be withdrawn."))
        form, now = WithdrawForm(), node.clock.now()
        reason = form.reason.data or ""
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    content = withdrawals.to_sign(node, who, filing.obj, reason=reason)
                    return hand_out(content, at_ms=now, iin=who.iin, bin=who.bin)
                key = open_key_of(form, node.trust, now, lambda _: withdrawals.to_sign(node, who, filing.obj, reason=reason))
                withdrawals.withdraw(node, who, filing.obj, key, reason=reason)
                return redirect(url_for("filings.show", id=id), 303)
        return form.page("edge/filings/withdraw.html", filing=filing, id=id, subject=category_word(node.book(), filing.category))
