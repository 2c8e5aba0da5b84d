"""Reading the hashes and the witness back from a typeset statement."""

import hashlib
import io
import tracemalloc
import zlib
from dataclasses import replace

import pikepdf
import pytest
from paper_people import a_statement

from common.errors import Refused
from common.papers.reading import hashes_named, witnessed_for
from common.papers.statement import Witness, statement_pdf
from common.papers.words import Lang


def test_every_attachment_is_read_back() -> None:
    paper = a_statement()
    assert hashes_named(statement_pdf(paper)) == {file.sha256 for file in paper.attachments}


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", hashlib.sha256(b"noise").digest() * 100, b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF"])
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        hashes_named(data)
    assert refused.value.code == "papers.unreadable"


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_a_witness_is_read_back_from_the_place_of_the_signature_alone(lang: Lang) -> None:
    said = "Қол қоюшы: \n\nКілті жоқ адам үшін: Біреу, ЖСН 1\n\nПодписывает: \n\nЗа человека без ключа: Кто-то"
    paper = a_statement(
        lang=lang, circumstances=said, requirement=said, signer_name="Сәрсенова Айгүл Маратқызы", signer_number="850312400127"
    )
    assert witnessed_for(statement_pdf(paper)) == ""
    witness = Witness(name="Қасымова Дина", court=paper.court, document="жеке куәлік № 012345678")
    assert witnessed_for(statement_pdf(replace(paper, witness=witness))) == "Сәрсенова Айгүл Маратқызы"


def test_what_unpacks_to_too_much_is_not_unpacked() -> None:
    with pikepdf.open(io.BytesIO(statement_pdf(a_statement()))) as made:
        made.pages[0].Contents = made.make_stream(zlib.compress(b" " * 64 * 1024**2, 9), {"/Filter": pikepdf.Name.FlateDecode})
        out = io.BytesIO()
        made.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    tracemalloc.start()
    with pytest.raises(Refused, match="papers.unreadable"):
        witnessed_for(out.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2
    tracemalloc.stop()
