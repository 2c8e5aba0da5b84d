"""Garbage at every door of the PKI: only our own errors come out, whatever comes in."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pki_samples import NOVEMBER_MS, tiny_pdf

from common.errors import CourtError
from common.pki import cms, gost
from common.pki.authority import Authority
from common.pki.certificates import read_certificate
from common.pki.crl import Crl
from common.pki.crl_index import CrlIndex, build
from common.pki.keystore import Key, open_p12, write_p12
from common.pki.pades import embed, read_pdf_signatures, sign_pdf
from common.pki.trust import Trust

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SLOW = settings(QUICK, max_examples=25)

Cuts = list[tuple[float, bytes]]
cuts = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4)


def worn(data: bytes, changes: Cuts) -> bytes:
    """Return ``data`` with bytes overwritten at these places."""
    result = bytearray(data)
    for place, new in changes:
        at = int(place * len(result))
        result[at : at + len(new)] = new
    return bytes(result)


def swallows(door: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(CourtError):
        door(data)


@pytest.fixture(scope="module")
def doors(authorities: dict[str, Authority], keys: dict[str, Key]) -> dict[str, tuple[Callable[[bytes], object], bytes]]:
    authority, key = authorities["gost512"], keys["gost512"]
    trust = Trust.of(authority.anchors() + authority.authorities())
    authority.revoke(keys["gost256"].certificate, NOVEMBER_MS)
    signature = cms.sign_detached(b"x", key, at_ms=NOVEMBER_MS)
    return {
        "certificate": (read_certificate, key.certificate.der),
        "rsa certificate": (read_certificate, keys["rsa2048"].certificate.der),
        "p12": (lambda data: open_p12(data, "a"), write_p12(key, "a")),
        "rsa p12": (lambda data: open_p12(data, "a"), write_p12(keys["rsa2048"], "a")),
        "cms": (lambda data: cms.verify_detached(data, b"x"), signature),
        "attributes": (cms.signed_attributes_signer, signature),
        "armour": (cms.unarmoured, signature),
        "crl": (lambda data: trust.import_crl(data, NOVEMBER_MS), authority.crl(NOVEMBER_MS, NOVEMBER_MS + 1, 1)),
        "entry": (lambda data: build(Crl(data)), authority.crl(NOVEMBER_MS, NOVEMBER_MS + 1, 1)),
        "index": (CrlIndex, build(Crl(authority.crl(NOVEMBER_MS, NOVEMBER_MS + 1, 1)))),
        "trust": (trust.add, authority.anchors()[0]),
    }


@pytest.fixture(scope="module")
def pdf_doors(keys: dict[str, Key]) -> dict[str, tuple[Callable[[bytes], object], bytes]]:
    key = keys["p256"]
    signed = sign_pdf(tiny_pdf(), key, at_ms=NOVEMBER_MS, field="citizen")
    gap = signed.index(b"/Contents <") + 11
    return {
        "read": (read_pdf_signatures, signed[: gap + 3000] + signed[gap + 3000 :]),
        "sign": (lambda data: sign_pdf(data, key, at_ms=NOVEMBER_MS, field="clerk"), tiny_pdf()),
        "embed": (lambda data: embed(data, b"0"), signed),
    }


NAMES = ["certificate", "rsa certificate", "p12", "rsa p12", "cms", "attributes", "armour", "crl", "index", "entry", "trust"]


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(data=st.binary(max_size=300))
def test_noise(name: str, doors: dict[str, tuple[Callable[[bytes], object], bytes]], data: bytes) -> None:
    swallows(doors[name][0], data)


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(changes=cuts, end=st.floats(0.2, 1.5))
def test_worn_originals(name: str, doors: dict[str, tuple[Callable[[bytes], object], bytes]], changes: Cuts, end: float) -> None:
    door, data = doors[name]
    swallows(door, worn(data, changes)[: int(end * len(data))])


@pytest.mark.parametrize("name", ["read", "sign", "embed"])
@SLOW
@given(changes=cuts, end=st.floats(0.5, 4))
def test_worn_pdfs(name: str, pdf_doors: dict[str, tuple[Callable[[bytes], object], bytes]], changes: Cuts, end: float) -> None:
    door, data = pdf_doors[name]
    swallows(door, worn(data, changes)[: int(end * len(data))])


@QUICK
@given(public=st.binary(max_size=130), digest=st.binary(max_size=64), signature=st.binary(max_size=130))
def test_verification_of_noise_is_false(public: bytes, digest: bytes, signature: bytes) -> None:
    for curve in (gost.CURVE_512, gost.CURVE_256):
        assert not gost.verify(public, digest, signature, curve)
