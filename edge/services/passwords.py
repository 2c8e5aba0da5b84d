"""Passwords of cabinets: what is accepted, and the verifiers, which lie in this machine's own table and nowhere else.

Argon2id with the second recommended set of RFC 9106, 4: one try costs an attacker who has stolen the disk as much as it
costs us. A person without a verifier is checked against NOBODY, so that time tells nothing about who has a cabinet here.
"""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from common.db import Database, IntegerField, Table, TextField, one_of, transaction
from common.errors import N_, Refused

TIME_COST, MEMORY_KIB, LANES = 3, 65_536, 4
PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 128
DISTINCT_CHARS_MIN = 5
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$/Zo0mX0Z9MyHwtoHVC+ThA$SYaU0p6taOyihAuMvZE09LZT0zHD538FqXsnUjZ4Y5w"
"""A verifier that nobody's password fits, with the costs above."""
KEYBOARD_ROWS = (
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
    "әіңғүұқөһ",
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзийклмнопрстуфхцчшщ",
)
COMMON_WORDS = (
    "password",
    "passw0rd",
    "parol",
    "qwerty",
    "пароль",
    "құпиясөз",
    "qupiyasoz",
    "admin",
    "kazakhstan",
    "qazaqstan",
    "қазақстан",
)
COMMON_REST_CHARS_MIN = 6
"""What must remain of a password when a common word is taken out of it."""


class PasswordRow(Table):
    """The verifier of one IIN or BIN. Local to this machine, never an entry, never sent."""

    person = TextField(primary_key=True)
    verifier = TextField()
    set_ms = IntegerField()

    class Meta:
        table_name = "password"


def check_new(password: str, *, person: str, email: str = "") -> str:
    """Return ``password`` when it may be used; raises Refused("password.…") that says what to change, at field "password".

    ``person``: their IIN or BIN, empty while it is not known.
    """
    count = len(password)
    if count < PASSWORD_CHARS_MIN:
        sentence = N_("A password has at least %(min)d characters; yours has %(count)d. Add a word or two.")
        raise Refused("password.short", sentence, field="password", min=PASSWORD_CHARS_MIN, count=count)
    if count > PASSWORD_CHARS_MAX:
        sentence = N_("A password has at most %(max)d characters. Make it shorter.")
        raise Refused("password.long", sentence, field="password", max=PASSWORD_CHARS_MAX)
    lowered = _normal(password).lower()
    mailbox = email.lower().partition("@")[0]
    if (person and person in lowered) or (len(mailbox) >= 4 and mailbox in lowered):
        sentence = N_("The password contains your IIN, BIN or e-mail. Others know these: choose something else.")
        raise Refused("password.yours", sentence, field="password")
    if _simple(lowered):
        sentence = N_("This password is easy to guess. Take three or four words that do not belong together.")
        raise Refused("password.simple", sentence, field="password")
    return password


def _simple(lowered: str) -> bool:
    if len(set(lowered)) < DISTINCT_CHARS_MIN:
        return True
    rows = [run for row in KEYBOARD_ROWS for run in (row * 2, row[::-1] * 2)]
    if any(lowered in run for run in rows):
        return True
    rest = lowered
    for word in COMMON_WORDS:
        rest = rest.replace(word, "")
    return rest != lowered and len(rest) < COMMON_REST_CHARS_MIN


def make_verifier(password: str) -> str:
    """Return what is kept of ``password``. Takes a good part of a second: call it outside a transaction."""
    return _hasher().hash(_normal(password))


def keep(database: Database, person: str, verifier: str, now_ms: int) -> None:
    """Write the verifier of a person, inside the caller's transaction."""
    PasswordRow.replace(person=person, verifier=verifier, set_ms=now_ms).execute(database)


def is_set(database: Database, person: str) -> bool:
    """Return whether this person has a password here."""
    return one_of(database, PasswordRow.select(PasswordRow.person).where(PasswordRow.person == person)) is not None


def fits(database: Database, person: str, password: str, now_ms: int) -> bool:
    """Return whether ``password`` is the one this person set here; equally slow for everybody."""
    row = one_of(database, PasswordRow.select(PasswordRow.verifier).where(PasswordRow.person == person))
    verifier = row["verifier"] if row else NOBODY
    hasher, normal = _hasher(), _normal(password[: PASSWORD_CHARS_MAX + 1])
    try:
        hasher.verify(verifier, normal)
    except (VerificationError, InvalidHashError):
        return False
    if row is not None and hasher.check_needs_rehash(verifier):  # the costs were raised since it was set
        with transaction(database):
            keep(database, person, hasher.hash(normal), now_ms)
    return row is not None


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)


def _normal(password: str) -> str:
    """One spelling for letters that two keyboards write differently (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
