"""How a paper stands whose machine was revoked from an earlier place: after the cut it is evidence until a person admits it.

Nothing of it vanishes and everybody reads it as before; what may not happen meanwhile is a decision on it (PROTOCOL 2.18).
"""

from collections.abc import Iterable

from common.court import admissions
from common.court.admissions import Admission
from common.court.filing_lists import Event, Filing
from common.errors import N_, Conflict
from edge.node import Node
from sync.admission import Standing, standing_of
from sync.revocations import standing_of as machine_standing
from sync.tables import entry_at

WAITS = N_(
    "The machine that took this paper was excluded from a moment before it was written. The paper is kept and read as it is; an "
    "administrator of the centre decides whether it counts. Until then it is neither registered nor refused."
)


def of(node: Node, filing: Filing) -> Standing:
    """Return how a filing stands."""
    return standing_of(node.database, node.identity.pin, (filing.node, filing.epoch, filing.seq), filing.leaf)


def of_event(node: Node, event: Event) -> Standing:
    """Return how one step of a filing stands: a decision, too, may come from a machine that was excluded."""
    found = entry_at(node.database, event.leaf)
    if found is None:
        return ""
    at = found[0].envelope
    return standing_of(node.database, node.identity.pin, (at.node, at.epoch, at.seq), event.leaf)


def after_cut(node: Node, filings: Iterable[Filing]) -> frozenset[bytes]:
    """Return which of ``filings`` (their objects) stand after the cut of their machine."""
    listed = list(filings)
    revoked = {number for number in {each.node for each in listed} if machine_standing(node.database, number, node.identity.pin).cut}
    return frozenset(each.obj for each in listed if each.node in revoked and of(node, each) == "after")


def admission(node: Node, filing: Filing) -> Admission | None:
    """Return the act that admits the filing, or None."""
    return admissions.of(node.database, filing.leaf)


def require_counts(node: Node, filing: Filing) -> None:
    """Raise Conflict("filing.after_cut") for a filing about which nothing may be decided yet."""
    if of(node, filing) == "after":
        raise Conflict("filing.after_cut", WAITS)
