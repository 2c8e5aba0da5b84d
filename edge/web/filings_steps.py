"""Steps 1 to 3 of a filing (CLM-1 … CLM-8): what and where, payment, documents; and the saving of every field."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from common.court import terms
from common.court.attachments import FILE_BYTES_MAX, file_name, title
from common.court.book import Book
from common.court.claim import Claim, FileKind
from common.court.duty import Duty
from common.errors import CourtError
from common.web.documents import file_answer
from common.web.languages import current_language, tell
from common.web.limits import accept_bytes
from edge.node import Node
from edge.services import draft_files, drafts, filings, statements
from edge.services.citations import cite
from edge.services.draft_content import Content, Draft, accepted, replace_claim, without_typed
from edge.visitor import Visitor
from edge.web.filings_draft import Problem, of_step, opened, raw_or, reached, read_id, saved_words, tell_findings, typed_fields, wants
from edge.web.filings_forms import (
    ACCEPT,
    PAYMENT_TEXTS,
    CaseForm,
    DocumentsForm,
    PaymentForm,
    ReplaceForm,
    amount_text,
    case_data,
    documents_data,
    payment_data,
    understand_case,
    understand_documents,
    understand_payment,
)
from edge.web.filings_parties import party_views, require_place
from edge.web.filings_party_form import PARTY_TEXTS
from edge.web.filings_words import category_word, say, steps, title_of

UPLOAD_BYTES_MAX = 3 * FILE_BYTES_MAX + 2 * 1024**2
"""Several files may be chosen at once; what is larger together is sent one after another."""
CASE_TEXTS = ("proceedings", "nature", "region", "court", "language", "filed_by_role")
DOCUMENT_TEXTS = ("circumstances", "requirement")
TEXTS = {"case": CASE_TEXTS, "payment": PAYMENT_TEXTS, "documents": DOCUMENT_TEXTS}
UPLOADS: dict[str, FileKind] = {"claim_file": "claim", "files": "attachment", "power_file": "power_of_attorney", "receipt": "receipt"}
"""Form field → what its files are."""


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the pages of steps 1 to 3."""
    _add_autosave(pages, node)
    _add_case(pages, node)
    _add_category(pages, node)
    _add_payment(pages, node)
    _add_documents(pages, node)
    _add_replace(pages, node)


def understanding(page: str, raw: dict[str, str], book: Book) -> Callable[[Claim], Claim]:
    """Return what a page's raw fields do to the form; a participant half-filled does nothing until saved."""
    if page == "case":
        return lambda claim: understand_case(claim, raw, book)
    if page == "payment":
        return lambda claim: understand_payment(claim, raw)
    if page == "documents":
        return lambda claim: understand_documents(claim, raw)
    return lambda claim: claim


def keep(node: Node, who: Visitor, id: str, page: str) -> Draft:
    """Save the fields of a page as they came, whatever they say."""
    names = TEXTS.get(page) or ("kind", "role", "resident", "state_body", *PARTY_TEXTS)
    raw = typed_fields(names)
    return drafts.keep_typed(node, who, read_id(id), page, raw, understanding(page, raw, node.book()))


def _add_autosave(pages: Blueprint, node: Node) -> None:
    @pages.post("/drafts/<id>/save/<any(case, payment, documents, party):kind>")
    def save(id: str, kind: str) -> Response:
        who, draft = opened(node, id)
        place = request.args.get("place", "new")[:8]
        if kind == "party":
            require_place(draft.claim, place, request.form.get("was"))
        draft = keep(node, who, id, f"party-{place}" if kind == "party" else kind)
        return jsonify(text=saved_words(draft.saved_ms))


def _add_case(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/case", methods=["GET", "POST"])
    def case(id: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        problems: list[Problem] = []
        if request.method == "POST":
            draft = keep(node, who, id, "case")
            for button, page in (("category", "category"), ("party", "party_new")):
                if wants(button):
                    return redirect(url_for(f"filings.{page}", id=id), 303)
        form = CaseForm(formdata=None, data=case_data(draft.claim))
        form.offer(node.book(), draft.claim)
        if request.method == "POST" and not wants("courts"):
            problems = tell_findings(form, of_step(filings.preflight(node, who, draft), 1))
            if not problems:
                drafts.change(node, who, draft.id, lambda content: reached(accepted(content, "case", content.claim), 2))
                return redirect(url_for("filings.payment", id=id), 303)
        return _case_page(node, who, draft, form, problems), 400 if problems else 200


def _case_page(node: Node, who: Visitor, draft: Draft, form: CaseForm, problems: list[Problem]) -> str:
    book, claim = node.book(), draft.claim
    errors = dict(problems)
    return render_template(
        "edge/filings/case.html",
        form=form,
        problems=problems,
        draft=draft,
        id=draft.id.hex(),
        heading=title_of(claim.proceedings),
        steps=steps(),
        category=category_word(book, claim.category),
        category_error=errors.get("category", ""),
        parties=party_views(claim, who),
        removed=draft.content.removed[1].display_name if draft.content.removed else "",
        parties_error=errors.get("parties", ""),
        saved=saved_words(draft.saved_ms),
    )


def _add_category(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/category", methods=["GET", "POST"])
    def category(id: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        book, error = node.book(), ""
        if request.method == "POST":
            code = request.form.get("category", "")
            if book.category("case_category", code) is not None:
                drafts.change(node, who, draft.id, lambda content: _with_category(content, code))
                return redirect(url_for("filings.case", id=id) + "#category", 303)
            error = gettext("Choose one category, then press the button.")
        words = request.args.get("q", "")[:100]
        page = render_template(
            "edge/filings/category.html",
            id=id,
            groups=_groups(book, draft.claim, words),
            words=words,
            error=error,
            chosen=draft.claim.category,
            heading=title_of(draft.claim.proceedings),
        )
        return page, 400 if error else 200


def _with_category(content: Content, code: str) -> Content:
    changed = replace_claim(content, category=code)
    return without_typed(changed, "category")


def _groups(book: Book, claim: Claim, words: str) -> list[tuple[str, list[tuple[str, str]], bool]]:
    """Return (top category, its rows of (code, name), whether open) with everything that holds ``words``."""
    lang, groups = current_language(), []
    for top in book.categories("case_category", claim.proceedings or "claim"):
        rows = [(row.code, book.name(row, lang)) for row in (top, *book.categories("case_category", top.code))]
        name = book.name(top, lang)
        if words:
            rows = [row for row in rows if all(word in f"{name} {row[1]}".lower() for word in words.lower().split())]
        if rows:
            groups.append((name, rows, bool(words) or any(code == claim.category for code, _ in rows)))
    return groups


def _add_payment(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/payment", methods=["GET", "POST"])
    @accept_bytes(UPLOAD_BYTES_MAX)
    def payment(id: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        refused: list[Problem] = []
        if request.method == "POST":
            draft = keep(node, who, id, "payment")
            refused = take_files(node, who, draft, ("receipt",))
            if (answer := _small_steps(node, who, draft, "filings.payment")) is not None:
                return answer
            draft = drafts.find(node, who, draft.id)
        form = PaymentForm(formdata=None, data=raw_or(draft, "payment", payment_data(draft.claim)))
        form.offer(node.book(), draft.claim, terms.local_date(node.clock.now()))
        problems = refused
        if request.method == "POST" and not wants("upload") and not wants("count"):
            claim = form.strict(draft.claim)
            problems = [*refused, *tell_findings(form, ())]
            if claim is not None and not problems:
                drafts.change(node, who, draft.id, lambda content: reached(accepted(content, "payment", claim), 3))
                return redirect(url_for("filings.documents", id=id), 303)
        return _payment_page(node, draft, form, problems), 400 if problems else 200

    @pages.get("/drafts/<id>/invoice.pdf", endpoint="draft_invoice")
    def invoice(id: str) -> Response:
        who, draft = opened(node, id)
        draft = statements.reserve_talon(node, who, draft.id)
        data = statements.invoice(node, who, draft)
        return file_answer(data, name=f"invoice-{draft.content.talon}.pdf", kind="application/pdf", inline=True)


def _payment_page(node: Node, draft: Draft, form: PaymentForm, problems: list[Problem]) -> str:
    claim = draft.claim
    found = statements.assess(node, claim)
    due = found if isinstance(found, Duty) else None
    return render_template(
        "edge/filings/payment.html",
        form=form,
        problems=problems,
        draft=draft,
        id=draft.id.hex(),
        heading=title_of(claim.proceedings),
        steps=steps(),
        due=due,
        due_text=amount_text(due.amount_tiyn) if due else "",
        due_lines=[say(part.sentence, dict(part.params)) for part in due.parts] if due else [],
        due_article=_rate_article(node, due) if due else "",
        due_refusal=say(found.sentence, found.params) if isinstance(found, CourtError) else "",
        receipts=[file for file in claim.attachments if file.kind == "receipt"],
        accept=ACCEPT,
        file_mb=FILE_BYTES_MAX // 1024**2,
        saved=saved_words(draft.saved_ms),
    )


def _rate_article(node: Node, due: Duty) -> str:
    """Return the article of the rate or of the exemption, as people cite it."""
    book, day, lang = node.book(), terms.local_date(node.clock.now()), current_language()
    for exemption in book.exemptions(day) if due.exemption_id else ():
        if exemption.exemption_id == due.exemption_id:
            return cite(exemption.act, exemption.article, exemption.item).of(lang)
    return next((cite(rate.act, rate.article, rate.item).of(lang) for rate in book.duty_rates(day) if rate.rate_id == due.rate_id), "")


def _add_documents(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/documents", methods=["GET", "POST"])
    @accept_bytes(UPLOAD_BYTES_MAX)
    def documents(id: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        refused: list[Problem] = []
        if request.method == "POST":
            draft = keep(node, who, id, "documents")
            refused = take_files(node, who, draft, ("claim_file", "files", "power_file"))
            if (answer := _small_steps(node, who, draft, "filings.documents")) is not None:
                return answer
            draft = drafts.find(node, who, draft.id)
        form = DocumentsForm(formdata=None, data=raw_or(draft, "documents", documents_data(draft.claim)))
        problems = refused
        if request.method == "POST" and not wants("upload"):
            problems = [*refused, *tell_findings(form, of_step(filings.preflight(node, who, draft), 3))]
            if not problems:
                drafts.change(node, who, draft.id, lambda content: reached(accepted(content, "documents", content.claim), 4))
                return redirect(url_for("filings.review", id=id), 303)
        return _documents_page(draft, form, problems), 400 if problems else 200


def _documents_page(draft: Draft, form: DocumentsForm, problems: list[Problem]) -> str:
    claim = draft.claim
    return render_template(
        "edge/filings/documents.html",
        form=form,
        problems=problems,
        draft=draft,
        id=draft.id.hex(),
        heading=title_of(claim.proceedings),
        steps=steps(),
        claim_files=claim.of_kind("claim"),
        others=[file for file in claim.attachments if file.kind != "claim"],
        representative=claim.filed_by_role == "representative",
        main_error=dict(problems).get("attachments", ""),
        accept=ACCEPT,
        file_mb=FILE_BYTES_MAX // 1024**2,
        saved=saved_words(draft.saved_ms),
    )


def take_files(node: Node, who: Visitor, draft: Draft, names: tuple[str, ...]) -> list[Problem]:
    """Take the uploaded files of a request, each for itself, and return what was refused with cause and cure."""
    refused: list[Problem] = []
    for name in names:
        for upload in request.files.getlist(name):
            if upload.filename:
                refused += _take(node, who, draft, name, upload)
    return refused


def _take(node: Node, who: Visitor, draft: Draft, field: str, upload: FileStorage, replaces: str = "") -> list[Problem]:
    name = upload.filename or ""
    kind: FileKind = UPLOADS[field]
    if not replaces and kind in ("claim", "receipt"):  # there is one of these: a new one stands for the old one
        replaces = next((file.sha256 for file in drafts.find(node, who, draft.id).claim.of_kind(kind)), "")
    try:
        draft_files.attach(node, who, draft.id, kind=kind, name=name, data=upload.stream.read(FILE_BYTES_MAX + 1), replaces=replaces)
    except CourtError as error:
        if error.status >= 500:
            raise
        return [(field, f"{title(name) or name} — {tell(error)}")]
    return []


def _small_steps(node: Node, who: Visitor, draft: Draft, endpoint: str) -> BaseResponse | None:
    """Answer the buttons that change one thing and come back to the page."""
    remove, fill = request.form.get("remove", ""), wants("fill")
    if remove:
        draft_files.detach(node, who, draft.id, remove)
    elif fill:
        found = statements.assess(node, draft.claim)
        if isinstance(found, Duty):
            drafts.change(node, who, draft.id, lambda content: _with_duty(content, found.amount_tiyn))
    else:
        return None
    return redirect(url_for(endpoint, id=draft.id.hex()), 303)


def _with_duty(content: Content, amount: int) -> Content:
    raw = understand_payment(content.claim, {**payment_data(content.claim), "duty_amount": amount_text(amount)})
    return without_typed(replace_claim(content, payment=raw.payment), "payment")


def _add_replace(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/files/<sha256>/replace", methods=["GET", "POST"])
    @accept_bytes(UPLOAD_BYTES_MAX)
    def replace_file(id: str, sha256: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        file = next((file for file in draft.claim.attachments if file.sha256 == sha256), None)
        back = url_for("filings.payment" if file and file.kind == "receipt" else "filings.documents", id=id)
        if file is None:
            return redirect(back, 303)
        field = next(name for name, kind in UPLOADS.items() if kind == file.kind)
        form = ReplaceForm()
        problems: list[Problem] = []
        if request.method == "POST":
            uploads = [upload for upload in request.files.getlist("file") if upload.filename]
            problems = [] if uploads else [("file", gettext("Choose a file."))]
            problems += [("file", sentence) for upload in uploads[:1] for _, sentence in _take(node, who, draft, field, upload, sha256)]
            if not problems:
                return redirect(back, 303)
        page = render_template("edge/filings/replace.html", form=form, problems=problems, file=file, back=back, accept=ACCEPT)
        return page, 400 if problems else 200

    @pages.get("/drafts/<id>/files/<sha256>")
    def draft_file(id: str, sha256: str) -> Response:
        who, draft = opened(node, id)
        file = next((file for file in draft.claim.attachments if file.sha256 == sha256), None)
        data = drafts.read_file(node, who, draft.id, draft.content.files.get(sha256, ""))
        kind = file.media_type if file else "application/octet-stream"
        return file_answer(data, name=file_name(file.title if file else sha256[:8], kind), kind=kind, inline=True)
