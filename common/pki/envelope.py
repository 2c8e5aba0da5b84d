"""The password envelopes of PKCS#12: key derivation, encryption, integrity.

Read: the centre's own profile (3DES and RC2 after RFC 7292, appendix C) and today's PBES2 with AES (RFC 8018).
Written: the centre's profile, because that is what its own programs open.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from common.pki import der, rc2

PBE_3DES, PBE_RC2_40 = "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.6"
_PBE_3DES_TWO_KEYS, _PBE_RC2_128 = "1.2.840.113549.1.12.1.4", "1.2.840.113549.1.12.1.5"
_PBES2, _PBKDF2 = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12"
SHA_1 = "1.3.14.3.2.26"
_DIGESTS = {SHA_1: "sha1", "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
_HMACS = {"1.2.840.113549.2.7": "sha1", "1.2.840.113549.2.9": "sha256", "1.2.840.113549.2.10": "sha384", "1.2.840.113549.2.11": "sha512"}
_CIPHERS = {
    "2.16.840.1.101.3.4.1.2": ("aes", 16),
    "2.16.840.1.101.3.4.1.22": ("aes", 24),
    "2.16.840.1.101.3.4.1.42": ("aes", 32),
    "1.2.840.113549.3.7": ("3des", 24),
}
_KEY, _IV, _MAC = 1, 2, 3  # RFC 7292, B.3
ITERATIONS_MAX = 3_000_000  # for a whole file: some two seconds; the largest default in use is 600,000
WRITTEN_ITERATIONS = 1024  # the centre's own number


class WrongPassword(Exception):
    """What came out under this password is noise: the password is another one, or the file is damaged there."""


@dataclass(slots=True)
class Password:
    """A password at work on one file, with what is left of the work that file may cause."""

    text: str
    iterations_left: int = field(default_factory=lambda: ITERATIONS_MAX)
    opened: int = 0
    """How many envelopes it has opened."""

    def spend(self, iterations: int) -> int:
        """Take ``iterations`` off. Raises DerError when the file asks for too much work."""
        self.iterations_left -= iterations
        if self.iterations_left < 0 or iterations < 1:
            raise der.DerError("too many iterations")
        return iterations

    def bmp(self) -> bytes:
        """Return the password as RFC 7292, B.1 wants it."""
        return self.text.encode("utf-16-be", "surrogatepass") + b"\0\0"


def derive(password: Password, salt: bytes, iterations: int, purpose: int, length: int, digest: str = "sha1") -> bytes:
    """Return ``length`` bytes by RFC 7292, B.2."""
    hash_of = getattr(hashlib, digest)
    block = hash_of().block_size
    spread = _fill(salt, block) + _fill(password.bmp(), block)
    result = b""
    while True:
        step: bytes = hash_of(bytes([purpose]) * block + spread).digest()
        for _ in range(password.spend(iterations) - 1):
            step = hash_of(step).digest()
        result += step
        if len(result) >= length:
            return result[:length]
        addend = int.from_bytes(_fill(step, block)[:block], "big") + 1
        parts = (spread[at : at + block] for at in range(0, len(spread), block))
        spread = b"".join(((int.from_bytes(part, "big") + addend) % (1 << 8 * block)).to_bytes(block, "big") for part in parts)


def _fill(data: bytes, block: int) -> bytes:
    """Return ``data`` repeated up to a whole number of blocks."""
    length = (len(data) + block - 1) // block * block
    return (data * (length // len(data) + 1))[:length] if data else b""


def decrypt(algorithm: der.Node, data: bytes, password: Password) -> bytes:
    """Return what is inside an envelope. Raises WrongPassword, or DerError for a form we do not know."""
    kind = algorithm[0].oid()
    if kind == _PBES2:
        plain = _decrypt_pbes2(algorithm[1], data, password)
    else:
        plain = _decrypt_pkcs12(kind, algorithm[1][0].octets(), algorithm[1][1].small(ITERATIONS_MAX), data, password)
    block = 16 if kind == _PBES2 else 8
    if not plain or not 1 <= plain[-1] <= block or plain[-plain[-1] :] != bytes([plain[-1]]) * plain[-1]:
        raise WrongPassword
    plain = plain[: -plain[-1]]
    try:
        der.read(plain).expect(der.SEQUENCE)  # every envelope of a key file holds one: padding alone fits by chance, 1 in 256
    except der.DerError:
        raise WrongPassword from None
    password.opened += 1
    return plain


def _decrypt_pkcs12(kind: str, salt: bytes, iterations: int, data: bytes, password: Password) -> bytes:
    sizes = {PBE_3DES: 24, _PBE_3DES_TWO_KEYS: 16, _PBE_RC2_128: 16, PBE_RC2_40: 5}
    if kind not in sizes:
        raise der.AlgorithmError(kind)
    key = derive(password, salt, iterations, _KEY, sizes[kind])
    iv = derive(password, salt, iterations, _IV, 8)
    if kind in (_PBE_RC2_128, PBE_RC2_40):
        return rc2.decrypt(key, iv, data)
    return _cbc(TripleDES((key + key[:8])[:24]), iv, data)


def _decrypt_pbes2(parameters: der.Node, data: bytes, password: Password) -> bytes:
    derivation, cipher = parameters[0], parameters[1]
    for found, known in ((derivation[0].oid(), {_PBKDF2}), (cipher[0].oid(), _CIPHERS.keys())):
        if found not in known:
            raise der.AlgorithmError(found)
    name, size = _CIPHERS[cipher[0].oid()]
    salt, iterations = derivation[1][0].octets(), derivation[1][1].small(ITERATIONS_MAX)
    hmacs = [part[0].oid() for part in derivation[1].parts[2:] if part.tag == der.SEQUENCE] or ["1.2.840.113549.2.7"]
    if hmacs[0] not in _HMACS:
        raise der.AlgorithmError(hmacs[0])
    key = hashlib.pbkdf2_hmac(_HMACS[hmacs[0]], password.text.encode(errors="surrogatepass"), salt, password.spend(iterations), size)
    return _cbc(AES(key) if name == "aes" else TripleDES(key), cipher[1].octets(), data)


def _cbc(cipher: BlockCipherAlgorithm, iv: bytes, data: bytes) -> bytes:
    decryptor = Cipher(cipher, CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def mac_matches(mac: der.Node, data: bytes, password: Password) -> bool:
    """Return whether the integrity code of a file is the one that ``password`` gives. Raises DerError for unknown forms."""
    oid, expected, salt = mac[0][0][0].oid(), mac[0][1].octets(), mac[1].octets()
    if oid not in _DIGESTS:
        raise der.AlgorithmError(oid)
    iterations = mac[2].small(ITERATIONS_MAX) if len(mac.parts) > 2 else 1
    name = _DIGESTS[oid]
    key = derive(password, salt, iterations, _MAC, hashlib.new(name).digest_size, name)
    return hmac.compare_digest(hmac.digest(key, data, name), expected)


def make_mac(data: bytes, password: Password) -> bytes:
    """Return the integrity code of the centre's profile: HMAC-SHA-1."""
    salt = secrets.token_bytes(20)
    code = hmac.digest(derive(password, salt, WRITTEN_ITERATIONS, _MAC, 20), data, "sha1")
    info = der.sequence(der.algorithm(SHA_1, der.null()), der.octets(code))
    return der.sequence(info, der.octets(salt), der.integer(WRITTEN_ITERATIONS))


def encrypt(kind: str, data: bytes, password: Password) -> tuple[bytes, bytes]:
    """Return the AlgorithmIdentifier and the contents of an envelope of the centre's profile (PBE_3DES or PBE_RC2_40)."""
    salt = secrets.token_bytes(20)
    iv = derive(password, salt, WRITTEN_ITERATIONS, _IV, 8)
    padded = data + bytes([8 - len(data) % 8]) * (8 - len(data) % 8)
    if kind == PBE_RC2_40:
        hidden = rc2.encrypt(derive(password, salt, WRITTEN_ITERATIONS, _KEY, 5), iv, padded)
    else:
        encryptor = Cipher(TripleDES(derive(password, salt, WRITTEN_ITERATIONS, _KEY, 24)), CBC(iv)).encryptor()
        hidden = encryptor.update(padded) + encryptor.finalize()
    return der.algorithm(kind, der.sequence(der.octets(salt), der.integer(WRITTEN_ITERATIONS))), hidden
