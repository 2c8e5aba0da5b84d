"""Delivery: which machine receives what, derived by the centre from the object (PROTOCOL 8).

An object names scopes (a court, a person, everyone); a scope names machines (the court's writing node, every node where
the person has opened a cabinet). Each machine has one *feed*, an append-only list of log references; what is for
everyone stands once, in the feed of EVERYONE. Admission to an object appends its whole history, so nobody ever starts
in the middle (lesson 18), and one dense cursor a feed replaces any vector over filters (lesson 17).
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, create_tables, each, fetch
from common.facts import Audience
from sync import directory
from sync.entry import Entry
from sync.tables import entry_at

EVERYONE = -1
"""The feed that all machines read."""
DAMAGED_MAX = 64
"""Damaged files that one welcome asks for: two kilobytes."""


class ObjectScopeRow(Table):
    obj = BlobField()
    scope = TextField(index=True)

    class Meta:
        table_name = "object_scope"
        primary_key = CompositeKey("obj", "scope")


class ScopeNodeRow(Table):
    """A machine where a person has opened a cabinet."""

    scope = TextField()
    node = IntegerField()

    class Meta:
        table_name = "scope_node"
        primary_key = CompositeKey("scope", "node")


class FeedRow(Table):
    node = IntegerField()
    position = IntegerField()
    log_index = IntegerField()

    class Meta:
        table_name = "feed"
        primary_key = CompositeKey("node", "position")
        indexes = ((("node", "log_index"), True),)


class FeedGoneRow(Table):
    """An object that the machine may no longer hold, at its place among the positions of the feed."""

    node = IntegerField()
    position = IntegerField()
    obj = BlobField()

    class Meta:
        table_name = "feed_gone"
        primary_key = CompositeKey("node", "position")


class CourtNodeRow(Table):
    """To which machine a court's objects were last delivered."""

    court = TextField(primary_key=True)
    node = IntegerField()

    class Meta:
        table_name = "court_node"


TABLES: tuple[type[Table], ...] = (ObjectScopeRow, ScopeNodeRow, FeedRow, FeedGoneRow, CourtNodeRow)

_LENGTH = """SELECT COALESCE(MAX(ends.position), 0) FROM (
               SELECT MAX(position) AS position FROM feed WHERE node = ?1
               UNION ALL SELECT MAX(position) FROM feed_gone WHERE node = ?1) AS ends"""
_ADMIT = f"""
INSERT INTO feed (node, position, log_index)
SELECT CAST(?1 AS BIGINT), ({_LENGTH}) + row_number() OVER (ORDER BY e.log_index), e.log_index
FROM entry e WHERE e.obj = ?2 AND e.log_index IS NOT NULL AND e.node <> ?1
AND NOT EXISTS (SELECT 1 FROM feed f WHERE f.node = ?1 AND f.log_index = e.log_index)
"""


def create(database: Database) -> None:
    """Create the delivery tables."""
    create_tables(database, TABLES)


def deliver(database: Database, audiences: Mapping[bytes, Audience]) -> None:
    """Put the logged entries of each object into the feeds of everybody who must receive it."""
    opened: set[str] = set()
    for audience in audiences.values():
        opened |= _open_cabinets(database, audience)
    for obj, audience in audiences.items():
        scopes = _scopes(audience)
        for scope in scopes:
            fetch(database, "INSERT INTO object_scope (obj, scope) VALUES (?, ?) ON CONFLICT DO NOTHING", (obj, scope))
        for court in audience.courts:
            if (writes := directory.node_of(database, court)) is not None:
                fetch(database, "INSERT INTO court_node (court, node) VALUES (?, ?) ON CONFLICT DO NOTHING", (court, writes))
        if audience.everyone:
            admit(database, EVERYONE, obj)
        for node in _machines(database, scopes):
            admit(database, node, obj)
    for scope in opened:
        redeliver(database, scope)


def redeliver(database: Database, scope: str) -> None:
    """Give a scope's machines every object of the scope: after a cabinet was opened or a court moved to another machine."""
    nodes = _machines(database, [scope])
    for (obj,) in fetch(database, "SELECT obj FROM object_scope WHERE scope = ?", (scope,)):
        for node in nodes:
            admit(database, node, obj)


def redeliver_courts(database: Database) -> None:
    """Redeliver every court's objects, and withdraw them from the machine the court had before; called when the directory changed."""
    for (scope,) in fetch(database, "SELECT DISTINCT scope FROM object_scope WHERE scope >= 'court:' AND scope < 'court;'"):
        court = scope.partition(":")[2]
        now = directory.node_of(database, court)
        before = fetch(database, "SELECT node FROM court_node WHERE court = ?", (court,))
        if before and before[0][0] != now:
            _withdraw_scope(database, scope, before[0][0])
        redeliver(database, scope)
        if now is not None:
            statement = "INSERT INTO court_node (court, node) VALUES (?1, ?2) ON CONFLICT (court) DO UPDATE SET node = ?2"
            fetch(database, statement, (court, now))


def _withdraw_scope(database: Database, scope: str, node: int) -> None:
    for (obj,) in fetch(database, "SELECT obj FROM object_scope WHERE scope = ?", (scope,)):
        scopes = [each for (each,) in fetch(database, "SELECT scope FROM object_scope WHERE obj = ?", (obj,))]
        if node not in _machines(database, scopes):
            withdraw(database, node, obj)


def withdraw(database: Database, node: int, obj: bytes) -> None:
    """Take an object out of the machine's feed and say so in it; where it comes back, its whole history is appended anew."""
    position = feed_length(database, node) + 1
    removed = fetch(
        database,
        """DELETE FROM feed WHERE node = ?1 AND log_index IN (SELECT log_index FROM entry WHERE obj = ?2 AND log_index IS NOT NULL)
           RETURNING position""",
        (node, obj),
    )
    if removed:
        fetch(database, "INSERT INTO feed_gone (node, position, obj) VALUES (?, ?, ?)", (node, position, obj))


def admit(database: Database, node: int, obj: bytes) -> None:
    """Append what the machine does not have yet of the object's history to its feed."""
    fetch(database, _ADMIT, (node, obj))


def append(database: Database, node: int, log_index: int) -> None:
    """Append one entry to the feed of its author: what was admitted comes back to who wrote it."""
    statement = "INSERT INTO feed (node, position, log_index) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
    fetch(database, statement, (node, feed_length(database, node) + 1, log_index))


def feed_length(database: Database, node: int) -> int:
    """Return the last position of the machine's feed."""
    return int(fetch(database, _LENGTH, (node,))[0][0])


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a feed: (position, log index, entry), (position, withdrawn object), and the cursor after it."""

    entries: list[tuple[int, int, Entry]]
    gone: list[tuple[int, bytes]]
    at: int


def read_feed(database: Database, node: int, after: int, *, bytes_max: int) -> Part:
    """Return what the feed holds after position ``after`` as far as ``bytes_max`` goes."""
    statement = """SELECT f.position, e.log_index, e.leaf, length(e.envelope) + COALESCE(length(e.body), 0) FROM feed f
                   JOIN entry e ON e.log_index = f.log_index WHERE f.node = ? AND f.position > ? ORDER BY f.position"""
    taken: list[tuple[int, int, Entry]] = []
    length = feed_length(database, node)
    cursor, size = after, 0
    with each(database, statement, (node, after)) as rows:
        for position, log_index, leaf, bytes_ in rows:
            size += bytes_
            if taken and size > bytes_max:
                break
            found = entry_at(database, leaf)
            if found:
                taken.append((position, log_index, found[0]))
            cursor = position
        else:
            cursor = max(cursor, length)
    gone = fetch(database, "SELECT position, obj FROM feed_gone WHERE node = ? AND position > ? AND position <= ?", (node, after, cursor))
    return Part(taken, [(position, obj) for position, obj in gone], cursor)


def may_read_blob(database: Database, node: int, sha256: bytes, size: int) -> bool:
    """Return whether an entry in the machine's feeds, or of its own, names the blob with this size: a hash is not a capability."""
    statement = """SELECT 1 FROM blob_ref r JOIN entry e ON e.leaf = r.leaf
                   LEFT JOIN feed f ON f.log_index = e.log_index AND f.node IN (?1, ?2)
                   WHERE r.sha256 = ?3 AND r.size = ?4 AND (e.node = ?1 OR f.node IS NOT NULL) LIMIT 1"""
    return bool(fetch(database, statement, (node, EVERYONE, sha256, size)))


def damaged_for(database: Database, node: int) -> list[bytes]:
    """Return files that got damaged here and that the machine may have, up to DAMAGED_MAX at a time (SHA-256)."""
    rows = fetch(database, "SELECT sha256, size FROM damaged ORDER BY sha256")
    named = (sha256 for sha256, size in rows if may_read_blob(database, node, sha256, size))
    return list(itertools.islice(named, DAMAGED_MAX))


def wrote_blob(database: Database, node: int, sha256: bytes, size: int) -> bool:
    """Return whether a logged entry of ``node`` itself names the blob with this size."""
    statement = """SELECT 1 FROM blob_ref r JOIN entry e ON e.leaf = r.leaf
                   WHERE r.sha256 = ? AND r.size = ? AND e.node = ? AND e.log_index IS NOT NULL LIMIT 1"""
    return bool(fetch(database, statement, (sha256, size, node)))


def _open_cabinets(database: Database, audience: Audience) -> set[str]:
    fresh = set()
    for person, node in audience.opens:
        scope = f"person:{person}"
        if fetch(database, "INSERT INTO scope_node (scope, node) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING node", (scope, node)):
            fresh.add(scope)
    return fresh


def _scopes(audience: Audience) -> list[str]:
    return sorted([f"court:{court}" for court in audience.courts] + [f"person:{person}" for person in audience.persons])


def _machines(database: Database, scopes: Iterable[str]) -> set[int]:
    nodes: set[int] = set()
    for scope in scopes:
        kind, _, name = scope.partition(":")
        if kind == "court":
            node = directory.node_of(database, name)
            nodes |= {node} if node is not None else set()
        else:
            nodes |= {node for (node,) in fetch(database, "SELECT node FROM scope_node WHERE scope = ?", (scope,))}
    return nodes
