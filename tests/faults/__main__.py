"""Run every test that belongs to a row, and write the table of the README: `make faults`.

python -m tests.faults --report FILE          take the results of a run that has been: pytest --junitxml=FILE
"""

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.faults.table import TESTS, render, rows_with_tests, write

WORKERS = "2"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--report", type=Path, help="a report of pytest to take the results from")
    given = parser.parse_args()
    tests = sorted({test for tests in rows_with_tests().values() for test in tests})
    if given.report:
        write(render(_results(given.report, tests)))
        return 0
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
        test = names.get(place)
        if test is None:
            continue
        results[test] = word if results.get(test, "holds") == "holds" else results[test]
    return results


if __name__ == "__main__":
    sys.exit(main())
