"""The only door to Typst: facts in, PDF/A out.

- Facts go in as JSON values and are placed as values: no text of a person is ever read as markup.
- Characters the fonts cannot show, and those that reorder or hide text, are printed as their number: ``[U+202E]``. Only accents
  piled higher than the line are dropped.
- Words too long for a line get places to break.
- The same facts, fonts and version of Typst give the same bytes: the document's date and id come from ``made_at``, not from a clock.
- PDF/A-2b, or PDF/A-3b when files are embedded; tagged for readers (PDF/UA-1) in both.

    typeset("talon.typ", {"title": "…"}, made_at=1795168328000, attachments=(Attachment("r0.cose", receipt, …),))
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import typst

from common.errors import N_, Corrupt, Refused
from common.files import templates_folder
from common.papers.parts import Both

FONT_ROOT = Path("/usr/share/fonts")
FONT_FILE = "NotoSans-Regular.ttf"
DATA_CHARS_MAX = 4_000_000
"""Over a thousand pages: beyond it a person pasted a book, and the machine would stand still for everyone."""
WORD_CHARS_MAX = 28
"""The longest run without a place to break; Kazakh words with all their endings stay below."""
PIECE_CHARS = 6
MARKS_MAX = 2
"""Accents over one letter; more of them would grow into the lines above."""

_BREAK = "\N{ZERO WIDTH SPACE}"
_LONG_WORD = re.compile(rf"[^\s{_BREAK}\u00ad]{{{WORD_CHARS_MAX + 1},}}")
_PIECE = re.compile(rf".{{{PIECE_CHARS}}}(?=.)")
_HASH = re.compile(r"[0-9a-f]{64}")

# What Noto Sans and Typst's built-in faces can both show, in regular and bold: a test typesets all of it with either.
_SHOWN_RANGES = (
    (0x0020, 0x007E),
    (0x00A0, 0x024F),
    (0x02B0, 0x036F),
    (0x0386, 0x0386),
    (0x0388, 0x038A),
    (0x038C, 0x038C),
    (0x038E, 0x03A1),
    (0x03A3, 0x03CE),
    (0x0400, 0x045F),
    (0x0462, 0x0463),
    (0x0472, 0x0475),
    (0x0490, 0x04C4),
    (0x04C7, 0x04CC),
    (0x04CF, 0x04F9),
    (0x2000, 0x200A),
    (0x2010, 0x2027),
    (0x202F, 0x2037),
    (0x2039, 0x203F),
    (0x2070, 0x2071),
    (0x2074, 0x208E),
    (0x20A0, 0x20B5),
    (0x20B8, 0x20BA),
    (0x20BD, 0x20BD),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2150, 0x2151),
    (0x2153, 0x215E),
    (0x2190, 0x21FF),
    (0x2200, 0x2213),
    (0x2215, 0x2215),
    (0x2217, 0x2220),
    (0x2227, 0x222D),
    (0x2248, 0x2248),
    (0x2260, 0x2265),
    (0x2500, 0x25FF),
)
SHOWN = frozenset(map(chr, chain.from_iterable(range(first, last + 1) for first, last in _SHOWN_RANGES)))
SILENT = frozenset("\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f")
"""Joiners and marks that show nothing anywhere: pasted texts are full of them."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file embedded in the PDF. ``relationship`` is PDF/A-3's: source, data, alternative, supplement."""

    name: str
    data: bytes
    mime: str
    description: str
    relationship: str = "data"


def typeset(template: str, data: Mapping[str, object], *, made_at: int, attachments: Sequence[Attachment] = ()) -> bytes:
    """Return the PDF of ``templates/papers/<template>`` filled with ``data``; ``made_at`` (ms UTC) becomes the document's date.

    Raises Refused ``papers.too_long`` for more text than a paper carries, Corrupt ``papers.typeset`` when a template or a
    font of ours is broken.
    """
    facts = json.dumps({"data": _printable(data), "attachments": [_attached(file) for file in attachments]}, ensure_ascii=False)
    if len(facts) > DATA_CHARS_MAX:
        raise Refused("papers.too_long", N_("The text is too long for one document. Shorten it, or attach it as a file."))
    folder = templates_folder() / "papers"
    try:
        return typst.compile(
            str(folder / template),
            root=str(folder),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"facts": facts},
            pdf_standards=["a-3b" if attachments else "a-2b", "ua-1"],
            timestamp=made_at // 1000,
        )
    except RuntimeError as error:  # TypstError is one; a missing template comes as its plain parent
        # the message quotes the text it stumbled over, which may be a person's: keep only what stands before the quotation
        reason = re.split('[`"]', str(getattr(error, "message", error)))[0].strip(" :")
        sentence = N_("The document %(template)s cannot be typeset (%(reason)s). Call the operator.")
        raise Corrupt("papers.typeset", sentence, template=template, reason=reason) from None


def paragraphs(text: str) -> list[list[str]]:
    """Return a person's text as paragraphs of lines: an empty line parts paragraphs, a single line end only lines."""
    blocks = re.split(r"\n\s*\n", "\n".join(text.splitlines()).strip("\n"))
    return [[line for line in block.split("\n") if line.strip()] for block in blocks if block.strip()]


def printable(text: str) -> str:
    """Return ``text`` as a paper shows it: one line, every character visible or harmless, with places to break."""
    if _HASH.fullmatch(text):
        return text
    text = " ".join(re.split(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+", unicodedata.normalize("NFC", text)))
    shown = "".join(char if char in SHOWN else "" if char in SILENT else f"[U+{ord(char):04X}]" for char in _few_marks(text))
    return _LONG_WORD.sub(lambda word: _PIECE.sub(rf"\g<0>{_BREAK}", word[0]), shown)


def cut(text: str, chars: int) -> str:
    """Return ``text`` of at most ``chars`` characters, the last one an ellipsis when something was left out."""
    return text if len(text) <= chars else f"{text[: chars - 1].rstrip()}…"


def _few_marks(text: str) -> str:
    """Drop accents piled higher than the line."""
    return re.sub(rf"([\u0300-\u036f]{{{MARKS_MAX}}})[\u0300-\u036f]+", r"\1", text)


def _printable(value: object) -> object:
    match value:
        case str():
            return printable(value)
        case Both():
            return {"kk": printable(value.kk), "ru": printable(value.ru)}
        case Mapping():
            return {key: item if key == "svg" else _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case _:
            return value


def _attached(file: Attachment) -> dict[str, object]:
    return {
        "name": file.name,
        "bytes": list(file.data),
        "mime": file.mime,
        "description": file.description,
        "relationship": file.relationship,
    }


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Noto Sans where the machine has it, else Typst's built-in faces: read once, for it takes a fifth of a second."""
    return fonts_from(next(FONT_ROOT.rglob(FONT_FILE), None) if FONT_ROOT.is_dir() else None)


def fonts_from(font_file: Path | None) -> typst.Fonts:
    """Return the faces beside ``font_file`` together with the built-in ones."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(font_file.parent)] if font_file else [])
