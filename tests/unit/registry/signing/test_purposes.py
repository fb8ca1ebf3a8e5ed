"""Every purpose signs its own kind of message, of its own body, now, and nothing else."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.signing.description import KeyDescription, SigningContext
from registry.signing.errors import SigningRefusedError
from registry.signing.purposes import MAX_MESSAGE_BYTES, check_message
from registry.signing.software import SoftwareKey
from tests.support.registry_world import samples
from verifier.checks.facts import KeyPurpose
from verifier.core.certificate import (
    IssuedCertificate,
    IssuerInfo,
    issue_certificate,
    parse_certificate,
)
from verifier.core.document import parse_document
from verifier.core.encoding import b64u, unb64u
from verifier.core.ids import StatusEntry, body_id
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.offline_code import issue_summary
from verifier.core.release import ReleaseClaims, issue_release
from verifier.core.status_list import (
    StatusList,
    StatusPurpose,
    bits_of_words,
    issue_status_list,
)
from verifier.core.summary import summary_of
from verifier.core.views import resolve_certificate

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
IAT = int(NOW.timestamp())
ISSUER = IssuerInfo(party="CN", did="did:web:demo.lancang.example", name="Demo")
OTHER_BODY = bytes(32)
TWO_PEOPLE = SigningContext(maker="li na", approver="wang fang")
KEY = SoftwareKey.generate(Algorithm.ES256)


class Recorder:
    """Signs with a real key and remembers what it was asked to sign."""

    def __init__(self, key: SoftwareKey = KEY) -> None:
        self.key = key
        self.messages: list[bytes] = []

    @property
    def algorithm(self) -> Algorithm:
        return self.key.algorithm

    @property
    def thumbprint(self) -> bytes:
        return self.key.thumbprint

    def sign(self, message: bytes) -> bytes:
        self.messages.append(message)
        return self.key.sign(message)


def issued(position: int, recorder: Recorder, *, iat: int = IAT) -> IssuedCertificate:
    document = parse_document(samples()["documents"][position])
    return issue_certificate(
        document,
        issuer=ISSUER,
        status=StatusEntry(list_number=0, index=7),
        credential_id="urn:uuid:00000000-0000-4000-8000-000000000000",
        issued_at=iat,
        salts=os.urandom(document.template.salt_bytes),
        signer=recorder,
    )


def message_for(purpose: KeyPurpose, *, iat: int = IAT, key: SoftwareKey = KEY) -> bytes:
    """Return what a signer is asked to sign for a purpose."""
    recorder = Recorder(key)
    position = 3 if purpose is KeyPurpose.RECORD else 0
    token = issued(position, recorder, iat=iat)
    resolved = resolve_certificate(parse_certificate(token.compact))
    if purpose is KeyPurpose.SUMMARY:
        issue_summary(summary_of(resolved, issued_at=iat), recorder)
    if purpose is KeyPurpose.STATEMENT:
        claims = ReleaseClaims(
            issued_at=iat,
            party=ISSUER.party,
            body=ISSUER.body,
            leaf=token.leaf,
            destination="LA",
            withheld=("contents", "customer.name"),
            grounds=("PD1",),
            released=resolved.released,
        )
        issue_release(claims, recorder)
    return recorder.messages[-1]


MESSAGES = {purpose: message_for(purpose) for purpose in KeyPurpose}


def key_for(purpose: KeyPurpose, *, body: bytes = ISSUER.body) -> KeyDescription:
    return KeyDescription(body=body, purpose=purpose, public_key=KEY.public, created_at=NOW)


def refusal(
    key: KeyDescription,
    message: bytes,
    *,
    context: SigningContext = TWO_PEOPLE,
    now: datetime = NOW,
) -> str:
    with pytest.raises(SigningRefusedError) as caught:
        check_message(key, message, context=context, now=now)
    return caught.value.reason


@pytest.mark.parametrize("purpose", list(KeyPurpose))
def test_each_key_signs_its_own_purpose_and_no_other(purpose: KeyPurpose) -> None:
    check_message(key_for(purpose), MESSAGES[purpose], context=TWO_PEOPLE, now=NOW)
    for other in set(KeyPurpose) - {purpose}:
        assert refusal(key_for(other), MESSAGES[purpose]) == "wrong_purpose"


@pytest.mark.parametrize("purpose", list(KeyPurpose))
def test_a_key_signs_for_its_own_body_alone(purpose: KeyPurpose) -> None:
    assert refusal(key_for(purpose, body=OTHER_BODY), MESSAGES[purpose]) == "wrong_body"


@pytest.mark.parametrize("purpose", list(KeyPurpose))
def test_a_message_that_names_another_key_is_refused(purpose: KeyPurpose) -> None:
    stranger = SoftwareKey.generate(Algorithm.ES256)
    message = message_for(purpose, key=stranger)
    assert refusal(key_for(purpose), message) == "wrong_key"


@pytest.mark.parametrize("purpose", list(KeyPurpose))
@pytest.mark.parametrize("minutes", [-11, 11])
def test_nothing_is_dated_otherwise_than_now(purpose: KeyPurpose, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    assert refusal(key_for(purpose), MESSAGES[purpose], now=now) == "wrong_time"


@pytest.mark.parametrize("purpose", list(KeyPurpose))
@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_may_differ_a_little(purpose: KeyPurpose, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    check_message(key_for(purpose), MESSAGES[purpose], context=TWO_PEOPLE, now=now)


@pytest.mark.parametrize("purpose", [KeyPurpose.CERTIFICATE, KeyPurpose.RECORD])
@pytest.mark.parametrize(
    "context",
    [
        SigningContext(),
        SigningContext(maker="li na"),
        SigningContext(approver="wang fang"),
        SigningContext(maker="li na", approver="li na"),
    ],
)
def test_documents_need_two_people(purpose: KeyPurpose, context: SigningContext) -> None:
    assert refusal(key_for(purpose), MESSAGES[purpose], context=context) == "one_person"


@pytest.mark.parametrize("purpose", [KeyPurpose.SUMMARY, KeyPurpose.STATEMENT])
def test_what_is_derived_needs_nobody(purpose: KeyPurpose) -> None:
    check_message(key_for(purpose), MESSAGES[purpose], context=SigningContext(), now=NOW)


def edited(message: bytes, change: dict[str, Any], *, segment: int = 1) -> bytes:
    segments = message.decode().split(".")
    content = json.loads(unb64u(segments[segment], what="segment"))
    segments[segment] = b64u(json.dumps(content | change).encode())
    return ".".join(segments).encode()


@pytest.mark.parametrize(
    ("segment", "change"),
    [
        (0, {"typ": "JWT"}),
        (0, {"alg": "none"}),
        (0, {"crit": ["b64"]}),
        (0, {"jwk": {}}),
        (1, {"type": ["VerifiableCredential"]}),
        (1, {"@context": ["https://www.w3.org/ns/credentials/v2"]}),
        (1, {"iat": "now"}),
        (1, {"iat": True}),
        (1, {"extra": 1}),
        (1, {"coSignature": 1}),
    ],
)
def test_changed_tokens_are_refused(segment: int, change: dict[str, Any]) -> None:
    message = edited(MESSAGES[KeyPurpose.CERTIFICATE], change, segment=segment)
    assert refusal(key_for(KeyPurpose.CERTIFICATE), message) == "wrong_purpose"


def test_a_certificate_that_hides_its_failure_is_not_signed() -> None:
    content = json.loads(
        unb64u(MESSAGES[KeyPurpose.CERTIFICATE].decode().split(".")[1], what="payload")
    )
    subject = content["credentialSubject"]
    subject["results"][0]["conclusion"] = "fail"
    message = edited(MESSAGES[KeyPurpose.CERTIFICATE], {"credentialSubject": subject})
    assert refusal(key_for(KeyPurpose.CERTIFICATE), message) == "wrong_purpose"


def test_an_eddsa_key_signs_nothing_that_says_es256() -> None:
    eddsa = SoftwareKey.generate(Algorithm.EDDSA)
    key = replace(
        key_for(KeyPurpose.CERTIFICATE), public_key=PublicKey(Algorithm.EDDSA, eddsa.public.raw)
    )
    assert refusal(key, MESSAGES[KeyPurpose.CERTIFICATE]) == "wrong_key"


def test_long_messages_are_refused_unread() -> None:
    message = b"A" * (MAX_MESSAGE_BYTES + 1)
    assert refusal(key_for(KeyPurpose.CERTIFICATE), message) == "too_long"


@given(st.sampled_from(list(KeyPurpose)), st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_by_every_key(purpose: KeyPurpose, message: bytes) -> None:
    assert refusal(key_for(purpose), message) == "wrong_purpose"


@given(st.sampled_from(list(KeyPurpose)), st.data())
def test_a_cut_message_is_refused(purpose: KeyPurpose, data: st.DataObject) -> None:
    whole = MESSAGES[purpose]
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert refusal(key_for(purpose), cut) == "wrong_purpose"


class TestStatusLists:
    """The key for statements also signs copies of the ledger's status bits."""

    KEY: ClassVar = key_for(KeyPurpose.STATEMENT, body=body_id(ISSUER.party, ISSUER.did))

    def message(self, **changes: Any) -> bytes:
        recorder = Recorder()
        content = StatusList(
            party=ISSUER.party,
            did=ISSUER.did,
            list_number=0,
            purpose=StatusPurpose.REVOCATION,
            chain_id=31337,
            block=1,
            block_hash=bytes(32),
            time=IAT,
            valid_until=IAT + 24 * 3600,
            bits=bits_of_words({}),
        )
        issue_status_list(replace(content, **changes), recorder)
        return recorder.messages[0]

    @pytest.mark.parametrize("time", [IAT, IAT - 3600, IAT + 600])
    def test_signs_a_list_of_a_block_that_is_not_yet_to_come(self, time: int) -> None:
        message = self.message(time=time, valid_until=IAT + 3600)
        check_message(self.KEY, message, context=SigningContext(), now=NOW)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"time": IAT + 601}, "wrong_time"),
            ({"valid_until": IAT + 24 * 3600 + 1}, "wrong_time"),
            ({"did": "did:web:other.example"}, "wrong_body"),
        ],
    )
    def test_refuses_the_rest(self, changes: dict[str, Any], reason: str) -> None:
        assert refusal(self.KEY, self.message(**changes)) == reason

    @pytest.mark.parametrize("purpose", sorted(set(KeyPurpose) - {KeyPurpose.STATEMENT}))
    def test_no_other_key_signs_one(self, purpose: KeyPurpose) -> None:
        assert refusal(replace(self.KEY, purpose=purpose), self.message()) == "wrong_purpose"
