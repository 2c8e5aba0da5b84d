"""IIN and BIN by the vectors of public repositories and registries; names; the Kazakh alphabet."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import people
from common.errors import Refused

IINS = ("760212350620", "800416300257")  # the first has the check digit 0
BINS = (
    "940140000385",
    "950341000052",
    "961141000023",  # second series
    "070941024691",
    "161140016747",
    "191240019852",  # second series
    "000740000728",
)
NEVER_GIVEN = ("940140000380", "010101600586", "000813159890", "821214240092")


@pytest.mark.parametrize("number", IINS)
def test_real_iins_pass(number: str) -> None:
    assert people.check_iin(f" {number[:6]} {number[6:]} ") == number
    assert not people.is_bin_like(number)


@pytest.mark.parametrize("number", BINS)
def test_real_bins_pass(number: str) -> None:
    assert people.check_bin(number) == number
    assert people.is_bin_like(number)


@pytest.mark.parametrize("number", NEVER_GIVEN)
def test_wrong_check_digits_are_refused(number: str) -> None:
    for check in (people.check_iin, people.check_bin):
        with pytest.raises(Refused) as refusal:
            check(number)
        assert refusal.value.code.endswith(".check")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("85031240012", "iin.length"),
        ("", "iin.length"),
        ("76021235062O", "iin.digits"),
        ("٧٦٠٢١٢٣٥٠٦٢٠", "iin.digits"),
        (BINS[0], "iin.bin"),
    ],
)
def test_iin_refusals_say_what_is_wrong(text: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        people.check_iin(text, field="parties-0-iin")
    assert (refusal.value.code, refusal.value.field) == (code, "parties-0-iin")


def test_the_sentence_counts_the_digits() -> None:
    with pytest.raises(Refused) as refusal:
        people.check_iin("85031240012")
    assert str(refusal.value) == "iin.length: An IIN has 12 digits; you entered 11."


def test_an_iin_is_no_bin() -> None:
    with pytest.raises(Refused) as refusal:
        people.check_bin(IINS[0])
    assert refusal.value.code == "bin.iin"


def test_birth_date_and_doubts() -> None:
    today = date(2026, 11, 20)
    assert people.birth_date("760212350620") == date(1976, 2, 12)
    assert people.iin_doubts("760212350620", today) == ()
    assert people.birth_date("760212050620") is None
    assert "seventh digit" in people.iin_doubts("760212050620", today)[0]
    assert "no real day" in people.iin_doubts("761312350620", today)[0]
    assert "not come yet" in people.iin_doubts("991212650620", today)[0]


@given(st.text(alphabet="0123456789", min_size=11, max_size=11))
def test_any_single_wrong_digit_is_noticed_or_no_number_exists(eleven: str) -> None:
    digit = people.check_digit(eleven)
    if digit is None:
        return
    number = f"{eleven}{digit}"
    check = people.check_bin if people.is_bin_like(number) else people.check_iin
    assert check(number) == number
    with pytest.raises(Refused):
        check(number[:11] + str((digit + 1) % 10))


@given(st.text(max_size=30))
def test_only_our_refusals_leave(text: str) -> None:
    for check in (people.check_iin, people.check_bin, people.clean_name):
        with contextlib.suppress(Refused):
            check(text)


def test_mask_keeps_the_birth_date_back() -> None:
    assert people.mask("850312400127") == "•••••• ••0127"
    assert people.spaced("850312400127") == "850312\u00a0400127"


def test_names_of_every_neighbour() -> None:
    assert people.full_name("  Сәрсенова ", "Айгүл", "Мұхамед-қызы") == "Сәрсенова Айгүл Мұхамед-қызы"
    assert people.full_name("O’Connor", "Zoë") == "O'Connor Zoë"


@pytest.mark.parametrize("text", ["Иванов2", "Ив<b>", "王", "Ұлы\u202e", "-", "a" * 121])
def test_names_with_other_signs_are_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        people.clean_name(text, field="surname")
    assert refusal.value.code in {"name.letters", "name.long"}
    assert refusal.value.field == "surname"


def test_kazakh_alphabet_orders() -> None:
    places = "Абай Әйтеке Гүлшат Ғабит Ескелді Кербұлақ Қордай Ңә Орал Өскемен Умань Ұлытау Үржар Һ Іле Яблоко"
    ordered = places.split(" ")
    assert sorted(sorted(ordered), key=people.kazakh_key) == ordered
