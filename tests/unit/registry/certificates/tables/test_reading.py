"""Tables become the documents that JSON files hold, and mistakes are named by their cells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bodies.importers import body_of
from registry.certificates.importers import drafts_of
from registry.certificates.tables.columns import column_at, label, template_columns
from registry.certificates.tables.reading import is_table, read_table
from registry.certificates.tables.writing import rows_of, template, used_columns, write_table
from tests.support.certificates import sample_documents
from tests.support.registry_world import samples
from tests.support.tables import (
    certificates,
    column_letters,
    csv_bytes,
    found,
    grid,
    put,
    read_csv,
    samples_as,
)
from verifier.core.document import validate_document
from verifier.core.field_policy import DocumentKind

NEWLINE = b"\n"


def without_empty(value: Any) -> Any:
    """Drop nulls and empty lists, which both say that there is nothing."""
    if isinstance(value, dict):
        return {k: without_empty(v) for k, v in value.items() if v is not None and v != []}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en", None])
@pytest.mark.parametrize("kind", list(DocumentKind))
def test_samples_come_back_as_they_were(
    kind: DocumentKind, language: str | None, file_format: str
) -> None:
    documents = [each for each in sample_documents() if each["kind"] == kind]
    columns = used_columns(kind, documents)
    data = write_table(
        columns, rows_of(documents, columns), file_format=file_format, language=language
    )

    content = read_table(data, source=f"samples.{file_format}")

    assert content.problems == ()
    assert [item.value for item in content.documents] == without_empty(documents)


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_every_column_has_a_name_and_two_labels_of_its_own(kind: DocumentKind) -> None:
    columns = template_columns(kind)
    for language in ("zh", "en"):
        assert len({label(column, language) for column in columns}) == len(columns)
    for column in columns:
        found_again = column_at(kind, column.name)
        assert found_again is not None
        assert (found_again.shape, found_again.of_row) == (column.shape, column.of_row)
        assert all(word.isascii() for word in label(column, "en").split())


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_empty_template_holds_no_document_and_no_problem(file_format: str) -> None:
    for kind in DocumentKind:
        data = template(kind, file_format=file_format, language="zh")
        content = read_table(data, source=f"t.{file_format}")
        assert (content.documents, content.problems) == ((), ())


@pytest.mark.parametrize("name", ["a.csv", "A.XLSX", "b.Csv"])
def test_tables_are_told_by_their_names(name: str) -> None:
    assert is_table(name)
    assert not is_table(f"{name}.json")


class TestRows:
    def test_repeating_the_certificate_in_every_row_changes_nothing(self) -> None:
        rows = grid()
        once = read_csv(rows).documents[0].value
        own = [at for at, name in enumerate(rows[0]) if not name.startswith("results.")]
        for row in rows[2:]:
            for at in own:
                row[at] = rows[1][at]

        [document] = read_csv(rows).documents
        assert document.value == once

    def test_a_row_that_contradicts_the_first_is_named(self) -> None:
        rows = grid()
        put(rows, 4, "consignment.origin", "VN")
        place = column_letters(rows, "consignment.origin")
        assert found(read_csv(rows)) == [(4, place, "rows_contradict")]

    def test_rows_of_a_certificate_stay_together(self) -> None:
        rows = grid(certificates())
        rows.append(list(rows[1]))
        assert [(code, row) for row, _, code in found(read_csv(rows))] == [
            ("rows_apart", len(rows))
        ]

    def test_another_revision_of_a_number_is_another_document(self) -> None:
        rows = grid()
        rows.append(list(rows[1]))
        put(rows, len(rows), "revision", "2")
        content = read_csv(rows)
        assert content.problems == ()
        assert [item.value["revision"] for item in content.documents] == [1, 2]  # type: ignore[index]

    def test_empty_rows_are_passed_over_and_counted(self) -> None:
        rows = grid()
        rows.insert(2, [""] * len(rows[0]))
        put(rows, 4, "consignment.origin", "VN")
        assert found(read_csv(rows))[0][0] == 4

    def test_a_value_without_a_header_is_refused(self) -> None:
        rows = grid()
        rows[2].append("lost")
        assert [code for _, _, code in found(read_csv(rows))] == ["unknown_column"]


class TestHeader:
    def test_an_unknown_column_is_named(self) -> None:
        rows = grid()
        rows[0][rows[0].index("consignment.lot_no")] = "consignment.lot_number"
        assert found(read_csv(rows))[0][2] == "unknown_column"
        assert "consignment.lot_number" in read_csv(rows).problems[0].message

    def test_a_column_twice(self) -> None:
        rows = grid()
        rows[0][rows[0].index("consignment.lot_no")] = "consignment.container_no"
        assert found(read_csv(rows))[0][2] == "column_repeated"

    def test_a_table_without_numbers(self) -> None:
        rows = [row[2:] for row in grid()]
        assert "number" not in rows[0]
        assert [code for _, _, code in found(read_csv(rows))] == ["column_missing"]

    def test_a_table_of_something_else(self) -> None:
        assert found(read_csv([["name", "price"], ["a", "1"]])) == [(1, None, "no_header")]

    @pytest.mark.parametrize(
        "name", ["results", "results.0.loq", "title", "title.xx-", "conclusions.01.agency", "a.b"]
    )
    def test_what_is_no_column(self, name: str) -> None:
        assert all(column_at(kind, name) is None for kind in DocumentKind)

    def test_further_languages_are_columns(self) -> None:
        rows = grid()
        rows[0].append("title.lo")
        rows[1].append("ໃບລາຍງານ")
        assert read_csv(rows).documents[0].value["title"]["lo"] == "ໃບລາຍງານ"  # type: ignore[index]


class TestReported:
    @pytest.mark.parametrize(
        ("reported", "loq", "lod", "result", "loq_after"),
        [
            pytest.param(
                "0.018", "", "", {"type": "quantity", "value": "0.018"}, None, id="number"
            ),
            pytest.param("<0.02", "", "", {"type": "below_loq"}, "0.02", id="fills the LOQ in"),
            pytest.param("<0.02", "0.020", "", {"type": "below_loq"}, "0.020", id="the LOQ"),
            pytest.param("＜ 0.02", "0.02", "", {"type": "below_loq"}, "0.02", id="full width"),
            pytest.param("<0.01", "0.02", "0.01", {"type": "not_detected"}, "0.02", id="the LOD"),
            pytest.param("ND", "0.02", "", {"type": "not_detected"}, "0.02", id="ND"),
            pytest.param("未检出", "", "", {"type": "not_detected"}, None, id="not detected"),
            pytest.param(">500", "", "", {"type": "above_range"}, None, id="above the range"),
            pytest.param("合格", "", "", {"type": "text", "value": "合格"}, None, id="text"),
        ],
    )
    def test_is_understood(
        self, reported: str, loq: str, lod: str, result: dict[str, str], loq_after: str | None
    ) -> None:
        rows = grid()
        for column, text in {"type": "", "value": "", "reported": reported}.items():
            put(rows, 2, f"results.result.{column}", text)
        put(rows, 2, "results.loq", loq)
        put(rows, 2, "results.lod", lod)

        content = read_csv(rows)

        first = content.documents[0].value["results"][0]  # type: ignore[index]
        assert content.problems == ()
        assert first["result"] == {"reported": reported, **result}
        assert first.get("loq") == loq_after

    def test_another_limit_than_the_stated_one_is_refused(self) -> None:
        rows = grid()
        put(rows, 3, "results.result.type", "")
        put(rows, 3, "results.result.reported", "<0.05")
        place = column_letters(rows, "results.result.reported")
        assert found(read_csv(rows)) == [(3, place, "limit_contradicts")]

    def test_words_of_people_are_words_of_the_format(self) -> None:
        rows = grid()
        put(rows, 2, "results.conclusion", "不合格")
        put(rows, 2, "results.accredited", "是")
        first = read_csv(rows).documents[0].value["results"][0]  # type: ignore[index]
        assert (first["conclusion"], first["accredited"]) == ("fail", True)


class TestPlaces:
    def test_the_check_of_documents_is_that_of_json_and_names_the_cell(self) -> None:
        rows = grid(certificates())
        second = next(
            at for at, row in enumerate(rows[3:], start=4) if row[rows[0].index("number")]
        )
        put(rows, second, "consignment.hs_code", "25")
        put(rows, second + 2, "results.uncertainty.expanded", "±1")
        put(rows, second + 1, "results.parameter.code", "")
        content = read_csv(rows)
        bodies = {value["id"]: body_of(value) for value in samples()["bodies"]}

        drafts, problems = drafts_of(content.documents, bodies)

        located = [content.locate(problem) for problem in problems]
        assert len(drafts) == len(certificates()) - 1
        assert sorted((each.row, each.column, each.code) for each in located) == sorted(
            (row, f"{column_letters(rows, name)} ({name})", code)
            for row, name, code in [
                (second, "consignment.hs_code", "hs_code"),
                (second + 2, "results.uncertainty.expanded", "decimal"),
                (second + 1, "results.parameter.code", "required"),
            ]
        )
        json_says = {(each.pointer, each.code) for each in problems}
        assert json_says == {
            (f"/1{each.pointer}", each.code)
            for each in validate_document(content.documents[1].value)
        }

    def test_a_missing_column_leaves_the_row(self) -> None:
        rows = grid()
        at = rows[0].index("signatory.id")
        rows = [row[:at] + row[at + 1 :] for row in rows]
        content = read_csv(rows)
        problem = validate_document(content.documents[0].value)[0]
        assert problem.pointer == "/signatory/id"


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_are_told_apart(self, encoding: str, delimiter: str) -> None:
        data = csv_bytes(grid(), encoding=encoding, delimiter=delimiter)
        content = read_table(data, source="t.csv")
        assert content.problems == ()
        assert content.documents[0].value == read_csv(grid()).documents[0].value

    def test_two_in_one_file_are_refused_with_the_line(self) -> None:
        lines = csv_bytes(grid()).split(b"\r\n")
        lines[3] = lines[3].decode().encode("gb18030")
        [problem] = read_table(b"\r\n".join(lines), source="t.csv").problems
        assert (problem.row, problem.code) == (None, "mixed_encoding")
        assert "line 2" in problem.message

    @pytest.mark.parametrize("stray", [b"\xff", b"\xe9 ", b"\x81\x20"])
    def test_what_is_neither_is_refused(self, stray: bytes) -> None:
        lines = csv_bytes(grid()).decode().encode("gb18030").split(b"\r\n")
        lines[2] = lines[2].replace(b"GB", stray + b"GB", 1)
        [problem] = read_table(b"\r\n".join(lines), source="t.csv").problems
        assert (problem.row, problem.code) == (None, "encoding")
        assert f"line {b'|'.join(lines[:3]).count(NEWLINE) + 3}" in problem.message

    def test_a_broken_utf8_file_with_its_mark_is_not_taken_for_chinese(self) -> None:
        data = csv_bytes(grid(), encoding="utf-8-sig").replace("鲜".encode(), "鲜".encode("gbk"))
        assert found(read_table(data, source="t.csv")) == [(None, None, "encoding")]

    def test_a_file_of_bytes(self) -> None:
        assert found(read_table(b"number\x00\x01,\x02", source="t.csv")) == [
            (None, None, "encoding")
        ]

    def test_an_open_quote(self) -> None:
        data = csv_bytes(grid()) + b'\r\n"open'
        assert found(read_table(data, source="t.csv"))[-1][2] == "csv"


@given(st.binary(max_size=400))
def test_no_bytes_upset_the_reader(data: bytes) -> None:
    for name in ("t.csv", "t.xlsx"):
        content = read_table(data, source=name)
        assert content.problems or not content.documents


@given(st.text(max_size=60), st.sampled_from(grid()[0]))
def test_no_text_upsets_a_column(text: str, column: str) -> None:
    rows = grid()
    put(rows, 2, column, text)
    content = read_table(
        csv_bytes(rows, encoding="utf-8-sig").replace(b"\x00", b"")
        if text.isprintable()
        else csv_bytes(grid()),
        source="t.csv",
    )
    for item in content.documents:
        validate_document(item.value)


def test_the_samples_as_a_file_are_read_from_xlsx() -> None:
    content = read_table(samples_as("xlsx", "zh"), source="t.xlsx")
    assert [item.pointer for item in content.documents] == ["/0", "/1", "/2"]
