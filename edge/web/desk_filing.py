"""One filing at the desk (picture 08): what it says, what the checks found, its papers. The same 404 for whoever may not read it."""

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext

from common.court.attachments import file_name
from common.errors import Conflict, CourtError, NotFound
from common.papers.words import size_words
from common.pki.asic import MEDIA_TYPE, SUFFIX
from common.web.documents import file_answer, stream_answer
from common.web.languages import current_language, tell
from edge.node import Node
from edge.services import cases, desk, evidence, registration, standing
from edge.services.desk import NOT_FOR_YOU, Sheet
from edge.services.examination import examine
from edge.web import access, desk_view, desk_words
from edge.web.access import DECIDERS, READERS, Officer, read_hex, read_object

SHA256_BYTES = 32
Answer = str | tuple[str, int]


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the page of a filing and its papers to those of the desk."""

    @pages.get("/filings/<id>")
    def filing(id: str) -> Answer:
        officer, page = open_filing(node, id, READERS)
        return filing_page(node, officer, page)

    @pages.get("/filings/<id>/files/<sha256>")
    def file(id: str, sha256: str) -> Response:
        _, page = open_filing(node, id, READERS)
        title, media, data = desk.read_file(node, page, read_hex(sha256, SHA256_BYTES))
        name = file_name(title, media) if title else gettext("Statement %(talon)s.pdf", talon=page.filing.talon)
        return file_answer(data, name=name, kind=media, inline="save" not in request.args)

    @pages.get("/filings/<id>/evidence.asice", endpoint="evidence")
    def container(id: str) -> Response:
        _, page = open_filing(node, id, READERS)
        return stream_answer(evidence.container(node, page.filing), name=f"evidence-{page.filing.talon}{SUFFIX}", kind=MEDIA_TYPE)

    @pages.get("/filings/<id>/notice.pdf")
    def notice(id: str) -> Response:
        _, page = open_filing(node, id, READERS)
        name = gettext("Notice %(talon)s.pdf", talon=page.filing.talon)
        return file_answer(
            cases.decision_notice(node, page.filing.obj), name=name, kind="application/pdf", inline="save" not in request.args
        )

    @pages.get("/filings/<id>/ruling.pdf")
    def ruling(id: str) -> Response:
        _, page = open_filing(node, id, READERS)
        name = gettext("Ruling %(talon)s.pdf", talon=page.filing.talon)
        return file_answer(cases.ruling_notice(node, page.filing.obj), name=name, kind="application/pdf", inline="save" not in request.args)


def open_filing(node: Node, id: str, roles: frozenset[str]) -> tuple[Officer, Sheet]:
    """Return the officer and the filing as their court sees it; the same 404 for what is not here and what is not theirs."""
    access.require_officer(node, *roles)
    obj = read_object(id)
    held = access.offices(node, roles)
    for court in desk.courts_that_held(node, obj):
        for officer in held:
            if officer.court == court:
                return officer, desk.sheet(node, court, obj)
    raise NotFound("access.none", NOT_FOR_YOU)


def filing_page(node: Node, officer: Officer, page: Sheet, conflict: Conflict | None = None) -> tuple[str, int]:
    """Return the page of a filing; ``conflict``: what stood in the way of a decision about it, then with 409."""
    book, now = node.book(), node.clock.now()
    chosen = desk_view.chosen_paper(page, request.args.get("paper", ""))
    checked = desk.check_rules(node, page)
    courts = [each.court for each in access.offices(node, READERS)]
    html = render_template(
        "edge/desk/filing.html",
        page=page,
        title=desk_words.title_of(book, page.filing),
        subject=desk_words.subject_of(book, page.filing),
        status=desk_words.status_of(page.filing, officer.court),
        conflict=tell(conflict) if conflict else "",
        tabs=desk_view.tabs(node, page, chosen),
        paper=desk_view.paper(node, page, chosen, size_words(desk_view.file_size(page, chosen), current_language())),
        facts=desk_view.facts(node, page, now),
        parties=desk_view.parties(page),
        checks=[desk_words.check_view(check, courts, now) for check in examine(node, page)],
        checked=checked,
        findings=desk_words.findings_view(checked, now) if checked else [],
        decisions=desk_view.decisions(node, page),
        events=[desk_words.event_view(node, event, now) for event in page.events],
        decision=_decision_part(node, page),
        now=now,
    )
    return html, 409 if conflict else 200


def _decision_part(node: Node, page: Sheet) -> dict[str, str]:
    """Return what the decision's form shows: where it leads, the term, the number as far as it is known; or why there is none."""
    here = {each.court for each in access.offices(node, DECIDERS)}
    if not page.waits or page.filing.court not in _readable(node):
        return {}
    term = desk_words.term_sentence(page.term)
    if page.filing.court not in here:
        return {"term": term, "why_not": gettext("Clerks and the chairman decide about registration. You may read.")}
    if node.journal.recovering():
        return {"term": term, "why_not": gettext(registration.RECOVERING)}
    if node.filling():
        return {"term": term, "why_not": gettext(registration.FILLING)}
    if standing.of(node, page.filing) == "after":
        return {"term": term, "why_not": gettext(standing.WAITS)}
    try:
        number = f"{registration.number_prefix(node, page.filing)}/…"
    except CourtError as error:
        number = tell(error)
    return {"term": term, "action": url_for("desk.choose", id=page.filing.obj.hex()), "number": number}


def _readable(node: Node) -> set[str]:
    """Return the courts of this node where the visitor reads."""
    return {each.court for each in access.offices(node, READERS)}
