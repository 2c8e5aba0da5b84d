"""Files made to keep a machine busy: refused within a moment and without taking its memory."""

import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from pki_samples import NOVEMBER_MS, tiny_pdf

from common.errors import Refused
from common.pki import cms, der, envelope
from common.pki.certificates import read_certificate
from common.pki.keystore import Key, open_p12, write_p12
from common.pki.pades import read_pdf_signatures, sign_pdf
from common.pki.signed_data import CERTIFICATES_MAX, CMS_BYTES_MAX, SIGNERS_MAX

SECONDS_MAX = 3.0  # of this process's own time: a moment on an idle machine
MEGABYTE = 1024 * 1024


def refused_quickly(door: Callable[[], object], code: str, *, memory_mb: int = 100) -> None:
    started = time.process_time()
    with pytest.raises(Refused, match=code):
        door()
    taken = time.process_time() - started
    tracemalloc.start()  # apart: to trace memory takes several times as long
    with pytest.raises(Refused, match=code):
        door()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < SECONDS_MAX
    assert most < memory_mb * MEGABYTE


BOMBS = {
    "nested without end": b"\x30\x80" * (4 * MEGABYTE),
    "nested, each with its length": b"".join(b"\x30\x84" + (9_000_000 - 6 * at).to_bytes(4, "big") for at in range(100_000)),
    "millions of elements": der.sequence(b"\x05\x00" * (4 * MEGABYTE)),
    "a length beyond the end": b"\x30\x84\x7f\xff\xff\xff" + bytes(MEGABYTE),
    "a string in millions of pieces": der.sequence(b"\x24\x80" + b"\x04\x01x" * (2 * MEGABYTE) + b"\0\0"),
    "a huge number": der.sequence(der.element(der.INTEGER, b"\x7f" * (4 * MEGABYTE)), der.sequence()),
    "a huge identifier": der.sequence(der.element(der.OID, b"\xff" * (4 * MEGABYTE) + b"\x01")),
    "white space": b" \n" * (8 * MEGABYTE) + b"MIIB",
    "beginnings": b"-----BEGIN CMS-----\n" * 400_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_asn1_made_to_explode(bomb: str) -> None:
    refused_quickly(lambda: cms.verify(BOMBS[bomb], b""), "cms.broken")
    refused_quickly(lambda: read_certificate(BOMBS[bomb][:60_000]), "pki.certificate_broken")
    refused_quickly(lambda: open_p12(BOMBS[bomb][:60_000], "a"), "p12.broken")


def test_more_than_the_limit_is_not_looked_at() -> None:
    for door, code, data in (
        (cms.read, "cms.broken", b"\x30" * (CMS_BYTES_MAX + 1)),
        (cms.read, "cms.broken", b"A" * (2 * CMS_BYTES_MAX + 1)),
        (lambda data: open_p12(data, "a"), "p12.broken", bytes(MEGABYTE)),
        (read_certificate, "pki.certificate_broken", bytes(MEGABYTE)),
    ):
        refused_quickly(lambda door=door, data=data: door(data), code, memory_mb=1)


@pytest.mark.parametrize(("signers", "certificates"), [(SIGNERS_MAX + 1, 1), (1, CERTIFICATES_MAX + 1)])
def test_more_signers_or_certificates_than_anybody_needs(keys: dict[str, Key], signers: int, certificates: int) -> None:
    parts = cms.parts_of(cms.sign_detached(b"x", keys["p256"], at_ms=NOVEMBER_MS))
    signature = cms._signed_data(
        1, [parts[1][0].raw], parts[2].raw, [keys["p256"].certificate.der] * certificates, [parts.parts[-1][0].raw] * signers
    )
    refused_quickly(lambda: cms.verify(signature, b"x"), "cms.broken")


def test_the_most_that_is_taken_takes_little(keys: dict[str, Key]) -> None:
    """As many signers as may be, all of the slowest algorithm and all right."""
    parts = cms.parts_of(cms.sign_detached(b"x", keys["gost512"], at_ms=NOVEMBER_MS))
    signature = cms._signed_data(
        1, [parts[1][0].raw], parts[2].raw, [keys["gost512"].certificate.der], [parts.parts[-1][0].raw] * SIGNERS_MAX
    )
    started = time.process_time()
    assert len(cms.verify(signature, b"x").signers) == SIGNERS_MAX
    assert time.process_time() - started < SECONDS_MAX


@pytest.mark.parametrize("times", [1, 3, 1000])
def test_a_key_file_that_asks_for_endless_work(keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Its limit is for the whole file, of all derivations together; here a thirtieth of it, and so of the time."""
    monkeypatch.setattr(envelope, "ITERATIONS_MAX", envelope.ITERATIONS_MAX // 30)
    data = write_p12(keys["gost256"], "a")
    number = der.integer(envelope.WRITTEN_ITERATIONS)
    assert data.count(number) == 3
    swapped = _with_number(der.read(data), number, der.integer(envelope.ITERATIONS_MAX * times // 3))
    refused_quickly(lambda: open_p12(swapped, "a"), "p12.broken" if times > 1 else "p12")


def _with_number(node: der.Node, old: bytes, new: bytes) -> bytes:
    if node.raw == old:
        return new
    if node.tag == der.OCTET_STRING and old in node.body and node.body[:1] == b"\x30":
        return der.octets(_with_number(der.read(node.body), old, new))
    return der.element(node.tag, b"".join(_with_number(part, old, new) for part in node)) if node.parts else node.raw


def test_a_small_pdf_does_not_become_a_large_one(keys: dict[str, Key]) -> None:
    """An object stream that unpacks to a hundred megabytes, and one packed twice."""
    signed = sign_pdf(tiny_pdf(), keys["p256"], at_ms=NOVEMBER_MS, field="citizen")
    packed = zlib.compress(b"1 0 2 2 " + b" " * (100 * MEGABYTE), 9)
    for filters, stream in (("/FlateDecode", packed), ("[/FlateDecode /FlateDecode]", zlib.compress(packed, 9))):
        bomb = _with_objects_in(signed, filters, stream)
        started = time.process_time()
        tracemalloc.start()
        with pytest.raises(Refused, match="pdf"):
            read_pdf_signatures(bomb)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 200 * MEGABYTE
        assert time.process_time() - started < SECONDS_MAX


def _with_objects_in(pdf: bytes, filters: str, stream: bytes) -> bytes:
    """Return the PDF with an update whose catalogue lies in an object stream."""
    at = len(pdf)
    head = f"99 0 obj\n<< /Type /ObjStm /N 1 /First 8 /Filter {filters} /Length {len(stream)} >>\nstream\n".encode()
    holder = head + stream + b"\nendstream\nendobj\n"
    table = b"".join(
        bytes((kind,)) + first.to_bytes(4, "big") + bytes((second,))
        for kind, first, second in ((2, 99, 0), (1, at, 0), (1, at + len(holder), 0))
    )
    start = at + len(holder)
    before = int(pdf[pdf.rindex(b"startxref") + 9 : pdf.rindex(b"%%EOF")])
    xref = f"100 0 obj\n<< /Type /XRef /Size 101 /Index [1 1 99 2] /W [1 4 1] /Root 1 0 R /Prev {before} /Length {len(table)} >>\nstream\n"
    return pdf + holder + xref.encode() + table + f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n".encode()
