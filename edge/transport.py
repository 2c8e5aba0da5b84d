"""The line over HTTP. A silent line is noticed: connecting and reading have their time limits, and the whole its size (PROTOCOL 6.7)."""

from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests
from urllib3.util import SKIP_HEADER

from common.errors import N_, Unreachable

CONNECT_SECONDS = 5
READ_SECONDS = 60
ANSWER_BYTES_MAX = 64 << 20
CHUNK_BYTES = 1 << 16
CUT_FILE = "line.cut"


class Session(requests.Session):
    """A session for a line on which a stranger may answer too: it follows nobody and remembers nothing."""

    def __init__(self) -> None:
        super().__init__()
        # every header costs bytes on each idle exchange of every court
        self.headers.clear()
        self.headers.update(dict.fromkeys(("Accept-Encoding", "User-Agent"), SKIP_HEADER))
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # else the centre gets them, and refuses them by their size

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return None: where one is allowed, requests reads the whole answer first, however long, even if nobody follows it."""
        return None


class HttpTransport:
    """POSTs to the centre. ``cut_file``: while it exists the line counts as cut, which is how a person takes a node off
    the line for maintenance, and how everybody can try what happens."""

    LANES = 4
    """Requests at a time: two on the line while an answer is awaited, and one that the centre takes long over."""

    def __init__(self, centre: str, cut_file: Path) -> None:
        self._centre = centre.rstrip("/")
        self._cut_file = cut_file
        self._session = Session()

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
