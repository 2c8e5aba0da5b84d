"""What a statement says of its attachments and of its witness, read out of the page itself and not out of anything beside it.

The signature of the filer covers the page; the page names every attachment by its SHA-256. Reading the numbers back from
the signed bytes closes the chain: signature → page → hash → file. Pages are read as Typst writes them: text of subset
fonts, two bytes a sign, with a table of what each sign means.

    hashes_named(pdf)       {b"\\x9f…", …}
    witnessed_for(pdf)      "Сәрсенова Айгүл Маратқызы"
"""

import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pikepdf

from common.errors import N_, Refused
from common.papers.texts import word

PAGES_MAX = 200
"""A statement has a page or two; beyond this somebody sends a book to keep the machine busy."""
CONTENT_BYTES_MAX = 1024**2
"""Of all that pages show and of each table of signs, unpacked; the longest form makes some 200 KB."""
LANGUAGES = ("kk", "ru")

_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_PAIR = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4,})>")
_SHOWS = frozenset({"Tj", "TJ", "'", '"'})

Font = dict[int, str]


def hashes_named(pdf: bytes) -> frozenset[bytes]:
    """Return every SHA-256 printed on the pages of ``pdf``; raises Refused("papers.unreadable") where pages cannot be read."""
    return frozenset(bytes.fromhex(found) for text in _texts(pdf) for found in _HASH.findall(text))


def witnessed_for(pdf: bytes) -> str:
    """Return for whom, without a key, the signer of a statement of ours signs by what it says; empty for all other documents.

    Only what stands under the last "signed by" counts: no text of a person comes after it. Raises Refused("papers.unreadable").
    """
    texts = _texts(pdf)
    signers = {f"{word('statement.signer', lang)}: ": lang for lang in LANGUAGES}
    place = next((at for at in range(len(texts) - 1, -1, -1) if texts[at] in signers), None)
    if place is None:
        return ""
    lang = signers[texts[place]]
    rest = "".join(texts[place:]).partition(f"{word('statement.witness_for', lang)}: ")[2]
    person = rest.partition(f"{word('statement.document', lang)}: ")[0]
    return person.partition(f", {word('iin', lang)}\N{NO-BREAK SPACE}")[0].strip()


def _texts(pdf: bytes) -> list[str]:
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            if len(document.pages) > PAGES_MAX:
                raise ValueError("too many pages")
            if sum(_unpacked(stream) for page in document.pages for stream in _streams(page.obj.get("/Contents"))) > CONTENT_BYTES_MAX:
                raise ValueError("too much to read")
            return [text for page in document.pages for text in _texts_of(page)]
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise Refused("papers.unreadable", N_("The pages of this document cannot be read by the machine. Compare them by eye.")) from error


def _streams(contents: Any) -> list[Any]:
    return list(contents) if isinstance(contents, pikepdf.Array) else [contents] if contents is not None else []


def _unpacked(stream: Any) -> int:
    """Return how many bytes a stream holds, unpacked no further than is taken; ValueError for other packings than Typst's."""
    packed = stream.get("/Filter")
    raw = stream.read_raw_bytes()
    if packed is None:
        return len(raw)
    if str(packed) != "/FlateDecode" or stream.get("/DecodeParms") is not None:
        raise ValueError("packed in another way")
    try:
        return len(zlib.decompressobj().decompress(raw, CONTENT_BYTES_MAX + 1))
    except zlib.error as error:
        raise ValueError("broken") from error


def _texts_of(page: Any) -> Iterator[str]:
    """Yield the text of each instruction that shows some."""
    fonts = {str(name): _meanings(font) for name, font in page.Resources.get("/Font", {}).items()}
    current: Font = {}
    for instruction in pikepdf.parse_content_stream(page):
        operator = str(instruction.operator)
        if operator == "Tf":
            current = fonts.get(str(instruction.operands[0]), {})
        elif operator in _SHOWS:
            yield "".join(_decoded(bytes(part), current) for part in _strings(instruction.operands[-1]))


def _strings(operand: Any) -> list[Any]:
    parts = list(operand) if isinstance(operand, pikepdf.Array) else [operand]
    return [part for part in parts if isinstance(part, pikepdf.String)]


def _decoded(codes: bytes, font: Font) -> str:
    return "".join(font.get(int.from_bytes(codes[at : at + 2], "big"), "\ufffd") for at in range(0, len(codes), 2))


def _meanings(font: Any) -> Font:
    """Return what each two-byte sign of a font means; empty for a font without a table."""
    table = font.get("/ToUnicode")
    if table is None:
        return {}
    if _unpacked(table) > CONTENT_BYTES_MAX:
        raise ValueError("too much to read")
    pairs = _PAIR.findall(table.read_bytes())
    return {int(code, 16): bytes.fromhex(meaning.decode()).decode("utf-16-be", "replace") for code, meaning in pairs}
