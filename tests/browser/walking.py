"""Walks through all pages of an application by their links, and looks at each page as its readers would.

walk = Walk(visitor, demo.aktau)
walk.through(["/"])           in Kazakh: the rules of accessibility, targets, words, width on this screen and a narrow one
walk.again_in_russian()       the same pages on a narrow screen, where Russian words are the longest
assert walk.wrong == []
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict
from urllib.parse import parse_qsl, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page
from werkzeug.routing import Map

from tests.browser.driving import PHONE, Visitor

TARGET_PX = 44
OF_A_FILING = 2
"""So many pages of one shape are opened where it is about a filing: they are in several states."""
ID = re.compile(r"[0-9a-f]{16,64}")
FILES = re.compile(r"\.pdf$|\.svg$|/files/[0-9a-f]{64}$|/proof$|/checkpoint$|\.tlog-proof$|\.asice$")
"""Addresses that answer with a file."""
ELSEWHERE = ("/look", "/end", "/idle", "/static")
"""Addresses that change how pages look or end the visit: they are opened last, by name."""
LATIN = re.compile(r"[A-Za-z]{3,}(?:[-'’][A-Za-z]+)*")
TECHNICAL = re.compile(r"\S+@\S+|https?://\S+|\b(?=\w*\d)[\w.…:-]+|\b[a-z]+\.[a-z]+(?:/\w+)*|\breg-[a-z]+|\.[a-z0-9-]+\b")
"""Addresses, codes and anything with a digit in it: no words of a language."""
NAMES = {
    "SHA",
    "PDF",
    "SMS",
    "USB",
    "GOST",
    "RSA",
    "CRL",
    "JPEG",
    "PNG",
    "Word",
    "Excel",
    "NCALayer",
    "WebM",
    "WAV",
    "English",
    "Eng",
    "CMS",
    "XML",
    "LUKS",
}
NAMES |= {"verify", "tlog-proof", "Enter", "Caps", "Lock"}
"""Called so in every language."""
KAZAKH = re.compile(r"\w*[әғқңөұүһі]\w*", re.IGNORECASE)
OWN_NAME = re.compile(r"«[^»]*»|Қазақша")
"""A firm, and a language, are called by their own name."""
LOOK = (Path(__file__).parent / "look.js").read_text()
AXE = {"resultTypes": ["violations"]}


class Look(TypedDict):
    """What `look.js` gathers."""

    lang: str
    words: str
    chrome: str
    small: list[str]
    wide: int
    plain: list[str]
    unnamed: bool
    links: list[str]
    back: list[str]


def shape(url: str) -> str:
    """Return what two addresses of one template have in common."""
    parts = urlsplit(url)
    path = re.sub(r"\d+", "N", ID.sub("X", parts.path))
    path = re.sub(r"^/services/.*", "/services/S", re.sub(r"^/staff/[^/]+/new$", "/staff/P/new", path))
    names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - {"lang", "next", "before", "page"})
    return path + ("?" + "&".join(names) if names else "")


@dataclass
class Walk:
    """One visitor going everywhere in ``base``."""

    visitor: Visitor
    base: str
    wrong: list[str] = field(default_factory=list)
    shapes: dict[str, list[str]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    pages: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.visitor.page

    def through(self, paths: list[str]) -> None:
        """Open ``paths`` and everything they lead to."""
        waiting = [self.base + path for path in paths]
        while waiting:
            url = waiting.pop(0)
            if url not in self.asked and self._wanted(url):
                waiting += self._open(url)
        self._note_heard()

    def look_at(self, *paths: str) -> None:
        """Open these and nothing they lead to."""
        for path in paths:
            self._open(self.base + path)
        self._note_heard()

    def again_in_russian(self) -> None:
        """Open one page of each shape once more, on a narrow screen."""
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        self.page.goto(f"{self.base}/help?lang=ru")
        for url in self.pages:
            self.page.goto(url)
            self._note(url, complaints(self._look(), "ru", url))
        self._note_heard()

    def unseen(self, rules: Map) -> set[str]:
        """Return the rules of pages that nobody opened."""
        opened = [*self.asked, *(url for urls in self.shapes.values() for url in urls)]
        seen = {rules.bind("").match(urlsplit(url).path, return_rule=True)[0].rule for url in opened}
        asked = {rule.rule for rule in rules.iter_rules() if "GET" in (rule.methods or ())}
        return asked - seen

    def _wanted(self, url: str) -> bool:
        known = self.shapes.get(shape(url), [])
        here = url.startswith(self.base + "/") and not urlsplit(url).path.startswith(ELSEWHERE)
        return here and len(known) < (OF_A_FILING if "X" in shape(url) else 1)

    def _open(self, url: str) -> list[str]:
        self.asked.add(url)
        if FILES.search(urlsplit(url).path) or "save=" in url:
            self._note(url, [f"answers {status}"] if (status := self.page.request.get(url).status) != 200 else [])
            self._opened(url)
            return []
        try:
            answer = self.page.goto(url)
        except Error as error:
            if "Download is starting" not in error.message:
                raise
            self._opened(url)
            return []
        url = self.page.url  # who is not signed in is led to the door
        first = self._opened(url)
        status = answer.status if answer else 0
        self._note(url, [f"answers {status}"] if status != 200 and not (status == 501 and "/services/" in url) else [])
        found = self._look()
        self._note(url, complaints(found, "kk", url))
        if first:
            self.pages.append(url)
            self._note(url, axe_findings(self.page))
            self._note(url, [f"on a narrow screen {each}" for each in self._narrow()])
        return [link for link in found["links"] if "lang=" not in link]

    def _opened(self, url: str) -> bool:
        """Remember a page and return whether it is the first of its shape."""
        known = self.shapes.setdefault(shape(url), [])
        known.append(url)
        return len(known) == 1

    def _look(self) -> Look:
        found: Look = self.page.evaluate(LOOK, TARGET_PX)
        return found

    def _narrow(self) -> list[str]:
        size = self.page.viewport_size
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        found = self._look()
        self.page.set_viewport_size(size)  # type: ignore[arg-type]
        return [too_wide(found["wide"])] if found["wide"] else []

    def _note(self, url: str, sentences: list[str]) -> None:
        self.wrong += [f"{shape(url)}: {each}" for each in sentences]

    def _note_heard(self) -> None:
        self.wrong += self.visitor.heard
        self.visitor.heard.clear()


def axe_findings(page: Page) -> list[str]:
    """Return what axe finds on the open page: WCAG 2.2 A and AA, and its best practices."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [f"axe {one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}" for one in found]


def too_wide(pixels: int) -> str:
    return f"{pixels} px wider than the screen"


def complaints(found: Look, lang: str, url: str = "") -> list[str]:
    """Return what is wrong with a page that was looked at, one sentence each."""
    wrong = [f"small: {each}" for each in found["small"]]
    wrong += [f"the browser's own words: {each}" for each in found["plain"]]
    if found["lang"] != lang:
        wrong.append(f"lang is {found['lang']}, not {lang}")
    if found["wide"]:
        wrong.append(too_wide(found["wide"]))
    if found["unnamed"]:
        wrong.append("no heading")
    if url.split("#")[0] in found["back"]:
        wrong.append("«back» leads to the page itself")
    if words := foreign_words(found["words"]):
        wrong.append(f"English on a page in {lang}: {words[:12]}")
    if lang == "ru" and (words := KAZAKH.findall(OWN_NAME.sub("", found["chrome"]))):
        wrong.append(f"Kazakh on a page in Russian: {words[:12]}")
    return wrong


def foreign_words(text: str) -> list[str]:
    """Return words in Latin letters that are no name of a thing that is called so in every language."""
    return sorted({word for word in LATIN.findall(TECHNICAL.sub(" ", text)) if word not in NAMES})
