"""The wire: whatever comes, one of our answers goes back; the public log is what C2SP tlog-tiles says."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from central.services import enrolment
from central.web.wire import BODY_BYTES_MAX, ENROL_TRIES
from sync import cose, identity, log, merkle, ports
from sync import enrolment as codes
from sync.checkpoint import read_checkpoint
from sync.messages import Refusal, unpack
from tests.web.country import Country

PATHS = (ports.HELLO, ports.BUNDLE, ports.DOWN, ports.BLOB_HAVE, ports.BLOB_PUT, ports.BLOB_GET, codes.PATH, "/sync/else")


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return Country(tmp_path_factory.mktemp("country"))


@pytest.fixture
def client(country: Country) -> FlaskClient:
    return country.app.test_client()


def refusal(country: Country, data: bytes) -> str:
    """Return the code of a refusal; it must be the centre's own word."""
    who = country.centre.identity
    return unpack(cose.parse(data), Refusal, who.certificate.sign_key, who.environment).code


@pytest.mark.parametrize("path", PATHS)
@given(body=st.binary(max_size=300))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_garbage_gets_a_signed_refusal_and_nothing_else(country: Country, client: FlaskClient, path: str, body: bytes) -> None:
    answer = client.post(path, data=body)
    assert 400 <= answer.status_code < 500
    assert refusal(country, answer.data)
    assert answer.mimetype == "application/octet-stream"


SLICE = ports.slice_path(ports.Slice(ports.BUNDLE, f"1001{0:028x}", 5))


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (ports.BUNDLE, BODY_BYTES_MAX[ports.BUNDLE]),
        (ports.bundle_beside(7), BODY_BYTES_MAX[ports.BUNDLE]),
        (ports.BLOB_PUT, BODY_BYTES_MAX[ports.BLOB_PUT]),
        (ports.HELLO, cose.MESSAGE_BYTES_MAX),
        (SLICE, cose.MESSAGE_BYTES_MAX),
    ],
)
def test_what_is_too_large_is_not_read(country: Country, path: str, limit: int) -> None:
    """Row 2: a body without end."""
    environ = create_environ(path, method="POST")
    environ |= {"wsgi.input": Unreadable(), "CONTENT_LENGTH": str(limit + 1)}
    body, status, _headers = run_wsgi_app(country.app, environ, buffered=True)
    assert status.startswith("413")
    assert refusal(country, b"".join(body)) == "exchange.too_large"


class Unreadable:
    """A body that must not be touched."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", [ports.HELLO, codes.PATH])
def test_machines_only_post(country: Country, client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


def test_the_wire_has_no_cookies_and_hardly_a_header(client: FlaskClient) -> None:
    client.get("/?lang=ru")
    answer = client.post(f"{ports.HELLO}?lang=ru", data=b"x")
    assert {name for name, _value in answer.headers} == {"Content-Type", "Content-Length"}


def test_a_code_is_used_once_and_strangers_are_slowed_down(tmp_path: Path) -> None:
    country = Country(tmp_path)
    client = country.app.test_client()
    code = enrolment.make_code(country.centre, node=7, name="Seven", courts=["kz-7"])
    request = codes.write_request(code, identity.generate_keys())
    assert client.post(codes.PATH, data=request).status_code == 200
    again = client.post(codes.PATH, data=codes.write_request(code, identity.generate_keys()))
    assert (again.status_code, refusal(country, again.data)) == (403, "enrol.used")
    for _ in range(ENROL_TRIES - 2):
        client.post(codes.PATH, data=b"")
    assert client.post(codes.PATH, data=request).status_code == 429


def test_an_old_code_is_refused(tmp_path: Path) -> None:
    country = Country(tmp_path)
    code = enrolment.make_code(country.centre, node=7, name="Seven", courts=["kz-7"])
    country.clock.tick(enrolment.CODE_MS)
    answer = country.app.test_client().post(codes.PATH, data=codes.write_request(code, identity.generate_keys()))
    assert answer.status_code == 403


def test_an_idle_exchange_is_one_trip_of_less_than_a_kilobyte(tmp_path: Path) -> None:
    country = Country(tmp_path)
    node = country.node("kz-7")
    outcome = node.client.exchange()
    assert outcome.trips == 1
    assert outcome.bytes_up + outcome.bytes_down < 800  # the rest is for the lines of HTTP itself


def test_the_public_log_proves_itself(country: Country, client: FlaskClient) -> None:
    pin = country.centre.identity.pin
    note = client.get("/checkpoint")
    head = read_checkpoint(note.data, pin.origin, pin.log_key, origin=pin.origin)
    hashes: list[bytes] = []
    for index in range(-(-head.size // log.TILE_WIDTH)):
        place = log.TilePath(0, index, min(log.TILE_WIDTH, head.size - index * log.TILE_WIDTH))
        tile, entries = client.get(f"/{place}"), client.get(f"/{place}".replace("tile/0/", "tile/entries/"))
        leaves = [entries.data[at + 2 : at + 34] for at in range(0, len(entries.data), 34)]
        hashes += [merkle.leaf_hash(leaf) for leaf in leaves]
        assert tile.data == b"".join(hashes[index * log.TILE_WIDTH :])
        assert "immutable" in tile.headers["Cache-Control"]
    assert merkle.root_of_hashes(hashes) == head.root
    assert note.mimetype == "text/plain"


@pytest.mark.parametrize("path", ["/tile/0/000.p/999", "/tile/9/000", "/tile/x", "/tile/0/999", "/tile/entries/999", "/tile/../checkpoint"])
def test_what_the_log_does_not_have_is_not_found(country: Country, client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 405


def test_a_foreign_error_tells_a_stranger_nothing(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.centre.server.handle = None  # type: ignore[method-assign, assignment]
    answer = country.app.test_client().post(ports.HELLO, data=b"x")
    assert (answer.status_code, refusal(country, answer.data)) == (500, "internal")
