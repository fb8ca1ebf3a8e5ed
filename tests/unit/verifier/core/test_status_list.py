from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import SIGNER
from verifier.core.encoding import b64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.ids import body_id, parse_status_list_urn
from verifier.core.jws import sign_compact
from verifier.core.limits import MAX_DOCUMENT_BYTES, MAX_STATUS_LIST_ENTRIES
from verifier.core.status_list import (
    CTY,
    MIN_ENTRIES,
    TYP,
    StatusList,
    StatusPurpose,
    bits_of_words,
    issue_status_list,
    parse_status_list,
)
from verifier.core.strict_json import canonical_json, parse_json_object

# All entries clear: the encoded list of the examples in the W3C Recommendation "Bitstring Status
# List v1.0" (15 May 2025), section 2.2, https://www.w3.org/TR/vc-bitstring-status-list/.
W3C_ENCODED = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"

DID = "did:web:lab.example"
CONTENT = StatusList(
    party="CN",
    did=DID,
    list_number=3,
    purpose=StatusPurpose.REVOCATION,
    chain_id=31337,
    block=812,
    block_hash=bytes(range(32)),
    time=1_790_000_000,
    valid_until=1_790_086_400,
    bits=bits_of_words({0: 1 << 5, 511: 1 << 255}),
)


def payload(content: StatusList = CONTENT) -> dict[str, Any]:
    jws = parse_status_list(issue_status_list(content, SIGNER)).jws
    return dict(parse_json_object(jws.payload, what="payload"))


def signed(value: Any) -> str:
    return sign_compact(canonical_json(value), SIGNER, typ=TYP, cty=CTY)


@pytest.mark.parametrize("purpose", StatusPurpose)
def test_what_is_issued_is_parsed_back(purpose: StatusPurpose) -> None:
    content = replace(CONTENT, purpose=purpose)

    again = parse_status_list(issue_status_list(content, SIGNER))

    assert again.content == content
    assert again.jws.signed_by(SIGNER.public_key)


def test_the_list_of_revocations_has_the_name_that_certificates_point_at() -> None:
    assert parse_status_list_urn(payload()["id"]) == (body_id("CN", DID), 3)


def test_the_two_purposes_are_two_credentials() -> None:
    assert replace(CONTENT, purpose=StatusPurpose.SUSPENSION).urn != CONTENT.urn


def test_reads_the_encoded_list_of_the_recommendation() -> None:
    value = payload(replace(CONTENT, bits=bytes(MIN_ENTRIES // 8)))
    value["credentialSubject"]["encodedList"] = W3C_ENCODED

    assert parse_status_list(signed(value)).content.bits == bytes(MIN_ENTRIES // 8)


@given(st.sets(st.integers(0, MIN_ENTRIES - 1), max_size=40))
def test_an_entry_is_set_exactly_where_the_ledger_set_it(revoked: set[int]) -> None:
    words: dict[int, int] = {}
    for index in revoked:
        words[index // 256] = words.get(index // 256, 0) | 1 << index % 256
    listed = replace(CONTENT, bits=bits_of_words(words))

    near = {index + step for index in revoked for step in (-1, 0, 1)} & set(range(MIN_ENTRIES))
    assert {index for index in near if listed.find(index)} == revoked
    assert sum(octet.bit_count() for octet in listed.bits) == len(revoked)


def test_the_first_entry_is_the_leftmost_bit() -> None:
    assert bits_of_words({0: 1})[0] == 0b1000_0000


@pytest.mark.parametrize("index", [-1, MIN_ENTRIES, 2**32])
def test_an_entry_outside_the_list_is_not_said_to_be_clear(index: int) -> None:
    assert CONTENT.find(index) is None


def test_a_word_behind_the_end_is_not_dropped() -> None:
    with pytest.raises(LimitExceededError):
        bits_of_words({512: 1})


@pytest.mark.parametrize(
    "entries", [MIN_ENTRIES - 256, MIN_ENTRIES + 8, 2 * MAX_STATUS_LIST_ENTRIES]
)
def test_a_list_has_whole_words_within_its_bounds(entries: int) -> None:
    with pytest.raises(ValueError, match="entries"):
        bits_of_words({}, entries=entries)


def test_the_largest_list_without_a_pattern_still_fits_a_document() -> None:
    bits = hashlib.shake_256(b"no pattern").digest(MAX_STATUS_LIST_ENTRIES // 8)

    text = issue_status_list(replace(CONTENT, bits=bits), SIGNER)

    assert len(text) <= MAX_DOCUMENT_BYTES
    assert parse_status_list(text).content.bits == bits


def encoded(data: bytes) -> str:
    return f"u{b64u(data)}"


PACKED = gzip.compress(bytes(MIN_ENTRIES // 8), mtime=0)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(encoded(b"\x1f\x8b"), id="cut header"),
        pytest.param(encoded(PACKED[:-1]), id="cut trailer"),
        pytest.param(encoded(PACKED + b"\x00"), id="followed"),
        pytest.param(encoded(PACKED + PACKED), id="two members"),
        pytest.param(encoded(bytes(MIN_ENTRIES // 8)), id="not packed"),
        pytest.param(encoded(gzip.compress(bytes(MIN_ENTRIES // 8 - 32))), id="too short"),
        pytest.param(encoded(gzip.compress(bytes(MIN_ENTRIES // 8 + 1))), id="broken word"),
        pytest.param(encoded(gzip.compress(bytes(2**26))), id="bomb"),
        pytest.param(W3C_ENCODED.removeprefix("u"), id="no multibase"),
        pytest.param("z" + W3C_ENCODED.removeprefix("u"), id="other multibase"),
        pytest.param(W3C_ENCODED + "=", id="padding"),
    ],
)
def test_refuses_an_encoded_list_that_is_none(value: str) -> None:
    changed = payload(replace(CONTENT, bits=bytes(MIN_ENTRIES // 8)))
    changed["credentialSubject"]["encodedList"] = value

    with pytest.raises(MalformedEvidenceError):
        parse_status_list(signed(changed))


CHANGES: list[tuple[tuple[str, ...], Any]] = [
    (("id",), "urn:lancang:status:" + "0" * 64 + ":3"),
    (("type",), ["VerifiableCredential"]),
    (("@context",), ["https://www.w3.org/ns/credentials/v2"]),
    (("issuer", "body"), "0" * 64),
    (("issuer", "id"), "did:web:other.example"),
    (("issuer", "party"), "LA"),
    (("validFrom",), "2026-01-01T00:00:00Z"),
    (("validUntil",), "2026-01-01T00:00:00Z"),
    (("credentialSubject", "statusPurpose"), "suspension"),
    (("credentialSubject", "statusPurpose"), "message"),
    (("credentialSubject", "list"), 4),
    (("credentialSubject", "entries"), MIN_ENTRIES - 8),
    (("credentialSubject", "digest"), b64u(bytes(32))),
    (("credentialSubject", "type"), "BitstringStatusListEntry"),
    (("credentialSubject", "asOf", "time"), 1_790_000_001),
    (("credentialSubject", "asOf", "block_hash"), b64u(bytes(31))),
    (("credentialSubject", "asOf", "block"), -1),
]


@pytest.mark.parametrize(("path", "value"), CHANGES)
def test_refuses_members_that_disagree(path: tuple[str, ...], value: Any) -> None:
    changed = payload()
    inner: Any = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value

    with pytest.raises(MalformedEvidenceError):
        parse_status_list(signed(changed))


@pytest.mark.parametrize(
    "path", [(), ("issuer",), ("credentialSubject",), ("credentialSubject", "asOf")]
)
def test_refuses_members_that_it_does_not_know(path: tuple[str, ...]) -> None:
    changed = payload()
    inner: Any = changed
    for name in path:
        inner = inner[name]
    inner["more"] = 1

    with pytest.raises(MalformedEvidenceError):
        parse_status_list(signed(changed))


def test_other_tokens_are_not_ours() -> None:
    with pytest.raises(NotOursError):
        parse_status_list(sign_compact(b"{}", SIGNER, typ="lancang-release+jwt"))


@given(st.integers(0), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(place: int, difference: int) -> None:
    text = bytearray(issue_status_list(CONTENT, SIGNER), "ascii")
    text[place % len(text)] ^= difference
    try:
        again = parse_status_list(text.decode("ascii", "replace"))
    except MalformedEvidenceError:
        return
    assert not again.jws.signed_by(SIGNER.public_key)
