from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.identifiers import parse_identifier
from standards_catalog.search_terms import (
    FTS5_TOKENIZER,
    code_keys,
    cut,
    fts5_match,
    highlight,
    index_terms,
    query_terms,
    stem,
    tsquery,
    tsvector,
)

TITLES = {
    "GB/T 12573-2008": ("Sampling method for cement", "水泥取样方法"),
    "GB/T 17671-2021": (
        "Test method of cement mortar strength (ISO method)",
        "水泥胶砂强度检验方法（ISO法）",
    ),
    "GB 2762-2022": (
        "Maximum levels of contaminants in foods",
        "食品安全国家标准 食品中污染物限量",
    ),
    "TIS 15-2562": ("Portland cement", "ปูนซีเมนต์ปอร์ตแลนด์"),
    "LS 1204:2010": ("Cement", "ຊີມັງ"),
    "ISO 679:2009": ("Cement – Test methods – Determination of strength",),
}


def test_unspaced_scripts_become_pairs_and_a_last_character() -> None:
    assert list(cut("水泥取样")) == ["水泥", "泥取", "取样", "样"]
    assert list(cut("镉")) == ["镉"]


def test_words_lose_case_accents_and_plurals() -> None:
    assert list(cut("Studies of Limestones: méthodes, glass, SO3 and Bq/kg")) == [
        "study",
        "of",
        "limestone",
        "methode",
        "glass",
        "so3",
        "and",
        "bq",
        "kg",
    ]


def test_width_and_mixed_scripts() -> None:
    assert list(cut("ＩＳＯ法Test")) == ["iso", "法", "test"]


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("gas", "gas"),
        ("gases", "gase"),
        ("status", "status"),
        ("glass", "glass"),
        ("analyses", "analyse"),
        ("17025s", "17025s"),
    ],
)
def test_stems(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed
    assert stem(stemmed) == stemmed


@pytest.mark.parametrize(
    ("code", "queries"),
    [
        (
            "GB/T 17671-2021",
            ["GB/T 17671", "gbt17671", "ＧＢ／Ｔ 176", "GB 17671", "17671", "1767"],
        ),
        ("TIS 15-2562", ["TIS 15", "มอก. 15", "มอก. ๑๕-๒๕๖๒", "15-2562", "TIS 15-2019"]),
        ("ISO/IEC 17025:2017", ["ISO 17025", "iso/iec 17025", "17025:2017"]),
        ("ASTM C150/C150M-22", ["ASTM C150-22", "astm c150", "C150"]),
        ("GOST R ISO/IEC 17025-2019", ["ГОСТ Р ИСО/МЭК 17025"]),
        ("TCVN 6016:2011 (ISO 679:2009)", ["TCVN 6016", "ISO 679", "iso679:2009"]),
        ("EN 197-1:2011", ["EN 197-1", "en197"]),
    ],
)
def test_any_spelling_of_a_code_is_the_start_of_a_key(code: str, queries: list[str]) -> None:
    keys = code_keys(parse_identifier(code))
    for query in queries:
        prefix = query_terms(query).code_prefix
        assert prefix
        assert any(key.startswith(prefix) for key in keys), query


@pytest.mark.parametrize("query", ["cement", "水泥", "7", "水泥 42.5", ""])
def test_words_are_no_code(query: str) -> None:
    assert query_terms(query).code_prefix == ""


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        f'CREATE VIRTUAL TABLE titles USING fts5(terms, tokenize="{FTS5_TOKENIZER}")'
    )
    for number, (code, titles) in enumerate(TITLES.items()):
        terms = index_terms(parse_identifier(code), titles).terms
        connection.execute(
            "INSERT INTO titles (rowid, terms) VALUES (?, ?)", (number, " ".join(terms))
        )
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("水泥", ["GB/T 12573-2008", "GB/T 17671-2021"]),
        ("水", ["GB/T 12573-2008", "GB/T 17671-2021"]),
        ("量", ["GB 2762-2022"]),
        ("泥取", ["GB/T 12573-2008"]),
        ("水泥方法", []),
        ("水泥 方法", ["GB/T 12573-2008", "GB/T 17671-2021"]),
        ("强度检验", ["GB/T 17671-2021"]),
        (
            "CEMENTS ",
            ["GB/T 12573-2008", "GB/T 17671-2021", "TIS 15-2562", "LS 1204:2010", "ISO 679:2009"],
        ),
        ("strength method", ["GB/T 17671-2021", "ISO 679:2009"]),
        ("cem stren", []),
        ("cement stren", ["GB/T 17671-2021", "ISO 679:2009"]),
        ("水泥 strength", ["GB/T 17671-2021"]),
        ("GB/T 17671 水泥", ["GB/T 17671-2021"]),
        ("ซีเมนต์", ["TIS 15-2562"]),
        ("ຊີມັງ", ["LS 1204:2010"]),
        ('"; DROP TABLE titles --', []),
    ],
)
def test_sqlite_finds_what_was_asked_for(
    index: sqlite3.Connection, query: str, codes: list[str]
) -> None:
    found = index.execute(
        "SELECT rowid FROM titles WHERE titles MATCH ? ORDER BY rowid",
        (fts5_match(query_terms(query)),),
    )
    names = list(TITLES)
    assert [names[row[0]] for row in found] == codes


def test_the_language_of_postgresql() -> None:
    assert tsvector(["水泥", "泥", "cement", "水泥"]) == "'水泥':1,4 '泥':2 'cement':3"
    assert tsquery(query_terms("水泥取样 methods stren")) == (
        "('水泥' <-> '泥取' <-> '取样') & ('method') & ('stren':*)"
    )
    assert tsquery(query_terms("水 ")) == "('水':*)"


def test_positions_stay_within_the_limits_of_postgresql() -> None:
    text = tsvector(["a"] * 300 + ["b"] * 20_000)
    assert len(text.split(" ")[0].partition(":")[2].split(",")) == 255
    assert "16384" not in text


@pytest.mark.parametrize(
    ("query", "title", "shown"),
    [
        ("水泥", "水泥取样方法", ["水泥"]),
        ("取样方", "水泥取样方法", ["取样方"]),
        ("法", "水泥取样方法（ISO法）", ["法", "法"]),
        ("method", "Test Methods for cement method", ["Methods", "method"]),
        ("cem", "Cement", ["Cement"]),
        ("iso", "Résumé of ＩＳＯ", ["ＩＳＯ"]),
        ("nothing", "Cement", []),
        ("", "Cement", []),
    ],
)
def test_highlights(query: str, title: str, shown: list[str]) -> None:
    assert [title[start:end] for start, end in highlight(title, query_terms(query))] == shown


@given(st.text(max_size=250))
def test_any_query_is_harmless(text: str) -> None:
    query = query_terms(text)
    for language in (fts5_match(query), tsquery(query)):
        assert "\x00" not in language
    terms = [term for phrase in query.phrases for term in phrase] + list(query.prefixes)
    assert all(term and not set(term) & set("'\"\\:*&|!() \t") for term in terms)
    highlight(text, query)


@given(st.text(alphabet="水泥取样方法 cementMETHODS-é", min_size=1, max_size=30))
def test_every_text_is_found_by_its_own_words(text: str) -> None:
    stored = list(cut(text))
    query = query_terms(f"{text} ")
    assert all(term in stored for phrase in query.phrases for term in phrase)
    assert all(any(term.startswith(prefix) for term in stored) for prefix in query.prefixes)
