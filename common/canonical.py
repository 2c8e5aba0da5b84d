"""Deterministic CBOR (RFC 8949, 4.2): one value has one encoding, and bytes are identity.

Allowed: int of 64 bits with sign, bytes, text, bool, None, list, and dict with text keys. No floats, no tags, no
indefinite lengths, no duplicate keys, no U+0000 and no lone surrogates (PostgreSQL refuses those, SQLite would not).
With text keys only, the length-first order of RFC 7049 that cbor2 writes and the bytewise order of RFC 8949 4.2.1 agree.
"""

import functools
from collections.abc import Iterable
from typing import Any

import cbor2

from common.errors import N_, Refused

DEPTH_MAX = 16
"""Nesting of lists and maps; the deepest honest entry has 6."""
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
KEY_ORDERS_MAX = 512
_PLAIN = frozenset({bytes, bool, type(None)})

Value = Any
"""None, bool, int, bytes, str, list of Value or dict of str to Value; checked at run time by `check`."""


def encode(value: Value) -> bytes:
    """Return the one canonical encoding of ``value``; raises Refused("canonical.…") for what must not be encoded."""
    try:
        return cbor2.dumps(_ordered(value))
    except UnicodeEncodeError as error:
        raise Refused("canonical.surrogate", N_("The text holds a broken character.")) from error


def decode(data: bytes) -> Value:
    """Return the value of ``data``, which must be its canonical encoding to the byte; raises Refused("canonical.…")."""
    try:
        value = cbor2.loads(data)
        again = cbor2.dumps(_ordered(value))
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - cbor2 has many roots; all of them mean: these bytes are not ours
        raise Refused("canonical.broken", N_("The data cannot be read.")) from error
    if again != data:  # longer length forms, other key order, duplicate keys, trailing bytes
        raise Refused("canonical.not_canonical", N_("The data are not in their one canonical form."))
    return value


def decode_stored(data: bytes) -> dict[str, Any]:
    """Return the map in ``data`` without checking its form again: for bytes that `decode` accepted or `encode` made before
    they were stored. It costs a third of `decode`, and a fold reads every entry of an object each time."""
    try:
        value = cbor2.loads(data)
    except Exception as error:  # noqa: BLE001 - cbor2 has many roots; all of them mean: these bytes are not ours
        raise Refused("canonical.broken", N_("The data cannot be read.")) from error
    if not isinstance(value, dict):
        raise Refused("canonical.not_a_map", N_("The data cannot be read."))
    return value


def decode_map(data: bytes) -> dict[str, Any]:
    """Return ``decode(data)`` where it is a map; raises Refused otherwise."""
    value = decode(data)
    if not isinstance(value, dict):
        raise Refused("canonical.not_a_map", N_("The data cannot be read."))
    return value


def check(value: Value) -> None:
    """Raise Refused where ``value`` holds anything the canonical form does not have."""
    encode(value)


def _ordered(value: Value) -> Value:
    """Return ``value`` with the keys of all maps in canonical order, which cbor2 then writes as they come: half the time of
    letting it sort. Raises Refused for anything the canonical form does not have, but for surrogates, which cbor2 finds."""
    return _ordered_items((value,), 0)[0]


def _ordered_items(items: Iterable[Value], depth: int) -> list[Value]:
    # one call for each container and none for each value: this runs for every value of every entry
    done: list[Value] = []
    for item in items:
        kind = type(item)
        if kind is str:
            if "\0" in item:
                raise _nul()
        elif kind is dict or kind is list:
            if item and depth >= DEPTH_MAX:
                raise Refused("canonical.too_deep", N_("The data are nested too deeply."))
            item = _ordered_map(item, depth) if kind is dict else _ordered_items(item, depth + 1)
        elif kind is int:
            if not INT_MIN <= item <= INT_MAX:
                raise Refused("canonical.int_range", N_("A number is too large."))
        elif kind not in _PLAIN:
            raise Refused("canonical.type", N_("The data hold a kind of value that is not allowed."))
        done.append(item)
    return done


def _ordered_map(value: dict[str, Value], depth: int) -> dict[str, Value]:
    keys = _key_order(tuple(value))
    return dict(zip(keys, _ordered_items(map(value.__getitem__, keys), depth + 1), strict=True))


@functools.lru_cache(maxsize=KEY_ORDERS_MAX)  # maps come from a few hundred struct types
def _key_order(keys: tuple[Any, ...]) -> tuple[str, ...]:
    for key in keys:
        if type(key) is not str:
            raise Refused("canonical.key", N_("The data cannot be read."))
        if "\0" in key:
            raise _nul()
    return tuple(sorted(keys, key=_encoded_order))


def _nul() -> Refused:
    return Refused("canonical.nul", N_("The text holds a character that cannot be stored (U+0000)."))


def _encoded_order(key: str) -> tuple[int, bytes]:
    text = key.encode()
    return len(text), text
