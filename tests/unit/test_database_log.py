"""The database's own write-ahead log: commits leave it alone, and it is emptied when nobody waits for it."""

from pathlib import Path

import pytest

from common import sqlite
from common.db import BlobField, Database, Table, create_tables, fetch, insert, open_database, transaction

ROW_BYTES = 1 << 20
ROWS = 8


class HeapRow(Table):
    """What somebody writes much of at once."""

    data = BlobField()

    class Meta:
        table_name = "heap"


def written(path: Path) -> Database:
    """Return a database into which more was written than SQLite by itself leaves in its log, 4 MiB."""
    database = open_database(path)
    create_tables(database, [HeapRow])
    for _ in range(ROWS):
        insert(database, HeapRow, [{"data": bytes(ROW_BYTES)}])
    return database


def log_bytes(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


def test_no_commit_waits_until_the_log_is_in_the_file(tmp_path: Path) -> None:
    database = written(tmp_path / "a.db")
    assert log_bytes(tmp_path / "a.db") > ROWS * ROW_BYTES > (tmp_path / "a.db").stat().st_size
    database.close()


def test_a_log_that_grows_without_end_is_moved_by_who_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOG_PAGES", 500)
    database = written(tmp_path / "a.db")
    assert log_bytes(tmp_path / "a.db") < ROWS * ROW_BYTES < (tmp_path / "a.db").stat().st_size
    database.close()


def test_it_is_emptied_and_everything_is_in_the_file(tmp_path: Path) -> None:
    database = written(tmp_path / "a.db")
    database.empty_log()
    assert log_bytes(tmp_path / "a.db") == 0
    assert fetch(database, "SELECT COUNT(*), SUM(length(data)) FROM heap") == [(ROWS, ROWS * ROW_BYTES)]
    database.close()


def test_who_reads_and_who_writes_are_not_disturbed(tmp_path: Path) -> None:
    """A reader who is there keeps what it reads; a writer who is there is not waited for without end, and loses nothing."""
    database = written(tmp_path / "a.db")
    reader = open_database(tmp_path / "a.db")
    with reader.reading():
        assert fetch(reader, "SELECT COUNT(*) FROM heap") == [(ROWS,)]
        insert(database, HeapRow, [{"data": b"later"}])
        database.connection().setbusytimeout(10)
        database.empty_log()
        assert fetch(reader, "SELECT COUNT(*) FROM heap") == [(ROWS,)]
    with transaction(reader):
        insert(reader, HeapRow, [{"data": b"last"}])
        database.empty_log()
    assert fetch(database, "SELECT COUNT(*) FROM heap") == [(ROWS + 2,)]
    database.close()
    reader.close()
