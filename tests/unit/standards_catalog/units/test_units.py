from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.errors import DimensionError, UnknownUnitError
from standards_catalog.units import (
    Conversion,
    Refusal,
    Unit,
    UnitTable,
    UnknownUnit,
    conversion,
    parse_unit,
)
from standards_catalog.units.conversion import convert, decimal_text

DEFINITIONS = json.loads(
    resources.files("standards_catalog.data").joinpath("units.json").read_text("utf-8")
)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("18", "ug/kg", "mg/kg", "0.018"),
        ("18", "µg/kg", "mg/kg", "0.018"),
        ("18", "μg·kg⁻¹", "mg/kg", "0.018"),
        ("5", "ppm (m/m)", "mg/kg", "5"),
        ("5", "ppb (m/m)", "ug/kg", "5"),
        ("5", "mg/g", "g/kg", "5"),
        ("0.06", "% (m/m)", "mg/kg", "600"),
        ("3", "g/100 g", "% (m/m)", "3"),
        ("3", "wt%", "g/kg", "30"),
        ("978", "Bq/kg", "Bq/g", "0.978"),
        ("1", "MPa", "N/mm²", "1"),
        ("10", "kgf/cm²", "MPa", "0.980665"),
        ("1", "kN/m2", "kPa", "1"),
        ("1.5", "h", "min", "90"),
        ("1", "mg/dm3", "mg/L", "1"),
        ("1", "% (m/v)", "g/L", "10"),
        ("350", "m2/kg", "cm2/g", "3500"),
        ("25", "°C", "K", "298.15"),
        ("77", "°F", "°C", "25"),
        ("1", "NA", "mg/kg", "1"),  # Recommendation 20
        ("2", "HUR", "MIN", "120"),
        ("1000", "CFU/g", "CFU/kg", "1000000"),
        ("3", "毫克/千克", "mg/kg", "3"),
    ],
)
def test_converts_exactly(value: str, source: str, target: str, expected: str) -> None:
    assert convert(Decimal(value), parse_unit(source), parse_unit(target)) == Fraction(expected)


def test_a_pound_per_square_inch_is_exact_and_not_rounded() -> None:
    """1 psi = 0.45359237 kg · 9.80665 m/s² / (0.0254 m)² = 4.4482216152605 / 0.00064516 Pa."""
    exact = Fraction("4.4482216152605") / Fraction("0.00064516")
    assert convert(Decimal(1), parse_unit("psi"), parse_unit("Pa")) == exact
    assert decimal_text(exact) == "6894.75729316836"


@pytest.mark.parametrize(
    ("source", "target", "refusal"),
    [
        pytest.param("mg/L", "mg/kg", Refusal.DIMENSION, id="per volume is not per mass"),
        pytest.param("Bq/L", "Bq/kg", Refusal.DIMENSION, id="in no table, but known"),
        pytest.param("CFU/g", "mg/kg", Refusal.DIMENSION, id="colonies are not grams"),
        pytest.param("kg/cm2", "MPa", Refusal.DIMENSION, id="mass per area is no pressure"),
        pytest.param("Bq/kg", "1/(kg.s)", Refusal.DIMENSION, id="a decay is no event per second"),
        pytest.param("% (v/v)", "% (m/m)", Refusal.DIMENSION, id="by volume is not by mass"),
        pytest.param("mg/kg/d", "1/d", Refusal.DIMENSION, id="a dose rate is no rate"),
        pytest.param("ppm", "MPa", Refusal.DIMENSION, id="no fraction is a pressure"),
        pytest.param("ppm", "mg/L", Refusal.DIMENSION, id="no fraction is a concentration"),
        pytest.param("ppm", "mg/kg", Refusal.UNKNOWN, id="ppm of what"),
        pytest.param("%", "% (m/m)", Refusal.UNKNOWN, id="per cent of what"),
        pytest.param("%", "ppm", Refusal.UNKNOWN, id="two fractions of nothing stated"),
        pytest.param("Mpa", "MPa", Refusal.UNKNOWN, id="case matters"),
        pytest.param("zork", "mg/kg", Refusal.UNKNOWN, id="nobody knows it"),
        pytest.param("zork", "zork", Refusal.UNKNOWN, id="nobody knows it twice"),
        pytest.param("", "mg/kg", Refusal.UNKNOWN, id="none stated"),
        pytest.param("ppt", "ng/kg", Refusal.UNKNOWN, id="trillion or thousand"),
        pytest.param("ton", "kg", Refusal.UNKNOWN, id="long, short or metric"),
    ],
)
def test_refuses_look_alikes(source: str, target: str, refusal: Refusal) -> None:
    assert conversion(parse_unit(source), parse_unit(target)) is refusal
    assert conversion(parse_unit(target), parse_unit(source)) is refusal


def test_milli_is_not_mega() -> None:
    assert convert(Decimal(1), parse_unit("MPa"), parse_unit("mPa")) == 10**9


@pytest.mark.parametrize(("one", "other"), [("%", "%"), ("ppm", "ppm"), ("", "1"), ("", "")])
def test_what_is_written_the_same_on_both_sides_needs_no_conversion(one: str, other: str) -> None:
    found = conversion(parse_unit(one), parse_unit(other))
    assert isinstance(found, Conversion)
    assert found.identity


def test_the_reason_of_a_refusal_is_told() -> None:
    with pytest.raises(DimensionError) as caught:
        convert(Decimal(1), parse_unit("mg/L"), parse_unit("mg/kg"))
    assert caught.value.dimensions == ("mass_concentration", "mass_fraction")
    with pytest.raises(UnknownUnitError, match="does not say of what"):
        convert(Decimal(1), parse_unit("ppm"), parse_unit("mg/kg"))
    with pytest.raises(UnknownUnitError, match="'zork' is not a unit"):
        convert(Decimal(1), parse_unit("zork"), parse_unit("mg/kg"))


@pytest.mark.parametrize(
    "text",
    [
        "mg//kg",
        "mg/",
        "0",
        "mg/kg/",
        "kg^99",
        "(((((kg)))))",
        "kg)",
        "1e3",
        "x" * 49,
        "m-",
        "{dry}",
    ],
)
def test_broken_expressions_are_unknown(text: str) -> None:
    assert isinstance(parse_unit(text), UnknownUnit)


@pytest.mark.parametrize("code", sorted(DEFINITIONS["common_codes"]))
def test_every_common_code_is_a_known_unit(code: str) -> None:
    assert isinstance(parse_unit(code), Unit)


@pytest.mark.parametrize("text", sorted(DEFINITIONS["spellings"]))
def test_every_spelling_is_a_known_unit(text: str) -> None:
    assert isinstance(parse_unit(text), Unit)


_TEXTS = "mg/kg|ug/kg|% (m/m)|g/100g|MPa|psi|kgf/cm2|min|h|K|°C|°F|Bq/g|Bq/kg|mg/L|zork|ppm|%"
_UNITS = st.sampled_from(_TEXTS.split("|"))
_NUMBERS = st.decimals(-(10**9), 10**9, allow_nan=False, places=6)


@given(_NUMBERS, _UNITS, _UNITS)
def test_there_and_back_is_the_same_number(value: Decimal, one: str, other: str) -> None:
    forth, back = parse_unit(one), parse_unit(other)
    if isinstance(conversion(forth, back), Refusal):
        assert conversion(back, forth) is conversion(forth, back)
        return
    there = convert(value, forth, back)
    scale = conversion(back, forth)
    assert isinstance(scale, Conversion)
    again = there * Fraction(scale.value_factor) + Fraction(scale.shift)
    assert again / Fraction(scale.limit_factor) == Fraction(value)


@given(_NUMBERS, _NUMBERS, _UNITS, _UNITS)
def test_conversion_keeps_the_order(a: Decimal, b: Decimal, one: str, other: str) -> None:
    forth, back = parse_unit(one), parse_unit(other)
    if isinstance(conversion(forth, back), Conversion):
        assert (a <= b) is (convert(a, forth, back) <= convert(b, forth, back))


@given(st.text(max_size=50))
def test_any_text_is_read_or_unknown(text: str) -> None:
    found = parse_unit(text)
    assert isinstance(found, UnknownUnit) or found.factor > 0


class TestSuppliedTable:
    TABLE = UnitTable(
        {
            "mg/kg": ("mass_fraction", Fraction("1E-6")),
            "psi": ("pressure", Fraction("0.006894757")),
            "MPa": ("pressure", Fraction(1)),
            "grain/bushel": ("mass_fraction", Fraction("1E-5")),
            "snap": ("crackle", Fraction(1)),
            "pop": ("crackle", Fraction(2)),
        }
    )

    def test_its_factors_win(self) -> None:
        psi, mpa = self.TABLE.resolve("psi"), self.TABLE.resolve("MPa")
        assert convert(Decimal(1000), psi, mpa) == Fraction("6.894757")

    def test_its_units_convert_to_ours(self) -> None:
        ours = self.TABLE.resolve("ug/kg")
        assert convert(Decimal(1), self.TABLE.resolve("grain/bushel"), ours) == 10_000

    def test_a_unit_that_it_lacks_is_still_known(self) -> None:
        found = conversion(self.TABLE.resolve("mg/L"), self.TABLE.resolve("mg/kg"))
        assert found is Refusal.DIMENSION

    def test_a_dimension_of_its_own(self) -> None:
        snap, pop = self.TABLE.resolve("snap"), self.TABLE.resolve("pop")
        assert convert(Decimal(4), snap, pop) == 2
        assert conversion(snap, self.TABLE.resolve("mg/kg")) is Refusal.DIMENSION

    def test_nobody_knows_what_neither_knows(self) -> None:
        assert isinstance(self.TABLE.resolve("zork"), UnknownUnit)
