from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards_catalog.errors import LimitExceededError, UnrecognisedIdentifierError
from standards_catalog.identifiers import (
    Degree,
    Family,
    StandardId,
    format_identifier,
    parse_identifier,
    try_identifier,
)
from standards_catalog.loading import seed_catalogue

PATTERNS = json.loads(
    (Path(__file__).parents[3] / "vectors" / "standards" / "standard_id_patterns.json").read_text()
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("GBT 17671", "GB/T 17671"),
        ("gb/t17671-2021", "GB/T 17671-2021"),
        ("ＧＢ／Ｔ　１７６７１－２０２１", "GB/T 17671-2021"),
        ("GB/T 17671—2021", "GB/T 17671-2021"),
        ("GB/T\u00a017671 – 2021", "GB/T 17671-2021"),
        ("GB 175-92", "GB 175-1992"),
        ("GB 175:2023", "GB 175-2023"),
        ("GB 175-2007/XG1-2009", "GB 175-2007/XG1-2009"),
        ("GBZ 188-2007", "GBZ 188-2007"),
        ("GB/Z 188-2007", "GB/Z 188-2007"),
        ("SN/T0570-2007", "SN/T 0570-2007"),
        ("JTG E30-2005", "JTG E30-2005"),
        ("DB53T1234-2021", "DB53/T 1234-2021"),
        ("DB53/T 1234.1-2021", "DB53/T 1234.1-2021"),
        ("T/CBMF17-2017", "T/CBMF 17-2017"),
        ("BJS202204", "BJS 202204"),
        ("iso 679-2009", "ISO 679:2009"),
        ("ISO/IEC17025:2017", "ISO/IEC 17025:2017"),
        ("ISO/IEC TR 29110-5-1-2:2011", "ISO/IEC TR 29110-5-1-2:2011"),
        ("ISO/TS 80004-1:2015", "ISO/TS 80004-1:2015"),
        ("ISO/IEC GUIDE 98-3:2008", "ISO/IEC Guide 98-3:2008"),
        ("ISO 9001:2015/AMD1:2024", "ISO 9001:2015/Amd 1:2024"),
        ("ISO 105-A02:1993", "ISO 105-A02:1993"),
        ("IWA 14-1:2013", "IWA 14-1:2013"),
        ("IEC 62321-3-1:2013", "IEC 62321-3-1:2013"),
        ("en 197-1", "EN 197-1"),
        ("BS EN 196-1:2016", "BS EN 196-1:2016"),
        ("EN 197-1:2011/A1:2014", "EN 197-1:2011+A1:2014"),
        ("DIN EN ISO 9001:2015", "DIN EN ISO 9001:2015"),
        ("CODEX STAN 193-1995", "CXS 193-1995"),
        ("CAC/GL 54-2004", "CXG 54-2004"),
        ("CAC/RCP 1-1969", "CXC 1-1969"),
        ("TCVN 2682:92", "TCVN 2682:1992"),
        ("tcvn iso/iec 17025:2017", "TCVN ISO/IEC 17025:2017"),
        ("QCVN 16:2023/BXD", "QCVN 16:2023/BXD"),
        ("มอก. ๑๕-๒๕๖๒", "TIS 15-2562"),
        ("มอก. 15 เล่ม 1–2555", "TIS 15-1-2555"),
        ("TIS 15 Part 1-2555", "TIS 15-1-2555"),
        ("TIS 15-2019", "TIS 15-2562"),
        ("มกษ. 3-2556", "TAS 3-2013"),
        ("ASTM C150/C150M–22", "ASTM C150/C150M-22"),
        ("ASTM C150-1998", "ASTM C150-98"),
        ("ASTM E23-18ε1", "ASTM E23-18e1"),
        ("astm c150/c150m-22A(2022)E1", "ASTM C150/C150M-22a(2022)e1"),
        ("ГОСТ 10-88", "GOST 10-88"),
        ("ГОСТ Р 51000.4-2011", "GOST R 51000.4-2011"),
        ("ГОСТ Р ИСО/МЭК 17025-2019", "GOST R ISO/IEC 17025-2019"),
        ("ГОСТ ISO 1003-2016", "GOST ISO 1003-2016"),
        ("GOST ISO 5725-1", "GOST ISO 5725-1"),
        ("LS/T 3240-2012", "LS/T 3240-2012"),
        ("LS-1204-1993", "LS 1204-1993"),
        ("LS 1204:2010", "LS 1204:2010"),
        ("LS-DEMO-0001:2025", "LS-DEMO-0001:2025"),
        ("CNAS-CL01-A002:2020", "CNAS-CL01-A002:2020"),
        ("IAEA RS-G-1.7", "RS-G-1.7"),
        ("GB/T 3260 （所有部分）", "GB/T 3260 (all parts)"),
        ("GB 5009.15-2023 第一法", "GB 5009.15-2023 第一法"),
        ("GB 2763 Annex A", "GB 2763 annex A"),
        ("GB/T 27025-2019/ISO/IEC 17025:2017", "GB/T 27025-2019/ISO/IEC 17025:2017"),
        ("TCVN 6016:2011(ISO 679:2009)", "TCVN 6016:2011 (ISO 679:2009)"),
        ("GB/T 17671-2021（ISO 679：2009，MOD）", "GB/T 17671-2021 (ISO 679:2009, MOD)"),
        (
            "GB/T 27025-2019 idt ISO/IEC 17025:2017",
            "GB/T 27025-2019 (ISO/IEC 17025:2017, IDT)",
        ),
    ],
)
def test_reads_leniently_and_writes_strictly(written: str, canonical: str) -> None:
    assert str(parse_identifier(written)) == canonical
    assert parse_identifier(canonical) == parse_identifier(written)


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("TIS 17025-2561", 2018),
        ("GB 1-58", 1958),
        ("GB 1-49", 2049),
        ("GOST 8-32", 1932),
        ("GOST 1-24", 2024),
        ("ASTM C150-84", 1984),
        ("ASTM C150-22", 2022),
        ("BJS 202204", 2022),
    ],
)
def test_years_belong_to_the_common_era(written: str, year: int) -> None:
    assert parse_identifier(written).year == year


@pytest.mark.parametrize(
    ("written", "family"),
    [
        ("LS 1204-1993", Family.CN_SECTOR),
        ("LS/T 3240", Family.CN_SECTOR),
        ("LS 1204", Family.LS),
        ("TB/T 1463-2015", Family.CN_SECTOR),
        ("T/CBMF 17-2017", Family.CN_GROUP),
        ("GB 175", Family.GB),
        ("GOST 10-88", Family.GOST),
        ("GSG-17", Family.IAEA),
        ("CXS 193-1995", Family.CODEX),
        ("CEN/TS 12390-9:2016", Family.EN),
    ],
)
def test_neighbouring_prefixes_are_told_apart(written: str, family: Family) -> None:
    assert parse_identifier(written).family is family


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("EN ISO/IEC 17025:2017", ["ISO/IEC 17025:2017"]),
        ("TCVN 6016:2011 (ISO 679:2009)", ["ISO 679:2009"]),
        ("GB/T 27025-2019/ISO/IEC 17025:2017", ["ISO/IEC 17025:2017"]),
        ("GB/T 17671-2021 (ISO 679:2009, IDT)", ["ISO 679:2009"]),
        ("GB/T 17671-2021 (ISO 679:2009, MOD)", []),
        ("GB/T 17671-2021 (ISO 679:2009)", []),
        ("GOST ISO 1003-2016", []),
        ("EN 197-1:2011", []),
    ],
)
def test_identity_is_claimed_only_where_the_code_claims_it(
    written: str, carried: list[str]
) -> None:
    assert [str(standard) for standard in parse_identifier(written).identical_to()] == carried


def test_a_stated_degree_is_kept() -> None:
    form = parse_identifier("GB 175-2007 (EN 197-1:2000, NEQ)").adopted
    assert form is not None
    assert form.degree is Degree.NEQ
    assert str(form.standard) == "EN 197-1:2000"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "12345", "hello", "GB", "GB 17x", "ISO", "ISO 9001:20155", "GB 1-1799", "EN"],
)
def test_refuses_what_no_publisher_writes(text: str) -> None:
    with pytest.raises(UnrecognisedIdentifierError):
        parse_identifier(text)


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u200b", "\x00", "\ufeff"], ids=["bidi", "zero width", "nul", "mark"]
)
def test_refuses_invisible_characters(hidden: str) -> None:
    assert try_identifier(f"GB 1{hidden}75-2023") is None


def test_a_book_is_no_code() -> None:
    with pytest.raises(LimitExceededError) as caught:
        parse_identifier("GB " + "1" * 500)
    assert caught.value.limit == 160


@pytest.mark.parametrize("code", sorted(seed_catalogue().editions))
def test_every_code_of_the_catalogue_is_canonical(code: str) -> None:
    assert str(parse_identifier(code)) == code


# Of these, the published patterns describe nothing that no publisher prints.
_WHOLLY_REAL = frozenset({"CN_BJS", "CN_SECTOR", "CODEX", "LS", "TAS", "TIS"})


def _realistic(pattern: str) -> re.Pattern[str]:
    """Return a published pattern whose years lie between 1940 and 2099."""
    pattern = pattern.replace(r"(?P<year>\d{4})", r"(?P<year>(?:19[4-9]|20\d)\d)")
    pattern = pattern.replace(r"(?P<year>\d{2}|\d{4})", r"(?P<year>\d{2}|(?:19[4-9]|20\d)\d)")
    return re.compile(pattern.replace(r"(?P<num>\d{6})$", r"(?P<num>20\d{4})$"), re.ASCII)


@pytest.mark.parametrize("name", sorted(PATTERNS))
@given(data=st.data())
def test_reads_what_the_published_patterns_describe(name: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(_realistic(PATTERNS[name]), fullmatch=True))
    standard = try_identifier(text)
    if name in _WHOLLY_REAL:
        assert standard is not None
    if standard is not None:
        assert parse_identifier(str(standard)) == standard


_digits = st.integers(1, 99_999).map(str)
_year = st.none() | st.integers(1950, 2049)
_dotted = st.sampled_from(["", "1", "15", "113", "1.2"])
_hyphened = st.sampled_from(["", "1", "2-1", "5-1-2", "A02"])
_international = st.builds(
    StandardId,
    family=st.just(Family.ISO),
    series=st.sampled_from(["ISO", "IEC", "ISO/IEC", "ISO/TS", "ISO/IEC TR", "ISO/IEC Guide"]),
    number=_digits,
    part=_hyphened,
    year=_year,
)


def _family(family: Family, series: list[str], part: st.SearchStrategy[str], **more: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return st.builds(
        StandardId,
        family=st.just(family),
        series=st.sampled_from(series),
        number=more.get("number", _digits),
        part=part,
        year=more.get("year", _year),
        suffix=more.get("suffix", st.just("")),
        carries=more.get("carries", st.just("")),
    )


STANDARDS = st.one_of(
    _family(
        Family.GB,
        ["GB", "GB/T", "GB/Z", "GBZ", "GBZ/T"],
        _dotted,
        suffix=st.sampled_from(["", "/XG1-2021"]),
    ),
    _family(Family.CN_SECTOR, ["SN/T", "NY", "JC/T", "YS", "LS/T"], _dotted),
    _family(Family.CN_LOCAL, ["DB53", "DB53/T", "DB5301/T"], _dotted),
    _family(Family.CN_GROUP, ["T/CBMF", "T/ZZB", "T/C3B"], _dotted),
    _international,
    _family(
        Family.EN,
        ["EN", "BS EN", "prEN", "CEN/TS"],
        _hyphened,
        carries=st.sampled_from(["", "ISO", "ISO/IEC"]),
        suffix=st.sampled_from(["", "+A1:2014", "+A1:2014+AC"]),
    ),
    _family(Family.CODEX, ["CXS", "CXG", "CXC"], st.just(""), number=st.integers(1, 999).map(str)),
    _family(
        Family.TCVN,
        ["TCVN", "QCVN"],
        _hyphened,
        carries=st.sampled_from(["", "ISO"]),
        suffix=st.sampled_from(["", "/BXD"]),
    ),
    _family(Family.TIS, ["TIS"], st.sampled_from(["", "1", "12"])),
    _family(Family.TAS, ["TAS"], st.just("")),
    _family(
        Family.ASTM,
        ["ASTM"],
        st.just(""),
        number=st.sampled_from(["C150", "C150/C150M", "E23", "D4294M"]),
        year=st.integers(1950, 2049),
        suffix=st.sampled_from(["", "a", "(2022)", "a(2022)e1", "e2"]),
    ),
    _family(Family.GOST, ["GOST", "GOST R"], _dotted),
    _family(
        Family.GOST,
        ["GOST", "GOST R"],
        st.sampled_from(["", "1", "2-1"]),
        carries=st.sampled_from(["ISO", "ISO/IEC", "EN"]),
        year=st.none() | st.integers(1987, 2049),
    ),
    _family(Family.LS, ["LS"], st.sampled_from(["", "0001"]), year=st.integers(1950, 2049)),
)


@given(STANDARDS)
def test_parse_inverts_format(standard: StandardId) -> None:
    assert parse_identifier(format_identifier(standard)) == standard


@given(STANDARDS, st.sampled_from(["lower", "wide", "dash", "spaces"]))
def test_the_way_of_writing_does_not_matter(standard: StandardId, manner: str) -> None:
    text = str(standard)
    if manner == "lower":
        text = text.lower()
    elif manner == "wide":
        text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    elif manner == "dash":
        text = text.replace("-", "\u2014")
    else:
        text = "  " + text.replace(" ", "\u3000 ") + " "
    assert parse_identifier(text) == standard


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    standard = try_identifier(text)
    assert standard is None or parse_identifier(str(standard)) == standard
