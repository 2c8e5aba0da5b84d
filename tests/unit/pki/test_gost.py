"""Known answers of Streebog and GOST 34.10, and what ``verify`` must not take."""

import hashlib
import secrets
from dataclasses import replace

import gostcrypto
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Refused, Unreachable
from common.pki import gost, gost94, streebog
from common.pki.engines import PURE, Digest, choose
from common.pki.patience import patiently

# RFC 7091, 7.1: the standard's own curve, key, digest, secret number and signature.
EXAMPLE = gost.Curve(
    "example",
    p=2**255 + 0x431,
    a=7,
    b=0x5FBFF498AA938CE739B8E022FBAFEF40563F6E6A3472FC2A514C0CE9DAE23B7E,
    q=0x8000000000000000000000000000000150FE8A1892976154C59CFC193ACCF5B3,
    x=2,
    y=0x8E2A8A0E65147D4BD6316030E16D19C85C97F0A9CA267122B96ABBCEA7E8FC8,
    size=32,
)
D = 0x7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28
E = 0x2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5
K = 0x77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3
R = 0x41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493
S = 0x1456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40
CURVES = [gost.CURVE_512, gost.CURVE_256, gost.CURVE_2004]

M1 = b"012345678901234567890123456789012345678901234567890123456789012"  # RFC 6986, 10.1


@pytest.mark.parametrize("engine", [streebog.pure512, streebog.streebog512])
def test_streebog_512_gives_the_answers_of_the_standard(engine: Digest) -> None:
    assert engine(M1).hex() == (
        "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"
    )
    assert engine(b"").hex()[:32] == "8e945da209aa869f0455928529bcae46"


@pytest.mark.parametrize("engine", [streebog.pure256, streebog.streebog256])
def test_streebog_256_gives_the_answers_of_the_standard(engine: Digest) -> None:
    assert engine(M1).hex() == "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"


@pytest.mark.parametrize("engine", [gost94.pure34311, gost94.gost34311])
def test_34311_gives_the_answers_of_the_standard(engine: Digest) -> None:
    """RFC 5831, 7.3.1 and 7.3.2, and the empty message: with the S-box of the standard's own examples, which is the country's."""
    assert engine(b"This is message, length=32 bytes").hex() == "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa"
    fifty = b"Suppose the original message has length = 50 bytes"
    assert engine(fifty).hex() == "471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208"
    assert engine(b"").hex() == "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"


@pytest.mark.parametrize("length", [63, 64, 65, 127, 128, 129, 700])
def test_the_fast_engine_and_the_tables_agree(length: int) -> None:
    """Where the check sum carries through every byte, and around the ends of blocks."""
    for data in (b"\xff" * length, secrets.token_bytes(length)):
        assert streebog.streebog512(data) == streebog.pure512(data)
        assert streebog.streebog256(data) == streebog.pure256(data)
        assert gost94.gost34311(data) == gost94.pure34311(data)


def test_a_wrong_engine_is_not_taken_and_a_slow_one_has_a_limit() -> None:
    """SHA-512 under the name of Streebog: as many bytes, another digest."""
    engine = choose(streebog.pure512, 100, openssl="sha512", gcrypt=10)
    assert (engine.name, engine(b"")) == (PURE, streebog.pure512(b""))
    with pytest.raises(Refused, match="pki.digest_slow"):
        engine(b"x" * 101)


def test_a_long_digest_is_computed_apart_where_there_is_time_for_it() -> None:
    data, heard = secrets.token_bytes(streebog.TOLD_BYTES + 100), list[int]()
    engine = choose(streebog.pure512, 100, openssl="sha512", gcrypt=10)
    with patiently(heard.append), patiently():
        assert engine(data) == streebog.streebog512(data)
    assert heard == [0, 99]
    old = choose(gost94.pure34311, 100, gcrypt=10)
    with patiently():
        assert old(b"\xff" * 1000) == gost94.gost34311(b"\xff" * 1000)
    with pytest.raises(Refused, match="pki.digest_slow"):
        engine(data)
    for function in ("common.pki.streebog:nothing", "common.pki.patience:is_patient"):
        with patiently(), pytest.raises(Unreachable, match="pki.digest_apart"):
            replace(engine, apart=function)(data)


def test_a_right_engine_is_taken_and_named() -> None:
    """SHA-512 for SHA-512: what OpenSSL's GOST provider would be, were it on this machine; then a machine without it."""

    def right(data: bytes) -> bytes:
        return hashlib.sha512(data).digest()

    assert choose(right, 1, openssl="sha512", gcrypt=10).name == "OpenSSL"
    assert choose(right, 1, openssl="md_nobody", gcrypt=9999).name == PURE


def test_signing_gives_the_answer_of_the_standard() -> None:
    digest = E.to_bytes(32, "little")
    signature = gost.sign_with_nonce(D, digest, K, EXAMPLE)
    assert signature == R.to_bytes(32, "little") + S.to_bytes(32, "little")
    assert gost.verify(gost.public_key(D, EXAMPLE), digest, signature, EXAMPLE)


@pytest.mark.parametrize("curve", CURVES)
def test_the_base_point_is_on_the_curve_and_of_order_q(curve: gost.Curve) -> None:
    assert (curve.y**2 - curve.x**3 - curve.a * curve.x - curve.b) % curve.p == 0
    assert gost.public_key(curve.q - 1, curve)[: curve.size] == curve.x.to_bytes(curve.size, "little")
    assert gost.public_key(1, curve) == curve.x.to_bytes(curve.size, "little") + curve.y.to_bytes(curve.size, "little")


@pytest.mark.parametrize("curve", CURVES)
def test_a_changed_bit_anywhere_is_refused(curve: gost.Curve) -> None:
    key = gost.new_private_key(curve)
    public, digest = gost.public_key(key.d, curve), secrets.token_bytes(curve.size)
    signature = gost.sign(key.d, digest, curve)
    assert gost.verify(public, digest, signature, curve)
    for at in range(0, 2 * curve.size, 13):
        flip = 1 << at % 8
        assert not gost.verify(public, digest, signature[:at] + bytes([signature[at] ^ flip]) + signature[at + 1 :], curve)
        assert not gost.verify(public[:at] + bytes([public[at] ^ flip]) + public[at + 1 :], digest, signature, curve)
    assert not gost.verify(public, digest[:-1] + bytes([digest[-1] ^ 1]), signature, curve)


@pytest.mark.parametrize("curve", CURVES)
def test_malformed_signatures_keys_and_digests_are_refused(curve: gost.Curve) -> None:
    size = curve.size
    public, digest = gost.public_key(5, curve), b"\x07" * size
    good = gost.sign(5, digest, curve)
    q = curve.q.to_bytes(size, "little")
    for signature in (b"", good[:-1], good + b"\0", bytes(2 * size), bytes(size) + good[size:], good[:size] + q, q + good[size:]):
        assert not gost.verify(public, digest, signature, curve)
    for wrong in (b"", public[:-1], bytes(2 * size), b"\xff" * (2 * size)):
        assert not gost.verify(wrong, digest, good, curve)
    assert not gost.verify(public, digest[:-1], good, curve)


def test_a_point_outside_the_group_is_refused() -> None:
    """CURVE_256 has cofactor 4: a point of order 2 (y = 0) lies on the curve, not in the group."""
    curve = gost.CURVE_256
    x = next(root for root in _cubic_roots(curve))
    point = x.to_bytes(32, "little") + bytes(32)
    assert (x**3 + curve.a * x + curve.b) % curve.p == 0
    assert gost.read_point(point, curve) is None


def _cubic_roots(curve: gost.Curve) -> list[int]:
    """Return a root of x³ + ax + b: q·(any point of the curve) has an order that divides 4, and twice it has y = 0 or is none."""
    p = curve.p
    x = 1
    while True:
        x += 1
        square = (x**3 + curve.a * x + curve.b) % p
        if pow(square, (p - 1) // 2, p) != 1:
            continue
        y = pow(square, (p + 1) // 4, p) if p % 4 == 3 else 0
        if not y or y * y % p != square:
            continue
        small = gost._two_times(0, curve.q, gost._odd_multiples((x, y), 8, curve), curve)
        while small[2]:
            ((at_x, at_y),) = gost._affine([small], curve)
            if not at_y:
                return [at_x]
            small = gost._double(small, 1, curve)


# GOST R 34.10-2012, A.2: the standard's curve of 512 bits, key, digest, secret number and signature.
EXAMPLE_512 = gost.Curve(
    "example 512",
    p=0x4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15DF1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373,
    a=7,
    b=0x1CFF0806A31116DA29D8CFA54E57EB748BC5F377E49400FDD788B649ECA1AC4361834013B2AD7322480A89CA58E0CF74BC9E540C2ADD6897FAD0A3084F302ADC,
    q=0x4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15DA82F2D7ECB1DBAC719905C5EECC423F1D86E25EDBE23C595D644AAF187E6E6DF,
    x=0x24D19CC64572EE30F396BF6EBBFD7A6C5213B3B3D7057CC825F91093A68CD762FD60611262CD838DC6B60AA7EEE804E28BC849977FAC33B4B530F1B120248A9A,
    y=0x2BB312A43BD2CE6E0D020613C857ACDDCFBF061E91E5F2C3F32447C259F39B2C83AB156D77F1496BF7EB3351E1EE4E43DC1A18B91B24640B6DBB92CB1ADD371E,
    size=64,
)
D_512 = 0xBA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B102072E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4
E_512 = 0x3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C5917184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C
K_512 = 0x359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F365886748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1
R_512 = 0x2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD35492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36
S_512 = 0x1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A


def test_the_standards_second_example() -> None:
    digest = E_512.to_bytes(64, "little")
    signature = gost.sign_with_nonce(D_512, digest, K_512, EXAMPLE_512)
    assert signature == R_512.to_bytes(64, "little") + S_512.to_bytes(64, "little")
    assert gost.verify(gost.public_key(D_512, EXAMPLE_512), digest, signature, EXAMPLE_512)


def test_streebog_gives_the_second_answers_of_the_standard() -> None:
    """RFC 6986, 10.2: a line of the Tale of Igor's Campaign."""
    message = "Се ветри, Стрибожи внуци, веютъ с моря стрелами на храбрыя плъкы Игоревы".encode("cp1251")
    for engine in (streebog.pure512, streebog.streebog512):
        assert engine(message).hex() == (
            "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"
        )
    for engine in (streebog.pure256, streebog.streebog256):
        assert engine(message).hex() == "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(CURVES), st.data())
def test_what_one_key_signed_no_other_did(curve: gost.Curve, data: st.DataObject) -> None:
    """And the signature's mirror images are none: r and s turned round, negated, or grown by q."""
    numbers = st.integers(1, curve.q - 1)
    d, other, k = (data.draw(numbers) for _ in range(3))
    digest = data.draw(st.binary(min_size=curve.size, max_size=curve.size))
    public, signature = gost.public_key(d, curve), gost.sign_with_nonce(d, digest, k, curve)
    r, s = (int.from_bytes(signature[at : at + curve.size], "little") for at in (0, curve.size))
    assert gost.verify(public, digest, signature, curve)
    assert other == d or not gost.verify(gost.public_key(other, curve), digest, signature, curve)
    for wrong in ((s, r), (r, curve.q - s), (curve.q - r, s), (r + curve.q, s), (r, s + curve.q)):
        if wrong != (r, s) and max(wrong) < 1 << 8 * curve.size:
            encoded = b"".join(number.to_bytes(curve.size, "little") for number in wrong)
            assert not gost.verify(public, digest, encoded, curve)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(CURVES), st.integers(1, 1 << 600), st.integers(1, 1 << 600))
def test_points_add_up(curve: gost.Curve, a: int, b: int) -> None:
    """(a + b)·P by the table of P and by that of another point: two ways through the same group."""
    a, b = a % curve.q or 1, b % curve.q or 1
    table = gost._odd_multiples((curve.x, curve.y), 8, curve)
    left = gost._two_times(a, b, table, curve)
    if (a + b) % curve.q:
        public = gost.public_key((a + b) % curve.q, curve)
        x, y = gost._affine([left], curve)[0]
        assert public == x.to_bytes(curve.size, "little") + y.to_bytes(curve.size, "little")
        assert gost.read_point(public, curve) == (x, y)
    else:
        assert not left[2]


@pytest.mark.parametrize("name", ["512", "256"])
def test_gostcrypto_agrees(name: str) -> None:
    """An independent implementation, in the Russian byte order: each half of key and signature, and the digest, reversed."""
    curve = {"512": gost.CURVE_512, "256": gost.CURVE_256}[name]
    names = {"512": "id-tc26-gost-3410-12-512-paramSetA", "256": "id-tc26-gost-3410-2012-256-paramSetA"}
    mode = {"512": gostcrypto.gostsignature.MODE_512, "256": gostcrypto.gostsignature.MODE_256}[name]
    theirs = gostcrypto.gostsignature.new(mode, gostcrypto.gostsignature.CURVES_R_1323565_1_024_2019[names[name]])
    d, digest = gost.new_private_key(curve).d, secrets.token_bytes(curve.size)
    size = curve.size

    def turned(data: bytes) -> bytearray:
        return bytearray(data[:size][::-1] + data[size:][::-1])

    public, signature = gost.public_key(d, curve), gost.sign(d, digest, curve)
    assert theirs.verify(turned(public), bytearray(digest[::-1]), turned(signature))
    if name == "512":
        return  # its signing takes seconds
    back = bytes(turned(bytes(theirs.sign(bytearray(d.to_bytes(size, "big")), bytearray(digest[::-1])))))
    assert gost.verify(public, digest, back, curve)
