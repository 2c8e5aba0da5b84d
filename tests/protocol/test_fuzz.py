"""Garbage and mutated truth for everything that reads bytes: only a CourtError may come out, and nothing may change."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol_world import OPEN, World, append, picture

from central.config import CentralConfig
from common import canonical
from common.config import load
from common.errors import CourtError
from common.facts import decode_body
from edge.config import EdgeConfig
from sync import container, cose, identity, ports
from sync.bundle import read_bundle_header
from sync.container import open_payload, read_header, split_container
from sync.entry import read_entry
from sync.highwater import HighWater, Mark
from sync.messages import CONTENT_TYPES, Down, Hello, Own, pack
from tests.fuzz.doors_sync import READERS, readers

SETTINGS = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SEAL = settings(SETTINGS, max_examples=40)

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | st.text("abz\u0451\u04d9", max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcv", max_size=3), inner, max_size=4))


@st.composite
def mutations(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` with a few bytes changed, cut, doubled or put in."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "insert", "double", "zero"])):
            case "flip":
                data = data[:place] + bytes([data[place] ^ (1 << draw(st.integers(0, 7)))]) + data[place + 1 :] if data else b"\0"
            case "cut":
                data = data[:place]
            case "insert":
                data = data[:place] + draw(st.binary(min_size=1, max_size=9)) + data[place:]
            case "double":
                data = data + data[place:]
            case "zero":
                data = data[:place] + bytes(8) + data[place + 8 :]
    return data


def only_ours(action: Callable[[], object]) -> None:
    with contextlib.suppress(CourtError):
        action()


@pytest.mark.parametrize("name", READERS)
def test_a_decoder_lets_nothing_but_ours_out(still: World, name: str) -> None:
    good, read = readers(still)[name]

    @SETTINGS
    @given(st.binary(max_size=200) | mutations(good) | values.map(canonical.encode))
    def check(data: bytes) -> None:
        only_ours(lambda: read(data))

    check()


def test_an_entry_of_any_shape(still: World) -> None:
    @SETTINGS
    @given(values)
    def check(value: Any) -> None:
        only_ours(lambda: read_entry(value))

    check()


def test_a_signed_header_that_says_anything(still: World) -> None:
    """Signed by a true machine, so that only the reading of what it says stands between it and us."""
    fields = ("v", "kind", "to", "codec", "sealed", "packed_size", "plain", "plain_size", "about")
    _, signed, sealed = split_container(still.bundle(still.entries()))
    true = canonical.decode_map(cose.parse(signed).payload)

    @SETTINGS
    @given(st.dictionaries(st.sampled_from(fields), scalars | values, min_size=1, max_size=3))
    def check(changes: dict[str, Any]) -> None:
        header = still.me.sign_message(canonical.encode(true | changes), container.CONTENT_TYPE)
        data = container.MAGIC + len(header).to_bytes(4, "big") + header + sealed
        only_ours(lambda: open_payload(*read_header(data, still.me.certificate.sign_key, still.me.environment), still.centre))
        if changes.get("kind", "up") != "up" or set(changes) - {"kind"}:
            for path in (ports.BUNDLE, ports.BLOB_PUT):
                assert 400 <= still.post(path, data)[0] < 500 or true | changes == true

    check()


def test_a_bundle_whose_header_says_anything(still: World) -> None:
    entries = still.entries(2)
    names = ("epoch", "first", "last", "prior", "head", "leaves")
    about = read_bundle_header(still.bundle(entries), still.court.centre.database, still.me.pin).header.about
    plain = canonical.encode([entry.wire() for entry in entries])

    @SEAL
    @given(st.dictionaries(st.sampled_from(names), values, min_size=1, max_size=2), values | st.none())
    def check(changes: dict[str, Any], payload: Any) -> None:
        body = plain if payload is None else canonical.encode(payload)
        data = container.write_container("up", about | changes, body, still.me, still.centre.certificate)
        still.refused(ports.BUNDLE, data)

    check()


PATHS = [ports.HELLO, ports.BUNDLE, ports.DOWN, ports.BLOB_HAVE, ports.BLOB_PUT, ports.BLOB_GET]


@pytest.mark.parametrize("path", PATHS)
def test_the_centre_answers_garbage_with_a_signed_refusal(still: World, path: str) -> None:
    good = still.bundle(still.entries()) if path in (ports.BUNDLE, ports.BLOB_PUT) else pack(Hello(**HELLO), still.me)

    @SETTINGS
    @given(st.binary(max_size=100) | mutations(good))
    def check(data: bytes) -> None:
        if data != good:
            still.refused(path, data)

    check()


HELLO: dict[str, Any] = {"node": 1001, "epoch": 1, "seq": 0, "head": bytes(32), "nonce": bytes(16), "now": 1}


@pytest.mark.parametrize("kind", list(CONTENT_TYPES), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("path", [ports.HELLO, ports.DOWN, ports.BLOB_HAVE, ports.BLOB_GET])
def test_a_signed_message_may_say_anything(still: World, kind: type, path: str) -> None:
    """The door stays signed and below 500 whatever a true machine says; journal, log and files do not move."""
    fields = dict.fromkeys(kind.__struct_fields__, values)

    @settings(SETTINGS, max_examples=10)
    @given(st.fixed_dictionaries({}, optional=fields), st.sampled_from([{}, HELLO, {"nonce": bytes(16), "sha256": bytes(32), "size": 1}]))
    def check(said: dict[str, Any], base: dict[str, Any]) -> None:
        known = {name: value for name, value in base.items() if name in fields}
        body = still.me.sign_message(canonical.encode(known | said), CONTENT_TYPES[kind])
        assert still.post(path, body)[0] < 500

    check()


class Answers:
    def __init__(self) -> None:
        self.answer = b""
        self.status = 200

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        return self.status, self.answer


def test_a_machine_survives_any_answer(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    monkeypatch.setattr(still.node.client._link, "_transport", answers)
    kept = still.node.client._link.state()

    @SETTINGS
    @given(st.binary(max_size=100) | mutations(still.centre.certificate.data), st.sampled_from([200, 200, 204, 302, 403, 409, 500]))
    def check(data: bytes, status: int) -> None:
        answers.answer, answers.status = data, status
        with pytest.raises(CourtError):
            still.node.client.exchange()

    check()
    told = ("tried_ms", "contact_ms", "down_since_ms", "state")
    after = still.node.client._link.state()
    assert {name: value for name, value in after.items() if name not in told} == {k: v for k, v in kept.items() if k not in told}


@pytest.mark.parametrize("kind", [Down, Own], ids=lambda kind: kind.__name__)
def test_a_payload_of_the_centre_may_say_anything(still: World, kind: type) -> None:
    down = still.node.client._down
    size, note = still.court.centre.register.checkpoint()
    true: dict[str, Any] = {"note": note, "consistency": [], "receipts": [], "complete": [], "everyone": [], "feed": [], "more": False}
    true |= {"everyone_at": 0, "feed_at": 0, "complete_at": 0, "caught_up": False, "entries": []}
    item = st.fixed_dictionaries({"index": values, "entry": values})
    logged = st.fixed_dictionaries(
        dict.fromkeys(("epoch", "first", "last", "index"), scalars) | {"proof": st.lists(st.binary(max_size=33))}
    )
    field = st.one_of(
        values, st.lists(item, max_size=2), st.lists(logged, min_size=1, max_size=2), st.lists(st.binary(max_size=9), min_size=1)
    )
    names = st.sampled_from([name for name in kind.__struct_fields__ if not name.endswith("_at") and name not in ("more", "caught_up")])

    @SETTINGS
    @given(st.dictionaries(names, field, min_size=1, max_size=2))
    def check(changes: dict[str, Any]) -> None:
        before = picture(still.node.database, without=()) if kind is Down else {}

        def take() -> None:
            message = decode_body(canonical.encode(true | changes), kind)
            if kind is Down:
                down._take(message)
            else:
                for each in message.entries:
                    read_entry(each.entry)

        try:
            take()
        except CourtError:
            assert not before or picture(still.node.database, without=()) == before

    check()
    assert size == still.court.centre.register.checkpoint()[0]


@SETTINGS
@given(
    st.text(max_size=60)
    | st.sampled_from(['listen = "', "a = [" * 400, "threads = 0", "threads = 99999999999999999999", "tls_proxy = 1979-05-27"])
)
def test_settings_of_any_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "settings.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for kind in (EdgeConfig, CentralConfig):
        only_ours(lambda kind=kind: load(kind, path, {}, prefix="SOT_"))


def test_settings_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("a = " + "[" * 5000)
    with pytest.raises(CourtError):
        load(EdgeConfig, tmp_path / "settings.toml", {}, prefix="SOT_")


@SETTINGS
@given(st.sampled_from(["listen", "threads", "centre", "interval_seconds", "tls_proxy", "nothing"]), st.text(max_size=20))
def test_settings_of_any_environment(name: str, value: str) -> None:
    only_ours(lambda: load(EdgeConfig, None, {f"SOT_EDGE_{name.upper()}": value}, prefix="SOT_EDGE_"))


@SETTINGS
@given(st.binary(max_size=300))
def test_a_mark_of_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "mark"
    path.write_bytes(data)
    water = HighWater(path)
    water.read()
    water.write(Mark(1, 1, 1, bytes(32)))
    assert water.read() == Mark(1, 1, 1, bytes(32))
    water.close()


@SETTINGS
@given(st.sampled_from(["node.keys", "register.pin"]), st.binary(max_size=100))
def test_an_identity_of_any_bytes(shared_world: World, tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    folder = Path(tmp_path_factory.getbasetemp()) / "identity"
    folder.mkdir(exist_ok=True)
    for file in ("node.keys", "register.pin"):
        (folder / file).write_bytes(data if file == name else (shared_world.node.data / file).read_bytes())
    only_ours(lambda: identity.load_identity(folder))


def test_a_machine_still_works_after_all_that(world: World) -> None:
    append(world.node, OPEN)
    assert world.node.client.exchange().entries_up == 1
