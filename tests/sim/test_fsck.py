"""fsck finds what was changed behind the machine's back; a refold brings tables back to what the entries say."""

from pathlib import Path

import pytest

from common.db import fetch, transaction
from edge.node import Node
from sync import fsck, refold
from tests.court import Court


@pytest.fixture
def court(tmp_path: Path) -> Court:
    court = Court(tmp_path)
    court.publish_reference()
    return court


def codes(node: Node) -> set[str]:
    found = fsck.check(node.database, node.fold, node.blobs, environment=node.identity.environment)
    return {finding.code for finding in found}


def test_an_honest_country_has_no_findings(court: Court) -> None:
    node = court.node("kz-7")
    node.journal.open_epoch("test", after=1, last_seq=0)
    node.client.exchange()
    assert codes(node) == set()
    centre = court.centre
    assert fsck.check(centre.database, centre.fold, centre.blobs, environment=centre.identity.environment) == []


def test_an_edited_row_is_found_and_a_refold_mends_it(court: Court) -> None:
    """Row 12: a row edited in the file."""
    node = court.node("kz-7")
    fetch(node.database, "UPDATE node SET name = 'edited' WHERE node = 1001")
    assert codes(node) == {"fsck.rows"}
    refold.everything(node.database, node.fold, court.clock)
    assert codes(node) == set()


def test_a_row_of_nothing_is_found(court: Court) -> None:
    node = court.node("kz-7")
    fetch(node.database, "UPDATE node SET obj = x'00112233445566778899aabbccddeeff' WHERE node = 1001")
    assert codes(node) == {"fsck.rows", "fsck.stray_row"}


def test_an_entry_changed_in_the_file_is_found(court: Court) -> None:
    node = court.node("kz-7")
    for trigger in ("entry_is_never_changed", "entry_body_is_only_erased"):
        fetch(node.database, f"DROP TRIGGER {trigger}")
    fetch(node.database, "UPDATE entry SET body = x'a0' WHERE log_index = 0")
    assert "fsck.body" in codes(node)


def test_a_guard_refuses_to_change_or_delete_an_entry(court: Court) -> None:
    node = court.node("kz-7")
    for statement in ("DELETE FROM entry", "UPDATE entry SET envelope = x'00'", "UPDATE entry SET log_index = 7 WHERE log_index = 1"):
        with pytest.raises(Exception, match="entry|index"):
            fetch(node.database, statement)


def test_a_tail_cut_off_the_journal_is_found(court: Court) -> None:
    """Row 13: the end of the journal is gone."""
    node = court.node("kz-7")
    node.journal.open_epoch("test", after=1, last_seq=0)
    fetch(node.database, "DROP TRIGGER entry_is_kept")
    fetch(node.database, "DELETE FROM entry WHERE node = 1001 AND chain IS NOT NULL")
    assert "fsck.head" in codes(node)


def test_a_changed_log_is_found_at_the_centre(court: Court) -> None:
    """Row 42: the log changed below the centre."""
    centre = court.centre
    fetch(centre.database, "DROP TRIGGER entry_index_stays")
    with transaction(centre.database):
        fetch(centre.database, "UPDATE entry SET log_index = 100000 WHERE log_index = 3")
    found = {finding.code for finding in fsck.check(centre.database, centre.fold)}
    assert "fsck.log_index" in found


def test_tables_of_another_release_are_folded_anew_at_start(court: Court) -> None:
    """Row 62: other columns, folded anew."""
    node = court.node("kz-7")
    fetch(node.database, "UPDATE fold_state SET made_by = x'00'")
    fetch(node.database, "UPDATE node SET name = 'of the old release'")
    again = court.crash(node)
    assert codes(again) == set()
    assert fetch(again.database, "SELECT COUNT(*) FROM reference_row")[0][0] > 10
