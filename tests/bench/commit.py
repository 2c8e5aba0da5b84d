"""(a) A filing's commit with journal, over the same rows written without it by the same library, both with synchronous=FULL.

Both halves forget the draft and write every row of the filing. The journal's half also makes, chains and stores the entry,
folds it into the rows, and writes the high-water mark: a second flush of the disk, which must follow the first. The time that
signatures take is taken out and shown apart.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.court import filing_tables
from common.db import create_tables, insert, open_database, rows_of, transaction
from common.version import VERSION
from edge.node import Node
from edge.services import drafts, filings, signing, statements
from edge.services.drafts import DraftInvitedRow, DraftKeyRow, DraftRow
from edge.services.filings import ReceivedRow
from tests.bench.measure import Line, at_most, in_turns, ms, seconds
from tests.bench.world import World, begin_claim, counting, open_for

GOAL = 1.5
TABLES = (*filing_tables.TABLES, ReceivedRow)


def run(world: World, folder: Path, *, rounds: int) -> list[Line]:
    """Return the lines of this part."""
    node, filer = world.node, world.filers[0]
    plain = open_database(folder / "plain.db")
    create_tables(plain, (*TABLES, DraftRow, DraftKeyRow, DraftInvitedRow))
    for database in (node.database, plain):  # a citizen's draft is there until the commit
        _remember_drafts(database, rounds)
    ready: list[dict[type[Any], list[dict[str, Any]]]] = []

    def with_journal(number: int) -> float:
        obj, body = world.another(filer)

        def commit() -> None:
            with node.journal.unit() as unit:
                unit.append(obj, body, blobs=filer.blobs, actor=filer.actor)
                insert(unit.database, ReceivedRow, [{"obj": obj, "contact_ms": unit.now, "software": VERSION}])
                drafts.forget(unit.database, _draft(number))

        before = counted.spent
        took = seconds(commit)
        ready.append({table: rows_of(node.database, table.select().where(table.obj == obj)) for table in TABLES})
        return took - (counted.spent - before)

    def without(number: int) -> float:
        rows = ready.pop()

        def commit() -> None:
            with transaction(plain):
                for table, mine in rows.items():
                    insert(plain, table, mine)
                drafts.forget(plain, _draft(number))

        return seconds(commit)

    with counting(node) as counted, _marks(node) as marks:
        journal, rows = in_turns(rounds, with_journal, without)
        signatures = counted.spent / world.made
    plain.close()
    whole, signed = _whole(world, rounds=max(rounds // 20, 2))
    return [
        at_most("a filing's commit with journal, over its rows alone", f"{ms(journal)} / {ms(rows)}", journal / rows, GOAL),
        Line("of which the mark's own flush to the disk, after the database's", ms(statistics.median(marks))),
        Line("verifying the statement's signature in the fold (taken out above)", ms(signatures)),
        Line("sending as the citizen waits for it: checks, signature, files, commit", ms(whole)),
        Line("of which signing and reading the signature back", ms(signed)),
    ]


@contextmanager
def _marks(node: Node) -> Iterator[list[float]]:
    """Note how long each write of the high-water mark takes."""
    taken: list[float] = []
    write = node.highwater.write
    node.highwater.write = lambda mark: taken.append(seconds(lambda: write(mark)))  # type: ignore[method-assign]
    yield taken
    node.highwater.write = write  # type: ignore[method-assign]


def _whole(world: World, *, rounds: int) -> tuple[float, float]:
    node, filer = world.node, world.filers[0]
    visitor = filer.visitor

    def submit(number: int) -> float:
        draft = begin_claim(node, visitor)
        paper = statements.prepare(node, visitor, draft).content.paper
        assert paper is not None
        return seconds(lambda: filings.submit(node, visitor, draft, open_for(node, filer.key), shown=paper.sha256))

    def sign(number: int) -> float:
        draft = begin_claim(node, visitor)
        pdf = statements.read_statement(node, visitor, statements.prepare(node, visitor, draft))
        taken = seconds(lambda: signing.sign_statement(pdf, open_for(node, filer.key)))
        drafts.erase(node, visitor, draft)
        return taken

    whole, signed = in_turns(rounds, submit, sign)
    return whole, signed


def _draft(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _remember_drafts(database: Any, rounds: int) -> None:
    sealed = bytes(4096)
    row = {"author": bytes(32), "code": bytes(32), "sealed": sealed, "created_ms": 1, "saved_ms": 1 << 45}
    with transaction(database):
        for number in range(rounds + 10):
            insert(database, DraftRow, [{"id": _draft(number), **row}])
            insert(database, DraftKeyRow, [{"id": _draft(number), "wrapped": bytes(60)}])
