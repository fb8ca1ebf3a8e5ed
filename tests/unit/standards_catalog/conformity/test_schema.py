"""What the command prints follows its published schema; the page's example does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from standards_catalog.conformity import CaseEvaluator, Outcome, Total
from standards_catalog.loading import seed_catalogue

ROOT = Path(__file__).parents[4]
SCHEMA = json.loads((ROOT / "docs/schemas/conformity-answer.schema.json").read_text("utf-8"))
CASES = json.loads((ROOT / "tests/vectors/standards/conformity.json").read_text("utf-8"))
PAGE = (ROOT / "docs/conformity.md").read_text("utf-8")
CATALOGUE = seed_catalogue()
EVALUATOR = CaseEvaluator(CATALOGUE.methods, CATALOGUE)
VALIDATOR = Draft202012Validator(SCHEMA)


def example() -> dict[str, Any]:
    """Return the case that docs/conformity.md shows."""
    match = re.search(r"<<'CASE'\n(.*?)\nCASE\n", PAGE, re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


@pytest.mark.parametrize(
    "case",
    [*CASES["parameter"], example(), {"id": 1}, {"id": 2, "kind": "certificate", "results": []}],
    ids=lambda case: str(case["id"]),
)
def test_answers_follow_the_schema(case: dict[str, Any]) -> None:
    answer = json.loads(json.dumps(EVALUATOR.evaluate(case)))
    assert not list(VALIDATOR.iter_errors(answer))


def test_the_schema_knows_every_outcome() -> None:
    listed = SCHEMA["$defs"]["parameterOutcome"]["enum"]
    assert set(listed) == {outcome.value for outcome in Outcome}
    totals = SCHEMA["properties"]["outcome"]["anyOf"][1]["enum"]
    assert set(totals) == {total.value for total in Total} | {"error"}


def test_the_page_names_every_code() -> None:
    for outcome in Outcome:
        assert f"`{outcome.code}`" in PAGE


def test_the_example_of_the_page() -> None:
    answer = EVALUATOR.evaluate(example())
    outcomes = list(answer["explanation"]["outcomes"].values())
    assert answer["outcome"] == "not_assessable"
    assert answer["explanation"]["outcomes"]["F28"] == "pass"
    assert outcomes.count("not_assessable:parameter_missing") == 13
