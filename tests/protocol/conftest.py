"""Worlds for the rules of the protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from protocol_world import World, make_world, picture


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world of one's own."""
    return make_world(tmp_path)


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def still(shared_world: World) -> Iterator[World]:
    """A world that a test must leave as it was: neither centre nor machine may have changed."""
    before = picture(shared_world.court.centre.database), picture(shared_world.node.database)
    yield shared_world
    assert (picture(shared_world.court.centre.database), picture(shared_world.node.database)) == before
