"""How the bench measures: the two halves of a ratio in turns, so that whatever else the machine does hits both alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what, its value with a unit, and where there is a goal, whether it holds."""

    name: str
    value: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def core_seconds(work: Callable[[], object]) -> float:
    """Return for how long ``work`` keeps one core busy, whoever else wants it meanwhile."""
    started = time.process_time()
    work()
    return time.process_time() - started


def in_turns(rounds: int, *works: Callable[[int], float]) -> list[float]:
    """Return the median of what each of ``works`` says it took (seconds), asked in turns; each is told the round's number."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + WARM_UP):
        for place, work in enumerate(works):
            taken[place].append(work(number))
    return [statistics.median(times[WARM_UP:]) for times in taken]


WARM_UP = 2
"""Rounds that do not count: caches and connections are made then."""


def median_seconds(rounds: int, work: Callable[[], object]) -> float:
    """Return the median time of ``work``."""
    return in_turns(rounds, lambda _: seconds(work))[0]


def ms(value: float) -> str:
    return f"{value * 1000:.2f} ms"


def at_most(name: str, value: str, ratio: float, goal: float) -> Line:
    """Return a line whose ratio should be at most ``goal``."""
    return Line(name, value, f"{ratio:.2f}×", f"≤ {goal:g}×", ratio <= goal)


def at_least(name: str, value: str, ratio: float, goal: float) -> Line:
    """Return a line whose ratio should be at least ``goal``."""
    return Line(name, value, f"{ratio:.2f}×", f"≥ {goal:g}×", ratio >= goal)


def show(out: Console, title: str, lines: list[Line]) -> None:
    """Print one table."""
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    table.add_column("what", overflow="fold")
    for name in ("value", "ratio", "goal", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        mark = "" if line.met is None else "[green]holds[/]" if line.met else "[red]missed[/]"
        table.add_row(line.name, line.value, line.ratio, line.goal, mark)
    out.print(table)
