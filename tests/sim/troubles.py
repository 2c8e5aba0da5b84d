"""What happens to machines in a storm: falls, power cuts, full and rotten disks, copies, second processes, programs of before."""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from common.db import fetch
from common.errors import CourtError
from edge.config import EdgeConfig
from edge.node import Node
from tests.court import Court, Line, blob_path
from tests.faults.disk import Disk
from tests.sim import ages
from tests.sim.crashes import Crash, crashing

YEAR_MS = 365 * 86_400_000
WRITES = 8
"""A machine falls at one of so many durable writes."""
OPERATIONS = 90
"""The power goes at one of so many writes and syncs."""


class Troubles:
    """A part of `storms.Storm`: people and letters are its other part."""

    court: Court
    dice: random.Random
    told: list[str]
    backups: dict[int, Path]
    doubtful: set[int]

    def file(self, node: Node) -> object:
        raise NotImplementedError

    def exchange(self, node: Node) -> object:
        raise NotImplementedError

    def hand_in(self, node: Node) -> object:
        raise NotImplementedError

    def moves(self) -> Callable[[Node], object]:
        """Return something that writes much: what a machine falls over in."""
        raise NotImplementedError

    def start(self, node: Node) -> Node:
        """Start the machine again, with today's program."""
        ages.make_new(node.number)
        return self.court.crash(node)

    def spoil(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(self.dice.random() * len(data))] ^= 1 << int(self.dice.random() * 8)
        path.write_bytes(data)

    def crash(self, node: Node) -> None:
        self.start(node)

    def fall(self, node: Node) -> None:
        """Fall over at some write."""
        act = self.moves()
        self.told[-1] += f" in {act.__name__}"
        try:
            with crashing(node, at=1 + int(self.dice.random() * WRITES), torn=self.dice.random() < 0.5):
                act(node)
        except Crash:
            self.told[-1] += " fell"
            self.start(node)

    def fall_centre(self, node: Node) -> None:
        act = self.dice.choice((self.exchange, self.hand_in))
        try:
            with crashing(self.court.centre, at=1 + int(self.dice.random() * WRITES)):
                act(node)
        except Crash:  # over a line it is the machine that hears nothing (`Court._handle`); a stick is read at the centre itself
            self.court.crash_centre()

    def backup(self, node: Node) -> None:
        self.backups[node.number] = self.court.backup(node, f"backup-{node.number}")

    def restore(self, node: Node) -> None:
        if node.number in self.backups:
            ages.make_new(node.number)
            self.court.restore(node, self.backups[node.number])

    def restore_unmarked(self, node: Node) -> None:
        if node.number in self.backups:
            ages.make_new(node.number)
            self.doubtful.add(node.number)
            self.court.restore(node, self.backups[node.number], mark=False)

    def power(self, node: Node) -> None:
        """Lose the power at some write or sync."""
        act = self.moves()
        with Disk(node.data, self.dice, cut_at=1 + int(self.dice.random() * OPERATIONS)) as disk:
            with suppress(CourtError):
                act(self.start(node))
            self.court.machine(node.number).close()
        self.court.machine(node.number).close()
        disk.settle()
        self.court._start(node.number)

    def power_centre(self, node: Node) -> None:
        act = self.dice.choice((self.exchange, self.hand_in))
        with Disk(self.court.centre.data, self.dice, cut_at=1 + int(self.dice.random() * OPERATIONS)) as disk:
            self.court.crash_centre()
            with suppress(CourtError):
                act(node)
            self.court.centre.close()
        self.court.centre.close()
        disk.settle()
        self.court.crash_centre()

    def full(self, node: Node) -> None:
        """Run out of room at some write, and have room again."""
        act, left = self.moves(), int(self.dice.random() * 40)

        def no_room(operation: str, path: Path) -> Exception | None:
            nonlocal left
            left -= operation == "write"
            return None if left >= 0 else apsw.FullError("full") if path.name.startswith("node.db") else OSError("full")

        with Disk(node.data, self.dice) as disk:
            node = self.start(node)
            disk.failing = no_room
            with suppress(CourtError, OSError):
                act(node)
            disk.failing = lambda operation, path: None
            self.court.crash(node).close()
        self.court._start(node.number)

    def rot(self, node: Node) -> None:
        """Damage a file of the machine or of the centre that somebody else still has whole."""
        places: list[Any] = [node, self.court.centre]
        owner = self.dice.choice(places)
        others: list[Any] = [self.court.centre] if owner is node else self.court.nodes
        stored = [sha256 for (sha256,) in fetch(owner.database, "SELECT sha256 FROM blob ORDER BY sha256")]
        stored = [one for one in stored if any(other.blobs.has(one) and other.blobs.is_whole(one) for other in others)]
        if stored:
            self.spoil(blob_path(owner, self.dice.choice(stored)))

    def clone(self, node: Node) -> None:
        """Run a copy of the machine beside it for a moment."""
        self.doubtful.add(node.number)
        clone = self.court.clone(node)
        with suppress(CourtError):
            clone.client.exchange()
        clone.close()
        shutil.rmtree(clone.data)

    def beside(self, node: Node) -> None:
        """Run a second process on the machine's own folder: it files while an exchange of the first is under way."""
        court, line = self.court, self.court.lines[node.number]
        other = Node.open(EdgeConfig(data=str(node.data)), clock=court.watches[node.number], transport=Line(court._handle, court.dice))
        post, at = line.post, int(self.dice.random() * 4)

        def crowded(path: str, body: bytes) -> tuple[int, bytes]:
            nonlocal at
            at -= 1
            if at == 0:
                self.file(other)
            return post(path, body)

        try:
            other.start()
            self.file(other)
            line.post = crowded  # type: ignore[method-assign]
            court.exchange(node)
            line.post = post  # type: ignore[method-assign]
            self.file(node)
            court.troubles += [] if self.dice.random() < 0.5 else other.client.exchange().problems
        finally:
            line.post = post  # type: ignore[method-assign]
            other.close()

    def age(self, node: Node) -> None:
        """Let the machine run an older program from now on."""
        if self.dice.random() < 0.5:
            with ages.older_types():
                node = self.start(node)
        else:
            node = self.start(node)
        ages.make_old_node(node)

    def age_centre(self, node: Node) -> None:
        if self.dice.random() < 0.5:
            with ages.older_types():
                self.court.crash_centre()
        ages.make_old_centre(self.court.centre)

    def clock(self, node: Node) -> None:
        self.court.watches[node.number].off_ms = int((self.dice.random() - 0.5) * 20 * YEAR_MS)
