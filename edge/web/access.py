"""Who is here, and what they may open: the only place where a page asks for rights (invariant 10).

A citizen or an organisation is a `Visitor`, known by IIN or BIN. Staff are visitors whose certificate the centre has
appointed at a court this node writes for; what they may do is read anew from the staff list on each request, so that a
dismissal takes effect with the exchange that brings it.
"""

from dataclasses import dataclass

import msgspec
from flask import current_app, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException

from common.court import staff, writers
from common.court.cases import Case
from common.court.filing_entries import Witness
from common.errors import N_, Forbidden, NotFound
from common.ids import OBJECT_ID_BYTES
from common.web.sessions import renew_session
from edge.node import Node
from edge.services import cases
from edge.services.desk import NOT_FOR_YOU
from edge.visitor import Visitor as Visitor

READERS = frozenset({"clerk", "judge", "chairman"})
"""Who reads what comes to their court; an administrator runs the machine and has no right to its contents."""
DECIDERS = writers.DECIDERS
"""Who registers and refuses."""
ROLES = ("clerk", "chairman", "judge", "administrator")
"""Of several offices at one court the one that does most at the desk speaks."""


@dataclass(frozen=True, slots=True)
class Officer:
    """A visitor acting as staff of ``court``."""

    visitor: Visitor
    court: str
    role: str


def visitor() -> Visitor | None:
    """Return who is signed in, or None."""
    data = session.get("visitor")
    if not data:
        return None
    witness = msgspec.convert(data["witness"], Witness) if data.get("witness") else None
    return Visitor(data["person"], data["iin"], data["bin"], data["name"], bytes.fromhex(data["certificate"]), data["how"], witness)


def sign_in(who: Visitor) -> None:
    """Begin a session of ``who``: a new id, a new CSRF token, nothing of the visitor before."""
    looks = {name: session[name] for name in ("lang", "theme", "large", "low") if name in session}
    session.clear()
    session.update(looks)
    session["visitor"] = {
        "person": who.person,
        "iin": who.iin,
        "bin": who.bin,
        "name": who.name,
        "certificate": who.certificate.hex(),
        "how": who.how,
        "witness": msgspec.to_builtins(who.witness),
    }
    renew_session(current_app._get_current_object())  # type: ignore[attr-defined]


class _SignInFirst(HTTPException):
    """Leads to the sign-in page and back."""

    code = 303

    def __init__(self, endpoint: str) -> None:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        super().__init__(response=redirect(url_for(endpoint, next=back), 303))


def require_visitor(*, witnessed: bool = False) -> Visitor:
    """Return who is signed in; otherwise leads to the sign-in page and back.

    Only pages that take part in filing are open to a witness for somebody (``witnessed``): a cabinet is opened by its key alone.
    """
    who = visitor()
    if who is None:
        raise _SignInFirst("accounts.enter")
    if who.witness is not None and not witnessed:
        raise NotFound("access.witness", N_("The cabinet of a person opens with the person's own key. Finish this filing here."))
    return who


def offices(node: Node, roles: frozenset[str] | None = None) -> tuple[Officer, ...]:
    """Return every office that the signed-in visitor holds at courts of this node, those of the chosen court first."""
    who = visitor()
    if who is None or not who.certificate or who.how != "key":
        return ()
    courts = node.courts()
    held = staff.roles_at(node.database, who.certificate, now_ms=node.clock.now())
    found = [Officer(who, each.court, each.role) for each in held if each.court in courts and each.role in (roles or ROLES)]
    return tuple(sorted(found, key=lambda each: (each.court != session.get("court"), courts.index(each.court), ROLES.index(each.role))))


def officer(node: Node, roles: frozenset[str] | None = None) -> Officer | None:
    """Return the signed-in visitor as staff of a court of this node, or None; of the chosen court where there are several."""
    return next(iter(offices(node, roles)), None)


def choose_court(court: str) -> None:
    """Remember at which court an officer of several works now; it gives no right, `offices` does."""
    session["court"] = court


def require_officer(node: Node, *roles: str, court: str = "") -> Officer:
    """Return the visitor as staff with one of ``roles`` (any when none is given), at ``court`` where one is named.

    404 for everybody else who is signed in; who is not is led to the desk's sign-in.
    """
    if visitor() is None:
        raise _SignInFirst("desk.enter")
    for found in offices(node, frozenset(roles) or None):
        if not court or found.court == court:
            return found
    raise NotFound("access.none", NOT_FOR_YOU)


def officer_of_case(node: Node, id: str, roles: frozenset[str] = READERS) -> tuple[Officer, Case]:
    """Return the visitor as staff of the court of a case, with one of ``roles``, and the case; 404 for everybody else."""
    require_officer(node, *roles)
    case = cases.case_of(node, read_object(id))
    if case is None:
        raise NotFound("access.none", NOT_FOR_YOU)
    return require_officer(node, *roles, court=case.court), case


def read_object(text: str) -> bytes:
    """Return the object id of an address; raises as `read_hex`."""
    return read_hex(text, OBJECT_ID_BYTES)


def read_hex(text: str, size: int) -> bytes:
    """Return ``size`` bytes of an address; raises NotFound("access.none") for anything else."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != size:
        raise NotFound("access.none", NOT_FOR_YOU)
    return value


def require_key(who: Visitor) -> bytes:
    """Return the visitor's certificate hash; raises Forbidden("access.key") for one who came with a password."""
    if not who.certificate:
        raise Forbidden("access.key", N_("This needs your signing key. Sign in with the key."))
    return who.certificate
