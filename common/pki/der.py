"""ASN.1 as the national keys use it: a bounded reader of BER, and a writer of DER.

``read`` takes what the centre's own software writes (indefinite lengths, strings in pieces) and keeps every element's bytes
as they came, so that a signature is checked over what was signed and nothing is encoded anew. It raises ``DerError`` for
anything else, never recurses deeper than ``DEPTH_MAX``, never builds more than ``NODES_MAX`` elements and copies nothing.

    read(sequence(integer(5), octets(b"x")))[0].integer()  # 5
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

DEPTH_MAX = 40
NODES_MAX = 100_000  # a CMS with a timestamp has about 400; revocation lists may lie inside
WHITE_SPACE = b" \t\r\n"
"""What may stand between the letters of base64."""
INTEGER_BYTES_MAX = 2048  # more than any key's
_HIGH_TAG = 0x1F

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 1, 2, 3, 4, 5, 6
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, UTC_TIME, GENERALIZED_TIME, BMP_STRING = 12, 19, 22, 23, 24, 30
SEQUENCE, SET = 0x30, 0x31
_TIMES = {UTC_TIME: re.compile(rb"\d{12}Z"), GENERALIZED_TIME: re.compile(rb"\d{14}Z")}
_NEVER = re.compile(rb"(?!)")
CONSTRUCTED = 0x20


class DerError(ValueError):
    """The bytes are not the ASN.1 that was expected here."""


class AlgorithmError(DerError):
    """A readable algorithm that nothing here computes, by its identifier: RSASSA-PSS, a curve spelled out, a cipher out of use."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its identifier octet, where it lies in ``source``, and its parts when it is made of parts."""

    tag: int
    source: bytes = field(repr=False)
    start: int
    inside: int
    """Where the contents begin."""
    inside_end: int
    end: int
    parts: tuple["Node", ...] = ()

    @property
    def raw(self) -> bytes:
        """The whole encoding, as it came."""
        return self.source[self.start : self.end]

    @property
    def body(self) -> bytes:
        """The contents, as they came."""
        return self.source[self.inside : self.inside_end]

    def __getitem__(self, index: int) -> "Node":
        try:
            return self.parts[index]
        except IndexError:
            raise DerError("an element is missing") from None

    def __iter__(self) -> Iterator["Node"]:
        return iter(self.parts)

    def expect(self, tag: int) -> "Node":
        """Return this element; raise DerError when it is of another type."""
        if self.tag != tag:
            raise DerError(f"expected element {tag:#x}, found {self.tag:#x}")
        return self

    def integer(self) -> int:
        """Return an INTEGER as a number."""
        if not 0 < len(self.expect(INTEGER).body) <= INTEGER_BYTES_MAX:
            raise DerError("number of another size")
        return int.from_bytes(self.body, "big", signed=True)

    def small(self, most: int) -> int:
        """Return an INTEGER between 0 and ``most``."""
        value = self.integer()
        if not 0 <= value <= most:
            raise DerError("number out of range")
        return value

    def algorithm(self) -> str:
        """Return the identifier of an AlgorithmIdentifier without parameters but NULL; raise AlgorithmError for one with a set of them."""
        self.expect(SEQUENCE)
        dotted = self[0].oid()
        if [part.tag for part in self.parts[1:]] == [SEQUENCE]:
            raise AlgorithmError(dotted)
        if len(self.parts) > 2 or any(part.tag != NULL or part.body for part in self.parts[1:]):
            raise DerError("unexpected parameters")
        return dotted

    def oid(self) -> str:
        """Return an OBJECT IDENTIFIER in dotted form."""
        return _dotted(self.expect(OID).body)

    def octets(self, tag: int = OCTET_STRING) -> bytes:
        """Return the bytes of an OCTET STRING (or of one under the implicit tag ``tag``), put together when it came in pieces."""
        if self.tag == tag:
            return self.body
        if self.tag == tag | CONSTRUCTED:
            return b"".join(part.octets() for part in self.parts)
        raise DerError("expected bytes")

    def bits(self) -> bytes:
        """Return the bytes of a BIT STRING of whole bytes."""
        if not self.expect(BIT_STRING).body or self.body[0]:
            raise DerError("expected a string of whole bytes")
        return self.body[1:]

    def text(self) -> str:
        """Return a string of any of the directory's types."""
        encodings = {BMP_STRING: "utf-16-be", PRINTABLE_STRING: "ascii", IA5_STRING: "ascii", UTF8_STRING: "utf-8"}
        try:
            return self.body.decode(encodings[self.tag])
        except (KeyError, UnicodeDecodeError):
            raise DerError("expected text") from None

    def time_ms(self) -> int:
        """Return a UTCTime or GeneralizedTime of whole seconds in milliseconds UTC (RFC 5280, 4.1.2.5)."""
        found = _TIMES.get(self.tag, _NEVER).fullmatch(self.body)
        if not found:
            raise DerError("expected a time")
        text = found[0].decode()
        if self.tag == UTC_TIME:
            text = ("19" if text[:2] >= "50" else "20") + text
        moment = datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)  # a ValueError, as DerError is, for a 31 February
        return int(moment.timestamp()) * 1000


def read(data: bytes) -> Node:
    """Return the one element that ``data`` is. Raises DerError for anything else, trailing bytes included."""
    node = _read(data, 0, len(data), 0, [NODES_MAX])
    if node.end != len(data):
        raise DerError("bytes after the end")
    return node


def exact(node: Node) -> bytes:
    """Return the DER of an element that came in BER: definite lengths, strings in one piece, sets in order (X.690, 10 and 11.6)."""
    if not node.tag & CONSTRUCTED:
        return element(node.tag, node.body)
    if node.tag == OCTET_STRING | CONSTRUCTED:
        return octets(node.octets())
    parts = [exact(part) for part in node]
    return set_of(parts) if node.tag == SET else element(node.tag, b"".join(parts))


def read_prefix(data: bytes) -> Node:
    """Return the element at the start of ``data``, whatever follows (padding in a PDF)."""
    return _read(data, 0, len(data), 0, [NODES_MAX])


def split(data: bytes, count: int) -> tuple[bytes, ...]:
    """Return the encodings of the first ``count`` parts of a DER SEQUENCE, unread: they may be long. Raises DerError."""
    if data[:1] != bytes((SEQUENCE,)):
        raise DerError("expected a sequence")
    at, end = contents(data, 0, len(data))
    parts = []
    for _ in range(count):
        _, after = contents(data, at, end)
        parts.append(data[at:after])
        at = after
    return tuple(parts)


def contents(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """Return where the contents of the element at ``start`` begin and end, of a definite length and not beyond ``limit``."""
    if start + 2 > limit:
        raise DerError("ends too early")
    length, at = data[start + 1], start + 2
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or at + count > limit:
            raise DerError("bad length")
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    if at + length > limit:
        raise DerError("ends too early")
    return at, at + length


def _read(data: bytes, start: int, limit: int, depth: int, left: list[int]) -> Node:
    left[0] -= 1
    if depth > DEPTH_MAX or left[0] < 0:
        raise DerError("too many elements")
    if start + 2 > limit:
        raise DerError("ends too early")
    tag = data[start]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise DerError("unknown element")
    if data[start + 1] == 0x80:
        return _read_indefinite(data, start, limit, depth, left)
    inside, end = contents(data, start, limit)
    parts = []
    at = inside
    while tag & CONSTRUCTED and at < end:
        part = _read(data, at, end, depth + 1, left)
        parts.append(part)
        at = part.end
    return Node(tag, data, start, inside, end, end, tuple(parts))


def _read_indefinite(data: bytes, start: int, limit: int, depth: int, left: list[int]) -> Node:
    tag, at, parts = data[start], start + 2, []
    if not tag & CONSTRUCTED:
        raise DerError("bad length")
    while data[at : min(at + 2, limit)] != b"\0\0":
        part = _read(data, at, limit, depth + 1, left)
        parts.append(part)
        at = part.end
    return Node(tag, data, start, start + 2, at, at + 2, tuple(parts))


def _dotted(body: bytes) -> str:
    if not body or body[-1] & 0x80 or len(body) > 64:
        raise DerError("bad identifier")
    arcs, value = [], 0
    for byte in body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def element(tag: int, body: bytes) -> bytes:
    """Return one element in DER."""
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of encoded parts."""
    return element(SEQUENCE, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """Return a SET OF in the order of DER."""
    return element(SET, b"".join(sorted(parts)))


def explicit(number: int, body: bytes) -> bytes:
    """Return ``body`` under the explicit context tag ``number``."""
    return element(0xA0 | number, body)


def implicit(number: int, body: bytes) -> bytes:
    """Return a primitive under the implicit context tag ``number``."""
    return element(0x80 | number, body)


def integer(value: int) -> bytes:
    """Return an INTEGER."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(data: bytes) -> bytes:
    """Return an OCTET STRING."""
    return element(OCTET_STRING, data)


def bits(data: bytes, unused: int = 0) -> bytes:
    """Return a BIT STRING whose last ``unused`` bits do not count."""
    return element(BIT_STRING, bytes((unused,)) + data)


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        body += bytes(reversed(septets))
    return element(OID, body)


def null() -> bytes:
    """Return NULL."""
    return element(NULL, b"")


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN."""
    return element(BOOLEAN, b"\xff" if value else b"\0")


def text(value: str) -> bytes:
    """Return a UTF8String."""
    return element(UTF8_STRING, value.encode())


def printable(value: str) -> bytes:
    """Return a PrintableString."""
    return element(PRINTABLE_STRING, value.encode("ascii"))


def ia5(value: str) -> bytes:
    """Return an IA5String."""
    return element(IA5_STRING, value.encode("ascii"))


def time(at_ms: int) -> bytes:
    """Return a UTCTime, or a GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5)."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    if 1950 <= moment.year < 2050:
        return element(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return element(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    """Return an AlgorithmIdentifier."""
    return sequence(oid(dotted), parameters)
