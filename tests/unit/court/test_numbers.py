"""Case numbers: every spelling people use is read, one is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.court import numbers
from common.court.numbers import CaseNumber
from common.errors import Refused

NUMBERS = st.builds(
    CaseNumber,
    rrcc=st.from_regex(r"[0-9]{4}", fullmatch=True),
    year=st.integers(2000, 2099),
    type=st.from_regex(r"[0-9]{1,2}[акп]{0,2}", fullmatch=True),
    sequence=st.integers(1, numbers.SEQUENCE_MAX),
)


@given(NUMBERS)
def test_written_and_read_again(number: CaseNumber) -> None:
    assert numbers.parse(numbers.format(number)) == number
    assert numbers.mint(number.rrcc, number.year, number.type, number.sequence) == number


@given(NUMBERS)
def test_keyboards_and_paper_do_not_matter(number: CaseNumber) -> None:
    typed = f" № {number}".replace("а", "A").replace("к", "k").replace("п", "p").replace("-", " – ").replace("/", " / ")
    assert numbers.parse(typed) == number


@pytest.mark.parametrize("text", ["7594-25-00-4/5229", "7585-24-00-2/101", "3599-24-00-2а/2151", "7199-26-00-2/1234", "6001-25-00-6ап/12"])
def test_numbers_seen_in_the_country(text: str) -> None:
    assert str(numbers.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7594",
        "7594-25-01-4/5229",
        "7594-25-00-4/0",
        "7594-25-00-4",
        "759-25-00-4/1",
        "7594-25-00-4б/1",
        "7594-25-00-4/12345678",
        "٧594-25-00-4/1",
    ],
)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        numbers.parse(text, field="number")
    assert (refusal.value.code, refusal.value.field) == ("case_number.grammar", "number")
    assert "4711-26-00-2/934" in str(refusal.value)


@given(st.text(max_size=200))
def test_only_our_refusal_leaves(text: str) -> None:
    try:
        number = numbers.parse(text)
    except Refused:
        return
    assert numbers.parse(str(number)) == number


def test_types_of_proceedings() -> None:
    assert numbers.case_type("civil", "appeal") == "2а"
    assert numbers.proceedings_of("4") == ("administrative", "first")
    assert numbers.proceedings_of("9") is None
    with pytest.raises(Refused) as refusal:
        numbers.case_type("civil", "supreme")
    assert refusal.value.code == "case_number.type"


@pytest.mark.parametrize("parts", [("759", 2025, "2", 1), ("7594", 1999, "2", 1), ("7594", 2025, "x", 1), ("7594", 2025, "2", 0)])
def test_nothing_wrong_is_minted(parts: tuple[str, int, str, int]) -> None:
    with pytest.raises(Refused):
        numbers.mint(*parts)
