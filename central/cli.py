"""The commands of the centre; `python -m central --help` lists them."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from central import releasing
from central.centre import DATABASE_FILE, Centre
from central.config import CentralConfig
from central.services import enrolment, erasures, evidence, lineage, lists, payments, public_log, reference
from common.clock import SystemClock
from common.config import load, split_listen
from common.court import staff
from common.db import Database
from common.errors import N_, Refused, Unreachable
from common.pki.certificates import Certificate, read_certificate
from common.pki.trust import Trust
from sync import commands, stick_commands, verify_command
from sync.commands import out
from sync.identity import load_identity
from sync.objects import Folder, Objects

ENVIRONMENT_PREFIX = "SOT_CENTRAL_"
CONFIG_FILE = "central.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = given.command
    return commands.run(lambda: command(given))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="central", description="The central register: logs what nodes send, orders, checks and delivers.")
    top.add_argument("--version", action="version", version=commands.version_line())
    top.add_argument("--data", type=Path, default=_default_data(), help="folder of the centre (default: SOT_CENTRAL_DATA or run/centre)")
    sub = top.add_subparsers(metavar="COMMAND", required=True)
    init = commands.add_command(sub, "init", _init, "make a new register: keys, reference data, its first administrator")
    init.add_argument("--name", default="Centre", help="how people call the centre")
    init.add_argument("--administrator", type=Path, help="certificate (.cer, .pem) of the first administrator")
    commands.add_command(sub, "run", _run, "serve the pages and the machines")
    enrol = commands.add_command(sub, "enrol", _enrol, "make a one-time code for a new machine")
    enrol.add_argument("--node", type=int, required=True, help="its number, 1 to 9999: the first four digits of its talons")
    enrol.add_argument("--name", required=True, help="how people call the machine")
    enrol.add_argument("--courts", required=True, help="ids of the courts it writes for, separated by commas")
    appoint = commands.add_command(sub, "appoint", _appoint, "write somebody into the staff list")
    appoint.add_argument("certificate", type=Path, help="their signing certificate (.cer, .pem)")
    appoint.add_argument("--role", choices=("clerk", "judge", "chairman", "administrator", "central"), required=True)
    appoint.add_argument("--court", default="", help="id of their court; empty for the centre")
    erase = commands.add_command(sub, "erase", _erase, "erase an object by a court's act, everywhere and for ever")
    erase.add_argument("object", help="its id, as the page of the log shows it")
    erase.add_argument("--act", required=True, help="number of the court's act")
    erase.add_argument("--date", required=True, help="its date, YYYY-MM-DD")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    paid = commands.add_command(sub, "payments", _payments, "tell courts and citizens which duties are paid, by the treasury's list")
    paid.add_argument("file", type=Path, help="a table in UTF-8 with the heading talon;amount;date;document")
    commands.add_command(sub, "sync", _sync, "log, fold and deliver what is pending")
    export = stick_commands.add_stick(sub, _import, _export)
    export.add_argument(
        "--node", type=int, action="append", default=[], help="for this machine; otherwise for those who wrote to the stick"
    )
    commands.add_fsck(sub, _fsck)
    backup = commands.add_command(sub, "backup", _backup, "copy database and files of the running centre into a folder")
    backup.add_argument("target", type=Path)
    restore = commands.add_command(sub, "restore", _restore, "put the latest backup back")
    restore.add_argument("source", type=Path)
    lineage = commands.add_command(sub, "lineage", _lineage, "begin a new log: an old copy was put back, or the log's key was stolen")
    lineage.add_argument("--reason", required=True, help="why, in a sentence: every machine shows it")
    lineage.add_argument("--yes", action="store_true", help="do not ask")
    verify_command.add(sub, _verify)
    restamp = commands.add_command(sub, "restamp", _restamp, "add a time stamp of today to a container of evidence")
    restamp.add_argument("file", type=Path)
    commands.add_trust_commands(sub, _trust_add, _crl_import)
    releasing.add(sub)
    return top


def _default_data() -> Path:
    return Path(os.environ.get(f"{ENVIRONMENT_PREFIX}DATA", "run/centre"))


def _config(given: argparse.Namespace) -> CentralConfig:
    path = given.data / CONFIG_FILE
    environment = {**os.environ, f"{ENVIRONMENT_PREFIX}DATA": str(given.data)}
    return load(CentralConfig, path if path.exists() else None, environment, prefix=ENVIRONMENT_PREFIX)


def _store(place: str) -> Objects | None:
    """Return the store that a setting names, a folder or a bucket; what speaks to the latter is loaded only then."""
    if not place.startswith("s3://"):
        return Folder(Path(place)) if place else None
    from central.bucket import Bucket

    return Bucket(place)


def _database(config: CentralConfig) -> Database | None:
    """Open the server that the settings name; None where the register is a file."""
    if not config.database:
        return None
    try:
        from common.postgres import open_postgres  # its driver is an extra, and takes its time to load
    except ImportError as error:
        raise Refused("config.driver", N_("The driver for PostgreSQL is missing: pip install 'sot-kabineti[postgresql]'.")) from error
    return open_postgres(config.database, standby=config.database_standby)


@contextmanager
def _open(given: argparse.Namespace) -> Iterator[Centre]:
    config = _config(given)
    centre = Centre.open(config, clock=SystemClock(), files=_store(config.blobs), database=_database(config))
    try:
        centre.start()
        enrolment.create(centre.database)
        yield centre
    finally:
        centre.close()


def _init(given: argparse.Namespace) -> int:
    # read before anything is made: a register without the administrator that was asked for would have to be thrown away
    first = read_certificate(commands.read_file(given.administrator)) if given.administrator else None
    config = _config(given)
    centre = Centre.create(config, clock=SystemClock(), name=given.name, files=_store(config.blobs), database=_database(config))
    try:
        with out.status("Publishing the reference data …"):
            count = reference.publish_initial(centre)
        out.print(f"A register in {given.data}: {count} datasets published.")
        if first:
            _write_appointment(centre, first, "central", "")
        else:
            out.print("No administrator yet: python -m central appoint FILE --role central")
    finally:
        centre.close()
    return 0


def _appoint(given: argparse.Namespace) -> int:
    certificate = read_certificate(commands.read_file(given.certificate))
    with _open(given) as centre:
        _write_appointment(centre, certificate, given.role, given.court)
    return 0


def _write_appointment(centre: Centre, certificate: Certificate, role: str, court: str) -> None:
    body = staff.Appoint(
        name=certificate.full_name,
        court=court,
        role=role,  # type: ignore[arg-type]  # argparse allows only these
        certificate=certificate.der,
        from_ms=centre.clock.now(),
    )
    reference.appoint(centre, body)
    out.print(f"Appointed: {commands.shown(certificate.full_name)}, {role}.")


def _erase(given: argparse.Namespace) -> int:
    try:
        target, day = bytes.fromhex(given.object), date.fromisoformat(given.date)
    except ValueError as error:
        raise Refused("erasure.form", N_("Give the id of the object in hexadecimal digits and the date as YYYY-MM-DD.")) from error
    if not (given.yes or commands.agreed("Erase it at every machine? This cannot be taken back.")):
        return 1
    with _open(given) as centre:
        count = erasures.order(centre, target, reference=given.act, date=day.isoformat())
    out.print(f"{count} entries erased here; every machine follows with its next exchange. Backups are yours to erase.")
    return 0


def _payments(given: argparse.Namespace) -> int:
    listed = payments.read(commands.read_file(given.file))
    with _open(given) as centre:
        found = payments.match(centre, listed)
    out.print(f"{found.paid} filings are paid by this list, {found.known} were known as paid.")
    for talon, why in found.left:
        out.print(f"{talon}: {why}.", style="bold yellow")
    return 1 if found.left else 0


def _run(given: argparse.Namespace) -> int:
    config = _config(given)
    _, port = split_listen(config.listen, behind_tls_proxy=config.tls_proxy)
    if config.front_end and not config.database:
        raise Refused("config.front_end", N_("A front end needs the database of a server that it shares with the others."))
    load_identity(given.data)
    # the pages with everything they draw in are loaded by this command alone; the others answer at once
    from central import app, folding, jobs
    from common.serving import Stop, alone, leave, serve, set_up_log

    set_up_log(config.log_level)
    stop = Stop.heeded()
    # one process owns a file; those that share a server may share a folder of keys too
    lock = given.data / (f"run-{port}.lock" if config.database else "run.lock")
    with alone(lock), _open(given) as centre:
        web = app.build(centre)
        folder = folding.start(centre)
        schedule = jobs.start(centre, lambda: folder.leads, _store(config.tiles))
        if config.blobs:
            _look_at_store(centre)
        commands.warn_of_plain_disk(centre.data)
        try:
            serve(web, config.listen, threads=config.threads, tls_proxy=config.tls_proxy, stop=stop, say=out.print)
        finally:
            schedule.shutdown(wait=False)
            folder.stop()
    leave(0)


def _look_at_store(centre: Centre) -> None:
    """Say at once what a wrong key would say with the first file; entries are taken all the same. Raises Corrupt("store.stranger")."""
    try:
        centre.blobs.check_store()
    except Unreachable as error:
        out.print(f"{error.code}: {centre.config.blobs} cannot be used now. Entries are taken, files wait until it can.", style="bold red")


def _enrol(given: argparse.Namespace) -> int:
    courts = [court.strip() for court in given.courts.split(",") if court.strip()]
    with _open(given) as centre:
        code = enrolment.make_code(centre, node=given.node, name=given.name, courts=courts)
    out.print(f"{code}  (once, within 24 hours)")
    return 0


def _sync(given: argparse.Namespace) -> int:
    with _open(given) as centre:
        centre.publish()
        lists.publish(centre)
        out.print(f"The log has {centre.register.checkpoint()[0]} entries; folded and delivered: {centre.register.folded()}.")
    return 0


def _export(given: argparse.Namespace) -> int:
    with _open(given) as centre, stick_commands.moving() as show:
        centre.sticks.progress = show
        moved = centre.sticks.export(given.folder, given.node)
    for one in moved:
        out.print(f"Machine {one.node}: {one.entries} entries, {one.blobs} files, {one.bytes} bytes, read back from the stick.")
        if one.renewed:
            out.print(f"Machine {one.node}: its next certificate goes with it.")
        if one.due:
            out.print(f"Machine {one.node} should renew its certificate: export again with --node {one.node} if this is its court's stick.")
    out.print("Safe to remove.", style="bold green")
    return stick_commands.said(code for one in moved for code in one.problems)


def _import(given: argparse.Namespace) -> int:
    with _open(given) as centre, stick_commands.moving() as show:
        centre.sticks.progress = show
        moved = centre.sticks.take(given.folder)
    for one in moved:
        out.print(f"Machine {one.node}: {one.entries} entries logged, {one.repeated} bundles known already, {one.blobs} files.")
    return stick_commands.said(code for one in moved for code in one.problems)


def _backup(given: argparse.Namespace) -> int:
    with _open(given) as centre:
        if centre.config.blobs:
            out.print(f"Files stay in {centre.config.blobs}: that store keeps its own copies.")
        name = "centre.dump" if centre.database.shared else DATABASE_FILE
        return commands.backup(centre.database, centre.data, given.target, name)


def _restore(given: argparse.Namespace) -> int:
    if _config(given).database:
        raise Refused("restore.server", N_("This register lies in a database server, which restores it. See deploy/postgresql.md."))
    from common.serving import alone

    with alone(given.data / "run.lock"):
        commands.restore(given.data, given.source, DATABASE_FILE, load_identity(given.data))
        with _open(given) as centre:
            out.print(
                f"The log has {centre.register.checkpoint()[0]} entries. Machines that have seen more will say so. Next: fsck, then run."
            )
    return 0


def _lineage(given: argparse.Namespace) -> int:
    from common.serving import alone

    with alone(given.data / "run.lock"), _open(given) as centre:
        size = centre.register.checkpoint()[0]
        if not (
            given.yes or commands.agreed(f"Go on as a new log from entry {size} on? Every machine goes over; this cannot be taken back.")
        ):
            return 1
        one = lineage.begin(centre, reason=given.reason)
        out.print(f"Log {one.number} of the register goes on from entry {one.size}. Its statement is on the page of the checkpoints.")
        out.print("Machines that have seen more ask a person there; every machine sends again what this register lacks.")
    return 0


def _trust_add(given: argparse.Namespace) -> int:
    return commands.add_trust(Trust.load(given.data / "trust"), given.file, yes=given.yes)


def _crl_import(given: argparse.Namespace) -> int:
    return commands.import_crl(Trust.load(given.data / "trust"), given.file, SystemClock().now(), yes=given.yes)


def _fsck(given: argparse.Namespace) -> int:
    with _open(given) as centre:
        environment = centre.identity.environment
        status = commands.examine(
            centre.database, centre.fold, centre.blobs, centre.clock, environment, anew=given.refold, repair=given.repair
        )
        tiles = _store(centre.config.tiles)
        strange = list(public_log.check(centre, tiles)) if tiles else []
    for finding in strange:
        out.print(f"{finding.code}  {finding.place}", style="bold red")
    return 1 if strange else status


def _restamp(given: argparse.Namespace) -> int:
    with _open(given) as centre, given.file.open("r+b") as file, out.status("Asking the timestamping service …"):
        name = evidence.restamp(centre, file)
    out.print(f"{name} added; nothing that was there has changed.")
    return 0


def _verify(given: argparse.Namespace) -> int:
    return verify_command.run(given, DATABASE_FILE, _database(_config(given)))
