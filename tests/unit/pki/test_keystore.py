"""Key files: the national ones open and sign; password, damage and mismatch are told apart; a key does not get out."""

import copy
import pickle
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from old_keys import in_pieces, old_person, old_root
from pki_samples import NATIONAL, PASSWORD, national

from common.errors import Refused
from common.pki import der, envelope, gost, keystore
from common.pki.keystore import Key, open_p12, write_p12


@pytest.mark.parametrize("password", ["qwerty12", "", "Йцукен12", "Qwerty12 ", "\ud800"])
def test_a_wrong_password_is_called_so(password: str) -> None:
    data = national(f"{NATIONAL}individual/valid/individual_valid.p12")
    with pytest.raises(Refused, match="p12.password") as refused:
        open_p12(data, password)
    assert refused.value.field == "password"


def test_damage_is_not_called_a_wrong_password() -> None:
    data = national(f"{NATIONAL}individual/valid/individual_valid.p12")
    for broken in (b"", b"x", data[:-1], data[: len(data) // 2], b"PK\x03\x04" + data, data + b"\0", bytes(len(data))):
        with pytest.raises(Refused, match="p12.broken"):
            open_p12(broken, PASSWORD)
    for at in range(700, 1600, 60):  # inside the envelope with the certificate
        with pytest.raises(Refused, match="p12.broken"):
            open_p12(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], PASSWORD)


def test_our_files_open_again(key: Key) -> None:
    again = open_p12(write_p12(key, "Құпия-1"), "Құпия-1")
    assert again.certificate == key.certificate
    assert again.certificate.verify(again.sign(b"x"), b"x")
    with pytest.raises(Refused, match="p12.password"):
        open_p12(write_p12(key, "Құпия-1"), "Құпия-2")


def test_another_program_reads_our_gost_file(keys: dict[str, Key], tmp_path: Path) -> None:
    file = tmp_path / "key.p12"
    file.write_bytes(write_p12(keys["gost512"], "Aa123456"))
    shown = subprocess.run(
        ["openssl", "pkcs12", "-legacy", "-nokeys", "-in", str(file), "-passin", "pass:Aa123456"], capture_output=True, check=True
    ).stdout
    certificate = x509.load_pem_x509_certificate(shown)
    assert certificate.public_bytes(serialization.Encoding.DER) == keys["gost512"].certificate.der


@pytest.mark.parametrize("kind", [pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, pkcs12.PBES.PBESv2SHA256AndAES256CBC], ids=["3des", "aes"])
def test_files_of_other_programs_open(keys: dict[str, Key], kind: pkcs12.PBES) -> None:
    key = keys["rsa2048"]
    hidden = serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(3000).key_cert_algorithm(kind).build(b"Aa123456")
    certificate = x509.load_der_x509_certificate(key.certificate.der)
    data = pkcs12.serialize_key_and_certificates(b"", key._reveal(), certificate, [certificate], hidden)  # type: ignore[arg-type]
    assert open_p12(data, "Aa123456").certificate == key.certificate
    with pytest.raises(Refused, match="p12.password"):
        open_p12(data, "aa123456")


def test_a_key_without_its_certificate_is_refused(keys: dict[str, Key]) -> None:
    with pytest.raises(Refused, match="p12.mismatch"):
        Key(keys["gost512"].certificate, keys["gost256"]._reveal())
    with pytest.raises(Refused, match="p12.mismatch"):
        Key(keys["rsa2048"].certificate, keys["gost512"]._reveal())


def test_a_file_may_not_cause_endless_work(keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "WRITTEN_ITERATIONS", 2_000_000)
    work = envelope.Password("x", iterations_left=1_000_000)
    with pytest.raises(ValueError, match="iterations"):
        envelope.encrypt(envelope.PBE_3DES, b"x", work)


def test_a_key_does_not_get_out(key: Key) -> None:
    secret = key._reveal()
    if hasattr(secret, "d"):
        assert str(secret.d) not in repr(key) + str(key) + repr(secret)
    assert "АХМЕТОВА" not in repr(key)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(key)


def test_a_file_of_2004_opens_and_signs_no_more() -> None:
    """Its number is an INTEGER, big-endian (PKI.md, 2), in BER of indefinite length."""
    key = old_person(old_root())
    data = write_p12(key, "Qwerty12")
    for file in (data, in_pieces(data)):
        opened = open_p12(file, "Qwerty12")
        assert opened.certificate == key.certificate
        with pytest.raises(Refused, match="pki.verify_only"):
            opened.sign(b"x")
        with pytest.raises(Refused, match="p12.password"):
            open_p12(file, "qwerty12")
        with pytest.raises(Refused, match="p12.broken"):
            open_p12(file[:-40], "Qwerty12")


@pytest.mark.parametrize("size", [1, 40, 100_000])
def test_files_in_ber_open(key: Key, size: int) -> None:
    assert open_p12(in_pieces(write_p12(key, "Qwerty12"), size), "Qwerty12").certificate == key.certificate


def test_the_two_encodings_of_a_number_are_not_confused(keys: dict[str, Key]) -> None:
    """A number read backwards is another key: then key and certificate are no pair."""
    backwards = keys["gost256"]._reveal()
    assert isinstance(backwards, gost.PrivateKey)
    number = backwards.d.to_bytes(32, "little")
    assert keystore._gost_number(number, gost.CURVE_256) == keystore._gost_number(der.octets(number), gost.CURVE_256) == backwards.d
    assert keystore._gost_number(der.integer(backwards.d), gost.CURVE_2004) == backwards.d
    with pytest.raises(Refused, match="p12.mismatch"):
        Key(keys["gost256"].certificate, gost.PrivateKey(int.from_bytes(number, "big") % gost.CURVE_256.q, gost.CURVE_256))
