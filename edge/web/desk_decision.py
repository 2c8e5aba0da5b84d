"""The clerk's decision about a filing: what is decided, then the text and the clerk's own key.

/desk/filings/<id>/decision/<kind>         register, refuse, redirect
/desk/filings/<id>/decision/<kind>/sign    the text that is signed, the key
"""

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from common.court.filing_lists import Filing
from common.errors import N_, Conflict, NotFound, Refused
from common.people import calm_name
from common.web.forms import went_back
from common.web.keys import hand_out, opened, takes_key
from common.web.languages import current_language
from edge.node import Node
from edge.services import decisions, desk, registration
from edge.services.decisions import Draft, Kind
from edge.services.desk import NOT_FOR_YOU, Sheet
from edge.services.examination import examine
from edge.services.registration import Clerk, Decided
from edge.web import access, desk_view, desk_words
from edge.web.access import DECIDERS, READERS, Officer
from edge.web.desk_filing import filing_page, open_filing
from edge.web.desk_forms import RedirectForm, RefuseForm, SignForm
from edge.web.filings_words import court_word, day_words

KINDS: dict[str, Kind] = {"register": "register", "refuse": "refuse", "redirect": "redirect"}
DONE = {
    "refuse": N_("Registration is refused. The citizen reads it with the next exchange."),
    "redirect": N_("The filing is handed to the other court. It gets it with the next exchange."),
}
Answer = str | tuple[str, int] | BaseResponse


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the pages of the decision to those of the desk."""

    @pages.get("/filings/<id>/decision")
    def choose(id: str) -> Answer:
        open_filing(node, id, DECIDERS)
        kind = request.args.get("kind", "")
        return redirect(url_for("desk.decide", id=id, kind=kind) if kind in KINDS else url_for("desk.filing", id=id), 303)

    @pages.route("/filings/<id>/decision/<kind>", methods=["GET", "POST"])
    def decide(id: str, kind: str) -> Answer:
        officer, page = open_filing(node, id, DECIDERS)
        if kind not in KINDS:
            raise NotFound("access.none", NOT_FOR_YOU)
        if not page.waits or page.filing.court != officer.court:
            return filing_page(node, officer, page, Conflict("filing.decided", N_("The court has already decided about this filing.")))
        if kind == "register":
            return _sign_page(node, officer, page, Draft(kind="register"))
        return _draft_page(node, officer, page, KINDS[kind])

    @pages.post("/filings/<id>/decision/<kind>/sign")
    @takes_key
    def sign(id: str, kind: str) -> Answer:
        officer, page = open_filing(node, id, DECIDERS)
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
                    return filing_page(node, officer, desk.sheet(node, officer.court, page.filing.obj), error)
                return _after(page, done)
        return _sign_page(node, officer, page, form.draft(KINDS[kind]), form)


def _clerk(officer: Officer) -> Clerk:
    return Clerk(officer.court, calm_name(officer.visitor.name), officer.visitor.certificate)


def _draft_page(node: Node, officer: Officer, page: Sheet, kind: Kind) -> Answer:
    form = _refusal_form(node, page) if kind == "refuse" else _redirect_form(node, page)
    if not went_back() and form.validate_on_submit():
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
        back=_before(node, filing, draft),
        said=[] if draft.kind == "register" else _said(draft),
        action=url_for("desk.sign", id=filing.obj.hex(), kind=draft.kind),
    )


def _before(node: Node, filing: Filing, draft: Draft) -> str:
    """Return the address of the page before the key: a registration has no form, a handing over one for each region."""
    if draft.kind == "register":
        return url_for("desk.filing", id=filing.obj.hex())
    court = node.book().find_court(draft.redirected_to)
    return url_for("desk.decide", id=filing.obj.hex(), kind=draft.kind, region=court.region_rr if court else None)


def _said(draft: Draft) -> list[tuple[str, str]]:
    """Return what was said, field by field, as the page before calls them."""
    until = draft.cure_until.isoformat() if draft.cure_until else ""
    grounds = [("grounds", each) for each in draft.grounds]
    return [*grounds, ("note", draft.note), ("cure_until", until), ("redirected_to", draft.redirected_to)]


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
