"""The repository is tested too: sizes, banned calls, README against the command lines, commit subjects."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from central import cli as central_cli
from common.files import templates_folder
from edge import cli as edge_cli
from edge.services import catalogue

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("common", "sync", "edge", "central")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FILE_LINES_MAX = 420
FUNCTION_LINES_MAX = 60
BANNED = {
    "datetime.now": "time comes from common.clock",
    "datetime.utcnow": "time comes from common.clock",
    "date.today": "time comes from common.clock",
    "time.time": "time comes from common.clock",
    "time.time_ns": "time comes from common.clock",
    "time.sleep": "nothing waits but the schedule",
    "uuid.uuid4": "ids come from common.ids or secrets",
    "random.random": "randomness comes from secrets",
    "random.choice": "randomness comes from secrets",
    "sqlite3.connect": "a live database is opened by apsw alone (SQLite's WAL-reset bug)",
}
ALLOWED = {
    ("common/clock.py", "time.time_ns"),
    ("edge/exchanger.py", "time.sleep"),  # the command line alone waits there: for another process to end its exchange
    ("edge/update.py", "time.sleep"),  # and here, for the new version to answer
    ("sync/slices.py", "time.sleep"),  # lanes that begin together leave the line idle together: at most a second apart
}


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text("utf-8")
    where = str(path.relative_to(ROOT))
    assert text.count("\n") <= FILE_LINES_MAX, f"{where} is too long to be read in one sitting"
    tree = ast.parse(text)
    if text.strip():
        assert ast.get_docstring(tree), f"{where} has no contract in its docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX or _makes_pages(node), f"{where}:{node.lineno} {node.name} has {lines} lines"
        if isinstance(node, ast.Call) and (called := _name(node.func)) in BANNED:
            assert (where, called) in ALLOWED, f"{where}:{node.lineno} calls {called}: {BANNED[called]}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{where}:{node.lineno} has a bare except"


def _makes_pages(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A blueprint's factory is a list of short views; its own length says nothing."""
    return node.name == "make_pages"


@pytest.mark.parametrize("package", ["common", "sync"])
def test_public_functions_of_the_shared_floors_say_what_they_promise(package: str) -> None:
    silent = []
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            public = isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node) and node.name not in ("begin", "step", "rows", "audience"):
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not silent


def test_no_functions_import_inside_but_on_the_command_line() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in SOURCES
        if path.name not in ("__main__.py", "cli.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not found


@pytest.mark.parametrize(("name", "parser"), [("edge", edge_cli.parser()), ("central", central_cli.parser())])
def test_the_readme_names_every_command(name: str, parser: object) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    actions = parser._subparsers._group_actions[0].choices  # type: ignore[attr-defined]
    missing = [command for command in actions if f"`{command}" not in readme]
    assert not missing, f"README does not name {missing} of {name}"


def test_the_readme_counts_the_services() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    built = len(catalogue.built())
    assert f"eighteen services of the cabinet {built} work" in readme
    assert f"The other {len(catalogue.SERVICES) - built} have their tile" in readme


def test_nothing_of_a_person_or_another_project_is_committed() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in tracked if name.endswith((".p12", ".key", ".keys", ".db"))]
    large = [name for name in tracked if (ROOT / name).stat().st_size > 600_000]
    assert not large


def test_no_template_asks_another_host() -> None:
    foreign = [
        str(path) for path in templates_folder().rglob("*.html") if re.search(r"(src|href|action)=\"(https?:)?//", path.read_text("utf-8"))
    ]
    assert not foreign
