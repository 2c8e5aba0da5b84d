"""What stands after a cut, and what a person has admitted (PROTOCOL 2.18 to 2.22).

An entry of a revoked machine after its cut is evidence, wherever it is held, until an act of the centre admits it by its leaf
(`common.court.admissions`). A second entry in a place of a machine's history is in the register by such an act alone.
"""

from typing import Literal

from common.db import Database, fetch, has_table
from sync import revocations
from sync.identity import Pin

Standing = Literal["", "after", "admitted"]
"""Of an entry: as any other; after the cut of its machine; admitted by a person."""


def is_admitted(database: Database, leaf: bytes) -> bool:
    """Return whether an act admits the entry ``leaf``."""
    # `verify` also looks into databases of before, and into empty ones
    known = has_table(database, "admission")
    return bool(known and fetch(database, "SELECT 1 FROM admission WHERE leaf = ? LIMIT 1", (leaf,)))


def standing_of(database: Database, pin: Pin, place: tuple[int, int, int], leaf: bytes) -> Standing:
    """Return how the entry ``leaf`` at ``place`` (node, epoch, seq) stands, as far as directory, list and acts here tell."""
    if is_admitted(database, leaf):
        return "admitted"
    node, epoch, seq = place
    cut = revocations.standing_of(database, node, pin).cut
    return "after" if cut is not None and (epoch, seq) > cut else ""
