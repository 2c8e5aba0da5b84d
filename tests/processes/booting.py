"""A real systemd on this computer: it boots in namespaces of its own, over a view of this system to which only it writes.

with Host(folder, {"/mnt": wheels}) as host:      the second boot finds what the first one left
    host.boot()
    host.run("systemctl enable --now sot-edge")
    host.power_off(); host.boot()
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

BOOT_SECONDS = 60
COMMAND_SECONDS = 180
NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NEEDED = ("unshare", "nsenter", "systemctl", "/lib/systemd/systemd")
ENTER_CGROUP = """set -e
mkdir -p {folder}/cgroups && mount --make-rprivate / && mount -t cgroup2 cgroup2 {folder}/cgroups
mkdir -p {folder}/cgroups/sot-{number} && echo $$ > {folder}/cgroups/sot-{number}/cgroup.procs
exec unshare {namespaces} sh {folder}/boot.sh
"""
OVERLAY = "mount -t overlay overlay -o lowerdir=/,upperdir={folder}/written,workdir={folder}/work {folder}/root"
# what this computer starts at its own boot is not started by that one
BOOT = """set -e
R={folder}/root
mount --make-rprivate /
{overlay}
mount -t proc proc $R/proc && mount --bind $R/proc/sys $R/proc/sys && mount -o remount,bind,ro $R/proc/sys
mount -t sysfs -o ro sysfs $R/sys && mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
mount -t tmpfs tmpfs $R/run && mount -t tmpfs tmpfs $R/tmp && mount -t tmpfs tmpfs $R/dev
for each in null zero full random urandom tty; do : > $R/dev/$each; mount --bind /dev/$each $R/dev/$each; done
mkdir -p $R/dev/shm && mount -t tmpfs tmpfs $R/dev/shm
{views}
[ -e $R/etc/own ] || {{ rm -rf $R/etc/systemd/system/*.wants; : > $R/etc/machine-id; : > $R/etc/own; }}
mkdir -p $R/dev/pts $R/.before && mount -t devpts -o newinstance,ptmxmode=0666 devpts $R/dev/pts && ln -s pts/ptmx $R/dev/ptmx
cd $R && pivot_root . .before && umount -l .before
container=test exec /lib/systemd/systemd --system --unit=multi-user.target
"""
TIDY = """mkdir -p {folder}/cgroups && mount -t cgroup2 cgroup2 {folder}/cgroups
find {folder}/cgroups/sot-{number} -depth -type d -exec rmdir {{}} +"""


def missing(folder: Path) -> str:
    """Return why nothing can be booted here with its files below ``folder``, "" where it can."""
    if os.geteuid():
        return "only root boots a system"
    if lacking := [name for name in NEEDED if not shutil.which(name)]:
        return f"not installed: {', '.join(lacking)}"
    for name in ("root", "written", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    both = f"mount -t cgroup2 cgroup2 {folder}/root && {OVERLAY.format(folder=folder)}"
    tried = subprocess.run(["unshare", *NAMESPACES, "sh", "-c", both], capture_output=True, text=True)
    return f"this computer gives no namespaces: {tried.stderr.strip()}" if tried.returncode else ""


class Host:
    """A system below ``folder``; ``views``: folders of this computer by where they are seen there."""

    def __init__(self, folder: Path, views: Mapping[str, Path]) -> None:
        self._folder, self._views = folder, views
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("root", "written", "work"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.power_cut()
        tidy = TIDY.format(folder=self._folder, number=os.getpid())
        subprocess.run(["unshare", "--mount", "sh", "-c", tidy], capture_output=True, check=False)

    def boot(self) -> None:
        """Boot, and return once everything that starts by itself has been started."""
        views = "\n".join(f"mkdir -p $R{place} && mount --bind {path} $R{place}" for place, path in self._views.items())
        named = {"folder": self._folder, "namespaces": " ".join(NAMESPACES), "number": os.getpid()}
        named |= {"overlay": OVERLAY.format(folder=self._folder), "views": views}
        (self._folder / "boot.sh").write_text(BOOT.format(**named))
        enter = ["unshare", "--mount", "sh", "-c", ENTER_CGROUP.format(**named)]
        self._process = subprocess.Popen(enter, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + BOOT_SECONDS
        while (state := self._state()) not in ("running", "degraded"):
            assert time.monotonic() < until, f"it does not boot: {state}"
            time.sleep(0.1)

    def run(self, command: str, *, status: int | None = 0) -> str:
        """Run ``command`` in a shell of root there and return what it printed."""
        words = [*self._inside(), "sh", "-c", command]
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS, env={"PATH": PATH})
        said = done.stdout + done.stderr
        assert status is None or done.returncode == status, f"{command}: {done.returncode}\n{said}"
        return said

    def power_off(self) -> None:
        """Shut down as at the end of a day; returns when it is off."""
        assert self._process is not None
        self.run("systemctl poweroff", status=None)
        self._process.wait(BOOT_SECONDS)
        self._process = None

    def power_cut(self) -> None:
        """End everything at once."""
        if self._process is not None:
            with contextlib.suppress(ValueError, OSError):  # it ended by itself
                os.kill(self._first(), signal.SIGKILL)  # and with the first process of its namespace end all others
            self._process.wait(BOOT_SECONDS)
            self._process = None

    def _inside(self) -> list[str]:
        return ["nsenter", "--target", str(self._first()), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wd"]

    def _first(self) -> int:
        """Return the number that process 1 of the system has out here."""
        assert self._process is not None
        [child] = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(child)

    def _state(self) -> str:
        with contextlib.suppress(ValueError, OSError):
            return subprocess.run([*self._inside(), "systemctl", "is-system-running"], capture_output=True, text=True).stdout.strip()
        return "off"
