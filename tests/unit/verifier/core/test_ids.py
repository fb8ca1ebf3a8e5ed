from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.errors import MalformedEvidenceError
from verifier.core.ids import (
    StatusEntry,
    body_from_hex,
    body_id,
    check_did,
    parse_status_list_urn,
    party_bytes32,
    party_from_bytes32,
    status_list_urn,
)

PARTIES = st.text(alphabet="ABCXYZ0189-", min_size=2, max_size=32)


def test_a_body_id_is_the_hash_that_the_contract_computes() -> None:
    did = "did:web:demo-km.lancang.example"
    preimage = b"lancang/body/1\x00" + b"CN" + bytes(30) + did.encode()

    assert body_id("CN", did) == hashlib.sha256(preimage).digest()


@given(PARTIES)
def test_a_party_comes_back_from_its_32_bytes(party: str) -> None:
    data = party_bytes32(party)

    assert len(data) == 32
    assert party_from_bytes32(data) == party


@pytest.mark.parametrize("party", ["", "C", "cn", "C N", "CN\n", "A" * 33, "ＣＮ", "CN_1"])
def test_what_is_no_party_is_refused(party: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        party_bytes32(party)
    assert caught.value.reason == "party"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes(32), id="empty"),
        pytest.param(b"CN" + bytes(29), id="short"),
        pytest.param(b"C\x00N" + bytes(29), id="a zero inside"),
        pytest.param(b"\xff" * 32, id="not ASCII"),
    ],
)
def test_32_bytes_that_are_no_party_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedEvidenceError):
        party_from_bytes32(data)


@pytest.mark.parametrize(
    "did",
    ["", "did:key:z6Mk", "did:web:", "did:web:a b", "did:web:münchen", "did:web:" + "a" * 200],
)
def test_what_is_no_did_web_is_refused(did: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        check_did(did)
    assert caught.value.reason == "did"


def test_a_body_is_written_in_lower_case_hexadecimal() -> None:
    assert body_from_hex("0a" * 32) == b"\x0a" * 32
    for text in ("0A" * 32, "0x" + "0a" * 31, "0a" * 31, "0a" * 32 + "\n"):
        with pytest.raises(MalformedEvidenceError):
            body_from_hex(text)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1))
def test_the_name_of_a_status_list_comes_back(body: bytes, number: int) -> None:
    assert parse_status_list_urn(status_list_urn(body, number)) == (body, number)


@pytest.mark.parametrize("number", ["00", "-1", "4294967296", "", "1 ", "１"])
def test_the_name_of_a_status_list_has_one_spelling(number: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_status_list_urn(f"urn:lancang:status:{'0a' * 32}:{number}")
    assert caught.value.reason == "status"


@pytest.mark.parametrize(("list_number", "index"), [(-1, 0), (0, 2**32), (2**32, 0)])
def test_a_status_entry_fits_the_contract(list_number: int, index: int) -> None:
    with pytest.raises(MalformedEvidenceError):
        StatusEntry(list_number=list_number, index=index)
