"""The reference data as published: which version of what is in force, from where, and how much of it was read in its source."""

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template

from central.centre import Centre
from central.web import access
from common.court import reference
from common.court.book import Book
from common.court.datasets import Dataset


@dataclass(frozen=True, slots=True)
class Published:
    """One version of one dataset. ``verified`` counts rows read in the source they name, of ``marked`` that say so or not."""

    name: str
    version: int
    valid_from: str
    valid_to: str
    source: str
    rows: int
    verified: int
    marked: int
    current: bool


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``reference``."""
    pages = Blueprint("reference", __name__, url_prefix="/reference")

    @pages.get("")
    def show() -> str:
        access.require_administrator(centre)
        book = centre.book()
        found = sorted(reference.datasets(centre.database), key=lambda one: (one.name, -one.version))
        return render_template("central/reference/show.html", listed=[_published(one, book) for one in found], now=centre.clock.now())

    return pages


def _day(iso: str) -> str:
    return date.fromisoformat(iso).strftime("%d.%m.%Y")


def _published(one: Dataset, book: Book) -> Published:
    marks = [mark for row in one.rows if (mark := getattr(row, "verified", None))]
    return Published(
        name=one.name,
        version=one.version,
        valid_from=_day(one.valid_from),
        valid_to=_day(one.valid_to) if one.valid_to else "",
        source=book.source(one.source),
        rows=len(one.rows),
        verified=sum(mark != "general" for mark in marks),
        marked=len(marks),
        current=book.version(one.name) == one.version,
    )
