from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.editions import Edition, Kind, Standing, Status
from standards_catalog.errors import CatalogueDataError
from standards_catalog.identifiers import parse_identifier
from standards_catalog.provenance import Confidence, PartialDate, Provenance

SOURCE = Provenance(source="a page", source_date=date(2026, 1, 1), confidence=Confidence.HIGH)


def edition(code: str = "GB 175-2023", **changes: object) -> Edition:
    """Return an edition; dates are given as text."""
    for name in ("published", "effective", "withdrawn", "transition_end"):
        if isinstance(changes.get(name), str):
            changes[name] = PartialDate.parse(str(changes[name]))
    fields: dict[str, object] = {
        "id": parse_identifier(code),
        "publisher": "SAMR/SAC",
        "country": "CN",
        "kind": Kind.PRODUCT,
        "status": Status.PUBLISHED,
        "provenance": SOURCE,
    }
    return Edition(**(fields | changes))  # type: ignore[arg-type]


FULL: dict[str, object] = {
    "published": "2023-11-27",
    "effective": "2024-06-01",
    "withdrawn": "2030-01-01",
    "transition_end": "2030-07-01",
}


@pytest.mark.parametrize(
    ("day", "standing"),
    [
        ("2023-11-26", Standing.NOT_YET_PUBLISHED),
        ("2023-11-27", Standing.NOT_YET_IN_FORCE),
        ("2024-05-31", Standing.NOT_YET_IN_FORCE),
        ("2024-06-01", Standing.IN_FORCE),
        ("2029-12-31", Standing.IN_FORCE),
        ("2030-01-01", Standing.IN_TRANSITION),
        ("2030-06-30", Standing.IN_TRANSITION),
        ("2030-07-01", Standing.ENDED),
    ],
)
def test_intervals_are_half_open(day: str, standing: Standing) -> None:
    assert edition(**FULL).standing(date.fromisoformat(day)) is standing


@pytest.mark.parametrize(
    ("changes", "day", "standing"),
    [
        pytest.param({"effective": "2021"}, "2021-06-01", Standing.UNKNOWN, id="within the year"),
        pytest.param({"effective": "2021"}, "2022-01-01", Standing.IN_FORCE, id="after the year"),
        pytest.param({"effective": "2021-08"}, "2021-08-15", Standing.UNKNOWN, id="within a month"),
        pytest.param({}, "2024-03-01", Standing.UNKNOWN, id="only the year of the code"),
        pytest.param({}, "2025-01-01", Standing.IN_FORCE, id="a year later it surely applied"),
        pytest.param({}, "2022-12-31", Standing.NOT_YET_PUBLISHED, id="before the year"),
        pytest.param(
            {"status": Status.SUPERSEDED}, "2026-01-01", Standing.UNKNOWN, id="ended, but when"
        ),
        pytest.param(
            {"status": Status.DRAFT, "published": "2020"},
            "2026-01-01",
            Standing.NOT_YET_PUBLISHED,
            id="a draft is nothing yet",
        ),
    ],
)
def test_an_imprecise_date_never_decides_inside_its_span(
    changes: dict[str, object], day: str, standing: Standing
) -> None:
    assert edition(**changes).standing(date.fromisoformat(day)) is standing


def test_an_undated_code_without_dates_is_unknown() -> None:
    assert edition("RS-G-1.7").standing(date(2026, 1, 1)) is Standing.UNKNOWN


def test_the_edition_that_replaces_it_ends_it() -> None:
    old = edition("GB 2762-2022", effective="2023-06-30", status=Status.SUPERSEDED)
    replaced = PartialDate.parse("2026-09-02")
    assert old.standing(date(2026, 9, 1), replaced=replaced) is Standing.IN_FORCE
    assert old.standing(date(2026, 9, 2), replaced=replaced) is Standing.ENDED


_DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))


@given(start=_DAYS, length=st.integers(1, 5000), grace=st.integers(0, 400), day=_DAYS)
def test_every_day_has_one_standing(start: date, length: int, grace: int, day: date) -> None:
    end = start + timedelta(days=length)
    last = end + timedelta(days=grace)
    found = edition(
        effective=start.isoformat(), withdrawn=end.isoformat(), transition_end=last.isoformat()
    ).standing(day)
    assert found.usable is (start <= day < last)
    assert (found is Standing.IN_FORCE) is (start <= day < end)
    assert (found is Standing.ENDED) is (day >= last)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"published": "2024-01-01", "effective": "2023-12-31"}, "dates_contradict"),
        ({"effective": "2024-01-01", "withdrawn": "2020"}, "dates_contradict"),
        ({"withdrawn": "2024-01-01", "transition_end": "2023-01-01"}, "dates_contradict"),
        ({"ics": ("91.100.1",)}, "ics_malformed"),
        ({"ccs": ("Q1",)}, "ccs_malformed"),
        ({"hs_hint": ("25.23",)}, "hs_hint_malformed"),
        ({"replaces": ("GB 175-2023",)}, "replaces_itself"),
    ],
)
def test_refuses_what_cannot_be_true(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(CatalogueDataError) as caught:
        edition(**changes).check()
    assert caught.value.problem == problem


def test_overlapping_imprecise_dates_do_not_contradict() -> None:
    edition(published="2023-11-27", effective="2023").check()


@pytest.mark.parametrize("text", ["2023", "2023-11", "2023-11-27", "2024-02-29"])
def test_partial_dates_are_written_as_they_were_read(text: str) -> None:
    assert str(PartialDate.parse(text)) == text


@pytest.mark.parametrize("text", ["", "23", "2023-13", "2023-02-30", "2023/11", "2023-1-1", "0000"])
def test_refuses_other_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PartialDate.parse(text)
