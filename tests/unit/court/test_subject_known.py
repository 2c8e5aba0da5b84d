"""CourtKnown: real signatures over a real database; each is verified once."""

from datetime import UTC, datetime

import pytest
from court_world import CENTRE, COURT, NOW, appoint_body, fact, fold, store
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from common.court import known, staff
from common.db import fetch, open_database
from common.errors import Refused
from common.pki import cms
from common.pki.authority import Authority
from common.pki.certificates import read_certificate
from common.pki.keystore import Key

IIN = "850312400127"
LEAF = b"l" * 32


@pytest.fixture(scope="module")
def key():
    secret = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "СӘРСЕНОВА АЙГҮЛ"), x509.NameAttribute(NameOID.SERIAL_NUMBER, "IIN" + IIN)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(secret.public_key()).serial_number(7)
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2028, 1, 1, tzinfo=UTC))
    made = builder.sign(secret, hashes.SHA256())
    return Key(read_certificate(made.public_bytes(serialization.Encoding.DER)), secret)


class Vouching:
    """Knows the root, or does not yet; counts how often it was asked."""

    def __init__(self):
        self.asked, self.trusts = 0, True

    def __call__(self, certificate):
        self.asked += 1
        if not self.trusts:
            raise Refused("pki.chain", "unknown root")


@pytest.fixture
def vouch():
    return Vouching()


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "known.db")
    known.create(database)
    return database


@pytest.fixture
def world(database, vouch):
    return known.CourtKnown(database, node_courts=lambda court, before: {COURT: 1}.get(court) if before > 5 else None, vouch=vouch)


def test_the_signer_is_read_from_the_certificate(world, key):
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    assert world.signer(LEAF, signature, b"text") == key.certificate.sha256
    assert world.holder(LEAF, signature, b"text").iin == IIN


def test_a_good_signature_is_verified_once(world, key, vouch):
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    first = world.holder(LEAF, signature, b"text")
    assert world.holder(LEAF, b"not even looked at", b"") == first
    assert vouch.asked == 1


def test_a_bad_signature_stays_bad(world, key, database):
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    codes = []
    for content in (b"other", b"text"):
        with pytest.raises(Refused) as refused:
            world.signer(LEAF, signature, content)
        codes.append(refused.value.code)
    assert codes == ["cms.tampered", "cms.tampered"]
    assert fetch(database, "SELECT ok FROM examined") == [(0,)]


def test_garbage_is_refused(world):
    with pytest.raises(Refused):
        world.signer(LEAF, b"garbage", b"text")
    with pytest.raises(Refused):
        world.pdf_signer(b"m" * 32, b"garbage")


def test_an_unknown_root_is_asked_again(world, key, vouch):
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    vouch.trusts = False
    with pytest.raises(Refused) as refused:
        world.signer(LEAF, signature, b"text")
    assert refused.value.code == "pki.chain"
    vouch.trusts = True
    assert world.signer(LEAF, signature, b"text") == key.certificate.sha256


def test_the_digest_under_a_pdf_signature(world, key):
    signature = cms.sign_digest(b"d" * 32, key, at_ms=None)
    signer = world.pdf_signer(LEAF, signature)
    assert (signer.digest, signer.iin, signer.certificate) == (b"d" * 32, IIN, key.certificate.sha256)
    assert world.pdf_signer(LEAF, signature) == signer


def test_a_text_signature_is_no_pdf_signature(world, key):
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    world.holder(LEAF, signature, b"text")
    assert world.pdf_signer(LEAF, signature).digest != b""


def test_the_roles_in_the_certificate_are_remembered_too(world):
    authority = Authority.create("p256", "СЫНАҚ", at_ms=NOW - 1000)
    key = authority.issue_organisation(
        "ЖАҚЫП", "НҰРЛАН", "", "940404300444", "«ДАЛА» ЖШС", "120340001234", role="right_to_sign", not_before_ms=NOW
    )
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    first = world.holder(LEAF, signature, b"text")
    assert "right_to_sign" in first.roles
    assert world.holder(LEAF, signature, b"text") == first


def test_what_an_earlier_release_remembered_is_found_out_again(world, key, database, vouch):
    signature = cms.sign_detached(b"text", key, at_ms=NOW)
    world.holder(LEAF, signature, b"text")
    fetch(database, "ALTER TABLE examined DROP COLUMN roles")
    known.create(database)
    assert world.holder(LEAF, signature, b"text").iin == IIN
    known.create(database)
    assert world.holder(LEAF, signature, b"text").iin == IIN
    assert vouch.asked == 2


def test_roles_and_nodes_are_as_of_a_log_size(world, key, database):
    body = appoint_body(certificate=key.certificate.der)
    store(database, staff, fold(staff, [fact("staff.appoint/1", body, node=CENTRE, log_index=3)])[0])
    assert world.staff_role(key.certificate.sha256, COURT, before=4) == {"clerk"}
    assert world.staff_role(key.certificate.sha256, COURT, before=3) == frozenset()
    assert (world.node_of(COURT, before=6), world.node_of(COURT, before=5), world.node_of("kz-1", before=9)) == (1, None, None)
