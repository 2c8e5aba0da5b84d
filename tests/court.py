"""The simulator: a centre and its nodes in one process, over real SQLite, with one clock and one seeded, bad line.

    court = Court(tmp_path, seed=7)
    almaty, aktau = court.node("kz-11"), court.node("kz-200")
    court.cut(almaty); filing = court.file(almaty, …); court.heal(almaty); court.exchange(almaty)
    court.check()                                   fsck, equal state hashes, every R0 in the register

Everything a node or the centre does goes through their own wiring (`edge.node.Node`, `central.centre.Centre`); only the
clock, the line and the crash are the simulator's.
"""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from central.centre import Centre
from central.config import CentralConfig
from central.services import enrolment as central_enrolment
from common.errors import CourtError, Unreachable
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from sync import enrolment

START_MS = 1_795_240_000_000
"""21 November 2026, 05:46 UTC."""


class FakeClock:
    """Stands still unless it is moved."""

    def __init__(self, now: int = START_MS) -> None:
        self._now = now
        self._mono = 1_000
        self._boot = bytes(16)

    def now(self) -> int:
        return self._now

    def monotonic(self) -> int:
        return self._mono

    def boot_id(self) -> bytes:
        return self._boot

    def tick(self, ms: int) -> None:
        self._now += ms
        self._mono += max(ms, 1)


@dataclass
class Weather:
    """Probabilities of what the line does to one request, and whether it is cut."""

    cut: bool = False
    lose: float = 0.0
    cut_answer: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0


class Line:
    """The transport of one node: a function call through bad weather."""

    def __init__(self, handle: Callable[[str, bytes], tuple[int, bytes]], dice: random.Random) -> None:
        self._handle = handle
        self._dice = dice
        self.weather = Weather()
        self.seen: list[tuple[str, bytes]] = []

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        weather, dice = self.weather, self._dice
        if weather.cut or dice.random() < weather.lose:
            raise Unreachable("line.down", "cut")
        if dice.random() < weather.corrupt:
            body = self._cut_somewhere(body)
        if dice.random() < weather.duplicate:
            self._handle(path, body)
        if self.seen and dice.random() < weather.duplicate:
            self._handle(*dice.choice(self.seen))  # an old message comes again
        self.seen.append((path, body))
        status, answer = self._handle(path, body)
        if dice.random() < weather.cut_answer:
            raise Unreachable("line.down", "cut while answering")
        return status, answer

    def _cut_somewhere(self, body: bytes) -> bytes:
        place = self._dice.randrange(len(body))
        if self._dice.random() < 0.5:
            return body[:place]
        return body[:place] + bytes([body[place] ^ (1 << self._dice.randrange(8))]) + body[place + 1 :]


class Court:
    """The country on a table."""

    def __init__(self, folder: Path, *, seed: int = 0) -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.clock = FakeClock()
        self.centre = Centre.create(CentralConfig(data=str(folder / "centre")), clock=self.clock, name="Centre")
        central_enrolment.create(self.centre.database)
        self.nodes: list[Node] = []
        self.lines: dict[int, Line] = {}

    def publish_reference(self) -> None:
        from central.services import reference

        reference.publish_initial(self.centre)

    def _handle(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == enrolment.PATH:
            try:
                return 200, central_enrolment.enrol(self.centre, body)
            except CourtError as error:
                return error.status, b""
        return self.centre.server.handle(path, body)

    def node(self, *courts: str, number: int | None = None) -> Node:
        """Enrol a machine that writes for ``courts`` and return it, caught up."""
        number = number or 1001 + len(self.nodes)
        code = central_enrolment.make_code(self.centre, node=number, name=f"Node {number}", courts=courts)
        line = Line(self._handle, self.dice)
        data = self.folder / f"node-{number}"
        enrol(data, str(code), line)
        node = Node.open(EdgeConfig(data=str(data)), clock=self.clock, transport=line)
        node.start()
        self.nodes.append(node)
        self.lines[number] = line
        node.client.exchange()
        return node

    def cut(self, node: Node) -> None:
        self.lines[node.number].weather.cut = True

    def heal(self, node: Node) -> None:
        self.lines[node.number].weather = Weather()

    def exchange(self, node: Node) -> bool:
        """Try one exchange; return whether it went through."""
        try:
            node.client.exchange()
        except Unreachable:
            return False
        return True

    def crash(self, node: Node) -> Node:
        """Lose everything that is only in memory and start the machine again."""
        place = self.nodes.index(node)
        node.close()
        again = Node.open(node.config, clock=self.clock, transport=self.lines[node.number])
        again.start()
        self.nodes[place] = again
        return again

    def backup(self, node: Node, name: str) -> Path:
        """Copy the node's database as a backup would."""
        target = self.folder / name
        node.database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(node.data / "node.db", target)
        return target

    def restore(self, node: Node, backup: Path) -> Node:
        """Put an old database in place of the node's, mark file untouched, and start again."""
        place = self.nodes.index(node)
        node.close()
        for old in node.data.glob("node.db*"):
            old.unlink()
        shutil.copy(backup, node.data / "node.db")
        again = Node.open(node.config, clock=self.clock, transport=self.lines[node.number])
        again.start()
        self.nodes[place] = again
        return again
