"""Every file of the national test data, by name: it verifies, or is refused, exactly as its MANIFEST and its list say."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

import pytest
from pki_samples import DATA, NATIONAL, NOVEMBER_MS, PASSWORD, national

from common.errors import Refused
from common.pki import cms, gost, streebog
from common.pki.certificates import Certificate, read_certificate
from common.pki.keystore import open_p12
from common.pki.pades import read_pdf_signatures
from common.pki.trust import Trust

PRODUCTION, TEST = "edscheck-prod-ca/", "skarm-kalkan/certs/"
YEAR_MS = 365 * 86_400_000

# file → its kind of key, its root; all by the state registry's own table
AUTHORITIES = {
    "root_gost.pem": ("GOST 34.310-2004", "root_gost.pem"),
    "nca_gost.pem": ("GOST 34.310-2004", "root_gost.pem"),
    "root_gost_2020.cer": ("GOST 34.310-2004", "root_gost_2020.cer"),
    "ucgo_gost.cer": ("GOST 34.310-2004", "root_gost_2020.cer"),
    "btsd_gost.cer": ("GOST 34.310-2004", "root_gost_2020.cer"),
    "root_gost_2022.pem": ("GOST 34.10-2015/512", "root_gost_2022.pem"),
    "nca_gost_2022.pem": ("GOST 34.10-2015/512", "root_gost_2022.pem"),
    "root_rsa.pem": ("RSA-4096", "root_rsa.pem"),
    "nca_rsa.pem": ("RSA-4096", "root_rsa.pem"),
    "root_rsa_2020.cer": ("RSA-4096", "root_rsa_2020.cer"),
    "nca_rsa_2022.cer": ("RSA-4096", "root_rsa_2020.cer"),
}
# file → whose, role, whether the list of August 2026 has it; the names of infosystem and treasury_client are swapped there,
# and two files under valid/ are revoked
KEYS = {
    "individual/valid/individual_valid.p12": ("123456789011", "", "person", False),
    "individual/revoked/individual_revoked.p12": ("123456789011", "", "person", True),
    "legal/valid/head.p12": ("123456789011", "123456789021", "head", False),
    "legal/revoked/head.p12": ("123456789011", "123456789021", "head", True),
    "legal/valid/employee.p12": ("123456789012", "123456789021", "employee", True),
    "legal/revoked/employee.p12": ("123456789012", "123456789021", "employee", True),
    "legal/valid/employee_signright.p12": ("123456789012", "123456789021", "right_to_sign", False),
    "legal/revoked/employee_signright.p12": ("123456789012", "123456789021", "right_to_sign", True),
    "legal/valid/infosystem.p12": ("123456789012", "123456789021", "treasury", True),
    "legal/revoked/infosystem.p12": ("123456789012", "123456789021", "treasury", True),
    "legal/valid/treasury_client.p12": ("", "123456789021", "information_system", False),
    "legal/revoked/treasury_client.p12": ("", "123456789021", "information_system", True),
}
LISTS = {  # file → its number, or the refusal once the newest is held
    f"{NATIONAL}nca_gost2022_test.crl": "166",
    f"{TEST}nca_gost2022_test.crl": "crl.older",
    f"{TEST}nca_gost2022_d_test.crl": "crl.form",
}
OTHERS = {
    "MANIFEST.md",
    "_made_here_gost512_pades_b.pdf",
    f"{PRODUCTION}MANIFEST.json",
    "ncalayer-rs/test_gost512.vectors",
    "ncanode-go-2026/pdf/sample.pdf",
    "sigex-ncalayer-js-client/test-data.json",
    *(f"{folder}{name}" for folder in (NATIONAL, TEST) for name in ("root_test_gost_2022.cer", "nca_gost2022_test.cer")),
    *(
        f"skarm-kalkan/cms/{name}"
        for name in ("individual_attached.der", "individual_detached.der", "individual_document.txt", "individual_signer.cer")
    ),
}


@cache
def production() -> Trust:
    return Trust.of(national(f"{PRODUCTION}{name}") for name in AUTHORITIES)


@pytest.fixture(scope="module")
def contour() -> Trust:
    """The test contour with its newest list."""
    trust = Trust.of(national(f"{NATIONAL}{name}") for name in ("root_test_gost_2022.cer", "nca_gost2022_test.cer"))
    trust.import_crl(national(f"{NATIONAL}nca_gost2022_test.crl"), NOVEMBER_MS)
    return trust


def test_the_tables_name_every_file() -> None:
    national("MANIFEST.md")
    there = {str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.is_file()}
    ours = {f"{PRODUCTION}{name}" for name in AUTHORITIES} | {f"{NATIONAL}{name}" for name in KEYS} | set(LISTS) | OTHERS
    assert there - {path for path in there if Path(path).name.startswith(("_extracted", "README"))} == ours


@pytest.mark.parametrize("name", AUTHORITIES)
def test_an_authority_of_production(name: str) -> None:
    """Its chain is whole, every signature in it right; it is the file whose fingerprint its MANIFEST gives."""
    certificate = read_certificate(national(f"{PRODUCTION}{name}"))
    algorithm, root = AUTHORITIES[name]
    assert certificate.algorithm == algorithm
    assert production().chain(certificate)[-1] == read_certificate(national(f"{PRODUCTION}{root}"))
    (said,) = (one for one in json.loads(national(f"{PRODUCTION}MANIFEST.json"))["certs"] if one["file"] == f"certs/prod/{name}")
    assert (certificate.sha256.hex(), certificate.subject) == (said["sha256"], said["subject_cn"])
    old = name in ("root_gost.pem", "nca_gost.pem", "root_rsa.pem", "nca_rsa.pem")
    assert (certificate.not_after_ms < NOVEMBER_MS) == old
    changed = certificate.der.replace(certificate.signature, bytes(len(certificate.signature)))
    with pytest.raises(Refused, match="pki.untrusted"):
        production().chain(read_certificate(changed))


@pytest.mark.parametrize("folder", [NATIONAL, TEST])
def test_the_authorities_of_the_test_contour(folder: str, contour: Trust) -> None:
    for name, fingerprint in (("root_test_gost_2022.cer", "b995e79e7c07429f"), ("nca_gost2022_test.cer", "beeffc0bdb77cd79")):
        certificate = read_certificate(national(f"{folder}{name}"))
        assert certificate.sha256.hex().startswith(fingerprint)
        assert contour.chain(certificate)[-1].subject == "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (GOST) TEST 2022"


@pytest.mark.parametrize("name", KEYS)
def test_a_key_file(name: str, contour: Trust) -> None:
    iin, bin, role, revoked = KEYS[name]
    key = open_p12(national(f"{NATIONAL}{name}"), PASSWORD)
    certificate = key.certificate
    assert (certificate.iin, certificate.bin, certificate.role) == (iin, bin, role)
    assert (certificate.organisation, certificate.storage, certificate.identification) == ('АО "ТЕСТ"' if bin else "", "file", "")
    assert _verdict(contour, certificate) == ("pki.revoked" if revoked else "")
    signature = cms.sign_detached(b"statement", key, at_ms=NOVEMBER_MS)
    assert cms.verify_detached(signature, b"statement") == certificate
    with pytest.raises(Refused, match="p12.password"):
        open_p12(national(f"{NATIONAL}{name}"), PASSWORD.lower())


def _verdict(trust: Trust, certificate: Certificate, at_ms: int = NOVEMBER_MS) -> str:
    try:
        trust.check(certificate, at_ms=at_ms, now_ms=NOVEMBER_MS)
    except Refused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize("name", LISTS)
def test_a_revocation_list(name: str, contour: Trust) -> None:
    data = national(name)
    try:
        said = str(contour.import_crl(data, NOVEMBER_MS).number)
    except Refused as refused:
        said = refused.code
    assert said == LISTS[name]


@pytest.mark.parametrize("kind", ["attached", "detached"])
def test_a_signature_of_the_national_library(kind: str, contour: Trust) -> None:
    document = national("skarm-kalkan/cms/individual_document.txt")
    data = national(f"skarm-kalkan/cms/individual_{kind}.der")
    found = cms.verify(data, document)
    assert (found.content == document) == (kind == "attached")
    (signer,) = found.signers
    assert (signer.level, len(signer.timestamps), signer.digest) == ("CAdES-T", 1, "streebog512")
    assert signer.certificate == read_certificate(base64.b64decode(national("skarm-kalkan/cms/individual_signer.cer")))
    assert signer.claimed_ms is not None
    assert [_verdict(contour, signer.certificate, at) for at in (signer.claimed_ms, signer.claimed_ms - YEAR_MS)] == [
        "",
        "pki.not_yet_valid",
    ]
    for armoured in (base64.b64encode(data), b"-----BEGIN CMS-----\n" + base64.encodebytes(data) + b"-----END CMS-----"):
        assert cms.verify(armoured, document).signers[0].certificate == signer.certificate
    with pytest.raises(Refused, match="cms.tampered"):
        cms.verify(data, document + b"\n")
    if kind == "attached":
        assert cms.verify(data).content == document
    else:
        with pytest.raises(Refused, match="cms.detached"):
            cms.verify(data)


def test_the_pdfs(contour: Trust) -> None:
    assert read_pdf_signatures(national("ncanode-go-2026/pdf/sample.pdf")) == ()
    (found,) = read_pdf_signatures(national("_made_here_gost512_pades_b.pdf"))
    assert (found.intact, found.covers_whole, found.certificate.iin) == (True, True, "123456789011")
    assert _verdict(contour, found.certificate) == ""


def test_the_vectors_of_the_national_library() -> None:
    """The key, the digest, the byte order of everything, and a certificate's signature."""
    lines = national("ncalayer-rs/test_gost512.vectors").decode().splitlines()
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    public = gost.public_key(int(known["d"], 16))
    assert (public[:64][::-1].hex(), public[64:][::-1].hex()) == (known["qx"], known["qy"])
    digest = streebog.streebog512(known["msg"].encode())
    assert digest.hex() == known["digest"]
    assert gost.verify(public, digest, bytes.fromhex(known["sig"]))
    signed = streebog.streebog512(bytes.fromhex(known["cert_tbs"]))
    assert gost.verify(public, signed, bytes.fromhex(known["cert_sig"]))


def test_the_manifest_is_of_these_files() -> None:
    """Each line of its tables: the size and the first half of the SHA-256 of a file."""
    checked = 0
    folder = ""
    for line in national("MANIFEST.md").decode().splitlines():
        if line.startswith("## "):
            folder = line[3:].strip() if line.endswith("/") else ""
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and cells[2].isdecimal():
            path = DATA / folder / cells[1]
            data = path.read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()[:16]) == (int(cells[2]), cells[3]), cells[1]
            checked += 1
    assert checked > 35
