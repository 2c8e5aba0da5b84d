"""A trial of this version on a copy of the machine's data: fold everything anew, compare, and throw the copy away.

`python -m edge update` runs it with the new version before the old one lets go; nothing of the running machine is written.
"""

import shutil
from pathlib import Path

import apsw
import msgspec

from common.clock import Clock
from common.files import make_folder
from edge.config import EdgeConfig
from edge.node import CENTRE_CERTIFICATE_FILE, Node
from sync import commands
from sync.identity import load_identity

FOLDER = "trial"


def run(config: EdgeConfig, clock: Clock) -> int:
    """Return 0 when this version says of the data what its entries say, else 1; files are left out, for no version changes them."""
    data = Path(config.data)
    place = data / FOLDER  # the same encrypted disk, the same owner
    shutil.rmtree(place, ignore_errors=True)
    try:
        _copy(data, make_folder(place))
        # the keys stay where they are, and so does the mark: the copy is no second machine, it says nothing to anybody
        node = Node(msgspec.structs.replace(config, data=str(place), high_water=""), load_identity(data), clock)
        try:
            node.start()
            return commands.examine(node.database, node.fold, None, clock, node.identity.environment, anew=True)
        finally:
            node.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _copy(data: Path, place: Path) -> None:
    source = apsw.Connection(str(data / "node.db"), flags=apsw.SQLITE_OPEN_READONLY)
    copy = apsw.Connection(str(place / "node.db"))
    with copy.backup("main", source, "main") as step:
        step.step(-1)
    copy.close()
    source.close()
    shutil.copy(data / CENTRE_CERTIFICATE_FILE, place)
    (place / "trust").symlink_to(data.resolve() / "trust")
