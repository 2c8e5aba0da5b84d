"""The public check of a talon or a signed paper: what the cryptography says, and what the register knows of the filing."""

from dataclasses import dataclass
from typing import IO

from central.centre import Centre
from central.services import log
from central.services.log import TalonState
from common.court import filing_lists
from common.court.filing_lists import Filing
from common.db import fetch
from sync.verify import PUBLIC_BYTES_MAX, Report, World, check_open


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, with the filing behind it where the register holds it."""

    report: Report
    filing: Filing | None
    state: TalonState | None


def check(centre: Centre, file: IO[bytes], content: bytes | None = None) -> Checked:
    """Return what was found about ``file``, and ``content`` where that is a signature beside it; nothing of it is kept.

    A filing is shown only to who proves to hold its paper.
    """
    centre.trust.refresh()
    pin, now = centre.identity.pin, centre.clock.now()
    report = check_open(
        World(database=centre.database, pin=pin, trust=centre.trust, now_ms=now, content=content), file, bytes_max=PUBLIC_BYTES_MAX
    )
    leaf = report.facts.get("leaf")
    filing = _filing_of(centre, leaf) if isinstance(leaf, bytes) and report.valid else None
    return Checked(report, filing, log.state_of(centre, filing) if filing else None)


def _filing_of(centre: Centre, leaf: bytes) -> Filing | None:
    rows = fetch(centre.database, "SELECT obj FROM entry WHERE leaf = ?", (leaf,))
    found = filing_lists.filing(centre.database, rows[0][0]) if rows else None
    return found if found is not None and found.leaf == leaf else None
