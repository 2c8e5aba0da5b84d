"""Hearings at the desk: those of the court in order of day, one with its history, and setting, moving and closing one.

/desk/hearings                        from today on; ?past=1 those before
/desk/hearings/new/<case>[/sign]      a new one in a case; then the text that is signed, the key
/desk/hearings/<id>[/move|/close[/sign]]
"""

from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from common.court.hearings import Hearing
from common.errors import Conflict, NotFound
from common.papers.words import date_words, time_words
from common.people import calm_name
from common.web.forms import went_back
from common.web.keys import hand_out, opened, takes_key
from common.web.languages import current_language, tell, weekday, when
from common.web.parts import Tab, page_number, page_of
from edge.node import Node
from edge.services import hearings
from edge.services.desk import NOT_FOR_YOU
from edge.services.hearings import ACCEPTED, Closing, Draft, Target
from edge.services.registration import Clerk
from edge.web import access
from edge.web.access import READERS, Officer, read_object
from edge.web.filings_words import court_word
from edge.web.hearings_forms import CloseForm, HearingForm, SignCloseForm, SignSetForm
from edge.web.hearings_words import HearingView, event_words, kind_word, moment, state_of, view_of

Answer = str | tuple[str, int] | Response


@dataclass(frozen=True, slots=True)
class RowView:
    """One line of the list, ready to show."""

    url: str
    at: str
    was: str
    hall: str
    number: str
    kind: str
    judge: str
    mode: str
    state: str
    tone: str


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``hearings``."""
    pages = Blueprint("hearings", __name__, url_prefix="/desk/hearings")

    @pages.get("", endpoint="list")
    def show_list() -> str:
        officer = access.require_officer(node, *READERS)
        past, number = request.args.get("past") == "1", page_number()
        found, total = hearings.day_list(node, officer.court, past=past, page=number)
        return render_template(
            "edge/hearings/list.html",
            days=_days(node, found),
            tabs=[
                Tab(url_for("hearings.list"), gettext("From today on"), not past),
                Tab(url_for("hearings.list", past=1), gettext("Before today"), past),
            ],
            past=past,
            pages=page_of(total, hearings.PER_PAGE, number, url_for("hearings.list"), {"past": "1"} if past else {}),
            court=court_word(node.book(), officer.court),
        )

    @pages.get("/<id>")
    def show(id: str) -> str:
        target, _ = _target(node, id)
        hearing, now = _of(target), node.clock.now()
        return render_template(
            "edge/hearings/show.html",
            hearing=view_of(node.book(), hearing, now),
            case=target.case,
            open=hearing.status == "set",
            events=[event_words(each, now) for each in hearings.history(node, hearing)],
            unsettled=[
                (each.officer, moment(each.starts_ms) if each.starts_ms is not None else "", when(each.since_ms, now))
                for each in hearings.unsettled(node, hearing)
            ],
        )

    @pages.route("/new/<case>", methods=["GET", "POST"])
    def new(case: str) -> Answer:
        return _ask_set(node, *_in_case(node, case))

    @pages.post("/new/<case>/sign", endpoint="sign_new")
    @takes_key
    def sign_new(case: str) -> Answer:
        return _sign(node, *_in_case(node, case), SignSetForm())

    @pages.route("/<id>/move", methods=["GET", "POST"])
    def move(id: str) -> Answer:
        return _ask_set(node, *_target(node, id))

    @pages.post("/<id>/move/sign", endpoint="sign_move")
    @takes_key
    def sign_move(id: str) -> Answer:
        return _sign(node, *_target(node, id), SignSetForm())

    @pages.route("/<id>/close", methods=["GET", "POST"])
    def close(id: str) -> Answer:
        target, who = _target(node, id)
        if request.method == "GET" and _of(target).status != "set":
            return redirect(_address("show", target), 303)
        form = CloseForm()
        if request.method == "GET":
            form.outcome.data = "held" if _of(target).starts_ms <= node.clock.now() else "cancelled"
        if not went_back() and form.validate_on_submit():
            with form.refusals():
                return _sign_page(node, target, who, hearings.check_closing(node, target, form.draft()))
        _say_seen(form, target)
        return form.page("edge/hearings/close.html", hearing=view_of(node.book(), _of(target), node.clock.now()), case=target.case)

    @pages.post("/<id>/close/sign", endpoint="sign_close")
    @takes_key
    def sign_close(id: str) -> Answer:
        return _sign(node, *_target(node, id), SignCloseForm())

    return pages


def may_set(node: Node, status: str, court: str) -> bool:
    """Return whether who is here may set hearings in a case that stands so at ``court``."""
    return status == ACCEPTED and any(each.court == court for each in access.offices(node, READERS))


# -- who and what


def _in_case(node: Node, id: str) -> tuple[Target, Clerk]:
    """Return a new hearing in a case and the officer of its court; 404 for everybody else."""
    officer, case = access.officer_of_case(node, id)
    return hearings.in_case(node, case.court, case.obj), _clerk(officer)


def _target(node: Node, id: str) -> tuple[Target, Clerk]:
    """Return a hearing as the page before showed it, and the officer of its court; 404 for everybody else."""
    access.require_officer(node, *READERS)
    found = hearings.find(node, read_object(id))
    if found is None:
        raise NotFound("access.none", NOT_FOR_YOU)
    officer = access.require_officer(node, *READERS, court=found.court)
    return hearings.of_court(node, found.court, found.obj, seen=_seen()), _clerk(officer)


def _clerk(officer: Officer) -> Clerk:
    return Clerk(officer.court, calm_name(officer.visitor.name), officer.visitor.certificate)


def _seen() -> bytes | None:
    """Return the entry on which the page that is sent was made; one that says none was made on nothing that stands."""
    if request.method != "POST":
        return None
    try:
        return bytes.fromhex(request.form.get("seen", ""))
    except ValueError:
        return b""


def _of(target: Target) -> Hearing:
    assert target.hearing is not None, "found by its own id"
    return target.hearing


# -- setting, moving, closing


def _ask_set(node: Node, target: Target, who: Clerk) -> Answer:
    if request.method == "GET" and target.hearing is not None and target.hearing.status != "set":
        return redirect(_address("show", target), 303)
    form = HearingForm()
    form.offer(hearings.judges(node, target.case.court), who.name)
    if request.method == "GET" and target.hearing is not None:
        form.show(target.hearing)
    if not went_back() and form.validate_on_submit():
        with form.refusals():
            return _sign_page(node, target, who, hearings.check(node, target, form.draft()))
    _say_seen(form, target)
    back = _address("show", target) if target.hearing else url_for("cases.show", id=target.case.obj.hex())
    now = view_of(node.book(), target.hearing, node.clock.now()) if target.hearing else None
    return form.page("edge/hearings/set.html", case=target.case, hearing=now, back=back)


def _say_seen(form: HearingForm | CloseForm, target: Target) -> None:
    """Write into the page on what it rests; once a change meanwhile was told, on the hearing as it stands now, which the page shows."""
    if target.hearing is not None:
        form.seen.data = (target.hearing.leaf if form.form_errors else target.seen).hex()


def _sign(node: Node, target: Target, who: Clerk, form: SignSetForm | SignCloseForm) -> Answer:
    said, now = form.draft(), node.clock.now()
    if form.validate_on_submit():
        with form.refusals():
            try:
                if form.asks():
                    visitor = access.visitor()
                    text = hearings.to_sign(node, who, target, said)
                    return hand_out(text, at_ms=now, iin=visitor.iin if visitor else "", bin=visitor.bin if visitor else "")
                key = opened(form, node.trust, now, lambda _: hearings.to_sign(node, who, target, said))
                obj = hearings.sign(node, who, target, said, key)
            except Conflict as error:  # somebody was first: the page shows the hearing as it stands
                if target.hearing is None:
                    raise
                flash(tell(error))
                return redirect(_address("show", target), 303)
            flash(gettext("It is signed. The participants read it here at once, elsewhere with the next exchange."))
            return redirect(url_for("hearings.show", id=obj.hex()), 303)
    return _sign_page(node, target, who, said, form)


def _sign_page(node: Node, target: Target, who: Clerk, said: Draft | Closing, form: SignSetForm | SignCloseForm | None = None) -> Answer:
    sets = isinstance(said, Draft)
    if form is None:
        form = SignSetForm(formdata=None) if sets else SignCloseForm(formdata=None)
        form.say(said, target)  # type: ignore[arg-type]  # the form is the one for what is said
    name = "close" if not sets else "move" if target.hearing else "new"
    content = hearings.preview(node, who, target, said)
    return form.page(
        "edge/hearings/sign.html",
        case=target.case,
        title=_titles()[name],
        reads=_reads(node, target, said),
        clashes=[_clash(each) for each in hearings.clashes(node, target, said)] if isinstance(said, Draft) else [],
        content=content.decode(),
        back=_address(name, target),
        said=form.said(),
        action=_address(f"sign_{name}", target),
    )


def _address(name: str, target: Target) -> str:
    if target.hearing is None:
        return url_for(f"hearings.{name}", case=target.case.obj.hex())
    return url_for(f"hearings.{name}", id=target.hearing.obj.hex())


def _titles() -> dict[str, str]:
    return {
        "new": gettext("Sign the hearing"),
        "move": gettext("Sign the change of the hearing"),
        "close": gettext("Sign how the hearing ended"),
    }


def _reads(node: Node, target: Target, said: Draft | Closing) -> HearingView:
    """The hearing as the participants will read it."""
    return view_of(node.book(), hearings.as_it_will_be(target, said), node.clock.now())


def _clash(hearing: Hearing) -> str:
    return f"{moment(hearing.starts_ms)}, {hearing.hall}, № {hearing.number}, {hearing.judge}"


# -- the list


def _days(node: Node, found: list[Hearing]) -> list[tuple[str, list[RowView]]]:
    now = node.clock.now()
    return [(day, [_row(each, now) for each in rows]) for day, rows in groupby(found, lambda each: _day(each.starts_ms))]


def _day(ms: int) -> str:
    return f"{date_words(ms, current_language())}, {weekday(ms)}"


def _row(hearing: Hearing, now: int) -> RowView:
    word, tone = state_of(hearing, now)
    return RowView(
        url_for("hearings.show", id=hearing.obj.hex()),
        time_words(hearing.starts_ms),
        moment(hearing.was_ms) if hearing.was_ms is not None else "",
        hearing.hall,
        hearing.number,
        kind_word(hearing.kind),
        hearing.judge,
        "video" if hearing.mode == "video" else "",
        word,
        tone,
    )
