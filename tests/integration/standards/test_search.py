from __future__ import annotations

import pytest

from registry.kit.database import Database
from registry.standards import searching
from registry.standards.domain import Filters
from registry.standards.errors import UnusableCursorError
from registry.standards.searching import count_facets, make_query, search
from standards_catalog.editions import Kind, Status
from tests.support.standards import day, edition, found, store

CATALOGUE = (
    edition("GB 175-2023", "通用硅酸盐水泥", "Common portland cement", ics=("91.100.10",),
            hs_hint=("2523",), kind=Kind.PRODUCT, effective=day("2024-06-01")),
    edition("GB 175-2007", "通用硅酸盐水泥", "Common portland cement", status=Status.SUPERSEDED,
            effective=day("2008-06-01"), withdrawn=day("2024-06-01"), kind=Kind.PRODUCT),
    edition("GB/T 17671-2021", "水泥胶砂强度检验方法（ISO法）", "Strength of cement mortar",
            ics=("91.100.10",), kind=Kind.TEST_METHOD),
    edition("GB/T 1750-2006", "涂料流平性测定法", "Levelling of paints", ics=("87.040",)),
    edition("TIS 15-2562", "", "Portland cement", country="TH", hs_hint=("252321-252329",)),
    edition("TCVN 6016:2011 (ISO 679:2009)", "", "Strength of cement", country="VN"),
    edition("ISO 679:2009", "", "Cement — Test methods", country="INT", status=Status.CONFIRMED),
    edition("GB 2762-2022", "食品安全国家标准 食品中污染物限量", "Limits of contaminants in foods",
            kind=Kind.LIMIT, ics=("67.040",)),
    edition("มอก. 2594-2556", "", "ปูนซีเมนต์ไฮดรอลิก", country="TH"),
)  # fmt: skip


@pytest.fixture(scope="module")
def catalogue(shared_database: Database) -> Database:
    store(shared_database, *CATALOGUE)
    return shared_database


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("GB 175", ["GB 175-2023", "GB 175-2007", "GB/T 1750-2006"], id="newest first"),
        pytest.param("gb175", ["GB 175-2023", "GB 175-2007", "GB/T 1750-2006"], id="without space"),
        pytest.param("ＧＢ／Ｔ　１７６７１", ["GB/T 17671-2021"], id="full width"),
        pytest.param("17671", ["GB/T 17671-2021"], id="number alone"),
        pytest.param("gb 17671", ["GB/T 17671-2021"], id="without T"),
        pytest.param("GB/T 17671—2021", ["GB/T 17671-2021"], id="typographic dash"),
        pytest.param("TIS 15-2019", ["TIS 15-2562"], id="year of the common era"),
        pytest.param("มอก. 2594", ["TIS 2594-2556"], id="Thai publisher"),
        pytest.param("ISO 679", ["ISO 679:2009", "TCVN 6016:2011 (ISO 679:2009)"], id="adopted"),
    ],
)
def test_codes_in_any_spelling(catalogue: Database, typed: str, expected: list[str]) -> None:
    assert found(catalogue, typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param(
            "水泥", {"GB 175-2023", "GB 175-2007", "GB/T 17671-2021"}, id="two characters"
        ),
        pytest.param("泥", {"GB 175-2023", "GB 175-2007", "GB/T 17671-2021"}, id="one character"),
        pytest.param("水泥胶砂强度", {"GB/T 17671-2021"}, id="phrase"),
        pytest.param("泥水", set(), id="not in another order"),
        pytest.param("强度 水泥", {"GB/T 17671-2021"}, id="words in any order"),
        pytest.param(
            "strengths", {"GB/T 17671-2021", "TCVN 6016:2011 (ISO 679:2009)"}, id="plural"
        ),
        pytest.param("cem str", set(), id="only the last word is being typed"),
        pytest.param(
            "cement str", {"GB/T 17671-2021", "TCVN 6016:2011 (ISO 679:2009)"}, id="typed"
        ),
        pytest.param("水泥 GB/T17671", {"GB/T 17671-2021"}, id="code among words"),
        pytest.param("ปูนซีเมนต์", {"TIS 2594-2556"}, id="Thai"),
        pytest.param("zzz", set(), id="nothing"),
    ],
)
def test_words(catalogue: Database, typed: str, expected: set[str]) -> None:
    assert set(found(catalogue, typed)) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"country": "th"}, {"TIS 15-2562", "TIS 2594-2556"}),
        ({"ics": "91.100"}, {"GB 175-2023", "GB/T 17671-2021"}),
        ({"ics": "91"}, {"GB 175-2023", "GB/T 17671-2021"}),
        ({"hs": "2523.29"}, {"GB 175-2023", "TIS 15-2562"}),
        ({"hs": "25"}, {"GB 175-2023", "TIS 15-2562"}),
        ({"hs": "252330"}, {"GB 175-2023"}),
        ({"status": "superseded"}, {"GB 175-2007"}),
        ({"kind": "limit", "country": "CN"}, {"GB 2762-2022"}),
        ({"country": "LA"}, set()),
    ],
    ids=lambda value: "-".join(sorted(value)),
)
def test_filters_alone(catalogue: Database, filters: dict[str, str], expected: set[str]) -> None:
    assert set(found(catalogue, "", **filters)) == expected


def test_filters_hold_for_codes_too(catalogue: Database) -> None:
    assert found(catalogue, "GB 175", kind="product") == ["GB 175-2023", "GB 175-2007"]
    assert found(catalogue, "GB 175", on="2010-01-01") == ["GB 175-2007", "GB/T 1750-2006"]


def test_day_decides_which_edition(catalogue: Database) -> None:
    assert found(catalogue, "硅酸盐", on="2024-05-31") == ["GB 175-2007"]
    assert found(catalogue, "硅酸盐", on="2024-06-01") == ["GB 175-2023"]


def test_order_by_words_is_standing_then_length_then_year(database: Database) -> None:
    store(
        database,
        edition("GB/T 1-2001", "水泥"),
        edition("GB/T 2-2020", "水泥"),
        edition("GB/T 3-2022", "水泥的取样方法"),
        edition("GB/T 4-2024", "水泥", status=Status.WITHDRAWN),
        edition("GB/T 5-2025", "水泥", status=Status.DRAFT),
    )

    assert found(database, "水泥") == [
        "GB/T 2-2020", "GB/T 1-2001", "GB/T 3-2022", "GB/T 5-2025", "GB/T 4-2024",
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["水", "cement", "GB", "17", "GB/T 17671", "", "iso 679"])
@pytest.mark.parametrize("filters", [{}, {"on": "2020-01-01"}, {"country": "CN"}], ids=str)
def test_pages_together_are_the_whole_without_repetition(
    catalogue: Database, typed: str, filters: dict[str, str]
) -> None:
    whole = found(catalogue, typed, **filters)
    query = make_query(typed, Filters.parse(filters))
    pages: list[str] = []
    cursor = None
    with catalogue.read() as session:
        while True:
            page = search(session, query, cursor=cursor, limit=2)
            pages += [hit.code for hit in page.hits]
            cursor = page.next
            if cursor is None:
                break

    assert pages == whole
    assert len(set(whole)) == len(whole)


def test_page_ends_early_when_enough_was_looked_at(
    catalogue: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_EXAMINED", 2)
    query = make_query("", Filters.parse({"on": "1900-01-01"}))
    with catalogue.read() as session:
        page = search(session, query, cursor=None, limit=20)

        assert page.hits == ()
        assert not page.complete
        rest = page.next
        seen = 1
        while rest is not None:
            page = search(session, query, cursor=rest, limit=20)
            rest, seen = page.next, seen + 1

    assert seen == len(CATALOGUE) // 2 + 1


def test_cursor_of_another_search_is_refused(catalogue: Database) -> None:
    with catalogue.read() as session:
        page = search(session, make_query("水", Filters()), cursor=None, limit=1)
        with pytest.raises(UnusableCursorError, match="another search"):
            search(session, make_query("泥", Filters()), cursor=page.next, limit=1)


def test_facets_count_what_is_found(catalogue: Database) -> None:
    with catalogue.read() as session:
        facets = count_facets(session, make_query("cement", Filters()))

    assert facets.complete
    assert facets.counted == 6
    assert facets.counts["country"] == {"CN": 3, "INT": 1, "TH": 1, "VN": 1}
    assert facets.counts["status"] == {"published": 4, "confirmed": 1, "superseded": 1}


def test_facets_say_when_they_are_not_all(
    catalogue: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_COUNTED", 3)
    with catalogue.read() as session:
        facets = count_facets(session, make_query("cement", Filters()))

    assert (facets.counted, facets.complete) == (3, False)


@pytest.mark.parametrize(
    "typed",
    [
        '"', '"*" OR NOT (', "terms:x", "a NEAR b", "' | '", "\\", "%_%", "a " * 500, "部分" * 500,
        "\x00", "\ue000cn", "水\u202e泥", "😀", "-", "^GB", "& !x:*", "１" * 300, "\ud800",
    ],
)  # fmt: skip
def test_hostile_words_are_only_words(catalogue: Database, typed: str) -> None:
    assert set(found(catalogue, typed)) <= {each.code for each in CATALOGUE}


def test_highlights_show_what_was_asked_for(catalogue: Database) -> None:
    with catalogue.read() as session:
        by_words = search(session, make_query("水泥", Filters()), cursor=None, limit=1).hits[0]
        by_code = search(session, make_query("gbt1767", Filters()), cursor=None, limit=1).hits[0]

    assert by_words.spots == {"title_zh": ((5, 7),)}
    assert by_code.spots == {"code": ((0, 9),)}
    assert (by_words.matched, by_code.matched) == ("words", "code")
