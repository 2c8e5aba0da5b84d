"""What the macros of ``shared/parts.html`` take, where a tuple of words would not say enough."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from flask import request

from common.web.frame import Action

NUMBER_DIGITS_MAX = 18
"""Of what fits into 63 bits."""
RungState = Literal["done", "now", "ahead", "bad"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder R0–R4: a past verb where it is done, a present one where it is ahead; date and who below."""

    state: RungState
    title: str
    text: str = ""
    link: Action | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: a real link, with a count where there is something to count."""

    url: str
    label: str
    current: bool = False
    count: int | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Where we are in a long list; an empty address means there is nothing in that direction."""

    number: int
    last: int
    before: str = ""
    after: str = ""


def asked_number(name: str) -> int | None:
    """Return the number that the request asks for as ``name``, None where it names none that a table can hold."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX else None


def page_number() -> int:
    """Return the page that the request asks for, 1 where it names none that can be read."""
    return asked_number("page") or 1


def page_of(total: int, per_page: int, number: int, path: str, args: Mapping[str, str]) -> Page:
    """Return the page ``number`` (kept within bounds) of ``total`` rows; links keep ``args`` and add ``page``."""
    last = max(1, -(-total // per_page))
    at = min(max(1, number), last)

    def link(to: int) -> str:
        return f"{path}?{urlencode({**args, 'page': str(to)})}" if 1 <= to <= last else ""

    return Page(at, last, link(at - 1), link(at + 1))
