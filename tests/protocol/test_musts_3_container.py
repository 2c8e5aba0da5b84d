"""PROTOCOL 3: signed header, sealed payload, and every way of taking one for another."""

import hashlib
from typing import Any

import cbor2
import pytest
import zstandard
from protocol_world import World, code_of

from common import canonical
from sync import container, cose, ports
from sync.container import MAGIC, SUITE, Header, open_payload, read_header, split_container
from sync.identity import Identity, NodeCertificate
from sync.messages import Ask, pack

PLAIN = canonical.encode(["anything"])
HUGE = container.PLAIN_BYTES_MAX + 1


def forge(
    world: World,
    *,
    packed: bytes | None = None,
    plain: bytes = PLAIN,
    kind: str = "up",
    recipient: NodeCertificate | None = None,
    info: bytes | None = None,
    without: str = "",
    about: Any = None,
    **changes: Any,
) -> bytes:
    """Return a container of the machine whose header says what ``changes`` say."""
    packed = zstandard.ZstdCompressor(level=1, write_content_size=True).compress(plain) if packed is None else packed
    to = recipient or world.centre.certificate
    sealed = SUITE.encrypt(packed, to.seal_key, info or b"sot/seal/1\0" + world.me.environment + kind.encode())
    header: dict[str, Any] = {"v": 1, "kind": kind, "to": to.key_id, "codec": "zstd", "about": {} if about is None else about}
    header |= {"sealed": hashlib.sha256(sealed).digest(), "packed_size": len(packed)}
    header |= {"plain": hashlib.sha256(plain).digest(), "plain_size": len(plain)}
    header |= changes
    header.pop(without, None)
    signed = world.me.sign_message(canonical.encode(header), container.CONTENT_TYPE)
    return MAGIC + len(signed).to_bytes(4, "big") + signed + sealed


def header_of(world: World, data: bytes) -> tuple[Header, bytes]:
    return read_header(data, world.me.sign.public_key(), world.me.environment)


def opened(world: World, data: bytes, reader: Identity | None = None) -> bytes:
    return open_payload(*header_of(world, data), reader or world.centre)


def refused_everywhere(world: World, data: bytes, code: str) -> None:
    """The reader refuses it, and so does the centre's door, whatever it would have held."""
    assert code_of(lambda: opened(world, data)) == code
    assert world.refused(ports.BUNDLE, data).code == code


def test_3_1_the_layout_is_magic_length_header_payload(still: World) -> None:
    data = forge(still)
    signed, header, sealed = split_container(data)
    assert data == b"SOTB1\n" + len(header).to_bytes(4, "big") + header + sealed
    assert opened(still, data) == PLAIN
    assert signed.key_id == still.me.certificate.key_id


@pytest.mark.parametrize("cut", [0, 3, 6, 9])
def test_3_1_a_stump_is_refused(still: World, cut: int) -> None:
    assert still.refused(ports.BUNDLE, forge(still)[:cut]).code == "container.broken"


def test_3_1_another_magic_or_length_is_refused(still: World) -> None:
    data = forge(still)
    assert still.refused(ports.BUNDLE, b"SOTB2\n" + data[6:]).code == "container.broken"
    assert still.refused(ports.BUNDLE, data[:6] + b"\xff\xff\xff\xff" + data[10:]).code == "container.broken"


def test_3_2_nothing_passes_from_another_environment(still: World) -> None:
    """Row 10: signed for another country or a test."""
    key_id = still.me.certificate.key_id
    abroad = cose.sign(canonical.encode({}), container.CONTENT_TYPE, still.me.sign, key_id=key_id, environment=b"x" * 16)
    assert still.refused(ports.BUNDLE, MAGIC + len(abroad).to_bytes(4, "big") + abroad).code == "cose.signature"
    ask = cose.sign(cbor2.dumps({}), "application/sot-ask+cbor", still.me.sign, key_id=key_id, environment=b"x" * 16)
    assert still.refused(ports.DOWN, ask).code == "cose.signature"


def test_3_2_one_kind_of_message_is_not_another(still: World) -> None:
    """Row 70: one context is not another."""
    ask = pack(Ask(nonce=bytes(16)), still.me)
    assert still.refused(ports.HELLO, ask).code == "cose.content_type"
    assert still.refused(ports.BLOB_HAVE, ask).code == "cose.content_type"


def test_3_2_a_changed_payload_and_a_foreign_key_are_refused(still: World) -> None:
    """Rows 1 and 32: forged or altered on the way."""
    message = pack(Ask(nonce=bytes(16)), still.me).replace(bytes(16), bytes(15) + b"\1")
    assert still.refused(ports.DOWN, message).code == "cose.signature"
    forged = cose.sign(
        canonical.encode({"nonce": bytes(16)}),
        "application/sot-ask+cbor",
        still.centre.sign,
        key_id=still.me.certificate.key_id,
        environment=still.me.environment,
    )
    assert still.refused(ports.DOWN, forged).code == "cose.signature"


PROTECTED = {1: -8, 3: "application/sot-ask+cbor", 4: bytes(8)}


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        cbor2.dumps(1),
        cbor2.dumps([]),
        cbor2.dumps(cbor2.CBORTag(98, [cbor2.dumps(PROTECTED), {}, b"", bytes(64)])),  # COSE_Sign
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED | {1: -7}), {}, b"", bytes(64)])),  # another algorithm
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED | {5: b""}), {}, b"", bytes(64)])),  # a header too many
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -8, 4: bytes(8)}), {}, b"", bytes(64)])),  # one too few
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED), {1: -8}, b"", bytes(64)])),  # something unprotected
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED), {}, None, bytes(64)])),  # detached
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED), {}, b"", bytes(63)])),
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED | {4: bytes(7)}), {}, b"", bytes(64)])),
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({4: bytes(8), 3: "a", 1: -8}), {}, b"", bytes(64)])),  # not canonical
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(PROTECTED), {}, b"", bytes(64)])) + b"\0",
        b"\xd2" * 5000 + b"\x00",
        b"\xd2\x84\x40\xa0\x40" + b"\xa1" * 100 + bytes(101),  # maps as keys of maps: to write them again takes for ever
        cbor2.dumps(cbor2.CBORTag(18, [b"\xa1" * 100 + bytes(101), {}, b"", bytes(64)])),  # in the header
    ],
)
def test_3_3_another_form_of_signature_is_refused(still: World, message: bytes) -> None:
    """Row 70: stripped signatures and other algorithms."""
    assert still.refused(ports.DOWN, message).code == "cose.broken"


def test_3_3_a_message_of_more_than_a_mebibyte_is_refused(still: World) -> None:
    assert still.refused(ports.DOWN, bytes(cose.MESSAGE_BYTES_MAX + 1)).code == "cose.too_large"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"v": 2}, "container.version"),
        ({"codec": "gzip"}, "container.version"),
        ({"to": "text"}, "container.broken"),
        ({"about": []}, "container.broken"),
        ({"plain_size": True}, "container.broken"),
        ({"without": "plain"}, "container.broken"),
        ({"without": "v"}, "container.broken"),
    ],
)
def test_3_4_another_header_is_refused(still: World, changes: dict[str, Any], code: str) -> None:
    refused_everywhere(still, forge(still, **changes), code)


def test_3_5_header_a_with_payload_b_is_refused(still: World) -> None:
    """Row 7: the header of one with the payload of another."""
    one, two = forge(still), forge(still, plain=canonical.encode(["other"]))
    _, header, _ = split_container(one)
    _, _, sealed = split_container(two)
    refused_everywhere(still, MAGIC + len(header).to_bytes(4, "big") + header + sealed, "container.payload")


def test_3_5_a_changed_or_cut_payload_is_refused(still: World) -> None:
    data = forge(still)
    refused_everywhere(still, data[:-1] + bytes([data[-1] ^ 1]), "container.payload")
    refused_everywhere(still, data[:-1], "container.payload")
    refused_everywhere(still, data + b"\0", "container.payload")


@pytest.mark.parametrize("size", [0, 1, 10**9, "x", None])
def test_3_5_a_false_packed_size_is_refused(still: World, size: Any) -> None:
    assert code_of(lambda: opened(still, forge(still, packed_size=size))) in ("container.payload", "container.broken")


def test_3_6_what_is_for_another_is_refused(still: World) -> None:
    """Row 10: right signature, wrong recipient."""
    refused_everywhere(still, forge(still, recipient=still.me.certificate), "container.recipient")


def test_3_6_what_is_sealed_to_another_is_refused(still: World) -> None:
    to_me = forge(still, recipient=still.me.certificate, to=still.centre.certificate.key_id)
    refused_everywhere(still, to_me, "container.sealed")
    refused_everywhere(still, forge(still, info=b"sot/seal/1\0" + bytes(16) + b"up"), "container.sealed")
    refused_everywhere(still, forge(still, info=b"sot/seal/1\0" + still.me.environment + b"down"), "container.sealed")


@pytest.mark.parametrize("size", [HUGE, -1, 2**63 - 1])
def test_3_7_a_claimed_size_over_the_cap_is_refused(still: World, size: int) -> None:
    """Row 2: a claim without end."""
    refused_everywhere(still, forge(still, plain_size=size), "container.too_large")


def test_3_7_a_larger_payload_or_container_is_refused(still: World) -> None:
    """Row 2: more than the cap."""
    assert code_of(lambda: container.write_container("up", {}, bytes(HUGE), still.me, still.centre.certificate)) == "container.too_large"
    assert still.refused(ports.BUNDLE, bytes(34_668_545)).code == "container.too_large"


def lying_frame(stated: int, real: int) -> bytes:
    """A zstd frame of ``real`` bytes whose header states ``stated`` (both from 256 to 65,791)."""
    frame = bytearray(zstandard.ZstdCompressor(level=1, write_content_size=True).compress(bytes(real)))
    assert frame[4] & 0xE0 == 0x60  # two bytes of size, one segment
    frame[5:7] = (stated - 256).to_bytes(2, "little")
    return bytes(frame)


@pytest.mark.parametrize(("stated", "real"), [(300, 60_000), (60_000, 300)])
def test_3_8_a_frame_that_lies_about_its_size_is_refused(still: World, stated: int, real: int) -> None:
    """Row 2: a zstd bomb unpacks no further than its frame says."""
    refused_everywhere(still, forge(still, plain=bytes(stated), packed=lying_frame(stated, real)), "container.broken")


def test_3_8_a_frame_of_another_size_than_the_header_is_not_started(still: World) -> None:
    bomb = zstandard.ZstdCompressor(level=1, write_content_size=True).compress(bytes(1 << 20))
    refused_everywhere(still, forge(still, packed=bomb), "container.broken")
    unknown = zstandard.ZstdCompressor(level=1, write_content_size=False).compress(PLAIN)
    refused_everywhere(still, forge(still, packed=unknown), "container.broken")


def test_3_8_a_wide_window_is_refused(still: World) -> None:
    settings = zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
    writer = zstandard.ZstdCompressor(compression_params=settings).compressobj(size=1 << 16)
    wide = writer.compress(bytes(1 << 16)) + writer.flush()
    frame = bytearray(wide)
    if zstandard.get_frame_parameters(wide).window_size <= container.WINDOW_BYTES_MAX:  # written as one segment: spell a window out
        frame = bytearray(b"\x28\xb5\x2f\xfd\xa0" + bytes([(27 - 10) << 3]) + (1 << 16).to_bytes(4, "little")) + b"\x03\x00\x04"
    refused_everywhere(still, forge(still, plain=bytes(1 << 16), packed=bytes(frame)), "container.broken")


def test_3_8_nothing_may_follow_the_frame(still: World) -> None:
    frame = zstandard.ZstdCompressor(level=1, write_content_size=True).compress(PLAIN)
    refused_everywhere(still, forge(still, packed=frame + b"\0"), "container.broken")
    refused_everywhere(still, forge(still, packed=frame + frame), "container.broken")
    refused_everywhere(still, forge(still, packed=b"no frame at all"), "container.broken")


def test_3_9_another_payload_than_promised_is_refused(still: World) -> None:
    refused_everywhere(still, forge(still, plain=PLAIN, packed=zstd(b"\x81\x68" + b"anythinG")), "container.broken")


def zstd(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_content_size=True).compress(plain)


def test_3_10_another_kind_is_refused(still: World) -> None:
    assert still.refused(ports.BUNDLE, forge(still, kind="chunk")).code == "container.kind"
    assert still.refused(ports.BUNDLE, forge(still, kind="down")).code == "container.kind"
    assert still.refused(ports.BLOB_PUT, forge(still, kind="up")).code == "container.kind"


def test_3_10_a_machine_takes_only_the_kind_it_asked_for(still: World) -> None:
    link = still.node.client._link
    other = container.write_container("own", {"nonce": bytes(16)}, PLAIN, still.centre, still.me.certificate)
    assert code_of(lambda: link.open(other, "down", bytes(16))) == "container.kind"
