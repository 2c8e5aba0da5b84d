"""One stick at a time, moved in a thread of its own, and what people may see of it meanwhile and afterwards."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from common.errors import N_, Conflict, CourtError

T = TypeVar("T")
Kind = Literal["export", "import"]
STEPS: Final = {
    "": N_("Preparing"),
    "stick_write": N_("Writing to the stick"),
    "stick_check": N_("Reading back what was written"),
    "stick_read": N_("Copying from the stick"),
    "stick_take": N_("Taking in"),
}
"""What is told of the progress, for a person."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Work(Generic[T]):
    """A stick that is being moved, or was the last one. ``result`` and ``error`` are None until it has ended."""

    kind: Kind
    medium: str
    running: bool = True
    step: str = ""
    done: int = 0
    total: int = 0
    result: T | None = None
    error: CourtError | None = None


class StickDesk(Generic[T]):
    """Where a person at a page starts what may take minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.work: Work[T] | None = None

    def note(self, step: str, done: int, total: int) -> None:
        """Take word of the progress."""
        if self.work is not None and self.work.running:
            self.work.step, self.work.done, self.work.total = step, done, total

    def start(self, kind: Kind, medium: str, move: Callable[[], T], after: Callable[[], object]) -> threading.Thread:
        """Run ``move`` in a thread, ``after`` at its end whatever happened; raises Conflict("stick.busy")."""
        with self._lock:
            if self.work is not None and self.work.running:
                raise Conflict("stick.busy", N_("A stick is being written or read. Wait until it is finished."))
            work: Work[T] = Work(kind, medium)
            self.work = work
        thread = threading.Thread(target=self._run, args=(work, move, after), name="stick", daemon=True)
        thread.start()
        return thread

    def _run(self, work: Work[T], move: Callable[[], T], after: Callable[[], object]) -> None:
        try:
            work.result = move()
        except CourtError as error:
            logger.info("stick: %s", error.code)
            work.error = error
        except Exception as error:  # noqa: BLE001 - whoever waits at the page must hear of it, and the next stick must go
            logger.error("stick: %s", type(error).__qualname__)
            work.error = CourtError("internal", N_("Something went wrong on this machine. Call the administrator."))
        finally:
            work.running = False
            after()
