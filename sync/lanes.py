"""Several requests on the way at once: while one waits for its answer the next one is on the line (a thin line is never idle).

With one lane everything happens in the caller's thread and in order: what the simulator needs.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

AHEAD = 2
"""Steps that lie ready beside those under way: making the next one, the first of another file, takes longer than a lane may wait."""


class Lanes:
    """``count`` requests at a time."""

    def __init__(self, count: int = 1) -> None:
        self._count = count

    @property
    def count(self) -> int:
        """How many requests at a time."""
        return self._count

    @property
    def beside_each_other(self) -> bool:
        """Whether anything is done while a request is on the line."""
        return self._count > 1

    def run(self, steps: Iterator[Callable[[], None]]) -> None:
        """Do all ``steps``, which are taken from the iterator in the caller's thread; raises the first error, after what was
        under way has ended, and takes no step after it."""
        if self._count == 1:
            for step in steps:
                step()
            return
        pool = ThreadPoolExecutor(self._count, thread_name_prefix="lane")
        try:
            under_way: set[Future[None]] = set()
            for step in steps:
                under_way.add(pool.submit(step))
                if len(under_way) == self._count + AHEAD:
                    under_way = _settled(under_way)
            while under_way:
                under_way = _settled(under_way)
        finally:
            pool.shutdown(cancel_futures=True)

    def beside(self, request: Callable[[], bytes], work: Callable[[], object]) -> bytes:
        """Return what ``request`` returns; ``work`` is done, in the caller's thread, while it is on the line."""
        with ThreadPoolExecutor(1, thread_name_prefix="lane") as pool:
            answer = pool.submit(request)
            work()
            return answer.result()


def _settled(under_way: set[Future[None]]) -> set[Future[None]]:
    done, left = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return left
