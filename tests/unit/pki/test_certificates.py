"""What is read out of certificates, national ones and our own."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from pki_samples import NOVEMBER_MS, national

from common.errors import Refused
from common.pki import authority as profiles
from common.pki import der, gost
from common.pki.algorithms import STREEBOG_512, gost_spki, read_public_key
from common.pki.authority import Authority
from common.pki.certificates import read_certificate
from common.pki.keystore import Key
from common.pki.profile import (
    IDENTIFICATION_OIDS,
    IDENTIFICATION_WORDS,
    KEY_STORAGE_EXTENSION,
    ORGANISATION,
    ROLE_OIDS,
    ROLE_WORDS,
    STORAGE_OIDS,
    STORAGE_WORDS,
)
from common.pki.trust import Trust


def test_a_national_certificate_of_a_person() -> None:
    certificate = read_certificate(base64.b64decode(national("skarm-kalkan/cms/individual_signer.cer")))
    assert certificate.full_name == "ТЕСТОВ ТЕСТ ТЕСТОВИЧ"
    assert (certificate.surname, certificate.patronymic, certificate.subject) == ("ТЕСТОВ", "ТЕСТОВИЧ", "ТЕСТОВ ТЕСТ")
    assert certificate.iin == "123456789011"  # its check digit is wrong, and that is none of the reader's business
    assert (certificate.bin, certificate.organisation) == ("", "")
    assert certificate.roles == {"person"}
    assert certificate.may_sign
    assert not certificate.ca
    assert (certificate.algorithm, certificate.digest) == ("GOST 34.10-2015/512", "streebog512")
    assert certificate.serial == 0x6C425659BD2FC6DC587B871AEDE1857727CF8451
    assert certificate.sha256.hex().startswith("f9305218f91240e3")


def test_keys_out_of_use_are_named(authorities: dict[str, Authority]) -> None:
    key = rsa.generate_private_key(65537, 1024).public_key()
    short = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    curve, mixed = der.oid("1.2.398.3.10.1.1.2.2.1"), der.oid("1.2.398.3.10.1.3.2")
    good = gost_spki(gost.public_key(5), gost.CURVE_512)
    for spki in (short, good.replace(der.oid(STREEBOG_512), mixed), good.replace(curve, der.oid("1.2.398.3.10.1.1.2.2.3"))):
        with pytest.raises(Refused, match="pki.algorithm"):
            read_public_key(spki)


def test_a_certificate_names_nobody_when_printed() -> None:
    assert "ТЕСТ" not in repr(read_certificate(base64.b64decode(national("skarm-kalkan/cms/individual_signer.cer"))))


def test_our_own_people_and_organisations_have_the_national_profile(authority: Authority) -> None:
    person = authority.issue_person(
        "АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", "900101400018", email="a@example.kz", not_before_ms=NOVEMBER_MS
    ).certificate
    assert person.full_name == "АХМЕТОВА АЙГҮЛ СЕРІКҚЫЗЫ"
    assert (person.iin, person.email, person.roles) == ("900101400018", "a@example.kz", frozenset({"person"}))
    assert (person.not_before_ms, person.not_after_ms) == (NOVEMBER_MS, NOVEMBER_MS + 365 * 86_400_000)
    head = authority.issue_organisation("БЕК", "АЛИ", "", "800101300018", "ЖШС «Ақ»", "160440007161", not_before_ms=NOVEMBER_MS).certificate
    assert (head.full_name, head.organisation, head.bin) == ("БЕК АЛИ", "ЖШС «Ақ»", "160440007161")
    assert head.roles == {"organisation", "head"}
    system = authority.issue_organisation(
        "ИС", "", "", "", "ЖШС «Ақ»", "160440007161", role="information_system", not_before_ms=NOVEMBER_MS
    ).certificate
    assert (system.roles, system.iin, system.may_sign) == (frozenset({"organisation", "information_system"}), "", True)


def test_a_wrong_signature_raises(authority: Authority) -> None:
    signature = authority.issuer.sign(b"data")
    assert authority.issuer.certificate.verify(signature, b"data")
    for wrong, data in ((signature, b"Data"), (signature[:-1], b"data"), (b"", b"data")):
        with pytest.raises(Refused, match="pki.signature_wrong"):
            authority.issuer.certificate.verify(wrong, data)
    with pytest.raises(Refused, match="pki.algorithm"):
        authority.issuer.certificate.verify(signature, b"data", oid="1.2.840.113549.1.1.5")  # SHA-1


def test_a_changed_certificate_is_not_signed(authority: Authority) -> None:
    der = authority.issuer.certificate.der
    at = der.rindex("СЫНАҚ".encode())
    changed = read_certificate(der[:at] + "СЫНАК".encode() + der[at + 10 :])
    assert not changed.signed_by(authority.root.certificate)
    assert authority.issuer.certificate.signed_by(authority.root.certificate)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["gost512", "gost256", "gost2004", "rsa2048", "p256"]),
    place=st.floats(0, 1, exclude_max=True),
    mask=st.integers(1, 255),
)
def test_a_changed_byte_of_a_certificate_breaks_its_chain(
    authorities: dict[str, Authority], all_keys: dict[str, Key], root_of_2004: Key, kind: str, place: float, mask: int
) -> None:
    trust = Trust.of([root_of_2004.certificate.der, *(one for each in authorities.values() for one in each.anchors() + each.authorities())])
    data = all_keys[kind].certificate.der
    at = int(place * len(data))
    with pytest.raises(Refused):
        trust.check(read_certificate(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]), at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)


STORAGE = {oid: name for oid, name in STORAGE_OIDS.items() if name != "file"}


@pytest.mark.parametrize("role", ["financial", "staff_records", "treasury", "information_system"])
def test_every_role_storage_and_identification(authorities: dict[str, Authority], role: str) -> None:
    """Names of each table, read back out of certificates that carry them; a card and a cloud as well as a file."""
    authority = authorities["p256"]
    oid = next(oid for oid, roles in ROLE_OIDS.items() if roles == ("organisation", role))
    for (storage_oid, storage), (level_oid, level) in zip(STORAGE.items(), [*IDENTIFICATION_OIDS.items()] * 3, strict=False):
        purposes = [ORGANISATION, oid, *{level_oid, level_oid[:17]}]
        extensions = (
            profiles._extension("2.5.29.37", der.sequence(*map(der.oid, purposes))),
            profiles._extension(KEY_STORAGE_EXTENSION, der.sequence(der.oid(storage_oid))),
        )
        request = profiles._Request(
            profiles._name([(profiles._CN, der.text("ӘБІЛҚАСЫМҰЛЫ ҒАНИ"))]),
            authority.root.certificate.key.spki,
            7,
            NOVEMBER_MS,
            NOVEMBER_MS,
            extensions,
        )
        found = read_certificate(profiles._issue(authority.issuer, request))
        assert (found.role, found.storage, found.identification, found.subject) == (role, storage, level, "ӘБІЛҚАСЫМҰЛЫ ҒАНИ")
        assert {"organisation", role} == found.roles
    assert set(ROLE_WORDS) == {name for roles in ROLE_OIDS.values() for name in roles}
    assert (set(STORAGE_WORDS), set(IDENTIFICATION_WORDS)) == (set(STORAGE_OIDS.values()), set(IDENTIFICATION_OIDS.values()))
