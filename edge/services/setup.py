"""The local tables of all subjects: what a node keeps beside the folds and never sends."""

from edge.node import Node
from edge.services import accounts, drafts, filings, line, notifications


def create(node: Node) -> None:
    """Create what is missing; called when the application is put together."""
    accounts.create(node.database)
    drafts.create(node)
    filings.create(node)
    line.create(node.database)
    notifications.create(node.database)
