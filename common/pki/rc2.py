"""RC2 in CBC mode (RFC 2268): the forty-bit cipher that the centre still puts around the certificates of a .p12 file.

It protects nothing (certificates are public) and is here only because python-cryptography refuses such short keys.
"""

import struct

from common.pki.der import DerError

_PI = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb6266fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
_WORDS = struct.Struct("<4H")
_ROTATIONS = (1, 2, 3, 5)
BLOCK_BYTES = 8


def _expand(key: bytes) -> list[int]:
    """Return the 64 words of the key schedule; the effective length is the key's own (RFC 2268, 2)."""
    table = bytearray(key)
    while len(table) < 128:
        table.append(_PI[table[-1] + table[-len(key)] & 0xFF])
    table[128 - len(key)] = _PI[table[128 - len(key)]]
    for at in range(127 - len(key), -1, -1):
        table[at] = _PI[table[at + 1] ^ table[at + len(key)]]
    return list(struct.unpack("<64H", table))


def _encrypt_block(block: bytes, keys: list[int]) -> bytes:
    r = list(_WORDS.unpack(block))
    for turn in range(16):
        for i, rotation in enumerate(_ROTATIONS):
            mixed = r[i] + keys[4 * turn + i] + (r[i - 1] & r[i - 2]) + (~r[i - 1] & r[i - 3]) & 0xFFFF
            r[i] = (mixed << rotation | mixed >> 16 - rotation) & 0xFFFF
        if turn in (4, 10):
            for i in range(4):
                r[i] = r[i] + keys[r[i - 1] & 63] & 0xFFFF
    return _WORDS.pack(*r)


def _decrypt_block(block: bytes, keys: list[int]) -> bytes:
    r = list(_WORDS.unpack(block))
    for turn in range(15, -1, -1):
        if turn in (4, 10):
            for i in range(3, -1, -1):
                r[i] = r[i] - keys[r[i - 1] & 63] & 0xFFFF
        for i in range(3, -1, -1):
            rotation = _ROTATIONS[i]
            turned = (r[i] >> rotation | r[i] << 16 - rotation) & 0xFFFF
            r[i] = turned - keys[4 * turn + i] - (r[i - 1] & r[i - 2]) - (~r[i - 1] & r[i - 3]) & 0xFFFF
    return _WORDS.pack(*r)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def encrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Return padded ``data`` encrypted in CBC mode."""
    keys, before, result = _expand(key), iv, b""
    for at in range(0, len(data), BLOCK_BYTES):
        before = _encrypt_block(_xor(data[at : at + BLOCK_BYTES], before), keys)
        result += before
    return result


def decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Return ``data`` decrypted in CBC mode, padding included. Raises DerError when it is not made of whole blocks."""
    if len(data) % BLOCK_BYTES or len(iv) != BLOCK_BYTES:
        raise DerError("not whole blocks")
    keys, before, result = _expand(key), iv, bytearray()
    for at in range(0, len(data), BLOCK_BYTES):
        block = data[at : at + BLOCK_BYTES]
        result += _xor(_decrypt_block(block, keys), before)
        before = block
    return bytes(result)
