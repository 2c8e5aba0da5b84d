"""PROTOCOL 4: a bundle is exactly what its signed header says."""

from collections.abc import Sequence
from typing import Any

import pytest
from protocol_world import World, code_of, head_after, make_entry

from common import canonical
from common.db import fetch
from sync import container, ports
from sync.bundle import ENTRIES_MAX, leaves_digest
from sync.entry import Entry


def forge(world: World, entries: Sequence[Entry], *, items: Any = None, without: str = "", **changes: Any) -> bytes:
    """Return a bundle that would be taken, but for ``changes`` to what its header says and ``items`` in place of its entries."""
    at = world.at()
    about: dict[str, Any] = {"epoch": at.epoch, "first": at.seq + 1, "last": at.seq + len(entries), "prior": at.head}
    about |= {"head": head_after(at, entries), "previous": b"", "leaves": leaves_digest([entry.leaf for entry in entries])}
    about |= {"types": ["test.thing/1"], "beacon": 0}
    about |= changes
    about.pop(without, None)
    plain = canonical.encode([entry.wire() for entry in entries] if items is None else items)
    return container.write_container("up", about, plain, world.me, world.centre.certificate)


def test_4_1_a_bundle_as_described_is_taken(world: World) -> None:
    entries = world.entries(3)
    assert world.post(ports.BUNDLE, forge(world, entries))[0] == 200
    assert world.at().seq == 3


@pytest.mark.parametrize("name", ["epoch", "first", "last", "prior", "head", "leaves"])
@pytest.mark.parametrize("value", ["absent", "text", None, b"", [], -1])
def test_4_1_a_field_of_another_form_is_refused(still: World, name: str, value: Any) -> None:
    data = forge(still, still.entries(), without=name) if value == "absent" else forge(still, still.entries(), **{name: value})
    assert still.refused(ports.BUNDLE, data).code in ("bundle.broken", "bundle.sequence")


def test_4_1_true_is_not_the_number_one(still: World) -> None:
    for name in ("epoch", "first", "last"):
        assert still.refused(ports.BUNDLE, forge(still, still.entries(), **{name: True})).code == "bundle.broken"


@pytest.mark.parametrize("items", [[], {}, None, 1, [1], [[]], "text"])
def test_4_2_no_entries_are_no_bundle(still: World, items: Any) -> None:
    at = still.at()
    plain = canonical.encode(items)
    about = {"epoch": 1, "first": at.seq + 1, "last": at.seq, "prior": at.head, "head": at.head, "leaves": leaves_digest([])}
    data = container.write_container("up", about, plain, still.me, still.centre.certificate)
    assert still.refused(ports.BUNDLE, data).code in ("bundle.broken", "entry.form")


def test_4_2_too_many_entries_are_refused_before_they_are_read(still: World) -> None:
    """Row 2: more entries than may be."""
    data = forge(still, still.entries(), items=[0] * (ENTRIES_MAX + 1))
    assert still.refused(ports.BUNDLE, data).code == "bundle.broken"


def test_4_3_a_head_that_is_not_reached_is_refused(still: World) -> None:
    assert still.refused(ports.BUNDLE, forge(still, still.entries(2), head=bytes(32))).code == "bundle.broken"


def test_4_3_another_digest_of_leaves_is_refused(still: World) -> None:
    assert still.refused(ports.BUNDLE, forge(still, still.entries(2), leaves=bytes(32))).code == "bundle.broken"


def test_4_3_other_entries_under_the_same_header_are_refused(still: World) -> None:
    entries = still.entries(2)
    others = [entry.wire() for entry in still.entries(2)]  # same numbers, another salt
    assert still.refused(ports.BUNDLE, forge(still, entries, items=others)).code == "bundle.broken"


def test_4_4_entries_of_another_machine_are_refused(still: World) -> None:
    at = still.at()
    assert still.refused(ports.BUNDLE, forge(still, [make_entry(0, at.epoch, at.seq + 1)])).code == "bundle.sequence"


def test_4_4_entries_of_another_epoch_are_refused(still: World) -> None:
    at = still.at()
    assert still.refused(ports.BUNDLE, forge(still, [make_entry(still.node.number, 2, at.seq + 1)])).code == "bundle.sequence"


@pytest.mark.parametrize("order", [(2, 1), (1, 3), (1, 1), (1, 2**63 - 1)])
def test_4_4_a_gap_inside_is_refused(still: World, order: tuple[int, int]) -> None:
    """Row 14: an entry is missing in the middle."""
    at = still.at()
    entries = [make_entry(still.node.number, at.epoch, at.seq + place if place < 2**62 else place) for place in order]
    assert still.refused(ports.BUNDLE, forge(still, entries)).code == "bundle.sequence"


def test_4_4_a_wrong_count_is_refused(still: World) -> None:
    at = still.at()
    assert still.refused(ports.BUNDLE, forge(still, still.entries(2), last=at.seq + 3)).code == "bundle.broken"


def test_4_4_an_entry_that_is_none_stops_the_whole_bundle(still: World) -> None:
    one, two = still.entries(2)
    items = [one.wire(), [b"\xa2\x61b\x01\x61a\x02", *two.wire()[1:]]]
    assert still.refused(ports.BUNDLE, forge(still, [one, two], items=items)).code == "canonical.not_canonical"


def test_4_5_the_same_bytes_are_sent_until_they_are_acknowledged(world: World) -> None:
    line = world.court.lines[world.node.number]
    world.write()
    line.seen.clear()
    handle = line._handle

    def loses(path: str, body: bytes) -> tuple[int, bytes]:
        return (502, b"") if path == ports.BUNDLE else handle(path, body)

    line._handle = loses
    assert code_of(world.node.client.exchange) == "line.stranger"
    world.write()
    line._handle = handle
    world.node.client.exchange()
    sent = [body for path, body in line.seen if path.startswith(ports.BUNDLE)]
    assert sent[0] == sent[1]
    assert len(sent) == 3
    assert fetch(world.node.database, "SELECT COUNT(*) FROM out_bundle WHERE data IS NOT NULL") == [(0,)]
