"""Until when contents are kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry.safeguards.domain import end_of_retention


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (datetime(2026, 11, 21, 8, 30, tzinfo=UTC), datetime(2020, 11, 21, 8, 30, tzinfo=UTC)),
        # On a leap day the end is a day that exists, so that nothing goes early.
        (datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2022, 2, 28, 12, tzinfo=UTC)),
        (datetime(2032, 2, 29, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)),
    ],
)
def test_what_was_issued_before_is_out_of_its_period(now: datetime, end: datetime) -> None:
    assert end_of_retention(now, years=6) == end


def test_a_leap_day_stays_a_leap_day() -> None:
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    assert end_of_retention(leap, years=4) == datetime(2024, 2, 29, tzinfo=UTC)
