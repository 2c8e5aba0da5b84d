"""Step 4 and what follows it: check everything, read the exact document, sign, send, hold the talon (CLM-9, CLM-10)."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, HiddenField, ValidationError

from common.court import terms
from common.court.book import Book
from common.court.claim import Claim
from common.court.filing_lists import Filing, events, parties
from common.court.rule_facts import Finding
from common.court.rules import RULES, blocking, unsettled
from common.court.signing import others_to_sign
from common.errors import Conflict
from common.papers.qr import qr_svg
from common.papers.words import date_time_words, iin_groups, initials, money
from common.people import calm_name
from common.web.documents import file_answer
from common.web.keys import KeyForm, hand_out, takes_key
from common.web.keys import opened as open_key_of
from common.web.languages import current_language, tell, when
from edge.node import Node
from edge.services import filings, outages, signing, statements, talons
from edge.services.draft_content import Draft
from edge.visitor import Visitor
from edge.web import access
from edge.web.filings_draft import opened, read_id
from edge.web.filings_forms import LANGUAGES_OF_STATEMENTS, DocumentsForm, PaymentForm, nature_choices, proceedings_choices
from edge.web.filings_party_form import role_words
from edge.web.filings_words import (
    category_word,
    court_word,
    document_word,
    house,
    parties_line,
    proved_words,
    region_word,
    rungs,
    say,
    signed_by,
    steps,
    title_of,
)
from sync.receipts import ladder_of

PAGES = {1: "case", 2: "payment", 3: "documents", 4: "case"}
"""Which page corrects what the rule pack finds in a step; of step 4 everything is chosen on the first page."""
ANCHORS = {"claim_amount": "claim_amount", "duty_amount": "duty_amount", "payment": "payment", "exemption": "exemption"}


class SignForm(KeyForm):
    """The key, and which statement was on the screen."""

    shown = HiddenField()
    agreed = BooleanField(lazy_gettext("I have read the document on this screen and agree with it"))

    def validate_agreed(self, field: Any) -> None:
        """Asked where somebody else signs: the person in front of the screen says so before the witness does."""
        who = access.visitor()
        if who is not None and who.witness is not None and not field.data:
            raise ValidationError(gettext("The person reads the document first and ticks this box. Then the witness signs."))


@dataclass(frozen=True, slots=True)
class Check:
    """One rule as the review lists it; ``url`` leads to where it is corrected."""

    sentence: str
    kind: str
    url: str = ""


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the review and what comes after sending."""
    _add_review(pages, node)
    _add_sent(pages, node)
    _add_papers(pages, node)


def _add_review(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/review", methods=["GET", "POST"])
    @takes_key
    def review(id: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        findings = filings.preflight(node, who, draft)
        left = leftovers(node, draft, id)
        stops = [*(_check(finding, id) for finding in blocking(findings)), *left]
        if stops:
            return _review_page(node, who, draft, findings, stops, None, settle=not left and not unsettled(findings)), 200
        closed = _closed(node)
        draft = statements.prepare(node, who, draft.id)
        paper = draft.content.paper
        assert paper is not None, "prepare has just made it"
        form, now = SignForm(), node.clock.now()
        shown = form.shown.data or ""
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    content = filings.to_sign(node, who, draft.id, shown=shown, at_ms=now)
                    return hand_out(content, at_ms=now, iin="" if who.witness else who.iin, bin=who.bin)
                key = open_key_of(form, node.trust, now, lambda at: filings.to_sign(node, who, draft.id, shown=shown, at_ms=at))
                filings.submit(node, who, draft.id, key, shown=shown)
                return redirect(url_for("filings.sent", id=id), 303)
        form.shown.data = paper.sha256
        return _review_page(node, who, draft, findings, [], form, closed), 400 if form.errors else 200

    @pages.get("/drafts/<id>/statement.pdf")
    def statement(id: str) -> Response:
        who, draft = opened(node, id)
        data = statements.read_statement(node, who, draft)
        return file_answer(data, name=f"{draft.content.talon}.pdf", kind="application/pdf", inline=True)


def _closed(node: Node) -> str:
    """Return why this machine takes nothing now, translated; empty on a normal day."""
    try:
        filings.require_taking(node)
    except Conflict as error:
        return tell(error)
    return ""


def leftovers(node: Node, draft: Draft, id: str) -> list[Check]:
    """Return what was typed and not understood: nothing typed may silently stay out of what is signed."""
    found = [
        Check(sentence, "bad", url_for(f"filings.{page}", id=id)) for page in draft.content.typed for sentence in _unread(node, draft, page)
    ]
    half = [page for page in draft.content.typed if page.startswith("party-") and any(_words(draft.content.typed[page]))]
    for page in half:
        place = page.removeprefix("party-")
        url = url_for("filings.party_details", id=id) if place == "new" else url_for("filings.party", id=id, place=place)
        found.append(Check(gettext("You began to fill in a participant and did not save. Save it, or leave the page empty."), "bad", url))
    return found


def _words(raw: dict[str, str]) -> list[str]:
    return [text for name, text in raw.items() if name not in ("kind", "role", "resident") and text.strip()]


def _unread(node: Node, draft: Draft, page: str) -> list[str]:
    """The sentences a page would say to the raw text lying there."""
    raw, claim, book = MultiDict(draft.content.typed[page]), draft.claim, node.book()
    if page == "payment":
        payment = PaymentForm(formdata=raw, meta={"csrf": False})
        payment.offer(book, claim, terms.local_date(node.clock.now()))
        payment.strict(claim)
        return [str(error) for errors in payment.errors.values() for error in errors]
    if page == "documents":
        documents = DocumentsForm(formdata=raw, meta={"csrf": False})
        documents.validate()
        return [str(error) for errors in documents.errors.values() for error in errors]
    return []


def _check(finding: Finding, id: str) -> Check:
    kind = "ok" if finding.passed else "bad" if finding.level == "must" else "warn"
    return Check(say(finding.sentence, finding.params), kind, "" if finding.passed else _where(finding, id))


def _where(finding: Finding, id: str) -> str:
    """Return the address of the field that a finding is about."""
    if finding.field.startswith("parties-"):
        _, place, name = finding.field.split("-", 2)
        return url_for("filings.party", id=id, place=int(place)) + f"#{name}"
    page = PAGES[finding.step]
    return url_for(f"filings.{page}", id=id) + f"#{ANCHORS.get(finding.field, finding.field.split('-')[0])}"


def _review_page(
    node: Node,
    who: Visitor,
    draft: Draft,
    findings: tuple[Finding, ...],
    stops: list[Check],
    form: SignForm | None,
    closed: str = "",
    settle: bool = False,
) -> str:
    """Return the page; ``settle``: all that stops is what another party's signature settles."""
    claim, book = draft.claim, node.book()
    checks = [_check(finding, draft.id.hex()) for finding in findings]
    return render_template(
        "edge/filings/review.html",
        form=form,
        draft=draft,
        id=draft.id.hex(),
        heading=title_of(claim.proceedings),
        steps=steps(),
        stops=stops,
        closed=closed,
        settle=settle,
        checks=checks,
        passed=len(RULES) - len({finding.rule_id for finding in findings if not finding.passed}),
        rules=len(RULES),
        warnings=[check for check in checks if check.kind == "warn"],
        case_facts=case_facts(book, claim),
        payment_facts=payment_facts(node, claim),
        paper=draft.content.paper if form else None,
        files=claim.attachments,
        talon=draft.content.talon,
        holder=initials(calm_name(who.witness.name if who.witness else who.name)) if not who.bin else who.name,
        witness=calm_name(who.witness.name) if who.witness else "",
        cosigners=[each.name for each in signing.cosigners_of(draft)],
        others=bool(others_to_sign(claim, author=who.person)) and who.witness is None,
    )


def case_facts(book: Book, claim: Claim) -> list[tuple[str, str]]:
    """Return everything of the first and third step in a sentence each: what is signed is read before, field by field."""
    place = ", ".join(part for part in (court_word(book, claim.court), region_word(book, claim.region)) if part)
    rows = [
        (gettext("Kind of proceedings"), dict(proceedings_choices(book)).get(claim.proceedings, "")),
        (gettext("Category of the case"), category_word(book, claim.category)),
        (gettext("Nature of the claim"), {code: word for code, word, _ in nature_choices(book)}.get(claim.nature, "")),
        (gettext("Court"), place),
        (gettext("Language of the statement"), LANGUAGES_OF_STATEMENTS[claim.language]),
    ]
    words = role_words()
    for party in claim.parties:
        label = gettext("BIN") if party.kind == "legal_entity" else gettext("IIN")
        number = f", {label}\u00a0{iin_groups(party.number)}" if party.number else ""
        rows.append((words[party.role], f"{party.display_name}{number}"))
    return [*rows, (gettext("Circumstances"), claim.circumstances), (gettext("Requirement"), claim.requirement)]


def payment_facts(node: Node, claim: Claim) -> list[tuple[str, str]]:
    """Return amounts and the way of payment."""
    payment = claim.payment
    rows = []
    if payment.claim_tiyn is not None and claim.nature != "non_property":
        rows.append((gettext("Claim amount"), money(payment.claim_tiyn)))
    rows.append((gettext("State duty"), money(payment.duty_tiyn or 0)))
    ways = {
        "receipt": gettext("A scan of the receipt is attached; the payment is checked when there is a line"),
        "pending": gettext("Payment pending: by the printed invoice"),
        "exempt": gettext("No payment is made"),
    }
    paid = statements.paper_duty(node.book(), claim, node.clock.now())
    lang = current_language()
    ground = ", ".join(part for part in (paid.ground.of(lang), paid.article.of(lang)) if part)
    return [*rows, (gettext("How it is paid"), ". ".join(part for part in (ways.get(payment.way, ""), ground) if part))]


def _add_sent(pages: Blueprint, node: Node) -> None:
    @pages.get("/<id>/sent")
    def sent(id: str) -> str:
        who = access.require_visitor(witnessed=True)
        filing = filings.own(node, who, read_id(id))
        return render_template("edge/filings/sent.html", witnessed=who.witness is not None, **talon_values(node, filing))


def talon_values(node: Node, filing: Filing) -> dict[str, object]:
    """Return what the talon's page shows."""
    book, now, id = node.book(), node.clock.now(), filing.obj.hex()
    climbed, here = ladder_of(node.database, filing.leaf), filing.node == node.number
    contact = filings.line_state(node).contact_ms
    device = gettext("%(court)s, machine № %(number)s.", court=house(node), number=filing.node) if here else ""
    last = gettext("Last exchange: %(time)s.", time=when(contact, now)) if contact else gettext("Last exchange: not yet.")
    return {
        "filing": filing,
        "id": id,
        "here": here,
        "time": date_time_words(filing.received_ms, current_language(), seconds=True),
        "court_lines": [text for text in (device, last if here else "") if text],
        "lines": [
            f"{document_word(book, filing.document_type)}: {category_word(book, filing.category)}.",
            f"{parties_line(parties(node.database, filing.obj))}.",
            gettext("Files: %(count)d, all of them are listed in the talon.", count=filing.files + 1),
            *(f"{label}: {name}." for label, name in signed_by(node, filing)),
            *([gettext("Signed by a witness: %(name)s.", name=calm_name(filing.assisted_by))] if filing.witnessed else []),
        ],
        "court": court_word(book, filing.first_court),
        "short_code": talons.receipt_of(node, filing).short_code if here else "",
        "rungs": rungs(node, filing, climbed, events(node.database, filing.obj), now, here=here),
        "open": filing.status in ("filed", "redirected"),
        "proved": proved_words(node, filing, now),
        "outage": outages.around(node, filing),
        "pending": filing.duty_way == "pending" and filing.duty_tiyn > 0 and filing.payment != "paid",
    }


def _add_papers(pages: Blueprint, node: Node) -> None:
    def mine(id: str) -> Filing:
        return filings.own(node, access.require_visitor(witnessed=True), read_id(id))

    def paper(data: bytes, filing: Filing, name: str) -> Response:
        inline = request.args.get("save") != "1"
        return file_answer(data, name=f"{name}-{filing.talon}.pdf", kind="application/pdf", inline=inline)

    @pages.get("/<id>/talon.pdf")
    def talon(id: str) -> Response:
        filing = mine(id)
        return paper(talons.pdf(node, filing), filing, "talon")

    @pages.get("/<id>/slip.pdf")
    def slip(id: str) -> Response:
        filing = mine(id)
        return paper(talons.slip_pdf(node, filing), filing, "slip")

    @pages.get("/<id>/qr.svg")
    def qr(id: str) -> Response:
        picture = qr_svg(talons.receipt_of(node, mine(id)).qr_text, css_class="qr")
        return file_answer(picture.encode(), name="qr.svg", kind="image/svg+xml", inline=True)

    @pages.get("/<id>/invoice.pdf")
    def invoice(id: str) -> Response:
        filing = mine(id)
        return paper(talons.invoice_pdf(node, filing), filing, "invoice")
