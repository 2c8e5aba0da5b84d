"""The quick way to whole rows gives what the library's own way gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.db import (
    BlobField,
    BooleanField,
    CompositeKey,
    Database,
    IntegerField,
    Table,
    TextField,
    create_tables,
    fn,
    insert,
    one_of,
    open_database,
    rows_of,
)


class Book(Table):
    name = TextField(primary_key=True)
    cover = BlobField(null=True)
    lent = BooleanField()
    pages = IntegerField(null=True)


class Mark(Table):
    book = TextField()
    page = IntegerField()

    class Meta:
        primary_key = CompositeKey("book", "page")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "library.db")
    create_tables(database, (Book, Mark))
    insert(
        database, Book, [{"name": f"book {n}", "cover": bytes([n]) if n % 2 else None, "lent": n % 3 == 0, "pages": n} for n in range(9)]
    )
    insert(database, Mark, [{"book": f"book {n}", "page": n} for n in range(3)])
    yield database
    database.close()


QUERIES = [
    Book.select(),
    Book.select().where(Book.name == "book 3", Book.lent == True),  # noqa: E712 - a condition in SQL
    Book.select().where((Book.pages > 3) | Book.cover.is_null()).order_by(Book.pages.desc()).limit(3).offset(1),
    Book.select().where(Book.name.in_(Mark.select(Mark.book))),
    Book.select().where(fn.LENGTH(Book.name) > 3).order_by(Book.name),
    Book.select(Book.name, Book.lent),
    Book.select(fn.COUNT(Book.name).alias("count")),
    Book.select().join(Mark, on=(Mark.book == Book.name)).order_by(Book.name),
    Book.alias("other").select(),
    Mark.select().order_by(Mark.page),
    Book.select().where(Book.name == "none"),
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_rows_are_the_library_s_own(database: Database, query: object) -> None:
    own = list(query.dicts().execute(database))  # type: ignore[attr-defined]
    ours = rows_of(database, query)
    ours = rows_of(database, query)
    assert ours == own
    assert [type(value) for row in ours for value in row.values()] == [type(value) for row in own for value in row.values()]


def test_truth_comes_back_as_truth(database: Database) -> None:
    row = one_of(database, Book.select().where(Book.name == "book 3"))
    assert row is not None
    assert row["lent"] is True
