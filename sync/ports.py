"""What the protocol asks of the outside: one way to carry a message there and its answer back."""

import re
from dataclasses import dataclass
from typing import Protocol


class Transport(Protocol):
    """Carries one request. HTTP in production, a function call in the simulator."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return (status, answer); raises Unreachable when the line is down, silent or cut on the way."""


HELLO, BUNDLE, DOWN, BLOB_HAVE, BLOB_PUT, BLOB_GET, ROTATE, LINEAGE, RELAY_PUT, RELAY_GET = (
    "/sync/hello",
    "/sync/bundle",
    "/sync/down",
    "/sync/blob/have",
    "/sync/blob/put",
    "/sync/blob/get",
    "/sync/rotate",
    "/sync/lineage",
    "/sync/relay/put",
    "/sync/relay/get",
)
OK = 200
BESIDE = re.compile(rf"{BUNDLE}/(0|[1-9][0-9]{{0,17}})")
SLICED = re.compile(rf"((?:{BESIDE.pattern}|{BUNDLE}|{BLOB_PUT}|{RELAY_PUT}))/([0-9]{{4}}[0-9a-f]{{28}})/(0|[1-9][0-9]{{0,7}})")


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a slice belongs: it begins at byte ``start`` of the container ``name``, which goes to ``path``."""

    path: str
    name: str
    start: int


def bundle_beside(size: int) -> str:
    """Return where a bundle goes to beside which the machine says the size of its checkpoint."""
    return f"{BUNDLE}/{size}"


def size_beside(path: str) -> int | None:
    """Return the size that `bundle_beside` put into ``path``, None for any other path."""
    found = BESIDE.fullmatch(path)
    return int(found[1]) if found else None


def slice_path(at: Slice) -> str:
    """Return where a slice of a container goes."""
    return f"{at.path}/{at.name}/{at.start}"


def slice_of(path: str) -> Slice | None:
    """Return what `slice_path` put into ``path``, None for any other path."""
    found = SLICED.fullmatch(path)
    return Slice(path=found[1], name=found[3], start=int(found[4])) if found else None
