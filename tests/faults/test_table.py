"""The table of faults is whole and says what the tests say."""

import re

from tests.faults.rows import REASONS, ROWS
from tests.faults.table import rows_with_tests, written


def test_every_row_has_a_test_or_a_reason() -> None:
    assert list(ROWS) == list(range(1, 75))
    assert [row for row, tests in rows_with_tests().items() if not tests and row not in REASONS] == []
    assert [row for row in REASONS if rows_with_tests()[row]] == []


def test_the_readme_names_the_tests_that_there_are() -> None:
    """`make faults` writes the table anew."""
    said = {int(row): re.findall(r"`([^`]+::[^`]+)`", line) for row, line in re.findall(r"^\| (\d+) (.*)$", written(), re.MULTILINE)}
    assert said == rows_with_tests()
