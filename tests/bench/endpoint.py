"""The bare endpoint that a first sync is held against: takes one POST, fsyncs it, answers. `python -m tests.bench.endpoint PORT FILE`."""

import os
import sys

import waitress
from flask import Flask, request

BODY_BYTES_MAX = 1 << 30


def build(path: str) -> Flask:
    """Return the application."""
    app = Flask(__name__)

    @app.get("/")
    def alive() -> str:
        return ""

    @app.post("/")
    def take() -> tuple[str, int]:
        with open(path, "wb") as file:
            file.write(request.get_data(cache=False))
            file.flush()
            os.fsync(file.fileno())
        return "", 204

    return app


if __name__ == "__main__":
    port, path = sys.argv[1:]
    waitress.serve(build(path), host="127.0.0.1", port=int(port), max_request_body_size=BODY_BYTES_MAX)
