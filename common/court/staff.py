"""Staff: who is clerk, judge, chairman or administrator of a court, or works at the centre; known to everyone.

- Only the centre appoints. One object is one appointment: repeating it with an end dismisses, with another certificate
  renews the key; its court and role never change.
- Rights are judged "as of" a log size, so every entry keeps its own row with its place in the log: an act is judged by
  what its author could have known (SYNC.md, 2). A fold has no clock, so an end in the future does not end a role in
  `roles_as_of`; the end arrives as an entry. Sign-in uses `roles_at`, which does look at the time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from common.court.writers import require_centre
from common.db import BlobField, BooleanField, CompositeKey, Database, IntegerField, Table, TextField, rows_of
from common.errors import N_, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: str = "staff"
Role = Literal["clerk", "judge", "chairman", "administrator", "central"]
AT_COURTS_ONLY: Final = frozenset({"clerk", "judge", "chairman"})
CERTIFICATE_BYTES_MAX: Final = 8_192
"""The longest certificate of the national CA seen is under 2 KiB."""
UNLOGGED: Final = -1
"""Log index of an entry that the register has not logged yet: counts for nobody."""


class Appoint(Body, frozen=True, kw_only=True):
    """`staff.appoint/1`: ``court`` is empty for the centre; ``certificate`` is DER; times in ms UTC."""

    name: str
    court: str
    role: Role
    certificate: bytes
    from_ms: int
    to_ms: int | None = None


TYPES: Mapping[str, type[Body]] = {"staff.appoint/1": Appoint}


class StaffRow(Table):
    """One entry about one appointment. ``ended``: its end was not after the entry's own time."""

    obj = BlobField()
    position = IntegerField()
    name = TextField()
    court = TextField(index=True)
    role = TextField()
    certificate = BlobField(index=True)
    certificate_der = BlobField()
    from_ms = IntegerField()
    to_ms = IntegerField(null=True)
    ended = BooleanField()
    log_index = IntegerField()

    class Meta:
        primary_key = CompositeKey("obj", "position")


TABLES: tuple[type[Table], ...] = (StaffRow,)


@dataclass(slots=True)
class State:
    """One appointment: its entries in log order."""

    facts: list[Fact] = field(default_factory=list)


def begin() -> State:
    """Return an appointment without history."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add one entry; raises Refused and leaves ``state`` alone."""
    require_centre(fact)
    body: Appoint = fact.body
    if not body.certificate or len(body.certificate) > CERTIFICATE_BYTES_MAX:
        raise Refused("staff.certificate", N_("An appointment needs the certificate of the person's key."))
    if (body.role == "central" and body.court) or (body.role in AT_COURTS_ONLY and not body.court):
        raise Refused("staff.place", N_("Clerks, judges and chairmen belong to a court, the staff of the centre to none."))
    if body.to_ms is not None and body.to_ms < body.from_ms:
        raise Refused("staff.term", N_("An appointment cannot end before it begins."))
    if state.facts:
        first: Appoint = state.facts[0].body
        if (first.court, first.role) != (body.court, body.role):
            raise Refused("staff.changed", N_("Another court or role is another appointment."))
    state.facts.append(fact)


def rows(state: State) -> Rows:
    """Return one row per entry."""
    return {
        StaffRow: [
            {
                "obj": fact.obj,
                "position": position,
                "name": fact.body.name,
                "court": fact.body.court,
                "role": fact.body.role,
                "certificate": hashlib.sha256(fact.body.certificate).digest(),
                "certificate_der": fact.body.certificate,
                "from_ms": fact.body.from_ms,
                "to_ms": fact.body.to_ms,
                "ended": fact.body.to_ms is not None and fact.body.to_ms <= fact.time,
                "log_index": UNLOGGED if fact.log_index is None else fact.log_index,
            }
            for position, fact in enumerate(state.facts)
        ]
    }


def audience(state: State) -> Audience:
    """Return everyone: names and certificates are needed wherever a decision is checked."""
    return Audience(everyone=bool(state.facts))


class Appointment(msgspec.Struct, frozen=True):
    """The newest entry of an appointment; times in ms UTC."""

    obj: bytes
    position: int
    name: str
    court: str
    role: str
    certificate: bytes
    certificate_der: bytes
    from_ms: int
    to_ms: int | None
    ended: bool
    log_index: int

    def holds_at(self, now_ms: int) -> bool:
        """Return whether the appointment is in force at ``now_ms``."""
        return self.from_ms <= now_ms and (self.to_ms is None or now_ms < self.to_ms)


def roles_as_of(database: Database, certificate: bytes, court: str, *, before: int) -> frozenset[str]:
    """Return the roles that the certificate (SHA-256) gives at ``court`` by the entries with a log index below ``before``."""
    named = StaffRow.select(StaffRow.obj).where(StaffRow.certificate == certificate, StaffRow.court == court)
    query = (
        StaffRow.select(StaffRow.obj, StaffRow.role, StaffRow.certificate, StaffRow.ended)
        .where(StaffRow.obj.in_(named), StaffRow.log_index >= 0, StaffRow.log_index < before)
        .order_by(StaffRow.obj, StaffRow.position)
    )
    newest = {row["obj"]: row for row in rows_of(database, query)}
    return frozenset(row["role"] for row in newest.values() if row["certificate"] == certificate and not row["ended"])


def roles_at(database: Database, certificate: bytes, *, now_ms: int) -> list[Appointment]:
    """Return the appointments in force at ``now_ms`` for a certificate (SHA-256): what its holder may sign in as."""
    named = StaffRow.select(StaffRow.obj).where(StaffRow.certificate == certificate)
    found = _newest(database, StaffRow.obj.in_(named))
    return [each for each in found if each.certificate == certificate and each.holds_at(now_ms)]


def appointment(database: Database, obj: bytes) -> Appointment | None:
    """Return one appointment as its newest entry says, in force or not; None where there is none."""
    found = _newest(database, StaffRow.obj == obj)
    return found[0] if found else None


def staff_of(database: Database, court: str, *, now_ms: int) -> list[Appointment]:
    """Return the appointments of a court (empty: the centre) in force at ``now_ms``, by name."""
    found = _newest(database, StaffRow.court == court)
    return sorted((each for each in found if each.holds_at(now_ms)), key=lambda each: (each.name, each.obj))


def _newest(database: Database, which: object) -> list[Appointment]:
    query = StaffRow.select().where(which).order_by(StaffRow.obj, StaffRow.position)
    newest = {row["obj"]: row for row in rows_of(database, query)}
    return [Appointment(**row) for row in newest.values()]
