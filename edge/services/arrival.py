"""Whether a person's papers from other courts have come to this machine since they first signed in here.

Their sign-in is an entry; when the register has folded it, their history is in this machine's feed. Until then what the
pages show of other courts is not old, it is not there, and people are told so.
"""

from dataclasses import dataclass
from typing import Final, Literal

from common.db import fetch
from edge.node import Node
from edge.services.filings import line_state
from sync.tables import entry_at

COMING_MS: Final = 60_000
"""So long a page that waits looks again by itself; a kiosk must not stay awake over a line that has died."""

FIRST: Final = """SELECT e.leaf, e.log_index FROM account_row a JOIN entry e ON e.obj = a.obj WHERE a.person = ? AND e.node = ?
                  ORDER BY e.log_index IS NULL, e.log_index, e.epoch, e.seq LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """``here``: what the register had when it heard of them is here; ``coming``: being fetched now; ``waiting``: for the line."""

    kind: Literal["here", "coming", "waiting"]


def of(node: Node, person: str) -> Arrival:
    """Return how it stands with a person's papers, and have the next exchange begin at once while they are coming."""
    first = fetch(node.database, FIRST, (person, node.number))
    if not first:
        return Arrival("here")  # nothing was opened here: nothing is due
    leaf, log_index = first[0]
    beacon = fetch(node.database, "SELECT beacon FROM journal")[0][0]
    if log_index is not None and log_index < beacon:
        return Arrival("here")
    found = entry_at(node.database, leaf)
    young = found is not None and 0 <= node.clock.now() - found[0].envelope.time < COMING_MS
    if not (young and line_state(node).online):
        return Arrival("waiting")
    node.hurry()
    return Arrival("coming")
