"""Who may write: the checks that several subjects share.

- What holds for the whole country is written by the centre, node 0.
- What a court decides is written at the node that writes for that court, and signed with the key of one of its clerks or
  its chairman (SUBJECTS.md 3.1). Both are judged as of the entry's beacon, so that every node judges alike.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from common.court import texts
from common.errors import N_, Refused
from common.facts import Fact, Known, Signer

CENTRE: Final = 0
"""The node number of the centre."""
DECIDERS: Final = frozenset({"clerk", "chairman"})
"""Roles whose signature registers and refuses."""
JUDGES: Final = frozenset({"judge", "chairman"})
"""Roles whose signature rules on a case: the chairman is a judge of the court."""
STAFF: Final = DECIDERS | JUDGES
"""Roles whose signature sets a hearing: its judge, or the office on the judge's word."""
DIGEST_BYTES: Final = 32

Sha256 = Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
ObjectId = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]


def require_centre(fact: Fact) -> None:
    """Raise Refused("entry.centre_only") unless the centre wrote ``fact``."""
    if fact.node != CENTRE:
        raise Refused("entry.centre_only", N_("Only the centre may write this."))


def require_court_node(fact: Fact, known: Known, court: str) -> None:
    """Raise Refused("entry.other_node") unless ``fact`` comes from the node that writes for ``court``."""
    if known.node_of(court, before=fact.beacon) != fact.node:
        raise Refused("entry.other_node", N_("Only the machine of the court that holds this may write it."))


def require_decider(fact: Fact, known: Known, court: str, lines: Sequence[texts.Line]) -> None:
    """Check a decision that ``fact`` carries as ``content``, ``signature`` and ``certificate``.

    Raises Refused where the machine, the signed text, the signature or the role of the signer is not the right one.
    """
    if not _roles_of_signer(fact, known, court, lines) & DECIDERS:
        raise Refused("entry.role", N_("The person who signed is not a clerk or the chairman of this court."))


def require_judge(fact: Fact, known: Known, court: str, lines: Sequence[texts.Line]) -> None:
    """As `require_decider`, for what a judge rules."""
    if not _roles_of_signer(fact, known, court, lines) & JUDGES:
        raise Refused("entry.role", N_("The person who signed is not a judge of this court."))


def require_staff(fact: Fact, known: Known, court: str, lines: Sequence[texts.Line]) -> None:
    """As `require_decider`, for what a judge or a clerk may do alike."""
    if not _roles_of_signer(fact, known, court, lines) & STAFF:
        raise Refused("entry.role", N_("The person who signed is not a clerk, a judge or the chairman of this court."))


def _roles_of_signer(fact: Fact, known: Known, court: str, lines: Sequence[texts.Line]) -> frozenset[str]:
    require_court_node(fact, known, court)
    texts.require_lines(fact.body.content, lines)
    require_signature(fact, known, fact.body.signature, fact.body.content)
    return known.staff_role(fact.body.certificate, court, before=fact.beacon)


def require_signature(fact: Fact, known: Known, signature: bytes, content: bytes) -> None:
    """Raise Refused unless the certificate that the body names signed ``content``."""
    if known.signer(fact.leaf, signature, content) != fact.body.certificate:
        raise Refused("entry.certificate", N_("The signature was made with another key than the one named."))


def require_holder(fact: Fact, known: Known, signature: bytes, content: bytes, *, iin: str, bin: str) -> Signer:
    """Return who signed; raise Refused unless the person (or, with ``bin``, the organisation) did, with the certificate of the body."""
    holder = known.holder(fact.leaf, signature, content)
    if holder.certificate != fact.body.certificate:
        raise Refused("entry.certificate", N_("The signature was made with another key than the one named."))
    require_same_person(holder.iin, holder.bin, iin=iin, bin=bin)
    return holder


def require_same_person(signer_iin: str, signer_bin: str, *, iin: str, bin: str) -> None:
    """Raise Refused("entry.person") unless a certificate's numbers are those of the person, or of the organisation and its employee."""
    if signer_iin != iin or (bin and signer_bin != bin):
        raise Refused("entry.person", N_("The key belongs to another person than the one named."))


def person_of(iin: str, bin: str) -> str:
    """Return the key of a cabinet: the BIN of an organisation, else the IIN."""
    return bin or iin
