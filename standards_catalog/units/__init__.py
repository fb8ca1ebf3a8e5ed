"""Units of measurement: exact decimals, one dimension at a time, look-alikes refused."""

from standards_catalog.units.conversion import Conversion, Refusal, conversion
from standards_catalog.units.expression import Unit, UnknownUnit
from standards_catalog.units.table import UnitTable, builtin_units, parse_unit

__all__ = [
    "Conversion",
    "Refusal",
    "Unit",
    "UnitTable",
    "UnknownUnit",
    "builtin_units",
    "conversion",
    "parse_unit",
]
