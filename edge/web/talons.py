"""The check of a talon, open to everybody, without sign-in: the QR code from a scanner, or the paper as a file."""

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from common.court.filing_lists import Filing
from common.papers.words import date_time_words
from common.web.checking import CHECKS_MAX, UPLOAD_BYTES_MAX, WINDOW_MS, CheckForm, page_values
from common.web.documents import file_answer
from common.web.languages import current_language
from common.web.limits import RateLimit, accept_bytes
from common.web.offline import FILE_NAME, MEDIA_TYPE, Pinned, offline_page
from edge.node import Node
from edge.services import checks, filings
from edge.services.checks import Checked
from edge.web.filings_words import State, category_word, court_word, document_word, freshness, house, state_of
from sync import directory
from sync.receipts import Ladder
from sync.verify import PUBLIC_BYTES_MAX


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``talons``."""
    pages = Blueprint("talons", __name__)
    tries = RateLimit(node.clock, CHECKS_MAX, WINDOW_MS)

    @pages.route("/check", methods=["GET", "POST"], endpoint="check")
    @accept_bytes(UPLOAD_BYTES_MAX)
    def check() -> tuple[str, int]:
        form = CheckForm()
        checked: Checked | None = None
        if form.validate_on_submit():
            tries.hit(request.remote_addr or "")
            if file := form.given():
                with file:
                    checked = checks.check(node, file, form.beside(PUBLIC_BYTES_MAX))
        return _page(node, form, checked), 400 if form.errors else 200

    @pages.get("/check/offline", endpoint="offline")
    def offline() -> Response:
        pin = node.identity.pin
        pinned = Pinned(
            environment=pin.environment,
            registry=pin.registry,
            certificates=directory.all_certificates(node.database),
            excluded=directory.excluded(node.database),
            made_ms=node.clock.now(),
        )
        return file_answer(offline_page(pinned), name=FILE_NAME, kind=MEDIA_TYPE)

    return pages


def _page(node: Node, form: CheckForm, checked: Checked | None) -> str:
    return render_template(
        "shared/check.html",
        form=form,
        **page_values(checked.report if checked else None),
        known=gettext("What this machine knows"),
        facts=_facts(node, checked.filing) if checked and checked.filing else [],
        state=_state(node, checked.filing, checked.climbed) if checked and checked.filing and checked.climbed else None,
        fresh=freshness(node, house(node), node.clock.now()),
    )


def _state(node: Node, filing: Filing, climbed: Ladder) -> State:
    """How far it is, said to anybody: not as to the person who filed it."""
    if filing.status == "withdrawn":
        return State(gettext("Withdrawn by whoever filed it"), "mute")
    return state_of(filing, climbed, online=filings.line_state(node).online)


def _facts(node: Node, filing: Filing) -> list[tuple[str, str]]:
    """What may be said to whoever holds the talon: nothing about people."""
    book = node.book()
    return [
        (gettext("Document"), f"{document_word(book, filing.document_type)}: {category_word(book, filing.category)}"),
        (gettext("Court"), court_word(book, filing.court)),
        (gettext("Received"), date_time_words(filing.received_ms, current_language(), seconds=True)),
        (gettext("Files"), str(filing.files + 1)),
        *([(gettext("Signed by"), gettext("a witness of the court's staff, for a person without a key"))] if filing.witnessed else []),
    ]
