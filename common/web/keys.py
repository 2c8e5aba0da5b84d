"""The person's key on a page: a file opened in memory for one signature, or NCALayer; and tries that are counted.

    class SignForm(KeyForm):
        …                                               # fields of its own

    @pages.route("/sign", methods=["GET", "POST"])
    @takes_key
    def sign() -> …:
        form, now = SignForm(), node.clock.now()
        content = lambda at: what_is_signed(…, at)      # only a key elsewhere needs it before it signs
        if form.validate_on_submit():
            with form.refusals():
                if form.asks():
                    return hand_out(content(now), at_ms=now)
                signer = opened(form, node.trust, now, content)
                …                                       # use it; it is gone when the view returns
        return form.page("edge/…/sign.html")

    {% from "shared/key.html" import key_fields, key_form %}
    {% call key_form(class="sheet") %}{{ key_fields(form) }}…{% endcall %}

The file is read into memory and written nowhere: ``takes_key`` keeps the whole body below the size from which Werkzeug
(500 KiB) and waitress (512 KiB) would put it into a temporary file. A wrong password is counted against the file and
against the client; both are forgotten with the process.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, request
from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import HiddenField, PasswordField
from wtforms.validators import StopValidation

from common.clock import Clock
from common.errors import N_, CourtError, Refused, TooMany
from common.pki import cms
from common.pki.certificates import Certificate
from common.pki.opening import P12_BYTES_MAX, PASSWORD_CHARS_MAX, Signer, open_file, open_key, take_signature
from common.pki.trust import Trust
from common.web import ncalayer
from common.web.forms import ChoiceField, CourtForm, Required
from common.web.limits import RateLimit, accept_bytes
from common.web.ncalayer import hand_out as hand_out
from common.web.secure import private_channel, require_private_channel

View = TypeVar("View", bound=Callable[..., Any])
Found = TypeVar("Found")

KEY_BODY_BYTES_MAX = 256 * 1024
"""A key file, its password and the page's own fields; see above why not more."""
FILE_TRIES_MAX = 5
"""Wrong passwords for one key file in a window."""
CLIENT_TRIES_MAX = 40
"""Keys that did not open, from one address in a window; a kiosk is one address for everybody who stands at it."""
ASKS_MAX = 200
"""Things to sign handed out to one address in a window."""
WINDOW_MS = 15 * 60_000
EXTENSION = "court_key_tries"

WRONG_PASSWORD = N_(
    "The password does not fit this key file. Check the language and the Caps Lock key, choose the file again and type the password "
    "once more. Tries left: %(left)d."
)
FILE_TRIES = N_("The password of this key file was wrong too often. Try again in %(minutes)d min.")
CLIENT_TRIES = N_("Too many keys did not open here. Try again in %(minutes)d min or go to the court's office.")


class Asked(Required):
    """Needed where the key is a file that is opened here."""

    def __call__(self, form: Any, field: Any) -> None:
        if form.elsewhere:
            raise StopValidation
        super().__call__(form, field)


class KeyForm(CourtForm):
    """A form that takes a key; its owner is known only after the password, or after NCALayer has signed."""

    key_where = ChoiceField(
        lazy_gettext("Where is your signing key?"),
        choices=[
            ("file", lazy_gettext("On a USB stick"), lazy_gettext("a .p12 file, opened on this machine")),
            ("ncalayer", lazy_gettext("NCALayer"), lazy_gettext("an ID card, a token or a file on your own computer")),
        ],
        default="file",
    )
    key_file = FileField(lazy_gettext("Key file"), [Asked(lazy_gettext("Choose the key file: its name ends in .p12."))])
    key_password = PasswordField(lazy_gettext("Password of the key"), [Asked(lazy_gettext("Type the password of the key."))])
    ask = HiddenField()
    signature = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("key_where", "key_file", "key_password"):  # what is asked last is corrected last, in every form
            self._fields[name] = self._fields.pop(name)
        if self.key_welcome:
            ncalayer.allow_connection()

    @property
    def elsewhere(self) -> bool:
        """Whether the key stays in NCALayer."""
        return bool(self.key_where.data == "ncalayer")

    def asks(self) -> bool:
        """Return whether the page's script wants to know what is to be signed. Raises as `opened`."""
        if not (self.elsewhere and self.ask.data):
            return False
        require_private_channel()
        _limited(lambda: _tries().asks.hit(request.remote_addr or ""), "key.client_tries", CLIENT_TRIES)
        return True

    def refuse(self, error: CourtError) -> None:
        """As `CourtForm`; what is wrong with a key of NCALayer stands at the choice, not at the fields of the file."""
        if self.elsewhere and error.field in ("key_file", "key_password"):
            error.field = "key_where"
        super().refuse(error)

    @property
    def key_welcome(self) -> bool:
        """Whether a key may be given over this channel; where not, the page says why (DESIGN 5)."""
        return private_channel()

    @property
    def key_chars_max(self) -> int:
        return PASSWORD_CHARS_MAX


@dataclass(frozen=True, slots=True)
class _Tries:
    file: RateLimit
    client: RateLimit
    asks: RateLimit


def takes_key(view: View) -> View:
    """Keep the body of a request that may carry a key in memory: put it directly under the route."""
    return accept_bytes(KEY_BODY_BYTES_MAX)(view)


def opened(form: KeyForm, trust: Trust, now_ms: int, make: ncalayer.MakeContent | None = None) -> Signer:
    """Return who signs: the key that the person gave, open and checked, or the signature that NCALayer made.

    ``make`` makes again what NCALayer was handed out; without it that lies in the session. The caller lets go of a key before
    it answers. Raises Refused("p12.…", "pki.…", "cms.…" or "signing.…") at the field to look at, TooMany("key.file_tries" or
    "key.client_tries"), Forbidden("web.insecure") over a channel on which others may listen.
    """

    def opening(data: bytes, password: str) -> Signer:
        return open_key(data, password, trust, now_ms=now_ms)

    def taking(taken: ncalayer.Taken) -> Signer:
        return take_signature(taken.text, taken.content, trust, asked_ms=taken.asked_ms, now_ms=now_ms)

    require_private_channel()
    return _given(form, now_ms, make, taking) if form.elsewhere else _opened(form, opening)


def certificate_of(form: KeyForm, now_ms: int) -> Certificate:
    """Return the certificate of the key that the person gave, whether or not it is trusted: its holder has proved to have the key.

    With NCALayer a text kept in the session was signed. Raises as `opened`, but for "pki.…".
    """

    def taking(taken: ncalayer.Taken) -> Certificate:
        return cms.verify_detached(cms.unarmoured(taken.text), taken.content)

    require_private_channel()
    if form.elsewhere:
        return _given(form, now_ms, None, taking)
    return _opened(form, lambda data, password: open_file(data, password).certificate)


def _given(form: KeyForm, now_ms: int, make: ncalayer.MakeContent | None, judge: Callable[[ncalayer.Taken], Found]) -> Found:
    client, tries = request.remote_addr or "", _tries()
    _limited(lambda: tries.client.check(client), "key.client_tries", CLIENT_TRIES)
    try:
        return judge(ncalayer.take(form.signature.data or "", now_ms=now_ms, make=make))
    except Refused as error:
        tries.client.hit(client)
        raise Refused(error.code, error.sentence, field=error.field or "key_where", **error.params) from error


def _opened(form: KeyForm, opening: Callable[[bytes, str], Found]) -> Found:
    data = form.key_file.data.read(P12_BYTES_MAX + 1)
    file, client, tries = hashlib.sha256(data).hexdigest(), request.remote_addr or "", _tries()
    _limited(lambda: tries.client.check(client), "key.client_tries", CLIENT_TRIES)
    # counted before the password is tried, so that many requests at once get no more tries than one after another
    _limited(lambda: tries.file.hit(file), "key.file_tries", FILE_TRIES)
    try:
        found = opening(data, form.key_password.data or "")
    except Refused as error:
        tries.client.hit(client)
        if error.code == "p12.password":
            raise Refused(error.code, WRONG_PASSWORD, field="key_password", left=tries.file.left(file)) from error
        tries.file.forgive(file)
        raise Refused(error.code, error.sentence, field="key_file", **error.params) from error
    tries.file.forgive(file)
    return found


def _limited(count: Callable[[], None], code: str, sentence: str) -> None:
    try:
        count()
    except TooMany as error:
        raise TooMany(code, sentence, field="key_password", **error.params) from error


def _tries() -> _Tries:
    clock: Clock = current_app.extensions["clock"]
    made = _Tries(*(RateLimit(clock, limit, WINDOW_MS) for limit in (FILE_TRIES_MAX, CLIENT_TRIES_MAX, ASKS_MAX)))
    found: _Tries = current_app.extensions.setdefault(EXTENSION, made)
    return found
