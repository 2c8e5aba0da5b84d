"""The simulator: a centre and its nodes in one process, over real SQLite, with one clock and one seeded, bad line.

    court = Court.ready(tmp_path, seed=7)                  a country of three machines, staff appointed; a copy of one made once
    aktau, astana = court.nodes[:2]
    court.cut(aktau); filing = court.file(aktau, AIGUL, "kz-7"); court.heal(aktau); court.exchange(aktau)
    court.settle(); court.check()                          fsck, equal state hashes, every R0 in the register, R1, R2

Everything a node or the centre does goes through their own wiring (`edge.node.Node`, `central.centre.Centre`); only the
clock, the line and the crash are the simulator's.
"""

import functools
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec

from central.centre import Centre
from central.config import CentralConfig
from central.services import enrolment as central_enrolment
from central.services import nodes as central_nodes
from central.services import reference
from common.court.reference import datasets
from common.db import Database, fetch, insert
from common.errors import CourtError, Unreachable
from common.facts import BlobRef, Body
from common.ids import new_object_id
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from sync import enrolment
from sync.entry import Entry
from sync.objects import Objects
from tests.sim import papers
from tests.sim.crashes import Crash
from tests.sim.papers import Filing, Person

if TYPE_CHECKING:
    from tests.postgres import Server

START_MS = 1_795_240_000_000
"""21 November 2026, 05:46 UTC."""
COURTS = ("kz-283", "kz-7", "kz-11")
"""Of the machines 1001, 1002 and 1003 of `Court.ready`."""
SETTLE_ROUNDS = 20
MODEL = "model_country"
TABLES = "model_tables"


def open_centre(config: CentralConfig, clock: "FakeClock", files: Objects | None = None) -> Centre:
    """Put a centre together as its command line does."""
    return Centre.open(config, clock=clock, files=files, database=_database(config))


def _database(config: CentralConfig) -> Database | None:
    if not config.database:
        return None
    from common.postgres import open_postgres  # most tests need no driver

    return open_postgres(config.database, standby=config.database_standby)


class Where:
    """Where registers are made: in SQLite's files, or while ``server`` is set in databases of it."""

    server: "Server | None" = None
    made: ClassVar[list["Court"]] = []

    @classmethod
    @contextmanager
    def on(cls, server: "Server") -> Iterator[None]:
        """Make registers on ``server``; afterwards they are closed and gone."""
        cls.server = server
        try:
            yield
        finally:
            cls.server = None
            while cls.made:
                court = cls.made.pop()
                court.centre.close()
                server.drop(str(court.centre.database.name))


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


class Watch:
    """One machine's own clock: the country's, and how far it is off."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.off_ms = 0

    def now(self) -> int:
        return self._clock.now() + self.off_ms

    def monotonic(self) -> int:
        return self._clock.monotonic()

    def boot_id(self) -> bytes:
        return self._clock.boot_id()

    def tick(self, ms: int) -> None:
        self._clock.tick(ms)


@dataclass
class Weather:
    """Probabilities of what the line does to one request, and whether it is cut."""

    cut: bool = False
    lose: float = 0.0
    late: float = 0.0
    """The request is given up as lost and delivered at some later time."""
    cut_answer: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    """The request is cut at some byte, or one bit of it flips."""
    garble: float = 0.0
    """The same of the answer."""


class Line:
    """The transport of one node: a function call through bad weather."""

    def __init__(self, handle: Callable[[str, bytes], tuple[int, bytes]], dice: random.Random) -> None:
        self._handle = handle
        self._dice = dice
        self.weather = Weather()
        self.seen: list[tuple[str, bytes]] = []
        self.underway: list[tuple[str, bytes]] = []
        self.cuts: list[int] = []
        """Cut the line after so many more requests, at the answer; the first of them counts."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        weather, chance = self.weather, self._dice.random
        if weather.cut or chance() < weather.lose:
            raise Unreachable("line.down", "cut")
        if chance() < weather.late:
            self.underway.append((path, body))
            raise Unreachable("line.down", "silent")
        if self.underway and chance() < 0.5:
            self._handle(*self.underway.pop(int(chance() * len(self.underway))))
        if chance() < weather.corrupt:
            body = self._spoil(body)
        if chance() < weather.duplicate:
            self._handle(path, body)
        if self.seen and chance() < weather.duplicate:
            self._handle(*self.seen[int(chance() * len(self.seen))])  # an old message comes again
        self.seen.append((path, body))
        status, answer = self._handle(path, body)
        if chance() < weather.cut_answer or self._planned():
            raise Unreachable("line.down", "cut while answering")
        if answer and chance() < weather.garble:
            answer = self._spoil(answer)
        return status, answer

    def deliver_late(self) -> None:
        """Let everything arrive that is still under way, the newest first."""
        while self.underway:
            self._handle(*self.underway.pop())

    def _planned(self) -> bool:
        if not self.cuts:
            return False
        self.cuts[0] -= 1
        return self.cuts[0] < 0 and self.cuts.pop(0) < 0

    def _spoil(self, data: bytes) -> bytes:
        # not randrange: it would take more or less of the dice for bodies whose length differs from run to run
        place = int(self._dice.random() * len(data))
        if self._dice.random() < 0.5:
            return data[:place]
        return data[:place] + bytes([data[place] ^ (1 << int(self._dice.random() * 8))]) + data[place + 1 :]


class Court:
    """The country on a table."""

    def __init__(self, folder: Path, *, seed: int = 0, clock: FakeClock | None = None, database: str = "") -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.clock = clock or FakeClock()
        self.nodes: list[Node] = []
        self.lines: dict[int, Line] = {}
        self.watches: dict[int, Watch] = {}
        self.taken: dict[bytes, int] = {}
        """Leaf → machine of everything that was promised to somebody (R0)."""
        self.written: dict[bytes, int] = {}
        """Leaf → true time (ms) of the same, whatever the machine's own clock said."""
        self.filings: list[Filing] = []
        self.files: Objects | None = None
        self.troubles: list[str] = []
        """Codes with which exchanges failed, but for a line that is down."""
        if Where.server:
            Where.made.append(self)
            database = database or Where.server.fresh(like=_tables(Where.server))
        config = CentralConfig(data=str(folder / "centre"), database=database)
        if (folder / "centre").exists():
            self.centre = open_centre(config, self.clock)
            self.centre.start()
        else:
            self.centre = Centre.create(config, clock=self.clock, name="Centre", database=_database(config))
        central_enrolment.create(self.centre.database)
        central_nodes.create(self.centre.database)

    @classmethod
    def ready(cls, folder: Path, *, seed: int = 0) -> "Court":
        """Return a country of three machines (COURTS) with a clerk at each court; made once a process, then copied."""
        shutil.copytree(_model(Where.server), folder / "country")
        database = Where.server.fresh(like=MODEL) if Where.server else ""
        court = cls(folder / "country", seed=seed, database=database)
        for number in range(1001, 1001 + len(COURTS)):
            court._start(number)
        return court

    def publish_reference(self) -> None:
        reference.publish_initial(self.centre)

    def _handle(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == enrolment.PATH:
            try:
                return 200, central_enrolment.enrol(self.centre, body)
            except CourtError as error:
                return error.status, b""
        try:
            return self.centre.server.handle(path, body)
        except Crash as error:  # the centre's machine fell over; whoever was asking hears nothing
            self.crash_centre()
            raise Unreachable("line.down", "the centre fell over") from error

    def node(self, *courts: str, number: int | None = None) -> Node:
        """Enrol a machine that writes for ``courts`` and return it, caught up."""
        number = number or 1001 + len(self.nodes)
        enrol(self.folder / f"node-{number}", self._code(number, courts), Line(self._handle, self.dice))
        node = self._start(number)
        node.client.exchange()
        return node

    def _code(self, number: int, courts: Sequence[str]) -> str:
        if datasets(self.centre.database):
            return str(central_enrolment.make_code(self.centre, node=number, name=f"Node {number}", courts=courts))
        # a country without reference data knows no court by name: the code is written past the check
        code = enrolment.new_code(self.centre.identity.pin)
        row = {"secret_hash": enrolment.secret_hash(code.secret), "node": number, "name": f"Node {number}", "courts": " ".join(courts)}
        insert(self.centre.database, central_enrolment.EnrolCodeRow, [{**row, "expires_ms": self.clock.now() + 1, "used_ms": None}])
        return str(code)

    def _start(self, number: int) -> Node:
        line = self.lines.setdefault(number, Line(self._handle, self.dice))
        watch = self.watches.setdefault(number, Watch(self.clock))
        node = Node.open(EdgeConfig(data=str(self.folder / f"node-{number}")), clock=watch, transport=line)
        with closed_if_it_falls(node):
            node.start()
        places = [place for place, other in enumerate(self.nodes) if other.number == number]
        if places:
            self.nodes[places[0]] = node
        else:
            self.nodes.append(node)
        return node

    def machine(self, number: int) -> Node:
        """Return the machine as it runs now: a crash and a restore start another one in its place."""
        return next(node for node in self.nodes if node.number == number)

    def staff(self, *courts: str, nodes: Sequence[Node] = ()) -> None:
        """Appoint a clerk at each of ``courts`` and let all trust the people's certification centre."""
        for court in courts:
            reference.appoint(self.centre, papers.appointment(court))
        for owner in (self.centre, *(nodes or self.nodes)):
            for certificate in (*papers.authority().anchors(), *papers.authority().authorities()):
                owner.trust.add(certificate)

    # what people do

    def write(self, node: Node, obj: bytes, body: Body, blobs: Sequence[BlobRef] = (), actor: bytes | None = None) -> Entry:
        """Write one entry at ``node``; once this returns it is promised."""
        with node.journal.unit() as unit:
            entry = unit.append(obj, body, blobs=blobs, actor=actor)
        self._promised(node, entry)
        return entry

    def file(self, node: Node, person: Person, court: str, *, attachment: bytes = b"") -> Filing:
        """File a claim of ``person`` to ``court`` at ``node``; ``attachment`` is a file beside the statement."""
        number = len(self.filings)
        statement = b"%%PDF-1.7 statement %d" % number
        files = [BlobRef(node.blobs.put(data), len(data), "application/pdf") for data in (statement, attachment) if data]
        with node.journal.unit() as unit:
            talon = unit.reserve_talon()
            body = papers.submit(person, court, talon, statement, attachment, unit.now)
            obj = new_object_id()
            entry = unit.append(obj, body, blobs=files, actor=person.key.certificate.sha256)
        self._promised(node, entry)
        filing = Filing(obj, entry.leaf, talon, court, person)
        self.filings.append(filing)
        return filing

    def _promised(self, node: Node, entry: Entry) -> None:
        self.taken[entry.leaf] = node.number
        self.written[entry.leaf] = self.clock.now()

    def withdraw(self, node: Node, filing: Filing) -> Entry:
        """Take ``filing`` back at ``node``; raises where the node does not hold it open."""
        return self.write(node, filing.obj, papers.withdraw(filing), actor=filing.person.key.certificate.sha256)

    def decide(self, node: Node, filing: Filing, how: str = "register", *, number: str = "7194-26-00-2/1") -> Entry:
        """Let the clerk of the addressed court ``register`` or ``refuse`` the filing at ``node``."""
        body: Body = papers.register(filing, number) if how == "register" else papers.refuse(filing)
        return self.write(node, filing.obj, body, actor=papers.clerk_of(filing.court).key.certificate.sha256)

    def add_material(
        self, node: Node, filing: Filing, data: bytes, media: str = "video/mp4", *, open_to: Sequence[Person] | None = None
    ) -> Entry:
        """Let the clerk of the filing's court join ``data`` to its case at ``node``, open to the filer where nobody is named."""
        readers = [person.iin for person in ([filing.person] if open_to is None else open_to)]
        file = BlobRef(node.blobs.put(data), len(data), media)
        body = papers.material(filing, media, open_to=readers)
        clerk = papers.clerk_of(filing.court).key.certificate.sha256
        return self.write(node, new_object_id(), body, [file], actor=clerk)

    def open_cabinet(self, node: Node, person: Person) -> Entry:
        """Sign ``person`` in at ``node``: from the next exchange on the cabinet's history comes here."""
        body = papers.open_cabinet(person, node.number, len(self.taken))
        return self.write(node, new_object_id(), body, actor=person.key.certificate.sha256)

    def status(self, at: Node | Centre, filing: Filing) -> str:
        """Return the filing's status as the tables of ``at`` tell it, "" where it is not held."""
        rows = fetch(at.database, "SELECT status FROM filing_row WHERE obj = ?", (filing.obj,))
        return str(rows[0][0]) if rows else ""

    # what happens to lines and machines

    def cut(self, node: Node) -> None:
        self.lines[node.number].weather.cut = True

    def heal(self, node: Node) -> None:
        self.lines[node.number].weather = Weather()
        self.lines[node.number].cuts.clear()

    def exchange(self, node: Node) -> bool:
        """Try one exchange; return whether it went through. What a person would have to see is in ``troubles``."""
        try:
            node.client.exchange()
        except Unreachable:
            return False
        except CourtError as error:
            self.troubles.append(error.code)
            return False
        return True

    def crash(self, node: Node) -> Node:
        """Lose everything that is only in memory and start the machine again."""
        node.close()
        return self._start(node.number)

    def crash_centre(self) -> None:
        """The same for the centre."""
        self.centre.close()
        self.centre = open_centre(self.centre.config, self.clock, self.files)
        with closed_if_it_falls(self.centre):
            self.centre.start()

    def keep_files(self, url: str, files: Objects) -> None:
        """Start the centre again with its files in another store than its folder."""
        self.centre.close()
        self.files = files
        config = msgspec.structs.replace(self.centre.config, blobs=url)
        self.centre = open_centre(config, self.clock, files)
        self.centre.start()

    def copy_of_centre(self) -> Path | str:
        """Copy the register's database as a backup would; return the file, or the address of the copy on the server."""
        if Where.server is not None:
            self.centre.close()  # a database that is copied has no other guests
            copy = Where.server.fresh(like=str(self.centre.database.name))
            self.crash_centre()
            return copy
        target = self.folder / "centre-before.db"
        self.centre.database.empty_log()
        shutil.copy(self.centre.data / "centre.db", target)
        return target

    def set_back(self, copy: Path | str) -> None:
        """Put an old copy of the register's database in its place and start it again."""
        self.centre.close()
        if isinstance(copy, str):
            assert Where.server is not None, "the copy is on a server"
            Where.server.drop(str(self.centre.database.name))
            self.centre = open_centre(msgspec.structs.replace(self.centre.config, database=copy), self.clock)
            self.centre.start()
            return
        for old in self.centre.data.glob("centre.db*"):
            old.unlink()
        shutil.copy(copy, self.centre.data / "centre.db")
        self.centre = Centre.open(self.centre.config, clock=self.clock)
        self.centre.start()

    def backup(self, node: Node, name: str) -> Path:
        """Copy the node's database as a backup would."""
        target = self.folder / name
        node.database.empty_log()
        shutil.copy(node.data / "node.db", target)
        return target

    def restore(self, node: Node, backup: Path, *, mark: bool = True) -> Node:
        """Put an old database in place of the node's, without ``mark`` also lose the mark file, and start again.

        What was written since and had not reached the centre is gone with the disk: nobody could bring it back.
        """
        node.close()
        for old in node.data.glob("node.db*"):
            old.unlink()
        shutil.copy(backup, node.data / "node.db")
        if not mark:
            node.highwater._path.unlink()
        again = self._start(node.number)
        self.taken = {leaf: number for leaf, number in self.taken.items() if number != node.number or self._exists(leaf, again)}
        return again

    def _exists(self, leaf: bytes, node: Node) -> bool:
        statement = "SELECT 1 FROM entry WHERE leaf = ?"
        return bool(fetch(node.database, statement, (leaf,)) or fetch(self.centre.database, statement, (leaf,)))

    def clone(self, node: Node) -> Node:
        """Return a second machine made of a copy of ``node``'s disk, on the same identity and a line of its own."""
        node.database.empty_log()
        folder = self.folder / f"clone-{node.number}"
        shutil.copytree(node.data, folder)
        again = Node.open(EdgeConfig(data=str(folder)), clock=self.watches[node.number], transport=Line(self._handle, self.dice))
        again.start()
        return again

    def settle(self) -> None:
        """Heal every line, let the last late message arrive, and exchange until nothing moves any more."""
        for node in self.nodes:
            self.heal(node)
            self.lines[node.number].deliver_late()
        for _ in range(SETTLE_ROUNDS):
            moved = [self._moves(node) for node in self.nodes]
            if not any(moved):
                return
        raise AssertionError(f"still moving after {SETTLE_ROUNDS} rounds")

    def _moves(self, node: Node) -> bool:
        outcome = node.client.exchange()
        return bool(outcome.entries_up or outcome.entries_down or outcome.blobs_up or outcome.blobs_down or outcome.receipts)

    def clear_alarm(self, node: Node) -> None:
        """Let a person at the centre decide that ``node`` is the real machine."""
        central_nodes.clear_alarm(self.centre, node=node.number, actor=bytes(32))

    def alarms(self, node: Node) -> tuple[str, ...]:
        """Return what the centre's pages warn of about the machine."""
        return central_nodes.machine(self.centre, node.number).alarms

    def check(self, *, quarantined: Sequence[str] = ()) -> None:
        """Hold everything against the oracles; ``quarantined`` are the codes that may stand in quarantine."""
        from tests.sim.oracles import check_country

        check_country(self, quarantined)

    def close(self) -> None:
        """Close every file."""
        for node in self.nodes:
            node.close()
        self.centre.close()


def blob_path(owner: Node | Centre, sha256: bytes) -> Path:
    """Return where a machine keeps a whole file, if in its folder."""
    return owner.data / "blobs" / sha256.hex()[:2] / sha256.hex()


@contextmanager
def closed_if_it_falls(owner: Node | Centre) -> Iterator[None]:
    """Close what a machine had open when it falls while it starts: nobody else can any more."""
    try:
        yield
    except BaseException:
        owner.close()
        raise


@functools.cache
def _tables(server: "Server") -> str:
    """Make a database with every table of a register and nothing in them, and return its name: a copy of it starts sooner."""
    folder = Path(tempfile.mkdtemp(prefix="court-"))
    config = CentralConfig(data=str(folder / "centre"), database=server.database(TABLES))
    centre = Centre.create(config, clock=FakeClock(), name="Centre", database=_database(config))
    central_enrolment.create(centre.database)
    central_nodes.create(centre.database)
    fetch(centre.database, f"TRUNCATE {', '.join(centre.database.get_tables())} RESTART IDENTITY")
    centre.close()
    shutil.rmtree(folder)
    return TABLES


@functools.cache
def _model(server: "Server | None") -> Path:
    """Return the folder of a country as `Court.ready` copies it; on a ``server`` also make the database MODEL."""
    folder = Path(tempfile.mkdtemp(prefix="court-"))
    court = Court(folder / "country", database=server.database(MODEL) if server else "")
    for name in COURTS:
        court.node(name)
    court.staff(*COURTS)
    for node in court.nodes:
        node.client.exchange()
    for owner in (court.centre, *court.nodes):
        if not owner.database.shared:
            owner.database.scrub()
    court.close()
    if server:
        Where.made.remove(court)
    return folder / "country"
