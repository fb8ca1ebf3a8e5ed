"""Numbers, dates and formulas of spreadsheets: exact or refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.certificates.tables.cells import Day, Number, Raw, Unusable, value_of
from registry.certificates.tables.columns import Column, column_at
from registry.certificates.tables.number_formats import built_in, parse_format
from verifier.core.field_policy import DocumentKind


def column(name: str) -> Column:
    found = column_at(DocumentKind.TEST_CERTIFICATE, name)
    assert found is not None
    return found


LOQ = column("results.loq")
REPORTED = column("results.result.reported")


def outcome(raw: Raw, of: Column = LOQ) -> object:
    value = value_of(raw, of)
    return value.code if isinstance(value, Unusable) else value


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(Number("1.7999999999999999E-2"), "0.018", id="seventeen digits of 0.018"),
        pytest.param(Number("0.01", 3), "0.010", id="zeros that the format shows"),
        pytest.param(Number("5", 1), "5.0", id="an integer shown with a digit"),
        pytest.param(Number("18240"), "18240", id="an integer"),
        pytest.param(Number("7", 0, 3), "007", id="leading zeros that the format shows"),
        pytest.param(Number("0.30000000000000004"), "float_artefact", id="0.1 + 0.2"),
        pytest.param(Number("2.9999999999999996", 2), "float_artefact", id="artefact behind 3.00"),
        pytest.param(Number("0.018", 2), "shown_differs", id="rounded by the format"),
        pytest.param(Number("0.5", is_plain=False), "number_format", id="percent"),
        pytest.param(Number("1e300"), "number_too_large", id="too large"),
        pytest.param(Number("nan"), "number_too_large", id="not a number"),
        pytest.param(Number("zwei"), "type", id="no number at all"),
    ],
)
def test_numbers(number: Number, said: str) -> None:
    assert outcome(number) == said


@pytest.mark.parametrize(
    "name", ["consignment.hs_code", "consignment.ics", "results.parameter.code"]
)
def test_numbers_are_no_codes(name: str) -> None:
    assert outcome(Number("8106000"), column(name)) == "number_in_text"


def test_numbers_may_be_counts_and_reported_values() -> None:
    assert outcome(Number("1140"), column("consignment.packages.count")) == 1140
    assert outcome(Number("0.12", 2), REPORTED) == "0.12"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("=1+2", "formula"),
        ('="00123"', "formula"),
        ("@SUM(A1)", "formula"),
        ("+cmd|' /C calc'!A0", "formula"),
        ("-2+3*SUM(1,2)", "formula"),
        ("-5.0", "-5.0"),
        ("0.30000000000000004", "float_artefact"),
        ("0.3000000000000000", "0.3000000000000000"),
        ("12345678901234567890", "12345678901234567890"),
        ("<0.02", "<0.02"),
        ("- ", "- "),
    ],
)
def test_texts(text: str, said: str) -> None:
    assert outcome(text, REPORTED) == said


def test_a_comparison_is_no_formula() -> None:
    assert outcome("==", column("results.requirement.operator")) == "=="
    assert outcome("=", column("results.requirement.operator")) == "formula"


@pytest.mark.parametrize(
    ("raw", "name", "said"),
    [
        (Day(datetime(2026, 2, 11), has_time=False), "dates.issued", "2026-02-11"),  # noqa: DTZ001
        (Day(datetime(2026, 2, 11, 18), has_time=True), "dates.issued", "offset_missing"),  # noqa: DTZ001
        (Day(datetime(1952, 10, 7), has_time=False), "results.parameter.cas", "date_in_text"),  # noqa: DTZ001
        (True, "results.accredited", True),
        (True, "results.parameter.code", "type"),
        ("yes", "demonstration", True),
        ("是", "demonstration", True),
        ("maybe", "demonstration", "maybe"),
        ("2", "revision", 2),
        ("2.0", "revision", "2.0"),
        ("zh; en", "languages", ["zh", "en"]),
        ("one; still one | two", "statements", ["one; still one", "two"]),
        ("one\ntwo", "statements", ["one", "two"]),
        ("x" * 40_000, "statements", "too_long"),
    ],
)
def test_kinds_of_columns(raw: Raw, name: str, said: object) -> None:
    assert outcome(raw, column(name)) == said


@given(st.decimals(min_value=0, max_value=10**6, places=6, allow_nan=False))
def test_every_decimal_that_a_spreadsheet_can_show_comes_back(value: Decimal) -> None:
    kept = f"{float(value):.17g}"  # as spreadsheet programs write it
    assert Decimal(str(outcome(Number(kept)))) == value
    assert outcome(Number(kept, 6)) == f"{value:f}"


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_no_binary_fraction_becomes_another_decimal(value: float) -> None:
    said = outcome(Number(repr(value)))
    assert said == "float_artefact" or float(str(said)) == value


@pytest.mark.parametrize(
    ("code", "decimals", "width"),
    [("General", None, 1), ("0", 0, 1), ("0.00", 2, 1), ("0.000_ ", 3, 1), ("00000", 0, 5),
     ("0.00_);(0.00)", 2, 1), ("#0.0", 1, 1), ("@", None, 1)],
)  # fmt: skip
def test_plain_formats(code: str, decimals: int | None, width: int) -> None:
    found = parse_format(code)
    assert (found.is_plain, found.decimals, found.width) == (True, decimals, width)


@pytest.mark.parametrize(
    "code",
    ["0%", "#,##0", "0.00E+00", '"<"0.00', "0.00\\ \\m\\g", "# ?/?", "[Red]0", "0,", "0.0##",
     "x" * 300],
)  # fmt: skip
def test_formats_that_show_something_else_than_the_number(code: str) -> None:
    found = parse_format(code)
    assert not found.is_plain
    assert not found.is_date


@pytest.mark.parametrize("code", ["yyyy-mm-dd", "d/m/yy", "[h]:mm:ss", 'yyyy"年"m"月"d"日"'])
def test_dates(code: str) -> None:
    assert parse_format(code).is_date


def test_built_in_formats() -> None:
    assert built_in(14).is_date
    assert built_in(2) == parse_format("0.00")
    assert not built_in(9).is_plain
    assert not built_in(163).is_plain
