"""Files on disk are written by one helper, and found by one resolver.

``write_durable`` makes a file appear whole or not at all, even through a power cut: temporary file, fsync, rename,
fsync of the folder (the recipe of POSIX rename).
"""

import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import common

FOLDER_MODE = 0o700
FILE_MODE = 0o600

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
"""Opens a file for reading, wherever it lies."""


def write_durable(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that after a crash there is the old file or the new one, never a mixture.

    Raises OSError (disk full, no permission) with nothing of the target changed.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)  # if we crash before this the rename may be lost, which is the old file: still whole


def sync_folder(folder: Path) -> None:
    """Make the names inside ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> Path:
    """Create ``path`` with its parents, readable by this user only, durably, and return it."""
    if not path.is_dir():
        above = make_folder(path.parent)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sync_folder(above)  # a file synced into a folder whose own name is lost would be lost with it
    return path


def templates_folder() -> Path:
    """Return the folder of the presentation layer: beside the packages in a checkout and in a wheel alike."""
    return Path(common.__file__).resolve().parent.parent / "templates"
