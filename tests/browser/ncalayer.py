"""A strict NCALayer of our own on 127.0.0.1:13579: it speaks the recorded exchanges, refuses what is malformed, and really signs.

    with Ncalayer(certificate).running() as ncalayer:
        ncalayer.person = Holder(AIGUL.key)         # who puts in which key, and what they do in its window
        …
        assert ncalayer.complaints == []

What it answers is decided by `answer`, which needs no socket: the recorded exchanges are held against it.
"""

import base64
import binascii
import contextlib
import fcntl
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import trustme
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from common.pki import cms
from common.pki.keystore import Key

PORT = 13_579
LOCK = Path(tempfile.gettempdir()) / "ncalayer-13579.lock"
"""The port is one for the whole machine: whoever tests with it waits for the one before."""
BASICS, UTILS = "kz.gov.pki.knca.basics", "kz.gov.pki.knca.commonUtils"
CANCELED: dict[str, Any] = {"body": {}, "status": True}
SIGNING_KEYS = "1.3.6.1.5.5.7.3.4"
SIGNING_PARAMS = {"decode": bool, "encapsulate": bool, "digested": bool, "tsaProfile": dict}
SIGNER_PARAMS = {"extKeyUsageOids": list, "iin": str, "bin": str, "serialNumber": str, "chain": list}
ARGS = {"allowedStorages", "format", "data", "signingParams", "signerParams", "locale", "logo"}
STORAGES = {
    "PKCS12", "JKS", "AKKaztokenStore", "AKKZIDCardStore", "AKEToken72KStore", "AKEToken5110Store", "AKJaCartaStore", "AKAKEYStore",
}  # fmt: skip
REFUSED = "java.security.SignatureException: the certificate is revoked or out of date"

Act = Literal["sign", "cancel", "refuse", "die", "silent", "garbage"]


@dataclass
class Holder:
    """A person before NCALayer: which key is at hand, what they do in its window, how this version writes a result."""

    key: Key
    act: Act = "sign"
    shape: Literal["text", "array", "certificate"] = "array"
    modules: frozenset[str] = frozenset({BASICS, UTILS})
    tokens: tuple[str, ...] = ()
    restricts: bool = True
    """Whether keys of other people are disabled in the window, as `signerParams` asks."""
    greets: bool = True
    at_ms: int = 0


class Malformed(Exception):
    """A request that no NCALayer would understand; its text is the Java exception's."""


@dataclass
class Ncalayer:
    """The program. ``complaints``: what it was asked that a page without a line should never ask."""

    person: Holder
    certificate: trustme.LeafCert
    complaints: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    met: threading.Event = field(default_factory=threading.Event)
    """Somebody has connected since it was last cleared."""

    @contextlib.contextmanager
    def running(self) -> Iterator["Ncalayer"]:
        """Listen until the block ends."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate.configure_cert(context)
        server: Server = serve(self._talk, "127.0.0.1", PORT, ssl=context, close_timeout=1)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join(5)

    def _talk(self, door: ServerConnection) -> None:
        self.met.set()
        with contextlib.suppress(ConnectionClosed):
            if self.person.greets:
                door.send('{"result":{"version":"1.4"}}')
            for text in door:
                if self.person.act == "die":
                    door.socket.close()
                    return
                if self.person.act != "silent":
                    door.send("<html>" if self.person.act == "garbage" else self.answer(str(text)))

    def answer(self, text: str) -> str:
        """Return what NCALayer says to ``text``."""
        try:
            request = json.loads(text)
            module, method = request["module"], request["method"]
        except (ValueError, KeyError, TypeError):
            return json.dumps({"success": False, "code": "COMMON_JSON_WRAPPING_EXCEPTION"})
        self.asked.append(request)
        if module not in self.person.modules:
            return json.dumps({"success": False, "errorCode": "MODULE_NOT_FOUND"})
        answers = {(BASICS, "sign"): self._sign, (UTILS, "getActiveTokens"): self._tokens, (UTILS, "createCAdESFromBase64"): self._cades}
        return json.dumps(answers[module, method](request))

    # -- kz.gov.pki.knca.basics

    def _sign(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            contents = self._contents(request["args"])
        except Malformed as error:
            return _invocation(str(error))
        if self.person.act == "refuse":
            return _invocation(REFUSED)
        if self.person.act == "cancel" or not self._offered(request["args"]["signerParams"]):
            return CANCELED
        signatures = [self._armoured(content) for content in contents]
        if self.person.shape == "certificate":
            pem = base64.b64encode(self.person.key.certificate.der).decode()
            return {"body": {"result": {"signatures": signatures, "certificate": pem}}, "status": True}
        alone = self.person.shape == "text" and isinstance(request["args"]["data"], str)
        return {"body": {"result": signatures[0] if alone else signatures}, "status": True}

    def _contents(self, args: dict[str, Any]) -> list[bytes]:
        for name in ("signingParams", "signerParams"):
            if not isinstance(args.get(name), dict):
                raise Malformed(f'org.json.JSONException: JSONObject["{name}"] is not a JSONObject.')
        signing, signer = args["signingParams"], args["signerParams"]
        storages = args.get("allowedStorages")
        sound = set(args) <= ARGS and args.get("format") == "cms" and args.get("locale") in ("kk", "ru", "en")
        sound = sound and (storages is None or (isinstance(storages, list) and set(storages) <= STORAGES))
        for given, known in ((signing, SIGNING_PARAMS), (signer, SIGNER_PARAMS)):
            sound = sound and all(name in known and isinstance(value, known[name]) for name, value in given.items())
        if not sound or "extKeyUsageOids" not in signer:
            raise Malformed("java.lang.IllegalArgumentException")
        if signing.get("tsaProfile") is not None:
            self.complaints.append("a timestamp was asked for, and there is no line")
        if signing.get("encapsulate", True) or signing.get("digested"):
            self.complaints.append("not the bytes themselves, detached")
        data = args["data"] if isinstance(args["data"], list) else [args["data"]]
        return [_decoded(each) if signing.get("decode") else str(each).encode() for each in data]

    def _offered(self, signer: dict[str, Any]) -> bool:
        """Whether the key at hand is one that the page lets the person choose."""
        certificate = self.person.key.certificate
        mine = signer.get("iin", "") in ("", certificate.iin) and signer.get("bin", "") in ("", certificate.bin)
        purposes = set(signer["extKeyUsageOids"]) <= {SIGNING_KEYS}
        national = signer.get("chain") == []  # without it only keys of the production centre are offered, and ours are not
        return (mine or not self.person.restricts) and purposes and national

    # -- kz.gov.pki.knca.commonUtils

    def _tokens(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"responseObject": list(self.person.tokens), "code": "200"}

    def _cades(self, request: dict[str, Any]) -> dict[str, Any]:
        args = request.get("args")
        kinds = (str, str, str, bool)
        if not isinstance(args, list) or len(args) != 4 or not all(isinstance(one, kind) for one, kind in zip(args, kinds, strict=True)):
            return {"code": "500", "message": f"java.lang.IllegalArgumentException: argument type mismatch. Method: {request['method']}"}
        if self.person.act == "cancel":
            return {"code": "500", "message": "action.canceled"}
        if args[0] not in (self.person.tokens or ("PKCS12",)) or args[3]:
            self.complaints.append("another storage than there is, or not detached")
        return {"responseObject": base64.b64encode(self._signature(_decoded(args[2]))).decode(), "code": "200"}

    def _armoured(self, content: bytes) -> str:
        return f"-----BEGIN CMS-----\n{base64.encodebytes(self._signature(content)).decode()}-----END CMS-----\n"

    def _signature(self, content: bytes) -> bytes:
        return cms.sign_detached(content, self.person.key, at_ms=self.person.at_ms)


def _invocation(details: str) -> dict[str, Any]:
    return {"code": "INVOCATION_ERROR", "details": details, "message": "An invoked method threw an exception.", "status": False}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError) as error:
        raise Malformed("java.lang.IllegalArgumentException: Illegal base64 character") from error


@contextlib.contextmanager
def the_port() -> Iterator[None]:
    """Have the port for oneself: nobody else on this machine tests with it meanwhile."""
    with LOCK.open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield
