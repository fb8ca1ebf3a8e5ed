from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import ISSUED_AT, SIGNER, issue_sample, sample_documents
from verifier.core.certificate import parse_certificate
from verifier.core.encoding import unb64u
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.hashing import token_leaf
from verifier.core.jws import sign_compact
from verifier.core.release import (
    TYP,
    ReleaseClaims,
    issue_release,
    parse_release,
    release_mismatch,
)
from verifier.core.strict_json import canonical_json, parse_json_object
from verifier.core.views import make_view, resolve_certificate

WHOLE = resolve_certificate(parse_certificate(issue_sample(sample_documents()[0]).compact))
VIEW = make_view(WHOLE, ["customer.name", "results.3.detail"])
SHOWN = resolve_certificate(parse_certificate(VIEW.compact))
CLAIMS = ReleaseClaims(
    issued_at=ISSUED_AT,
    party="CN",
    body=WHOLE.parsed.credential.body,
    leaf=WHOLE.parsed.leaf,
    destination="LA",
    withheld=VIEW.withheld,
    grounds=("customer-data", "nl-2026-03"),
    released=VIEW.released,
)


def payload() -> dict[str, Any]:
    return dict(parse_json_object(issue_release(CLAIMS, SIGNER).jws.payload, what="payload"))


def signed(value: Any) -> str:
    return sign_compact(canonical_json(value), SIGNER, typ=TYP)


def test_what_is_issued_is_parsed_back() -> None:
    statement = issue_release(CLAIMS, SIGNER)

    again = parse_release(statement.jws.text)

    assert again == statement
    assert again.claims == CLAIMS
    assert again.leaf == token_leaf(statement.jws.text)
    assert again.jws.signed_by(SIGNER.public_key)


def test_it_speaks_of_its_view_alone() -> None:
    assert release_mismatch(CLAIMS, SHOWN) is None
    assert release_mismatch(CLAIMS, WHOLE) == "other_view"


def test_order_of_disclosures_does_not_matter_to_it() -> None:
    jwt, *disclosures, _ = VIEW.compact.split("~")
    turned = "~".join([jwt, *reversed(disclosures), ""])

    assert release_mismatch(CLAIMS, resolve_certificate(parse_certificate(turned))) is None


@given(st.sets(st.sampled_from(sorted(SHOWN.digests)), min_size=1))
def test_dropping_more_is_not_what_was_released(more: set[str]) -> None:
    less = resolve_certificate(parse_certificate(make_view(SHOWN, more).compact))

    assert release_mismatch(CLAIMS, less) == "other_view"


@pytest.mark.parametrize(
    ("change", "mismatch"),
    [
        ({"leaf": bytes(32)}, "other_certificate"),
        ({"body": bytes(32)}, "other_body"),
        ({"party": "LA"}, "other_body"),
        ({"released": bytes(32)}, "other_view"),
        ({"withheld": ("contents", "customer.address")}, "other_view"),
    ],
)
def test_other_statements_do_not_speak_of_it(change: dict[str, Any], mismatch: str) -> None:
    assert release_mismatch(replace(CLAIMS, **change), SHOWN) == mismatch


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"extra": 1}, id="unknown member"),
        pytest.param({"iat": None}, id="missing member"),
        pytest.param({"iat": "5"}, id="iat is text"),
        pytest.param({"iat": True}, id="iat is true"),
        pytest.param({"party": "cn"}, id="no party"),
        pytest.param({"body": "00"}, id="no body"),
        pytest.param({"leaf": "A" * 42 + "B"}, id="leaf not canonical"),
        pytest.param({"destination": "Laos"}, id="no destination"),
        pytest.param({"withheld": []}, id="nothing withheld"),
        pytest.param({"withheld": ["b", "a"]}, id="unsorted"),
        pytest.param({"withheld": ["a", "a"]}, id="repeated"),
        pytest.param({"withheld": ["Customer Name"]}, id="no path"),
        pytest.param({"withheld": "contents"}, id="text for a list"),
        pytest.param({"grounds": []}, id="no grounds"),
        pytest.param({"grounds": ["because of reasons"]}, id="a sentence as ground"),
        pytest.param({"grounds": [5]}, id="a number as ground"),
        pytest.param({"released": ""}, id="nothing released"),
    ],
)
def test_statements_are_read_strictly(change: dict[str, Any]) -> None:
    value = {name: each for name, each in (payload() | change).items() if each is not None}

    with pytest.raises(MalformedEvidenceError) as caught:
        parse_release(signed(value))
    assert not isinstance(caught.value, NotOursError)


def test_a_certificate_is_no_release_statement() -> None:
    with pytest.raises(NotOursError):
        parse_release(WHOLE.parsed.jws.text)
    with pytest.raises(NotOursError):
        parse_certificate(issue_release(CLAIMS, SIGNER).jws.text + "~")


def test_claims_that_break_the_format_are_not_signed() -> None:
    with pytest.raises(MalformedEvidenceError):
        issue_release(replace(CLAIMS, grounds=()), SIGNER)


def test_every_flipped_byte_shows() -> None:
    text = issue_release(CLAIMS, SIGNER).jws.text
    for at in range(len(text)):
        changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
        try:
            statement = parse_release(changed)
        except MalformedEvidenceError:
            continue
        assert not statement.jws.signed_by(SIGNER.public_key), at
    assert unb64u(text.split(".")[1], what="payload") == canonical_json(payload())
