"""The difference between two lists: small, exact, and worth nothing when anything about it is wrong."""

import random

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pki_samples import NOVEMBER_MS

from common import canonical
from common.errors import CourtError, Refused
from common.pki import crl_patch
from common.pki.authority import DAY_MS, Authority
from common.pki.crl import Crl

Entries = dict[int, tuple[int, int]]


@pytest.fixture(scope="module")
def made(authorities: dict[str, Authority]) -> Authority:
    return authorities["p256"]


def listed(made: Authority, entries: Entries, day: int = 0) -> Crl:
    return Crl(made.crl_of(entries, NOVEMBER_MS + day * DAY_MS, NOVEMBER_MS + (day + 1) * DAY_MS, b""))


def country(count: int, dice: random.Random) -> Entries:
    return {dice.getrandbits(155) + 1: (NOVEMBER_MS - dice.randrange(10**9) * 1000, 6) for _ in range(count)}


def test_a_day_of_changes_is_small(made: Authority) -> None:
    dice = random.Random(7)
    before = country(8_000, dice)
    after = dict(before)
    for serial in dice.sample(list(after), 40):
        del after[serial]
    after |= country(100, dice)
    old, new = listed(made, before), listed(made, after, 1)
    patch = patch_of(old, new)
    assert len(patch) < 8_000 < len(new.der) // 40
    assert crl_patch.apply(old.der, patch) == new.der


@settings(max_examples=60, deadline=None)
@given(before=st.lists(st.integers(1, 40), unique=True), after=st.lists(st.integers(1, 40), unique=True))
def test_any_list_is_made_of_any_other(before: list[int], after: list[int]) -> None:
    made = _authority()
    old = listed(made, dict.fromkeys(before, (NOVEMBER_MS, 1)))
    new = listed(made, dict.fromkeys(after, (NOVEMBER_MS, 1)), 1)
    assert crl_patch.apply(old.der, patch_of(old, new)) == new.der


def test_what_differs_too_much_has_no_patch(made: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = listed(made, {}), listed(made, country(100, random.Random(1)))
    assert crl_patch.make(old, new) is not None
    monkeypatch.setattr(crl_patch, "PATCH_BYTES_MAX", 1000)
    assert crl_patch.make(old, new) is None


_made: list[Authority] = []


def _authority() -> Authority:
    if not _made:
        _made.append(Authority.create("p256", "СЫНАҚ", at_ms=NOVEMBER_MS - DAY_MS))
    return _made[0]


def patch_of(old: Crl, new: Crl) -> bytes:
    made = crl_patch.make(old, new)
    assert made is not None
    return made


def repacked(patch: bytes, **changes: object) -> bytes:
    body = canonical.decode_map(zstandard.ZstdDecompressor().decompress(patch))
    return zstandard.ZstdCompressor().compress(canonical.encode({**body, **changes}))


def test_a_patch_that_lies_makes_nothing(made: Authority) -> None:
    old, new = listed(made, {1: (NOVEMBER_MS, 1), 2: (NOVEMBER_MS, 1)}), listed(made, {2: (NOVEMBER_MS, 1)}, 1)
    patch = patch_of(old, new)
    with pytest.raises(Refused, match="crl.patch_base"):
        crl_patch.apply(new.der, patch)
    wrong: list[dict[str, object]] = [
        {"v": 2},
        {"size": len(new.der) + 1},
        {"size": 1 << 40},
        {"target": bytes(32)},
        {"steps": [[0, len(old.der) + 1]]},
        {"steps": [[-1, 5]]},
        {"steps": [[0, 0]]},
        {"steps": [["a", "b"]]},
        {"steps": [[0, len(old.der)]] * 100_000},
        {"steps": None},
        {"target": None},
    ]
    for changes in wrong:
        with pytest.raises(Refused, match="crl.patch:"):
            crl_patch.apply(old.der, repacked(patch, **changes))
    for garbage in (b"", b"x", patch[:-1], zstandard.ZstdCompressor().compress(b"\xff")):
        with pytest.raises(CourtError, match="crl.patch:"):
            crl_patch.apply(old.der, garbage)
