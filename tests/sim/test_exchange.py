"""Stories of the line: what arrives, what survives, what is noticed."""

from pathlib import Path

import pytest

from common.db import fetch
from tests.court import Court


@pytest.fixture
def court(tmp_path: Path) -> Court:
    court = Court(tmp_path)
    court.publish_reference()
    return court


def test_a_new_node_has_the_reference_data_after_its_first_exchange(court: Court) -> None:
    node = court.node("kz-7")
    assert len(node.book().courts) > 390
    assert node.courts() == ["kz-7"]
    assert fetch(node.database, "SELECT COUNT(*) FROM quarantine")[0][0] == 0


def test_an_idle_exchange_is_one_trip_below_a_kilobyte(court: Court) -> None:
    node = court.node("kz-7")
    node.client.exchange()
    outcome = node.client.exchange()
    assert outcome.trips == 1
    assert outcome.bytes_up + outcome.bytes_down < 1024
