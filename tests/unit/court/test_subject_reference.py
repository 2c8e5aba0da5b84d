"""Reference data: published in parts by the centre, counted only when whole."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from court_world import CENTRE, fact, fold, store, with_

from common import canonical
from common.court import datasets, reference
from common.db import create_tables, insert, open_database, transaction
from common.errors import Refused
from common.facts import encode_body

ENTRY_BYTES_MAX = 64 * 1024
PUBLISHED = {each.name: each for each in datasets.initial_publication()}


def publish(body, **more):
    return fact("reference.publish/1", body, **{"node": CENTRE, "obj": reference.object_id(body.dataset, body.version), **more})


def folded(name, parts=None):
    return fold(reference, [publish(body) for body in reference.split(PUBLISHED[name])[:parts]])[0]


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "reference.db")


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_dataset_of_the_first_publication_fits_into_entries(name):
    bodies = reference.split(PUBLISHED[name])
    assert all(len(encode_body(body)) < ENTRY_BYTES_MAX - 2048 for body in bodies)
    assert [row for body in bodies for row in body.rows] == datasets.to_rows(PUBLISHED[name])


def test_the_book_is_made_of_what_was_published(database):
    store(database, reference, *(folded(name) for name in PUBLISHED))
    assert reference.datasets(database) == sorted(PUBLISHED.values(), key=lambda each: each.name)
    assert reference.book(database, date(2026, 11, 21)).court("kz-7").region_rr == "71"


def test_a_version_counts_only_when_whole(database):
    assert len(reference.split(PUBLISHED["courts"])) > 1
    store(database, reference, folded("courts", 1), folded("regions"))
    assert [each.name for each in reference.datasets(database)] == ["regions"]


def test_the_shelf_keeps_its_book_until_a_publication_arrives(database):
    store(database, reference, folded("regions"))
    shelf = reference.Shelf()
    first = shelf.book(database)
    assert shelf.book(database) is first
    with transaction(database):
        for table, rows in reference.rows(folded("courts")).items():
            insert(database, table, rows)
    assert shelf.book(database) is not first


def test_of_two_threads_that_ask_first_one_builds_the_book(database, monkeypatch):
    """Two that read the rows for the first time together have brought a machine down (a race in msgspec)."""
    store(database, reference, folded("regions"))
    build, building, calls = reference.book, threading.Event(), []

    def slow(database, on):
        calls.append(on)
        building.set()
        threading.Event().wait(0.2)
        return build(database, on)

    monkeypatch.setattr(reference, "book", slow)
    shelf = reference.Shelf()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shelf.book, database)
        assert building.wait(20)
        assert pool.submit(shelf.book, database).result() is first.result()
    assert len(calls) == 1


def test_an_empty_database_has_an_empty_book(database):
    create_tables(database, reference.TABLES)
    assert reference.datasets(database) == []


def test_a_dataset_of_a_later_version_of_this_house_is_left_alone(database):
    body = reference.Publish(dataset="mediators", version=1, valid_from="2026-01-01", source="s", rows=[{"a": 1}])
    store(database, reference, fold(reference, [publish(body)])[0])
    assert reference.datasets(database) == []


ONE = reference.Publish(dataset="mci", version=1, valid_from="2026-01-01", source="s", rows=[{"a": 1}], parts=2)
REFUSALS = {
    "entry.centre_only": [publish(ONE, node=1)],
    "reference.object": [publish(ONE, obj=b"x" * 16)],
    "reference.part": [publish(with_(ONE, part=2))],
    "reference.head": [publish(ONE), publish(with_(ONE, part=1, source="other"))],
    "reference.twice": [publish(ONE), publish(with_(ONE, rows=[]))],
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals(code):
    assert fold(reference, REFUSALS[code])[1] == [code]


def test_a_row_longer_than_a_part_is_refused():
    long = datasets.Source(source_id="s", text="x" * reference.PART_BYTES_MAX)
    with pytest.raises(Refused) as refused:
        reference.split(datasets.Dataset("sources", 1, "2026-01-01", None, "s", (long,)))
    assert refused.value.code == "reference.row_size"


def test_rows_are_stored_as_canonical_bytes():
    (row, *_) = reference.rows(folded("regions"))[reference.ReferenceRow]
    assert canonical.decode(row["rows"])[0]["rr"]
