"""Sentences for each answer, in Chinese and English. Codes decide; sentences only tell."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from standards_catalog.conformity.inputs import ResultKind, TestResult
from standards_catalog.conformity.outcomes import Outcome, Total
from standards_catalog.requirements import Operator, Requirement

Sentences = dict[str, str]

_PARAMETER: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.PASS: (
        "{result_zh}，符合要求（{limit}）。",
        "{result_en} meets the requirement ({limit}).",
    ),
    Outcome.FAIL: (
        "{result_zh}，不符合要求（{limit}）。",
        "{result_en} does not meet the requirement ({limit}).",
    ),
    Outcome.INCONCLUSIVE: (
        "{result_zh}，与限值（{limit}）之差在测量不确定度之内，不能判定。",
        "{result_en} is so near the limit ({limit}) that the uncertainty leaves it open.",
    ),
    Outcome.PARAMETER_MISSING: (
        "证书中没有该参数的结果，或结果未披露；不作推断。",
        "The certificate has no result for this parameter, or withholds it; nothing is guessed.",
    ),
    Outcome.LIMIT_UNKNOWN: (
        "该限值尚未录入（占位），不能判定。",
        "The limit is not known yet (placeholder), so nothing can be said.",
    ),
    Outcome.METHOD_NOT_ACCEPTED: (
        "所用方法（{method}）不在认可的方法（{accepted}）之内，结果不可比。",
        "The method used ({method}) is not among the accepted ones ({accepted}).",
    ),
    Outcome.BASIS_MISMATCH: (
        "结果的基准或试验条件（{basis}）与要求（{required_basis}）不一致，且没有给出换算依据。",
        "Basis or conditions of the result ({basis}) differ from those required"
        " ({required_basis}), and no conversion is stated.",
    ),
    Outcome.UNIT_DIMENSION: (
        "结果单位 {unit} 与限值单位 {limit_unit} 的量纲不同，不能换算。",
        "The units {unit} and {limit_unit} measure different things and do not convert.",
    ),
    Outcome.UNIT_UNKNOWN: (
        "单位 {unit} 或 {limit_unit} 含义不明（未知，或未说明是何种分数），不能比较。",
        "The meaning of {unit} or {limit_unit} is not known (an unknown unit, or a fraction that"
        " does not say of what).",
    ),
    Outcome.RESULT_NOT_COMPARABLE: (
        "结果的形式（数值或文字）与要求的形式不同，不能比较。",
        "Result and requirement are not of one kind (number and words).",
    ),
    Outcome.LOD_ABOVE_REQUIRED: (
        "实验室检出限 {lod} 高于要求的检出限 {limit}，“未检出”不足以证明符合。",
        "The laboratory's limit of detection {lod} is above the required one ({limit}).",
    ),
    Outcome.LOD_MISSING: (
        "要求“不得检出”，但证书没有给出检出限。",
        "The requirement is 'not detected', but no limit of detection is stated.",
    ),
    Outcome.LOQ_ABOVE_LIMIT: (
        "定量限 {loq} 高于限值（{limit}），未定量的结果不能判定。",
        "The limit of quantification {loq} is above the limit ({limit}).",
    ),
    Outcome.LOQ_MISSING: (
        "结果未定量，但证书没有给出定量限。",
        "The result is not quantified and no limit of quantification is stated.",
    ),
    Outcome.DECISION_RULE_MISSING: (
        "标准没有规定判定规则，也没有约定，不能判定。",
        "Neither the standard nor an agreement states a decision rule.",
    ),
    Outcome.UNCERTAINTY_MISSING: (
        "判定规则需要测量不确定度，证书没有给出可用的不确定度。",
        "The decision rule needs an uncertainty and the certificate states no usable one.",
    ),
    Outcome.NOT_IN_FORCE: (
        "该要求在检测日期不适用。",
        "The requirement did not apply on the date of the test.",
    ),
}
_TOTAL: Final[Mapping[Total, tuple[str, str]]] = {
    Total.SATISFIED: (
        "{count} 项强制性要求全部符合。",
        "All {count} mandatory requirements are met.",
    ),
    Total.NOT_SATISFIED: (
        "至少一项强制性要求不符合。",
        "At least one mandatory requirement is not met.",
    ),
    Total.NOT_ASSESSABLE: (
        "没有不符合项，但不能全部判定；见各参数及问题代码（{problems}）。",
        "The whole cannot be assessed; see the parameters and problem codes ({problems}).",
    ),
}
_SIGNS: Final = {
    Operator.AT_MOST: "≤",
    Operator.AT_LEAST: "≥",
    Operator.EQUAL: "=",
}


def parameter_sentence(
    outcome: Outcome, requirement: Requirement, result: TestResult | None
) -> Sentences:
    """Return one sentence per language for the answer to one parameter."""
    zh, en = _PARAMETER[outcome]
    fields = _fields(requirement, result)
    return {"zh": zh.format(**fields), "en": en.format(**fields)}


def total_sentence(total: Total, count: int, problems: tuple[str, ...]) -> Sentences:
    """Return one sentence per language for the whole certificate."""
    zh, en = _TOTAL[total]
    fields = {"count": count, "problems": ", ".join(problems) or "-"}
    return {"zh": zh.format(**fields), "en": en.format(**fields)}


def limit_text(requirement: Requirement) -> str:
    """Return the limit as people write it, e.g. "≤ 0.05 mg/kg"."""
    if requirement.text is not None:
        return requirement.text
    unit = _unit_text(requirement.unit.symbol)
    lower, upper = requirement.lower, requirement.upper
    if requirement.operator is Operator.NOT_DETECTED:
        return f"not detected / 不得检出, LOD ≤ {_number(upper)}{unit}"
    if requirement.operator is Operator.RANGE:
        return f"{_number(lower)} … {_number(upper)}{unit}"
    bound = lower if requirement.operator is Operator.AT_LEAST else upper
    return f"{_SIGNS[requirement.operator]} {_number(bound)}{unit}"


def _fields(requirement: Requirement, result: TestResult | None) -> dict[str, str]:
    """Return what the sentences may mention."""
    fields = {
        "limit": limit_text(requirement),
        "limit_unit": requirement.unit.symbol or "-",
        "accepted": ", ".join(requirement.accepted_methods or ()) or "-",
        "required_basis": _joined(requirement.basis, requirement.conditions),
        "result_zh": "-",
        "result_en": "-",
        "method": "-",
        "basis": "-",
        "unit": "-",
        "lod": "-",
        "loq": "-",
    }
    if result is not None:
        fields |= {
            "result_zh": _result_text(result, "未检出", "低于定量限"),
            "result_en": _result_text(result, "Not detected", "Below the LOQ of"),
            "method": result.method or "-",
            "basis": _joined(result.basis, result.conditions),
            "unit": result.unit.symbol or "-",
            "lod": _with_unit(result.lod, result),
            "loq": _with_unit(result.loq if result.loq is not None else result.lod, result),
        }
    return fields


def _result_text(result: TestResult, not_detected: str, below: str) -> str:
    """Return what was reported."""
    if result.kind is ResultKind.QUANTITY:
        return _with_unit(result.value, result)
    if result.kind is ResultKind.NOT_DETECTED:
        return not_detected
    if result.kind is ResultKind.BELOW_LOQ:
        return f"{below} {_with_unit(result.loq, result)}"
    return result.text or "-"


def _with_unit(value: Decimal | None, result: TestResult) -> str:
    """Return a number with the unit of the result."""
    return "-" if value is None else f"{_number(value)}{_unit_text(result.unit.symbol)}"


def _unit_text(symbol: str) -> str:
    """Return a unit with its space, nothing for the unit one."""
    return "" if symbol in {"", "1"} else f" {symbol}"


def _number(value: Decimal | None) -> str:
    """Return a number without an exponent."""
    return "?" if value is None else f"{value:f}"


def _joined(basis: str, conditions: tuple[tuple[str, str], ...]) -> str:
    """Return basis and conditions as one phrase."""
    parts = [basis] if basis else []
    parts += [f"{name} {value}" for name, value in conditions]
    return ", ".join(parts) or "-"
