"""What is noted without a flush: all or nothing as ever, and the next promise is flushed again."""

from pathlib import Path

import pytest

from common.db import IntegerField, Table, create_tables, fetch, insert, open_database, passing, transaction
from common.errors import Conflict

FLUSH, NO_FLUSH = 2, 1
"""SQLite's numbers of `synchronous`."""


class Note(Table):
    id = IntegerField(primary_key=True)


def test_a_passing_note_is_not_flushed_and_what_follows_is(tmp_path: Path) -> None:
    database = open_database(tmp_path / "x.db")
    create_tables(database, [Note])
    with passing(database):
        assert fetch(database, "PRAGMA synchronous") == [(NO_FLUSH,)]
        insert(database, Note, [{"id": 1}])
    assert fetch(database, "PRAGMA synchronous") == [(FLUSH,)]
    with pytest.raises(Conflict), passing(database):
        insert(database, Note, [{"id": 2}, {"id": 1}])
    assert fetch(database, "PRAGMA synchronous") == [(FLUSH,)]
    with transaction(database):
        assert fetch(database, "SELECT id FROM note") == [(1,)]
    database.close()
