"""Contract ABI encoding: the part of it that our contracts use, in its one canonical form.

Types are the entries of the JSON ABI: `uintN`, `address`, `bool`, `bytesN`, `bytes`, `string`,
structs (`tuple` with `components`) and lists of any of them (`T[]`).

Source: Solidity documentation, "Contract ABI Specification" ("Strict Encoding Mode").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

Entry: TypeAlias = Mapping[str, Any]

WORD: Final = 32  # bytes
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_ADDRESS_BITS: Final = 160
_LIST: Final = "[]"


class AbiError(ValueError):
    """A value does not fit its type, or bytes are not its canonical encoding."""


def signature(entry: Entry) -> str:
    """Return name and types of a function or event, as its selector or topic is made from."""
    return f"{entry['name']}{_types(entry['inputs'])}"


def encode(entries: Sequence[Entry], values: Sequence[Any]) -> bytes:
    """Return values in the encoding of their types.

    Args:
        entries: The types.
        values: Integers and booleans, `bytes`, `str`, addresses as "0x" with 40 hexadecimal
            digits, structs and lists as sequences.

    Raises:
        AbiError: A value does not fit its type, or there are more or fewer than types.
    """
    if len(values) != len(entries):
        raise AbiError(f"{len(entries)} values are needed, not {len(values)}")
    head, tail = b"", b""
    head_bytes = sum(map(_head_bytes, entries))
    for entry, value in zip(entries, values, strict=True):
        if _is_dynamic(entry):
            head += _word(head_bytes + len(tail))
            tail += _encode_one(entry, value)
        else:
            head += _encode_one(entry, value)
    return head + tail


def decode(entries: Sequence[Entry], data: bytes) -> list[Any]:
    """Return the values in `data`, whose encoding must be the canonical one to the last byte.

    Returns:
        One value for each type: `int`, `bool`, `bytes`, `str`, addresses as "0x" with 40
        lower-case digits, structs as `dict` by member name, lists as `tuple`.

    Raises:
        AbiError: `data` is shorter, longer or otherwise encoded.
    """
    values, end = _decode_sequence(entries, memoryview(data))
    if end != len(data):
        raise AbiError(f"{len(data) - end} bytes more than the values need")
    return values


def _types(entries: Sequence[Entry]) -> str:
    return f"({','.join(map(_type, entries))})"


def _type(entry: Entry) -> str:
    declared: str = entry["type"]
    if not declared.startswith("tuple"):
        return declared
    return _types(entry["components"]) + declared.removeprefix("tuple")


def _element(entry: Entry) -> Entry:
    return {**entry, "type": entry["type"].removesuffix(_LIST)}


def _is_dynamic(entry: Entry) -> bool:
    kind = entry["type"]
    if kind == "tuple":
        return any(map(_is_dynamic, entry["components"]))
    return kind in ("bytes", "string") or kind.endswith(_LIST)


def _head_bytes(entry: Entry) -> int:
    """Return the bytes that a value takes in place: itself, or where it is found."""
    if entry["type"] == "tuple" and not _is_dynamic(entry):
        return sum(map(_head_bytes, entry["components"]))
    return WORD


def _encode_one(entry: Entry, value: Any) -> bytes:  # noqa: ANN401  (a value of any ABI type)
    kind: str = entry["type"]
    if kind.endswith(_LIST):
        elements = _expect(value, list, tuple)
        return _word(len(elements)) + encode([_element(entry)] * len(elements), elements)
    if kind == "tuple":
        return encode(entry["components"], _expect(value, list, tuple))
    if kind in ("bytes", "string"):
        data = _expect(value, str).encode() if kind == "string" else bytes(_expect(value, bytes))
        return _word(len(data)) + data + bytes(-len(data) % WORD)
    return _encode_word(kind, value)


def _encode_word(kind: str, value: Any) -> bytes:  # noqa: ANN401
    if kind == "bool":
        return _word(int(_expect(value, bool)))
    if kind == "address":
        if not _ADDRESS.fullmatch(_expect(value, str)):
            raise AbiError(f"{value!r} is no address")
        return _word(int(value, 16))
    if kind.startswith("bytes"):
        if len(_expect(value, bytes)) != _number(kind, "bytes"):
            raise AbiError(f"{len(value)} bytes are no {kind}")
        return bytes(value) + bytes(WORD - len(value))
    if isinstance(value, bool) or _expect(value, int) >> _number(kind, "uint") != 0:
        raise AbiError(f"{value!r} is no {kind}")
    return _word(value)


def _decode_sequence(entries: Sequence[Entry], data: memoryview) -> tuple[list[Any], int]:
    """Return the values of a sequence that begins `data`, and where it ends.

    Everything dynamic must follow in order without gaps: that makes the encoding unique.
    """
    values: list[Any] = []
    place, end = 0, sum(map(_head_bytes, entries))
    for entry in entries:
        if _is_dynamic(entry):
            if _read_word(data, place) != end:
                raise AbiError("a value is not where it belongs")
            value, used = _decode_dynamic(entry, data[end:])
            place, end = place + WORD, end + used
        else:
            value = _decode_static(entry, data[place:])
            place += _head_bytes(entry)
        values.append(value)
    return values, end


def _decode_dynamic(entry: Entry, data: memoryview) -> tuple[Any, int]:
    kind: str = entry["type"]
    if kind == "tuple":
        values, end = _decode_sequence(entry["components"], data)
        return _named(entry, values), end
    length = _read_word(data, 0)
    if kind.endswith(_LIST):
        element = _element(entry)
        if length * _head_bytes(element) > len(data):
            raise AbiError("a list is cut off")
        values, end = _decode_sequence([element] * length, data[WORD:])
        return tuple(values), WORD + end
    end = WORD + length + -length % WORD
    if end > len(data) or any(data[WORD + length : end]):
        raise AbiError(f"a value of type {kind} is cut off or not filled up with zeros")
    content = bytes(data[WORD : WORD + length])
    return (_text(content) if kind == "string" else content), end


def _decode_static(entry: Entry, data: memoryview) -> Any:  # noqa: ANN401
    kind: str = entry["type"]
    if kind == "tuple":
        return _named(entry, _decode_sequence(entry["components"], data)[0])
    number = _read_word(data, 0)
    if kind.startswith("bytes"):
        length = _number(kind, "bytes")
        if any(data[length:WORD]):
            raise AbiError(f"a {kind} is not filled up with zeros")
        return bytes(data[:length])
    if kind == "address":
        if number >> _ADDRESS_BITS:
            raise AbiError("an address is too long")
        return f"0x{number:040x}"
    if number >> (1 if kind == "bool" else _number(kind, "uint")):
        raise AbiError(f"{number} is no {kind}")
    return bool(number) if kind == "bool" else number


def _named(entry: Entry, values: Sequence[Any]) -> dict[str, Any]:
    names = (component["name"] for component in entry["components"])
    return dict(zip(names, values, strict=True))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AbiError("a string is not UTF-8") from error


def _read_word(data: memoryview, place: int) -> int:
    if place + WORD > len(data):
        raise AbiError("the data is cut off")
    return int.from_bytes(data[place : place + WORD])


def _word(number: int) -> bytes:
    return number.to_bytes(WORD)


def _number(kind: str, prefix: str) -> int:
    """Return N of a type such as `uintN`."""
    digits = kind.removeprefix(prefix)
    if not (kind.startswith(prefix) and digits.isdecimal()):
        raise AbiError(f"the type {kind} is not supported")
    return int(digits)


def _expect(value: Any, *kinds: type) -> Any:  # noqa: ANN401  (a value of any ABI type)
    if not isinstance(value, kinds):
        raise AbiError(f"{value!r} is of the wrong type")
    return value
