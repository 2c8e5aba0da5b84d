"""The person's key on a page: two fields, opened in memory for one signature, and tries that are counted.

    class SignForm(KeyForm):
        …                                               # fields of its own

    @pages.route("/sign", methods=["GET", "POST"])
    @takes_key
    def sign() -> …:
        form = SignForm()
        if form.validate_on_submit():
            with form.refusals():
                key = opened(form, node.trust, node.clock.now())
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
from wtforms import PasswordField

from common.clock import Clock
from common.errors import N_, Refused, TooMany
from common.pki.opening import P12_BYTES_MAX, PASSWORD_CHARS_MAX, OpenedKey, open_key
from common.pki.trust import Trust
from common.web.forms import CourtForm, Required
from common.web.limits import RateLimit, accept_bytes
from common.web.secure import private_channel, require_private_channel

View = TypeVar("View", bound=Callable[..., Any])

KEY_BODY_BYTES_MAX = 256 * 1024
"""A key file, its password and the page's own fields; see above why not more."""
FILE_TRIES_MAX = 5
"""Wrong passwords for one key file in a window."""
CLIENT_TRIES_MAX = 40
"""Keys that did not open, from one address in a window; a kiosk is one address for everybody who stands at it."""
WINDOW_MS = 15 * 60_000
EXTENSION = "court_key_tries"

WRONG_PASSWORD = N_(
    "The password does not fit this key file. Check the language and the Caps Lock key, choose the file again and type the password "
    "once more. Tries left: %(left)d."
)
FILE_TRIES = N_("The password of this key file was wrong too often. Try again in %(minutes)d min.")
CLIENT_TRIES = N_("Too many keys did not open here. Try again in %(minutes)d min or go to the court's office.")


class KeyForm(CourtForm):
    """A form that takes a key; its owner is known only after the password."""

    key_file = FileField(lazy_gettext("Key file"), [Required(lazy_gettext("Choose the key file: its name ends in .p12."))])
    key_password = PasswordField(lazy_gettext("Password of the key"), [Required(lazy_gettext("Type the password of the key."))])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("key_file", "key_password"):  # what is asked last is corrected last, in every form
            self._fields[name] = self._fields.pop(name)

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


def takes_key(view: View) -> View:
    """Keep the body of a request that may carry a key in memory: put it directly under the route."""
    return accept_bytes(KEY_BODY_BYTES_MAX)(view)


def opened(form: KeyForm, trust: Trust, now_ms: int) -> OpenedKey:
    """Return the key that the person gave, open and checked; the caller lets go of it before it answers.

    Raises Refused("p12.…" or "pki.…") at the field to look at, TooMany("key.file_tries" or "key.client_tries"),
    Forbidden("web.insecure") over a channel on which others may listen.
    """
    require_private_channel()
    data = form.key_file.data.read(P12_BYTES_MAX + 1)
    file, client, tries = hashlib.sha256(data).hexdigest(), request.remote_addr or "", _tries()
    _limited(lambda: tries.client.check(client), "key.client_tries", CLIENT_TRIES)
    # counted before the password is tried, so that many requests at once get no more tries than one after another
    _limited(lambda: tries.file.hit(file), "key.file_tries", FILE_TRIES)
    try:
        key = open_key(data, form.key_password.data or "", trust, now_ms=now_ms)
    except Refused as error:
        tries.client.hit(client)
        if error.code == "p12.password":
            raise Refused(error.code, WRONG_PASSWORD, field="key_password", left=tries.file.left(file)) from error
        tries.file.forgive(file)
        raise Refused(error.code, error.sentence, field="key_file", **error.params) from error
    tries.file.forgive(file)
    return key


def _limited(count: Callable[[], None], code: str, sentence: str) -> None:
    try:
        count()
    except TooMany as error:
        raise TooMany(code, sentence, field="key_password", **error.params) from error


def _tries() -> _Tries:
    clock: Clock = current_app.extensions["clock"]
    made = _Tries(RateLimit(clock, FILE_TRIES_MAX, WINDOW_MS), RateLimit(clock, CLIENT_TRIES_MAX, WINDOW_MS))
    found: _Tries = current_app.extensions.setdefault(EXTENSION, made)
    return found
