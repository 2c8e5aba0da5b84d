"""Pages of registration and sign-in (REG-1…7): the agreement, the form with the key, two ways in, a new password.

A page with a password of the cabinet is served over a private channel or not at all; the page of sign-in by key says on an
open channel why no key can be given there. Wrong passwords are counted for each number and for each client.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import force_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField, ValidationError

from common.errors import N_, Forbidden, Refused, TooMany
from common.pki.certificates import Certificate
from common.pki.opening import require_holder
from common.web.forms import CourtForm, Required
from common.web.frame import safe_next
from common.web.keys import KeyForm, hand_out, opened, takes_key
from common.web.languages import LANGUAGES, current_language, tell
from common.web.limits import RateLimit
from common.web.ncalayer import LATE
from common.web.parts import Tab
from common.web.secure import require_private_channel
from common.web.sessions import erase_session
from edge.node import Node
from edge.services import accounts, agreement, passwords
from edge.visitor import Visitor
from edge.web import access

MINUTE_MS = 60_000
NUMBER_TRIES_MAX = 5
"""Wrong passwords for one IIN or BIN in TRIES_MS."""
CLIENT_TRIES_MAX = 40
"""Wrong passwords from one address in TRIES_MS; a kiosk is one address for everybody who stands at it."""
TRIES_MS = 15 * MINUTE_MS
CHANGES_MAX = 10
"""Registrations and new passwords of one person in CHANGES_MS: each is an entry that travels the country."""
CHANGES_MS = 60 * MINUTE_MS

NUMBER_TRIES = N_("The password for this number was wrong too often. Try again in %(minutes)d min, or sign in by key now.")
CLIENT_TRIES = N_("Too many wrong passwords came from this machine. Try again in %(minutes)d min, or sign in by key now.")
CHANGES = N_("You changed this often enough for now. Try again in %(minutes)d min.")


class EnterForm(KeyForm):
    pass


class PasswordForm(CourtForm):
    login = StringField(
        lazy_gettext("IIN or BIN"), [Required(lazy_gettext("Enter your IIN or the BIN."))], description=lazy_gettext("12 digits")
    )
    password = PasswordField(lazy_gettext("Password of the cabinet"), [Required(lazy_gettext("Type your password."))])


class AgreementForm(CourtForm):
    version = HiddenField()
    accept = BooleanField(
        lazy_gettext("I have read the user agreement and accept it"),
        [Required(lazy_gettext("Without accepting the agreement one cannot register. Tick the box if you accept it."))],
    )


class NewPasswordForm(KeyForm):
    password = PasswordField(
        lazy_gettext("Password of the cabinet"),
        [Required(lazy_gettext("Think up a password."))],
        description=lazy_gettext(
            "At least 10 characters, for example four words that do not belong together. It is not the password of the key."
        ),
    )
    password_again = PasswordField(lazy_gettext("The same password again"), [Required(lazy_gettext("Type the password a second time."))])

    def validate_password(self, field: Any) -> None:
        """Refuse a weak password before the key is opened: the file would have to be chosen again."""
        with _at_field():
            passwords.check_new(field.data, person="")

    def validate_password_again(self, field: Any) -> None:
        """Refuse two different passwords: nobody sees what they type."""
        if field.data != self.password.data:
            raise ValidationError(gettext("The two passwords differ. Type both again."))


class RegisterForm(NewPasswordForm):
    email = EmailField(
        lazy_gettext("E-mail"),
        [Required(lazy_gettext("Write your e-mail."))],
        description=lazy_gettext("For letters of the court. Nobody is searched by it."),
    )

    def validate_email(self, field: Any) -> None:
        """As `accounts.check_email`."""
        with _at_field():
            accounts.check_email(field.data)


class Gate:
    """Counts what may be tried how often at this node."""

    def __init__(self, node: Node) -> None:
        self._numbers = RateLimit(node.clock, NUMBER_TRIES_MAX, TRIES_MS)
        self._clients = RateLimit(node.clock, CLIENT_TRIES_MAX, TRIES_MS)
        self._changes = RateLimit(node.clock, CHANGES_MAX, CHANGES_MS)

    def sign_in(self, node: Node, person: str, password: str, client: str) -> Visitor:
        """Return the visitor; raises TooMany, or what `accounts.sign_in_by_password` refuses."""
        self._hit(self._clients.check, client, "enter.client_tries", CLIENT_TRIES)
        # counted before the password is tried, so that many requests at once get no more tries than one after another
        self._hit(self._numbers.hit, person, "enter.number_tries", NUMBER_TRIES)
        try:
            who = accounts.sign_in_by_password(node, person, password)
        except Refused:
            self._clients.hit(client)
            raise
        self._numbers.forgive(person)
        return who

    def change(self, person: str) -> None:
        """Count one registration or new password of a person; raises TooMany."""
        self._hit(self._changes.hit, person, "account.changes", CHANGES)

    def password_is_new(self, person: str) -> None:
        """Forget the wrong tries of somebody who has just proved by key who they are."""
        self._numbers.forgive(person)

    def _hit(self, count: Any, key: str, code: str, sentence: str) -> None:
        try:
            count(key)
        except TooMany as error:
            raise TooMany(code, sentence, minutes=error.params["minutes"]) from error


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``accounts``."""
    pages = Blueprint("accounts", __name__)
    gate = Gate(node)

    @pages.before_app_request
    def hold_against_newer_list() -> None:
        who = access.visitor()
        if who is None or not who.certificate:
            return
        try:
            accounts.recheck(node, who.certificate)
        except Refused as refused:
            current_language()  # remembered for this page, which still speaks to the person who is leaving
            erase_session()
            raise Forbidden("account.key", KEY_GONE) from refused

    @pages.route("/enter", methods=["GET", "POST"])
    @takes_key
    def enter() -> Response | tuple[str, int]:
        who = access.visitor()
        if who is not None and who.how == "key":
            return _onwards()
        if request.method == "POST":
            require_private_channel()
        form = EnterForm()
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return challenge(node)
                key = opened(form, node.trust, node.clock.now())
                _require_same(key.certificate)
                access.sign_in(accounts.sign_in_by_key(node, key))
                return _onwards()
        return form.page("edge/accounts/enter.html", tabs=_ways("accounts.enter"))

    @pages.route("/enter/password", methods=["GET", "POST"])
    def enter_password() -> Response | tuple[str, int]:
        require_private_channel()
        if access.visitor() is not None:
            return _onwards()
        form = PasswordForm()
        if form.validate_on_submit():
            with form.refusals():
                person = accounts.read_login(form.login.data or "")
                access.sign_in(gate.sign_in(node, person, form.password.data or "", request.remote_addr or ""))
                return _onwards()
        return form.page("edge/accounts/password.html", tabs=_ways("accounts.enter_password"))

    @pages.route("/register", methods=["GET", "POST"])
    def register() -> Response | tuple[str, int]:
        form = AgreementForm()
        shown = agreement.version(gettext)
        if form.validate_on_submit():
            if form.version.data == shown:
                session["agreed"] = {"version": shown, "language": current_language()}
                return redirect(url_for("accounts.register_key"), 303)
            form.refuse(Refused("agreement.changed", N_("The agreement has changed meanwhile. Read it again, please.")))
        return form.page("edge/accounts/agreement.html", sections=agreement.sections(gettext), version=shown, steps_at=1)

    @pages.route("/register/key", methods=["GET", "POST"])
    @takes_key
    def register_key() -> Response | tuple[str, int]:
        require_private_channel()
        agreed = session.get("agreed")
        if not agreed or agreed["version"] != _version_in(agreed["language"]):
            return redirect(url_for("accounts.register"), 303)
        form = RegisterForm()
        if form.validate_on_submit():
            with form.refusals():
                said = {"email": form.email.data or "", "language": agreed["language"], "agreement": agreed["version"]}
                if form.asks():
                    return _statement(node, form, said)
                key = opened(form, node.trust, node.clock.now(), lambda _: accounts.registration_text(_proved(), **said))
                _require_same(key.certificate)
                gate.change(accounts.visitor_of(key.certificate).person)
                who = accounts.register(node, key, password=form.password.data or "", **said)
                return _after_change(who, gettext("You are registered. Your cabinet is open."))
        return form.page("edge/accounts/register.html")

    @pages.route("/reset", methods=["GET", "POST"])
    @takes_key
    def reset() -> Response | tuple[str, int]:
        require_private_channel()
        form = NewPasswordForm()
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return challenge(node)
                key = opened(form, node.trust, node.clock.now())
                _require_same(key.certificate)
                gate.change(accounts.visitor_of(key.certificate).person)
                who = accounts.set_password(node, key, form.password.data or "")
                return _after_change(who, gettext("The new password is set. It works at this court."))
        return form.page("edge/accounts/reset.html")

    @pages.get("/agreement")
    def read_agreement() -> str:
        return render_template(
            "edge/accounts/agreement.html", form=None, sections=agreement.sections(gettext), version=agreement.version(gettext)
        )

    def _after_change(who: Visitor, sentence: str) -> Response:
        gate.password_is_new(who.person)
        access.sign_in(who)
        flash(sentence)
        return _onwards()

    return pages


KEY_GONE = N_(
    "A newer revocation list has come, and the key with which you signed in is no longer accepted. The cabinet is closed. Get a new key "
    "from the certification centre; what you sent before stays sent."
)


def challenge(node: Node, *, again: bool = False) -> Response:
    """Answer a page's script with a challenge that NCALayer is to sign; whose key it will be is not known yet, or the visitor's."""
    who = access.visitor()
    text = accounts.make_challenge(node)
    iin, bin = (who.iin, who.bin) if who else ("", "")
    return hand_out(text, at_ms=node.clock.now(), keep=True, iin=iin, bin=bin, again=again)


def _statement(node: Node, form: KeyForm, said: dict[str, Any]) -> Response:
    """Answer a page's script with what NCALayer signs to register: a challenge first, for the statement names its signer."""
    if not form.signature.data:
        session.pop("proved", None)
        return challenge(node, again=True)
    who = accounts.sign_in_by_key(node, opened(form, node.trust, node.clock.now()), cabinet=False)
    session["proved"] = {"iin": who.iin, "bin": who.bin, "name": who.name}
    return hand_out(accounts.registration_text(_proved(), **said), at_ms=node.clock.now(), iin=who.iin, bin=who.bin)


def _proved() -> Visitor:
    """Return who has just proved in this session who they are, to register; nothing is open to them by that."""
    proved = session.get("proved")
    if not proved:
        raise Refused("signing.late", LATE)
    return Visitor(proved["bin"] or proved["iin"], proved["iin"], proved["bin"], proved["name"], b"", "")


def agreement_is_current(version: str) -> bool:
    """Return whether ``version`` is today's agreement in any of the languages."""
    return any(version == _version_in(language) for language in LANGUAGES)


@contextmanager
def _at_field() -> Iterator[None]:
    """Let a form's own check show the sentence of a use case."""
    try:
        yield
    except Refused as refused:
        raise ValidationError(tell(refused)) from refused


def _version_in(language: str) -> str:
    with force_locale(language):
        return agreement.version(gettext)


def _onwards() -> Response:
    return redirect(safe_next(request.args.get("next"), url_for("home.cabinet")), 303)


def _require_same(certificate: Certificate) -> None:
    """Keep the key of another person out of somebody's open session."""
    who = access.visitor()
    if who is not None:
        require_holder(certificate, iin=who.iin, bin=who.bin)


def _ways(current: str) -> list[Tab]:
    """The two ways in, as tabs; each keeps where the person wanted to go."""
    back = request.args.get("next")
    ways = (("accounts.enter", gettext("By key")), ("accounts.enter_password", gettext("By IIN or BIN and password")))
    return [Tab(url_for(name, next=back), label, name == current) for name, label in ways]
