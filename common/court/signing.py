"""Who may sign for whom: a person for themselves, an organisation through its head or an employee with the right to sign.

The roles are those of the certificate (`common.pki.profile`). An employee's key without that right opens the organisation's
cabinet and fills its forms; what leaves in its name needs the right (CPC 57: the head, or a representative with authority).
"""

from collections.abc import Set as AbstractSet
from typing import Final

from common.court.claim import Claim, Party
from common.errors import N_, Refused
from common.facts import Fact, Known, Signer

RIGHTS: Final = frozenset({"head", "right_to_sign"})
"""Roles that bind the organisation; those for financial or personnel documents do not reach to a court."""

PACKS_BEFORE_RIGHT: Final = frozenset({"2026.1"})
"""Rule packs by which entries were folded without a look at the role, while no later one was known where they were made."""

NO_RIGHT: Final = N_(
    "This key belongs to an employee without the right to sign for the organisation. What goes to the court in its name is signed "
    "with the key of its head, or of an employee with the right to sign."
)


def may_sign_for_organisation(roles: AbstractSet[str]) -> bool:
    """Return whether a certificate with ``roles`` binds its organisation."""
    return not RIGHTS.isdisjoint(roles)


def require_right(roles: AbstractSet[str], *, bin: str) -> None:
    """Raise Refused("key.no_right") where a certificate of the organisation ``bin`` may not sign for it; a person always may."""
    if bin and not may_sign_for_organisation(roles):
        raise Refused("key.no_right", NO_RIGHT, field="key_file")


def require_bound(fact: Fact, known: Known, signer: Signer, *, bin: str, rule_pack: str) -> None:
    """Raise Refused("entry.right") where ``fact``, made by ``rule_pack``, is signed for ``bin`` by who does not bind it.

    Naming an old pack helps nobody whose machine knew of the one that followed: see `outdated`.
    """
    if not bin or may_sign_for_organisation(signer.roles):
        return
    if rule_pack not in PACKS_BEFORE_RIGHT or outdated(fact, known):
        raise Refused("entry.right", NO_RIGHT)


def outdated(fact: Fact, known: Known) -> bool:
    """Return whether a pack that looks at roles was announced within the beacon of ``fact`` and in force when it was written.

    When that was, its own clock says, but the beacon says that it was not before the announcement: an entry that claims an
    earlier time is judged as of the announcement. Entries of machines that had not heard of the pack stay as they were judged.
    """
    for pack in known.rule_packs(before=fact.beacon):
        if pack.version not in PACKS_BEFORE_RIGHT and pack.from_ms <= max(fact.time, pack.at_ms):
            return True
    return False


def cosigning_party(claim: Claim, *, iin: str, bin: str) -> Party | None:
    """Return the party of ``claim`` for whom a certificate with these numbers signs: the person, or the organisation by its BIN."""
    number = bin or iin
    return next((party for party in claim.parties if number and party.number == number), None)


def others_to_sign(claim: Claim, *, author: str) -> tuple[Party, ...]:
    """Return the parties who may sign the statement beside ``author`` (an IIN or BIN): the principal, the other side of an agreement."""
    return tuple(party for party in claim.parties if party.number and party.number != author)
