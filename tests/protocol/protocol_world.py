"""A centre and machines without reference data, and messages forged with the protocol's own functions."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from central.services import enrolment as central_enrolment
from common import canonical
from common.db import Database, fetch, insert
from common.errors import CourtError
from common.facts import BlobRef, Body
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from sync import cose, enrolment
from sync.bundle import write_bundle
from sync.directory import EpochOpen, node_object
from sync.entry import Entry, Envelope, chain_next, write_entry
from sync.identity import Identity
from sync.messages import Refusal, unpack
from sync.position import Position
from tests.court import Court, Line

OPEN = EpochOpen(previous=0, last_seq=0, reason="test")


@dataclass
class World:
    """One centre and one enrolled machine, caught up."""

    court: Court
    node: Node

    @property
    def me(self) -> Identity:
        return self.node.identity

    @property
    def centre(self) -> Identity:
        return self.court.centre.identity

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        return self.court.centre.server.handle(path, body)

    def refused(self, path: str, body: bytes) -> Refusal:
        """Return the signed refusal of a message that must be refused."""
        status, answer = self.post(path, body)
        assert 400 <= status < 500
        return unpack(cose.parse(answer), Refusal, self.centre.certificate.sign_key, self.centre.environment)

    def at(self) -> Position:
        return self.court.centre.register.peer(self.node.number)

    def entries(self, count: int = 1, *, after: Position | None = None, **changes: Any) -> list[Entry]:
        """Return entries that would follow, written past the machine's own journal."""
        at = after or self.at()
        return [make_entry(self.node.number, at.epoch, at.seq + 1 + place, **changes) for place in range(count)]

    def bundle(self, entries: Sequence[Entry], *, after: Position | None = None, author: Identity | None = None) -> bytes:
        return write_bundle(entries, after or self.at(), b"", author or self.me, self.centre.certificate, beacon=0)

    def write(self, count: int = 1, *, blobs: Sequence[BlobRef] = ()) -> list[Entry]:
        """Write entries as the machine itself does."""
        return [append(self.node, OPEN, blobs=blobs) for _ in range(count)]


def append(node: Node, body: Body, *, blobs: Sequence[BlobRef] = ()) -> Entry:
    with node.journal.unit() as unit:
        return unit.append(node_object(node.number), body, blobs=blobs)


def make_entry(node: int, epoch: int, seq: int, *, body: Any = None, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "node": node,
        "epoch": epoch,
        "seq": seq,
        "type": "test.thing/1",
        "obj": hashlib.sha256(f"{node} {epoch} {seq}".encode()).digest()[:16],
        "base": None,
        "time": 1,
        "boot": bytes(16),
        "mono": 1,
        "beacon": 0,
        "root": None,
        "actor": None,
        "blobs": (),
    }
    return write_entry(Envelope(**(values | changes)), canonical.encode({} if body is None else body))


def head_after(at: Position, entries: Sequence[Entry]) -> bytes:
    head = at.head
    for entry in entries:
        head = chain_next(head, entry.leaf)
    return head


def make_code(court: Court, number: int) -> enrolment.Code:
    """A code for a machine of no court: it needs no reference data."""
    code = enrolment.new_code(court.centre.identity.pin)
    row = {"secret_hash": enrolment.secret_hash(code.secret), "node": number, "name": "Test", "courts": ""}
    insert(
        court.centre.database,
        central_enrolment.EnrolCodeRow,
        [row | {"expires_ms": court.clock.now() + central_enrolment.CODE_MS, "used_ms": None}],
    )
    return code


def add_node(court: Court, number: int = 1001) -> Node:
    line = Line(court._handle, court.dice)
    data = court.folder / f"node-{number}"
    enrol(data, str(make_code(court, number)), line)
    node = Node.open(EdgeConfig(data=str(data)), clock=court.clock, transport=line)
    node.start()
    court.nodes.append(node)
    court.lines[number] = line
    node.client.exchange()
    return node


def make_world(folder: Path) -> World:
    court = Court(folder)
    return World(court, add_node(court))


WITNESSED = ("witness", "refused_head", "turn")
"""What a machine notes of the heads it saw, also of those it refuses, and of the tokens it was given."""


def picture(database: Database, *, without: Sequence[str] = ("sync", "contact")) -> dict[str, list[Any]]:
    """Everything the database holds, but what it notes about the line itself."""
    names = database.get_tables()
    return {name: fetch(database, f'SELECT * FROM "{name}"') for name in names if name not in (*without, *WITNESSED)}


def code_of(action: Callable[[], object]) -> str:
    """Return the code with which ``action`` is refused."""
    with pytest.raises(CourtError) as caught:
        action()
    return caught.value.code


def signed_as(author: Identity, content_type: str, value: Any) -> bytes:
    return author.sign_message(value if type(value) is bytes else canonical.encode(value), content_type)
