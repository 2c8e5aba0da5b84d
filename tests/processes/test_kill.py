"""kill -9 of real processes, again and again: nothing acknowledged is lost, nothing is there twice.

The seed is printed with every failure and can be given: SEED=123 pytest tests/processes/test_kill.py
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from common.court.filing_lists import Filing, filing_of_draft
from common.db import Database, fetch, open_database
from tests.processes.citizen import Citizen, Holder
from tests.processes.machines import Country, Machine
from tests.web.filing_world import COURT, fill, shown_on

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SEED", "7"))
NODE_KILLS = int(os.environ.get("KILLS", "30"))
CENTRE_KILLS = 8
DRAFTS_AT_ONCE = 10
MOMENTS = ("anywhere", "first write", "commit")
AFTER_WRITE_SECONDS = 0.04
"""Files become durable first; the commit follows within about this time."""
AFTER_COMMIT_SECONDS = 0.004
"""Then come the mark and the answer."""

NewCountry = Callable[..., Country]


@dataclass
class Signing:
    """The post that signs and sends, on its way in a thread of its own."""

    citizen: Citizen
    address: str
    shown: str
    status: int = 0
    seconds: float = 0.0
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._post)
        self.thread.start()

    def _post(self) -> None:
        started = time.perf_counter()
        try:
            answer = self.citizen.post(f"{self.address}/review", {"shown": self.shown}, key=True)
        except requests.RequestException:  # the machine died before it had answered
            return
        self.status = answer.status_code
        self.seconds = time.perf_counter() - started


def sign(citizen: Citizen, address: str) -> Signing:
    """Begin to sign the draft at ``address``."""
    return Signing(citizen, address, shown_on(citizen, address))  # type: ignore[arg-type]


def id_of(address: str) -> bytes:
    return bytes.fromhex(address.rpartition("/")[2])


def is_draft(database: Database, id: bytes) -> bool:
    return bool(fetch(database, "SELECT 1 FROM draft d JOIN draft_key k ON k.id = d.id WHERE d.id = ?", (id,)))


def wait_to_kill(dice: random.Random, moment: str, signing: Signing, usual: float, data: Path) -> None:
    """Wait for a random moment: anywhere in the request, just after its first write, or just after its commit."""
    if moment == "anywhere":
        time.sleep(dice.uniform(0, usual * 1.1))
        return
    log, id = data / "node.db-wal", id_of(signing.address)
    before = log.stat().st_mtime_ns
    database = open_database(data / "node.db")
    while signing.thread.is_alive():
        if moment == "commit" and filing_of_draft(database, id) is not None:
            break
        if moment == "first write" and log.stat().st_mtime_ns != before:
            break
        time.sleep(0.0005)
    database.close()
    time.sleep(dice.uniform(0, AFTER_WRITE_SECONDS if moment == "first write" else AFTER_COMMIT_SECONDS))


def test_a_node_killed_while_a_claim_is_sent_loses_nothing(new_country: NewCountry, holder: Holder) -> None:
    """Row 51: SIGKILL around the signing of a claim."""
    dice = random.Random(SEED)
    country = new_country()
    centre = country.centre(holder.certificates)
    node = country.node(1976, COURT, trusted=holder.certificates)
    citizen = Citizen(node.url, holder)
    citizen.enter()
    first = sign(citizen, fill(citizen))  # type: ignore[arg-type]
    first.thread.join()
    assert first.status == 303
    shown: dict[str, str] = {}
    drafts, sent = deque[str](), [first.address]
    cut = {"before": 0, "after": 0, "answered": 0}
    for number in range(NODE_KILLS):
        if not drafts:
            drafts.extend(fill(citizen) for _ in range(DRAFTS_AT_ONCE))  # type: ignore[arg-type]
        signing = sign(citizen, drafts.popleft())
        when = f"seed {SEED}, kill {number}"
        assert shown.setdefault(signing.address, signing.shown) == signing.shown, when  # the very document that was read before
        wait_to_kill(dice, MOMENTS[number % len(MOMENTS)], signing, first.seconds, node.data)
        node.kill()
        signing.thread.join()
        node.start()
        place = check_after_kill(node, signing, when)
        cut[place] += 1
        (drafts if place == "before" else sent).append(signing.address)
    print(cut)  # noqa: T201 - says how the kills fell when the test is run with -s
    assert len(MOMENTS) > NODE_KILLS or (cut["before"] and cut["after"] + cut["answered"]), "the kills do not fall around the commit"
    for address in drafts:
        last = sign(citizen, address)
        last.thread.join()
        assert last.status == 303
    check_register(centre, node, citizen, [id_of(address) for address in (*sent, *drafts)])


def check_after_kill(node: Machine, signing: Signing, when: str) -> str:
    """The draft is intact, or it is filed: never both, never neither, and never a draft after the answer."""
    id = id_of(signing.address)
    database = open_database(node.data / "node.db")
    filed, draft = filing_of_draft(database, id) is not None, is_draft(database, id)
    database.close()
    assert filed != draft, when
    assert filed or signing.status == 0, when
    if draft:
        return "before"
    return "answered" if signing.status else "after"


def check_register(centre: Machine, node: Machine, citizen: Citizen, drafts: list[bytes]) -> None:
    """After one exchange every filing stands once, here and there, under talons of their own; fsck finds nothing."""
    node.command("sync")
    centre.command("sync")
    here, there = open_database(node.data / "node.db"), open_database(centre.data / "centre.db")
    found: list[Filing] = []
    for id in drafts:
        filing = filing_of_draft(here, id)
        assert filing is not None
        found.append(filing)
    assert len({filing.talon for filing in found}) == len(drafts)
    assert fetch(here, "SELECT COUNT(*) FROM filing_row") == fetch(there, "SELECT COUNT(*) FROM filing_row") == [(len(drafts),)]
    for id, filing in zip(drafts, found, strict=True):
        where = citizen.get(f"/filings/drafts/{id.hex()}/review")  # the talon waits where the draft was
        assert where.headers["Location"].startswith(f"/filings/{filing.obj.hex()}")
        [(index,)] = fetch(there, "SELECT log_index FROM entry WHERE leaf = ?", (filing.leaf,))
        assert fetch(here, "SELECT log_index FROM entry WHERE leaf = ?", (filing.leaf,)) == [(index,)]
        assert citizen.get(f"/filings/{filing.obj.hex()}/talon.pdf").content.startswith(b"%PDF-")
    assert fetch(here, "SELECT epoch FROM journal") == [(1,)]  # a power cut is no restored disk
    assert fetch(here, "SELECT COUNT(*) FROM quarantine") == fetch(there, "SELECT COUNT(*) FROM quarantine") == [(0,)]
    here.close()
    there.close()
    assert "Everything is what the entries say." in node.command("fsck")
    assert "Everything is what the entries say." in centre.command("fsck")
