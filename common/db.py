"""The only door to apsw and peewee.

Rules: models are unbound and every query is given its database, so that many nodes live in one process and a forgotten
database fails at once; a write is one IMMEDIATE transaction; times are integer milliseconds UTC, money integer tiyn;
tables are STRICT. Stock `DateTimeField` and `DecimalField` misbehave under apsw and are not offered.

    database = open_database(path)
    with transaction(database):
        insert(database, Filing, rows)
"""

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase

from common.errors import N_, Conflict, Corrupt, CourtError, Unreachable

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another one on the same machine."""
CACHE_KIB = 16_000
FAILURES = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError)
"""What is not the statement's fault."""
DISK_FAILS = N_("The disk reports an error: this machine cannot take papers now. Call the administrator.")

AutoField = peewee.AutoField
BlobField = peewee.BlobField
BooleanField = peewee.BooleanField
CharField = peewee.TextField
CompositeKey = peewee.CompositeKey
IntegerField = peewee.BigIntegerField
Model = peewee.Model
SQL = peewee.SQL
TextField = peewee.TextField
fn = peewee.fn


class Table(peewee.Model):
    """Base of all tables: STRICT, so that the database checks types too."""

    class Meta:
        strict_tables = True
        legacy_table_names = False


def _pragma_wal(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")  # readers never wait for the writer


def _pragma_full(connection: apsw.Connection) -> None:
    connection.pragma("synchronous", "full")  # a receipt promises durability: fsync on every commit


def _pragma_keys(connection: apsw.Connection) -> None:
    connection.pragma("foreign_keys", True)


def _pragma_secure_delete(connection: apsw.Connection) -> None:
    connection.pragma("secure_delete", True)  # what is erased (drafts, sessions) leaves no trace in free pages


def _pragma_cache(connection: apsw.Connection) -> None:
    connection.pragma("cache_size", -CACHE_KIB)


def _pragma_trust(connection: apsw.Connection) -> None:
    connection.pragma("trusted_schema", False)  # a tampered file must not run functions


RECIPE: tuple[Callable[[apsw.Connection], None], ...] = (
    _pragma_wal,
    _pragma_full,
    _pragma_keys,
    _pragma_secure_delete,
    _pragma_cache,
    _pragma_trust,
)


class Database(APSWDatabase):
    """An APSWDatabase whose every connection follows RECIPE.

    ``failed``: the disk could not make something durable. After that nobody knows what the disk holds, and a later sync that
    succeeds proves nothing about the earlier one: this process writes nothing more.
    """

    failed = False

    def _connect(self) -> apsw.Connection:
        connection = super()._connect()
        for step in RECIPE:
            step(connection)
        return connection


def open_database(path: Path | str) -> Database:
    """Open (or create) the SQLite file at ``path``; each thread gets its own connection on first use."""
    logging.getLogger("peewee").setLevel(logging.INFO)  # at DEBUG it writes every parameter: numbers, names, verifiers
    return Database(str(path), timeout=BUSY_TIMEOUT_MS / 1000, autoconnect=True)


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """One IMMEDIATE transaction: all of the block or nothing of it.

    Raises Conflict("db.constraint") where the database's own rules refuse, Unreachable("db.busy") where another writer
    holds the file too long, Corrupt("db.full"/"db.broken") where the disk or the file fails. A full disk may be emptied; after
    a broken one every transaction is refused until the process is started again.
    """
    if database.failed:
        raise Corrupt("db.broken", DISK_FAILS)
    try:
        with database.atomic("IMMEDIATE"):
            yield
    except CourtError:
        raise
    except (apsw.ConstraintError, peewee.IntegrityError) as error:
        raise Conflict("db.constraint", N_("Somebody changed this at the same time. Open the page again.")) from error
    except FAILURES as error:
        raise _failure(database, error) from error
    except peewee.DatabaseError as error:  # what COMMIT itself raises, peewee calls by another name
        if not isinstance(error.__context__, FAILURES):
            raise
        raise _failure(database, error.__context__) from error


@contextmanager
def passing(database: Database) -> Iterator[None]:
    """As `transaction`, but not flushed to the disk by itself: for what a machine notes of its own doings and promises to nobody.

    A power cut may take it back, and nothing else with it; the next transaction flushes it too. Not inside another one.
    """
    connection = database.connection()
    connection.pragma("synchronous", "normal")
    try:
        with transaction(database):
            yield
    finally:
        _pragma_full(connection)


@contextmanager
def snapshot(database: Database) -> Iterator[None]:
    """Let every read of the block see one state of the database, whatever others commit meanwhile; nothing is written in it."""
    with database.atomic("DEFERRED"):
        yield


def _failure(database: Database, error: Exception) -> CourtError:
    """Return what the disk's or the lock's error is to us; after a broken disk the database is ``failed``."""
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return Unreachable("db.busy", N_("The machine is busy. Nothing was lost; try again in a moment."))
    if isinstance(error, apsw.FullError):
        return Corrupt("db.full", N_("The disk is full: this machine cannot take papers now. Call the administrator."))
    database.failed = True
    return Corrupt("db.broken", DISK_FAILS)


def create_tables(database: Database, models: Iterable[type[Table]]) -> None:
    """Create what is missing of ``models`` with their indexes."""
    for model in models:
        with database.bind_ctx([model], bind_refs=False, bind_backrefs=False):
            model.create_table(safe=True)


def insert(database: Database, model: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``; a column a row does not name takes its default, or NULL.

    The one place with batch SQL: 3 µs a row against 59 µs through a peewee insert, which a fold of a country needs.
    """
    if rows:
        statement, defaults = _insertion(model)  # type: ignore[arg-type]  # peewee declares the hash of models loosely
        database.connection().executemany(statement, [[row.get(name, default) for name, default in defaults] for row in rows])


@functools.cache
def _insertion(model: type[Table]) -> tuple[str, list[tuple[str, Any]]]:
    fields = model._meta.sorted_fields
    names = ", ".join(f'"{field.column_name}"' for field in fields)
    statement = f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({", ".join("?" * len(fields))})'
    return statement, [(field.column_name, field.default) for field in fields]


def delete_object(database: Database, model: type[Table], obj: bytes) -> None:
    """Delete the rows of one object."""
    database.connection().execute(f'DELETE FROM "{model._meta.table_name}" WHERE obj = ?', (obj,))


def fetch(database: Database, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one SQL statement and return its rows as tuples: for the hot paths of the journal and the log.

    A failing disk is raised as in `transaction`; what the database's rules refuse stays an apsw.ConstraintError.
    """
    try:
        return list(database.connection().execute(statement, parameters))
    except FAILURES as error:
        raise _failure(database, error) from error


def rows_of(database: Database, query: Any) -> list[dict[str, Any]]:
    """Return all rows of a select as dicts with column names as keys."""
    if not _whole_rows(query):
        return list(query.dicts().execute(database))
    # peewee takes 0.1 ms to write out each column; a page that lists filings would spend most of its time there
    names, converters = _columns(query.model)
    lean = query.clone()
    lean._returning = (peewee.SQL(", ".join(f'"t1"."{name}"' for name in names)),)
    statement, parameters = database.get_sql_context().sql(lean).query()
    found = [dict(zip(names, row, strict=True)) for row in database.connection().execute(statement, parameters)]
    for name, convert in converters:
        for row in found:
            row[name] = convert(row[name])
    return found


def _whole_rows(query: Any) -> bool:
    """Return whether ``query`` selects all columns of one table and joins none."""
    return isinstance(query, peewee.ModelSelect) and query._is_default and not query._joins and query._from_list == [query.model]


@functools.cache
def _columns(model: type[Table]) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    fields = model._meta.sorted_fields
    return [field.column_name for field in fields], [
        (field.column_name, field.python_value) for field in fields if isinstance(field, peewee.BooleanField)
    ]


def one_of(database: Database, query: Any) -> dict[str, Any] | None:
    """Return the first row of a select as a dict, or None."""
    found = rows_of(database, query.limit(1))
    return found[0] if found else None


def changed(database: Database, statement: Any) -> int:
    """Run an update or delete and return how many rows it changed: the compare-and-swap of a use case."""
    return int(statement.execute(database))
