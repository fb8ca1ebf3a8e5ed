"""The ABI codec against the specification's example, another implementation, and hostile bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.chain.abi_codec import AbiError, decode, encode, signature

SAM = {
    "name": "sam",
    "inputs": [{"type": "bytes"}, {"type": "bool"}, {"type": "uint256[]"}],
}
# sam("dave", true, [1, 2, 3]): Solidity documentation, "Contract ABI Specification", "Examples".
SAM_WORDS = (
    0x60,
    1,
    0xA0,
    4,
    0x6461766500000000000000000000000000000000000000000000000000000000,
    3,
    1,
    2,
    3,
)
STRUCT = {
    "type": "tuple",
    "components": [
        {"name": "count", "type": "uint64"},
        {"name": "owner", "type": "address"},
        {"name": "inner", "type": "tuple", "components": [{"name": "code", "type": "bytes2"}]},
        {"name": "name", "type": "string"},
        {"name": "flags", "type": "bool[]"},
    ],
}
STATIC = {
    "type": "tuple",
    "components": [{"name": "a", "type": "uint8"}, {"name": "b", "type": "bytes32"}],
}
TYPES = [
    {"type": "uint8"},
    STRUCT,
    STATIC,
    {**STATIC, "type": "tuple[]"},
    {**STRUCT, "type": "tuple[]"},
    {"type": "bytes[]"},
    {"type": "address"},
]

static = st.tuples(st.integers(0, 255), st.binary(min_size=32, max_size=32))
address = st.integers(0, 2**160 - 1).map(lambda number: f"0x{number:040x}")
struct = st.tuples(
    st.integers(0, 2**64 - 1),
    address,
    st.tuples(st.binary(min_size=2, max_size=2)),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.lists(st.booleans(), max_size=3).map(tuple),
)
values = st.tuples(
    st.integers(0, 255),
    struct,
    static,
    st.lists(static, max_size=3).map(tuple),
    st.lists(struct, max_size=2).map(tuple),
    st.lists(st.binary(max_size=70), max_size=3).map(tuple),
    address,
)


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32) for number in numbers)


def plain(value: Any) -> Any:
    """Return a decoded value with structs as tuples again."""
    if isinstance(value, dict):
        return tuple(map(plain, value.values()))
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def test_the_example_of_the_specification() -> None:
    assert signature(SAM) == "sam(bytes,bool,uint256[])"
    assert encode(SAM["inputs"], [b"dave", True, [1, 2, 3]]) == words(*SAM_WORDS)  # type: ignore[arg-type]
    assert decode(SAM["inputs"], words(*SAM_WORDS)) == [b"dave", True, (1, 2, 3)]  # type: ignore[arg-type]


def test_structs_are_read_by_name() -> None:
    data = encode([STATIC], [(7, b"x" * 32)])
    assert decode([STATIC], data) == [{"a": 7, "b": b"x" * 32}]
    assert signature({"name": "f", "inputs": [STRUCT, {**STATIC, "type": "tuple[]"}]}) == (
        "f((uint64,address,(bytes2),string,bool[]),(uint8,bytes32)[])"
    )


@given(values)
def test_round_trip_and_agreement_with_another_implementation(chosen: tuple[Any, ...]) -> None:
    data = encode(TYPES, chosen)
    assert plain(tuple(decode(TYPES, data))) == chosen

    eth_abi = pytest.importorskip("eth_abi.abi")
    names = signature({"name": "", "inputs": TYPES})
    assert eth_abi.encode([names], [chosen]) == words(0x20) + data


@given(values, st.data())
def test_nothing_but_the_canonical_encoding_is_read(
    chosen: tuple[Any, ...], data: st.DataObject
) -> None:
    changed = bytearray(encode(TYPES, chosen))
    if data.draw(st.booleans()):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        place = data.draw(st.integers(0, len(changed) // 32)) * 32
        changed[place:place] = bytes(data.draw(st.sampled_from([1, 32, 64])))
    try:
        read = decode(TYPES, bytes(changed))
    except AbiError:
        return
    assert encode(TYPES, plain(tuple(read))) == bytes(changed)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        pytest.param("uint8", words(256), id="number too large"),
        pytest.param("bool", words(2), id="neither true nor false"),
        pytest.param("address", words(2**160), id="address too long"),
        pytest.param("bytes2", b"ab" + bytes(29) + b"x", id="filled up with something"),
        pytest.param("string", words(0x20, 1) + b"\xff" + bytes(31), id="no UTF-8"),
        pytest.param("bytes", words(0x20, 1) + b"ax" + bytes(30), id="filled up otherwise"),
        pytest.param("bytes", words(0x20, 33) + bytes(32), id="cut off"),
        pytest.param("bytes", words(0x20, 2**255), id="endless"),
        pytest.param("bytes", words(0x40, 0, 0), id="elsewhere"),
        pytest.param("bytes", words(0x00), id="in itself"),
        pytest.param("uint8[]", words(0x20, 2**60), id="endless list"),
        pytest.param("bytes[]", words(0x20, 2, 0x40, 0x40, 0), id="two at one place"),
        pytest.param("uint8", words(1, 0), id="more than asked for"),
        pytest.param("uint8", b"", id="nothing"),
        pytest.param("uint8", bytes(31), id="too little"),
        pytest.param("int8", words(1), id="unsupported type"),
        pytest.param("uint8[2]", words(1, 2), id="unsupported list"),
    ],
)
def test_refused_bytes(kind: str, data: bytes) -> None:
    with pytest.raises(AbiError):
        decode([{"type": kind}], data)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("uint8", "1"),
        ("bool", 1),
        ("bytes2", b"abc"),
        ("bytes2", "ab"),
        ("address", "0x12"),
        ("address", b"x" * 20),
        ("string", b"x"),
        ("uint8[]", 7),
        ("int8", 1),
    ],
)
def test_refused_values(kind: str, value: object) -> None:
    with pytest.raises(AbiError):
        encode([{"type": kind}], [value])


def test_as_many_values_as_types() -> None:
    with pytest.raises(AbiError):
        encode([{"type": "bool"}], [])
