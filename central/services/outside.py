"""The centre's line to the certification centre's services: one door, with limits, and what happened at it.

Services come and go (an OCSP that refuses, a TSA that is down for days); nothing waits for them. Each is tried again later,
`Line.due` says when, and how long one has been failing is shown to the people at the centre.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import requests

from common.clock import Clock
from common.db import Database, IntegerField, Table, TextField, create_tables, fetch, one_of, rows_of
from common.errors import N_, CourtError, Refused, Unreachable
from common.version import VERSION

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5, 30, 600
"""A national list of 22 MB takes minutes on a slow line; a silent one is given up after READ_SECONDS."""
PIECE_BYTES: Final = 1 << 16
REDIRECTS_MAX: Final = 3
RETRY_MS: Final = 10 * 60_000
"""After a failure the next try comes sooner than after a success, and never not at all."""
ALARM_MS: Final = 4 * 3_600_000
"""A service that fails longer than this is an alarm (as long as X-Road waits for a timestamping authority)."""

DOWN = N_("The service at %(address)s does not answer. It will be asked again.")

logger = logging.getLogger(__name__)


class ServiceRow(Table):
    """One service, by its address: when it was asked and answered last, since when it fails, and why (a code)."""

    address = TextField(primary_key=True)
    tried_ms = IntegerField(default=0)
    done_ms = IntegerField(default=0)
    failing_since_ms = IntegerField(null=True)
    code = TextField(default="")
    modified = TextField(default="")

    class Meta:
        table_name = "outside_service"


@dataclass(frozen=True, slots=True)
class Service:
    """One service as people see it; times in ms UTC, 0 for never."""

    address: str
    tried_ms: int
    done_ms: int
    failing_since_ms: int | None
    code: str
    modified: str

    def alarming(self, now_ms: int) -> bool:
        """Return whether it has been failing for too long."""
        return self.failing_since_ms is not None and now_ms - self.failing_since_ms > ALARM_MS


def create(database: Database) -> None:
    """Create the table of services."""
    create_tables(database, [ServiceRow])


def services(database: Database) -> list[Service]:
    """Return every service that was ever asked."""
    return [Service(**row) for row in rows_of(database, ServiceRow.select().order_by(ServiceRow.address))]


class Line:
    """Asks services over HTTP and remembers how it went."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"sot-kabineti/{VERSION}"
        self._session.max_redirects = REDIRECTS_MAX

    def due(self, address: str, every_ms: int) -> bool:
        """Return whether it is time to ask ``address``, which is asked every ``every_ms`` while it answers."""
        row = one_of(self._database, ServiceRow.select().where(ServiceRow.address == address))
        if row is None:
            return True
        wait = min(every_ms, RETRY_MS) if row["code"] else every_ms
        return not 0 <= self._clock.now() - row["tried_ms"] < wait  # a clock that was set back does not stop it

    def fetch(self, address: str, bytes_max: int) -> tuple[bytes | None, str]:
        """Return (the file at ``address``, what the service says of its age); None for a file that has not changed since it
        was last ``used``. Raises as ``ask``."""
        rows = fetch(self._database, "SELECT modified FROM outside_service WHERE address = ?", (address,))
        before = rows[0][0] if rows else ""
        data, modified = self._exchange("GET", address, b"", {"If-Modified-Since": before} if before else {}, bytes_max)
        return data, modified if data is not None else before

    def ask(self, address: str, body: bytes, content_type: str, bytes_max: int) -> bytes:
        """Return the answer to ``body``. Raises Unreachable("outside.down") or Refused("outside.too_large")."""
        data, _ = self._exchange("POST", address, body, {"Content-Type": content_type}, bytes_max)
        if data is None:
            raise Unreachable("outside.down", DOWN, address=address)
        return data

    def used(self, address: str, modified: str = "") -> None:
        """Note that the service answered and its answer was good; ``modified``: what it says of the file's age."""
        now = self._clock.now()
        statement = """INSERT INTO outside_service (address, tried_ms, done_ms, code, modified) VALUES (?1, ?2, ?2, '', ?3)
                       ON CONFLICT (address) DO UPDATE SET tried_ms = ?2, done_ms = ?2, failing_since_ms = NULL, code = '', modified = ?3"""
        fetch(self._database, statement, (address, now, modified))

    def failed(self, address: str, error: CourtError) -> None:
        """Note that asking failed, or that the answer cannot be used: the file is then fetched whole the next time."""
        now = self._clock.now()
        statement = """INSERT INTO outside_service (address, tried_ms, done_ms, failing_since_ms, code, modified)
                       VALUES (?1, ?2, 0, ?2, ?3, '') ON CONFLICT (address) DO UPDATE
                       SET tried_ms = ?2, failing_since_ms = COALESCE(outside_service.failing_since_ms, ?2), code = ?3, modified = ''"""
        fetch(self._database, statement, (address, now, error.code))
        logger.warning("%s: %s", address, error.code)

    def _exchange(self, method: str, address: str, body: bytes, headers: dict[str, str], bytes_max: int) -> tuple[bytes | None, str]:
        until = time.monotonic() + WHOLE_SECONDS
        try:
            with self._session.request(
                method, address, data=body or None, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True
            ) as answer:
                if answer.status_code == requests.codes.not_modified:
                    return None, ""
                if answer.status_code != requests.codes.ok:
                    raise Unreachable("outside.down", DOWN, address=address)
                return _body(answer, bytes_max, until, address), answer.headers.get("Last-Modified", "")
        except requests.RequestException as error:
            raise Unreachable("outside.down", DOWN, address=address) from error


def _body(answer: requests.Response, bytes_max: int, until: float, address: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(PIECE_BYTES):
        size += len(part)
        if size > bytes_max:
            raise Refused("outside.too_large", N_("The service at %(address)s sends more than it may."), address=address)
        if time.monotonic() > until:
            raise Unreachable("outside.down", DOWN, address=address)
        parts.append(part)
    return b"".join(parts)


def addresses(setting: str) -> Sequence[str]:
    """Return the addresses in a setting: separated by spaces, none when it is empty."""
    return setting.split()
