"""PROTOCOL 12: revocation lists on their way to every machine. The whole way through a country is `tests/sim/test_lists.py`."""

from pathlib import Path

import pytest

from central.services import lists as publishing
from common.court import crls
from common.court.crls import Publish
from common.db import fetch
from common.errors import CourtError, Refused
from common.facts import BlobRef
from common.pki import crl_patch
from common.pki.authority import DAY_MS, Authority
from common.pki.crl import Crl
from common.pki.trust import issuer_key
from edge.node import Node
from edge.services.lists import Taker
from tests.court import START_MS, Court


class Lists:
    """A centre with one machine; both trust ``authority``, of which the first full list is published."""

    def __init__(self, folder: Path) -> None:
        self.court = Court(folder)
        self.node = self.court.node()
        self.authority = Authority.create("p256", "СЫНАҚ", at_ms=START_MS - DAY_MS)
        self.issuer = issuer_key(self.authority.issuer.certificate)
        for owner in (self.court.centre, self.node):
            for certificate in (*self.authority.anchors(), *self.authority.authorities()):
                owner.trust.add(certificate)
        self.first = self.published(1)

    def published(self, number: int) -> bytes:
        data = self.authority.crl(START_MS + number, START_MS + DAY_MS, number)
        self.court.centre.trust.import_crl(data, START_MS)
        publishing.publish(self.court.centre)
        return data

    def exchange(self, node: Node) -> int | None:
        node.client.exchange()
        Taker(node).run()
        held = node.trust.lists().get(self.issuer)
        return held.info.number if held else None


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    return Lists(tmp_path)


def test_12_1_a_machine_publishes_nothing(lists: Lists) -> None:
    lists.exchange(lists.node)
    one = crls.published(lists.node.database, lists.issuer)[0]
    with pytest.raises(CourtError, match="entry.centre_only"), lists.node.journal.unit() as unit:
        unit.append(crls.object_id(one.file, bytes(32)), one)


def test_12_1_a_publication_without_its_file_is_refused(lists: Lists) -> None:
    body = Publish(
        issuer=lists.issuer, name="", kind="full", this_update_ms=1, next_update_ms=2, sha256=bytes(32), file=bytes(32), file_size=3
    )
    for blobs in ([], [BlobRef(bytes(32), 4, crls.MEDIA)]):
        with pytest.raises(CourtError, match="crl.file"), lists.court.centre.journal.unit() as unit:
            unit.append(crls.object_id(body.file, body.sha256), body, blobs=blobs)


def test_12_2_a_patch_fits_one_list_and_makes_one(lists: Lists) -> None:
    second, third = lists.authority.crl(START_MS, START_MS + 1, 2), lists.authority.crl(START_MS, START_MS + 1, 3)
    patch = crl_patch.make(Crl(lists.first), Crl(second)) or b""
    assert crl_patch.apply(lists.first, patch) == second
    with pytest.raises(Refused, match="crl.patch_base"):
        crl_patch.apply(third, patch)


def test_12_3_only_a_list_the_authority_signed_is_used(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lists.exchange(lists.node) == 1

    def forged(old: Crl, new: Crl) -> bytes | None:
        return real(old, Crl(new.der[:-1] + bytes([new.der[-1] ^ 1])))

    real = crl_patch.make
    monkeypatch.setattr(crl_patch, "make", forged)
    lists.published(2)
    assert lists.exchange(lists.node) == 1


def test_12_4_what_leads_nowhere_is_not_fetched(lists: Lists) -> None:
    second, stranger = lists.court.node(), lists.court.node()
    for certificate in (*lists.authority.anchors(), *lists.authority.authorities()):
        second.trust.add(certificate)
    second.trust.import_crl(lists.first, START_MS)
    assert lists.exchange(second) == 1
    assert lists.exchange(stranger) is None
    for node in (second, stranger):
        assert not fetch(node.database, "SELECT 1 FROM blob")
