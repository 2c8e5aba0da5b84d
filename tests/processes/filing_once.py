"""One filing by a process of its own: a node's folder is opened, and the draft in it that somebody has read is signed and sent.

main([folder, draft, shown, key file, password, ms])        the draft in hex; what the pages do when the button is pressed
"""

from collections.abc import Sequence
from pathlib import Path

from common.pki.keystore import Key
from common.pki.opening import OpenedKey, open_key
from edge.config import EdgeConfig
from edge.node import Node
from edge.services import filings, talons
from edge.visitor import Visitor
from tests.court import FakeClock


def main(arguments: Sequence[str]) -> int:
    """File the draft, make the talon as the page would, and return 0."""
    folder, draft, shown, key_file, password, now = arguments
    node = Node.open(EdgeConfig(data=folder), clock=FakeClock(int(now)))
    node.start()
    file_draft(node, bytes.fromhex(draft), shown, open_key(Path(key_file).read_bytes(), password, node.trust, now_ms=node.clock.now()))
    node.close()
    return 0


def file_draft(node: Node, draft: bytes, shown: str, key: OpenedKey) -> bytes:
    """Sign and send a draft that was read as ``shown``, or find what it became; return the talon's page."""
    return talons.pdf(node, filings.submit(node, visitor_of(key.key), draft, key, shown=shown))


def visitor_of(key: Key) -> Visitor:
    """Return the holder of ``key``, signed in by it."""
    person = key.certificate
    return Visitor(person.iin, person.iin, "", person.full_name, person.sha256, "key")
