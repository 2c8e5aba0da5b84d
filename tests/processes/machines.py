"""Real machines on this computer: `python -m central run` and `python -m edge run` as processes of their own, over real HTTP.

country = Country(folder)
centre = country.centre()
node = country.node(1976, "kz-283")
node.command("sync"); node.kill(); node.start(); node.stop()
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.processes.nursery import COMMAND_SECONDS, Nursery

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
STOP_SECONDS = 30
"""Generous: what is slow on a busy machine is not wrong."""
ALIVE = {"central": "/checkpoint", "edge": "/static/theme.css"}
"""What a machine answers as soon as it serves, without a session."""


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def browser() -> requests.Session:
    """Return a session that goes straight to the machine."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass
class Machine:
    """One centre or node: its folder, its port, its process. With a ``nursery`` commands start faster, and so does `run` unless it
    is ``cold``: then it is a child of this process, whose exit status can be asked."""

    side: str
    data: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    nursery: Nursery | None = None
    cold: bool = False
    process: subprocess.Popen[bytes] | None = None
    handle: int | None = None
    """A pidfd: numbers of processes are given out again, and whoever kills by number may kill somebody else's."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    def environment(self) -> dict[str, str]:
        prefix = f"SOT_{self.side.upper()}_"
        mine = {f"{prefix}{name.upper()}": value for name, value in self.settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SOT_")}
        return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", f"{prefix}LISTEN": f"127.0.0.1:{self.port}", **mine}

    def start(self) -> "Machine":
        """Start `run` and return once it answers."""
        arguments = ["--data", str(self.data), "run"]
        if self.nursery and not self.cold:
            pid = self.nursery.start(self.side, arguments, self.environment(), self.log)
        else:
            with self.log.open("ab") as log:
                command = [sys.executable, "-m", self.side, *arguments]
                self.process = subprocess.Popen(command, cwd=self.data.parent, env=self.environment(), stdout=log, stderr=log)
            pid = self.process.pid
        self._forget()
        with contextlib.suppress(ProcessLookupError):
            self.handle = os.pidfd_open(pid)
        wait_until_served(f"{self.url}{ALIVE[self.side]}", self.alive, self.log)
        return self

    def alive(self) -> bool:
        """Return whether the process runs."""
        if self.process is not None:
            return self.process.poll() is None
        return self.handle is not None and not select.select([self.handle], [], [], 0)[0]

    def kill(self) -> None:
        """Power off: SIGKILL, nothing is written any more."""
        assert self.handle is not None, "it was never started, or ended at once"
        with contextlib.suppress(ProcessLookupError):  # it was quicker
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(STOP_SECONDS)
        select.select([self.handle], [], [])  # readable once it has ended
        self._forget()

    def _forget(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def stop(self) -> int:
        """Ask the process to end (SIGTERM) and return its exit status."""
        assert self.process is not None, "only a process of our own tells how it ended"
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def command(self, *arguments: object, status: int = 0) -> str:
        """Run a command beside the running machine and return what it said."""
        given = ["--data", str(self.data), *map(str, arguments)]
        found, said = self._run(given)
        assert found == status, f"{arguments}: {found}\n{said}"
        return said

    def _run(self, arguments: list[str]) -> tuple[int, str]:
        if self.nursery:
            said = self.data.parent / f"{self.data.name}.said"
            said.unlink(missing_ok=True)
            return self.nursery.run(self.side, arguments, self.environment(), said), said.read_text()
        command = [sys.executable, "-m", self.side, *arguments]
        done = subprocess.run(
            command, cwd=self.data.parent, env=self.environment(), capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
        return done.returncode, done.stdout + done.stderr


def wait_until_served(url: str, alive: Callable[[], bool], log: Path) -> None:
    """Return once ``url`` answers 200; fails with the log when the process ends or does not answer."""
    until = time.monotonic() + START_SECONDS
    session = browser()
    while time.monotonic() < until:
        if not alive():
            break
        with contextlib.suppress(requests.RequestException):
            if session.get(url, timeout=2).status_code == 200:
                return
        time.sleep(0.02)
    raise AssertionError(f"{url} does not answer:\n{log.read_text() if log.exists() else ''}")


class Country:
    """A centre and its nodes in ``folder``; `close` ends every process."""

    def __init__(self, folder: Path, nursery: Nursery | None = None, *, cold: bool = False) -> None:
        self.folder = folder
        self.nursery = nursery
        self.cold = cold
        self.machines: list[Machine] = []

    def machine(self, side: str, name: str, **settings: str) -> Machine:
        """Return a machine in a folder of its own, with nothing done yet."""
        self.machines.append(Machine(side, self.folder / name, settings=settings, nursery=self.nursery, cold=self.cold))
        return self.machines[-1]

    def centre(self, trusted: Iterable[bytes] = (), **settings: str) -> Machine:
        """Make a register that trusts the given CA certificates, and start it."""
        settings = {"crl": "", "crl_delta": "", "ocsp": "", "tsa": "", **settings}  # no test asks the country's services
        centre = self.machine("central", "centre", **settings)
        centre.command("init", "--name", "Centre")
        trust(centre, trusted)
        return centre.start()

    def node(self, number: int, *courts: str, trusted: Iterable[bytes] = (), start: bool = True, **settings: str) -> Machine:
        """Enrol a node at the centre, over HTTP with a one-time code, and start it."""
        said = self.code(number, *courts)
        node = self.machine("edge", f"node-{number}", **{"interval_seconds": "3600", **settings})
        node.command("init", "--centre", self.machines[0].url)
        node.command("enrol", "--code", said)
        trust(node, trusted)
        return node.start() if start else node

    def code(self, number: int, *courts: str) -> str:
        """Return a one-time code for a new node."""
        said = self.machines[0].command("enrol", "--node", number, "--name", f"Node {number}", "--courts", ",".join(courts))
        return said.split()[0]

    def close(self) -> None:
        for machine in self.machines:
            if machine.alive():
                machine.kill()
            machine._forget()


def trust(machine: Machine, certificates: Iterable[bytes]) -> None:
    """Let ``machine`` trust these CA certificates."""
    for place, data in enumerate(certificates):
        path = machine.data.parent / f"ca-{place}.cer"
        path.write_bytes(data)
        machine.command("trust", "add", "--yes", path)
