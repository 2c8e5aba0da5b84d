"""Drafts: what somebody has begun and not signed. Local to this machine, never an entry, seen by their author alone.

- One key for each draft; content and files lie sealed under it (`vault`). The author's column is a keyed hash.
- Erasing deletes the key in one transaction; the files behind it are then noise and are swept away.
- A draft lives `LIFE_DAYS` after it was last saved.

    draft = drafts.begin(node, author, Claim(proceedings="claim"))
    drafts.change(node, author, draft.id, lambda content: replace(content, claim=…))
"""

import io
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from common.court.attachments import FILE_BYTES_MAX
from common.court.claim import Claim
from common.db import (
    BlobField,
    CompositeKey,
    Database,
    IntegerField,
    Table,
    changed,
    create_tables,
    fetch,
    insert,
    one_of,
    rows_of,
    transaction,
)
from common.errors import N_, Corrupt, NotFound, Refused
from common.ids import new_object_id
from edge.node import Node
from edge.services import vault
from edge.services.draft_content import DAY_MS, LIFE_DAYS, Content, Draft, decode, encode, files_named
from edge.services.vault import Vault
from edge.visitor import Visitor

DRAFTS_MAX = 20
"""Of one author on one machine."""
TYPED_CHARS_MAX = 20_000
"""One raw field; what is longer than its page allows is still kept, up to this."""
FILES_BYTES_MAX = 300 * 1024**2
"""All files of one draft."""
CODE_DIGITS = 8
FILE_NAME_BYTES = 12


class DraftRow(Table):
    """One draft; ``author`` and ``code`` are keyed hashes, ``sealed`` the content."""

    id = BlobField(primary_key=True)
    author = BlobField(index=True)
    code = BlobField(index=True)
    sealed = BlobField()
    created_ms = IntegerField()
    saved_ms = IntegerField(index=True)

    class Meta:
        table_name = "draft"


class DraftKeyRow(Table):
    """The wrapped key of a draft: without this row the draft is gone."""

    id = BlobField(primary_key=True)
    wrapped = BlobField()

    class Meta:
        table_name = "draft_key"


class DraftInvitedRow(Table):
    """Where a party that was invited to sign finds a draft; ``party`` is a keyed hash. Who is invited stands in the sealed content."""

    id = BlobField()
    party = BlobField(index=True)

    class Meta:
        table_name = "draft_invited"
        primary_key = CompositeKey("id", "party")


Change = Callable[[Content], Content]


def create(node: Node) -> None:
    """Create what is missing, and erase what has outlived its time."""
    create_tables(node.database, (DraftRow, DraftKeyRow, DraftInvitedRow))
    purge(node)


def begin(node: Node, author: Visitor, claim: Claim) -> Draft:
    """Return a new draft; raises Refused("draft.many") where the author has too many already."""
    if count(node, author) >= DRAFTS_MAX:
        raise Refused("draft.many", N_("You have %(max)d drafts here. Send or erase one before you begin another."), max=DRAFTS_MAX)
    id, now, safe = new_object_id(), node.clock.now(), _vault(node)
    content = Content(claim=claim, code="".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS)))
    key, wrapped = safe.new_key(id)
    with transaction(node.database):
        insert(node.database, DraftKeyRow, [{"id": id, "wrapped": wrapped}])
        row = {"id": id, "author": _author(safe, author), "code": safe.name("code", content.code), "created_ms": now, "saved_ms": now}
        insert(node.database, DraftRow, [row | {"sealed": vault.seal(key, encode(content), id)}])
    return Draft(id, content, now, now)


def find(node: Node, author: Visitor, id: bytes) -> Draft:
    """Return the author's draft; raises NotFound("draft.none") for a draft of somebody else and for one that is not there."""
    return _load(node, author, id)[0]


def of_author(node: Node, author: Visitor) -> list[Draft]:
    """Return the author's drafts, the last saved first."""
    query = DraftRow.select().where(DraftRow.author == _author(_vault(node), author)).order_by(DraftRow.saved_ms.desc(), DraftRow.id)
    return [_open(node, row)[0] for row in rows_of(node.database, query)]


def count(node: Node, author: Visitor) -> int:
    """Return how many drafts the author has here."""
    statement = "SELECT COUNT(*) FROM draft WHERE author = ?"
    return int(fetch(node.database, statement, (_author(_vault(node), author),))[0][0])


def by_code(node: Node, author: Visitor, code: str) -> Draft:
    """Return the author's draft with this resume code; raises Refused("draft.code") or NotFound("draft.code_unknown")."""
    digits = "".join(code.split()).replace("-", "")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise Refused("draft.code", N_("The code has 8 digits, for example 4715-2096."), field="code")
    safe = _vault(node)
    query = DraftRow.select().where(DraftRow.code == safe.name("code", digits), DraftRow.author == _author(safe, author))
    row = one_of(node.database, query)
    if row is None:
        sentence = N_("You have no draft with this code on this machine. A draft stays on the machine where it was begun.")
        raise NotFound("draft.code_unknown", sentence, field="code")
    return _open(node, row)[0]


def remember_invited(node: Node, id: bytes, number: str) -> None:
    """Let the party with this IIN or BIN find the draft by `of_invited`."""
    DraftInvitedRow.insert(id=id, party=_vault(node).name("invited", number)).on_conflict_ignore().execute(node.database)


def of_invited(node: Node, number: str) -> list[Draft]:
    """Return the drafts, whoever their author is, that the party with this IIN or BIN was once invited to."""
    ids = DraftInvitedRow.select(DraftInvitedRow.id).where(DraftInvitedRow.party == _vault(node).name("invited", number))
    return [_open(node, row)[0] for row in rows_of(node.database, DraftRow.select().where(DraftRow.id.in_(ids)))]


def change(node: Node, author: Visitor, id: bytes, make: Change) -> Draft:
    """Save what ``make`` returns for the content as it stands now, in one transaction; raises NotFound or Refused("draft.large")."""
    with transaction(node.database):
        draft, key = _load(node, author, id)
        content = make(draft.content)
        if content == draft.content:
            return draft
        now = node.clock.now()
        values = {"sealed": vault.seal(key, encode(content), id), "saved_ms": now}
        changed(node.database, DraftRow.update(**values).where(DraftRow.id == id))
    for name in files_named(draft.content) - files_named(content):  # if we crash before this, the file goes with the draft
        (_folder(node, id) / name).unlink(missing_ok=True)
    return Draft(id, content, draft.created_ms, now)


def keep_typed(node: Node, author: Visitor, id: bytes, page: str, fields: Mapping[str, str], understand: Callable[[Claim], Claim]) -> Draft:
    """Save the raw fields of a page, and what ``understand`` makes of them in the form; nothing is refused for its content."""
    raw = {name: text.replace("\0", "")[:TYPED_CHARS_MAX] for name, text in fields.items()}

    def kept(content: Content) -> Content:
        return msgspec.structs.replace(content, typed={**content.typed, page: raw}, claim=understand(content.claim))

    return change(node, author, id, kept)


def store_file(node: Node, author: Visitor, id: bytes, data: bytes) -> str:
    """Seal ``data`` into the draft's folder and return its name there; it belongs to the draft once `change` has named it.

    Raises NotFound, or Refused("draft.files") where the files of the draft would be too large together.
    """
    _, key = _load(node, author, id)
    folder = _folder(node, id)
    taken = sum(path.stat().st_size for path in folder.glob("*")) if folder.exists() else 0
    if taken + len(data) > FILES_BYTES_MAX:
        sentence = N_("The files of one filing have at most %(max)d MB together. Remove one, or file it apart.")
        raise Refused("draft.files", sentence, field="file", max=FILES_BYTES_MAX // 1024**2)
    name = secrets.token_hex(FILE_NAME_BYTES)
    vault.write_sealed(folder / name, io.BytesIO(data), key)
    return name


def read_file(node: Node, author: Visitor, id: bytes, name: str) -> bytes:
    """Return one sealed file; raises NotFound, or Corrupt("draft.file")."""
    return b"".join(file_chunks(node, author, id, name))


def file_chunks(node: Node, author: Visitor, id: bytes, name: str) -> Iterator[bytes]:
    """Yield one sealed file in chunks."""
    draft, key = _load(node, author, id)
    if name not in files_named(draft.content):
        raise NotFound("draft.no_file", N_("There is no such file in this draft."))
    yield from vault.read_sealed(_folder(node, id) / name, key)


def erase(node: Node, author: Visitor, id: bytes) -> None:
    """Erase a draft for good; raises NotFound."""
    _load(node, author, id)
    with transaction(node.database):
        forget(node.database, id)
    sweep(node, id)


def forget(database: Database, id: bytes) -> None:
    """Delete a draft's key and content, inside the caller's transaction: from its commit on nothing can open the draft."""
    fetch(database, "DELETE FROM draft_key WHERE id = ?", (id,))
    fetch(database, "DELETE FROM draft WHERE id = ?", (id,))
    fetch(database, "DELETE FROM draft_invited WHERE id = ?", (id,))


def sweep(node: Node, id: bytes) -> None:
    """Remove the sealed files of a draft whose key is gone; what a crash leaves here the next `purge` removes."""
    shutil.rmtree(_folder(node, id), ignore_errors=True)


def purge(node: Node) -> int:
    """Erase drafts nobody has touched for `LIFE_DAYS` and files without a key; return how many drafts went."""
    before = node.clock.now() - LIFE_DAYS * DAY_MS
    old = [id for (id,) in fetch(node.database, "SELECT id FROM draft WHERE saved_ms < ?", (before,))]
    with transaction(node.database):
        for id in old:
            forget(node.database, id)
    alive = {id.hex() for (id,) in fetch(node.database, "SELECT id FROM draft_key")}
    root = node.data / "drafts"
    for folder in root.glob("*") if root.exists() else ():
        if folder.name not in alive:
            shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _folder(node: Node, id: bytes) -> Path:
    return node.data / "drafts" / id.hex()


def _vault(node: Node) -> Vault:
    return Vault(node.data, node.config.host_key)


def _author(safe: Vault, author: Visitor) -> bytes:
    # an organisation's draft belongs to the employee who writes it, not to everybody with its BIN
    # what a witness fills in for a person is neither the person's own draft nor another witness's
    witness = author.certificate.hex() if author.witness else ""
    return safe.name("author", f"{author.person}|{author.iin}{witness}")


def _load(node: Node, author: Visitor, id: bytes) -> tuple[Draft, bytes]:
    query = DraftRow.select().where(DraftRow.id == id, DraftRow.author == _author(_vault(node), author))
    row = one_of(node.database, query)
    if row is None:
        raise NotFound("draft.none", N_("There is no such draft here. It was sent, erased, or begun on another machine."))
    return _open(node, row)


def _open(node: Node, row: Mapping[str, Any]) -> tuple[Draft, bytes]:
    id = row["id"]
    wrapped = fetch(node.database, "SELECT wrapped FROM draft_key WHERE id = ?", (id,))
    if not wrapped:
        raise Corrupt("draft.key", N_("This draft cannot be opened: the key of this machine is another one. Call the administrator."))
    key = _vault(node).open_key(wrapped[0][0], id)
    content = decode(vault.unseal(key, row["sealed"], id))
    return Draft(id, content, row["created_ms"], row["saved_ms"]), key


assert FILES_BYTES_MAX > FILE_BYTES_MAX, "one allowed file always fits"
