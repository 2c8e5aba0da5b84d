"""Mutations without coverage: the same every time for one seed, for CI and for machines without atheris."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.doors import Target, enter

CORPUS = Path(__file__).parent / "corpus"


class TooSlow(AssertionError):
    """A door took longer for one input than its target allows."""


def corpus_of(name: str) -> list[bytes]:
    """Return the inputs kept for a target: what was found once, and small things that seeds do not have."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def try_one(target: Target, data: bytes) -> None:
    """Put ``data`` through; raises what comes out of the door, or TooSlow."""
    started = time.process_time()
    enter(target, data)
    taken = time.process_time() - started
    if taken > target.seconds_max:
        raise TooSlow(f"{taken:.1f} s for {len(data)} bytes")


def mutations(seeds: list[bytes], bytes_max: int, dice: random.Random) -> Iterator[bytes]:
    """Yield inputs without end, each some steps away from a seed."""
    while True:
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
            _step(data, seeds, dice)
        yield bytes(data[:bytes_max])


def _step(data: bytearray, seeds: list[bytes], dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    end = min(len(data), at + dice.choice((1, 1, 2, 4, 16, 200)))
    match dice.randrange(8):
        case 0 | 1 if data:
            data[at % len(data)] ^= 1 << dice.randrange(8)
        case 2 if data:
            data[at % len(data)] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, 0x30, 0x31, 0xA0, 0x04, 0x02))
        case 3:
            data[at:at] = dice.randbytes(dice.choice((1, 2, 4, 9)))
        case 4:
            del data[at:end]
        case 5:
            data[at:at] = data[at:end] * dice.choice((1, 2, 30))
        case 6:
            other = dice.choice(seeds)
            start = dice.randrange(len(other) + 1)
            data[at:end] = other[start : start + end - at]
        case _:
            del data[at:]


def run(name: str, target: Target, *, executions: int, seconds: float, seed: int) -> int:
    """Try corpus, seeds and mutations until either limit; return how many inputs were tried. Raises what was found."""
    known = [*corpus_of(name), *target.seeds]
    for data in known:
        try_one(target, data)
    deadline = time.monotonic() + seconds
    done = len(known)
    for data in mutations(known, target.bytes_max, random.Random(seed)):
        if done >= executions or time.monotonic() > deadline:
            return done
        _told(target, data)
        done += 1
    return done


def _told(target: Target, data: bytes) -> None:
    try:
        try_one(target, data)
    except BaseException as error:
        error.add_note(f"input: {data.hex()}")
        raise
