from __future__ import annotations

from itertools import combinations_with_replacement, product

import pytest

from verifier.core.conclusions import (
    AGENCY_CONCLUSIONS,
    ITEM_CONCLUSIONS,
    TEST_CONCLUSIONS,
    Conclusion,
    Outcome,
    gravest,
    milder,
    overall_of_inspection,
    overall_of_tests,
)

PASS, FAIL = Conclusion.PASS, Conclusion.FAIL
SILENT = {Conclusion.NOT_ASSESSED, Conclusion.NOT_APPLICABLE}


def test_every_combination_of_test_results() -> None:
    for results in combinations_with_replacement(TEST_CONCLUSIONS, 4):
        overall = overall_of_tests(results)

        assert overall in results
        assert (overall is FAIL) == (FAIL in results)
        if overall is PASS:
            assert set(results) <= {PASS} | SILENT
        assert overall_of_tests(reversed(results)) is overall


def test_every_combination_of_an_inspection() -> None:
    outcomes = (None, *Outcome)
    agencies = list(combinations_with_replacement(AGENCY_CONCLUSIONS, 2))
    items = list(combinations_with_replacement(ITEM_CONCLUSIONS, 2))
    for found, said, outcome in product(items, agencies, outcomes):
        overall = overall_of_inspection(found, said, outcome)

        assert not milder(overall, gravest(said))
        if overall is PASS:
            assert set(found) <= {PASS} | SILENT
            assert set(said) == {PASS}
            assert outcome in (None, Outcome.RELEASE)
        if outcome in (Outcome.RETURN, Outcome.DESTROY, Outcome.CASE):
            assert overall is FAIL


@pytest.mark.parametrize(
    ("items", "agencies", "outcome", "overall"),
    [
        pytest.param("pass pass", "pass", None, "pass", id="all is well"),
        pytest.param("pass fail suspect", "pass conditional pass", "hold_for_rectification",
                     "conditional", id="the joint inspection of the samples"),
        pytest.param("fail", "pass", None, "conditional", id="a failed item under agreement"),
        pytest.param("pass", "pass", "release_with_rectification", "conditional", id="rectify"),
        pytest.param("pass", "inconclusive", "hold", "inconclusive", id="graver than conditional"),
        pytest.param("pass", "pass", "return", "fail", id="returned"),
        pytest.param("not_applicable", "pass", "release", "pass", id="nothing to check"),
    ],
)  # fmt: skip
def test_inspections(items: str, agencies: str, outcome: str | None, overall: str) -> None:
    derived = overall_of_inspection(
        map(Conclusion, items.split()),
        map(Conclusion, agencies.split()),
        None if outcome is None else Outcome(outcome),
    )
    assert derived == overall


def test_results_without_assessment_stay_so() -> None:
    assert overall_of_tests([Conclusion.NOT_ASSESSED]) is Conclusion.NOT_ASSESSED
    assert overall_of_tests([Conclusion.NOT_ASSESSED, PASS]) is PASS


# The numbers stand in printed codes.
def test_numbers_never_change() -> None:
    assert [each.value for each in Conclusion] == [
        "pass", "fail", "conditional", "suspect", "inconclusive", "not_applicable",
        "conditional_pass", "conditional_fail", "not_assessed",
    ]  # fmt: skip
    for number, conclusion in enumerate(Conclusion):
        assert conclusion.number == number
        assert Conclusion.from_number(number) is conclusion
    for number in (-1, 9):
        with pytest.raises(ValueError, match="number of no conclusion"):
            Conclusion.from_number(number)
