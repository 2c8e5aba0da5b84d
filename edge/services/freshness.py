"""As of when this node knows what came from elsewhere (invariant 8)."""

from common.db import fetch
from edge.node import Node


def others_as_of(node: Node) -> int | None:
    """Return as of when the newest news from elsewhere are, in ms UTC; None before the first.

    Over the line that is the end of the last exchange, by hand the moment at which the centre wrote the stick. What this
    court wrote itself is always as of now.
    """
    rows = fetch(node.database, "SELECT MAX(sync.contact_ms, stick.made_ms) FROM sync, stick")
    return rows[0][0] or None if rows else None
