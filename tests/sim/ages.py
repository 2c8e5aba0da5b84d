"""Machines that still run an older program: what PROTOCOL.md has added since is neither said nor understood by them.

    with older_types(): node = court.crash(node)          a program that does not know an entry type yet
    make_old_node(node); make_old_centre(centre)          older messages, until the next start

An old node's hello ends earlier, its bundles name no beacon and no bases, and it reads no R1, no missing files and no `folded` from an
acknowledgement, no `lacks` from welcome or stick. An old centre's welcome ends earlier, and its acknowledgement is a position.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from central.centre import Centre
from common import canonical
from common.court import filings
from common.facts import Body
from edge.node import Node
from sync import bundle, cose, ports
from sync.container import write_container
from sync.identity import Identity
from sync.messages import CONTENT_TYPES, Acknowledgement, Hello, Welcome, pack, unpack

HELLO_FIELDS = Hello.__struct_fields__.index("cosigned")
WELCOME_FIELDS = Welcome.__struct_fields__.index("protocol")
"""How many fields the messages had before."""
NEW_TYPE = "filing.withdraw/1"
_old_authors: set[int] = set()
"""Machines whose bundles name no beacon."""


@contextmanager
def older_types() -> Iterator[None]:
    """Let programs that start inside not know an entry type."""
    known = filings.TYPES
    filings.TYPES = {name: kind for name, kind in known.items() if name != NEW_TYPE}
    try:
        yield
    finally:
        filings.TYPES = known


def make_old_node(node: Node) -> None:
    """Let the running ``node`` speak as before."""
    link = node.client._link
    ask, read = link.ask, link.read

    def old_ask(path: str, message: Any, kind: Any) -> Any:
        if not isinstance(message, Hello):
            return ask(path, message, kind)
        return link.read(link.post(path, _prefix(message, HELLO_FIELDS, link.identity)), kind)

    def old_read(*given: Any) -> Any:
        message = read(*given)
        if isinstance(message, Acknowledgement):
            return _position(message)
        return msgspec.structs.replace(message, lacks=[], protocol=1) if isinstance(message, Welcome) else message

    link.ask, link.read = old_ask, old_read  # type: ignore[method-assign]
    link.protocol = 1
    node.client._up.files.note_lacked = lambda files: None  # type: ignore[method-assign]
    _old_authors.add(node.number)


def make_new(number: int) -> None:
    """Let bundles of machine ``number``, which was started anew, name their beacon again."""
    _old_authors.discard(number)


def make_old_centre(centre: Centre) -> None:
    """Let the running centre answer as before."""
    doors, who = centre.server._doors, centre.identity
    hello, take = doors[ports.HELLO], doors[ports.BUNDLE]

    def old_hello(body: bytes) -> bytes:
        welcome = unpack(cose.parse(hello(body)), Welcome, who.certificate.sign_key, who.environment)
        return _prefix(welcome, WELCOME_FIELDS, who)

    def old_bundle(body: bytes) -> bytes:
        return pack(_position(unpack(cose.parse(take(body)), Acknowledgement, who.certificate.sign_key, who.environment)), who)

    doors[ports.HELLO], doors[ports.BUNDLE] = old_hello, old_bundle
    centre.register.revoked = lambda: b""


def _position(ack: Acknowledgement) -> Acknowledgement:
    return Acknowledgement(epoch=ack.epoch, seq=ack.seq, head=ack.head, digest=ack.digest)


def _prefix(message: Body, count: int, author: Identity) -> bytes:
    values = [getattr(message, name) for name in message.__struct_fields__[:count]]
    return author.sign_message(canonical.encode(values), CONTENT_TYPES[type(message)])


def _write_container(kind: str, about: dict[str, Any], payload: bytes, author: Identity, *more: Any, **named: Any) -> bytes:
    if author.node in _old_authors:
        about = {name: value for name, value in about.items() if name != "beacon"}
    return write_container(kind, about, payload, author, *more, **named)


bundle.write_container = _write_container  # type: ignore[assignment]
