"""The judge's page of a case: accept it to proceedings, return it, or not accept it; then the text and the judge's own key.

/desk/cases/<id>/ruling          what is ruled
/desk/cases/<id>/ruling/sign     the text that is signed, the key
"""

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import HiddenField, TextAreaField

from common.court.cases import Case
from common.court.datasets import RefusalGround
from common.court.writers import JUDGES
from common.errors import Conflict, NotFound
from common.people import calm_name
from common.web.forms import ChecksField, ChoiceField, CourtForm, options, went_back
from common.web.keys import KeyForm, hand_out, opened, takes_key
from common.web.languages import current_language, tell
from edge.node import Node
from edge.services import rulings
from edge.services.desk import NOT_FOR_YOU
from edge.services.registration import Clerk
from edge.services.rulings import Draft
from edge.web import access
from edge.web.desk_forms import SEPARATOR
from edge.web.desk_view import chosen_grounds, where_written
from edge.web.filings_words import court_word

Answer = tuple[str, int] | Response
OUTCOMES = [
    ("accepted", lazy_gettext("accept to proceedings"), lazy_gettext("Civil Procedure Code, article 150")),
    ("returned", lazy_gettext("return the claim"), lazy_gettext("Civil Procedure Code, article 152")),
    ("declined", lazy_gettext("not accept the claim"), lazy_gettext("Civil Procedure Code, article 151")),
]


class RulingForm(CourtForm):
    """What is ruled; grounds come from the published list, each outcome has its own."""

    outcome = ChoiceField(lazy_gettext("Ruling"), choices=OUTCOMES, default="accepted")
    returned = ChecksField(lazy_gettext("Grounds to return"), choices=())
    declined = ChecksField(lazy_gettext("Grounds not to accept"), choices=())
    note = TextAreaField(lazy_gettext("Note for the citizen"))

    def offer(self, node: Node) -> None:
        """Fill the lists of grounds."""
        book = node.book()
        self.returned.choices = _choices(rulings.grounds_of(book, "returned"))
        self.declined.choices = _choices(rulings.grounds_of(book, "declined"))

    def draft(self) -> Draft:
        """Return what was filled; grounds of the outcome that was not chosen do not count."""
        outcome = self.outcome.data
        chosen = {"returned": self.returned.data, "declined": self.declined.data}.get(outcome)
        return Draft(outcome=outcome, grounds=tuple(chosen or ()), note=(self.note.data or "").strip())


class RulingSignForm(KeyForm):
    """The judge's key under what was said before."""

    outcome = HiddenField()
    grounds = HiddenField()
    note = HiddenField()

    def say(self, draft: Draft) -> None:
        """Carry ``draft`` over to the page with the key."""
        self.outcome.data, self.grounds.data, self.note.data = draft.outcome, SEPARATOR.join(draft.grounds), draft.note

    def draft(self) -> Draft:
        """Return what was said; raises NotFound for an outcome that there is not."""
        if self.outcome.data not in {name for name, _, _ in OUTCOMES}:
            raise NotFound("access.none", NOT_FOR_YOU)
        return Draft(outcome=self.outcome.data, grounds=tuple((self.grounds.data or "").split()), note=self.note.data or "")


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add both pages to those of the cases."""

    @pages.route("/<id>/ruling", methods=["GET", "POST"], endpoint="ruling")
    def rule(id: str) -> Answer:
        case, judge = _open(node, id)
        form = RulingForm()
        form.offer(node)
        if not went_back() and form.validate_on_submit():
            with form.refusals():
                return _sign_page(node, case, judge, rulings.check(node, form.draft()))
        return form.page("edge/cases/ruling.html", case=case, back=url_for("cases.show", id=id))

    @pages.post("/<id>/ruling/sign", endpoint="sign_ruling")
    @takes_key
    def sign(id: str) -> Answer:
        case, judge = _open(node, id)
        form, now = RulingSignForm(), node.clock.now()
        draft = form.draft()
        if form.validate_on_submit():
            with form.refusals():
                try:
                    if form.asks():
                        text, who = rulings.to_sign(node, judge, case, draft), access.visitor()
                        return hand_out(text, at_ms=now, iin=who.iin if who else "", bin=who.bin if who else "")
                    key = opened(form, node.trust, now, lambda _: rulings.to_sign(node, judge, case, draft))
                    rulings.sign(node, judge, case.obj, draft, key)
                except Conflict as error:  # somebody was first: the card shows what was ruled
                    flash(tell(error))
                    return redirect(url_for("cases.show", id=id), 303)
                flash(gettext("The ruling is signed. The citizen reads it with the next exchange."))
                return redirect(url_for("cases.show", id=id), 303)
        return _sign_page(node, case, judge, draft, form)


def may_rule(node: Node, case: Case) -> bool:
    """Return whether who is here may rule on the case now."""
    return case.status == rulings.OPENED and any(each.court == case.court for each in access.offices(node, JUDGES))


def _open(node: Node, id: str) -> tuple[Case, Clerk]:
    """Return the case and the judge of its court; 404 for everybody else, the card where it was ruled on."""
    officer, case = access.officer_of_case(node, id, JUDGES)
    return case, Clerk(officer.court, calm_name(officer.visitor.name), officer.visitor.certificate)


def _choices(grounds: Iterable[RefusalGround]) -> list[tuple[str, str, str]]:
    lang = current_language()
    return options([(each.ground_id, each.name_kk if lang == "kk" else each.name_ru, where_written(each)) for each in grounds])


def _sign_page(node: Node, case: Case, judge: Clerk, draft: Draft, form: RulingSignForm | None = None) -> Answer:
    if form is None:
        form = RulingSignForm(formdata=None)
        form.say(draft)
    if request.method == "POST" and case.status != rulings.OPENED:
        return redirect(url_for("cases.show", id=case.obj.hex()), 303)
    return form.page(
        "edge/cases/ruling_sign.html",
        case=case,
        draft=draft,
        content=rulings.preview(node, judge, case, draft).decode(),
        grounds=chosen_grounds(node.book(), draft.grounds, case.language),
        court=court_word(node.book(), case.court),
        back=url_for("cases.ruling", id=case.obj.hex()),
        said=[("outcome", draft.outcome), *((draft.outcome, each) for each in draft.grounds), ("note", draft.note)],
        action=url_for("cases.sign_ruling", id=case.obj.hex()),
    )
