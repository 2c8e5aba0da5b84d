"""The messages of an exchange: small, signed, typed (PROTOCOL 6). Large content travels in containers beside them."""

from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync import cose
from sync.identity import Identity
from sync.lineage import LineageAsk, LineageTold
from sync.rotation import ROTATE_TYPE, Rotate

PROTOCOL = SLICES_PROTOCOL = 3
"""3: the centre takes containers in slices (PROTOCOL 6.22)."""
BESIDE_PROTOCOL = BASES_PROTOCOL = 2
"""2: the centre takes a bundle beside which the machine says the size of its checkpoint (PROTOCOL 6.21), one that is packed against
entries it has (4.6), and chunks in parts (7.9), which machines of then send on a thin line."""
NONCE_BYTES = 16
TOKEN_BYTES = 16

EQUAL, BEHIND, AHEAD, FORK = "equal", "behind", "ahead", "fork"
REVOKED, PROVE, TWIN = "revoked", "prove", "twin"
"""What the centre says of a node's position. BEHIND: the centre lacks entries the node has; AHEAD: the other way round,
so the node's disk was restored. PROVE: an old token came; a replayed hello cannot answer the challenge, a clone can."""


LOST = "lost"
"""What the centre notes of a machine that has seen more of the register than there is: the centre was set back."""


class Hello(Body, frozen=True, array_like=True):
    """Node → centre. Cursors say how far the node has what the centre sends; the rest lets people see how it fares.

    A list on the wire, as the welcome: every idle exchange of a country carries both. What is added stands at the end.
    """

    node: int
    epoch: int
    seq: int
    head: bytes
    nonce: bytes
    now: int
    token: bytes = b""
    size: int = 0
    everyone: int = 0
    feed: int = 0
    complete: int = 0
    receipted_epoch: int = 0
    receipted_seq: int = 0
    recovering: bool = False
    backlog: int = 0
    backlog_bytes: int = 0
    oldest_ms: int = 0
    disk_free: int = 0
    quarantine: int = 0
    revocations: int = 0
    version: str = ""
    challenge: bytes = b""
    cosigned: bytes = b""
    protocol: int = 1
    lineage: int = 1


class Welcome(Body, frozen=True, array_like=True):
    """Centre → node. ``head`` is empty where it is the hello's; ``note`` and ``consistency`` only where the log has grown; ``own`` only
    to a recovering node; ``rotate`` when the certificate under which the hello came should be renewed; ``lacks`` names files (SHA-256)
    that got damaged at the centre and that the node may have."""

    nonce: bytes
    now: int
    state: str
    epoch: int
    seq: int
    head: bytes
    token: bytes
    news: bool = False
    note: bytes = b""
    consistency: list[bytes] = []
    own: list[list[int]] = []
    challenge: bytes = b""
    rotate: bool = False
    protocol: int = 1
    lacks: list[bytes] = []


class Logged(Body, frozen=True):
    """R1 of one bundle: entries first…last of the epoch stand at ``index`` and after; ``proof`` is the range proof."""

    epoch: int
    first: int
    last: int
    index: int
    proof: list[bytes]


class Missing(Body, frozen=True):
    """A file that a bundle's entries name and the centre does not have whole; ``bitmap`` shows the chunks that are there."""

    sha256: bytes
    bitmap: bytes


class Acknowledgement(Body, frozen=True):
    """Centre → node: everything up to (epoch, seq) is fsynced; ``digest`` names the bundle this answers.

    ``receipts`` is R1 of the bundle under the checkpoint ``note``, which extends size ``since``; ``missing`` are all files of
    the bundle that the centre lacks, None where it does not say; ``folded``: what the bundle brought about can be had now;
    ``complete`` is R2 of its entries, which moves the cursor from ``complete_after`` to ``complete_at``.
    """

    epoch: int
    seq: int
    head: bytes
    digest: bytes
    since: int = 0
    note: bytes = b""
    consistency: list[bytes] = []
    receipts: list[Logged] = []
    missing: list[Missing] | None = None
    folded: bool = False
    complete: list[bytes] = []
    complete_after: int = 0
    complete_at: int = 0


class Rotated(Body, frozen=True):
    """Centre → node: the certificate over the keys of its `Rotate`."""

    nonce: bytes
    certificate: bytes


class Ask(Body, frozen=True):
    """Node → centre: send what comes after my cursors; or, with ``own_epoch``, my own entries after ``own_seq``; ``runs``: R2 for many
    entries at once is understood."""

    nonce: bytes
    size: int = 0
    everyone: int = 0
    feed: int = 0
    complete: int = 0
    receipted_epoch: int = 0
    receipted_seq: int = 0
    own_epoch: int = 0
    own_seq: int = 0
    own: bool = False
    runs: bool = False

    def cursors(self) -> list[int]:
        """Return how far the machine has what the centre sends, in the order of `CURSORS`."""
        return [getattr(self, name) for name in CURSORS]


CURSORS = ("size", "everyone", "feed", "complete", "receipted_epoch", "receipted_seq")


class Item(Body, frozen=True):
    """One entry as the log has it, in its wire form; ``at``: its position in the machine's feed, only where carried by hand."""

    index: int
    entry: list[bytes]
    at: int = 0


class Gone(Body, frozen=True):
    """An object that the machine may no longer hold, by the position ``at`` of its feed."""

    at: int
    obj: bytes


class Admitted(Body, frozen=True):
    """R1 of one entry of the machine that a person admitted: it stands at ``index`` under the checkpoint beside it."""

    leaf: bytes
    index: int
    proof: list[bytes]


class Down(Body, frozen=True):
    """Payload of a ``down`` container. ``caught_up``: everything for everyone that the checkpoint covers is here.

    ``since`` only where it is carried by hand: the cursors it begins at (`Ask.cursors`), which may no longer be the machine's.
    """

    note: bytes
    consistency: list[bytes]
    receipts: list[Logged]
    complete: list[bytes]
    everyone: list[Item]
    feed: list[Item]
    everyone_at: int
    feed_at: int
    complete_at: int
    caught_up: bool
    more: bool
    since: list[int] = []
    gone: list[Gone] = []
    revocations: bytes = b""
    admitted: list[Admitted] = []


class Own(Body, frozen=True):
    """Payload of an ``own`` container: entries that a restored disk lost."""

    entries: list[Item]


class BlobAsk(Body, frozen=True):
    """Node → centre: which chunks of a blob are there (``chunk`` -1), which parts of one (``parts``), or send me one."""

    nonce: bytes
    sha256: bytes
    size: int
    chunk: int = -1
    part: int = -1
    parts: bool = False


class BlobHave(Body, frozen=True):
    """Centre → node: which chunks of the blob, or parts of a chunk, are there already, one bit each, lowest first; ``whole`` when
    verified."""

    nonce: bytes
    whole: bool
    bitmap: bytes = b""


class Kept(Body, frozen=True):
    """Centre → node: of the container ``name``, whose slices come, ``there`` bytes are here from its beginning without a gap."""

    name: str
    there: int


class RelayAsk(Body, frozen=True):
    """Node → centre: a file of the answer to machine ``node``, whose folder I carried: its index (0) or a pack."""

    nonce: bytes
    node: int
    file: int


class Relayed(Body, frozen=True):
    """Centre → node: what became of a file carried for another machine. ``missing``: packs (SHA-256) that the index names and that
    are not here; ``done``: all of it is taken in; ``files``: packs of the answer, -1 where there is none."""

    missing: list[bytes] = []
    done: bool = False
    files: int = -1
    problems: list[str] = []


class Refusal(Body, frozen=True):
    """Centre → node: why not; for a gap also where the centre stands; ``retry`` seconds to wait for who sends too much."""

    code: str
    epoch: int = 0
    seq: int = 0
    head: bytes = b""
    retry: int = 0


CONTENT_TYPES: dict[type[Body], str] = {
    Hello: "application/sot-hello+cbor",
    Welcome: "application/sot-welcome+cbor",
    Acknowledgement: "application/sot-ack+cbor",
    Ask: "application/sot-ask+cbor",
    Rotate: ROTATE_TYPE,
    RelayAsk: "application/sot-relay-ask+cbor",
    Relayed: "application/sot-relayed+cbor",
    LineageAsk: "application/sot-lineage-ask+cbor",
    LineageTold: "application/sot-lineage-told+cbor",
    Rotated: "application/sot-rotated+cbor",
    BlobAsk: "application/sot-blob-ask+cbor",
    BlobHave: "application/sot-blob-have+cbor",
    Kept: "application/sot-kept+cbor",
    Refusal: "application/sot-refusal+cbor",
}

M = TypeVar("M", bound=Body)


def pack(message: Body, author: Identity) -> bytes:
    """Return ``message`` signed by ``author``."""
    return author.sign_message(encode_body(message), CONTENT_TYPES[type(message)])


def unpack(signed: cose.Signed, kind: type[M], key: Ed25519PublicKey, environment: bytes) -> M:
    """Return the verified message; raises Refused."""
    message: M = decode_body(cose.verify(signed, key, CONTENT_TYPES[kind], environment=environment), kind)
    return message


def check_nonce(expected: bytes, received: bytes) -> None:
    """Refuse an answer to another question: an old one replayed (fault 5)."""
    if expected != received:
        raise Refused("exchange.replayed", N_("The answer belongs to an older question. Somebody may be replaying messages."))


def blob_address(about: dict[str, object]) -> BlobAsk:
    """Return the blob address in a chunk's header; raises Refused("container.broken")."""
    sha256, size, chunk, nonce = (about.get(name) for name in ("sha256", "size", "chunk", "nonce"))
    part = about.get("part", -1)
    if not (isinstance(sha256, bytes) and isinstance(size, int) and isinstance(chunk, int) and isinstance(part, int)):
        raise Refused("container.broken", BROKEN)
    if not isinstance(nonce, bytes):
        raise Refused("container.broken", BROKEN)
    return BlobAsk(nonce=nonce, sha256=sha256, size=size, chunk=chunk, part=part)


BROKEN = N_("A bundle cannot be read: it is broken or cut.")
