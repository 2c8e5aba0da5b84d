"""The public check of a talon at the centre."""

from flask import Blueprint, Response
from flask_babel import gettext as _

from central.centre import Centre
from common.web.pages import render_not_built


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``talons``."""
    pages = Blueprint("talons", __name__)

    @pages.get("/check")
    def check() -> Response:
        return render_not_built(_("Check a talon"))

    return pages
