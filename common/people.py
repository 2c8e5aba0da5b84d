"""Who people and organisations are on paper: IIN, BIN, names, and the Kazakh alphabet they are sorted by.

    check_iin(" 760212 350620 ")  → "760212350620"
    mask("760212350620")          → "•••••• ••0620"

A number whose check digit holds is taken even where its date looks odd (foreigners carry such numbers):
`iin_doubts` says what to look at, nothing is refused for it.
"""

import unicodedata
from datetime import date
from typing import Final

from common.errors import N_, Refused

ID_DIGITS: Final = 12
FIRST_SERIES: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SECOND_SERIES: Final = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
BIN_KIND_AT: Final = 4
"""The fifth digit: tens of the day of birth (0–3) in an IIN, kind of organisation (4–6) in a BIN."""
CENTURIES: Final = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}
NAME_CHARS_MAX: Final = 120
"""The longest part of a name; the longest surnames on record have about 70."""

_ALPHABET: Final = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
_ORDER: Final = str.maketrans({letter: chr(0xE000 + place) for place, letter in enumerate(_ALPHABET)})
_APOSTROPHES: Final = str.maketrans({"’": "'", "ʼ": "'", "`": "'", "‑": "-", "–": "-"})


def check_digit(eleven: str) -> int | None:
    """Return the twelfth digit for eleven ASCII digits, or None where no number is given out for them."""
    for weights in (FIRST_SERIES, SECOND_SERIES):
        rest = sum(int(digit) * weight for digit, weight in zip(eleven, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


def is_bin_like(number: str) -> bool:
    """Say whether twelve digits can only be a BIN: no day of birth begins with 4 to 9."""
    return len(number) == ID_DIGITS and number[BIN_KIND_AT] >= "4"


def check_iin(text: str, *, field: str = "iin") -> str:
    """Return the twelve digits of an IIN; raises Refused("iin.length", "iin.digits", "iin.check" or "iin.bin")."""
    number = _strip(text)
    if len(number) != ID_DIGITS:
        raise Refused("iin.length", N_("An IIN has 12 digits; you entered %(count)d."), field=field, count=len(number))
    if not _ascii_digits(number):
        raise Refused("iin.digits", N_("An IIN has digits only. Remove the other signs."), field=field)
    if check_digit(number[:11]) != int(number[11]):
        raise Refused(
            "iin.check", N_("There is a mistake in the IIN: its last digit does not fit. Compare it with the document."), field=field
        )
    if is_bin_like(number):
        raise Refused("iin.bin", N_("This is a BIN of an organisation. Enter the IIN of the person."), field=field)
    return number


def check_bin(text: str, *, field: str = "bin") -> str:
    """Return the twelve digits of a BIN; raises Refused("bin.length", "bin.digits", "bin.check" or "bin.iin")."""
    number = _strip(text)
    if len(number) != ID_DIGITS:
        raise Refused("bin.length", N_("A BIN has 12 digits; you entered %(count)d."), field=field, count=len(number))
    if not _ascii_digits(number):
        raise Refused("bin.digits", N_("A BIN has digits only. Remove the other signs."), field=field)
    if check_digit(number[:11]) != int(number[11]):
        raise Refused(
            "bin.check", N_("There is a mistake in the BIN: its last digit does not fit. Compare it with the document."), field=field
        )
    if not is_bin_like(number):
        raise Refused("bin.iin", N_("This is an IIN of a person. Enter the BIN of the organisation."), field=field)
    return number


def birth_date(iin: str) -> date | None:
    """Return the day of birth a checked IIN tells, or None where its digits name no century or no day."""
    century = CENTURIES.get(iin[6])
    if century is None:
        return None
    try:
        return date(century + int(iin[:2]), int(iin[2:4]), int(iin[4:6]))
    except ValueError:
        return None


def iin_doubts(iin: str, today: date) -> tuple[str, ...]:
    """Return sentences (message ids) on what is odd about a checked IIN; empty when nothing is.

    A seventh digit 0 is said to occur for some foreigners (not verified), so these warn and never refuse.
    """
    born = birth_date(iin)
    if iin[6] not in CENTURIES:
        return (N_("The seventh digit of this IIN is unusual. Compare it with the document."),)
    if born is None:
        return (N_("This IIN names no real day of birth. Compare it with the document."),)
    if born > today:
        return (N_("The day of birth in this IIN has not come yet. Compare it with the document."),)
    return ()


def mask(number: str) -> str:
    """Return the number as strangers may see it: the last four digits (the first six are the day of birth)."""
    return f"•••••• ••{number[-4:]}" if len(number) == ID_DIGITS else "•" * len(number)


def spaced(number: str) -> str:
    """Return the number as its owner reads it, in two halves with a no-break space."""
    return f"{number[:6]}\u00a0{number[6:]}" if len(number) == ID_DIGITS else number


def clean_name(text: str, *, field: str = "name") -> str:
    """Return one part of a person's name with single spaces, NFC; may be empty.

    Letters of the Cyrillic (Kazakh included) and Latin scripts, hyphen, apostrophe and space;
    raises Refused("name.letters") for anything else and Refused("name.long") over `NAME_CHARS_MAX`.
    """
    name = " ".join(unicodedata.normalize("NFC", text).translate(_APOSTROPHES).split())
    if len(name) > NAME_CHARS_MAX:
        raise Refused("name.long", N_("A name has at most %(max)d signs. Shorten it."), field=field, max=NAME_CHARS_MAX)
    if not all(_name_sign(sign) for sign in name) or (name and not any(sign.isalpha() for sign in name)):
        raise Refused(
            "name.letters", N_("A name has letters, a hyphen, an apostrophe and spaces only. Remove the other signs."), field=field
        )
    return name


def full_name(surname: str, first_name: str, patronymic: str = "") -> str:
    """Return «surname first patronymic» with single spaces; raises Refused as `clean_name` does."""
    parts = (clean_name(surname, field="surname"), clean_name(first_name, field="first_name"), clean_name(patronymic, field="patronymic"))
    return " ".join(part for part in parts if part)


def kazakh_key(text: str) -> str:
    """Return the key that sorts ``text`` by the 42 letters of the Kazakh alphabet; case does not count.

    Russian has no letter outside it, so the same key serves Russian names.
    """
    return text.lower().translate(_ORDER)


def _strip(text: str) -> str:
    return "".join(text.split())


def _ascii_digits(text: str) -> bool:
    # str.isdigit() alone would take Arabic-Indic digits and superscripts
    return text.isascii() and text.isdigit()


def _name_sign(sign: str) -> bool:
    if sign in " -'":
        return True
    return sign.isalpha() and unicodedata.name(sign, "").startswith(("CYRILLIC ", "LATIN "))


def calm_name(name: str) -> str:
    """Return a person's name as people write it: certificates hold capitals only. Names of organisations stay as they are."""
    return name.title() if name.isupper() and '"' not in name and "«" not in name else name
