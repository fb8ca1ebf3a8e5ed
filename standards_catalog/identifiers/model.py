"""What the code of a standard says, taken apart, and its one strict writing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Family(StrEnum):
    """Whose numbering a code follows. The order here is the order of lists."""

    GB = "gb"
    CN_SECTOR = "cn_sector"
    CN_LOCAL = "cn_local"
    CN_GROUP = "cn_group"
    BJS = "bjs"
    CNAS = "cnas"
    ISO = "iso"
    EN = "en"
    CODEX = "codex"
    IAEA = "iaea"
    TCVN = "tcvn"
    TIS = "tis"
    TAS = "tas"
    ASTM = "astm"
    GOST = "gost"
    LS = "ls"


class Degree(StrEnum):
    """Degree of correspondence between an adoption and what it adopts (ISO/IEC Guide 21-1).

    EQV is historic: China used it until 2001 for "equivalent"; it is read, never assigned.
    """

    IDT = "IDT"
    MOD = "MOD"
    NEQ = "NEQ"
    EQV = "EQV"


class AdoptionStyle(StrEnum):
    """How a code names the standard that it adopts."""

    SLASH = "slash"  # GB/T 27025-2019/ISO/IEC 17025:2017
    PARENTHESES = "parentheses"  # TCVN 6016:2011 (ISO 679:2009)


BUDDHIST_ERA_OFFSET: Final = 543

_PART_SEPARATOR: Final = {
    Family.GB: ".",
    Family.CN_SECTOR: ".",
    Family.CN_LOCAL: ".",
    Family.CN_GROUP: ".",
    Family.GOST: ".",
    Family.IAEA: ".",
}
_GLUE: Final = {Family.CNAS: "", Family.IAEA: "-"}  # between series and number
_COLON_YEARS: Final = frozenset({Family.ISO, Family.EN, Family.TCVN, Family.LS, Family.CNAS})
_TWO_DIGIT_ASTM: Final = range(1950, 2050)
_TWO_DIGIT_GOST: Final = range(1925, 2000)
FIRST_GOST_ADOPTION: Final = 1987  # before that, "-40" after an ISO number is a part


@dataclass(frozen=True, slots=True)
class AdoptedForm:
    """The standard that a code names as adopted.

    Attributes:
        standard: What is adopted.
        style: How it was written.
        degree: The degree where the code states one, e.g. "(ISO 679:2009, MOD)".
    """

    standard: StandardId
    style: AdoptionStyle
    degree: Degree | None = None

    @property
    def identical(self) -> bool:
        """Tell whether the writing itself claims an identical adoption.

        Dual numbering with a slash is reserved for identical adoptions (ISO/IEC Guide 21-1, on
        numbering). A name in parentheses means the same in Vietnamese practice only; `StandardId`
        knows its family, so `StandardId.identical_to` decides that case.
        """
        if self.degree is not None:
            return self.degree is Degree.IDT
        return self.style is AdoptionStyle.SLASH


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardId:
    """The code of one standard, or of one edition when it carries a year.

    Attributes:
        family: Whose numbering it follows.
        series: Canonical words before the number, e.g. "GB/T", "ISO/IEC", "DB53/T", "BS EN".
        number: Canonical number, e.g. "17671", "0570", "C150/C150M".
        part: Part below the number without its leading separator, e.g. "15", "1-2", "" if none.
        year: Year of the edition in the common era (Thai codes are printed in the Buddhist Era),
            None for an undated reference.
        suffix: What follows the year, canonical, e.g. "/XG1-2021", "/Amd 1:2024", "+A1:2014",
            "/BXD", "a(2022)e1"; "" if nothing.
        carries: Series of an international standard adopted under its own number, e.g. "ISO/IEC"
            in "EN ISO/IEC 17025:2017"; "" if none.
        all_parts: The reference means the series of all parts.
        clause: A method or clause inside the standard, e.g. "第一法", "method 2"; "" if none.
        adopted: The standard that the code names as adopted, if it does.
    """

    family: Family
    series: str
    number: str
    part: str = ""
    year: int | None = None
    suffix: str = ""
    carries: str = ""
    all_parts: bool = False
    clause: str = ""
    adopted: AdoptedForm | None = None

    @property
    def base_number(self) -> str:
        """The number by which two designations of one standard agree.

        A combined metric designation of ASTM is the same standard: "C150/C150M" has "C150".
        """
        if self.family is Family.ASTM:
            return self.number.partition("/")[0].removesuffix("M")
        return self.number

    def undated(self) -> StandardId:
        """Return the reference to the standard as such, without year, suffix and adoption."""
        return replace(self, year=None, suffix="", adopted=None, clause="")

    def identical_to(self) -> tuple[StandardId, ...]:
        """Return the standards whose text this one carries, judged by its code alone.

        - A number adopted as it is ("EN ISO/IEC 17025:2017"): European and Vietnamese adoptions
          keep the year of the international edition. A GOST adoption has a year of its own, so
          its edition is not known from the code and nothing is returned.
        - Dual numbering with a slash, or a stated IDT.
        - Parentheses without a degree after a Vietnamese number: that is how Viet Nam marks an
          identical adoption. Elsewhere parentheses claim nothing.
        """
        found: list[StandardId] = []
        if self.carries and self.family in {Family.EN, Family.TCVN} and not self.suffix:
            found.append(
                StandardId(
                    family=Family.ISO,
                    series=self.carries,
                    number=self.number,
                    part=self.part,
                    year=self.year,
                )
            )
        form = self.adopted
        if form is not None and (
            form.identical or (form.degree is None and self.family is Family.TCVN)
        ):
            found.append(form.standard)
        return tuple(found)

    def __str__(self) -> str:
        return format_identifier(self)


def format_identifier(standard: StandardId) -> str:
    """Return the canonical writing of a code.

    Hyphens are ASCII, years have four digits except where the publisher writes two (ASTM; GOST
    before 2000), Thai industrial standards show the Buddhist Era, Codex codes use the present
    series names.
    """
    text = _designation(standard) + _year(standard) + standard.suffix
    if standard.all_parts:
        text += " (all parts)"
    if standard.clause:
        text += f" {standard.clause}"
    form = standard.adopted
    if form is None:
        return text
    if form.style is AdoptionStyle.SLASH:
        return f"{text}/{format_identifier(form.standard)}"
    degree = f", {form.degree}" if form.degree else ""
    return f"{text} ({format_identifier(form.standard)}{degree})"


def _designation(standard: StandardId) -> str:
    """Return series, number and part."""
    glue = _GLUE.get(standard.family, " ")
    if standard.family is Family.LS and standard.number[:1].isalpha():
        glue = "-"
    carried = f"{standard.carries} " if standard.carries else ""
    separator = "-" if standard.carries else _PART_SEPARATOR.get(standard.family, "-")
    part = f"{separator}{standard.part}" if standard.part else ""
    return f"{standard.series}{glue}{carried}{standard.number}{part}"


def _year(standard: StandardId) -> str:
    """Return the year with its separator, "" for an undated reference."""
    year, family = standard.year, standard.family
    if year is None or family is Family.BJS:
        return ""
    if family in _COLON_YEARS:
        return f":{year}"
    if family is Family.TIS:
        return f"-{year + BUDDHIST_ERA_OFFSET}"
    two_digits = {Family.ASTM: _TWO_DIGIT_ASTM, Family.GOST: _TWO_DIGIT_GOST}.get(family)
    if standard.carries and year < FIRST_GOST_ADOPTION:
        two_digits = None
    if two_digits is not None and year in two_digits:
        return f"-{year % 100:02d}"
    return f"-{year}"
