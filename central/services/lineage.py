"""A new log of the register: after an old copy of its database was put back, or its log key was stolen (PROTOCOL 10.10)."""

from dataclasses import dataclass

from central.centre import Centre
from common.court.texts import flat
from common.db import fetch
from common.errors import N_, NotFound, Refused
from sync import lineage, lineage_centre
from sync.lineage import REASON_CHARS_MAX, Lineage


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of the registry about a log after the first; ``machines``: how many of the directory follow it or a later one."""

    statement: Lineage
    data: bytes
    machines: int


def begin(centre: Centre, *, reason: str) -> Lineage:
    """Go on as a new log from the newest head on, under a fresh key; return the registry's statement.

    No other process may serve this register meanwhile. Raises Refused("lineage.reason"), Conflict("lineage.older") or
    Corrupt("log.broken").
    """
    said = flat(reason)
    if not said or len(said) > REASON_CHARS_MAX:
        raise Refused("lineage.reason", N_("Say why in a sentence, up to %(most)d letters."), most=REASON_CHARS_MAX)
    number = lineage.number_of(centre.identity.pin.origin) + 1
    key = centre.keys.make_log(number)
    one = lineage_centre.begin(centre.register, centre.keys.registry, key, reason=said)
    centre.keys.keep_log(number)
    centre.publish()
    centre.revocations()
    return one


def told(centre: Centre) -> list[Told]:
    """Return every log but the first, the newest first."""
    counted = fetch(centre.database, "SELECT number, COUNT(*) FROM contact_lineage GROUP BY number")
    found = [(lineage.read(data, centre.identity.pin), data) for data in lineage.statements(centre.database)]
    return [Told(one, data, sum(count for number, count in counted if number >= one.number)) for one, data in reversed(found)]


def statement(centre: Centre, number: int) -> bytes:
    """Return the registry's statement about log ``number``; raises NotFound("lineage.none")."""
    found = next((one.data for one in told(centre) if one.statement.number == number), None)
    if found is None:
        raise NotFound("lineage.none", N_("There is no such log of the register."))
    return found


def followed(centre: Centre, node: int) -> int | None:
    """Return which log a machine follows, as it said last; None while it has said nothing."""
    rows = fetch(centre.database, "SELECT number FROM contact_lineage WHERE node = ?", (node,))
    return rows[0][0] if rows else None
