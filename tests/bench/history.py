"""What one exchange with ten new filings costs after 10,000 and after 1,000,000 entries: it must not grow with history.

Every size is a country of its own: a real centre process over HTTP and a node in this one. Their history is one really filed
claim, many times: each entry is encoded, hashed and chained anew and goes into the centre's log as its register puts it there
(tiles, bundles, checkpoints, receipts), and the rows of the one claim are written again under each new id, in all tables of both
sides, with texts and bodies cut short so that a million fit into memory. What is not done for them is signing and
verifying bundles and people's signatures, and folding one by one.

CPU is counted for both processes (the machine may be shared); the sizes are measured in turns.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from central.centre import Centre
from central.config import CentralConfig
from common import canonical
from common.clock import SystemClock
from common.db import Database, fetch, transaction
from common.facts import BlobRef, encode_body
from common.ids import mint_talon, new_object_id
from edge.node import Node
from sync import log, merkle
from sync.entry import Entry, Envelope, chain_next, write_entry
from sync.messages import Logged
from sync.tables import store_entries
from tests.bench import exchange, world
from tests.bench.measure import Line, at_most
from tests.bench.world import World
from tests.processes.machines import Country, Machine

SIZES = (10_000, 1_000_000)
GOAL = 1.2
FRESH = 10
BUNDLE = 100
"""Entries of one bundle of the history."""
AT_ONCE = 50
"""Bundles written in one transaction."""
SHORT = 32
"""Bytes of a body and of each column of the history: numbers of rows count here, not texts."""
HASTY = ("synchronous = OFF", "secure_delete = OFF", "cache_size = -300000", "temp_store = MEMORY")
"""While the history is written, and never else."""
WARM_UP = 3
FOLD_SECONDS_MAX = 300
OTHER_NODE = 1977
"""A machine that never calls, in whose feed the history stands."""


class Cost(NamedTuple):
    """Of one exchange, in seconds and bytes."""

    node: float
    centre: float
    time: float
    bytes: float


MEASURES = {"node": "CPU of the node", "centre": "CPU of the centre", "time": "time", "bytes": "bytes"}


@dataclass
class Aged:
    """A country with a history, running."""

    made: World
    centre: Machine
    country: Country


def run(folder: Path, *, sizes: Sequence[int] = SIZES, rounds: int = 20, told: Callable[[str], object] = lambda text: None) -> list[Line]:
    """Return the lines of the exchange and of the idle exchange, each size over the smallest."""
    aged: list[Aged] = []
    try:
        for size in sizes:
            started = time.monotonic()
            aged.append(grown(folder / str(size), size))
            told(f"{size:,} entries of history in {time.monotonic() - started:.0f} s")
        spent = [_in_turns(aged, rounds, _with_news), _in_turns(aged, rounds, _idle)]
    finally:
        for one in aged:
            one.made.node.close()
            one.country.close()
    lines: list[Line] = []
    for name, costs in zip((f"{FRESH} new filings", "idle"), spent, strict=True):
        for field, what in MEASURES.items():
            first = getattr(costs[0], field)
            for size, cost in zip(sizes[1:], costs[1:], strict=True):
                later = getattr(cost, field)
                value = f"{_shown(field, later)} / {_shown(field, first)}"
                lines.append(at_most(f"{name}: {what} after {size:,} entries, over {sizes[0]:,}", value, later / first, GOAL))
    return lines


def _shown(field: str, value: float) -> str:
    return f"{value:,.0f}" if field == "bytes" else f"{value * 1000:.1f} ms"


def _in_turns(aged: Sequence[Aged], rounds: int, work: Callable[[Aged], Cost]) -> list[Cost]:
    taken: list[list[Cost]] = [[] for _ in aged]
    for number in range(rounds + WARM_UP):
        for place, one in enumerate(aged):
            found = work(one)
            if number >= WARM_UP:
                taken[place].append(found)
    return [Cost(*(statistics.median(values) for values in zip(*costs, strict=True))) for costs in taken]


def _with_news(one: Aged) -> Cost:
    """File ten claims and exchange; the centre's CPU until it has folded them counts too."""
    node = one.made.node
    _file(one.made, FRESH)
    end = _log_size(one.centre) + FRESH
    began, here, there = time.perf_counter(), time.process_time(), cpu_seconds(pid_of(one.centre))
    outcome = node.client.exchange()
    assert outcome.entries_up == FRESH, outcome
    took, used = time.perf_counter() - began, time.process_time() - here
    _wait(one.centre, f"SELECT 1 FROM register WHERE folded >= {end}")
    centre = cpu_seconds(pid_of(one.centre)) - there
    node.client.exchange()  # what the fold brought about, if it came late
    return Cost(used, centre, took, outcome.bytes_up + outcome.bytes_down)


def _idle(one: Aged) -> Cost:
    began, here, there = time.perf_counter(), time.process_time(), cpu_seconds(pid_of(one.centre))
    outcome = one.made.node.client.exchange()
    assert outcome.trips == 1, outcome
    took, used = time.perf_counter() - began, time.process_time() - here
    return Cost(used, cpu_seconds(pid_of(one.centre)) - there, took, outcome.bytes_up + outcome.bytes_down)


def pid_of(machine: Machine) -> int:
    """Return the number of a machine's process, which is a child of this one."""
    assert machine.process is not None
    return machine.process.pid


def cpu_seconds(pid: int) -> float:
    """Return for how long a process with all its threads has kept a core busy."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            spent += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            continue
    return spent / 1e9


def _log_size(centre: Machine) -> int:
    with closing(apsw.Connection(str(centre.data / "centre.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        return int(next(iter(database.execute("SELECT MAX(size) FROM checkpoint")))[0])


def _wait(centre: Machine, query: str) -> None:
    """Wait until ``query`` has a row at the centre."""
    until = time.monotonic() + FOLD_SECONDS_MAX
    with closing(apsw.Connection(str(centre.data / "centre.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        database.set_busy_timeout(5_000)
        while not list(database.execute(query)):
            assert time.monotonic() < until, "the centre does not get there"
            time.sleep(0.02)


def _file(made: World, count: int) -> None:
    """File ``count`` claims, each with a file of its own beside those of the pattern."""
    node, filer = made.node, made.filers[0]
    with world.remembering(node), node.journal.unit() as unit:
        for _ in range(count):
            obj, body = made.another(filer)
            data = obj * 40
            file = BlobRef(node.blobs.put(data), len(data), "application/pdf")
            unit.append(obj, body, blobs=(*filer.blobs, file), actor=filer.actor)


# the history


def grown(folder: Path, entries: int) -> Aged:
    """Return a running country whose register holds ``entries`` more than it began with, all of one machine."""
    folder.mkdir()
    country, clock = Country(folder), SystemClock()
    authority = world.new_authority(clock.now())
    certificates = (*authority.anchors(), *authority.authorities())
    centre = country.centre(certificates, log_level="WARNING")
    node, _ = exchange.enrolled(country, centre, folder / "node", clock)
    made = world.make(node, authority)
    node.client.exchange()
    _wait(centre, f"SELECT 1 FROM register WHERE folded >= {_log_size(centre)}")
    _wait(centre, "SELECT 1 FROM signer")  # its key was looked at: there is no work left that a million would wait for
    node.client.exchange()
    centre.kill()
    there = Centre.open(CentralConfig(data=str(centre.data)), clock=clock)
    there.start()
    History(node, there, made).write(entries)
    there.close()
    centre.start()
    node.client.exchange()
    return Aged(made, centre, country)


class History:
    """Writes the history of one machine into both databases."""

    def __init__(self, node: Node, centre: Centre, made: World) -> None:
        self._node, self._centre = node, centre
        self._dice = random.Random(7)
        self._number = 0
        [pattern] = fetch(node.database, "SELECT obj, leaf, talon FROM filing_row")
        self._body = encode_body(made.filers[0].pattern)[:SHORT]
        self._patterns = {owner.database: _patterns(owner.database, *pattern) for owner in (node, centre)}

    def write(self, count: int) -> None:
        """Write ``count`` entries; the databases are opened anew afterwards, as careful as ever."""
        for owner in (self._node, self._centre):
            for pragma in HASTY:
                fetch(owner.database, f"PRAGMA {pragma}")
        for start in range(0, count, BUNDLE * AT_ONCE):
            with transaction(self._node.database), transaction(self._centre.database):
                for first in range(start, min(start + BUNDLE * AT_ONCE, count), BUNDLE):
                    self._bundle(min(BUNDLE, count - first))
        with self._node.journal.unit():  # the mark follows
            pass
        for owner in (self._node, self._centre):
            owner.database.empty_log()
            owner.database.close()  # connections are made anew, with their recipe

    def _bundle(self, count: int) -> None:
        at, now = self._node.journal.position(), self._node.clock.now()
        entries, chains, head = [self._entry(at.epoch, at.seq + 1 + place) for place in range(count)], [], at.head
        for entry in entries:
            head = chain_next(head, entry.leaf)
            chains.append(head)
        here, there = self._node.database, self._centre.database
        first, size = log.append(there, [merkle.leaf_hash(entry.leaf) for entry in entries])
        store_entries(there, [(entry, first + place, None) for place, entry in enumerate(entries)])
        store_entries(here, [(entry, first + place, chain) for place, (entry, chain) in enumerate(zip(entries, chains, strict=True))])
        talons = [self._talon() for _ in entries]
        for database in (here, there):
            self._rows(database, entries, talons, now)
        last, digest = at.seq + count, self._dice.randbytes(32)
        bundle = {"digest": digest, "node": 1976, "epoch": at.epoch, "first": at.seq + 1, "last": last, "first_index": first}
        _rows(there, "bundle", [bundle | {"header": b"", "data": None, "received_ms": now}])
        _rows(there, "feed", [self._fed(first + place) for place in range(count)])
        fetch(there, "UPDATE peer SET seq = ?, head = ?, digest = ? WHERE node = 1976", (last, head, digest))
        fetch(there, "UPDATE register SET folded = ?", (size,))
        self._centre.register._checkpoint(now)
        self._receipts(first, size, bundle, head)

    def _receipts(self, first: int, size: int, bundle: dict[str, Any], head: bytes) -> None:
        here, there = self._node.database, self._centre.database
        _, note = self._centre.register.checkpoint()
        proof = merkle.range_proof(first, size, size, log.reader(there))
        logged = Logged(epoch=bundle["epoch"], first=bundle["first"], last=bundle["last"], index=first, proof=proof)
        names = ("epoch", "first", "last")
        row = {name: bundle[name] for name in names} | {
            "first_index": first,
            "size": size,
            "note": note,
            "proof": canonical.encode(logged.proof),
        }
        _rows(here, "logged", [row | {"at_ms": self._node.clock.now()}])
        _rows(here, "out_bundle", [{name: bundle[name] for name in (*names, "digest")} | {"data": None}])
        fetch(here, "UPDATE journal SET seq = ?, head = ?", (bundle["last"], head))
        statement = "UPDATE sync SET acked_seq = ?1, receipted_seq = ?1, size = ?2, root = ?3, note = ?4"
        fetch(here, statement, (bundle["last"], size, log.root(there), note))
        [(complete,)] = fetch(there, "SELECT MAX(position) FROM complete")
        fetch(here, "UPDATE sync SET complete = ?", (complete,))

    def _entry(self, epoch: int, seq: int) -> Entry:
        blobs = tuple(BlobRef(self._dice.randbytes(32), 20_000 + place, "application/pdf") for place in range(3))
        envelope = Envelope(
            node=1976,
            epoch=epoch,
            seq=seq,
            type="filing.submit/1",
            obj=new_object_id(),
            base=None,
            time=self._node.clock.now(),
            boot=self._node.clock.boot_id(),
            mono=self._node.clock.monotonic(),
            beacon=0,
            root=None,
            actor=None,
            blobs=blobs,
        )
        return write_entry(envelope, self._body)

    def _rows(self, database: Database, entries: Sequence[Entry], talons: Sequence[str], now: int) -> None:
        connection = database.connection()
        for pattern in self._patterns[database]:
            connection.executemany(pattern.statement, pattern.rows(entries, talons))
        files = [(blob.sha256, blob.size, now) for entry in entries for blob in entry.envelope.blobs]
        connection.executemany("INSERT INTO blob (sha256, size, stored_ms) VALUES (?, ?, ?)", files)

    def _talon(self) -> str:
        self._number += 1
        return mint_talon(node=1976, epoch=2, counter=self._number)

    def _fed(self, index: int) -> dict[str, Any]:
        return {"node": OTHER_NODE, "position": index + 1, "log_index": index}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of the one filing in one table: what it holds, and where its object, leaf and talon stand."""

    statement: str
    values: tuple[Any, ...]
    objects: tuple[int, ...]
    leaves: tuple[int, ...]
    talons: tuple[int, ...]

    def rows(self, entries: Sequence[Entry], talons: Sequence[str]) -> Iterator[list[Any]]:
        """Yield the same row of each of ``entries``."""
        for entry, talon in zip(entries, talons, strict=True):
            row = list(self.values)
            for places, value in ((self.objects, entry.envelope.obj), (self.leaves, entry.leaf), (self.talons, talon)):
                for place in places:
                    row[place] = value
            yield row


def _patterns(database: Database, obj: bytes, leaf: bytes, talon: str) -> list[Pattern]:
    """Return the rows of one filing in every table that names its object or its leaf, but entries and their files."""
    found: list[Pattern] = []
    for (name,) in fetch(database, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('entry', 'blob_ref')"):
        # but numbers that the table counts by itself
        given = "SELECT name FROM pragma_table_info(?) WHERE NOT (pk = 1 AND type = 'INTEGER')"
        columns = [column for (column,) in fetch(database, given, (name,))]
        key = next((each for each in ("obj", "leaf") if each in columns), None)
        if key is None:
            continue
        statement = f'INSERT INTO "{name}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'
        for row in fetch(database, f'SELECT {", ".join(columns)} FROM "{name}" WHERE {key} = ?', (obj if key == "obj" else leaf,)):
            row = tuple(value[:SHORT] if isinstance(value, str | bytes) else value for value in row)
            at = [tuple(place for place, value in enumerate(row) if value == wanted) for wanted in (obj, leaf, talon)]
            found.append(Pattern(statement, row, *at))
    return found


def _rows(database: Database, name: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        columns = list(rows[0])
        statement = f'INSERT INTO "{name}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'
        database.connection().executemany(statement, [[row[column] for column in columns] for row in rows])
