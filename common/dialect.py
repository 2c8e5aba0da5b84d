"""What this house asks of a database, whichever it is: tables, guards, and the port that SQLite and PostgreSQL fill."""

import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import peewee

from common.errors import N_, Conflict, Corrupt, CourtError, Unreachable

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another one."""
DISK_FAILS = N_("The disk reports an error: this machine cannot take papers now. Call the administrator.")


class Table(peewee.Model):
    """Base of all tables: STRICT, so that the database checks types too.

    ``IN_ORDER``: somebody reads its rows by ``rowid``, in the order in which they were written.
    """

    IN_ORDER: ClassVar[bool] = False

    class Meta:
        strict_tables = True
        legacy_table_names = False


@dataclass(frozen=True, slots=True)
class Guard:
    """A trigger that refuses ``event`` (INSERT, UPDATE, UPDATE OF columns, DELETE) on rows for which ``when`` holds, all by default."""

    name: str
    table: str
    event: str
    message: str
    when: str = ""


class Database(peewee.Database):
    """What this house asks of a database beside peewee's own methods: two answer, `SqliteFile` and `common.postgres.Postgres`.

    ``failed``: the disk could not make something durable. After that nobody knows what the disk holds, and a later sync that
    succeeds proves nothing about the earlier one: this process writes nothing more.
    ``shared``: processes of several computers may write to it at once.
    """

    failed = False
    shared = False

    def writing(self) -> AbstractContextManager[object]:
        """Begin the transaction of the one writer; inside one already, a savepoint of it."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[object]:
        """Begin a transaction whose every read sees one moment."""
        raise NotImplementedError

    def defining(self) -> AbstractContextManager[object]:
        """Let nobody else create tables meanwhile."""
        raise NotImplementedError

    def starting(self) -> AbstractContextManager[object]:
        """Let one process after the other bring the database up to date."""
        raise NotImplementedError

    def lightly(self) -> AbstractContextManager[object]:
        """Let commits of the block wait for no disk, where that makes a difference."""
        return nullcontext()

    def judge(self, error: Exception) -> CourtError | None:
        """Return what a driver's error is to us: Conflict, Unreachable or Corrupt; None for a mistake of ours."""
        raise NotImplementedError

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        """Run one statement; the driver's own errors."""
        raise NotImplementedError

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of ``rows``; the driver's own errors."""
        raise NotImplementedError

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        """Run one select whose rows may be more than memory holds."""
        raise NotImplementedError

    def has(self, table: str) -> bool:
        """Return whether there is a table of this name."""
        raise NotImplementedError

    def guard(self, guard: Guard) -> None:
        """Create a trigger where it is missing."""
        raise NotImplementedError

    def complete(self, model: type[Table]) -> None:
        """Add to a fresh table what peewee cannot say."""

    def lead(self) -> bool:
        """Return whether of all processes this thread's is the one that folds."""
        return True

    def copy_to(self, path: Path) -> None:
        """Write a backup of one moment of the database, whoever writes to it meanwhile, into a new file."""
        raise NotImplementedError

    def empty_log(self) -> None:
        """Move what commits left in the database's own log into its file: done from time to time, when nobody waits for it.

        A server does that by itself.
        """

    def scrub(self) -> None:
        """Remove what was erased from where the database keeps its own history, as far as it can."""
        raise NotImplementedError


def constraint() -> Conflict:
    """Return what it is to us when the database's own rules refuse."""
    return Conflict("db.constraint", N_("Somebody changed this at the same time. Open the page again."))


def busy() -> Unreachable:
    """Return what it is to us when another writer holds the database too long."""
    return Unreachable("db.busy", N_("The machine is busy. Nothing was lost; try again in a moment."))


def full() -> Corrupt:
    """Return what it is to us when there is no room left."""
    return Corrupt("db.full", N_("The disk is full: this machine cannot take papers now. Call the administrator."))


def broken() -> Corrupt:
    """Return what it is to us when the disk or the file fails."""
    return Corrupt("db.broken", DISK_FAILS)


def quiet() -> None:
    """Keep peewee from logging parameters, which it does at DEBUG: numbers, names, verifiers."""
    logging.getLogger("peewee").setLevel(logging.INFO)
