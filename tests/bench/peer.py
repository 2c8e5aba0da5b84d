"""Our side of a comparison with other sync systems: a real centre and a real node with their defaults, driven line by line.

    python -m tests.bench.peer central --port P --dir D
    python -m tests.bench.peer edge --port P --dir D --centre-dir C     JSON lines: load, blobs, change, sync
    python -m tests.bench.peer count --dir D
    python -m tests.bench.peer get --dir D ID

A record (JSON: court-filing metadata with some text) travels as a `filing.submit/1`: its names, sums and text in the claim
and the columns of a filing, written through the journal as a citizen's filing is. The other systems carry no signatures; here
all records share one really signed statement, which the centre's fold verifies for each of them all the same. A changed
record is a new filing that answers to the first. ``count`` and ``get`` read the centre's folded tables and wait for them.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec

from central import cli as central_cli
from central.centre import Centre
from central.config import CentralConfig
from central.services import enrolment
from common import canonical
from common.clock import SystemClock
from common.court.filing_entries import Duty, File, Party
from common.db import fetch
from common.errors import Unreachable
from common.facts import BlobRef
from common.ids import mint_talon, new_object_id
from common.pki.keystore import write_p12
from common.pki.opening import open_key
from common.pki.trust import Trust
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import setup
from edge.transport import CUT_FILE, HttpTransport
from tests.bench import world

NODE_NUMBER = 1976
PAPERS = "bench"
KEY_FILE, KEY_PASSWORD = "person.p12", "Qwerty12"
FILES_IN_FILING = 50
ENTRIES_AT_ONCE = 200
TALONS_FROM = 1_000
FOLD_SECONDS_MAX = 900
QUIET_ROUNDS = 3
UNRECEIPTED = "SELECT 1 FROM entry WHERE node = ? AND chain IS NOT NULL AND log_index IS NULL LIMIT 1"
ATTACHMENTS_CLAIM: dict[str, Any] = {}
"""Of the filings that carry nothing but attachments."""
WHOLE_ATTACHMENTS = """SELECT COUNT(DISTINCT f.sha256) FROM filing_file_row f JOIN filing_form_row m ON m.obj = f.obj AND m.claim = ?
                       JOIN blob b ON b.sha256 = f.sha256 AND b.size = f.size"""
Record = dict[str, Any]
Answer = dict[str, Any]


def central(port: int, folder: Path) -> int:
    """Make a register that trusts a certification centre of our own, leave a person's key beside it, and serve."""
    given = ["--data", str(folder)]
    if status := central_cli.main([*given, "init", "--name", "Bench"]):
        return status
    now = SystemClock().now()
    authority = world.new_authority(now)
    world.trust_it(Trust.load(folder / "trust"), authority, now)
    papers = folder / PAPERS
    papers.mkdir()
    key = world.issue(authority, world.PEOPLE[0], now)
    (papers / KEY_FILE).write_bytes(write_p12(key, KEY_PASSWORD))
    for place, certificate in enumerate((*authority.anchors(), *authority.authorities())):
        (papers / f"{place}.cer").write_bytes(certificate)
    (papers / "list.crl").write_bytes(authority.crl(now - world.DAY_MS, now + world.DAY_MS, number=1))
    os.environ["SOT_CENTRAL_LISTEN"] = f"127.0.0.1:{port}"
    return central_cli.main([*given, "run"])


class Edge:
    """A node enrolled at the centre in ``centre``, which it reaches at 127.0.0.1:``port``; its person has filed once."""

    def __init__(self, port: int, folder: Path, centre: Path) -> None:
        clock, url = SystemClock(), f"http://127.0.0.1:{port}"
        enrol(folder, _code(centre, clock), HttpTransport(url, folder / CUT_FILE))
        self._node = Node.open(EdgeConfig(data=str(folder), centre=url), clock=clock)
        self._node.start()
        self._exchanger = Exchanger(self._node)
        self._node.client.exchange()  # reference data
        setup.create(self._node)
        self._filer = _filer(self._node, centre / PAPERS)
        self._number = 0
        self._objects: dict[str, bytes] = {}
        for _ in range(QUIET_ROUNDS):  # until what that filing brought about is known on both sides
            self._node.client.exchange()
        self.commands: dict[str, Callable[[Answer], Answer | None]] = {
            "load": self.load,
            "blobs": self.blobs,
            "change": self.change,
            "sync": self.sync,
        }

    def load(self, asked: Answer) -> None:
        """Make durable entries of the first ``n`` lines of the NDJSON file ``records``, as they gather where the line is down: each
        try that fails makes the bundles that are full."""
        cut = self._node.data / CUT_FILE
        cut.touch()
        self._write((bytes.fromhex(record["id"]), record) for record in _records(asked))
        with contextlib.suppress(Unreachable):
            self._exchanger.exchange()
        cut.unlink()

    def change(self, asked: Answer) -> None:
        """Write the first ``n`` records again, changed for this ``round``."""
        self._write((new_object_id(), changed(record, asked["round"])) for record in _records(asked))

    def _write(self, records: Iterable[tuple[bytes, Record]]) -> None:
        left = list(records)
        filer = self._filer
        statement = [blob for blob in filer.blobs if blob.sha256 == filer.pattern.statement.sha256]
        with world.remembering(self._node):
            for start in range(0, len(left), ENTRIES_AT_ONCE):
                with self._node.journal.unit() as unit:
                    for obj, record in left[start : start + ENTRIES_AT_ONCE]:
                        unit.append(obj, self._filing(obj, record), blobs=statement, actor=filer.actor)

    def _filing(self, obj: bytes, record: Record) -> Any:
        first = bytes.fromhex(record["id"])
        return msgspec.structs.replace(
            self._filer.pattern,
            talon=self._talon(),
            key_id=obj,
            answers_to=None if first == obj else first,
            claim=to_claim(record),
            parties=[Party(role=role, name=record[role]["name"], kind="person") for role in ROLES],
            duty=Duty(claim_tiyn=record["claim_kzt"] * 100, duty_tiyn=record["state_fee_kzt"] * 100, way="pending"),
            files=[],
        )

    def _talon(self) -> str:
        self._number += 1
        return mint_talon(node=NODE_NUMBER, epoch=1, counter=TALONS_FROM + self._number)

    def blobs(self, asked: Answer) -> None:
        """Store each file of ``paths`` and file it as an attachment."""
        paths = [Path(path) for path in asked["paths"]]
        for start in range(0, len(paths), FILES_IN_FILING):
            files = [self._attached(path) for path in paths[start : start + FILES_IN_FILING]]
            refs = [BlobRef(file.sha256, file.size, file.media) for file in files]
            statement = [blob for blob in self._filer.blobs if blob.sha256 == self._filer.pattern.statement.sha256]
            obj = new_object_id()
            body = msgspec.structs.replace(self._filer.pattern, talon=self._talon(), key_id=obj, files=files, claim=ATTACHMENTS_CLAIM)
            with world.remembering(self._node), self._node.journal.unit() as unit:
                unit.append(obj, body, blobs=[*statement, *refs], actor=self._filer.actor)

    def _attached(self, path: Path) -> File:
        data = path.read_bytes()
        sha256 = self._node.blobs.put(data)
        return File(title=path.name, kind="attachment", media="application/pdf", size=len(data), sha256=sha256)

    def sync(self, asked: Answer) -> Answer:
        """One exchange to its end: what it sends is durable at the centre and R1 is here; return after how many seconds (``r1_s``) R1 of
        every entry was."""
        node, started, receipted = self._node, time.perf_counter(), list[float]()

        def note(step: str, done: int, total: int) -> None:
            if not receipted and not fetch(node.database, UNRECEIPTED, (node.number,)):
                receipted.append(time.perf_counter() - started)

        self._exchanger.watch(note)
        self._exchanger.exchange()
        note("", 0, 0)
        backlog, _, _ = node.client.backlog()
        assert backlog == 0, f"{backlog} entries were not acknowledged"
        return {"r1_s": receipted[0] if receipted else None}

    def answer(self, line: str) -> Answer:
        """Return the answer to one line."""
        started = time.perf_counter()
        try:
            asked = json.loads(line)
            told: Answer = {"ok": True, **(self.commands[asked["cmd"]](asked) or {})}
        except Exception as error:  # noqa: BLE001 - whoever drives us learns what went wrong and goes on
            told = {"ok": False, "error": repr(error)[:300]}
        return {**told, "s": time.perf_counter() - started}


def edge(port: int, folder: Path, centre: Path) -> int:
    """Answer commands from standard input until it ends; only answers go to standard output."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    machine = Edge(port, folder, centre)
    for line in sys.stdin:
        out.write(json.dumps(machine.answer(line)) + "\n")
        out.flush()
    return 0


def count(folder: Path) -> Answer:
    """Return how many records and attachments the centre's tables show."""
    with _folded(folder) as database:
        claims = [canonical.decode_map(claim) for (claim,) in database.execute("SELECT claim FROM filing_form_row")]
        found = next(iter(database.execute(WHOLE_ATTACHMENTS, (canonical.encode(ATTACHMENTS_CLAIM),))))
        return {"records": sum("case_no" in claim for claim in claims), "blobs": found[0]}


def get(folder: Path, id: str) -> Record:
    """Return the newest state of a record as the centre's tables show it; raises LookupError where there is none."""
    statement = """SELECT f.obj, m.claim, f.claim_tiyn, f.duty_tiyn FROM filing_row f JOIN filing_form_row m ON m.obj = f.obj
                   WHERE f.obj = ?1 OR f.answers_to = ?1 ORDER BY f.epoch DESC, f.seq DESC LIMIT 1"""
    with _folded(folder) as database:
        for obj, claim, claimed, duty in database.execute(statement, (bytes.fromhex(id),)):
            names = dict(database.execute("SELECT role, name FROM filing_party_row WHERE obj = ?", (obj,)))
            return from_claim(canonical.decode_map(claim), id, names, claimed, duty)
    raise LookupError(id)


def _folded(folder: Path) -> "closing[apsw.Connection]":
    """Return the centre's database once everything logged is folded."""
    database = apsw.Connection(str(folder / "centre.db"), flags=apsw.SQLITE_OPEN_READONLY)
    database.set_busy_timeout(30_000)
    until = time.monotonic() + FOLD_SECONDS_MAX
    while not list(database.execute("SELECT 1 FROM register WHERE folded = (SELECT MAX(size) FROM checkpoint)")):
        assert time.monotonic() < until, "the centre does not fold"
        time.sleep(0.1)
    return closing(database)


ROLES = ("plaintiff", "defendant")
PLAIN = ("case_no", "court", "category", "lang", "filed_at", "judge", "status", "text")


def to_claim(record: Record) -> Record:
    """Return what of a record goes into the claim: hashes as bytes, names and sums left to the columns for them."""
    numbers = {role: record[role]["iin"] for role in ROLES}
    return {**{name: record[name] for name in PLAIN}, **numbers, "attachment": bytes.fromhex(record["attachment_sha256"])}


def from_claim(claim: Record, id: str, names: dict[str, str], claim_tiyn: int, duty_tiyn: int) -> Record:
    """Return the record again."""
    people = {role: {"name": names[role], "iin": claim[role]} for role in ROLES}
    sums = {"claim_kzt": claim_tiyn // 100, "state_fee_kzt": duty_tiyn // 100}
    return {"id": id, **{name: claim[name] for name in PLAIN}, **people, **sums, "attachment_sha256": claim["attachment"].hex()}


def changed(record: Record, number: int) -> Record:
    """Return a record as it is in round ``number``: another status, another end of its text."""
    return {**record, "status": f"changed-{number}", "text": record["text"][:-12] + f" өзгерді {number:03d}"}


def _records(asked: Answer) -> list[Record]:
    with open(asked["records"], encoding="utf-8") as lines:
        return [json.loads(next(lines)) for _ in range(asked["n"])]


def _code(folder: Path, clock: SystemClock) -> str:
    centre = Centre.open(CentralConfig(data=str(folder)), clock=clock)
    try:
        return str(enrolment.make_code(centre, node=NODE_NUMBER, name="Bench", courts=[world.COURT_ID]))
    finally:
        centre.close()


def _filer(node: Node, papers: Path) -> world.Filer:
    for path in sorted(papers.glob("*.cer")):
        node.trust.add(path.read_bytes())
    now = node.clock.now()
    node.trust.import_crl((papers / "list.crl").read_bytes(), now)
    key = open_key((papers / KEY_FILE).read_bytes(), KEY_PASSWORD, node.trust, now_ms=now).key
    return world.filer(node, key)


def main(arguments: list[str] | None = None) -> int:
    """Run one side and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peer", description=__doc__)
    sub = parser.add_subparsers(dest="side", required=True)
    for side in ("central", "edge", "count", "get"):
        command = sub.add_parser(side)
        command.add_argument("--dir", type=Path, required=True)
        if side in ("central", "edge"):
            command.add_argument("--port", type=int, required=True)
        if side == "edge":
            command.add_argument("--centre-dir", type=Path, required=True)
        if side == "get":
            command.add_argument("id")
    given = parser.parse_args(arguments)
    if given.side == "central":
        return central(given.port, given.dir)
    if given.side == "edge":
        return edge(given.port, given.dir, given.centre_dir)
    print(json.dumps(count(given.dir) if given.side == "count" else get(given.dir, given.id), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
