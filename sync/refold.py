"""A change of tables is a refold: when this release folds into other tables than the last one, all are written anew.

What the tables were made by is kept as a hash over their columns and `Fold.VERSION`. A crash in the middle leaves the old
hash, so the next start begins again; entries are never touched.
"""

import hashlib
from collections.abc import Callable

from common.clock import Clock
from common.db import BlobField, Database, IntegerField, Table, create_tables, fetch, transaction
from sync.fold import Fold

OBJECTS_AT_ONCE = 500

Progress = Callable[[str, int, int], None]


class FoldStateRow(Table):
    """What the subjects' tables were last made by."""

    id = IntegerField(primary_key=True)
    made_by = BlobField()

    class Meta:
        table_name = "fold_state"


def fingerprint(fold: Fold) -> bytes:
    """Return the hash of everything that decides how tables look: columns, types, the entries that can be read, the fold's version."""
    lines = [str(fold.VERSION), *fold.known_types()]
    for subject in fold.subjects:
        for table in subject.TABLES:
            columns = ((field.column_name, field.field_type, field.null) for field in table._meta.sorted_fields)
            lines.append(f"{subject.NAME} {table._meta.table_name} {sorted(map(repr, columns))}")
    return hashlib.sha256("\n".join(lines).encode()).digest()


def bring_up_to_date(database: Database, fold: Fold, clock: Clock, progress: Progress = lambda step, done, total: None) -> bool:
    """Refold everything if the tables were made by another release; return whether that was needed."""
    create_tables(database, [FoldStateRow])
    rows = fetch(database, "SELECT made_by FROM fold_state")
    ours = fingerprint(fold)
    if rows and rows[0][0] == ours:
        return False
    if rows:
        everything(database, fold, clock, progress)
    with transaction(database):
        fetch(database, "INSERT INTO fold_state (id, made_by) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET made_by = ?1", (ours,))
    return bool(rows)


def everything(database: Database, fold: Fold, clock: Clock, progress: Progress = lambda step, done, total: None) -> int:
    """Drop all tables of the fold, make them anew and fold every object; return how many objects that were."""
    with transaction(database):
        for subject in fold.subjects:
            for table in subject.TABLES:
                fetch(database, f'DROP TABLE IF EXISTS "{table._meta.table_name}"')
    fold.create_tables(database)
    objects = fold.in_order(database)
    for start in range(0, len(objects), OBJECTS_AT_ONCE):
        progress("refold", start, len(objects))
        with transaction(database):
            fold.refold(database, objects[start : start + OBJECTS_AT_ONCE], clock.now())
    with transaction(database):
        fold.refold(database, fold.waiting(database), clock.now())
    return len(objects)
