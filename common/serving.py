"""Serving an application with waitress until somebody says stop: Ctrl-C and SIGTERM end it cleanly, nothing half done.

Whatever a machine ends of stands in its log: the signal that told it to, an exception, or, where a library crashed the
process, what each thread was doing.
"""

import copy
import errno
import faulthandler
import fcntl
import gc
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, ClassVar, NoReturn

from flask import Flask
from waitress import buffers
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import FixedStreamReceiver
from waitress.server import create_server

from common.config import split_listen
from common.errors import N_, Conflict, Corrupt
from common.spool import sealed_file
from common.version import VERSION

CONNECTIONS_MAX = 500
RECEIVE_BYTES = 1 << 16
"""Read from a connection at once: a bundle of a megabyte came in 128 pieces of waitress's own eight kilobytes."""
BODY_BYTES_MAX = 100 << 20
"""What is taken at most pages: a little over the largest thing that they take (`common.web.checking`). A page for recordings takes
more (`Parser`)."""
DISCARDED_BYTES_MAX = 8 << 30
"""So much of a body that is too large is read into nothing; what is larger still is cut off, with waitress's own words."""
# waitress keeps a body over half a megabyte in a temporary file; it offers no other way to say in which
buffers.TempfileBasedBuffer.newfile = lambda self: sealed_file()

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Stop:
    """Ends the process when it is told to; ``told`` names the signal that did, "" before."""

    told: str = ""

    @classmethod
    def heeded(cls) -> "Stop":
        """Heed the signals from now on, but those whoever started the process has it ignore (nohup)."""
        stop = cls()
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(each) != signal.SIG_IGN:
                signal.signal(each, stop)
        return stop

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.told:
            return  # it is ending already
        self.told = signal.Signals(number).name
        logger.info("ends: told to by %s", self.told)
        sys.exit(0)


class Nothing:
    """Takes the place of a buffer, and keeps nothing of what it is given."""

    def append(self, data: bytes) -> None:
        """Forget ``data``."""

    def getfile(self) -> IO[bytes]:
        """Return an empty file."""
        return io.BytesIO()

    def close(self) -> None:
        """There is nothing to close."""

    def __len__(self) -> int:
        return 0


class Parser(HTTPRequestParser):
    """Takes a larger body where `limit_of` says that the page at the path does; it comes in pieces and is spilled as any other.

    One that is too large reaches the application without its body: by its length the application refuses it, in the person's own
    language. Its bytes are read all the same, for a browser shows no answer before it has sent everything.
    """

    adj: Any
    limit_of: ClassVar[Callable[[str], int]] = staticmethod(lambda path: 0)

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request, and how large its body may be."""
        super().parse_header(header_plus)
        most = max(BODY_BYTES_MAX, type(self).limit_of(self.path))
        if most < self.content_length <= DISCARDED_BYTES_MAX:
            self.body_rcv, most = FixedStreamReceiver(self.content_length, Nothing()), self.content_length
        if most > BODY_BYTES_MAX:
            adjustments = copy.copy(self.adj)
            adjustments.max_request_body_size = most + 1  # from which on waitress refuses
            self.adj = adjustments


def serve(
    app: Flask,
    listen: str,
    *,
    threads: int,
    tls_proxy: bool,
    stop: Stop,
    limit_of: Callable[[str], int] | None = None,
    say: Callable[[str], object] = print,
) -> None:
    """Serve ``app`` until the process is told to stop; ``limit_of``: how many bytes the page at a path takes, where that is more than
    BODY_BYTES_MAX; ``say`` is told where, once it listens.

    Raises Refused("config.…") for an address that is not allowed, Conflict("serve.address") where another process listens,
    Conflict("serve.listen") where this machine has no such address or this user may not, Corrupt("serve.ended") when serving
    ends without anybody having said so.
    """
    host, port = split_listen(listen, behind_tls_proxy=tls_proxy)
    if limit_of is not None:
        Parser.limit_of = staticmethod(limit_of)
    HTTPChannel.parser_class = Parser  # it offers no other way to say so
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            ident="",
            connection_limit=CONNECTIONS_MAX,
            max_request_body_size=BODY_BYTES_MAX + 1,
            clear_untrusted_proxy_headers=not tls_proxy,
            recv_bytes=RECEIVE_BYTES,
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            sentence = N_("Nothing can listen on %(listen)s: %(why)s. Correct the setting listen.")
            raise Conflict("serve.listen", sentence, listen=listen, why=error.strerror or type(error).__name__) from error
        raise Conflict("serve.address", N_("Nothing can listen on %(listen)s: another process does already."), listen=listen) from error
    say(f"Serving http://{listen}")
    gc.collect()
    gc.freeze()  # what a machine is made of stays: the collector need not walk through it again and again
    try:
        server.run()  # lets nothing of `Stop` out; what was being written is committed or rolled back by the database
    finally:
        server.close()
    if not stop.told:
        raise Corrupt("serve.ended", N_("Serving has ended by itself. Start the machine again, and keep its log."))


def leave(status: int) -> NoReturn:
    """End the process although a thread still waits for a silent line: everything is closed, and what it does may be cut anywhere."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def set_up_log(level: str) -> None:
    """Log to standard error, without anything of a person; what crashes the process itself goes there too."""
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT)
    faulthandler.enable()
    for noisy in ("apscheduler", "pyhanko", "pyhanko_certvalidator", "waitress.queue", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logger.info("begins: %s, process %d", VERSION, os.getpid())


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
