"""`verify FILE…`: any paper, signature or proof, checked by anybody; 0 valid, 1 invalid, 2 nobody here can tell (and why).

With ``--trust DIR`` no machine is needed: the folder holds the certificates of the national centre (.cer, .crt, .pem, .der),
its revocation lists (.crl) and, for papers of machines, the register's public pin (``register.pin`` of any machine) and the
machines' certificates (.cose; each talon has its machine's inside).
"""

import argparse
import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from rich.table import Table as Grid
from rich.text import Text

from common.clock import KAZAKHSTAN_OFFSET_MS, SystemClock
from common.db import Database, open_database
from common.errors import N_, Corrupt, CourtError, Refused
from common.pki.trust import Trust
from sync.commands import Command, Subcommands, add_command, fail, out, read_file, shown
from sync.identity import Pin, load_pin
from sync.report import Finding, Report
from sync.verify import World, check_open
from sync.verify_evidence import empty_database, know_machines
from sync.verify_register import compare

CANNOT_TELL = 2
STATUSES = {"valid": 0, "invalid": 1, "unknown": CANNOT_TELL}
VERDICTS = {"valid": ("valid", "bold green"), "invalid": ("NOT VALID", "bold red"), "unknown": ("cannot tell", "bold yellow")}
MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "unknown": ("?", "yellow"), "bad": ("✗", "red")}
CERTIFICATES = frozenset({".cer", ".crt", ".pem", ".der"})
MACHINES = ".cose"
PIN_FILE = "register.pin"
_KAZAKHSTAN = timezone(timedelta(milliseconds=KAZAKHSTAN_OFFSET_MS))


def add(sub: Subcommands, command: Command) -> None:
    """Add the command to a command line."""
    made = add_command(sub, "verify", command, "check any paper, signature, receipt, proof or container of evidence")
    made.add_argument("file", type=Path, nargs="+")
    made.add_argument(
        "--at", default="", metavar="TIME", help="judge certificates as of this moment (ISO 8601; Kazakhstan's time without a zone)"
    )
    made.add_argument("--trust", type=Path, metavar="DIR", help="trust the certificates in this folder, and nothing else")
    made.add_argument("--crl", type=Path, action="append", default=[], metavar="FILE", help="use this revocation list too")
    made.add_argument("--content", type=Path, metavar="FILE", help="what a detached signature is over")
    made.add_argument("--json", action="store_true", help="for programs")


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the check stands on: the machine's own folder, or the one given."""

    database: Database
    pin: Pin | None
    trust: Trust


def run(given: argparse.Namespace, name: str, database: Database | None = None) -> int:
    """Check the files with what the machine in ``given.data`` or ``--trust`` knows.

    Its database is the file ``name`` there, or ``database`` on a server.
    """
    try:
        ground = _ground(given.data, database or given.data / name, given.trust)
        now = SystemClock().now()
        trust = ground.trust.apart()
        for path in given.crl:
            trust.import_crl(read_file(path), now)
        at_ms = read_time(given.at) if given.at else None
        content = read_file(given.content) if given.content else None
        world = World(database=ground.database, pin=ground.pin, trust=trust, now_ms=now, at_ms=at_ms, content=content)
        reports = [(path, _check(world, path)) for path in given.file]
    except CourtError as error:
        fail(error)
        return CANNOT_TELL
    ground.database.close()
    compare([report for _, report in reports])
    with contextlib.suppress(SystemExit):  # of rich, where the reader has closed the pipe: the status speaks of the files all the same
        _show(reports, as_json=given.json)
    return _worst(STATUSES[report.verdict] for _, report in reports)


def _check(world: World, path: Path) -> Report:
    try:
        with path.open("rb") as file:
            return check_open(world, file)
    except OSError as error:
        raise Refused("file.unreadable", N_("The file %(path)s cannot be read."), path=str(path)) from error


def _ground(data: Path, known: Path | Database, trusted: Path | None) -> _Ground:
    machine = (not isinstance(known, Path) or known.exists()) and (data / PIN_FILE).exists()
    if trusted is None:
        own = load_pin(data)
        if not machine:
            raise Corrupt("verify.folder", N_("There is no database in %(path)s to check against."), path=str(data))
        return _Ground(_opened(known), own, Trust.load(data / "trust"))
    pin_folder = next((folder for folder in (trusted, data) if (folder / PIN_FILE).exists()), None)
    pin = load_pin(pin_folder) if pin_folder else None
    if machine and pin_folder == data:
        return _Ground(_opened(known), pin, read_trust(trusted))
    database = empty_database()
    if pin is not None:
        know_machines(database, pin, (read_file(path) for path in sorted(trusted.rglob(f"*{MACHINES}"))))
    return _Ground(database, pin, read_trust(trusted))


def _opened(known: Path | Database) -> Database:
    return open_database(known) if isinstance(known, Path) else known


def read_trust(folder: Path) -> Trust:
    """Return a trust of the certificates and lists in ``folder``; raises Refused as `Trust.add` and `Trust.import_crl`."""
    if not folder.is_dir():
        raise Refused("verify.trust_folder", N_("There is no folder %(path)s with trusted certificates."), path=str(folder))
    trust, now = Trust(), SystemClock().now()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in (path for path in files if path.suffix.lower() in CERTIFICATES):
        trust.add(read_file(path))
    for path in (path for path in files if path.suffix.lower() == ".crl"):
        trust.import_crl(read_file(path), now)
    return trust


def read_time(text: str) -> int:
    """Return ms UTC of an ISO 8601 moment, in Kazakhstan's time where it names no zone; raises Refused("verify.time")."""
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=_KAZAKHSTAN)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise Refused("verify.time", N_("Write the moment as 2026-11-27T14:05 or 2026-11-27T14:05:00Z.")) from error


def _show(reports: Sequence[tuple[Path, Report]], *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps([{"file": str(path), **report.as_json()} for path, report in reports]))
        return
    for path, report in reports:
        word, style = VERDICTS[report.verdict]
        out.print(Text.assemble((word, style), f"  {shown(path.name)} ({report.kind})"))
        _show_findings(report)
        for part in report.parts:
            out.print(Text.assemble("  ", (part.title, "bold"), ": ", VERDICTS[part.verdict]))
            _show_findings(part)


def _show_findings(report: Report) -> None:
    grid = Grid(show_header=False, box=None, padding=(0, 1))
    for finding in report.findings:
        mark, colour = MARKS[finding.level]
        grid.add_row(Text(f" {mark}", colour), shown(finding.text), Text(finding.code, "dim"))
    for signed in report.signatures:
        for label, said in signed.rows(masked=False):
            grid.add_row("", Text(f"{label}: ", "dim") + Text("; ".join(_say(each) for each in said)), "")
    if report.findings:
        out.print(grid)


def _say(finding: Finding) -> str:
    return shown(finding.text)


def _worst(statuses: Iterable[int]) -> int:
    found = set(statuses)
    return next((status for status in (1, CANNOT_TELL) if status in found), 0)
