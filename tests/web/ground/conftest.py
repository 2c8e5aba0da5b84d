"""One tiny application per test, with a clock that moves only when told."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from tiny_app import FixedClock, tiny_app


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def app(tmp_path: Path, clock: FixedClock) -> Flask:
    return tiny_app(tmp_path, clock=clock)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
