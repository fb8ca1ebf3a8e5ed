"""One encoding for every value; everything else is refused."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.strict_cbor import CborValue, dump_cbor, parse_cbor

SAFE = 2**53 - 1
TEXT = st.text("ab é鲜ກท\n", max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT | st.binary(max_size=300)
VALUES: st.SearchStrategy[CborValue] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-SAFE, SAFE) | TEXT, inner, max_size=4)
    ),
    max_leaves=8,
)


def depth(value: CborValue) -> int:
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return 1
    return 1 + max((depth(child) for child in children), default=0)  # type: ignore[arg-type,union-attr]


class TestRoundTrip:
    @given(VALUES.filter(lambda value: depth(value) <= 8))
    @settings(deadline=None)
    def test_what_was_written_is_read_here_and_elsewhere(self, value: CborValue) -> None:
        read = parse_cbor(dump_cbor(value), what="value")

        assert read == value
        assert type(read) is type(value)
        assert cbor2.loads(dump_cbor(value)) == value

    def test_keys_are_in_bytewise_order_not_shorter_first(self) -> None:
        # RFC 8949, section 4.2.1: 24 (18 18) comes before -1 (20) although it is longer.
        assert dump_cbor({-1: 0, 24: 0, "a": 0, 10: 0}).hex() == "a40a00181800200061610" + "0"

    def test_required_tag(self) -> None:
        data = dump_cbor([1], tag=18)

        assert data.hex() == "d28101"
        assert parse_cbor(data, what="value", tag=18) == [1]


class TestRefusal:
    @pytest.mark.parametrize(
        ("encoded", "reason"),
        [
            pytest.param("", "cbor", id="nothing"),
            pytest.param("0000", "cbor", id="bytes behind the end"),
            pytest.param("19", "cbor", id="argument cut"),
            pytest.param("4201", "cbor", id="bytes cut"),
            pytest.param("8201", "cbor", id="array cut"),
            pytest.param("a101", "cbor", id="map cut"),
            pytest.param("9bffffffffffffffff", "cbor", id="an array of 2^64 elements"),
            pytest.param("5bffffffffffffffff", "cbor", id="a string of 2^64 bytes"),
            pytest.param("bb7fffffffffffffff", "cbor", id="a map of 2^63 members"),
            pytest.param("1817", "not_deterministic", id="23 in two bytes"),
            pytest.param("190001", "not_deterministic", id="1 in three bytes"),
            pytest.param("3800", "not_deterministic", id="-1 in two bytes"),
            pytest.param("580100", "not_deterministic", id="long length of a string"),
            pytest.param("9f01ff", "not_deterministic", id="indefinite array"),
            pytest.param("bf0101ff", "not_deterministic", id="indefinite map"),
            pytest.param("5f4101ff", "not_deterministic", id="indefinite bytes"),
            pytest.param("7f6161ff", "not_deterministic", id="indefinite text"),
            pytest.param("1c", "not_deterministic", id="reserved argument"),
            pytest.param("a202010101", "not_deterministic", id="keys out of order"),
            pytest.param("a320001818000a00", "not_deterministic", id="shorter key first"),
            pytest.param("a201010102", "duplicate_key", id="key twice"),
            pytest.param("a24101014100", "key", id="bytes as a key"),
            pytest.param("a1f500", "key", id="true as a key"),
            pytest.param("a1810100", "key", id="array as a key"),
            pytest.param("f93c00", "type", id="half float"),
            pytest.param("fa3f800000", "type", id="float"),
            pytest.param("fb3ff0000000000000", "type", id="double"),
            pytest.param("f7", "type", id="undefined"),
            pytest.param("f0", "type", id="unassigned simple value"),
            pytest.param("c11a00000000", "type", id="tag that nobody asked for"),
            pytest.param("c243010000", "type", id="big number"),
            pytest.param("81d2818101", "type", id="tag inside"),
            pytest.param("1b0020000000000000", "integer", id="2^53"),
            pytest.param("3b001fffffffffffff", "integer", id="-2^53"),
            pytest.param("1bffffffffffffffff", "integer", id="2^64 - 1"),
            pytest.param("61ff", "utf8", id="text that is not UTF-8"),
            pytest.param("63eda080", "utf8", id="surrogate"),
            pytest.param("6365cc81", "not_nfc", id="decomposed letter"),
            pytest.param("63e280ae", "control_character", id="bidirectional override"),
            pytest.param("6100", "control_character", id="zero byte in text"),
        ],
    )
    def test_by_name(self, encoded: str, reason: str) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_cbor(bytes.fromhex(encoded), what="value")
        assert caught.value.reason == reason

    @given(st.binary(max_size=60))
    @settings(deadline=None)
    def test_noise_is_refused_or_deterministic(self, noise: bytes) -> None:
        try:
            value = parse_cbor(noise, what="value")
        except MalformedEvidenceError:
            return
        assert dump_cbor(value) == noise

    @given(VALUES.filter(lambda value: depth(value) <= 8), st.data())
    @settings(deadline=None)
    def test_a_changed_byte_never_reads_as_the_same(
        self, value: CborValue, data: st.DataObject
    ) -> None:
        encoded = bytearray(dump_cbor(value))
        encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
        try:
            read = parse_cbor(bytes(encoded), what="value")
        except MalformedEvidenceError:
            return
        assert repr(read) != repr(value)

    def test_depth(self) -> None:
        assert parse_cbor(b"\x81" * 7 + b"\x00", what="value")
        with pytest.raises(LimitExceededError):
            parse_cbor(b"\x81" * 8 + b"\x00", what="value")
        with pytest.raises(LimitExceededError):
            parse_cbor(b"\x81" * 4000, what="value")

    def test_size(self) -> None:
        with pytest.raises(LimitExceededError) as caught:
            parse_cbor(bytes(4097), what="value")
        assert caught.value.limit == 4096

    @pytest.mark.parametrize("encoded", ["8101", "d18101", "d2", "d8128101"])
    def test_missing_or_other_tag(self, encoded: str) -> None:
        with pytest.raises(MalformedEvidenceError):
            parse_cbor(bytes.fromhex(encoded), what="value", tag=18)
