"""Identifiers: random object ids, and the talon number a citizen reads aloud over the telephone.

A talon number has 15 digits: node 4, epoch 2, counter 8, check digit 1 (ISO/IEC 7064, MOD 11,10), so that every single
wrong digit and nearly every exchanged pair is noticed, and a node mints it without asking anybody.
"""

import secrets
from dataclasses import dataclass

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10

from common.errors import N_, Corrupt, Refused

OBJECT_ID_BYTES = 16
NODE_MAX = 9999
EPOCH_MAX = 99
COUNTER_MAX = 99_999_999
TALON_DIGITS = 15


def new_object_id() -> bytes:
    """Return 16 random bytes."""
    return secrets.token_bytes(OBJECT_ID_BYTES)


@dataclass(frozen=True, slots=True)
class TalonNumber:
    """Where and when in the node's life a filing was taken."""

    node: int
    epoch: int
    counter: int

    def __str__(self) -> str:
        digits = f"{self.node:04}{self.epoch:02}{self.counter:08}"
        return digits + str(mod_11_10.calc_check_digit(digits))


def mint_talon(*, node: int, epoch: int, counter: int) -> str:
    """Return the 15 digits; raises Corrupt when a part has run out of digits (the node then needs a new number)."""
    if not (0 < node <= NODE_MAX and 0 < epoch <= EPOCH_MAX and 0 < counter <= COUNTER_MAX):
        raise Corrupt("talon.exhausted", N_("This machine has no talon numbers left. Call the administrator."))
    return str(TalonNumber(node, epoch, counter))


def read_talon(text: str) -> TalonNumber:
    """Parse what a person typed, spaces and dashes allowed; raises Refused("talon.length") or Refused("talon.check")."""
    digits = "".join(text.split()).replace("-", "").replace("\u00a0", "")
    if len(digits) != TALON_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise Refused("talon.length", N_("A talon number has 15 digits. Check the number on the paper."), field="talon")
    try:
        mod_11_10.validate(digits)
    except ValidationError as error:
        raise Refused("talon.check", N_("There is a mistake in the talon number. Check each digit."), field="talon") from error
    return TalonNumber(int(digits[:4]), int(digits[4:6]), int(digits[6:14]))
