"""Reading the hashes back from a typeset statement."""

import hashlib

import pytest
from paper_people import a_statement

from common.errors import Refused
from common.papers.reading import hashes_named
from common.papers.statement import statement_pdf


def test_every_attachment_is_read_back() -> None:
    paper = a_statement()
    assert hashes_named(statement_pdf(paper)) == {file.sha256 for file in paper.attachments}


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", hashlib.sha256(b"noise").digest() * 100, b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF"])
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        hashes_named(data)
    assert refused.value.code == "papers.unreadable"
