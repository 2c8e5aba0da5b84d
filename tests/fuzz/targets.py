"""The table of targets: name → what makes it. A new door from outside gets a line in one of the tables joined here."""

from collections.abc import Callable

from tests.fuzz import doors_evidence, doors_machines, doors_papers, doors_pki, doors_revocation, doors_sync
from tests.fuzz.doors import Target

TABLES = (doors_pki.DOORS, doors_revocation.DOORS, doors_sync.DOORS, doors_machines.DOORS, doors_evidence.DOORS, doors_papers.DOORS)
TARGETS: dict[str, Callable[[], Target]] = {name: make for table in TABLES for name, make in table.items()}
