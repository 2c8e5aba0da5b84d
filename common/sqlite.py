"""SQLite behind `common.db`: one file of one machine."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase

from common.dialect import Database, Guard, broken, busy, constraint, full
from common.errors import CourtError

CACHE_KIB = 16_000
LOG_PAGES = 16_384
"""Pages of 4 KiB in the write-ahead log at which a commit moves them into the file before it returns: whoever waits for that commit
waits for two more flushes and every page. `empty_log` does it when nobody waits; this is for who writes much at once."""
FAILURES = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError)
"""What is not the statement's fault."""


def _pragma_wal(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")  # readers never wait for the writer


def _pragma_full(connection: apsw.Connection) -> None:
    connection.pragma("synchronous", "full")  # a receipt promises durability: fsync on every commit


def _pragma_checkpoint(connection: apsw.Connection) -> None:
    connection.pragma("wal_autocheckpoint", LOG_PAGES)


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
    _pragma_checkpoint,
    _pragma_keys,
    _pragma_secure_delete,
    _pragma_cache,
    _pragma_trust,
)


class SqliteFile(Database, APSWDatabase):
    """SQLite's file, by apsw; every connection follows RECIPE."""

    def _connect(self) -> apsw.Connection:
        connection = super()._connect()
        for step in RECIPE:
            step(connection)
        return connection

    def writing(self) -> AbstractContextManager[object]:
        held: AbstractContextManager[object] = self.atomic("IMMEDIATE")
        return held

    def reading(self) -> AbstractContextManager[object]:
        held: AbstractContextManager[object] = self.atomic("DEFERRED")
        return held

    def defining(self) -> AbstractContextManager[object]:
        return nullcontext()  # one file has one owner: `common.serving.alone`

    def starting(self) -> AbstractContextManager[object]:
        return nullcontext()

    @contextmanager
    def lightly(self) -> Iterator[None]:
        connection = self.connection()
        connection.pragma("synchronous", "normal")
        try:
            yield
        finally:
            _pragma_full(connection)

    def judge(self, error: Exception) -> CourtError | None:
        if isinstance(error, (apsw.ConstraintError, peewee.IntegrityError)):
            return constraint()
        # what COMMIT itself raises, peewee calls by another name
        cause = error.__context__ if isinstance(error, peewee.DatabaseError) else error
        if not isinstance(cause, FAILURES):
            return None
        if isinstance(cause, (apsw.BusyError, apsw.LockedError)):
            return busy()
        if isinstance(cause, apsw.FullError):
            return full()
        self.failed = True
        return broken()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        rows: Iterable[tuple[Any, ...]] = self.connection().execute(statement, parameters)
        return rows

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self.connection().executemany(statement, rows)

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        yield from self.run(statement, parameters)

    def has(self, table: str) -> bool:
        return bool(list(self.run("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))))

    def guard(self, guard: Guard) -> None:
        when = f"WHEN {guard.when}" if guard.when else ""
        self.run(
            f"""CREATE TRIGGER IF NOT EXISTS {guard.name} BEFORE {guard.event} ON {guard.table} {when}
                BEGIN SELECT RAISE(ABORT, '{guard.message}'); END"""
        )

    def copy_to(self, path: Path) -> None:
        copy = apsw.Connection(str(path))
        with copy.backup("main", self.connection(), "main") as step:
            step.step(-1)  # all in one read: writers go on meanwhile, and none of them makes it begin anew
        copy.close()

    def empty_log(self) -> None:
        for way in ("PASSIVE", "TRUNCATE"):  # writers go on during the first, which leaves little to the second
            self.run(f"PRAGMA wal_checkpoint({way})")

    def scrub(self) -> None:
        self.empty_log()
