"""`python -m tests.fuzz TARGET [--seconds N]` (make fuzz): a door under fire, guided by coverage where atheris is installed.

Prints how many inputs were tried. What comes out of a door but our own errors, what takes too long and what takes too much
memory ends the run with a status that is not 0; the input lies in the working folder. A finding becomes a file in
`tests/fuzz/corpus/TARGET`, is mended, and from then on CI tries it. `pip install -e '.[fuzz]'` installs atheris.
"""

import argparse
import contextlib
import io
import logging
import resource
import sys
from pathlib import Path

MEMORY_MB = 1536
"""Of the whole process: a door may not take more, whatever comes in."""
PACKAGES = ["common", "sync"]
ARITHMETIC = ["common.pki.gost", "common.pki.gost94", "common.pki.streebog", "common.pki.rc2"]
"""Not watched: nine tenths of the time, and no branch that bytes from outside could choose."""
DEEPER = {"pdf": ["pyhanko"]}
"""Whose library is watched too: it makes every input many times slower."""


def main() -> int:
    """Run one target, or name them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", help="a name of the table; without it the names are printed")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("run/fuzz"), help="where the inputs that were found go")
    parser.add_argument("--plain", action="store_true", help="without coverage, though atheris be installed")
    given = parser.parse_args()
    guided = given.target is not None and not given.plain and _instrument(given.target)
    from tests.fuzz.targets import TARGETS  # after the instrumentation, which works on imports

    if given.target not in TARGETS:
        print(*TARGETS, sep="\n")
        return 0 if given.target is None else 2
    folder = (given.folder / given.target).resolve()
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    logging.disable()  # pyHanko tells its log about each oddity of a file
    if guided:
        return _guided(given.target, folder, seconds=given.seconds, seed=given.seed)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * 1024 * 1024, resource.RLIM_INFINITY))
    from tests.fuzz import plain

    done = plain.run(given.target, TARGETS[given.target](), executions=sys.maxsize, seconds=given.seconds, seed=given.seed)
    print(f"{given.target}: {done} executions, nothing found")
    return 0


def _instrument(name: str) -> bool:
    """Import everything under coverage; return whether atheris is here."""
    try:
        import atheris
    except ImportError:
        return False
    with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(PACKAGES + DEEPER.get(name, []), ARITHMETIC):
        import tests.fuzz.targets  # noqa: F401
    return True


def _guided(name: str, folder: Path, *, seconds: int, seed: int) -> int:
    """Hand the door to libFuzzer, which ends this process: 0, or 77 with the input in ``folder``."""
    import atheris

    from tests.fuzz.doors import enter
    from tests.fuzz.plain import CORPUS
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]()
    seeds = folder / "seeds"
    seeds.mkdir(exist_ok=True)
    for number, data in enumerate(target.seeds):
        (seeds / str(number)).write_bytes(data)
    corpora = [folder / "inputs", seeds, *([CORPUS / name] if (CORPUS / name).is_dir() else [])]
    options = {
        "max_total_time": seconds,
        "timeout": int(target.seconds_max * 2),
        "rss_limit_mb": MEMORY_MB,
        "max_len": target.bytes_max,
        "seed": seed,
        "artifact_prefix": f"{folder}/found-",
        "print_final_stats": 1,
    }
    arguments = [f"fuzz-{name}", *(f"-{key}={value}" for key, value in options.items()), *map(str, corpora)]
    atheris.Setup(arguments, lambda data: enter(target, data))
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
