"""One result against one requirement, in the order of the steps of docs/conformity.md."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.conformity import CaseEvaluator, MethodMatcher, split_cases
from standards_catalog.identifiers import parse_identifier
from tests.support.conformity_cases import outcome_of

DOCUMENT = json.loads(
    (Path(__file__).parents[3] / "vectors" / "standards" / "conformity.json").read_text("utf-8")
)
IDT = MethodMatcher(
    [
        (parse_identifier("ISO 679:2009"), parse_identifier("TCVN 6016:2011")),
        (parse_identifier("ISO 679:2009"), parse_identifier("GOST 30744-2001")),
    ]
)


@pytest.mark.parametrize("units", ["file", "own"])
@pytest.mark.parametrize("case", DOCUMENT["parameter"], ids=lambda case: case["id"])
def test_agrees_with_case(case: dict[str, Any], units: str) -> None:
    shared = {"units": DOCUMENT["units"]} if units == "file" else {}
    answer = CaseEvaluator().evaluate({**case, **shared})
    assert answer["outcome"] == case["expected"]
    assert answer["id"] == case["id"]


def test_a_file_of_cases_is_split_with_its_units() -> None:
    outcomes = [CaseEvaluator().evaluate(case)["outcome"] for case in split_cases(DOCUMENT)]
    assert outcomes == [case["expected"] for case in DOCUMENT["parameter"]]


class TestFindingTheResult:
    """Step 1: never guess."""

    @pytest.mark.parametrize(
        "result",
        [None, {}, {"value": None, "type": None}, {"withheld": True, "value": "1"}],
        ids=["null", "empty", "a stub", "withheld"],
    )
    def test_missing(self, result: dict[str, Any] | None) -> None:
        case = {"result": result, "requirement": {"operator": "<=", "limit": "1", "unit": "mg/kg"}}
        answer = CaseEvaluator().evaluate(case)
        assert answer["outcome"] == "not_assessable:parameter_missing"

    def test_a_value_that_is_withheld(self) -> None:
        assert outcome_of({"value": None}) == "not_assessable:parameter_missing"

    def test_another_parameter(self) -> None:
        outcome = outcome_of({"parameter": "F3"}, {"parameter": "F2"})
        assert outcome == "not_assessable:parameter_missing"

    def test_three_day_strength_is_not_two_day_strength(self) -> None:
        outcome = outcome_of({"conditions": {"age": "3 d"}}, {"conditions": {"age": "2 d"}})
        assert outcome == "not_assessable:parameter_missing"

    def test_a_placeholder_satisfies_nothing(self) -> None:
        assert outcome_of({}, {"limit": None}) == "not_assessable:limit_unknown"


class TestMethods:
    """Step 2."""

    ACCEPTED: ClassVar[dict[str, Any]] = {"accepted_methods": ["ISO 679", "EN 196-1:2016"]}

    @pytest.mark.parametrize(
        ("method", "outcome"),
        [
            ("ISO 679:2009", "pass"),
            ("ISO 679:1989", "pass"),
            ("iso679-2009", "pass"),
            ("EN 196-1:2016", "pass"),
            ("BS EN 196-1:2016", "pass"),
            ("TCVN 6016:2011", "pass"),
            ("TCVN 6016:2011 (ISO 679:2009)", "pass"),
            ("GOST 30744-2001", "pass"),
            ("EN 196-1:2005", "not_assessable:method_not_accepted"),
            ("EN 196-1", "not_assessable:method_not_accepted"),
            ("GB/T 17671-2021 (ISO 679:2009, MOD)", "not_assessable:method_not_accepted"),
            ("ASTM C109/C109M", "not_assessable:method_not_accepted"),
            ("ISO 6790", "not_assessable:method_not_accepted"),
            ("house method 12", "not_assessable:method_not_accepted"),
            (None, "not_assessable:method_not_accepted"),
        ],
    )
    def test_same_identical_or_listed(self, method: str | None, outcome: str) -> None:
        assert outcome_of({"method": method}, self.ACCEPTED, methods=IDT) == outcome

    def test_identity_leads_from_one_adoption_to_another(self) -> None:
        accepted = {"accepted_methods": ["TCVN 6016"]}
        assert outcome_of({"method": "GOST 30744-2001"}, accepted, methods=IDT) == "pass"

    def test_an_unnumbered_method_is_compared_as_words(self) -> None:
        accepted = {"accepted_methods": ["House  method 12"]}
        assert outcome_of({"method": "house method 12"}, accepted) == "pass"

    def test_an_empty_list_accepts_nothing(self) -> None:
        outcome = outcome_of({"method": "ISO 679"}, {"accepted_methods": []})
        assert outcome == "not_assessable:method_not_accepted"

    def test_comes_before_everything_else(self) -> None:
        outcome = outcome_of({"method": "X", "unit": "zork", "basis": "dry"}, self.ACCEPTED)
        assert outcome == "not_assessable:method_not_accepted"


class TestBasisAndConditions:
    """Step 3."""

    DRY: ClassVar[dict[str, Any]] = {"value": "0.06", "basis": "dry"}
    FRESH: ClassVar[dict[str, Any]] = {"basis": "fresh"}

    @pytest.mark.parametrize(
        "context",
        [
            {"moisture": "0.65"},
            {"moisture": "65"},
            {"moisture": "65 %"},
            {"moisture": {"value": "65", "unit": "%"}},
            {"moisture_percent": "65"},
            {"moisture_fraction": "0.65"},
            {"conversions": [{"from": "dry", "to": "fresh", "factor": "0.35"}]},
        ],
    )
    def test_a_stated_moisture_bridges_dry_and_fresh(self, context: dict[str, Any]) -> None:
        """0.06 mg/kg dry · (1 - 0.65) = 0.021 mg/kg fresh ≤ 0.05: pass; ≤ 0.02: fail."""
        assert outcome_of(self.DRY, self.FRESH, context) == "pass"
        assert outcome_of(self.DRY, self.FRESH | {"limit": "0.021"}, context) == "pass"
        assert outcome_of(self.DRY, self.FRESH | {"limit": "0.02"}, context) == "fail"

    def test_from_fresh_to_dry(self) -> None:
        """0.021 mg/kg fresh / (1 - 0.65) = 0.06 mg/kg dry, exactly at the limit."""
        fresh = {"value": "0.021", "basis": "fresh"}
        context = {"moisture": "0.65"}
        assert outcome_of(fresh, {"basis": "dry", "limit": "0.06"}, context) == "pass"
        assert outcome_of(fresh, {"basis": "dry", "limit": "0.0599"}, context) == "fail"

    @pytest.mark.parametrize(
        "context",
        [
            {},
            {"moisture": "1"},
            {"moisture": "-0.1"},
            {"moisture": "100"},
            {"moisture_fraction": "65"},
        ],
    )
    def test_no_usable_conversion(self, context: dict[str, Any]) -> None:
        assert outcome_of(self.DRY, self.FRESH, context) == "not_assessable:basis_mismatch"

    def test_uncertainty_and_loq_follow_the_basis(self) -> None:
        """U = 0.02 dry is 0.007 fresh: 0.021 + 0.007 = 0.028; the LOQ 0.1 dry is 0.035 fresh."""
        guarded = self.FRESH | {"decision_rule": "guard_band_binary"}
        moist = {"moisture": "0.65"}
        dry = self.DRY | {"U": "0.02"}
        assert outcome_of(dry, guarded | {"limit": "0.028"}, moist) == "pass"
        assert outcome_of(dry, guarded | {"limit": "0.0279"}, moist) == "fail"
        loq = {"type": "below_loq", "loq": "0.1", "basis": "dry"}
        assert outcome_of(loq, self.FRESH | {"limit": "0.035"}, moist) == "pass"
        assert outcome_of(loq, self.FRESH | {"limit": "0.034"}, moist).endswith("loq_above_limit")

    @pytest.mark.parametrize(
        ("reported", "required", "outcome"),
        [
            ("fresh", "Fresh_mass", "pass"),
            (None, "fresh", "not_assessable:basis_mismatch"),
            ("as received", "fresh", "not_assessable:basis_mismatch"),
            ("dry", None, "pass"),
        ],
    )
    def test_bases_are_compared_by_meaning(
        self, reported: str | None, required: str | None, outcome: str
    ) -> None:
        assert outcome_of({"basis": reported}, {"basis": required}) == outcome

    @pytest.mark.parametrize(
        ("reported", "outcome"),
        [
            ({"temperature": "20 °C", "age": "28d"}, "pass"),
            ({"temperature": "23 °C", "age": "28 d"}, "not_assessable:basis_mismatch"),
            ({"age": "28 d"}, "not_assessable:basis_mismatch"),
            (None, "not_assessable:basis_mismatch"),
        ],
    )
    def test_conditions(self, reported: dict[str, str] | None, outcome: str) -> None:
        wanted = {"conditions": {"temperature": "20 °C", "age": "28 d"}}
        assert outcome_of({"conditions": reported}, wanted) == outcome


class TestUnits:
    """Step 4."""

    @pytest.mark.parametrize(
        ("unit", "limit_unit", "outcome"),
        [
            ("ug/kg", "mg/kg", "pass"),
            ("mg/L", "mg/kg", "not_assessable:unit_dimension"),
            ("mol/L", "mg/kg", "not_assessable:unit_dimension"),
            ("zork", "mg/kg", "not_assessable:unit_unknown"),
            ("mg/kg", "zork", "not_assessable:unit_unknown"),
            ("ppm", "mg/kg", "not_assessable:unit_unknown"),
            (None, "mg/kg", "not_assessable:unit_unknown"),
            (None, None, "pass"),
            (None, "1", "pass"),
        ],
    )
    def test_one_dimension(self, unit: str | None, limit_unit: str | None, outcome: str) -> None:
        assert outcome_of({"unit": unit}, {"unit": limit_unit}) == outcome

    @pytest.mark.parametrize("table", [True, False], ids=["with the table", "without"])
    def test_a_table_may_come_with_the_case(self, *, table: bool) -> None:
        units = {"units": DOCUMENT["units"]} if table else {}
        assert outcome_of({"unit": "Bq/L"}, {}, **units) == "not_assessable:unit_dimension"
        assert outcome_of({"unit": "zork"}, {}, **units) == "not_assessable:unit_unknown"
        assert outcome_of({"value": "30", "unit": "ng/g"}, {}, **units) == "pass"

    def test_a_unit_comes_before_what_was_not_detected(self) -> None:
        outcome = outcome_of({"unit": "mg/L"}, {"operator": "not_detected"})
        assert outcome == "not_assessable:unit_dimension"


class TestNotDetectedRequired:
    """Step 5: the limit is the required limit of detection."""

    RULE: ClassVar[dict[str, Any]] = {"operator": "not_detected", "limit": "5", "unit": "ug/kg"}

    @pytest.mark.parametrize(
        ("result", "outcome"),
        [
            ({"type": "quantity", "value": "0.001"}, "fail"),
            ({"type": "below_loq", "loq": "10", "lod": "5"}, "pass"),
            ({"type": "not_detected", "lod": "5"}, "pass"),
            ({"type": "not_detected", "lod": "5.1"}, "not_assessable:lod_above_required"),
            ({"type": "not_detected", "loq": "1"}, "not_assessable:lod_missing"),
            ({"type": "below_loq", "loq": "1"}, "not_assessable:lod_missing"),
            ({"type": "not_detected", "lod": "0.005", "lod_unit": "mg/kg"}, "pass"),
            ({"type": "text", "value": "ND", "lod": "2"}, "pass"),
        ],
    )
    def test_outcome(self, result: dict[str, Any], outcome: str) -> None:
        assert outcome_of({"unit": "ug/kg"} | result, self.RULE) == outcome

    def test_needs_no_uncertainty(self) -> None:
        guarded = self.RULE | {"decision_rule": "guard_band_binary"}
        assert outcome_of({"type": "not_detected", "lod": "1", "unit": "ug/kg"}, guarded) == "pass"


class TestBelowLoq:
    """Step 6: never zero."""

    @pytest.mark.parametrize(
        ("operator", "loq", "outcome"),
        [
            ("<=", "0.05", "pass"),
            ("<=", "0.051", "not_assessable:loq_above_limit"),
            (">=", "0.05", "fail"),
            (">=", "0.051", "not_assessable:loq_above_limit"),
            ("=", "0.05", "fail"),
            ("=", "0.051", "not_assessable:loq_above_limit"),
        ],
    )
    def test_the_loq_is_held_against_the_limit(self, operator: str, loq: str, outcome: str) -> None:
        below = {"type": "below_loq", "loq": loq}
        assert outcome_of(below, {"operator": operator}) == outcome

    def test_needs_no_uncertainty(self) -> None:
        rule = {"decision_rule": "guard_band_nonbinary"}
        assert outcome_of({"type": "below_loq", "loq": "0.01"}, rule) == "pass"

    def test_an_loq_in_another_unit(self) -> None:
        below = {"type": "below_loq", "loq": "40", "loq_unit": "ug/kg"}
        assert outcome_of(below) == "pass"
        assert outcome_of(below | {"loq": "60"}) == "not_assessable:loq_above_limit"
        assert outcome_of(below | {"loq_unit": "mg/L"}) == "not_assessable:unit_dimension"

    def test_not_detected_falls_back_to_its_limit_of_detection(self) -> None:
        assert outcome_of({"type": "not_detected", "lod": "0.02"}) == "pass"
        assert outcome_of({"type": "not_detected", "lod": "0.02", "loq": "0.1"}).endswith(
            "loq_above_limit"
        )

    def test_no_bound_is_stated(self) -> None:
        assert outcome_of({"type": "below_loq", "lod": "0.01"}) == "not_assessable:loq_missing"
        assert outcome_of({"type": "not_detected"}) == "not_assessable:loq_missing"

    def test_in_a_range_both_limits_count(self) -> None:
        span = {"operator": "range", "limit": ["0.02", "0.05"]}
        assert outcome_of({"type": "below_loq", "loq": "0.02"}, span) == "fail"
        assert outcome_of({"type": "below_loq", "loq": "0.03"}, span).endswith("loq_above_limit")


class TestUncertainty:
    """Step 7."""

    @pytest.mark.parametrize("rule", ["guard_band_binary", "guard_band_nonbinary"])
    @pytest.mark.parametrize("stated", [{}, {"U": "-0.008"}, {"U": "0.008", "k": "0"}])
    def test_none_that_can_be_used(self, rule: str, stated: dict[str, str]) -> None:
        outcome = outcome_of(stated, {"decision_rule": rule})
        assert outcome == "not_assessable:uncertainty_missing"

    def test_simple_acceptance_asks_for_none(self) -> None:
        assert outcome_of({"U": "-1"}) == "pass"

    def test_no_rule_at_all(self) -> None:
        none = {"decision_rule": None}
        assert outcome_of({}, none) == "not_assessable:decision_rule_missing"
        assert outcome_of({}, none, {"decision_rule": "simple_acceptance"}) == "pass"

    def test_the_prescribed_rule_wins_over_the_agreed_one(self) -> None:
        agreed = {"decision_rule": "guard_band_binary"}
        assert outcome_of({}, {"decision_rule": "simple_acceptance"}, agreed) == "pass"

    def test_the_shape_of_a_certificate(self) -> None:
        nested = {"uncertainty": {"expanded": "0.012", "k": "3"}, "value": "0.042"}
        rule = {"decision_rule": "guard_band_binary"}
        assert outcome_of(nested, rule) == "pass"


class TestRounding:
    """Step 8: half to even, only where the standard prescribes it (GB/T 8170)."""

    @pytest.mark.parametrize(
        ("value", "limit", "outcome"),
        [
            pytest.param("3.54", "3.5", "pass", id="3.54 → 3.5"),
            pytest.param("3.55", "3.5", "fail", id="3.55 → 3.6, the even one"),
            pytest.param("3.45", "3.4", "pass", id="3.45 → 3.4, the even one"),
            pytest.param("3.450001", "3.4", "fail", id="just over a half → 3.5"),
            pytest.param("3.54", "3.50", "fail", id="two digits in the limit"),
        ],
    )
    def test_to_the_last_digit_of_the_limit(self, value: str, limit: str, outcome: str) -> None:
        for rounding in ("GB/T 8170", {"rule": "GB/T 8170"}, "half_even", "修约值比较法", True):
            rule = {"limit": limit, "rounding": rounding}
            assert outcome_of({"value": value}, rule) == outcome

    @pytest.mark.parametrize(
        "rounding",
        [
            "0.1",
            1,
            {"interval": "0.1"},
            {"step": "0.1"},
            {"decimals": 1},
            {"rule": "GB/T 8170", "places": "1"},
        ],
    )
    def test_to_a_stated_interval(self, rounding: object) -> None:
        rule = {"limit": "3.50", "rounding": rounding}
        assert outcome_of({"value": "3.54"}, rule) == "pass"
        assert outcome_of({"value": "3.56"}, rule) == "fail"

    @pytest.mark.parametrize(
        "rounding", [None, "none", False, "全数值比较法", {"comparison": "full_value"}]
    )
    def test_otherwise_the_unrounded_value_counts(self, rounding: object) -> None:
        assert outcome_of({"value": "3.51"}, {"limit": "3.5", "rounding": rounding}) == "fail"

    def test_in_the_unit_of_the_limit(self) -> None:
        """3540 mg/kg = 3.54 g/kg, rounded to 3.5 g/kg; 3550 would go to 3.6."""
        rule = {"limit": "3.5", "unit": "g/kg", "rounding": "GB/T 8170"}
        assert outcome_of({"value": "3540"}, rule) == "pass"
        assert outcome_of({"value": "3550"}, rule) == "fail"

    def test_before_the_guard_band(self) -> None:
        """3.44 → 3.4; 3.4 + 0.1 = 3.5 is still at most 3.5."""
        rule = {"limit": "3.5", "rounding": "0.1", "decision_rule": "guard_band_binary"}
        assert outcome_of({"value": "3.44", "U": "0.1"}, rule) == "pass"
        assert outcome_of({"value": "3.46", "U": "0.1"}, rule) == "fail"


class TestDecisionRules:
    """Step 9."""

    @pytest.mark.parametrize(
        ("value", "simple", "binary", "nonbinary"),
        [
            # limit 0.05, U 0.008: accept up to 0.042, reject from above 0.058
            ("0.042", "pass", "pass", "pass"),
            ("0.0421", "pass", "fail", "inconclusive"),
            ("0.05", "pass", "fail", "inconclusive"),
            ("0.0501", "fail", "fail", "inconclusive"),
            ("0.058", "fail", "fail", "inconclusive"),
            ("0.0581", "fail", "fail", "fail"),
        ],
    )
    def test_upper_limit(self, value: str, simple: str, binary: str, nonbinary: str) -> None:
        self._check(value, "<=", (simple, binary, nonbinary))

    @pytest.mark.parametrize(
        ("value", "simple", "binary", "nonbinary"),
        [
            # limit 0.05, U 0.008: accept from 0.058, reject below 0.042
            ("0.058", "pass", "pass", "pass"),
            ("0.0579", "pass", "fail", "inconclusive"),
            ("0.05", "pass", "fail", "inconclusive"),
            ("0.0499", "fail", "fail", "inconclusive"),
            ("0.042", "fail", "fail", "inconclusive"),
            ("0.0419", "fail", "fail", "fail"),
        ],
    )
    def test_lower_limit(self, value: str, simple: str, binary: str, nonbinary: str) -> None:
        self._check(value, ">=", (simple, binary, nonbinary))

    @staticmethod
    def _check(value: str, operator: str, outcomes: tuple[str, str, str]) -> None:
        rules = ("simple_acceptance", "guard_band_binary", "guard_band_nonbinary")
        for rule, outcome in zip(rules, outcomes, strict=True):
            demanded = {"operator": operator, "decision_rule": rule}
            assert outcome_of({"value": value, "U": "0.008"}, demanded) == outcome

    @pytest.mark.parametrize(
        ("k", "passes_up_to"),
        [
            # w = 2·0.012/k: 0.012 at k = 2, 0.008 at k = 3, 0.024 at k = 1
            ("2", "0.038"),
            ("3", "0.042"),
            ("1", "0.026"),
            ("1.96", "0.0377551020"),
        ],
    )
    def test_another_coverage_factor(self, k: str, passes_up_to: str) -> None:
        rule = {"decision_rule": "guard_band_binary"}
        above = str(Decimal(passes_up_to) + Decimal("0.0000000001"))
        assert outcome_of({"value": passes_up_to, "U": "0.012", "k": k}, rule) == "pass"
        assert outcome_of({"value": above, "U": "0.012", "k": k}, rule) == "fail"

    def test_uncertainty_converts_with_the_value(self) -> None:
        """42 µg/kg ± 8 µg/kg against 0.05 mg/kg: 0.042 + 0.008 = 0.05."""
        rule = {"decision_rule": "guard_band_binary"}
        assert outcome_of({"value": "42", "U": "8", "unit": "ug/kg"}, rule) == "pass"
        assert outcome_of({"value": "43", "U": "8", "unit": "ug/kg"}, rule) == "fail"

    def test_an_uncertainty_in_another_unit(self) -> None:
        rule = {"decision_rule": "guard_band_binary"}
        mixed = {"value": "42", "unit": "ug/kg", "U": "0.008", "U_unit": "mg/kg"}
        assert outcome_of(mixed, rule) == "pass"
        assert outcome_of(mixed | {"value": "43"}, rule) == "fail"
        assert outcome_of(mixed | {"U_unit": "%"}, rule).endswith("uncertainty_missing")

    def test_a_difference_of_temperatures_has_no_offset(self) -> None:
        """60 °C ± 2 °C is 140 °F ± 3.6 °F: 136.4 °F at least, above a limit of 136 °F."""
        rule = {"operator": ">=", "unit": "°F", "decision_rule": "guard_band_binary"}
        hot = {"value": "60", "U": "2", "unit": "°C"}
        assert outcome_of(hot, rule | {"limit": "136"}) == "pass"
        assert outcome_of(hot, rule | {"limit": "136.4"}) == "pass"
        assert outcome_of(hot, rule | {"limit": "136.5"}) == "fail"

    def test_no_rounding_creeps_in(self) -> None:
        """Limits 30 digits long are still told apart."""
        limit = "0." + "3" * 30
        assert outcome_of({"value": limit}, {"limit": limit}) == "pass"
        assert outcome_of({"value": f"{limit}1"}, {"limit": limit}) == "fail"
        psi = {"value": "1000", "unit": "psi"}
        assert outcome_of(psi, {"limit": "6.89475729316836133", "unit": "MPa"}) == "fail"
        assert outcome_of(psi, {"limit": "6.89475729316836134", "unit": "MPa"}) == "pass"


class TestRanges:
    """Step 10: two requirements, both must pass."""

    @pytest.mark.parametrize(
        "limits",
        [
            {"limit": ["42.5", "62.5"]},
            {"limit": {"lower": "42.5", "upper": "62.5"}},
            {"limit": {"min": "42.5", "max": "62.5"}},
            {"limit": "42.5-62.5"},
            {"limit": "42.5 – 62.5"},
            {"limit_low": "42.5", "limit_high": "62.5", "limit": None},
            {"lower": "42.5", "upper": "62.5", "limit": None},
        ],
    )
    @pytest.mark.parametrize(
        ("value", "outcome"),
        [("42.4", "fail"), ("42.5", "pass"), ("62.5", "pass"), ("62.6", "fail")],
    )
    def test_ends_belong_to_it(self, limits: dict[str, Any], value: str, outcome: str) -> None:
        rule = {"operator": "range", "unit": "MPa"} | limits
        assert outcome_of({"value": value, "unit": "MPa"}, rule) == outcome

    @pytest.mark.parametrize(
        ("value", "outcome"),
        [("42.4", "inconclusive"), ("44.0", "inconclusive"), ("44.1", "pass"), ("64.2", "fail")],
    )
    def test_guard_bands_at_both_ends(self, value: str, outcome: str) -> None:
        rule = {
            "operator": "range",
            "limit": ["42.5", "62.5"],
            "unit": "MPa",
            "decision_rule": "guard_band_nonbinary",
        }
        assert outcome_of({"value": value, "unit": "MPa", "U": "1.6"}, rule) == outcome

    def test_equality_is_a_range_of_one_value(self) -> None:
        rule = {"operator": "=", "limit": "7"}
        assert outcome_of({"value": "7.0"}, rule) == "pass"
        assert outcome_of({"value": "7.01"}, rule) == "fail"
        guarded = rule | {"decision_rule": "guard_band_nonbinary"}
        assert outcome_of({"value": "7", "U": "0.1"}, guarded) == "inconclusive"
        assert outcome_of({"value": "7.2", "U": "0.1"}, guarded) == "fail"


class TestWords:
    """Results in words."""

    RULE: ClassVar[dict[str, Any]] = {"operator": "==", "limit": "pass", "unit": None}

    @pytest.mark.parametrize(("value", "outcome"), [("Pass", "pass"), ("fail", "fail")])
    def test_expected_wording(self, value: str, outcome: str) -> None:
        assert outcome_of({"type": "text", "value": value, "unit": None}, self.RULE) == outcome

    def test_words_do_not_compare_with_numbers(self) -> None:
        code = "not_assessable:result_not_comparable"
        assert outcome_of({"type": "text", "value": "low"}) == code
        assert outcome_of({"value": "5"}, self.RULE) == code


class TestBadInput:
    @pytest.mark.parametrize(
        ("result", "requirement", "path"),
        [
            ({"value": "1,5"}, {}, "result.value"),
            ({"value": "NaN"}, {}, "result.value"),
            ({"value": "１"}, {}, "result.value"),
            ({"value": "9" * 41}, {}, "result.value"),
            ({"value": "1e999"}, {}, "result.value"),
            ({"value": 0.1}, {}, "result.value"),
            ({"value": True}, {}, "result.value"),
            ({"type": "guess"}, {}, "result.type"),
            ({"U": "much"}, {}, "result.U"),
            ({"method": 5}, {}, "result.method"),
            ({}, {"operator": "<"}, "requirement.operator"),
            ({}, {"operator": None}, "requirement.operator"),
            ({}, {"limit": "low"}, "requirement.limit"),
            ({}, {"operator": "range", "limit": ["2", "1"]}, "requirement.limit"),
            ({}, {"operator": "range", "limit": ["2"]}, "requirement.limit"),
            ({}, {"operator": "range", "limit": "about 3"}, "requirement.limit"),
            ({}, {"decision_rule": "guard_band"}, "requirement.decision_rule"),
            ({}, {"rounding": "up"}, "requirement.rounding"),
            ({}, {"rounding": "-0.1"}, "requirement.rounding"),
            ({}, {"accepted_methods": "ISO 679"}, "requirement.accepted_methods"),
            ({}, {"mandatory": "yes"}, "requirement.mandatory"),
        ],
    )
    def test_names_where_it_is(
        self, result: dict[str, Any], requirement: dict[str, Any], path: str
    ) -> None:
        assert outcome_of(result, requirement) == f"error:{path}"

    @pytest.mark.parametrize("case", [None, 5, "x", [], {"kind": "other"}, {"kind": "parameter"}])
    def test_something_that_is_no_case(self, case: object) -> None:
        assert CaseEvaluator().evaluate(case)["outcome"] == "error"

    def test_a_json_number_is_read_as_the_decimal_that_was_written(self) -> None:
        assert outcome_of({"value": Decimal("0.05")}) == "pass"
        assert outcome_of({"value": 1}, {"limit": 1}) == "pass"

    def test_unknown_keys_are_ignored(self) -> None:
        assert outcome_of({"colour": "red"}, {"note": 1}, expected="fail", title="x") == "pass"


_VALUES = st.decimals(0, 1, places=4)
_RULES = st.sampled_from(["simple_acceptance", "guard_band_binary", "guard_band_nonbinary"])
_RANK = {"fail": 0, "inconclusive": 1, "pass": 2}


@given(
    value=_VALUES,
    away=st.decimals(0, 1, places=4),
    limit=_VALUES,
    uncertainty=st.decimals(0, 1, places=3),
    k=st.sampled_from(["1", "1.65", "2", "3"]),
    rule=_RULES,
    operator=st.sampled_from(["<=", ">="]),
    rounding=st.sampled_from([None, "GB/T 8170", "0.1", "0.05"]),
    unit=st.sampled_from(["mg/kg", "ug/kg", "% (m/m)"]),
)
def test_moving_away_from_the_limit_never_turns_pass_into_fail(  # noqa: PLR0917
    value: Decimal,
    away: Decimal,
    limit: Decimal,
    uncertainty: Decimal,
    k: str,
    rule: str,
    operator: str,
    rounding: str | None,
    unit: str,
) -> None:
    """Away means down for an upper limit and up for a lower one; the outcome never gets worse."""
    demanded = {
        "operator": operator,
        "limit": str(limit),
        "unit": "mg/kg",
        "decision_rule": rule,
        "rounding": rounding,
    }
    moved = value - away if operator == "<=" else value + away
    reported = {"U": str(uncertainty), "k": k, "unit": unit}
    before = outcome_of(reported | {"value": str(value)}, demanded)
    after = outcome_of(reported | {"value": str(moved)}, demanded)
    assert _RANK[after] >= _RANK[before]


@given(value=_VALUES, limit=_VALUES, uncertainty=st.decimals(0, 1, places=3))
def test_a_stricter_rule_never_accepts_more(
    value: Decimal, limit: Decimal, uncertainty: Decimal
) -> None:
    reported = {"value": str(value), "U": str(uncertainty)}
    outcomes = {
        rule: outcome_of(reported, {"limit": str(limit), "decision_rule": rule})
        for rule in ("simple_acceptance", "guard_band_binary", "guard_band_nonbinary")
    }
    if outcomes["guard_band_binary"] == "pass":
        assert outcomes["simple_acceptance"] == "pass"
    assert (outcomes["guard_band_binary"] == "pass") is (outcomes["guard_band_nonbinary"] == "pass")
    if outcomes["guard_band_nonbinary"] == "fail":
        assert outcomes["guard_band_binary"] == "fail"
