"""What a search asks for, how hits are ordered, and how filters become terms of the index.

**Order.** A hit must hold every word that was asked for, and a title rarely says a word twice. The
usual weight of a hit (BM25) then depends on the length of the record alone. So the order can be
put into the number of a record when it is stored: standing first, then few words before many,
then the newest. The index of either engine yields hits in the order of that number, and a page of
hits costs the same however many there are.

**Filters** become terms of the same index, each begun by a private-use character that no query of
a person can contain. A rare country is then as cheap to find as a rare word.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from registry.standards.errors import UnusableCursorError, UnusableFilterError
from standards_catalog.editions import Edition, Kind, Status
from standards_catalog.search_terms import QueryTerms, highlight

PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 100
MAX_EXAMINED: Final = 5_000  # index entries looked at for one page
MAX_COUNTED: Final = 1_000  # hits that facets are counted over

_COUNTRY, _STATUS, _KIND, _ICS, _HS, _HS_EXACT = (chr(0xE000 + n) for n in range(6))
_SEQUENCE_BITS: Final = 32
_LENGTH_LIMIT: Final = 63
_YEAR_LIMIT: Final = 255
_NEWEST_YEAR: Final = 2155  # 255 years back from here is before any standard
_EARLIEST, _LATEST = date.min, date.max
_ICS_SHAPE: Final = re.compile(r"\d{2}(\d{3}(\d{2})?)?")
_ICS_LEVELS: Final = (2, 5, 7)
_HS_SHAPE: Final = re.compile(r"\d{2,13}")
_COUNTRY_SHAPE: Final = re.compile(r"[A-Z]{2,4}")
_MAX_RANGE: Final = 100  # headings of one range of the Harmonized System
_MAX_CURSOR_CHARS: Final = 400
_NOT_DIGITS: Final = re.compile(r"[ .]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What hits must be, beside having the words.

    Attributes:
        country: ISO 3166-1 alpha-2, INT, EU or EAEU; "" for any.
        status: What the publisher says; None for any.
        kind: What the standard is about; None for any.
        ics: Start of an ICS code, digits only; "" for any.
        hs: Code or heading of the Harmonized System, digits only; hits name it, a heading above
            it or one below it. "" for any.
        on: A day on which the hit may be in force, as far as its dates tell; None for any.
    """

    country: str = ""
    status: Status | None = None
    kind: Kind | None = None
    ics: str = ""
    hs: str = ""
    on: date | None = None

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Filters:
        """Read filters as people write them: "91.100", "2523.29", "2026-11-21".

        Raises:
            UnusableFilterError: A value has a form that nothing can have.
        """
        country = values.get("country", "").strip().upper()
        ics, hs = (_NOT_DIGITS.sub("", values.get(name, "")) for name in ("ics", "hs"))
        for name, value, shape in (
            ("country", country, _COUNTRY_SHAPE),
            ("ics", ics, _ICS_SHAPE),
            ("hs", hs, _HS_SHAPE),
        ):
            if value and (not value.isascii() or not shape.fullmatch(value)):
                raise UnusableFilterError(f"{name}: {values[name][:40]!r} has not the form of one")
        try:
            status, kind, on = (values.get(name, "").strip() for name in ("status", "kind", "on"))
            return cls(
                country=country,
                status=Status(status) if status else None,
                kind=Kind(kind) if kind else None,
                ics=ics,
                hs=hs,
                on=date.fromisoformat(on) if on else None,
            )
        except ValueError as error:
            raise UnusableFilterError(str(error)) from error

    def groups(self) -> list[tuple[str, ...]]:
        """Return terms of the index: a hit has one of every group."""
        found: list[tuple[str, ...]] = []
        if self.country:
            found.append((_COUNTRY + self.country.lower(),))
        if self.status is not None:
            found.append((_STATUS + self.status.value.replace("_", ""),))
        if self.kind is not None:
            found.append((_KIND + self.kind.value.replace("_", ""),))
        if self.ics:
            found.append((_ICS + self.ics,))
        if self.hs:
            above = (self.hs[:length] for length in range(2, len(self.hs)))
            found.append((_HS + self.hs, *(_HS_EXACT + heading for heading in above)))
        return found

    def accepts(self, record: Mapping[str, str]) -> bool:
        """Tell whether a record passes, the day apart."""
        groups = self.groups()
        if not groups:
            return True
        terms = set(filter_terms(record))
        return all(terms.intersection(group) for group in groups)

    def as_dict(self) -> dict[str, str]:
        """Return the filters that are set, as they are written in an address."""
        values = {
            "country": self.country,
            "status": self.status.value if self.status else "",
            "kind": self.kind.value if self.kind else "",
            "ics": self.ics,
            "hs": self.hs,
            "on": self.on.isoformat() if self.on else "",
        }
        return {name: value for name, value in values.items() if value}


def filter_terms(record: Mapping[str, str]) -> Iterator[str]:
    """Yield the terms by which a record of the catalogue is filtered."""
    yield _COUNTRY + record["country"].lower()
    yield _STATUS + record["status"].replace("_", "")
    yield _KIND + record["kind"].replace("_", "")
    codes = {code.replace(".", "") for code in _listed(record, "ics")}
    yield from {_ICS + code[:size] for code in codes for size in _ICS_LEVELS if size <= len(code)}
    headings = {heading for hint in _listed(record, "hs_hint") for heading in _headings(hint)}
    yield from {_HS + text[:size] for text in headings for size in range(2, len(text) + 1)}
    yield from {_HS_EXACT + heading for heading in headings}


def _listed(record: Mapping[str, str], name: str) -> list[str]:
    """Return the entries of a column that holds several."""
    return [entry for entry in record.get(name, "").split(";") if entry]


def _headings(hint: str) -> list[str]:
    """Return the headings that a hint names; a range names all between its ends."""
    first, _, last = hint.partition("-")
    if not last:
        return [first]
    if len(first) != len(last) or not 0 <= int(last) - int(first) < _MAX_RANGE:
        return [first, last]
    return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


def record_number(edition: Edition, words: int, sequence: int) -> int:
    """Return the number under which an edition is stored; hits come in the order of numbers.

    Args:
        edition: The edition.
        words: How many terms its code and titles have.
        sequence: Number that no other record has, from 1.

    Raises:
        OverflowError: There are more than 2**32 records.
    """
    if not 0 < sequence < 1 << _SEQUENCE_BITS:
        raise OverflowError(f"{sequence} records are too many")
    length = min(words, _LENGTH_LIMIT) if edition.titles else _LENGTH_LIMIT  # nothing but a code
    rank = (_standing(edition) << 14) | (length << 8) | _age(edition)
    return (rank << _SEQUENCE_BITS) | sequence


def standing_class(number: int) -> int:
    """Return 0 for a record of a standing edition, 1 for a draft, 2 for one that has ended."""
    return number >> (_SEQUENCE_BITS + 14)


def edition_order(edition: Edition) -> int:
    """Return the place of an edition among those whose code begins alike: standing, then newest."""
    return (_standing(edition) << 8) | _age(edition)


def _standing(edition: Edition) -> int:
    return 2 if edition.status.ended else 1 if edition.status is Status.DRAFT else 0


def _age(edition: Edition) -> int:
    """Return how far the year of the code, or else of the dates, lies back; oldest if unknown."""
    known = edition.published or edition.effective
    year = edition.id.year if edition.id.year is not None else (known.year if known else 0)
    return min(max(_NEWEST_YEAR - year, 0), _YEAR_LIMIT)


def force_interval(edition: Edition) -> tuple[date, date]:
    """Return the longest time `[from, until)` in which an edition may be in force.

    An edition that has ended on an unknown day had ended when its source was read.
    """
    start = edition.effective or edition.published
    earliest = start.first if start else _EARLIEST
    if start is None and edition.id.year is not None:
        earliest = date(edition.id.year, 1, 1)
    tolerated = edition.transition_end.last if edition.transition_end else _EARLIEST
    if edition.withdrawn is not None:
        latest = max(edition.withdrawn.last, tolerated)
    elif edition.status.ended:
        latest = max(edition.provenance.source_date, tolerated)
    else:
        latest = _LATEST
    return earliest, max(earliest, latest)


@dataclass(frozen=True, slots=True)
class Query:
    """One search.

    Attributes:
        text: As typed.
        terms: What is looked up.
        filters: What hits must be besides.
    """

    text: str
    terms: QueryTerms
    filters: Filters

    @property
    def fingerprint(self) -> str:
        """A short digest, by which a cursor knows the search that it belongs to."""
        parts = [self.text, *(f"{k}={v}" for k, v in self.filters.as_dict().items())]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:12]

    def fts5(self) -> str:
        """Return the query for SQLite's FTS5, "" if everything is asked for."""
        parts = [f'"{" ".join(phrase)}"' for phrase in self.terms.phrases]
        parts += [f'"{prefix}"*' for prefix in self.terms.prefixes]
        for group in self.filters.groups():
            parts.append("(" + " OR ".join(f'"{term}"' for term in group) + ")")
        return " AND ".join(parts)

    def tsquery(self) -> str:
        """Return the query as text that PostgreSQL casts to `tsquery`."""
        parts = [" <-> ".join(f"'{term}'" for term in phrase) for phrase in self.terms.phrases]
        parts += [f"'{prefix}':*" for prefix in self.terms.prefixes]
        parts += [" | ".join(f"'{term}'" for term in group) for group in self.filters.groups()]
        return " & ".join(f"({part})" for part in parts)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: after this entry.

    Attributes:
        key: Key of the last code that was looked at; None once hits are found by words.
        order: Its place among equal keys.
        number: Number of the record that was looked at last.
    """

    key: str | None = ""
    order: int = -1
    number: int = 0


def write_cursor(position: Position, query: Query) -> str:
    """Return a cursor for the rest of a search."""
    content = [query.fingerprint, position.key, position.order, position.number]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def read_cursor(cursor: str, query: Query) -> Position:
    """Return where a page begins.

    Raises:
        UnusableCursorError: The cursor is damaged or belongs to another search.
    """
    try:
        padded = cursor[:_MAX_CURSOR_CHARS].encode("ascii") + b"=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise UnusableCursorError("the cursor is damaged") from error
    match content:
        case [str(found), str() | None as key, int(order), int(number)] if not any(
            isinstance(n, bool) or not -1 <= n < 1 << 62 for n in (order, number)
        ):
            if found == query.fingerprint:
                return Position(key, order, number)
            raise UnusableCursorError("the cursor belongs to another search")
    raise UnusableCursorError("the cursor is damaged")


Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One edition that a search found.

    Attributes:
        code: Its canonical code.
        record: Its filled columns, as in a release.
        matched: "code" where the start of its code was asked for, "words" otherwise.
        spots: Where code and titles show what was asked for: column → [start, end) of characters.
    """

    code: str
    record: Mapping[str, str]
    matched: str
    spots: Mapping[str, Spans]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of hits.

    Attributes:
        hits: The hits, best first.
        next: Cursor of the next page, None at the end.
        complete: False where the page was ended because enough was looked at, not because it is
            full; the next page goes on from there.
    """

    hits: tuple[Hit, ...]
    next: str | None
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """How the first hits divide.

    Attributes:
        counts: Column → value → number of hits, the most frequent first.
        counted: How many hits were counted.
        complete: Whether these are all hits.
    """

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counted: int = 0
    complete: bool = True


def code_spots(code: str, prefix: str) -> Spans:
    """Return where a code shows the prefix that was asked for, ignoring spaces and marks."""
    letters = [(at, character.upper()) for at, character in enumerate(code) if character.isalnum()]
    start = "".join(character for _, character in letters).find(prefix)
    if not prefix or start < 0:
        return ()
    return ((letters[start][0], letters[start + len(prefix) - 1][0] + 1),)


def make_hit(code: str, record: Mapping[str, Any], query: Query, *, by_code: bool) -> Hit:
    """Return a hit with its highlights."""
    spots: dict[str, Spans] = {}
    if by_code:
        spots["code"] = code_spots(code, query.terms.code_prefix)
    elif query.text:
        for name in ("code", "title_zh", "title_en"):
            if name in record:
                spots[name] = tuple(highlight(record[name], query.terms))
    found = {name: spans for name, spans in spots.items() if spans}
    return Hit(code, record, "code" if by_code else "words", found)


def slug_of(code: str) -> str:
    """Return the form of a code that stands in an address: "GB~T_17671-2021"."""
    return code.replace("/", "~").replace(" ", "_")


def code_of(slug: str) -> str:
    """Return the code behind a form that stands in an address."""
    return slug.replace("~", "/").replace("_", " ")


def count_values(
    rows: Iterable[Mapping[str, str]], columns: Iterable[str]
) -> dict[str, dict[str, int]]:
    """Count the values of columns, the most frequent first."""
    counts: dict[str, dict[str, int]] = {column: {} for column in columns}
    for row in rows:
        for column, values in counts.items():
            value = row.get(column, "")
            if value:
                values[value] = values.get(value, 0) + 1
    return {
        column: dict(sorted(values.items(), key=lambda item: (-item[1], item[0])))
        for column, values in counts.items()
    }
