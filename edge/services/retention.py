"""What this court's machine keeps: every entry for ever, files as long as the operator says (``keep_files_days``)."""

from typing import Final

from edge.node import Node
from sync import retention

DAY_MS: Final = 86_400_000
PRUNABLE: Final = ("filing.", "case.", "materials.")
"""Files of these entries are read rarely once decided; lists and what else works by itself stay."""


def prune(node: Node) -> int:
    """Let go of old files that the centre has; return how many."""
    days = node.config.keep_files_days
    if not days or node.filling():
        return 0
    return retention.prune(node.database, node.blobs, node.clock, node=node.number, keep_ms=days * DAY_MS, types=PRUNABLE)
