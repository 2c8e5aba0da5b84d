"""Which tests belong to which row, and the table that says how they went."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults.rows import REASONS, ROWS

TESTS = Path(__file__).resolve().parents[1]
README = Path(__file__).with_name("README.md")
SAYS = re.compile(r"\b[Rr]ows? (\d+(?:(?:, | and |–)\d+)*)")
BEGIN, END = "<!-- table -->\n", "<!-- end -->\n"


def rows_with_tests() -> dict[int, list[str]]:
    """Return the tests of each row, as "path::function" below the folder of tests, sorted."""
    found: dict[int, list[str]] = {row: [] for row in ROWS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, docstring in _tests(path):
            for row in _rows(docstring):
                found[row].append(f"{path.relative_to(TESTS)}::{name}")
    return found


def _tests(path: Path) -> Iterator[tuple[str, str]]:
    for item in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(item, ast.FunctionDef) and item.name.startswith("test_"):
            yield item.name, ast.get_docstring(item) or ""


def _rows(docstring: str) -> Iterator[int]:
    for said in SAYS.findall(docstring):
        for part in re.split(r", | and ", said):
            first, _, last = part.partition("–")
            yield from range(int(first), int(last or first) + 1)


def render(results: Mapping[str, str]) -> str:
    """Return the table; ``results`` has a word for each test, as `python -m tests.faults` found it."""
    lines = ["| row | what happens | what must hold | tests | result |", "|---|---|---|---|---|"]
    for row, tests in rows_with_tests().items():
        said = [results.get(test, "not run") for test in tests]
        worst = next((word for word in ("fails", "not run", "skipped") if word in said), "holds") if tests else "—"
        names = "<br>".join(f"`{test}`" for test in tests) or REASONS.get(row, "")
        lines.append(f"| {row} | {ROWS[row][0]} | {ROWS[row][1]} | {names} | {worst} |")
    return "\n".join(lines) + "\n"


def written() -> str:
    """Return the table as it stands in the README."""
    return README.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


def write(table: str) -> None:
    """Put ``table`` into the README."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + table + END + rest.partition(END)[2], "utf-8")
