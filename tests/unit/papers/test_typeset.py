"""The door to Typst: no text is markup, every character shows, the letters of Kazakh print, the same facts give the same bytes."""

from io import BytesIO
from pathlib import Path

import pypdf
import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st
from paper_people import LETTERS

from common.errors import Corrupt, Refused
from common.files import templates_folder
from common.papers import typeset as door
from common.papers.typeset import SHOWN, Attachment, cut, paragraphs, printable, typeset

BREAK = "\u200b"
HOUSE = ("sans", "mono-face")


def text_of(pdf: bytes) -> str:
    """The text a reader copies out of the PDF, without line ends and invisible breaks."""
    pages = pypdf.PdfReader(BytesIO(pdf)).pages
    return " ".join("".join(page.extract_text() for page in pages).replace(BREAK, "").replace("\u00ad", "").split())


@pytest.mark.parametrize("face", HOUSE)
@pytest.mark.parametrize("weight", [400, 700])
@pytest.mark.parametrize("installed", [True, False])
def test_every_character_we_print_has_a_glyph(face: str, weight: int, installed: bool) -> None:
    # PDF/A refuses a missing glyph, so compiling is the proof; each character alone would hide none behind a ligature
    fonts = door._fonts() if installed else door.fonts_from(None)
    source = f'#import "house.typ": *\n#set text(font: {face}, fallback: false, weight: {weight})\n#sys.inputs.x.clusters().join([ ])'
    pdf = typst.compile(
        source.encode(),
        font_paths=fonts,
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["a-2b"],
        root=str(templates_folder() / "papers"),
        sys_inputs={"facts": '{"data": {}}', "x": LETTERS + "".join(sorted(SHOWN - set("\u00ad")))},
    )
    assert LETTERS.replace(" ", "") in text_of(pdf).replace(" ", "")


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("😀", "[U+1F600]"),
        ("a\x00b", "a[U+0000]b"),
        ("中", "[U+4E2D]"),
        ("a\u200bb\ufeff", "ab"),
        ("a\tb\r\nc\u2028d", "a b c d"),
        ("и\u0306", "й"),
        ("x" + "\u0301" * 50, "x\u0301\u0301"),
        ("ab" * 32, "ab" * 32),
    ],
)
def test_what_the_fonts_cannot_show_is_shown_as_its_number(given_text: str, shown: str) -> None:
    assert printable(given_text) == shown


def test_long_words_may_break_and_words_of_people_may_not() -> None:
    assert BREAK not in printable("қанағаттандырылмағандықтан")
    broken = printable("ы" * 300)
    assert broken.replace(BREAK, "") == "ы" * 300
    assert max(map(len, broken.split(BREAK))) <= door.PIECE_CHARS


@given(st.text())
def test_printable_leaves_only_characters_with_glyphs(text: str) -> None:
    assert set(printable(text)) <= SHOWN | {BREAK}


def test_paragraphs_and_lines_are_the_persons() -> None:
    assert paragraphs("\n\nбір\nекі\n \n\nүш\r\nтөрт\n") == [["бір", "екі"], ["үш", "төрт"]]
    assert paragraphs(" \n") == []


def test_cut_says_that_something_is_missing() -> None:
    assert cut("сот", 3) == "сот"
    assert cut("соттар", 4) == "сот…"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "papers").mkdir()
    monkeypatch.setattr(door, "templates_folder", lambda: tmp_path)
    return tmp_path / "papers"


def test_a_broken_template_is_ours_to_answer_and_quotes_nobody(folder: Path) -> None:
    (folder / "t.typ").write_text("#set document(title: [t])\n#panic(sys.inputs.facts)")
    with pytest.raises(Corrupt) as broken:
        typeset("t.typ", {"name": "Сәрсенова"}, made_at=0)
    assert broken.value.code == "papers.typeset"
    assert "Сәрсенова" not in str(broken.value)
    with pytest.raises(Corrupt):
        typeset("none.typ", {}, made_at=0)


def test_a_paper_cannot_read_the_machine(folder: Path) -> None:
    (folder / "t.typ").write_text('#set document(title: [t])\n#read("/etc/passwd") #read("../../etc/passwd")')
    with pytest.raises(Corrupt):
        typeset("t.typ", {}, made_at=0)


def test_a_book_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        typeset("statement.typ", {"x": "a" * door.DATA_CHARS_MAX}, made_at=0)
    assert refused.value.code == "papers.too_long"


def test_files_are_embedded_as_they_are(folder: Path) -> None:
    (folder / "t.typ").write_text(
        '#let f = json(bytes(sys.inputs.facts))\n#set document(title: "t")\n#for a in f.attachments { pdf.attach(a.name, bytes(a.bytes), '
        "relationship: a.relationship, mime-type: a.mime, description: a.description) }\ntext"
    )
    data = bytes(range(256)) * 3
    pdf = typeset("t.typ", {}, made_at=0, attachments=(Attachment("r0.cose", data, "application/cose", "receipt", "source"),))
    assert pypdf.PdfReader(BytesIO(pdf)).attachments == {"r0.cose": [data]}
