"""The catalogue command: what it finds, what it refuses, and that the same sentences give the same bytes."""

import gettext
from pathlib import Path

import pytest

from common.errors import Refused
from common.web import catalogue
from common.web.catalogue import problems_of, read_catalogue, read_fragments, render

TEXTS: dict[catalogue.Key, catalogue.Text] = {
    "Back": "Артқа",
    ("%(num)d file", "%(num)d files"): ("%(num)d файл",),
}
KEYS = sorted(TEXTS, key=str)


def test_the_same_sentences_give_the_same_bytes() -> None:
    assert render(KEYS, "kk", TEXTS) == render(KEYS, "kk", dict(reversed(TEXTS.items())))
    assert b"POT-Creation" not in render(KEYS, "kk", TEXTS)[0]


def test_what_is_written_can_be_read_back(tmp_path: Path) -> None:
    po, mo = render(KEYS, "kk", TEXTS)
    folder = tmp_path / "kk" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_bytes(po)
    (folder / "messages.mo").write_bytes(mo)
    assert read_catalogue(tmp_path, "kk") == TEXTS
    spoken = gettext.translation("messages", tmp_path, ["kk"])
    assert spoken.gettext("Back") == "Артқа"
    assert spoken.ngettext("%(num)d file", "%(num)d files", 5) == "%(num)d файл"


def test_russian_has_three_forms(tmp_path: Path) -> None:
    key = ("%(num)d file", "%(num)d files")
    folder = tmp_path / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.mo").write_bytes(render([key], "ru", {key: ("%(num)d файл", "%(num)d файла", "%(num)d файлов")})[1])
    spoken = gettext.translation("messages", tmp_path, ["ru"])
    assert [spoken.ngettext(*key, n) % {"num": n} for n in (1, 3, 11, 22)] == ["1 файл", "3 файла", "11 файлов", "22 файла"]


@pytest.mark.parametrize(
    ("key", "text", "what"),
    [
        ("Back", "", "no text"),
        ("Hello %(name)s", "Сәлем", "other parameters"),
        ("Hello %(name)s", "Сәлем %(nam)s", "other parameters"),
        (("%(num)d file", "%(num)d files"), ("%(num)d файл", "%(num)d файл"), "2 forms instead of 1"),
    ],
)
def test_what_does_not_fit_is_named(key: catalogue.Key, text: catalogue.Text, what: str) -> None:
    assert [problem.what for problem in problems_of([key], "kk", {key: text})] == [what]


@pytest.mark.parametrize("line", ["{", '{"kk": "x"}', "[]", '"x"'])
def test_a_broken_fragment_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"en": "Back", "kk": "Артқа"}\n' + line + "\n", "utf-8")
    with pytest.raises(Refused) as caught:
        read_fragments([path])
    assert caught.value.params == {"line": 2, "path": "a.jsonl"}


def test_sentences_are_found_in_code_and_templates(tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "a.py").write_text('N_("One.")\ngettext("Two.")\nngettext("%(num)d x", "%(num)d xs", 2)\n')
    (tmp_path / "templates" / "edge").mkdir(parents=True)
    (tmp_path / "templates" / "edge" / "a.html").write_text('<p title="{{ _("Three.") }}">{{ _("Four %(n)s.", n=1) }}</p>')
    found = catalogue.extract(tmp_path, tmp_path / "templates")
    assert found == sorted(["One.", "Two.", "Three.", "Four %(n)s.", ("%(num)d x", "%(num)d xs")], key=str)
