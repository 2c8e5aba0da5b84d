"""Sessions kept on the server: the cookie is a random id and nothing else.

* The cookie holds 256 random bits, HttpOnly, SameSite, Secure behind TLS. The table holds only a hash of it.
* What a session says is sealed under a key made from the cookie: a stolen database file opens no session.
* A session ends after ``idle_ms`` without a page or a touch (``/here``), and after ``absolute_ms`` in any case.
* ``renew_session()`` at every sign-in: a new id, a new CSRF token, the old row deleted (no fixation).
* ``erase_session()`` for «end and erase»: the row goes, the cookie goes, the browser drops what it kept of us.
* A visitor of whom there is nothing to remember gets no cookie and no row.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from flask import Flask, Request, Response, g, session
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.datastructures import CallbackDict

from common.clock import Clock
from common.db import BlobField, Database, IntegerField, Table, changed, create_tables, fetch, fn, one_of, transaction

ID_BYTES = 32
NONCE_BYTES = 12
MINUTE_MS = 60_000
KIOSK_IDLE_MS = 10 * MINUTE_MS
"""The screen itself asks after one minute; this is for a browser that was killed."""
DESK_IDLE_MS = 30 * MINUTE_MS
ABSOLUTE_MS = 12 * 60 * MINUTE_MS
"""One working day."""
TOUCH_MS = MINUTE_MS
"""How often a visit is noted: a page that only reads writes nothing more often than this."""
CLOCK_BACK_MS = 5 * MINUTE_MS
"""How far a session may lie in the future (the clock was set back) before it is not believed."""
PURGE_EVERY_MS = 10 * MINUTE_MS
SESSIONS_MAX = 20_000
"""More than a court sees in a day: above it the longest unused go first."""
DATA_BYTES_MAX = 64 * 1024

CLEAR_SITE_DATA = '"cache", "storage"'
"""Without "cookies": that word clears those of neighbouring ports and sub-domains too. Ours is expired by name."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One session as it lies on disk; times in ms UTC, ``data`` sealed."""

    id_hash: bytes
    created_ms: int
    seen_ms: int
    data: bytes


class SessionStore(Protocol):
    """Where sessions lie."""

    def load(self, id_hash: bytes) -> StoredSession | None:
        """Return the session, or None."""

    def save(self, stored: StoredSession) -> None:
        """Write or overwrite one session."""

    def delete(self, id_hash: bytes) -> None:
        """Forget one session; nothing happens when it is not there."""

    def purge(self, *, created_before: int, seen_before: int) -> int:
        """Forget everything older (ms UTC) and all above SESSIONS_MAX; return how many rows went."""


class WebSession(Table):
    """Local to this machine, never an entry, never sent."""

    id_hash = BlobField(primary_key=True)
    created_ms = IntegerField()
    seen_ms = IntegerField(index=True)
    data = BlobField()

    class Meta:
        table_name = "web_session"


class DatabaseSessions:
    """A SessionStore in one table of a local database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        create_tables(database, [WebSession])

    def load(self, id_hash: bytes) -> StoredSession | None:
        row = one_of(self._database, WebSession.select().where(WebSession.id_hash == id_hash))
        return StoredSession(bytes(row["id_hash"]), row["created_ms"], row["seen_ms"], bytes(row["data"])) if row else None

    def save(self, stored: StoredSession) -> None:
        statement = """INSERT INTO web_session (id_hash, created_ms, seen_ms, data) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (id_hash) DO UPDATE SET created_ms = ?2, seen_ms = ?3, data = ?4"""
        with transaction(self._database):
            fetch(self._database, statement, (stored.id_hash, stored.created_ms, stored.seen_ms, stored.data))

    def delete(self, id_hash: bytes) -> None:
        with transaction(self._database):
            changed(self._database, WebSession.delete().where(WebSession.id_hash == id_hash))

    def purge(self, *, created_before: int, seen_before: int) -> int:
        old = (WebSession.created_ms < created_before) | (WebSession.seen_ms < seen_before)
        with transaction(self._database):
            gone = changed(self._database, WebSession.delete().where(old))
            count = one_of(self._database, WebSession.select(fn.COUNT(WebSession.id_hash).alias("rows")))
            over = (count["rows"] if count else 0) - SESSIONS_MAX
            if over > 0:
                longest_unused = WebSession.select(WebSession.id_hash).order_by(WebSession.seen_ms).limit(over)
                gone += changed(self._database, WebSession.delete().where(WebSession.id_hash.in_(longest_unused)))
        return gone


class CourtSession(CallbackDict[str, Any], SessionMixin):
    """A session in use: a dict that knows whether it changed."""

    def __init__(self, raw_id: bytes, values: dict[str, Any], stored: StoredSession | None) -> None:
        super().__init__(values, self._note_change)
        self.raw_id = raw_id
        self.stored = stored
        self.modified = False
        self.erased = False

    def _note_change(self, _: object) -> None:
        self.modified = True


class CourtSessions(SessionInterface):
    """Flask's door to a SessionStore."""

    def __init__(
        self, store: SessionStore, clock: Clock, *, idle_ms: int, absolute_ms: int, cookie: str, same_site: str, secure: bool,
        without: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._store, self._clock = store, clock
        self._idle_ms, self._absolute_ms = idle_ms, absolute_ms
        self._cookie = f"__Host-{cookie}" if secure else cookie
        self._same_site, self._secure = same_site, secure
        self._without = without
        self._serializer = TaggedJSONSerializer()
        self._purged_ms = 0

    def open_session(self, app: Flask, request: Request) -> CourtSession:
        """Return the visitor's session, or an empty one: for an unknown, expired or tampered cookie alike."""
        raw_id = b"" if request.path.startswith(self._without) else _read_id(request.cookies.get(self._cookie, ""))
        stored = self._store.load(hash_id(raw_id)) if raw_id else None
        if stored is None or self._expired(stored):
            return CourtSession(b"", {}, None)
        values = self._unseal(raw_id, stored)
        return CourtSession(raw_id, values, stored) if values is not None else CourtSession(b"", {}, None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed; note the visit at most once in TOUCH_MS; expire the cookie of what is empty or erased."""
        if not isinstance(session, CourtSession):
            return
        if session.erased or not session:
            self._forget(session, response)
            return
        now = self._clock.now()
        if session.modified or session.stored is None or now - session.stored.seen_ms >= TOUCH_MS:
            self._keep(session, response, now)

    def _keep(self, session: CourtSession, response: Response, now: int) -> None:
        fresh = not session.raw_id
        if fresh:
            session.raw_id = secrets.token_bytes(ID_BYTES)
        created = session.stored.created_ms if session.stored and not fresh else now
        self._store.save(StoredSession(hash_id(session.raw_id), created, now, self._seal(session.raw_id, dict(session))))
        if fresh:
            self._set_cookie(response, session.raw_id.hex())
            self._purge_sometimes(now)

    def _forget(self, session: CourtSession, response: Response) -> None:
        if session.stored is not None:
            self._store.delete(session.stored.id_hash)
            self._set_cookie(response, "", max_age=0)
        if session.erased:
            response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA

    def drop(self, session: CourtSession) -> None:
        """Delete the row and the id but keep the values: the next save makes a new session of them."""
        if session.stored is not None:
            self._store.delete(session.stored.id_hash)
        session.raw_id, session.stored, session.modified = b"", None, True

    def _set_cookie(self, response: Response, value: str, *, max_age: int | None = None) -> None:
        response.set_cookie(self._cookie, value, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite=self._same_site)

    def _expired(self, stored: StoredSession) -> bool:
        now = self._clock.now()
        if stored.seen_ms > now + CLOCK_BACK_MS:
            return True
        return now - stored.seen_ms > self._idle_ms or now - stored.created_ms > self._absolute_ms

    def _purge_sometimes(self, now: int) -> None:
        if now - self._purged_ms >= PURGE_EVERY_MS:
            self._purged_ms = now
            self._store.purge(created_before=now - self._absolute_ms, seen_before=now - self._idle_ms)

    def _seal(self, raw_id: bytes, values: dict[str, Any]) -> bytes:
        text = self._serializer.dumps(values).encode()
        if len(text) > DATA_BYTES_MAX:
            raise ValueError(f"a session of {len(text)} bytes: keep drafts in their own table")
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + ChaCha20Poly1305(_key(raw_id)).encrypt(nonce, text, hash_id(raw_id))

    def _unseal(self, raw_id: bytes, stored: StoredSession) -> dict[str, Any] | None:
        try:
            opened = ChaCha20Poly1305(_key(raw_id)).decrypt(stored.data[:NONCE_BYTES], stored.data[NONCE_BYTES:], stored.id_hash)
        except (InvalidTag, ValueError):  # a damaged row: the safe fall-back is a visitor nobody knows
            return None
        values: dict[str, Any] = self._serializer.loads(opened.decode())
        return values


def hash_id(raw_id: bytes) -> bytes:
    """Return the 32 bytes under which a session id is stored."""
    return hashlib.blake2b(raw_id, digest_size=32, person=b"session-id").digest()


def _key(raw_id: bytes) -> bytes:
    return hashlib.blake2b(raw_id, digest_size=32, person=b"session-seal").digest()


def _read_id(text: str) -> bytes:
    try:
        raw_id = bytes.fromhex(text)
    except ValueError:
        return b""
    return raw_id if len(raw_id) == ID_BYTES else b""


def current_session() -> CourtSession:
    """Return the session of this request as what it is."""
    found = session._get_current_object()  # type: ignore[attr-defined]
    if not isinstance(found, CourtSession):
        raise TypeError("this application was not made by create_app")
    return found


def renew_session(app: Flask) -> None:
    """Give the session a new id and a new CSRF token: call it at every sign-in and change of rights."""
    held = current_session()
    held.pop("csrf_token", None)
    g.pop("csrf_token", None)
    interface = app.session_interface
    if isinstance(interface, CourtSessions):
        interface.drop(held)


def erase_session() -> None:
    """Forget everything of this visitor: row, cookie, and what the browser kept of this address."""
    held = current_session()
    held.clear()
    held.erased = True


def has_work() -> bool:
    """Return whether the session holds more than how the page looks: somebody signed in, or began something."""
    return any(key not in _LOOK_KEYS for key in _keys())


_LOOK_KEYS = frozenset({"csrf_token", "lang", "theme", "large", "low", "_flashes", "_permanent"})


def _keys() -> Iterator[str]:
    return iter(current_session().keys())
