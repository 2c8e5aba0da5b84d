"""Copies of a signed PDF with their evidence inside: the signed bytes stay, and other people's software agrees where it can."""

import asyncio
import io
from datetime import UTC, datetime

import pytest
from asn1crypto import x509 as asn1_x509
from pki_samples import NOVEMBER_MS, tiny_pdf
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore

from common.errors import Refused
from common.pki import cms, ocsp, pades_evidence, timestamps
from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key
from common.pki.pades import read_pdf_signatures, sign_pdf
from common.pki.profile import OCSP_SIGNING, TIME_STAMPING
from common.pki.timestamps import POLICY_GOST_2015, POLICY_RSA, Request
from tests.pki_services import ocsp_response, timestamp_response

POLICIES = {"gost512": POLICY_GOST_2015, "rsa2048": POLICY_RSA}


@pytest.fixture(scope="module")
def signed(keys: dict[str, Key]) -> dict[str, bytes]:
    return {kind: sign_pdf(tiny_pdf(), keys[kind], at_ms=NOVEMBER_MS, field="citizen") for kind in POLICIES}


def token(authority: Authority, kind: str, pdf: bytes) -> bytes:
    value = cms.read(read_pdf_signatures(pdf)[0].cms).signers[0].signature
    request = Request.over(value, policy=POLICIES[kind])
    service = authority.issue_service("TSA", TIME_STAMPING, not_before_ms=NOVEMBER_MS - 1000)
    return request.read_response(timestamp_response(request.encoded(), service, at_ms=NOVEMBER_MS, serial=9))


@pytest.mark.parametrize("kind", POLICIES)
def test_a_copy_with_a_timestamp_signs_the_same_bytes(kind: str, signed: dict[str, bytes], authorities: dict[str, Authority]) -> None:
    stamped = pades_evidence.with_timestamp(signed[kind], token(authorities[kind], kind, signed[kind]))
    assert len(stamped) == len(signed[kind])
    before, after = read_pdf_signatures(signed[kind])[0], read_pdf_signatures(stamped)[0]
    assert (before.level, after.level) == ("CAdES-B", "CAdES-T")
    assert after.intact
    assert after.covers_whole
    assert after.byte_range_digest == before.byte_range_digest
    signer = cms.read(after.cms).signers[0]
    assert timestamps.covers(signer.timestamps[0], signer.signature).at_ms == NOVEMBER_MS


def lasting(signed: bytes, authority: Authority, key: Key) -> bytes:
    issuer = authority.issuer.certificate
    responder = authority.issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOVEMBER_MS - 1000)
    question = ocsp.Request.about(key.certificate, issuer)
    answer = ocsp_response(question.encoded(), authority, responder, at_ms=NOVEMBER_MS)
    crl = Authority(authority.root, authority.issuer).crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1)
    above = Authority(authority.root, authority.root).crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1)
    chain = [*authority.anchors(), *authority.authorities(), responder.certificate.der]
    return pades_evidence.with_validation_data(signed, certificates=chain, crls=[crl, above], ocsp=[answer])


def test_a_copy_that_lasts_is_validated_by_pyhanko_without_a_line(
    signed: dict[str, bytes], authorities: dict[str, Authority], keys: dict[str, Key]
) -> None:
    authority = authorities["rsa2048"]
    stamped = pades_evidence.with_timestamp(signed["rsa2048"], token(authority, "rsa2048", signed["rsa2048"]))
    whole = lasting(stamped, authority, keys["rsa2048"])
    assert whole.startswith(stamped)
    ours = read_pdf_signatures(whole)[0]
    assert (ours.intact, ours.holds, ours.level, ours.appended) == (True, True, "CAdES-T", "signatures")
    reader = PdfFileReader(io.BytesIO(whole))
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(
        {
            "trust_roots": [asn1_x509.Certificate.load(authority.anchors()[0])],
            "allow_fetching": False,
            "revocation_mode": "require",
            "moment": datetime.fromtimestamp(NOVEMBER_MS / 1000 + 60, UTC),
        }
    )
    status = asyncio.run(
        async_validate_pdf_signature(reader.embedded_signatures[0], signer_validation_context=context, ts_validation_context=context)
    )
    assert status.bottom_line, status.pretty_print_details()
    assert status.timestamp_validity.timestamp == datetime.fromtimestamp(NOVEMBER_MS / 1000, UTC)


def test_the_countrys_algorithms_are_embedded_too(
    signed: dict[str, bytes], authorities: dict[str, Authority], keys: dict[str, Key]
) -> None:
    whole = lasting(signed["gost512"], authorities["gost512"], keys["gost512"])
    assert read_pdf_signatures(whole)[0].holds
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(whole)))
    assert (len(store.certs), len(store.crls), len(store.ocsps)) == (3, 2, 1)


def test_nothing_is_put_under_a_later_signature(signed: dict[str, bytes], keys: dict[str, Key]) -> None:
    twice = sign_pdf(signed["gost512"], keys["p256"], at_ms=NOVEMBER_MS, field="node")
    stamped = pades_evidence.with_timestamp(twice, cms.sign_detached(b"", keys["p256"], at_ms=0))  # the last one takes it
    assert [one.level for one in read_pdf_signatures(stamped)] == ["CAdES-B", "CAdES-T"]
    assert all(one.intact for one in read_pdf_signatures(stamped))
    for pdf in (tiny_pdf(), pades_evidence.with_validation_data(twice, certificates=[keys["p256"].certificate.der])):
        with pytest.raises(Refused, match="pdf.not_last"):
            pades_evidence.with_timestamp(pdf, b"")


def test_what_does_not_fit_is_refused(signed: dict[str, bytes], keys: dict[str, Key]) -> None:
    with pytest.raises(Refused, match="pdf.signature_size"):
        pades_evidence.with_timestamp(signed["rsa2048"], cms.sign_attached(bytes(9000), keys["p256"], at_ms=0))
    with pytest.raises(Refused, match="pdf.evidence_size"):
        pades_evidence.with_validation_data(signed["rsa2048"], certificates=[], crls=[bytes(pades_evidence.EMBEDDED_BYTES_MAX + 1)])
    with pytest.raises(Refused, match="pdf.broken"):
        pades_evidence.with_validation_data(signed["rsa2048"], certificates=[b"garbage"])
