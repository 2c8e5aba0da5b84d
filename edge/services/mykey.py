"""What a key is worth here: whose it is, whether it is in force and as of which list, what may be signed with it at this node.

Nothing is kept: the certificate is read, held against the trusted roots and the newest list at hand, and forgotten.
"""

import secrets
from dataclasses import dataclass

from common.court import staff, texts
from common.court.signing import may_sign_for_organisation
from common.court.staff import Appointment
from common.errors import Refused
from common.pki.certificates import Certificate
from common.pki.crl import CrlInfo
from edge.node import Node

ONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """One key. ``problem`` says why it is refused now, None when it is accepted; ``list`` is its issuer's, where there is one.

    ``for_person``: whether it signs for the person named in it; ``for_organisation``: for the organisation. ``offices``: what
    its holder decides at courts of this node.
    """

    certificate: Certificate
    problem: Refused | None
    list: CrlInfo | None
    stale: bool
    for_person: bool
    for_organisation: bool
    offices: tuple[Appointment, ...]


def text_to_sign(node: Node) -> bytes:
    """Return what NCALayer signs to show that the key is at hand; it says so and opens nothing."""
    title = ("Кілтімді тексеремін.", "Проверяю свой ключ.")
    return texts.write(title, ((texts.NODE, str(node.number)), (texts.ONCE, secrets.token_hex(ONCE_BYTES))))


def examine(node: Node, certificate: Certificate) -> KeyFacts:
    """Return what ``certificate`` is worth at this node, now."""
    now = node.clock.now()
    node.trust.refresh()
    problem: Refused | None = None
    try:
        node.trust.check(certificate, at_ms=now, now_ms=now)
    except Refused as refused:
        problem = refused
    held = node.trust.revocation(certificate)
    usable = problem is None and bool(certificate.iin)
    courts = node.courts()
    offices = staff.roles_at(node.database, certificate.sha256, now_ms=now) if usable else []
    return KeyFacts(
        certificate=certificate,
        problem=problem,
        list=held[0] if held else None,
        stale=held is not None and now > held[0].next_update_ms,
        for_person=usable and not certificate.bin,
        for_organisation=usable and bool(certificate.bin) and may_sign_for_organisation(certificate.roles),
        offices=tuple(each for each in offices if each.court in courts),
    )
