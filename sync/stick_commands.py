"""`import FOLDER` and `export FOLDER`: what the command lines of node and centre share of sticks."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sync.commands import Command, Subcommands, add_command, out

STEPS = {"stick_write": "writing", "stick_check": "reading back", "stick_read": "copying", "stick_take": "taking in"}


def add_stick(sub: Subcommands, take: Command, export: Command) -> argparse.ArgumentParser:
    """Add `import FOLDER` and `export FOLDER`; return the parser of the latter."""
    one = add_command(sub, "import", take, "take in what is on a stick (PROTOCOL 11)")
    other = add_command(sub, "export", export, "write everything unacknowledged onto a stick, and read it back")
    for made in (one, other):
        made.add_argument("folder", type=Path, help="where the stick is mounted")
    return other


@contextmanager
def moving() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar while a stick is written or read; gives what is to be told (step, bytes done, bytes in all)."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, description=STEPS.get(step, step), completed=done, total=total or None)

        yield show


def said(problems: Iterable[str]) -> int:
    """Say what did not go well on a stick; return the exit status."""
    counted = Counter(problems)
    for code, count in sorted(counted.items()):
        out.print(f"{code}  {count}", style="bold yellow")
    return 1 if counted else 0
