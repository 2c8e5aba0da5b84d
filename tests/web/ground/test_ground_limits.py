"""Limits of rate: how many, how long, and that nobody is named in memory."""

import pytest
from tiny_app import FixedClock

from common.errors import TooMany
from common.web import limits
from common.web.limits import RateLimit

WINDOW_MS = 60_000


def test_one_too_many_is_refused_until_the_window_has_passed() -> None:
    clock = FixedClock()
    limit = RateLimit(clock, 3, WINDOW_MS)
    for _ in range(3):
        limit.hit("a")
    with pytest.raises(TooMany) as caught:
        limit.hit("a")
    assert caught.value.params == {"minutes": 1}
    limit.hit("b")
    clock.ms += WINDOW_MS
    limit.hit("a")


def test_a_refused_try_does_not_lengthen_the_wait() -> None:
    clock = FixedClock()
    limit = RateLimit(clock, 1, WINDOW_MS)
    limit.hit("a")
    clock.ms += WINDOW_MS - 1
    with pytest.raises(TooMany):
        limit.hit("a")
    clock.ms += 1
    limit.hit("a")


def test_check_counts_nothing_and_forgive_forgets() -> None:
    limit = RateLimit(FixedClock(), 2, WINDOW_MS)
    limit.check("a")
    assert limit.left("a") == 2
    limit.hit("a")
    limit.hit("a")
    with pytest.raises(TooMany):
        limit.check("a")
    limit.forgive("a")
    limit.check("a")


def test_memory_is_bounded_and_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 5)
    limit = RateLimit(FixedClock(), 1, WINDOW_MS)
    for number in range(20):
        limit.hit(f"850312{number}")
    assert len(limit._hits) == 5
    assert not any(b"850312" in name for name in limit._hits)
