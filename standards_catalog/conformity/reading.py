"""Strict reading of cases: plain data in, typed inputs out.

Two shapes of a result are read: the flat one of evaluation cases and that of a certificate's
document, where method, quantity and uncertainty are objects of their own. Unknown keys are
ignored; a known key with a wrong value is an error that names its path. Numbers are decimal
strings or JSON numbers read as decimals, never binary floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, TypeVar

from standards_catalog.conformity.inputs import (
    BasisConversion,
    Context,
    Product,
    ResultKind,
    TestResult,
    plain_basis,
)
from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.errors import MalformedCaseError
from standards_catalog.requirements import DecisionRule, Operator, Requirement, Rounding, Scope
from standards_catalog.units import Unit, UnitTable, UnknownUnit
from standards_catalog.units.table import MAX_SUPPLIED_UNITS

Data = Mapping[str, Any]

_DECIMAL: Final = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?")
_SPAN: Final = re.compile(
    r"(?P<lower>[+-]?[\d.]+)\s*(?:\.\.\.?|…|–|—|~|to|-)\s*(?P<upper>[+-]?[\d.]+)"
)
_OPERATORS: Final = {
    "≤": Operator.AT_MOST,
    "⩽": Operator.AT_MOST,
    "=<": Operator.AT_MOST,
    "≥": Operator.AT_LEAST,
    "⩾": Operator.AT_LEAST,
    "=>": Operator.AT_LEAST,
    "==": Operator.EQUAL,
    "between": Operator.RANGE,
}
_NOT_DETECTED_WORDS: Final = frozenset({"nd", "n.d.", "not detected", "未检出", "不得检出"})
_ROUNDED_WORDS: Final = frozenset(
    {"gb/t8170", "gbt8170", "halfeven", "roundedvalue", "rounded", "修约值比较法", "修约值比较"}
)
_UNROUNDED_WORDS: Final = frozenset({"", "none", "fullvalue", "全数值比较法", "全数值比较"})
_HUNDRED: Final = Decimal(100)
_MAX_ITEMS: Final = 1000

_E = TypeVar("_E", bound=StrEnum)


def read_decimal(value: object, path: str) -> Decimal:
    """Read a number.

    Raises:
        MalformedCaseError: It is no finite decimal of at most 40 digits before and after the point.
    """
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.isascii() or not _DECIMAL.fullmatch(value.strip()):
        raise MalformedCaseError(path, f"not a decimal string: {value!r}")
    return Decimal(value.strip())


def read_result(data: object, path: str, units: UnitTable) -> TestResult | None:
    """Read one result; None stands for a result that is missing or withheld.

    Raises:
        MalformedCaseError: A field has a wrong value.
    """
    if data is None:
        return None
    fields = _object(data, path)
    inner = fields.get("result")
    quantity = _object(inner, f"{path}.result") if isinstance(inner, Mapping) else fields
    if fields.get("withheld") is True or (quantity is fields and not _tells_something(fields)):
        return None
    uncertainty, k, uncertainty_unit = _uncertainty(fields, path)
    kind = _result_kind(quantity, path)
    return TestResult(
        parameter=_code(fields.get("parameter"), f"{path}.parameter"),
        kind=kind,
        value=_optional_decimal(quantity, "value", path) if kind is ResultKind.QUANTITY else None,
        text=_words(quantity.get("value")) if kind is ResultKind.TEXT else "",
        unit=_unit(fields.get("unit"), f"{path}.unit", units),
        loq=_optional_decimal(fields, "loq", path),
        loq_unit=_optional_unit(fields, "loq_unit", path, units),
        lod=_optional_decimal(fields, "lod", path),
        lod_unit=_optional_unit(fields, "lod_unit", path, units),
        uncertainty=uncertainty,
        uncertainty_unit=(
            None
            if uncertainty_unit is None
            else _unit(uncertainty_unit, f"{path}.uncertainty.unit", units)
        ),
        coverage_factor=k,
        method=_method(fields.get("method"), f"{path}.method"),
        basis=plain_basis(_text(fields.get("basis"), f"{path}.basis")),
        conditions=_conditions(fields, path),
    )


def read_requirement(
    data: object, path: str, units: UnitTable, *, parameter: str = ""
) -> Requirement:
    """Read one requirement.

    Raises:
        MalformedCaseError: A field is missing or has a wrong value.
    """
    fields = _object(data, path)
    operator = _operator(fields.get("operator"), f"{path}.operator")
    lower, upper, text = _read_limits(fields, operator, path)
    return Requirement(
        parameter=_code(fields.get("parameter"), f"{path}.parameter") or parameter,
        operator=operator,
        unit=_unit(fields.get("unit"), f"{path}.unit", units),
        lower=lower,
        upper=upper,
        text=text,
        decision_rule=_optional_rule(fields, path),
        rounding=_rounding(fields, path),
        basis=plain_basis(_text(fields.get("basis"), f"{path}.basis")),
        conditions=_conditions(fields, path),
        accepted_methods=_accepted_methods(fields, path),
        mandatory=_flag(fields, "mandatory", path, default=True),
        scope=_scope(fields.get("scope"), f"{path}.scope"),
        valid_from=_optional_date(fields, "valid_from", path),
        valid_until=_optional_date(fields, "valid_until", path),
        standard=_text(fields.get("standard"), f"{path}.standard"),
    )


def read_context(
    data: object,
    path: str,
    *,
    methods: MethodMatcher,
    sample: object = None,
) -> Context:
    """Read what was known or agreed; `sample` may be a result that states its own moisture.

    Raises:
        MalformedCaseError: A field has a wrong value.
    """
    fields = _object(data if data is not None else {}, path)
    moisture = _moisture(fields, path)
    if moisture is None and isinstance(sample, Mapping):
        moisture = _moisture(sample, "result")
    product = fields.get("product")
    return Context(
        test_date=_optional_date(fields, "test_date", path),
        moisture=moisture,
        conversions=_basis_conversions(fields.get("conversions"), f"{path}.conversions"),
        decision_rule=_optional_rule(fields, path),
        product=read_product(product, f"{path}.product"),
        country=_text(fields.get("country"), f"{path}.country"),
        methods=methods,
    )


def read_product(data: object, path: str) -> Product:
    """Read what was tested.

    Raises:
        MalformedCaseError: A field has a wrong value.
    """
    fields = _object(data if data is not None else {}, path)
    hs = fields.get("hs", fields.get("hs_code"))
    return Product(
        matrix=_text(fields.get("matrix"), f"{path}.matrix"),
        grade=_text(fields.get("grade"), f"{path}.grade"),
        hs=_text(hs, f"{path}.hs"),
        hs_edition=_text(fields.get("hs_edition"), f"{path}.hs_edition"),
    )


def read_unit_table(data: object, path: str = "units") -> UnitTable:
    """Read a table of units that comes with the cases: unit → {"dimension", "factor"}.

    Raises:
        MalformedCaseError: The table is too large, or a dimension or factor is wrong.
    """
    fields = _object(data, path)
    if len(fields) > MAX_SUPPLIED_UNITS:
        raise MalformedCaseError(path, f"more than {MAX_SUPPLIED_UNITS} units")
    supplied: dict[str, tuple[str, Fraction]] = {}
    for text, entry in fields.items():
        where = f"{path}.{text}"
        row = _object(entry, where)
        factor = Fraction(read_decimal(row.get("factor"), f"{where}.factor"))
        dimension = _text(row.get("dimension"), f"{where}.dimension")
        if factor <= 0 or not dimension:
            raise MalformedCaseError(where, "needs a dimension and a positive factor")
        supplied[text] = (dimension, factor)
    return UnitTable(supplied)


def _object(data: object, path: str) -> Data:
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


def _text(value: object, path: str) -> str:
    """Return a text, "" for null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedCaseError(path, f"not a text: {value!r}")
    return value.strip()


def _words(value: object) -> str:
    """Return a result in words; a number or a truth value becomes its JSON word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()


def _code(value: object, path: str) -> str:
    """Return the code of a parameter, given alone or as {"code": ...}."""
    if isinstance(value, Mapping):
        return _text(value.get("code"), f"{path}.code")
    return _text(value, path)


def _method(value: object, path: str) -> str | None:
    """Return the code of a method, given alone or as {"standard": ...}."""
    if isinstance(value, Mapping):
        return _text(value.get("standard"), f"{path}.standard") or None
    return _text(value, path) or None


def _flag(fields: Data, name: str, path: str, *, default: bool) -> bool:
    """Return a truth value."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise MalformedCaseError(f"{path}.{name}", f"not true or false: {value!r}")
    return value


def _unit(value: object, path: str, units: UnitTable) -> Unit | UnknownUnit:
    """Return a unit; no unit at all is told apart from the unit one."""
    return units.resolve(_text(value, path))


def _optional_unit(
    fields: Data, name: str, path: str, units: UnitTable
) -> Unit | UnknownUnit | None:
    """Return a unit, None where none is given."""
    value = fields.get(name)
    return None if value is None else _unit(value, f"{path}.{name}", units)


def _optional_decimal(fields: Data, name: str, path: str) -> Decimal | None:
    """Return a number, None for null or absence."""
    value = fields.get(name)
    return None if value is None else read_decimal(value, f"{path}.{name}")


def _optional_date(fields: Data, name: str, path: str) -> date | None:
    """Return a day, None for null or absence. Of a time, the day counts."""
    text = _text(fields.get(name), f"{path}.{name}")
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise MalformedCaseError(f"{path}.{name}", f"not a date: {text!r}") from error


def _member(kind: type[_E], value: object, path: str) -> _E:
    """Return the member of an enumeration that a text names."""
    try:
        return kind(_text(value, path))
    except ValueError as error:
        raise MalformedCaseError(path, f"not one of {', '.join(kind)}: {value!r}") from error


def _tells_something(fields: Data) -> bool:
    """Tell whether a result states anything; the stub of a withheld one does not."""
    return any(fields.get(name) is not None for name in ("type", "value", "loq", "lod", "reported"))


def _result_kind(quantity: Data, path: str) -> ResultKind:
    """Return what was reported; a value without a type is a quantity."""
    kind = quantity.get("type")
    value = quantity.get("value")
    if kind is None and value is not None:
        return ResultKind.QUANTITY
    if kind == "missing":
        return ResultKind.WITHHELD
    found = _member(ResultKind, kind, f"{path}.type")
    if found is ResultKind.TEXT and _words(value).casefold() in _NOT_DETECTED_WORDS:
        return ResultKind.NOT_DETECTED
    return found


def _uncertainty(fields: Data, path: str) -> tuple[Decimal | None, Decimal, object]:
    """Return U, its k (2 unless stated) and its unit if it is another one."""
    stated = fields.get("uncertainty")
    if isinstance(stated, Mapping):
        where = f"{path}.uncertainty"
        expanded, k, unit = stated.get("expanded"), stated.get("k"), stated.get("unit")
    else:
        where = path
        expanded = fields.get("U", stated)
        k, unit = fields.get("k", fields.get("coverage_factor")), fields.get("U_unit")
    value = None if expanded is None else read_decimal(expanded, f"{where}.U")
    return value, Decimal(2) if k is None else read_decimal(k, f"{where}.k"), unit


def _conditions(fields: Data, path: str) -> tuple[tuple[str, str], ...]:
    """Return conditions given as an object, as words, or as an age of their own."""
    where = f"{path}.conditions"
    stated = fields.get("conditions")
    if isinstance(stated, Mapping):
        found = {str(name): _words(value) for name, value in stated.items() if value is not None}
    else:
        words = _text(stated, where)
        found = {"stated": words} if words else {}
    age = fields.get("age")
    if age is not None:
        found.setdefault("age", _words(age))
    return tuple(sorted(found.items()))


def _operator(value: object, path: str) -> Operator:
    """Return an operator, also in its typographic form."""
    text = _text(value, path)
    return _OPERATORS.get(text) or _member(Operator, text, path)


def _read_limits(
    fields: Data, operator: Operator, path: str
) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Return lower limit, upper limit and expected wording."""
    limit, where = fields.get("limit"), f"{path}.limit"
    if operator is Operator.RANGE:
        lower, upper = _span(fields, limit, path)
        if lower is not None and upper is not None and lower > upper:
            raise MalformedCaseError(where, f"lower limit {lower} is above upper limit {upper}")
        return lower, upper, None
    if limit is None:
        return None, None, None
    if operator is Operator.EQUAL and isinstance(limit, str) and not _DECIMAL.fullmatch(limit):
        return None, None, limit
    value = read_decimal(limit, where)
    return (
        None if operator in {Operator.AT_MOST, Operator.NOT_DETECTED} else value,
        None if operator is Operator.AT_LEAST else value,
        None,
    )


def _span(fields: Data, limit: object, path: str) -> tuple[Decimal | None, Decimal | None]:
    """Return both ends of a range, given as two fields, a pair, an object or "a-b"."""
    where = f"{path}.limit"
    ends: Mapping[str, Any] = fields
    if isinstance(limit, Mapping):
        ends = limit
    elif isinstance(limit, str):
        match = _SPAN.fullmatch(limit.strip())
        if match is None:
            raise MalformedCaseError(where, f"not a range: {limit!r}")
        ends = match.groupdict()
    elif limit is not None:
        pair = items(limit, where)
        if len(pair) != 2:  # noqa: PLR2004  (two ends)
            raise MalformedCaseError(where, "a range has two ends")
        ends = {"lower": pair[0], "upper": pair[1]}
    found = []
    for names in (("lower", "min", "low", "from"), ("upper", "max", "high", "to")):
        spellings = (*names, *(f"limit_{name}" for name in names), *(f"{n}_limit" for n in names))
        value = next((ends[name] for name in spellings if ends.get(name) is not None), None)
        found.append(None if value is None else read_decimal(value, f"{where}.{names[0]}"))
    return found[0], found[1]


def _optional_rule(fields: Data, path: str) -> DecisionRule | None:
    """Return a decision rule, None for null or absence."""
    value = fields.get("decision_rule")
    return None if value is None else _member(DecisionRule, value, f"{path}.decision_rule")


def _rounding(fields: Data, path: str) -> Rounding | None:
    """Return the prescribed rounding.

    A text names the rule ("GB/T 8170", "half_even", "none") or is the interval ("0.1"); a whole
    number counts decimal places; an object has "interval" or "decimals", and may say
    {"comparison": "full_value"} for no rounding.
    """
    value, where = fields.get("rounding"), f"{path}.rounding"
    interval = fields.get("rounding_interval")
    if value is None or value is False:
        return None
    places = None
    if isinstance(value, Mapping):
        prescribed = _named_rounding(value, where)
        interval = value.get("interval", interval)
        places = next((value[n] for n in ("decimals", "places", "digits") if n in value), None)
    elif isinstance(value, int):
        prescribed, places = True, None if value is True else value
    elif isinstance(value, Decimal) or (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        prescribed, interval = True, value
    else:
        prescribed = _is_rounded(_text(value, where), where)
    if not prescribed:
        return None
    if interval is None:
        return Rounding(None if places is None else _places(places, where))
    found = read_decimal(interval, where)
    if found <= 0:
        raise MalformedCaseError(where, "a rounding interval is positive")
    return Rounding(found)


def _named_rounding(value: Data, where: str) -> bool:
    """Tell whether every word of a rounding object says that the result is rounded."""
    names = ("comparison", "method", "rule", "mode", "standard")
    return all(
        _is_rounded(_text(value.get(name), f"{where}.{name}"), f"{where}.{name}")
        for name in names
        if value.get(name) is not None
    )


def _is_rounded(text: str, where: str) -> bool:
    """Tell whether a word means that the result is rounded before it is compared."""
    plain = re.sub(r"[\s_-]+", "", text.casefold())
    if plain in _UNROUNDED_WORDS:
        return False
    if plain in _ROUNDED_WORDS or plain.startswith(("gb/t8170", "gbt8170")):
        return True
    raise MalformedCaseError(where, f"not a rounding that we know: {text!r}")


def _places(value: object, where: str) -> Decimal:
    """Return the interval that belongs to a number of decimal places."""
    places = read_decimal(value, where)
    if places != places.to_integral_value() or not 0 <= places <= 20:  # noqa: PLR2004
        raise MalformedCaseError(where, "not a number of decimal places")
    return Decimal((0, (1,), -int(places)))


def _accepted_methods(fields: Data, path: str) -> tuple[str, ...] | None:
    """Return the accepted methods, None where any will do."""
    listed, where = fields.get("accepted_methods"), f"{path}.accepted_methods"
    own = _method(fields.get("method"), f"{path}.method")
    if listed is None:
        return (own,) if own else None
    codes = [_method(code, where) for code in items(listed, where)]
    if None in codes:
        raise MalformedCaseError(where, "an accepted method has no code")
    return tuple(code for code in (*codes, own) if code)


def _scope(data: object, path: str) -> Scope:
    """Read to which goods a requirement applies."""
    if data is None:
        return Scope()
    fields = _object(data, path)
    hs, countries = fields.get("hs") or (), fields.get("countries") or ()
    return Scope(
        matrix=_text(fields.get("matrix"), f"{path}.matrix"),
        grade=_text(fields.get("grade"), f"{path}.grade"),
        hs=tuple(_text(code, f"{path}.hs") for code in items(hs, f"{path}.hs")),
        hs_edition=_text(fields.get("hs_edition"), f"{path}.hs_edition"),
        countries=tuple(
            _text(code, f"{path}.countries") for code in items(countries, f"{path}.countries")
        ),
    )


def _basis_conversions(data: object, path: str) -> tuple[BasisConversion, ...]:
    """Read stated factors between bases."""
    found = []
    for number, entry in enumerate(items(data if data is not None else (), path)):
        where = f"{path}[{number}]"
        row = _object(entry, where)
        factor = read_decimal(row.get("factor"), f"{where}.factor")
        if factor <= 0:
            raise MalformedCaseError(f"{where}.factor", "a factor is positive")
        source = plain_basis(_text(row.get("from"), f"{where}.from"))
        found.append(
            BasisConversion(source, plain_basis(_text(row.get("to"), f"{where}.to")), factor)
        )
    return tuple(found)


def _moisture(fields: Data, path: str) -> Decimal | None:
    """Return the mass fraction of water, None if it is not stated or cannot be one.

    A bare number below 1 is a fraction; above 1 it can only be per cent; 1 itself is ambiguous and
    not used. "65 %", {"value": "65", "unit": "%"} and `moisture_percent` say it outright.
    """
    value, where = fields.get("moisture"), f"{path}.moisture"
    per_cent = False
    if value is None and fields.get("moisture_percent") is not None:
        value, per_cent = fields["moisture_percent"], True
    if isinstance(value, Mapping):
        per_cent = _text(value.get("unit"), where).startswith("%")
        value = value.get("value")
    if isinstance(value, str) and value.strip().endswith("%"):
        value, per_cent = value.strip()[:-1], True
    if value is None:
        return None
    number = read_decimal(value, where)
    if per_cent or number > 1:
        number /= _HUNDRED
    elif number == 1:
        return None
    return number if 0 <= number < 1 else None
