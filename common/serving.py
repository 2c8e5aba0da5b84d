"""Serving an application with waitress until somebody says stop: Ctrl-C and SIGTERM end it cleanly, nothing half done."""

import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from flask import Flask
from waitress import buffers
from waitress.server import create_server

from common.config import split_listen
from common.errors import N_, Conflict
from common.spool import sealed_file

CONNECTIONS_MAX = 500
BODY_BYTES_MAX = 64 << 20
"""What waitress takes at all; each page allows far less."""
# waitress keeps a body over half a megabyte in a temporary file; it offers no other way to say in which
buffers.TempfileBasedBuffer.newfile = lambda self: sealed_file()

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def serve(app: Flask, listen: str, *, threads: int, tls_proxy: bool) -> None:
    """Serve ``app`` until the process is told to stop; raises Refused("config.…") for an address that is not allowed."""
    host, port = split_listen(listen, behind_tls_proxy=tls_proxy)
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            ident="",
            connection_limit=CONNECTIONS_MAX,
            max_request_body_size=BODY_BYTES_MAX,
            clear_untrusted_proxy_headers=not tls_proxy,
        )
    except OSError as error:
        raise Conflict("serve.address", N_("Nothing can listen on %(listen)s: another process does already."), listen=listen) from error
    signal.signal(signal.SIGTERM, _stop)
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        pass  # told to stop: what was being written is committed or rolled back by the database
    finally:
        server.close()


def leave(status: int) -> NoReturn:
    """End the process although a thread still waits for a silent line: everything is closed, and what it does may be cut anywhere."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def set_up_log(level: str) -> None:
    """Log to standard error, without anything of a person."""
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT)
    for noisy in ("apscheduler", "pyhanko", "pyhanko_certvalidator", "waitress.queue", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold ``path`` as a lock: two processes never serve one folder; raises Conflict("serve.running")."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("serve.running", N_("Another process is serving this folder already.")) from error
        yield
    finally:
        os.close(descriptor)
