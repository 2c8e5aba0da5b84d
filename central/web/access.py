"""Who is here, and what they may open: the only place where a page asks for rights (invariant 10).

Only the administration signs in at the centre, with their own keys. Whether a key still belongs to somebody whom the
centre has appointed is read anew from the staff list on each request; everybody else sees 404.
"""

import secrets
from dataclasses import dataclass

from flask import current_app, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException

from central.centre import Centre
from common.court import staff
from common.court.accounts import sign_in_challenge
from common.errors import N_, NotFound, Refused
from common.papers.words import date_time_short
from common.pki.certificates import Certificate
from common.web.sessions import renew_session

ROLE = "central"
CENTRE_NODE = 0
ONCE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody of the centre's staff; ``certificate`` is the SHA-256 of their key's certificate."""

    name: str
    certificate: bytes


def challenge(centre: Centre) -> bytes:
    """Return a new text for NCALayer to sign: a sign-in at the centre, used once by the session that asked for it."""
    time = date_time_short(centre.clock.now(), seconds=True)
    return sign_in_challenge(node=CENTRE_NODE, time=time, once=secrets.token_bytes(ONCE_BYTES))


def sign_in(centre: Centre, certificate: Certificate) -> None:
    """Begin a session of the key's holder; raises Refused("access.not_central") unless the centre has appointed them."""
    if _appointed(centre, certificate.sha256) is None:
        raise Refused(
            "access.not_central",
            N_("The centre has appointed nobody with this key. Ask an administrator, or choose the key you were appointed with."),
            field="key_file",
        )
    looks = {name: session[name] for name in ("lang", "theme") if name in session}
    session.clear()
    session.update(looks)
    session["administrator"] = certificate.sha256.hex()
    renew_session(current_app._get_current_object())  # type: ignore[attr-defined]


def administrator(centre: Centre) -> Administrator | None:
    """Return who is signed in and still appointed, or None."""
    held = session.get("administrator")
    certificate = bytes.fromhex(held) if held else b""
    appointment = _appointed(centre, certificate) if certificate else None
    return Administrator(appointment.name, certificate) if appointment else None


class _SignInFirst(HTTPException):
    """Leads to the sign-in page and back."""

    code = 303

    def __init__(self) -> None:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        super().__init__(response=redirect(url_for("home.enter", next=back), 303))


def require_administrator(centre: Centre) -> Administrator:
    """Return the administrator; whoever is not signed in goes to the sign-in page, everybody else gets 404."""
    if "administrator" not in session:
        raise _SignInFirst
    found = administrator(centre)
    if found is None:
        raise NotFound("access.none", N_("There is no such page, or it is not for you."))
    return found


def _appointed(centre: Centre, certificate: bytes) -> staff.Appointment | None:
    held = staff.roles_at(centre.database, certificate, now_ms=centre.clock.now())
    return next((one for one in held if one.role == ROLE and not one.court), None)
