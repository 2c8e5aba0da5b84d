"""What a fold sees: facts, the subject that reads them, and who must receive them.

A *subject* is a module of `common.court` (or the node directory of `sync`) of one shape:

    NAME    = "filings"
    TYPES   = {"filing.submit/1": Submit, …}        entry type → body (a frozen msgspec.Struct)
    TABLES  = (FilingRow, …)                        each with a column ``obj``
    begin() -> State                                an object with no history
    step(state, fact, known) -> None                one more fact; raises Refused → quarantine, state untouched
    rows(state) -> {Table: [row, …]}                the rows of this object, and nothing else's
    audience(state) -> Audience                     who must receive this object

``step`` and ``rows`` are pure: no clock, no network, no other object's rows. What they may ask about the world they ask
``known``, whose answers depend only on entries that stand before the fact's beacon in the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, runtime_checkable

import msgspec

from common import canonical
from common.db import Table
from common.errors import N_, Refused

Rows = Mapping[type[Table], Sequence[Mapping[str, Any]]]


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every entry body. Additive keys are optional and keep a default for ever; unknown keys are ignored."""


class BlobRef(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A file an entry names: SHA-256 (32 bytes), size in bytes, media type by content."""

    sha256: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    size: Annotated[int, msgspec.Meta(ge=0, le=canonical.INT_MAX)]
    media: Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*\Z")]


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry as its subject reads it.

    ``time`` is the claimed wall clock in ms; ``log_index`` is None until the register has logged the entry;
    ``beacon`` is the size of the newest checkpoint its author had fully received (0: none).
    """

    type: str
    obj: bytes
    body: Any
    node: int
    epoch: int
    seq: int
    time: int
    leaf: bytes
    base: bytes | None
    actor: bytes | None
    beacon: int
    blobs: tuple[BlobRef, ...]
    log_index: int | None


@dataclass(frozen=True, slots=True)
class Audience:
    """Delivery lists, derived from the object and never written by an author.

    ``persons`` are IIN or BIN texts; ``opens`` are the persons for whom the authoring nodes have opened a cabinet, each
    with the node: from then on that node is in the person's scope.
    """

    everyone: bool = False
    courts: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    opens: frozenset[tuple[str, int]] = field(default_factory=frozenset)


class Known(Protocol):
    """What a fold may ask beyond its own object."""

    def staff_role(self, certificate: bytes, court: str, *, before: int) -> frozenset[str]:
        """Return the roles that the holder of the certificate (SHA-256) has at ``court`` as of log size ``before``."""

    def node_of(self, court: str, *, before: int) -> int | None:
        """Return the node that writes for ``court`` as of log size ``before``."""

    def rule_packs(self, *, before: int) -> "Sequence[Announced]":
        """Return the rule packs that were announced as of log size ``before``."""

    def signer(self, leaf: bytes, signature: bytes, content: bytes) -> bytes:
        """Return the SHA-256 of the certificate that signed ``content`` (CMS, detached); raises Refused when it does not verify.

        The answer is remembered by ``leaf``, so that folding again does not verify again.
        """

    def holder(self, leaf: bytes, signature: bytes, content: bytes) -> "Signer":
        """Return whose certificate signed ``content``: `signer` with the name and numbers in the certificate."""

    def pdf_signer(self, leaf: bytes, signature: bytes, *, place: int = 0) -> "Signer":
        """Return who made the CMS of a signed PDF and the digest it covers; raises Refused when it does not verify.

        ``place`` tells the signatures of one entry apart: 0 is the filer's.
        """


@dataclass(frozen=True, slots=True)
class Announced:
    """A rule pack that the centre has announced: its version, from when it applies, when it was announced; ms UTC."""

    version: str
    from_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Signer:
    """The holder of a signing certificate, as read from it."""

    certificate: bytes
    name: str
    iin: str
    bin: str
    digest: bytes
    roles: frozenset[str] = frozenset()
    """What the holder may do for the organisation, as in `common.pki.profile`."""


class Subject(Protocol):
    """The one shape of all subjects; a module satisfies it."""

    NAME: str
    TYPES: Mapping[str, type[Body]]
    TABLES: tuple[type[Table], ...]

    def begin(self) -> Any: ...

    def step(self, state: Any, fact: Fact, known: Known) -> None: ...

    def rows(self, state: Any) -> Rows: ...

    def audience(self, state: Any) -> Audience: ...


@runtime_checkable
class Owned(Protocol):
    """A subject whose objects a court holds: what the court may order about them depends on it."""

    def owner(self, state: Any) -> str:
        """Return the id of the court that holds the object now, "" for none."""


def know_types() -> None:
    """Let msgspec look at every type of data that is loaded, before there are threads.

    Version 0.22 shows a type to the other threads while it still looks at the types inside of it: two threads that read a message,
    an entry or a draft of one type for the first time at once bring the process down (SIGSEGV).
    """
    kinds = list(msgspec.Struct.__subclasses__())
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        msgspec.msgpack.Decoder(kind)  # what it finds out stays with the type, for every way of reading it


def encode_body(body: Body) -> bytes:
    """Return the canonical CBOR of ``body``."""
    return canonical.encode(msgspec.to_builtins(body, builtin_types=(bytes,)))


def decode_body(data: bytes, kind: type[Body]) -> Any:
    """Return the body of ``data``; raises Refused("entry.body") when it is not one of ``kind``."""
    return _body(canonical.decode(data) if kind.__struct_config__.array_like else canonical.decode_map(data), kind)


def stored_body(data: bytes, kind: type[Body]) -> Any:
    """Return the body of ``data`` that `encode_body` made on this machine; raises Refused("entry.body") as `decode_body` does."""
    return _body(canonical.decode_stored(data), kind)


def _body(value: Any, kind: type[Body]) -> Any:
    try:
        return msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise Refused("entry.body", N_("An entry does not have the form its type demands.")) from error
