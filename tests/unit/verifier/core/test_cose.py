"""Signed messages: what is signed, what is the leaf, and which headers are refused."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.summaries import FixedSigner
from verifier.core.cose import Sign1, parse_sign1, sign1
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.keys import P256_ORDER, TOKEN_ALGORITHMS, Algorithm

TYP = "lancang-summary+cwt"
SIGNER = FixedSigner()
MESSAGE = sign1(b"payload", typ=TYP, signer=SIGNER)


def parse(data: bytes) -> Sign1:
    return parse_sign1(data, typ=TYP, what="message")


def encoded(header: object, **changes: Any) -> bytes:
    """Build a message with another header, or with other parts, by another implementation."""
    parts = {
        "unprotected": {},
        "payload": b"payload",
        "signature": MESSAGE.signature,
    } | changes
    protected = header if isinstance(header, bytes) else cbor2.dumps(header)
    return cbor2.dumps(cbor2.CBORTag(18, [protected, *parts.values()]))


def header(**changes: object) -> dict[int, object]:
    members = {"alg": (1, -7), "kid": (4, SIGNER.thumbprint), "typ": (16, TYP)}
    named = {label: changes.get(name, value) for name, (label, value) in members.items()}
    return {label: value for label, value in named.items() if value is not None}


class TestSigning:
    @pytest.mark.parametrize("algorithm", TOKEN_ALGORITHMS)
    def test_signed_bytes_are_those_of_rfc_9052(self, algorithm: Algorithm) -> None:
        signer = FixedSigner(algorithm)
        message = sign1(b"payload", typ=TYP, signer=signer)
        number = {Algorithm.ES256: -7, Algorithm.EDDSA: -8}[algorithm]
        protected = cbor2.dumps(header(alg=number, kid=signer.thumbprint))
        signed = cbor2.dumps(["Signature1", protected, b"", b"payload"])

        assert signer.public_key.verify(message.signature, signed)
        assert message.verify(signer.public_key)

    def test_encoding_is_that_of_another_implementation(self) -> None:
        assert MESSAGE.encode() == encoded(header())
        assert parse(MESSAGE.encode()) == MESSAGE

    def test_leaf_leaves_the_unprotected_header_out(self) -> None:
        carrying = replace(MESSAGE, unprotected={-65538: [0, 1, []]})

        assert carrying.encode() != MESSAGE.encode()
        assert carrying.leaf() == MESSAGE.leaf()
        assert MESSAGE.leaf() == sha256(b"\x00" + MESSAGE.encode()).digest()


class TestVerification:
    def test_another_key(self) -> None:
        assert not MESSAGE.verify(FixedSigner(number=2).public_key)

    def test_algorithm_is_that_of_the_registered_key(self) -> None:
        liar = FixedSigner()
        liar.algorithm = Algorithm.EDDSA  # signs by ES256 what its header calls EdDSA
        confused = sign1(b"payload", typ=TYP, signer=liar)

        assert not confused.verify(SIGNER.public_key)

    def test_named_key_must_be_the_key(self) -> None:
        liar = FixedSigner()
        liar.thumbprint = FixedSigner(number=2).thumbprint
        renamed = sign1(b"payload", typ=TYP, signer=liar)

        assert not renamed.verify(SIGNER.public_key)

    def test_high_s(self) -> None:
        r, s = MESSAGE.signature[:32], int.from_bytes(MESSAGE.signature[32:])
        flipped = replace(MESSAGE, signature=r + (P256_ORDER - s).to_bytes(32))

        assert not flipped.verify(SIGNER.public_key)

    @pytest.mark.parametrize("part", ["payload", "signature", "thumbprint"])
    def test_every_signed_part_counts(self, part: str) -> None:
        value = getattr(MESSAGE, part)
        spoilt = replace(MESSAGE, **{part: bytes([value[0] ^ 1]) + value[1:]})

        assert not spoilt.verify(SIGNER.public_key)

    def test_type_counts(self) -> None:
        assert not replace(MESSAGE, typ="other").verify(SIGNER.public_key)


class TestRefusal:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            pytest.param(encoded(header(alg=None)), "header", id="no algorithm"),
            pytest.param(encoded(header(kid=None)), "header", id="no key"),
            pytest.param(
                encoded({1: -7, 3: 0, 4: bytes(32), 16: TYP}), "header", id="content type"
            ),
            pytest.param(encoded({1: -7, 2: [16], 4: bytes(32), 16: TYP}), "header", id="critical"),
            pytest.param(encoded([]), "header", id="header is a list"),
            pytest.param(encoded(b""), "cbor", id="empty header"),
            pytest.param(encoded(header(alg=-257)), "algorithm", id="RS256"),
            pytest.param(encoded(header(alg=-9)), "algorithm", id="ESP256"),
            pytest.param(encoded(header(alg=5)), "algorithm", id="HMAC"),
            pytest.param(encoded(header(alg="ES256")), "algorithm", id="algorithm by name"),
            pytest.param(encoded(header(alg=True)), "algorithm", id="algorithm is true"),
            pytest.param(encoded(header(kid=bytes(8))), "length", id="short key name"),
            pytest.param(encoded(header(kid="k" * 32)), "length", id="key name is text"),
            pytest.param(
                encoded(cbor2.dumps({16: TYP, 4: bytes(32), 1: -7})),
                "not_deterministic",
                id="header out of order",
            ),
            pytest.param(encoded(header(), signature=bytes(63)), "length", id="short signature"),
            pytest.param(encoded(header(), signature="s" * 64), "cose", id="signature is text"),
            pytest.param(encoded(header(), payload=None), "cose", id="detached payload"),
            pytest.param(encoded(header(), unprotected=[]), "cose", id="unprotected list"),
            pytest.param(encoded(header(), more=b""), "cose", id="fifth part"),
            pytest.param(cbor2.dumps(cbor2.CBORTag(18, {})), "cose", id="no parts"),
            pytest.param(MESSAGE.encode()[1:], "type", id="no tag"),
            pytest.param(cbor2.dumps(cbor2.CBORTag(98, [])), "type", id="COSE_Sign"),
            pytest.param(MESSAGE.encode() + b"\x00", "cbor", id="byte behind the end"),
        ],
    )
    def test_by_name(self, data: bytes, reason: str) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse(data)
        assert caught.value.reason == reason

    @pytest.mark.parametrize("typ", ["lancang-summary", "LANCANG-SUMMARY+CWT", None, 16, b"x"])
    def test_another_type_is_not_ours(self, typ: object) -> None:
        with pytest.raises(NotOursError):
            parse(encoded(header(typ=typ)))

    @given(st.integers(0, len(MESSAGE.encode()) - 1), st.integers(1, 255))
    @settings(deadline=None)
    def test_no_changed_byte_verifies(self, at: int, mask: int) -> None:
        data = bytearray(MESSAGE.encode())
        data[at] ^= mask
        try:
            message = parse(bytes(data))
        except MalformedEvidenceError:
            return
        assert not message.verify(SIGNER.public_key)
