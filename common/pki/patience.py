"""A long digest in plain Python, in a process of its own: a court's pages go on answering while it takes its minute.

One thing needs it: the national revocation list, 22 MB, signed over the whole of itself, on a machine that has neither
OpenSSL's digest nor libgcrypt. No way round it was found: the digest is a chain from the first byte, which changes with each
list, and believing the centre instead of the certification centre would be worse than waiting. It is rare, and bounded.

    with patiently(lambda percent: …):
        trust.import_crl(data, now)
"""

import importlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from common.errors import N_, Unreachable

Told = Callable[[int], None]
"""Takes how much is done, in percent."""
SECONDS_MAX = 900
"""128 MB in plain Python take some five minutes."""
NICE = 10
_CODE = "from common.pki import patience; patience.serve()"

_told: ContextVar[Told | None] = ContextVar("told", default=None)


@contextmanager
def patiently(told: Told | None = None) -> Iterator[None]:
    """Let digests inside take as long as they need; ``told`` hears how far they are (what an outer block set, when None)."""
    token = _told.set(told or _told.get() or (lambda percent: None))
    try:
        yield
    finally:
        _told.reset(token)


def is_patient() -> bool:
    """Return whether a long digest may be computed here."""
    return _told.get() is not None


def apart(function: str, data: bytes) -> bytes:
    """Return what ``function`` ("module:name", of bytes and a `Told`) gives for ``data``, computed by another process.

    Raises Unreachable("pki.digest_apart") where that cannot be started or does not end in time.
    """
    told = _told.get() or (lambda percent: None)
    try:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            return _ask(function, file.fileno(), told)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Unreachable(
            "pki.digest_apart", N_("The digest of this file could not be computed on this machine now. Try again.")
        ) from error


def _ask(function: str, stdin: int, told: Told) -> bytes:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _CODE, function, str(SECONDS_MAX)]
    found = b""
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None, "it was asked for"
        for line in process.stdout:
            kind, _, value = line.strip().partition(" ")
            if kind == "done":
                told(int(value))
            else:
                found = bytes.fromhex(value)
        if process.wait() != 0 or not found:
            raise ValueError(function)
    return found


def serve() -> None:
    """Be the other process: read everything from the standard input, say how far it is, and what came out."""
    function, seconds = sys.argv[1:]
    os.nice(NICE)
    signal.alarm(int(seconds))  # it ends by itself, also when whoever asked is gone
    module, _, name = function.partition(":")
    data = sys.stdin.buffer.read()
    digest = getattr(importlib.import_module(module), name)(data, lambda percent: _say(f"done {percent}"))
    _say(f"digest {digest.hex()}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
