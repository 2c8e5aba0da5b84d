"""The steps of an object as people read them: one shape for filings, cases and hearings, and what notifications are made of."""

from collections.abc import Mapping
from typing import Any

from common import canonical
from common.db import BlobField, CompositeKey, IntegerField, Table, TextField
from common.facts import Fact


class EventTable(Table):
    """Base of the subjects' tables of steps; ``time_ms`` in ms UTC as claimed, ``params`` is a canonical CBOR map."""

    obj = BlobField()
    position = IntegerField()
    kind = TextField()
    time_ms = IntegerField()
    node = IntegerField()
    leaf = BlobField()
    params = BlobField()

    class Meta:
        primary_key = CompositeKey("obj", "position")


def event_row(fact: Fact, position: int, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the step that ``fact`` is, the ``position``-th of its object."""
    return {
        "obj": fact.obj,
        "position": position,
        "kind": kind,
        "time_ms": fact.time,
        "node": fact.node,
        "leaf": fact.leaf,
        "params": canonical.encode(params),
    }
