"""Limits of rate, kept in memory: how often one key may do one thing in a window of time.

    attempts = RateLimit(clock, limit=5, window_ms=15 * 60_000)
    attempts.hit(f"password:{iin}")     # raises TooMany with the minutes to wait

Keys are hashed with a secret of this process: what lies in memory names nobody. Time is monotonic, so that setting
the clock neither frees nor locks anybody.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, request
from werkzeug.exceptions import HTTPException

from common.clock import Clock
from common.errors import N_, TooMany

View = TypeVar("View", bound=Callable[..., Any])

KEYS_MAX = 10_000
"""Above it the key that was quiet for longest is forgotten."""
MINUTE_MS = 60_000


class RateLimit:
    """At most ``limit`` hits of one key in any ``window_ms``."""

    def __init__(self, clock: Clock, limit: int, window_ms: int) -> None:
        self._clock, self._limit, self._window_ms = clock, limit, window_ms
        self._secret = secrets.token_bytes(32)
        self._hits: OrderedDict[bytes, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, key: str) -> None:
        """Count one attempt. Raises TooMany("web.too_many") when it is one too many; that one is not counted."""
        now = self._clock.monotonic()
        with self._lock:
            hits = self._recent(self._name(key), now)
            if len(hits) >= self._limit:
                raise _too_many(hits[0] + self._window_ms - now)
            hits.append(now)

    def check(self, key: str) -> None:
        """Raise TooMany when the next hit would be one too many, counting nothing."""
        now = self._clock.monotonic()
        with self._lock:
            hits = self._recent(self._name(key), now)
            if len(hits) >= self._limit:
                raise _too_many(hits[0] + self._window_ms - now)

    def left(self, key: str) -> int:
        """Return how many hits of ``key`` are left now."""
        with self._lock:
            return self._limit - len(self._recent(self._name(key), self._clock.monotonic()))

    def forgive(self, key: str) -> None:
        """Forget the hits of ``key``: after a success."""
        with self._lock:
            self._hits.pop(self._name(key), None)

    def _name(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), key=self._secret, digest_size=16).digest()

    def _recent(self, name: bytes, now: int) -> list[int]:
        hits = [at for at in self._hits.get(name, ()) if at > now - self._window_ms]
        self._hits[name] = hits
        self._hits.move_to_end(name)
        while len(self._hits) > KEYS_MAX:
            self._hits.popitem(last=False)
        return hits


def _too_many(wait_ms: int) -> TooMany:
    minutes = max(1, -(-wait_ms // MINUTE_MS))
    return TooMany("web.too_many", N_("Too many attempts. Try again in %(minutes)d min."), minutes=minutes)


def accept_bytes(limit: int) -> Callable[[View], View]:
    """Let a view take bodies of ``limit`` bytes: put it directly under the route of a view that takes files."""

    def mark(view: View) -> View:
        view.body_bytes_max = limit  # type: ignore[attr-defined]
        return view

    return mark


def body_limit_of(app: Flask) -> Callable[[str], int]:
    """Return what says how many bytes the page at a path takes, 0 where it takes what every page does: for whoever serves ``app``."""
    paths = app.url_map.bind("")

    def limit(path: str) -> int:
        try:
            endpoint, _ = paths.match(path, method="POST")
        except HTTPException:  # no such page, or one that takes nothing
            return 0
        return int(getattr(app.view_functions.get(endpoint), "body_bytes_max", 0))

    return limit


def raise_body_limit(app: Flask) -> None:
    """Read the marks of ``accept_bytes`` before anything (the CSRF check is first) reads the body."""

    @app.before_request
    def raise_limit() -> None:
        view = app.view_functions.get(request.endpoint or "")
        limit = getattr(view, "body_bytes_max", None)
        if limit is not None:
            request.max_content_length = limit
