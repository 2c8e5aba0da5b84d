"""The country at a glance, in numbers that cost little: no page view reads a whole table.

* What machines said of themselves comes from their last contact, one row a machine.
* What came in is read through two indexes of its own: bundles by time of arrival, filings by their place in a journal.
* Counts of filings are of a stated number of days, through an index that holds all their columns.

A `Watch` keeps the answer for some seconds, so that a wall of screens costs as much as one; ``as_of_ms`` says of when it is.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, Generic, TypeVar

from central.centre import Centre
from central.services import nodes
from central.services.nodes import DAY_MS, HOUR_MS, Machine
from common.clock import KAZAKHSTAN_OFFSET_MS, Clock
from common.db import Database, create_tables, fetch
from sync.identity import CENTRE_NODE

HELD_MS: Final = 10_000
"""How long the state of the country is shown again before it is asked anew."""
COUNTS_HELD_MS: Final = 60_000
"""The same for counts of filings, which read an index of every day they cover."""
GOAL_MINUTES: Final = 15
"""From the talon to the register, where the line works."""
LAG_HOURS: Final = 24
HIGH: Final = 0.95
"""The upper edge of the band: 95 of 100 filings were faster."""
DAYS_CHOICES: Final = (7, 30, 90, 365)
FUTURE_MS: Final = DAY_MS
"""A filing dated later than this comes from a machine whose clock is wrong; it is not shown among days to come."""

INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS bundle_received ON bundle (received_ms, node, epoch, first, last)",
    "CREATE INDEX IF NOT EXISTS filing_place ON filing_row (node, epoch, seq, submitted_ms)",
    "CREATE INDEX IF NOT EXISTS filing_days ON filing_row (submitted_ms, region, court, status, witnessed)",
    "CREATE INDEX IF NOT EXISTS filing_unpaid ON filing_row (duty_way) WHERE payment = '' AND status IN ('filed', 'redirected')",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slot:
    """One hour of arrivals, ``start_ms`` its beginning: the middle delay and the one that 95 of 100 stay under, in minutes."""

    start_ms: int
    filings: int
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything of the first page; times in ms UTC, sizes in bytes."""

    as_of_ms: int
    machines: tuple[Machine, ...]
    in_touch: int
    expected: int
    overdue: int
    """Machines where something has waited for the register longer than OVERDUE_MS."""
    backlog: int
    backlog_bytes: int
    quarantine: int
    quarantine_since_ms: int | None
    entries_today: int
    filings_today: int
    unverified_payments: int
    lag: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """How many filings of one court are in one state, and how many of them a witness signed for people without a key."""

    region: str
    court: str
    status: str
    count: int
    witnessed: int


@dataclass(frozen=True, slots=True)
class Filings:
    """Counts of the last ``days`` days by date of submission, cut in two ways.

    ``by_day`` has (region, day) → count; a day counts days since 1970-01-01 in Kazakhstan's time.
    """

    as_of_ms: int
    days: int
    places: tuple[Place, ...]
    by_day: Mapping[tuple[str, int], int]

    def by(self, *names: str, **where: str) -> Counter[tuple[str, ...]]:
        """Return how many filings there are for each combination of ``names`` among the places with values ``where``."""
        found: Counter[tuple[str, ...]] = Counter()
        for one in self.places:
            if all(getattr(one, name) == value for name, value in where.items()):
                found[tuple(getattr(one, name) for name in names)] += one.count
        return found

    def witnessed_by(self, name: str) -> Counter[str]:
        """Return how many filings a witness signed, for each value of ``name``."""
        found: Counter[str] = Counter()
        for one in self.places:
            found[getattr(one, name)] += one.witnessed
        return found

    def on_days(self, region: str | None = None) -> Counter[int]:
        """Return how many filings there are on each day, of one region where given."""
        found: Counter[int] = Counter()
        for (rr, day), count in self.by_day.items():
            if region is None or rr == region:
                found[day] += count
        return found


def create(database: Database) -> None:
    """Create the indexes; the tables are the register's and the fold's."""
    create_tables(database, (), more=INDEXES)


def overview(centre: Centre) -> Overview:
    """Return the state of the country now."""
    now = centre.clock.now()
    found = nodes.machines(centre)
    trusted = [one for one in found if one.state != "revoked"]
    count, since = fetch(centre.database, "SELECT COUNT(*), MIN(since_ms) FROM quarantine")[0]
    midnight = midnight_ms(now)
    arrivals = _arrivals(centre.database, now - LAG_HOURS * HOUR_MS)
    return Overview(
        as_of_ms=now,
        machines=tuple(found),
        in_touch=sum(one.contact_ms is not None and now - one.contact_ms <= nodes.IN_TOUCH_MS for one in trusted),
        expected=len(trusted),
        overdue=sum(one.oldest_ms is not None and now - one.oldest_ms > nodes.OVERDUE_MS for one in trusted),
        backlog=sum(one.backlog for one in trusted),
        backlog_bytes=sum(one.backlog_bytes for one in trusted),
        quarantine=count,
        quarantine_since_ms=since,
        entries_today=_entries_since(centre.database, midnight),
        filings_today=sum(received >= midnight for received, _ in arrivals),
        unverified_payments=_unverified_payments(centre.database),
        lag=tuple(_slots(arrivals)),
    )


def filings(centre: Centre, days: int) -> Filings:
    """Return the counts of filings submitted today and in the ``days`` - 1 days before."""
    now = centre.clock.now()
    span = (midnight_ms(now) - (days - 1) * DAY_MS, now + FUTURE_MS)
    places = """SELECT region, court, status, COUNT(*), SUM(witnessed) FROM filing_row
                WHERE submitted_ms >= ? AND submitted_ms < ? GROUP BY 1, 2, 3"""
    by_day = """SELECT region, (submitted_ms + ?1) / ?2, COUNT(*) FROM filing_row
                WHERE submitted_ms >= ?3 AND submitted_ms < ?4 GROUP BY 1, 2"""
    found = [Place(*row) for row in fetch(centre.database, places, span)]
    counted = fetch(centre.database, by_day, (KAZAKHSTAN_OFFSET_MS, DAY_MS, *span))
    return Filings(now, days, tuple(found), {(region, day): count for region, day, count in counted})


def midnight_ms(now: int) -> int:
    """Return when the day of ``now`` began in Kazakhstan."""
    return (now + KAZAKHSTAN_OFFSET_MS) // DAY_MS * DAY_MS - KAZAKHSTAN_OFFSET_MS


def _arrivals(database: Database, since: int) -> list[tuple[int, int]]:
    """Return (received, claimed time of filing) of every filing that arrived after ``since``."""
    statement = """SELECT b.received_ms, f.submitted_ms FROM bundle b
                   JOIN filing_row f ON f.node = b.node AND f.epoch = b.epoch AND f.seq BETWEEN b.first AND b.last
                   WHERE b.received_ms >= ? AND b.node > ?"""
    return [(received, submitted) for received, submitted in fetch(database, statement, (since, CENTRE_NODE))]


def _entries_since(database: Database, since: int) -> int:
    statement = "SELECT COALESCE(SUM(last - first + 1), 0) FROM bundle WHERE received_ms >= ? AND node > ?"
    return int(fetch(database, statement, (since, CENTRE_NODE))[0][0])


def _unverified_payments(database: Database) -> int:
    statement = """SELECT COUNT(*) FROM filing_row
                   WHERE payment = '' AND status IN ('filed', 'redirected') AND duty_way IN ('receipt', 'pending')"""
    return int(fetch(database, statement)[0][0])


def _slots(arrivals: Iterable[tuple[int, int]]) -> list[Slot]:
    """Return one slot for each hour in which filings came, the oldest first."""
    hours: dict[int, list[float]] = {}
    for received, submitted in arrivals:
        # a clock that runs ahead would make a filing arrive before it was made: such a delay counts as none
        hours.setdefault(received // HOUR_MS, []).append(max(0, received - submitted) / nodes.MINUTE_MS)
    return [Slot(hour * HOUR_MS, len(delays), round(median(delays), 1), round(_high(delays), 1)) for hour, delays in sorted(hours.items())]


def _high(delays: list[float]) -> float:
    ordered = sorted(delays)
    return ordered[min(len(ordered) - 1, int(len(ordered) * HIGH))]


class Watch(Generic[T]):
    """Asks ``question`` at most every ``held_ms`` for each key; many screens get the same answer."""

    def __init__(self, clock: Clock, question: Callable[[int], T], held_ms: int = HELD_MS) -> None:
        self._clock, self._question, self._held_ms = clock, question, held_ms
        self._held: dict[int, tuple[int, T]] = {}
        self._lock = threading.Lock()

    def ask(self, key: int = 0) -> T:
        """Return the answer for ``key``, at most ``held_ms`` old."""
        with self._lock:  # others wait for the same answer rather than asking for it too
            at = self._clock.monotonic()
            held = self._held.get(key)
            if held is None or at - held[0] >= self._held_ms:
                self._held[key] = held = (at, self._question(key))
            return held[1]
