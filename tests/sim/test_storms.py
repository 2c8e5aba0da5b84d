"""Storms in CI: two hundred seeds. For long runs that accumulate: `make storm SEEDS=1000:2000` (`tests.sim.storms`)."""

from pathlib import Path

import pytest

from tests.court import Where
from tests.postgres import Server
from tests.sim import storms

STORMS = 200
ON_A_SERVER = 3
CHUNKS = 20
"""Tests over which the seeds are spread, so that several workers share them."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_storm(chunk: int, tmp_path: Path) -> None:
    """Rows 16–18, 27–30, 35, 38, 51, 52, 55, 56, 58 and 61: everything at once, from a seed."""
    for seed in range(STORMS)[chunk::CHUNKS]:
        storms.live(tmp_path, seed)


@pytest.mark.parametrize("seed", range(ON_A_SERVER))
def test_storm_over_a_register_in_postgresql(seed: int, tmp_path: Path) -> None:
    """Rows 27–30, 43, 51 and 58: the same with the register on a server."""
    with Where.on(Server.shared()):
        storms.live(tmp_path, seed)
