"""The update of a node from a stick, with its way back (PROTOCOL 15).

    HOME/current → HOME/releases/0.2.0         what the unit starts; a release is a Python environment of its own
    HOME/staging                               wheels as copied from the stick and verified

The running version does all of this; of the new one nothing runs before its list is verified, and then first on a copy of the data
(`edge.trial`), as the user who owns them and never as root. The link is changed in one rename; a version that does not answer
in time gives way to the one before, whose environment was not touched. The data need no way back: an older
version keeps what it cannot read and folds its tables anew.
"""

import contextlib
import hashlib
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from common.clock import Clock
from common.errors import N_, Conflict, Refused
from common.files import sync_folder
from common.version import VERSION
from edge.config import EdgeConfig
from sync import release, stick, stick_in
from sync.identity import load_pin
from sync.release import Manifest

HOME = Path("/opt/sot")
RESTART = "systemctl restart sot-edge.service"
RESTART_SECONDS = 120
WAIT_SECONDS = 300
"""Until the new version answers: its first start may fold all tables anew."""
LOOK_SECONDS = 0.25
ALIVE = "/static/theme.css"
PUBLIC_MASK = 0o022

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Update:
    """What somebody asked for: where releases lie, how the service is started again, how long to wait for it."""

    home: Path
    restart: str
    wait_seconds: int
    older: bool = False

    @property
    def current(self) -> Path:
        return self.home / "current"

    def place(self, version: str) -> Path:
        return self.home / "releases" / version


def run(asked: Update, medium: Path, config: EdgeConfig, clock: Clock, *, say: Say, progress: stick.Progress) -> str:
    """Change this machine to the release on ``medium``; return its version.

    Raises Refused("release.…"/"stick.…") with nothing changed, or Conflict("release.withdrawn") when what ran before runs again.
    """
    if not asked.current.is_symlink():
        raise Refused("release.home", N_("%(home)s has no link named current. See deploy/README.md."), home=str(asked.home))
    before = asked.current.resolve(strict=True)
    data = Path(config.data)
    with _taken(asked.home / "staging", medium, data, clock, asked.older, progress) as (manifest, wheels):
        if asked.place(manifest.version).resolve() == before:
            raise Refused("release.home", N_("%(home)s has no link named current. See deploy/README.md."), home=str(asked.home))
        say(f"Installing {manifest.version} …")
        with _readable():
            python = _install(asked.place(manifest.version), wheels)
    say(f"Trying {manifest.version} on a copy of the data …")
    _try(python, data)
    say(f"Starting {manifest.version} …")
    _switch(asked.current, asked.place(manifest.version))
    if not _comes_up(asked, config, asked.wait_seconds):
        say("It does not answer: going back …")
        _switch(asked.current, before)
        back = _comes_up(asked, config, WAIT_SECONDS)
        raise _withdrawn(manifest.version, asked.wait_seconds, back=back)
    _tidy(asked, keep={asked.place(manifest.version), before})
    return manifest.version


@contextmanager
def _taken(
    staging: Path, medium: Path, data: Path, clock: Clock, older: bool, progress: stick.Progress
) -> Iterator[tuple[Manifest, list[Path]]]:
    """Give the verified list and its wheels, copied before they are judged: what happens to the stick afterwards changes nothing."""
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        with stick.stick_errors():
            folder = stick.open_folder(medium, release.FOLDER)
        try:
            with stick.stick_errors():
                said = stick_in.read_plain(folder, release.LIST, release.LIST_BYTES_MAX)
            manifest = release.read(said, load_pin(data), clock.now())
            release.check_fits(manifest, running=VERSION, python=release.python_here(), platform=release.platform_here(), older=older)
            wheels = list(_copied(folder, manifest, staging, progress))
        finally:
            os.close(folder)
        yield manifest, wheels
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copied(folder: int, manifest: Manifest, staging: Path, progress: stick.Progress) -> Iterator[Path]:
    if manifest.bytes + stick.RESERVE_BYTES > shutil.disk_usage(staging).free:
        raise stick.machine_full()
    done = 0
    for file in manifest.files:
        with stick.stick_errors():
            data = stick_in.read_plain(folder, file.name, file.size)
        if len(data) != file.size or hashlib.sha256(data).digest() != file.sha256:
            raise Refused("release.file", N_("A file of this release is not what its list says. Nothing of it was used."))
        with stick.stick_errors(machine=True):
            (staging / file.name).write_bytes(data)
        done += file.size
        progress("stick_read", done, manifest.bytes)
        yield staging / file.name


@contextmanager
def _readable() -> Iterator[None]:
    """Let what is installed be read by the service, and be written by nobody but who updates."""
    before = os.umask(PUBLIC_MASK)
    try:
        yield
    finally:
        os.umask(before)


def _install(place: Path, wheels: list[Path]) -> Path:
    """Make the environment of a release; return its Python. Wheels are unpacked and nothing of them is run.

    The pip that does it is the running version's own; dependencies are the wheels of the list and no others.
    """
    shutil.rmtree(place, ignore_errors=True)  # an earlier try that did not end
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    pip = [sys.executable, "-I", "-m", "pip", "--isolated", "--disable-pip-version-check", "--python", str(python)]
    named = [str(wheel) for wheel in wheels]
    try:
        _must([*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-cache-dir", "--only-binary", ":all:", *named])
        _must([*pip, "check"])
    except Refused:
        shutil.rmtree(place, ignore_errors=True)
        raise
    sync_folder(place.parent)
    return python


def _must(command: list[str], **how: Any) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **how)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "-").splitlines()[-1]
        raise Refused("release.unfit", N_("The release cannot be used on this machine: %(why)s. What runs was not touched."), why=last)


def _try(python: Path, data: Path) -> None:
    data = data.resolve()
    owner = data.stat()
    other: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    _must([str(python), "-I", "-m", "edge", "--data", str(data), "trial"], **(other if os.geteuid() == 0 else {}))


def _switch(current: Path, release_place: Path) -> None:
    """Let ``current`` lead to another release, in one rename."""
    fresh = current.with_name(f".current.{secrets.token_hex(4)}")
    fresh.symlink_to(release_place)
    os.replace(fresh, current)
    sync_folder(current.parent)


def _comes_up(asked: Update, config: EdgeConfig, seconds: int) -> bool:
    """Start the service again and return whether it answers in time."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(shlex.split(asked.restart), stdin=subprocess.DEVNULL, timeout=RESTART_SECONDS, check=True)
        return _answers(f"http://{config.listen}{ALIVE}", seconds)
    return False


def _answers(url: str, seconds: int) -> bool:
    session = requests.Session()
    session.trust_env = False
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            if session.get(url, timeout=LOOK_SECONDS * 8).status_code == 200:
                return True
        time.sleep(LOOK_SECONDS)
    return False


def _tidy(asked: Update, *, keep: set[Path]) -> None:
    """Remove the releases before the last two: one to run, one to go back to."""
    kept = {place.resolve() for place in keep}
    for place in asked.place("x").parent.iterdir():
        if place.resolve() not in kept:
            shutil.rmtree(place, ignore_errors=True)


def _withdrawn(version: str, seconds: int, *, back: bool) -> Conflict:
    sentence = N_("Version %(version)s did not answer within %(seconds)d seconds. The version before is back and answers.")
    if not back:
        sentence = N_("Version %(version)s did not answer within %(seconds)d seconds, and neither does the one before. Look into the log.")
    return Conflict("release.withdrawn", sentence, version=version, seconds=seconds)
