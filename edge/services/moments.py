"""When a filing was really signed: what proves it, beside what the machine's clock said.

Without a timestamp the proof is an interval: after the newest words of the centre that the author held, before the first
words of the centre that follow it in the register. A timestamp of the national service over the signature, which the centre
asks for once there is a line, may bring its end forward.
"""

from dataclasses import dataclass

from common.court.filing_lists import Filing, evidence, form
from common.court.lines import Line, line
from common.db import fetch
from common.errors import N_, Refused
from common.pki import cms, timestamps
from edge.node import Node
from sync.entry import decode_envelope
from sync.lineage import earlier_size
from sync.receipts import ladder_of
from sync.tables import entry_at

CENTRE = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """What is proved of the moment of signing, in ms UTC; ``lines`` say by what. ``sound``: no evidence here is broken."""

    after_ms: int | None
    before_ms: int | None
    lines: tuple[Line, ...]
    sound: bool = True


def interval(node: Node, filing: Filing) -> Interval:
    """Return what this machine can prove of when ``filing`` was signed."""
    found = entry_at(node.database, filing.leaf)
    beacon, index = (0, None)
    if found:  # of a log that ended since, no more counts than the present one continues
        beacon, index = earlier_size(node.database, found[0].envelope.time, found[0].envelope.beacon), found[1]
    after = _centre_time(node, "log_index < ? ORDER BY log_index DESC", beacon)
    follows = _centre_time(node, "log_index > ? ORDER BY log_index", index) if index is not None else None
    logged = ladder_of(node.database, filing.leaf).logged_ms
    before = min((moment for moment in (follows, logged) if moment is not None), default=None)
    lines = []
    if after is not None:
        lines.append(line(N_("Proved: after %(after_ms)s, by the register it knew."), after_ms=after))
    if before is not None:
        lines.append(line(N_("Proved: before %(before_ms)s, by its place in the register."), before_ms=before))
    else:
        lines.append(line(N_("The end of the interval comes with a later exchange.")))
    stamped, said, sound = _stamp(node, filing)
    earliest = min((moment for moment in (before, stamped) if moment is not None), default=None)
    return Interval(after, earliest, (*lines, said), sound)


def _stamp(node: Node, filing: Filing) -> tuple[int | None, Line, bool]:
    """Return (moment that a good timestamp proves, what is said of it, whether nothing is wrong with it)."""
    tokens = [each.data for each in evidence(node.database, filing.obj) if (each.kind, each.signer) == ("timestamp", 0)]
    if not tokens:
        return None, line(N_("There is no timestamp of the national service; the interval is the proof.")), True
    shown = form(node.database, filing.obj)
    try:
        signature = cms.read(shown.signature if shown is not None else b"").signers[0].signature
        found, _ = timestamps.check(tokens[0], signature, node.trust, now_ms=node.clock.now())
    except Refused as error:
        if error.code == "pki.untrusted":  # no contradiction: this machine does not know the service's certification centre
            return None, line(N_("There is a timestamp, of a service that is not trusted here.")), True
        return None, Line(error.sentence, error.params), False
    return found.at_ms, line(N_("Proved: before %(stamped_ms)s, by a timestamp of the national service."), stamped_ms=found.at_ms), True


def _centre_time(node: Node, where: str, index: int) -> int | None:
    rows = fetch(node.database, f"SELECT envelope FROM entry WHERE node = {CENTRE} AND {where} LIMIT 1", (index,))
    return decode_envelope(rows[0][0]).time if rows else None
