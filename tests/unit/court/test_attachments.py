"""Uploaded files: taken by content, refused each with its own code."""

import contextlib
import hashlib
import io
import struct
import zipfile
import zlib
from pathlib import Path

import made_files as made
import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.court import attachment_pdf, attachment_zip, attachments
from common.court.attachment_pdf import PdfRefused, count_pages, count_pages_apart
from common.court.attachment_refusals import SENTENCES
from common.errors import Refused

SAMPLES = {
    "a.pdf": made.pdf(),
    "a.docx": made.office(),
    "a.xlsx": made.office(made.EXCEL_MAIN, {"xl/workbook.xml": b"<workbook/>"}),
    "a.doc": made.compound({"WordDocument": made.word(), "1Table": b"t" * 100}),
    "a.xls": made.compound({"Workbook": made.excel()}),
    "a.jpg": made.jpeg(),
    "a.png": made.png(),
}


def code_of(name: str, data: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        attachments.inspect(name, data, field="claim_file", count_pages=count_pages)
    assert refusal.value.field == "claim_file"
    assert str(refusal.value)  # the sentence and its values fit
    return refusal.value.code


@pytest.mark.parametrize(
    ("name", "pages"), [("a.pdf", 3), ("a.docx", 0), ("a.xlsx", 0), ("a.doc", 0), ("a.xls", 0), ("a.jpg", 1), ("a.png", 1)]
)
def test_what_a_court_takes(name: str, pages: int, tmp_path: Path) -> None:
    data = SAMPLES[name]
    path = tmp_path / "upload"
    path.write_bytes(data)
    found = attachments.inspect(f"C:\\Құжаттар\\Талап_арыз {name.upper()}", path)
    assert (found.pages, found.size, found.sha256) == (pages, len(data), hashlib.sha256(data).digest())
    assert found.media_type in attachments.MEDIA_TYPES
    assert found.title_suggestion == "Талап арыз A"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_cut_off_upload_is_damaged(name: str) -> None:
    data = SAMPLES[name]
    assert code_of(name, data[: len(data) * 2 // 3]) == "upload.broken"


def test_empty_large_and_unknown() -> None:
    assert code_of("a.pdf", b"") == "upload.empty"
    assert code_of("a.pdf", b"%PDF-" + bytes(attachments.FILE_BYTES_MAX)) == "upload.large"
    assert code_of("a.rtf", b"{\\rtf1 }") == "upload.type"
    assert code_of("a.exe", b"MZ" + bytes(200)) == "upload.type"
    assert (
        code_of("a.pptx", made.office(b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"))
        == "upload.type"
    )
    assert code_of("a.msg", made.compound({"__properties_version1.0": b"x" * 100})) == "upload.type"


def test_the_size_is_looked_at_before_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    with path.open("wb") as file:
        file.truncate(attachments.FILE_BYTES_MAX + 1)
    with pytest.raises(Refused) as refusal:
        attachments.inspect("a.pdf", path)
    assert refusal.value.params == {"max": 20}


@pytest.mark.parametrize(
    ("name", "real"),
    [("a.docx", "a.pdf"), ("a.pdf", "a.docx"), ("a.xlsx", "a.docx"), ("a.doc", "a.xls"), ("a.png", "a.jpg"), ("a.exe", "a.pdf")],
)
def test_a_name_that_says_something_else(name: str, real: str) -> None:
    assert code_of(name, SAMPLES[real]) == "upload.named"


@pytest.mark.parametrize("name", ["Иск", "Иск от 21.11", "", "a.PDF", ".pdf"])
def test_names_that_say_nothing_are_fine(name: str) -> None:
    assert attachments.inspect(name, SAMPLES["a.pdf"], count_pages=count_pages).pages == 3


def test_closed_with_a_password() -> None:
    assert code_of("a.pdf", made.pdf(encryption=pikepdf.Encryption(owner="o", user="u"))) == "upload.encrypted"
    assert code_of("a.pdf", made.pdf(encryption=pikepdf.Encryption(owner="o", user=""))) == "upload.protected"
    assert code_of("a.docx", made.compound({"EncryptedPackage": b"e" * 5000, "EncryptionInfo": b"i" * 100})) == "upload.encrypted"
    assert code_of("a.doc", made.compound({"WordDocument": made.word(encrypted=True)})) == "upload.encrypted"
    assert code_of("a.doc", made.compound({"WordDocument": made.word(encrypted=True, size=200)})) == "upload.encrypted"
    assert code_of("a.xls", made.compound({"Workbook": made.excel(encrypted=True)})) == "upload.encrypted"
    locked = bytearray(SAMPLES["a.docx"])
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    assert code_of("a.docx", bytes(locked)) == "upload.encrypted"


def test_no_pages() -> None:
    assert code_of("a.pdf", made.pdf(pages=0)) == "upload.no_pages"


def _script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def _named_script(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    pdf.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=pikepdf.Array(["a", action])))


def _launch(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="cmd.exe")
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 1, 1], A=action)
    pdf.pages[0].Annots = pdf.make_indirect(pikepdf.Array([link]))


def _go_to_page(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=pikepdf.Array([pdf.pages[0].obj, pikepdf.Name.Fit]))


@pytest.mark.parametrize("action", [_script, _named_script, _launch])
@pytest.mark.parametrize("packed", [pikepdf.ObjectStreamMode.generate, pikepdf.ObjectStreamMode.disable])
def test_programs_inside_a_pdf(action: object, packed: pikepdf.ObjectStreamMode) -> None:
    assert code_of("a.pdf", made.pdf(change=action, object_stream_mode=packed)) == "upload.active"  # type: ignore[arg-type]


def test_an_ordinary_link_is_no_program() -> None:
    assert attachments.inspect("a.pdf", made.pdf(change=_go_to_page), count_pages=count_pages).pages == 3


def test_macros() -> None:
    assert code_of("a.docx", made.office(parts={"word/vbaProject.bin": b"x"})) == "upload.macros"
    assert code_of("a.docx", made.office(b"application/vnd.ms-word.document.macroEnabled.main+xml")) == "upload.macros"
    assert code_of("a.doc", made.compound({"WordDocument": made.word(), "_VBA_PROJECT": b"x"})) == "upload.macros"


def test_archives_that_unpack_without_end() -> None:
    bomb = made.office(parts={"word/document.xml": bytes(attachment_zip.UNPACKED_BYTES_MAX + 1)})
    assert len(bomb) < 1_000_000
    assert code_of("a.docx", bomb) == "upload.unpacks"
    assert code_of("a.docx", made.office(parts={"word/document.xml": bytes(20_000_000)})) == "upload.unpacks"  # dense beyond belief
    many = made.office(parts={f"word/{number}.xml": b"" for number in range(attachment_zip.ENTRIES_MAX)})
    assert code_of("a.docx", many) == "upload.unpacks"


def test_an_archive_that_lies_about_its_length() -> None:
    honest = made.office(parts={"word/document.xml": bytes(5_000_000)})
    lie = honest.replace(struct.pack("<I", 5_000_000), struct.pack("<I", 100))
    assert lie != honest
    assert code_of("a.docx", lie) == "upload.broken"


def test_an_archive_without_contents_list() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("photo.jpg", b"x")
    assert code_of("a.docx", out.getvalue()) == "upload.type"


def test_pictures_nobody_can_open() -> None:
    assert code_of("a.png", made.png(20_000, 20_000)) == "upload.pixels"
    assert code_of("a.jpg", made.jpeg(60_000, 60_000)) == "upload.pixels"
    assert code_of("a.png", made.png(0, 5)) == "upload.broken"
    damaged = bytearray(made.png())
    damaged[-18] ^= 1  # inside the points: the checksum tells
    assert code_of("a.png", bytes(damaged)) == "upload.broken"


def test_a_loop_in_a_compound_file_ends() -> None:
    data = bytearray(SAMPLES["a.doc"])
    struct.pack_into("<I", data, 512 + 4, 1)  # the directory's only sector follows itself
    assert code_of("a.doc", bytes(data)) == "upload.broken"


def test_the_child_reads_as_this_process_does() -> None:
    assert count_pages_apart(SAMPLES["a.pdf"]) == 3
    with pytest.raises(PdfRefused, match="encrypted"):
        count_pages_apart(made.pdf(encryption=pikepdf.Encryption(owner="o", user="u")))
    with pytest.raises(PdfRefused, match="broken"):
        count_pages_apart(b"%PDF-1.7 nothing")


def test_a_pdf_bomb_ends_the_child_and_not_us() -> None:
    """Its cross-reference stream unpacks to more memory than the child may have."""
    bomb = _xref_bomb(600 * 1024**2)
    assert len(bomb) < attachments.FILE_BYTES_MAX
    with pytest.raises(PdfRefused) as refusal:
        count_pages_apart(bomb)
    assert str(refusal.value) in attachment_pdf.REFUSALS


def _xref_bomb(size: int) -> bytes:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1024**2)) for _ in range(size // 1024**2)) + packer.flush()
    body = b"%PDF-1.7\n1 0 obj\n<</Type/XRef/Size 9/W[1 2 1]/Root 2 0 R/Filter/FlateDecode/Length " + str(len(packed)).encode()
    return body + b">>stream\n" + packed + b"\nendstream endobj\nstartxref\n9\n%%EOF"


def test_every_refusal_of_the_child_has_a_sentence() -> None:
    assert set(SENTENCES) >= attachment_pdf.REFUSALS


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\u202egpj.pdf", "x" * 500 + ".pdf", "талап_арыз__2.pdf", "\0"])
def test_titles_are_harmless(name: str) -> None:
    title = attachments.title(name)
    assert len(title) <= attachments.TITLE_CHARS_MAX
    assert title.isprintable()
    assert "/" not in title


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_only_our_refusals_leave(name: str, data: st.DataObject) -> None:
    """A sound file with some bytes changed, removed or added."""
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=8))
        content[at : at + data.draw(st.integers(0, 8))] = piece
        content = content or bytearray(b"x")
    with contextlib.suppress(Refused):
        attachments.inspect(name, bytes(content), count_pages=count_pages)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]),
    st.binary(max_size=2000),
    st.text(max_size=20),
)
def test_garbage_is_refused_by_us(magic: bytes, rest: bytes, name: str) -> None:
    with contextlib.suppress(Refused):
        attachments.inspect(name, magic + rest, count_pages=count_pages)


def test_a_machine_that_has_too_much_to_do_does_not_blame_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment_pdf, "WALL_SECONDS_MAX", 0.001)
    with pytest.raises(Refused) as refusal:
        attachments.inspect("a.pdf", SAMPLES["a.pdf"])
    assert refusal.value.code == "upload.busy"
