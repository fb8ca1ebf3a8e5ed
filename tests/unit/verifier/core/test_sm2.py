"""What the core fixes of SM2: curve, ranges, names. The arithmetic is a port."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import sm2_reference as reference
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.sm2 import SM2_ORDER, SM2_USER_ID, is_sm2_point, is_sm2_signature

VECTOR = json.loads(
    (Path(__file__).parents[3] / "vectors" / "gbt32918" / "signature.json").read_text("utf-8")
)
RAW = bytes.fromhex(VECTOR["x"] + VECTOR["y"])
SIGNATURE = bytes.fromhex(VECTOR["r"] + VECTOR["s"])
MESSAGE = VECTOR["message"].encode()
P = reference.P


def numbers(r: int, s: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32)


def test_the_reference_of_these_tests_makes_the_published_example() -> None:
    private, k = int(VECTOR["private_key"], 16), int(VECTOR["k"], 16)
    user_id = VECTOR["user_id"].encode()

    assert user_id == SM2_USER_ID
    assert reference.public_of(private) == RAW
    assert reference.identity_digest(RAW, user_id) == bytes.fromhex(VECTOR["z"])
    assert reference.message_digest(RAW, MESSAGE, user_id) == bytes.fromhex(VECTOR["e"])
    assert reference.sign(private, MESSAGE, k=k) == SIGNATURE
    assert reference.verify(RAW, SIGNATURE, MESSAGE)


def test_a_key_verifies_through_the_port() -> None:
    key = PublicKey(Algorithm.SM2, RAW)

    assert key.verify_sm2(SIGNATURE, MESSAGE, sm2=reference.verify)
    assert not key.verify_sm2(SIGNATURE, MESSAGE + b".", sm2=reference.verify)


def test_without_the_port_an_sm2_key_verifies_nothing() -> None:
    assert not PublicKey(Algorithm.SM2, RAW).verify(SIGNATURE, MESSAGE)


def test_no_other_key_verifies_through_the_port() -> None:
    """Even if the port says yes to everything."""
    es256 = PublicKey(Algorithm.ES256, bytes.fromhex(
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    ))  # fmt: skip
    assert not es256.verify_sm2(SIGNATURE, MESSAGE, sm2=lambda *_: True)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(SIGNATURE[:63], id="too short"),
        pytest.param(SIGNATURE + b"\x00", id="too long"),
        pytest.param(numbers(0, 1), id="r is zero"),
        pytest.param(numbers(1, 0), id="s is zero"),
        pytest.param(numbers(SM2_ORDER, 1), id="r is the order"),
        pytest.param(numbers(1, SM2_ORDER), id="s is the order"),
        pytest.param(numbers(SM2_ORDER - 5, 5), id="r + s is the order"),
        pytest.param(b"\xff" * 64, id="beyond the order"),
    ],
)
def test_signatures_out_of_range_never_reach_the_port(signature: bytes) -> None:
    """The port here would accept anything."""
    assert not PublicKey(Algorithm.SM2, RAW).verify_sm2(signature, MESSAGE, sm2=lambda *_: True)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(bytes(64), id="origin"),
        pytest.param(RAW[:63] + bytes([RAW[63] ^ 1]), id="off the curve"),
        pytest.param(b"\xff" * 64, id="beyond the prime"),
        pytest.param(P.to_bytes(32) + RAW[32:], id="x is the prime"),
        pytest.param(RAW[:63], id="too short"),
        pytest.param(b"\x04" + RAW, id="with a prefix"),
        pytest.param(
            bytes.fromhex(
                "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
            ),
            id="a point of P-256",
        ),
    ],
)
def test_what_is_no_point_is_no_key(raw: bytes) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        PublicKey(Algorithm.SM2, raw)
    assert caught.value.reason == "public_key"


def test_a_second_spelling_of_a_point_is_refused() -> None:
    """There are points whose x plus the prime still fits into 32 bytes."""
    x = next(
        x for x in range(2**16) if pow(y2 := (x**3 - 3 * x + reference.B) % P, (P - 1) // 2, P) == 1
        and pow(y2, (P + 1) // 4, P) ** 2 % P == y2
    )  # fmt: skip
    y = pow((x**3 - 3 * x + reference.B) % P, (P + 1) // 4, P)
    assert is_sm2_point(numbers(x, y))
    assert not is_sm2_point(numbers(x + P, y))


@given(st.integers(1, SM2_ORDER - 1))
def test_every_multiple_of_the_base_is_a_point(private: int) -> None:
    assert is_sm2_point(reference.public_of(private))


@given(st.binary(min_size=64, max_size=64))
def test_ranges_agree_with_the_definition(raw: bytes) -> None:
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    assert is_sm2_signature(raw) == (0 < r < SM2_ORDER and 0 < s < SM2_ORDER and r + s != SM2_ORDER)


def test_jwk_and_name() -> None:
    key = PublicKey(Algorithm.SM2, RAW)
    text = f'{{"crv":"SM2","kty":"EC","x":"{b64u(RAW[:32])}","y":"{b64u(RAW[32:])}"}}'

    assert json.dumps(key.jwk(), separators=(",", ":")) == text
    assert key.thumbprint() == hashlib.sha256(text.encode()).digest()
    assert PublicKey.from_jwk(key.jwk()) == key
    assert Algorithm.from_chain_code(Algorithm.SM2.chain_code) is Algorithm.SM2
