"""Strict reading of single fields of a case: each refusal names the path of the field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from standards_catalog.errors import MalformedCaseError
from standards_catalog.requirements import DecisionRule
from standards_catalog.units import Unit, UnitTable, UnknownUnit

Data = Mapping[str, Any]

DECIMAL: Final = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?")
_MAX_ITEMS: Final = 1000

_E = TypeVar("_E", bound=StrEnum)


def read_decimal(value: object, path: str) -> Decimal:
    """Read a number.

    Raises:
        MalformedCaseError: It is no finite decimal of at most 40 digits before and after the point.
    """
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.isascii() or not DECIMAL.fullmatch(value.strip()):
        raise MalformedCaseError(path, f"not a decimal string: {value!r}")
    return Decimal(value.strip())


def object_of(data: object, path: str) -> Data:
    """Return an object."""
    if not isinstance(data, Mapping):
        raise MalformedCaseError(path, "not an object")
    return data


def items(data: object, path: str) -> Sequence[Any]:
    """Return a list of bounded length.

    Raises:
        MalformedCaseError: It is no list, or too long.
    """
    if isinstance(data, str) or not isinstance(data, Sequence):
        raise MalformedCaseError(path, "not a list")
    if len(data) > _MAX_ITEMS:
        raise MalformedCaseError(path, f"more than {_MAX_ITEMS} entries")
    return data


def text_of(value: object, path: str) -> str:
    """Return a text, "" for null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedCaseError(path, f"not a text: {value!r}")
    return value.strip()


def words_of(value: object) -> str:
    """Return a result in words; a number or a truth value becomes its JSON word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()


def code_of(fields: Data, path: str) -> str:
    """Return the code of a parameter, given as "parameter": CODE or {"code": CODE}."""
    path = f"{path}.parameter"
    value = fields.get("parameter", fields.get("code"))
    if isinstance(value, Mapping):
        return text_of(value.get("code"), f"{path}.code")
    return text_of(value, path)


def method_of(value: object, path: str) -> str | None:
    """Return the code of a method, given alone or as {"standard": ...}."""
    if isinstance(value, Mapping):
        return text_of(value.get("standard"), f"{path}.standard") or None
    return text_of(value, path) or None


def flag_of(fields: Data, name: str, path: str, *, default: bool) -> bool:
    """Return a truth value."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise MalformedCaseError(f"{path}.{name}", f"not true or false: {value!r}")
    return value


def unit_of(value: object, path: str, units: UnitTable) -> Unit | UnknownUnit:
    """Return a unit; no unit at all is told apart from the unit one."""
    return units.resolve(text_of(value, path))


def optional_unit(
    fields: Data, name: str, path: str, units: UnitTable
) -> Unit | UnknownUnit | None:
    """Return a unit, None where none is given."""
    value = fields.get(name)
    return None if value is None else unit_of(value, f"{path}.{name}", units)


def optional_decimal(fields: Data, name: str, path: str) -> Decimal | None:
    """Return a number, None for null or absence."""
    value = fields.get(name)
    return None if value is None else read_decimal(value, f"{path}.{name}")


def optional_date(fields: Data, name: str, path: str) -> date | None:
    """Return a day, None for null or absence. Of a time, the day counts."""
    text = text_of(fields.get(name), f"{path}.{name}")
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise MalformedCaseError(f"{path}.{name}", f"not a date: {text!r}") from error


def member_of(kind: type[_E], value: object, path: str) -> _E:
    """Return the member of an enumeration that a text names."""
    try:
        return kind(text_of(value, path))
    except ValueError as error:
        raise MalformedCaseError(path, f"not one of {', '.join(kind)}: {value!r}") from error


def conditions_of(fields: Data, path: str) -> tuple[tuple[str, str], ...]:
    """Return conditions given as an object, as words, or as an age of their own."""
    where = f"{path}.conditions"
    stated = fields.get("conditions")
    if isinstance(stated, Mapping):
        found = {str(name): words_of(value) for name, value in stated.items() if value is not None}
    else:
        words = text_of(stated, where)
        found = {"stated": words} if words else {}
    age = fields.get("age")
    if age is not None:
        found.setdefault("age", words_of(age))
    return tuple(sorted(found.items()))


def optional_rule(fields: Data, path: str) -> DecisionRule | None:
    """Return a decision rule, None for null or absence."""
    value = fields.get("decision_rule")
    return None if value is None else member_of(DecisionRule, value, f"{path}.decision_rule")
