"""What the tests of the PKI share: the national test data beside the checkout, and a PDF of one empty page."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "pki" / "data"
NATIONAL = "ncanode-go-2026/certs/"
PASSWORD = "Qwerty12"
NOVEMBER_MS = 1_795_262_400_000
"""2026-11-21 12:00 UTC: the keys run until May 2027, their list until February."""


def national(path: str) -> bytes:
    """Return a file of the national test data; skip the test where it is not at hand."""
    file = DATA / path
    if not file.is_file():
        pytest.skip("no national test data")
    return file.read_bytes()


def tiny_pdf(words: str = "Hello") -> bytes:
    """Return a PDF of one page."""
    stream = f"BT /F1 24 Tf 72 720 Td ({words}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size 6 /Root 1 0 R /ID [<00><00>] >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
