"""Three languages: Kazakh unless the visitor says otherwise, Russian complete, English as the sentences are written.

The choice comes with ``?lang=ru`` and stays in the session. Templates write ``{{ _("Sentence with %(name)s.", name=…) }}``
and format values with the filters of ``FILTERS``, which know the language of the page.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, gettext

from common.clock import KAZAKHSTAN_OFFSET_MS
from common.errors import N_, CourtError
from common.papers import words
from common.papers.words import Lang
from common.people import calm_name

LANGUAGES: tuple[Lang, ...] = ("kk", "ru", "en")
DEFAULT: Lang = "kk"
OWN_NAMES = {"kk": ("Қазақша", "Қаз"), "ru": ("Русский", "Рус"), "en": ("English", "Eng")}
"""Each language in its own words, whole and short: the same on every page, so not in the catalogues."""
TRANSLATIONS_FOLDER = Path(__file__).parent / "translations"

DAY_MS = 86_400_000
WEEKDAYS = (N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday"))
EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday."""

ALPHABET = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
"""The order of the Kazakh alphabet: Unicode's own order puts ә, ғ, қ … behind я."""
_PLACES = {letter: place for place, letter in enumerate(ALPHABET)}


def set_up(app: Flask) -> None:
    """Install Flask-Babel, the filters, and the reading of ``?lang=``."""
    Babel(app, default_locale=DEFAULT, default_translation_directories=str(TRANSLATIONS_FOLDER), locale_selector=current_language)
    app.before_request(_remember_choice)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["current_language"] = current_language


def current_language() -> Lang:
    """Return the language of this request; DEFAULT outside one."""
    if not has_request_context():
        return DEFAULT
    if "lang" not in g:
        asked = request.args.get("lang")
        g.lang = asked if asked in LANGUAGES else session.get("lang", DEFAULT)
    return cast(Lang, g.lang)


def _remember_choice() -> None:
    asked = request.args.get("lang")
    if asked in LANGUAGES and session.get("lang", DEFAULT) != asked:
        session["lang"] = asked


def tell(error: CourtError) -> str:
    """Return the sentence of ``error`` in the visitor's language, with its parameters."""
    return str(gettext(error.sentence, **error.params)) if error.params else str(gettext(error.sentence))


def kazakh_sort_key(text: str) -> tuple[tuple[int, int], ...]:
    """Return a key that sorts names in the order of the Kazakh alphabet; digits and Latin letters come first."""
    return tuple((1, _PLACES[letter]) if letter in _PLACES else (0, ord(letter)) for letter in text.casefold())


def kazakh_sorted(texts: Iterable[Any], key: Callable[[Any], str] = str) -> list[Any]:
    """Return ``texts`` in the order of the Kazakh alphabet of ``key``."""
    return sorted(texts, key=lambda text: kazakh_sort_key(key(text)))


def weekday(ms: int) -> str:
    """Return the day of the week at ``ms`` in the visitor's language, small: «жұма»."""
    days = (ms + KAZAKHSTAN_OFFSET_MS) // DAY_MS
    return str(gettext(WEEKDAYS[(days + EPOCH_WEEKDAY) % 7]))


def when(ms: int, now: int) -> str:
    """Return a moment as people say it: «бүгін 14:32», «кеше 18:05», «18 қараша, 17:05», with the year when it is another."""
    days_ago = (now + KAZAKHSTAN_OFFSET_MS) // DAY_MS - (ms + KAZAKHSTAN_OFFSET_MS) // DAY_MS
    time = words.time_words(ms)
    if days_ago == 0:
        return str(gettext("today %(time)s", time=time))
    if days_ago == 1:
        return str(gettext("yesterday %(time)s", time=time))
    if words.date_short(ms)[-4:] == words.date_short(now)[-4:]:
        return f"{words.day_month(ms, current_language())}, {time}"
    return words.date_time_words(ms, current_language())


def hash_words(digest: bytes | str) -> str:
    """Return «9f2c41b7…e03a5d18» for raw bytes or their hex."""
    return words.hash_short(bytes.fromhex(digest) if isinstance(digest, str) else digest)


def number(value: int) -> str:
    """Return a whole number in groups of three: «4 812»."""
    return f"{value:,}".replace(",", words.NBSP)


def _in_language(function: Callable[..., str]) -> Callable[..., str]:
    def filtered(value: Any, *args: Any, **kwargs: Any) -> str:
        return function(value, current_language(), *args, **kwargs)

    return filtered


FILTERS: dict[str, Callable[..., str]] = {
    "date": _in_language(words.date_words),
    "date_time": _in_language(words.date_time_words),
    "day_month": _in_language(words.day_month),
    "date_short": words.date_short,
    "date_time_short": words.date_time_short,
    "time": words.time_words,
    "when": when,
    "weekday": weekday,
    "money": words.money,
    "number": number,
    "size": _in_language(words.size_words),
    "talon": words.talon_groups,
    "iin": words.iin_groups,
    "iin_masked": words.iin_masked,
    "hash": hash_words,
    "hash_groups": words.hash_groups,
    "initials": words.initials,
    "calm": calm_name,
}
