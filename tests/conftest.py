"""What all tests share: no test fails for being slow on a busy machine."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.court import Where

settings.register_profile("court", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("court")

BOTH = {
    "tests/protocol/test_musts_6_exchange.py",
    "tests/sim/test_lineages.py",
}
"""What is run on SQLite and on PostgreSQL; CENTRE=postgresql in the environment runs everything else there too."""


def pytest_configure() -> None:
    if os.environ.get("CENTRE") == "postgresql":
        from tests.postgres import Server

        Where.server = Server.shared()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("parametrize"):
        return  # many of one kind: once is enough for a database
    if metafunc.definition.nodeid.partition("::")[0] in BOTH and Where.server is None:
        metafunc.fixturenames.insert(0, "centre_on")
        metafunc.parametrize("centre_on", ("sqlite", "postgresql"), indirect=True)


@pytest.fixture
def centre_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make the test's registers in SQLite's files, or as databases of a real PostgreSQL server."""
    if request.param == "sqlite":
        yield
        return
    from tests.postgres import Server

    with Where.on(Server.shared()):
        yield
