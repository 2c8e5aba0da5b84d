"""Signatures of every kind that others make: old and new keys, attached or not, DER, BER or text, one signer or several."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from old_keys import OldKey, in_pieces, old_person, outside_in_pieces
from pki_samples import NOVEMBER_MS, tiny_pdf

from common.errors import Refused
from common.pki import algorithms, cms, der, engines, streebog
from common.pki.authority import Authority
from common.pki.keystore import Key
from common.pki.pades import sign_pdf
from common.pki.signed_data import TIMESTAMP, TST_INFO
from common.pki.trust import Trust

DOCUMENT = "Талап қою арызы".encode() * 20
KINDS = ["gost512", "gost256", "gost2004", "rsa2048", "p256"]
HOUR_MS = 3_600_000


def pem(data: bytes) -> bytes:
    return b"-----BEGIN CMS-----\n" + base64.encodebytes(data) + b"-----END CMS-----\n"


FORMS = {"der": bytes, "ber": outside_in_pieces, "pem": pem, "base64": base64.b64encode}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attached", [True, False], ids=["attached", "detached"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_form(all_keys: dict[str, Key], kind: str, attached: bool, form: str) -> None:
    key = all_keys[kind]
    make = cms.sign_attached if attached else cms.sign_detached
    signature = FORMS[form](make(DOCUMENT, key, at_ms=NOVEMBER_MS))
    found = cms.verify(signature, None if attached else DOCUMENT)
    (signer,) = found.signers
    assert (signer.certificate, signer.claimed_ms, signer.level) == (key.certificate, NOVEMBER_MS, "CAdES-B")
    assert found.content == (DOCUMENT if attached else None)
    assert cms.verify_detached(signature, DOCUMENT) == key.certificate
    with pytest.raises(Refused, match="cms.tampered"):
        cms.verify(signature, DOCUMENT + b".")


def test_the_quirks_of_2004(root_of_2004: OldKey) -> None:
    """The kind of key where the signature's should stand, with NULL or nothing after it, extensions without a value (PKI.md, 2)."""
    empty = der.sequence(der.oid("1.3.6.1.5.5.7.48.1.5"), der.octets(b""))
    key = old_person(root_of_2004, extensions=(empty,))
    signature = cms.sign_detached(DOCUMENT, key, at_ms=NOVEMBER_MS)
    value = cms.read(signature).signers[0].signature
    usual = der.sequence(der.oid("1.2.398.3.10.1.1.1.2"), der.null()) + der.octets(value)
    assert signature.count(usual) == 1
    for oid, good in (("1.2.398.3.10.1.1.1.2", True), ("1.2.398.3.10.1.1.1.1", True), ("1.2.398.3.10.1.1.1.9", False)):
        named = signature.replace(usual, der.sequence(der.oid(oid), der.null()) + der.octets(value))
        if good:
            assert cms.verify_detached(named, DOCUMENT) == key.certificate
        else:
            with pytest.raises(Refused, match="cms.algorithm"):
                cms.verify_detached(named, DOCUMENT)
    trust = Trust.of([root_of_2004.certificate.der])
    assert trust.check(key.certificate, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS).chain[-1] == root_of_2004.certificate


@pytest.mark.parametrize("attributes", [True, False], ids=["attributes", "bare"])
def test_a_machine_too_slow_for_it_cannot_tell(keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch, attributes: bool) -> None:
    """Without a library a large document is not called changed: nobody looked at it."""
    key, document = keys["gost512"], bytes(2000)
    signature = cms.sign_detached(document, key, at_ms=NOVEMBER_MS)
    if not attributes:
        parts = cms.parts_of(signature)
        signer = parts.parts[-1][0]
        bare = der.sequence(b"".join(part.raw for part in signer.parts[:3]), signer[4].raw, der.octets(key.sign(document)))
        signature = cms._signed_data(1, [parts[1][0].raw], parts[2].raw, [key.certificate.der], [bare])
    assert cms.verify_detached(signature, document) == key.certificate
    monkeypatch.setitem(algorithms._GOST_DIGESTS, "streebog512", engines.Engine(engines.PURE, streebog.pure512, 1000))
    with pytest.raises(Refused, match="pki.digest_slow"):
        cms.verify_detached(signature, document)
    pdf = sign_pdf(tiny_pdf(), keys["p256"], at_ms=NOVEMBER_MS, field="first")
    with pytest.raises(Refused, match="pki.digest_slow"):
        sign_pdf(pdf, key, at_ms=NOVEMBER_MS, field="second")


def test_the_national_list_is_verified_without_a_fast_library_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has 22 MB and is signed over all of them: what a document is refused for, a trusted centre's list is given time for."""
    authority = Authority.create("gost512", "СЫНАҚ", at_ms=NOVEMBER_MS)
    trust = Trust.of([authority.root.certificate.der, authority.issuer.certificate.der])
    data = authority.crl(NOVEMBER_MS, NOVEMBER_MS + HOUR_MS, 1)
    slow = engines.Engine(engines.PURE, streebog.pure512, 100, "common.pki.streebog:pure512")
    monkeypatch.setitem(algorithms._GOST_DIGESTS, "streebog512", slow)
    with pytest.raises(Refused, match="crl.signature"):
        trust.import_crl(data[:-1] + bytes([data[-1] ^ 1]), NOVEMBER_MS)
    assert trust.import_crl(data, NOVEMBER_MS).number == 1


def test_a_revocation_list_of_2004(root_of_2004: OldKey) -> None:
    """The state bodies' own centre signs its lists with such a key."""
    key = old_person(root_of_2004)
    authority, trust = Authority(root_of_2004, root_of_2004), Trust.of([root_of_2004.certificate.der])
    authority.revoke(key.certificate, NOVEMBER_MS)
    data = authority.crl(NOVEMBER_MS, NOVEMBER_MS + HOUR_MS, 1)
    with pytest.raises(Refused, match="crl.signature"):
        trust.import_crl(data[:-1] + bytes([data[-1] ^ 1]), NOVEMBER_MS)
    assert trust.import_crl(data, NOVEMBER_MS).entries == 1
    with pytest.raises(Refused, match="pki.revoked"):
        trust.check(key.certificate, at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS)


@pytest.mark.parametrize("serial", [-5, -(1 << 150)])
def test_a_certificate_that_no_list_could_name_is_refused(root_of_2004: OldKey, serial: int) -> None:
    """Timestamps may have a negative number, certificates not: nobody could revoke such a one (RFC 5280, 4.1.2.2)."""
    with pytest.raises(Refused, match="pki.certificate_broken"):
        old_person(root_of_2004, serial=serial)


def test_signers_side_by_side(all_keys: dict[str, Key]) -> None:
    """Each of five signs what the others signed; no byte of theirs changes; content inside or not."""
    for attached in (True, False):
        make = cms.sign_attached if attached else cms.sign_detached
        signature = make(DOCUMENT, all_keys["gost512"], at_ms=NOVEMBER_MS)
        for kind in KINDS[1:]:
            before = [one.signature for one in cms.read(signature).signers]
            signature = cms.add_signer(signature, None if attached else DOCUMENT, all_keys[kind], at_ms=NOVEMBER_MS)
            assert set(before) < {one.signature for one in cms.read(signature).signers}
        found = cms.verify(signature, DOCUMENT)
        assert {one.certificate for one in found.signers} == {key.certificate for key in all_keys.values()}
        assert len(found.certificates) == 5
        with pytest.raises(Refused, match="cms.broken"):  # where one is expected, five are too many
            cms.verify_detached(signature, DOCUMENT)
        with pytest.raises(Refused, match="cms.tampered"):
            cms.add_signer(signature, DOCUMENT + b".", all_keys["p256"], at_ms=NOVEMBER_MS)


def test_attributes_in_ber_are_signed_as_their_der(keys: dict[str, Key]) -> None:
    """RFC 5652, 5.4: whatever order and lengths they come in. One changed bit is refused in every form."""
    parts = cms.parts_of(cms.sign_detached(DOCUMENT, keys["p256"], at_ms=NOVEMBER_MS))
    signer = parts.parts[-1][0]
    before, rest = (b"".join(part.raw for part in some) for some in (signer.parts[:3], signer.parts[4:]))
    attributes = [one.raw for one in signer[3]]
    for sent in (attributes[::-1], list(map(in_pieces, attributes)), [b"\x30\x81" + attributes[0][1:], *attributes[1:]]):
        info = der.sequence(before, der.element(0xA0, b"".join(sent)), rest)
        made = cms._signed_data(1, [parts[1][0].raw], parts[2].raw, [keys["p256"].certificate.der], [info])
        (found,) = cms.verify(made, DOCUMENT).signers
        assert found.claimed_ms == NOVEMBER_MS
        assert found.message_digest is not None
        with pytest.raises(Refused, match="cms.tampered"):
            cms.verify(made.replace(found.message_digest[:-1], bytes([found.message_digest[0] ^ 1]) + found.message_digest[1:-1]), DOCUMENT)


def test_one_bad_signer_among_several(keys: dict[str, Key]) -> None:
    signature = cms.add_signer(cms.sign_detached(DOCUMENT, keys["gost512"], at_ms=NOVEMBER_MS), DOCUMENT, keys["p256"], at_ms=NOVEMBER_MS)
    good, bad = cms.read(signature).signers
    changed = signature.replace(bad.signature, bad.signature[:-1] + bytes([bad.signature[-1] ^ 1]))
    with pytest.raises(Refused, match="cms.tampered"):
        cms.verify(changed, DOCUMENT)
    one, other = cms.read(changed).signers
    cms.check(one, DOCUMENT)
    with pytest.raises(Refused, match="cms.tampered"):
        cms.check(other, DOCUMENT)
    assert one.certificate == good.certificate


def test_a_timestamp_is_added_beside_the_signature(keys: dict[str, Key]) -> None:
    token = cms.sign_attached(der.sequence(), keys["rsa2048"], at_ms=NOVEMBER_MS, content_type=TST_INFO)
    signature = cms.add_signer(cms.sign_detached(DOCUMENT, keys["gost512"], at_ms=NOVEMBER_MS), DOCUMENT, keys["p256"], at_ms=NOVEMBER_MS)
    stamped = cms.add_timestamp(signature, token, signer=1)
    found = cms.verify(stamped, DOCUMENT)
    by_certificate = {one.certificate: one for one in found.signers}
    stamped_one = cms.read(signature).signers[1].certificate
    assert [(one.level, one.timestamps) for one in (by_certificate[stamped_one],)] == [("CAdES-T", (token,))]
    assert sorted(one.level for one in found.signers) == ["CAdES-B", "CAdES-T"]
    twice = cms.add_timestamp(stamped, token, signer=[one.level for one in found.signers].index("CAdES-T"))
    assert sorted(len(one.timestamps) for one in cms.verify(twice, DOCUMENT).signers) == [0, 2]
    assert der.oid(TIMESTAMP) in stamped
    with pytest.raises(Refused, match="cms.broken"):
        cms.add_timestamp(signature, token, signer=2)
    assert cms.verify(token, content_type=TST_INFO).content == der.sequence()
    with pytest.raises(Refused, match="cms.broken"):  # a token is not the signature of a document
        cms.verify(token)


@pytest.mark.parametrize(
    "moment", [der.text("yesterday"), der.element(der.UTC_TIME, b"260231000000Z"), der.element(der.UTC_TIME, b"2601010000+06")]
)
def test_a_moment_that_is_none_is_refused_at_once(keys: dict[str, Key], moment: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rightly signed, and still no time: nobody later meets it unread."""
    monkeypatch.setattr(der, "time", lambda at_ms: moment)
    signature = cms.sign_detached(DOCUMENT, keys["p256"], at_ms=NOVEMBER_MS)
    for door in (cms.read, lambda data: cms.verify(data, DOCUMENT), cms.signed_attributes_signer):
        with pytest.raises(Refused, match="cms.broken"):
            door(signature)


def test_without_its_certificate_a_signature_needs_it_from_elsewhere(keys: dict[str, Key]) -> None:
    certificate = keys["p256"].certificate.der
    whole = der.read(cms.sign_detached(DOCUMENT, keys["p256"], at_ms=NOVEMBER_MS))
    parts = [part.raw for part in whole[1][0] if part.tag != 0xA0]
    bare = der.sequence(whole[0].raw, der.explicit(0, der.sequence(*parts)))
    with pytest.raises(Refused, match="cms.certificate"):
        cms.verify(bare, DOCUMENT)
    with pytest.raises(Refused, match="cms.broken"):
        cms.verify(bare, DOCUMENT, others=[keys["rsa2048"].certificate.der])
    assert cms.verify(bare, DOCUMENT, others=[keys["rsa2048"].certificate.der, certificate]).signers[0].certificate.der == certificate


@pytest.fixture(scope="session")
def places(all_keys: dict[str, Key]) -> dict[str, tuple[bytes, list[range]]]:
    """Each kind's attached signature, and where its content, certificate, signed attributes and signature lie."""
    found = {}
    for kind, key in all_keys.items():
        data = cms.sign_attached(DOCUMENT, key, at_ms=NOVEMBER_MS)
        (signer,) = cms.read(data).signers
        assert signer.signed is not None
        inside = der.read(signer.signed).body
        parts = (DOCUMENT, key.certificate.der, inside, signer.signature)
        found[kind] = (data, [range(data.rindex(part), data.rindex(part) + len(part)) for part in parts])
    return found


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(KINDS), part=st.integers(0, 3), place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_changed_byte_anywhere_is_refused(
    places: dict[str, tuple[bytes, list[range]]], kind: str, part: int, place: float, mask: int
) -> None:
    data, ranges = places[kind]
    at = ranges[part][int(place * len(ranges[part]))]
    with pytest.raises(Refused):
        cms.verify(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :], DOCUMENT)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_openssl_agrees(authorities: dict[str, Authority], keys: dict[str, Key], kind: str, tmp_path: Path) -> None:
    """It verifies ours, refuses what we refuse, and we verify its own: attached and detached, two signers too."""
    key, root = keys[kind], tmp_path / "root.pem"
    chain = [*authorities[kind].anchors(), *authorities[kind].authorities()]
    root.write_text("".join(f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(one).decode()}-----END CERTIFICATE-----\n" for one in chain))
    document, signature = tmp_path / "document", tmp_path / "signature"
    document.write_bytes(DOCUMENT)

    def openssl(*arguments: str) -> bool:
        command = ["openssl", "cms", *arguments, "-binary", "-outform" if "-sign" in arguments else "-inform", "DER"]
        return subprocess.run(command, capture_output=True, cwd=tmp_path, check=False).returncode == 0

    verify = ("-verify", "-CAfile", "root.pem", "-purpose", "any", "-attime", str(NOVEMBER_MS // 1000), "-in", "signature", "-out", "said")
    signature.write_bytes(cms.sign_detached(DOCUMENT, key, at_ms=NOVEMBER_MS))
    assert openssl(*verify, "-content", "document")
    document.write_bytes(DOCUMENT + b".")
    assert not openssl(*verify, "-content", "document")
    document.write_bytes(DOCUMENT)
    signature.write_bytes(cms.add_signer(cms.sign_attached(DOCUMENT, key, at_ms=NOVEMBER_MS), None, key, at_ms=NOVEMBER_MS + 1000))
    assert openssl(*verify)
    assert (tmp_path / "said").read_bytes() == DOCUMENT
    (tmp_path / "key.pem").write_bytes(
        key._reveal().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())  # type: ignore[union-attr]
        + b"-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(key.certificate.der)
        + b"-----END CERTIFICATE-----\n"
    )
    sign = ("-sign", "-signer", "key.pem", "-in", "document", "-out", "signature")
    for more in ((), ("-nodetach",), ("-nodetach", "-indef"), ("-cades",), ("-keyid",), ("-noattr",), ("-md", "sha512")):
        assert openssl(*sign, *more), more
        found = cms.verify(signature.read_bytes(), DOCUMENT)
        assert (found.signers[0].certificate, found.content is not None) == (key.certificate, "-nodetach" in more)
        assert (found.signers[0].level == "CAdES-B") == ("-cades" in more)
        assert (found.signers[0].signed is None) == ("-noattr" in more)
