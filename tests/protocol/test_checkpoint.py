"""Checkpoints: published notes of other implementations, a note built by hand, and every way to write one wrong."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import CourtError, Refused
from sync.checkpoint import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Checkpoint,
    Signature,
    add_signature,
    cosign,
    key_id,
    read_checkpoint,
    read_cosignature,
    sign_checkpoint,
)
from sync.merkle import SIZE_MAX

# A checkpoint of a public Certificate Transparency log with its own lines of two types (5 and 1) and cosignatures of four witnesses.
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev"
PUBLIC_NOTE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
""".encode()  # noqa: E501 - as published
PUBLIC_KEY = "AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
WITNESS_KEY = "BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
GO_KEY = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""Of the example in Go's own note package: PeterNeumann+c74f20a3."""

NAME = "sot.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NODE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
CHECKPOINT = Checkpoint(NAME, 20_852_163, sha256(b"root").digest())
NOTE = sign_checkpoint(CHECKPOINT, NAME, KEY)
TEXT, SIGNED = NOTE.decode().split("\n\n")
LINE = SIGNED.encode()


def public(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text)[1:])


def read(note: bytes) -> Checkpoint:
    return read_checkpoint(note, NAME, KEY.public_key())


def signed(text: str) -> bytes:
    """Return a note over any text at all, truly signed: what is wrong with it is its text."""
    signature = Signature(NAME, key_id(NAME, KEY.public_key()), KEY.sign(text.encode()))
    return (text + "\n" + signature.line()).encode()


def test_a_public_logs_checkpoint() -> None:
    found = read_checkpoint(PUBLIC_NOTE, PUBLIC_LOG, public(PUBLIC_KEY))
    assert found == Checkpoint(PUBLIC_LOG, 1_432_088_532, base64.b64decode("U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro="))
    assert read_cosignature(PUBLIC_NOTE, "remora.n621.de", public(WITNESS_KEY)) == 0x6A122120


def test_published_key_ids() -> None:
    assert key_id("PeterNeumann", public(GO_KEY)).hex() == "c74f20a3"
    assert key_id("remora.n621.de", public(WITNESS_KEY), b"\x04").hex() == "da77ade7"


def test_a_note_built_by_hand() -> None:
    text = "sot.example/log\n20852163\n" + base64.b64encode(CHECKPOINT.root).decode() + "\n"
    raw = KEY.public_key().public_bytes_raw()
    identity = sha256(b"sot.example/log" + b"\x0a" + b"\x01" + raw).digest()[:4]
    line = "\u2014 sot.example/log " + base64.b64encode(identity + KEY.sign(text.encode())).decode() + "\n"
    assert (text + "\n" + line).encode() == NOTE
    assert read(NOTE) == CHECKPOINT


def test_a_cosignature_built_by_hand() -> None:
    raw = NODE_KEY.public_key().public_bytes_raw()
    identity = sha256(b"node-17\n\x04" + raw).digest()[:4]
    message = b"cosignature/v1\ntime 1679315147\n" + NOTE.split(b"\n\n")[0] + b"\n"
    value = identity + (1_679_315_147).to_bytes(8, "big") + NODE_KEY.sign(message)
    line = b"\xe2\x80\x94 node-17 " + base64.b64encode(value) + b"\n"
    assert cosign(NOTE, "node-17", NODE_KEY, 1_679_315_147) == line
    cosigned = add_signature(NOTE, line)
    assert cosigned == NOTE + line == add_signature(cosigned, line)
    assert read_cosignature(cosigned, "node-17", NODE_KEY.public_key()) == 1_679_315_147
    assert read(cosigned) == CHECKPOINT


def test_the_empty_and_the_largest_tree() -> None:
    for size in (0, 1, SIZE_MAX):
        checkpoint = Checkpoint(NAME, size, bytes(32))
        assert read(sign_checkpoint(checkpoint, NAME, KEY)) == checkpoint


def test_another_key_name_or_log_is_not_believed() -> None:
    with pytest.raises(Refused, match="checkpoint.unsigned"):
        read_checkpoint(NOTE, NAME, NODE_KEY.public_key())
    with pytest.raises(Refused, match="checkpoint.unsigned"):
        read_checkpoint(NOTE, "sot.example/test", KEY.public_key())
    with pytest.raises(Refused, match="checkpoint.origin"):
        read_checkpoint(NOTE, NAME, KEY.public_key(), origin="sot.example/test")
    elsewhere = sign_checkpoint(Checkpoint("sot.example/test", 1, bytes(32)), NAME, KEY)
    with pytest.raises(Refused, match="checkpoint.origin"):
        read(elsewhere)
    assert read_checkpoint(elsewhere, NAME, KEY.public_key(), origin="sot.example/test").size == 1


def test_a_cosignature_is_no_signature_of_the_log_and_the_reverse() -> None:
    cosigned = add_signature(NOTE, cosign(NOTE, NAME, KEY, 5))
    assert read(cosigned) == CHECKPOINT
    stripped = (TEXT + "\n\n").encode() + cosigned.removeprefix(NOTE)
    with pytest.raises(Refused, match="checkpoint.unsigned"):
        read(stripped)
    with pytest.raises(Refused, match="checkpoint.unsigned"):
        read_cosignature(NOTE, NAME, KEY.public_key())


def test_every_flipped_bit_is_refused() -> None:
    cosigned = add_signature(NOTE, cosign(NOTE, "node-17", NODE_KEY, 7))
    for at in range(len(NOTE)):
        for bit in range(8):
            bad = bytearray(cosigned)
            bad[at] ^= 1 << bit
            with pytest.raises(Refused, match="checkpoint"):
                read(bytes(bad))
    for at in range(len(TEXT.encode())):
        with pytest.raises(Refused, match="checkpoint"):
            read_cosignature(cosigned[:at] + b"~" + cosigned[at + 1 :], "node-17", NODE_KEY.public_key())
    for at in range(len(NOTE)):
        with pytest.raises(Refused, match="checkpoint"):
            read(NOTE[:at])


ROOT = TEXT.split("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"{NAME}\n{size}\n{ROOT}\n"
            for size in ("01", "+1", "-1", "", " 1", "1 ", "1_0", "0x1", "1.0", "٣", "1e3", str(SIZE_MAX + 1), "9" * 40)
        ),
        *(
            f"{NAME}\n1\n{root}\n"
            for root in ("", ROOT[:-1], ROOT + "=", ROOT + " ", ROOT[:-4], "AAAA" + ROOT, ROOT[:-2] + "B=", ROOT.replace("=", ""))
        ),
        *(f"{NAME}\n1\n{ROOT}\n{more}" for more in ("extension\n", "\n", "a\n\nb\n", "more\neven more\n")),
        *(
            f"\n1\n{ROOT}\n",
            f"1\n{ROOT}\n",
            f"{NAME}\r\n1\r\n{ROOT}\r\n",
            f"{NAME}\t\n1\n{ROOT}\n",
            "\n",
            "",
            f"{NAME}\n1\n",
            "x" * 300 + f"\n1\n{ROOT}\n",
        ),
        *(f"{NAME}\u2028\n1\n{ROOT}\n", f"{NAME}\n1\u0085\n{ROOT}\n", f"{NAME}\0\n1\n{ROOT}\n", f"{NAME}\n1\n{'-_' + ROOT[2:]}\n"),
    ],
)
def test_texts_out_of_form_though_truly_signed(text: str) -> None:
    with pytest.raises(Refused, match="checkpoint"):
        read(signed(text))


@pytest.mark.parametrize(
    "below",
    [
        *(b"", b"\n", LINE[:-1], LINE + b"\n", LINE + LINE, b"\n" + LINE, LINE + b"x\n", b" " + LINE, LINE.replace(b" sot", b"  sot")),
        *(LINE.replace("—".encode(), b"-"), LINE.replace(b"/log", b"+log"), LINE.replace(b"\n", b" \n"), LINE.replace(b"\n", b"\r\n")),
        *(
            LINE + "— other \n".encode(),
            LINE + "— other AAAA\n".encode(),
            LINE + "— other !!!!\n".encode(),
            LINE + "— other AAAAAA\n".encode(),
        ),
        *(LINE + "—  AAAAAAAA\n".encode(), LINE + "— a\u00a0b AAAAAAAA\n".encode(), LINE + b"\xff\n", LINE + "— other AAAAAAB=\n".encode()),
        *(LINE + "— other AAAA AAAAAAAA\n".encode(), LINE + "— other AAAAA\tAAA\n".encode(), LINE * (SIGNATURES_MAX + 1)),
    ],
)
def test_signature_lines_out_of_form(below: bytes) -> None:
    with pytest.raises(Refused, match="checkpoint"):
        read((TEXT + "\n\n").encode() + below)


def test_lines_of_strangers_are_ignored_but_not_ours() -> None:
    stranger = Signature("other", b"abcd", b"x" * 2420).line().encode()
    same_name = Signature(NAME, b"abcd", b"x" * 64).line().encode()
    same_id = Signature("other", key_id(NAME, KEY.public_key()), b"x" * 64).line().encode()
    false = Signature(NAME, key_id(NAME, KEY.public_key()), b"x" * 64).line().encode()
    short = Signature(NAME, key_id(NAME, KEY.public_key()), b"x").line().encode()
    head = (TEXT + "\n\n").encode()
    assert read(head + stranger + same_name + LINE + same_id) == CHECKPOINT
    for below, code in (
        (false, "signature"),
        (short, "signature"),
        (LINE + false, "duplicate"),
        (false + LINE, "duplicate"),
        (stranger, "unsigned"),
    ):
        with pytest.raises(Refused, match=f"checkpoint.{code}"):
            read(head + below)


def test_as_many_witnesses_as_the_limit_says() -> None:
    note = NOTE
    for node in range(SIGNATURES_MAX - 1):
        note = add_signature(note, cosign(NOTE, f"node-{node}", NODE_KEY, node))
    assert len(note) <= NOTE_BYTES_MAX
    assert read(note) == CHECKPOINT
    assert read_cosignature(note, "node-300", NODE_KEY.public_key()) == 300
    with pytest.raises(Refused, match="checkpoint.length"):
        add_signature(note, cosign(NOTE, "one-more", NODE_KEY, 0))
    with pytest.raises(Refused, match="checkpoint.length"):
        read(NOTE + b"\n" * NOTE_BYTES_MAX)


@pytest.mark.parametrize("line", [b"", b"\n", LINE[:-1], LINE + LINE, b"\xff\n", b"x\n", "— a b\n".encode()])
def test_only_whole_lines_are_added(line: bytes) -> None:
    with pytest.raises(Refused, match="checkpoint"):
        add_signature(NOTE, line)


def test_a_second_cosignature_of_one_key_is_refused() -> None:
    once = add_signature(NOTE, cosign(NOTE, "node-17", NODE_KEY, 5))
    with pytest.raises(Refused, match="checkpoint.duplicate"):
        add_signature(once, cosign(NOTE, "node-17", NODE_KEY, 6))


def test_a_cosignature_with_another_time_is_false() -> None:
    value = base64.b64decode(cosign(NOTE, "node-17", NODE_KEY, 5).split(b" ")[2])
    for changed in (value[:11] + b"\6" + value[12:], value[:4] + b"\xff" * 8 + value[12:], value[:-1], value + b"\0", value[:12]):
        note = NOTE + Signature("node-17", changed[:4], changed[4:]).line().encode()
        with pytest.raises(Refused, match="checkpoint"):
            read_cosignature(note, "node-17", NODE_KEY.public_key())


def test_a_cosignature_of_a_time_beyond_the_format_is_refused_though_truly_signed() -> None:
    message = b"cosignature/v1\ntime 9223372036854775808\n" + TEXT.encode() + b"\n"
    value = (2**63).to_bytes(8, "big") + NODE_KEY.sign(message)
    line = Signature("node-17", key_id("node-17", NODE_KEY.public_key(), b"\x04"), value).line().encode()
    with pytest.raises(Refused, match="checkpoint.time"):
        read_cosignature(NOTE + line, "node-17", NODE_KEY.public_key())


@pytest.mark.parametrize("origin", ["", "a\nb", "a\rb", "\x1f", "\ud800", "x" * 256])
def test_no_unspellable_checkpoint_is_signed(origin: str) -> None:
    with pytest.raises(Refused, match="checkpoint"):
        sign_checkpoint(Checkpoint(origin, 1, bytes(32)), NAME, KEY)
    with pytest.raises(Refused, match="checkpoint"):
        sign_checkpoint(CHECKPOINT, origin + " ", KEY)
    with pytest.raises(Refused, match="checkpoint"):
        cosign(NOTE, origin + "+", NODE_KEY, 1)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (SIZE_MAX + 1, bytes(32)), (1, b""), (1, bytes(31)), (1, bytes(33))])
def test_no_impossible_checkpoint_is_signed(size: int, root: bytes) -> None:
    with pytest.raises(Refused, match="checkpoint"):
        sign_checkpoint(Checkpoint(NAME, size, root), NAME, KEY)


PIECES = st.sampled_from(
    [TEXT.encode(), b"\n", b"\n\n", LINE, "— ".encode(), NAME.encode(), b" ", b"1", ROOT.encode(), b"=", b"\0", b"\xe2\x80"]
)


@settings(deadline=None)
@given(st.binary(max_size=300) | st.lists(PIECES, max_size=12).map(b"".join))
def test_any_bytes_are_a_checkpoint_or_refused(note: bytes) -> None:
    for attempt in (
        lambda: read(note),
        lambda: read_cosignature(note, NAME, KEY.public_key()),
        lambda: add_signature(note, LINE),
        lambda: add_signature(NOTE, note),
        lambda: cosign(note, "node", NODE_KEY, 1),
    ):
        try:
            attempt()
        except CourtError:
            continue


@settings(deadline=None)
@given(
    st.integers(0, SIZE_MAX),
    st.binary(min_size=32, max_size=32),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60),
)
def test_every_checkpoint_comes_back(size: int, root: bytes, origin: str) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert read_checkpoint(sign_checkpoint(checkpoint, NAME, KEY), NAME, KEY.public_key(), origin=origin) == checkpoint
