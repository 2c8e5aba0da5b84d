"""A signature made outside: by NCALayer, the national program on the person's machine, in two steps of one form.

1. The page's script sends the form with ``ask``; the view answers with ``hand_out``: what is to be signed.
2. NCALayer signs it in its own window; the script puts the CMS into ``signature`` and sends the form as usual;
   ``common.web.keys.opened`` takes it and gives the use case a signer as good as an opened key.

What is remembered in between lies in the session, sealed under the visitor's cookie: when, at which address, and the text where
it cannot be made again. It serves once, lives SIGNING_MS, and is no signature of anything until the right key has made one.
Bytes of a document are never kept: the use case makes them again, equal to the byte or refused.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, jsonify, request, session

from common.errors import N_, Refused

ADDRESS = "wss://127.0.0.1:13579"
"""Where NCALayer listens, on the person's own machine and nowhere else (PKI.md, 1)."""
SIGNING_MS = 5 * 60_000
"""How long what was handed out waits: a person has to find a token and type its password."""
TEXT_BYTES_MAX = 32 * 1024
"""A text that waits in the session; the longest is a refusal with every published ground."""
KEY = "signing"

LATE = N_("This signing took too long, was used already, or was begun anew on another page. Sign once more.")
ABSENT = N_("NCALayer gave no signature. Sign once more, or take the key file.")

MakeContent = Callable[[int], bytes]
"""Given the time at which a signature was asked for, returns what it signs."""


def hand_out(content: bytes, *, at_ms: int, keep: bool = False, iin: str = "", bin: str = "", again: bool = False) -> Response:
    """Answer the script with what is to be signed, and remember that it was asked for.

    ``keep``: a text that cannot be made again. ``iin`` and ``bin``: whose keys NCALayer is to offer. ``again``: its signature
    is asked for with ``ask`` once more, before the one that counts. Raises Refused("signing.large").
    """
    if keep and len(content) > TEXT_BYTES_MAX:
        raise Refused("signing.large", N_("This text is too long for NCALayer. Sign it with the key file."))
    session[KEY] = {"at": at_ms, "path": request.path, "text": content if keep else b""}
    return jsonify(content=base64.b64encode(content).decode(), iin=iin, bin=bin, again=again)


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer to what was handed out: the CMS as it came, the bytes it must be over, when they were asked for."""

    text: bytes
    content: bytes
    asked_ms: int


def take(text: str, *, now_ms: int, make: MakeContent | None) -> Taken:
    """Return what came back, not judged yet; it answers what this session was handed out at this address, and serves once.

    ``make`` makes the content again. Raises Refused("signing.late"), Refused("signing.absent"), and what ``make`` raises.
    """
    asked: dict[str, Any] = session.pop(KEY, None) or {}
    if not text.strip():
        raise Refused("signing.absent", ABSENT)
    if asked.get("path") != request.path or not 0 <= now_ms - asked["at"] <= SIGNING_MS:
        raise Refused("signing.late", LATE)
    content = make(asked["at"]) if make else asked["text"]
    if not content:
        raise Refused("signing.late", LATE)
    return Taken(text.encode(), content, asked["at"])


def allow_connection() -> None:
    """Let this answer's page open a connection to ADDRESS: called by every form that takes a key, by nothing else."""
    g.connect_to = ADDRESS


def set_up(app: Flask, policy: dict[str, str]) -> None:
    """Widen ``policy`` on the pages that asked for it."""

    @app.after_request
    def widen(response: Response) -> Response:
        if "connect_to" in g:
            wider = policy | {"connect-src": f"{policy['connect-src']} {g.connect_to}"}
            response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in wider.items())
        return response
