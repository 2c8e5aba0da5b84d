"""The check of a talon, open to everybody, without sign-in: by the register itself, which knows what became of it."""

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from central.centre import Centre
from central.services import checks
from central.services.checks import Checked
from central.web import words
from common.papers.words import date_time_words
from common.web.checking import CHECKS_MAX, UPLOAD_BYTES_MAX, WINDOW_MS, CheckForm, page_values
from common.web.documents import file_answer
from common.web.languages import current_language, number, when
from common.web.limits import RateLimit, accept_bytes
from common.web.offline import FILE_NAME, MEDIA_TYPE, Pinned, offline_page
from sync import directory
from sync.verify import PUBLIC_BYTES_MAX


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``talons``."""
    pages = Blueprint("talons", __name__)
    tries = RateLimit(centre.clock, CHECKS_MAX, WINDOW_MS)

    @pages.route("/check", methods=["GET", "POST"])
    @accept_bytes(UPLOAD_BYTES_MAX)
    def check() -> tuple[str, int]:
        form = CheckForm()
        checked: Checked | None = None
        if form.validate_on_submit():
            tries.hit(request.remote_addr or "")
            if file := form.given():
                with file:
                    checked = checks.check(centre, file, form.beside(PUBLIC_BYTES_MAX))
        return _page(centre, form, checked), 400 if form.errors else 200

    @pages.get("/check/offline", endpoint="offline")
    def offline() -> Response:
        pin = centre.identity.pin
        pinned = Pinned(
            environment=pin.environment,
            registry=pin.registry,
            certificates=directory.all_certificates(centre.database),
            excluded=directory.excluded(centre.database),
            made_ms=centre.clock.now(),
        )
        return file_answer(offline_page(pinned), name=FILE_NAME, kind=MEDIA_TYPE)

    return pages


def _page(centre: Centre, form: CheckForm, checked: Checked | None) -> str:
    report = checked.report if checked else None
    return render_template(
        "shared/check.html",
        form=form,
        **page_values(report),
        known=_("What the register knows"),
        facts=_facts(centre, checked) if checked else [],
        state=None,
        fresh=_("The register: as of %(time)s", time=when(centre.clock.now(), centre.clock.now())),
    )


def _facts(centre: Centre, checked: Checked) -> list[tuple[str, str]]:
    """What may be said to whoever holds the talon: nothing about people."""
    filing, state = checked.filing, checked.state
    if filing is None or state is None:
        return []
    logged = (
        _("number %(index)s, since %(time)s", index=number(state.index), time=_moment(state.logged_ms))
        if state.index is not None
        else _("not yet")
    )
    return [
        (_("Court"), words.court_name(centre.book(), filing.court)),
        (_("Received by the machine"), _moment(filing.received_ms)),
        (_("In the log"), logged),
        (_("All files at the centre"), _("yes") if state.complete else _("not yet")),
        (_("State of the filing"), words.status_word(state.status)),
        *([(_("Signed by"), _("a witness of the court's staff, for a person without a key"))] if filing.witnessed else []),
    ]


def _moment(ms: int | None) -> str:
    return date_time_words(ms, current_language(), seconds=True) if ms is not None else "—"
