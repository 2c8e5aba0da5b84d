"""A real S3 server over HTTP (moto) on this computer, and what a bad one does to those who write to it.

with S3() as s3:                     environment set, bucket made
    Bucket(s3.url); s3.fault = "cut" …; s3.names()
"""

import os
import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import boto3
import moto.server
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "sot-files"
KEYS = {"AWS_ACCESS_KEY_ID": "visible-id", "AWS_SECRET_ACCESS_KEY": "hidden-secret", "AWS_DEFAULT_REGION": "us-east-1"}


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        return None


def _reset(environ: dict[str, Any]) -> None:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


class S3:
    """The server. ``fault`` is what happens to every request with a body: "" nothing; "busy" 503; "cut" the connection is reset in
    the middle of the body; "half" half of it is stored and acknowledged; "lost" all of it is stored and the answer is cut."""

    def __init__(self) -> None:
        self.fault = ""
        self.down = False
        """Whether every request fails."""
        self._inner: Any = moto.server.DomainDispatcherApplication(moto.server.create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._door, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"s3://{BUCKET}/register"
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> "S3":
        self._thread.start()
        values = {**KEYS, "AWS_ENDPOINT_URL": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}
        self._before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        self._client = boto3.client("s3")
        self._client.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name, value in self._before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        self._server.shutdown()
        self._server.server_close()

    def names(self) -> list[str]:
        """Return what lies below the prefix, asked as anybody else would."""
        found = self._client.list_objects_v2(Bucket=BUCKET, Prefix="register/").get("Contents", [])
        return [one["Key"].removeprefix("register/") for one in found]

    def clear(self) -> None:
        """Remove everything."""
        for name in self.names():
            self._client.delete_object(Bucket=BUCKET, Key=f"register/{name}")

    def get(self, name: str) -> bytes:
        return bytes(self._client.get_object(Bucket=BUCKET, Key=f"register/{name}")["Body"].read())

    def put(self, name: str, data: bytes) -> None:
        self._client.put_object(Bucket=BUCKET, Key=f"register/{name}", Body=data)

    def _door(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        fault = "busy" if self.down else self.fault if length else ""
        if fault == "busy":
            environ["wsgi.input"].read(length)
            start("503 Slow Down", [("Content-Type", "application/xml"), ("Connection", "close")])
            return [b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"]
        if fault == "cut":
            environ["wsgi.input"].read(length // 2)
            _reset(environ)
        if fault == "half":
            environ["CONTENT_LENGTH"] = str(length // 2)
            for checked in [name for name in environ if name.startswith(("HTTP_X_AMZ_CHECKSUM", "HTTP_CONTENT_MD5"))]:
                del environ[checked]
        answer = self._inner(environ, start)
        if fault == "half":
            environ["wsgi.input"].read(length - length // 2)
        if fault == "lost":
            list(answer)
            _reset(environ)
        return answer  # type: ignore[no-any-return]
