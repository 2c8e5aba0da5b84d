"""What the tests on real processes share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes.citizen import Holder
from tests.processes.machines import Country
from tests.processes.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def holder() -> Holder:
    return Holder.create()


@pytest.fixture
def new_country(tmp_path: Path, nursery: Nursery) -> Iterator[Callable[..., Country]]:
    """Make a country whose processes all end with the test; ``cold`` for those whose exit status is wanted."""
    made: list[Country] = []

    def make(*, cold: bool = False) -> Country:
        made.append(Country(tmp_path, nursery, cold=cold))
        return made[-1]

    yield make
    for country in made:
        country.close()
