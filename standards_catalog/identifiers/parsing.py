"""Lenient reading of the codes of standards."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from standards_catalog.errors import CatalogueError, UnrecognisedIdentifierError
from standards_catalog.identifiers import families
from standards_catalog.identifiers.model import (
    BUDDHIST_ERA_OFFSET,
    FIRST_GOST_ADOPTION,
    AdoptedForm,
    AdoptionStyle,
    Degree,
    Family,
    StandardId,
)
from standards_catalog.identifiers.reading import plain_text

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2099
# Two-digit years below the pivot belong to this century. Chinese standards begin in the 1950s,
# GOST in 1925 and writes four digits since 2000, ASTM still writes two.
_PIVOT: Final = {Family.GOST: 25}
_DEFAULT_PIVOT: Final = 50

_CODEX_SERIES: Final = {
    "CODEX STAN": "CXS",
    "CAC/RCP": "CXC",
    "CAC/GL": "CXG",
    "CAC/MRL": "CXM",
    "CAC/MISC": "CXA",
}
_ISO_TYPE: Final = {"GUIDE": "Guide", "DATA": "DATA"}
_ALL_PARTS: Final = re.compile(r" ?\((?:ALL PARTS|所有部分|全部部分)\)$")
_CLAUSE: Final = re.compile(
    r",? (?:(?P<ordinal>第[一二三四五六七八九十\d]{1,3}法)"
    r"|(?P<word>METHOD|CLAUSE|ANNEX|APPENDIX|SECTION) ?"
    r"(?P<label>[A-Z]|[A-Z]?\d{1,2}(?:\.\d{1,2}){0,3}))$"
)
_ADOPTABLE: Final = r"(?:ISO|IEC|IWA|EN|CXS|CXG|CXC|CODEX|CAC|ASTM|GB|BS|GOST)"
_IN_PARENTHESES: Final = re.compile(
    rf"(?P<own>.+?) ?\((?P<other>{_ADOPTABLE}\b[^()]*?)(?:, ?(?P<degree>IDT|MOD|NEQ|EQV))?\)"
)
_IN_LINE: Final = re.compile(
    rf"(?P<own>.+?),? (?P<degree>IDT|MOD|NEQ|EQV) (?P<other>{_ADOPTABLE}\b.+)"
)
_AFTER_SLASH: Final = re.compile(r"(?P<own>.+[-:]\d{4})/(?P<other>(?:ISO|IEC|EN)\b.+)")

_Builder = Callable[[re.Match[str]], StandardId | None]


@lru_cache(maxsize=16_384)
def parse_identifier(text: str) -> StandardId:
    """Read the code of a standard, however it was written.

    Spaces, full-width characters, dashes, case and missing separators do not matter; the Thai
    Buddhist Era and two-digit years become years of the common era.

    Args:
        text: One code, e.g. "GBT 17671", "มอก. 15-2562", "TCVN 6016:2011 (ISO 679:2009)".

    Raises:
        UnrecognisedIdentifierError: No publisher numbers like that.
        LimitExceededError: The text is longer than any code.
    """
    plain = plain_text(text)
    found = _parse(plain)
    if found is None:
        raise UnrecognisedIdentifierError(text)
    return found


def try_identifier(text: str) -> StandardId | None:
    """Read the code of a standard, None when the text is not one."""
    try:
        return parse_identifier(text)
    except CatalogueError:
        return None


def _parse(plain: str) -> StandardId | None:
    """Read plain text including what surrounds a code: adoption, "(all parts)", a clause."""
    for pattern, style in (
        (_IN_PARENTHESES, AdoptionStyle.PARENTHESES),
        (_IN_LINE, AdoptionStyle.PARENTHESES),
        (_AFTER_SLASH, AdoptionStyle.SLASH),
    ):
        match = pattern.fullmatch(plain)
        if match is None:
            continue
        own, other = _parse_decorated(match["own"]), _parse_decorated(match["other"])
        if own is None or other is None:
            continue
        degree = Degree(match["degree"]) if match.groupdict().get("degree") else None
        return replace(own, adopted=AdoptedForm(other, style, degree))
    return _parse_decorated(plain)


def _parse_decorated(plain: str) -> StandardId | None:
    """Read a code with an optional "(all parts)" and clause behind it."""
    clause = ""
    match = _CLAUSE.search(plain)
    if match is not None:
        clause = match["ordinal"] or f"{match['word'].lower()} {match['label']}"
        plain = plain[: match.start()]
    bare = _ALL_PARTS.sub("", plain)
    found = _parse_bare(bare)
    if found is None or (not clause and bare == plain):
        return found
    return replace(found, clause=clause, all_parts=bare != plain)


def _parse_bare(plain: str) -> StandardId | None:
    """Read a code that has nothing around it."""
    for initials, pattern, build in _FAMILIES:
        if plain[0] not in initials:
            continue
        match = pattern.fullmatch(plain)
        if match is not None:
            found = build(match)
            if found is not None:
                return found
    return None


class _NoSuchYearError(Exception):
    """A group of digits stands where a year should and is none."""


def _year(text: str | None, family: Family) -> int | None:
    """Return the year that two or four digits mean."""
    if not text:
        return None
    year = int(text)
    if len(text) == 2:  # noqa: PLR2004  (two digits)
        year += 2000 if year < _PIVOT.get(family, _DEFAULT_PIVOT) else 1900
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise _NoSuchYearError
    return year


def _thai_year(text: str | None, family: Family) -> int | None:
    """Return the year of a Thai code: Buddhist Era, or common era where that is what was meant."""
    if not text:
        return None
    year = int(text)
    if year > _LAST_YEAR:
        year -= BUDDHIST_ERA_OFFSET
    return _year(str(year), family)


def _guarded(build: Callable[[re.Match[str]], StandardId | None]) -> _Builder:
    """Turn an impossible year into "not this family"."""

    def guarded(match: re.Match[str]) -> StandardId | None:
        try:
            return build(match)
        except _NoSuchYearError:
            return None

    return guarded


def _chinese(match: re.Match[str], family: Family, series: str, *, letter: str = "") -> StandardId:
    """Build the code of a Chinese standard from the groups that all of them share."""
    groups = match.groupdict()
    kind = groups.get("kind") or groups.get("tight_kind")
    return StandardId(
        family=family,
        series=f"{series}/{kind}" if kind else series,
        number=letter + match["number"],
        part=match["part"] or "",
        year=_year(match["year"], family),
        suffix=groups.get("suffix") or "",
    )


def _gb(match: re.Match[str]) -> StandardId:
    return _chinese(match, Family.GB, "GB" + (match["branch"] or ""))


def _cn_sector(match: re.Match[str]) -> StandardId | None:
    # "LS 12:2020" and an undated "LS 12" are Lao; the grain sector writes "LS/T" or a year.
    if match["sector"] == "LS" and not match["kind"]:
        dated_like_china = re.search(r"-\d{4}(?:/XG.*)?$", match.string)
        if dated_like_china is None:
            return None
    return _chinese(match, Family.CN_SECTOR, match["sector"], letter=match["letter"] or "")


def _cn_local(match: re.Match[str]) -> StandardId:
    return _chinese(match, Family.CN_LOCAL, f"DB{match['area']}")


def _cn_group(match: re.Match[str]) -> StandardId:
    return _chinese(match, Family.CN_GROUP, f"T/{match['group'] or match['tight_group']}")


def _bjs(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.BJS,
        series="BJS",
        number=match["number"],
        year=_year(match["year"], Family.BJS),
    )


def _cnas(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.CNAS,
        series=f"CNAS-{match['kind']}",
        number=match["number"],
        part=match["part"] or "",
        year=_year(match["year"], Family.CNAS),
    )


def _iso(match: re.Match[str]) -> StandardId:
    publisher, kind = match["publisher"] or match["workshop"], match["type"]
    if kind:
        kind = _ISO_TYPE.get(kind, kind)
        glue = " " if kind == "Guide" or "/" in publisher else "/"
        publisher = f"{publisher}{glue}{kind}"
    supplements = families.ISO_SUPPLEMENT.findall(match["supplements"])
    return StandardId(
        family=Family.ISO,
        series=publisher,
        number=match["number"],
        part=match["parts"][1:],
        year=_year(match["year"] or match["hyphen_year"], Family.ISO),
        suffix="".join(
            f"/{kind.capitalize()} {int(number)}" + (f":{year}" if year else "")
            for kind, number, year in supplements
        ),
    )


def _en(match: re.Match[str]) -> StandardId:
    series = match["series"].replace("PREN", "prEN")
    supplements = families.EN_SUPPLEMENT.findall(match["supplements"])
    return StandardId(
        family=Family.EN,
        series=f"{match['nation']} {series}" if match["nation"] else series,
        carries=match["carries"] or "",
        number=match["number"],
        part=match["parts"][1:],
        year=_year(match["year"] or match["hyphen_year"], Family.EN),
        suffix="".join(f"+{name}" + (f":{year}" if year else "") for name, year in supplements),
    )


def _codex(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.CODEX,
        series=_CODEX_SERIES.get(match["series"], match["series"]),
        number=re.sub(r"^0+(?=\d)", "", match["number"]),
        year=_year(match["year"], Family.CODEX),
    )


def _iaea(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.IAEA,
        series=match["series"],
        number=match["number"],
        part=match["part"] or "",
    )


def _tcvn(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.TCVN,
        series=match["series"],
        carries=match["carries"] or "",
        number=match["number"],
        part=match["parts"][1:],
        year=_year(match["year"] or match["hyphen_year"] or match["short_year"], Family.TCVN),
        suffix=match["suffix"] or "",
    )


def _tis(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.TIS,
        series="TIS",
        number=match["number"],
        part=match["part"] or "",
        year=_thai_year(match["year"], Family.TIS),
    )


def _tas(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.TAS,
        series="TAS",
        number=match["number"],
        year=_thai_year(match["year"], Family.TAS),
    )


def _astm(match: re.Match[str]) -> StandardId:
    return StandardId(
        family=Family.ASTM,
        series="ASTM",
        number=match["number"],
        year=_year(match["year"], Family.ASTM),
        suffix=(match["tail"] or "").lower(),
    )


def _gost(match: re.Match[str]) -> StandardId | None:
    groups = re.findall(r"([.-])(\d+)", match["groups"])
    carries = match["carries"] or ""
    year = None
    if groups and groups[-1][0] == "-" and _ends_with_gost_year(groups[-1][1], carries=carries):
        year = _year(groups.pop()[1], Family.GOST)
    separator = "-" if carries else "."
    if any(mark != separator for mark, _ in groups):
        return None
    return StandardId(
        family=Family.GOST,
        series="GOST R" if match["russian"] else "GOST",
        carries=carries,
        number=match["number"],
        part=separator.join(digits for _, digits in groups),
        year=year,
    )


def _ends_with_gost_year(digits: str, *, carries: str) -> bool:
    """Tell whether the last hyphenated group is a year.

    An adoption keeps the part numbers of the international standard ("GOST ISO 5725-1"), so two
    digits are a year there only from 1987 on, when the first such adoptions appeared.
    """
    if len(digits) == 4:  # noqa: PLR2004  (four digits)
        return True
    return len(digits) == 2 and (  # noqa: PLR2004
        not carries or int(digits) >= FIRST_GOST_ADOPTION - 1900
    )


def _ls(match: re.Match[str]) -> StandardId | None:
    number, part = match["number"], match["part"] or ""
    if not match["year"] and number.isdigit() and re.fullmatch(r"(?:19|20)\d\d", part):
        # "LS-1204-1993" is the Chinese grain sector with a stray hyphen.
        return StandardId(family=Family.CN_SECTOR, series="LS", number=number, year=int(part))
    return StandardId(
        family=Family.LS,
        series="LS",
        number=number,
        part=part,
        year=_year(match["year"], Family.LS),
    )


# First letters, pattern, builder. Prefixes that begin another one come first.
_FAMILIES: Final[tuple[tuple[str, re.Pattern[str], _Builder], ...]] = tuple(
    (initials, pattern, _guarded(build))
    for initials, pattern, build in (
        ("G", families.GB, _gb),
        ("G", families.GOST, _gost),
        ("I", families.ISO, _iso),
        ("A", families.ASTM, _astm),
        ("B", families.BJS, _bjs),
        ("D", families.CN_LOCAL, _cn_local),
        ("T", families.CN_GROUP, _cn_group),
        ("TQ", families.TCVN, _tcvn),
        ("T", families.TIS, _tis),
        ("T", families.TAS, _tas),
        ("C", families.CODEX, _codex),
        ("C", families.CNAS, _cnas),
        ("EBDNSUOPCLM", families.EN, _en),
        ("GIRNWSTA", families.IAEA, _iaea),
        ("ABCDEFGHJLMNQRSTWXYZ", families.CN_SECTOR, _cn_sector),
        ("L", families.LS, _ls),
    )
)
