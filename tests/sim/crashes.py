"""A machine that falls over at its n-th durable write: a commit, a file that takes its name, a high-water mark.

    with crashing(node, at=7) as points:                   before the 7th write nothing of it is on the disk
        court.file(node, …)
    assert points.count                                    with at=None only counted

After the fall every further write fails too, as on a machine that is off.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Crash(BaseException):
    """The machine is off: nothing may catch this but the test."""


@dataclass
class Points:
    """How many durable writes there were, and which one is the last."""

    at: int | None
    torn: bool
    count: int = 0
    marks: list[int] = field(default_factory=list)
    """Which of the writes were high-water marks."""

    @property
    def fallen(self) -> bool:
        return self.at is not None and self.count >= self.at

    def pass_one(self) -> None:
        """Count one write; raises Crash when the machine is off by then."""
        self.count += 1
        if self.fallen:
            raise Crash(f"at write {self.count}")

    def commit(self) -> bool:
        """The commit hook of SQLite: True would roll back quietly."""
        self.pass_one()
        return False


@contextmanager
def crashing(owner: Any, *, at: int | None = None, torn: bool = False) -> Iterator[Points]:
    """Let ``owner`` (a node or the centre) fall before its ``at``-th durable write; ``torn``: half a mark is written first."""
    points, database, replace, pwrite = Points(at, torn), owner.database, os.replace, os.pwrite
    home = Path(owner.data).resolve()

    def counted_replace(source: Any, target: Any, **more: Any) -> None:
        if Path(target).resolve().is_relative_to(home):
            points.pass_one()
        replace(source, target, **more)

    def counted_pwrite(file: int, data: bytes, offset: int) -> int:
        mark = getattr(owner, "highwater", None)
        if mark is not None and file == mark._file:
            points.marks.append(points.count + 1)
            if torn and points.at == points.count + 1:
                pwrite(file, data[: len(data) // 2], offset)
            points.pass_one()
        return pwrite(file, data, offset)

    unhook = _hook(database, points)
    os.replace, os.pwrite = counted_replace, counted_pwrite  # type: ignore[assignment]
    try:
        yield points
    finally:
        os.replace, os.pwrite = replace, pwrite
        if not points.fallen or database.shared:
            unhook()


def _hook(database: Any, points: Points) -> Callable[[], object]:
    """Count commits; return what ends that."""
    if not database.shared:
        connection = database.connection()
        connection.set_commit_hook(points.commit)
        return lambda: connection.set_commit_hook(None)
    commit = database.commit

    def counted() -> None:
        try:
            points.pass_one()
        except Crash:
            database.connection().close()  # a process that is off says no goodbye to its server
            raise
        commit()

    database.commit = counted
    return lambda: delattr(database, "commit")
