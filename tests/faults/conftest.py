"""What the tests of stores share: one S3 server a session."""

from collections.abc import Iterator

import pytest

from tests.s3 import S3


@pytest.fixture(scope="session")
def server() -> Iterator[S3]:
    with S3() as server:
        yield server


@pytest.fixture
def s3(server: S3) -> Iterator[S3]:
    server.fault, server.down = "", False
    server.clear()
    yield server
    server.fault, server.down = "", False
