"""One value has one encoding: the order we write is the order of RFC 8949, and nothing else is read back."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import canonical
from common.errors import Refused

TEXTS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers(canonical.INT_MIN, canonical.INT_MAX) | st.binary(max_size=30) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6), max_leaves=30)


@given(VALUES)
def test_what_we_write_is_what_cbor2_calls_canonical(value: object) -> None:
    data = canonical.encode(value)
    assert data == cbor2.dumps(value, canonical=True)
    assert canonical.decode(data) == value


def read_and_written_again(data: bytes) -> object:
    """The plain way to know whether bytes are canonical; None when they are not."""
    try:
        value = cbor2.loads(data)
        canonical.check(value)
        return [value] if cbor2.dumps(value, canonical=True) == data else None
    except Exception:  # noqa: BLE001 - whatever the library makes of garbage
        return None


def ours(data: bytes) -> object:
    try:
        return [canonical.decode(data)]
    except Refused:
        return None


@given(st.binary(max_size=12))
def test_short_garbage_is_judged_as_by_reading_and_writing(data: bytes) -> None:
    assert ours(data) == read_and_written_again(data)


@given(VALUES, st.data())
def test_a_changed_byte_is_judged_as_by_reading_and_writing(value: object, data: st.DataObject) -> None:
    encoded = bytearray(canonical.encode(value))
    place = data.draw(st.integers(0, len(encoded) - 1))
    change = data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
    if change == "flip":
        encoded[place] = data.draw(st.integers(0, 255))
    elif change == "cut":
        del encoded[place:]
    elif change == "insert":
        encoded.insert(place, data.draw(st.integers(0, 255)))
    else:
        encoded[place:place] = encoded[: data.draw(st.integers(0, 20))]
    assert ours(bytes(encoded)) == read_and_written_again(bytes(encoded))


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_read_as_its_own_encoding(data: bytes) -> None:
    try:
        value = canonical.decode(data)
    except Refused:  # ours, and no other error comes out
        return
    assert canonical.encode(value) == data


@given(st.dictionaries(TEXTS, st.integers(0, 9), min_size=2, max_size=5), st.randoms())
def test_another_order_of_keys_is_refused(value: dict[str, int], dice: object) -> None:
    keys = list(value)
    dice.shuffle(keys)  # type: ignore[attr-defined]
    data = cbor2.dumps({key: value[key] for key in keys})
    if data == canonical.encode(value):
        assert canonical.decode(data) == value
    else:
        with pytest.raises(Refused, match=r"canonical\.not_canonical"):
            canonical.decode(data)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "type"),
        ([1.5], "type"),
        ((1, 2), "type"),
        ({1: 2}, "key"),
        ({True: 2}, "key"),
        ({b"k": 2}, "key"),
        ({"k\0": 2}, "nul"),
        ("k\0", "nul"),
        ("\ud800", "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        (2**63, "int_range"),
        (-(2**63) - 1, "int_range"),
        (cbor2.undefined, "type"),
        (cbor2.CBORTag(1, 2), "type"),
    ],
)
def test_what_has_no_place_in_the_form_is_refused(value: object, code: str) -> None:
    with pytest.raises(Refused, match=rf"canonical\.{code}"):
        canonical.encode(value)
    with pytest.raises(Refused, match=rf"canonical\.{code}"):
        canonical.encode([{"a": value}])


@pytest.mark.parametrize("text", ["1b000000000000000a", "a2616101616102", "a1610101ff", "9f01ff", "fa3f800000", "c101", "6100", "62eda0"])
def test_other_forms_of_the_same_are_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"canonical\."):
        canonical.decode(bytes.fromhex(text))


@pytest.mark.parametrize(("empty", "full"), [([], [1]), ({}, {"a": 1})])
def test_nesting_has_a_limit(empty: object, full: object) -> None:
    for _ in range(canonical.DEPTH_MAX - 1):
        empty, full = [empty], [full]
    assert canonical.decode(canonical.encode([empty])) == [empty]
    assert canonical.decode(canonical.encode(full)) == full
    with pytest.raises(Refused, match=r"canonical\.too_deep"):
        canonical.encode([full])
    with pytest.raises(Refused, match=r"canonical\."):
        canonical.decode(cbor2.dumps([full]))
