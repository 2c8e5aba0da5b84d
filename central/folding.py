"""The thread that folds: the centre logs first and answers, then this interprets, delivers and looks things up.

It is woken by every bundle and gives way to those that follow it, for their senders wait for receipts and nobody waits
for tables; looking up keys gives way to every request, for nobody waits for that at all. It looks around every minute without
being woken, and never ends on an error: what was logged stays logged, what could not be done is tried again, and
``centre.trouble`` says why pages are behind.

Of several processes on one server (`common.postgres`) one folds, by a lock that its session holds; when it dies the next
one that may takes over within a second or so. What others log is found by looking, every POLL_SECONDS. A process with the setting
``front_end`` never folds. Nothing hangs on there being one only: each fold is a transaction of the one writer.

    folder = folding.start(centre)
    …
    folder.stop()
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final

from central.centre import Centre
from central.services import nodes, verification
from common.errors import CourtError

TICK_SECONDS: Final = 60
RETRY_SECONDS: Final = 10
POLL_SECONDS: Final = 1
QUIET_SECONDS: Final = 0.1
"""After so long without a bundle, or any request, the line counts as quiet."""
NEXT_BUNDLE_SECONDS: Final = 1.0
"""The same after a bundle that is hardly the last: its machine is making the next one, or has it on the line."""
PATIENCE_SECONDS: Final = 5
"""Who folds waits for a quiet line at most so long; from then on half of the time is for folding, whatever comes in."""
LOOK_SECONDS: Final = 0.02
STOP_SECONDS: Final = 30
"""What is under way is finished or left to the next start: a killed fold loses nothing."""

logger = logging.getLogger(__name__)


class Folding:
    """One per centre. `round` is what the thread does over and over; tests call it themselves."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._verifier = verification.Verifier(centre)
        self._news = threading.Event()
        self._stop = threading.Event()
        self._impatient_from = self._resumed = 0.0
        self.leads = False
        """Whether this process is the one that folds and asks the services."""
        self._thread = threading.Thread(target=self._run, name="folding", daemon=True)

    def start(self) -> None:
        """Take over the folding from the threads that answer the machines."""
        self._centre.after_news = self.wake
        if not self._centre.config.front_end:
            self._thread.start()

    def wake(self) -> None:
        """Say that something was logged."""
        self._news.set()

    def stop(self) -> None:
        """Finish what is under way and end the thread."""
        self._stop.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def round(self) -> None:
        """Fold and deliver what is logged, note who was heard, check what can be checked now; nothing where another process does it."""
        trouble = self._guarded(self._ask_to_lead)
        if trouble or not self.leads:
            self._centre.trouble = trouble
            return
        self._resumed = time.monotonic()
        self._impatient_from = self._resumed + PATIENCE_SECONDS
        trouble = self._guarded(lambda: self._centre.register.fold_pending(self._between_folds))
        trouble = self._guarded(lambda: nodes.note_contacts(self._centre)) or trouble
        trouble = self._guarded(self._centre.revocations) or trouble
        trouble = self._guarded(self._verify) or trouble
        self._centre.trouble = trouble

    def _between_folds(self) -> None:
        took = time.monotonic() - self._resumed
        self._stop.wait(took / 4)  # whoever waits to write looks only now and then whether the database is free
        self._give_way(took, self._no_bundle)

    def _between_keys(self) -> None:
        self._give_way(time.monotonic() - self._resumed, self._no_request)

    def _give_way(self, took: float, quiet: Callable[[], bool]) -> None:
        until = max(self._impatient_from, time.monotonic() + took)
        while not self._stop.is_set() and time.monotonic() < until and not quiet():
            self._stop.wait(LOOK_SECONDS)
        self._resumed = time.monotonic()

    def _no_bundle(self) -> bool:
        quotas = self._centre.server.quotas
        return quotas.quiet_seconds() >= (NEXT_BUNDLE_SECONDS if quotas.more_follows else QUIET_SECONDS)

    def _no_request(self) -> bool:
        return self._centre.server.quotas.idle_seconds() >= QUIET_SECONDS

    def _verify(self) -> None:
        if self._verifier.run(self._between_keys):
            self.wake()  # there is more, but what has come meanwhile is folded first

    def _run(self) -> None:
        while not self._stop.is_set():
            self.round()
            self._rest(time.monotonic() + (RETRY_SECONDS if self._centre.trouble else TICK_SECONDS))
            self._news.clear()
        self._centre.database.close()  # this thread's connection

    def _rest(self, until: float) -> None:
        """Wait until ``until`` or for news, also for what only another process of the same server knows of."""
        wait = POLL_SECONDS if self._centre.database.shared else TICK_SECONDS
        while (left := until - time.monotonic()) > 0 and not self._news.wait(min(wait, left)):
            if self._centre.database.shared and self._guarded(self._look):
                return

    def _look(self) -> None:
        led = self.leads
        self._ask_to_lead()
        if self.leads and (not led or self._centre.register.pending()):
            self.wake()

    def _ask_to_lead(self) -> None:
        self.leads = False  # until the server says so
        self.leads = self._centre.database.lead()

    def _guarded(self, step: Callable[[], object]) -> str:
        """Run one step; return "" or the code of what went wrong."""
        try:
            step()
        except CourtError as error:
            logger.error("folding: %s", error.code)
            return error.code
        except Exception as error:  # noqa: BLE001 - a thread that dies folds nothing any more; the safe fall-back is to try again
            places = " < ".join(f"{at.filename}:{at.lineno}" for at in reversed(traceback.extract_tb(error.__traceback__)[-4:]))
            logger.error("folding: %s in %s", type(error).__qualname__, places)
            return "internal"
        return ""


def start(centre: Centre) -> Folding:
    """Return the running thread of ``centre``."""
    folding = Folding(centre)
    folding.start()
    return folding
