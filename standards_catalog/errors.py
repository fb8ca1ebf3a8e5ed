"""Errors of the catalogue.

CatalogueError
├── UnrecognisedIdentifierError   a text is no standard's code that we can read
├── UnknownStandardError          a code is well formed but not in the catalogue
├── UnitError
│   ├── UnknownUnitError          nobody can tell what the unit is
│   └── DimensionError            both units are known and measure different things
├── MalformedCaseError            a case to evaluate breaks its format
├── CatalogueDataError            catalogue data contradict themselves or are incomplete
└── LimitExceededError            an input is larger than we are willing to read

A requirement that is not met is not an error: it is an outcome. An exception always means that
the question could not be put.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class CatalogueError(Exception):
    """Base of every error raised on purpose by `standards_catalog`.

    Attributes:
        code: Stable machine-readable name, part of the public API; never reused or renamed.
    """

    code: ClassVar[str] = "catalogue_error"


class UnrecognisedIdentifierError(CatalogueError):
    """A text does not follow the numbering of any publisher that we know.

    Attributes:
        text: The text as given.
    """

    code = "identifier_unrecognised"

    def __init__(self, text: str) -> None:
        super().__init__(f"not the code of a standard that we can read: {text!r}")
        self.text = text


class UnknownStandardError(CatalogueError):
    """A well-formed code that the catalogue does not hold.

    Attributes:
        text: The code as given.
        near: Codes of the catalogue that look like it, nearest first.
    """

    code = "standard_unknown"

    def __init__(self, text: str, *, near: Sequence[str] = ()) -> None:
        hint = f"; near: {', '.join(near)}" if near else ""
        super().__init__(f"not in the catalogue: {text!r}{hint}")
        self.text = text
        self.near = tuple(near)


class UnitError(CatalogueError):
    """Base of the errors about units of measurement."""

    code = "unit_error"


class UnknownUnitError(UnitError):
    """Nobody can tell what the unit is: unknown, or a ratio that does not say of what.

    Attributes:
        unit: The unit as given.
    """

    code = "unit_unknown"

    def __init__(self, unit: str, *, why: str = "not a unit that we know") -> None:
        super().__init__(f"unit {unit!r}: {why}")
        self.unit = unit


class DimensionError(UnitError):
    """Two known units measure different things and never convert.

    Attributes:
        units: Both units as given.
        dimensions: What each of them measures.
    """

    code = "unit_dimension"

    def __init__(self, units: tuple[str, str], dimensions: tuple[str, str]) -> None:
        super().__init__(
            f"{units[0]!r} ({dimensions[0]}) does not convert to {units[1]!r} ({dimensions[1]})"
        )
        self.units = units
        self.dimensions = dimensions


class MalformedCaseError(CatalogueError):
    """A case to evaluate breaks its format.

    Attributes:
        path: Where in the case, dotted, e.g. "requirement.limit".
        reason: What is wrong there.
    """

    code = "case_malformed"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class CatalogueDataError(CatalogueError):
    """Catalogue data contradict themselves or lack what they must have.

    Attributes:
        where: Which record, e.g. "requirements[3]".
        problem: Stable name of the problem, e.g. "limit_without_unit".
    """

    code = "catalogue_data"

    def __init__(self, where: str, problem: str, message: str) -> None:
        super().__init__(f"{where}: {problem}: {message}")
        self.where = where
        self.problem = problem


class LimitExceededError(CatalogueError):
    """An input is larger than we are willing to read."""

    code = "limit_exceeded"

    def __init__(self, what: str, *, actual: int, limit: int) -> None:
        super().__init__(f"{what}: {actual} exceeds the limit of {limit}")
        self.what = what
        self.actual = actual
        self.limit = limit
