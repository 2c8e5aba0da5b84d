"""The duty that was paid later: the treasury's list of payments is held against the filings that wait for one (`filing.verify/1`).

An invoice names the talon, and so does who pays by it. The list is a table in UTF-8 with this heading, sums in tenge:

    talon;amount;date;document
    197640118205377;24500.00;2026-11-27;0123456

- One duty may be paid in parts: what a list holds of one talon counts together, the same payment (one number, day and sum) once.
  Less than the duty is told, and not written.
- A talon that is not here (its machine has no line yet) is told: the list is given again later. A list twice changes nothing.
- A list is taken whole or not at all. The result informs and decides nothing, as every `filing.verify`.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from central.centre import Centre
from common.court.duty import CLAIM_TIYN_MAX
from common.court.filing_entries import Verify
from common.court.filing_lists import Filing, filings_by_talon
from common.errors import N_, Refused
from common.ids import read_talon

HEADING: Final = ["talon", "amount", "date", "document"]
AMOUNT: Final = re.compile(r"([0-9]{1,16})(?:[.,]([0-9]{1,2}))?")
DOCUMENT_CHARS_MAX: Final = 40
"""Of the number of a payment."""
BATCH: Final = 200
"""Results written in one go: machines must have their turn."""
FORM: Final = N_("This is no list of payments. Its first line is talon;amount;date;document, its text is UTF-8.")
LINE: Final = N_(
    "Line %(line)d of the list cannot be read, so nothing of it was taken. Correct it, like 197640118205377;24500.00;2026-11-27;0123456."
)
MISSING, LESS, TWICE = "not here yet", "less than the duty", "two filings have this number"
"""Why a talon is left to the person who gave the list."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One line of the list; ``amount`` in tiyn, ``document`` is the payment's own number, may be empty."""

    talon: str
    amount: int
    day: date
    document: str


@dataclass(slots=True)
class Matched:
    """What a list told: how many filings are paid by it, how many were known as paid, and talons that need a look with the reason."""

    paid: int = 0
    known: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


def read(data: bytes) -> list[Payment]:
    """Return the payments of a list; raises Refused("payments.form" or "payments.line") with the line to correct."""
    try:
        lines = list(csv.reader(data.decode("utf-8-sig").splitlines(), delimiter=";", strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused("payments.form", FORM) from error
    if not lines or [name.strip().lower() for name in lines[0]] != HEADING:
        raise Refused("payments.form", FORM)
    return [_payment(number, line) for number, line in enumerate(lines[1:], start=2) if line]


def _payment(number: int, line: list[str]) -> Payment:
    try:
        talon, amount, day, document = (text.strip() for text in line)
        tiyn = _tiyn(amount)
        if len(document) > DOCUMENT_CHARS_MAX or not document.isprintable() or not 0 < tiyn <= CLAIM_TIYN_MAX:
            raise ValueError(number)
        return Payment(str(read_talon(talon)), tiyn, date.fromisoformat(day), document)
    except (ValueError, Refused) as error:
        raise Refused("payments.line", LINE, line=number) from error


def _tiyn(text: str) -> int:
    """Return «24 500,50» in tiyn; raises ValueError for what is no sum of whole tiyn."""
    found = AMOUNT.fullmatch("".join(text.split()))
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def match(centre: Centre, payments: Iterable[Payment]) -> Matched:
    """Write for every filing whose duty the payments cover that it is paid, and return what was found."""
    found, due = Matched(), list[tuple[Filing, Verify]]()
    for talon, paid in _by_talon(payments).items():
        filings = filings_by_talon(centre.database, talon)
        if len(filings) != 1:  # a machine whose numbers repeated has made two of one number: whose payment it is a person must see
            found.left.append((talon, TWICE if filings else MISSING))
        elif filings[0].payment == "paid":
            found.known += 1
        elif sum(one.amount for one in paid) < filings[0].duty_tiyn:
            found.left.append((talon, LESS))
        else:
            body = Verify(subject="payment", result="paid", as_of_ms=centre.clock.now(), source=_source(paid))
            due.append((filings[0], body))
            found.paid += 1
    for part in _batches(due):
        with centre.journal.unit() as unit:
            for filing, body in part:
                unit.append(filing.obj, body)
        centre.publish()
    return found


def _by_talon(payments: Iterable[Payment]) -> dict[str, list[Payment]]:
    found: dict[str, list[Payment]] = {}
    named = set[Payment]()
    for one in payments:
        if one in named:  # the list was put together from two that overlap: nothing was paid twice
            continue
        if one.document:
            named.add(one)
        found.setdefault(one.talon, []).append(one)
    return found


def _batches(due: list[tuple[Filing, Verify]]) -> Iterator[list[tuple[Filing, Verify]]]:
    for start in range(0, len(due), BATCH):
        yield due[start : start + BATCH]


def _source(paid: list[Payment]) -> str:
    """Return how the payment is named to clerk and citizen: numbers and days, which are read in every language."""
    return "; ".join(f"№ {one.document}, {one.day:%d.%m.%Y}" if one.document else f"{one.day:%d.%m.%Y}" for one in paid)
