"""Services of a certification centre of our own: a timestamping authority, an OCSP responder and a place for lists.

They answer with the project's test PKI and speak HTTP on 127.0.0.1, so that what the centre asks of the country's services
it asks of these in the tests, over a real socket.

    services = Services(authority, clock.now)
    with services.serving() as address: …   address/tsa, address/ocsp, address/<name> for services.files[name]
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.pki import cms, der
from common.pki.algorithms import signature_algorithm
from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key
from common.pki.profile import OCSP_SIGNING, TIME_STAMPING
from common.pki.signed_data import TST_INFO

NO_CHECK = der.sequence(der.oid("1.3.6.1.5.5.7.48.1.5"), der.octets(b""))
"""ocspNoCheck without its NULL, as the national test responders of 2022 have it."""


@dataclass
class Services:
    """What the centre finds on the line. ``down`` makes every answer a 503; ``asked`` counts what was asked for, by path."""

    authority: Authority
    now: Callable[[], int]
    files: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def __post_init__(self) -> None:
        begun = self.now() - DAY_MS // 2
        self.tsa = self.authority.issue_service("TIME-STAMPING AUTHORITY", TIME_STAMPING, not_before_ms=begun)
        self.responder = self.authority.issue_service("OCSP RESPONDER", OCSP_SIGNING, not_before_ms=begun, more=NO_CHECK)

    def answer(self, path: str, body: bytes) -> bytes | None:
        """Return the answer to a request, None for a path where nothing is."""
        self.asked.append(path)
        if path == "/tsa":
            return timestamp_response(body, self.tsa, at_ms=self.now())
        if path == "/ocsp":
            return ocsp_response(body, self.authority, self.responder, at_ms=self.now())
        return self.files.get(path[1:])

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port and return the address."""
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._reply(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def do_GET(self) -> None:
                self._reply(b"")

            def _reply(self, body: bytes) -> None:
                answer = None if services.down else services.answer(self.path, body)
                self.send_response(503 if services.down else 404 if answer is None else 200)
                self.send_header("Content-Length", str(len(answer or b"")))
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, format: str, *args: object) -> None:
                return

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            self.address = f"http://127.0.0.1:{server.server_address[1]}"
            try:
                yield self.address
            finally:
                server.shutdown()
                thread.join()


def timestamp_response(request: bytes, key: Key, *, at_ms: int, serial: int = -5, nonce: int | None = None) -> bytes:
    """Return the TimeStampResp to a request; serials are negative now and then at the national service, so here always."""
    asked = der.read(request)
    parts = [part for part in asked.parts[2:] if part.tag == der.INTEGER]
    info = der.sequence(
        der.integer(1),
        asked[2].raw,
        asked[1].raw,
        der.integer(serial),
        generalized(at_ms),
        parts[0].raw if nonce is None else der.integer(nonce),
    )
    token = cms.sign_attached(info, key, at_ms=at_ms, content_type=TST_INFO)
    return der.sequence(der.sequence(der.integer(0)), token)


def ocsp_response(request: bytes, authority: Authority, key: Key, *, at_ms: int, certificates: bool = True) -> bytes:
    """Return the OCSPResponse of a responder ``key`` that knows what ``authority`` has revoked; the nonce comes back."""
    asked = der.read(request)[0]
    certificate_id = asked[0][0][0]
    revoked = authority.revoked.get(certificate_id[3].integer())
    status = der.implicit(0, b"")
    if revoked is not None:
        reason = der.explicit(0, der.element(10, bytes((revoked[1],))))
        status = der.element(0xA1, generalized(revoked[0]) + reason)
    said = der.sequence(
        der.explicit(1, key.certificate.subject_name),
        generalized(at_ms),
        der.sequence(der.sequence(certificate_id.raw, status, generalized(at_ms))),
        der.explicit(1, asked[1][0].raw),
    )
    inside = der.explicit(0, der.sequence(key.certificate.der)) if certificates else b""
    basic = der.sequence(said, signature_algorithm(key.certificate.key), der.bits(key.sign(said)), inside)
    return der.sequence(der.element(10, b"\0"), der.explicit(0, der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"), der.octets(basic))))


def generalized(at_ms: int) -> bytes:
    """Return a GeneralizedTime of whole seconds."""
    return der.element(der.GENERALIZED_TIME, datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y%m%d%H%M%SZ").encode())
