"""PROTOCOL 6: how much a machine may send, and whose turn it is (row 23)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from protocol_world import World, add_node, picture

from common.facts import BlobRef
from edge.exchanger import BACKOFF_SECONDS_MAX, Exchanger
from sync import cose, ports
from sync.messages import Acknowledgement, unpack
from sync.quota import BUSY_SECONDS, HOUR_MS, Quota, Quotas


@contextmanager
def tight(world: World, entries: int = 3) -> Iterator[Quotas]:
    """A centre that allows a handful of entries, and one an hour."""
    quotas = world.court.centre.server.quotas
    before = quotas.entries, quotas.blob_bytes
    quotas.entries = Quota(world.court.clock, burst=entries, per_hour=1)
    quotas.blob_bytes = Quota(world.court.clock, burst=entries, per_hour=1)
    yield quotas
    quotas.entries, quotas.blob_bytes = before


def test_6_17_row_23_a_machine_that_sends_too_much_waits_and_others_do_not(world: World) -> None:
    """row 23: node spams valid entries."""
    other = add_node(world.court, 1002)
    with tight(world) as quotas:
        assert world.post(ports.BUNDLE, world.bundle(world.entries(5)))[0] == 200
        before = picture(world.court.centre.database)
        more = world.bundle(world.entries(1))
        assert world.post(ports.BUNDLE, more)[0] == 429
        refusal = world.refused(ports.BUNDLE, more)
        assert (refusal.code, refusal.retry) == ("exchange.quota", 2 * HOUR_MS // 1000)
        assert picture(world.court.centre.database) == before
        assert quotas.is_over(world.node.number)
        world.node = other
        assert world.post(ports.BUNDLE, world.bundle(world.entries(1)))[0] == 200
        world.court.clock.tick(2 * HOUR_MS)
        assert world.post(ports.BUNDLE, more)[0] == 200


def test_6_17_the_clock_of_the_wall_frees_nobody(world: World) -> None:
    with tight(world):
        world.post(ports.BUNDLE, world.bundle(world.entries(5)))
        world.court.clock._now += 1_000 * HOUR_MS
        assert world.refused(ports.BUNDLE, world.bundle(world.entries(1))).code == "exchange.quota"


def test_6_17_files_have_their_own_measure(world: World) -> None:
    data = bytes(1000)
    world.write(blobs=[BlobRef(world.node.blobs.put(data), len(data), "x")])
    world.write(blobs=[BlobRef(world.node.blobs.put(data + b"1"), len(data) + 1, "x")])
    with tight(world) as quotas:
        outcome = world.node.client.exchange()
        assert (outcome.blobs_up, outcome.problems) == (2, ["exchange.quota"])
        assert outcome.retry_seconds > 0
        assert quotas.is_over(world.node.number)
    world.node.client.exchange()
    assert not world.node.client._up.files.send()


def test_6_18_one_bundle_of_a_machine_at_a_time_in_the_order_of_coming(world: World) -> None:
    quotas, seen, threads = Quotas(world.court.clock), [], []

    def take(node: int) -> None:
        with quotas.turn(node):
            seen.append(node)

    with quotas.turn(1001):
        for place, node in enumerate((1003, 1002)):
            threads.append(threading.Thread(target=take, args=(node,)))
            threads[-1].start()
            while len(quotas._queue) < place + 2:
                pass
        with pytest.raises(Exception, match="exchange.busy") as caught, quotas.turn(1001):
            pass
        assert caught.value.params == {"seconds": BUSY_SECONDS}
        assert seen == []
    for thread in threads:
        thread.join(5)
    assert seen == [1003, 1002]


def test_6_18_a_failure_gives_the_turn_on(world: World) -> None:
    assert world.post(ports.BUNDLE, world.bundle(world.entries(2))[:-1])[0] == 400
    assert world.refused(ports.BUNDLE, world.bundle(world.entries(2, after=None), after=None)[:-1]).code == "container.payload"
    status, answer = world.post(ports.BUNDLE, world.bundle(world.entries()))
    assert status == 200
    assert unpack(cose.parse(answer), Acknowledgement, world.centre.certificate.sign_key, world.centre.environment).seq == 1


def test_6_19_who_waits_still_hears_the_news_and_sends_the_same_later(world: World) -> None:
    other = add_node(world.court, 1002)
    with tight(world):
        world.post(ports.BUNDLE, world.bundle(world.entries(5)))
        world.court.clock.tick(HOUR_MS)
        world.node = other
    with tight(world, entries=0) as quotas:
        quotas.entries.charge(other.number, 2)
        exchanger = Exchanger(other)
        world.write(2)
        outcome = exchanger.exchange()
        assert (outcome.entries_up, outcome.problems) == (0, ["exchange.quota"])
        assert outcome.retry_seconds == 2 * HOUR_MS // 1000
        waits = exchanger.wait_seconds()
        assert other.config.interval_seconds * 2 < waits <= BACKOFF_SECONDS_MAX * 1.25
    assert exchanger.exchange().entries_up == 2
    assert exchanger.wait_seconds() <= other.config.interval_seconds * 1.25
