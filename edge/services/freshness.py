"""As of when this node knows what came from elsewhere (invariant 8)."""

from common.db import fetch
from edge.node import Node


def others_as_of(node: Node) -> int | None:
    """Return when the last exchange with the centre ended, in ms UTC; None before the first one.

    What this court wrote itself is always as of now.
    """
    rows = fetch(node.database, "SELECT contact_ms FROM sync")
    return rows[0][0] or None if rows else None
