"""Three languages, the ways of writing values, and the order of the Kazakh alphabet."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from tiny_app import NOON_MS

from common.errors import Refused
from common.web.languages import ALPHABET, DAY_MS, kazakh_sorted, tell, weekday, when


def test_kazakh_first_then_what_was_chosen(client: FlaskClient) -> None:
    assert '<html lang="kk"' in client.get("/").text
    assert '<html lang="ru"' in client.get("/?lang=ru").text
    assert '<html lang="ru"' in client.get("/help").text
    assert '<html lang="en"' in client.get("/help?lang=en").text
    assert '<html lang="en"' in client.get("/?lang=de").text


def test_each_choice_leads_to_this_same_page(client: FlaskClient) -> None:
    page = client.get("/parts?q=%D0%B0%26b&lang=ru").text
    assert 'href="/parts?q=%D0%B0%26b&amp;lang=en" lang="en"' in page


@pytest.mark.parametrize(
    ("lang", "ago_ms", "said"),
    [
        ("kk", 0, "бүгін 14:52"),
        ("ru", DAY_MS, "вчера 14:52"),
        ("en", 2 * DAY_MS, "18 November, 14:52"),
        ("kk", 400 * DAY_MS, "2025 жылғы 16 қазан, 14:52"),
    ],
)
def test_when(app: Flask, lang: str, ago_ms: int, said: str) -> None:
    with app.test_request_context(f"/?lang={lang}"):
        assert when(NOON_MS - ago_ms, NOON_MS) == said


def test_the_day_changes_at_midnight_of_kazakhstan(app: Flask) -> None:
    midnight = NOON_MS - (14 * 3600 + 52 * 60 + 8) * 1000
    with app.test_request_context("/?lang=en"):
        assert when(midnight, NOON_MS) == "today 00:00"
        assert when(midnight - 1, NOON_MS) == "yesterday 23:59"
        assert weekday(midnight) == "Friday"
        assert weekday(midnight - 1) == "Thursday"


def test_tell_translates_with_parameters(app: Flask) -> None:
    with app.test_request_context("/?lang=ru"):
        error = Refused("x", "Too many attempts. Try again in %(minutes)d min.", minutes=4)
        assert tell(error) == "Слишком много попыток. Попробуйте снова через 4 мин."


def test_kazakh_names_in_their_own_order() -> None:
    assert kazakh_sorted(["Яна", "Әсел", "Асқар", "Қанат", "Кенже", "Ұлан", "Үміт", "Уәли", "Һаким", "Хамит"]) == [
        "Асқар", "Әсел", "Кенже", "Қанат", "Уәли", "Ұлан", "Үміт", "Хамит", "Һаким", "Яна",
    ]  # fmt: skip


def test_the_alphabet_is_whole() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 42
