"""Cases: opened by a court with a number of its own, and who takes part in them.

- Open comes first and once, with the clerk's signature over the text of the registration (`filing_texts.decision_content`).
- Party states who takes part, as what, from when until when; the same role, name and person again replaces. These are the
  only source of access rights (SUBJECTS.md, 4 entry 10); until a judge accepts the case the other parties do not receive it.
- Only the node of the case's court writes. No uniqueness of numbers is assumed anywhere.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from common import canonical
from common.court import filing_texts, numbers
from common.court.writers import ObjectId, Sha256, require_court_node, require_decider
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, one_of, rows_of
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows

NAME: Final = "cases"


class Open(Body):
    """`case.open/1`: ``filing`` and ``talon`` name what it grew from; ``date`` is an ISO text."""

    number: str
    court: str
    filing: ObjectId
    talon: str
    proceedings: str
    category: str
    nature: str
    date: str
    language: Literal["kk", "ru"]
    filer_person: str
    executor: str
    content: bytes
    signature: bytes
    certificate: Sha256


class Party(Body):
    """`case.party/1`: ``person`` (IIN or BIN, empty where unknown) is for the court alone; times in ms UTC."""

    role: str
    name: str
    kind: str
    person: str = ""
    from_ms: int
    to_ms: int | None = None


TYPES: Final = {"case.open/1": Open, "case.party/1": Party}


class CaseRow(Table):
    """One case. ``node`` and ``leaf`` are those of its opening."""

    obj = BlobField(primary_key=True)
    number = TextField(index=True)
    court = TextField(index=True)
    filing = BlobField(index=True)
    talon = TextField()
    proceedings = TextField()
    category = TextField()
    nature = TextField()
    date = TextField()
    language = TextField()
    filer_person = TextField(index=True)
    executor = TextField()
    status = TextField()
    opened_ms = IntegerField()
    node = IntegerField()
    leaf = BlobField()
    content = BlobField()
    signature = BlobField()
    certificate = BlobField()


class CasePartyRow(Table):
    """One participant."""

    obj = BlobField()
    position = IntegerField()
    role = TextField()
    name = TextField()
    kind = TextField()
    person = TextField(index=True)
    from_ms = IntegerField()
    to_ms = IntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("obj", "position")


class CaseEventRow(Table):
    """One step of a case; ``params`` is a canonical CBOR map."""

    obj = BlobField()
    position = IntegerField()
    kind = TextField()
    time_ms = IntegerField()
    node = IntegerField()
    leaf = BlobField()
    params = BlobField()

    class Meta:
        primary_key = CompositeKey("obj", "position")


TABLES: Final = (CaseRow, CasePartyRow, CaseEventRow)
