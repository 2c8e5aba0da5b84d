"""`make run`: a centre, two nodes in different regions, demo people and some weeks of history, until Ctrl-C.

python -m deploy.demo --data run/demo --port 8000
"""

import argparse
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from deploy import demo_country
from deploy.demo_people import ADMINISTRATOR, CABINET_PASSWORD, CITIZENS, NEWCOMER, PASSWORD, STAFF
from sync import commands

START_SECONDS = 60
STOP_SECONDS = 15
LOG_LINES = 8
LAST_PORT = 65_000

out = Console(highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the demo where it is missing, run it, and stop all of it cleanly."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("run/demo"), help="folder of the demo; it survives a restart")
    parser.add_argument("--port", type=int, default=8000, help="the centre's port; the nodes take the next two")
    parser.add_argument("--weeks", type=int, default=demo_country.WEEKS, help="weeks of history in a new folder")
    given = parser.parse_args(arguments)
    if not 1024 <= given.port <= LAST_PORT:
        out.print(f"--port: choose one from 1024 to {LAST_PORT}.")
        return 1
    return commands.run(lambda: _make(given)) or _run(given.data, given.port)


def _make(given: argparse.Namespace) -> int:
    with out.status("Making the demo …") as status:
        demo_country.make(given.data, given.port, weeks=given.weeks, say=lambda text: status.update(f"Making the demo: {text} …"))
    return 0


def _run(data: Path, port: int) -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    processes = _start(data, port)
    try:
        if not _all_answer(data, processes, port, stop):
            return 1
        _print_table(data, port)
        while not stop.wait(0.5):
            for name, process in list(processes.items()):
                if process.poll() is None:
                    continue
                _say_ended(data, name, process.returncode)
                if process.returncode >= 0:
                    return 1
                out.print(f"{name} was killed; it is started again, as a court's machine is after a power cut.")
                processes[name] = _launch(data, port, name)
        out.print("Stopping …")
        return 0
    finally:
        _stop(processes)


def _start(data: Path, port: int) -> dict[str, "subprocess.Popen[bytes]"]:
    names = ["centre", *(f"node-{number}" for number, _, _ in demo_country.NODES)]
    return {name: _launch(data, port, name) for name in names}


def _launch(data: Path, port: int, name: str) -> "subprocess.Popen[bytes]":
    """Start one process; ports come from the environment, so that a folder can move to other ports."""
    module, settings = "central", [f"SOT_CENTRAL_LISTEN=127.0.0.1:{port}"]
    for place, (number, _, _) in enumerate(demo_country.NODES):
        if name == f"node-{number}":
            module, settings = "edge", [f"SOT_EDGE_LISTEN=127.0.0.1:{port + 1 + place}", f"SOT_EDGE_CENTRE=http://127.0.0.1:{port}"]
    command = ["env", *settings, sys.executable, "-m", module, "--data", str(data / name), "run"]
    with (data / f"{name}.log").open("ab") as log:
        # a session of its own: Ctrl-C reaches this process, which then stops the others in order
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _say_ended(data: Path, name: str, status: int) -> None:
    """Say which machine ended, with which status or by which signal, and the last it said itself."""
    how = f"status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
    log = data / f"{name}.log"
    out.print(f"[bold red]{name} has ended: {how}.[/] Its log, {log}, ends with:", soft_wrap=True)
    with log.open("rb") as lines:
        last = deque(lines, LOG_LINES)
    out.print("".join(f"    {line.decode(errors='replace')}" for line in last), markup=False, soft_wrap=True)


def _all_answer(data: Path, processes: dict[str, "subprocess.Popen[bytes]"], port: int, stop: threading.Event) -> bool:
    waiting = {f"http://127.0.0.1:{port + place}/": name for place, name in enumerate(processes)}
    for _ in range(START_SECONDS * 4):
        for url in list(waiting):
            if (status := processes[waiting[url]].poll()) is not None:
                _say_ended(data, waiting[url], status)
                return False
            if _answers(url):
                del waiting[url]
        if not waiting:
            return True
        if stop.wait(0.25):
            return False
    silent = ", ".join(f"{name} ({url})" for url, name in waiting.items())
    out.print(f"[bold red]Still no answer after {START_SECONDS} seconds from {silent}.[/] See the logs in {data}.", soft_wrap=True)
    return False


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2, allow_redirects=False).status_code < 500
    except requests.RequestException:
        return False


def _stop(processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _print_table(data: Path, port: int) -> None:
    places = Table(title="Сот кабинеті — demo", title_justify="left")
    places.add_column("where")
    places.add_column("address", no_wrap=True)
    places.add_row("centre, administration", f"http://127.0.0.1:{port}/")
    for place, (number, name, _) in enumerate(demo_country.NODES):
        address = f"http://127.0.0.1:{port + 1 + place}/"
        places.add_row(f"node {number}: {name}, citizens", address)
        places.add_row(f"node {number}: {name}, staff", f"{address}desk")
    people = Table(title=f"Keys in {data}/keys, password of each: {PASSWORD}", title_justify="left")
    people.add_column("who")
    people.add_column("ЖСН / БСН", no_wrap=True)
    people.add_column("key", no_wrap=True)
    for person in CITIZENS:
        name = person.organisation or person.name.title()
        people.add_row(f"{name}, not registered yet" if person is NEWCOMER else name, person.bin or person.iin, f"{person.file}.p12")
    for person in (*STAFF, ADMINISTRATOR):
        people.add_row(f"{person.name.title()}, {person.role}", person.iin, f"{person.file}.p12")
    out.print(places, people)
    out.print(f"Beside the key, each registered citizen's cabinet opens with the password {CABINET_PASSWORD}\n")
    for number, _, _ in demo_country.NODES:
        line = f".venv/bin/python -m edge --data {data}/node-{number} line"
        out.print(f"Cut the line of node {number}:   {line} cut\nHeal it:                    {line} heal", soft_wrap=True)
    out.print("\nCtrl-C stops everything; the folder keeps what was done.")


if __name__ == "__main__":
    sys.exit(main())
