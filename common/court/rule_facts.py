"""What the rule pack is asked about, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date
from typing import Literal

from common.court.claim import Claim

Step = Literal[1, 2, 3, 4]


@dataclass(frozen=True, slots=True)
class FileFact:
    """What is known of one file beyond the form: ``refusal`` is the code of `attachments.inspect`, empty when it is sound."""

    sha256: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """The form and what surrounds it.

    ``signer_iin`` and ``signer_bin`` are those of the session before signing and of the certificate afterwards (both
    empty: not known yet). ``signed_by`` are the IIN or BIN of those who have signed the statement beside the filer.
    ``power_valid`` says whether a сенімхат known here covers the filing. ``filed_on`` is the day of
    R0, None before. ``paid`` is what the centre found about the payment, None while nobody knows.
    """

    claim: Claim
    signer_iin: str = ""
    signer_bin: str = ""
    signed_by: frozenset[str] = frozenset()
    power_valid: bool = False
    files: tuple[FileFact, ...] = ()
    filed_on: date | None = None
    paid: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer. ``sentence`` is a message id; ``field`` and ``step`` say where to correct it."""

    rule_id: str
    passed: bool
    sentence: str
    params: Mapping[str, object] = default(default_factory=dict)
    ground_id: str = ""
    field: str = ""
    step: Step = 1
    level: Literal["must", "warn"] = "must"


@dataclass(frozen=True, slots=True)
class Problem:
    sentence: str
    ground_id: str = ""
    field: str = ""
    params: Mapping[str, object] = default(default_factory=dict)
    level: Literal["must", "warn"] = "must"
