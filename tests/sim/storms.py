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

from common.db import fetch
from common.errors import CourtError
from edge.node import Node
from sync import pieces, recordings
from tests.court import COURTS, Court, Filing, Weather
from tests.sim import ages
from tests.sim.oracles import check_media
from tests.sim.papers import CITIZENS
from tests.sim.troubles import Troubles

ACTIONS = 25
WEEK_MS = 7 * 86_400_000
LOST_RACES = ("filing.withdrawn", "filing.decided")
"""Two machines acted on one filing while one of them was offline: the register's order decides, the other one waits visibly."""
MEDIA = 2
FILM_BYTES_MAX = 3 * pieces.CHUNK_BYTES
MEMORY = Path("/dev/shm")


class Storm(Troubles):
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
            (self.record, 3),
            (self.ask, 3),
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
        if self.dice.random() < 0.5:
            self.quiet_days()
        actions, weights = zip(*self.actions, strict=True)
        for action in self.dice.choices(actions, weights, k=ACTIONS):
            node = self.dice.choice(self.court.nodes)
            self.told.append(f"{action.__name__} {node.number}")
            try:
                action(node)
            except CourtError as error:  # a use case refused: the person at the desk reads why
                self.told[-1] += f" {error.code}"
        self.settle()

    def quiet_days(self) -> None:
        """Let a case come to be before the storm, with recordings that two machines know and one has."""
        court = self.court
        filing = court.file(court.nodes[0], self.dice.choice(CITIZENS), COURTS[1])
        court.open_cabinet(court.nodes[0], filing.person)
        court.settle()
        court.decide(court.nodes[1], filing)
        for _ in range(2):
            self.film(court.nodes[1], filing)
        court.settle()

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

    def record(self, node: Node) -> None:
        """Add a recording of up to a few chunks to a case at its court, which registers it first where it still waits."""
        if not self.court.filings:
            return
        filing = self.dice.choice(self.court.filings)
        node = self.court.machine(1001 + COURTS.index(filing.court))
        if self.court.status(node, filing) == "filed":
            self.court.decide(node, filing, "register")
        if self.court.status(node, filing) == "registered":
            self.film(node, filing)

    def film(self, node: Node, filing: Filing) -> None:
        self.court.add_material(node, filing, self.dice.randbytes(1 + int(self.dice.random() * FILM_BYTES_MAX)))

    def ask(self, node: Node) -> None:
        """Ask for a recording at a machine that knows of it and does not have it."""
        statement = "SELECT DISTINCT sha256 FROM blob_ref WHERE media = 'video/mp4' EXCEPT SELECT sha256 FROM blob ORDER BY sha256"
        known = [(each, sha256) for each in self.court.nodes for (sha256,) in fetch(each.database, statement)]
        if known:
            node, sha256 = self.dice.choice(known)
            recordings.request(node.database, sha256, now=node.clock.now())

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

    def moves(self) -> Callable[[Node], object]:
        """Return something that writes much: what a machine falls over in."""
        return self.dice.choice((self.file, self.exchange, self.exchange, self.export, self.take))


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
