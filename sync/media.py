"""The sticks that are inserted, as the operating system has mounted them.

A setting names where: patterns separated by ":", of which those with a wildcard find mounted media only, and the others
are folders as they stand (for a machine whose media are always mounted at one place, and for tests).
"""

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from common.errors import N_, CourtError, NotFound
from sync.stick_in import folders

MEDIA = "/media/*:/media/*/*:/run/media/*/*"
"""Where Debian and its desktops mount what is inserted."""
Media = Annotated[str, msgspec.Meta(pattern=r"^(/[^:]*)?(:/[^:]*)*$")]
MEDIA_MAX = 16


@dataclass(frozen=True, slots=True)
class Medium:
    """An inserted stick: its label, free and whole size in bytes, and the folders of ours on it."""

    path: Path
    name: str
    free: int
    size: int
    holds: tuple[str, ...]


def inserted(patterns: str) -> list[Medium]:
    """Return the media that are there now, at most MEDIA_MAX; what cannot be read is not there."""
    found: list[Medium] = []
    for pattern in filter(None, patterns.split(":")):
        wild = glob.has_magic(pattern)
        for path in sorted(glob.glob(pattern)):
            if (os.path.ismount(path) if wild else os.path.isdir(path)) and len(found) < MEDIA_MAX:
                found += _medium(Path(path))
    return found


def find(patterns: str, path: str) -> Medium:
    """Return the inserted medium at ``path``; raises NotFound("stick.away") for any other path and for what was pulled out."""
    for medium in inserted(patterns):
        if str(medium.path) == path:
            return medium
    raise NotFound("stick.away", N_("This stick is not inserted any more. Insert it and look again."))


def _medium(path: Path) -> list[Medium]:
    try:
        about = os.statvfs(path)
    except OSError:
        return []
    try:
        holds = tuple(folders(path))
    except CourtError:  # nothing of ours, or nothing that can be read: writing will tell
        holds = ()
    name = "".join(char for char in path.name if char.isprintable()) or "—"
    return [Medium(path, name, about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize, holds)]
