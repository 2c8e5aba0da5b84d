"""The fold: an object's tables are a function of its entries in log order, the node's own unlogged ones last.

Every change refolds the whole object: the rows of the object are deleted and written anew, so there is one way only in
which tables come to be, and a late arrival, a new fold version and `fsck` all take it. An entry its subject refuses is
quarantined and delays nobody but what depends on it inside the same object (lessons 9, 10 and 12).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from common import canonical
from common.db import Database, Table, create_tables, delete_object, fetch, insert, rows_of
from common.errors import N_, CourtError, Refused
from common.facts import Audience, Body, Fact, Known, Owned, Rows, Subject, decode_body, stored_body
from sync import erasure
from sync.entry import Entry, stored_envelope
from sync.tables import QuarantineRow, entries_of, is_withdrawn

KnownFactory = Callable[[Database], Known]
FIRST_OF_EACH = """SELECT obj, envelope FROM (
                     SELECT obj, envelope, row_number() OVER (PARTITION BY obj ORDER BY log_index IS NULL, log_index, epoch, seq) AS place
                     FROM entry) AS ordered WHERE place = 1"""


class Fold:
    """The subjects of one machine and how their entries become rows.

    ``subjects`` stand in order of dependence: what others ask about (nodes, staff, reference data) comes first.
    """

    VERSION = 2
    """Raised when a fold gives other rows in tables of the same form: every machine then folds anew at its next start."""

    def __init__(self, subjects: Sequence[Subject], known: KnownFactory) -> None:
        self.subjects = tuple(subjects)
        self._known = known
        self._erases = any(subject.NAME == "erasures" for subject in self.subjects)
        self._order = {subject.NAME: place for place, subject in enumerate(self.subjects)}
        self._by_type = {name: subject for subject in self.subjects for name in subject.TYPES}
        self._type_of = {body: name for subject in self.subjects for name, body in subject.TYPES.items()}

    def create_tables(self, database: Database) -> None:
        """Create every subject's tables."""
        for subject in self.subjects:
            create_tables(database, subject.TABLES)

    def type_of(self, body: Body) -> str:
        """Return the entry type under which ``body`` is written."""
        return self._type_of[type(body)]

    def known_types(self) -> list[str]:
        """Return every entry type this machine can fold."""
        return sorted(self._by_type)

    def refold(self, database: Database, objects: Iterable[bytes], now: int, *, must_fold: bytes | None = None) -> dict[bytes, Audience]:
        """Write the rows of ``objects`` anew, inside the caller's transaction, and return who must receive each.

        ``must_fold`` names a leaf whose refusal is raised instead of quarantined: an entry that is being written here.
        """
        known = self._known(database)
        loaded = [(entries_of(database, obj), obj) for obj in set(objects)]
        loaded.sort(key=lambda pair: self._place(pair[0]))
        folded = {obj: self._refold_one(database, obj, entries, known, now, must_fold) for entries, obj in loaded}
        if erased := self._carry_out(database, folded, known):
            folded |= self.refold(database, erased, now)
        return folded

    def _carry_out(self, database: Database, objects: Iterable[bytes], known: Known) -> set[bytes]:
        return erasure.carry_out(database, objects, self._holder(known)) if self._erases else set()

    def _holder(self, known: Known) -> erasure.Holder:
        def holder(entries: Sequence[tuple[Entry, int | None]]) -> str | None:
            subject, state, _ = self.replay(entries, known)
            if subject is not None and subject.audience(state).everyone:
                return None
            return subject.owner(state) if isinstance(subject, Owned) else ""

        return holder

    def fold_first(self, database: Database, entry: Entry, now: int) -> None:
        """Write the rows of an object that begins with ``entry``, just written here; raises what its subject refuses it with."""
        known = self._known(database)
        self._refold_one(database, entry.envelope.obj, [(entry, None)], known, now, entry.leaf)
        if erased := self._carry_out(database, [entry.envelope.obj], known):
            self.refold(database, erased, now)

    def _refold_one(
        self, database: Database, obj: bytes, entries: list[tuple[Entry, int | None]], known: Known, now: int, must_fold: bytes | None
    ) -> Audience:
        if is_withdrawn(database, obj):  # its rows went with it; what this machine wrote itself waits for it to come back
            if must_fold is not None:
                raise Refused("entry.withdrawn", N_("This is held by another court's machine now."))
            return Audience()
        subject, state, refused = self.replay(entries, known, must_fold=must_fold)
        # tried again is not refused anew: people see since when it has waited
        since = dict(fetch(database, "SELECT leaf, since_ms FROM quarantine WHERE obj = ?", (obj,))) if refused else {}
        if not (len(entries) == 1 and entries[0][0].leaf == must_fold):  # else just written, and nothing was before it
            self._clear(database, obj, entries)
        if refused:
            waiting = [{"leaf": leaf, "obj": obj, "code": code, "since_ms": since.get(leaf, now)} for leaf, code in refused]
            insert(database, QuarantineRow, waiting)
        if subject is None:
            return Audience()
        rows = subject.rows(state)
        for table in subject.TABLES:
            if table in rows:
                insert(database, table, rows[table])
        return subject.audience(state)

    def _clear(self, database: Database, obj: bytes, entries: Sequence[tuple[Entry, int | None]]) -> None:
        delete_object(database, QuarantineRow, obj)
        # by type and not by what could be folded: the rows of an object whose every entry was erased go too
        subject = next((self._by_type[entry.envelope.type] for entry, _ in entries if entry.envelope.type in self._by_type), None)
        for table in subject.TABLES if subject else ():
            delete_object(database, table, obj)

    def replay(
        self, entries: Sequence[tuple[Entry, int | None]], known: Known, *, must_fold: bytes | None = None
    ) -> tuple[Subject | None, Any, list[tuple[bytes, str]]]:
        """Return (subject, state, refused) of one object's entries, touching no table."""
        subject: Subject | None = None
        state: Any = None
        refused: list[tuple[bytes, str]] = []
        for entry, log_index in entries:
            if entry.body is None:
                continue  # erased by a court's order: its place in the log remains, its content is nowhere
            try:
                mine = self._subject(entry, subject)
                if subject is None:
                    subject, state = mine, mine.begin()
                read = stored_body if entry.leaf == must_fold else decode_body  # what is being written here was just encoded here
                fact = _fact(entry, log_index, read(entry.body, mine.TYPES[entry.envelope.type]))
                subject.step(state, fact, known)
            except CourtError as error:
                if entry.leaf == must_fold:
                    raise
                refused.append((entry.leaf, error.code))
        return subject, state, refused

    def _subject(self, entry: Entry, current: Subject | None) -> Subject:
        subject = self._by_type.get(entry.envelope.type)
        if subject is None:
            raise Refused("entry.unknown_type", N_("This machine does not know this kind of entry yet; it waits for an update."))
        if current is not None and subject.NAME != current.NAME:
            raise Refused("entry.subject", N_("An entry is about an object of another kind."))
        return subject

    def _place(self, entries: Sequence[tuple[Entry, int | None]]) -> int:
        subject = self._by_type.get(entries[0][0].envelope.type) if entries else None
        return self._order[subject.NAME] if subject else len(self._order)

    def expected_rows(self, database: Database, obj: bytes) -> tuple[Subject | None, Rows]:
        """Return what the tables should hold of the object: the oracle of `fsck`."""
        subject, state, _ = self.replay(entries_of(database, obj), self._known(database))
        return subject, subject.rows(state) if subject and not is_withdrawn(database, obj) else {}

    def state_hash(self, database: Database, obj: bytes) -> bytes:
        """Return the SHA-256 over the object's rows as the tables hold them: equal wherever the object is held."""
        entries = entries_of(database, obj)
        subject = self._by_type.get(entries[0][0].envelope.type) if entries else None
        if subject is None:
            return hashlib.sha256(b"").digest()
        return rows_hash({table: rows_of(database, table.select().where(table.obj == obj)) for table in subject.TABLES})

    def in_order(self, database: Database) -> list[bytes]:
        """Return every object, those whom others ask about first."""
        first = fetch(database, FIRST_OF_EACH)
        kinds = {obj: stored_envelope(envelope).type for obj, envelope in first}
        places = {name: self._order[subject.NAME] for name, subject in self._by_type.items()}
        return sorted(kinds, key=lambda obj: places.get(kinds[obj], len(places)))

    def waiting(self, database: Database) -> list[bytes]:
        """Return objects with quarantined entries: to be tried again when the world has changed."""
        return [obj for (obj,) in fetch(database, "SELECT DISTINCT obj FROM quarantine")]


def _fact(entry: Entry, log_index: int | None, body: Any) -> Fact:
    envelope = entry.envelope
    return Fact(
        type=envelope.type,
        obj=envelope.obj,
        body=body,
        node=envelope.node,
        epoch=envelope.epoch,
        seq=envelope.seq,
        time=envelope.time,
        leaf=entry.leaf,
        base=envelope.base,
        actor=envelope.actor,
        beacon=envelope.beacon,
        blobs=envelope.blobs,
        log_index=log_index,
    )


def rows_hash(rows: Rows) -> bytes:
    """Return the SHA-256 of ``rows`` in a canonical order, with every column named and bools as the ints they are stored as."""
    tables = {table._meta.table_name: sorted(_canonical(table, row) for row in rows.get(table, ())) for table in rows}
    return hashlib.sha256(canonical.encode({name: lines for name, lines in tables.items() if lines})).digest()


def _canonical(table: type[Table], row: Any) -> bytes:
    values = {field.column_name: row.get(field.column_name, field.default) for field in table._meta.sorted_fields}
    return canonical.encode({name: int(value) if isinstance(value, bool) else value for name, value in values.items()})
