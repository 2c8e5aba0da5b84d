"""Facts that several papers show in the same way."""

from dataclasses import dataclass
from typing import Literal

Payment = Literal["paid", "attached", "pending", "exempt", "none"]
"""paid: confirmed by the treasury; attached: a receipt came with the papers, not yet checked; pending: to be paid by the
printed invoice; exempt: nothing to pay, with its ground; none: this kind of document carries no duty."""


@dataclass(frozen=True, slots=True)
class Both:
    """One text in the two languages of the court; ``ru`` may equal ``kk`` for proper names."""

    kk: str
    ru: str

    def of(self, lang: str) -> str:
        """Return the text in ``"kk"`` or ``"ru"``."""
        return self.ru if lang == "ru" else self.kk


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """A court as papers name it: ``region`` is its region or place, ``code`` the six digits of the portal, or ``""``."""

    name: Both
    region: Both = Both("", "")
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """State duty. Sums are tiyn; ``claim_sum`` is None for claims without a price.

    ``ground`` and ``article`` (for example «668-бап, 4-тармақша») belong to ``payment="exempt"``.
    """

    amount: int
    claim_sum: int | None = None
    payment: Payment = "pending"
    ground: Both = Both("", "")
    article: Both = Both("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFile:
    """One file as a paper lists it: ``kind`` is what people call the type («PDF», «JPEG»), ``pages`` 0 where there are none."""

    title: str
    kind: str
    pages: int
    size_bytes: int
    sha256: bytes
    role: Both = Both("", "")
    """What the file is among the attachments, such as «Баж түбіртегі» / «Квитанция об оплате пошлины»."""
