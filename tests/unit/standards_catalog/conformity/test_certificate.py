"""Whole certificates: from results to one answer."""

from __future__ import annotations

from typing import Any

import pytest

from standards_catalog.conformity import CaseEvaluator
from standards_catalog.loading import seed_catalogue

CATALOGUE = seed_catalogue()
EVALUATOR = CaseEvaluator(CATALOGUE.methods, CATALOGUE)

REQUIREMENTS: list[dict[str, Any]] = [
    {
        "parameter": "F2",
        "operator": ">=",
        "limit": "10",
        "unit": "MPa",
        "decision_rule": "simple_acceptance",
    },
    {
        "parameter": "CL",
        "operator": "<=",
        "limit": "0.10",
        "unit": "% (m/m)",
        "decision_rule": "simple_acceptance",
    },
]


def row(parameter: str, value: str, unit: str, **more: Any) -> dict[str, Any]:
    """Return one result."""
    return {"parameter": parameter, "type": "quantity", "value": value, "unit": unit, **more}


F2 = row("F2", "14.0", "MPa")
CL = row("CL", "0.02", "% (m/m)")


def evaluate(results: object, **case: Any) -> dict[str, Any]:
    """Evaluate a certificate against `REQUIREMENTS`."""
    stated = {"id": 1, "kind": "certificate", "requirements": REQUIREMENTS, "results": results}
    return EVALUATOR.evaluate(stated | case)


@pytest.mark.parametrize(
    ("results", "total"),
    [
        ([F2, CL], "satisfied"),
        ([F2 | {"value": "9.9"}, CL], "not_satisfied"),
        ([CL], "not_assessable"),
        ([F2 | {"value": "9.9"}], "not_satisfied"),
        ([F2, row("CL", "0.02", "mg/L")], "not_assessable"),
        ([], "not_assessable"),
        ({"F2": {"value": "14.0", "unit": "MPa"}, "CL": CL}, "satisfied"),
        ({"F2": None, "CL": CL}, "not_assessable"),
    ],
)
def test_total(results: object, total: str) -> None:
    assert evaluate(results)["outcome"] == total


def test_every_parameter_has_its_outcome_and_reason() -> None:
    explanation = evaluate([CL])["explanation"]
    assert explanation["outcomes"] == {"F2": "not_assessable:parameter_missing", "CL": "pass"}
    first, second = explanation["parameters"]
    assert first["code"] == "parameter_missing"
    assert set(first["sentence"]) == {"zh", "en"}
    assert second["trace"][-1]["outcome"] == "pass"


def test_no_requirement_is_never_satisfied() -> None:
    answer = evaluate([F2], requirements=[])
    assert answer["outcome"] == "not_assessable"
    assert answer["explanation"]["problems"] == ["no_requirements"]


def test_what_is_not_mandatory_is_shown_and_does_not_count() -> None:
    optional = [REQUIREMENTS[0], REQUIREMENTS[1] | {"mandatory": False}]
    assert evaluate([F2], requirements=optional)["outcome"] == "satisfied"
    failing = evaluate([F2, CL | {"value": "0.2"}], requirements=optional)
    assert failing["outcome"] == "satisfied"
    assert failing["explanation"]["outcomes"]["CL"] == "fail"


def test_a_failed_result_is_not_hidden_behind_one_that_passed() -> None:
    twice = [CL, F2, F2 | {"value": "9.0"}]
    assert evaluate(twice)["outcome"] == "not_satisfied"
    unusable = [CL, F2, row("F2", "9.0", "mg/L")]
    assert evaluate(unusable)["outcome"] == "satisfied"


def test_results_and_requirements_in_pairs() -> None:
    pairs = [
        {"result": F2, "requirement": REQUIREMENTS[0]},
        {"result": None, "requirement": REQUIREMENTS[1]},
    ]
    by_code = {"F2": pairs[0], "CL": pairs[1]}
    for listed in (pairs, by_code):
        answer = EVALUATOR.evaluate({"kind": "certificate", "parameters": listed})
        assert answer["outcome"] == "not_assessable"
        assert answer["explanation"]["outcomes"]["F2"] == "pass"


def test_a_stub_of_a_withheld_result_counts_as_missing() -> None:
    stub = {"parameter": {"code": "F2"}, "ordinal": 1, "conclusion": "pass", "accredited": True}
    assert evaluate([stub, CL])["explanation"]["outcomes"]["F2"].endswith("parameter_missing")


def test_requirements_of_another_period_do_not_apply() -> None:
    old = [row | {"valid_from": "2020-01-01", "valid_until": "2024-06-01"} for row in REQUIREMENTS]
    before = evaluate([F2, CL], requirements=old, test_date="2024-05-31")
    after = evaluate([F2, CL], requirements=old, test_date="2024-06-01")
    assert before["outcome"] == "satisfied"
    assert after["outcome"] == "not_assessable"


CEMENT = {
    "product": {"grade": "P·O 42.5", "hs": "2523.29.00", "hs_edition": "HS 2022"},
    "test_date": "2026-07-31",
    "context": {"decision_rule": "guard_band_nonbinary"},
}
CEMENT_RESULTS = [
    row("F3", "26.4", "MPa", U="1.1", method="GB/T 17671-2021"),
    row("F28", "48.9", "MPa", U="1.6", method="GB/T 17671-2021"),
    row("R3", "5.2", "MPa", U="0.3", method="GB/T 17671-2021"),
    row("R28", "7.8", "MPa", U="0.4", method="GB/T 17671-2021"),
    row("IST", "172", "min", U="10", method="GB/T 1346-2024"),
    row("FST", "238", "min", U="12", method="GB/T 1346-2024"),
    {"parameter": "SND", "type": "text", "value": "pass", "method": "GB/T 1346-2024"},
    row("MGO", "2.11", "% (m/m)", U="0.12", method="GB/T 176-2017"),
    row("SO3", "2.45", "% (m/m)", U="0.08", method="GB/T 176-2017"),
    row("LOI", "3.62", "% (m/m)", U="0.15", method="GB/T 176-2017"),
    row("CL", "0.021", "% (m/m)", U="0.004", method="GB/T 176-2017"),
    row("CR6", "4.2", "mg/kg", U="0.5", method="GB 31893-2015"),
    row("IRA", "0.3", "1", U="0.1", method="GB 6566-2010"),
    row("IG", "0.5", "1", U="0.1", method="GB 6566-2010"),
]


def against(standard: str, results: object, **changes: Any) -> dict[str, Any]:
    """Evaluate results against a standard of the packaged catalogue."""
    case = CEMENT | {"id": 1, "kind": "certificate", "standard": standard, "results": results}
    return EVALUATOR.evaluate(case | changes)


class TestCatalogueStandards:
    def test_cement_meets_the_chinese_standard(self) -> None:
        answer = against("GB 175-2023", CEMENT_RESULTS)
        assert answer["outcome"] == "satisfied"
        assert len(answer["explanation"]["parameters"]) == 14
        assert answer["explanation"]["weakest_confidence"] == "low-medium"

    def test_and_cannot_be_held_against_the_european_one(self) -> None:
        """EN 197-1 asks for the 2-day strength, by methods that GB/T 17671 only modifies."""
        european = CEMENT["product"] | {"grade": "CEM II 42.5 N"}  # type: ignore[operator]
        answer = against("EN 197-1:2011", CEMENT_RESULTS, product=european)
        outcomes = answer["explanation"]["outcomes"]
        assert answer["outcome"] == "not_assessable"
        assert outcomes["F2"] == "not_assessable:parameter_missing"
        assert outcomes["F28"] == "not_assessable:method_not_accepted"

    def test_an_undated_code_means_the_edition_of_the_day_of_the_test(self) -> None:
        assert against("GB 175", CEMENT_RESULTS)["outcome"] == "satisfied"
        early = against("GB 175", CEMENT_RESULTS, test_date="2024-05-31")
        assert early["explanation"]["problems"] == ["no_requirements"]

    def test_an_edition_that_was_not_in_force(self) -> None:
        early = against("GB 175-2023", CEMENT_RESULTS, test_date="2024-05-31")
        assert early["outcome"] == "not_assessable"
        assert early["explanation"]["problems"] == ["edition_not_yet_in_force"]
        ended = against("GB 175-2007", CEMENT_RESULTS, test_date="2024-06-01")
        assert "edition_ended" in ended["explanation"]["problems"]

    def test_without_a_test_date_nothing_is_assumed(self) -> None:
        answer = against("GB 175-2023", CEMENT_RESULTS, test_date=None)
        assert answer["outcome"] == "not_assessable"
        assert answer["explanation"]["problems"] == ["test_date_missing"]

    @pytest.mark.parametrize(
        ("product", "problem"),
        [
            ({"grade": "P.O 52.5", "hs": "2523.29"}, "out_of_scope"),
            ({"grade": "P.O 42.5", "hs": "0810.60"}, "out_of_scope"),
            (
                {"grade": "P.O 42.5", "hs": "2523.29", "hs_edition": "HS 2028"},
                "hs_edition_mismatch",
            ),
            ({"hs": "2523.29"}, "product_unstated"),
            ({}, "product_unstated"),
        ],
    )
    def test_other_goods(self, product: dict[str, str], problem: str) -> None:
        answer = against("GB 175-2023", CEMENT_RESULTS, product=product)
        assert answer["outcome"] == "not_assessable"
        assert answer["explanation"]["problems"] == [problem]

    def test_limits_of_an_unread_edition_are_never_those_of_the_one_before(self) -> None:
        cadmium = [
            row("CD", "0.018", "mg/kg", U="0.004", method="GB 5009.15-2023", basis="fresh"),
            row("PB", "0.01", "mg/kg", U="0.004", method="GB 5009.12-2023", basis="fresh"),
        ]
        fruit = {"product": {"matrix": "fresh fruit"}}
        before = against("GB 2762", cadmium, test_date="2026-09-01", **fruit)
        after = against("GB 2762", cadmium, test_date="2026-09-02", **fruit)
        assert before["outcome"] == "satisfied"
        assert after["outcome"] == "not_assessable"
        assert set(after["explanation"]["outcomes"].values()) == {"not_assessable:limit_unknown"}

    def test_the_same_grade_name_has_other_limits_in_another_edition(self) -> None:
        """Bismuth 0.0180 %: above 0.0150 of 2010, below 0.0200 of 2020."""
        tin = {
            "product": {"grade": "Sn99.90A", "hs": "8001.10.00", "hs_edition": "HS 2022"},
            "context": {"decision_rule": "simple_acceptance"},
        }
        bismuth = [row("BI", "0.0180", "% (m/m)", method="GB/T 3260.2-2013")]
        new = against("GB/T 728-2020", bismuth, **tin)["explanation"]["outcomes"]
        old = against("GB/T 728-2010", bismuth, test_date="2015-01-01", **tin)
        assert new["BI"] == "pass"
        assert old["explanation"]["outcomes"]["BI"] == "fail"

    def test_an_unknown_standard_names_near_ones(self) -> None:
        answer = against("GB 175-2032", CEMENT_RESULTS)
        assert answer["outcome"] == "error"
        assert answer["explanation"]["code"] == "standard_unknown"
        assert "GB 175-2023" in answer["explanation"]["message"]

    def test_text_that_is_no_code(self) -> None:
        assert against("cement rules", [])["explanation"]["code"] == "identifier_unrecognised"


def test_neither_requirements_nor_a_standard() -> None:
    answer = EVALUATOR.evaluate({"id": "x", "kind": "certificate", "results": []})
    assert answer == {
        "id": "x",
        "outcome": "error",
        "explanation": {
            "code": "case_malformed",
            "path": "requirements",
            "message": "requirements: neither requirements nor a standard are given",
        },
    }
