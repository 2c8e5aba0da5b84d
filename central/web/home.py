"""The first page of the register, and the door of the administration: a key, nothing else."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from central.centre import Centre
from central.services import log
from central.web import access
from common.web.frame import safe_next
from common.web.keys import KeyForm, hand_out, opened, takes_key


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``home``."""
    pages = Blueprint("home", __name__)

    @pages.get("/")
    def landing() -> str | Response:
        if access.administrator(centre) is not None:
            return redirect(url_for("overview.show"), 303)
        return render_template("central/home/landing.html", head=log.newest(centre), origin=centre.identity.pin.origin)

    @pages.route("/enter", methods=["GET", "POST"])
    @takes_key
    def enter() -> tuple[str, int] | Response:
        form = KeyForm()
        after = safe_next(request.args.get("next"), url_for("overview.show"))
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return hand_out(access.challenge(centre), at_ms=centre.clock.now(), keep=True)
                key = opened(form, centre.trust, centre.clock.now())
                access.sign_in(centre, key.certificate)
                return redirect(after, 303)
        return form.page("central/home/enter.html")

    return pages
