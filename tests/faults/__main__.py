"""Run every test that belongs to a row, and write the table of the README: `make faults`."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.faults.table import TESTS, render, tests_of_rows, write

WORKERS = "2"


def main() -> int:
    tests = sorted({test for tests in tests_of_rows().values() for test in tests})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", WORKERS, f"--junitxml={report}", *(f"tests/{test}" for test in tests)]
        status = subprocess.run(command, cwd=TESTS.parent).returncode
        write(render(_results(report, tests)))
    return status


def _results(report: Path, tests: list[str]) -> dict[str, str]:
    """Return one word a test: of all its cases the worst."""
    results: dict[str, str] = {}
    names = {(test.partition(".py::")[0].replace("/", "."), test.partition("::")[2]): test for test in tests}
    for case in ElementTree.parse(report).iter("testcase"):
        place = (case.get("classname", "").removeprefix("tests."), case.get("name", "").partition("[")[0])
        word = "fails" if case.find("failure") is not None or case.find("error") is not None else "holds"
        word = "skipped" if case.find("skipped") is not None else word
        test = names[place]
        results[test] = word if results.get(test, "holds") == "holds" else results[test]
    return results


if __name__ == "__main__":
    sys.exit(main())
