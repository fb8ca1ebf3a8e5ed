"""The numbering of each publisher, as patterns over plain text (see `reading.plain_text`).

The patterns read more than the publishers write: a missing space or slash, a colon for a hyphen.
Each has named groups; `parsing` turns them into a `StandardId`.
"""

from __future__ import annotations

import re
from typing import Final

# Codes of Chinese sector standards (行业标准代号) and of the ministries' engineering standards.
_SECTORS: Final = (
    "AQ|BB|CB|CECS|CH|CJJ|CJ|CY|DA|DL|DZ|EJ|FZ|GA|GC|GH|GM|GY|HB|HG|HJ|HS|HY|JB|JC|JGJ|JG|JJF|JJG"
    "|JR|JTG|JTJ|JTS|JT|JY|LB|LD|LS|LY|MH|MT|MZ|NB|NY|QB|QC|QJ|QX|RB|SB|SC|SF|SH|SJ|SL|SN|SW|SY"
    "|TB|TD|TY|WB|WH|WJ|WM|WS|WW|XB|XF|YB|YC|YD|YJ|YS|YY|YZ|ZY"
)
# National standards bodies that republish European standards under their own letters.
_NATIONS: Final = (
    "BS|DIN|NF|SIST|UNE|UNI|SS|NEN|ONORM|PN|CSN|STN|SFS|DS|NS|NBN|LST|EVS|LVS|MSZ|SR|BDS"
)
_KIND: Final = r"(?:[/ -](?P<kind>[TZ])|(?P<tight_kind>T))?"
_NUMBER: Final = r"(?P<number>\d{1,6})(?:\.(?P<part>\d{1,3}(?:\.\d{1,3})?))?"
_CN_YEAR: Final = r"(?:[-:](?P<year>\d{4}|\d{2}))?"
_CN_AMENDMENT: Final = r"(?P<suffix>/XG\d{1,2}-\d{4})?"

# Where the publisher writes a colon before the year, people write a hyphen. A last group of four
# digits between 1940 and 2099 is then a year, not a part, unless more of a code follows it.
_LIKE_A_YEAR: Final = r"(?:19[4-9]\d|20\d\d)"
_ONE_PART: Final = rf"-(?!{_LIKE_A_YEAR}(?![\dA-Z:-]))[0-9A-Z]{{1,7}}"
_PARTS: Final = rf"(?P<parts>(?:{_ONE_PART}){{0,8}})"
_YEAR_FORMS: Final = rf":(?P<year>\d{{4}})|-(?P<hyphen_year>{_LIKE_A_YEAR})"

_ISO_PUBLISHER: Final = (
    r"(?:ISO|IEC)"
    r"(?:/(?:ISO|IEC|IEEE|ASTM|CIE|HL7|OECD|SAE|IDF|IULTCS|UNDP|TC|CEI|ITU|CISPR))*"
)
_ISO_TYPE: Final = r"TS|TR|PAS|IWA|R|DATA|ISP|TTA|GUIDE|DIS|FDIS|CD|PRF|WD|NP|AWI|DTS|DTR"

GB: Final = re.compile(rf"GB(?P<branch>[JZ])?{_KIND} ?{_NUMBER}{_CN_YEAR}{_CN_AMENDMENT}")
CN_SECTOR: Final = re.compile(
    # "T" and "Z" say the kind of standard; only behind a written kind are they a number's letter.
    rf"(?P<sector>{_SECTORS})(?:[/ -]?(?P<kind>[TZ]))? ?(?P<letter>(?(kind)[A-Z]|[A-SU-Y]))?"
    rf"{_NUMBER}{_CN_YEAR}{_CN_AMENDMENT}"
)
CN_LOCAL: Final = re.compile(
    rf"DB ?(?P<area>\d{{6}}|\d{{4}}|\d{{2}})(?:{_KIND[:-1]} ?| ){_NUMBER}{_CN_YEAR}"
)
CN_GROUP: Final = re.compile(
    rf"T[/ -](?:(?P<group>[A-Z0-9]{{2,12}}) |(?P<tight_group>[A-Z0-9]{{1,11}}[A-Z]))"
    rf"{_NUMBER}{_CN_YEAR}"
)
BJS: Final = re.compile(r"BJS ?(?P<number>(?P<year>\d{4})\d{2})")
CNAS: Final = re.compile(
    r"CNAS[- ]?(?P<kind>[A-Z]{1,4})[- ]?(?P<number>\d{1,3})(?:-(?P<part>[A-Z]?\d{1,3}))?"
    r"(?:[:-](?P<year>\d{4}))?"
)
ISO: Final = re.compile(
    rf"(?:(?P<publisher>{_ISO_PUBLISHER})(?:[/ ](?P<type>{_ISO_TYPE}))?|(?P<workshop>IWA)) ?"
    rf"(?P<number>\d{{1,6}}(?:\.\d)?){_PARTS}(?:{_YEAR_FORMS})?"
    r"(?P<supplements>(?:[/+](?:AMD|COR|ADD|SUPPL) ?\.?\d{1,3}(?:[:-]\d{4})?){0,6})"
)
ISO_SUPPLEMENT: Final = re.compile(r"[/+](AMD|COR|ADD|SUPPL) ?\.?(\d{1,3})(?:[:-](\d{4}))?")
EN: Final = re.compile(
    rf"(?:(?P<nation>{_NATIONS})[ -])?(?P<series>CEN/TS|CEN/TR|CEN|PREN|EN) ?"
    r"(?:(?P<carries>ISO/IEC|ISO/TS|ISO/TR|ISO|IEC) ?)?"
    rf"(?P<number>\d{{1,6}}){_PARTS}(?:{_YEAR_FORMS})?"
    r"(?P<supplements>(?:[+/](?:A\d{1,2}|AC)(?::\d{4})?){0,6})"
)
EN_SUPPLEMENT: Final = re.compile(r"[+/](A\d{1,2}|AC)(?::(\d{4}))?")
CODEX: Final = re.compile(
    r"(?P<series>CXS|CXG|CXC|CXM|CXA|CODEX STAN|CAC/RCP|CAC/GL|CAC/MRL|CAC/MISC)[ -]?"
    r"(?P<number>\d{1,4}R?)(?:[-:](?P<year>\d{4}))?"
)
IAEA: Final = re.compile(
    r"(?:IAEA )?(?:SAFETY STANDARDS (?:SERIES )?(?:NO\.? ?)?)?"
    r"(?P<series>RS-G|NS-G|WS-G|GS-G|GSG|SSG|SSR|GS-R|NS-R|TS-R|TS-G)[- ]?"
    r"(?P<number>\d{1,3})(?:\.(?P<part>\d{1,2}))?"
)
TCVN: Final = re.compile(
    r"(?P<series>TCVN|QCVN)(?: (?P<carries>ISO/IEC|ISO|IEC))? ?"
    rf"(?P<number>\d{{1,6}}){_PARTS}(?:{_YEAR_FORMS}|:(?P<short_year>\d{{2}}))?"
    r"(?P<suffix>/[A-ZĐ]{2,8})?"
)
TIS: Final = re.compile(
    r"TIS ?(?P<number>\d{1,5})(?:(?:-| ?PART ?)(?P<part>\d{1,2}))?(?:[-:](?P<year>\d{4}))?"
)
TAS: Final = re.compile(r"TAS ?(?P<number>\d{1,5})(?:[-:](?P<year>\d{4}))?")
ASTM: Final = re.compile(
    r"ASTM ?(?P<number>(?P<letter>[A-G])\d{1,5}(?:/[A-G]\d{1,5}M|M)?)"
    r"(?:-(?P<year>\d{4}|\d{2})(?P<tail>[A-Z]?(?:\(\d{4}\))?(?:E\d)?))?"
)
GOST: Final = re.compile(
    r"GOST(?: (?P<russian>[RP]))? ?(?:(?P<carries>ISO/IEC|ISO|IEC|EN) ?)?"
    r"(?P<number>\d{1,6})(?P<groups>(?:[.-]\d{1,4}){0,6})"
)
LS: Final = re.compile(
    r"LS[- ]?(?P<number>[A-Z0-9]{1,8})(?:-(?P<part>\d{1,6}))?(?::(?P<year>\d{4}))?"
)
