"""Which text means which unit: ours, or a table that somebody supplies."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final

from standards_catalog.units.expression import Unit, UnknownUnit, plain_unit, read_unit

MAX_SUPPLIED_UNITS: Final = 2000


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit | UnknownUnit:
    """Read a unit with our own definitions. Equal texts give the same object."""
    return read_unit(text)


class UnitTable:
    """Units by text: a supplied table first, our definitions for everything that it lacks.

    A supplied table has its own base units. Each of its dimensions is brought to ours through a
    unit that both know, so that a unit of the table converts to one that the table lacks.
    """

    def __init__(self, supplied: Mapping[str, tuple[str, Fraction]] | None = None) -> None:
        """Take a table of unit → (dimension, factor to the base unit of the table's dimension)."""
        self._units: dict[str, Unit] = {}
        supplied = supplied or {}
        for dimension in dict.fromkeys(dimension for dimension, _ in supplied.values()):
            members = {
                plain_unit(text): factor
                for text, (name, factor) in supplied.items()
                if name == dimension
            }
            ours, scale = self._anchor(dimension, members)
            for text, factor in members.items():
                self._units[text] = Unit(text, ours, factor * scale)

    @staticmethod
    def _anchor(dimension: str, members: Mapping[str, Fraction]) -> tuple[str, Fraction]:
        """Return our name of a supplied dimension and our size of its base unit."""
        for text in sorted(members, key=lambda name: (members[name] != 1, name)):
            known = parse_unit(text)
            if isinstance(known, Unit) and not known.offset and len(known.may_be) == 1:
                return known.dimension, known.factor / members[text]
        return dimension, Fraction(1)

    def resolve(self, text: str) -> Unit | UnknownUnit:
        """Return the unit that a text means."""
        if self._units:
            found = self._units.get(text) or self._units.get(plain_unit(text[:64]))
            if found is not None:
                return found
        return parse_unit(text)


_BUILTIN: Final = UnitTable()


def builtin_units() -> UnitTable:
    """Return the table that holds our definitions alone."""
    return _BUILTIN
