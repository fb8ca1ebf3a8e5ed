"""The shape of a report, against its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.evidence_builders import (
    NOW,
    Evidence,
    World,
    durian,
    inspection,
    trust_profile,
)
from verifier.checks.finding import Line
from verifier.core.strict_json import parse_json_object
from verifier.core.views import make_view
from verifier.report import Report
from verifier.service import Submission, verify

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "report.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def evidence(world: World) -> Evidence:
    return world.issue(durian())


def check(world: World, submission: Submission, **question: Any) -> Report:
    return verify(
        submission,
        world.question(**question),
        profile=trust_profile(demonstration=True),
        source=world.source,
        registry=world.registry,
    )


def validate(report: Report) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(report.as_json())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_genuine_documents(world: World, evidence: Evidence) -> None:
    validate(check(world, evidence.submission(), at=NOW - 60, country="LA"))
    validate(check(world, world.issue(inspection()).submission()))


def test_codes_and_views(world: World, evidence: Evidence) -> None:
    view = make_view(evidence.certificate, ["results.2.detail"]).compact
    for submission in (
        Submission(token=view),
        Submission(codes=(evidence.offline_code,)),
        Submission(codes=(evidence.link_code,)),
    ):
        report = check(world, submission)
        assert report.as_json()["document"] is not None
        validate(report)


def test_reports_without_a_document(world: World, evidence: Evidence) -> None:
    validate(check(world, Submission()))
    validate(check(world, Submission(token=evidence.sdjwt[:-9])))
    validate(verify(evidence.submission(), world.question(), profile=None, source=None))


def test_bytes_are_canonical_and_come_back(world: World, evidence: Evidence) -> None:
    data = check(world, evidence.submission()).canonical()

    value = parse_json_object(data, what="report")
    assert list(value) == sorted(value)
    lines = value["lines"]
    assert isinstance(lines, list)
    assert [line["line"] for line in lines if isinstance(line, dict)] == list(map(str, Line))


def test_the_schema_names_the_lines_in_their_order() -> None:
    order = [each["allOf"][1]["properties"]["line"]["const"] for each in
             SCHEMA["properties"]["lines"]["prefixItems"]]  # fmt: skip

    assert order == list(map(str, Line))
