"""Reading the limits of a requirement: operator, one or two limits, rounding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from standards_catalog.conformity.fields import (
    DECIMAL,
    Data,
    items,
    member_of,
    read_decimal,
    text_of,
)
from standards_catalog.errors import MalformedCaseError
from standards_catalog.requirements import Operator, Rounding

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
_ROUNDED_WORDS: Final = frozenset(
    {"gb/t8170", "gbt8170", "halfeven", "roundedvalue", "rounded", "修约值比较法", "修约值比较"}
)
_UNROUNDED_WORDS: Final = frozenset({"", "none", "fullvalue", "全数值比较法", "全数值比较"})


def read_operator(value: object, path: str) -> Operator:
    """Return an operator, also in its typographic form."""
    text = text_of(value, path)
    return _OPERATORS.get(text) or member_of(Operator, text, path)


def read_limits(
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
    if operator is Operator.EQUAL and isinstance(limit, str) and not DECIMAL.fullmatch(limit):
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


def read_rounding(fields: Data, path: str) -> Rounding | None:
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
        interval = value.get("interval", value.get("step", interval))
        places = next((value[n] for n in ("decimals", "places", "digits") if n in value), None)
    elif isinstance(value, int):
        prescribed, places = True, None if value is True else value
    elif isinstance(value, Decimal) or (isinstance(value, str) and DECIMAL.fullmatch(value)):
        prescribed, interval = True, value
    else:
        prescribed = _is_rounded(text_of(value, where), where)
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
        _is_rounded(text_of(value.get(name), f"{where}.{name}"), f"{where}.{name}")
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
