"""GOST 34.311-95 (GOST R 34.11-94, RFC 5831), the digest of the country's signatures before 2022, with its S-box.

The S-box is id-GostR3411-94-TestParamSet, not the one of CryptoPro. Old certificates and documents are checked with it;
nothing new is signed.

    gost34311(b"abc").hex()[:8] == "f3134348"
"""

from common.pki.engines import Engine, choose
from common.pki.patience import Told

BLOCK_BYTES = 32
PURE_BYTES_MAX = 1024 * 1024
"""About eight seconds of plain Python."""
TOLD_BYTES = 64 * 1024
_MASK = (1 << 256) - 1
_C3 = 0xFF00FFFF000000FFFF0000FF00FFFF0000FF00FF00FF00FFFF00FF00FF00FF00

# RFC 5831, 8.1 (after GOST R 34.11-94, A): row by row for the nibbles of a word, lowest first.
_S = (
    (4, 10, 9, 2, 13, 8, 0, 14, 6, 11, 1, 12, 7, 15, 5, 3),
    (14, 11, 4, 12, 6, 13, 15, 10, 2, 3, 8, 1, 0, 7, 5, 9),
    (5, 8, 1, 13, 10, 3, 4, 2, 14, 15, 12, 7, 6, 0, 9, 11),
    (7, 13, 10, 1, 0, 8, 9, 15, 14, 4, 6, 12, 11, 2, 5, 3),
    (6, 12, 7, 1, 5, 15, 13, 8, 4, 10, 9, 14, 0, 3, 11, 2),
    (4, 11, 10, 0, 7, 2, 1, 13, 3, 6, 8, 5, 9, 12, 15, 14),
    (13, 11, 4, 1, 3, 15, 5, 9, 0, 10, 14, 7, 6, 8, 2, 12),
    (1, 15, 13, 0, 5, 7, 10, 4, 9, 2, 3, 14, 6, 11, 8, 12),
)


def _table(low: int) -> tuple[int, ...]:
    """Return, for each byte, two nibbles substituted and the word turned left by eleven bits."""
    table = []
    for byte in range(256):
        word = (_S[low][byte & 15] | _S[low + 1][byte >> 4] << 4) << 4 * low
        table.append((word << 11 | word >> 21) & 0xFFFFFFFF)
    return tuple(table)


_T0, _T1, _T2, _T3 = (_table(low) for low in (0, 2, 4, 6))


def _encrypt(block: int, key: int) -> int:
    """Return one block of 64 bits encrypted with GOST 28147-89."""
    words = [key >> shift & 0xFFFFFFFF for shift in range(0, 256, 32)]
    schedule = words * 3 + words[::-1]
    low, high = block & 0xFFFFFFFF, block >> 32
    for first, second in zip(schedule[::2], schedule[1::2], strict=True):
        x = low + first
        high ^= _T0[x & 255] | _T1[x >> 8 & 255] | _T2[x >> 16 & 255] | _T3[x >> 24 & 255]
        x = high + second
        low ^= _T0[x & 255] | _T1[x >> 8 & 255] | _T2[x >> 16 & 255] | _T3[x >> 24 & 255]
    return low << 32 | high


def _keys(state: int, block: int) -> list[int]:
    """Return the four keys of a step (RFC 5831, 5.1)."""
    u, v = state, block
    keys: list[int] = []
    for constant in (0, 0, _C3, 0):
        if keys:
            u = _a(u) ^ constant
            v = _a(_a(v))
        bytes_in = (u ^ v).to_bytes(32, "little")
        keys.append(int.from_bytes(bytes(bytes_in[8 * i + k] for k in range(8) for i in range(4)), "little"))
    return keys


def _a(value: int) -> int:
    low = value & 0xFFFFFFFFFFFFFFFF
    return value >> 64 | (low ^ value >> 64 & 0xFFFFFFFFFFFFFFFF) << 192


def _mix(value: int, times: int) -> int:
    """Return ψ applied ``times`` (RFC 5831, 5.3): a shift register of sixteen words."""
    y = [value >> shift & 0xFFFF for shift in range(0, 256, 16)]
    for n in range(times):
        y.append(y[n] ^ y[n + 1] ^ y[n + 2] ^ y[n + 3] ^ y[n + 12] ^ y[n + 15])
    return int.from_bytes(b"".join(word.to_bytes(2, "little") for word in y[-16:]), "little")


def _step(state: int, block: int) -> int:
    hidden = 0
    for number, key in enumerate(_keys(state, block)):
        hidden |= _encrypt(state >> 64 * number & 0xFFFFFFFFFFFFFFFF, key) << 64 * number
    return _mix(state ^ _mix(block ^ _mix(hidden, 12), 1), 61)


def pure34311(data: bytes, told: Told | None = None) -> bytes:
    """Return the 32-byte digest, computed in Python alone (about 0.1 MB in a second); ``told`` hears how far it is."""
    state = total = 0
    for start in range(0, len(data), BLOCK_BYTES):
        if told is not None and start % TOLD_BYTES == 0:
            told(100 * start // len(data))
        block = int.from_bytes(data[start : start + BLOCK_BYTES], "little")
        state = _step(state, block)
        total += block
    return _step(_step(state, 8 * len(data)), total & _MASK).to_bytes(32, "little")


gost34311: Engine = choose(pure34311, PURE_BYTES_MAX, gcrypt=308)
