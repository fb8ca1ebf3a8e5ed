"""Co-signatures: what is signed, what is parsed, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import sm2_reference as reference
from tests.support.evidence_builders import World, cement, durian
from tests.support.sm2_reference import FixedSm2Signer
from tests.support.summaries import FixedSigner
from verifier.core.certificate import parse_certificate
from verifier.core.cosignature import CTY, TYP, CoSignature, co_sign, parse_cosignature
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import token_leaf
from verifier.core.keys import Algorithm
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.strict_json import canonical_json

WORLD = World()
EVIDENCE = WORLD.issue(durian(), co_signed=True)
JWT = EVIDENCE.issued.jwt
SIGNER = FixedSm2Signer(1)
CO = co_sign(JWT, SIGNER)
HEADER, PAYLOAD, SIGNATURE = CO.text.split(".")


def with_header(**changes: Any) -> str:
    """Return the co-signature under another header, signed again; None drops a member."""
    members = json.loads(unb64u(HEADER, what="header")) | changes
    kept = {name: value for name, value in members.items() if value is not None}
    signed = f"{b64u(canonical_json(kept))}.{PAYLOAD}"
    return f"{signed}.{b64u(SIGNER.sign(signed.encode()))}"


def signed_by_its_key(co_signature: CoSignature) -> bool:
    return co_signature.signed_by(SIGNER.public_key, sm2=reference.verify)


def test_repeats_the_payload_and_names_the_leaf() -> None:
    assert JWT.split(".")[1] == PAYLOAD
    assert json.loads(unb64u(HEADER, what="header")) == {
        "alg": "SM2-SM3",
        "cosigns": b64u(EVIDENCE.issued.leaf),
        "cty": CTY,
        "kid": b64u(SIGNER.thumbprint),
        "typ": TYP,
    }
    assert CO.cosigns == EVIDENCE.issued.leaf
    assert CO.leaf == token_leaf(CO.text) != EVIDENCE.issued.leaf
    assert signed_by_its_key(CO)


def test_is_parsed_as_it_was_made() -> None:
    assert parse_cosignature(CO.text) == CO


def test_no_other_key_signed_it() -> None:
    assert not CO.signed_by(FixedSm2Signer(2).public_key, sm2=reference.verify)
    assert not CO.signed_by(FixedSigner(number=2).public_key, sm2=lambda *_: True)


def test_a_signature_under_another_user_id_does_not_hold() -> None:
    assert not signed_by_its_key(co_sign(JWT, FixedSm2Signer(1, user_id=b"ALICE123@YAHOO.COM")))


def test_a_payload_of_another_certificate_does_not_hold() -> None:
    other = World().issue(cement(), co_signed=True).issued.jwt.split(".")[1]
    assert not signed_by_its_key(parse_cosignature(f"{HEADER}.{other}.{SIGNATURE}"))


@given(st.data())
def test_no_changed_character_is_accepted(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(CO.text) - 1))
    character = data.draw(st.sampled_from("Ab0-_."))
    text = CO.text[:at] + character + CO.text[at + 1 :]
    if text == CO.text:
        return
    try:
        changed = parse_cosignature(text)
    except MalformedEvidenceError:
        return
    assert not signed_by_its_key(changed)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"alg": "ES256"}, "algorithm", id="an algorithm of certificates"),
        pytest.param({"alg": "SM2"}, "algorithm", id="an algorithm that is none"),
        pytest.param({"alg": None}, "header", id="no algorithm"),
        pytest.param({"cosigns": None}, "header", id="no certificate"),
        pytest.param({"cosigns": 1}, "header", id="a number for the certificate"),
        pytest.param({"cosigns": "AAAA"}, "length", id="a short leaf"),
        pytest.param({"kid": "AAAA"}, "length", id="a short key name"),
        pytest.param({"cty": "jwt"}, "header", id="another content"),
        pytest.param({"crit": ["exp"]}, "header", id="critical members"),
        pytest.param({"jwk": {}}, "header", id="a key in the header"),
        pytest.param({"typ": "vc+sd-jwt"}, "not_ours", id="the type of certificates"),
    ],
)
def test_refused_headers(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_cosignature(with_header(**changes))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-4]}", id="a short signature"),
        pytest.param(f"{HEADER}.{PAYLOAD}=.{SIGNATURE}", id="padding"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{SIGNATURE}~", id="a tilde"),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(MalformedEvidenceError):
        parse_cosignature(text)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", JWT])
def test_not_ours(text: str) -> None:
    with pytest.raises(NotOursError):
        parse_cosignature(text)


def test_too_long() -> None:
    with pytest.raises(LimitExceededError):
        parse_cosignature("a" * (MAX_DOCUMENT_BYTES + 1))


def test_a_certificate_cannot_be_signed_with_sm2_alone() -> None:
    """The algorithm is no algorithm of certificates, whoever registered the key."""
    members = {"alg": "SM2-SM3", "cty": "vc", "kid": b64u(SIGNER.thumbprint), "typ": "vc+sd-jwt"}
    signed = f"{b64u(canonical_json(members))}.{PAYLOAD}"
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_certificate(f"{signed}.{b64u(SIGNER.sign(signed.encode()))}~")
    assert caught.value.reason == "algorithm"
    assert Algorithm.SM2.value == "SM2-SM3"
