"""Strict reading of cases: plain data in, typed inputs out.

Two shapes of a result are read: the flat one of evaluation cases and that of a certificate's
document, where method, quantity and uncertainty are objects of their own. Unknown keys are
ignored; a known key with a wrong value is an error that names its path. Numbers are decimal
strings or JSON numbers read as decimals, never binary floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from standards_catalog.conformity.fields import (
    Data,
    code_of,
    conditions_of,
    flag_of,
    items,
    member_of,
    method_of,
    object_of,
    optional_date,
    optional_decimal,
    optional_rule,
    optional_unit,
    read_decimal,
    text_of,
    unit_of,
    words_of,
)
from standards_catalog.conformity.inputs import (
    BasisConversion,
    Context,
    Product,
    ResultKind,
    TestResult,
    plain_basis,
)
from standards_catalog.conformity.limit_reading import read_limits, read_operator, read_rounding
from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.errors import MalformedCaseError
from standards_catalog.requirements import Requirement, Scope
from standards_catalog.units import UnitTable
from standards_catalog.units.conversion import EXACT
from standards_catalog.units.table import MAX_SUPPLIED_UNITS

_NOT_DETECTED_WORDS: Final = frozenset({"nd", "n.d.", "not detected", "未检出", "不得检出"})
_PER_CENT: Final = Decimal("0.01")


def read_result(data: object, path: str, units: UnitTable) -> TestResult | None:
    """Read one result; None stands for a result that is missing or withheld.

    Raises:
        MalformedCaseError: A field has a wrong value.
    """
    if data is None:
        return None
    fields = object_of(data, path)
    inner = fields.get("result")
    quantity = object_of(inner, f"{path}.result") if isinstance(inner, Mapping) else fields
    if fields.get("withheld") is True or (quantity is fields and not _tells_something(fields)):
        return None
    uncertainty, k, uncertainty_unit = _uncertainty(fields, path)
    kind = _result_kind(quantity, path)
    return TestResult(
        parameter=code_of(fields, path),
        kind=kind,
        value=optional_decimal(quantity, "value", path) if kind is ResultKind.QUANTITY else None,
        text=words_of(quantity.get("value")) if kind is ResultKind.TEXT else "",
        unit=unit_of(fields.get("unit"), f"{path}.unit", units),
        loq=optional_decimal(fields, "loq", path),
        loq_unit=optional_unit(fields, "loq_unit", path, units),
        lod=optional_decimal(fields, "lod", path),
        lod_unit=optional_unit(fields, "lod_unit", path, units),
        uncertainty=uncertainty,
        uncertainty_unit=(
            None
            if uncertainty_unit is None
            else unit_of(uncertainty_unit, f"{path}.uncertainty.unit", units)
        ),
        coverage_factor=k,
        method=method_of(fields.get("method"), f"{path}.method"),
        basis=plain_basis(text_of(fields.get("basis"), f"{path}.basis")),
        conditions=conditions_of(fields, path),
    )


def read_requirement(
    data: object, path: str, units: UnitTable, *, parameter: str = ""
) -> Requirement:
    """Read one requirement.

    Raises:
        MalformedCaseError: A field is missing or has a wrong value.
    """
    fields = object_of(data, path)
    operator = read_operator(fields.get("operator"), f"{path}.operator")
    lower, upper, text = read_limits(fields, operator, path)
    return Requirement(
        parameter=code_of(fields, path) or parameter,
        operator=operator,
        unit=unit_of(fields.get("unit"), f"{path}.unit", units),
        lower=lower,
        upper=upper,
        text=text,
        decision_rule=optional_rule(fields, path),
        rounding=read_rounding(fields, path),
        basis=plain_basis(text_of(fields.get("basis"), f"{path}.basis")),
        conditions=conditions_of(fields, path),
        accepted_methods=_accepted_methods(fields, path),
        mandatory=flag_of(fields, "mandatory", path, default=True),
        scope=_scope(fields.get("scope"), f"{path}.scope"),
        valid_from=optional_date(fields, "valid_from", path),
        valid_until=optional_date(fields, "valid_until", path),
        standard=text_of(fields.get("standard"), f"{path}.standard"),
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
    fields = object_of(data if data is not None else {}, path)
    moisture = _moisture(fields, path)
    if moisture is None and isinstance(sample, Mapping):
        moisture = _moisture(sample, "result")
    product = fields.get("product")
    return Context(
        test_date=optional_date(fields, "test_date", path),
        moisture=moisture,
        conversions=_basis_conversions(fields.get("conversions"), f"{path}.conversions"),
        decision_rule=optional_rule(fields, path),
        product=read_product(product, f"{path}.product"),
        country=text_of(fields.get("country"), f"{path}.country"),
        methods=methods,
    )


def read_product(data: object, path: str) -> Product:
    """Read what was tested.

    Raises:
        MalformedCaseError: A field has a wrong value.
    """
    fields = object_of(data if data is not None else {}, path)
    hs = fields.get("hs", fields.get("hs_code"))
    return Product(
        matrix=text_of(fields.get("matrix"), f"{path}.matrix"),
        grade=text_of(fields.get("grade"), f"{path}.grade"),
        hs=text_of(hs, f"{path}.hs"),
        hs_edition=text_of(fields.get("hs_edition"), f"{path}.hs_edition"),
    )


def read_unit_table(data: object, path: str = "units") -> UnitTable:
    """Read a table of units that comes with the cases: unit → {"dimension", "factor"}.

    Raises:
        MalformedCaseError: The table is too large, or a dimension or factor is wrong.
    """
    fields = object_of(data, path)
    if len(fields) > MAX_SUPPLIED_UNITS:
        raise MalformedCaseError(path, f"more than {MAX_SUPPLIED_UNITS} units")
    supplied: dict[str, tuple[str, Fraction]] = {}
    for text, entry in fields.items():
        where = f"{path}.{text}"
        row = object_of(entry, where)
        factor = Fraction(read_decimal(row.get("factor"), f"{where}.factor"))
        dimension = text_of(row.get("dimension"), f"{where}.dimension")
        if factor <= 0 or not dimension:
            raise MalformedCaseError(where, "needs a dimension and a positive factor")
        supplied[text] = (dimension, factor)
    return UnitTable(supplied)


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
    found = member_of(ResultKind, kind, f"{path}.type")
    if found is ResultKind.TEXT and words_of(value).casefold() in _NOT_DETECTED_WORDS:
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


def _accepted_methods(fields: Data, path: str) -> tuple[str, ...] | None:
    """Return the accepted methods, None where any will do."""
    listed, where = fields.get("accepted_methods"), f"{path}.accepted_methods"
    own = method_of(fields.get("method"), f"{path}.method")
    if listed is None:
        return (own,) if own else None
    codes = [method_of(code, where) for code in items(listed, where)]
    if None in codes:
        raise MalformedCaseError(where, "an accepted method has no code")
    return tuple(code for code in (*codes, own) if code)


def _scope(data: object, path: str) -> Scope:
    """Read to which goods a requirement applies."""
    if data is None:
        return Scope()
    fields = object_of(data, path)
    hs, countries = fields.get("hs") or (), fields.get("countries") or ()
    return Scope(
        matrix=text_of(fields.get("matrix"), f"{path}.matrix"),
        grade=text_of(fields.get("grade"), f"{path}.grade"),
        hs=tuple(text_of(code, f"{path}.hs") for code in items(hs, f"{path}.hs")),
        hs_edition=text_of(fields.get("hs_edition"), f"{path}.hs_edition"),
        countries=tuple(
            text_of(code, f"{path}.countries") for code in items(countries, f"{path}.countries")
        ),
    )


def _basis_conversions(data: object, path: str) -> tuple[BasisConversion, ...]:
    """Read stated factors between bases."""
    found = []
    for number, entry in enumerate(items(data if data is not None else (), path)):
        where = f"{path}[{number}]"
        row = object_of(entry, where)
        factor = read_decimal(row.get("factor"), f"{where}.factor")
        if factor <= 0:
            raise MalformedCaseError(f"{where}.factor", "a factor is positive")
        source = plain_basis(text_of(row.get("from"), f"{where}.from"))
        found.append(
            BasisConversion(source, plain_basis(text_of(row.get("to"), f"{where}.to")), factor)
        )
    return tuple(found)


def _moisture(fields: Data, path: str) -> Decimal | None:
    """Return the mass fraction of water, None if it is not stated or cannot be one.

    A bare number below 1 is a fraction; above 1 it can only be per cent; 1 itself is ambiguous and
    not used. "65 %", {"value": "65", "unit": "%"}, `moisture_percent` and `moisture_fraction` say
    it outright.
    """
    value, where = fields.get("moisture"), f"{path}.moisture"
    per_cent: bool | None = None
    if value is None:
        per_cent = fields.get("moisture_fraction") is None
        value = fields.get("moisture_percent" if per_cent else "moisture_fraction")
    if isinstance(value, Mapping):
        per_cent = text_of(value.get("unit"), where).startswith("%")
        value = value.get("value")
    if isinstance(value, str) and value.strip().endswith("%"):
        value, per_cent = value.strip()[:-1], True
    if value is None:
        return None
    number = read_decimal(value, where)
    if number == 1 and per_cent is None:
        return None
    if per_cent or (per_cent is None and number > 1):
        number = EXACT.multiply(number, _PER_CENT)
    return number if 0 <= number < 1 else None
