"""Admission of evidence: what is to be admitted, why, and an administrator's signature under it; and what stands after a cut."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import lazy_gettext, ngettext
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from central.centre import Centre
from central.services import admissions, nodes
from central.services.admissions import Choice
from central.web import access, words
from common.court.admissions import REASON_CHARS_MAX
from common.web.forms import Required
from common.web.keys import KeyForm, hand_out, opened, takes_key
from sync import directory

ENTRIES_SHOWN = 200
Answer = str | tuple[str, int] | Response


class AdmitForm(KeyForm):
    """Why, and the administrator's key; the reason becomes part of the act that everybody receives."""

    reason = TextAreaField(
        lazy_gettext("Why is it admitted?"),
        [Required(lazy_gettext("Say why: the reason becomes part of the act."))],
        description=lazy_gettext("In a sentence: what was found out, and how. No names: every court receives it."),
        render_kw={"maxlength": REASON_CHARS_MAX},
    )


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``admissions``."""
    pages = Blueprint("admissions", __name__)

    @pages.route("/quarantine/evidence/<int:id>/admit", methods=["GET", "POST"])
    @takes_key
    def bundle(id: int) -> Answer:
        access.require_administrator(centre)
        return _admit(centre, lambda: admissions.of_kept(centre, id), url_for("quarantine.kept", id=id))

    @pages.get("/nodes/<int:node>/after")
    def after(node: int) -> str:
        access.require_administrator(centre)
        one = nodes.machine(centre, node)
        found = admissions.after_cut(centre, node)
        return render_template(
            "central/nodes/after.html",
            one=one,
            cut=directory.revocation_of(centre.database, node),
            listed=found[:ENTRIES_SHOWN],
            total=len(found),
            waiting=sum(each.admission is None for each in found),
            now=centre.clock.now(),
        )

    @pages.route("/nodes/<int:node>/after/admit", methods=["GET", "POST"])
    @takes_key
    def logged(node: int) -> Answer:
        access.require_administrator(centre)
        nodes.machine(centre, node)
        return _admit(centre, lambda: admissions.of_cut(centre, node), url_for("admissions.after", node=node))

    return pages


def _admit(centre: Centre, choose: Callable[[], Choice], back: str) -> Answer:
    form, now, choice = AdmitForm(), centre.clock.now(), choose()
    if form.validate_on_submit():
        with form.refusals():
            text = admissions.content(choice, form.reason.data or "")
            if form.asks():
                return hand_out(text, at_ms=now)
            signer = opened(form, centre.trust, now, lambda _: text)
            count = admissions.admit(centre, choice, reason=form.reason.data or "", signer=signer)
            flash(ngettext("%(num)d entry is admitted.", "%(num)d entries are admitted.", count))
            return redirect(back, 303)
    place = nodes.machine(centre, choice.node)
    return form.page(
        "central/quarantine/admit.html",
        one=place,
        state=words.machine_state(place),
        choice=choice,
        listed=admissions.candidates(centre, choice.entries)[:ENTRIES_SHOWN],
        kinds=_kinds(choice),
        back_url=back,
        now=now,
    )


def _kinds(choice: Choice) -> list[tuple[str, int]]:
    """Return (kind of entry, how many), the commonest first."""
    types = [entry.envelope.type for entry in choice.entries]
    return sorted(((kind, types.count(kind)) for kind in set(types)), key=lambda pair: (-pair[1], pair[0]))
