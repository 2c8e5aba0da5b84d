"""The shapes in which tests of the command lines speak."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    out: str
    error: str


Run = Callable[..., Said]
