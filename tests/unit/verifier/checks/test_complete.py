"""What is in hand of a document, and who left out the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.check_builders import BODY, LEAF, PARTY, SIGNED, claims, token
from verifier.checks.codes import answer
from verifier.checks.complete import check_complete
from verifier.checks.evidence import Form, Release, View
from verifier.checks.facts import KeyPurpose
from verifier.checks.finding import Finding, Line, Status
from verifier.core.release import ReleaseClaims

GOOD = answer(Line.SIGNED, "ok")
CLAIMS = ReleaseClaims(
    issued_at=SIGNED,
    party=PARTY,
    body=BODY,
    leaf=LEAF,
    destination="LA",
    withheld=("contents", "customer.name"),
    grounds=("business_secret",),
    released=bytes(32),
)


def release(mismatch: str | None = None) -> Release:
    return Release(token=token(purpose=KeyPurpose.STATEMENT), claims=CLAIMS, mismatch=mismatch)


def view(**changes: Any) -> View:
    return replace(View(listed=False, withheld=("contents",), release=None), **changes)


def check(what: View | None, *, form: Form = Form.CERTIFICATE, signed: Any = GOOD) -> Finding:
    return check_complete(claims(form=form), what, release_signed=signed)


def test_everything_on_the_list_of_contents_is_there() -> None:
    assert check(view(listed=True, withheld=())).code == "ok"


def test_something_on_the_list_is_missing() -> None:
    assert check(view(listed=True, withheld=("customer.name",))).code == "withheld_by_holder"


def test_without_list_and_statement_the_holder_withheld_it() -> None:
    assert check(view()).code == "withheld_by_holder"


def test_the_issuer_released_this_view() -> None:
    finding = check(view(release=release()))

    assert finding.code == "released_view"
    assert finding.data == {
        "destination": "LA",
        "grounds": ["business_secret"],
        "withheld": ["contents", "customer.name"],
    }


@pytest.mark.parametrize("mismatch", ["other_certificate", "other_body", "other_view"])
def test_a_statement_about_something_else_excuses_nothing(mismatch: str) -> None:
    finding = check(view(release=release(mismatch)))

    assert (finding.code, finding.data) == ("withheld_by_holder", {"statement": mismatch})


def test_a_statement_that_the_body_did_not_sign_excuses_nothing() -> None:
    finding = check(view(release=release()), signed=answer(Line.SIGNED, "bad_signature"))

    assert (finding.code, finding.data) == ("withheld_by_holder", {"statement": "bad_signature"})


@pytest.mark.parametrize("code", ["chain_unreachable", "proof_not_supplied", "not_checked"])
def test_a_statement_that_could_not_be_checked_leaves_the_line_open(code: str) -> None:
    finding = check(view(release=release()), signed=answer(Line.SIGNED, code))

    assert finding.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("form", "what", "code"),
    [
        (Form.SUMMARY, None, "summary_only"),
        (Form.PUBLIC_RECEIPT, view(), "public_receipt"),
    ],
)
def test_forms_that_never_hold_everything(form: Form, what: View | None, code: str) -> None:
    assert check(what, form=form).code == code
