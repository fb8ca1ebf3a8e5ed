"""Submission receipts: strict, short, and never longer than a promise may last."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.summaries import FixedSigner
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.jws import sign_compact
from verifier.core.submission import (
    LONGEST_PROMISE,
    TYP,
    SubmissionClaims,
    issue_submission,
    parse_submission,
)

SIGNER = FixedSigner()
CLAIMS = SubmissionClaims(
    issued_at=1_790_000_100,
    party="CN",
    body=b"\x0b" * 32,
    leaf=b"\x0c" * 32,
    queued=1_790_000_000,
    deadline=1_790_000_000 + LONGEST_PROMISE,
)


def test_it_says_what_was_promised_and_by_whom() -> None:
    receipt = parse_submission(issue_submission(CLAIMS, SIGNER).jws.text)
    assert receipt.claims == CLAIMS
    assert receipt.jws.signed_by(SIGNER.public_key)
    assert not receipt.jws.signed_by(FixedSigner(number=2).public_key)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_PROMISE + 1])
def test_a_deadline_that_nobody_may_promise(seconds: int) -> None:
    payload = {
        "iat": 1_790_000_100, "party": "CN", "body": "0b" * 32, "leaf": b64u(CLAIMS.leaf),
        "queued": CLAIMS.queued, "deadline": CLAIMS.queued + seconds,
    }  # fmt: skip
    text = sign_compact(json.dumps(payload).encode(), SIGNER, typ=TYP)
    with pytest.raises(MalformedEvidenceError, match="deadline"):
        parse_submission(text)


def test_another_token_is_not_ours() -> None:
    text = sign_compact(b"{}", SIGNER, typ="lancang-release+jwt")
    with pytest.raises(NotOursError):
        parse_submission(text)


@given(st.integers(0, 3 * LONGEST_PROMISE), st.none() | st.integers(0, 3 * LONGEST_PROMISE))
def test_broken_or_kept(now: int, anchored: int | None) -> None:
    start = CLAIMS.queued
    broken = CLAIMS.is_broken(None if anchored is None else start + anchored, now=start + now)
    assert broken == ((now if anchored is None else anchored) > LONGEST_PROMISE)
