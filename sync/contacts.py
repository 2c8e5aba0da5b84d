"""What machines last said of themselves at the centre, and the tokens by which a clone gives itself away (PROTOCOL 6.11, 6.12).

A hello is judged and remembered in one transaction: of two that come at once, one given up as lost and its repetition, only one
turns the token.
"""

import secrets
from typing import Any

from common.db import BlobField, Database, IntegerField, Table, TextField, create_tables, fetch
from sync import directory
from sync.messages import AHEAD, BEHIND, EQUAL, FORK, LOST, NONCE_BYTES, PROVE, REVOKED, TOKEN_BYTES, TWIN, Hello
from sync.position import Position


class ContactRow(Table):
    """What a machine last said of itself, and the tokens by which a clone gives itself away."""

    node = IntegerField(primary_key=True)
    contact_ms = IntegerField()
    epoch = IntegerField()
    seq = IntegerField()
    clock_ms = IntegerField()
    backlog = IntegerField()
    backlog_bytes = IntegerField()
    oldest_ms = IntegerField()
    disk_free = IntegerField()
    quarantine = IntegerField()
    version = TextField()
    token = BlobField()
    token_before = BlobField()
    nonce = BlobField()
    challenge = BlobField()
    state = TextField()
    alarm_ms = IntegerField(null=True)

    class Meta:
        table_name = "contact"


NOTE_CONTACT = """
INSERT INTO contact (node, contact_ms, epoch, seq, clock_ms, backlog, backlog_bytes, oldest_ms, disk_free,
  quarantine, version, token, token_before, nonce, challenge, state, alarm_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?17, ?15, ?16)
ON CONFLICT (node) DO UPDATE SET contact_ms = ?2, epoch = ?3, seq = ?4, clock_ms = ?5, backlog = ?6, backlog_bytes = ?7,
  oldest_ms = ?8, disk_free = ?9, quarantine = ?10, version = ?11, token = ?12, token_before = ?13, nonce = ?14,
  challenge = ?17, state = ?15, alarm_ms = COALESCE(?16, contact.alarm_ms)
"""
READ_NAMES = ("epoch", "token", "token_before", "nonce", "challenge", "state")
READ_CONTACT = f"SELECT {', '.join(READ_NAMES)} FROM contact WHERE node = ?"
"""Written out: every idle exchange of every court asks twice, and building the question anew costs more than all the rest of it."""


def create(database: Database) -> None:
    """Create what is missing."""
    create_tables(database, [ContactRow])


def judge(database: Database, hello: Hello, at: Position) -> str:
    """Return the state of the machine that says ``hello``, with which the centre stands at ``at``."""
    if directory.revocation_of(database, hello.node) is not None:
        return REVOKED
    contact = _contact_of(database, hello.node)
    if contact and hello.epoch <= contact["epoch"] and hello.token != contact["token"] and hello.nonce != contact["nonce"]:
        # not the newest token: a lost answer, a replayed hello, or two machines on one identity. A replay cannot answer
        # the challenge and so turns no token; who comes with an older token than the one before is another machine
        if not (contact["challenge"] and hello.challenge == contact["challenge"]):
            return PROVE
        if hello.token != contact["token_before"]:
            return TWIN
    if hello.epoch < at.epoch:
        return AHEAD
    if hello.epoch > at.epoch or hello.seq > at.seq:
        return BEHIND
    if hello.seq < at.seq:
        return AHEAD
    return EQUAL if hello.head == at.head else FORK


def remember(database: Database, hello: Hello, state: str, now: int) -> tuple[bytes, bytes]:
    """Note what the machine said, in the transaction in which it was judged; return its next token and, where it must prove itself,
    a challenge."""
    contact = _contact_of(database, hello.node)
    if state == PROVE:
        challenge = secrets.token_bytes(NONCE_BYTES)
        fetch(database, "UPDATE contact SET challenge = ? WHERE node = ?", (challenge, hello.node))
        return b"", challenge
    if state == TWIN:
        fetch(database, "UPDATE contact SET state = ?, alarm_ms = ? WHERE node = ?", (state, now, hello.node))
        return b"", b""
    if contact and contact["nonce"] == hello.nonce:
        return contact["token"], b""  # the same hello again: a repeated or replayed message rotates nothing
    fresh = secrets.token_bytes(TOKEN_BYTES)
    alarm = now if state == FORK else None
    said = (hello.epoch, hello.seq, hello.now, hello.backlog, hello.backlog_bytes, hello.oldest_ms, hello.disk_free)
    # the token in hand is now the previous one: a lost answer must not look like a clone
    values = (hello.node, now, *said, hello.quarantine, hello.version, fresh, hello.token, hello.nonce, state, alarm, b"")
    fetch(database, NOTE_CONTACT, values)
    return fresh, b""


def note_lost(database: Database, node: int) -> None:
    """Note that the machine has seen more of the register than there is."""
    fetch(database, "UPDATE contact SET state = ? WHERE node = ?", (LOST, node))


def holds_token(database: Database, node: int, token: bytes) -> bool:
    """Return whether ``token`` is the machine's newest, and no twin of it was seen."""
    contact = _contact_of(database, node)
    return contact is not None and bool(token) and contact["token"] == token and contact["state"] != TWIN


def _contact_of(database: Database, node: int) -> dict[str, Any] | None:
    rows = fetch(database, READ_CONTACT, (node,))
    return dict(zip(READ_NAMES, rows[0], strict=True)) if rows else None
