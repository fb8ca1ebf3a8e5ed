from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from registry.cli import main

CASES = Path(__file__).parents[2] / "vectors" / "standards" / "conformity.json"


def evaluate(data: str | bytes, *arguments: str) -> Result:
    """Run the command on standard input."""
    return CliRunner().invoke(main, ["conformity", "evaluate", *arguments], input=data)


def test_a_file_of_cases_in_their_order() -> None:
    result = evaluate("", str(CASES))
    expected = json.loads(CASES.read_text("utf-8"))["parameter"]
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [line["id"] for line in lines] == [case["id"] for case in expected]
    assert [line["outcome"] for line in lines] == [case["expected"] for case in expected]
    assert all(set(line) == {"id", "outcome", "explanation"} for line in lines)


def test_an_array_and_a_single_object_on_standard_input() -> None:
    cases = json.loads(CASES.read_text("utf-8"))["parameter"]
    many = evaluate(json.dumps(cases))
    one = evaluate(json.dumps(cases[0]))
    assert len(many.stdout.splitlines()) == len(cases)
    assert many.stdout.splitlines()[0] == one.stdout.strip()


def test_a_case_that_cannot_be_read_does_not_stop_the_others() -> None:
    cases = json.loads(CASES.read_text("utf-8"))["parameter"][:1]
    result = evaluate(json.dumps([{"id": "bad", "requirement": {}}, *cases]))
    bad, good = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 1
    assert (bad["id"], bad["outcome"]) == ("bad", "error")
    assert bad["explanation"]["code"] == "case_malformed"
    assert good["outcome"] == "pass"


@pytest.mark.parametrize(
    "data", ["", "{", "[1", '{"a": 1, "a": 2}', "[NaN]", b"\xff", "7", "[" * 100_000]
)
def test_input_that_is_no_document_of_cases(data: str | bytes) -> None:
    result = evaluate(data)
    assert result.exit_code == 1
    assert "cases_malformed" in result.stderr
    assert result.stdout == ""


def test_identical_adoptions_of_the_catalogue_are_known() -> None:
    case = {
        "id": 1,
        "result": {"value": "48.9", "unit": "MPa", "method": "TCVN 6016:2011"},
        "requirement": {
            "operator": ">=",
            "limit": "42.5",
            "unit": "MPa",
            "decision_rule": "simple_acceptance",
            "accepted_methods": ["ISO 679"],
        },
    }
    assert json.loads(evaluate(json.dumps(case)).stdout)["outcome"] == "pass"
