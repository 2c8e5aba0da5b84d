"""PostgreSQL behind `common.db`: what makes a server shared by many processes keep the promises of SQLite's one file.

- **One writer.** A write transaction, and a statement that writes outside of one, begins with an advisory lock, which the server
  lets go of after the commit is visible and durable: order of commits is order of numbers, and each statement sees all that
  was committed before (fault 45). The lock lives in the very session that writes, so whoever lost it cannot write: a process
  that dies, or stands still for longer than STALLED_MS, loses session, transaction and lock at once, and the next one goes on
  (faults 43 and 44).
- **Durable before it is said.** synchronous_commit is on in every session, and a server without fsync is refused; with
  ``standby`` a transaction is refused while the server names no synchronous standby. A commit that ended early, because
  somebody cancelled the wait for the standby, counts as not known and nothing is promised on it.
- **The same text, the same order.** TEXT is compared by its bytes (COLLATE "C"), as in SQLite; the encoding is UTF-8.
- An error of the driver becomes Conflict, Unreachable or Corrupt at this door; a dead connection is dropped, and the next
  use opens another one, to whichever of the hosts in the address may be written to.

The driver is an extra: only a centre with ``database = "postgresql://…"`` needs `pip install 'sot-kabineti[postgresql]'`.
"""

import os
import re
import secrets
import subprocess
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import peewee
import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader
from psycopg.types.string import StrBinaryDumper

from common.dialect import BUSY_TIMEOUT_MS, Database, Guard, Table, broken, busy, constraint, full, quiet
from common.errors import N_, Corrupt, CourtError, Refused, Unreachable

STALLED_MS: Final = 30_000
"""A session that says nothing for so long inside a transaction is ended by the server: a stopped process holds nobody up."""
CONNECT_SECONDS: Final = 5
SILENT_MS: Final = 15_000
"""After so long without an answer to what was sent the server counts as gone."""
WRITER: Final = 0x536F74_0001
FOLDER: Final = 0x536F74_0002
STARTER: Final = 0x536F74_0003
"""The advisory locks of one database: of its writer, of the process that folds, of who brings it up to date."""
READS: Final = ("SELECT", "BEGIN")
WRITES: Final = ("INSERT", "UPDATE", "DELETE")
STREAM_ROWS: Final = 200
PARAMETER: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\?(\d*)|%s""")
"""Ours and, in what peewee asks of the catalogue, its own; what stands in quotes is none."""
ALONE: Final = N_("The database has no standby now, and nothing is promised on one copy. Try again in a moment.")
AWAY: Final = N_("The database of the register does not answer. Nothing was lost; try again in a moment.")
FULL: Final = "53100"
BROKEN: Final = ("58", "XX001", "XX002")
"""SQLSTATEs: no room left; how those begin that say that the server's disk or files fail."""

SESSION: Final = (
    ("synchronous_commit", "on"),  # also where the server's own setting is weaker: a receipt promises durability
    ("lock_timeout", str(BUSY_TIMEOUT_MS)),  # not statement_timeout: that would end the wait for the standby early
    ("idle_in_transaction_session_timeout", str(STALLED_MS)),
    ("tcp_keepalives_idle", "10"),  # a client whose computer is gone holds no lock for long
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
)
STATE: Final = """SELECT pg_is_in_recovery(), current_setting('server_encoding'), current_setting('fsync'),
                  current_setting('full_page_writes')"""
LOCK: Final = "SELECT pg_advisory_xact_lock($1), current_setting('synchronous_standby_names')"
LINE: Final = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": str(SILENT_MS),
    "target_session_attrs": "read-write",  # of several hosts the one that is the primary now
    "application_name": "sot-central",
    "client_encoding": "UTF8",
}
"""What the address does not say otherwise."""


class _Flag(Int8BinaryDumper):
    """Truth is kept as 0 or 1, as in SQLite: one SQL for both."""


class _Whole(NumericBinaryLoader):
    """A sum of integers is an integer; there is no other number in our tables."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


def open_postgres(address: str, *, standby: bool = False) -> "Postgres":
    """Open the database at ``address``, a libpq URI; each thread gets its own connection on first use.

    With ``standby`` nothing is written unless a synchronous standby is named. Raises Refused("config.database").
    """
    quiet()
    try:
        given = conninfo_to_dict(address)
    except psycopg.ProgrammingError as error:
        raise Refused("config.database", N_("The address of the database is not written as postgresql://user@host/name.")) from error
    return Postgres(make_conninfo(**{**LINE, **{name: str(value) for name, value in given.items()}}), standby)


@lru_cache(maxsize=4096)
def dollars(statement: str) -> str:
    """Return a statement with PostgreSQL's own placeholders: ``?`` and ``?1`` become ``$1``."""
    count = 0

    def placed(found: re.Match[str]) -> str:
        nonlocal count
        if found[0][0] not in "?%":
            return found[0]
        count += 1
        return f"${found[1] or count}"

    return PARAMETER.sub(placed, statement)


class Postgres(Database, peewee.PostgresqlDatabase):
    """A PostgreSQL database by psycopg 3."""

    shared = True
    param = "?"
    field_types = {
        **peewee.PostgresqlDatabase.field_types,
        "AUTO": "BIGSERIAL",
        "BOOL": "BIGINT",
        "TEXT": 'TEXT COLLATE "C"',
    }

    def __init__(self, conninfo: str, standby: bool) -> None:
        super().__init__(conninfo, prefer_psycopg3=True)
        self._standby = standby
        self._leads: psycopg.Connection[Any] | None = None

    @property
    def name(self) -> str:
        """The name of the database on its server."""
        return str(conninfo_to_dict(self.database).get("dbname", ""))

    def _connect(self) -> "psycopg.Connection[Any]":
        connection = psycopg.connect(self.database, autocommit=True, cursor_factory=psycopg.RawCursor)
        try:
            connection.adapters.register_dumper(int, Int8BinaryDumper)
            connection.adapters.register_dumper(bool, _Flag)
            connection.adapters.register_dumper(str, StrBinaryDumper)
            connection.adapters.register_loader("numeric", _Whole)
            for name, value in SESSION:
                connection.execute("SELECT set_config($1, $2, false)", (name, value))
            _check(connection.execute(STATE).fetchone())
        except BaseException:
            connection.close()
            raise
        return connection

    def cursor(self, named_cursor: object = None) -> Any:
        return self.connection().cursor(binary=True)

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        return self._execute_cursor(sql.removesuffix(" STRICT"), params)  # peewee writes it for whatever database

    def _execute_cursor(self, sql: str, params: Sequence[Any] | None, **options: Any) -> Any:
        if not self.in_transaction() and sql.startswith(WRITES):  # one statement that writes has its turn like any other writer
            with self.writing():
                return self._execute_cursor(sql, params)
        try:
            return self.cursor().execute(dollars(sql), params or ())
        except psycopg.OperationalError:
            # the connection died while nobody used it, or with the primary: what only reads is asked of the next one
            if self.in_transaction() or not self._state.conn.closed or not sql.startswith(READS):
                raise
        return self.cursor().execute(dollars(sql), params or ())

    def connection(self) -> Any:
        if not self.is_closed() and self._state.conn.closed and not self.in_transaction():
            self.dispose()
        return super().connection()

    def begin(self, mode: str = "READ WRITE") -> None:
        self._execute_cursor(f"BEGIN {mode}", None)

    def commit(self) -> None:
        """Commit; raises Unreachable("db.away") where it is not known to be durable on the standby too."""
        connection, said = self._state.conn, list[str]()
        connection.add_notice_handler(heard := lambda notice: said.append(notice.severity_nonlocalized or ""))
        try:
            done = connection.execute("COMMIT").statusmessage
        finally:
            connection.remove_notice_handler(heard)
        if done != "COMMIT" or "WARNING" in said:  # rolled back after an error that was passed over, or not waited for the standby
            raise Unreachable("db.away", AWAY)

    def rollback(self) -> None:
        connection = self._state.conn  # whatever became of it: a fresh one has nothing to take back
        if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
            try:
                connection.execute("ROLLBACK")
            except psycopg.OperationalError:  # whoever cannot say it is gone, and the server does it
                connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        outermost = not self.in_transaction()
        with self.atomic("ISOLATION LEVEL READ COMMITTED, READ WRITE") if outermost else self.atomic():
            if outermost:
                [(_, standbys)] = self.run(LOCK, (WRITER,))
                if self._standby and not standbys:
                    raise Unreachable("db.no_standby", ALONE)
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        outermost = not self.in_transaction()
        with self.atomic("ISOLATION LEVEL REPEATABLE READ") if outermost else self.atomic():
            if outermost:
                self.run("SET LOCAL idle_in_transaction_session_timeout = 0")  # it holds nobody up, and may read long
            yield

    @contextmanager
    def defining(self) -> Iterator[None]:
        with self.writing():
            yield

    @contextmanager
    def starting(self) -> Iterator[None]:
        self._ask("SELECT pg_advisory_lock(?)", (STARTER,))
        try:
            yield
        finally:
            if not self.connection().closed:
                self.run("SELECT pg_advisory_unlock(?)", (STARTER,))

    def judge(self, error: Exception) -> CourtError | None:
        if isinstance(error, peewee.PeeweeException) and isinstance(error.__context__, psycopg.Error):
            error = error.__context__  # peewee connects by itself, and renames what comes of it
        if isinstance(error, psycopg.IntegrityError):
            return constraint()
        if isinstance(error, (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)):
            return busy()
        state = getattr(error, "sqlstate", None) or ""
        if state.startswith(FULL):
            return full()
        if state.startswith(BROKEN):
            return broken()
        lost = isinstance(error, psycopg.Error) and not self.is_closed() and self._state.conn.closed
        if lost or isinstance(error, (psycopg.OperationalError, errors.ReadOnlySqlTransaction)):
            self._drop()
            return Unreachable("db.away", AWAY)
        return None

    def _drop(self) -> None:
        """Let go of a connection that is of no use; inside a transaction its end does it."""
        if not self.is_closed():
            self._state.conn.close()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        cursor = self._execute_cursor(statement.lstrip(), parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return rows

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with nullcontext() if self.in_transaction() else self.writing():
            self.cursor().executemany(dollars(statement), rows)

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        with psycopg.RawServerCursor(self.connection(), secrets.token_hex(8)) as cursor:
            cursor.itersize = STREAM_ROWS
            yield from cursor.execute(dollars(statement), parameters, binary=True)

    def has(self, table: str) -> bool:
        return list(self.run("SELECT to_regclass(?) IS NOT NULL", (table,))) == [(True,)]

    def guard(self, guard: Guard) -> None:
        row = "OLD" if guard.event == "DELETE" else "NEW"
        self.run(
            f"""CREATE OR REPLACE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF {guard.when or "TRUE"} THEN
                  RAISE EXCEPTION '{guard.message}' USING ERRCODE = 'integrity_constraint_violation';
                END IF; RETURN {row}; END $$"""
        )
        self.run(
            f"""CREATE OR REPLACE TRIGGER {guard.name} BEFORE {guard.event} ON {guard.table}
                FOR EACH ROW EXECUTE FUNCTION {guard.name}()"""
        )

    def complete(self, model: type[Table]) -> None:
        # a table that has it is left alone: to alter it would wait for everybody who reads
        if model.IN_ORDER and "rowid" not in {column.name for column in self.get_columns(model._meta.table_name)}:
            name = model._meta.table_name
            self.run(f'ALTER TABLE "{name}" ADD COLUMN rowid BIGINT GENERATED ALWAYS AS IDENTITY')
            self.run(f'CREATE UNIQUE INDEX "{name}_rowid" ON "{name}" (rowid)')

    def scrub(self) -> None:
        with suppress(errors.LockNotAvailable):  # then autovacuum does it; the server's own log keeps what it keeps (deploy/postgresql.md)
            self.run("VACUUM entry")

    def copy_to(self, path: Path) -> None:
        """Run pg_dump; raises Refused("backup.pg_dump") where it is missing or fails."""
        given = {name: str(value) for name, value in conninfo_to_dict(self.database).items() if name != "password"}
        secret = {"PGPASSWORD": str(self.connection().info.password)} if self.connection().info.password else {}
        command = ["pg_dump", "--format=custom", f"--file={path}", f"--dbname={make_conninfo(**given)}"]
        try:
            subprocess.run(command, check=True, env={**os.environ, **secret})
        except (OSError, subprocess.CalledProcessError) as error:
            sentence = N_("The database could not be copied: pg_dump of the server's version is needed here. See deploy/postgresql.md.")
            raise Refused("backup.pg_dump", sentence) from error

    def lead(self) -> bool:
        """Return whether this thread's session is the one that folds: it asks for the lock where nobody has it."""
        if self.connection() is self._leads:
            self._ask("SELECT 1")  # a lock is as alive as its session: one that has died was replaced by another just now
            if self.connection() is self._leads:
                return True
        [(held,)] = self._ask("SELECT pg_try_advisory_lock(?)", (FOLDER,))
        self._leads = self.connection() if held else None
        return bool(held)

    def _ask(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return list(self.run(statement, parameters))
        except psycopg.Error as error:
            raise self.judge(error) or error from error


def _check(state: tuple[Any, ...] | None) -> None:
    assert state is not None, "one row is always answered"
    standby, encoding, fsync, full_pages = state
    if standby:
        raise Unreachable("db.away", AWAY)
    if encoding != "UTF8":
        raise Refused("config.database", N_("The database is not encoded in UTF-8. Create it with ENCODING 'UTF8'."))
    if "off" in (fsync, full_pages):
        raise Corrupt("db.not_durable", N_("The database server may lose what it has confirmed: fsync or full_page_writes is off."))
