"""Every numbered rule of the protocol has a test of its own, and every such test a rule."""

import re
from pathlib import Path

PROTOCOL = Path(__file__).parents[2] / "sync" / "PROTOCOL.md"


def test_each_rule_has_a_test_and_each_test_a_rule() -> None:
    rules = re.findall(r"^- \*\*(\d+\.\d+)\*\* ", PROTOCOL.read_text("utf-8"), re.MULTILINE)
    assert len(rules) == len(set(rules)) > 50
    tested = {
        f"{chapter}.{number}"
        for path in Path(__file__).parent.glob("test_musts_*.py")
        for chapter, number in re.findall(r"^def test_(\d+)_(\d+)_\w+", path.read_text("utf-8"), re.MULTILINE)
    }
    assert set(rules) - tested == set(), "rules without a test"
    assert tested - set(rules) == set(), "tests of no rule"


def test_each_rule_is_one_that_binds() -> None:
    chapters = re.split(r"^- ", PROTOCOL.read_text("utf-8"), flags=re.MULTILINE)
    rules = [text for text in chapters if text.startswith("**") and text[2].isdigit()]
    assert all(" MUST " in text.replace("\n", " ") for text in rules)


def test_what_the_code_cites_exists() -> None:
    rules = set(re.findall(r"\*\*(\d+\.\d+)\*\*", PROTOCOL.read_text("utf-8"))) | {str(number) for number in range(1, 16)}
    cited = {
        number
        for folder in ("sync", "edge", "central", "common")
        for path in (PROTOCOL.parents[1] / folder).rglob("*.py")
        for group in re.findall(r"PROTOCOL ((?:\d+(?:\.\d+)?(?:, )?)+)", path.read_text("utf-8"))
        for number in group.rstrip(", ").split(", ")
    }
    assert cited
    assert cited - rules == set()
