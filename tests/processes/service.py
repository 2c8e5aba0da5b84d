"""What systemd is to a unit, small: keeps one command running, starts it again when it ends, and at once when told to.

python tests/processes/service.py run FOLDER COMMAND …        until SIGTERM; the pids lie in FOLDER
python tests/processes/service.py restart FOLDER              returns when the process before has ended and another one runs
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RESTART_SECONDS = 0.2
SERVICE, CHILD = "service.pid", "service.child"


def run(folder: Path, command: list[str]) -> None:
    """Keep ``command`` running until SIGTERM."""
    ending = False

    def end(number: int, frame: object) -> None:
        nonlocal ending
        ending = ending or number == signal.SIGTERM
        child.terminate()

    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    while not ending:
        _note(folder / CHILD, child.pid)
        _note(folder / SERVICE, os.getpid())
        child.wait()
        if not ending:
            time.sleep(RESTART_SECONDS)
            child = subprocess.Popen(command)


def restart(folder: Path) -> None:
    """Start the command again and return when it runs."""
    before = (folder / CHILD).read_text()
    os.kill(int((folder / SERVICE).read_text()), signal.SIGHUP)
    while (folder / CHILD).read_text() == before:
        time.sleep(0.02)


def _note(path: Path, pid: int) -> None:
    path.with_suffix(".tmp").write_text(str(pid))
    path.with_suffix(".tmp").replace(path)


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]), sys.argv[3:])
    else:
        restart(Path(sys.argv[2]))
