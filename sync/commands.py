"""What the command lines of node and centre share: trust, revocation lists, backup, errors as sentences.

Every command ends with 0 (done), 1 (refused, or something is wrong) or 2 (cannot tell).
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Grid
from rich.text import Text

from common import disks
from common.clock import Clock
from common.db import Database, snapshot
from common.errors import N_, CourtError, Refused
from common.files import make_folder, sync_folder, write_durable
from common.papers.words import date_time_short
from common.pki.certificates import Certificate, read_certificate
from common.pki.crl import CRL_BYTES_MAX, Crl, CrlInfo
from common.pki.gost94 import gost34311
from common.pki.patience import patiently
from common.pki.streebog import streebog512
from common.pki.trust import Trust
from common.version import VERSION
from sync import fsck, refold, restoring
from sync.blobs import BlobStore
from sync.fold import Fold
from sync.identity import Identity

FILE_BYTES_MAX = CRL_BYTES_MAX
"""The largest thing a command reads: a revocation list."""
INTERRUPTED = 130

out = Console(highlight=False, markup=False, soft_wrap=True)
"""Where commands speak. Names in certificates and paths are shown as they are: nothing in them is markup."""


def run(command: Callable[[], int]) -> int:
    """Run ``command`` and return its exit status; an error of ours becomes one sentence on standard error."""
    try:
        return command()
    except CourtError as error:
        return fail(error)
    except OSError as error:
        path, why = error.filename or "-", error.strerror or type(error).__name__
        return fail(Refused("command.file", N_("%(path)s cannot be used: %(why)s."), path=path, why=why))
    except KeyboardInterrupt:
        return INTERRUPTED


def fail(error: CourtError) -> int:
    """Say an error as one sentence on standard error; return 1."""
    sentence = error.sentence % error.params if error.params else error.sentence
    line = Text.assemble((error.code, "bold red"), "  ", shown(sentence))
    Console(stderr=True, highlight=False, soft_wrap=True).print(line)
    return 1


def shown(text: str) -> str:
    """Return ``text`` with nothing in it that moves the cursor or hides: what a certificate says must not forge its fingerprint."""
    return "".join(char if char.isprintable() else f"[U+{ord(char):04X}]" for char in text)


Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace], int]


def version_line() -> str:
    """Return what `--version` says: the release, and who computes the country's digests on this machine."""
    return f"{VERSION} (Streebog: {streebog512.name}, GOST 34.311-95: {gost34311.name})"


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


def add_fsck(sub: Subcommands, command: Command) -> None:
    """Add `fsck [--refold] [--repair]`."""
    made = add_command(sub, "fsck", command, "derive everything again and compare")
    made.add_argument("--refold", action="store_true", help="write all tables anew from the entries first")
    made.add_argument("--repair", action="store_true", help="fold wrong rows anew, and let damaged files be fetched again")


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
    _show_certificate(read_certificate(data))
    if not (yes or agreed("Trust everything this centre has signed?")):
        return 1
    trust.add(data)
    out.print("Added.")
    return 0


def import_crl(trust: Trust, path: Path, now: int, *, yes: bool) -> int:
    """Show a revocation list with its fingerprint, ask, verify its signature once and keep it."""
    data = read_file(path)
    _show_crl(Crl(data).info)
    if not (yes or agreed("Use this revocation list?")):
        return 1
    work = "Verifying the signature, making the index …"
    with out.status(work) as status, patiently(lambda percent: status.update(f"{work} {percent} %")):
        trust.import_crl(data, now)
    out.print("Imported.")
    return 0


def _show_certificate(certificate: Certificate) -> None:
    valid = f"{date_time_short(certificate.not_before_ms)} … {date_time_short(certificate.not_after_ms)}"
    about = {"Name": certificate.subject, "Issued by": certificate.issuer, "Valid": valid, "Algorithm": certificate.algorithm}
    _show(about, certificate.sha256)


def _show_crl(info: CrlInfo) -> None:
    number = "" if info.number is None else str(info.number)
    about = {"Revocation list of": info.issuer, "Number": number, "Revoked": f"{info.entries:,} certificates"}
    if info.base_number is not None:
        about["Changes since number"] = str(info.base_number)
    about |= {"Issued": date_time_short(info.this_update_ms), "Next": date_time_short(info.next_update_ms)}
    _show(about, info.sha256)


def _show(about: Mapping[str, str], sha256: bytes) -> None:
    grid = Grid(show_header=False)
    for name, value in about.items():
        grid.add_row(name, shown(value))
    digest = sha256.hex().upper()
    grid.add_row("SHA-256", " ".join(digest[start : start + 8] for start in range(0, len(digest), 8)))
    out.print(grid)


def agreed(question: str) -> bool:
    """Ask a person; raises Refused("command.no_terminal") where nobody is there to answer."""
    if not sys.stdin.isatty():
        raise Refused("command.no_terminal", N_("Nobody is there to answer. Repeat with --yes after comparing the fingerprint."))
    yes = out.input(f"{question} [y/N] ", markup=False).strip().lower() in ("y", "yes", "и", "иә", "д", "да")
    if not yes:
        out.print("Nothing was changed.")
    return yes


def examine(
    database: Database, fold: Fold, blobs: BlobStore | None, clock: Clock, environment: bytes, *, anew: bool, repair: bool = False
) -> int:
    """Derive everything again and say what is wrong, without ``blobs`` not of files; with ``anew`` write all tables anew first; with
    ``repair`` mend what can be."""
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        if anew:
            count = refold.everything(database, fold, clock, show)
            out.print(f"{count} objects folded anew.")
        with snapshot(database):  # one moment of a machine that may be running: what comes meanwhile is not looked at
            found = fsck.check(database, fold, blobs, environment=environment, progress=show)
    for finding in found:
        out.print(f"{finding.code}  {finding.place}", style="bold red")
    out.print(f"{len(found)} findings." if found else "Everything is what the entries say.")
    if repair and found and blobs is not None:
        count = fsck.repair(database, fold, blobs, found, clock.now())
        out.print(f"{count} mended: rows are folded anew, damaged files come again with the next exchanges.")
    return 1 if found else 0


def backup(database: Database, data: Path, target: Path, name: str) -> int:
    """Copy database and files of a running machine into ``target``; its private keys are not copied.

    Restored from it, a node opens a new epoch and fetches back what the centre has: nothing is written twice.
    """
    make_folder(target)
    unfinished = target / f".{name}.tmp"
    unfinished.unlink(missing_ok=True)
    database.copy_to(unfinished)
    unfinished.replace(target / name)
    sync_folder(target)
    copied = _copy_blobs(data / "blobs", make_folder(target / "blobs"))
    out.print(f"{target / name}: {(target / name).stat().st_size} bytes, {copied} new files.")
    return 0


def restore(data: Path, source: Path, name: str, who: Identity) -> None:
    """Put a backup back, and say what was."""
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("files", total=None)
        restored = restoring.restore(data, source, name, who, lambda step, done, total: bar.update(task, completed=done, total=total))
    out.print(f"{data / name} put back, {restored.files} files with it; what was there lies in {data / restoring.ASIDE}.")
    if restored.damaged:
        out.print(f"{restored.damaged} files of the backup are damaged and were left out.", style="bold yellow")


def warn_of_plain_disk(data: Path) -> None:
    """Say at start that whoever takes the disk reads it, where the operating system does not encrypt it."""
    if disks.encryption_of(data) == "plain":
        out.print("The disk under the data folder is not encrypted: whoever takes it reads it. See LUKS in deploy/README.md.")


def _copy_blobs(source: Path, target: Path) -> int:
    copied = 0
    for path in source.glob("[0-9a-f][0-9a-f]/*"):
        place = target / path.parent.name / path.name
        if not place.exists():
            make_folder(place.parent)
            write_durable(place, path.read_bytes())
            copied += 1
    return copied
