"""The line over HTTP. A silent line is noticed: connecting, reading and the whole have their own time limits (PROTOCOL 6.7)."""

from pathlib import Path

import requests
from urllib3.util import SKIP_HEADER

from common.errors import N_, Unreachable

CONNECT_SECONDS = 5
READ_SECONDS = 60
ANSWER_BYTES_MAX = 64 << 20
CHUNK_BYTES = 1 << 16
CUT_FILE = "line.cut"


class HttpTransport:
    """POSTs to the centre. ``cut_file``: while it exists the line counts as cut, which is how a person takes a node off
    the line for maintenance, and how everybody can try what happens."""

    LANES = 3
    """Requests at a time: two on the line while the answer to another is awaited."""

    def __init__(self, centre: str, cut_file: Path) -> None:
        self._centre = centre.rstrip("/")
        self._cut_file = cut_file
        self._session = requests.Session()
        # every header costs bytes on each idle exchange of every court
        self._session.headers.clear()
        self._session.headers.update(dict.fromkeys(("Accept-Encoding", "User-Agent"), SKIP_HEADER))
        self._session.trust_env = False

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return (status, answer); raises Unreachable."""
        if self._cut_file.exists():
            raise Unreachable("line.cut", N_("The line is cut by hand on this machine."))
        try:
            with self._session.post(
                self._centre + path, data=body, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True
            ) as response:
                return response.status_code, _read(response)
        except requests.RequestException as error:
            raise Unreachable("line.down", N_("The centre cannot be reached. It will be tried again.")) from error


def _read(response: requests.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(CHUNK_BYTES):
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise Unreachable("line.endless", N_("Something on the line answers without end. It will be tried again."))
        parts.append(part)
    return b"".join(parts)
