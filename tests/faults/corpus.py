"""Bodies of entries as they were once released: `python -m tests.faults.corpus` adds what is missing and never changes what is there.

A register is read for decades: whoever changes a body finds here that old ones must still be read, and with all they say.
"""

import sys
from pathlib import Path
from typing import Any

from common import canonical
from common.court.subjects import SUBJECTS
from common.errors import CourtError
from common.facts import Body, decode_body, encode_body

FOLDER = Path(__file__).with_name("bodies")
UNIT = Path(__file__).resolve().parents[1] / "unit" / "court"
TYPES = {name: kind for subject in SUBJECTS for name, kind in subject.TYPES.items()}


def path_of(type: str) -> Path:
    """Return where the body of ``type`` is kept."""
    return FOLDER / f"{type.replace('/', '-')}.cbor"


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.cbor"))


def missing() -> list[str]:
    """Return the types without a body on record."""
    return sorted(name for name in TYPES if not path_of(name).exists())


def problem(path: Path) -> str:
    """Return "" when today's program reads the body and every key of it, else what is wrong."""
    name = path.stem.rpartition("-")[0] + "/" + path.stem.rpartition("-")[2]
    if name not in TYPES:
        return "its type is not read any more"
    data = path.read_bytes()
    try:
        body: Body = decode_body(data, TYPES[name])
    except CourtError as error:
        return error.code
    lost = _lost(canonical.decode(data), canonical.decode(encode_body(body)))
    return f"lost: {lost}" if lost else ""


def _lost(old: Any, new: Any) -> str:
    """Return where ``new`` does not say what ``old`` says; what was added since does not count."""
    if isinstance(old, dict) and isinstance(new, dict):
        return next((f"{key}.{where}" for key, value in old.items() if (where := _lost(value, new.get(key)))), "")
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return next((f"{place}.{where}" for place, pair in enumerate(zip(old, new, strict=True)) if (where := _lost(*pair))), "")
    return "" if old == new else "value"


def main() -> None:
    sys.path.insert(0, str(UNIT))
    from test_subjects import BODIES

    FOLDER.mkdir(exist_ok=True)
    for name in missing():
        path_of(name).write_bytes(encode_body(BODIES[name]))


if __name__ == "__main__":
    main()
