"""Chains and revocation lists: the national test contour in November 2026, and every refusal with our own authority."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pki_samples import NATIONAL, NOVEMBER_MS, PASSWORD, national

from common.errors import Corrupt, Refused
from common.pki import authority as profiles
from common.pki.authority import Authority
from common.pki.certificates import read_certificate
from common.pki.keystore import open_p12
from common.pki.trust import Trust

DAY_MS = 86_400_000
REVOKED = {
    "individual/revoked/individual_revoked",
    *(f"legal/revoked/{name}" for name in ("employee", "employee_signright", "head", "infosystem", "treasury_client")),
    "legal/valid/employee",
    "legal/valid/infosystem",
}
VALID = {"individual/valid/individual_valid", "legal/valid/employee_signright", "legal/valid/head", "legal/valid/treasury_client"}


def national_trust(folder: Path) -> Trust:
    trust = Trust.load(folder)
    trust.add(national(f"{NATIONAL}root_test_gost_2022.cer"))
    trust.add(national(f"{NATIONAL}nca_gost2022_test.cer"))
    return trust


@pytest.fixture
def own(authorities: dict[str, Authority], tmp_path: Path) -> tuple[Authority, Trust]:
    fresh = Authority(authorities["gost512"].root, authorities["gost512"].issuer)
    trust = Trust.load(tmp_path / "trust")
    for certificate in fresh.anchors() + fresh.authorities():
        trust.add(certificate)
    return fresh, trust


def test_the_national_list_accepts_and_refuses(tmp_path: Path) -> None:
    trust = national_trust(tmp_path)
    info = trust.import_crl(national(f"{NATIONAL}nca_gost2022_test.crl"), NOVEMBER_MS)
    assert (info.number, info.entries) == (166, 195)
    for name in VALID:
        certificate = open_p12(national(f"{NATIONAL}{name}.p12"), PASSWORD).certificate
        verdict = trust.check(certificate, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)
        assert [one.sha256.hex()[:8] for one in verdict.chain[1:]] == ["beeffc0b", "b995e79e"]
        assert not verdict.stale
        assert verdict.crl_this_update_ms == info.this_update_ms
    for name in REVOKED:
        certificate = open_p12(national(f"{NATIONAL}{name}.p12"), PASSWORD).certificate
        with pytest.raises(Refused, match="pki.revoked") as refused:
            trust.check(certificate, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)
        assert isinstance(refused.value.params["since"], int)


def test_the_national_delta_and_an_older_list_are_refused(tmp_path: Path) -> None:
    trust = national_trust(tmp_path)
    trust.import_crl(national(f"{NATIONAL}nca_gost2022_test.crl"), NOVEMBER_MS)
    with pytest.raises(Refused, match="crl.form"):  # it calls itself number 10 and builds on number 14
        trust.import_crl(national("skarm-kalkan/certs/nca_gost2022_d_test.crl"), NOVEMBER_MS)
    with pytest.raises(Refused, match="crl.older"):
        trust.import_crl(national("skarm-kalkan/certs/nca_gost2022_test.crl"), NOVEMBER_MS)


def test_a_changed_list_is_refused(own: tuple[Authority, Trust]) -> None:
    authority, trust = own
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS)
    authority.revoke(person.certificate, NOVEMBER_MS)
    crl = authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1)
    at = crl.index(person.certificate.serial.to_bytes(20, "big")) + 5
    with pytest.raises(Refused, match="crl.signature"):
        trust.import_crl(crl[:at] + bytes([crl[at] ^ 1]) + crl[at + 1 :], NOVEMBER_MS)
    assert trust.crls() == ()


def test_revocation_counts_from_its_date_and_on_hold_too(own: tuple[Authority, Trust]) -> None:
    authority, trust = own
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS - DAY_MS).certificate
    authority.revoke(person, NOVEMBER_MS, reason=profiles.ON_HOLD)
    trust.import_crl(authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    assert trust.check(person, at_ms=NOVEMBER_MS - 1, now_ms=NOVEMBER_MS).chain[0] == person
    with pytest.raises(Refused, match="pki.revoked") as refused:
        trust.check(person, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)
    assert refused.value.params["since"] == NOVEMBER_MS


def test_without_a_list_or_past_its_term_a_verdict_is_stale(own: tuple[Authority, Trust]) -> None:
    authority, trust = own
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS).certificate
    verdict = trust.check(person, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)
    assert (verdict.stale, verdict.crl_this_update_ms, verdict.crl_next_update_ms) == (True, None, None)
    trust.import_crl(authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    assert not trust.check(person, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS + DAY_MS).stale
    assert trust.check(person, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS + DAY_MS + 1).stale


def test_before_and_after_its_term_a_certificate_is_refused(own: tuple[Authority, Trust]) -> None:
    authority, trust = own
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS, days=1).certificate
    with pytest.raises(Refused, match="pki.not_yet_valid"):
        trust.check(person, at_ms=NOVEMBER_MS - 1, now_ms=NOVEMBER_MS)
    trust.check(person, at_ms=NOVEMBER_MS + DAY_MS, now_ms=NOVEMBER_MS)
    with pytest.raises(Refused, match="pki.expired"):
        trust.check(person, at_ms=NOVEMBER_MS + DAY_MS + 1000, now_ms=NOVEMBER_MS)


def test_strangers_and_authorities_without_a_root_are_refused(own: tuple[Authority, Trust], authorities: dict[str, Authority]) -> None:
    authority, trust = own
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS).certificate
    for other in (Trust(), Trust.of(authority.authorities()), Trust.of(authorities["rsa2048"].anchors())):
        with pytest.raises(Refused, match="pki.untrusted"):
            other.check(person, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)


def test_a_person_cannot_issue(authorities: dict[str, Authority]) -> None:
    """A leaf's key signs a certificate; the chain through it must not hold, nor may the leaf be added as an authority."""
    authority = authorities["p256"]
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS)
    child = Authority(authority.root, person).issue_person("В", "Г", "", "900101400018", not_before_ms=NOVEMBER_MS).certificate
    trust = Trust.of(authority.anchors() + authority.authorities())
    with pytest.raises(Refused, match="pki.not_an_authority"):
        trust.add(person.certificate.der)
    with pytest.raises(Refused, match="pki.untrusted"):
        trust.check(child, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)


def test_a_key_that_is_not_for_signing_is_refused(own: tuple[Authority, Trust]) -> None:
    authority, trust = own
    with pytest.raises(Refused, match="pki.not_for_signing"):
        trust.check(authority.issuer.certificate, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)


def test_a_root_with_a_wrong_signature_is_not_added(authorities: dict[str, Authority]) -> None:
    root = authorities["rsa2048"].anchors()[0]
    with pytest.raises(Refused, match="pki.not_an_authority"):
        Trust().add(root[:-1] + bytes([root[-1] ^ 1]))


def test_lists_of_strangers_of_the_future_and_older_ones_are_refused(
    own: tuple[Authority, Trust], authorities: dict[str, Authority]
) -> None:
    authority, trust = own
    with pytest.raises(Refused, match="crl.unknown_issuer"):
        trust.import_crl(authorities["rsa2048"].crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    with pytest.raises(Refused, match="crl.future"):
        trust.import_crl(authority.crl(NOVEMBER_MS + 2 * DAY_MS, NOVEMBER_MS + 3 * DAY_MS, 1), NOVEMBER_MS)
    five = authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 5)
    trust.import_crl(five, NOVEMBER_MS)
    assert trust.import_crl(five, NOVEMBER_MS).number == 5
    with pytest.raises(Refused, match="crl.older"):
        trust.import_crl(authority.crl(NOVEMBER_MS + 1000, NOVEMBER_MS + DAY_MS, 4), NOVEMBER_MS)
    assert trust.import_crl(authority.crl(NOVEMBER_MS + 1000, NOVEMBER_MS + DAY_MS, 6), NOVEMBER_MS).number == 6


def test_the_folder_keeps_what_was_added_and_another_process_sees_it(own: tuple[Authority, Trust], tmp_path: Path) -> None:
    authority, trust = own
    other = Trust.load(tmp_path / "trust")
    assert other.anchors() == trust.anchors()
    assert other.authorities() == trust.authorities()
    trust.import_crl(authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    trust.import_crl(authority.crl(NOVEMBER_MS + 1000, NOVEMBER_MS + DAY_MS, 2), NOVEMBER_MS)
    assert sorted(path.suffix for path in (tmp_path / "trust" / "crl").iterdir()) == [".crl", ".index"]
    assert other.refresh()
    assert not other.refresh()
    assert not trust.refresh()
    assert [info.number for info in other.crls()] == [2]


def test_a_damaged_file_in_the_folder_is_called_by_name(own: tuple[Authority, Trust], tmp_path: Path) -> None:
    authority, trust = own
    trust.import_crl(authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    file = next((tmp_path / "trust" / "crl").glob("*.crl"))
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt, match="trust.file") as corrupt:
        Trust.load(tmp_path / "trust")
    assert corrupt.value.params["name"] == file.name


def test_a_node_is_trusted_through_the_registry_alone() -> None:
    ca, node = profiles.new_secret("p256"), profiles.new_secret("p256")
    assert isinstance(ca, ec.EllipticCurvePrivateKey)
    assert isinstance(node, ec.EllipticCurvePrivateKey)
    root = profiles.self_signed_ca(ca, "ТІЗІЛІМ", NOVEMBER_MS, 3650)
    end_ms = NOVEMBER_MS + DAY_MS
    certificate = read_certificate(profiles.issue_node_certificate(ca, root, node.public_key(), "node 7", 7, NOVEMBER_MS, end_ms))
    assert (certificate.subject, certificate.serial, certificate.may_sign) == ("node 7", 7, True)
    assert Trust.of([root]).check(certificate, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS).chain[1].subject == "ТІЗІЛІМ"
