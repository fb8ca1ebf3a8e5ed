"""Content against signature and digests, and the code beside the token."""

from __future__ import annotations

import pytest

from tests.support.check_builders import document, token_facts
from verifier.checks.facts import Unavailable
from verifier.checks.finding import Status
from verifier.checks.unchanged import check_broken, check_unchanged
from verifier.core.disclosures import DisclosureError
from verifier.core.errors import LimitExceededError, MalformedEvidenceError

SIGNER = token_facts().signer


def test_intact() -> None:
    assert check_unchanged(document(), SIGNER, holds=True).code == "ok"


def test_a_signature_that_does_not_hold_means_altered() -> None:
    assert check_unchanged(document(), SIGNER, holds=False).code == "altered"


def test_a_code_that_differs_from_the_token_beside_it() -> None:
    finding = check_unchanged(document(differences=("number",)), SIGNER, holds=True)

    assert (finding.status, finding.code) == (Status.FAIL, "summary_differs")
    assert finding.data == {"members": ["number"]}


def test_a_difference_counts_without_a_key() -> None:
    assert check_unchanged(document(differences=("number",)), SIGNER, holds=None).code == (
        "summary_differs"
    )


@pytest.mark.parametrize(
    ("key", "code"),
    [(Unavailable("chain_unreachable"), "chain_unreachable"), (None, "not_checked")],
)
def test_without_the_key_nothing_is_known(key: Unavailable | None, code: str) -> None:
    finding = check_unchanged(document(), token_facts(key=key).signer, holds=None)

    assert (finding.status, finding.code) == (Status.UNKNOWN, code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MalformedEvidenceError("token payload", "is not JSON", reason="json"), "malformed"),
        (LimitExceededError("token", actual=9, limit=8), "malformed"),
        (DisclosureError("fits nowhere", reason="disclosure_unmatched"), "undisclosed_digest"),
        (DisclosureError("given twice", reason="disclosure_duplicate"), "altered"),
    ],
)
def test_a_broken_input_is_no_longer_what_was_signed(
    error: MalformedEvidenceError, code: str
) -> None:
    finding = check_broken(error)

    assert (finding.status, finding.code) == (Status.FAIL, code)
    assert finding.data["reason"] == error.reason
