from __future__ import annotations

import pytest

from standards_catalog.identifiers import (
    NearMatches,
    covers,
    parse_identifier,
    same_standard,
    sort_key,
)
from standards_catalog.loading import seed_catalogue


def test_lists_are_sorted_by_number_part_and_year() -> None:
    codes = [
        "GB/T 17671-2021",
        "ISO 679:2009",
        "GB 5009.268-2016",
        "GB 175-2023",
        "GB 5009.15-2023",
        "GB 175-92",
        "GB/T 176-2017",
        "GB 175",
        "ISO 679:1989",
        "GB 1499.2-2024",
    ]
    assert sorted(codes, key=lambda code: sort_key(parse_identifier(code))) == [
        "GB 175",
        "GB 175-92",
        "GB 175-2023",
        "GB/T 176-2017",
        "GB 1499.2-2024",
        "GB 5009.15-2023",
        "GB 5009.268-2016",
        "GB/T 17671-2021",
        "ISO 679:1989",
        "ISO 679:2009",
    ]


@pytest.mark.parametrize(
    ("reference", "used", "covered"),
    [
        pytest.param("ISO 679", "ISO 679:2009", True, id="undated covers every edition"),
        pytest.param("ISO 679:2009", "ISO 679:2009", True, id="same edition"),
        pytest.param("ISO 679:2009", "ISO 679:1989", False, id="other edition"),
        pytest.param("ISO 679:2009", "ISO 679", False, id="nobody knows the edition used"),
        pytest.param("ISO 679", "ISO 6790", False, id="prefix is not the number"),
        pytest.param("EN 196-1", "EN 196-2:2013", False, id="other part"),
        pytest.param("EN 196-1", "BS EN 196-1:2016", True, id="republished by a national body"),
        pytest.param("EN 197-1:2011", "EN 197-1:2011+A1:2014", False, id="amended text"),
        pytest.param("GB 17671", "GB/T 17671-2021", False, id="mandatory is another document"),
        pytest.param("ASTM C109", "ASTM C109/C109M-21", True, id="combined designation"),
        pytest.param("GB/T 3260 (all parts)", "GB/T 3260.4-2013", True, id="all parts"),
        pytest.param("GB/T 3260", "GB/T 3260.4-2013", False, id="the number without its parts"),
        pytest.param("GB 5009.15 第一法", "GB 5009.15-2023", False, id="one method of several"),
        pytest.param("GB 5009.15", "GB 5009.15-2023 第一法", True, id="any method"),
    ],
)
def test_what_a_reference_covers(reference: str, used: str, *, covered: bool) -> None:
    assert covers(parse_identifier(reference), parse_identifier(used)) is covered


def test_an_adoption_is_not_what_it_adopts() -> None:
    assert not same_standard(parse_identifier("EN ISO 9001:2015"), parse_identifier("ISO 9001"))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("GB/T 17671-2012", "GB/T 17671-2021"),
        ("GBT 17617", "GB/T 17671-2021"),
        ("GB 17671-2021", "GB/T 17671-2021"),
        ("ISO 679:2008", "ISO 679:2009"),
    ],
)
def test_near_matches_name_what_was_probably_meant(text: str, first: str) -> None:
    near = NearMatches(seed_catalogue().editions)
    assert first in near.find(text)[:2]


def test_nothing_is_near_to_nonsense() -> None:
    assert NearMatches(seed_catalogue().editions).find("completely different") == ()
