from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.summaries import FixedSigner
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import P256_ORDER, Algorithm, PublicKey, low_s

WYCHEPROOF = Path(__file__).parents[3] / "vectors" / "wycheproof"
ES256 = FixedSigner()
EDDSA = FixedSigner(Algorithm.EDDSA)


def groups(name: str) -> list[dict[str, Any]]:
    data = json.loads((WYCHEPROOF / name).read_text())
    found: list[dict[str, Any]] = data["testGroups"]
    assert sum(len(group["tests"]) for group in found) == data["numberOfTests"]
    return found


def test_wycheproof_ecdsa_with_low_s_alone() -> None:
    seen = {"valid": 0, "high": 0, "invalid": 0}
    for group in groups("ecdsa_secp256r1_sha256_p1363_test.json"):
        key = PublicKey(Algorithm.ES256, bytes.fromhex(group["publicKey"]["uncompressed"])[1:])
        for test in group["tests"]:
            signature, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
            accepted = key.verify(signature, message)
            if test["result"] != "valid":
                assert not accepted, test
                seen["invalid"] += 1
            elif int.from_bytes(signature[32:]) > P256_ORDER // 2:
                assert not accepted, test
                assert key.verify(low_s(signature), message), test
                seen["high"] += 1
            else:
                assert accepted, test
                seen["valid"] += 1
    assert all(seen.values()), seen


def test_wycheproof_ed25519() -> None:
    for group in groups("ed25519_test.json"):
        key = PublicKey(Algorithm.EDDSA, bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            accepted = key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            assert accepted == (test["result"] == "valid"), test


# RFC 8037, appendix A.3.
def test_thumbprint_of_an_ed25519_key() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

    key = PublicKey.from_jwk(jwk)

    assert b64u(key.thumbprint()) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key.jwk() == jwk


def test_thumbprint_of_a_p256_key_hashes_its_canonical_jwk() -> None:
    jwk = ES256.public_key.jwk()
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()

    assert ES256.public_key.thumbprint() == sha256(canonical).digest()
    assert PublicKey.from_jwk(jwk) == ES256.public_key


@given(st.binary(max_size=100), st.sampled_from([ES256, EDDSA]), st.integers(0, 511))
def test_a_signature_holds_for_its_own_message_alone(
    message: bytes, signer: FixedSigner, bit: int
) -> None:
    signature = signer.sign(message)
    assert signer.public_key.verify(signature, message)

    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not signer.public_key.verify(bytes(flipped), message)
    assert not signer.public_key.verify(signature, message + b"x")


def test_the_higher_s_is_refused_and_lowered() -> None:
    signature = ES256.sign(b"message")
    s = int.from_bytes(signature[32:])
    high = signature[:32] + (P256_ORDER - s).to_bytes(32)

    assert not ES256.public_key.verify(high, b"message")
    assert low_s(high) == signature
    assert low_s(signature) == signature


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(64), id="zeros"),
        pytest.param(bytes(63), id="short"),
        pytest.param(bytes(65), id="long"),
        pytest.param(b"\xff" * 64, id="beyond the order"),
        pytest.param(P256_ORDER.to_bytes(32) + (1).to_bytes(32), id="r is the order"),
    ],
)
@pytest.mark.parametrize("signer", [ES256, EDDSA], ids=["ES256", "EdDSA"])
def test_malformed_signatures_are_false_not_errors(signer: FixedSigner, signature: bytes) -> None:
    assert not signer.public_key.verify(signature, b"message")


@pytest.mark.parametrize(
    ("algorithm", "raw"),
    [
        pytest.param(Algorithm.ES256, bytes(64), id="P-256 origin"),
        pytest.param(Algorithm.ES256, b"\x01" * 64, id="P-256 off the curve"),
        pytest.param(Algorithm.ES256, ES256.public_key.raw[:63], id="P-256 short"),
        pytest.param(Algorithm.ES256, b"\x04" + ES256.public_key.raw, id="P-256 with a prefix"),
        pytest.param(Algorithm.EDDSA, b"\x02" + bytes(31), id="Ed25519 off the curve"),
        pytest.param(Algorithm.EDDSA, bytes(33), id="Ed25519 long"),
        pytest.param(Algorithm.EDDSA, b"\xee" + b"\xff" * 30 + b"\x7f", id="Ed25519 y = p + 1"),
        pytest.param(Algorithm.EDDSA, b"\xf0" + b"\xff" * 30 + b"\x7f", id="Ed25519 y = p + 3"),
    ],
)
def test_what_is_no_key_is_refused(algorithm: Algorithm, raw: bytes) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        PublicKey(algorithm, raw)
    assert caught.value.reason == "public_key"


# The eight points of small order of edwards25519 by their y, with both signs where x is not zero.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_ed25519_points_of_small_order_are_no_keys(encoded: str) -> None:
    with pytest.raises(MalformedEvidenceError, match="small order"):
        PublicKey(Algorithm.EDDSA, bytes.fromhex(encoded))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"d": "AA"}, id="private member"),
        pytest.param({"kid": "a"}, id="unknown member"),
        pytest.param({"crv": "P-384"}, id="another curve"),
        pytest.param({"kty": "OKP"}, id="type and curve disagree"),
        pytest.param({"y": None}, id="no y"),
        pytest.param({"x": 5}, id="x is a number"),
        pytest.param({"x": "AA"}, id="x is short"),
        pytest.param({"x": "A" * 42 + "B"}, id="x is not canonical"),
    ],
)
def test_a_jwk_must_have_exactly_the_public_members(change: dict[str, object]) -> None:
    jwk = {**ES256.public_key.jwk(), **change}
    jwk = {name: value for name, value in jwk.items() if value is not None}

    with pytest.raises(MalformedEvidenceError):
        PublicKey.from_jwk(jwk)


def test_algorithms_have_their_numbers_on_chain() -> None:
    assert [each.chain_code for each in Algorithm] == [1, 2, 3]
    assert Algorithm.from_chain_code(2) is Algorithm.EDDSA
    with pytest.raises(MalformedEvidenceError) as caught:
        Algorithm.from_chain_code(4)
    assert caught.value.reason == "algorithm"
