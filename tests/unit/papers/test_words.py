"""How dates, sums and numbers are written: DESIGN's table, line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_people import RECEIVED

from common.papers import words as w

YEAR_END = 1798743599000  # 2026-12-31 18:59:59 UTC: one second to midnight in UTC, one second before it in Aktau


@pytest.mark.parametrize(("lang", "text"), [("kk", "2026 жылғы 20 қараша"), ("ru", "20 ноября 2026 года"), ("en", "20 November 2026")])
def test_a_date_is_written_in_words_of_its_language(lang: w.Lang, text: str) -> None:
    assert w.date_words(RECEIVED, lang) == text
    assert w.date_time_words(RECEIVED, lang) == f"{text}, 14:52"
    assert w.date_time_words(RECEIVED, lang, seconds=True).endswith("14:52:08")


def test_times_are_shown_in_the_countrys_zone() -> None:
    assert w.date_short(YEAR_END) == "31.12.2026"
    assert w.date_short(YEAR_END + 1000) == "01.01.2027"
    assert w.time_words(YEAR_END, seconds=True) == "23:59:59"
    assert w.utc_time(RECEIVED) == "09:52:08"


def test_the_year_is_left_out_only_in_the_same_year() -> None:
    assert w.date_time_short(RECEIVED) == "20.11.2026, 14:52"
    assert w.date_time_short(RECEIVED, now=RECEIVED + 1) == "20.11, 14:52"
    assert w.date_time_short(RECEIVED, now=YEAR_END + 1000) == "20.11.2026, 14:52"


@pytest.mark.parametrize(
    ("tiyn", "text"),
    [
        (245_000_000, "2 450 000 ₸"),
        (2_450_050, "24 500,50 ₸"),
        (105, "1,05 ₸"),
        (0, "0 ₸"),
        (-105, "−1,05 ₸"),
    ],
)
def test_money_shows_tiyn_only_when_there_are_any(tiyn: int, text: str) -> None:
    assert w.money(tiyn) == text.replace(" ", w.NBSP)


def test_numbers_are_grouped_for_the_eye() -> None:
    assert w.talon_groups("197640118205374") == "197 640 118 205 374".replace(" ", w.NBSP)
    assert w.iin_groups("850312400127") == f"850312{w.NBSP}400127"
    assert w.iin_masked("850312400127") == f"••••••{w.NBSP}••0127"
    assert "8503" not in w.iin_masked("8503124001270")  # a number of a wrong length is hidden whole


@pytest.mark.parametrize(
    ("size", "lang", "text"),
    [
        (0, "kk", "0 Б"),
        (1023, "kk", "1023 Б"),
        (219_000, "kk", "214 КБ"),
        (1_048_000, "kk", "1023 КБ"),
        (1_048_500, "kk", "1,0 МБ"),
        (1_234_567, "ru", "1,2 МБ"),
        (1_234_567, "en", "1.2 MB"),
        (5 * 1024**3, "kk", "5,0 ГБ"),
    ],
)
def test_sizes_always_carry_a_unit(size: int, lang: w.Lang, text: str) -> None:
    assert w.size_words(size, lang) == text.replace(" ", w.NBSP)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Сәрсенова Айгүл Маратқызы", "Сәрсенова А. М."),
        ("Ким Ли", "Ким Л."),
        ("Мадонна", "Мадонна"),
        ("Мамедов Али Гусейн оглы", "Мамедов А. Г."),
        ("", ""),
    ],
)
def test_initials_keep_the_family_name(name: str, text: str) -> None:
    assert w.initials(name) == text.replace(" ", w.NBSP)


def test_hashes_shorten_and_codes_are_digits() -> None:
    assert w.hash_short(bytes.fromhex("9f2c41b7" + "00" * 24 + "e03a5d18")) == "9f2c41b7…e03a5d18"
    assert w.hash_groups(bytes.fromhex("8c0e7d15")) == f"8c0e{w.NBSP}7d15"
    assert w.short_code(b"\x01") == "0000-0000-0001"


@given(st.binary(min_size=32, max_size=32))
def test_short_codes_have_three_fours(digest: bytes) -> None:
    parts = w.short_code(digest).split("-")
    assert [len(part) for part in parts] == [4, 4, 4]
    assert all(part.isdigit() for part in parts)
