"""What a node could not know when it took a filing: whether the filer's certificate was revoked by then (`filing.verify/1`).

A node checks against the newest list it has, which offline may be weeks old. The centre checks each filing once more, as
of the moment the node received it, as soon as it holds a list of the certificate's issuer that is newer than the node's
and not older than that moment. The result informs the court and decides nothing; it is written once a filing.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

from central.centre import Centre
from common.court.filing_entries import Verify
from common.db import Database, fetch
from common.errors import CourtError, Refused
from common.pki import cms
from common.pki.certificates import Certificate
from common.pki.crl import CrlInfo

BATCH: Final = 50
"""Filings looked at in one go: looking a number up in the national list takes some 25 ms, and folding must have its turn."""
INDEX: Final = "CREATE INDEX IF NOT EXISTS filing_unchecked ON filing_row (received_ms, obj) WHERE revocation = ''"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pending:
    """A filing whose filer's certificate may have to be looked at again. ``had_ms``: age of the node's list, 0 for none."""

    obj: bytes
    received_ms: int
    had_ms: int
    signature: bytes


def create(database: Database) -> None:
    """Create the index that finds what is unchecked without reading all filings."""
    fetch(database, INDEX)


class Verifier:
    """Goes through the unchecked filings a batch at a time; one per centre, used by its folding thread alone."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._after: tuple[int, bytes] = (-1, b"")

    def run(self) -> bool:
        """Check the next batch and publish what was found; return whether there may be more."""
        self._centre.trust.refresh()
        newest = max((info.this_update_ms for info in self._centre.trust.crls()), default=None)
        batch = self._next(newest) if newest is not None else []
        self._after = (batch[-1].received_ms, batch[-1].obj) if len(batch) == BATCH else (-1, b"")
        if sum(self._check(each) for each in batch):
            self._centre.publish()
        return len(batch) == BATCH

    def _next(self, newest: int) -> list[Pending]:
        statement = """SELECT f.obj, f.received_ms, COALESCE(f.crl_as_of_ms, 0), m.signature
                       FROM filing_row f JOIN filing_form_row m ON m.obj = f.obj
                       WHERE f.revocation = '' AND (f.received_ms, f.obj) > (?1, ?2) AND f.received_ms <= ?3
                       AND (f.crl_stale OR COALESCE(f.crl_as_of_ms, 0) < ?3) ORDER BY f.received_ms, f.obj LIMIT ?4"""
        return [Pending(*row) for row in fetch(self._centre.database, statement, (*self._after, newest, BATCH))]

    def _check(self, pending: Pending) -> bool:
        """Write what was found about one filing; return whether anything was."""
        try:
            found = judge(self._centre, pending)
            return found is not None and self._write(pending.obj, found)
        except CourtError as error:  # this one waits for the next round; the others must not wait for it
            logger.error("revocation check: %s", error.code)
            return False

    def _write(self, obj: bytes, found: Verify) -> bool:
        with self._centre.journal.unit() as unit:
            unchecked = fetch(unit.database, "SELECT 1 FROM filing_row WHERE obj = ? AND revocation = ''", (obj,))
            if unchecked:  # else another process was first
                unit.append(obj, found)
        return bool(unchecked)


def judge(centre: Centre, pending: Pending) -> Verify | None:
    """Return what the centre's list says of the filer's certificate, or None while it can say no more than the node did."""
    certificate, _ = cms.signer(pending.signature)
    info = _list_of(centre, certificate)
    if info is None or info.this_update_ms <= pending.had_ms or info.this_update_ms < pending.received_ms:
        return None
    source = f"CRL {info.issuer}" + (f" № {info.number}" if info.number is not None else "")
    return Verify(
        subject="revocation", result=_result(centre, certificate, pending.received_ms), as_of_ms=info.this_update_ms, source=source
    )


def _result(centre: Centre, certificate: Certificate, at_ms: int) -> str:
    try:
        centre.trust.check(certificate, at_ms=at_ms, now_ms=centre.clock.now())
    except Refused as error:
        return "revoked" if error.code == "pki.revoked" else "unknown"
    return "good"


def _list_of(centre: Centre, certificate: Certificate) -> CrlInfo | None:
    """Return the newest list of the certificate's issuer."""
    try:
        issuer: Any = centre.trust.chain(certificate)[1]
    except Refused:  # a root that is not trusted here any more: there is no list to go by
        return None
    named = [info for info in centre.trust.crls() if info.issuer == issuer.subject]
    return max(named, key=lambda info: info.this_update_ms, default=None)
