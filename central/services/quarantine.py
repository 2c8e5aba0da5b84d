"""What was logged and could not be folded: visible, counted, tried again (lesson 10: it is never forgotten)."""

from dataclasses import dataclass
from typing import Final

from central.centre import Centre
from common.db import fetch, transaction
from sync import delivery
from sync.entry import decode_envelope

SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """One entry that its subject refused. ``type`` comes from the envelope, ``code`` from the refusal."""

    leaf: bytes
    code: str
    since_ms: int
    node: int
    epoch: int
    seq: int
    index: int | None
    type: str


def waiting(centre: Centre, *, code: str = "", node: int | None = None, offset: int = 0) -> list[Waiting]:
    """Return what waits, the oldest first; of one refusal or one machine where asked."""
    # the few that wait are gone through and each entry looked up, never the other way: hence COALESCE
    statement = """SELECT q.leaf, q.code, q.since_ms, e.node, e.epoch, e.seq, e.log_index, e.envelope
                   FROM quarantine q JOIN entry e ON e.leaf = COALESCE(q.leaf, q.leaf)
                   WHERE (?1 = '' OR q.code = ?1) AND e.node = COALESCE(?2, e.node) ORDER BY q.since_ms, q.leaf LIMIT ?3 OFFSET ?4"""
    rows = fetch(centre.database, statement, (code, node, SHOWN, offset))
    return [
        Waiting(leaf, reason, since, writer, epoch, seq, index, decode_envelope(envelope).type)
        for leaf, reason, since, writer, epoch, seq, index, envelope in rows
    ]


def counts(centre: Centre) -> dict[str, int]:
    """Return how many entries wait for each reason, the commonest first."""
    return dict(fetch(centre.database, "SELECT code, COUNT(*) FROM quarantine GROUP BY code ORDER BY 2 DESC, 1"))


def retry(centre: Centre) -> tuple[int, int]:
    """Fold everything that waits once more and deliver what folds now; return (how many stood up, how many still wait)."""
    with transaction(centre.database):
        before = _count(centre)
        audiences = centre.fold.refold(centre.database, centre.fold.waiting(centre.database), centre.clock.now())
        delivery.deliver(centre.database, audiences)
        after = _count(centre)
    return before - after, after


def _count(centre: Centre) -> int:
    return int(fetch(centre.database, "SELECT COUNT(*) FROM quarantine")[0][0])
