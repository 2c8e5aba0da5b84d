"""A built wheel carries everything that is not code too, and runs without the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("central", "common", "edge", "sync", "templates")
SOURCES_ONLY = {".po"}
"""What translators edit; the wheel carries the compiled catalogue."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from: setuptools leaves its work beside it."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Python that has the wheel and its dependencies, but not the checkout."""
    folder = tmp_path_factory.mktemp("machine") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    [packages] = (folder / "lib").glob("python*/site-packages")
    # a folder named in a .pth file gives its packages but not its own .pth files: no editable install comes with it
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield python
    shutil.rmtree(folder)


def run(python: Path, *arguments: str, cwd: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "200"}
    done = subprocess.run([str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_five_packages_and_no_other(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_holds_every_file_of_the_packages(source: Path, wheel: Path) -> None:
    files = {
        str(path.relative_to(source))
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in SOURCES_ONLY
    }
    assert files - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_templates_hold_no_code(wheel: Path) -> None:
    assert [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("templates/") and name.endswith(".py")] == []


def test_the_wheel_makes_a_register_far_from_the_checkout(python: Path, tmp_path: Path) -> None:
    place = run(python, "-c", "import common; print(common.__file__)", cwd=tmp_path)
    assert str(python.parent.parent) in place
    said = run(python, "-m", "central", "--data", "register", "init", cwd=tmp_path)
    assert "datasets published" in said
    assert (tmp_path / "register" / "centre.db").exists()
    assert "enrol" in run(python, "-m", "edge", "--help", cwd=tmp_path)


def test_the_wheel_installs_both_commands(python: Path, tmp_path: Path) -> None:
    for name in ("sot-edge", "sot-central"):
        done = subprocess.run([str(python.parent / name), "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.strip()


def test_the_wheel_carries_papers_catalogues_and_static_files(python: Path, tmp_path: Path) -> None:
    program = """
from common.papers.typeset import typeset
from common.web.assets import STATIC_FOLDER
from common.web.languages import TRANSLATIONS_FOLDER
from common.files import templates_folder
from common.court.datasets import initial_publication
print(len(list(initial_publication())), (STATIC_FOLDER / "theme.css").stat().st_size > 0,
      sorted(path.name for path in (templates_folder() / "papers").glob("*.typ")),
      all((TRANSLATIONS_FOLDER / language / "LC_MESSAGES" / "messages.mo").exists() for language in ("kk", "ru")))
"""
    said = run(python, "-c", program, cwd=tmp_path)
    assert "talon.typ" in said
    assert said.count("True") == 2
