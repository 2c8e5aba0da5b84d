"""Every type of data is looked at before there are threads: two that read one for the first time at once end the process."""

import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import gc, sys, tempfile
from pathlib import Path
import msgspec
import central.app, central.centre, central.cli, edge.app, edge.cli, edge.node
from sync.messages import CONTENT_TYPES
from tests.court import Court

def is_known(kind):
    return any(type(each).__name__ == "StructInfo" for each in gc.get_referents(kind))

def below(kind):
    return [each for sub in kind.__subclasses__() for each in (sub, *below(sub))]

if sys.argv[1] == "edge":  # what the centre did beside it in this process is not the node's
    central.centre.know_types = lambda: None
with tempfile.TemporaryDirectory() as folder:
    court = Court(Path(folder))
    if sys.argv[1] == "edge":
        court.node()
kinds = below(msgspec.Struct)
assert set(CONTENT_TYPES) <= set(kinds) and len(kinds) > 100
print(*sorted(kind.__qualname__ for kind in kinds if not is_known(kind)))
"""


@pytest.mark.parametrize("side", ["edge", "central"])
def test_a_machine_that_starts_knows_every_type(side: str) -> None:
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", LOOK, side], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "\n", "")
