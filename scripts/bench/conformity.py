"""Statements of conformity, and the import of 100 000 records into the catalogue."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from scripts.bench.figure import Figure, cpu_seconds
from standards_catalog.conformity import (
    Context,
    MethodMatcher,
    TestResult,
    assess_certificate,
    by_parameter,
)
from standards_catalog.conformity.reading import read_requirement, read_result
from standards_catalog.identifiers import parse_identifier
from standards_catalog.importers.iso_open_data import read_iso_jsonl
from standards_catalog.importers.template_csv import read_template_csv, write_template_csv
from standards_catalog.loading import seed_catalogue
from standards_catalog.requirements import Requirement
from standards_catalog.units import builtin_units

PARAMETERS: Final = 20
GOAL_MICROSECONDS: Final = 200  # 5 000 statements a second and core
RECORDS: Final = 100_000
GOAL_IMPORT_SECONDS: Final = 60
_MICRO: Final = 1e6


def measure() -> list[Figure]:
    """Return the cost of a statement with and without its explanation, and of imports."""
    results, requirements, context = _certificate()
    statement = assess_certificate(results, requirements, context)
    alone = min(
        cpu_seconds(lambda: assess_certificate(results, requirements, context), 200)
        for _ in range(9)
    )
    explained = min(cpu_seconds(statement.explanation, 20) for _ in range(5))
    lines = _iso_lines()
    csv_text = _template_rows()
    return [
        _goal("statement of 20 parameters", alone * _MICRO, GOAL_MICROSECONDS, "µs CPU"),
        Figure(
            part="its explanation in two languages, with trace and probability",
            ours=explained * _MICRO,
            peer=alone * _MICRO,
            peer_name="statement alone",
            unit="µs CPU",
        ),
        _goal(
            "import of 100 000 records, ISO Open Data",
            cpu_seconds(lambda: read_iso_jsonl(lines, read_on=date(2026, 1, 1)), 1),
            GOAL_IMPORT_SECONDS,
            "s CPU",
        ),
        _goal(
            "import of 100 000 records, our template as CSV",
            cpu_seconds(lambda: read_template_csv(csv_text), 1),
            GOAL_IMPORT_SECONDS,
            "s CPU",
        ),
    ]


def _goal(part: str, ours: float, limit: float, unit: str) -> Figure:
    """Return a figure whose peer is the goal itself."""
    return Figure(part=part, ours=ours, peer=limit, peer_name="goal", unit=unit, goal=1.0)


def _certificate() -> tuple[dict[str, list[TestResult]], list[Requirement], Context]:
    """Return a certificate of 20 parameters: conversions, methods, both kinds of guard band."""
    units = builtin_units()
    rules = ("simple_acceptance", "guard_band_binary", "guard_band_nonbinary")
    results, requirements = [], []
    for number in range(PARAMETERS):
        code = f"P{number}"
        result = {
            "parameter": code,
            "type": "below_loq" if number % 5 == 4 else "quantity",
            "value": f"{18 + number / 10:.1f}",
            "loq": "5.0",
            "U": "4.0",
            "unit": ("ug/kg", "mg/kg")[number % 2],
            "method": "GB/T 17671-2021",
            "basis": "fresh",
        }
        requirement = {
            "parameter": code,
            "operator": "<=",
            "limit": ("0.05", "50")[number % 2],
            "unit": "mg/kg",
            "decision_rule": rules[number % 3],
            "accepted_methods": ["ISO 679", "GB/T 17671", "EN 196-1"],
            "basis": "fresh",
        }
        results.append(read_result(result, code, units))
        requirements.append(read_requirement(requirement, code, units))
    found = by_parameter(result for result in results if result is not None)
    return found, requirements, Context(methods=MethodMatcher())


def _iso_lines() -> list[str]:
    """Return made records in the shape of ISO Open Data."""
    return [
        json.dumps(
            {
                "id": number,
                "deliverableType": "IS",
                "reference": f"ISO {number // 4 + 1}-{number % 4 + 1}:{1990 + number % 35}",
                "title": {"en": f"Made title {number} — Part {number % 4 + 1}: Methods"},
                "publicationDate": f"{1990 + number % 35}-05-01",
                "icsCode": ["91.100.10"],
                "currentStage": 6060,
                "replaces": [number - 1] if number % 3 == 0 and number else None,
                "languages": ["en", "fr"],
            }
        )
        for number in range(RECORDS)
    ]


def _template_rows() -> str:
    """Return made rows of our template."""
    header, *rows = write_template_csv(seed_catalogue().editions.values()).splitlines()
    sample = rows[0].partition(",")[2]
    code = parse_identifier("GB/T 1-2020").series
    return "\n".join([header, *(f"{code} {number}-2020,{sample}" for number in range(1, RECORDS))])
