from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from standards_catalog.importers.report import ImportResult
from standards_catalog.importers.template import COLUMNS
from standards_catalog.importers.template_csv import read_template_csv, write_template_csv
from standards_catalog.importers.template_xlsx import read_template_xlsx, write_template_xlsx
from standards_catalog.loading import seed_catalogue

EDITIONS = tuple(seed_catalogue().editions.values())
ROW = {
    "code": "GB/T 1-2020",
    "publisher": "SAC",
    "country": "CN",
    "kind": "product",
    "status": "published",
    "source": "a page",
    "source_date": "2026-01-02",
    "confidence": "high",
}


def csv_of(*rows: dict[str, str]) -> str:
    """Return a file with the columns of the first row."""
    names = list(rows[0])
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


def problems(result: ImportResult) -> list[tuple[int, str, str]]:
    """Return row, column and code of every objection."""
    return [(issue.row, issue.column, issue.code) for issue in result.issues]


def test_csv_there_and_back() -> None:
    assert read_template_csv(write_template_csv(EDITIONS)).editions == EDITIONS


@pytest.mark.parametrize("language", ["en", "zh"])
def test_xlsx_there_and_back(language: str) -> None:
    result = read_template_xlsx(write_template_xlsx(EDITIONS, language=language))
    assert result.issues == ()
    assert result.editions == EDITIONS


def test_the_empty_form_has_every_column() -> None:
    assert write_template_csv().strip().split(",") == [name for name, _, _ in COLUMNS]


def test_chinese_labels_and_list_separators() -> None:
    data = csv_of(
        ROW | {"ICS分类号": "91.100.10；91.100.30", "强制性": "否", "代替标准": "GBT 1-2009"}
    )
    (edition,) = read_template_csv(data.encode("utf-8-sig")).editions
    assert edition.ics == ("91.100.10", "91.100.30")
    assert edition.mandatory is False
    assert edition.replaces == ("GB/T 1-2009",)


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"code": "cement"}, "code", "identifier_unrecognised"),
        ({"code": ""}, "code", "value_missing"),
        ({"source": " "}, "source", "value_missing"),
        ({"kind": "thing"}, "kind", "value_unknown"),
        ({"status": "current"}, "status", "value_unknown"),
        ({"confidence": "sure"}, "confidence", "value_unknown"),
        ({"source_date": "yesterday"}, "source_date", "date_malformed"),
        ({"published": "2020-02-30"}, "published", "date_malformed"),
        ({"mandatory": "maybe"}, "mandatory", "value_unknown"),
        ({"replaces": "old one"}, "replaces", "identifier_unrecognised"),
        ({"ics": "91"}, "", ""),
        ({"ics": "9100"}, "", "ics_malformed"),
        ({"published": "2024", "effective": "2023"}, "", "dates_contradict"),
        ({"title_en": "x" * 4001}, "title_en", "value_too_long"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_acceptable(
    changes: dict[str, str], column: str, code: str
) -> None:
    good = (
        ROW
        | dict.fromkeys(changes, "")
        | {"code": "GB/T 2-2020"}
        | {name: ROW[name] for name in changes if name in ROW and name != "code"}
    )
    result = read_template_csv(csv_of(good, ROW | changes))
    if not code:
        assert result.acceptable
        return
    assert problems(result) == [(3, column, code)]
    assert not result.acceptable
    assert len(result.editions) == 1


def test_the_same_code_twice() -> None:
    result = read_template_csv(csv_of(ROW, ROW | {"code": "gbt1-2020"}))
    assert problems(result) == [(3, "code", "code_twice")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("code,publisher\n", "column_missing"),
        (csv_of(ROW | {"colour": "red"}), "column_unknown"),
        (csv_of(ROW).replace("publisher", "code", 1), "column_twice"),
        (b"\xff\xfe\x00", "encoding_not_utf8"),
        ('code\n"open', "csv_malformed"),
        ("", "column_missing"),
    ],
)
def test_a_file_of_another_kind(data: str | bytes, expected: str) -> None:
    result = read_template_csv(data)
    assert expected in {issue.code for issue in result.issues}
    assert not result.acceptable
    assert result.editions == ()


def workbook(header: list[object], *rows: list[object]) -> bytes:
    """Return an XLSX file."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "list"
    for row in (header, *rows):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class TestSpreadsheets:
    def test_a_formula_is_an_error_with_sheet_row_and_column(self) -> None:
        data = workbook(list(ROW), [*list(ROW.values())[:-1], '=IF(1,"high","low")'])
        (issue,) = read_template_xlsx(data).issues
        assert (issue.sheet, issue.row, issue.column, issue.code) == (
            "list",
            2,
            "confidence",
            "formula",
        )

    def test_a_number_where_a_text_belongs(self) -> None:
        data = workbook([*ROW, "ics"], [*ROW.values(), 91.1])
        assert problems(read_template_xlsx(data)) == [(2, "ics", "number_not_text")]

    def test_cells_that_are_dates(self) -> None:
        values: list[object] = [
            date(2026, 1, 2) if name == "source_date" else value for name, value in ROW.items()
        ]
        (edition,) = read_template_xlsx(workbook(list(ROW), values)).editions
        assert edition.provenance.source_date == date(2026, 1, 2)

    @pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
    def test_something_that_is_no_workbook(self, data: bytes) -> None:
        assert [issue.code for issue in read_template_xlsx(data).issues] == ["xlsx_malformed"]


@given(st.text(max_size=200))
def test_any_text_gives_a_report(text: str) -> None:
    result = read_template_csv(text)
    assert result.acceptable is (not result.issues)
