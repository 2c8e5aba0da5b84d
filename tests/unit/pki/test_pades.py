"""Signatures in PDFs: made, read back, counted; every change and every addition is seen; poppler agrees."""

import io
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from pki_samples import NATIONAL, NOVEMBER_MS, PASSWORD, national, tiny_pdf
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from common.errors import Refused
from common.pki import cms
from common.pki.authority import Authority
from common.pki.keystore import Key, open_p12
from common.pki.pades import CMS_BYTES_RESERVED, embed, prepare_pdf, read_pdf_signatures, sign_pdf


def test_the_national_sample_signed_with_a_national_key() -> None:
    key = open_p12(national(f"{NATIONAL}individual/valid/individual_valid.p12"), PASSWORD)
    signed = sign_pdf(national("ncanode-go-2026/pdf/sample.pdf"), key, at_ms=NOVEMBER_MS, field="citizen", reason="Талап қою")
    (found,) = read_pdf_signatures(signed)
    assert found.holds
    assert (found.field, found.signing_time_ms, found.certificate) == ("citizen", NOVEMBER_MS, key.certificate)


def test_signing_changes_no_byte_and_no_metadata(key: Key) -> None:
    pdf = tiny_pdf()
    signed = sign_pdf(pdf, key, at_ms=NOVEMBER_MS, field="citizen")
    assert signed.startswith(pdf)
    assert b"pyHanko" not in signed
    assert b"/Metadata" not in signed
    (found,) = read_pdf_signatures(signed)
    assert (found.intact, found.covers_whole) == (True, True)
    assert cms.signed_attributes_signer(found.cms)[2] == found.byte_range_digest


def test_citizen_node_and_clerk_sign_one_after_another(all_keys: dict[str, Key], node_key: Key) -> None:
    """Each signature covers the file as it was then, byte for byte; keys of 2004 are found among them."""
    pdf, lengths = tiny_pdf(), []
    signers = (("citizen", all_keys["gost512"]), ("node", node_key), ("lawyer", all_keys["gost2004"]), ("clerk", all_keys["rsa2048"]))
    for field, key in signers:
        pdf = sign_pdf(pdf, key, at_ms=NOVEMBER_MS, field=field)
        lengths.append(len(pdf))
    found = read_pdf_signatures(pdf)
    assert [(one.field, one.certificate) for one in found] == [(field, key.certificate) for field, key in signers]
    assert [one.covered_bytes for one in found] == lengths
    assert [one.covers_whole for one in found] == [False, False, False, True]
    assert [one.appended for one in found] == ["signatures"] * 3 + ["nothing"]
    assert {one.level for one in found} == {"CAdES-B"}
    assert all(one.holds for one in found)
    for one in found:  # the file as this signer saw it
        (*_, last) = read_pdf_signatures(pdf[: one.covered_bytes])
        assert (last.field, last.covers_whole, last.holds) == (one.field, True, True)


@pytest.fixture(scope="module")
def signed_pdfs(all_keys: dict[str, Key]) -> dict[str, bytes]:
    return {kind: sign_pdf(tiny_pdf(), key, at_ms=NOVEMBER_MS, field="citizen") for kind, key in all_keys.items()}


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(["gost512", "gost256", "gost2004", "rsa2048", "p256"]),
    place=st.floats(0, 1, exclude_max=True),
    mask=st.integers(1, 255),
)
def test_whichever_byte_changes_is_seen(signed_pdfs: dict[str, bytes], kind: str, place: float, mask: int) -> None:
    signed = signed_pdfs[kind]
    gap = signed.index(b"/Contents <") + 11
    covered = [*range(gap + 3500), *range(gap + 2 * CMS_BYTES_RESERVED, len(signed))]  # the zeros of the gap: below
    at = covered[int(place * len(covered))]
    assert not _holds(signed[:at] + bytes([signed[at] ^ mask]) + signed[at + 1 :])


def test_a_changed_byte_in_the_gap_is_seen(keys: dict[str, Key]) -> None:
    """No signature covers the gap: its form is held instead, to the last zero."""
    signed = sign_pdf(tiny_pdf(), keys["p256"], at_ms=NOVEMBER_MS, field="citizen")
    gap = signed.index(b"/Contents <") + 11
    end = gap + 2 * CMS_BYTES_RESERVED
    for at in (*range(gap, gap + 2400, 197), *range(gap + 2400, end, 1997), end - 1):
        assert not _holds(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]), at


def _holds(pdf: bytes) -> bool:
    try:
        found = read_pdf_signatures(pdf)
    except Refused:
        return False
    return len(found) == 1 and found[0].holds and found[0].covers_whole


def test_what_is_appended_is_seen(keys: dict[str, Key]) -> None:
    signed = sign_pdf(tiny_pdf("100 KZT"), keys["gost512"], at_ms=NOVEMBER_MS, field="citizen")
    (found,) = read_pdf_signatures(_with_other_words(signed, b"900 KZT"))
    assert (found.intact, found.covers_whole, found.appended, found.holds) == (True, False, "content", False)
    twice = sign_pdf(signed, keys["p256"], at_ms=NOVEMBER_MS, field="node")
    for pdf in (signed + b"% a comment\n", twice + b"\0", _with_other_words(twice, b"900 KZT")):
        for found in read_pdf_signatures(pdf):
            assert (found.covers_whole, found.appended, found.holds) == (False, "content", False)


def _with_other_words(signed: bytes, words: bytes) -> bytes:
    """Return the document with an update that puts other words on its page."""
    stream = b"BT /F1 24 Tf 72 720 Td (" + words + b") Tj ET"
    before = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    trailer = signed[signed.rindex(b"trailer") :]
    size = int(re.search(rb"/Size (\d+)", trailer).group(1))  # type: ignore[union-attr]
    root = re.search(rb"/Root (\d+ \d+ R)", trailer).group(1)  # type: ignore[union-attr]
    at = len(signed) + 1
    body = b"\n4 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(stream), stream)
    start = len(signed) + len(body)
    xref = b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        at,
        size,
        root,
        before,
        start,
    )
    return signed + body + xref


def test_a_range_that_hides_other_bytes_is_refused(keys: dict[str, Key]) -> None:
    """The gap is widened in the file's own words: what lies there would be signed by nobody."""
    signed = sign_pdf(tiny_pdf(), keys["p256"], at_ms=NOVEMBER_MS, field="citizen")
    start, end, rest = (int(number) for number in re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", signed).groups())  # type: ignore[union-attr]
    old, new = (b"/ByteRange [0 %d %d %d]" % numbers for numbers in ((start, end, rest), (start, end + 9, rest - 9)))
    assert not _holds(signed.replace(old, new.ljust(len(old))[: len(old)]))


def test_deferred_signing_takes_only_the_right_signature(key: Key) -> None:
    prepared, to_sign = prepare_pdf(tiny_pdf(), at_ms=NOVEMBER_MS, field="citizen")
    assert read_pdf_signatures(embed(prepared, cms.sign_detached(to_sign, key, at_ms=NOVEMBER_MS)))[0].holds
    with pytest.raises(Refused, match="cms.tampered"):
        embed(prepared, cms.sign_detached(to_sign + b" ", key, at_ms=NOVEMBER_MS))
    with pytest.raises(Refused, match="pdf.broken"):
        embed(tiny_pdf(), cms.sign_detached(to_sign, key, at_ms=NOVEMBER_MS))
    done = embed(prepared, cms.sign_detached(to_sign, key, at_ms=NOVEMBER_MS))
    with pytest.raises(Refused, match="pdf.broken"):  # filled already
        embed(done, cms.sign_detached(to_sign, key, at_ms=NOVEMBER_MS))


def test_bad_input_has_its_own_refusal(keys: dict[str, Key]) -> None:
    key = keys["p256"]
    signed = sign_pdf(tiny_pdf(), key, at_ms=NOVEMBER_MS, field="citizen")
    for pdf, field, code in (
        (b"", "x", "pdf.broken"),
        (b"%PDF-1.7\n", "x", "pdf.broken"),
        (tiny_pdf()[:-40], "x", "pdf.broken"),
        (tiny_pdf(), "a.b", "pdf.field"),
        (signed, "citizen", "pdf.field"),
    ):
        with pytest.raises(Refused, match=code):
            sign_pdf(pdf, key, at_ms=NOVEMBER_MS, field=field)
    assert read_pdf_signatures(tiny_pdf()) == ()
    with pytest.raises(Refused, match="pdf.signature_broken"):
        read_pdf_signatures(prepare_pdf(tiny_pdf(), at_ms=NOVEMBER_MS, field="citizen")[0])


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig")
def test_poppler_agrees_on_several_signatures(keys: dict[str, Key], tmp_path: Path) -> None:
    """Where it knows the algorithms: each valid, only the last over the whole file; ours say the same."""
    pdf = tiny_pdf()
    for field, key in (("citizen", keys["rsa2048"]), ("node", keys["p256"]), ("clerk", keys["rsa2048"])):
        pdf = sign_pdf(pdf, key, at_ms=NOVEMBER_MS, field=field)
    file = tmp_path / "three.pdf"
    file.write_bytes(pdf)
    shown = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=False).stdout
    found = read_pdf_signatures(pdf)
    assert shown.count("Signature is Valid") == sum(one.intact for one in found) == 3
    assert shown.count("Total document signed") == sum(one.covers_whole for one in found) == 1
    assert all(
        f"Signed Ranges: [0 - {start}], [{end} - {one.covered_bytes}]" in shown for one, (start, end) in zip(found, _gaps(pdf), strict=True)
    )


def _gaps(pdf: bytes) -> list[tuple[int, int]]:
    return [(int(start), int(end)) for start, end in re.findall(rb"/ByteRange \[0 (\d+) (\d+) \d+\]", pdf)]


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig")
def test_poppler_agrees_on_a_nodes_signature(node_key: Key, tmp_path: Path) -> None:
    file = tmp_path / "talon.pdf"
    signed = sign_pdf(tiny_pdf(), node_key, at_ms=NOVEMBER_MS, field="node")
    file.write_bytes(signed)
    shown = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=False, env={"TZ": "UTC"}).stdout
    assert "Signature is Valid" in shown
    assert "Total document signed" in shown
    assert "Nov 21 2026 12:00:00" in shown
    file.write_bytes(signed.replace(b"(Hello)", b"(Hallo)"))
    assert "Signature is Valid" not in subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("subfilter", [SigSeedSubFilter.PADES, SigSeedSubFilter.ADOBE_PKCS7_DETACHED], ids=["pades", "adobe"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_pyhankos_own_signatures_hold_and_ours_hold_for_it(
    keys: dict[str, Key], authorities: dict[str, Authority], kind: str, subfilter: SigSeedSubFilter
) -> None:
    """Where pyHanko knows the algorithm it is an independent maker and judge: the two orders of signing, both forms."""
    key, chain = keys[kind], [*authorities[kind].anchors(), *authorities[kind].authorities()]
    root, issuer = (asn1_x509.Certificate.load(one) for one in chain)
    secret = key._reveal().private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())  # type: ignore[union-attr]
    maker = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(key.certificate.der),
        signing_key=asn1_keys.PrivateKeyInfo.load(secret),
        cert_registry=SimpleCertificateStore.from_certs([issuer, root]),
    )
    ours = sign_pdf(tiny_pdf(), key, at_ms=NOVEMBER_MS, field="first")
    meta = signers.PdfSignatureMetadata(field_name="second", subfilter=subfilter, md_algorithm="sha256")
    both = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(ours)), meta, signer=maker).getvalue()
    found = read_pdf_signatures(both)
    assert [(one.field, one.holds, one.certificate) for one in found] == [
        ("first", True, key.certificate),
        ("second", True, key.certificate),
    ]
    moment = datetime.fromtimestamp(NOVEMBER_MS / 1000, UTC)
    for embedded in PdfFileReader(io.BytesIO(both)).embedded_signatures:
        context = ValidationContext(trust_roots=[root], other_certs=[issuer], moment=moment, allow_fetching=False)
        status = validate_pdf_signature(embedded, context)
        assert (status.intact, status.valid, status.trusted) == (True, True, True)
