"""XLSX files that hide, compute, merge, explode or lie."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile

import pytest
from openpyxl import Workbook as OpenpyxlWorkbook

from registry.certificates.tables import xlsx_package
from registry.certificates.tables.reading import read_table
from registry.kit.import_problems import FileProblem
from tests.support.tables import (
    column_letters,
    found,
    grid,
    put,
    read_csv,
    read_xlsx,
    sheet_xml,
    workbook,
)

NUMBER_CELL = "consignment.net_mass.value"


def place(name: str, row: int = 2) -> str:
    return f"{column_letters(grid(), name)}{row}"


def with_cell(reference: str, inside: str, attributes: str = "") -> str:
    return sheet_xml(grid(), cells={reference: f'<c r="{reference}" {attributes}>{inside}</c>'})


def test_a_plain_workbook_is_the_same_as_csv() -> None:
    content = read_xlsx(workbook({"S": sheet_xml(grid())}))
    assert content.problems == ()
    assert content.documents[0].value == read_csv(grid()).documents[0].value


def test_what_openpyxl_writes_is_read_with_its_types() -> None:
    book = OpenpyxlWorkbook()
    sheet = book.active
    assert sheet is not None
    for row in grid():
        sheet.append(row)
    cell = sheet[place("results.loq")]
    cell.value, cell.number_format = 0.005, "0.0000"
    sheet[place("results.accredited")].value = True
    sheet[place("consignment.packages.count")].value = 1140
    stream = io.BytesIO()
    book.save(stream)

    content = read_xlsx(stream.getvalue())

    assert content.problems == ()
    value = content.documents[0].value
    assert value["results"][0]["loq"] == "0.0050"  # type: ignore[index]
    assert value["results"][0]["accredited"] is True  # type: ignore[index]
    assert value["consignment"]["packages"]["count"] == 1140  # type: ignore[index]


def test_two_sheets_are_one_import() -> None:
    second = grid()
    put(second, 2, "number", "DEMO-2")
    content = read_xlsx(workbook({"A": sheet_xml(grid()), "B": sheet_xml(second)}))
    assert [item.pointer for item in content.documents] == ["/0", "/1"]
    problem = content.locate(content_problem("/1/number"))
    assert (problem.sheet, problem.row) == ("B", 2)


def content_problem(pointer: str) -> FileProblem:
    return FileProblem(source="t.xlsx", pointer=pointer, code="x", message="x")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        pytest.param("<f>1+2</f><v>3</v>", "formula", id="formula with a value"),
        pytest.param('<f t="shared" si="0"/>', "formula", id="shared formula without a value"),
        pytest.param("<v>0.30000000000000004</v>", "float_artefact", id="float artefact"),
        pytest.param("<v>1,5</v>", "type", id="comma in a number"),
    ],
)
def test_cells_are_refused_with_their_place(cell: str, code: str) -> None:
    reference = place(NUMBER_CELL)
    content = read_xlsx(workbook({"Sheet": with_cell(reference, cell)}))
    assert found(content) == [(2, reference.rstrip("0123456789"), code)]
    assert content.problems[0].sheet == "Sheet"


@pytest.mark.parametrize(
    ("attributes", "inside", "code"),
    [('t="e"', "<v>#DIV/0!</v>", "cell_error"), ('t="z"', "<v>1</v>", "type")],
)
def test_other_kinds_of_cells(attributes: str, inside: str, code: str) -> None:
    data = workbook({"S": with_cell(place(NUMBER_CELL), inside, attributes)})
    assert [each for _, _, each in found(read_xlsx(data))] == [code]


@pytest.mark.parametrize(
    ("code_of_format", "number", "code"),
    [
        ("0.00", "0.018", "shown_differs"),
        ('"<"0.00', "0.02", "number_format"),
        ("0%", "0.5", "number_format"),
        ("0.0;(0.0)", "-1.5", "number_format"),
    ],
)
def test_numbers_that_show_something_else(code_of_format: str, number: str, code: str) -> None:
    sheet = with_cell(place(NUMBER_CELL), f"<v>{number}</v>", 's="1"')
    data = workbook({"S": sheet}, formats=(code_of_format,))
    assert [each for _, _, each in found(read_xlsx(data))] == [code]


@pytest.mark.parametrize(("calendar", "serial"), [("", "46064"), ('date1904="1"', "44602")])
def test_dates_of_both_calendars(calendar: str, serial: str) -> None:
    sheet = with_cell(place("dates.issued"), f"<v>{serial}</v>", 's="1"')
    data = workbook({"S": sheet}, formats=("yyyy-mm-dd",), properties=f"<workbookPr {calendar}/>")
    content = read_xlsx(data)
    assert content.problems == ()
    assert content.documents[0].value["dates"]["issued"] == "2026-02-11"  # type: ignore[index]


@pytest.mark.parametrize("serial", ["0", "60", "-5", "1e9", "nan"])
def test_days_that_never_were(serial: str) -> None:
    sheet = with_cell(place("dates.issued"), f"<v>{serial}</v>", 's="1"')
    content = read_xlsx(workbook({"S": sheet}, formats=("yyyy-mm-dd",)))
    assert [code for _, _, code in found(content)] == ["date"]


class TestHidden:
    def test_sheet(self) -> None:
        data = workbook({"A": sheet_xml(grid()), "B": sheet_xml(grid())}, hidden=frozenset("B"))
        content = read_xlsx(data)
        assert [(p.sheet, p.code) for p in content.problems] == [("B", "hidden_sheet")]

    def test_an_empty_hidden_sheet_hides_nothing(self) -> None:
        data = workbook({"A": sheet_xml(grid()), "B": sheet_xml([])}, hidden=frozenset("B"))
        assert read_xlsx(data).problems == ()

    def test_row(self) -> None:
        data = workbook({"S": sheet_xml(grid(), row_attributes={4: 'hidden="1"'})})
        assert found(read_xlsx(data)) == [(4, None, "hidden_row")]

    def test_column(self) -> None:
        head = '<cols><col min="2" max="3" hidden="1"/></cols>'
        content = read_xlsx(workbook({"S": sheet_xml(grid(), head=head)}))
        assert {code for _, _, code in found(content)} == {"hidden_column"}

    def test_merged_cells(self) -> None:
        tail = '<mergeCells><mergeCell ref="B2:B4"/></mergeCells>'
        content = read_xlsx(workbook({"S": sheet_xml(grid(), tail=tail)}))
        assert found(content) == [(2, "B", "merged_cells")]


class TestPackages:
    @pytest.mark.parametrize(
        "declaration",
        [
            '<!DOCTYPE x [<!ENTITY a "b">]>',
            '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
            '<!DOCTYPE lolz [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;">]>',
        ],
    )
    @pytest.mark.parametrize("part", ["xl/worksheets/s1.xml", "xl/workbook.xml", "xl/styles.xml"])
    def test_a_document_type_is_refused(self, declaration: str, part: str) -> None:
        data = workbook({"S": sheet_xml(grid())}, parts={part: f"{declaration}<x/>".encode()})
        assert [code for _, _, code in found(read_xlsx(data))] == ["xml_dtd"]

    def test_a_bomb_is_refused_before_anything_is_unpacked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(xlsx_package, "MAX_UNPACKED_BYTES", 40 * 1024 * 1024)
        stream = io.BytesIO(workbook({"S": sheet_xml(grid())}))
        block = bytes(1024 * 1024)
        with (
            zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as package,
            package.open("xl/bomb.xml", "w", force_zip64=True) as part,
        ):
            for _ in range(xlsx_package.MAX_UNPACKED_BYTES // len(block) + 1):
                part.write(block)
        bomb = stream.getvalue()
        assert len(bomb) < 1024 * 1024

        tracemalloc.start()
        began = time.process_time()
        content = read_xlsx(bomb)
        seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert [code for _, _, code in found(content)] == ["too_large"]
        assert peak < 4 * len(bomb)
        assert seconds < 1

    def test_a_part_longer_than_it_says_is_damaged(self) -> None:
        data = bytearray(workbook({"S": sheet_xml(grid())}))
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            info = package.getinfo("xl/worksheets/s1.xml")
        size = struct.pack("<I", info.file_size)
        assert data.count(size) == 2
        data = data.replace(size, struct.pack("<I", 100))
        assert [code for _, _, code in found(read_xlsx(bytes(data)))] == ["xlsx_damaged"]

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"PK\x03\x04 nothing", "xlsx_damaged"),
            (b"", "xlsx_damaged"),
            (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100), "xlsx_locked"),
        ],
    )
    def test_what_is_no_package(self, data: bytes, code: str) -> None:
        assert [each for _, _, each in found(read_xlsx(data))] == [code]

    @pytest.mark.parametrize(
        ("parts", "code"),
        [
            ({"xl/vbaProject.bin": b"x"}, "macros"),
            ({"xl/worksheets/s1.xml": b"<worksheet>"}, "xlsx_damaged"),
            ({"xl/worksheets/s1.xml": b"\xff\xfe\x00"}, "xlsx_damaged"),
            ({f"p{at}": b"" for at in range(1001)}, "xlsx_damaged"),
        ],
    )
    def test_unwanted_parts(self, parts: dict[str, bytes], code: str) -> None:
        data = workbook({"S": sheet_xml(grid())}, parts=parts)
        assert [each for _, _, each in found(read_xlsx(data))] == [code]

    @pytest.mark.parametrize(
        "row",
        [
            '<row r="2"><c r="A3"><v>1</v></c></row>',
            '<row r="1"/>',
            '<row r="x"/>',
            '<row r="2"><c r="A2" t="s"><v>7</v></c></row>',
            '<row r="2"><c r="A2" s="-1"><v>7</v></c></row>',
        ],
    )
    def test_sheets_that_contradict_themselves(self, row: str) -> None:
        sheet = sheet_xml(grid()[:1]).replace("</sheetData>", f"{row}</sheetData>")
        assert [c for _, _, c in found(read_xlsx(workbook({"S": sheet})))] == ["xlsx_damaged"]

    @pytest.mark.parametrize(
        ("cell", "code"),
        [
            ('<row r="2"><c r="ZZZ2"><v>1</v></c></row>', "too_many_columns"),
            ('<row r="200001"><c r="A200001"><v>1</v></c></row>', "too_many_rows"),
        ],
    )
    def test_far_away_cells(self, cell: str, code: str) -> None:
        sheet = sheet_xml(grid()[:1]).replace("</sheetData>", f"{cell}</sheetData>")
        assert [each for _, _, each in found(read_xlsx(workbook({"S": sheet})))] == [code]

    def test_far_away_empty_rows_do_not_matter(self) -> None:
        sheet = sheet_xml(grid()).replace("</sheetData>", '<row r="1048576"/></sheetData>')
        assert read_xlsx(workbook({"S": sheet})).problems == ()


def test_readings_aloud_are_no_text() -> None:
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><r><t>昆</t></r>'
        '<r><t>明_x0041_</t></r><rPh sb="0" eb="1"><t>kun</t></rPh></si></sst>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="x/worksheet" Target="/xl/worksheets/s1.xml"/>'
        '<Relationship Id="r2" Type="x/sharedStrings" Target="strings.xml"/></Relationships>'
    )
    reference = place("customer.address")
    data = workbook(
        {"S": with_cell(reference, "<v>0</v>", 't="s"')},
        parts={
            "xl/strings.xml": strings.encode(),
            "xl/_rels/workbook.xml.rels": relations.encode(),
        },
    )
    content = read_xlsx(data)
    assert content.problems == ()
    assert content.documents[0].value["customer"]["address"] == "昆明A"  # type: ignore[index]


def test_endless_mistakes_end() -> None:
    rows = grid()
    wrong = [*rows[2]]
    wrong[rows[0].index("results.loq")] = "=1"
    content = read_table(workbook({"S": sheet_xml([*rows, *([wrong] * 6000)])}), source="t.xlsx")
    assert content.problems[-1].code == "too_many_problems"
    assert len(content.problems) < 6000
