"""Reading a unit: an expression over known atoms becomes a factor and a dimension.

A unit is a product of atoms with prefixes and powers. Reading it that way, and not only looking it
up, tells two refusals apart: a unit of another dimension is known even if no table lists it
("mg/dm3", "kN/m2"), a unit of unknown atoms is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Final

from standards_catalog.packaged import read_json

MAX_UNIT_CHARS: Final = 48
_MAX_POWER: Final = 9
UNSTATED_BASIS: Final = "ratio_of_unstated_basis"
_FRACTION_KINDS: Final = frozenset(
    {"mass_fraction", "volume_fraction", "amount_fraction", "one", UNSTATED_BASIS}
)

Dimensions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A unit that we can convert. Compared by identity: `UnitTable` hands out one per text.

    Attributes:
        symbol: The unit as read, in plain characters.
        dimension: What it measures, e.g. "mass_fraction"; only equal dimensions convert.
        factor: Size in the base unit of the dimension, exact.
        offset: Added to a value before scaling (temperatures), exact.
    """

    symbol: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)

    @property
    def may_be(self) -> frozenset[str]:
        """Dimensions that the unit could mean: one, or any kind of fraction for a bare "ppm"."""
        return _FRACTION_KINDS if self.dimension == UNSTATED_BASIS else frozenset({self.dimension})


@dataclass(frozen=True, slots=True)
class UnknownUnit:
    """A text that nobody can tell the meaning of.

    Attributes:
        symbol: The text as given.
        why: What is wrong with it.
    """

    symbol: str
    why: str = "not a unit that we know"


@dataclass(frozen=True, slots=True)
class _Factor:
    """Size and dimensions of an atom or expression while it is being put together."""

    size: Fraction
    dimensions: Dimensions


class _UnreadableUnitError(Exception):
    """An expression breaks its grammar or names an unknown atom."""


_TOKEN: Final = re.compile(
    r"(?P<count>\d{1,6})?(?P<atom>\[[^\[\]]+\]|°?[^\W\d_]+|[%°‰])(?:\^?(?P<power>[+-]?\d+))?"
    r"|(?P<number>\d{1,6})"
)
_BASIS: Final = r"\(? ?(?:m/m|w/w|v/v|n/n|mol/mol|m/v|w/v|mass|volume|质量分数|体积分数) ?\)?"
_STATED_FRACTION: Final = re.compile(
    rf"(?P<scale>%|‰|ppm|ppb|percent) ?(?P<basis>{_BASIS})|(?P<short>wt\.?|vol\.?|m|w|v)[ -]?%"
    r"|(?P<gas>ppmv|ppbv|ppmw|ppbw)"
)
_BASES: Final = {
    "m/m": "mass_fraction",
    "w/w": "mass_fraction",
    "mass": "mass_fraction",
    "质量分数": "mass_fraction",
    "v/v": "volume_fraction",
    "volume": "volume_fraction",
    "体积分数": "volume_fraction",
    "n/n": "amount_fraction",
    "mol/mol": "amount_fraction",
    "m/v": "mass_concentration",
    "w/v": "mass_concentration",
    "wt": "mass_fraction",
    "m": "mass_fraction",
    "w": "mass_fraction",
    "vol": "volume_fraction",
    "v": "volume_fraction",
}
_GRAM_PER_100_ML: Final = 1000  # "% (m/v)" is g per 100 mL: 0.01 of 1000 kg/m3


def plain_unit(text: str) -> str:
    """Return a unit in plain characters: "µg·kg⁻¹" gives "ug.kg-1"; mPa stays mPa, not MPa."""
    plain = unicodedata.normalize("NFKC", text).strip()
    for typographic, ascii_text in (("μ", "u"), ("−", "-"), ("**", "^"), ("∙", "."), ("⋅", ".")):
        plain = plain.replace(typographic, ascii_text)
    plain = re.sub(r" ?[·×*] ?", ".", plain)
    plain = re.sub(r" ?/ ?", "/", re.sub(r" +", " ", plain))
    return re.sub(r"(?<=/)(\d+) (?=[A-Za-z])", r"\1", plain)  # "mg/100 g" is per 100 g


def read_unit(text: str) -> Unit | UnknownUnit:
    """Read one unit; never raises."""
    if len(text) > MAX_UNIT_CHARS:
        return UnknownUnit(text[:MAX_UNIT_CHARS], "longer than any unit")
    plain = plain_unit(text)
    if not plain:
        return UnknownUnit("", "no unit is stated")
    stated = _STATED_FRACTION.fullmatch(plain)
    if stated is not None:
        return _stated_fraction(plain, stated)
    plain = _named(plain)
    special = _special(plain)
    if special is not None:
        return special
    try:
        found = _expression(plain, depth=0)
    except _UnreadableUnitError as error:
        return UnknownUnit(text, str(error))
    return Unit(plain, _dimension_name(found.dimensions), found.size)


def _special(plain: str) -> Unit | None:
    """Return a unit that is no product of atoms: one, a bare fraction, a temperature scale."""
    definitions = _definitions()
    if plain == "1":
        return Unit("1", "one", Fraction(1))
    if plain in definitions["fractions"]:
        return Unit(plain, UNSTATED_BASIS, Fraction(definitions["fractions"][plain]))
    temperature = definitions["temperatures"].get(plain)
    if temperature is None:
        return None
    size = Fraction(int(temperature["numerator"]), int(temperature["denominator"]))
    return Unit(plain, "temperature", size, Fraction(temperature["offset"]))


def _stated_fraction(plain: str, match: re.Match[str]) -> Unit:
    """Return a percentage or "parts per" whose basis is stated."""
    if match["gas"]:
        scale, dimension = match["gas"][:3], _BASES[match["gas"][3]]
    elif match["short"]:
        scale, dimension = "%", _BASES[match["short"].rstrip(".")]
    else:
        scale, dimension = match["scale"], _BASES[match["basis"].strip("() ")]
    size = Fraction(_definitions()["fractions"][_named(scale)])
    if dimension == "mass_concentration":
        size *= _GRAM_PER_100_ML
    return Unit(plain, dimension, size)


def _expression(text: str, *, depth: int) -> _Factor:
    """Read "a.b/c.d" as (a·b)/c·d, the way UCUM does; parentheses group."""
    if depth > 2:  # noqa: PLR2004  (no unit nests deeper)
        raise _UnreadableUnitError("nested too deeply")
    size = Fraction(1)
    tokens: list[Dimensions] = []
    for piece, divides in _pieces(text):
        if piece.startswith("("):
            inner = _expression(piece[1:-1], depth=depth + 1)
            power = 1
        else:
            match = _TOKEN.fullmatch(piece)
            if match is None:
                raise _UnreadableUnitError(f"{piece!r} is not part of any unit")
            power = int(match["power"] or 1)
            inner = _counted(match, depth=depth)
        if divides:
            power = -power
        if not 0 < abs(power) <= _MAX_POWER:
            raise _UnreadableUnitError("power out of range")
        size *= inner.size**power
        tokens.append(tuple((name, count * power) for name, count in inner.dimensions))
    return _Factor(size, _combine(tokens))


def _pieces(text: str) -> list[tuple[str, bool]]:
    """Split an expression into its factors and whether each divides."""
    pieces: list[tuple[str, bool]] = []
    current, depth, divides = "", 0, False
    for character in f"{text}.":
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and character in "./ ":
            if current:
                pieces.append((current, divides))
            elif not (character == "/" and not pieces):  # only "/m3" may begin with a sign
                raise _UnreadableUnitError("a factor is missing")
            current, divides = "", character == "/"
        else:
            current += character
    if depth != 0 or not pieces:
        raise _UnreadableUnitError("unbalanced")
    return pieces


def _combine(tokens: list[Dimensions]) -> Dimensions:
    """Add up the dimensions of all factors.

    A factor that cancels exactly against another leaves its kind behind: mass over mass is a mass
    fraction, which is not volume over volume, and "mg/kg/d" is not a rate "1/d".
    """
    rest: list[Dimensions] = []
    total: dict[str, int] = {}
    for token in tokens:
        inverse = tuple((name, -count) for name, count in token)
        if token and inverse in rest:
            rest.remove(inverse)
            kind = _ratio_kind(token if token[0][1] > 0 else inverse)
            total[kind] = total.get(kind, 0) + 1
        else:
            rest.append(token)
    for token in rest:
        for name, count in token:
            total[name] = total.get(name, 0) + count
    return tuple(sorted((name, count) for name, count in total.items() if count))


def _ratio_kind(dimensions: Dimensions) -> str:
    """Return the name of the ratio of two quantities of the same dimensions."""
    name = _dimension_name(dimensions)
    named = {"mass": "mass_fraction", "volume": "volume_fraction"}
    if name == "amount_of_substance":
        return "amount_fraction"
    return named.get(name, f"{name}_ratio")


def _counted(match: re.Match[str], *, depth: int) -> _Factor:
    """Return a plain number, or an atom with a count before it ("100g")."""
    count = int(match["count"] or match["number"] or 1)
    if count == 0:
        raise _UnreadableUnitError("zero is not a unit")
    if match["number"]:
        return _Factor(Fraction(count), ())
    power = abs(int(match["power"] or 1))
    atom = _atom(match["atom"], depth=depth)
    if match["count"] and power != 1:
        raise _UnreadableUnitError(f"{match.group()!r} is not part of any unit")
    return _Factor(atom.size * count, atom.dimensions)


def _atom(name: str, *, depth: int) -> _Factor:
    """Return an atom with or without a prefix, or another spelling of either."""
    definitions = _definitions()
    atoms, prefixes = definitions["atoms"], definitions["prefixes"]
    if name in atoms:
        return _defined(atoms[name], Fraction(1))
    other = definitions["spellings"].get(name)
    if other is not None and other not in definitions["fractions"]:
        return _expression(other, depth=depth + 1)
    for length in (1, 2):
        prefix, stem = name[:length], definitions["spellings"].get(name[length:], name[length:])
        atom = atoms.get(stem)
        if prefix in prefixes and atom is not None and _takes(atom, prefix):
            return _defined(atom, Fraction(prefixes[prefix]))
    raise _UnreadableUnitError(f"{name!r} is not a unit that we know")


def _takes(atom: Mapping[str, Any], prefix: str) -> bool:
    """Tell whether an atom is used with a prefix."""
    allowed = atom.get("prefixes", False)
    return allowed is True or (allowed is not False and prefix in allowed)


def _defined(atom: Mapping[str, Any], scale: Fraction) -> _Factor:
    """Return the factor of an atom from its definition."""
    return _Factor(Fraction(atom["factor"]) * scale, _parse_dimensions(atom["of"]))


@cache
def _parse_dimensions(text: str) -> Dimensions:
    """Read "mass.length^-1" from the definitions."""
    pairs = []
    for piece in text.split("."):
        name, _, power = piece.partition("^")
        pairs.append((name, int(power or 1)))
    return tuple(sorted(pairs))


@cache
def _dimension_name(dimensions: Dimensions) -> str:
    """Return the name of a dimension, or its formula where it has none."""
    if not dimensions:
        return "one"
    for formula, name in _definitions()["dimension_names"].items():
        if _parse_dimensions(formula) == dimensions:
            return str(name)
    return ".".join(name if power == 1 else f"{name}^{power}" for name, power in dimensions)


def _named(plain: str) -> str:
    """Return the expression behind a common code or another spelling."""
    definitions = _definitions()
    plain = definitions["common_codes"].get(plain, plain)
    return str(definitions["spellings"].get(plain, plain))


@cache
def _definitions() -> Mapping[str, Any]:
    """Return the packaged definitions."""
    found: Mapping[str, Any] = read_json("units.json")
    return found
