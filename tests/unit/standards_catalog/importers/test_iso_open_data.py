from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.editions import Status
from standards_catalog.importers.iso_open_data import (
    ATTRIBUTION,
    LICENCE,
    read_iso_csv,
    read_iso_jsonl,
)
from standards_catalog.importers.report import Severity

VECTORS = Path(__file__).parents[3] / "vectors" / "standards"
READ_ON = date(2026, 11, 20)


def read_sample(kind: str) -> dict[str, object]:
    """Return the editions of the made sample by code."""
    if kind == "jsonl":
        lines = (VECTORS / "iso_deliverables.jsonl").read_bytes().splitlines()
        result = read_iso_jsonl(lines, read_on=READ_ON)
    else:
        text = "\ufeff" + (VECTORS / "iso_deliverables.csv").read_text("utf-8")
        result = read_iso_csv(text.splitlines(keepends=True), read_on=READ_ON)
    return {edition.code: edition for edition in result.editions}


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_reads_both_forms_alike(kind: str) -> None:
    newer = read_sample(kind)["ISO 679:2009"]
    assert newer == read_sample("jsonl")["ISO 679:2009"]
    assert newer.status is Status.CONFIRMED  # type: ignore[attr-defined]
    assert newer.stage == "90.93"  # type: ignore[attr-defined]
    assert newer.replaces == ("ISO 679:1989",)  # type: ignore[attr-defined]
    assert dict(newer.titles)["fr"] == "Titre inventé"  # type: ignore[attr-defined]
    assert str(newer.published) == "2009-05-01"  # type: ignore[attr-defined]


def test_links_lead_both_ways_and_only_inside_the_file() -> None:
    editions = read_sample("jsonl")
    assert editions["ISO 679:1989"].replaced_by == ("ISO 679:2009",)  # type: ignore[attr-defined]


def test_drafts_and_supplements() -> None:
    editions = read_sample("jsonl")
    assert editions["ISO/WD 0"].status is Status.DRAFT  # type: ignore[attr-defined]
    assert "ISO 9001:2015/Amd 1:2024" in editions


def test_attribution_and_licence_travel_with_the_data() -> None:
    lines = (VECTORS / "iso_deliverables.jsonl").read_bytes().splitlines()
    result = read_iso_jsonl(lines, read_on=READ_ON)
    assert result.attribution == ATTRIBUTION
    assert result.licence == LICENCE
    for edition in result.editions:
        assert edition.provenance.licence == LICENCE
        assert edition.provenance.note == ATTRIBUTION
        assert edition.provenance.source_date == READ_ON


def test_what_cannot_be_read_is_left_out_and_told() -> None:
    lines = (VECTORS / "iso_deliverables.jsonl").read_bytes().splitlines()
    result = read_iso_jsonl(lines, read_on=READ_ON)
    assert result.rows == 7
    assert result.acceptable
    assert [(issue.row, issue.column, issue.code) for issue in result.issues] == [
        (5, "reference", "identifier_unrecognised"),
        (6, "publicationDate", "date_malformed"),
        (7, "", "line_malformed"),
    ]
    assert {issue.severity for issue in result.issues} == {Severity.SKIPPED}


def test_a_file_of_another_kind_is_refused() -> None:
    result = read_iso_csv(["a,b\n", "1,2\n"], read_on=READ_ON)
    assert not result.acceptable
    assert result.issues[0].code == "column_missing"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("[1]", "line_not_object"),
        ("[" * 100_000, "line_malformed"),
        (b"\xff{}", "line_malformed"),
        ('{"reference": 5, "currentStage": 6060}', "value_missing"),
        ('{"reference": "ISO 1", "currentStage": "soon"}', "stage_malformed"),
        ('{"reference": "ISO 1", "currentStage": 6060, "icsCode": ["x"]}', "ics_malformed"),
    ],
)
def test_hostile_lines(line: str | bytes, code: str) -> None:
    result = read_iso_jsonl([line], read_on=READ_ON)
    assert [issue.code for issue in result.issues] == [code]


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "reference",
                "title",
                "icsCode",
                "currentStage",
                "replaces",
                "languages",
                "publicationDate",
            ]
        ),
        st.none()
        | st.text(max_size=10)
        | st.integers()
        | st.lists(st.integers() | st.text(max_size=5), max_size=3),
    )
)
def test_any_record_gives_a_report(record: dict[str, object]) -> None:
    result = read_iso_jsonl([json.dumps(record)], read_on=READ_ON)
    assert len(result.editions) + len(result.issues) == 1
