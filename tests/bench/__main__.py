"""`python -m tests.bench` (make bench): what must be fast, as ratios measured in one run; exit status 1 when a goal is missed."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from common.clock import SystemClock
from tests.bench import commit, country, crypto, exchange, history, lists, pages, world
from tests.bench.measure import Line, show

PARTS = ("commit", "pages", "exchange", "crypto", "lists")
LONG = ("history", "country")
"""Only when asked for: they take from minutes to an hour (make bench-country)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for and return the exit status."""
    given = _parser().parse_args(arguments)
    out = Console(width=given.width)
    lines: list[Line] = []

    def told(title: str, more: list[Line]) -> None:
        show(out, title, more)
        lines.extend(more)

    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.folder) as name:
        folder = Path(name)
        if "commit" in given.only:
            told("A filing's commit", commit.run(world.in_one_process(_sub(folder, "commit")), folder, rounds=given.rounds))
        if "pages" in given.only:
            made = world.in_one_process(_sub(folder, "pages"), people=len(world.PEOPLE))
            told("Pages", pages.run(made, filings=given.filings, rounds=given.rounds))
        if "exchange" in given.only:
            first, idle = exchange.run(_sub(folder, "exchange"), entries=given.entries, rounds=3)
            told("First sync", first)
            told("Idle exchange", idle)
        if "crypto" in given.only:
            told("Keys and papers", crypto.run(world.in_one_process(_sub(folder, "crypto")), rounds=min(given.rounds, 20)))
        if "lists" in given.only:
            told("Revocation lists", lists.run(_sub(folder, "lists"), now_ms=SystemClock().now(), entries=given.revoked))
        if "history" in given.only:
            spent = history.run(_sub(folder, "history"), sizes=given.history, rounds=min(given.rounds, 20), told=out.print)
            told("One exchange, after a long history", spent)
        if "country" in given.only:
            back = country.run(_sub(folder, "country"), machines=given.machines, filings=given.each, told=out.print)
            told("A country comes back", back)
    missed = [line.name for line in lines if line.met is False]
    out.print(f"{len(missed)} goals missed." if missed else "Every goal holds.")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS + LONG, default=PARTS, help="parts to run (default: all)")
    parser.add_argument("--rounds", type=int, default=200, help="commits and pages to measure")
    parser.add_argument("--entries", type=int, default=10_000, help="entries of the first sync")
    parser.add_argument("--filings", type=int, default=10_000, help="filings in the node whose pages are asked for")
    parser.add_argument("--revoked", type=int, default=lists.ENTRIES, help="entries of the revocation list")
    parser.add_argument("--history", nargs="+", type=int, default=history.SIZES, help="entries of the histories, the smallest first")
    parser.add_argument("--machines", type=int, default=1_000, help="machines of the country that comes back")
    parser.add_argument("--each", type=int, default=20, help="filings of each of them")
    parser.add_argument("--folder", help="where to work; it should lie on a real disk (default: the system's temporary folder)")
    parser.add_argument("--width", type=int, default=None, help="columns of the tables")
    return parser


def _sub(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


if __name__ == "__main__":
    sys.exit(main())
