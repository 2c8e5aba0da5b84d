"""Reference data: dated rows that the centre publishes and no code contains (regions, courts, duties, terms, holidays …).

- One object is one version of one dataset; its id follows from both names, so publishing twice is publishing once.
- A version is published in parts below the limit of an entry and counts only when all parts are here. A later version
  never rewrites facts made under an earlier one.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from common import canonical
from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court import datasets as library
from common.court.book import Book
from common.court.writers import require_centre
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, fetch, rows_of
from common.errors import N_, Conflict, Refused
from common.facts import Announced, Audience, Body, Fact, Known, Rows
from common.ids import OBJECT_ID_BYTES

NAME: str = "reference"
PART_BYTES_MAX: Final = 56 * 1024
"""Rows of one part, encoded: with envelope and salt it stays below the 64 KiB of an entry."""
PARTS_MAX: Final = 1_000
UNLOGGED: Final = -1
DAY_MS: Final = 86_400_000
EPOCH_ORDINAL: Final = 719_163
"""1970-01-01 among the days that `date.toordinal` counts."""


class Publish(Body, frozen=True, kw_only=True):
    """`reference.publish/1`: dates are ISO texts, inclusive; ``part`` counts from 0."""

    dataset: str
    version: int
    valid_from: str
    valid_to: str | None = None
    source: str
    part: int = 0
    parts: int = 1
    rows: list[dict[str, Any]]


TYPES: Mapping[str, type[Body]] = {"reference.publish/1": Publish}


class ReferenceRow(Table):
    """One part; ``rows`` is canonical CBOR. ``log_index`` is `UNLOGGED` until the register has it; ``published_ms`` is UTC."""

    obj = BlobField()
    part = IntegerField()
    log_index = IntegerField()
    published_ms = IntegerField()
    dataset = TextField(index=True)
    version = IntegerField()
    valid_from = TextField()
    valid_to = TextField(null=True)
    source = TextField()
    parts = IntegerField()
    rows = BlobField()

    class Meta:
        primary_key = CompositeKey("obj", "part")


TABLES: tuple[type[Table], ...] = (ReferenceRow,)


@dataclass(slots=True)
class State:
    """One version of one dataset: its parts, and where and when each was published."""

    obj: bytes = b""
    parts: dict[int, Publish] = field(default_factory=dict)
    published: dict[int, tuple[int, int]] = field(default_factory=dict)


def object_id(dataset: str, version: int) -> bytes:
    """Return the id of one version of a dataset."""
    name = "\0".join(("reference", dataset, str(version)))  # a name may hold no U+0000, so two pairs never meet
    return hashlib.sha256(name.encode()).digest()[:OBJECT_ID_BYTES]


def begin() -> State:
    """Return a version without parts."""
    return State()


def step(state: State, fact: Fact, known: Known) -> None:
    """Add one part; raises Refused or Conflict and leaves ``state`` alone."""
    require_centre(fact)
    body: Publish = fact.body
    if fact.obj != object_id(body.dataset, body.version):
        raise Refused("reference.object", N_("The reference data are published under another name than their own."))
    if not (0 <= body.part < body.parts <= PARTS_MAX):
        raise Refused("reference.part", N_("A part of the reference data has a number that cannot be."))
    if any(_head(each) != _head(body) for each in state.parts.values()):
        raise Refused("reference.head", N_("Two parts of the same reference data contradict each other."))
    if body.part in state.parts:
        raise Conflict("reference.twice", N_("This part of the reference data was published before."))
    state.obj = fact.obj
    state.parts[body.part] = body
    state.published[body.part] = (UNLOGGED if fact.log_index is None else fact.log_index, fact.time)


def _head(body: Publish) -> tuple[str, str | None, str, int]:
    return body.valid_from, body.valid_to, body.source, body.parts


def rows(state: State) -> Rows:
    """Return one row per part."""
    return {
        ReferenceRow: [
            {
                "obj": state.obj,
                "part": part,
                "log_index": state.published[part][0],
                "published_ms": state.published[part][1],
                "dataset": body.dataset,
                "version": body.version,
                "valid_from": body.valid_from,
                "valid_to": body.valid_to,
                "source": body.source,
                "parts": body.parts,
                "rows": canonical.encode(body.rows),
            }
            for part, body in sorted(state.parts.items())
        ]
    }


def audience(state: State) -> Audience:
    """Return everyone."""
    return Audience(everyone=bool(state.parts))


def split(dataset: library.Dataset) -> list[Publish]:
    """Return the entries that publish ``dataset``; raises Refused("reference.row_size") where one row is larger than a part."""
    parts: list[list[dict[str, Any]]] = [[]]
    room = PART_BYTES_MAX
    for row in library.to_rows(dataset):
        size = len(canonical.encode(row))
        if size > PART_BYTES_MAX:
            raise Refused("reference.row_size", N_("One row of the reference data is too long to publish."))
        if size > room:
            parts.append([])
            room = PART_BYTES_MAX
        parts[-1].append(row)
        room -= size
    return [
        Publish(
            dataset=dataset.name,
            version=dataset.version,
            valid_from=dataset.valid_from,
            valid_to=dataset.valid_to,
            source=dataset.source,
            part=part,
            parts=len(parts),
            rows=rows_of_part,
        )
        for part, rows_of_part in enumerate(parts)
    ]


def reference_version(database: Database) -> bytes:
    """Return a value that changes whenever a publication arrives or goes; cheap enough to ask on every page."""
    held = hashlib.sha256()
    for obj, part in fetch(database, f'SELECT obj, part FROM "{ReferenceRow._meta.table_name}" ORDER BY obj, part'):
        held.update(obj + part.to_bytes(2, "big"))
    return held.digest()


def datasets(database: Database) -> list[library.Dataset]:
    """Return every version of every dataset of which all parts are here; raises Refused("reference.rows") as `from_rows` does."""
    query = ReferenceRow.select().order_by(ReferenceRow.dataset, ReferenceRow.version, ReferenceRow.part)
    grouped: dict[bytes, list[dict[str, Any]]] = {}
    for row in rows_of(database, query):
        grouped.setdefault(row["obj"], []).append(row)
    return [_dataset(parts) for parts in grouped.values() if len(parts) == parts[0]["parts"] and parts[0]["dataset"] in library.DATASETS]


def _dataset(parts: Sequence[dict[str, Any]]) -> library.Dataset:
    head = parts[0]
    plain = [row for part in parts for row in canonical.decode(part["rows"])]
    typed = library.from_rows(head["dataset"], plain)
    return library.Dataset(head["dataset"], head["version"], head["valid_from"], head["valid_to"], head["source"], typed)


def rule_packs(database: Database, *, before: int) -> list[Announced]:
    """Return the rule packs announced by entries with a log index below ``before``, oldest announcement first."""
    announced = (ReferenceRow.dataset == "rule_packs") & (ReferenceRow.log_index >= 0) & (ReferenceRow.log_index < before)
    found = []
    for part in rows_of(database, ReferenceRow.select().where(announced).order_by(ReferenceRow.log_index)):
        for pack in canonical.decode(part["rows"]):
            with suppress(KeyError, TypeError, ValueError):  # a row that names no day announces nothing
                day = date.fromisoformat(pack["valid_from"]).toordinal() - EPOCH_ORDINAL
                found.append(Announced(pack["version"], day * DAY_MS - KAZAKHSTAN_OFFSET_MS, part["published_ms"]))
    return found


def book(database: Database, on: date | None = None) -> Book:
    """Return a new Book of what is published here, as of the day ``on``."""
    return Book(datasets(database), on)


class Shelf:
    """Keeps the Book of one database until the day changes or a publication arrives."""

    def __init__(self) -> None:
        self._held: tuple[tuple[bytes, date | None], Book] | None = None
        self._building = threading.Lock()

    def book(self, database: Database, on: date | None = None) -> Book:
        """Return the Book as of ``on``; the same one while nothing changed."""
        key = (reference_version(database), on)
        held = self._held
        if held is not None and held[0] == key:
            return held[1]
        # one thread at a time: two that read rows of a type for the first time together have brought msgspec 0.22 down (SIGSEGV)
        with self._building:
            held = self._held
            if held is None or held[0] != key:
                self._held = held = (key, book(database, on))
            return held[1]
