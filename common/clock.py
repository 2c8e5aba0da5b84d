"""Time comes through one door: UTC milliseconds, and a monotonic count that no wall clock can move."""

import secrets
import time
from pathlib import Path
from typing import Protocol

KAZAKHSTAN_OFFSET_MS = 5 * 3_600_000
"""The whole country is UTC+5 since 1 March 2024."""


class Clock(Protocol):
    """What the rest of the code knows of time."""

    def now(self) -> int:
        """Return the wall clock in milliseconds since 1970-01-01 UTC."""

    def monotonic(self) -> int:
        """Return milliseconds since an arbitrary start; never goes back within one boot."""

    def boot_id(self) -> bytes:
        """Return 16 bytes that change with every boot of the machine."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def boot_id(self) -> bytes:
        return self._boot_id


def _read_boot_id() -> bytes:
    try:
        return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", ""))
    except (OSError, ValueError):  # not Linux: an id for this process is the safe fall-back
        return secrets.token_bytes(16)
