"""Accounts: the cabinet of a person or an organisation, wherever it was opened.

- A cabinet belongs to a person key: the BIN of an organisation, else the IIN. One person may have several account objects
  (two nodes offline both opened one); `accounts_of` joins them, none is dropped.
- Register states the agreement, accepted in a text that the person signed; repeated on the same object by the same
  person it changes the e-mail, the agreement's version or the certificate.
- Open states that the person signed in by key at a node. From then on that node is in the person's scope, so the text
  signed names the node: a signature made at one node opens nothing at another.
- Password verifiers are local to a node and never entries (SYNC.md, 11). Nothing is ever looked up by e-mail.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from common.court import texts
from common.court.writers import Sha256, person_of, require_holder
from common.db import BlobField, BooleanField, Database, IntegerField, Table, TextField, rows_of
from common.errors import N_, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: str = "accounts"


class Register(Body, frozen=True, kw_only=True):
    """`account.register/1`: ``statement`` is the text of `registration_statement`, ``signature`` the detached CMS over it."""

    person: str
    iin: str
    bin: str = ""
    name: str
    email: str
    language: Literal["kk", "ru", "en"]
    agreement: str
    statement: bytes
    signature: bytes
    certificate: Sha256


class Open(Body, frozen=True, kw_only=True):
    """`account.open/1`: ``challenge`` is the text of `sign_in_challenge` of this node, ``signature`` the detached CMS over it."""

    person: str
    iin: str
    bin: str = ""
    name: str
    challenge: bytes
    signature: bytes
    certificate: Sha256


TYPES: Mapping[str, type[Body]] = {"account.register/1": Register, "account.open/1": Open}


class AccountRow(Table):
    """One account object. ``node`` wrote it first; ``agreement`` and ``email`` are empty until it is registered."""

    obj = BlobField(primary_key=True)
    person = TextField(index=True)
    iin = TextField()
    bin = TextField()
    name = TextField()
    email = TextField()
    language = TextField()
    agreement = TextField()
    certificate = BlobField()
    node = IntegerField()
    opened_ms = IntegerField()
    registered = BooleanField()
    changed_ms = IntegerField()


TABLES: tuple[type[Table], ...] = (AccountRow,)


@dataclass(slots=True)
class State:
    """One account: the first fact, the newest one of each kind, and the nodes that wrote."""

    obj: bytes = b""
    node: int = 0
    opened_ms: int = 0
    changed_ms: int = 0
    newest: Register | Open | None = None
    registered: Register | None = None
    nodes: set[int] = field(default_factory=set)


def begin() -> State:
    """Return an account without history."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add one fact; raises Refused and leaves ``state`` alone where the person, the text or the signature does not fit."""
    body = fact.body
    _require_person(state, body)
    if isinstance(body, Register):
        texts.require_lines(body.statement, _registration_lines(body))
        content = body.statement
    else:
        texts.require_lines(body.challenge, ((texts.NODE, str(fact.node)),))
        content = body.challenge
    require_holder(fact, known, body.signature, content, iin=body.iin, bin=body.bin)
    if state.newest is None:
        state.obj, state.node, state.opened_ms = fact.obj, fact.node, fact.time
    if isinstance(body, Register):
        state.registered = body
    state.newest = body
    state.changed_ms = fact.time
    state.nodes.add(fact.node)


def rows(state: State) -> Rows:
    """Return the account's one row."""
    if state.newest is None:
        return {AccountRow: []}
    newest, registered = state.newest, state.registered
    row: dict[str, Any] = {
        "obj": state.obj,
        "person": newest.person,
        "iin": newest.iin,
        "bin": newest.bin,
        "name": newest.name,
        "email": registered.email if registered else "",
        "language": registered.language if registered else "",
        "agreement": registered.agreement if registered else "",
        "certificate": newest.certificate,
        "node": state.node,
        "opened_ms": state.opened_ms,
        "registered": registered is not None,
        "changed_ms": state.changed_ms,
    }
    return {AccountRow: [row]}


def audience(state: State) -> Audience:
    """Return the person, with every node where the person was."""
    if state.newest is None:
        return Audience()
    person = state.newest.person
    return Audience(persons=frozenset({person}), opens=frozenset((person, node) for node in state.nodes))


def _require_person(state: State, body: Register | Open) -> None:
    if not body.person or body.person != person_of(body.iin, body.bin):
        raise Refused("account.person", N_("An account belongs to one IIN or BIN."))
    if state.newest is not None and state.newest.person != body.person:
        raise Refused("account.other_person", N_("This account belongs to another person."))


def _registration_lines(body: Register) -> tuple[texts.Line, ...]:
    return (
        (texts.PERSON, body.person),
        (texts.NAME, body.name),
        (texts.EMAIL, body.email),
        (texts.LANGUAGE, body.language),
        (texts.AGREEMENT, body.agreement),
    )


def registration_statement(*, iin: str, bin: str, name: str, email: str, language: str, agreement: str) -> bytes:
    """Return the text a person signs to register (REG-2…4), UTF-8."""
    title = (
        "Мен пайдаланушы келісімін оқыдым және қабылдаймын. Кабинет менің атыма тіркелсін.",
        "Я прочитал(а) и принимаю пользовательское соглашение. Прошу зарегистрировать кабинет на моё имя.",
    )
    return texts.write(
        title,
        (
            (texts.PERSON, person_of(iin, bin)),
            (texts.NAME, name),
            (texts.EMAIL, email),
            (texts.LANGUAGE, language),
            (texts.AGREEMENT, agreement),
        ),
    )


def agreement_version(text: str) -> str:
    """Return the version by which a registration names the agreement's text: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sign_in_challenge(*, node: int, time: str, once: bytes) -> bytes:
    """Return the text a person signs to sign in by key (REG-6) at ``node``; ``once`` are random bytes used one time."""
    title = ("Сот кабинетіне кіремін.", "Вхожу в Судебный кабинет.")
    return texts.write(title, ((texts.NODE, str(node)), (texts.TIME, time), (texts.ONCE, once.hex())))


class Account(msgspec.Struct, frozen=True):
    """One row of `accounts_of`; times in ms UTC."""

    obj: bytes
    person: str
    iin: str
    bin: str
    name: str
    email: str
    language: str
    agreement: str
    certificate: bytes
    node: int
    opened_ms: int
    registered: bool
    changed_ms: int


def accounts_of(database: Database, person: str) -> list[Account]:
    """Return all accounts of one IIN or BIN that this database holds, the last changed one first."""
    query = AccountRow.select().where(AccountRow.person == person).order_by(AccountRow.changed_ms.desc(), AccountRow.obj)
    return [Account(**row) for row in rows_of(database, query)]
