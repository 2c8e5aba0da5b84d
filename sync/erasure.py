"""Carrying out an order of erasure wherever the entries are held (PROTOCOL 14.3 to 14.6).

It happens inside the transaction that folds the order, or the entry where that comes later: body and salt become NULL, what
was known of the signature goes, rows are folded anew without them, and files that no other entry names are doomed. Files
are removed after the commit; a doomed name stays until its file is gone, so that a crash forgets none.

Who may order is the subject's to say (`common.court.erasures`); here it is checked that the court holds the object, and that it
is none that everybody needs: machines, staff and reference data are not erased.
"""

from collections.abc import Callable, Iterable, Sequence

from common.db import Database, fetch
from sync.entry import Entry
from sync.tables import entries_of, forget_entry

Holder = Callable[[Sequence[tuple[Entry, int | None]]], str | None]
"""Returns the court that holds an object with these entries, "" for none, and None for what everybody must have."""

ORDERS = """SELECT DISTINCT x.obj, x.target, x.court, x.log_index FROM erasure x JOIN entry e ON e.leaf = x.leaf
            WHERE (x.obj = ?1 OR x.target = ?1) AND e.obj = x.target AND e.body IS NOT NULL"""
LEAVES = "SELECT e.leaf, e.body IS NULL FROM erasure x JOIN entry e ON e.leaf = x.leaf WHERE x.obj = ? AND e.obj = x.target"


def carry_out(database: Database, objects: Iterable[bytes], holder: Holder) -> set[bytes]:
    """Erase what orders among ``objects``, or about them, name; return the objects to be folded anew."""
    if not fetch(database, "SELECT 1 FROM erasure LIMIT 1"):
        return set()
    touched = set()
    for obj in objects:
        for order, target, court, log_index in fetch(database, ORDERS, (obj,)):
            leaves = fetch(database, LEAVES, (order,))
            # once begun it is finished: what is left of the object no longer says whose it was
            begun = any(erased for _, erased in leaves)
            held = None if begun else holder(_before(database, target, log_index))
            if begun or (held is not None and court in ("", held)):
                for leaf, _ in leaves:
                    fetch(database, "UPDATE entry SET body = NULL, salt = NULL WHERE leaf = ?", (leaf,))
                    forget_entry(database, leaf)
                touched.add(target)
    return touched


def _before(database: Database, target: bytes, log_index: int) -> list[tuple[Entry, int | None]]:
    found = entries_of(database, target)
    return found if log_index < 0 else [(entry, index) for entry, index in found if index is not None and index < log_index]
