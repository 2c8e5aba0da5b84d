"""A sentence with its values, to be translated where it is shown.

    line(N_("%(percent_milli)s %% of the claim amount %(claim_tiyn)s."), percent_milli=1000, claim_tiyn=245_000_000)

Values are raw so that each page writes them in its language. The ending of a name says what it is: ``_tiyn`` money in tiyn,
``_on`` a `datetime.date`, ``_milli`` thousandths of a number; everything else is shown as it stands. The same endings are
used in the parameters of refusals and findings: `shown` makes all of them ready for a sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Line:
    """``sentence`` is a message id (English); ``params`` are its values."""

    sentence: str
    params: Mapping[str, object]

    def __str__(self) -> str:
        """English text for terminals and tests."""
        values = shown(self.params, money=_money, day=date.isoformat, decimal=decimal_text)
        return self.sentence % values if values else self.sentence


def line(sentence: str, **params: object) -> Line:
    """Return a Line; ``sentence`` must be marked with N_ by the caller."""
    return Line(sentence, MappingProxyType(params))


def shown(
    params: Mapping[str, object],
    *,
    money: Callable[[int], str],
    day: Callable[[date], str],
    decimal: Callable[[int], str],
) -> dict[str, object]:
    """Return ``params`` with money, days and decimals written by the given functions of the page's language."""
    return {name: _shown(name, value, money, day, decimal) for name, value in params.items()}


def decimal_text(thousandths: int) -> str:
    """Return thousandths as a short decimal with a point: 500 → "0.5", 1000 → "1"."""
    whole, rest = divmod(thousandths, 1000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def _shown(name: str, value: object, money: Callable[[int], str], day: Callable[[date], str], decimal: Callable[[int], str]) -> object:
    if name.endswith("_tiyn") and isinstance(value, int):
        return money(value)
    if name.endswith("_milli") and isinstance(value, int):
        return decimal(value)
    return day(value) if name.endswith("_on") and isinstance(value, date) else value


def _money(tiyn: int) -> str:
    return f"{tiyn // 100}.{tiyn % 100:02} KZT"
