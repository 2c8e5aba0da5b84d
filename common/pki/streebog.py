"""Streebog (GOST R 34.11-2012, RFC 6986), the digest of every signature of today's national keys.

``streebog512(data)`` and ``streebog256(data)`` return the digest in the byte order in which certificates and CMS carry
it. Which engine computes it ``engines`` decides: OpenSSL where it knows the digest, else the machine's libgcrypt (part of
every Debian), else the tables below.

    streebog512(b"").hex()[:8] == "8e945da2"
"""

import struct

from common.pki.engines import Engine, choose
from common.pki.patience import Told

BLOCK_BYTES = 64
PURE_BYTES_MAX = 4 * 1024 * 1024
"""About eight seconds of plain Python."""
TOLD_BYTES = 256 * 1024
_MASK = (1 << 512) - 1
_ROWS = struct.Struct("<8Q")

# RFC 6986, 6.2: the nonlinear bijection.
_PI = bytes.fromhex(
    "fceedd11cf6e3116fbc4fada23c5044de977f0db932e99ba1736f1bb14cd5fc1f918655ae25cef21811c3c428b018e4f058402aee36a8fa0060bed987fd4d31f"
    "eb342c51eac848abf22a68a2fd3aceccb5700e56080c7612bf7213479cb75d8715a19629107b9ac7f391786f9d9eb2b13275193dff358a7e6d54c680c3bd0d57"
    "dff524a93ea843c9d779d6f67c22b903e00fecde7a94b0bcdce828504e330a4aa79760731e0062441ab83882649f2641ad454692275e552f8ca3a57d69d5953b"
    "0758b34086ac1df730376be488d9e789e11b83494c3ff8fe8d53aa90cad88561207167a42d2b095bcb9b25d0bee56c5259a674d2e6f4b4c0d166afc2394b63b6"
)

# RFC 6986, 6.4: every eighth row of the matrix A; the seven others are this one times x, x², … in GF(2⁸) modulo 0x11D.
_A = (
    0x641C314B2B8EE083,
    0xA48B474F9EF5DC18,
    0xF97D86D98A327728,
    0x5B068C651810A89E,
    0x0321658CBA93C138,
    0xACCC9CA9328A8950,
    0x46B60F011A83988E,
    0x83478B07B2468764,
)

# RFC 6986, 6.5: the iteration constants.
_C = tuple(
    int(word, 16)
    for word in (
        "b1085bda1ecadae9ebcb2f81c0657c1f2f6a76432e45d016714eb88d7585c4fc4b7ce09192676901a2422a08a460d31505767436cc744d23dd806559f2a64507",
        "6fa3b58aa99d2f1a4fe39d460f70b5d7f3feea720a232b9861d55e0f16b501319ab5176b12d699585cb561c2db0aa7ca55dda21bd7cbcd56e679047021b19bb7",
        "f574dcac2bce2fc70a39fc286a3d843506f15e5f529c1f8bf2ea7514b1297b7bd3e20fe490359eb1c1c93a376062db09c2b6f443867adb31991e96f50aba0ab2",
        "ef1fdfb3e81566d2f948e1a05d71e4dd488e857e335c3c7d9d721cad685e353fa9d72c82ed03d675d8b71333935203be3453eaa193e837f1220cbebc84e3d12e",
        "4bea6bacad4747999a3f410c6ca923637f151c1f1686104a359e35d7800fffbdbfcd1747253af5a3dfff00b723271a167a56a27ea9ea63f5601758fd7c6cfe57",
        "ae4faeae1d3ad3d96fa4c33b7a3039c02d66c4f95142a46c187f9ab49af08ec6cffaa6b71c9ab7b40af21f66c2bec6b6bf71c57236904f35fa68407a46647d6e",
        "f4c70e16eeaac5ec51ac86febf240954399ec6c7e6bf87c9d3473e33197a93c90992abc52d822c3706476983284a05043517454ca23c4af38886564d3a14d493",
        "9b1f5b424d93c9a703e7aa020c6e41414eb7f8719c36de1e89b4443b4ddbc49af4892bcb929b069069d18d2bd1a5c42f36acc2355951a8d9a47f0dd4bf02e71e",
        "378f5a541631229b944c9ad8ec165fde3a7d3a1b258942243cd955b7e00d0984800a440bdbb2ceb17b2b8a9aa6079c540e38dc92cb1f2a607261445183235adb",
        "abbedea680056f52382ae548b2e4f3f38941e71cff8a78db1fffe18a1b3361039fe76702af69334b7a1e6c303b7652f43698fad1153bb6c374b4c7fb98459ced",
        "7bcd9ed0efc889fb3002c6cd635afe94d8fa6bbbebab076120018021148466798a1d71efea48b9caefbacd1d7d476e98dea2594ac06fd85d6bcaa4cd81f32d1b",
        "378ee767f11631bad21380b00449b17acda43c32bcdf1d77f82012d430219f9b5d80ef9d1891cc86e71da4aa88e12852faf417d5d9b21b9948bc924af11bd720",
    )
)


def _doubled(row: int) -> int:
    """Return each byte of ``row`` times x in GF(2⁸)."""
    return int.from_bytes(bytes((byte << 1 ^ (0x11D if byte & 0x80 else 0)) & 0xFF for byte in row.to_bytes(8, "big")), "big")


def _table(row: int) -> tuple[int, ...]:
    """Return what one byte of the state adds to its output row: substitution and matrix in one look-up."""
    images = [row]
    while len(images) < 8:
        images.append(_doubled(images[-1]))
    table = []
    for byte in _PI:
        word = 0
        for bit in range(8):
            if byte >> bit & 1:
                word ^= images[bit]
        table.append(word)
    return tuple(table)


_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7 = (_table(row) for row in _A)


def _lps(state: int) -> int:
    """Return the composition L∘P∘S of RFC 6986, section 7."""
    x = state.to_bytes(64, "little")
    rows = [
        _T0[a] ^ _T1[b] ^ _T2[c] ^ _T3[d] ^ _T4[e] ^ _T5[f] ^ _T6[g] ^ _T7[h]
        for a, b, c, d, e, f, g, h in zip(x[:8], x[8:16], x[16:24], x[24:32], x[32:40], x[40:48], x[48:56], x[56:], strict=True)
    ]
    return int.from_bytes(_ROWS.pack(*rows), "little")


def _compress(count: int, state: int, block: int) -> int:
    key = _lps(state ^ count)
    cipher = block
    for constant in _C:
        cipher = _lps(cipher ^ key)
        key = _lps(key ^ constant)
    return cipher ^ key ^ state ^ block


def _pure(data: bytes, state: int, told: Told | None) -> bytes:
    bits = total = 0
    whole = len(data) - len(data) % BLOCK_BYTES
    for start in range(0, whole, BLOCK_BYTES):
        if told is not None and start % TOLD_BYTES == 0:
            told(100 * start // len(data))
        block = int.from_bytes(data[start : start + BLOCK_BYTES], "little")
        state = _compress(bits, state, block)
        bits += 512
        total += block
    tail = data[whole:]
    block = int.from_bytes(tail + b"\x01", "little")
    state = _compress(bits, state, block)
    state = _compress(0, state, bits + 8 * len(tail))
    return _compress(0, state, total + block & _MASK).to_bytes(64, "little")


def pure512(data: bytes, told: Told | None = None) -> bytes:
    """Return the 64-byte digest, computed in Python alone (about half a megabyte in a second); ``told`` hears how far it is."""
    return _pure(data, 0, told)


def pure256(data: bytes, told: Told | None = None) -> bytes:
    """Return the 32-byte digest, computed in Python alone; ``told`` as in `pure512`."""
    return _pure(data, int.from_bytes(b"\x01" * 64, "little"), told)[32:]


streebog512: Engine = choose(pure512, PURE_BYTES_MAX, openssl="md_gost12_512", gcrypt=310)
streebog256: Engine = choose(pure256, PURE_BYTES_MAX, openssl="md_gost12_256", gcrypt=309)
