"""A real process that is killed at one chosen system call of its work.

    calls = traced(nursery, work, home)                        what it asks of the disk below `home`, in order; it lives on
    traced(nursery, work, home, kill=calls[7])                 SIGKILL as it enters the 8th: that call is not done any more

strace counts each kind of call by itself, and delivers SIGKILL at the entry of the n-th one, so the kernel does not carry
it out. The process is forked from one that has loaded everything (`nursery`), waits at a gate until strace watches it, and
then runs the same `main` as `python -m edge` does.
"""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.nursery import GATE, STATUS_FILE, Nursery

WAIT_SECONDS = 120
"""Generous: what is slow on a busy machine is not wrong."""
NAMES = (
    "write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,openat,open,creat,ftruncate,truncate,fallocate,"
    "fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat"
)
"""Calls that can change what a disk holds."""
LINE = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)")
RANDOM = re.compile(r"[0-9a-f]{8,}")


@dataclass(frozen=True, slots=True)
class Work:
    """What a process does: a side of the nursery, its arguments and its environment; what it says goes to ``log``."""

    side: str
    arguments: Sequence[object]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: the ``number``-th of its ``name`` in its thread, and the files it names (random parts are stars)."""

    name: str
    number: int
    files: str

    def __str__(self) -> str:
        return f"{self.name} {self.number} ({self.files})"


def traced(nursery: Nursery, work: Work, homes: Sequence[Path], *, kill: Call | None = None) -> list[Call]:
    """Run ``work`` and return its calls that change something below ``homes``; with ``kill`` it dies at the entry of that one,
    the last that is returned. Where keys and ids of random bytes make it do less this time, it may live to its end."""
    trace = work.log.with_suffix(".trace")
    gate, ended = work.log.with_suffix(".gate"), work.log.with_suffix(".ended")
    for old in (trace, gate, ended):
        old.unlink(missing_ok=True)
    os.mkfifo(gate)
    environment = {**os.environ, **work.environment, GATE: str(gate), STATUS_FILE: str(ended)}
    pid = nursery.start(work.side, list(map(str, work.arguments)), environment, work.log)
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={NAMES}", "-p", str(pid)]
    if kill is not None:
        command += ["-e", f"inject={kill.name}:signal=KILL:when={kill.number}"]
    with gate.open("wb") as door, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:  # it waits there by now
        assert strace.stderr is not None
        said = strace.stderr.readline()
        assert "attached" in said, f"strace cannot watch a process here: {said}"
        door.write(b"\n")
        door.close()
        strace.stderr.read()
        strace.wait(WAIT_SECONDS)
    said = trace.read_text("utf-8", "replace")
    if kill is None or "+++ killed by SIGKILL +++" not in said:
        status = ended.read_text() if ended.exists() else "none"
        assert status == "0", f"{work.arguments} ended with {status}:\n{work.log.read_text()}"
    return _calls(said, homes)


def _calls(text: str, homes: Sequence[Path]) -> list[Call]:
    counted: Counter[tuple[str, str]] = Counter()
    found: list[Call] = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match is None:  # how a thread ended, or the second half of a line
            continue
        thread, name, rest = match.groups()
        counted[thread, name] += 1
        home = next((home for home in homes if f"{home}/" in rest or f"{home}>" in rest), None)
        if home is None or (name == "openat" and "O_CREAT" not in rest and "O_TRUNC" not in rest):
            continue
        named = " ".join(re.findall(r'[<"]([^>"]*)[>"]', re.split(r" = | <unfinished", rest)[0])).replace(str(home), home.name)
        found.append(Call(name, counted[thread, name], RANDOM.sub("*", named)))
    return found


def spread(calls: Sequence[Call], count: int) -> list[Call]:
    """Return ``count`` of them, evenly spread, the first and the last included; all of them where there are no more."""
    if count >= len(calls) or count < 2:
        return list(calls)
    return [calls[round(place * (len(calls) - 1) / (count - 1))] for place in range(count)]
