"""SM2 of the machine's OpenSSL against the standard, two other implementations and bad input."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
from gmssl import func, sm2
from hypothesis import given
from hypothesis import strategies as st

from tests.support import sm2_reference as reference
from verifier import openssl_sm2
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.sm2 import SM2_ORDER, Sm2Verify

VECTOR = json.loads(
    (Path(__file__).parents[2] / "vectors" / "gbt32918" / "signature.json").read_text("utf-8")
)
PRIVATE = int(VECTOR["private_key"], 16)
RAW = bytes.fromhex(VECTOR["x"] + VECTOR["y"])
SIGNATURE = bytes.fromhex(VECTOR["r"] + VECTOR["s"])
MESSAGE = VECTOR["message"].encode()


@pytest.fixture(scope="module")
def verify() -> Sm2Verify:
    found = openssl_sm2.open_sm2()
    if found is None:
        pytest.skip("this machine has no OpenSSL from 3 on with SM2")
    return found


def test_the_published_example(verify: Sm2Verify) -> None:
    assert verify(RAW, SIGNATURE, MESSAGE)


@given(message=st.binary(max_size=300), private=st.integers(1, SM2_ORDER - 2), k=st.integers(1))
def test_agrees_with_the_reference(verify: Sm2Verify, message: bytes, private: int, k: int) -> None:
    public = reference.public_of(private)
    signature = reference.sign(private, message, k=k % (SM2_ORDER - 1) + 1)

    assert verify(public, signature, message)
    assert not verify(public, signature, message + b"\x00")


def test_verifies_what_gmssl_signs(verify: Sm2Verify) -> None:
    theirs = sm2.CryptSM2(f"{PRIVATE:064x}", RAW.hex())
    for number in range(3):
        message = f"message {number}".encode()
        signature = theirs.sign_with_sm3(message, func.random_hex(theirs.para_len))
        assert verify(RAW, bytes.fromhex(signature), message)


@pytest.mark.parametrize("at", range(0, 64, 7))
def test_no_flipped_byte_of_a_signature(verify: Sm2Verify, at: int) -> None:
    spoilt = SIGNATURE[:at] + bytes([SIGNATURE[at] ^ 0x40]) + SIGNATURE[at + 1 :]
    assert not verify(RAW, spoilt, MESSAGE)


@pytest.mark.parametrize(
    "user_id",
    [b"", b"ALICE123@YAHOO.COM", b"1234567812345679", b"12345678123456781234567812345678"],
)
def test_no_other_user_id(verify: Sm2Verify, user_id: bytes) -> None:
    signature = reference.sign(PRIVATE, MESSAGE, k=77, user_id=user_id)

    assert reference.verify(RAW, signature, MESSAGE, user_id)
    assert not verify(RAW, signature, MESSAGE)


def test_no_other_key(verify: Sm2Verify) -> None:
    assert not verify(reference.public_of(PRIVATE + 1), SIGNATURE, MESSAGE)


@pytest.mark.parametrize(
    ("raw", "signature"),
    [
        pytest.param(bytes(64), SIGNATURE, id="no point"),
        pytest.param(RAW[:63] + b"\x00", SIGNATURE, id="off the curve"),
        pytest.param(RAW, bytes(64), id="zero"),
        pytest.param(RAW, b"\xff" * 64, id="out of range"),
        pytest.param(RAW, SIGNATURE[32:] + SIGNATURE[:32], id="r and s swapped"),
        pytest.param(
            RAW,
            SIGNATURE[:32] + (SM2_ORDER - int.from_bytes(SIGNATURE[32:])).to_bytes(32),
            id="the other s, as ECDSA would have it",
        ),
    ],
)
def test_bad_input_is_false_not_an_error(verify: Sm2Verify, raw: bytes, signature: bytes) -> None:
    """The library checks for itself what `PublicKey` checks before it."""
    assert not verify(raw, signature, MESSAGE)


def test_leaves_no_error_behind_for_the_ssl_module(verify: Sm2Verify) -> None:
    assert not verify(bytes(64), SIGNATURE, MESSAGE)
    ssl.create_default_context()  # reads the queue of errors of this thread


@pytest.mark.parametrize(
    "names", [(), ("libnone-of-ours.so.9",), ("libc.so.6",)], ids=["none", "missing", "another"]
)
def test_without_a_usable_library_there_is_nothing(names: tuple[str, ...]) -> None:
    assert openssl_sm2.open_sm2(names) is None


def test_a_library_that_gets_the_example_wrong_is_not_used(
    verify: Sm2Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    del verify  # there is a library that would be used
    names = openssl_sm2.library_names()
    openssl_sm2.open_sm2.cache_clear()
    for answer in (True, False):
        monkeypatch.setattr(openssl_sm2._OpenSslSm2, "__call__", lambda *_, a=answer: a)
        assert openssl_sm2.open_sm2(names) is None
        openssl_sm2.open_sm2.cache_clear()


def test_serves_as_port_of_a_key(verify: Sm2Verify) -> None:
    assert PublicKey(Algorithm.SM2, RAW).verify_sm2(SIGNATURE, MESSAGE, sm2=verify)
