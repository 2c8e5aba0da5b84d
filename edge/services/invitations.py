"""Invitations to sign: a party that a draft names finds it in a session of their own, reads the very document, signs, or declines.

- The author invites one number (IIN or BIN) named in the statement. What is sealed in the draft says who is invited; the table
  beside it only finds the draft again.
- While somebody is invited or has signed, the statement keeps the day it was made on: a signature of yesterday holds today.
- A draft is local to the machine and no entry, so the invited party signs at the same court; the page says so.

    invite(node, author, id, "920202400222")
    [found] = waiting(node, who)
    sign(node, who, found.draft.id, signer, shown=found.draft.content.paper.sha256)
"""

from dataclasses import dataclass

import msgspec

from common.court.claim import Attachment, Party
from common.court.rules import unsettled
from common.court.signing import others_to_sign
from common.errors import N_, Conflict, NotFound, Refused
from common.pki.opening import Signer, require_holder
from edge.node import Node
from edge.services import cosigning, drafts, filings, signing, statements
from edge.services.draft_content import Content, Draft, Invitations
from edge.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Invited:
    """A draft that names ``party``, who was invited to sign it; ``author`` is whose draft it is, ``signed``: the party has signed."""

    draft: Draft
    author: Visitor
    party: Party
    signed: bool


def invite(node: Node, author: Visitor, id: bytes, number: str) -> Draft:
    """Invite the party with this IIN or BIN; a second invitation is the first. Raises NotFound, Refused("invite.no_party")."""
    draft = drafts.find(node, author, id)
    if author.witness is not None or all(party.number != number for party in others_to_sign(draft.claim, author=author.person)):
        raise Refused("invite.no_party", N_("The statement names nobody with this IIN or BIN who could sign it beside you."))
    now = node.clock.now()

    def invited(content: Content) -> Content:
        before = content.invited or Invitations(author=(author.person, author.iin, author.bin, author.name))
        waiting = {**before.waiting, number: before.waiting.get(number, now)}
        declined = tuple(each for each in before.declined if each != number)
        return msgspec.structs.replace(content, invited=msgspec.structs.replace(before, waiting=waiting, declined=declined))

    changed = drafts.change(node, author, id, invited)
    drafts.remember_invited(node, id, number)
    return changed


def take_back(node: Node, author: Visitor, id: bytes, number: str) -> Draft:
    """Take an invitation back; a signature that was made stays. Raises NotFound."""
    return drafts.change(node, author, id, lambda content: _without(content, number))


def found_for(node: Node, who: Visitor) -> list[Invited]:
    """Return what waits for the signature of ``who``, or was signed by them and not sent yet; the newest first."""
    found = (_as_invited(node, who, draft) for draft in drafts.of_invited(node, who.person))
    return sorted((each for each in found if each is not None), key=lambda each: -each.draft.saved_ms)


def waiting(node: Node, who: Visitor) -> list[Invited]:
    """Return what waits for the signature of ``who``."""
    return [each for each in found_for(node, who) if not each.signed]


def find(node: Node, who: Visitor, id: bytes) -> Invited:
    """Return one draft to which ``who`` is invited; raises NotFound for every other."""
    found = next((each for each in found_for(node, who) if each.draft.id == id), None)
    if found is None:
        raise NotFound("draft.none", N_("There is no such draft here. It was sent, erased, or begun on another machine."))
    return found


def is_ready(node: Node, found: Invited) -> bool:
    """Return whether the statement can be signed now: its author is not changing it, and the rules stop nothing but signatures."""
    draft, author = found.draft, found.author
    return statements.is_current(node, author, draft) and not unsettled(filings.preflight(node, author, draft))


def read_statement(node: Node, who: Visitor, id: bytes) -> bytes:
    """Return the document as it is signed: with the signatures that stand on it. Raises NotFound, Refused("filing.not_prepared")."""
    found = find(node, who, id)
    return signing.signed_so_far(node, found.author, found.draft)


def read_file(node: Node, who: Visitor, id: bytes, sha256: str) -> tuple[Attachment, bytes]:
    """Return one file that the statement names; raises NotFound."""
    found = find(node, who, id)
    file = next((each for each in found.draft.claim.attachments if each.sha256 == sha256), None)
    if file is None:
        raise NotFound("draft.no_file", N_("There is no such file in this draft."))
    return file, drafts.read_file(node, found.author, id, found.draft.content.files[sha256])


def to_sign(node: Node, who: Visitor, id: bytes, *, shown: str, at_ms: int) -> bytes:
    """Return the bytes that `sign` has signed at ``at_ms``; raises as `sign`, before its signature."""
    return cosigning.cosign_to_sign(node, _ready(node, who, id).author, id, shown=shown, at_ms=at_ms)


def sign(node: Node, who: Visitor, id: bytes, signer: Signer, *, shown: str) -> None:
    """Sign the statement that was ``shown`` (SHA-256, hex), with the key of ``who``; nothing is sent by that.

    Raises NotFound, Refused("key.other_person") and as `cosigning.cosign`; Conflict("invite.changing") while it is being changed.
    """
    found = _ready(node, who, id)
    require_holder(signer.certificate, iin=who.iin, bin=who.bin)
    cosigning.cosign(node, found.author, id, signer, shown=shown)


def decline(node: Node, who: Visitor, id: bytes) -> None:
    """Say that ``who`` does not sign; the author reads it. Raises NotFound."""
    found = find(node, who, id)

    def declined(content: Content) -> Content:
        without = _without(content, who.person)
        if without.invited is None:
            return without
        said = tuple(dict.fromkeys((*without.invited.declined, who.person)))
        return msgspec.structs.replace(without, invited=msgspec.structs.replace(without.invited, declined=said))

    drafts.change(node, found.author, id, declined)


def _ready(node: Node, who: Visitor, id: bytes) -> Invited:
    found = find(node, who, id)
    if found.signed:
        raise Conflict("filing.cosigned", N_("This party has signed already."))
    if not is_ready(node, found):
        raise Conflict("invite.changing", N_("Its author is changing this document now. When it is ready, read it again and sign."))
    return found


def _without(content: Content, number: str) -> Content:
    if content.invited is None:
        return content
    waiting = {each: at for each, at in content.invited.waiting.items() if each != number}
    return msgspec.structs.replace(content, invited=msgspec.structs.replace(content.invited, waiting=waiting))


def _as_invited(node: Node, who: Visitor, draft: Draft) -> Invited | None:
    """What is sealed decides: the table may name somebody who is not invited any more."""
    said = draft.content.invited
    if said is None or who.witness is not None:
        return None
    person, iin, bin, name = said.author
    party = next((each for each in others_to_sign(draft.claim, author=person) if each.number == who.person), None)
    signed = any((each.bin or each.iin) == who.person for each in signing.cosigners_of(draft))
    if party is None or not (signed or who.person in said.waiting):
        return None
    return Invited(draft, Visitor(person, iin, bin, name, b"", "key"), party, signed)
