"""Detached signatures: the centre's own verify, ours too, and nothing changed gets through."""

import base64

import pytest
from pki_samples import NOVEMBER_MS, national

from common.errors import Refused
from common.pki import cms, der
from common.pki.keystore import Key

DOCUMENT = "Талап қою арызы".encode()


def test_a_signature_of_the_national_library_verifies() -> None:
    document = national("skarm-kalkan/cms/individual_document.txt")
    detached, attached = (national(f"skarm-kalkan/cms/individual_{kind}.der") for kind in ("detached", "attached"))
    assert cms.verify_detached(detached, document).iin == "123456789011"
    assert cms.verify_detached(attached, document).iin == "123456789011"
    certificate, digest, content, at_ms = cms.signed_attributes_signer(detached)
    assert (certificate.iin, digest, len(content), at_ms) == ("123456789011", "streebog512", 64, 1_784_538_486_000)
    for signature in (detached, attached):
        with pytest.raises(Refused, match="cms.tampered"):
            cms.verify_detached(signature, document + b"\n")


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


def test_another_certificate_put_inside_is_refused(keys: dict[str, Key]) -> None:
    """Same key, another certificate: signingCertificateV2 names the one that was meant."""
    signature = cms.sign_detached(DOCUMENT, keys["rsa2048"], at_ms=NOVEMBER_MS)
    found = cms._read(signature)
    digest = found.certificate.sha256
    assert signature.count(digest) == 1
    wrong = cms._Signature(
        found.certificate, found.digest, found.signed, {**found.attributes, cms._SIGNING_CERTIFICATE_V2: _names(bytes(32))}, b"", "", None
    )
    assert cms._names_certificate(found)
    assert not cms._names_certificate(wrong)


def _names(digest: bytes) -> der.Node:
    return der.read(der.sequence(der.sequence(der.sequence(der.octets(digest)))))


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
    with pytest.raises(Refused, match="cms.broken"):
        cms.unarmoured("қате".encode())
