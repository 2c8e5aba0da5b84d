"""Erasure of a filing by a court's act: ordered at the court's own machine, signed by its chairman or a judge.

The order goes to everybody with the next exchange; this machine erases in the same transaction. The case that the filing
became is an object of its own: an act that names both takes an order for each.
"""

from typing import Final

from common.court import erasures
from common.court.erasures import Order
from common.db import fetch
from common.errors import N_, NotFound
from common.ids import new_object_id
from common.pki.opening import Signer
from edge.node import Node

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
