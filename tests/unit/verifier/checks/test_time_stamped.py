"""The anchor and the dates: grace, lateness, claims and their boundaries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.check_builders import (
    ANCHORED,
    HOUR,
    NOW,
    SIGNED,
    anchored,
    claims,
    token,
    trust,
)
from verifier.checks.codes import answer
from verifier.checks.evidence import NotAnchored, WrongProof
from verifier.checks.facts import Unavailable
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.time_stamped import check_time_stamped
from verifier.core.moments import Moment

MINUTE = 60
GOOD = answer(Line.SIGNED, "ok")


def check(
    anchoring: Any, *, issued_at: int = SIGNED, issue: int = SIGNED, **changes: Any
) -> Finding:
    arguments = {"trust": trust(), "signed": GOOD, "moment": NOW} | changes
    return check_time_stamped(
        token(issued_at=issued_at),
        claims(claimed_issue=Moment(issue, issue)),
        anchoring,
        **arguments,
    )


def test_an_anchor_that_agrees_with_the_dates_passes() -> None:
    finding = check(anchored())

    assert finding.code == "ok"
    assert finding.data["anchored_at"] == "2026-11-19T12:10:00Z"


@pytest.mark.parametrize(
    ("issued_at", "issue", "code"),
    [
        pytest.param(ANCHORED + 15 * MINUTE, SIGNED, "ok", id="signed 15 min after: clocks differ"),
        pytest.param(
            ANCHORED + 15 * MINUTE + 1, SIGNED, "dated_after_anchor", id="one second more"
        ),
        pytest.param(SIGNED, ANCHORED + 15 * MINUTE, "ok", id="claimed 15 min after"),
        pytest.param(SIGNED, ANCHORED + 15 * MINUTE + 1, "dated_after_anchor", id="claimed later"),
        pytest.param(ANCHORED - 4 * HOUR, ANCHORED, "ok", id="anchored within 4 h"),
        pytest.param(ANCHORED - 4 * HOUR - 1, ANCHORED, "anchored_late", id="anchored later"),
        pytest.param(SIGNED, ANCHORED - 4 * HOUR, "ok", id="claimed 4 h before"),
        pytest.param(SIGNED, ANCHORED - 4 * HOUR - 1, "issue_date_claimed", id="claimed earlier"),
    ],
)
def test_claims_beside_an_anchor(issued_at: int, issue: int, code: str) -> None:
    assert check(anchored(), issued_at=issued_at, issue=issue).code == code


def test_all_notes_are_kept_in_a_fixed_order() -> None:
    finding = check(
        anchored(), issued_at=ANCHORED - 5 * HOUR, issue=0, trust=trust(demonstration=True)
    )

    assert finding.code == "demonstration_chain"
    assert finding.data["notes"] == ["demonstration_chain", "anchored_late", "issue_date_claimed"]


@pytest.mark.parametrize(
    ("age", "code"),
    [
        pytest.param(0, "pending", id="just signed"),
        pytest.param(4 * HOUR, "pending", id="four hours old"),
        pytest.param(4 * HOUR + 1, "anchor_overdue", id="older"),
        pytest.param(-15 * MINUTE, "pending", id="clock of the laboratory ahead"),
        pytest.param(-15 * MINUTE - 1, "signing_time_ahead", id="signed in the future"),
        pytest.param(-400 * 24 * HOUR, "signing_time_ahead", id="no endless pending"),
    ],
)
def test_pending_has_an_end(age: int, code: str) -> None:
    assert check(NotAnchored(), issued_at=NOW - age, issue=NOW - HOUR).code == code


def test_pending_says_that_an_older_issue_date_is_a_claim() -> None:
    finding = check(NotAnchored(), issued_at=NOW, issue=NOW - 4 * HOUR - 1)

    assert finding.data["notes"] == ["pending", "issue_date_claimed"]


@pytest.mark.parametrize("code", ["key_revoked", "key_not_usable", "unknown_key"])
def test_nothing_is_pending_under_a_key_that_cannot_be_used_now(code: str) -> None:
    finding = check(NotAnchored(), issued_at=NOW, issue=NOW, signed=answer(Line.SIGNED, code))

    assert (finding.status, finding.code) == (Status.UNKNOWN, "not_checked")


class TestWithoutAnswer:
    def test_no_proof_for_a_fresh_token_is_pending(self) -> None:
        no_proof = Unavailable("proof_not_supplied")

        assert check(no_proof, issued_at=NOW - HOUR, issue=NOW - HOUR).code == "pending"

    def test_no_proof_for_an_old_token_is_unknown(self) -> None:
        finding = check(Unavailable("proof_not_supplied"))

        assert (finding.status, finding.code) == (Status.UNKNOWN, "proof_not_supplied")

    @pytest.mark.parametrize("reason", ["chain_unreachable", "registry_unreachable", "no_profile"])
    def test_a_dead_source_is_neither_pending_nor_forged(self, reason: str) -> None:
        finding = check(Unavailable(reason), issued_at=NOW, issue=NOW)

        assert (finding.status, finding.code) == (Status.UNKNOWN, reason)

    def test_no_profile_confirms_no_anchor(self) -> None:
        assert check(anchored(), trust=Unavailable("no_profile")).code == "no_profile"


def test_a_proof_that_contradicts_itself_fails() -> None:
    finding = check(WrongProof("inclusion path"))

    assert (finding.status, finding.code) == (Status.FAIL, "wrong_proof")
