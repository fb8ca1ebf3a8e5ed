from __future__ import annotations

import base64
import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.standards.domain import (
    Filters,
    Position,
    code_of,
    code_spots,
    edition_order,
    filter_terms,
    force_interval,
    read_cursor,
    record_number,
    slug_of,
    standing_class,
    write_cursor,
)
from registry.standards.errors import UnusableCursorError, UnusableFilterError
from registry.standards.searching import make_query
from standards_catalog.editions import Edition, Status
from standards_catalog.loading import seed_catalogue
from standards_catalog.provenance import PartialDate
from standards_catalog.releases import edition_record
from standards_catalog.search_terms import query_terms
from tests.support.standards import TODAY, day, edition

DAYS = st.dates(date(1990, 1, 1), date(2030, 12, 31))
PARTIAL = st.builds(
    lambda at, known: PartialDate(
        at.year, at.month if known else None, at.day if known == 2 else None
    ),
    DAYS,
    st.sampled_from([4, 7, 10]),
)
POSITIONS = st.builds(
    Position, st.none() | st.text(max_size=40), st.integers(-1, 2**20), st.integers(0, 2**48)
)


@given(POSITIONS, st.text(max_size=50))
def test_cursor_gives_back_its_position(position: Position, typed: str) -> None:
    query = make_query(typed, Filters())
    assert read_cursor(write_cursor(position, query), query) == position


@given(st.text(max_size=500))
def test_any_other_cursor_is_refused(text: str) -> None:
    with pytest.raises(UnusableCursorError):
        read_cursor(text, make_query("水", Filters()))


@pytest.mark.parametrize(
    "content",
    [[], ["x", "", 0], ["FP", "", True, 0], ["FP", "", 0, 2**70], ["FP", 1, 0, 0], {"a": 1}, "FP"],
    ids=str,
)
def test_cursor_of_another_shape_is_refused(content: object) -> None:
    query = make_query("水", Filters())
    text = json.dumps(content).replace("FP", query.fingerprint)
    with pytest.raises(UnusableCursorError, match="damaged"):
        read_cursor(base64.urlsafe_b64encode(text.encode()).decode(), query)


@given(st.text(max_size=12), st.sampled_from(["country", "ics", "hs", "status", "kind", "on"]))
def test_filter_is_understood_or_refused(text: str, name: str) -> None:
    try:
        found = Filters.parse({name: text})
    except UnusableFilterError:
        return
    assert Filters.parse(found.as_dict()) == found


@pytest.mark.parametrize("found", seed_catalogue().editions.values(), ids=lambda e: e.code)
def test_every_edition_of_the_seed_passes_filters_made_from_it(found: Edition) -> None:
    record = edition_record(found)
    own = {"country": found.country, "status": found.status.value, "kind": found.kind.value}
    own |= {"ics": found.ics[0]} if found.ics else {}
    assert Filters.parse(own).accepts(record)
    assert not Filters.parse(own | {"country": "ZZ"}).accepts(record)


@given(st.text(max_size=200))
def test_no_query_can_contain_a_term_of_a_filter(typed: str) -> None:
    terms = query_terms(typed)
    words = [*terms.prefixes, *(term for phrase in terms.phrases for term in phrase)]
    private = {term[0] for term in filter_terms(edition_record(edition("GB 1-2000")))}
    assert not [word for word in words if set(word) & private]


@given(
    st.sampled_from(list(Status)),
    st.none() | PARTIAL,
    st.none() | PARTIAL,
    st.none() | PARTIAL,
    DAYS,
)
def test_day_filter_never_hides_an_edition_that_can_be_relied_upon(
    status: Status,
    effective: PartialDate | None,
    withdrawn: PartialDate | None,
    transition: PartialDate | None,
    on: date,
) -> None:
    found = edition(
        "GB 1-2000", status=status, effective=effective, withdrawn=withdrawn,
        transition_end=transition,
    )  # fmt: skip
    starts, ends = force_interval(found)
    assert starts <= ends
    if on < TODAY and found.standing(on).usable:
        assert starts <= on < ends


def test_edition_that_ended_on_an_unknown_day_is_not_in_force_after_its_source() -> None:
    gone = edition("GB 1-2000", status=Status.SUPERSEDED)
    assert force_interval(gone) == (date(2000, 1, 1), TODAY)
    assert force_interval(edition("GB 1-2000", withdrawn=day("2010")))[1] == date(2010, 12, 31)


@given(st.integers(1, 2**32 - 1), st.integers(0, 500), st.integers(1960, 2099))
def test_numbers_sort_by_standing_length_and_year(sequence: int, words: int, year: int) -> None:
    newer = edition(f"GB 1-{year}", "水泥")
    number = record_number(newer, words, sequence)
    ended = record_number(edition(f"GB 1-{year}", "水泥", status=Status.WITHDRAWN), words, 1)
    older = record_number(edition(f"GB 1-{year - 1}", "水泥"), words, 1)

    assert standing_class(number) == 0
    assert number < ended < 2**53  # exact in every language
    assert number < older
    assert number < record_number(newer, 499, sequence) or words >= 63
    assert edition_order(newer) < edition_order(edition(f"GB 1-{year - 1}"))


def test_too_many_records_are_refused() -> None:
    with pytest.raises(OverflowError):
        record_number(edition("GB 1-2000"), 3, 2**32)


@pytest.mark.parametrize("found", list(seed_catalogue().editions)[:200:7])
def test_address_form_gives_the_code_back(found: str) -> None:
    slug = slug_of(found)
    assert code_of(slug) == found
    assert not set(slug) & set("/ ?#%&")


@pytest.mark.parametrize(
    ("code", "prefix", "spots"),
    [
        ("GB/T 17671-2021", "GBT17671", ((0, 10),)),
        ("GB/T 17671-2021", "176", ((5, 8),)),
        ("ISO 679:2009", "GB", ()),
        ("ISO 679:2009", "", ()),
    ],
)
def test_spot_of_a_prefix(code: str, prefix: str, spots: tuple[tuple[int, int], ...]) -> None:
    assert code_spots(code, prefix) == spots


def test_range_of_headings_holds_all_between() -> None:
    record = edition_record(edition("GB 1-2000", hs_hint=("252321-252329",)))
    for inside in ("252321", "252325", "2523", "25232910"):
        assert Filters.parse({"hs": inside}).accepts(record), inside
    for outside in ("252330", "2524", "252320"):
        assert not Filters.parse({"hs": outside}).accepts(record), outside


def test_next_day_after_the_end_is_outside() -> None:
    starts, ends = force_interval(edition("GB 1-2000", withdrawn=day("2010-05-01")))
    assert (starts, ends) == (date(2000, 1, 1), date(2010, 5, 1))
    assert ends - timedelta(days=1) < date(2010, 5, 1)
