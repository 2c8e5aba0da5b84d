"""Reading a stranger's PDF where it can do no harm: a child process with little memory, little time and no project code.

Run as a file (``python -I attachment_pdf.py``) it takes a PDF on its standard input and answers one line of JSON:
``{"pages": 3}`` or ``{"refused": "broken"}``; the words of refusals are `REFUSALS`. This module therefore imports nothing
of the project. qpdf (through pikepdf) is a C++ parser: a crash or a memory bomb ends the child, not the court's node.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pikepdf
from pikepdf import settings

MEMORY_BYTES_MAX: Final = 1024**3
"""Address space of the child; an honest 20 MB scan takes about 150 MB."""
STREAM_BYTES_MAX: Final = 256 * 1024**2
"""One unpacked stream of the file's own structure."""
CPU_SECONDS_MAX: Final = 15
WALL_SECONDS_MAX: Final = 30
"""A node on an old disk may need seconds to start a process. Whoever waits longer waits for the machine, not for the file."""
OBJECTS_MAX: Final = 500_000
"""Indirect objects; a thousand pages of text have about 20,000."""
DEPTH_MAX: Final = 40
"""Nesting of one object; honest files stay under ten."""
REFUSALS: Final = frozenset({"broken", "encrypted", "protected", "no_pages", "active", "complex", "busy"})

_RUNNING_ACTIONS: Final = frozenset({"/JavaScript", "/Launch"})


class PdfRefused(Exception):
    """The file is not taken; ``args[0]`` is one of `REFUSALS`."""


def count_pages(data: bytes) -> int:
    """Return the number of pages, at least 1, read in this very process; raises PdfRefused and nothing else.

    Damaged files are not repaired: a repaired copy may silently lack pages.
    """
    try:
        with pikepdf.open(BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            return _count(pdf)
    except PdfRefused:
        raise
    except pikepdf.PasswordError:
        raise PdfRefused("encrypted") from None
    except Exception as error:  # noqa: BLE001 - qpdf has many roots; all of them mean: this cannot be read
        raise PdfRefused("complex" if isinstance(error, MemoryError | RecursionError) else "broken") from error


def count_pages_apart(data: bytes) -> int:
    """Return the number of pages, read in a child process with limits; raises PdfRefused, also when the child dies or is slow."""
    command = [sys.executable, "-I", str(Path(__file__).resolve())]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=WALL_SECONDS_MAX, check=False)
        answer = json.loads(done.stdout) if done.returncode == 0 else {"refused": "complex"}
    except subprocess.TimeoutExpired:  # the file itself ends at CPU_SECONDS_MAX
        raise PdfRefused("busy") from None
    except ValueError:
        raise PdfRefused("complex") from None
    if "pages" in answer:
        return int(answer["pages"])
    raise PdfRefused(answer["refused"])


def _count(pdf: pikepdf.Pdf) -> int:
    if pdf.is_encrypted:  # opens without a password, but its owner forbade copying or printing
        raise PdfRefused("protected")
    if len(pdf.objects) > OBJECTS_MAX:
        raise PdfRefused("complex")
    if len(pdf.pages) == 0:
        raise PdfRefused("no_pages")
    if any(_runs_something(part) for root in pdf.objects for part in _dictionaries(root, 0)):
        raise PdfRefused("active")
    return len(pdf.pages)


def _dictionaries(node: Any, depth: int) -> Iterator[Any]:
    """Yield the dictionaries of one indirect object; what it refers to is visited on its own."""
    if depth > DEPTH_MAX:
        raise PdfRefused("complex")
    inner: Iterable[Any] = ()
    if isinstance(node, pikepdf.Dictionary):
        yield node
        inner = node.as_dict().values()
    elif isinstance(node, pikepdf.Stream):
        yield node.stream_dict
        inner = node.stream_dict.as_dict().values()
    elif isinstance(node, pikepdf.Array):
        inner = node.as_list()
    for value in inner:
        if isinstance(value, pikepdf.Object) and not value.is_indirect:
            yield from _dictionaries(value, depth + 1)


def _runs_something(part: Any) -> bool:
    kind = part.get("/S")
    return "/JS" in part or (isinstance(kind, pikepdf.Name) and str(kind) in _RUNNING_ACTIONS)


def _limit_this_process() -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_SECONDS_MAX),
        (resource.RLIMIT_FSIZE, 0),  # it writes no file
        (resource.RLIMIT_CORE, 0),  # a crash must not leave a citizen's document on the disk
    ):
        resource.setrlimit(limit, (most, most))
    most = STREAM_BYTES_MAX
    settings.set_qpdf_limits(flate_max_memory=most, run_length_max_memory=most, png_max_memory=most, tiff_max_memory=most)


def _answer(data: bytes) -> dict[str, int | str]:
    try:
        return {"pages": count_pages(data)}
    except PdfRefused as refusal:
        return {"refused": str(refusal)}


if __name__ == "__main__":
    _limit_this_process()
    sys.stdout.write(json.dumps(_answer(sys.stdin.buffer.read())))
