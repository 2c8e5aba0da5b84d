"""What a machine says, signed, of when its line to the centre was down (PROTOCOL 9.9 and 9.10).

Its times are those of its clock. What bounds them is the register: the sizes of the heads that it had before and after.
"""

from itertools import pairwise
from typing import Final

import msgspec

from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync import cose
from sync.identity import Era, Identity, NodeCertificate

OUTAGES_TYPE: Final = "application/sot-outages+cbor"
VERSION: Final = 1
LISTED_MAX: Final = 20
"""The longest of a period: with more the QR code could not be read from a print."""


class Outage(msgspec.Struct, frozen=True, array_like=True):
    """One time without a line: from the first exchange that it did not let through to the first that the centre answered.

    ``last`` is the newest try that failed, ``ended`` None while it lasts, ``tries`` how many failed; ms UTC. ``before`` and
    ``after``: entries in the newest checkpoint the machine held then.
    """

    began: int
    last: int
    ended: int | None
    tries: int
    before: int
    after: int | None


class Outages(Body, frozen=True):
    """All of a period, ms UTC, its end not included. ``count`` of them, ``down`` ms together; ``outages`` the longest in order of time."""

    v: int
    node: int
    since: int
    until: int
    made: int
    count: int
    down: int
    outages: list[Outage]


def sign_outages(outages: Outages, node: Identity | Era) -> bytes:
    """Return the statement signed with the node's Ed25519 key."""
    return node.sign_message(encode_body(outages), OUTAGES_TYPE)


def read_outages(data: bytes, certificate: NodeCertificate) -> Outages:
    """Return the statement; raises Refused unless ``certificate``'s node signed exactly this, and it is one that can be."""
    payload = cose.verify(cose.parse(data), certificate.sign_key, OUTAGES_TYPE, environment=certificate.body.environment)
    outages: Outages = decode_body(payload, Outages)
    if outages.node != certificate.body.node:
        raise Refused("receipt.node", N_("The receipt names another machine than the one that signed it."))
    if outages.v != VERSION:
        raise Refused("outages.version", N_("This statement has a version that is not known here. A newer program can read it."))
    listed = outages.outages
    whole = 0 < len(listed) <= min(outages.count, LISTED_MAX) and 0 <= outages.down <= outages.until - outages.since
    if not whole or not all(map(_sound, listed)) or any(before.began > after.began for before, after in pairwise(listed)):
        raise Refused("outages.form", N_("A statement about the line contradicts itself."))
    return outages


def _sound(outage: Outage) -> bool:
    if (outage.ended is None) != (outage.after is None) or outage.tries < 1 or outage.before < 0:
        return False
    return outage.began <= outage.last <= (outage.last if outage.ended is None else outage.ended)
