"""Validity intervals are half-open; a clock behind the chain cannot judge them."""

from __future__ import annotations

import pytest

from tests.support.check_builders import DAY, NOW, claims, head
from verifier.checks.facts import Unavailable
from verifier.checks.in_date import check_in_date
from verifier.core.moments import Moment

MINUTE = 60


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        pytest.param(NOW - DAY, None, "no_expiry", id="no end"),
        pytest.param(NOW - DAY, NOW + 1, "ok", id="last second"),
        pytest.param(NOW - DAY, NOW, "expired", id="first second after"),
        pytest.param(NOW, NOW + DAY, "ok", id="first second"),
        pytest.param(NOW + 15 * MINUTE, None, "no_expiry", id="clocks differ"),
        pytest.param(NOW + 15 * MINUTE + 1, None, "not_yet_valid", id="begins later"),
    ],
)
def test_boundaries(start: int, end: int | None, code: str) -> None:
    dated = claims(claimed_issue=Moment(start, start), valid_until=end)

    assert check_in_date(dated, moment=NOW, checked_at=NOW, head=head()).code == code


@pytest.mark.parametrize(
    ("behind", "code"), [(15 * MINUTE, "no_expiry"), (15 * MINUTE + 1, "clock_behind")]
)
def test_a_clock_behind_the_chain_cannot_tell(behind: int, code: str) -> None:
    finding = check_in_date(claims(), moment=NOW, checked_at=NOW - behind, head=head(time=NOW))

    assert finding.code == code


def test_dates_are_judged_without_a_chain() -> None:
    dead = Unavailable("chain_unreachable")

    assert check_in_date(claims(), moment=NOW, checked_at=NOW, head=dead).code == "no_expiry"
