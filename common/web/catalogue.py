"""The catalogues: every sentence of the code and the templates, in Kazakh and Russian.

    python -m common.web.catalogue FRAGMENT.jsonl …     extract, merge the fragments, write .po and .mo
    python -m common.web.catalogue --check              exit 1 when a sentence lacks a language or a file is stale

A fragment has one object per line: {"en": "…", "kk": "…", "ru": "…"}; a plural has also "en_plural", and lists of forms:
one for Kazakh (a noun after a number stays singular), three for Russian. What a fragment says replaces what a catalogue
said before. Files carry no dates and no line numbers, and are sorted: the same sentences give the same bytes.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from common.errors import N_, Refused
from common.files import templates_folder
from common.web.languages import TRANSLATIONS_FOLDER

CODE_FOLDERS = ("common", "sync", "edge", "central")
TEMPLATE_FOLDERS = ("shared", "edge", "central")
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "N_": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
PLURALS = {
    "kk": "nplurals=1; plural=0;",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
}
FORMS = {"kk": 1, "ru": 3}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Babel wants a date in every file; a fixed one keeps the bytes equal."""
HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"

"""
PARAMETER = re.compile(r"%\((\w+)\)[sd]|%%")

Key = str | tuple[str, str]
Text = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a sentence in a language."""

    language: str
    sentence: str
    what: str


def extract(root: Path, templates: Path) -> list[Key]:
    """Return every msgid of the code under ``root`` and of the templates, sorted."""
    found: set[Key] = set()
    for name in CODE_FOLDERS:
        found |= _in_folder(root / name, [("**.py", "python")])
    for name in TEMPLATE_FOLDERS:
        found |= _in_folder(templates / name, [("**.html", "jinja2")])
    return sorted(found, key=str)


def _in_folder(folder: Path, methods: list[tuple[str, str]]) -> set[Key]:
    if not folder.is_dir():
        return set()
    options = {pattern: {"encoding": "utf-8", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"} for pattern, _ in methods}
    rows = extract_from_dir(str(folder), methods, options, keywords=KEYWORDS)
    return {tuple(message) if isinstance(message, tuple) else message for _, _, message, _, _ in rows if message}  # type: ignore[misc]


def read_fragments(paths: Iterable[Path]) -> dict[Key, dict[str, Text]]:
    """Return what the fragments say, later ones winning. Raises Refused("catalogue.fragment") naming file and line."""
    said: dict[Key, dict[str, Text]] = {}
    for path in paths:
        for place, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.strip():
                key, texts = _read_line(path, place, line)
                said[key] = {**said.get(key, {}), **texts}
    return said


def _read_line(path: Path, place: int, line: str) -> tuple[Key, dict[str, Text]]:
    try:
        row = json.loads(line)
        key: Key = (row["en"], row["en_plural"]) if "en_plural" in row else row["en"]
        texts: dict[str, Text] = {code: _text(row[code]) for code in FORMS if code in row}
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("catalogue.fragment", N_("Line %(line)d of %(path)s is not a sentence."), line=place, path=path.name) from error
    return key, texts


def _text(given: Any) -> Text:
    return tuple(str(form) for form in given) if isinstance(given, list) else str(given)


def read_catalogue(folder: Path, language: str) -> dict[Key, Text]:
    """Return what the .po of ``language`` says; nothing when it is not there yet."""
    path = _po(folder, language)
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    return {message.id: message.string for message in catalogue if message.id and message.string}  # type: ignore[misc]


def problems_of(keys: Sequence[Key], language: str, texts: Mapping[Key, Text]) -> Iterator[Problem]:
    """Yield what is missing or does not fit: an absent text, a wrong count of forms, other parameters than the English."""
    for key in keys:
        english = key if isinstance(key, tuple) else (key,)
        text = texts.get(key, "")
        forms = text if isinstance(text, tuple) else (text,)
        if not all(forms):
            yield Problem(language, english[0], "no text")
        elif isinstance(key, tuple) and len(forms) != FORMS[language]:
            yield Problem(language, english[0], f"{len(forms)} forms instead of {FORMS[language]}")
        elif any(
            not _parameters(form) <= _parameters(*english) or (not isinstance(key, tuple) and _parameters(form) != _parameters(*english))
            for form in forms
        ):
            yield Problem(language, english[0], "other parameters")


def _parameters(*texts: str) -> set[str]:
    return {match[1] for text in texts for match in PARAMETER.finditer(text) if match[1]}


def render(keys: Sequence[Key], language: str, texts: Mapping[Key, Text]) -> tuple[bytes, bytes]:
    """Return the bytes of the .po and the .mo: only sentences in use, sorted, without dates."""
    catalogue = Catalog(locale=language, domain="messages", creation_date=EPOCH, revision_date=EPOCH, charset="utf-8", fuzzy=False)
    catalogue.mime_headers = [("Plural-Forms", PLURALS[language])]
    for key in keys:
        text = texts.get(key)
        catalogue.add(key, text or (("",) * FORMS[language] if isinstance(key, tuple) else ""))
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalogue, sort_output=True, no_location=True, omit_header=True, width=120)
    write_mo(mo, catalogue)
    header = HEADER.format(language=language, plurals=PLURALS[language])
    return header.encode() + po.getvalue(), mo.getvalue()


def _po(folder: Path, language: str) -> Path:
    return folder / language / "LC_MESSAGES" / "messages.po"


def update(root: Path, folder: Path, fragments: Sequence[Path]) -> list[Problem]:
    """Write both catalogues under ``folder`` from ``root`` and ``fragments``; return what is still missing."""
    keys = extract(root, templates_folder())
    said = read_fragments(fragments)
    problems: list[Problem] = []
    for language in FORMS:
        texts = read_catalogue(folder, language) | {key: texts[language] for key, texts in said.items() if language in texts}
        po, mo = render(keys, language, texts)
        path = _po(folder, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po)
        path.with_suffix(".mo").write_bytes(mo)
        problems += problems_of(keys, language, texts)
    return problems


def check(root: Path, folder: Path) -> list[Problem]:
    """Return what is missing, and what would change if the catalogues were written now."""
    keys = extract(root, templates_folder())
    problems: list[Problem] = []
    for language in FORMS:
        texts = read_catalogue(folder, language)
        po, mo = render(keys, language, texts)
        path = _po(folder, language)
        for kind, body in ((path, po), (path.with_suffix(".mo"), mo)):
            if not kind.exists() or kind.read_bytes() != body:
                problems.append(Problem(language, kind.name, "stale: run python -m common.web.catalogue"))
        problems += problems_of(keys, language, texts)
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m common.web.catalogue", description="Extract, merge and check the catalogues.")
    parser.add_argument("fragments", nargs="*", type=Path, help="files of translated sentences, one JSON object a line")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when anything is missing or stale")
    parser.add_argument("--missing", type=Path, help="write the sentences without text to this file, as a fragment to fill in")
    given = parser.parse_args(arguments)
    root = templates_folder().parent
    try:
        problems = check(root, TRANSLATIONS_FOLDER) if given.check else update(root, TRANSLATIONS_FOLDER, given.fragments)
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for problem in problems:
        sys.stderr.write(f"{problem.language}: {problem.what}: {problem.sentence!r}\n")
    if given.missing:
        lacking = sorted({problem.sentence for problem in problems if problem.what == "no text"})
        given.missing.write_text(
            "".join(json.dumps({"en": text, "kk": "", "ru": ""}, ensure_ascii=False) + "\n" for text in lacking), "utf-8"
        )
    return 1 if problems and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
