"""A disk that can lose its power, lie, fill up, fail and rot, below real SQLite and below our own files.

    disk = Disk(folder, random.Random(7), cut_at=23)
    with disk:                                   the 23rd write or sync of anything below `folder` is the last
        node = Node.open(…); court.file(…)       PowerCut goes through whatever was running
    disk.settle()                                what was not synced is kept, lost or torn, sector by sector

The shim is an apsw VFS for SQLite's files and replaces `os.pwrite`, `os.fsync`, `os.fdatasync`, `os.replace` and `os.mkdir` for ours.
Writes reach the real file at once, so that they can be read back; what stood there at the last sync is remembered, and each
sector of 512 bytes falls back to that, or to any state between, when the power goes. SQLite runs in exclusive locking mode
here, because a VFS in Python has no shared memory for the index of the write-ahead log: one connection a file.
"""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from common import sqlite

SECTOR_BYTES = 512
"""What a disk writes whole or not at all."""
VFS_NAME = "faulty"
LOG_PAGES = 40
"""Where commits move the write-ahead log into the file here: often enough that the power goes in the midst of that."""


class PowerCut(BaseException):
    """The machine is off: nothing may catch this but the test."""


@dataclass
class Unsynced:
    """What has happened to one file since its last sync: the states of each sector, oldest first, and its sizes."""

    sizes: list[int]
    sectors: dict[int, list[bytes]] = field(default_factory=dict)


@dataclass
class Renamed:
    """A name that was given to a file, in a folder that was not synced since; ``before`` is what stood there."""

    target: Path
    before: bytes | None
    whole: bool
    """Whether the file's content was synced before it got its name."""


class Disk:
    """The disk below ``home``. ``cut_at`` is the number of the write or sync at which the power goes; None only counts."""

    def __init__(self, home: Path, dice: random.Random, *, cut_at: int | None = None) -> None:
        self.home = home.resolve()
        self.dice = dice
        self.cut_at = cut_at
        self.count = 0
        self.lying: Callable[[Path], bool] = lambda path: False
        """For which files a sync is acknowledged and not done."""
        self.failing: Callable[[str, Path], Exception | None] = lambda operation, path: None
        """What a "write" or "sync" of a file fails with."""
        self._off = False
        self._buried = False
        self._unsynced: dict[Path, Unsynced] = {}
        self._renamed: list[Renamed] = []
        self._made: list[Path] = []
        self._whole: set[int] = set()
        self._real: dict[str, Any] = {}

    # what the shim tells

    def before_write(self, path: Path, offset: int, length: int) -> None:
        """Remember what ``length`` bytes at ``offset`` were; raises PowerCut when the machine is off."""
        self._check("write", path)
        entry = self._unsynced.get(path) or self._begin(path)
        for sector in range(offset // SECTOR_BYTES, -(-(offset + length) // SECTOR_BYTES)):
            entry.sectors.setdefault(sector, [self._sector(path, sector)])

    def after_write(self, path: Path, offset: int, length: int) -> None:
        """Remember what they became, and cut the power if this was the moment."""
        entry = self._unsynced[path]
        entry.sizes.append(path.stat().st_size)
        for sector in range(offset // SECTOR_BYTES, -(-(offset + length) // SECTOR_BYTES)):
            entry.sectors[sector].append(self._sector(path, sector))
        self._step()

    def sync(self, path: Path) -> None:
        """Make the file, or the names of the folder, durable, unless the power goes first or the disk lies."""
        self._check("sync", path)
        self._step()
        if self.lying(path):
            return
        if path.is_dir():
            self._renamed = [one for one in self._renamed if one.target.parent != path]
            self._made = [folder for folder in self._made if folder.parent != path]
            return
        self._unsynced.pop(path, None)
        self._whole.add(path.stat().st_ino)

    def rename(self, source: Path, target: Path) -> None:
        """Remember what ``target`` was before ``source`` takes its name."""
        self._check("write", target)
        before = target.read_bytes() if target.exists() else None
        self._renamed.append(Renamed(target, before, source.stat().st_ino in self._whole))
        self._unsynced.pop(target, None)
        self._real["replace"](source, target)
        self._step()

    def make_folder(self, path: Path) -> None:
        """Remember a folder whose own name is lost, with all in it, unless the folder above is synced."""
        self._check("write", path)
        self._made.append(path)
        self._step()

    @property
    def off(self) -> bool:
        return self._off

    @property
    def buried(self) -> bool:
        """Whether whoever still writes is a dead process closing its files: nothing arrives, nothing is said."""
        return self._buried

    def mine(self, path: str | Path) -> bool:
        return Path(path).resolve().is_relative_to(self.home)

    def _check(self, operation: str, path: Path) -> None:
        if self._off:
            raise PowerCut("the machine is off")
        if error := self.failing(operation, path):
            raise error

    def _step(self) -> None:
        self.count += 1
        if self.count == self.cut_at:
            self._off = True
            raise PowerCut(f"at {self.count}")

    def _begin(self, path: Path) -> Unsynced:
        self._unsynced[path] = Unsynced([path.stat().st_size if path.exists() else 0])
        return self._unsynced[path]

    def _sector(self, path: Path, number: int) -> bytes:
        if not path.exists():
            return b""
        with path.open("rb") as file:
            file.seek(number * SECTOR_BYTES)
            return file.read(SECTOR_BYTES)

    # the power comes back

    def settle(self) -> None:
        """Leave on the real disk what a power cut leaves: every unsynced sector in some state it had, every unsynced name or not."""
        for path, entry in self._unsynced.items():
            if path.exists():
                self._settle_file(path, entry)
        for one in reversed(self._renamed):
            if self.dice.random() < 0.5:
                self._take_back(one)
        for folder in self._made:
            if self.dice.random() < 0.5:
                shutil.rmtree(folder, ignore_errors=True)
        self._unsynced.clear()
        self._renamed.clear()
        self._made.clear()

    def _settle_file(self, path: Path, entry: Unsynced) -> None:
        with path.open("r+b") as file:
            for sector, states in entry.sectors.items():
                state = self.dice.choice(states)
                file.seek(sector * SECTOR_BYTES)
                file.write(state.ljust(SECTOR_BYTES, b"\0"))
            file.truncate(self.dice.choice(entry.sizes))

    def _take_back(self, one: Renamed) -> None:
        if one.before is None:
            one.target.unlink(missing_ok=True)
        else:
            one.target.write_bytes(one.before)

    # in and out

    def __enter__(self) -> "Disk":
        self._before, self._log_pages = apsw.vfs_names()[0], sqlite.LOG_PAGES
        self._vfs = _Vfs(self, self._before)
        apsw.set_default_vfs(VFS_NAME)
        apsw.connection_hooks.append(_exclusive)
        sqlite.LOG_PAGES = LOG_PAGES
        self._real = {name: getattr(os, name) for name in ("replace", "pwrite", "fsync", "fdatasync", "mkdir")}
        os.replace, os.pwrite, os.mkdir = self._replace, self._pwrite, self._mkdir  # type: ignore[assignment]
        os.fsync, os.fdatasync = self._fsync("fsync"), self._fsync("fdatasync")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self._buried = self._off
        for name, function in self._real.items():
            setattr(os, name, function)
        apsw.connection_hooks.remove(_exclusive)
        sqlite.LOG_PAGES = self._log_pages
        apsw.set_default_vfs(self._before)
        return isinstance(error, PowerCut)

    def _replace(self, source: Any, target: Any, **more: Any) -> None:
        if self.mine(target):
            self.rename(Path(source).resolve(), Path(target).resolve())
        else:
            self._real["replace"](source, target, **more)

    def _mkdir(self, path: Any, *more: Any, **named: Any) -> None:
        self._real["mkdir"](path, *more, **named)
        if self.mine(path):
            self.make_folder(Path(path).resolve())

    def _pwrite(self, file: int, data: bytes, offset: int) -> int:
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        if not self.mine(path):
            return int(self._real["pwrite"](file, data, offset))
        self.before_write(path, offset, len(data))
        written = int(self._real["pwrite"](file, data, offset))
        self.after_write(path, offset, len(data))
        return written

    def _fsync(self, name: str) -> Callable[[int], None]:
        def synced(file: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{file}"))
            if self.mine(path):
                self.sync(path)
            else:
                self._real[name](file)

        return synced


def _exclusive(connection: apsw.Connection) -> None:
    connection.pragma("locking_mode", "exclusive")


class _Quiet:
    """What a callback raised has its way through SQLite; that it was also raised where nobody waits is no news."""

    def excepthook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        return None


class _Vfs(_Quiet, apsw.VFS):
    """SQLite's files on the faulty disk; files elsewhere are opened all the same, and only passed through."""

    def __init__(self, disk: Disk, real: str) -> None:
        super().__init__(VFS_NAME, base=real)
        self._disk = disk
        self._below = real

    def xOpen(self, name: Any, flags: list[int]) -> "apsw.VFSFile":
        return _File(self._disk, self._below, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        if self._disk.off:
            return  # a dead process tidies nothing up
        super().xDelete(filename, syncdir)


class _File(_Quiet, apsw.VFSFile):
    def __init__(self, disk: Disk, real: str, name: Any, flags: list[int]) -> None:
        super().__init__(real, name, flags)
        given = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk = disk
        self._path = Path(given).resolve() if given and disk.mine(given) else None

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.buried:
            return
        if self._path is not None:
            self._disk.before_write(self._path, offset, len(data))
        super().xWrite(data, offset)
        if self._path is not None:
            self._disk.after_write(self._path, offset, len(data))

    def xTruncate(self, size: int) -> None:
        if self._disk.buried:
            return
        if self._path is not None:
            length = max(0, self._path.stat().st_size - size)
            self._disk.before_write(self._path, size, length)
            super().xTruncate(size)
            self._disk.after_write(self._path, size, length)
        else:
            super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        if self._disk.buried:
            return
        if self._path is None:
            super().xSync(flags)
        else:
            self._disk.sync(self._path)
