"""Case numbers: ``RRCC-YY-00-T/N``, for example ``7594-25-00-4/5229`` or ``3599-24-00-2а/2151``.

RR region and CC court (together the prefix a court has), YY year, ``00`` constant in every number seen, T type of
proceedings and instance, N sequence within the court, year and type. People type them with spaces, with a number sign,
with long dashes, and with Latin letters that look like а, к, п: all that is read; one spelling is written.

A final number is minted by the owning court's node only, from its own sequence; until then there is only the talon.
"""

import re
from dataclasses import dataclass
from typing import Final

from common.errors import N_, Refused

SEQUENCE_MAX: Final = 9_999_999
"""Seven digits; the largest courts of the country stay under one million a year."""
TEXT_CHARS_MAX: Final = 64
"""A number has about 20 signs; longer input is not even looked at."""

_LOOKALIKES: Final = str.maketrans({"a": "а", "k": "к", "p": "п", "n": "п", "р": "п"})
"""Latin keys and the Cyrillic р: the only letters types are made of are а, к and п."""
_CASE_TYPES: Final = {
    ("civil", "first"): "2",
    ("civil", "appeal"): "2а",
    ("administrative", "first"): "4",
    ("administrative", "appeal"): "4а",
    ("administrative", "cassation"): "4к",
    ("administrative", "supreme"): "6ап",
    # the rest was not seen on a real number; by analogy, to be confirmed
    ("civil", "cassation"): "2к",
    ("criminal", "first"): "1",
    ("criminal", "appeal"): "1а",
    ("criminal", "cassation"): "1к",
    ("admin_offence", "first"): "3",
    ("admin_offence", "appeal"): "3а",
}
_GRAMMAR: Final = re.compile(r"(?P<rrcc>\d{4})-(?P<year>\d{2})-00-(?P<type>\d{1,2}[акп]{0,2})/(?P<sequence>\d{1,7})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class CaseNumber:
    """A parsed number; ``year`` has four digits, ``type`` is Cyrillic lower case."""

    rrcc: str
    year: int
    type: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.rrcc}-{self.year % 100:02}-00-{self.type}/{self.sequence}"


def parse(text: str, *, field: str = "case_number") -> CaseNumber:
    """Return the number in ``text``; raises Refused("case_number.grammar") showing the pattern."""
    found = _GRAMMAR.fullmatch(_normal(text)) if len(text) <= TEXT_CHARS_MAX else None
    if found is None or int(found["sequence"]) == 0:
        sentence = N_("A case number looks like %(example)s. Compare it with the court's paper or notice.")
        raise Refused("case_number.grammar", sentence, field=field, example="4711-26-00-2/934")
    return CaseNumber(found["rrcc"], 2000 + int(found["year"]), found["type"], int(found["sequence"]))


def format(number: CaseNumber) -> str:
    """Return the one spelling of ``number``."""
    return str(number)


def mint(rrcc: str, year: int, case_type: str, sequence: int) -> CaseNumber:
    """Return a new number; raises Refused("case_number.grammar") where the parts give no valid one."""
    number = CaseNumber(rrcc, year, case_type, sequence)
    if not 2000 <= year <= 2099 or parse(str(number)) != number:
        raise Refused("case_number.grammar", N_("These parts do not give a case number."))
    return number


def case_type(proceedings: str, instance: str) -> str:
    """Return the type group for codes of the classifier (civil, first → "2"); raises Refused("case_number.type") where none is known."""
    try:
        return _CASE_TYPES[proceedings, instance]
    except KeyError:
        sentence = N_("No case-number type is known for these proceedings in this instance. Ask the centre to publish it.")
        raise Refused("case_number.type", sentence, field="proceedings") from None


def proceedings_of(case_type: str) -> tuple[str, str] | None:
    """Return (proceedings, instance) of a type group, or None for a group nobody has seen."""
    return next((key for key, value in _CASE_TYPES.items() if value == case_type), None)


def _normal(text: str) -> str:
    bare = re.sub(r"[\s№#\u200b\ufeff]+", "", text.lower())
    bare = re.sub(r"[‐‑‒–—−]", "-", bare)
    return bare.translate(_LOOKALIKES)
