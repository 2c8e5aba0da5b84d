"""Where a journal stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """The last sequence number of an epoch and the chain head there."""

    epoch: int
    seq: int
    head: bytes
