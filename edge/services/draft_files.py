"""The files of a draft: taken after a look at their content, replaced and let go one by one, sealed under the draft's key."""

import msgspec

from common.court.attachments import inspect as inspect_file
from common.court.claim import Attachment, Claim, FileKind
from common.errors import N_, Refused
from edge.node import Node
from edge.services import drafts
from edge.services.draft_content import Content, Draft, accepted
from edge.visitor import Visitor


def attach(node: Node, author: Visitor, id: bytes, *, kind: FileKind, name: str, data: bytes, replaces: str = "") -> Draft:
    """Check an uploaded file by its content and keep it, sealed, in the draft; ``replaces`` is the SHA-256 of the file it stands for.

    Raises NotFound, Refused("upload.…") with cause and cure, Refused("claim.attachments") or Refused("draft.files").
    """
    found = inspect_file(name, data, field="file")
    file = Attachment(
        kind=kind,
        title=found.title_suggestion,
        media_type=found.media_type,
        pages=found.pages,
        size=found.size,
        sha256=found.sha256.hex(),
    )
    stored = drafts.store_file(node, author, id, data)
    return drafts.change(node, author, id, lambda content: _with_file(content, file, stored, replaces))


def detach(node: Node, author: Visitor, id: bytes, sha256: str) -> Draft:
    """Take one file out of the draft; nothing happens when it is not there."""
    return drafts.change(node, author, id, lambda content: _without_file(content, sha256))


def _with_file(content: Content, file: Attachment, stored: str, replaces: str) -> Content:
    claim = content.claim
    if any(each.sha256 == file.sha256 != replaces for each in claim.attachments):
        raise Refused("upload.twice", N_("This file is attached already. Choose another one."), field="file")
    others = [each for each in claim.attachments if each.sha256 != replaces]
    place = next((at for at, each in enumerate(claim.attachments) if each.sha256 == replaces), len(others)) if replaces else len(others)
    attachments = (*others[:place], file, *others[place:])
    payment = claim.payment
    if file.kind == "receipt":
        payment = msgspec.structs.replace(payment, receipt=file.sha256)
    changed = msgspec.structs.replace(claim, attachments=attachments, payment=payment)
    return _with_claim(content, changed, {**content.files, file.sha256: stored})


def _without_file(content: Content, sha256: str) -> Content:
    claim = content.claim
    payment = claim.payment
    if payment.receipt == sha256:
        payment = msgspec.structs.replace(payment, receipt="")
    attachments = tuple(file for file in claim.attachments if file.sha256 != sha256)
    return _with_claim(content, msgspec.structs.replace(claim, attachments=attachments, payment=payment), content.files)


def _with_claim(content: Content, claim: Claim, files: dict[str, str]) -> Content:
    named = {file.sha256 for file in claim.attachments}
    return msgspec.structs.replace(
        accepted(content, "", claim), files={sha256: stored for sha256, stored in files.items() if sha256 in named}
    )
