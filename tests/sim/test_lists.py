"""Revocation lists across the country: whole once, then as differences; each machine verifies the authority's own signature."""

from pathlib import Path

import pytest

from central.services import lists as publishing
from common.court import crls
from common.db import fetch
from common.errors import CourtError
from common.pki import crl_patch
from common.pki.authority import DAY_MS, Authority
from common.pki.crl import Crl
from common.pki.trust import issuer_key
from edge.node import Node
from edge.services import lists
from edge.services.lists import Taker
from sync.uplink_files import ASK_AGAIN_MS
from tests.court import Court
from tests.sim import papers


class Country:
    """A centre and a machine that trust one authority of their own."""

    def __init__(self, folder: Path) -> None:
        self.court = Court(folder)
        self.node = self.court.node()
        shared = papers.authority()
        self.authority = Authority(shared.root, shared.issuer)
        self.issuer = issuer_key(self.authority.issuer.certificate)
        for owner in (self.court.centre, self.node):
            self.trust(owner)
        self.number = 0

    def trust(self, owner: Node | object) -> None:
        for certificate in (*self.authority.anchors(), *self.authority.authorities()):
            owner.trust.add(certificate)  # type: ignore[attr-defined]

    def revoke(self, *serials: int) -> None:
        for serial in serials:
            self.authority.revoked[serial] = (self.court.clock.now(), 1)

    def a_day_later(self) -> bytes:
        """Let a day pass; the centre imports and publishes a new full list."""
        self.court.clock.tick(DAY_MS)
        self.number += 1
        data = self.authority.crl(self.court.clock.now(), self.court.clock.now() + DAY_MS, self.number)
        self.court.centre.trust.import_crl(data, self.court.clock.now())
        assert publishing.publish(self.court.centre) > 0
        return data

    def at(self, node: Node) -> tuple[int | None, bytes | None]:
        """Return (number, bytes of the full list) that ``node`` holds."""
        held = node.trust.lists().get(self.issuer)
        return (held.info.number, node.trust.list_file(held.base.info.sha256)) if held else (None, None)

    def exchange(self, node: Node) -> int:
        node.client.exchange()
        return Taker(node).run()


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


def kinds(country: Country) -> list[str]:
    return [kind for (kind,) in fetch(country.court.centre.database, "SELECT kind FROM crl_file_row ORDER BY this_update_ms, kind")]


def test_the_first_list_comes_whole_and_the_next_as_differences(country: Country) -> None:
    country.revoke(*range(100, 2_000))
    country.a_day_later()
    assert country.exchange(country.node) == 1
    assert country.at(country.node)[0] == 1
    country.revoke(1, 2, 3)
    country.a_day_later()
    newest = country.a_day_later()
    assert kinds(country) == ["full", "patch", "patch"]
    assert country.exchange(country.node) == 2
    assert country.at(country.node) == (3, newest)
    assert country.node.trust.lists()[country.issuer].find(2) is not None
    assert not publishing.publish(country.court.centre)
    assert country.exchange(country.node) == 0


def test_a_list_from_a_stick_is_continued_and_an_old_machine_follows_the_patches(country: Country) -> None:
    first = country.a_day_later()
    second = country.court.node()
    country.trust(second)
    second.trust.import_crl(first, country.court.clock.now())  # brought by hand, before any exchange
    country.revoke(5)
    country.a_day_later()
    newest = country.a_day_later()
    assert country.exchange(second) == 2
    assert country.at(second) == (3, newest)
    full = next(one for one in crls.published(second.database, country.issuer) if one.kind == "full")
    assert not second.blobs.has(full.file)  # it was never needed
    assert full.file in crls.unneeded(second.database, second.trust)
    assert lists.missing(second) == (0, 0)


def test_a_machine_that_does_not_trust_the_authority_fetches_nothing(country: Country) -> None:
    country.a_day_later()
    stranger = country.court.node()
    assert country.exchange(stranger) == 0
    assert not fetch(stranger.database, "SELECT 1 FROM blob")


def test_now_and_then_a_list_goes_out_whole_again(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FULL_EVERY", 3)
    for _ in range(5):
        country.revoke(country.number + 10)
        newest = country.a_day_later()
    assert kinds(country) == ["full", "patch", "patch", "full", "patch", "patch"]
    late = country.court.node()
    country.trust(late)
    country.court.clock.tick(ASK_AGAIN_MS)  # no entry came that says that more is wanted now
    country.exchange(late)
    assert country.at(late) == (5, newest)


def test_a_delta_list_of_the_authority_goes_out_as_it_is(country: Country) -> None:
    country.a_day_later()
    country.exchange(country.node)
    now, before = country.court.clock.now(), dict(country.authority.revoked)
    country.revoke(42)
    country.court.centre.trust.import_crl(country.authority.crl(now + 1000, now + DAY_MS, 2, base=(1, before)), now)
    publishing.publish(country.court.centre)
    assert country.exchange(country.node) == 1
    assert country.at(country.node)[0] == 2
    assert country.node.trust.lists()[country.issuer].find(42) is not None
    assert country.exchange(country.node) == 0


def test_what_is_put_together_wrong_is_not_used_and_the_old_list_stays(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    country.a_day_later()
    country.exchange(country.node)

    def forged(old: Crl, new: Crl) -> bytes | None:  # a centre that wants to hide a revocation has no key of the authority
        bare = new.der[:-1] + bytes([new.der[-1] ^ 1])
        return real(old, Crl(bare))

    real = crl_patch.make
    monkeypatch.setattr(crl_patch, "make", forged)
    country.revoke(9)
    country.a_day_later()
    taker = Taker(country.node)
    country.node.client.exchange()
    assert taker.run() == 0
    assert country.at(country.node)[0] == 1
    verified: list[bytes] = []
    monkeypatch.setattr(country.node.trust, "import_crl", lambda data, now: verified.append(data))
    assert taker.run() == 0
    assert not verified  # not again at once: a wrong list does not become right
    country.court.clock.tick(lists.RETRY_MS)
    assert taker.run() == 1


def test_the_centre_that_lost_its_copy_sends_a_whole_list(country: Country) -> None:
    country.a_day_later()
    next((country.court.centre.data / "published").iterdir()).write_bytes(b"damaged")
    country.a_day_later()
    assert kinds(country) == ["full", "full"]


def test_nobody_but_the_centre_publishes(country: Country) -> None:
    country.a_day_later()
    country.exchange(country.node)
    one = crls.published(country.node.database, country.issuer)[0]
    with pytest.raises(CourtError, match="entry.centre_only"), country.node.journal.unit() as unit:
        unit.append(crls.object_id(one.file, bytes(32)), one)
