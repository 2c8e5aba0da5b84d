"""Objects that a machine may no longer hold: the one lawful way in which an entry is deleted (PROTOCOL 8.4 to 8.6).

The centre says so in the machine's feed. From then on the object stands in `WithdrawnRow`, and only then does the guard of
`sync.tables` let entries go, and only those that others wrote: what the machine wrote itself stays with its proofs, has no
rows any more, and folds again when the object comes back.
"""

from collections.abc import Iterable

from common.db import Database, Table, delete_object, fetch
from sync.tables import forget_entry


def withdraw(database: Database, objects: Iterable[bytes], node: int, tables: Iterable[type[Table]]) -> None:
    """Let go of what others wrote of ``objects``, with rows and files, inside the caller's transaction; ``node`` is this machine."""
    for obj in objects:
        fetch(database, "INSERT INTO withdrawn (obj) VALUES (?) ON CONFLICT DO NOTHING", (obj,))
        for table in tables:
            delete_object(database, table, obj)
        fetch(database, "DELETE FROM quarantine WHERE obj = ?", (obj,))
        for (leaf,) in fetch(database, "SELECT leaf FROM entry WHERE obj = ? AND node <> ?", (obj, node)):
            forget_entry(database, leaf)
        fetch(database, "DELETE FROM entry WHERE obj = ? AND node <> ?", (obj, node))


def take_back(database: Database, objects: Iterable[bytes]) -> None:
    """Let ``objects`` be held again: they came in the feed after they had been withdrawn."""
    for obj in objects:
        fetch(database, "DELETE FROM withdrawn WHERE obj = ?", (obj,))
