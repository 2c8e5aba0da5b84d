"""Putting a backup back: database and files of one machine, in place of what is there, which is kept aside.

What happens then is the protocol's: a node finds that its mark knows more, or is told so by the centre, and opens a new epoch
(PROTOCOL 5.3 to 5.5); a centre whose backup is not its latest is refused by the machines that have seen more (10.5).
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import apsw
import peewee

from common.db import fetch, has_table, open_database
from common.errors import N_, Corrupt, Refused
from common.files import make_folder, sync_folder, write_durable
from sync import lineage
from sync.identity import Identity

ASIDE = "before-restore"
NEWEST_HEAD = {
    "checkpoint": "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1",  # the centre's own
    "sync": "SELECT note FROM sync",  # what a node has verified
}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back: files that were not here, and those of the backup that are damaged and were left out."""

    files: int
    damaged: int


def restore(data: Path, source: Path, name: str, who: Identity, progress: Progress) -> Restored:
    """Put the database ``name`` and the files in ``source`` back into ``data``; nothing runs there meanwhile.

    Raises Refused("restore.none", "restore.broken", "restore.other") with nothing changed. The database that was here lies in
    ``before-restore`` afterwards; a crash in between leaves the old one or the new one, and the command may be given again.
    """
    if not (source / name).is_file():
        raise Refused("restore.none", N_("There is no backup of this kind in the folder."))
    fresh = data / f".{name}.restored"
    try:
        with (source / name).open("rb") as old, fresh.open("wb") as new:
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
        _check(fresh, who)
        restored = _bring_files(source / "blobs", data / "blobs", progress)
        _exchange(fresh, data, name)
    finally:
        for left in data.glob(f"{fresh.name}*"):
            left.unlink(missing_ok=True)
    return restored


def _check(database: Path, who: Identity) -> None:
    """Refuse a database that is damaged, of another machine, or of another register."""
    opened = open_database(database)
    try:
        if fetch(opened, "PRAGMA integrity_check") != [("ok",)]:
            raise _broken()
        [(node,)] = fetch(opened, "SELECT node FROM journal")
        notes = [note for table, newest in NEWEST_HEAD.items() if has_table(opened, table) for (note,) in fetch(opened, newest)]
        if node != who.node:
            raise _other()
        logs = lineage.logs(opened, who.pin)
        for note in filter(None, notes):
            lineage.read_note(note, logs)
    except Refused as error:
        raise error if error.code.startswith("restore.") else _other() from error
    except (Corrupt, apsw.Error, peewee.DatabaseError, ValueError) as error:
        raise _broken() from error
    finally:
        opened.close()


def _bring_files(source: Path, target: Path, progress: Progress) -> Restored:
    """Copy the files that are not here; one that no longer hashes to its name is left out and comes by an exchange."""
    files = damaged = 0
    wanted = sorted(path for path in source.glob("[0-9a-f][0-9a-f]/*") if not (target / path.parent.name / path.name).exists())
    for place, path in enumerate(wanted):
        progress("files", place, len(wanted))
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != path.name:
            damaged += 1
            continue
        write_durable(make_folder(target / path.parent.name) / path.name, data)
        files += 1
    return Restored(files, damaged)


def _exchange(fresh: Path, data: Path, name: str) -> None:
    """Let the restored database take the place of the one that is there, in one rename."""
    aside = make_folder(data / ASIDE)
    for left in aside.glob(f"{name}*"):
        left.unlink(missing_ok=True)
    with suppress(apsw.Error):  # what stands in its log goes into the database first; one that is damaged is kept as it is
        old = apsw.Connection(str(data / name), flags=apsw.SQLITE_OPEN_READWRITE)
        old.pragma("wal_checkpoint", "TRUNCATE")
        old.close()
    for each in data.glob(f"{name}*"):
        os.link(each, aside / each.name)
    sync_folder(aside)
    for log in (f"{name}-wal", f"{name}-shm"):  # beside another database an old log would be played into it
        (data / log).unlink(missing_ok=True)
    sync_folder(data)
    os.replace(fresh, data / name)
    sync_folder(data)


def _broken() -> Refused:
    return Refused("restore.broken", N_("The backup is damaged and cannot be put back. Take another one."))


def _other() -> Refused:
    return Refused("restore.other", N_("This is the backup of another machine or of another register. Nothing was changed."))
