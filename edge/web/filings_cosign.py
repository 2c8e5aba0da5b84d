"""Another party signs the same statement: the principal beside the representative, the other side of an agreement."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField

from common.court.claim import Party
from common.court.rules import unsettled
from common.court.signing import others_to_sign
from common.web.forms import Required
from common.web.keys import KeyForm, hand_out, opened, takes_key
from edge.node import Node
from edge.services import cosigning, filings, signing, statements
from edge.services.draft_content import Draft
from edge.web.filings_draft import opened as opened_draft
from edge.web.filings_party_form import role_words
from edge.web.filings_sign import leftovers


class CosignForm(KeyForm):
    """The other party's key, which statement was on the screen, and that it was read."""

    shown = HiddenField()
    agreed = BooleanField(
        lazy_gettext("I have read the document on this screen and agree with it"),
        [Required(lazy_gettext("Read the document first and tick this box, then sign."))],
    )


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the page on which another party signs."""

    @pages.route("/drafts/<id>/cosign", methods=["GET", "POST"])
    @takes_key
    def cosign(id: str) -> str | tuple[str, int] | Response:
        who, draft = opened_draft(node, id)
        if unsettled(filings.preflight(node, who, draft)) or leftovers(node, draft, id):
            return redirect(url_for("filings.review", id=id), 303)
        draft = statements.prepare(node, who, draft.id)
        form, now = CosignForm(), node.clock.now()
        shown = form.shown.data or ""
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return hand_out(cosigning.cosign_to_sign(node, who, draft.id, shown=shown, at_ms=now), at_ms=now)
                signer = opened(form, node.trust, now, lambda at: cosigning.cosign_to_sign(node, who, draft.id, shown=shown, at_ms=at))
                cosigning.cosign(node, who, draft.id, signer, shown=shown)
                flash(gettext("The signature is in the document. It is sent when you sign it too."))
                return redirect(url_for("filings.review", id=id), 303)
        assert draft.content.paper is not None, "prepare has just made it"
        form.shown.data = draft.content.paper.sha256
        parties = [_party(draft, party) for party in others_to_sign(draft.claim, author=who.person)]
        page = render_template("edge/filings/cosign.html", form=form, id=id, parties=parties)
        return page, 400 if form.errors else 200


def _party(draft: Draft, party: Party) -> dict[str, str | bool]:
    """Return a party with how far its signature is: signed, invited (waiting in their cabinet), declined or nothing yet."""
    signed = {each.bin or each.iin for each in signing.cosigners_of(draft)}
    invited = draft.content.invited
    waits = invited is not None and party.number in invited.waiting
    declined = invited is not None and party.number in invited.declined
    word = (
        gettext("has signed")
        if party.number in signed
        else gettext("invited, has not signed yet")
        if waits
        else gettext("has declined to sign")
        if declined
        else gettext("has not signed")
    )
    kind = "ok" if party.number in signed else "bad" if declined and not waits else "unknown"
    return {
        "title": f"{role_words()[party.role]}: {party.display_name}",
        "name": party.display_name,
        "number": party.number,
        "word": word,
        "kind": kind,
        "signed": party.number in signed,
        "waits": waits,
    }
