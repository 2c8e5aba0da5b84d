"""Storms: a country in bad weather from a printed seed, then healed, settled and held against every oracle.

python -m tests.sim.storms 1000:2000 [--jobs 2]      these seeds; a failure prints its seed and goes on with the next one
python -m tests.sim.storms 417                       this one, with what happened
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from common.db import fetch
from common.errors import CourtError
from edge.config import EdgeConfig
from edge.node import Node
from tests.court import COURTS, Court, Line, Weather, blob_path
from tests.faults.disk import Disk
from tests.sim import ages
from tests.sim.crashes import Crash, crashing
from tests.sim.oracles import check_media
from tests.sim.papers import CITIZENS

ACTIONS = 22
YEAR_MS = 365 * 86_400_000
WEEK_MS = 7 * 86_400_000
LOST_RACES = ("filing.withdrawn", "filing.decided")
"""Two machines acted on one filing while one of them was offline: the register's order decides, the other one waits visibly."""
MEDIA = 2
WRITES = 8
"""A machine falls at one of so many durable writes."""
OPERATIONS = 90
"""The power goes at one of so many writes and syncs."""
MEMORY = Path("/dev/shm")


class Storm:
    """One seed's country and what it lives through. The dice of what happens are not the line's."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.court = Court.ready(folder, seed=seed)
        self.dice = random.Random(f"storm {seed}")
        self.backups: dict[int, Path] = {}
        self.media = [folder / f"usb-{number}" for number in range(MEDIA)]
        for medium in self.media:
            medium.mkdir()
        self.doubtful: set[int] = set()
        """Machines that lost their mark or were copied: only of them may the register think that they have a twin."""
        self.told: list[str] = []
        self.actions: list[tuple[Callable[[Node], object], int]] = [
            (self.file, 8),
            (self.withdraw, 1),
            (self.decide, 4),
            (self.open_cabinet, 1),
            (self.exchange, 8),
            (self.cut, 1),
            (self.heal, 2),
            (self.weather, 2),
            (self.weeks, 1),
            (self.export, 4),
            (self.hand_in, 3),
            (self.take, 3),
            (self.lose, 1),
            (self.crash, 1),
            (self.fall, 3),
            (self.fall_centre, 2),
            (self.backup, 2),
            (self.restore, 1),
            (self.restore_unmarked, 1),
            (self.clock, 1),
            (self.power, 2),
            (self.power_centre, 1),
            (self.full, 1),
            (self.rot, 2),
            (self.clone, 1),
            (self.beside, 2),
            (self.age, 2),
            (self.age_centre, 1),
        ]

    def run(self) -> None:
        actions, weights = zip(*self.actions, strict=True)
        for action in self.dice.choices(actions, weights, k=ACTIONS):
            node = self.dice.choice(self.court.nodes)
            self.told.append(f"{action.__name__} {node.number}")
            try:
                action(node)
            except CourtError as error:  # a use case refused: the person at the desk reads why
                self.told[-1] += f" {error.code}"
        self.settle()

    def settle(self) -> None:
        """Everybody gets today's program and a line; the last sticks and letters arrive; operators look after their disks."""
        court = self.court
        court.crash_centre()
        for number in [node.number for node in court.nodes]:
            self.start(court.machine(number))
        for medium in self.media:
            self.bring_everywhere(medium)
        for owner in (court.centre, *court.nodes):
            for (sha256,) in fetch(owner.database, "SELECT sha256 FROM blob"):
                owner.blobs.vouch(sha256)
        for node in court.nodes:
            court.heal(node)
            court.lines[node.number].deliver_late()
            court.exchange(node)
            if "twin" in court.alarms(node):
                assert node.number in self.doubtful, f"{node.number} is taken for a twin"
                court.clear_alarm(node)
        court.settle()
        court.check(quarantined=LOST_RACES)
        check_media(self.media)

    def bring_everywhere(self, medium: Path) -> None:
        with suppress(CourtError):
            self.court.centre.sticks.take(medium)
        for node in self.court.nodes:
            with suppress(CourtError):
                node.client.stick.take(medium)

    def start(self, node: Node) -> Node:
        """Start the machine again, with today's program."""
        ages.make_new(node.number)
        return self.court.crash(node)

    def medium(self, wanted: str = "") -> Path:
        """Return a stick, where there is one with the folders ``wanted``."""
        return self.dice.choice([medium for medium in self.media if list(medium.glob(f"SOT1/{wanted}"))] or self.media)

    # people

    def file(self, node: Node) -> None:
        attachment = self.dice.randbytes(40) if self.dice.random() < 0.3 else b""
        self.court.file(node, self.dice.choice(CITIZENS), self.dice.choice(COURTS), attachment=attachment)

    def withdraw(self, node: Node) -> None:
        if self.court.filings and ages.NEW_TYPE in node.fold.known_types():
            self.court.withdraw(node, self.dice.choice(self.court.filings))

    def decide(self, node: Node) -> None:
        mine = [filing for filing in self.court.filings if COURTS[node.number - 1001] == filing.court]
        if mine:
            self.court.decide(node, self.dice.choice(mine), self.dice.choice(("register", "refuse")))

    def open_cabinet(self, node: Node) -> None:
        self.court.open_cabinet(node, self.dice.choice(CITIZENS))

    # the line and sticks, in any order

    def exchange(self, node: Node) -> None:
        self.court.exchange(node)

    def heal(self, node: Node) -> None:
        self.court.heal(node)

    def cut(self, node: Node) -> None:
        self.court.cut(node)

    def weather(self, node: Node) -> None:
        names = ("lose", "late", "cut_answer", "duplicate", "corrupt", "garble")
        self.court.lines[node.number].weather = Weather(**{name: self.dice.random() * 0.3 for name in names})

    def weeks(self, node: Node) -> None:
        """Let time pass, with everything that is under way."""
        self.court.clock.tick(int(self.dice.random() * 3 * WEEK_MS))

    def export(self, node: Node) -> None:
        node.client.stick.export(self.medium())

    def hand_in(self, node: Node) -> None:
        """Bring a stick to the centre, which answers on it."""
        medium = self.medium("UP*")
        self.court.centre.sticks.take(medium)
        self.court.centre.sticks.export(medium)

    def take(self, node: Node) -> None:
        """Bring a stick to the machine, or to another one for which there is an answer."""
        waiting = [(medium, each) for medium in self.media for each in self.court.nodes if (medium / "SOT1" / f"DN{each.number}").exists()]
        mine = [(medium, each) for medium, each in waiting if each is node]
        medium, node = self.dice.choice(mine or waiting or [(self.medium(), node)])
        node.client.stick.take(medium)

    def lose(self, node: Node) -> None:
        """Damage a file of a stick, or lose it, or all."""
        medium = self.medium()
        files = sorted(path for path in medium.rglob("*") if path.is_file())
        match int(self.dice.random() * 3) if files else 2:
            case 0:
                self.spoil(self.dice.choice(files))
            case 1:
                self.dice.choice(files).unlink()
            case _:
                shutil.rmtree(medium)
                medium.mkdir()

    def spoil(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(self.dice.random() * len(data))] ^= 1 << int(self.dice.random() * 8)
        path.write_bytes(data)

    def moves(self) -> Callable[[Node], object]:
        """Return something that writes much: what a machine falls over in."""
        return self.dice.choice((self.file, self.exchange, self.exchange, self.export, self.take))

    # machines

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


def live(folder: Path, seed: int) -> None:
    """Let one storm happen below ``folder``, which is empty again afterwards; raises with the seed what it breaks."""
    storm = Storm(folder / str(seed), seed)
    try:
        storm.run()
    except BaseException as error:
        happened = "\n  ".join(storm.told)
        error.add_note(f"seed {seed}; again with: python -m tests.sim.storms {seed}\n  {happened}")
        raise
    finally:
        storm.court.close()
        shutil.rmtree(folder / str(seed), ignore_errors=True)


def outcome(folder: Path, seed: int) -> str:
    """Return what one storm broke, "" for nothing."""
    try:
        live(folder, seed)
    except Exception:  # noqa: BLE001 - whatever it is, it is said with its seed, and the next storm comes
        return traceback.format_exc()
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.storms")
    parser.add_argument("seeds", help="FIRST:END, or one seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args()
    first, _, end = given.seeds.partition(":")
    seeds = range(int(first), int(end or int(first) + 1))
    started, broken = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="storms-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        pool = ProcessPoolExecutor(given.jobs) if given.jobs > 1 else None
        results = (pool.map if pool else map)(partial(outcome, Path(folder)), seeds)
        for seed, problem in zip(seeds, results, strict=True):
            if problem:
                broken += 1
                print(f"seed {seed}\n{problem}", flush=True)  # noqa: T201 - what the run is for
            if (seed + 1 - seeds.start) % 100 == 0 or seed == seeds[-1]:
                spent = time.monotonic() - started
                print(f"{seeds.start}:{seed + 1}  {broken} broken, {spent / (seed + 1 - seeds.start):.2f} s a seed", flush=True)  # noqa: T201
        if pool:
            pool.shutdown()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
