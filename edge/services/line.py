"""The line of this machine in figures, for the people who look after it, and what the last exchanges did.

- `note` keeps the last OUTCOMES_MAX exchanges in a local table: never an entry, never sent.
- What is in quarantine is shown by its code and kind alone; its content may be anybody's.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from common import canonical
from common.db import BlobField, Database, IntegerField, Table, TextField, create_tables, fetch, insert, passing, rows_of
from common.errors import N_, CourtError, NotFound
from common.facts import decode_body
from common.pki.crl import CrlInfo
from edge.node import Node
from edge.services import lists
from sync.directory import EpochOpen
from sync.entry import decode_envelope
from sync.link import Outcome

OUTCOMES_MAX: Final = 100
"""Some hours of exchanges every minute: enough to see when a line began to fail."""
QUARANTINE_SHOWN_MAX: Final = 50
OVERDUE_SHOWN_MAX: Final = 50
BEGINNINGS_SHOWN_MAX: Final = 10
HOUR_MS: Final = 3_600_000
PROBLEMS_MAX: Final = 20
"""Codes of files that did not come, kept of one exchange."""


class ExchangeOutcome(Table):
    """One exchange: ``code`` empty when it went through, else why not, with the sentence people read."""

    id = IntegerField(primary_key=True)
    started_ms = IntegerField(index=True)
    ended_ms = IntegerField()
    code = TextField()
    sentence = TextField()
    params = BlobField()
    entries_up = IntegerField()
    entries_down = IntegerField()
    blobs_up = IntegerField()
    blobs_down = IntegerField()
    receipts = IntegerField()
    trips = IntegerField()
    bytes_up = IntegerField()
    bytes_down = IntegerField()
    problems = IntegerField()

    class Meta:
        table_name = "exchange_outcome"


class Past(msgspec.Struct, frozen=True):
    """One exchange of the past; ``params`` belong to ``sentence``, a message id. Times in ms UTC."""

    id: int
    started_ms: int
    ended_ms: int
    code: str
    sentence: str
    params: dict[str, Any]
    entries_up: int
    entries_down: int
    blobs_up: int
    blobs_down: int
    receipts: int
    trips: int
    bytes_up: int
    bytes_down: int
    problems: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An authentic entry that could not be folded: its type, who wrote it where, why it waits, since when."""

    type: str
    node: int
    epoch: int
    seq: int
    code: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the machine stands. ``checkpoint``: entries in the register's newest checkpoint here; times in ms UTC."""

    node: int
    name: str
    epoch: int
    seq: int
    recovering: bool
    checkpoint: int
    complete: int
    certificate_until_ms: int
    quarantined: int
    missing_blobs: int
    missing_bytes: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """An epoch this machine opened itself, by its clock: ``reason`` is "restored" or "fork"."""

    epoch: int
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A filing whose talon was given and which the register has not confirmed in the promised time."""

    talon: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two statements of the register that exclude each other, as signed; ``theirs`` empty where the centre itself said so."""

    id: int
    at_ms: int
    code: str
    ours: bytes
    theirs: bytes


def create(database: Database) -> None:
    """Create the table of past exchanges."""
    create_tables(database, [ExchangeOutcome])


def note(node: Node, started_ms: int, outcome: Outcome | None, error: CourtError | None) -> None:
    """Remember how an exchange went; the oldest beyond OUTCOMES_MAX is forgotten."""
    done = outcome or Outcome()
    row = {
        "started_ms": started_ms,
        "ended_ms": node.clock.now(),
        "code": error.code if error else "",
        "sentence": error.sentence if error else "",
        "params": canonical.encode({name: value for name, value in error.params.items() if isinstance(value, int | str)} if error else {}),
        "entries_up": done.entries_up,
        "entries_down": done.entries_down,
        "blobs_up": done.blobs_up,
        "blobs_down": done.blobs_down,
        "receipts": done.receipts,
        "trips": done.trips,
        "bytes_up": done.bytes_up,
        "bytes_down": done.bytes_down,
        "problems": len(done.problems),
    }
    with passing(node.database):
        insert(node.database, ExchangeOutcome, [row])
        fetch(node.database, "DELETE FROM exchange_outcome WHERE id <= (SELECT MAX(id) FROM exchange_outcome) - ?", (OUTCOMES_MAX,))


def outcomes(node: Node, limit: int = 20) -> list[Past]:
    """Return the last exchanges, newest first."""
    query = ExchangeOutcome.select().order_by(ExchangeOutcome.id.desc()).limit(limit)
    return [Past(**{**row, "params": canonical.decode_map(row["params"])}) for row in rows_of(node.database, query)]


def standing(node: Node) -> Standing:
    """Return where the machine stands now."""
    database = node.database
    position = node.journal.position()
    size, complete = fetch(database, "SELECT size, complete FROM sync")[0]
    named = fetch(database, "SELECT name FROM node WHERE node = ?", (node.number,))
    quarantined = fetch(database, "SELECT COUNT(*) FROM quarantine")[0][0]
    missing, missing_bytes = lists.missing(node)
    return Standing(
        node=node.number,
        name=named[0][0] if named else "",
        epoch=position.epoch,
        seq=position.seq,
        recovering=node.journal.recovering(),
        checkpoint=size,
        complete=complete,
        certificate_until_ms=node.identity.certificate.body.not_after,
        quarantined=quarantined,
        missing_blobs=missing,
        missing_bytes=missing_bytes,
    )


def quarantine(node: Node) -> list[Quarantined]:
    """Return what waits, the longest first."""
    rows = fetch(
        node.database,
        """SELECT e.envelope, q.code, q.since_ms FROM quarantine q JOIN entry e ON e.leaf = q.leaf
           ORDER BY q.since_ms, q.leaf LIMIT ?""",
        (QUARANTINE_SHOWN_MAX,),
    )
    found = [(decode_envelope(envelope), code, since) for envelope, code, since in rows]
    return [Quarantined(each.type, each.node, each.epoch, each.seq, code, since) for each, code, since in found]


def crls(node: Node) -> list[CrlInfo]:
    """Return the revocation lists at hand, as another process may have changed them meanwhile."""
    node.trust.refresh()
    return sorted(node.trust.crls(), key=lambda each: each.issuer)


def contradictions(node: Node) -> list[Contradiction]:
    """Return what the register has shown against what it had shown before, the newest first."""
    rows = fetch(node.database, "SELECT id, at_ms, code, ours, theirs FROM refused_head ORDER BY id DESC")
    return [Contradiction(*row) for row in rows]


def contradiction(node: Node, id: int) -> Contradiction:
    """Return one of them; raises NotFound("line.none")."""
    found = next((each for each in contradictions(node) if each.id == id), None)
    if found is None:
        raise NotFound("line.none", N_("There is no such statement here."))
    return found


def overdue(node: Node) -> list[Overdue]:
    """Return this machine's filings that have waited longer for R1 than the setting ``alarm_hours`` allows, the oldest first.

    By the clock of this machine: whoever set it wrong sees an alarm too many, never one too few for ever.
    """
    statement = """SELECT f.talon, f.received_ms FROM filing_row f JOIN entry e ON e.leaf = f.leaf
                   WHERE f.node = ? AND e.log_index IS NULL AND f.received_ms < ? ORDER BY f.received_ms LIMIT ?"""
    before = node.clock.now() - node.config.alarm_hours * HOUR_MS
    return [Overdue(*row) for row in fetch(node.database, statement, (node.number, before, OVERDUE_SHOWN_MAX))]


def beginnings(node: Node) -> list[Beginning]:
    """Return the epochs after the first, the newest first: each says that a disk was put back or that there were two histories."""
    statement = """SELECT envelope, body FROM entry WHERE node = ? AND seq = 1 AND epoch > 1 AND chain IS NOT NULL
                   AND body IS NOT NULL ORDER BY epoch DESC LIMIT ?"""
    found = fetch(node.database, statement, (node.number, BEGINNINGS_SHOWN_MAX))
    opened = [(decode_envelope(envelope), decode_body(body, EpochOpen)) for envelope, body in found]
    return [Beginning(envelope.epoch, body.reason, envelope.time) for envelope, body in opened]


def outside(node: Node) -> list[str]:
    """Return the talons of filings taken in epochs before this one that the register does not have: evidence, until people decide."""
    statement = """SELECT f.talon FROM filing_row f JOIN entry e ON e.leaf = f.leaf JOIN journal j ON j.node = f.node
                   WHERE e.log_index IS NULL AND e.epoch < j.epoch ORDER BY f.received_ms LIMIT ?"""
    return [talon for (talon,) in fetch(node.database, statement, (OVERDUE_SHOWN_MAX,))]
