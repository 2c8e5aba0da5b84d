"""Wheels of other versions of this program, made from one that was really built; and what stands in for its dependencies.

Installing the sixty real wheels takes a minute; one wheel here brings a .pth file that leads to those of this environment.
"""

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from common.version import VERSION
from tests.processes.machines import ROOT

Change = Callable[[bytes], bytes]


def build(folder: Path) -> Path:
    """Build our wheel, of a copy: setuptools leaves its work beside what it builds, and takes it in again."""
    source = folder / "source"
    for package in ("central", "common", "edge", "sync", "templates"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    [made] = folder.glob("sot_kabineti-*.whl")
    return made


def version(wheel: Path, number: str, changes: Mapping[str, Change], folder: Path) -> Path:
    """Write the wheel of another version into ``folder``; ``changes`` alters files by name."""
    before, after = f"sot_kabineti-{VERSION}", f"sot_kabineti-{number}"
    with zipfile.ZipFile(wheel) as source:
        files = {name.replace(before, after, 1): source.read(name) for name in source.namelist() if not name.endswith("RECORD")}
    changes = {
        f"{after}.dist-info/METADATA": lambda data: data.replace(f"Version: {VERSION}".encode(), f"Version: {number}".encode()),
        "common/version.py": lambda data: data.replace(VERSION.encode(), number.encode()),
        **changes,
    }
    for name, change in changes.items():
        assert change(files[name]) != files[name], name
        files[name] = change(files[name])
    return _write(folder / wheel.name.replace(before, after), f"{after}.dist-info", files)


def dependencies(folder: Path, packages: str = sysconfig.get_path("purelib")) -> Path:
    """Write a wheel that makes the ``packages`` of this environment those of another, which sees them at that place."""
    info = "elsewhere-1.0.0.dist-info"
    files = {
        "elsewhere.pth": f"{packages}\n".encode(),
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    return _write(folder / "elsewhere-1.0.0-py3-none-any.whl", info, files)


def _write(path: Path, info: str, files: Mapping[str, bytes]) -> Path:
    record = "".join(f"{name},sha256={hashlib.sha256(data).hexdigest()},{len(data)}\n" for name, data in files.items())
    with zipfile.ZipFile(path, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
        made.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path
