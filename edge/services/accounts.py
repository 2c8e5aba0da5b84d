"""Accounts at this node: registration, sign-in by key or by password, the password itself (REG-1…7).

- A key opens the cabinet at any node, offline: this node writes a challenge, the key signs it, and the certificate is held
  against the trusted roots and the newest revocation list at hand, however old; how old is remembered until a newer list
  has come (`recheck`).
- A challenge names this node, is used once and lives CHALLENGE_MS.
- A password works only where it was set (`edge.services.passwords`). An unknown number costs as much time as a wrong
  password and gets the same sentence.
- The first sign-in or registration of a person here writes an account object of this node's own; `common.court.accounts`
  joins it with those of other nodes.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

from common.court import accounts
from common.court.accounts import Account, Open, Register
from common.court.writers import person_of
from common.db import BlobField, BooleanField, Database, IntegerField, Table, changed, create_tables, one_of, transaction
from common.errors import N_, Refused
from common.ids import new_object_id
from common.papers.words import Lang, date_time_short
from common.people import ID_DIGITS
from common.pki import cms
from common.pki.certificates import Certificate, read_certificate
from common.pki.opening import Signer
from common.pki.trust import Verdict
from edge.node import Node
from edge.services import passwords
from edge.visitor import Visitor
from sync.journal import Unit

CHALLENGE_MS = 5 * 60_000
"""How long a challenge waits for its signature: a person has to find a token and type its password."""
CHECK_KEPT_MS = 24 * 3_600_000
"""How long it is remembered that a key was checked against an old list; no session lives longer."""
ONCE_BYTES = 32
EMAIL_CHARS_MAX = 254  # RFC 5321, 4.5.3.1
EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[^@\s<>,;:\"()\[\]\\.]+(\.[^@\s<>,;:\"()\[\]\\.]+)+")

WRONG = N_(
    "The number or the password is wrong, or the password was set at another court. Sign in by key: it works in every court, "
    "and with it you can set a password here."
)


class ChallengeRow(Table):
    """A challenge that waits for its signature; deleted by the sign-in that uses it."""

    digest = BlobField(primary_key=True)
    made_ms = IntegerField(index=True)

    class Meta:
        table_name = "sign_in_challenge"


class KeyCheckRow(Table):
    """Against how old a list the key of somebody signed in was checked. Local; may be dropped at any time."""

    certificate = BlobField(primary_key=True)
    der = BlobField()
    checked_ms = IntegerField(index=True)
    as_of_ms = IntegerField(null=True)
    stale = BooleanField()

    class Meta:
        table_name = "key_check"


TABLES: tuple[type[Table], ...] = (ChallengeRow, KeyCheckRow, passwords.PasswordRow)


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """``as_of_ms``: the day of the revocation list, None where there is none; ``stale``: it was past its term."""

    as_of_ms: int | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Cabinet:
    """What this node knows of one person or organisation; texts are empty before registration."""

    person: str
    iin: str
    bin: str
    name: str
    email: str
    agreement: str
    registered: bool
    has_password: bool


def create(database: Database) -> None:
    """Create the local tables; called when the application is put together."""
    create_tables(database, TABLES)


# -- by key


def make_challenge(node: Node) -> bytes:
    """Return a new text for somebody's key to sign (`common.court.accounts.sign_in_challenge`)."""
    now = node.clock.now()
    time = date_time_short(now, seconds=True)
    challenge = accounts.sign_in_challenge(node=node.number, time=time, once=secrets.token_bytes(ONCE_BYTES))
    with transaction(node.database):
        changed(node.database, ChallengeRow.delete().where(ChallengeRow.made_ms < now - CHALLENGE_MS))
        ChallengeRow.insert(digest=hashlib.sha256(challenge).digest(), made_ms=now).execute(node.database)
    return challenge


def enter(node: Node, challenge: bytes, signature: bytes, *, cabinet: bool = True) -> Visitor:
    """Return who signed ``challenge`` (detached CMS); with ``cabinet`` their first time here opens one.

    Raises Refused("enter.challenge") for a text that this node did not give out, or that was used or is too old; what
    ``cms.verify_detached`` and ``Trust.check`` refuse; Refused("key.nobody") for a key of no person.
    """
    _redeem(node, challenge)
    certificate = cms.verify_detached(signature, challenge)
    now = node.clock.now()
    node.trust.refresh()
    verdict = node.trust.check(certificate, at_ms=now, now_ms=now)
    who = visitor_of(certificate)
    if cabinet:
        _open_cabinet(node, who, challenge, signature)
        node.hurry()
    _remember_check(node, certificate, verdict, now)
    return who


def sign_in_by_key(node: Node, signer: Signer, *, cabinet: bool = True) -> Visitor:
    """Return who signs, proved by a signature over a challenge: a new one, or the one that was given out to be signed elsewhere.

    ``cabinet=False``: staff at their desk. Raises as `enter`.
    """
    challenge = signer.content or make_challenge(node)
    return enter(node, challenge, signer.sign(challenge, at_ms=node.clock.now()), cabinet=cabinet)


def visitor_of(certificate: Certificate) -> Visitor:
    """Return the person or organisation of a certificate; raises Refused("key.nobody") where it names no person."""
    if not certificate.iin:
        sentence = N_("This key names no person: it belongs to an information system. Choose the key of a person.")
        raise Refused("key.nobody", sentence, field="key_file")
    person = person_of(certificate.iin, certificate.bin)
    name = certificate.organisation if certificate.bin else _written(certificate.full_name)
    return Visitor(person, certificate.iin, certificate.bin, name or person, certificate.sha256, "key")


def recheck(node: Node, certificate: bytes) -> KeyCheck | None:
    """Hold a key that signed in against a newer list, where one has come since; return how it stands, None if not known.

    ``certificate`` is its SHA-256. Raises Refused("pki.revoked" or "pki.expired"): the sign-in holds no longer.
    """
    row = one_of(node.database, KeyCheckRow.select().where(KeyCheckRow.certificate == certificate))
    if row is None:
        return None
    before = KeyCheck(row["as_of_ms"], bool(row["stale"]))
    if not before.stale or not _newer_list(node, before.as_of_ms):
        return before
    now = node.clock.now()
    read = read_certificate(row["der"])
    return _remember_check(node, read, node.trust.check(read, at_ms=now, now_ms=now), now)


# -- by password


def read_login(text: str) -> str:
    """Return the twelve digits of an IIN or BIN; raises Refused("login.length" or "login.digits").

    The check digit is not looked at: the national centre has issued certificates with a wrong one.
    """
    number = "".join(text.split())
    if not (number.isascii() and number.isdigit()):
        raise Refused("login.digits", N_("An IIN or BIN has digits only. Remove the other signs."), field="login")
    if len(number) != ID_DIGITS:
        raise Refused("login.length", N_("An IIN or BIN has 12 digits; you entered %(count)d."), field="login", count=len(number))
    return number


def sign_in_by_password(node: Node, person: str, password: str) -> Visitor:
    """Return the visitor with this IIN or BIN; raises Refused("enter.wrong"), the same for every reason."""
    right = passwords.fits(node.database, person, password, node.clock.now())
    found = cabinet_of(node, person)
    if not right or found is None:
        raise Refused("enter.wrong", WRONG, field="password")
    return Visitor(found.person, found.iin, found.bin, found.name, b"", "password")


def set_password(node: Node, signer: Signer, password: str) -> Visitor:
    """Set the password of the key's holder at this node and return who that is; raises as `enter` and `passwords.check_new`."""
    known = cabinet_of(node, visitor_of(signer.certificate).person)
    passwords.check_new(password, person=visitor_of(signer.certificate).person, email=known.email if known else "")
    who = sign_in_by_key(node, signer)
    verifier = passwords.make_verifier(password)
    with transaction(node.database):
        passwords.keep(node.database, who.person, verifier, node.clock.now())
    return who


# -- registration


def check_email(text: str) -> str:
    """Return an e-mail address without spaces around; raises Refused("email.form"). Nothing is sent to find out more."""
    email = text.strip()
    if len(email) > EMAIL_CHARS_MAX or not EMAIL.fullmatch(email):
        raise Refused("email.form", N_("Write the e-mail like this: aigul@example.kz."), field="email")
    return email


def registration_text(who: Visitor, *, email: str, language: Lang, agreement: str) -> bytes:
    """Return the statement that ``who`` signs to register. Raises as `check_email`."""
    return accounts.registration_statement(
        iin=who.iin, bin=who.bin, name=who.name, email=check_email(email), language=language, agreement=agreement
    )


def register(node: Node, signer: Signer, *, email: str, password: str, language: Lang, agreement: str) -> Visitor:
    """Register the key's holder, or change what was registered, and return who that is (REG-2…4).

    ``agreement`` is the version of the text they accepted. Raises Refused for an e-mail, a password or a key that cannot be used.
    """
    certificate = signer.certificate
    who = visitor_of(certificate)
    email = check_email(email)
    passwords.check_new(password, person=who.person, email=email)
    statement = registration_text(who, email=email, language=language, agreement=agreement)
    body = Register(
        person=who.person,
        iin=who.iin,
        bin=who.bin,
        name=who.name,
        email=email,
        language=language,
        agreement=agreement,
        statement=statement,
        signature=signer.sign(statement, at_ms=node.clock.now()),
        certificate=certificate.sha256,
    )
    verifier = passwords.make_verifier(password)
    with node.journal.unit() as unit:
        own = _own(node, who.person)
        unit.append(own.obj if own else new_object_id(), body, actor=certificate.sha256)
        passwords.keep(unit.database, who.person, verifier, unit.now)
    _remember_check(node, certificate, signer.verdict, node.clock.now())
    return who


def cabinet_of(node: Node, person: str) -> Cabinet | None:
    """Return what this node knows of an IIN or BIN, its own account and those of other nodes joined; None if nothing."""
    found = accounts.accounts_of(node.database, person)
    if not found:
        return None
    newest = found[0]
    registered = next((account for account in found if account.registered), None)
    return Cabinet(
        person=person,
        iin=newest.iin,
        bin=newest.bin,
        name=newest.name,
        email=registered.email if registered else "",
        agreement=registered.agreement if registered else "",
        registered=registered is not None,
        has_password=passwords.is_set(node.database, person),
    )


def _redeem(node: Node, challenge: bytes) -> None:
    now = node.clock.now()
    digest = hashlib.sha256(challenge).digest()
    fresh = (ChallengeRow.digest == digest) & ChallengeRow.made_ms.between(now - CHALLENGE_MS, now + CHALLENGE_MS)
    with transaction(node.database):
        used = changed(node.database, ChallengeRow.delete().where(fresh))
    if used != 1:
        raise Refused("enter.challenge", N_("This sign-in took too long or was used already. Begin again."))


def _open_cabinet(node: Node, who: Visitor, challenge: bytes, signature: bytes) -> None:
    if _own(node, who.person):
        return
    with node.journal.unit() as unit:
        if _own(node, who.person):
            return  # the same person was faster at another screen
        _append_open(unit, who, challenge, signature)


def _append_open(unit: Unit, who: Visitor, challenge: bytes, signature: bytes) -> None:
    body = Open(
        person=who.person,
        iin=who.iin,
        bin=who.bin,
        name=who.name,
        challenge=challenge,
        signature=signature,
        certificate=who.certificate,
    )
    unit.append(new_object_id(), body, actor=who.certificate)


def _own(node: Node, person: str) -> Account | None:
    """The account object that this node wrote first."""
    return next((account for account in accounts.accounts_of(node.database, person) if account.node == node.number), None)


def _newer_list(node: Node, as_of_ms: int | None) -> bool:
    node.trust.refresh()
    newest = max((one.this_update_ms for one in node.trust.crls()), default=None)
    return newest is not None and (as_of_ms is None or newest > as_of_ms)


def _remember_check(node: Node, certificate: Certificate, verdict: Verdict, now: int) -> KeyCheck:
    found = KeyCheck(verdict.crl_this_update_ms, verdict.stale)
    with transaction(node.database):
        changed(node.database, KeyCheckRow.delete().where(KeyCheckRow.checked_ms < now - CHECK_KEPT_MS))
        KeyCheckRow.replace(
            certificate=certificate.sha256, der=certificate.der, checked_ms=now, as_of_ms=found.as_of_ms, stale=found.stale
        ).execute(node.database)
    return found


def _written(name: str) -> str:
    """Return a name as people write it: certificates have capitals only."""
    return name.title() if name.isupper() else name
