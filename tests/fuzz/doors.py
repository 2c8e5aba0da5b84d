"""What a fuzz target is: a door that takes bytes from outside, seeds it accepts, and how much time it may take.

The contract of every door: whatever the bytes, it returns or raises an error of ours (``CourtError``), within ``seconds_max``
and within the memory that the runner leaves it.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from common.errors import CourtError

Door = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Target:
    """One door with bytes that it takes."""

    door: Door
    seeds: tuple[bytes, ...]
    seconds_max: float = 5.0
    """For one input, on a busy machine."""
    bytes_max: int = 64 * 1024
    """The longest input that is tried."""


def enter(target: Target, data: bytes) -> None:
    """Put ``data`` through the door; what comes out of here is a finding."""
    with contextlib.suppress(CourtError):
        target.door(data)


def all_of(door: Door, *more: Door) -> Door:
    """Return a door made of several behind one another, each entered whatever the one before says."""

    def through(data: bytes) -> None:
        for one in (door, *more):
            with contextlib.suppress(CourtError):
                one(data)

    return through
