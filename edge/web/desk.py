"""The court staff's terminal: sign-in, the inbox, one filing with what the checks found, the decision (pictures 07 and 08).

Clerks, the chairman and judges of the court read; clerks and the chairman decide, each time with their own key. For
everybody else these addresses do not exist.
"""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from common.court.attachments import file_name
from common.court.filing_lists import Filing
from common.errors import N_, Conflict, CourtError, NotFound, Refused
from common.papers.words import size_words
from common.people import calm_name
from common.pki.asic import MEDIA_TYPE, SUFFIX
from common.web.documents import file_answer, stream_answer
from common.web.frame import safe_next
from common.web.keys import KeyForm, hand_out, opened, takes_key
from common.web.languages import current_language, tell
from common.web.parts import Tab, page_number, page_of
from edge.node import Node
from edge.services import cases, decisions, desk, evidence, inbox, line, registration, standing
from edge.services.decisions import Draft, Kind
from edge.services.desk import NOT_FOR_YOU, Sheet
from edge.services.examination import examine
from edge.services.registration import Clerk, Decided
from edge.web import access, desk_view, desk_words
from edge.web.access import DECIDERS, READERS, Officer, read_hex, read_object
from edge.web.accounts import challenge
from edge.web.desk_forms import RedirectForm, RefuseForm, SignForm
from edge.web.filings_words import court_word, day_words, document_word

KINDS: dict[str, Kind] = {"register": "register", "refuse": "refuse", "redirect": "redirect"}
DONE = {
    "refuse": N_("Registration is refused. The citizen reads it with the next exchange."),
    "redirect": N_("The filing is handed to the other court. It gets it with the next exchange."),
}
SHA256_BYTES = 32
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

    @pages.get("/filings/<id>")
    def filing(id: str) -> Answer:
        officer, page = _open(node, id, READERS)
        return _filing_page(node, officer, page)

    @pages.get("/filings/<id>/files/<sha256>")
    def file(id: str, sha256: str) -> Response:
        _, page = _open(node, id, READERS)
        title, media, data = desk.read_file(node, page, read_hex(sha256, SHA256_BYTES))
        name = file_name(title, media) if title else gettext("Statement %(talon)s.pdf", talon=page.filing.talon)
        return file_answer(data, name=name, kind=media, inline="save" not in request.args)

    @pages.get("/filings/<id>/evidence.asice", endpoint="evidence")
    def container(id: str) -> Response:
        _, page = _open(node, id, READERS)
        return stream_answer(evidence.container(node, page.filing), name=f"evidence-{page.filing.talon}{SUFFIX}", kind=MEDIA_TYPE)

    @pages.get("/filings/<id>/notice.pdf")
    def notice(id: str) -> Response:
        _, page = _open(node, id, READERS)
        name = gettext("Notice %(talon)s.pdf", talon=page.filing.talon)
        return file_answer(
            cases.decision_notice(node, page.filing.obj), name=name, kind="application/pdf", inline="save" not in request.args
        )

    @pages.get("/filings/<id>/ruling.pdf")
    def ruling(id: str) -> Response:
        _, page = _open(node, id, READERS)
        name = gettext("Ruling %(talon)s.pdf", talon=page.filing.talon)
        return file_answer(cases.ruling_notice(node, page.filing.obj), name=name, kind="application/pdf", inline="save" not in request.args)

    @pages.get("/filings/<id>/decision")
    def choose(id: str) -> Answer:
        _open(node, id, DECIDERS)
        kind = request.args.get("kind", "")
        return redirect(url_for("desk.decide", id=id, kind=kind) if kind in KINDS else url_for("desk.filing", id=id), 303)

    @pages.route("/filings/<id>/decision/<kind>", methods=["GET", "POST"])
    def decide(id: str, kind: str) -> Answer:
        officer, page = _open(node, id, DECIDERS)
        if kind not in KINDS:
            raise NotFound("access.none", NOT_FOR_YOU)
        if not page.waits or page.filing.court != officer.court:
            return _filing_page(node, officer, page, Conflict("filing.decided", N_("The court has already decided about this filing.")))
        if kind == "register":
            return _sign_page(node, officer, page, Draft(kind="register"))
        return _draft_page(node, officer, page, KINDS[kind])

    @pages.post("/filings/<id>/decision/<kind>/sign")
    @takes_key
    def sign(id: str, kind: str) -> Answer:
        officer, page = _open(node, id, DECIDERS)
        if kind not in KINDS:
            raise NotFound("access.none", NOT_FOR_YOU)
        form, clerk = SignForm(), _clerk(officer)
        form.offer(registration.executors(node, officer.court), clerk.name)
        if form.validate_on_submit():
            draft, now = form.draft(KINDS[kind]), node.clock.now()
            with form.refusals():
                try:
                    if form.asks():
                        text = registration.to_sign(node, clerk, page.filing, draft)
                        return hand_out(text, at_ms=now, iin=officer.visitor.iin, bin=officer.visitor.bin)
                    key = opened(form, node.trust, now, lambda _: registration.to_sign(node, clerk, page.filing, draft))
                    done = registration.sign(node, clerk, page.filing.obj, draft, key)
                except Conflict as error:  # somebody was first: the page says so and shows what was decided
                    return _filing_page(node, officer, desk.sheet(node, officer.court, page.filing.obj), error)
                return _after(page, done)
        return _sign_page(node, officer, page, form.draft(KINDS[kind]), form)

    return pages


# -- parts of the views


def _open(node: Node, id: str, roles: frozenset[str]) -> tuple[Officer, Sheet]:
    """Return the officer and the filing as their court sees it; the same 404 for what is not here and what is not theirs."""
    access.require_officer(node, *roles)
    obj = read_object(id)
    held = access.offices(node, roles)
    for court in desk.courts_that_held(node, obj):
        for officer in held:
            if officer.court == court:
                return officer, desk.sheet(node, court, obj)
    raise NotFound("access.none", NOT_FOR_YOU)


def _clerk(officer: Officer) -> Clerk:
    return Clerk(officer.court, calm_name(officer.visitor.name), officer.visitor.certificate)


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


def _filing_page(node: Node, officer: Officer, page: Sheet, conflict: Conflict | None = None) -> tuple[str, int]:
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


def _draft_page(node: Node, officer: Officer, page: Sheet, kind: Kind) -> Answer:
    form = _refusal_form(node, page) if kind == "refuse" else _redirect_form(node, page)
    if form.validate_on_submit():
        with form.refusals():
            draft = decisions.check(node, page.filing, form.draft(kind))
            return _sign_page(node, officer, page, draft)
    book, region = node.book(), _region(node, page)
    return form.page(
        f"edge/desk/{kind}.html",
        page=page,
        title=desk_words.title_of(book, page.filing),
        back=url_for("desk.filing", id=page.filing.obj.hex()),
        term=desk_words.term_sentence(page.term),
        regions=[(each.rr, book.name(each, current_language()), each.rr == region) for each in book.regions],
        region=region,
        concerns=_concerns(node, page) if kind == "refuse" else [],
    )


def _concerns(node: Node, page: Sheet) -> list[desk_words.CheckView]:
    """Return what the checks and the rules found not in order: what a refusal can rest on."""
    now, checked = node.clock.now(), desk.check_rules(node, page)
    courts = [each.court for each in access.offices(node, READERS)]
    found = [desk_words.check_view(check, courts, now) for check in examine(node, page) if check.kind != "ok"]
    return found + (desk_words.findings_view(checked, now) if checked else [])


def _refusal_form(node: Node, page: Sheet) -> RefuseForm:
    form = RefuseForm()
    grounds = decisions.grounds_of(node.book())
    passed = decisions.passed_grounds(node, page.filing, tuple(each.ground_id for each in grounds))
    suggested = _suggested(node, page)
    form.offer(grounds, suggested, frozenset(passed))
    if request.method == "GET":
        form.propose(suggested, decisions.cure_suggestion(node))
    return form


def _suggested(node: Node, page: Sheet) -> frozenset[str]:
    checked = desk.check_rules(node, page)
    found = {finding.ground_id for finding in checked.failed} if checked else set()
    found |= {check.ground_id for check in examine(node, page)}
    return frozenset(ground for ground in found if ground.startswith("reg-"))


def _redirect_form(node: Node, page: Sheet) -> RedirectForm:
    form = RedirectForm()
    form.offer(node.book().courts_of(_region(node, page)), page.filing.court)
    return form


def _region(node: Node, page: Sheet) -> str:
    book, asked = node.book(), request.args.get("region")
    court = book.find_court(page.filing.court)
    # the military courts belong to no region: theirs is the empty one, which is not the same as none asked for
    return asked if asked is not None and book.region(asked) else court.region_rr if court else ""


def _sign_page(node: Node, officer: Officer, page: Sheet, draft: Draft, form: SignForm | None = None) -> Answer:
    book, clerk, filing = node.book(), _clerk(officer), page.filing
    if form is None:
        form = SignForm(formdata=None)
        form.offer(registration.executors(node, officer.court), clerk.name)
        form.say(draft)
    try:
        content = registration.preview(node, clerk, filing, draft)
    except Refused as error:  # no number can be given here: nothing to sign
        form.refuse(error)
        content = b""
    return form.page(
        "edge/desk/sign.html",
        page=page,
        kind=draft.kind,
        title=desk_words.title_of(book, filing),
        content=content.decode(),
        draft=draft,
        number=_number_known(node, filing) if draft.kind == "register" else "",
        grounds=desk_view.chosen_grounds(book, draft.grounds, filing.language),
        passed=bool(decisions.passed_grounds(node, filing, draft.grounds)),
        court=court_word(book, filing.court),
        target=court_word(book, draft.redirected_to) if draft.redirected_to else "",
        cure_until=day_words(draft.cure_until) if draft.cure_until else "",
        back=url_for("desk.filing", id=filing.obj.hex())
        if draft.kind == "register"
        else url_for("desk.decide", id=filing.obj.hex(), kind=draft.kind),
        action=url_for("desk.sign", id=filing.obj.hex(), kind=draft.kind),
    )


def _number_known(node: Node, filing: Filing) -> str:
    try:
        return f"{registration.number_prefix(node, filing)}/…"
    except Refused:
        return ""


def _after(page: Sheet, done: Decided) -> BaseResponse:
    if done.kind == "register":
        flash(gettext("Registered: case %(number)s. The citizen reads it with the next exchange.", number=f"№ {done.number}"))
        return redirect(url_for("cases.show", id=done.case.hex()), 303)
    flash(gettext(DONE[done.kind]))
    return redirect(url_for("desk.filing", id=page.filing.obj.hex()), 303)
