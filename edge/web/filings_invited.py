"""«Waiting for your signature»: who was invited reads another's statement in a session of their own, signs it or declines.

/filings/to-sign               what waits, and what was signed and is not sent yet
/filings/to-sign/<id>          one statement: read, sign
/filings/drafts/<id>/invite    the author's side: invite a party, take an invitation back
"""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, HiddenField

from common.court.book import Book
from common.people import calm_name
from common.web.documents import file_answer
from common.web.forms import Required
from common.web.keys import KeyForm, hand_out, takes_key
from common.web.keys import opened as open_key_of
from common.web.pages import render_confirm
from edge.node import Node
from edge.services import invitations
from edge.services.invitations import Invited
from edge.web import access
from edge.web.filings_draft import opened, read_id
from edge.web.filings_party_form import role_words
from edge.web.filings_sign import case_facts
from edge.web.filings_words import category_word, court_word, title_of

Answer = str | tuple[str, int] | BaseResponse


class InvitedForm(KeyForm):
    """The own key, which statement was on the screen, and that it was read."""

    shown = HiddenField()
    agreed = BooleanField(
        lazy_gettext("I have read the document on this screen and agree with it"),
        [Required(lazy_gettext("Read the document first and tick this box, then sign."))],
    )


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the pages of both sides."""
    _add_author(pages, node)
    _add_list(pages, node)
    _add_sign(pages, node)
    _add_papers(pages, node)


def _add_author(pages: Blueprint, node: Node) -> None:
    @pages.post("/drafts/<id>/invite")
    def invite(id: str) -> BaseResponse:
        who, draft = opened(node, id)
        number = request.form.get("party", "")
        if request.form.get("back"):
            invitations.take_back(node, who, draft.id, number)
            flash(gettext("The invitation is taken back."))
        else:
            invitations.invite(node, who, draft.id, number)
            flash(gettext("Invited. The document waits in their cabinet, on the machines of this court."))
        return redirect(url_for("filings.cosign", id=id), 303)


def _add_list(pages: Blueprint, node: Node) -> None:
    @pages.get("/to-sign", endpoint="to_sign")
    def list_invited() -> str:
        who = access.require_visitor()
        book = node.book()
        rows = [_row(book, each) for each in invitations.found_for(node, who)]
        return render_template("edge/filings/to_sign.html", rows=rows, now_ms=node.clock.now())


def _row(book: Book, found: Invited) -> dict[str, object]:
    claim = found.draft.claim
    return {
        "id": found.draft.id.hex(),
        "title": title_of(claim.proceedings),
        "subject": category_word(book, claim.category),
        "court": court_word(book, claim.court),
        "author": calm_name(found.author.name) if not found.author.bin else found.author.name,
        "role": role_words()[found.party.role],
        "signed": found.signed,
        "until_ms": found.draft.until_ms,
    }


def _add_sign(pages: Blueprint, node: Node) -> None:
    @pages.route("/to-sign/<id>", methods=["GET", "POST"], endpoint="invited")
    @takes_key
    def sign(id: str) -> Answer:
        who, key = access.require_visitor(), read_id(id)
        found, form, now = invitations.find(node, who, key), InvitedForm(), node.clock.now()
        shown = form.shown.data or ""
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    content = invitations.to_sign(node, who, key, shown=shown, at_ms=now)
                    return hand_out(content, at_ms=now, iin=who.iin, bin=who.bin)
                signer = open_key_of(form, node.trust, now, lambda at: invitations.to_sign(node, who, key, shown=shown, at_ms=at))
                invitations.sign(node, who, key, signer, shown=shown)
                flash(gettext("You have signed. Nothing is sent yet: the author of the document sends it."))
                return redirect(url_for("filings.to_sign"), 303)
        ready = invitations.is_ready(node, found)
        paper = found.draft.content.paper if ready else None
        form.shown.data = paper.sha256 if paper else ""
        claim = found.draft.claim
        return form.page(
            "edge/filings/invited.html",
            id=id,
            row=_row(node.book(), found),
            ready=ready,
            paper=paper,
            case_facts=case_facts(node.book(), claim),
            files=claim.attachments,
        )

    @pages.route("/to-sign/<id>/decline", methods=["GET", "POST"])
    def decline(id: str) -> Answer:
        who, key = access.require_visitor(), read_id(id)
        found = invitations.find(node, who, key)
        if request.method == "POST":
            invitations.decline(node, who, key)
            flash(gettext("You have declined. The author of the document reads it."))
            return redirect(url_for("filings.to_sign"), 303)
        return render_confirm(
            gettext("Not sign this document?"),
            action=url_for("filings.decline", id=id),
            verb=gettext("I do not sign"),
            back=url_for("filings.invited", id=id),
            happens=[gettext("The document leaves your list, and its author reads that you declined.")],
            stays=[gettext("A signature you have made stays in it.")] if found.signed else [],
        )


def _add_papers(pages: Blueprint, node: Node) -> None:
    @pages.get("/to-sign/<id>/statement.pdf")
    def invited_statement(id: str) -> Response:
        data = invitations.read_statement(node, access.require_visitor(), read_id(id))
        return file_answer(data, name="statement.pdf", kind="application/pdf", inline=True)

    @pages.get("/to-sign/<id>/files/<sha256>")
    def invited_file(id: str, sha256: str) -> Response:
        file, data = invitations.read_file(node, access.require_visitor(), read_id(id), sha256)
        return file_answer(data, name=file.title or sha256[:8], kind=file.media_type, inline=True)
