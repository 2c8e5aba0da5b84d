"""What the protocol asks of the outside: one way to carry a message there and its answer back."""

from typing import Protocol


class Transport(Protocol):
    """Carries one request. HTTP in production, a function call in the simulator."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return (status, answer); raises Unreachable when the line is down, silent or cut on the way."""


HELLO, BUNDLE, DOWN, BLOB_HAVE, BLOB_PUT, BLOB_GET, ROTATE = (
    "/sync/hello",
    "/sync/bundle",
    "/sync/down",
    "/sync/blob/have",
    "/sync/blob/put",
    "/sync/blob/get",
    "/sync/rotate",
)
OK = 200
