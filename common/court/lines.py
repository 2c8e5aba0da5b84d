"""A sentence with its values, to be translated where it is shown.

    line(N_("The duty is %(percent)s %% of %(claim_tiyn)s."), percent="1", claim_tiyn=245_000_000)

Values are raw so that each page writes them in its language: a name ending in ``_tiyn`` is money in tiyn, one ending in
``_on`` is a `datetime.date`; everything else is shown as it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Line:
    """``sentence`` is a message id (English); ``params`` are its values."""

    sentence: str
    params: Mapping[str, object]

    def __str__(self) -> str:
        """English text for terminals and tests."""
        return self.sentence % {name: _plain(name, value) for name, value in self.params.items()} if self.params else self.sentence


def line(sentence: str, **params: object) -> Line:
    """Return a Line; ``sentence`` must be marked with N_ by the caller."""
    return Line(sentence, MappingProxyType(params))


def decimal_text(thousandths: int) -> str:
    """Return thousandths as a short decimal: 500 → "0.5", 1000 → "1"."""
    whole, rest = divmod(thousandths, 1000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def _plain(name: str, value: object) -> object:
    if name.endswith("_tiyn") and isinstance(value, int):
        return f"{value // 100}.{value % 100:02} KZT"
    return value
