"""When a filing was really signed: what proves it, beside what the machine's clock said.

Without a timestamp the proof is an interval: after the newest words of the centre that the author held, before the first
words of the centre that follow it in the register. A timestamp of the national service over the signature, which the centre
asks for once there is a line, may bring its end forward.
"""

from dataclasses import dataclass
from typing import Final

from common.court.filing_lists import Filing, evidence, form
from common.court.lines import Line, line
from common.errors import N_, Refused
from common.pki import cms, timestamps
from edge.node import Node
from sync.bounds import Bounds, bounds_of

CLOCK_TOLERANCE_MS: Final = 5 * 60_000
"""How far two honest clocks may differ before it is said aloud."""
WRONG: Final = N_("The claimed time is outside this interval: the machine's clock was wrong.")


@dataclass(frozen=True, slots=True)
class Interval:
    """What is proved of the moment of signing, in ms UTC; ``lines`` say by what, the last one that the claimed time is ``outside``.

    ``head``: entries of the register's newest head that the machine knew, 0 for none. ``sound``: no evidence here is broken.
    """

    head: int
    after_ms: int | None
    before_ms: int | None
    lines: tuple[Line, ...]
    outside: bool
    sound: bool = True


def interval(node: Node, filing: Filing) -> Interval:
    """Return what this machine can prove of when ``filing`` was signed."""
    bounds = bounds_of(node.database, filing.leaf)
    stamped, said, sound = _stamp(node, filing)
    earliest = min((moment for moment in (bounds.before_ms, stamped) if moment is not None), default=None)
    early = bounds.after_ms is not None and filing.submitted_ms < bounds.after_ms - CLOCK_TOLERANCE_MS
    late = earliest is not None and filing.submitted_ms > earliest + CLOCK_TOLERANCE_MS
    wrong = (line(WRONG),) if early or late else ()
    return Interval(bounds.head, bounds.after_ms, earliest, (_after(bounds), _before(bounds), said, *wrong), early or late, sound)


def _after(bounds: Bounds) -> Line:
    if bounds.after_ms is None:
        return line(N_("The beginning of the interval is not proved: the machine had not met the register yet."))
    sentence = N_("Proved: after %(after_ms)s, by the register's statement about %(head)d entries, which the machine knew.")
    return line(sentence, after_ms=bounds.after_ms, head=bounds.head)


def _before(bounds: Bounds) -> Line:
    if bounds.before_ms is None:
        return line(N_("The end of the interval comes with a later exchange."))
    if bounds.own_clock:
        sentence = N_("Proved: it was in the register when this machine's clock showed %(before_ms)s.")
        return line(sentence, before_ms=bounds.before_ms)
    return line(N_("Proved: before %(before_ms)s, by its place in the register."), before_ms=bounds.before_ms)


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
