from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.conformity import Outcome, assess_parameter
from standards_catalog.conformity.probability import conformance_probability, normal_distribution
from standards_catalog.conformity.wording import parameter_sentence
from tests.support.conformity_cases import context, requirement, result

# Φ(z) to ten places, from the usual tables of the normal distribution.
TABLE = {
    "0": "0.5000000000",
    "0.5": "0.6914624613",
    "1": "0.8413447461",
    "1.644853627": "0.9500000000",
    "1.959963985": "0.9750000000",
    "2": "0.9772498681",
    "3": "0.9986501020",
    "5": "0.9999997133",
}


@pytest.mark.parametrize(("z", "phi"), TABLE.items())
def test_normal_distribution_agrees_with_the_tables(z: str, phi: str) -> None:
    place = Decimal("1E-9")
    assert abs(normal_distribution(Fraction(z)) - Decimal(phi)) < place
    assert abs(normal_distribution(-Fraction(z)) - (1 - Decimal(phi))) < place


@given(st.fractions(-10, 10), st.fractions(-10, 10))
def test_normal_distribution_rises(a: Fraction, b: Fraction) -> None:
    low, high = sorted((a, b))
    assert 0 <= normal_distribution(low) <= normal_distribution(high) <= 1


class TestConformanceProbability:
    @pytest.mark.parametrize(
        ("changes", "demanded", "expected"),
        [
            # (0.05 - 0.042) / 0.004 = 2
            ({"value": "0.042", "U": "0.008"}, {}, "0.977250"),
            # at the limit: an even chance, whatever U
            ({"value": "0.05", "U": "0.008"}, {}, "0.500000"),
            # k = 3: u = 0.004 again
            ({"value": "0.042", "U": "0.012", "k": "3"}, {}, "0.977250"),
            # the same in another unit
            ({"value": "42", "U": "8", "unit": "ug/kg"}, {}, "0.977250"),
            # a lower limit is the mirror image
            ({"value": "0.042", "U": "0.008"}, {"operator": ">="}, "0.022750"),
            # one u inside both ends: 0.8413447 - 0.1586553
            (
                {"value": "0.05", "U": "0.02"},
                {"operator": "range", "limit": ["0.04", "0.06"]},
                "0.682689",
            ),
        ],
    )
    def test_worked_examples(
        self, changes: dict[str, str], demanded: dict[str, object], expected: str
    ) -> None:
        """Pc = Φ((T_U - y)/u) for one upper limit, u = U/k (JCGM 106:2012, 7.3)."""
        statement = assess_parameter(result(**changes), requirement(**demanded), context())
        assert statement.conformance_probability() == expected
        assert statement.explanation()["conformance_probability"] == expected

    @pytest.mark.parametrize(
        ("changes", "demanded"),
        [
            ({}, {}),
            ({"U": "0"}, {}),
            ({"U": "0.01", "unit": "mg/L"}, {}),
            ({"U": "0.01", "basis": "dry"}, {"basis": "fresh"}),
            ({"type": "below_loq", "loq": "0.01"}, {}),
            ({"U": "0.01"}, {"operator": "not_detected"}),
            ({"U": "0.01"}, {"operator": "="}),
            ({"U": "0.01"}, {"limit": None}),
        ],
    )
    def test_there_is_none_to_give(
        self, changes: dict[str, str], demanded: dict[str, object]
    ) -> None:
        statement = assess_parameter(result(**changes), requirement(**demanded), context())
        assert statement.conformance_probability() is None

    def test_it_never_decides(self) -> None:
        """At the limit simple acceptance passes with an even chance of being wrong."""
        statement = assess_parameter(result(value="0.05", U="0.02"), requirement(), context())
        assert statement.outcome is Outcome.PASS
        assert statement.conformance_probability() == "0.500000"

    def test_far_from_the_limit(self) -> None:
        one = Fraction(1)
        assert conformance_probability(-9 * one, lower=None, upper=one, standard=one) == "1.000000"
        assert conformance_probability(99 * one, lower=None, upper=one, standard=one) == "0.000000"


def test_the_trace_tells_every_step_in_the_unit_of_the_limit() -> None:
    statement = assess_parameter(
        result(value="978", U="60", unit="Bq/kg", method="ISO 18589-3:2023"),
        requirement(
            limit="1",
            unit="Bq/g",
            decision_rule="guard_band_nonbinary",
            accepted_methods=["ISO 18589-3"],
        ),
        context(),
    )
    steps = [(step.number, step.check, step.outcome) for step in statement.trace().steps]
    assert steps == [
        (1, "result", None),
        (2, "method", None),
        (3, "basis", None),
        (4, "unit", None),
        (7, "uncertainty", None),
        (9, "decision", Outcome.INCONCLUSIVE),
        (10, "limits", Outcome.INCONCLUSIVE),
    ]
    decision = statement.trace().steps[-2].data
    assert decision == {"side": "upper", "value": "0.978", "limit": "1", "guard_band": "0.06"}


@given(
    value=st.decimals(0, 1, places=3),
    unit=st.sampled_from(["mg/kg", "ug/kg", "mg/L", "zork", "ppm"]),
    kind=st.sampled_from(["quantity", "below_loq", "not_detected"]),
    rule=st.sampled_from(["simple_acceptance", "guard_band_binary", "guard_band_nonbinary", None]),
    operator=st.sampled_from(["<=", ">=", "=", "not_detected"]),
    basis=st.sampled_from([None, "fresh", "dry"]),
)
def test_the_trace_ends_with_the_outcome(  # noqa: PLR0917
    value: Decimal, unit: str, kind: str, rule: str | None, operator: str, basis: str | None
) -> None:
    """Taking the steps again with a trace gives the same answer, and the last step gives it."""
    statement = assess_parameter(
        result(type=kind, value=str(value), unit=unit, U="0.1", loq="0.02", lod="0.01"),
        requirement(decision_rule=rule, operator=operator, basis=basis),
        context(),
    )
    assert statement.trace().steps[-1].outcome is statement.outcome


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_sentence_in_both_languages(outcome: Outcome) -> None:
    for reported in (result(), result(type="below_loq", loq="0.01"), None):
        sentences = parameter_sentence(outcome, requirement(), reported)
        assert sentences["zh"].endswith("。")
        assert sentences["en"].endswith(".")
        assert "{" not in "".join(sentences.values())


def test_codes_are_stable() -> None:
    assert {outcome.code for outcome in Outcome} == {
        "pass",
        "fail",
        "inconclusive",
        "parameter_missing",
        "limit_unknown",
        "method_not_accepted",
        "basis_mismatch",
        "unit_dimension",
        "unit_unknown",
        "result_not_comparable",
        "lod_above_required",
        "lod_missing",
        "loq_above_limit",
        "loq_missing",
        "decision_rule_missing",
        "uncertainty_missing",
        "not_in_force",
    }
