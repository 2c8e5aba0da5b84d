"""What the command lines of node and centre share: trust, revocation lists, backup, errors as sentences.

Every command ends with 0 (done), 1 (refused, or something is wrong) or 2 (cannot tell).
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import apsw
from rich.console import Console
from rich.table import Table as Grid

from common.db import Database
from common.errors import N_, CourtError, Refused
from common.files import make_folder, sync_folder, write_durable
from common.papers.words import date_time_short
from common.pki.certificates import Certificate, read_certificate
from common.pki.trust import Trust

BACKUP_PAGES = 1_000
FILE_BYTES_MAX = 64 << 20

out = Console(highlight=False)


def run(command: Callable[[], int]) -> int:
    """Run ``command`` and return its exit status; an error of ours becomes one sentence on standard error."""
    try:
        return command()
    except CourtError as error:
        Console(stderr=True, highlight=False).print(f"[bold red]{error.code}[/]  {_sentence(error)}")
        return 1
    except KeyboardInterrupt:
        return 130


def _sentence(error: CourtError) -> str:
    return error.sentence % error.params if error.params else error.sentence


Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace], int]


def add_command(sub: Subcommands, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    """Add one command to a command line and return its parser."""
    made = sub.add_parser(name, help=text, description=text)
    made.set_defaults(command=command)
    return made


def add_trust_commands(sub: Subcommands, add: Command, crl: Command) -> None:
    """Add `trust add FILE` and `crl import FILE`."""
    trust = sub.add_parser("trust", help="certificates of the national CA").add_subparsers(metavar="COMMAND", required=True)
    lists = sub.add_parser("crl", help="revocation lists of the national CA").add_subparsers(metavar="COMMAND", required=True)
    one = add_command(trust, "add", add, "trust a CA certificate, shown with its fingerprint and asked back")
    other = add_command(lists, "import", crl, "import a revocation list; its signature is verified once")
    for made in (one, other):
        made.add_argument("file", type=Path)
        made.add_argument("--yes", action="store_true", help="do not ask")


def add_verify(sub: Subcommands, command: Command) -> None:
    """Add `verify FILE… [--json]`."""
    made = add_command(sub, "verify", command, "check a talon, receipt, signed PDF, bundle, proof or checkpoint")
    made.add_argument("file", type=Path, nargs="+")
    made.add_argument("--json", action="store_true", help="for programs")


def read_file(path: Path) -> bytes:
    """Return the bytes of ``path``; raises Refused("file.unreadable"/"file.too_large")."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Refused("file.too_large", N_("The file %(path)s is larger than allowed."), path=str(path))
        return path.read_bytes()
    except OSError as error:
        raise Refused("file.unreadable", N_("The file %(path)s cannot be read."), path=str(path)) from error


def add_trust(trust: Trust, path: Path, *, yes: bool) -> int:
    """Show a CA certificate with its fingerprint, ask, and trust it."""
    data = read_file(path)
    certificate = read_certificate(data)
    _show(certificate)
    if not (yes or _agreed("Trust everything this centre has signed?")):
        return 1
    trust.add(data)
    out.print("Added.")
    return 0


def import_crl(trust: Trust, path: Path, now: int, *, yes: bool) -> int:
    """Show a revocation list, ask, verify its signature once and keep it."""
    data = read_file(path)
    out.print(f"{path.name}: {len(data)} bytes")
    if not (yes or _agreed("Use this revocation list?")):
        return 1
    info = trust.import_crl(data, now)
    out.print(f"Imported: issued {date_time_short(info.this_update_ms)}, next {date_time_short(info.next_update_ms)}.")
    return 0


def _show(certificate: Certificate) -> None:
    grid = Grid(show_header=False)
    digest = certificate.sha256.hex().upper()
    grid.add_row("Name", certificate.subject)
    grid.add_row("Issued by", certificate.issuer)
    grid.add_row("Valid", f"{date_time_short(certificate.not_before_ms)} … {date_time_short(certificate.not_after_ms)}")
    grid.add_row("Algorithm", certificate.algorithm)
    grid.add_row("SHA-256", " ".join(digest[start : start + 8] for start in range(0, len(digest), 8)))
    out.print(grid)


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise Refused("command.no_terminal", N_("Nobody is there to answer. Repeat with --yes after comparing the fingerprint."))
    return out.input(f"{question} [y/N] ").strip().lower() in ("y", "yes", "и", "иә", "д", "да")


def backup(database: Database, data: Path, target: Path, name: str) -> int:
    """Copy database and files of a running machine into ``target``; its private keys are not copied.

    Restored from it, a node opens a new epoch and fetches back what the centre has: nothing is written twice.
    """
    make_folder(target)
    unfinished = target / f".{name}.tmp"
    unfinished.unlink(missing_ok=True)
    copy = apsw.Connection(str(unfinished))
    with copy.backup("main", database.connection(), "main") as step:
        while not step.done:
            step.step(BACKUP_PAGES)
    copy.close()
    unfinished.replace(target / name)
    sync_folder(target)
    copied = _copy_blobs(data / "blobs", make_folder(target / "blobs"))
    out.print(f"{target / name}: {(target / name).stat().st_size} bytes, {copied} new files.")
    return 0


def _copy_blobs(source: Path, target: Path) -> int:
    copied = 0
    for path in source.glob("[0-9a-f][0-9a-f]/*"):
        place = target / path.parent.name / path.name
        if not place.exists():
            make_folder(place.parent)
            write_durable(place, path.read_bytes())
            copied += 1
    return copied
