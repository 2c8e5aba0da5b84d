"""What a draft holds, and what the steps of filling it make of that; nothing here is stored (`drafts`).

Every field is kept as it was typed, before anything is checked: ``typed`` holds the raw fields of a page until the page is accepted,
``claim`` what could be understood of them.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from common import canonical
from common.court import claim as forms
from common.court.claim import Claim, Party
from common.court.filing_entries import Cosigner
from common.errors import N_, Refused

LIFE_DAYS = 30
"""After the last change; the person is told the day."""
DAY_MS = 86_400_000
CONTENT_BYTES_MAX = 256 * 1024
"""The form (40 KiB) with the raw fields of its pages."""


class Paper(msgspec.Struct, frozen=True):
    """The statement as typeset for reading and signing: a sealed file, and what it was made of."""

    file: str
    sha256: str
    size: int
    pages: int
    made_of: str
    made_ms: int


class Cosigned(msgspec.Struct, frozen=True):
    """The statement as parties have signed it so far: a sealed file, of which paper (SHA-256, hex), and who signed."""

    file: str
    paper: str
    signers: tuple[Cosigner, ...]


class Invitations(msgspec.Struct, frozen=True):
    """Who is invited to sign: number (IIN or BIN) → since when (ms UTC); who declined; ``author``: person, IIN, BIN and name."""

    author: tuple[str, str, str, str]
    waiting: dict[str, int] = {}
    declined: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed. ``files``: SHA-256 (hex) → name of the sealed file. ``removed``: a party just taken out, with its place."""

    claim: Claim = Claim()
    typed: dict[str, dict[str, str]] = {}
    files: dict[str, str] = {}
    code: str = ""
    talon: str = ""
    paper: Paper | None = None
    cosigned: Cosigned | None = None
    invited: Invitations | None = None
    removed: tuple[int, Party] | None = None
    step: int = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """An opened draft; times in ms UTC."""

    id: bytes
    content: Content
    created_ms: int
    saved_ms: int

    @property
    def claim(self) -> Claim:
        """The form as far as it is understood."""
        return self.content.claim

    @property
    def code(self) -> str:
        """The resume code, «4715-2096»."""
        return f"{self.content.code[:4]}-{self.content.code[4:]}"

    @property
    def until_ms(self) -> int:
        """When it is erased unless it is changed before."""
        return self.saved_ms + LIFE_DAYS * DAY_MS


def accepted(content: Content, page: str, claim: Claim) -> Content:
    """Return ``content`` with ``claim`` after a page was accepted: its raw fields are no longer needed. Raises as `check_limits`."""
    forms.check_limits(claim)
    return without_typed(msgspec.structs.replace(content, claim=claim), page)


def replace_claim(content: Content, **changes: Any) -> Content:
    """Return ``content`` with some fields of the form changed; raises as `check_limits`."""
    claim = msgspec.structs.replace(content.claim, **changes)
    forms.check_limits(claim)
    return msgspec.structs.replace(content, claim=claim)


def without_typed(content: Content, *pages: str) -> Content:
    """Return ``content`` without the raw fields of ``pages``."""
    return msgspec.structs.replace(content, typed={name: raw for name, raw in content.typed.items() if name not in pages})


def encode(content: Content) -> bytes:
    """Return ``content`` as it is sealed; raises Refused("draft.large")."""
    plain = canonical.encode(_listed(msgspec.to_builtins(content, builtin_types=(bytes,))))
    if len(plain) > CONTENT_BYTES_MAX:
        raise Refused(
            "draft.large", N_("The form as a whole is too long. Shorten the texts or attach them as a file."), field="circumstances"
        )
    return plain


def decode(plain: bytes) -> Content:
    """Return what `encode` was given."""
    return msgspec.convert(canonical.decode_map(plain), Content)


def files_named(content: Content) -> set[str]:
    """Return the names of the sealed files that belong to a draft."""
    papers = [each.file for each in (content.paper, content.cosigned) if each is not None]
    return {*content.files.values(), *papers}


def _listed(value: Any) -> Any:
    """Canonical CBOR has one kind of list; msgspec leaves tuples as they are."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, tuple | list) else value
