"""Filing: the chooser, the drafts, the four steps, «Менің істерім». This module puts the parts together under one name.

/filings/new                   what to file (FIL-1, FIL-2)
/filings, /filings/drafts      sent, and waiting to be sent (CLM-11, CLM-13)
/filings/drafts/<id>/…         the four steps of one draft
/filings/to-sign/…             drafts of others that wait for this person's signature
/filings/<id>/…                one filing: its course, papers, talon, withdrawal
"""

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from common.court.book import Book
from common.court.claim import FILING_ROLES, Claim, Party
from common.people import calm_name
from common.web.languages import current_language
from common.web.pages import render_confirm, render_not_built
from edge.node import Node
from edge.services import drafts, signing
from edge.services.draft_content import Draft
from edge.visitor import Visitor
from edge.web import access, filings_cosign, filings_invited, filings_mine, filings_parties, filings_sign, filings_steps
from edge.web.filings_draft import opened, read_id
from edge.web.filings_forms import ChooserForm, CodeForm, hears_civil
from edge.web.filings_words import category_word, court_word, steps, title_of

BUILT = {("civil", "first", "claim")}
"""What can be filed with this release: claims and special proceedings in civil cases of first instance."""
CHOOSER_TYPES = (
    "claim",
    "appeal_complaint",
    "private_complaint",
    "cassation_complaint",
    "motion",
    "record_remarks",
    "counterclaim",
    "response",
    "other_procedural",
)
"""The document types of FIL-1, in the manual's order."""


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``filings``."""
    pages = Blueprint("filings", __name__, url_prefix="/filings")
    _add_chooser(pages, node)
    _add_drafts(pages, node)
    filings_steps.add_pages(pages, node)
    filings_parties.add_pages(pages, node)
    filings_sign.add_pages(pages, node)
    filings_cosign.add_pages(pages, node)
    filings_invited.add_pages(pages, node)
    filings_mine.add_pages(pages, node)
    return pages


def _add_chooser(pages: Blueprint, node: Node) -> None:
    @pages.route("/new", methods=["GET", "POST"])
    def choose() -> tuple[str, int] | Response | BaseResponse:
        who = access.require_visitor(witnessed=True)
        book = node.book()
        form = ChooserForm(data={"proceedings": "civil", "instance": "first", "document_type": "claim"})
        form.offer(book, CHOOSER_TYPES)
        if form.validate_on_submit():
            wanted = (form.proceedings.data, form.instance.data, form.document_type.data)
            if wanted not in BUILT:
                row = book.category("document_type", form.document_type.data)
                return render_not_built(book.name(row, current_language()) if row else gettext("Sending documents"))
            with form.refusals():
                draft = drafts.begin(node, who, first_claim(node, book, who))
                return redirect(url_for("filings.case", id=draft.id.hex()), 303)
        return form.page("edge/filings/choose.html", drafts=drafts.count(node, who), witnessed=who.witness is not None)


def first_claim(node: Node, book: Book, who: Visitor) -> Claim:
    """Return the form as it begins: the person's own data, and this machine's court where it hears such cases."""
    here = next((court for court in map(book.find_court, node.courts()) if court is not None and hears_civil(court)), None)
    return Claim(
        proceedings="claim",
        region=here.region_rr if here else "",
        court=here.court_id if here else "",
        parties=(own_party(who, "plaintiff"),),
        language="ru" if current_language() == "ru" else "kk",
        filed_by_role="plaintiff",
    )


def own_party(who: Visitor, role: str) -> Party:
    """Return the signed-in person or organisation as a participant."""
    filer = "applicant" if role == FILING_ROLES["special"] else "plaintiff"
    if who.bin:
        return Party(role=filer, kind="legal_entity", bin=who.bin, name=who.name)  # type: ignore[arg-type]
    surname, first_name, patronymic, *_ = [*calm_name(who.name).split(maxsplit=2), "", "", ""]
    return Party(role=filer, iin=who.iin, surname=surname, first_name=first_name, patronymic=patronymic)  # type: ignore[arg-type]


def _add_drafts(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts", methods=["GET", "POST"], endpoint="drafts")
    def list_drafts() -> tuple[str, int] | BaseResponse:
        who = access.require_visitor(witnessed=True)
        form = CodeForm()
        if form.validate_on_submit():
            with form.refusals():
                draft = drafts.by_code(node, who, form.code.data or "")
                return redirect(url_for("filings.resume", id=draft.id.hex()), 303)
        book = node.book()
        rows = [_row(book, draft) for draft in drafts.of_author(node, who)]
        return form.page(
            "edge/filings/drafts.html",
            rows=rows,
            tabs=[] if who.witness else filings_mine.tabs(node, who, "drafts"),
            now_ms=node.clock.now(),
        )

    @pages.get("/drafts/<id>")
    def resume(id: str) -> BaseResponse:
        _, draft = opened(node, id)
        page = ("case", "payment", "documents", "review")[min(draft.content.step, 4) - 1]
        return redirect(url_for(f"filings.{page}", id=id), 303)

    @pages.route("/drafts/<id>/erase", methods=["GET", "POST"])
    def erase(id: str) -> str | BaseResponse:
        who, draft = opened(node, id)
        if request.method == "POST":
            drafts.erase(node, who, read_id(id))
            return redirect(url_for("filings.drafts"), 303)
        return render_confirm(
            gettext("Erase this draft?"),
            action=url_for("filings.erase", id=id),
            verb=gettext("Erase the draft"),
            back=url_for("filings.drafts"),
            happens=[gettext("Everything you wrote and attached here is erased and cannot be brought back.")],
            stays=[gettext("What you have already sent stays.")],
            icon="trash",
            danger=True,
        )


def _row(book: Book, draft: Draft) -> dict[str, object]:
    claim = draft.claim
    names = steps()
    return {
        "id": draft.id.hex(),
        "title": title_of(claim.proceedings),
        "subject": category_word(book, claim.category),
        "court": court_word(book, claim.court),
        "step": f"{draft.content.step}. {names[min(draft.content.step, 4) - 1]}",
        "code": draft.code,
        "saved_ms": draft.saved_ms,
        "until_ms": draft.until_ms,
        "signed": [each.name for each in signing.cosigners_of(draft)],
        "invited": len(draft.content.invited.waiting) if draft.content.invited else 0,
    }
