"""The commands of a node; `python -m edge --help` lists them."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.clock import SystemClock
from common.config import load, settings_text, split_listen
from common.errors import N_, Conflict
from common.files import make_folder, write_durable
from common.pki.trust import Trust
from edge import enrolment, trial, update
from edge.config import EdgeConfig
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import lists
from edge.transport import CUT_FILE, HttpTransport
from sync import commands, stick_commands, verify_command
from sync.commands import out
from sync.identity import load_identity
from sync.lineage import number_of

ENVIRONMENT_PREFIX = "SOT_EDGE_"
CONFIG_FILE = "edge.toml"
OPERATOR = bytes(32)
"""In place of a person's certificate: who has the machine's own command line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = given.command
    return commands.run(lambda: command(given))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="edge", description="A court's node: takes papers offline, exchanges with the centre.")
    top.add_argument("--version", action="version", version=commands.version_line())
    top.add_argument("--data", type=Path, default=_default_data(), help="folder of this node (default: SOT_EDGE_DATA or run/edge)")
    sub = top.add_subparsers(metavar="COMMAND", required=True)
    init = commands.add_command(sub, "init", _init, "make the folder and its settings file")
    init.add_argument("--centre", default="http://127.0.0.1:8000", help="address of the centre")
    init.add_argument("--listen", default="127.0.0.1:8001", help="address to serve on")
    init.add_argument("--surface", choices=("kiosk", "home"), default="kiosk", help="what stands before people")
    enrol = commands.add_command(sub, "enrol", _enrol, "get this machine's certificate with a one-time code from the centre")
    enrol.add_argument("--code", required=True, help="the code the centre shows")
    commands.add_command(sub, "run", _run, "serve the pages and exchange on schedule")
    commands.add_command(sub, "sync", _sync, "exchange with the centre now")
    commands.add_fsck(sub, _fsck)
    backup = commands.add_command(sub, "backup", _backup, "copy database and files of the running node into a folder")
    backup.add_argument("target", type=Path)
    restore = commands.add_command(sub, "restore", _restore, "put a backup back; the machine then opens a new epoch")
    restore.add_argument("source", type=Path)
    stick_commands.add_stick(sub, _import, _export)
    _add_update(sub)
    line = commands.add_command(sub, "line", _line, "take this machine off the line, or put it back")
    line.add_argument("state", choices=("cut", "heal", "show"))
    lineage = commands.add_command(sub, "lineage", _lineage, "show which log of the register is followed, and follow a new one")
    lineage.add_argument("--accept", action="store_true", help="follow the new log, which holds less than this machine has seen")
    lineage.add_argument("--file", type=Path, help="the registry's statement, carried here where there is no line")
    verify_command.add(sub, _verify)
    commands.add_trust_commands(sub, _trust_add, _crl_import)
    return top


def _add_update(sub: commands.Subcommands) -> None:
    made = commands.add_command(sub, "update", _update, "change to the signed release on a stick, and back if it does not answer")
    made.add_argument("folder", type=Path, help="where the stick is mounted")
    made.add_argument("--home", type=Path, default=update.HOME, help="where releases lie and the link current (default: %(default)s)")
    made.add_argument("--restart", default=update.RESTART, help="what starts the service again (default: %(default)s)")
    made.add_argument("--wait", type=int, default=update.WAIT_SECONDS, help="seconds until the new version must answer")
    made.add_argument("--rollback", action="store_true", help="take an older release than the one that runs")
    commands.add_command(sub, "trial", _trial, "fold a copy of the data with this version and compare; changes nothing")


def _default_data() -> Path:
    return Path(os.environ.get(f"{ENVIRONMENT_PREFIX}DATA", "run/edge"))


def _config(given: argparse.Namespace) -> EdgeConfig:
    path = given.data / CONFIG_FILE
    environment = {**os.environ, f"{ENVIRONMENT_PREFIX}DATA": str(given.data)}
    return load(EdgeConfig, path if path.exists() else None, environment, prefix=ENVIRONMENT_PREFIX)


@contextmanager
def _open(given: argparse.Namespace) -> Iterator[Node]:
    node = Node.open(_config(given), clock=SystemClock())
    try:
        if opened := node.start():
            out.print(f"A new epoch was opened: {opened}. Numbers of cases wait until the centre has answered.", style="bold yellow")
        yield node
    finally:
        node.close()


def _init(given: argparse.Namespace) -> int:
    path = given.data / CONFIG_FILE
    if path.exists():
        raise Conflict("init.exists", N_("There is a settings file in this folder already. Nothing was changed."))
    text = settings_text(EdgeConfig, {"centre": given.centre, "listen": given.listen, "surface": given.surface})
    write_durable(make_folder(given.data) / CONFIG_FILE, text.encode())
    out.print(f"{path} written. Next: python -m edge --data {given.data} enrol --code CODE")
    return 0


def _enrol(given: argparse.Namespace) -> int:
    config = _config(given)
    number = enrolment.enrol(given.data, given.code, HttpTransport(config.centre, given.data / CUT_FILE))
    with _open(given) as node:
        Exchanger(node).exchange()
        out.print(f"Enrolled as machine {number}; courts: {', '.join(node.courts()) or 'none'}.")
    return 0


def _run(given: argparse.Namespace) -> int:
    config = _config(given)
    split_listen(config.listen, behind_tls_proxy=config.tls_proxy)
    load_identity(given.data)
    # the pages with everything they draw in are loaded by this command alone; the others answer at once
    from common.serving import Stop, alone, leave, serve, set_up_log
    from common.web.limits import body_limit_of
    from edge import app, jobs

    set_up_log(config.log_level)
    stop = Stop.heeded()
    with alone(given.data / "run.lock"), _open(given) as node:
        exchanger = Exchanger(node)
        web = app.build(node, exchanger)
        scheduler = jobs.start(node, exchanger)
        commands.warn_of_plain_disk(node.data)
        try:
            limit_of = body_limit_of(web)
            serve(web, config.listen, threads=config.threads, tls_proxy=config.tls_proxy, stop=stop, limit_of=limit_of, say=out.print)
        finally:
            scheduler.shutdown(wait=False)
    leave(0)


def _sync(given: argparse.Namespace) -> int:
    with _open(given) as node, out.status("Exchanging …"):
        exchanger = Exchanger(node)
        outcome = exchanger.in_turn(exchanger.exchange)
        while outcome.goes_on and not outcome.retry_seconds:  # recordings get a turn each; whoever does not wait for them stops here
            before, outcome = outcome, exchanger.in_turn(exchanger.exchange)
            outcome.add(before)
        lists.Taker(node).run()
    out.print(
        f"{outcome.entries_up} entries up, {outcome.entries_down} down, {outcome.receipts} receipts, "
        f"{outcome.blobs_up} files up, {outcome.blobs_down} down; {outcome.trips} trips, "
        f"{outcome.bytes_up + outcome.bytes_down} bytes."
    )
    if outcome.goes_on:
        out.print("Recordings are under way still: the centre asks to wait. The next exchange goes on with them.")
    return 0


def _export(given: argparse.Namespace) -> int:
    with _open(given) as node, stick_commands.moving() as show:
        exchanger = Exchanger(node, progress=show)
        outcome = exchanger.in_turn(lambda: exchanger.export(given.folder))
    out.print(f"{outcome.entries_up} entries, {outcome.blobs_up} files, {outcome.bytes_up} bytes, read back from the stick.")
    out.print("Safe to remove.", style="bold green")
    return stick_commands.said(outcome.problems)


def _import(given: argparse.Namespace) -> int:
    with _open(given) as node, stick_commands.moving() as show:
        exchanger = Exchanger(node, progress=show)
        outcome = exchanger.in_turn(lambda: exchanger.take(given.folder))
    out.print(
        f"{outcome.entries_down} entries, {outcome.receipts} receipts, {outcome.blobs_down} files taken; "
        f"{outcome.carried} folders of others carried onward."
    )
    return stick_commands.said(outcome.problems)


def _backup(given: argparse.Namespace) -> int:
    with _open(given) as node:
        return commands.backup(node.database, node.data, given.target, "node.db")


def _restore(given: argparse.Namespace) -> int:
    from common.serving import alone

    with alone(given.data / "run.lock"):
        commands.restore(given.data, given.source, "node.db", load_identity(given.data))
        with _open(given) as node:
            out.print(f"Entries up to number {node.journal.position().seq} of epoch {node.journal.position().epoch}. Next: fsck, then run.")
    return 0


def _update(given: argparse.Namespace) -> int:
    asked = update.Update(given.home.absolute(), given.restart, given.wait, older=given.rollback)
    with stick_commands.moving() as show:
        version = update.run(asked, given.folder, _config(given), SystemClock(), say=out.print, progress=show)
    out.print(f"This machine runs {version}.", style="bold green")
    return 0


def _trial(given: argparse.Namespace) -> int:
    return trial.run(_config(given), SystemClock())


def _line(given: argparse.Namespace) -> int:
    path = given.data / CUT_FILE
    if given.state == "cut":
        path.touch()
    elif given.state == "heal":
        path.unlink(missing_ok=True)
    out.print("The line is cut by hand." if path.exists() else "The line is not cut by hand.")
    return 0


def _lineage(given: argparse.Namespace) -> int:
    with _open(given) as node:
        if given.file and given.accept:
            node.client.follow_by_hand(commands.read_file(given.file), by=OPERATOR)
        offer = node.client.offer()
        if offer is not None:
            one = offer.statement
            out.print(f"Log {one.number} goes on from entry {one.size}; this machine has seen {offer.held}.")
            out.print(f"Own entries that are sent again: {offer.again}.")
            out.print(f"The registry's reason: {commands.shown(one.reason)}")
            if given.accept and not offer.accepted:
                node.client.accept(one.number, by=OPERATOR)
            out.print("Followed with the next exchange." if given.accept or offer.accepted else "To follow it: lineage --accept")
        out.print(f"This machine follows log {number_of(node.identity.pin.origin)} of the register.")
    return 0


def _trust_add(given: argparse.Namespace) -> int:
    return commands.add_trust(Trust.load(given.data / "trust"), given.file, yes=given.yes)


def _crl_import(given: argparse.Namespace) -> int:
    return commands.import_crl(Trust.load(given.data / "trust"), given.file, SystemClock().now(), yes=given.yes)


def _fsck(given: argparse.Namespace) -> int:
    with _open(given) as node:
        environment = node.identity.environment
        return commands.examine(node.database, node.fold, node.blobs, node.clock, environment, anew=given.refold, repair=given.repair)


def _verify(given: argparse.Namespace) -> int:
    return verify_command.run(given, "node.db")
