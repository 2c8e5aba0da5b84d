"""Erasure ordered by the centre: for objects that no court's machine holds any more, or by an act that binds the register."""

from central.centre import Centre
from common.court.erasures import Order
from common.db import fetch
from common.errors import N_, NotFound, Refused
from common.ids import new_object_id

LEAVES = "SELECT leaf FROM entry WHERE obj = ? AND body IS NOT NULL ORDER BY log_index"


def order(centre: Centre, target: bytes, *, reference: str, date: str) -> int:
    """Erase everything of the object ``target`` by the act ``reference`` of ``date`` (ISO); return how many entries.

    Raises NotFound("erasure.nothing") where the register holds nothing of it, Refused("erasure.public") for machines, staff
    and reference data. It cannot be taken back.
    """
    leaves = [leaf for (leaf,) in fetch(centre.database, LEAVES, (target,))]
    if not leaves:
        raise NotFound("erasure.nothing", N_("The register holds nothing of this that could be erased."))
    with centre.journal.unit() as unit:
        unit.append(new_object_id(), Order(target=target, leaves=leaves, reference=reference, date=date))
        if fetch(centre.database, LEAVES, (target,)):
            raise Refused("erasure.public", N_("Every machine needs this to work: it cannot be erased."))
    centre.publish()
    return len(leaves)
