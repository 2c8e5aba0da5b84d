"""PROTOCOL 8.7: a machine that takes over a court with a past is filled through its feed, however often the line breaks."""

from pathlib import Path

import pytest

from common.db import fetch
from common.errors import Conflict, CourtError
from edge.enrolment import enrol
from edge.node import Node
from edge.services import registration, retention
from sync import directory, news
from tests.court import Court, Line
from tests.sim import papers
from tests.sim.papers import AIGUL, Filing

ASTANA, ALMATY = "kz-7", "kz-11"


@pytest.fixture
def court(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Court:
    """Astana has twelve filings; a downlink holds about two of them."""
    court = Court.ready(tmp_path)
    for _ in range(12):
        court.file(court.nodes[0], AIGUL, ASTANA)
    court.settle()
    court.decide(court.nodes[1], court.filings[0])
    court.settle()
    monkeypatch.setattr(news, "DOWN_BYTES_MAX", 4_000)
    return court


def newcomer(court: Court) -> Node:
    """Enrol machine 1004 for Almaty, then let Astana go to it; it has not heard of that yet."""
    enrol(court.folder / "node-1004", court._code(1004, [ALMATY]), Line(court._handle, court.dice))
    node = court._start(1004)
    for certificate in (*papers.authority().anchors(), *papers.authority().authorities()):
        node.trust.add(certificate)
    with court.centre.journal.unit() as unit:
        for number, courts in ((1002, []), (1004, [ALMATY, ASTANA])):
            unit.append(directory.node_object(number), directory.Serve(courts=courts))
    court.centre.publish()
    return node


def count(node: Node) -> int:
    return int(fetch(node.database, "SELECT COUNT(*) FROM filing_row")[0][0])


def require_past(node: Node, filing: Filing) -> str:
    try:
        registration.require_past(node)
    except CourtError as error:
        return error.code
    return ""


def test_8_7_interrupted_five_times_it_ends_right(court: Court) -> None:
    """Row 68: each cut falls inside the filling, some with a crash; nothing comes twice, nothing counts as complete before."""
    node = newcomer(court)
    seen, received = [], 0
    for attempt in range(5):
        court.lines[1004].cuts = [3]
        assert not court.exchange(node)
        if attempt % 2:
            node = court.crash(node)
        assert node.filling()
        assert require_past(node, court.filings[0]) == "registration.filling"
        assert retention.prune(node) == 0
        seen.append(fetch(node.database, "SELECT COUNT(*) FROM entry")[0][0])
    assert seen == sorted(set(seen)), "every try goes on where the last one stopped"
    court.heal(node)
    received = node.client.exchange().entries_down
    assert not node.filling()
    assert require_past(node, court.filings[0]) == ""
    assert (count(node), seen[-1] + received) == (12, fetch(node.database, "SELECT COUNT(*) FROM entry")[0][0])
    court.settle()
    court.check()


def test_8_7_a_machine_that_takes_over_a_court_gives_no_number_before_it_knows_the_last(court: Court) -> None:
    """Row 67: the numbers of Astana run on from what the machine before had given."""
    node = newcomer(court)
    court.heal(node)
    node.client.exchange()
    assert not node.filling()
    assert fetch(node.database, "SELECT COUNT(*) FROM filing_row WHERE status = 'registered'") == [(1,)]
    court.settle()
    court.check()


def test_8_7_a_first_start_from_a_stick_alone(court: Court, tmp_path: Path) -> None:
    """Row 68: the machine has never had a line; half a stick leaves it unfilled, a whole one fills it."""
    node = newcomer(court)
    court.cut(node)
    usb = tmp_path / "usb"
    usb.mkdir()
    court.centre.sticks.export(usb, [1004])
    index = usb / "SOT1" / "DN1004" / "INDEX.SOT"
    whole = index.read_bytes()
    index.unlink()
    with pytest.raises(CourtError, match="stick.unfinished"):
        node.client.stick.take(usb)
    assert node.filling()
    index.write_bytes(whole)
    assert node.client.stick.take(usb).problems == []
    assert not node.filling()
    assert count(node) == 12
    court.settle()
    court.check()


def test_8_7_a_decision_while_it_is_filled_is_refused_with_a_sentence(court: Court) -> None:
    node = newcomer(court)
    with pytest.raises(Conflict, match="a number could be given twice"):
        registration.require_past(node)
