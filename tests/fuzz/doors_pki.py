"""The doors of the national signature: certificates, lists, signatures, key files, PDFs, XML."""

import functools
from collections.abc import Callable

from common.pki import cms, der, gost, timestamps
from common.pki.algorithms import read_public_key, refused_as, signature_algorithm
from common.pki.authority import Authority
from common.pki.certificates import BROKEN, read_certificate
from common.pki.crl import Crl
from common.pki.crl_index import CrlIndex, build
from common.pki.keystore import Key, open_p12, write_p12
from common.pki.pades import embed, prepare_pdf, read_pdf_signatures, sign_pdf
from common.pki.profile import TIME_STAMPING
from common.pki.signed_data import TST_INFO
from common.pki.timestamps import POLICY_RSA, Request
from common.pki.trust import Trust
from common.pki.xmldsig import read_xml_signatures
from tests.fuzz.doors import Target, all_of
from tests.pki_services import timestamp_response
from tests.xml_signing import sign_xml

NOW_MS = 1_795_262_400_000
DAY_MS = 24 * 3_600_000
TEXT = b"x"
PASSWORD = "Qwerty12"
KINDS = ("gost512", "gost256", "rsa2048", "p256")


@functools.cache
def _authority(kind: str) -> Authority:
    return Authority.create(kind, "СЫНАҚ", at_ms=NOW_MS - DAY_MS)


@functools.cache
def _key(kind: str) -> Key:
    return _authority(kind).issue_organisation(
        "АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", "900101400018", "ЖШС «ҮЛГІ»", "161140016747", not_before_ms=NOW_MS - DAY_MS
    )


def _trust() -> Trust:
    return Trust.of([one for kind in KINDS for one in (*_authority(kind).anchors(), *_authority(kind).authorities())])


def _crl(kind: str) -> bytes:
    authority = _authority(kind)
    authority.revoke(_key(kind).certificate, NOW_MS)
    return authority.crl(NOW_MS, NOW_MS + DAY_MS, 1)


def _certificate() -> Target:
    trust = _trust()

    def door(data: bytes) -> None:
        certificate = read_certificate(data)
        trust.check(certificate, at_ms=NOW_MS, now_ms=NOW_MS)

    return Target(all_of(door, trust.add), tuple(_key(kind).certificate.der for kind in KINDS))


def _public_key() -> Target:
    def door(data: bytes) -> None:
        with refused_as("pki.certificate_broken", BROKEN):
            key = read_public_key(data)
            key.verify(b"\x01" * 128, TEXT)
            key.verify(b"\x01" * 64, TEXT)

    return Target(door, tuple(_key(kind).certificate.key.spki for kind in KINDS))


def _revocation_list() -> Target:
    trust = _trust()
    return Target(all_of(lambda data: trust.import_crl(data, NOW_MS), lambda data: build(Crl(data))), tuple(_crl(kind) for kind in KINDS))


def _revocation_index() -> Target:
    serial = _key("gost512").certificate.serial
    return Target(lambda data: CrlIndex(data).find(serial), tuple(build(Crl(_crl(kind))) for kind in KINDS))


def _cms() -> Target:
    def one(data: bytes) -> None:
        cms.verify_detached(data, TEXT)

    def several(data: bytes) -> None:
        for signer in cms.verify(data, TEXT).signers:
            _ = signer.claimed_ms, signer.level

    def longer(data: bytes) -> None:
        cms.add_timestamp(data, der.null())

    made = [cms.sign_detached(TEXT, _key(kind), at_ms=NOW_MS) for kind in KINDS]
    both = cms.add_timestamp(cms.add_signer(made[0], TEXT, _key("p256"), at_ms=NOW_MS), der.sequence())
    return Target(all_of(one, several, longer, cms.signed_attributes_signer), (*made, both))


def _cms_attached() -> Target:
    made = [cms.sign_attached(TEXT, _key(kind), at_ms=NOW_MS) for kind in ("gost512", "p256")]
    return Target(all_of(cms.verify, lambda data: cms.add_signer(data, None, _key("p256"), at_ms=NOW_MS)), tuple(made))


def _signed_attributes() -> Target:
    """What somebody with a good key may put under the signature: the bytes are signed first."""
    key = _key("p256")
    parts = cms.parts_of(cms.sign_detached(TEXT, key, at_ms=NOW_MS))
    signer = parts.parts[-1][0]

    def door(data: bytes) -> None:
        before, after = b"".join(part.raw for part in signer.parts[:3]), signer[4].raw
        value = der.octets(key.sign(der.element(der.SET, data)))
        info = der.sequence(before, der.element(0xA0, data), after, value)
        made = cms._signed_data(1, [parts[1][0].raw], parts[2].raw, [key.certificate.der], [info])
        cms.verify(made, TEXT)

    return Target(door, (signer[3].body,))


def _signed_extensions() -> Target:
    """What a certification centre may put into a certificate: the bytes are issued first."""
    authority, trust = _authority("p256"), _trust()
    certificate = _key("p256").certificate
    fields = der.read(certificate.signed_part)

    def door(data: bytes) -> None:
        request = b"".join(part.raw for part in fields.parts[:-1])
        signed = der.sequence(request, der.explicit(3, der.sequence(data)))
        whole = der.sequence(signed, signature_algorithm(authority.issuer.certificate.key), der.bits(authority.issuer.sign(signed)))
        trust.check(read_certificate(whole), at_ms=NOW_MS, now_ms=NOW_MS)

    return Target(door, (fields.parts[-1][0].body,))


def _signed_time() -> Target:
    """What a timestamping service may say: the bytes are signed first."""
    trust, signature = _trust(), b"signature"
    service = _authority("p256").issue_service("TSA", TIME_STAMPING, not_before_ms=NOW_MS - DAY_MS // 2)
    request = Request.over(signature, policy=POLICY_RSA)
    token = request.read_response(timestamp_response(request.encoded(), service, at_ms=NOW_MS))
    info = cms.read(token, content_type=TST_INFO).content or b""

    def door(data: bytes) -> None:
        made = cms.sign_attached(data, service, at_ms=NOW_MS, content_type=TST_INFO)
        timestamps.check(made, signature, trust, now_ms=NOW_MS)

    return Target(door, (info,))


def _key_file() -> Target:
    made = [write_p12(_key(kind), PASSWORD) for kind in ("gost512", "gost256", "rsa2048")]
    return Target(lambda data: open_p12(data, PASSWORD), tuple(made), seconds_max=10.0)  # envelope.ITERATIONS_MAX of SHA-1


def _pdf() -> Target:
    plain = small_pdf()
    signed = sign_pdf(plain, _key("p256"), at_ms=NOW_MS, field="citizen")
    twice = sign_pdf(signed, _key("p256"), at_ms=NOW_MS, field="node")

    def prepare(data: bytes) -> None:
        prepare_pdf(data, at_ms=NOW_MS, field="clerk")

    return Target(all_of(read_pdf_signatures, prepare), (plain, signed, twice))


def _pdf_gap() -> Target:
    """The bytes of the signature inside a PDF that is otherwise right, and the bytes that come back to a prepared one."""
    prepared, to_sign = prepare_pdf(small_pdf(), at_ms=NOW_MS, field="citizen")
    start = prepared.rindex(b"/Contents <") + 11
    end = prepared.index(b">", start)

    def put_in(data: bytes) -> None:
        read_pdf_signatures(prepared[:start] + data.hex().encode()[: end - start].ljust(end - start, b"0") + prepared[end:])

    seeds = tuple(cms.sign_digest(cms.digest(_key(kind).certificate.digest, to_sign), _key(kind), at_ms=None) for kind in KINDS)
    return Target(all_of(put_in, lambda data: embed(prepared, data)), seeds, bytes_max=(end - start) // 2)


def _xml() -> Target:
    document = '<a xmlns="urn:a"><b Id="part">қ</b></a>'
    return Target(read_xml_signatures, (sign_xml(document, _key("gost512")), sign_xml(document, _key("p256"), uri="#part")))


def _gost_signature() -> Target:
    def door(data: bytes) -> None:
        for curve in (gost.CURVE_512, gost.CURVE_256, gost.CURVE_2004):
            size = curve.size
            gost.verify(data[: 2 * size], data[2 * size : 3 * size], data[3 * size :], curve)

    made = []
    for curve in (gost.CURVE_512, gost.CURVE_256, gost.CURVE_2004):
        digest = b"\x07" * curve.size
        made.append(gost.public_key(5, curve) + digest + gost.sign(5, digest, curve))
    return Target(door, tuple(made), bytes_max=400)


def small_pdf() -> bytes:
    """Return a PDF of one empty page."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"]
    objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>")
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer\n<< /Size 4 /Root 1 0 R /ID [<00><00>] >>\nstartxref\n%d\n%%%%EOF\n" % start)


DOORS: dict[str, Callable[[], Target]] = {
    "certificate": _certificate,
    "public_key": _public_key,
    "crl": _revocation_list,
    "crl_index": _revocation_index,
    "cms": _cms,
    "cms_attached": _cms_attached,
    "cms_signed_attributes": _signed_attributes,
    "certificate_extensions": _signed_extensions,
    "timestamp_info": _signed_time,
    "p12": _key_file,
    "pdf": _pdf,
    "pdf_gap": _pdf_gap,
    "gost_signature": _gost_signature,
    "xmldsig": _xml,
}
