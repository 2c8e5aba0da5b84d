"""A node is changed to a release from a stick and back, with real processes, environments and wheels (PROTOCOL 15.6)."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.version import VERSION
from edge import update
from tests.processes import service, wheels
from tests.processes.machines import Country, Machine, wait_until_served
from tests.processes.wheels import Change

pytestmark = pytest.mark.slow
SERVICE = Path(service.__file__)
STOP_SECONDS = 30


@dataclass
class Site:
    """A court's node that a service keeps running, and whoever makes releases for it."""

    folder: Path
    centre: Machine
    node: Machine
    wheel: Path

    @property
    def home(self) -> Path:
        return self.folder / "opt"

    def pack(self, number: str, changes: Mapping[str, Change] | None = None) -> Path:
        """Put a release onto a stick, with the commands of whoever makes it."""
        house, medium = self.folder / f"house-{number}", self.folder / f"usb-{number}"
        house.mkdir()
        medium.mkdir()
        wheels.version(self.wheel, number, changes or {}, house)
        wheels.dependencies(house)
        keys = ("--key", self.folder / "release.key", "--certificate", self.folder / "release.cert")
        assert "Safe to remove" in self.centre.command("release", "pack", house, medium, *keys)
        return medium

    def update(self, medium: Path, *more: object, status: int = 0) -> str:
        """Run the update with the version that runs, as an operator does."""
        restart = f"{sys.executable} {SERVICE} restart {self.folder}"
        command = [self.home / "current/bin/python", "-I", "-m", "edge", "--data", self.node.data, "update", medium]
        options = ["--home", self.home, "--restart", restart, *(more or ("--wait", 60))]
        done = subprocess.run(
            [*map(str, command), *map(str, options)], env=self.node.environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def serves(self) -> str:
        """Return the version that answers, as its log says."""
        wait_until_served(f"{self.node.url}{update.ALIVE}", lambda: True, self.node.log)
        return re.findall(r"begins: (\S+),", self.node.log.read_text())[-1]

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.home / "releases").iterdir())


@pytest.fixture
def site(tmp_path: Path, new_country: Callable[..., Country]) -> Iterator[Site]:
    """The first installation, as deploy/README.md has it."""
    country = new_country()
    centre = country.centre()
    node = country.node(1001, "kz-7", start=False)
    made = Site(tmp_path, centre, node, wheels.build(tmp_path / "built"))
    with update._readable():
        update._install(made.home / "releases" / VERSION, [made.wheel, wheels.dependencies(tmp_path)])
    (made.home / "current").symlink_to(f"releases/{VERSION}")
    centre.command("release", "key", tmp_path / "release.key")
    centre.command("release", "certify", tmp_path / "release.key.pub", tmp_path / "release.cert")
    command = [str(made.home / "current/bin/python"), "-I", "-m", "edge", "--data", str(node.data), "run"]
    with node.log.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, str(SERVICE), "run", str(tmp_path), *command], env=node.environment(), stdout=log, stderr=log
        )
    yield made
    keeper.terminate()
    keeper.wait(STOP_SECONDS)


def does_not_start(data: bytes) -> bytes:
    return data + b"\nraise SystemExit('this version does not start')\n"


def test_a_node_changes_to_a_release_and_back_by_itself(site: Site) -> None:
    """Row 61: forward over a stick; a version that folds well and does not start gives way to the one before; what is older or not
    as its list says is never started."""
    assert site.serves() == VERSION
    assert "This machine runs 0.9.1" in site.update(site.pack("0.9.1"))
    assert site.serves() == "0.9.1"
    assert site.releases() == [VERSION, "0.9.1"]

    said = site.update(site.pack("0.9.2", {"edge/app.py": does_not_start}), "--wait", 3, status=1)
    assert "release.withdrawn" in said
    assert "is back and answers" in said
    assert site.serves() == "0.9.1"

    before = site.node.log.read_text().count("begins:")
    assert "release.older" in site.update(site.pack("0.0.9"), status=1)
    spoiled = site.pack("0.9.3")
    [wheel] = (spoiled / "SOT-RELEASE").glob("sot_kabineti-*.whl")
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"!")
    assert "release.file" in site.update(spoiled, status=1)
    assert site.node.log.read_text().count("begins:") == before  # not even started again
    assert site.releases() == [VERSION, "0.9.1", "0.9.2"]
    assert "Everything is what the entries say." in site.node.command("fsck")
    assert not (site.node.data / "trial").exists()
    assert not (site.home / "staging").exists()
