"""PROTOCOL 1: each rule of entries, broken alone."""

import hashlib
from typing import Any

import apsw
import cbor2
import libipld
import pytest
from protocol_world import World, code_of, make_entry

from common import canonical
from common.db import fetch
from sync import log, ports
from sync.entry import chain_next, chain_start, decode_envelope, encode_envelope, read_entry

GOOD = make_entry(7, 1, 1, body={"a": 1})


def deep(levels: int) -> bytes:
    return b"\x81" * levels + b"\x00"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xa2\x61b\x01\x61a\x02", "canonical.not_canonical"),  # keys out of order
        (b"\xa2\x61a\x01\x61a\x02", "canonical.not_canonical"),  # a key twice
        (b"\x18\x01", "canonical.not_canonical"),  # a longer form
        (b"\x01\x01", "canonical.not_canonical"),  # trailing byte
        (b"\x9f\x01\xff", "canonical.not_canonical"),  # indefinite length
        (cbor2.dumps(1.5), "canonical.type"),
        (b"\xc0\x61a", "canonical.broken"),  # a tag: a date
        (b"\xd8\x64\x01", "canonical.type"),
        (cbor2.dumps(2**63), "canonical.int_range"),
        (cbor2.dumps(2**70), "canonical.int_range"),
        (cbor2.dumps("a\0b"), "canonical.nul"),
        (cbor2.dumps({"a\0": 1}), "canonical.nul"),
        (b"\x63\xed\xa0\x80", "canonical.broken"),  # a lone surrogate
        (cbor2.dumps({1: 1}), "canonical.broken"),
        (b"\xd8\x1c\x98\x20" + b"\xd8\x1d\x00" * 32, "canonical.broken"),  # a list whose every part is the list
        (b"\xd9\x01\x00\x82\x65aaaaa\xd8\x19\x00", "canonical.broken"),  # a text that stands for another
        (deep(17), "canonical.too_deep"),
        (deep(5000), "canonical.broken"),
        (b"", "canonical.broken"),
    ],
)
def test_1_1_other_encodings_are_refused(data: bytes, code: str) -> None:
    """Row 69: other bytes for the same thing."""
    assert code_of(lambda: canonical.decode(data)) == code


def test_1_1_text_that_has_no_form_is_not_written() -> None:
    """Row 63: NUL and lone surrogates."""
    assert code_of(lambda: canonical.encode("\ud800")) == "canonical.surrogate"
    assert code_of(lambda: canonical.encode({"a": "\0"})) == "canonical.nul"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xa2\x61b\x01\x61a\x02", "canonical.not_canonical"),
        (b"\xa1\x61a\xf9\x3c\x00", "canonical.type"),
        (b"\xa1\x61a\x61\x00", "canonical.nul"),
        (b"\x80", "canonical.not_a_map"),
        (b"", "canonical.broken"),
    ],
)
def test_1_1_a_body_in_another_form_is_refused_by_the_fold_and_delays_nobody(world: World, body: bytes, code: str) -> None:
    made = world.entries(2, type="epoch.open/1")
    bad = read_entry([made[0].envelope_bytes, bytes(16), body])
    assert world.post(ports.BUNDLE, world.bundle([bad, made[1]]))[0] == 200
    centre = world.court.centre
    assert fetch(centre.database, "SELECT code FROM quarantine WHERE leaf = ?", (bad.leaf,)) == [(code,)]
    assert world.at().seq == made[1].envelope.seq
    assert centre.register.folded() == log.size(centre.database)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("v", 2, "entry.version"),
        ("v", None, "entry.version"),
        ("node", 10_000, "entry.envelope"),
        ("node", -1, "entry.envelope"),
        ("epoch", 0, "entry.envelope"),
        ("epoch", 2**32, "entry.envelope"),
        ("seq", 0, "entry.envelope"),
        ("seq", True, "entry.envelope"),
        ("type", "Filing/1", "entry.envelope"),
        ("type", "a.b/1\n", "entry.envelope"),
        ("type", "a.b/0", "entry.envelope"),
        ("obj", bytes(15), "entry.envelope"),
        ("base", bytes(31), "entry.envelope"),
        ("boot", bytes(17), "entry.envelope"),
        ("beacon", -1, "entry.envelope"),
        ("root", b"", "entry.envelope"),
        ("actor", "text", "entry.envelope"),
        ("blobs", [[bytes(31), 1, "a/b"]], "entry.envelope"),
        ("blobs", [[bytes(32), -1, "a/b"]], "entry.envelope"),
        ("blobs", [[bytes(32), 1, "a/b", 1]], "entry.envelope"),
        ("blobs", [[bytes(32), 2**63 - 1, "a/b", 1]], "entry.envelope"),
        ("extra", 1, "entry.envelope"),
    ],
)
def test_1_2_an_envelope_of_another_form_is_refused(key: str, value: Any, code: str) -> None:
    changed = canonical.decode_map(GOOD.envelope_bytes) | {key: value}
    assert code_of(lambda: decode_envelope(canonical.encode(changed))) == code


@pytest.mark.parametrize(
    ("key", "value"),
    [("seq", 2**63), ("time", 2**63), ("time", -(2**63) - 1), ("mono", 2**64 - 1), ("beacon", 2**63), ("time", 1.5), ("node", 7.0)]
    + [("blobs", [[bytes(32), 2**63, "a/b"]]), ("blobs", [[bytes(32), 1, "a\0b"]]), ("type", "a.b/1\0"), ("blobs", [[[]]])],
)
def test_1_2_what_the_canonical_form_does_not_have_is_no_envelope(key: str, value: Any) -> None:
    """The values of an envelope are judged by its fields alone; its bytes here are those of an encoder that takes anything."""
    changed = canonical.decode_map(GOOD.envelope_bytes) | {key: value}
    assert code_of(lambda: decode_envelope(libipld.encode_dag_cbor(changed))) in ("entry.envelope", "canonical.int_range")


def test_1_2_an_envelope_without_a_key_is_refused() -> None:
    fields = canonical.decode_map(GOOD.envelope_bytes)
    for name in fields:
        left = {key: value for key, value in fields.items() if key != name}
        assert code_of(lambda left=left: decode_envelope(canonical.encode(left))) in ("entry.envelope", "entry.version")


def test_1_3_the_leaf_is_the_hash_of_the_bytes_received() -> None:
    envelope, salt, body = GOOD.wire()
    content = hashlib.sha256(salt + body).digest()
    assert read_entry([envelope, salt, body]).leaf == hashlib.sha256(b"sot/leaf/1\0" + envelope + content).digest()
    assert read_entry([envelope, bytes(16), body]).leaf != GOOD.leaf
    start = chain_start(b"e" * 16, 7, 1)
    assert start == hashlib.sha256(b"sot/epoch/1\0" + b"e" * 16 + bytes([0, 0, 0, 7, 0, 0, 0, 1])).digest()
    assert chain_next(start, GOOD.leaf) == hashlib.sha256(b"sot/chain/1\0" + start + GOOD.leaf).digest()


def test_1_3_a_stored_entry_keeps_its_bytes(world: World) -> None:
    [entry] = world.write()
    world.node.client.exchange()
    statement = "SELECT envelope, salt, body FROM entry WHERE leaf = ?"
    assert fetch(world.court.centre.database, statement, (entry.leaf,)) == [tuple(entry.wire())]


@pytest.mark.parametrize(
    "item",
    [
        None,
        {},
        [],
        [GOOD.envelope_bytes],
        [GOOD.envelope_bytes, bytes(31)],
        [GOOD.envelope_bytes, bytes(15), b"\xa0"],
        [GOOD.envelope_bytes, bytes(16), b"\xa0", b""],
        [GOOD.envelope_bytes, bytes(16), "text"],
        [GOOD.envelope_bytes, bytes(16), None],
    ],
)
def test_1_4_another_wire_form_is_refused(item: Any) -> None:
    assert code_of(lambda: read_entry(item)) == "entry.form"


def test_1_4_an_erased_entry_keeps_its_leaf() -> None:
    """Row 73: what was erased still proves its place."""
    erased = read_entry([GOOD.envelope_bytes, GOOD.content_hash])
    assert (erased.leaf, erased.body, erased.salt) == (GOOD.leaf, None, None)
    assert erased.wire() == [GOOD.envelope_bytes, GOOD.content_hash]


def test_1_5_a_larger_entry_is_neither_written_nor_read() -> None:
    most = 65_536 - len(make_entry(7, 1, 1, body={}).envelope_bytes)
    body = b"\xa1\x61a\x59" + (most - 6).to_bytes(2, "big") + bytes(most - 6)
    assert len(read_entry([GOOD.envelope_bytes, bytes(16), body]).body or b"") == most
    more = b"\xa1\x61a\x59" + (most - 5).to_bytes(2, "big") + bytes(most - 5)
    assert code_of(lambda: read_entry([GOOD.envelope_bytes, bytes(16), more])) == "entry.too_large"
    assert code_of(lambda: make_entry(7, 1, 1, body={"a": bytes(65_536)})) == "entry.too_large"


def test_1_5_an_erased_entry_is_no_way_around() -> None:
    long = canonical.encode(canonical.decode_map(GOOD.envelope_bytes) | {"blobs": [[bytes(32), 1, "a" * 65_536]]})
    assert code_of(lambda: read_entry([long, bytes(32)])) == "entry.too_large"


def test_1_6_more_blobs_are_refused() -> None:
    fields = canonical.decode_map(GOOD.envelope_bytes)
    assert len(decode_envelope(canonical.encode(fields | {"blobs": [[bytes(32), 1, "a/b"]] * 64})).blobs) == 64
    assert code_of(lambda: decode_envelope(canonical.encode(fields | {"blobs": [[bytes(32), 1, "a/b"]] * 65}))) == "entry.envelope"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry",
        "UPDATE entry SET leaf = x'00'",
        "UPDATE entry SET envelope = x'00'",
        "UPDATE entry SET seq = seq + 1",
        "UPDATE entry SET body = x'a0'",
        "UPDATE entry SET salt = x'a0'",
        "UPDATE entry SET log_index = log_index + 1000 WHERE log_index IS NOT NULL",
        "UPDATE entry SET log_index = NULL WHERE log_index IS NOT NULL",
    ],
)
def test_1_7_a_stored_entry_is_not_changed(still: World, statement: str) -> None:
    """Row 24: the table refuses."""
    with pytest.raises(apsw.ConstraintError):
        fetch(still.court.centre.database, statement)


def test_1_7_body_and_salt_may_be_erased(world: World) -> None:
    [entry] = world.write()
    fetch(world.node.database, "UPDATE entry SET body = NULL, salt = NULL WHERE leaf = ?", (entry.leaf,))
    world.node.client.exchange()
    assert world.at().seq == entry.envelope.seq


def test_1_2_what_is_written_is_what_is_read() -> None:
    assert decode_envelope(encode_envelope(GOOD.envelope)) == GOOD.envelope
