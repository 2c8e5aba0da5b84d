"""The person's copies in the cabinet: kept a month from sending, or from the court's decision; record and receipts stay (LET-9).

Nothing is deleted by this and nothing is an entry: the court holds its papers as before, and the clock is computed. What
stays open for ever are the record, the talon, the court's decision and the proofs.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from common.court.filing_lists import Filing
from common.court.terms import add_months, local_date
from common.errors import N_, Refused

MONTHS: Final = 1


@dataclass(frozen=True, slots=True)
class Copies:
    """Until when the cabinet opens the papers of a filing: the last day, and how many days after today are left."""

    last_day: date
    days_left: int

    @property
    def kept(self) -> bool:
        """Whether they still open."""
        return self.days_left >= 0


def of(filing: Filing, now: int) -> Copies:
    """Return until when this filing's copies are kept; ``now`` in milliseconds UTC, days are Kazakhstan's."""
    last_day = add_months(local_date(max(filing.submitted_ms, filing.decided_ms or 0)), MONTHS)
    return Copies(last_day, (last_day - local_date(now)).days)


def require_kept(filing: Filing, now: int) -> None:
    """Raise Refused("copies.expired") once the month is over."""
    if not of(filing, now).kept:
        raise Refused(
            "copies.expired",
            N_("Your copy was kept here for a month. The record, the talon and the proofs stay; ask the court for a copy of the papers."),
        )
