"""The machines as the centre sees them: what each last said of itself, what is wrong with it, and what people decide about it.

Everything a machine says is as old as its last contact; pages show that time. Words of this module:

* ``state``: ok (heard within IN_TOUCH_MS and nothing waits long), late, off (not heard for SILENT_MS), never, revoked;
* ``alarms``: what a person must look at: twin, fork, register, clock, disk, quota, quarantine;
* ``tone``: the colour and shape of both together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from central.centre import Centre
from central.services import enrolment
from common.court.book import Book
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, create_tables, fetch, transaction
from common.errors import N_, Conflict, NotFound, Refused
from sync.identity import CENTRE_NODE
from sync.messages import FORK, LOST, TWIN

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
IN_TOUCH_MS: Final = 15 * MINUTE_MS
"""A machine whose line works is heard every minute, after a failure at least every quarter of an hour."""
SILENT_MS: Final = HOUR_MS
WAITS_LONG_MS: Final = 15 * MINUTE_MS
"""The goal from the talon to the register."""
OVERDUE_MS: Final = 72 * HOUR_MS
"""What waits longer needs another way to the centre."""
CLOCK_OFF_MS: Final = 5 * MINUTE_MS
DISK_FREE_MIN: Final = 2 << 30
KEPT_DAYS: Final = 30
"""How long the hours of contact are kept."""
REASON_CHARS_MAX: Final = 500

State = Literal["ok", "late", "off", "never", "revoked"]
Tone = Literal["ok", "late", "off"]


class ContactHourRow(Table):
    """What a machine said of itself within one hour (hours since 1970 UTC): the last contact, the worst of the rest."""

    hour = IntegerField()
    node = IntegerField()
    contact_ms = IntegerField()
    backlog = IntegerField()
    clock_off_ms = IntegerField()
    disk_free = IntegerField()

    class Meta:
        table_name = "contact_hour"
        primary_key = CompositeKey("hour", "node")
        indexes = ((("node", "hour"), False),)


class ClearedAlarmRow(Table):
    """Who (SHA-256 of the certificate) cleared an alarm of a machine, and when: there is no entry for that."""

    node = IntegerField()
    at_ms = IntegerField()
    actor = BlobField()

    class Meta:
        table_name = "cleared_alarm"
        primary_key = CompositeKey("node", "at_ms")


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. Times in ms UTC; ``contact_ms`` None before the first contact; ``oldest_ms`` None when nothing waits."""

    node: int
    name: str
    courts: tuple[str, ...]
    region: str
    epoch: int
    seq: int
    contact_ms: int | None
    clock_off_ms: int
    backlog: int
    backlog_bytes: int
    oldest_ms: int | None
    disk_free: int | None
    version: str
    quarantine: int
    """Entries of this machine that the centre could not fold."""
    quarantine_there: int
    state: State
    alarms: tuple[str, ...]

    @property
    def tone(self) -> Tone:
        if self.state == "off" or set(self.alarms) & {"twin", "fork", "register"}:
            return "off"
        return "late" if self.state in ("late", "never") or self.alarms else "ok"

    def waits_ms(self, now: int) -> int | None:
        """Return for how long something has waited there as far as anybody knows, or the silence itself; None when nothing does."""
        if self.oldest_ms is not None:
            return max(0, now - self.oldest_ms)
        return now - self.contact_ms if self.state == "off" and self.contact_ms is not None else None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of contact, newest first in lists; ``start_ms`` is its midnight in Kazakhstan."""

    start_ms: int
    hours: int
    backlog: int
    clock_off_ms: int
    disk_free: int


def create(database: Database) -> None:
    """Create what is missing."""
    create_tables(database, [ContactHourRow, ClearedAlarmRow])


_MACHINES = """
SELECT n.node, n.name, n.epoch, n.revoked_epoch, p.epoch, p.seq, p.frozen, c.contact_ms, c.clock_ms, c.epoch, c.seq, c.backlog,
       c.backlog_bytes, c.oldest_ms, c.disk_free, c.quarantine, c.version, c.state, c.alarm_ms
FROM node n LEFT JOIN peer p ON p.node = n.node LEFT JOIN contact c ON c.node = n.node
WHERE n.node > ?1 AND n.node = COALESCE(?2, n.node) ORDER BY n.node
"""


def machines(centre: Centre, *, node: int | None = None) -> list[Machine]:
    """Return every machine of the directory but the centre itself, by number; with ``node`` only that one."""
    book, now = centre.book(), centre.clock.now()
    served: dict[int, list[str]] = {}
    for court, writer in writers(centre.database).items():
        served.setdefault(writer, []).append(court)
    held = dict(fetch(centre.database, "SELECT (SELECT e.node FROM entry e WHERE e.leaf = q.leaf), COUNT(*) FROM quarantine q GROUP BY 1"))
    rows = fetch(centre.database, _MACHINES, (CENTRE_NODE, node))
    over = centre.server.quotas.is_over
    return [_machine(_Row(*row), tuple(served.get(row[0], ())), held.get(row[0], 0), over(row[0]), book, now) for row in rows]


def machine(centre: Centre, node: int) -> Machine:
    """Return one machine; raises NotFound("node.none")."""
    found = machines(centre, node=node) if node > CENTRE_NODE else []
    if not found:
        raise NotFound("node.none", N_("There is no machine with this number."))
    return found[0]


def writers(database: Database) -> dict[str, int]:
    """Return which machine writes for each court now (`sync.directory.node_of` for all courts at once)."""
    rows = fetch(database, "SELECT court, node FROM node_court ORDER BY court, since, node")
    return {court: node for court, node in dict(rows).items() if node >= 0}


def worst_first(found: Sequence[Machine], now: int) -> list[Machine]:
    """Return the machines that need a person, the worst first; revoked ones need nobody."""
    order = {"off": 0, "late": 1}
    needy = [one for one in found if one.state != "revoked" and one.tone != "ok"]
    return sorted(needy, key=lambda one: (order[one.tone], -(one.waits_ms(now) or 0), one.node))


class _Row(NamedTuple):
    """One row of _MACHINES; what a machine has not said yet is None."""

    node: int
    name: str
    epoch: int
    revoked: int | None
    peer_epoch: int | None
    peer_seq: int | None
    frozen: str | None
    contact_ms: int | None
    clock_ms: int
    said_epoch: int
    said_seq: int
    backlog: int
    backlog_bytes: int
    oldest_ms: int
    disk_free: int | None
    quarantine: int | None
    version: str | None
    said: str | None
    alarm_ms: int | None

    @property
    def left(self) -> int:
        """Entries that still wait there: what the machine said at its last hello without what has arrived since."""
        if self.contact_ms is None:
            return 0
        if self.peer_epoch is None or self.peer_epoch < self.said_epoch or self.peer_seq is None:
            return self.backlog
        return min(self.backlog, max(0, self.said_seq - self.peer_seq)) if self.peer_epoch == self.said_epoch else 0


def _machine(row: _Row, courts: tuple[str, ...], held: int, over: bool, book: Book, now: int) -> Machine:
    court = book.find_court(courts[0]) if courts else None
    clock_off = row.clock_ms - row.contact_ms if row.contact_ms is not None else 0
    oldest = row.oldest_ms if row.left else None
    there = row.quarantine or 0
    return Machine(
        node=row.node,
        name=row.name,
        courts=tuple(sorted(courts)),
        region=court.region_rr if court else "",
        epoch=max(row.epoch, row.peer_epoch or 1),
        seq=row.peer_seq or 0,
        contact_ms=row.contact_ms,
        clock_off_ms=clock_off,
        backlog=row.left,
        backlog_bytes=row.backlog_bytes * row.left // row.backlog if row.left else 0,
        oldest_ms=oldest,
        disk_free=row.disk_free,
        version=row.version or "",
        quarantine=held,
        quarantine_there=there,
        state=_state(row.revoked is not None, row.contact_ms, oldest, now),
        alarms=_alarms(row, clock_off, held + there, over, overdue=oldest is not None and now - oldest > OVERDUE_MS),
    )


def _state(revoked: bool, contact: int | None, oldest: int | None, now: int) -> State:
    if revoked:
        return "revoked"
    if contact is None:
        return "never"
    if now - contact > SILENT_MS:
        return "off"
    return "late" if now - contact > IN_TOUCH_MS or (oldest is not None and now - oldest > WAITS_LONG_MS) else "ok"


def _alarms(row: _Row, clock_off: int, quarantine: int, over: bool, *, overdue: bool) -> tuple[str, ...]:
    found = []
    if overdue and row.revoked is None:
        found.append("overdue")
    if row.said == FORK or row.frozen:
        found.append("fork")
    elif row.said == TWIN or row.alarm_ms is not None:  # it stands until a person clears it, whoever has called since
        found.append("twin")
    if row.said == LOST:
        found.append("register")
    if abs(clock_off) > CLOCK_OFF_MS:
        found.append("clock")
    if row.disk_free is not None and 0 < row.disk_free < DISK_FREE_MIN:
        found.append("disk")
    if over:
        found.append("quota")
    if quarantine:
        found.append("quarantine")
    return tuple(found)


def note_contacts(centre: Centre) -> None:
    """Keep what the machines said within the last hour; called every minute, and harmless when called twice."""
    now = centre.clock.now()
    statement = """INSERT INTO contact_hour AS h (hour, node, contact_ms, backlog, clock_off_ms, disk_free)
                   SELECT contact_ms / ?1, node, contact_ms, backlog, ABS(clock_ms - contact_ms), disk_free
                   FROM contact WHERE contact_ms > ?2
                   ON CONFLICT (hour, node) DO UPDATE SET contact_ms = excluded.contact_ms,
                     backlog = CASE WHEN excluded.backlog > h.backlog THEN excluded.backlog ELSE h.backlog END,
                     clock_off_ms = CASE WHEN excluded.clock_off_ms > h.clock_off_ms THEN excluded.clock_off_ms ELSE h.clock_off_ms END,
                     disk_free = CASE WHEN excluded.disk_free < h.disk_free THEN excluded.disk_free ELSE h.disk_free END"""
    with transaction(centre.database):
        fetch(centre.database, statement, (HOUR_MS, now - HOUR_MS))
        fetch(centre.database, "DELETE FROM contact_hour WHERE hour < ?", ((now - KEPT_DAYS * DAY_MS) // HOUR_MS,))


def days(centre: Centre, node: int, *, since_ms: int, offset_ms: int) -> list[Day]:
    """Return the days of contact of ``node`` after ``since_ms``, the newest first; ``offset_ms`` is the zone's."""
    statement = """SELECT (hour * ?1 + ?2) / ?3, COUNT(*), MAX(backlog), MAX(clock_off_ms), MIN(disk_free) FROM contact_hour
                   WHERE node = ?4 AND hour >= ?5 GROUP BY 1 ORDER BY 1 DESC"""
    rows = fetch(centre.database, statement, (HOUR_MS, offset_ms, DAY_MS, node, since_ms // HOUR_MS))
    return [Day(day * DAY_MS - offset_ms, hours, backlog, clock_off, disk) for day, hours, backlog, clock_off, disk in rows]


def cut_of(centre: Centre, *, node: int, wanted: tuple[int, int] | None) -> tuple[int, int]:
    """Return the (epoch, seq) after which ``node`` would be revoked, by default where the register stands; raises Refused("node.cut")."""
    at = centre.register.peer(node)
    cut = wanted or (at.epoch, at.seq)
    enrolment.require_cut(at, cut)
    return cut


def logged_after(centre: Centre, node: int, cut: tuple[int, int]) -> int:
    """Return how many entries of ``node`` the register has after ``cut``."""
    statement = "SELECT COUNT(*) FROM entry WHERE node = ? AND (epoch, seq) > (?, ?) AND log_index IS NOT NULL"
    return int(fetch(centre.database, statement, (node, *cut))[0][0])


def revoke(centre: Centre, *, node: int, reason: str, actor: bytes, cut: tuple[int, int] | None = None) -> None:
    """Revoke ``node`` after the (epoch, seq) ``cut``, by default after everything the register has of it.

    Raises NotFound, Refused("node.reason" or "node.cut") or Conflict("node.revoked_already").
    """
    machine(centre, node)
    if not reason.strip() or len(reason) > REASON_CHARS_MAX:
        raise Refused("node.reason", N_("Say why in a sentence, up to %(most)d letters."), field="reason", most=REASON_CHARS_MAX)
    enrolment.revoke(centre, node=node, reason=reason.strip(), actor=actor, cut=cut)


def serve(centre: Centre, *, node: int, courts: Sequence[str], actor: bytes) -> None:
    """Say for which courts ``node`` writes from now on; raises NotFound, Refused("enrol.courts") or Conflict."""
    machine(centre, node)
    enrolment.serve(centre, node=node, courts=courts, actor=actor)


def clear_alarm(centre: Centre, *, node: int, actor: bytes) -> None:
    """Take back a twin or fork alarm: a person has found out which machine is the real one and switched the other one off.

    Where the last caller was refused as a copy, the next one is believed whoever it is. Raises Conflict("node.no_alarm").
    """
    now = centre.clock.now()
    statement = """UPDATE contact SET
                     token = CASE state WHEN ?2 THEN ?3 ELSE token END, token_before = CASE state WHEN ?2 THEN ?3 ELSE token_before END,
                     epoch = CASE state WHEN ?2 THEN 0 ELSE epoch END, state = '', alarm_ms = NULL
                   WHERE node = ?1 AND alarm_ms IS NOT NULL RETURNING node"""
    record = "INSERT INTO cleared_alarm (node, at_ms, actor) VALUES (?1, ?2, ?3) ON CONFLICT (node, at_ms) DO UPDATE SET actor = ?3"
    with transaction(centre.database):
        if not fetch(centre.database, statement, (node, TWIN, b"")):
            raise Conflict("node.no_alarm", N_("There is no alarm of this machine any more."))
        fetch(centre.database, record, (node, now, actor))


def by_region(found: Sequence[Machine]) -> Mapping[str, tuple[int, Tone]]:
    """Return (machines, the worst tone) of each region; revoked machines do not count."""
    worst: dict[str, tuple[int, Tone]] = {}
    for one in found:
        if one.state != "revoked" and one.region:
            count, tone = worst.get(one.region, (0, "ok"))
            worst[one.region] = count + 1, max(tone, one.tone, key=("ok", "late", "off").index)
    return worst
