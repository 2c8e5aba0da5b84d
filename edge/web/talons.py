"""The check of a talon, open to everybody, without sign-in: the QR code from a scanner, or the paper as a file."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from wtforms import TextAreaField

from common.court.attachments import FILE_BYTES_MAX
from common.court.filing_lists import Filing
from common.papers.words import date_time_words
from common.web.forms import CourtForm
from common.web.languages import current_language
from common.web.limits import RateLimit, accept_bytes
from edge.node import Node
from edge.services import checks, filings
from edge.services.checks import Checked
from edge.web.filings_words import category_word, court_word, document_word, freshness, house, state_of
from sync.verify import Finding

CHECKS_MAX = 120
"""Of one address in a window: a kiosk is one address for everybody who stands at it."""
WINDOW_MS = 10 * 60_000
CODE_CHARS_MAX = 4_000


class CheckForm(CourtForm):
    """One of the two is enough."""

    code = TextAreaField(lazy_gettext("Code of the talon"), description=lazy_gettext("Put the cursor here and scan the square code."))
    file = FileField(
        lazy_gettext("Paper as a file"),
        description=lazy_gettext("The talon, a signed statement or another paper of the court. It is checked and not kept."),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, translated."""

    text: str
    kind: str


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``talons``."""
    pages = Blueprint("talons", __name__)
    tries = RateLimit(node.clock, CHECKS_MAX, WINDOW_MS)

    @pages.route("/check", methods=["GET", "POST"], endpoint="check")
    @accept_bytes(FILE_BYTES_MAX + 1024**2)
    def check() -> tuple[str, int]:
        form = CheckForm()
        checked: Checked | None = None
        if form.validate_on_submit():
            tries.hit(request.remote_addr or "")
            if data := _given(form):
                checked = checks.check(node, data)
            else:
                form.code.errors = (gettext("Scan the code, or choose a file."),)
        return _page(node, form, checked), 400 if form.errors else 200

    return pages


def _given(form: CheckForm) -> bytes:
    """Return what is to be checked: the file where there is one, else the scanned text."""
    upload = form.file.data
    if upload is not None and upload.filename:
        data: bytes = upload.stream.read(FILE_BYTES_MAX + 1)
        return data
    return (form.code.data or "").strip("\r\n\t ")[:CODE_CHARS_MAX].encode()


def _page(node: Node, form: CheckForm, checked: Checked | None) -> str:
    return render_template(
        "edge/talons/check.html",
        form=form,
        checked=checked is not None,
        valid=checked is not None and checked.report.valid,
        title=verdict(checked) if checked else "",
        findings=[say_finding(finding) for finding in checked.report.findings] if checked else [],
        facts=_facts(node, checked.filing) if checked and checked.filing else [],
        state=state_of(checked.filing, checked.climbed, online=filings.line_state(node).online)
        if checked and checked.filing and checked.climbed
        else None,
        sha256=checked.report.facts.get("sha256") if checked else None,
        fresh=freshness(node, house(node), node.clock.now()),
    )


def say_finding(finding: Finding) -> Line:
    """Return a finding in the visitor's language."""
    values = finding.values(lambda ms: date_time_words(ms, current_language(), seconds=True))
    return Line(str(gettext(finding.sentence, **values)) if values else str(gettext(finding.sentence)), finding.level)


def verdict(checked: Checked) -> str:
    """Return the answer in one line."""
    if not checked.report.valid:
        return gettext("This cannot be relied on")
    return {
        "talon": gettext("The talon is genuine"),
        "receipt": gettext("The talon is genuine"),
        "statement": gettext("The signature is genuine"),
        "file": gettext("The file is unchanged"),
    }.get(checked.report.kind, gettext("The paper is genuine"))


def _facts(node: Node, filing: Filing) -> list[tuple[str, str]]:
    """What may be said to whoever holds the talon: nothing about people."""
    book = node.book()
    return [
        (gettext("Document"), f"{document_word(book, filing.document_type)}: {category_word(book, filing.category)}"),
        (gettext("Court"), court_word(book, filing.court)),
        (gettext("Received"), date_time_words(filing.received_ms, current_language(), seconds=True)),
        (gettext("Files"), str(filing.files + 1)),
    ]
