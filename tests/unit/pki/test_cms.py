"""Detached signatures: the centre's own verify, ours too, and nothing changed gets through."""

import base64

import pytest
from pki_samples import NOVEMBER_MS

from common.errors import Refused
from common.pki import cms, der
from common.pki.algorithms import signature_algorithm
from common.pki.authority import Authority
from common.pki.certificates import Certificate, read_certificate
from common.pki.keystore import Key

DOCUMENT = "Талап қою арызы".encode()


def test_our_signatures_verify_and_tell_their_time(key: Key) -> None:
    signature = cms.sign_detached(DOCUMENT, key, at_ms=NOVEMBER_MS + 789)
    assert cms.verify_detached(signature, DOCUMENT) == key.certificate
    certificate, digest, _, at_ms = cms.signed_attributes_signer(signature)
    assert (certificate, digest, at_ms) == (key.certificate, key.certificate.digest, NOVEMBER_MS)


def test_a_changed_bit_anywhere_is_refused(key: Key) -> None:
    signature = cms.sign_detached(DOCUMENT, key, at_ms=NOVEMBER_MS)
    for at in range(0, len(signature), 7):
        changed = signature[:at] + bytes([signature[at] ^ 1 << at % 8]) + signature[at + 1 :]
        with pytest.raises(Refused):
            cms.verify_detached(changed, DOCUMENT)


def test_another_certificate_of_the_same_key_put_inside_is_refused(authorities: dict[str, Authority]) -> None:
    """signingCertificateV2 names the certificate that was meant, not only its key."""
    authority = authorities["p256"]
    key = authority.issue_person("АХМЕТОВА", "АЙГҮЛ", "", "900101400018", not_before_ms=NOVEMBER_MS)
    signature = cms.sign_detached(DOCUMENT, key, at_ms=NOVEMBER_MS)
    other = _issued_again(authority, key.certificate, "АХМЕТОВА АЙНҰР".encode())
    assert other.key == key.certificate.key
    with pytest.raises(Refused, match="cms.tampered"):
        cms.verify_detached(signature.replace(key.certificate.der, other.der), DOCUMENT)


def _issued_again(authority: Authority, certificate: Certificate, common_name: bytes) -> Certificate:
    """Return a good certificate of the same length, number, issuer and key in another's name."""
    length = 0
    while length != len(certificate.der):  # an ECDSA signature has one of three lengths
        signed = certificate.signed_part.replace(certificate.subject.encode(), common_name)
        whole = der.sequence(signed, signature_algorithm(authority.issuer.certificate.key), der.bits(authority.issuer.sign(signed)))
        length = len(whole)
    return read_certificate(whole)


def test_a_digest_that_does_not_belong_to_the_key_is_refused(keys: dict[str, Key]) -> None:
    signature = cms.sign_detached(DOCUMENT, keys["gost512"], at_ms=NOVEMBER_MS)
    streebog, sha = der.oid("1.2.398.3.10.1.3.3"), der.oid("1.2.398.3.10.1.3.2")
    with pytest.raises(Refused, match="cms.algorithm"):
        cms.verify_detached(signature.replace(streebog + der.null(), sha + der.null()), DOCUMENT)


def test_several_signers_and_other_contents_are_refused() -> None:
    for content in (der.sequence(der.oid(cms.DATA)), der.sequence(der.oid(cms.SIGNED_DATA), der.explicit(0, der.sequence())), b""):
        with pytest.raises(Refused, match="cms.broken"):
            cms.verify_detached(content, DOCUMENT)


def test_the_armour_of_ncalayer_comes_off(keys: dict[str, Key]) -> None:
    signature = cms.sign_detached(DOCUMENT, keys["gost512"], at_ms=NOVEMBER_MS)
    text = base64.encodebytes(signature)
    assert cms.unarmoured(b"-----BEGIN CMS-----\n" + text + b"-----END CMS-----\n") == signature
    assert cms.unarmoured(text) == signature
    assert cms.unarmoured(signature) == signature
    assert cms.unarmoured(signature + b"\0") == signature, "as programs over the C interface of KalkanCrypt write it"
    assert cms.unarmoured(base64.b64encode(signature + b"\0")) == signature
    for more in (b"\0\0", b"\1", b"\0\1"):
        with pytest.raises(Refused, match="cms.broken"):
            cms.verify_detached(signature + more, DOCUMENT)
    with pytest.raises(Refused, match="cms.broken"):
        cms.unarmoured("қате".encode())
