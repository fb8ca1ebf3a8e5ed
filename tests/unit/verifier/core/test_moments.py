from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.errors import MalformedEvidenceError
from verifier.core.moments import (
    LAST_SECOND,
    Moment,
    MomentText,
    format_utc,
    parse_moment,
    parse_utc,
)

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timedelta(minutes=minutes))
TIMES = st.datetimes(datetime(1972, 1, 1), datetime(9997, 12, 31))  # noqa: DTZ001


@given(TIMES, OFFSETS)
def test_a_time_means_one_second(time: datetime, offset: timedelta) -> None:
    stated = time.replace(microsecond=0, tzinfo=timezone(offset))

    moment = parse_moment(stated.isoformat(), what="it")

    assert moment == Moment(int(stated.timestamp()), int(stated.timestamp()))


@given(st.integers(31_536_000, LAST_SECOND))
def test_seconds_come_back_from_utc(seconds: int) -> None:
    assert parse_utc(format_utc(seconds), what="it") == seconds


def test_a_date_is_the_time_in_which_it_is_that_date_somewhere() -> None:
    day = parse_moment("2026-08-01", what="it")

    assert format_utc(day.earliest) == "2026-07-31T10:00:00Z"
    assert format_utc(day.latest) == "2026-08-02T12:00:00Z"
    easternmost = parse_moment("2026-08-01T00:00:00+14:00", what="it")
    westernmost = parse_moment("2026-08-01T23:59:59-12:00", what="it")
    assert day.earliest == easternmost.earliest
    assert day.latest == westernmost.latest + 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-02-30", id="no such day"),
        pytest.param("2026-2-3", id="short date"),
        pytest.param("20260203", id="basic date"),
        pytest.param("2026-W06-2", id="week date"),
        pytest.param("2026-02-11T18:05:00", id="no offset"),
        pytest.param("2026-02-11T18:05+08:00", id="no seconds"),
        pytest.param("2026-02-11T18:05:00.5Z", id="fraction"),
        pytest.param("2026-02-11T18:05:00-00:00", id="unknown offset"),
        pytest.param("2026-02-11T18:05:60Z", id="leap second"),
        pytest.param("2026-02-11T24:00:00Z", id="end of day"),
        pytest.param("2026-02-11t18:05:00z", id="small letters"),
        pytest.param("2026-02-11 18:05:00Z", id="blank"),
        pytest.param("1970-01-01", id="too early"),
        pytest.param("9999-01-01", id="too late"),
        pytest.param("２０２６-02-11", id="full-width digits"),
        pytest.param("2026-02-11\n", id="line feed"),
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_moment(text, what="it")
    assert caught.value.reason == "date"
    assert not MomentText().accepts(text)
    assert [problem.code for problem in MomentText().problems(text, "/x")] == ["date"]


@pytest.mark.parametrize("text", ["2026-02-11", "2026-02-11T18:05:00+08:00", "2026-02-11Z"])
def test_utc_is_asked_for(text: str) -> None:
    with pytest.raises(MalformedEvidenceError):
        parse_utc(text, what="it")


@given(st.text(alphabet="0123456789-:TZ+", max_size=26))
def test_hostile_text_is_a_moment_or_refused(text: str) -> None:
    try:
        moment = parse_moment(text, what="it")
    except MalformedEvidenceError:
        return
    assert moment.earliest <= moment.latest
    assert datetime.fromtimestamp(moment.earliest, UTC).year >= 1970
