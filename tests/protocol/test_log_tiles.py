"""The log's tiles against naive roots at every size, their C2SP paths, and what a damaged tile does (faults 42, 43)."""

from collections.abc import Iterator
from pathlib import Path

import naive_tree
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.db import Database, open_database, transaction
from common.errors import Conflict, Corrupt, CourtError, NotFound, Refused
from sync import log
from sync.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    range_proof,
    root_of_hashes,
    verify_consistency,
    verify_inclusion,
    verify_range,
)

HASHES = naive_tree.leaf_hashes(70_000)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "log.db")
    log.create_log(opened)
    yield opened
    opened.close()


def fill(database: Database, count: int, *, at: int = 0) -> None:
    with transaction(database):
        assert log.append(database, HASHES[at : at + count]) == (at, at + count)


def spoil(database: Database, sql: str, *values: object) -> None:
    """Change the table behind the guards' back, as a broken disk or an administrator would."""
    for name in ("tile_only_grows", "tile_stays"):
        database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
    database.execute_sql(sql, values)


def test_an_empty_log(database: Database) -> None:
    assert log.size(database) == 0
    assert log.root(database) == EMPTY_ROOT
    fill(database, 0)
    assert log.audit(database) == (0, EMPTY_ROOT)


def test_roots_at_every_size_one_leaf_at_a_time(database: Database) -> None:
    for size in range(1, 601):
        fill(database, 1, at=size - 1)
        assert log.size(database) == size
        if size < 300 or size % 256 in (255, 0, 1):
            assert log.root(database) == naive_tree.tree_head(HASHES[:size])
    for size in range(601):
        assert log.root(database, size) == naive_tree.tree_head(HASHES[:size])


def test_batches_make_the_same_tiles_as_single_leaves(database: Database, tmp_path: Path) -> None:
    at = 0
    for count in (255, 1, 1, 256, 3, 700, 511, 2000):
        fill(database, count, at=at)
        at += count
    other = open_database(tmp_path / "other.db")
    log.create_log(other)
    fill(other, at)
    query = "SELECT level, idx, hashes FROM tile ORDER BY level, idx"
    assert list(database.execute_sql(query)) == list(other.execute_sql(query))
    assert log.audit(database, HASHES[:at]) == (at, root_of_hashes(HASHES[:at]))
    other.close()


def test_the_specs_own_example_of_70000_leaves(database: Database) -> None:
    fill(database, 70_000)
    widths = list(database.execute_sql("SELECT level, count(*), min(length(hashes)) / 32 FROM tile GROUP BY level ORDER BY level"))
    assert widths == [(0, 274, 112), (1, 2, 17), (2, 1, 1)]
    assert log.tile_bytes(database, 0, 273, 112) == b"".join(HASHES[-112:])
    assert log.tile_bytes(database, 1, 1, 17)[:32] == root_of_hashes(HASHES[65_536:65_792])
    assert log.tile_bytes(database, 2, 0, 1) == root_of_hashes(HASHES[:65_536])
    assert log.audit(database, HASHES) == (70_000, root_of_hashes(HASHES))
    read, root = log.reader(database), log.root(database)
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        verify_inclusion(HASHES[index], index, 70_000, inclusion_proof(index, 70_000, read), root)
    for old in (1, 256, 65_536, 65_537, 69_999):
        verify_consistency(old, root_of_hashes(HASHES[:old]), 70_000, root, consistency_proof(old, 70_000, read))
    verify_range(HASHES[65_000:66_000], 65_000, 70_000, range_proof(65_000, 66_000, 70_000, read), root)


def test_a_tree_of_256_leaves_has_a_full_tile_and_one_hash_above(database: Database) -> None:
    fill(database, 256)
    assert len(log.tile_bytes(database, 0, 0)) == 8192
    assert log.tile_bytes(database, 1, 0, 1) == log.root(database)


@pytest.mark.parametrize(
    "place", [(0, 0, 6), (0, 0, 256), (0, 1, 1), (1, 0, 1), (63, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**70, 1), (0, 0, 0)]
)
def test_tiles_the_log_does_not_have(database: Database, place: tuple[int, int, int]) -> None:
    fill(database, 5)
    with pytest.raises(NotFound):
        log.tile_bytes(database, *place)


def test_a_failed_transaction_leaves_no_leaf(database: Database) -> None:
    fill(database, 300)
    with pytest.raises(Conflict), transaction(database):  # noqa: PT012 - two steps of one transaction
        log.append(database, HASHES[300:900])
        database.execute_sql("INSERT INTO tile VALUES (0, 0, zeroblob(32))")  # there is one: the constraint refuses
    assert log.audit(database, HASHES[:300])[0] == 300


def test_an_append_without_a_transaction_is_our_own_mistake(database: Database) -> None:
    with pytest.raises(AssertionError):
        log.append(database, HASHES[:1])
    with pytest.raises(AssertionError), transaction(database):
        log.append(database, [b"short"])


def test_a_reader_goes_no_further_than_the_log(database: Database) -> None:
    fill(database, 300)
    for size in (301, 1000, 2**63 - 1):
        with pytest.raises(Refused, match="proof.size"):
            log.root(database, size)
        with pytest.raises(Refused, match="proof.size"):
            consistency_proof(5, size, log.reader(database))
    read = log.reader(database)
    fill(database, 300, at=300)
    assert inclusion_proof(299, 300, read) == naive_tree.path(299, HASHES[:300])


@pytest.mark.parametrize(
    "sql", ["DELETE FROM tile WHERE idx = 0", "UPDATE tile SET hashes = zeroblob(32)", "UPDATE tile SET idx = 7 WHERE idx = 1"]
)
def test_tiles_only_grow(database: Database, sql: str) -> None:
    fill(database, 300)
    with pytest.raises(Conflict), transaction(database):
        database.execute_sql(sql)
    with pytest.raises(Conflict), transaction(database):
        database.execute_sql("INSERT INTO tile VALUES (5, 5, zeroblob(33))")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE tile SET hashes = zeroblob(32) WHERE level = 1",
        "UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 1",
        "UPDATE tile SET hashes = substr(hashes, 1, 64) WHERE level = 0 AND idx = 1",
        "DELETE FROM tile WHERE level = 1",
        "DELETE FROM tile WHERE level = 0 AND idx = 1",
        "INSERT INTO tile VALUES (1, 1, zeroblob(32))",
        "INSERT INTO tile VALUES (6, 0, zeroblob(32))",
    ],
)
def test_the_audit_finds_every_damage(database: Database, sql: str) -> None:
    """Row 42: a flipped bit in a tile."""
    fill(database, 1000)
    log.audit(database)
    spoil(database, sql)
    with pytest.raises(Corrupt, match="log.broken"):
        log.audit(database)


def test_the_audit_compares_with_the_entries(database: Database) -> None:
    """Row 42: a leaf that is not the entry's."""
    fill(database, 300)
    wrong = [*HASHES[:299], bytes(32)]
    for entries in (HASHES[:299], HASHES[:301], wrong, []):
        with pytest.raises(Corrupt, match="log.broken"):
            log.audit(database, entries)


def test_nothing_is_appended_to_a_log_with_a_hole(database: Database) -> None:
    """Row 42: nothing is signed over a damaged tree."""
    fill(database, 1000)
    spoil(database, "UPDATE tile SET hashes = substr(hashes, 1, 64) WHERE level = 1")
    with pytest.raises(Corrupt, match="log.broken"), transaction(database):
        log.append(database, HASHES[1000:1100])
    assert log.size(database) == 1000


def test_a_proof_from_a_log_with_a_hole_is_no_proof(database: Database) -> None:
    fill(database, 1000)
    spoil(database, "DELETE FROM tile WHERE level = 0 AND idx = 1")
    with pytest.raises(Corrupt, match="log.broken"):
        inclusion_proof(300, 1000, log.reader(database))


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (log.TilePath(0, 0), "tile/0/000"),
        (log.TilePath(0, 273, 112), "tile/0/273.p/112"),
        (log.TilePath(1, 1_234_067), "tile/1/x001/x234/067"),
        (log.TilePath(63, 1000, 1), "tile/63/x001/000.p/1"),
    ],
)
def test_paths(place: log.TilePath, path: str) -> None:
    assert str(place) == path
    assert log.read_tile_path(path) == place


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/entries/000"),
        *("tile/0/0", "tile/0/0000", "tile/0/x000/001", "tile/0/x001", "tile/0/001/002", "tile/0/x001x002/003", "tile/0/ 01"),
        *("tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/1\n", "tile/0/000\n"),
        *("tile/0/٠٠٠", "tile/0/../000", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/x001/x001/x001/x001/x001/x001/x001/001"),
    ],
)
def test_other_paths(path: str) -> None:
    with pytest.raises(Refused, match="log.tile_path"):
        log.read_tile_path(path)


@settings(deadline=None)
@given(st.integers(0, 63), st.integers(0, log.INDEX_MAX), st.integers(1, 256))
def test_every_place_has_one_path(level: int, index: int, width: int) -> None:
    place = log.TilePath(level, index, width)
    assert log.read_tile_path(str(place)) == place


@settings(deadline=None)
@given(st.text(alphabet="tile/0123456789x.p\n٣", max_size=40) | st.text())
def test_any_text_is_a_tile_or_refused(path: str) -> None:
    try:
        place = log.read_tile_path(path)
    except CourtError:
        return
    assert str(place) == path
