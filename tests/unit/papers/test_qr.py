"""Base45 by the vectors of RFC 9285, our prefix, and a picture that is exactly the code."""

import re
from contextlib import suppress

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Refused
from common.papers.qr import (
    QR_TEXT_CHARS_MAX,
    QUIET_ZONE_MODULES,
    decode_base45,
    decode_qr,
    encode_base45,
    encode_qr,
    qr_picture,
    qr_svg,
)


@pytest.mark.parametrize(
    ("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
)
def test_base45_vectors_of_the_rfc(data: bytes, text: str) -> None:
    assert encode_base45(data) == text
    assert decode_base45(text) == data


@pytest.mark.parametrize("text", ["A", "GGW", ":::", "ab", "::", "AB\n", "ЖЖЖ"])
def test_base45_refuses_what_no_encoder_writes(text: str) -> None:
    with pytest.raises(ValueError, match="base45"):
        decode_base45(text)


@given(st.binary(max_size=600))
def test_a_receipt_survives_the_code(data: bytes) -> None:
    assert decode_qr(encode_qr(data)) == data
    assert decode_qr(f"\n{encode_qr(data)} \r\n") == data  # what scanners and forms add


@given(st.text(max_size=60))
def test_garbage_gives_only_our_own_errors(text: str) -> None:
    for scanned in (text, f"SOT1:{text}"):
        with suppress(Refused):
            decode_qr(scanned)


def test_a_foreign_code_and_a_cut_one_differ() -> None:
    with pytest.raises(Refused) as foreign:
        decode_qr("https://example.kz")
    with pytest.raises(Refused) as cut:
        decode_qr(encode_qr(b"four")[:-2])
    assert (foreign.value.code, cut.value.code) == ("qr.not_ours", "qr.broken")


def _filled(path: str, side: int) -> list[list[bool]]:
    """Fill an h/v path by the even-odd rule: a cell is dark when an odd number of vertical edges stand left of it."""
    crossings = [[0] * (side + 1) for _ in range(side)]
    for loop in path.split("M")[1:]:
        x, y = start = tuple(map(int, re.match(r"(\d+) (\d+)", loop).groups()))
        steps = re.findall(r"([hv])(-?\d+)", loop)
        for letter, length in steps:
            x, y = _walk(crossings, x, y, letter, int(length))
        if x == start[0]:
            _walk(crossings, x, y, "v", start[1] - y)
        else:
            assert y == start[1]
    return [[sum(row[: x + 1]) % 2 == 1 for x in range(side)] for row in crossings]


def _walk(crossings: list[list[int]], x: int, y: int, letter: str, length: int) -> tuple[int, int]:
    if letter == "h":
        return x + length, y
    for row in range(min(y, y + length), max(y, y + length)):
        crossings[row][x] += 1
    return x, y + length


@pytest.mark.parametrize("text", ["SOT1:", encode_qr(bytes(range(256)))])
def test_the_picture_is_the_code_module_by_module(text: str) -> None:
    modules = [[bool(module) for module in row] for row in segno.make_qr(text, error="m", boost_error=False).matrix]
    path = re.search(r'd="(M[^"]*)"/></svg>$', qr_picture(text))
    assert path
    assert _filled(path[1], len(modules)) == modules


def test_inline_code_obeys_the_content_policy() -> None:
    svg = qr_svg("SOT1:ABC", css_class="qr", label='Талон "1"')
    assert "style" not in svg
    assert "script" not in svg
    assert 'class="qr" role="img" aria-label="Талон &quot;1&quot;"' in svg
    side = 21 + 2 * QUIET_ZONE_MODULES
    assert f'viewBox="0 0 {side} {side}"' in svg
    assert 'aria-hidden="true"' in qr_svg("SOT1:ABC", css_class="qr")


def test_too_long_a_text_is_refused() -> None:
    assert qr_picture("A" * QR_TEXT_CHARS_MAX)
    with pytest.raises(Refused) as refused:
        qr_picture("A" * (QR_TEXT_CHARS_MAX + 1))
    assert refused.value.code == "qr.too_long"
