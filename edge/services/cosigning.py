"""Another party signs the statement of a draft before its author does; nothing is filed by that.

cosign(node, author, id, opened, shown=paper.sha256)      # at the author's screen, or through `invitations`
"""

import msgspec

from common.court.filing_entries import Cosigner
from common.court.signing import cosigning_party, require_right
from common.errors import N_, Conflict, Refused
from common.pki.opening import Signer
from edge.node import Node
from edge.services import drafts, filings, signing
from edge.services.draft_content import Content, Cosigned, Draft
from edge.visitor import Visitor


def cosign(node: Node, author: Visitor, id: bytes, signer: Signer, *, shown: str) -> Draft:
    """Let another party sign the statement that was ``shown``, before its author does; nothing is filed by that.

    The signature is an update of the same PDF, and lapses with any change of the form. Raises Refused("key.no_party") for a key
    of nobody whom the statement names, Refused("key.no_right"), Conflict("filing.cosigned") for a second signature of one party,
    and as `submit`.
    """
    filings.require_taking(node)
    draft = filings.as_shown(node, author, id, shown)
    certificate = signer.certificate
    party = cosigning_party(draft.claim, iin=certificate.iin, bin=certificate.bin)
    if party is None or party.number == author.person:
        raise Refused("key.no_party", N_("This key belongs to nobody whom this statement names as another party."), field="key_file")
    require_right(certificate.roles, bin=certificate.bin)
    signers = signing.cosigners_of(draft)
    if any((each.bin or each.iin) == party.number for each in signers):
        raise Conflict("filing.cosigned", N_("This party has signed already."))
    signed, signature = signing.sign_statement(signing.signed_so_far(node, author, draft), signer, field=f"Party{len(signers) + 1}")
    one = Cosigner(
        role=party.role,
        iin=certificate.iin,
        bin=certificate.bin,
        name=party.display_name,
        certificate=certificate.sha256,
        signature=signature.cms,
        signed=signature.byte_range_digest,
    )
    kept = Cosigned(file=drafts.store_file(node, author, id, signed), paper=shown, signers=(*signers, one))
    return drafts.change(node, author, id, lambda content: _cosigned(content, draft.content, kept, party.number))


def _cosigned(content: Content, before: Content, kept: Cosigned, number: str) -> Content:
    """Another session may have signed or changed the same draft since ``before`` was read: its signature is not to be lost."""
    if (content.paper, content.cosigned) != (before.paper, before.cosigned):
        raise Conflict("filing.changed", N_("The form was changed after you read it. Read it again, then sign."))
    invited = content.invited
    if invited is not None:
        waiting = {each: at for each, at in invited.waiting.items() if each != number}
        invited = msgspec.structs.replace(invited, waiting=waiting)
    return msgspec.structs.replace(content, cosigned=kept, invited=invited)


def cosign_to_sign(node: Node, author: Visitor, id: bytes, *, shown: str, at_ms: int) -> bytes:
    """Return the bytes that `cosign` has signed at ``at_ms``; raises as `cosign`, before its signature."""
    filings.require_taking(node)
    draft = filings.as_shown(node, author, id, shown)
    return signing.prepared(signing.signed_so_far(node, author, draft), at_ms, f"Party{len(signing.cosigners_of(draft)) + 1}")[1]
