"""Deterministic CBOR: one encoding for every value (RFC 8949, section 4.2.1), nothing else read.

The reader is ours because libraries accept far more: indefinite lengths, longer integers than
needed, keys in any order, keys twice, forty tags, bytes behind the end. What was read is encoded
again by `cbor2`, an implementation of its own, and must give the received bytes.
"""

from __future__ import annotations

from typing import Final, NoReturn, TypeAlias

import cbor2

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_CBOR_BYTES, MAX_CBOR_DEPTH, MAX_SAFE_INTEGER
from verifier.core.strict_json import text_problem

CborKey: TypeAlias = int | str
CborValue: TypeAlias = (
    "dict[CborKey, CborValue] | list[CborValue] | bytes | str | int | bool | None"
)

# Major types, RFC 8949, section 3.1.
_UNSIGNED: Final = 0
_NEGATIVE: Final = 1
_BYTES: Final = 2
_TEXT: Final = 3
_ARRAY: Final = 4
_MAP: Final = 5
_TAG: Final = 6
_SIMPLE: Final = 7

_LARGEST_DIRECT: Final = 23  # an argument up to here stands in the first byte
_LARGEST_SIZED: Final = 27  # 24 to 27: an argument of 1, 2, 4 or 8 bytes follows
_SIMPLE_VALUES: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None}


def parse_cbor(
    data: bytes,
    *,
    what: str,
    max_bytes: int = MAX_CBOR_BYTES,
    max_depth: int = MAX_CBOR_DEPTH,
    max_items: int = MAX_CBOR_BYTES,
    tag: int | None = None,
) -> CborValue:
    """Parse one CBOR item in its deterministic encoding.

    Args:
        data: The item, nothing before or behind it.
        what: Name of the part being read, for the error message.
        max_bytes: Largest accepted size.
        max_depth: Deepest accepted nesting, the item itself counted.
        max_items: Most accepted items, those inside others counted: a byte on the wire becomes an
            object of fifty.
        tag: The tag that the item must carry, None for none; no tag is allowed inside it.

    Returns:
        The value, free of floats; map keys are integers or text.

    Raises:
        LimitExceededError: Too many bytes or items, or nested deeper than `max_depth`.
        MalformedEvidenceError: Not CBOR (`cbor`); another encoding than the deterministic one
            (`not_deterministic`); a key twice (`duplicate_key`) or of another type (`key`); a
            float, tag or other simple value (`type`); an integer beyond 2^53 - 1 (`integer`);
            text that is not UTF-8 (`utf8`), not NFC (`not_nfc`) or holds control characters
            (`control_character`).
    """
    if len(data) > max_bytes:
        raise LimitExceededError(what, actual=len(data), limit=max_bytes)
    reader = _Reader(data, what, max_depth, max_items)
    if tag is not None and reader.head() != (_TAG, tag):
        reader.refuse(f"must carry tag {tag}", "type")
    value = reader.value(depth=1)
    if reader.at != len(data):
        reader.refuse("has bytes behind its end", "cbor")
    if dump_cbor(value, tag=tag) != data:
        reader.refuse("is not in its deterministic encoding", "not_deterministic")
    return value


def dump_cbor(value: CborValue, *, tag: int | None = None) -> bytes:
    """Return the deterministic encoding of a value, under `tag` if one is given.

    Source: RFC 8949, section 4.2.1: shortest arguments, definite lengths, map keys in the
    bytewise order of their encodings (not in the older length-first order).
    """
    ordered = _ordered(value)
    return cbor2.dumps(ordered if tag is None else cbor2.CBORTag(tag, ordered))


def _ordered(value: CborValue) -> CborValue:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=_key_order)}
    if isinstance(value, list):
        return [_ordered(element) for element in value]
    return value


def _key_order(key: CborKey) -> tuple[int, int, bytes]:
    """Return what sorts as the encoding of a key does, without encoding it."""
    if isinstance(key, int):
        return (_UNSIGNED, key, b"") if key >= 0 else (_NEGATIVE, -1 - key, b"")
    text = key.encode("utf-8")
    return _TEXT, len(text), text


class _Reader:
    """One pass over the bytes; every length is compared with what is left before it is used."""

    def __init__(self, data: bytes, what: str, max_depth: int, max_items: int) -> None:
        self.at = 0
        self._max_depth = max_depth
        self._max_items = max_items
        self._items = 0
        self._data = data
        self._what = what

    def refuse(self, message: str, reason: str) -> NoReturn:
        """Raise the error that says what is wrong."""
        raise MalformedEvidenceError(self._what, message, reason=reason)

    def head(self) -> tuple[int, int]:
        """Read major type and argument."""
        first = self._take(1)[0]
        major, info = first >> 5, first & 0x1F
        if info <= _LARGEST_DIRECT:
            return major, info
        if info > _LARGEST_SIZED:
            self.refuse("has an indefinite or reserved length", "not_deterministic")
        return major, int.from_bytes(self._take(1 << (info - 24)), "big")

    def value(self, *, depth: int) -> CborValue:
        """Read one item; `depth` counts from 1."""
        if depth > self._max_depth:
            what = f"{self._what} (nesting)"
            raise LimitExceededError(what, actual=depth, limit=self._max_depth)
        self._items += 1
        if self._items > self._max_items:
            what = f"{self._what} (items)"
            raise LimitExceededError(what, actual=self._items, limit=self._max_items)
        major, argument = self.head()
        if major in (_ARRAY, _MAP):
            return self._container(major, argument, depth + 1)
        if major in (_BYTES, _TEXT):
            part = self._take(argument)
            return part if major == _BYTES else self._text(part)
        if major in (_UNSIGNED, _NEGATIVE):
            return self._integer(argument if major == _UNSIGNED else -1 - argument)
        if major == _SIMPLE and argument in _SIMPLE_VALUES:
            return _SIMPLE_VALUES[argument]
        return self.refuse("holds a tag, a float or a simple value", "type")

    def _container(self, major: int, count: int, depth: int) -> CborValue:
        # A count beyond the end of the data fails at the first element that is not there.
        if major == _ARRAY:
            return [self.value(depth=depth) for _ in range(count)]
        return self._map(count, depth)

    def _map(self, count: int, depth: int) -> dict[CborKey, CborValue]:
        members: dict[CborKey, CborValue] = {}
        for _ in range(count):
            key = self.value(depth=depth)
            if isinstance(key, bool) or not isinstance(key, int | str):
                self.refuse("has a map key that is no integer and no text", "key")
            if key in members:
                self.refuse(f"has the map key {key!r} twice", "duplicate_key")
            members[key] = self.value(depth=depth)
        return members

    def _integer(self, number: int) -> int:
        if abs(number) > MAX_SAFE_INTEGER:
            self.refuse("holds an integer beyond 2^53 - 1", "integer")
        return number

    def _text(self, data: bytes) -> str:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            self.refuse("holds text that is not UTF-8", "utf8")
        problem = text_problem(text)
        if problem is not None:
            self.refuse(f"holds text that is {problem}", problem)
        return text

    def _take(self, count: int) -> bytes:
        part = self._data[self.at : self.at + count]
        if len(part) != count:
            self.refuse("ends early", "cbor")
        self.at += count
        return part
