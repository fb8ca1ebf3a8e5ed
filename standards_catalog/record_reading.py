"""From the canonical lines of a release back to what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from standards_catalog.catalogue import NoLimit
from standards_catalog.editions import Edition
from standards_catalog.errors import CatalogueDataError, CatalogueError
from standards_catalog.identifiers import Degree
from standards_catalog.importers.report import RowError
from standards_catalog.importers.template import edition_from_row, provenance_from_row
from standards_catalog.provenance import Provenance
from standards_catalog.relations import (
    Deviation,
    Relation,
    RelationStatus,
    RelationType,
    StricterSide,
)
from standards_catalog.requirements import DecisionRule, Operator, Requirement, Rounding, Scope
from standards_catalog.units import builtin_units

MAX_LINE_BYTES: Final = 1_000_000

Record: TypeAlias = Edition | Relation | Requirement | NoLimit
_Data = Mapping[str, Any]

_MANDATORY: Final = "mandatory"  # the one truth value, in requirements
_LISTS: Final = frozenset({"accepted_methods", "clauses", "hs", "parameters"})
_OBJECTS: Final = frozenset({"conditions", "provenance", "rounding", "scope"})


def read_record(line: bytes | str) -> Record:
    """Return what one line of a release says.

    Raises:
        CatalogueDataError: The line is no record, or its record contradicts itself.
    """
    if len(line) > MAX_LINE_BYTES:
        raise CatalogueDataError("line", "line_too_long", f"over {MAX_LINE_BYTES} bytes")
    try:
        data = json.loads(line)
        kind = data.pop("record")
        reader = _READERS[kind]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CatalogueDataError("line", "line_malformed", f"{error!r}") from error
    try:
        _check_types(data, boolean=_MANDATORY if kind == "requirement" else "")
        return reader(data)
    except CatalogueDataError:
        raise
    except RowError as error:
        raise CatalogueDataError(error.column or kind, error.code, str(error)) from error
    except CatalogueError as error:
        raise CatalogueDataError(kind, error.code, str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise CatalogueDataError(kind, "record_malformed", f"{error!r}") from error


def _check_types(data: _Data, *, boolean: str) -> None:
    """Refuse a member of another type than the one that is written under its name.

    Every value is text, or an object or list of texts; `boolean` names the one that is not. What
    is unknown is left out and never written as empty text.

    Raises:
        ValueError: A member is null, a number or a truth value, or is nested otherwise.
    """
    for name, value in data.items():
        if name == boolean:
            fits = isinstance(value, bool)
        elif name == "deviations":
            fits = isinstance(value, list) and all(map(_is_object_of_texts, value))
        elif name in _LISTS:
            fits = _is_list_of_texts(value)
        elif name in _OBJECTS:
            fits = _is_object_of_texts(value)
        else:
            fits = isinstance(value, str) and value != ""
        if not fits:
            raise ValueError(f"{name} is of another type")


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_object_of_texts(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, str) or _is_list_of_texts(each) for each in value.values()
    )


def _relation(data: _Data) -> Relation:
    found = Relation(
        source=data["source"],
        target=data["target"],
        type=RelationType(data["type"]),
        degree=Degree(data["degree"]) if "degree" in data else None,
        declared_by=data["declared_by"],
        parameters=tuple(data.get("parameters", ())),
        clauses=tuple(data.get("clauses", ())),
        hs=tuple(data.get("hs", ())),
        evidence=data.get("evidence", ""),
        valid_from=_day(data, "valid_from"),
        valid_until=_day(data, "valid_until"),
        status=RelationStatus(data["status"]),
        deviations=tuple(
            Deviation(**entry | {"stricter_side": StricterSide(entry["stricter_side"])})
            for entry in data.get("deviations", ())
        ),
        provenance=_provenance(data),
    )
    found.check()
    return found


def _requirement(data: _Data) -> Requirement:
    scope = data.get("scope", {})
    rounding = data.get("rounding")
    return Requirement(
        standard=data["standard"],
        clause=data.get("clause", ""),
        parameter=data["parameter"],
        operator=Operator(data["operator"]),
        lower=_decimal(data, "lower"),
        upper=_decimal(data, "upper"),
        text=data.get("text"),
        unit=builtin_units().resolve(data.get("unit", "")),
        decision_rule=DecisionRule(data["decision_rule"]) if "decision_rule" in data else None,
        rounding=None if rounding is None else Rounding(_decimal(rounding, "interval")),
        basis=data.get("basis", ""),
        conditions=tuple(data.get("conditions", {}).items()),
        accepted_methods=tuple(data["accepted_methods"]) if "accepted_methods" in data else None,
        mandatory=data["mandatory"],
        scope=Scope(
            matrix=scope.get("matrix", ""),
            grade=scope.get("grade", ""),
            hs=tuple(scope.get("hs", ())),
            hs_edition=scope.get("hs_edition", ""),
            countries=tuple(scope.get("countries", ())),
        ),
        valid_from=_day(data, "valid_from"),
        valid_until=_day(data, "valid_until"),
        provenance=_provenance(data),
    )


def _no_limit(data: _Data) -> NoLimit:
    return NoLimit(data["standard"], data["parameter"], data["matrix"], _provenance(data))


def _provenance(data: _Data) -> Provenance:
    return provenance_from_row(data["provenance"])


def _decimal(data: _Data, name: str) -> Decimal | None:
    """Return an exact finite number."""
    if name not in data:
        return None
    found = Decimal(data[name])
    if not isinstance(data[name], str) or not found.is_finite():
        raise ValueError(f"{name} is no decimal string")
    return found


def _day(data: _Data, name: str) -> date | None:
    return date.fromisoformat(data[name]) if name in data else None


_READERS: Final[Mapping[str, Callable[[_Data], Record]]] = {
    "edition": edition_from_row,
    "relation": _relation,
    "requirement": _requirement,
    "no_limit": _no_limit,
}
