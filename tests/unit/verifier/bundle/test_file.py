"""The file around a bundle, and deltas between two of them."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.bundle.delta import Delta, parse_delta
from verifier.bundle.file import BundleFile, SignaturePair, parse_bundle_file
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_SIGNATURES
from verifier.core.strict_cbor import dump_cbor

FILE = BundleFile(b"content " * 50, (SignaturePair(b"delegation", b"statement"),))
DATA = FILE.encode()


def made(**changes: Any) -> bytes:
    packed = zlib.compress(FILE.content)
    members = {"bundle_file": 1, "content": packed, "size": len(FILE.content), "signatures": []}
    return dump_cbor(members | changes)


class TestFile:
    def test_what_was_written_is_read(self) -> None:
        assert parse_bundle_file(DATA) == FILE
        assert FILE.digest == hashlib.sha256(FILE.content).digest()

    def test_the_name_of_a_bundle_does_not_depend_on_compression_or_signatures(self) -> None:
        other = parse_bundle_file(made(content=zlib.compress(FILE.content, 0)))

        assert other.digest == FILE.digest
        assert other != FILE

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (made(bundle_file=2), "version"),
            (made(size=len(FILE.content) - 1), "compression"),
            (made(size=len(FILE.content) + 1), "compression"),
            (made(content=zlib.compress(FILE.content) + b"x"), "compression"),
            (made(content=zlib.compress(FILE.content)[:-1]), "compression"),
            (made(content=b"no zlib"), "compression"),
            (made(more=1), "members"),
            (made(signatures=[[b"x"]]), "members"),
            (made(signatures=[[b"x", b"y", b"z"]]), "members"),
            (made(signatures=[[b"x", bytes(5000)]]), "length"),
            (made(signatures=1), "type"),
        ],
    )
    def test_what_is_wrong_is_refused(self, data: bytes, reason: str) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_bundle_file(data)
        assert caught.value.reason == reason

    def test_a_bomb_is_refused_before_it_bursts(self) -> None:
        with pytest.raises(LimitExceededError):
            parse_bundle_file(made(size=MAX_BUNDLE_BYTES + 1))
        bomb = zlib.compress(bytes(MAX_BUNDLE_BYTES))  # 64 KiB that announce four bytes
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_bundle_file(made(content=bomb, size=4))
        assert caught.value.reason == "compression"

    def test_signatures_without_end_are_refused(self) -> None:
        pairs = [[b"x", b"y"]] * (MAX_BUNDLE_SIGNATURES + 1)
        with pytest.raises(LimitExceededError):
            parse_bundle_file(made(signatures=pairs))

    @pytest.mark.parametrize("data", [dump_cbor({"other": 1}), dump_cbor([1])])
    def test_something_else_is_none_of_ours(self, data: bytes) -> None:
        for parse in (parse_bundle_file, parse_delta):
            with pytest.raises(NotOursError):
                parse(data)

    @given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
    def test_a_flipped_byte_never_gives_the_same_bundle(self, at: int, flip: int) -> None:
        changed = DATA[:at] + bytes([DATA[at] ^ flip]) + DATA[at + 1 :]
        try:
            file = parse_bundle_file(changed)
        except MalformedEvidenceError:
            return
        # zlib has a few bits that mean nothing; the content is what is signed.
        assert file.content == FILE.content or file.digest != FILE.digest


PIECES = st.lists(
    st.one_of(st.binary(max_size=90), st.sampled_from([b"a" * 100, b"row of a table " * 9])),
    max_size=12,
)


class TestDelta:
    @given(PIECES, PIECES, st.randoms(use_true_random=False))
    def test_leads_from_any_bundle_to_any_other(
        self, one: list[bytes], other: list[bytes], random: Any
    ) -> None:
        shared = [*one, *other]
        random.shuffle(shared)
        base, result = BundleFile(b"".join(one)), BundleFile(b"".join(shared), FILE.signatures)

        delta = parse_delta(Delta.between(base, result).encode())

        assert delta.apply(base) == result

    def test_is_small_when_little_changed(self) -> None:
        rows = [hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(4000)]
        base = BundleFile(b"".join(rows))
        rows[7:7], rows[2000:2000] = [b"\x01" * 32], [b"\x02" * 32]
        result = BundleFile(b"".join(rows))

        data = Delta.between(base, result).encode()

        assert parse_delta(data).apply(base) == result
        assert len(data) < 500

    def test_deltas_follow_each_other(self) -> None:
        files = [BundleFile(bytes(range(200)) * number) for number in range(1, 6)]
        deltas = [parse_delta(Delta.between(*pair).encode()) for pair in pairwise(files)]
        reached = files[0]
        for delta in deltas:
            reached = delta.apply(reached)

        assert reached == files[-1]
        with pytest.raises(MalformedEvidenceError) as caught:
            deltas[1].apply(files[0])
        assert caught.value.reason == "base"

    @given(st.data())
    def test_a_flipped_byte_never_leads_to_another_bundle(self, data: st.DataObject) -> None:
        base, result = BundleFile(b"base " * 40), BundleFile(b"base " * 30 + b"result")
        encoded = Delta.between(base, result).encode()
        at = data.draw(st.integers(0, len(encoded) - 1))
        changed = bytearray(encoded)
        changed[at] ^= data.draw(st.integers(1, 255))
        try:
            reached = parse_delta(bytes(changed)).apply(base)
        except MalformedEvidenceError:
            return
        assert reached.content == result.content

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ([0, 11], "value"),  # beyond the end of the base
            ([11, 1], "value"),
            ([0, 0], "value"),
            ([0], "type"),
            ([True, 1], "type"),
            (["text"], "type"),
            ({}, "type"),
            ([0, 10, 0, 10], "inconsistent"),  # more than announced
            ([0, 9], "inconsistent"),  # less
            ([b"123456789x"], "inconsistent"),  # something else
        ],
    )
    def test_changes_that_lead_elsewhere_are_refused(self, changes: Any, reason: str) -> None:
        base = BundleFile(b"0123456789")
        delta = Delta.between(base, base)

        with pytest.raises(MalformedEvidenceError) as caught:
            replace(delta, changes=dump_cbor(changes)).apply(base)
        assert caught.value.reason == reason
