"""What other programs make, of kinds that are not in the national data: each holds, or is refused by the name of what is wrong."""

import datetime
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clock import SystemClock
from common.errors import Refused
from common.pki import cms, ocsp, timestamps
from common.pki.authority import DAY_MS, Authority
from common.pki.certificates import read_certificate
from common.pki.keystore import Key, open_p12
from common.pki.profile import OCSP_SIGNING
from common.pki.trust import Trust

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
DOCUMENT = "Талап қою арызы".encode()
PASSWORD = "Құпия12"
NOW_MS = SystemClock().now()  # openssl stamps and answers with the clock of the machine
SOON_MS = NOW_MS + DAY_MS
NOW, DAY = datetime.datetime.fromtimestamp(NOW_MS // 1000, datetime.UTC), datetime.timedelta(days=1)
TSA = """[t]
dir=.
serial=serial
signer_cert=tsa.pem
signer_key=tsa.pem
signer_digest=sha512
default_policy=1.2.398.3.3.2.6.2
digests=sha256,sha384,sha512,sha1
accuracy=secs:1,millisecs:500
clock_precision_digits=3
ordering=yes
tsa_name=yes
ess_cert_id_chain=yes
ess_cert_id_alg=sha512
"""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("rsa2048", "БӨТЕН", at_ms=NOW_MS - DAY_MS)


@pytest.fixture(scope="module")
def trust(authority: Authority) -> Trust:
    return Trust.of([*authority.anchors(), *authority.authorities()])


@pytest.fixture(scope="module")
def keys(authority: Authority) -> dict[str, Key]:
    """Who signs: two persons (one with ECDSA, whom nobody here has to trust), the authority itself, its OCSP responder."""
    person = ("АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", "900101400018")
    other = Authority.create("p256", "БАСҚА", at_ms=NOW_MS - DAY_MS)
    return {
        "rsa": authority.issue_person(*person, not_before_ms=NOW_MS - DAY_MS),
        "p256": other.issue_person(*person, not_before_ms=NOW_MS - DAY_MS),
        "issuer": authority.issuer,
        "ocsp": authority.issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOW_MS - DAY_MS),
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Key]) -> Path:
    """A folder with the keys that openssl works with, each in one file with its certificate."""
    folder = tmp_path_factory.mktemp("shop")
    for name, key in keys.items():
        (folder / f"{name}.pem").write_bytes(private_pem(key) + pem(key.certificate.der))
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    tsa = issued(keys, padding.PKCS1v15(), lambda builder: builder.add_extension(purpose, critical=True))
    (folder / "tsa.pem").write_bytes(private_pem(keys["rsa"]) + pem(tsa))
    for name, kind in (("short", ("rsa:1024",)), ("k1", ("ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")), ("ed", ("ed25519",))):
        openssl(folder, "req", "-x509", "-nodes", "-subj", "/CN=x", "-newkey", *kind, "-keyout", f"{name}.key", "-out", f"{name}.crt")
        (folder / f"{name}.pem").write_bytes((folder / f"{name}.key").read_bytes() + (folder / f"{name}.crt").read_bytes())
    (folder / "document").write_bytes(DOCUMENT)
    (folder / "tsa.conf").write_text(TSA)
    (folder / "serial").write_text("01")
    (folder / "index").write_text(f"V\t490101000000Z\t\t{keys['rsa'].certificate.serial:040X}\tunknown\t/CN=x\n")
    return folder


def issued(
    keys: dict[str, Key], way: padding.AsymmetricPadding, more: Callable[[x509.CertificateBuilder], x509.CertificateBuilder]
) -> bytes:
    """Return another certificate of the first person's key, which its authority signed in this ``way``."""
    like, issuer = (x509.load_der_x509_certificate(keys[name].certificate.der) for name in ("rsa", "issuer"))
    builder = x509.CertificateBuilder(issuer.subject, like.subject, like.public_key(), 7, NOW - DAY, NOW + DAY)  # type: ignore[arg-type]
    made = more(builder).sign(keys["issuer"]._reveal(), hashes.SHA512(), rsa_padding=way)  # type: ignore[arg-type]
    return made.public_bytes(Encoding.DER)


def private_pem(key: Key) -> bytes:
    return key._reveal().private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())  # type: ignore[union-attr]


def pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def judged(door: Callable[[], object]) -> str:
    try:
        door()
    except Refused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("signer", "more", "code"),
    [
        ("rsa", "-md sha384", ""),
        ("rsa", "-md sha512 -keyid -cades", ""),
        ("rsa", "-md sha512 -indef -noattr", ""),
        ("p256", "-md sha384 -receipt_request_all -receipt_request_to a@b.kz", ""),
        ("rsa", "-signer p256.pem -md sha256 -cades", ""),
        ("rsa", "-md sha1", "cms.algorithm"),
        ("rsa", "-md sha3-256", "cms.algorithm"),
        ("rsa", "-keyopt rsa_padding_mode:pss", "cms.algorithm"),
        ("short", "", "cms.algorithm"),
        ("k1", "-md sha256", "cms.algorithm"),
        ("rsa", "-nocerts", "cms.certificate"),
        ("rsa", "-econtent_type 1.2.398.9", "cms.broken"),
    ],
)
def test_signatures(shop: Path, signer: str, more: str, code: str) -> None:
    made = ("-in", "document", "-out", "signature", "-outform", "DER", "-binary", "-nodetach")
    openssl(shop, "cms", "-sign", "-signer", f"{signer}.pem", *more.split(), *made)
    assert judged(lambda: cms.verify((shop / "signature").read_bytes(), DOCUMENT)) == code


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("-macalg sha512 -keypbe aes-128-cbc -certpbe aes-192-cbc", ""),
        ("-legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-2DES", ""),
        ("-nomac", ""),
        ("-keypbe camellia-256-cbc", "pki.algorithm"),
        ("-legacy -certpbe PBE-SHA1-RC4-128", "pki.algorithm"),
        ("-macalg sha224", "pki.algorithm"),
        ("ed", "pki.algorithm"),
        ("-nokeys", "p12.mismatch"),
    ],
)
def test_key_files(shop: Path, more: str, code: str) -> None:
    name, options = ("ed", "") if more == "ed" else ("rsa", more)
    openssl(shop, "pkcs12", "-export", "-in", f"{name}.pem", "-out", "file", "-passout", f"pass:{PASSWORD}", *options.split())
    assert judged(lambda: open_p12((shop / "file").read_bytes(), PASSWORD)) == code
    if not code:
        assert judged(lambda: open_p12((shop / "file").read_bytes(), PASSWORD.lower())) == "p12.password"


@pytest.mark.parametrize(
    ("way", "code"),
    [(padding.PKCS1v15(), ""), (padding.PSS(padding.MGF1(hashes.SHA512()), 64), "pki.algorithm")],
    ids=["pkcs1", "pss"],
)
def test_lists_and_certificates(keys: dict[str, Key], trust: Trust, way: padding.AsymmetricPadding, code: str) -> None:
    name = x509.load_der_x509_certificate(keys["issuer"].certificate.der).subject
    crl = x509.CertificateRevocationListBuilder(issuer_name=name, last_update=NOW, next_update=NOW + DAY)
    crl = crl.add_extension(x509.CRLNumber(1 << 158), critical=False)
    made = crl.sign(keys["issuer"]._reveal(), hashes.SHA512(), rsa_padding=way).public_bytes(Encoding.DER)  # type: ignore[arg-type]
    assert judged(lambda: trust.apart().import_crl(made, NOW_MS)) == code
    assert judged(lambda: trust.chain(read_certificate(issued(keys, way, lambda builder: builder)))) == code


@pytest.fixture(scope="module")
def stamped(shop: Path) -> Callable[[str], bytes]:
    def stamp(digest: str) -> bytes:
        openssl(shop, "ts", "-query", "-data", "document", f"-{digest}", "-cert", "-out", "query")
        openssl(shop, "ts", "-reply", "-config", "tsa.conf", "-section", "t", "-queryfile", "query", "-token_out", "-out", "token")
        return (shop / "token").read_bytes()

    return stamp


@pytest.mark.parametrize(("digest", "code"), [("sha256", ""), ("sha512", ""), ("sha1", "tsp.broken")])
def test_timestamps(stamped: Callable[[str], bytes], trust: Trust, digest: str, code: str) -> None:
    token = stamped(digest)
    assert judged(lambda: timestamps.check(token, DOCUMENT, trust, now_ms=SOON_MS)) == code
    assert judged(lambda: timestamps.check(token, DOCUMENT + b".", trust, now_ms=SOON_MS)) == (code or "tsp.tampered")


@pytest.fixture(scope="module")
def answered(shop: Path) -> Callable[[str], bytes]:
    def answer(more: str) -> bytes:
        about = ("-CA", "issuer.pem", "-issuer", "issuer.pem", "-index", "index", "-rsigner", "ocsp.pem", "-noverify")
        openssl(shop, "ocsp", *about, *more.split(), "-cert", "rsa.pem", "-respout", "answer")
        return (shop / "answer").read_bytes()

    return answer


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("-sha256", ""),
        ("-resp_key_id -no_nonce -rmd sha512 -nmin 60", ""),
        ("-rsigner issuer.pem", ""),
        ("-rmd sha1", "ocsp.untrusted"),
        ("-resp_no_certs", "ocsp.untrusted"),
        ("-rsigner tsa.pem", "ocsp.untrusted"),
        ("-rsigopt rsa_padding_mode:pss", "pki.algorithm"),
    ],
)
def test_answers_about_a_certificate(answered: Callable[[str], bytes], keys: dict[str, Key], trust: Trust, more: str, code: str) -> None:
    person, issuer, data = keys["rsa"].certificate, keys["issuer"].certificate, answered(more)
    assert judged(lambda: ocsp.check(data, person, issuer, trust, now_ms=SOON_MS)) == code


@pytest.fixture(scope="module")
def answer(answered: Callable[[str], bytes]) -> bytes:
    return answered("-sha256")


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_each_flipped_bit_of_an_answer_is_refused(answer: bytes, keys: dict[str, Key], trust: Trust, place: float, bit: int) -> None:
    data = bytearray(answer)
    data[int(place * len(data))] ^= 1 << bit
    with pytest.raises(Refused):
        ocsp.check(bytes(data), keys["rsa"].certificate, keys["issuer"].certificate, trust, now_ms=SOON_MS)
