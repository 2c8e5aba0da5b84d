"""Checking what a machine certifies of its line, and whether the register's heads agree with its clock (PROTOCOL 9.9 and 9.10)."""

from common.db import fetch, has_table
from common.errors import N_
from sync import cose, revocations
from sync.identity import NodeCertificate
from sync.outages import Outage, read_outages
from sync.report import Report
from sync.verify_world import World


def outages(world: World, data: bytes, report: Report, certificate: NodeCertificate | None = None) -> None:
    """Check a statement about the line: who signed, what it says, what the heads known here say of its times."""
    signer = certificate or world.certificate_of(cose.parse(data).key_id)
    found = read_outages(data, signer)
    report.facts |= {"node": found.node, "from_ms": found.since, "until_ms": found.until, "at_ms": found.made, "outages": found.count}
    report.ok(
        N_("Machine %(node)s certifies when its line to the centre was down between %(from_ms)s and %(until_ms)s; outages: %(count)d."),
        node=f"{found.node:04}",
        count=found.count,
        from_ms=found.since,
        until_ms=found.until,
    )
    for each in found.outages:
        if each.ended is None:
            sentence = N_("Down since %(began_ms)s; tries that failed: %(tries)d, the last at %(last_ms)s.")
            report.ok(sentence, began_ms=each.began, last_ms=each.last, tries=each.tries)
        else:
            sentence = N_("Down from %(began_ms)s to %(ended_ms)s; tries that failed: %(tries)d.")
            report.ok(sentence, began_ms=each.began, ended_ms=each.ended, tries=each.tries)
    if len(found.outages) < found.count:
        report.warn(N_("Only the longest are listed."))
    _say_clock(world, found.outages, report)
    if revocations.standing_of(world.database, found.node, world.register()).cut is not None:
        report.warn(N_("This machine was excluded later."))


def _say_clock(world: World, listed: list[Outage], report: Report) -> None:
    """A head that the machine held is older than the moment at which it held it; a clock that says otherwise is flagged."""
    held = [(size, at) for each in listed for size, at in ((each.before, each.began), (each.after, each.ended)) if size and at is not None]
    if not has_table(world.database, "checkpoint"):
        report.warn(N_("The times are those of the machine's clock. The centre can hold them against the register's statements."))
        return
    made = {size: fetch(world.database, "SELECT made_ms FROM checkpoint WHERE size = ?", (size,)) for size, _ in held}
    if any(not made[size] for size, _ in held):
        report.bad(N_("The machine names a statement that the register never made."), "outages.head")
    elif any(made[size][0][0] > at for size, at in held):
        report.warn(N_("The machine's clock was behind: it names statements of the register that were made later. People decide."))
    elif held:
        report.ok(N_("The register's statements agree with these times."))
