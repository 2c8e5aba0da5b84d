"""Every template of the project: nothing inline, nothing from elsewhere, no sentence outside the catalogues."""

import re
from pathlib import Path

import pytest

from common.files import templates_folder
from common.web.assets import ICONS

FOLDER = templates_folder()
TEMPLATES = sorted(path for path in FOLDER.rglob("*.html"))
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
TAG = re.compile(r"<[^>]*>", re.DOTALL)
SPOKEN = re.compile(r"""\b(?:aria-label|title|alt|placeholder|data-[a-z]+|content)="([^"]*)\"""")
ENTITY = re.compile(r"&[a-z]+;|&#\d+;")
ATTRIBUTE = re.compile(r"""\b[a-z-]+="[^"]*\"""")
WORD = re.compile(r"[^\W\d_]{2,}")
LITERAL = re.compile(r"""(?<![\w.])icon\(\s*["']([a-z0-9-]+)["']""")
CODE_STRING = re.compile(r"""["']([^"']*)["']""")
CALLS = re.compile(r"""\b(?:_|gettext|ngettext)\(""")

# Words that are the same in every language, and not a sentence of any.
NAMES = frozenset({"SHA", "NCALayer", "PDF", "QR", "SMS", "UTC", "tiny", "utf"})
# What attributes hold that is for machines.
MACHINE = re.compile(r"^(?:[\d;:.,= %-]*|width=device-width, initial-scale=1|utf-8|\d*;url=.*)$")


def ids(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def source_of(path: Path) -> str:
    return COMMENT.sub("", path.read_text("utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_nothing_is_inline(path: Path) -> None:
    text = source_of(path)
    assert not re.search(r"\sstyle\s*=", text), "style="
    assert not re.search(r"<style\b", text), "<style>"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", CODE.sub("", text)), "on…="
    assert not re.search(r"javascript:", text, re.IGNORECASE)
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert " src=" in tag, tag


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", source_of(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_every_sentence_is_in_the_catalogues(path: Path) -> None:
    text = source_of(path)
    spoken = [match for match in SPOKEN.findall(CODE.sub("", text)) if not MACHINE.match(match)]
    bare = ATTRIBUTE.sub("", ENTITY.sub("", TAG.sub(" ", CODE.sub("", text))))
    words = [word for part in [bare, *spoken] for word in WORD.findall(part) if word not in NAMES]
    assert not words, words


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_no_sentence_hides_in_an_expression(path: Path) -> None:
    for code in CODE.findall(source_of(path)):
        if not CALLS.search(code):
            for text in CODE_STRING.findall(code):
                assert not re.search(r"[А-Яа-яӘәҒғҚқҢңӨөҰұҮүҺһІі]", text), text
                assert not re.match(r"[A-Z][a-z]+ [a-z]+", text), text


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_every_icon_is_in_the_sprite(path: Path) -> None:
    assert set(LITERAL.findall(source_of(path))) <= set(ICONS)


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_every_posting_form_carries_a_token(path: Path) -> None:
    text = source_of(path)
    for form in re.findall(r"<form\b[^>]*method=\"post\"[^>]*>.*?</form>", text, re.DOTALL):
        assert 'name="csrf_token"' in form, form[:120]


def test_scripts_are_small_and_make_no_markup_from_words() -> None:
    for path in (Path(__file__).parent.parent / "common" / "web" / "static" / "js").glob("*.js"):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) < 150, path.name
        assert "eval(" not in text
        assert "document.write" not in text
        assert not re.search(r"https?://", text)
