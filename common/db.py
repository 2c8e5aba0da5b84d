"""The only door to databases: apsw stands behind `common.sqlite`, psycopg behind `common.postgres`, peewee behind both.

Rules: models are unbound and every query is given its database, so that many nodes live in one process and a forgotten
database fails at once; a write is one IMMEDIATE transaction; times are integer milliseconds UTC, money integer tiyn;
tables are STRICT. Stock `DateTimeField` and `DecimalField` misbehave under apsw and are not offered.

What a centre runs is written once, for SQLite and PostgreSQL: parameters are ``?`` or ``?1``, conflicts ``ON CONFLICT``, rows of before
``IS DISTINCT FROM``; no PRAGMA, GLOB, INSERT OR, scalar MAX or x''.

    database = open_database(path)
    with transaction(database):
        insert(database, Filing, rows)
"""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import peewee

from common.dialect import BUSY_TIMEOUT_MS, broken, quiet
from common.dialect import DISK_FAILS as DISK_FAILS
from common.dialect import Database as Database
from common.dialect import Guard as Guard
from common.dialect import Table as Table
from common.errors import Conflict, CourtError
from common.sqlite import SqliteFile

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


def open_database(path: Path | str) -> Database:
    """Open (or create) the SQLite file at ``path``; each thread gets its own connection on first use."""
    quiet()
    return SqliteFile(str(path), timeout=BUSY_TIMEOUT_MS / 1000, autoconnect=True)


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """One IMMEDIATE transaction: all of the block or nothing of it.

    Raises Conflict("db.constraint") where the database's own rules refuse, Unreachable("db.busy") where another writer
    holds it too long, Unreachable("db.away") where the server does not answer or nobody knows what became of the commit,
    Corrupt("db.full"/"db.broken") where the disk or the file fails. A full disk may be emptied; after a broken one every
    transaction is refused until the process is started again.
    """
    if database.failed:
        raise broken()
    with _judged(database), database.writing():
        yield


@contextmanager
def _judged(database: Database) -> Iterator[None]:
    """Raise what the database fails with as our own error; what is neither its nor ours goes through."""
    try:
        yield
    except CourtError:
        raise
    except Exception as error:
        ours = database.judge(error)
        if ours is None:
            raise
        raise ours from error


@contextmanager
def passing(database: Database) -> Iterator[None]:
    """As `transaction`, but not flushed to the disk by itself: for what a machine notes of its own doings and promises to nobody.

    A power cut may take it back, and nothing else with it; the next transaction flushes it too. Not inside another one.
    """
    with database.lightly(), transaction(database):
        yield


@contextmanager
def snapshot(database: Database) -> Iterator[None]:
    """Let every read of the block see one state of the database, whatever others commit meanwhile; nothing is written in it."""
    with _judged(database), database.reading():
        yield


def create_tables(database: Database, models: Iterable[type[Table]], *, more: Sequence[str | Guard] = ()) -> None:
    """Create what is missing of ``models`` with their indexes, and ``more``: other indexes, triggers."""
    with database.defining():
        for model in models:
            for statement, parameters in _creation(database, model):
                database.execute_sql(statement, parameters)
            database.complete(model)
        for one in more:
            if isinstance(one, Guard):
                database.guard(one)
            else:
                database.run(one)


def _creation(database: Database, model: type[Table]) -> Sequence[tuple[str, Any]]:
    """Return what creates a table with its indexes where they are missing; peewee takes 1.5 ms to write it out, every start again."""
    key = type(database), model
    if key not in _CREATIONS:
        with _CREATING, database.bind_ctx([model], bind_refs=False, bind_backrefs=False):
            schema = model._schema
            _CREATIONS[key] = [each.query() for each in (schema._create_table(safe=True), *schema._create_indexes(safe=True))]
    return _CREATIONS[key]


_CREATIONS: dict[tuple[type[Database], type[Table]], Sequence[tuple[str, Any]]] = {}
_CREATING = threading.Lock()
"""A model is bound to one database at a time."""


def has_table(database: Database, name: str) -> bool:
    """Return whether the database has a table of this name."""
    return database.has(name)


def insert(database: Database, model: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``; a column a row does not name takes its default, or NULL.

    The one place with batch SQL: 3 µs a row against 59 µs through a peewee insert, which a fold of a country needs.
    """
    if rows:
        statement, defaults = _insertion(model)  # type: ignore[arg-type]  # peewee declares the hash of models loosely
        database.run_many(statement, [[row.get(name, default) for name, default in defaults] for row in rows])


@functools.cache
def _insertion(model: type[Table]) -> tuple[str, list[tuple[str, Any]]]:
    fields = model._meta.sorted_fields
    names = ", ".join(f'"{field.column_name}"' for field in fields)
    statement = f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({", ".join("?" * len(fields))})'
    return statement, [(field.column_name, field.default) for field in fields]


def delete_object(database: Database, model: type[Table], obj: bytes) -> None:
    """Delete the rows of one object."""
    database.run(f'DELETE FROM "{model._meta.table_name}" WHERE obj = ?', (obj,))


def fetch(database: Database, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one SQL statement and return its rows as tuples: for the hot paths of the journal and the log.

    A failing disk or server is raised as in `transaction`; what the database's rules refuse stays the driver's own error.
    """
    try:
        return list(database.run(statement, parameters))
    except Exception as error:
        ours = database.judge(error)
        if ours is None or isinstance(ours, Conflict):
            raise
        raise ours from error


def fetch_many(database: Database, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one SQL statement for each of ``rows``."""
    database.run_many(statement, rows)


@contextmanager
def each(database: Database, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Give the rows of a select one after the other, however many they are; other reads may go on meanwhile.

    with each(database, "SELECT leaf FROM entry") as rows:
        for (leaf,) in rows: …
    """
    moment = snapshot(database) if database.shared and not database.in_transaction() else nullcontext()
    with moment, closing(database.stream(statement, parameters)) as rows:
        yield rows


def rows_of(database: Database, query: Any) -> list[dict[str, Any]]:
    """Return all rows of a select as dicts with column names as keys."""
    if not _whole_rows(query):
        return list(query.dicts().execute(database))
    # peewee takes 0.1 ms to write out each column; a page that lists filings would spend most of its time there
    names, converters = _columns(query.model)
    lean = query.clone()
    lean._returning = (peewee.SQL(", ".join(f'"t1"."{name}"' for name in names)),)
    statement, parameters = database.get_sql_context().sql(lean).query()
    found = [dict(zip(names, row, strict=True)) for row in database.run(statement, parameters)]
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
