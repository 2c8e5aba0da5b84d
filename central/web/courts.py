"""Choosing courts without a script: a search by region and words, and ticked courts that every search keeps.

One form does both: its button «Find» (``do=find``) shows what matches, its other button decides. What is ticked travels
along as ``court``; a page that asks once more sends it on as one hidden ``courts``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import StringField

from central.web import words
from common.court.book import Book
from common.court.book import name as name_of
from common.web.forms import Choice, CourtForm, ListField, options
from common.web.languages import current_language, kazakh_sorted

FOUND_MAX = 60
"""Courts shown by one search: twice as many as the largest region has."""


@dataclass(frozen=True, slots=True)
class Courts:
    """What the macro ``court_picker`` shows. ``searched`` is false before anybody has asked for anything."""

    chosen: tuple[Choice, ...]
    found: tuple[Choice, ...]
    searched: bool


class CourtsForm(CourtForm):
    """The search; forms that need courts inherit it."""

    region = ListField(lazy_gettext("Region"), validate_choice=False)
    q = StringField(lazy_gettext("Words of the court's name"))

    def offer(self, book: Book) -> None:
        """Fill in the regions; call it first."""
        language = current_language()
        self.region.choices = options([("", _("All regions")), *((one.rr, name_of(one, language)) for one in book.regions)])


def searching() -> bool:
    """Return whether the button «Find» was pressed."""
    return request.form.get("do") == "find"


def chosen_courts(book: Book, held: Iterable[str] = ()) -> list[str]:
    """Return the ids of the ticked courts, of ``held`` before the form was sent; ids nobody knows are left out."""
    ticked = list(held) if request.method == "GET" else [*request.form.getlist("court"), *request.form.get("courts", "").split()]
    return sorted({court for court in ticked if book.find_court(court) is not None})


def offered(form: CourtsForm, book: Book, chosen: Sequence[str], writers: Mapping[str, int], node: int = 0) -> Courts:
    """Return the ticked courts and what the search finds beside them; ``writers`` says which machine has a court now."""

    def choice(court: str) -> Choice:
        writer = writers.get(court, node)
        return Choice(
            court, words.court_name(book, court), court in chosen, "" if writer == node else _("now machine %(node)d", node=writer)
        )

    region, asked = form.region.data or "", (form.q.data or "").strip().casefold()
    searched = request.method == "POST" and bool(region or asked)
    matching = [
        court.court_id
        for court in (book.courts_of(region) if region else book.courts)
        if court.status == "active" and court.court_id not in chosen and asked in f"{court.name_kk} {court.name_ru}".casefold()
    ]
    found = matching[:FOUND_MAX] if searched else []
    by_name = kazakh_sorted((choice(court) for court in chosen), key=lambda each: each.label)
    return Courts(tuple(by_name), tuple(choice(court) for court in found), searched)


def taken_from(chosen: Iterable[str], writers: Mapping[str, int], node: int) -> list[tuple[int, str]]:
    """Return (machine, court) for each chosen court that another machine writes for now."""
    return [(writers[court], court) for court in chosen if writers.get(court, node) != node]
