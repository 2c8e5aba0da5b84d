"""Erasure of a filing by a court's act: ordered at the court's own machine, signed by its chairman or a judge.

The order goes to everybody with the next exchange; this machine erases in the same transaction. The case that the filing
became is an object of its own, and so is each of its hearings and materials: an act that names several takes an order for each.
"""

from dataclasses import dataclass
from typing import Final, Literal

from common.court import erasures, filing_lists, hearing_lists, materials
from common.court.cases import case, cases_by_number, cases_of_filing
from common.court.erasures import Order
from common.db import fetch
from common.errors import N_, NotFound
from common.ids import new_object_id
from common.pki.opening import Signer
from edge.node import Node

NUMBER_CHARS_MAX: Final = 40
ORDERS_SHOWN: Final = 100
LEAVES: Final = "SELECT leaf FROM entry WHERE obj = ? AND body IS NOT NULL ORDER BY log_index IS NULL, log_index, epoch, seq"


def content(node: Node, target: bytes, *, court: str, reference: str, date: str) -> bytes:
    """Return the text to be signed; raises NotFound("erasure.nothing") where this machine holds nothing of the object."""
    return erasures.content(court=court, reference=reference, date=date, leaves=_leaves(node, target))


def order(node: Node, target: bytes, who: Signer, *, court: str, reference: str, date: str) -> int:
    """Erase everything of ``target`` by the act ``reference`` of ``date`` (ISO); return how many entries. It cannot be taken back.

    Raises Refused where the key is not of the court's chairman or a judge, or where another court holds the object.
    """
    leaves = _leaves(node, target)
    text = erasures.content(court=court, reference=reference, date=date, leaves=leaves)
    body = Order(
        target=target,
        leaves=leaves,
        court=court,
        reference=reference,
        date=date,
        content=text,
        signature=who.sign(text, at_ms=who.at_ms),
        certificate=who.certificate.sha256,
    )
    with node.journal.unit() as unit:
        unit.append(new_object_id(), body, actor=who.certificate.sha256)
        if fetch(node.database, LEAVES, (target,)):
            raise NotFound("erasure.other_court", N_("Another court holds this now: only that court can order it."))
    node.blobs.bury()
    return len(leaves)


def _leaves(node: Node, target: bytes) -> list[bytes]:
    leaves = [leaf for (leaf,) in fetch(node.database, LEAVES, (target,))]
    if not leaves:
        raise NotFound("erasure.nothing", N_("This machine holds nothing of this that could be erased."))
    return leaves


# -- for the page


@dataclass(frozen=True, slots=True)
class Target:
    """What an act may name: a filing, the case it became, a hearing or a material of that. ``entries`` and ``files`` would go.

    ``number`` is that of talon or case; ``who`` the filer's name, or what a material is called; ``starts_ms`` is of a hearing.
    """

    obj: bytes
    kind: Literal["filing", "case", "hearing", "material"]
    number: str
    who: str
    entries: int
    files: int
    starts_ms: int = 0


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that was carried out here. ``entries``: how many it names."""

    target: bytes
    court: str
    reference: str
    date: str
    entries: int


def find(node: Node, court: str, text: str) -> list[Target]:
    """Return what ``court`` holds under a talon or case number as a person writes it; empty for anything else."""
    database = node.database
    digits = "".join(sign for sign in text if sign.isalnum())[:NUMBER_CHARS_MAX]
    filings = [each for each in filing_lists.filings_by_talon(database, digits) if each.court == court]
    number = text.strip().removeprefix("№").strip()[:NUMBER_CHARS_MAX]
    cases = [each for each in cases_by_number(database, number) if each.court == court]
    filings += [found for case in cases if (found := filing_lists.filing(database, case.filing)) is not None and found.court == court]
    cases += [case for each in filings for case in cases_of_filing(database, each.obj) if case.court == court and case not in cases]
    numbers = dict.fromkeys((number, *(case.number for case in cases)))
    heard = [each.obj for one in numbers for each in hearing_lists.written(database, court=court, number=one)]
    joined = [each.obj for one in numbers for each in materials.written(database, court=court, number=one)]
    named = dict.fromkeys((*(each.obj for each in filings), *(each.obj for each in cases), *heard, *joined))
    return [target for obj in named if (target := of(node, court, obj))]


def of(node: Node, court: str, obj: bytes) -> Target | None:
    """Return a filing, case, hearing or material that ``court`` holds, None for everything else."""
    database = node.database
    [(entries,)] = fetch(database, "SELECT COUNT(*) FROM entry WHERE obj = ? AND body IS NOT NULL", (obj,))
    named = "SELECT COUNT(DISTINCT r.sha256) FROM blob_ref r JOIN entry e ON e.leaf = r.leaf WHERE e.obj = ?"
    [(files,)] = fetch(database, named, (obj,))
    filing, held = filing_lists.filing(database, obj), case(database, obj)
    if filing is not None and filing.court == court:
        return Target(obj, "filing", filing.talon, filing.filer_name, entries, files)
    if held is not None and held.court == court:
        return Target(obj, "case", held.number, "", entries, files)
    joined = materials.material(database, obj)
    if joined is not None and joined.court == court:
        return Target(obj, "material", joined.number, joined.title, entries, files)
    heard = hearing_lists.written(database, court=court, obj=obj)
    return Target(obj, "hearing", heard[0].number, "", entries, files, heard[0].starts_ms) if heard else None


def orders(node: Node, court: str) -> list[Ordered]:
    """Return the orders of ``court``, the newest first."""
    statement = """SELECT target, court, reference, date, COUNT(*) FROM erasure WHERE court = ?
                   GROUP BY obj ORDER BY MIN(log_index) < 0 DESC, MIN(log_index) DESC LIMIT ?"""
    return [Ordered(*row) for row in fetch(node.database, statement, (court, ORDERS_SHOWN))]
