"""The line over HTTP. A silent line is noticed: connecting, reading and the whole have their own time limits (PROTOCOL 6.7)."""

from pathlib import Path

import certifi
import urllib3
from urllib3.util import SKIP_HEADER

from common.errors import N_, Unreachable

CONNECT_SECONDS = 5
READ_SECONDS = 60
ANSWER_BYTES_MAX = 64 << 20
CHUNK_BYTES = 1 << 16
CUT_FILE = "line.cut"
LIMITS = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
HEADERS = dict.fromkeys(("Accept-Encoding", "User-Agent"), SKIP_HEADER)


class HttpTransport:
    """POSTs to the centre. ``cut_file``: while it exists the line counts as cut, which is how a person takes a node off
    the line for maintenance, and how everybody can try what happens."""

    LANES = 2
    """Requests at a time: one on the line while the answer to another is awaited."""

    def __init__(self, centre: str, cut_file: Path) -> None:
        self._centre = centre.rstrip("/")
        self._cut_file = cut_file
        # every header costs bytes on each idle exchange of every court, and so does every layer its CPU
        self._pool = urllib3.PoolManager(maxsize=self.LANES, retries=False, timeout=LIMITS, headers=HEADERS, ca_certs=certifi.where())

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return (status, answer); raises Unreachable."""
        if self._cut_file.exists():
            raise Unreachable("line.cut", N_("The line is cut by hand on this machine."))
        try:
            response = self._pool.urlopen("POST", self._centre + path, body=body, preload_content=False, redirect=False)
            with response:  # read to its end it has given the connection back already
                return response.status, _read(response)
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable("line.down", N_("The centre cannot be reached. It will be tried again.")) from error


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.stream(CHUNK_BYTES, decode_content=False):
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Unreachable("line.endless", N_("Something on the line answers without end. It will be tried again."))
        parts.append(part)
    return b"".join(parts)
