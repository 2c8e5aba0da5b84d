"""The machines' door and the public log, in front of Flask: no session, no cookie, no language, hardly a header.

* ``POST /sync/…`` carries one message of the protocol there and its answer back, bytes as they are (PROTOCOL 6). An idle
  exchange of every court costs some hundred bytes, so nothing is sent that the protocol does not need.
* ``GET /checkpoint`` and ``GET /tile/…`` are the log as C2SP tlog-tiles wants it, for whoever wants to check it;
  ``GET /checkpoint/cosigned`` is the newest head with the lines of the machines that found it consistent.

Every body has a limit by what it carries; what is larger is not read. Whatever happens, the answer is one of ours: signed,
with a code and without a sentence.
"""

import logging
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from central.centre import Centre
from central.services import enrolment
from central.services.log import entry_bundle
from common.errors import N_, CourtError, NotFound, Refused
from common.facts import decode_body
from common.web.limits import MINUTE_MS, RateLimit
from sync import container, cose, log, ports, witness
from sync.enrolment import PATH as ENROL
from sync.messages import Refusal, pack
from sync.pieces import CHUNK_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BODY_BYTES_MAX: Final = {
    ports.BUNDLE: container.SEALED_BYTES_MAX + cose.MESSAGE_BYTES_MAX,
    ports.RELAY_PUT: container.SEALED_BYTES_MAX + cose.MESSAGE_BYTES_MAX,
    ports.BLOB_PUT: CHUNK_BYTES + cose.MESSAGE_BYTES_MAX,
}
"""What carries a container; everything else is one message of at most cose.MESSAGE_BYTES_MAX."""
ENROL_TRIES: Final = 20
ENROL_WINDOW_MS: Final = 15 * MINUTE_MS
"""A code cannot be guessed (80 bits); this keeps a stranger from making us verify signatures for ever."""
SYNC, CHECKPOINT, COSIGNED, TILE, TILE_ENTRIES = "/sync/", "/checkpoint", "/checkpoint/cosigned", "/tile/", "tile/entries/"
BINARY, TEXT = "application/octet-stream", "text/plain; charset=utf-8"
FOR_EVER: Final = ("Cache-Control", "public, max-age=31536000, immutable")
CHANGES: Final = ("Cache-Control", "no-cache")

logger = logging.getLogger("court.wire")


class Wire:
    """WSGI before WSGI: answers the paths above and hands everything else to ``inner``."""

    def __init__(self, inner: "WSGIApplication", centre: Centre) -> None:
        self._inner = inner
        self._centre = centre
        self._enrolments = RateLimit(centre.clock, ENROL_TRIES, ENROL_WINDOW_MS)

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(SYNC):
            return self._sync(path, Request(environ), start)
        if path in (CHECKPOINT, COSIGNED) or path.startswith(TILE):
            return self._log(path, Request(environ), start)
        return self._inner(environ, start)

    def _sync(self, path: str, request: Request, start: "StartResponse") -> Iterable[bytes]:
        if request.method != "POST":
            return _answer(start, 405, self._refusal("exchange.method"), BINARY, ("Allow", "POST"))
        status, body = self._guarded(lambda: self._door(path, request))
        logger.info("%s %d %d bytes", path if status < 400 else "/sync", status, len(body))
        return _answer(start, status, body, None if status == ports.OK else BINARY, *_retry_after(status, body))

    def _door(self, path: str, request: Request) -> tuple[int, bytes]:
        kind = path if ports.size_beside(path) is None else ports.BUNDLE
        request.max_content_length = BODY_BYTES_MAX.get(kind, cose.MESSAGE_BYTES_MAX)
        body = request.get_data(cache=False)
        if path != ENROL:
            return self._centre.server.handle(path, body)
        self._enrolments.hit(request.remote_addr or "")
        return ports.OK, enrolment.enrol(self._centre, body)

    def _log(self, path: str, request: Request, start: "StartResponse") -> Iterable[bytes]:
        if request.method not in ("GET", "HEAD"):
            return _answer(start, 405, b"", TEXT, ("Allow", "GET, HEAD"))
        if path in (CHECKPOINT, COSIGNED):
            status, body = self._guarded(lambda: (200, self._head(cosigned=path == COSIGNED)))
            return _answer(start, status, body, TEXT, CHANGES)
        status, body = self._guarded(lambda: (200, self._tile(path[1:])))
        return _answer(start, status, body, BINARY, FOR_EVER if status == 200 else CHANGES)

    def _head(self, *, cosigned: bool) -> bytes:
        found = witness.cosigned(self._centre.database) if cosigned else self._centre.register.checkpoint()
        if found is None:
            raise NotFound("checkpoint.uncosigned", N_("No machine has cosigned a head of the register yet."))
        return found[1]

    def _tile(self, path: str) -> bytes:
        if path.startswith(TILE_ENTRIES):  # beside the lowest hashes lie, under the same numbers, what was hashed
            return entry_bundle(self._centre, log.read_tile_path(f"tile/0/{path.removeprefix(TILE_ENTRIES)}"))
        place = log.read_tile_path(path)
        return log.tile_bytes(self._centre.database, place.level, place.index, place.width)

    def _guarded(self, door: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """Return what ``door`` answers, or a refusal of ours whatever goes wrong."""
        try:
            return door()
        except CourtError as error:
            status = 404 if isinstance(error, Refused) and error.code == "log.tile_path" else error.status
            return status, self._refusal(error.code)
        except HTTPException as error:
            code = {413: "exchange.too_large"}.get(error.code or 400, "exchange.broken")
            return error.code or 400, self._refusal(code)
        except Exception as error:  # noqa: BLE001 - a foreign error must not tell a stranger anything; the safe fall-back is "try later"
            places = " < ".join(f"{at.filename}:{at.lineno}" for at in reversed(traceback.extract_tb(error.__traceback__)[-6:]))
            logger.error("wire: %s in %s", type(error).__qualname__, places)
            return 500, self._refusal("internal")

    def _refusal(self, code: str) -> bytes:
        return pack(Refusal(code=code), self._centre.identity)


def _retry_after(status: int, answer: bytes) -> list[tuple[str, str]]:
    """Return the header of RFC 9110, 10.2.3 for whoever must wait, as the signed refusal says too."""
    retry = decode_body(cose.parse(answer).payload, Refusal).retry if status == 429 else 0
    return [("Retry-After", str(retry))] if retry else []


def _answer(start: "StartResponse", status: int, body: bytes, kind: str | None, *headers: tuple[str, str]) -> Iterable[bytes]:
    named = [("Content-Type", kind)] if kind else []  # machines know what they asked for, and every exchange pays for it
    start(f"{status} {HTTPStatus(status).phrase}", [*named, ("Content-Length", str(len(body))), *headers])
    return [body]
