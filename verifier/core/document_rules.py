"""Rules between the fields of an import document; each finds contradictions, none repairs.

Every rule gets a document without nulls whose fields may still be wrong one by one, so each reads
what it needs defensively and stays silent where the shapes have already spoken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from verifier.core.field_policy import SIGNED_DECIMAL, DocumentKind
from verifier.core.moments import MomentText, parse_moment
from verifier.core.shapes import Problem
from verifier.core.strict_json import JsonObject, JsonValue

_DATE_CHARS: Final = len("2026-02-11")
_MOMENT: Final = MomentText()

# Dates that must not contradict each other, in the order of the acts.
_TEST_ORDERS: Final = (
    (
        "/sampling/date",
        "/dates/received",
        "/dates/tested_to",
        "/dates/issued",
        "/dates/valid_until",
    ),
    ("/dates/received", "/dates/tested_from", "/dates/tested_to"),
    ("/consignment/production_date", "/dates/received"),
)
_INSPECTION_ORDERS: Final = (
    ("/task/issued", "/dates/started", "/dates/ended", "/dates/issued", "/dates/valid_until"),
)


def rule_problems(kind: DocumentKind, document: JsonObject) -> Iterator[Problem]:
    """Yield a problem for every rule that `document` breaks."""
    test = kind is DocumentKind.TEST_CERTIFICATE
    for order in _TEST_ORDERS if test else _INSPECTION_ORDERS:
        yield from _order_problems(document, order)
    yield from _edition_problems(document)
    yield from _amendment_problems(document)
    if test:
        for at, result in enumerate(_list(document.get("results"))):
            if isinstance(result, dict):
                yield from _result_problems(result, f"/results/{at}")


def _order_problems(document: JsonObject, pointers: Sequence[str]) -> Iterator[Problem]:
    """Refuse a date that is certainly earlier than one that must come before it."""
    stated = [(at, text) for at in pointers if (text := _moment_text(document, at)) is not None]
    for (first, before), (second, after) in pairwise(stated):
        if _certainly_later(before, after):
            message = f"must not be earlier than {first}"
            yield Problem(pointer=second, code="dates_contradict", message=message)


def _certainly_later(one: str, other: str) -> bool:
    if len(one) == len(other) == _DATE_CHARS:
        return one > other  # two dates of one document, stated at the same place
    return parse_moment(one, what="").earliest > parse_moment(other, what="").latest


def _edition_problems(document: JsonObject) -> Iterator[Problem]:
    consignment = document.get("consignment")
    if isinstance(consignment, dict) and "hs_code" in consignment:
        yield from _needs(
            consignment, "hs_edition", "/consignment", "hs_edition_missing", "an HS code"
        )


def _amendment_problems(document: JsonObject) -> Iterator[Problem]:
    replaces = document.get("replaces")
    revision = document.get("revision")
    if replaces is None and isinstance(revision, int) and revision > 1:
        message = "must name the document that this revision replaces"
        yield Problem(pointer="/replaces", code="replaces_missing", message=message)
    if (
        isinstance(replaces, dict)
        and replaces.get("number") == document.get("number")
        and replaces.get("revision", revision) == revision
    ):
        message = "must not be the document itself"
        yield Problem(pointer="/replaces/number", code="replaces_itself", message=message)


def _result_problems(result: JsonObject, pointer: str) -> Iterator[Problem]:
    reported = result.get("result")
    if isinstance(reported, dict):
        yield from _value_problems(result, reported, pointer)
    requirement = result.get("requirement")
    if isinstance(requirement, dict):
        yield from _requirement_problems(requirement, f"{pointer}/requirement")
        yield from _needs(
            result, "decision_rule", pointer, "decision_rule_missing", "a requirement"
        )
    elif requirement is None and result.get("conclusion") != "not_assessed":
        yield from _needs(
            result, "requirement", pointer, "requirement_missing", "a conclusion on conformity"
        )
    lod, loq = _decimal(result.get("lod")), _decimal(result.get("loq"))
    if lod is not None and loq is not None and lod > loq:
        message = "must not be above the limit of quantification"
        yield Problem(pointer=f"{pointer}/lod", code="lod_above_loq", message=message)


def _value_problems(result: JsonObject, reported: JsonObject, pointer: str) -> Iterator[Problem]:
    kind, value = reported.get("type"), reported.get("value")
    place = f"{pointer}/result/value"
    if kind in ("quantity", "text"):
        yield from _needs(reported, "value", f"{pointer}/result", "value_missing", f"type {kind}")
    elif value is not None and isinstance(kind, str):
        message = f"must be absent for type {kind}; the text of the report is in reported"
        yield Problem(pointer=place, code="value_unexpected", message=message)
    if kind == "quantity" and value is not None and _decimal(value) is None:
        message = "must be a decimal number as text"
        yield Problem(pointer=place, code="decimal", message=message)
    if kind == "below_loq":
        yield from _needs(result, "loq", pointer, "loq_missing", "type below_loq")
    measured = [name for name in ("loq", "lod", "uncertainty") if result.get(name) is not None]
    if kind in ("quantity", "below_loq", "above_range") or measured:
        why = f"type {kind}" if not measured else measured[0]
        yield from _needs(result, "unit", pointer, "unit_missing", why)


def _requirement_problems(requirement: JsonObject, pointer: str) -> Iterator[Problem]:
    operator, limit = requirement.get("operator"), requirement.get("limit")
    if operator == "==":
        return
    if limit is not None and _decimal(limit) is None:
        message = "must be a decimal number as text"
        yield Problem(pointer=f"{pointer}/limit", code="decimal", message=message)
    yield from _needs(requirement, "unit", pointer, "unit_missing", f"operator {operator}")
    if operator == "range":
        yield from _needs(requirement, "upper", pointer, "upper_missing", "operator range")
        lower, upper = _decimal(limit), _decimal(requirement.get("upper"))
        if lower is not None and upper is not None and lower > upper:
            message = "must not be below the lower limit"
            yield Problem(pointer=f"{pointer}/upper", code="range_contradicts", message=message)
    elif "upper" in requirement:
        message = "must be absent unless the operator is range"
        yield Problem(pointer=f"{pointer}/upper", code="value_unexpected", message=message)


def _needs(holder: JsonObject, name: str, pointer: str, code: str, why: str) -> Iterator[Problem]:
    if holder.get(name) is None:
        yield Problem(pointer=f"{pointer}/{name}", code=code, message=f"is needed with {why}")


def _moment_text(document: JsonObject, pointer: str) -> str | None:
    _, container, name = pointer.split("/")
    holder = document.get(container)
    text = holder.get(name) if isinstance(holder, dict) else None
    return text if isinstance(text, str) and _MOMENT.accepts(text) else None


def _decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and SIGNED_DECIMAL.accepts(value) else None


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
