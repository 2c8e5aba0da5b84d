"""GOST 34.10-2015 and 34.310-2004 signatures over three curves, in plain Python integers.

The byte order is the one of the Kazakh centre, the reverse of the Russian layout (RFC 9215): a public key is ``x‖y``, a
signature ``r‖s``, each half little-endian; the digest is read as a little-endian number. ``verify`` says no to anything
that is not exactly so long, to a point off the curve or outside its group, and to r or s outside 1…q-1.

Scalars in ``sign`` and ``public_key`` are blinded and recoded so that the sequence of point operations does not depend on
them. Python integers are still not constant-time: a key is opened here for one signature, on a machine of the court.

    signature = sign(d, streebog512(data), CURVE_512)
    verify(public_key(d, CURVE_512), streebog512(data), signature, CURVE_512)  # True
"""

import functools
import secrets
from dataclasses import dataclass

Point = tuple[int, int]
Jacobian = tuple[int, int, int]

INFINITY: Jacobian = (1, 1, 0)
_BLIND_BITS = 64
_WINDOW_KEY = 5
_WINDOW_BASE = 7
_KEYS_KEPT = 512  # a court sees the same people and authorities again; a table takes 2 KB


@dataclass(frozen=True, slots=True)
class Curve:
    """y² = x³ + ax + b over GF(p), with a base point of prime order q."""

    name: str
    p: int
    a: int
    b: int
    q: int
    x: int
    y: int
    size: int
    """Bytes of one coordinate, one scalar and one digest."""
    cofactor: int = 1
    fold: int = 0
    """c where p = 2^(8·size) - c with a small c, else 0: then a remainder costs two foldings instead of a division."""


# RFC 7836, A.1: id-tc26-gost-3410-12-512-paramSetA
CURVE_512 = Curve(
    "id-tc26-gost-3410-12-512-paramSetA",
    p=2**512 - 569,
    a=-3,
    b=0xE8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760,
    q=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275,
    x=3,
    y=0x7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4,
    size=64,
    fold=569,
)

# RFC 7836, A.2: id-tc26-gost-3410-2012-256-paramSetA (a twisted Edwards curve in Weierstrass form: cofactor 4)
CURVE_256 = Curve(
    "id-tc26-gost-3410-2012-256-paramSetA",
    p=2**256 - 617,
    a=0xC2173F1513981673AF4892C23035A27CE25E2013BF95AA33B22C656F277E7335,
    b=0x295F9BAE7428ED9CCC20E7C359A9D41A22FCCD9108E17BF7BA9337A6F8AE9513,
    q=0x400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67,
    x=0x91E38443A5E82C0D880923425712B2BB658B9196932E02C78B2582FE742DAA28,
    y=0x32879423AB1A0375895786C4BB46E9565FDE0B5344766740AF268ADB32322E5C,
    size=32,
    cofactor=4,
    fold=617,
)

# RFC 4357, 11.4: id-GostR3410-2001-CryptoPro-A-ParamSet, the curve of the country's keys before 2022
CURVE_2004 = Curve(
    "id-GostR3410-2001-CryptoPro-A-ParamSet",
    p=2**256 - 617,
    a=-3,
    b=0xA6,
    q=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893,
    x=1,
    y=0x8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14,
    size=32,
    fold=617,
)


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """A secret number and its curve; it has no printable form."""

    d: int
    curve: Curve


def new_private_key(curve: Curve = CURVE_512) -> PrivateKey:
    """Return a new private key."""
    return PrivateKey(secrets.randbelow(curve.q - 1) + 1, curve)


def public_key(d: int, curve: Curve = CURVE_512) -> bytes:
    """Return the public key d·P as ``x‖y``, little-endian. Raises ValueError unless 0 < d < q."""
    if not 0 < d < curve.q:
        raise ValueError("private key out of range")
    x, y = _affine([_base_times(d, curve)], curve)[0]
    return x.to_bytes(curve.size, "little") + y.to_bytes(curve.size, "little")


def sign(d: int, digest: bytes, curve: Curve = CURVE_512) -> bytes:
    """Return the signature ``r‖s`` of ``digest`` with a fresh secret number. Raises ValueError on a digest of another length."""
    while True:
        signature = sign_with_nonce(d, digest, secrets.randbelow(curve.q - 1) + 1, curve)
        if signature:
            return signature


def sign_with_nonce(d: int, digest: bytes, k: int, curve: Curve) -> bytes:
    """Return the signature made with the secret number ``k`` (for known answers), or b"" when k gives r = 0 or s = 0."""
    e = _number(digest, curve)
    r = _affine([_base_times(k, curve)], curve)[0][0] % curve.q
    s = (r * d + k * e) % curve.q
    if not r or not s:
        return b""
    return r.to_bytes(curve.size, "little") + s.to_bytes(curve.size, "little")


def verify(public: bytes, digest: bytes, signature: bytes, curve: Curve = CURVE_512) -> bool:
    """Return whether ``signature`` over ``digest`` was made with the key of ``public``; False for anything malformed."""
    size = curve.size
    if len(signature) != 2 * size or len(digest) != size:
        return False
    table = _key_multiples(public, curve)
    if table is None:
        return False
    r, s = int.from_bytes(signature[:size], "little"), int.from_bytes(signature[size:], "little")
    if not (0 < r < curve.q and 0 < s < curve.q):
        return False
    v = pow(_number(digest, curve), -1, curve.q)
    x, _, z = _two_times(s * v % curve.q, -r * v % curve.q, table, curve)
    if not z:
        return False
    return x * pow(z, -2, curve.p) % curve.p % curve.q == r


def read_point(public: bytes, curve: Curve) -> Point | None:
    """Return the point of a public key, or None when its length, range, curve or group is wrong."""
    if len(public) != 2 * curve.size:
        return None
    x, y = int.from_bytes(public[: curve.size], "little"), int.from_bytes(public[curve.size :], "little")
    if x >= curve.p or y >= curve.p or (y * y - x * (x * x + curve.a) - curve.b) % curve.p:
        return None
    if not y or (curve.cofactor != 1 and _two_times(0, curve.q, _odd_multiples((x, y), 1 << _WINDOW_KEY - 2, curve), curve)[2]):
        return None
    return x, y


@functools.lru_cache(maxsize=_KEYS_KEPT)
def _key_multiples(public: bytes, curve: Curve) -> list[Point] | None:
    """Return the table of a public key, or None as ``read_point``."""
    point = read_point(public, curve)
    return _odd_multiples(point, 1 << _WINDOW_KEY - 2, curve) if point else None


def _number(digest: bytes, curve: Curve) -> int:
    if len(digest) != curve.size:
        raise ValueError("digest of another length")
    return int.from_bytes(digest, "little") % curve.q or 1


def _double(point: Jacobian, times: int, curve: Curve) -> Jacobian:
    """Return point·2^times."""
    if not curve.fold:
        for _ in range(times):
            point = _double_plain(point, curve)
        return point
    x, y, z = point
    a, c, bits = curve.a, curve.fold, 8 * curve.size
    mask = (1 << bits) - 1
    # Twice t = (t & mask) + c·(t >> bits) leaves t below 2^bits + 2^24: never canonical, always small enough to go on.
    # This loop is nine tenths of a verification, hence the inlining.
    for _ in range(times):
        t = z * z
        t = (t & mask) + c * (t >> bits)
        zz = (t & mask) + c * (t >> bits)
        t = y * y
        t = (t & mask) + c * (t >> bits)
        yy = (t & mask) + c * (t >> bits)
        t = 3 * (x - zz) * (x + zz) if a == -3 else 3 * x * x + a * (zz * zz % curve.p)
        t = (t & mask) + c * (t >> bits)
        slope = (t & mask) + c * (t >> bits)
        t = 4 * x * yy
        t = (t & mask) + c * (t >> bits)
        beta = (t & mask) + c * (t >> bits)
        t = 2 * y * z
        t = (t & mask) + c * (t >> bits)
        z = (t & mask) + c * (t >> bits)
        t = slope * slope - 2 * beta
        t = (t & mask) + c * (t >> bits)
        x = (t & mask) + c * (t >> bits)
        t = slope * (beta - x) - 8 * yy * yy
        t = (t & mask) + c * (t >> bits)
        y = (t & mask) + c * (t >> bits)
    return x, y, z


def _double_plain(point: Jacobian, curve: Curve) -> Jacobian:
    x, y, z = point
    p = curve.p
    zz, yy = z * z % p, y * y % p
    slope = (3 * x * x + curve.a * zz * zz) % p
    beta = 4 * x * yy % p
    x3 = (slope * slope - 2 * beta) % p
    return x3, (slope * (beta - x3) - 8 * yy * yy) % p, 2 * y * z % p


def _add(left: Jacobian, right: Point, curve: Curve) -> Jacobian:
    """Return left + right, the right one affine."""
    x1, y1, z1 = left
    x2, y2 = right
    p = curve.p
    if not z1 % p:
        return x2, y2, 1
    zz = z1 * z1 % p
    h = (x2 * zz - x1) % p
    r = (y2 * zz * z1 - y1) % p
    if not h:
        return INFINITY if r else _double(left, 1, curve)
    hh = h * h % p
    hhh, v = h * hh % p, x1 * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - y1 * hhh) % p, z1 * h % p


def _affine(points: list[Jacobian], curve: Curve) -> list[Point]:
    """Return finite ``points`` in affine form with one inversion for all of them."""
    p = curve.p
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % p)
    inverse = pow(products[-1], -1, p)
    result = []
    for (x, y, z), before in zip(reversed(points), reversed(products[:-1]), strict=True):
        one = inverse * before % p
        inverse = inverse * z % p
        square = one * one % p
        result.append((x * square % p, y * square * one % p))
    return result[::-1]


def _odd_multiples(point: Point, count: int, curve: Curve) -> list[Point]:
    """Return 1·point, 3·point, 5·point, … (``count`` of them)."""
    twice = _affine([_double((*point, 1), 1, curve)], curve)[0]
    multiples: list[Jacobian] = [(*point, 1)]
    while len(multiples) < count:
        multiples.append(_add(multiples[-1], twice, curve))
    return _affine(multiples, curve)


@functools.cache
def _base_multiples(curve: Curve) -> list[Point]:
    return _odd_multiples((curve.x, curve.y), 1 << _WINDOW_BASE - 2, curve)


def _sparse(k: int, window: int) -> list[int]:
    """Return the non-adjacent form of ``k``: odd digits below 2^(window-1) in size, mostly zeros, lowest first."""
    digits = []
    full, half = 1 << window, 1 << window - 1
    while k:
        digit = 0
        if k & 1:
            digit = k % full
            if digit >= half:
                digit -= full
            k -= digit
        digits.append(digit)
        k >>= 1
    return digits


def _signed(table: list[Point], digit: int, p: int) -> Point:
    x, y = table[abs(digit) >> 1]
    return (x, y) if digit > 0 else (x, p - y)


def _two_times(u: int, v: int, table: list[Point], curve: Curve) -> Jacobian:
    """Return u·P + v·(the point of ``table``) for public numbers, doubling once for both (Shamir's trick)."""
    base = _base_multiples(curve)
    left, right = _sparse(u, _WINDOW_BASE), _sparse(v, _WINDOW_KEY)
    length = max(len(left), len(right))
    left += [0] * (length - len(left))
    right += [0] * (length - len(right))
    result, waiting = INFINITY, 0
    for a, b in zip(reversed(left), reversed(right), strict=True):
        waiting += 1
        if not (a or b):
            continue
        result, waiting = _double(result, waiting, curve), 0
        if a:
            result = _add(result, _signed(base, a, curve.p), curve)
        if b:
            result = _add(result, _signed(table, b, curve.p), curve)
    x, y, z = _double(result, waiting, curve)
    return x, y, z % curve.p


def _base_times(k: int, curve: Curve) -> Jacobian:
    """Return k·P for a secret k: blinded, then cut into odd digits, so that every digit costs four doublings and one addition."""
    table = _base_multiples(curve)
    blind = secrets.randbits(_BLIND_BITS) | 1 << _BLIND_BITS
    k += curve.q * (blind - (blind + k + 1) % 2)  # q is odd: this choice makes the sum odd
    digits = []
    for _ in range((curve.size * 8 + _BLIND_BITS) // 4 + 1):
        digit = k % 32 - 16
        digits.append(digit)
        k = k - digit >> 4
    result: Jacobian = (*_signed(table, k, curve.p), 1)
    for digit in reversed(digits):
        result = _add(_double(result, 4, curve), _signed(table, digit, curve.p), curve)
    return result
