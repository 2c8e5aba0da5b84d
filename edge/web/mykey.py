"""«Test my key»: open to everybody, at the kiosk and at home; a key file or NCALayer; nothing is kept."""

from collections.abc import Mapping

from flask import Blueprint, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from common.errors import N_
from common.papers.words import date_time_words, iin_groups
from common.people import calm_name
from common.pki.profile import IDENTIFICATION_WORDS, ROLE_WORDS, STORAGE_WORDS
from common.web.checking import Line
from common.web.keys import KeyForm, certificate_of, hand_out, takes_key
from common.web.languages import current_language, tell, when
from edge.node import Node
from edge.services import mykey
from edge.services.mykey import KeyFacts
from edge.web.filings_words import court_word
from edge.web.frame import ROLES


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``mykey``."""
    pages = Blueprint("mykey", __name__)

    @pages.route("/key", methods=["GET", "POST"])
    @takes_key
    def show() -> Response | tuple[str, int]:
        form = KeyForm()
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return hand_out(mykey.text_to_sign(node), at_ms=node.clock.now(), keep=True)
                found = mykey.examine(node, certificate_of(form, node.clock.now()))
                return _page(node, KeyForm(formdata=None), found), 200
        return _page(node, form, None), 400 if form.errors else 200

    return pages


def _page(node: Node, form: KeyForm, found: KeyFacts | None) -> str:
    return render_template(
        "edge/mykey/show.html",
        form=form,
        checked=found is not None,
        good=found is not None and found.problem is None,
        facts=_facts(found) if found else [],
        lines=_lines(node, found) if found else [],
    )


def _facts(found: KeyFacts) -> list[tuple[str, str]]:
    certificate, lang = found.certificate, current_language()
    name = calm_name(certificate.full_name or certificate.subject)
    rows = [(gettext("Issued to"), name)]
    if certificate.iin:
        rows.append((gettext("IIN"), iin_groups(certificate.iin)))
    if certificate.bin:
        rows.append((gettext("Organisation"), f"{certificate.organisation}, {gettext('BIN')}\u00a0{iin_groups(certificate.bin)}"))
    rows.append((gettext("Role"), _words(ROLE_WORDS, certificate.role)))
    rows.append((gettext("Valid from"), date_time_words(certificate.not_before_ms, lang)))
    rows.append((gettext("Valid until"), date_time_words(certificate.not_after_ms, lang)))
    rows.append((gettext("Algorithm"), certificate.algorithm))
    rows.append((gettext("Where the key is kept"), _words(STORAGE_WORDS, certificate.storage)))
    rows.append((gettext("Identification"), _words(IDENTIFICATION_WORDS, certificate.identification)))
    rows.append((gettext("Issued by"), certificate.issuer))
    return [row for row in rows if row[1]]


def _words(words: Mapping[str, str], code: str) -> str:
    """Return what ``code`` of a certificate means; empty where it says nothing: the empty sentence is a catalogue's own heading."""
    return gettext(words.get(code, code)) if code else ""


def _lines(node: Node, found: KeyFacts) -> list[Line]:
    """What the key is worth: in force or not, revoked as of which list, what may be signed with it here."""
    if found.problem is not None:
        return [Line(tell(found.problem), "bad"), _list_line(node, found)]
    return [Line(gettext("The key is accepted here."), "ok"), _list_line(node, found), _right(found), *_offices(node, found)]


def _right(found: KeyFacts) -> Line:
    name, role = found.certificate.organisation, found.certificate.role
    if found.for_person:
        return Line(gettext("You may sign in and sign as a person, in your own name."), "ok")
    if found.for_organisation:
        return Line(gettext("You may sign for %(name)s, as: %(role)s.", name=name, role=gettext(ROLE_WORDS[role])), "ok")
    if found.certificate.bin and found.certificate.iin:
        return Line(gettext("You may open the cabinet of %(name)s and fill in its forms, but not sign for it.", name=name), "warn")
    return Line(gettext("This key names no person: nothing can be signed with it here."), "bad")


def _offices(node: Node, found: KeyFacts) -> list[Line]:
    book = node.book()
    said = [(gettext(ROLES[each.role]), court_word(book, each.court)) for each in found.offices if each.role in ROLES]
    return [Line(gettext("You are on the staff list: %(role)s, %(court)s.", role=role, court=court), "ok") for role, court in said]


def _list_line(node: Node, found: KeyFacts) -> Line:
    if found.list is None:
        return Line(gettext("There is no revocation list of its certification centre here: whether it is revoked is not known."), "warn")
    time = when(found.list.this_update_ms, node.clock.now())
    if found.problem is not None and found.problem.code == "pki.revoked":
        return Line(gettext("It stands on the revocation list of its certification centre as of %(time)s.", time=time), "bad")
    if found.stale:
        sentence = N_("It is not on the revocation list as of %(time)s; that list is out of date, a newer one comes with the line.")
        return Line(gettext(sentence, time=time), "warn")
    return Line(gettext("It is not on the revocation list of its certification centre as of %(time)s.", time=time), "ok")
