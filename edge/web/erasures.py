"""Orders of erasure at the court's own machine: which there are, and a new one, signed by the chairman or a judge.

An act names a talon or a case; the filing, the case that it became and each hearing are objects of their own and take an order
each, which the page says. Nobody else sees any of it.
"""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import ValidationError

from common.court.erasures import REFERENCE_CHARS_MAX, SIGNERS
from common.errors import NotFound
from common.papers.words import talon_groups
from common.web.forms import DayField, Required
from common.web.keys import KeyForm, hand_out, opened, takes_key
from common.web.languages import current_language
from edge.node import Node
from edge.services import erasures
from edge.services.desk import NOT_FOR_YOU
from edge.services.erasures import Target
from edge.web import access
from edge.web.access import Officer, read_object
from edge.web.filings_words import court_word, iso_day
from edge.web.hearings_words import moment

Answer = str | tuple[str, int] | Response


class OrderForm(KeyForm):
    """The act that orders the erasure, and the key of who signs the order."""

    reference = StringField(
        lazy_gettext("Number of the court's act"),
        [Required(lazy_gettext("Write the number of the act."))],
        description=lazy_gettext("It stands everywhere in place of what was erased. No names: every machine receives it."),
        render_kw={"maxlength": REFERENCE_CHARS_MAX},
    )
    day = DayField(lazy_gettext("Date of the act"), [Required(lazy_gettext("Write the date of the act."))])

    def validate_reference(self, field: StringField) -> None:
        """Refuse a number that no order can hold."""
        if len(field.data or "") > REFERENCE_CHARS_MAX:
            raise ValidationError(gettext("Write at most %(most)d letters.", most=REFERENCE_CHARS_MAX))

    def act(self) -> tuple[str, str]:
        """Return (number, date in ISO)."""
        day = self.day.data
        assert isinstance(day, date), "the form was validated"
        return (self.reference.data or "").strip(), day.isoformat()


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``erasures``."""
    pages = Blueprint("erasures", __name__, url_prefix="/desk/erasures")

    @pages.get("")
    def show() -> str:
        officer = access.require_officer(node, *SIGNERS)
        asked = request.args.get("q", "").strip()
        found = erasures.find(node, officer.court, asked) if asked else []
        return render_template(
            "edge/erasures/list.html",
            q=asked,
            found=[(each, _number(each)) for each in found],
            court=court_word(node.book(), officer.court),
            orders=[(each, iso_day(each.date)) for each in erasures.orders(node, officer.court)],
        )

    @pages.route("/<id>", methods=["GET", "POST"])
    @takes_key
    def order(id: str) -> Answer:
        officer = access.require_officer(node, *SIGNERS)
        target, form, now = _target(node, officer, id), OrderForm(), node.clock.now()
        if form.validate_on_submit():
            reference, day = form.act()
            act = {"court": officer.court, "reference": reference, "date": day}
            with form.refusals():
                text = erasures.content(node, target.obj, **act)
                if form.asks():
                    return hand_out(text, at_ms=now, iin=officer.visitor.iin, bin=officer.visitor.bin)
                count = erasures.order(node, target.obj, opened(form, node.trust, now, lambda _: text), **act)
                flash(ngettext("%(num)d entry is erased here.", "%(num)d entries are erased here.", count))
                return redirect(url_for("erasures.show"), 303)
        court = court_word(node.book(), officer.court)
        return form.page("edge/erasures/order.html", target=target, number=_number(target), court=court, language=current_language())

    return pages


def _target(node: Node, officer: Officer, id: str) -> Target:
    """Return what the court holds and an act may name; the same 404 for everything else."""
    found = erasures.of(node, officer.court, read_object(id))
    if found is None or not found.entries:
        raise NotFound("access.none", NOT_FOR_YOU)
    return found


def _number(target: Target) -> str:
    if target.kind == "filing":
        return talon_groups(target.number)
    return f"№ {target.number}" + (f", {moment(target.starts_ms)}" if target.kind == "hearing" else "")
