"""When the line of this machine was down: a record that lasts, and a certificate of it for anybody.

- Written after each exchange over the line, from what it came to; a stick neither begins nor ends an outage.
- A machine that is switched off tries nothing: what the record says of that time is the last try before and the first after.
- The certificate names no person, so that anybody may have it. It says and decides nothing of terms: that is the court's.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from common.court import terms
from common.court.filing_lists import Filing
from common.db import Database, IntegerField, Table, create_tables, fetch, insert, transaction
from common.errors import N_, CourtError, NotFound, Refused, Unreachable
from common.papers.outage import OutagePaper, Row, outage_pdf
from common.papers.qr import encode_qr
from common.pki import pades
from common.pki.keystore import key_from_ec
from edge.node import Node
from edge.services import statements
from sync.outages import LISTED_MAX, VERSION, Outage, Outages, sign_outages

KEPT_MAX: Final = 5000
"""Several a day for years; the oldest beyond are forgotten."""
SHOWN_MAX: Final = 50
PERIOD_DAYS_MAX: Final = 92
SIGNATURE_FIELD: Final = "Court"
DAY_MS: Final = 86_400_000
LASTING: Final = "SELECT id FROM outage WHERE ended_ms IS NULL"


class OutageRow(Table):
    """One outage; ``ended_ms`` and ``after`` are null while it lasts. As `sync.outages.Outage`."""

    id = IntegerField(primary_key=True)
    began_ms = IntegerField(index=True)
    last_ms = IntegerField()
    ended_ms = IntegerField(null=True)
    tries = IntegerField()
    before = IntegerField()
    after = IntegerField(null=True)

    class Meta:
        table_name = "outage"


@dataclass(frozen=True, slots=True)
class Down:
    """One outage with the days that its certificate covers."""

    outage: Outage
    first: date
    last: date


def create(database: Database) -> None:
    """Create the table of outages."""
    create_tables(database, [OutageRow])


def note(node: Node, error: CourtError | None) -> None:
    """Remember what an exchange over the line says of it: it failed for the line, or the centre answered."""
    down = isinstance(error, Unreachable)
    if error is not None and not down and not node.client.outcome.bytes_down:
        return  # a fault of this machine: nothing is known of the line
    if not down and not fetch(node.database, LASTING):
        return  # as nearly always: only this exchange, which is one at a time, writes outages
    with transaction(node.database):
        tried, contact, size = fetch(node.database, "SELECT tried_ms, contact_ms, size FROM sync")[0]
        lasting = fetch(node.database, LASTING)
        if down and lasting:
            fetch(node.database, "UPDATE outage SET last_ms = MAX(last_ms, ?), tries = tries + 1 WHERE ended_ms IS NULL", (tried,))
        elif down:
            _begin(node, tried, size)
        elif lasting:
            ended = node.clock.now() if error else contact
            statement = "UPDATE outage SET ended_ms = MAX(last_ms, ?), after = ? WHERE ended_ms IS NULL"
            fetch(node.database, statement, (ended, size))


def _begin(node: Node, at_ms: int, size: int) -> None:
    row: dict[str, Any] = {"began_ms": at_ms, "last_ms": at_ms, "ended_ms": None, "tries": 1, "before": size, "after": None}
    insert(node.database, OutageRow, [row])
    fetch(node.database, "DELETE FROM outage WHERE id <= (SELECT MAX(id) FROM outage) - ?", (KEPT_MAX,))


def recent(node: Node) -> list[Down]:
    """Return the newest outages, the newest first."""
    return [_down(node, each) for each in _outages(node, "1 ORDER BY began_ms DESC, id DESC LIMIT ?", SHOWN_MAX)]


def around(node: Node, filing: Filing) -> Down | None:
    """Return the outage in which this machine took ``filing``, or None."""
    if filing.node != node.number:
        return None
    found = _outages(node, "began_ms <= ?1 AND (ended_ms IS NULL OR ended_ms > ?1) ORDER BY began_ms DESC LIMIT 1", filing.received_ms)
    return _down(node, found[0]) if found else None


def statement(node: Node, first: date, last: date) -> Outages:
    """Return what this machine says of the days ``first`` to ``last`` of Kazakhstan's calendar, until now.

    Raises Refused("outage.period") for days that are none, NotFound("outage.none") when the line was not down in them.
    """
    now = node.clock.now()
    if not first <= last <= terms.local_date(now) or (last - first).days >= PERIOD_DAYS_MAX:
        raise Refused("outage.period", N_("Choose days up to today, at most %(days)d of them."), days=PERIOD_DAYS_MAX)
    since, until = terms.moment_of(first), min(terms.moment_of(last) + DAY_MS, now + 1)
    found = _outages(node, "began_ms < ?2 AND (ended_ms IS NULL OR ended_ms > ?1) ORDER BY began_ms", since, until)
    if not found:
        raise NotFound("outage.none", N_("In these days this machine has no record of the line being down."))
    longest = sorted(found, key=lambda each: each.began - _end(each))[:LISTED_MAX]
    return Outages(
        v=VERSION,
        node=node.number,
        since=since,
        until=until,
        made=now,
        count=len(found),
        down=_together(found, since, until),
        outages=sorted(longest, key=lambda each: each.began),
    )


def pdf(node: Node, first: date, last: date) -> bytes:
    """Return the certificate of these days, signed by this machine; raises as `statement`."""
    said, era, book = statement(node, first, last), node.identity.now, node.book()
    signed = sign_outages(said, era)
    courts = [statements.paper_court(book, court) for court in map(book.find_court, node.courts()) if court]
    page = outage_pdf(
        OutagePaper(
            made_at=said.made,
            courts=tuple(court.name for court in courts),
            node=f"{node.number:04}",
            since=said.since,
            until=said.until,
            count=said.count,
            down_ms=said.down,
            rows=tuple(Row(each.began, each.last, each.ended, each.tries, each.before, each.after) for each in said.outages),
            qr_text=encode_qr(signed),
            statement=signed,
            node_certificate=era.certificate.data,
        )
    )
    key = key_from_ec(era.pdf, era.certificate.body.pdf)
    return pades.sign_pdf(page, key, at_ms=said.made, field=SIGNATURE_FIELD, name=key.certificate.subject)


def _together(found: list[Outage], since: int, until: int) -> int:
    """Return how many ms of the period lie in outages, each once: a clock that was set back may make them overlap."""
    total, reached = 0, since
    for each in found:
        begin, end = max(each.began, reached), min(_end(each), until)
        total += max(end - begin, 0)
        reached = max(reached, end)
    return total


def _end(outage: Outage) -> int:
    return outage.last if outage.ended is None else outage.ended


def _down(node: Node, outage: Outage) -> Down:
    today = terms.local_date(node.clock.now())
    first = min(terms.local_date(outage.began), today)
    last = today if outage.ended is None else min(terms.local_date(outage.ended), today)
    return Down(outage, first, max(first, min(last, first + timedelta(days=PERIOD_DAYS_MAX - 1))))


def _outages(node: Node, where: str, *parameters: int) -> list[Outage]:
    rows = fetch(node.database, f"SELECT began_ms, last_ms, ended_ms, tries, before, after FROM outage WHERE {where}", parameters)
    return [Outage(*row) for row in rows]
