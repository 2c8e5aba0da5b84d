"""What pages read of filings: typed rows, never more columns than they show. All functions take the database first.

Times are ms UTC, money tiyn, hashes raw. None of these functions knows who asks: a page asks for one person or one court.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from common import canonical
from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court.filing_entries import Witness
from common.court.filing_tables import (
    FilingDecisionRow,
    FilingEventRow,
    FilingEvidenceRow,
    FilingFileRow,
    FilingFormRow,
    FilingGroundRow,
    FilingPartyRow,
    FilingRow,
    FilingSignerRow,
)
from common.court.filings import File, Ground, Party
from common.db import SQL, Database, fn, one_of, rows_of

DAY_MS = 86_400_000
CURES_MAX = 100
"""How far a chain of supplements is followed; an honest one has two or three."""
WAITING = ("filed", "redirected")
"""Statuses in which the court that holds the filing has still to decide."""


class Filing(msgspec.Struct, frozen=True):
    """A row of `filing_tables.FilingRow`, which explains the columns."""

    obj: bytes
    talon: str
    court: str
    first_court: str
    region: str
    document_type: str
    instance: str
    proceedings: str
    category: str
    nature: str
    language: str
    person: str
    filer_name: str
    filer_iin: str
    filer_bin: str
    certificate: bytes
    assisted_by: str
    witnessed: bool
    submitted_ms: int
    received_ms: int
    line: str
    offline_since_ms: int | None
    node: int
    epoch: int
    seq: int
    leaf: bytes
    key_id: bytes
    answers_to: bytes | None
    likeness: bytes
    status: str
    number: str
    case_obj: bytes | None
    decided_ms: int | None
    ruling: str
    ruled_ms: int | None
    claim_tiyn: int
    duty_tiyn: int
    duty_way: str
    exemption: str
    crl_as_of_ms: int | None
    crl_stale: bool
    revocation: str
    revoked_ms: int | None
    stamped_ms: int | None
    payment: str
    address: str
    files: int
    total_bytes: int
    statement_sha256: bytes
    statement_size: int
    statement_pages: int


class Cosigned(msgspec.Struct, frozen=True):
    """A party who signed the statement beside the filer; what was found out about the signature as in `Filing`."""

    role: str
    iin: str
    bin: str
    name: str
    certificate: bytes
    signature: bytes
    revocation: str
    revoked_ms: int | None
    stamped_ms: int | None


class Form(msgspec.Struct, frozen=True):
    """The filled form with what the rule pack found, and the signature of the statement."""

    claim: dict[str, Any]
    findings: list[str]
    rule_pack: str
    signature: bytes
    signed: bytes
    witness: Witness | None = None


class Event(msgspec.Struct, frozen=True):
    """One step of the dynamics. ``kind``: filed, withdrawn, verified, registered, refused, redirected, or an outcome of `ruling`."""

    obj: bytes
    position: int
    kind: str
    time_ms: int
    node: int
    leaf: bytes
    params: dict[str, Any]


class Evidence(msgspec.Struct, frozen=True):
    """What somebody signed about a signature. ``kind``: timestamp (a token), ocsp (a response); ``signer`` as in the entry."""

    kind: str
    at_ms: int
    data: bytes
    signer: int


class Decision(msgspec.Struct, frozen=True):
    """A signed decision with its grounds. ``kind``: registered, refused, redirected, or an outcome of `ruling`."""

    kind: str
    court: str
    date: str
    executor: str
    note: str
    cure_until: str
    redirected_to: str
    content: bytes
    signature: bytes
    certificate: bytes
    grounds: list[Ground]


class Total(msgspec.Struct, frozen=True):
    """How many filings; ``day`` counts days since 1970-01-01 in Kazakhstan's time."""

    region: str
    court: str
    status: str
    day: int
    count: int


def filing(database: Database, obj: bytes) -> Filing | None:
    """Return the filing, or None where this database does not hold it."""
    row = one_of(database, FilingRow.select().where(FilingRow.obj == obj))
    return Filing(**row) if row else None


def filing_of_draft(database: Database, key_id: bytes) -> Filing | None:
    """Return what became of a draft, so that sending it again after a cut gives the same talon."""
    found = _filings(database, FilingRow.select().where(FilingRow.key_id == key_id).limit(1))
    return found[0] if found else None


def filings_by_talon(database: Database, talon: str) -> list[Filing]:
    """Return the filings with this talon number (15 digits); more than one only where a node's numbers repeated."""
    return _filings(database, FilingRow.select().where(FilingRow.talon == talon).order_by(FilingRow.submitted_ms))


def filings_of_person(database: Database, person: str, *, limit: int | None = None, offset: int = 0) -> list[Filing]:
    """Return the filings of an IIN or BIN, newest first."""
    query = FilingRow.select().where(FilingRow.person == person).order_by(FilingRow.submitted_ms.desc(), FilingRow.obj)
    return _filings(database, query.limit(limit).offset(offset) if limit is not None else query)


def filings_in_case(database: Database, case: bytes, *, number: str, person: str) -> list[Filing]:
    """Return the filings of ``person`` that became or joined a case with this number, newest first."""
    query = FilingRow.select().where(FilingRow.number == number, FilingRow.case_obj == case, FilingRow.person == person)
    return _filings(database, query.order_by(FilingRow.submitted_ms.desc(), FilingRow.obj))


def inbox(database: Database, court: str) -> list[Filing]:
    """Return the filings that wait for a decision of ``court``, the oldest first."""
    query = FilingRow.select().where(FilingRow.court == court, FilingRow.status.in_(WAITING))
    return _filings(database, query.order_by(FilingRow.submitted_ms, FilingRow.obj))


def duplicates(database: Database, obj: bytes) -> list[Filing]:
    """Return the other filings with the same person, court, form and files, oldest first."""
    mine = FilingRow.select(FilingRow.likeness).where(FilingRow.obj == obj)
    query = FilingRow.select().where(FilingRow.likeness.in_(mine), FilingRow.obj != obj)
    return _filings(database, query.order_by(FilingRow.submitted_ms, FilingRow.obj))


def filed_ms(database: Database, obj: bytes) -> int | None:
    """Return when the first filing of a chain of supplements was sent: the date of filing (REV-7); None where not held."""
    found = filing(database, obj)
    for _ in range(CURES_MAX):
        before = filing(database, found.answers_to) if found is not None and found.answers_to is not None else None
        if before is None or found is None or before.person != found.person:
            break
        found = before
    return found.submitted_ms if found is not None else None


def form(database: Database, obj: bytes) -> Form | None:
    """Return the filled form, or None where this database does not hold the filing."""
    row = one_of(database, FilingFormRow.select().where(FilingFormRow.obj == obj))
    if row is None:
        return None
    witness = msgspec.convert(canonical.decode(row["witness"]), Witness | None)
    claim, findings = canonical.decode(row["claim"]), canonical.decode(row["findings"])
    return Form(claim, findings, row["rule_pack"], row["signature"], row["signed"], witness)


def parties(database: Database, obj: bytes) -> list[Party]:
    """Return the participants as the filer named them."""
    return parties_of(database, [obj]).get(obj, [])


def parties_of(database: Database, objects: Iterable[bytes]) -> dict[bytes, list[Party]]:
    """Return the participants of several filings in one question: for lists."""
    query = FilingPartyRow.select(FilingPartyRow.obj, FilingPartyRow.role, FilingPartyRow.name, FilingPartyRow.kind)
    found: dict[bytes, list[Party]] = {}
    wanted = FilingPartyRow.obj.in_(list(objects))
    for row in rows_of(database, query.where(wanted).order_by(FilingPartyRow.obj, FilingPartyRow.position)):
        found.setdefault(row.pop("obj"), []).append(Party(**row))
    return found


def cosigners(database: Database, obj: bytes) -> list[Cosigned]:
    """Return the parties who signed beside the filer, in the order of signing."""
    query = FilingSignerRow.select().where(FilingSignerRow.obj == obj).order_by(FilingSignerRow.position)
    wanted = Cosigned.__struct_fields__
    return [Cosigned(**{name: row[name] for name in wanted}) for row in rows_of(database, query)]


def files(database: Database, obj: bytes) -> list[File]:
    """Return the attached files in the filer's order."""
    query = FilingFileRow.select().where(FilingFileRow.obj == obj).order_by(FilingFileRow.position)
    wanted = File.__struct_fields__
    return [File(**{name: row[name] for name in wanted}) for row in rows_of(database, query)]


def events(database: Database, obj: bytes) -> list[Event]:
    """Return the dynamics of a filing, oldest first."""
    query = FilingEventRow.select().where(FilingEventRow.obj == obj).order_by(FilingEventRow.position)
    return [Event(**{**row, "params": canonical.decode_map(row["params"])}) for row in rows_of(database, query)]


def evidence(database: Database, obj: bytes) -> list[Evidence]:
    """Return what others signed about the statement's signature, in the order in which it came."""
    query = FilingEvidenceRow.select().where(FilingEvidenceRow.obj == obj).order_by(FilingEvidenceRow.position)
    return [Evidence(row["kind"], row["at_ms"], row["data"], row["signer"]) for row in rows_of(database, query)]


def decisions(database: Database, obj: bytes) -> list[Decision]:
    """Return the courts' signed decisions, oldest first: redirections, at most one registration or refusal, at most one ruling."""
    query = FilingGroundRow.select().where(FilingGroundRow.obj == obj).order_by(FilingGroundRow.decision, FilingGroundRow.position)
    grounds: dict[int, list[Ground]] = {}
    for row in rows_of(database, query):
        grounds.setdefault(row["decision"], []).append(Ground(**{name: row[name] for name in Ground.__struct_fields__}))
    query = FilingDecisionRow.select().where(FilingDecisionRow.obj == obj).order_by(FilingDecisionRow.position)
    return [
        Decision(**{name: row[name] for name in Decision.__struct_fields__ if name != "grounds"}, grounds=grounds.get(row["position"], []))
        for row in rows_of(database, query)
    ]


def totals(database: Database) -> list[Total]:
    """Return how many filings there are by region, court, status and day of submission."""
    day = (FilingRow.submitted_ms + KAZAKHSTAN_OFFSET_MS) / DAY_MS  # integers: SQLite divides to whole days
    columns = (FilingRow.region, FilingRow.court, FilingRow.status, day.alias("day"))
    query = FilingRow.select(*columns, fn.COUNT(FilingRow.obj).alias("count"))
    return [Total(**row) for row in rows_of(database, query.group_by(SQL("1"), SQL("2"), SQL("3"), SQL("4")))]


def _filings(database: Database, query: Any) -> list[Filing]:
    return [Filing(**row) for row in rows_of(database, query)]
