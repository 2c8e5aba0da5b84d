"""What the centre asks of the country's certification centre on schedule, while it has a line (settings: `CentralConfig`).

- Lists: the full ones and the delta ones, imported as from a file and published to every machine.
- OCSP: about the key of each signature, once; the answer is kept as evidence, and speaks where it says something new.
- Timestamps over each signature, also those made offline weeks ago: later is worse, never is worst.

Each address that is empty is not asked. What fails is tried again; nothing waits for it.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from central.centre import Centre
from central.services import lists, verification
from central.services.outside import Line, addresses
from central.services.verification import Key
from common.court.filing_entries import Evidence, Verify
from common.db import Database, create_tables, fetch
from common.errors import CourtError, Refused
from common.pki import cms, ocsp, timestamps
from common.pki.crl import CRL_BYTES_MAX, Revocation
from common.pki.ocsp import Answer

FULL_EVERY_MS: Final = 6 * 3_600_000
DELTA_EVERY_MS: Final = 3_600_000
ASK_EVERY_MS: Final = 60_000
BATCH: Final = 50
"""Signatures asked about in one round, so that a backlog of weeks does not keep the other services waiting."""
KNOWN_ALREADY: Final = frozenset({"crl.older"})
"""What a service may answer without being out of order: it has nothing newer than we have."""
INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS filing_unstamped ON filing_row (received_ms, obj) WHERE stamped_ms IS NULL",
    "CREATE INDEX IF NOT EXISTS cosigner_unstamped ON filing_signer_row (obj, position) WHERE stamped_ms IS NULL",
)
UNASKED: Final = """SELECT s.obj, s.place, COALESCE(c.signature, m.signature), s.serial, s.received_ms, s.said, s.since_ms
    FROM signer s JOIN filing_form_row m ON m.obj = s.obj LEFT JOIN filing_signer_row c ON c.obj = s.obj AND c.position = s.place - 1
    WHERE s.asked_ms IS NULL AND length(s.issuer) > 0 ORDER BY s.tried_ms NULLS FIRST, s.received_ms LIMIT ?"""
UNSTAMPED: Final = """SELECT f.obj, 0, m.signature FROM filing_row f JOIN filing_form_row m ON m.obj = f.obj
    JOIN signer s ON s.obj = f.obj AND s.place = 0
    WHERE f.stamped_ms IS NULL ORDER BY s.stamp_tried_ms NULLS FIRST, f.received_ms, f.obj LIMIT ?"""
UNSTAMPED_COSIGNERS: Final = """SELECT c.obj, c.position + 1, c.signature FROM filing_signer_row c
    JOIN signer s ON s.obj = c.obj AND s.place = c.position + 1
    WHERE c.stamped_ms IS NULL ORDER BY s.stamp_tried_ms NULLS FIRST, s.received_ms, c.obj, c.position LIMIT ?"""

logger = logging.getLogger(__name__)


def create(database: Database) -> None:
    """Create the indexes that find what has no timestamp."""
    create_tables(database, (), more=INDEXES)


class Authority:
    """Asks in rounds; one per centre, driven by its schedule."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._line = Line(centre.database, centre.clock)

    def round(self) -> None:
        """Ask everything that is due."""
        config = self._centre.config
        for setting, every_ms in ((config.crl, FULL_EVERY_MS), (config.crl_delta, DELTA_EVERY_MS)):
            for address in addresses(setting):
                self._guarded(address, every_ms, self._fetch_list)
        lists.publish(self._centre)
        for address in addresses(config.ocsp)[:1]:
            self._guarded(address, ASK_EVERY_MS, self._ask_about_keys)
        for address in addresses(config.tsa)[:1]:
            self._guarded(address, ASK_EVERY_MS, self._stamp)

    def _guarded(self, address: str, every_ms: int, work: Callable[[str], None]) -> None:
        if not self._line.due(address, every_ms):
            return
        try:
            work(address)
        except CourtError as error:
            self._line.failed(address, error)

    def _fetch_list(self, address: str) -> None:
        data, modified = self._line.fetch(address, CRL_BYTES_MAX)
        try:
            if data is not None:
                self._centre.trust.refresh()
                self._centre.trust.import_crl(data, self._centre.clock.now())
        except Refused as refused:
            if refused.code not in KNOWN_ALREADY:
                raise
        self._line.used(address, modified)

    def _each(self, address: str, tried: str, rows: list[tuple[Any, ...]], work: Callable[..., None]) -> None:
        """Ask about each signature; one that is refused is put behind the others. A service that answers nobody has failed."""
        refused: CourtError | None = None
        done = 0
        for obj, place, *rest in rows:
            try:
                work(address, obj, place, *rest)
                done += 1
            except Refused as error:
                logger.warning("%s: %s", address, error.code)
                refused = error
                statement = f"UPDATE signer SET {tried} = ? WHERE obj = ? AND place = ?"
                fetch(self._centre.database, statement, (self._centre.clock.now(), obj, place))
        if refused is not None and not done:
            raise refused
        self._line.used(address)

    # OCSP

    def _ask_about_keys(self, address: str) -> None:
        self._each(address, "tried_ms", fetch(self._centre.database, UNASKED, (BATCH,)), self._ask_about)

    def _ask_about(self, address: str, obj: bytes, place: int, signature: bytes, serial: bytes, *known: Any) -> None:
        centre, key = self._centre, Key(obj, place, int.from_bytes(serial, "big"), *known)
        certificate = cms.read(signature).signers[0].certificate
        issuer = centre.trust.chain(certificate)[1]
        request = ocsp.Request.about(certificate, issuer)
        data = self._line.ask(address, request.encoded(), "application/ocsp-request", ocsp.RESPONSE_BYTES_MAX)
        answer = ocsp.check(data, certificate, issuer, centre.trust, now_ms=centre.clock.now(), nonce=request.nonce)
        body = _said(key, answer, address)
        with centre.journal.unit() as unit:
            unit.append(key.obj, Evidence(kind="ocsp", data=data, at_ms=answer.this_update_ms, signer=place))
            if body is not None:
                unit.append(key.obj, body)
                verification.note_said(unit.database, key, body)
            fetch(unit.database, "UPDATE signer SET asked_ms = ? WHERE obj = ? AND place = ?", (centre.clock.now(), key.obj, place))
        centre.publish()

    # timestamps

    def _stamp(self, address: str) -> None:
        rows = [row for statement in (UNSTAMPED, UNSTAMPED_COSIGNERS) for row in fetch(self._centre.database, statement, (BATCH,))]
        self._each(address, "stamp_tried_ms", rows, self._stamp_one)

    def _stamp_one(self, address: str, obj: bytes, place: int, signature: bytes) -> None:
        value = cms.read(signature).signers[0].signature
        centre = self._centre
        request = timestamps.Request.over(value, policy=centre.config.tsa_policy)
        data = self._line.ask(address, request.encoded(), "application/timestamp-query", timestamps.RESPONSE_BYTES_MAX)
        token = request.read_response(data)
        said, _ = timestamps.check(token, value, centre.trust, now_ms=centre.clock.now())
        with centre.journal.unit() as unit:
            unit.append(obj, Evidence(kind="timestamp", data=token, at_ms=said.at_ms, signer=place))
        centre.publish()


def _said(key: Key, answer: Answer, address: str) -> Verify | None:
    """Return what an answer changes of what was said of a key; "unknown" changes nothing."""
    if answer.status == "unknown":
        return None
    found = Revocation(answer.since_ms, answer.reason) if answer.since_ms is not None else None
    return verification.judged(key, found, answer.this_update_ms, f"OCSP {address}")


def unstamped(centre: Centre) -> int:
    """Return how many signatures have no timestamp yet."""
    statement = "SELECT COUNT(*) FROM {} WHERE stamped_ms IS NULL"
    return sum(int(fetch(centre.database, statement.format(table))[0][0]) for table in ("filing_row", "filing_signer_row"))
