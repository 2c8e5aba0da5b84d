"""Deterministic CBOR (RFC 8949, 4.2): one value has one encoding, and bytes are identity.

Allowed: int of 64 bits with sign, bytes, text, bool, None, list, and dict with text keys. No floats, no tags, no
indefinite lengths, no duplicate keys, no U+0000 and no lone surrogates (PostgreSQL refuses those, SQLite would not).
With text keys only, the length-first order of RFC 7049 and the bytewise order of RFC 8949 4.2.1 agree; it is also the
order of DAG-CBOR, whose codec (libipld, compiled) reads and writes here. cbor2 only says what is wrong with refused bytes.
"""

from itertools import chain
from typing import Any

import cbor2
import libipld

from common.errors import N_, Refused

DEPTH_MAX = 16
"""Nesting of lists and maps; the deepest honest entry has 6."""
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_KINDS = frozenset({bytes, bool, type(None), int, str, list, dict})


def _not_shared(_decoder: object, _immutable: bool, /) -> Any:
    raise ValueError("no part of our data stands for another")


_NOT_SHARED = dict.fromkeys((25, 28, 29, 256), _not_shared)
"""Tags of values and strings that repeat: with them sixty bytes hold a list of itself, which `check` would follow without end."""

Value = Any
"""None, bool, int, bytes, str, list of Value or dict of str to Value; checked at run time by `check`."""


def encode(value: Value) -> bytes:
    """Return the one canonical encoding of ``value``; raises Refused("canonical.…") for what must not be encoded."""
    check(value)
    try:
        return libipld.encode_dag_cbor(value)
    except ValueError as error:  # the one thing `check` does not look for
        raise Refused("canonical.surrogate", N_("The text holds a broken character.")) from error


def decode(data: bytes) -> Value:
    """Return the value of ``data``, which must be its canonical encoding to the byte; raises Refused("canonical.…")."""
    value = _decode_form(data)
    check(value)
    return value


def decode_form(data: bytes) -> dict[str, Any]:
    """Return the map in ``data``, whose encoding is the only one; which values it holds is for the caller to check, to the last
    one: kinds, 64 bits, U+0000. A third of the time of `decode_map`, for what every entry of a first sync has."""
    return _map(_decode_form(data))


def _decode_form(data: bytes) -> Value:
    try:
        value = libipld.decode_dag_cbor(data)
        same = libipld.encode_dag_cbor(value) == data  # else a longer length form, or a tag
    except Exception as error:  # noqa: BLE001 - whatever the codec makes of foreign bytes means: they are not ours
        raise _reason(data) from error
    if not same:
        raise _reason(data)
    return value


def decode_stored(data: bytes) -> dict[str, Any]:
    """Return the map in ``data`` without checking its form again: for bytes that `decode` accepted or `encode` made before
    they were stored. It costs a third of `decode`, and a fold reads every entry of an object each time."""
    try:
        value = libipld.decode_dag_cbor(data)
    except Exception as error:  # noqa: BLE001 - whatever the codec makes of it means: these bytes are not ours
        raise _broken() from error
    return _map(value)


def decode_map(data: bytes) -> dict[str, Any]:
    """Return ``decode(data)`` where it is a map; raises Refused otherwise."""
    return _map(decode(data))


def check(value: Value) -> None:
    """Raise Refused where ``value`` holds anything the canonical form does not have, but for lone surrogates, which `encode`
    finds. Level by level and not value by value: this runs for every entry, and so most of it runs inside the interpreter."""
    level: list[Any] = [value]
    for depth in range(DEPTH_MAX + 2):
        kinds = set(map(type, level))
        if not kinds <= _KINDS:
            raise Refused("canonical.type", N_("The data hold a kind of value that is not allowed."))
        if str in kinds:
            _check_texts([item for item in level if type(item) is str])
        if int in kinds:
            numbers = [item for item in level if type(item) is int]
            if min(numbers) < INT_MIN or max(numbers) > INT_MAX:
                raise Refused("canonical.int_range", N_("A number is too large."))
        maps = [item for item in level if type(item) is dict] if dict in kinds else []
        lists = [item for item in level if type(item) is list] if list in kinds else []
        if maps:
            _check_keys(list(chain.from_iterable(maps)))
        level = [*chain.from_iterable(map(dict.values, maps)), *chain.from_iterable(lists)]
        if not level:
            return
        if depth >= DEPTH_MAX:
            raise Refused("canonical.too_deep", N_("The data are nested too deeply."))


def _check_keys(keys: list[Any]) -> None:
    if not set(map(type, keys)) <= {str}:
        raise Refused("canonical.key", N_("The data cannot be read."))
    _check_texts(keys)


def _check_texts(texts: list[str]) -> None:
    if "\0" in "".join(texts):
        raise Refused("canonical.nul", N_("The text holds a character that cannot be stored (U+0000)."))


def _map(value: Value) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("canonical.not_a_map", N_("The data cannot be read."))
    return value


def _reason(data: bytes) -> Refused:
    """Return why ``data`` are refused."""
    try:
        value = cbor2.loads(data, semantic_decoders=_NOT_SHARED, strict_hashable_types=True)
    except Exception:  # noqa: BLE001 - cbor2 has many roots; all of them mean: these bytes are not ours
        return _broken()
    try:
        check(value)
    except Refused as refused:
        return refused
    # longer length forms, other key order, duplicate keys, indefinite lengths, trailing bytes
    return Refused("canonical.not_canonical", N_("The data are not in their one canonical form."))


def _broken() -> Refused:
    return Refused("canonical.broken", N_("The data cannot be read."))
