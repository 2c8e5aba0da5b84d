"""What a node could not know when it took a filing: whether a signer's key was revoked by then (`filing.verify/1`).

A node checks against the newest list it has, which offline may be weeks old. The centre holds the key of every signature against
each newer list of its issuer, for ever: a list may say later what happened earlier (an invalidity date), and may take back
what was on hold. What comes out changes is written as an entry, which court and citizen receive; the result informs and
decides nothing:

- "revoked": since a moment before the node received the filing;
- "good" with ``since_ms``: revoked after it, the signature stands;
- "good": not on a list that is newer than the node's and not older than the filing.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from central.centre import Centre
from common.court.filing_entries import Verify
from common.db import (
    BlobField,
    CompositeKey,
    Database,
    IntegerField,
    Table,
    TextField,
    create_tables,
    fetch,
    fetch_many,
    insert,
    transaction,
)
from common.errors import Refused
from common.pki import cms
from common.pki.certificates import Certificate
from common.pki.crl import CrlInfo, Revocation, serial_key
from common.pki.crl_store import Held
from common.pki.trust import issuer_key

COSIGNERS: Final = """SELECT position + 1, certificate, signature, revocation, revoked_ms FROM filing_signer_row WHERE obj = ?
                      ORDER BY position"""
ANSWERED: Final = "SELECT signer FROM filing_evidence_row WHERE obj = ? AND kind = 'ocsp'"
BATCH: Final = 200
"""Keys looked at in one go: folding must have its turn."""
REMEMBERED_MAX: Final = 10_000
"""Certificates whose issuer and number are remembered: one person signs many times, and reading a certificate takes 2 ms."""

logger = logging.getLogger(__name__)


class SignerRow(Table):
    """The key of one signature and what was last said of it. Local to the centre; may be dropped, then all is looked at again.

    ``place`` is that of `filing.verify`: 0 the filer, n the n-th cosigner.
    ``as_of_ms``: date of the newest list it was held against; ``received_ms``: when the node took the filing; ``issuer`` is
    empty where the chain leads to nobody trusted here; ``asked_ms``: when the issuer was asked about it (OCSP), else null;
    ``tried_ms``, ``stamp_tried_ms``: when it was last asked about, or for a timestamp, in vain, so that the others come first.
    """

    obj = BlobField()
    place = IntegerField()
    issuer = BlobField()
    serial = BlobField()
    received_ms = IntegerField()
    as_of_ms = IntegerField()
    said = TextField()
    since_ms = IntegerField(null=True)
    asked_ms = IntegerField(null=True)
    tried_ms = IntegerField(default=0)
    stamp_tried_ms = IntegerField(default=0)

    class Meta:
        table_name = "signer"
        primary_key = CompositeKey("obj", "place")
        indexes = ((("issuer", "as_of_ms"), False), (("asked_ms", "tried_ms", "received_ms"), False))


@dataclass(frozen=True, slots=True)
class Key:
    """One signature's key as it stands in `SignerRow`."""

    obj: bytes
    place: int
    serial: int
    received_ms: int
    said: str
    since_ms: int | None


def create(database: Database) -> None:
    """Create the table of keys; one of an earlier release, which knew of filers alone, is dropped."""
    held = {column.name for column in database.get_columns("signer")}
    if held and "place" not in held:
        fetch(database, "DROP TABLE signer")
    create_tables(database, [SignerRow])


class Verifier:
    """Goes through the keys a batch at a time; one per centre, used by its folding thread alone."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._trusted = 0
        self._entered = 0
        """Every filing whose row stands at or below this rowid has been entered; a row that is folded anew gets a higher one."""
        self._remembered: dict[bytes, dict[str, bytes]] = {}

    def run(self, give_way: Callable[[], object] = lambda: None) -> bool:
        """Look at the next batch and publish what changed; return whether there may be more.

        ``give_way`` is called before each filing, outside of every transaction, and may wait for whoever is more urgent.
        """
        trust = self._centre.trust
        trust.refresh()
        trusted = len(trust.anchors()) + len(trust.authorities())
        if trusted != self._trusted:  # what led to nobody may lead to somebody now
            fetch(self._centre.database, "DELETE FROM signer WHERE obj IN (SELECT obj FROM signer WHERE length(issuer) = 0)")
            self._trusted = trusted
            self._entered = 0
            self._remembered.clear()
        more = self._enter(give_way)
        for issuer, held in trust.lists().items():
            more = self._hold_against(issuer, held) or more
        return more

    def _enter(self, give_way: Callable[[], object]) -> bool:
        """Note the keys of filings that came since; return whether there are more."""
        statement = """SELECT f.obj, f.received_ms, COALESCE(f.crl_as_of_ms, 0), f.revocation, f.revoked_ms, f.certificate, m.signature,
                       f.rowid FROM filing_row f JOIN filing_form_row m ON m.obj = f.obj LEFT JOIN signer s ON s.obj = f.obj AND s.place = 0
                       WHERE f.rowid > ? AND s.obj IS NULL ORDER BY f.rowid LIMIT ?"""
        top = fetch(self._centre.database, "SELECT COALESCE(MAX(rowid), 0) FROM filing_row")[0][0]
        if top < self._entered:  # the tables were folded anew
            self._entered = 0
        fresh = fetch(self._centre.database, statement, (self._entered, BATCH))
        rows = []
        for obj, received, had, said, since, certificate, signature, _ in fresh:
            give_way()
            others = fetch(self._centre.database, COSIGNERS, (obj,))
            answered = {place for (place,) in fetch(self._centre.database, ANSWERED, (obj,))}
            for place, whose, made, word, moment in [(0, certificate, signature, said, since), *others]:
                row = {"obj": obj, "place": place, "received_ms": received, "as_of_ms": had, "said": word, "since_ms": moment}
                rows.append(row | self._key_of(whose, made) | {"asked_ms": received if place in answered else None})
        with transaction(self._centre.database):
            insert(self._centre.database, SignerRow, rows)
        self._entered = fresh[-1][-1] if len(fresh) == BATCH else top
        return len(fresh) == BATCH

    def _key_of(self, whose: bytes, signature: bytes) -> dict[str, bytes]:
        """Return issuer and number of the certificate that made ``signature``; ``whose`` is its SHA-256, as the fold has verified."""
        known = self._remembered.get(whose)
        if known is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            known = self._remembered[whose] = self._read_key(signature)
        return known

    def _read_key(self, signature: bytes) -> dict[str, bytes]:
        certificate = _signer(signature)
        issuer = _issuer_of(self._centre, certificate) if certificate is not None else b""
        return {"issuer": issuer, "serial": serial_key(certificate.serial) if certificate is not None else b""}

    def _hold_against(self, issuer: bytes, held: Held) -> bool:
        info, database = held.info, self._centre.database
        statement = """SELECT obj, place, serial, received_ms, said, since_ms FROM signer WHERE issuer = ? AND as_of_ms < ?
                       ORDER BY as_of_ms LIMIT ?"""
        rows = fetch(database, statement, (issuer, info.this_update_ms, BATCH))
        keys = [Key(obj, place, int.from_bytes(serial, "big"), *rest) for obj, place, serial, *rest in rows]
        found = [(key, judged(key, held.find(key.serial), info.this_update_ms, source_of(info))) for key in keys]
        write(self._centre, [(key, body) for key, body in found if body is not None])
        marks = [(info.this_update_ms, key.obj, key.place) for key in keys]
        with transaction(database):
            fetch_many(database, "UPDATE signer SET as_of_ms = ? WHERE obj = ? AND place = ?", marks)
        return len(keys) == BATCH


def judged(key: Key, found: Revocation | None, as_of_ms: int, source: str) -> Verify | None:
    """Return what is to be said of a key now, None when it is what was said before or nothing can be said yet."""
    if found is not None and found.since_ms <= key.received_ms:
        if key.said == "revoked":
            return None
        return _verify(key, "revoked", as_of_ms, source, found)
    if as_of_ms < key.received_ms and key.said == "":
        return None  # what came out before the filing says nothing of the day of the filing
    if key.said == "good" and (found is None) == (key.since_ms is None):
        return None
    return _verify(key, "good", as_of_ms, source, found)


def _verify(key: Key, result: str, as_of_ms: int, source: str, found: Revocation | None) -> Verify:
    since, reason = (found.since_ms, found.reason) if found is not None else (None, 0)
    return Verify(subject="revocation", result=result, as_of_ms=as_of_ms, source=source, since_ms=since, reason=reason, signer=key.place)


def write(centre: Centre, said: Sequence[tuple[Key, Verify]]) -> None:
    """Write what was found, note that it was said, and publish."""
    if not said:
        return
    with centre.journal.unit() as unit:
        for key, body in said:
            unit.append(key.obj, body)
            note_said(unit.database, key, body)
    centre.publish()
    logger.info("revocation: %d results written", len(said))


def note_said(database: Database, key: Key, body: Verify) -> None:
    """Remember what was said of a key, inside the caller's transaction."""
    statement = "UPDATE signer SET said = ?, since_ms = ? WHERE obj = ? AND place = ?"
    fetch(database, statement, (body.result, body.since_ms, key.obj, key.place))


def source_of(info: CrlInfo) -> str:
    """Return how a result names a list."""
    return f"CRL {info.issuer}" + (f" № {info.number}" if info.number is not None else "")


def _signer(signature: bytes) -> Certificate | None:
    try:
        return cms.read(signature).signers[0].certificate
    except Refused:
        return None


def _issuer_of(centre: Centre, certificate: Certificate) -> bytes:
    try:
        chain = centre.trust.chain(certificate)
    except Refused:
        return b""
    return issuer_key(chain[1])
