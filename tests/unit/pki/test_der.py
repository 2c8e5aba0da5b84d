"""The reader takes BER in pieces and gives its bytes back; the writer writes DER; neither runs away."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pki import der


@given(st.integers(-(2**600), 2**600))
def test_numbers_come_back(value: int) -> None:
    assert der.read(der.integer(value)).integer() == value


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=8), st.integers(0, 39))
def test_identifiers_come_back(arcs: list[int], second: int) -> None:
    dotted = ".".join(map(str, [1, second, *arcs]))
    assert der.read(der.oid(dotted)).oid() == dotted


@given(st.integers(0, 4_000_000_000))
def test_times_come_back(seconds: int) -> None:
    assert der.read(der.time(seconds * 1000)).time_ms() == seconds * 1000


def test_indefinite_lengths_and_strings_in_pieces_are_read() -> None:
    data = bytes.fromhex("3080 2480 0402 6162 0401 63 0000 020105 0000")
    node = der.read(data)
    assert node[0].octets() == b"abc"
    assert node[1].integer() == 5
    assert node.raw == data


@pytest.mark.parametrize(
    "data",
    ["", "30", "3001", "0480", "1f0100", "020500", "3084ffffffff", "3080", "308002", "0201", "30" * 3, "0500 00"],
    ids=str,
)
def test_garbage_is_refused(data: str) -> None:
    with pytest.raises(der.DerError):
        der.read(bytes.fromhex(data))


def test_nesting_and_numbers_of_elements_have_a_limit() -> None:
    deep = b"\x30\x80" * 5000
    with pytest.raises(der.DerError):
        der.read(deep)
    with pytest.raises(der.DerError):
        der.read(der.sequence(*[der.null()] * (der.NODES_MAX + 1)))


@given(st.binary(max_size=200))
def test_only_our_error_comes_out(data: bytes) -> None:
    try:
        node = der.read(data)
    except der.DerError:
        return
    for take in (node.integer, node.oid, node.octets, node.text, node.time_ms, node.bits, node.algorithm):
        with contextlib.suppress(ValueError):
            take()
