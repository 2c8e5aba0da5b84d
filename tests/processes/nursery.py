"""Starts machines in a tenth of the time: a process that has loaded all code already forks one for each.

What is forked runs the same `main` with the same arguments and environment as `python -m edge` does, is a process of its
own, and can be killed like one. `python -m tests.processes.nursery` reads one JSON object a line and answers with a pid.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 120
STATUS_FILE = "NURSERY_STATUS"
GATE = "NURSERY_GATE"
"""Names a pipe: the process begins once something is written to it (`tests.processes.tracing` watches it by then)."""


class Nursery:
    """The process that forks."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.processes.nursery"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, side: str, arguments: list[str], environment: dict[str, str], log: Path) -> int:
        """Start one machine and return its pid."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"side": side, "arguments": arguments, "environment": environment, "log": str(log)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def run(self, side: str, arguments: list[str], environment: dict[str, str], log: Path) -> int:
        """Run one command to its end, saying what it says into ``log``, and return its exit status."""
        ended = log.with_suffix(".status")
        ended.unlink(missing_ok=True)
        self.start(side, arguments, {**environment, STATUS_FILE: str(ended)}, log)
        until = time.monotonic() + COMMAND_SECONDS
        while not ended.exists():
            assert time.monotonic() < until, f"{arguments} does not end"
            time.sleep(0.005)
        return int(ended.read_text())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


def _serve() -> None:
    import central.app
    import central.cli
    import central.folding
    import edge.app
    import edge.cli
    import edge.jobs
    from tests.processes import filing_once

    mains = {"central": central.cli.main, "edge": edge.cli.main, "filing": filing_once.main}
    assert all((central.app, central.folding, edge.app, edge.jobs)), "loaded before the first fork"
    assert threading.active_count() == 1, "only a process with one thread is forked safely"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended: they are killed
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order, mains)
        print(pid, flush=True)  # noqa: T201 - this is the answer


def _become(order: dict[str, object], mains: dict[str, object]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((null, 0), (log, 1), (log, 2)):
        os.dup2(here, there)
    environment = order["environment"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    ended = os.environ.pop(STATUS_FILE, "")
    if gate := os.environ.pop(GATE, ""):
        select.select([os.open(gate, os.O_RDONLY | os.O_NONBLOCK)], [], [])
    main = mains[str(order["side"])]
    try:
        status = main(order["arguments"])  # type: ignore[operator]
    except SystemExit as end:
        status = int(str(end.code or 0))
    sys.stdout.flush()
    sys.stderr.flush()
    if ended:
        Path(f"{ended}.tmp").write_text(str(status))
        os.replace(f"{ended}.tmp", ended)
    os._exit(status)


if __name__ == "__main__":
    _serve()
