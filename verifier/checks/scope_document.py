"""Scope documents: what a body is accredited for, published by its party under their hash.

A document is found by its SHA-256, which the chain holds; nothing in it is believed unless the
hash agrees. A day of a row has no zone. It is read as the longest span that can be meant, so that
an hour at the edge of an accreditation is not held against a laboratory; days compared with days
come out exactly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from verifier.core.errors import MalformedEvidenceError
from verifier.core.ids import body_from_hex
from verifier.core.json_members import Members
from verifier.core.moments import DATE_PATTERN, Moment, parse_moment
from verifier.core.strict_json import JsonValue, parse_json_object

_VERSION: Final = 1
_DAY: Final = re.compile(DATE_PATTERN, re.ASCII)
_DAY_SECONDS: Final = 24 * 3600
_TARIFF_CODE: Final = re.compile(r"[0-9]{2}[0-9.]*", re.ASCII)
_LONGEST_TEXT: Final = 2000  # characters of the name of a product
_MAX_ROWS: Final = 10_000  # bounds the work of one check; such a document would be too large

# The year at the end of an identifier: "GB/T 176-2017", "ISO 679:2009", "GB 175-92".
_EDITION: Final = re.compile(r"[-:](?:[0-9]{4}|[0-9]{2})$", re.ASCII)
_CONTINUES: Final = ("-", ":", ".")  # what may follow an undated identifier: a part or a year


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRow:
    """One line of a scope: this parameter by this method in this product, in [start, end)."""

    product: str
    hs_code: str | None
    parameter: str
    method: str
    start: int
    end: int | None

    def covers_test(self, parameter: str, method: str) -> bool:
        """Tell whether the row is about a parameter and a method.

        A dated method covers exactly that edition. An undated one covers every edition and every
        part of the standard: that is what an undated reference means (ISO/IEC Directives, part 2).
        A dated row never covers an undated result, whose edition nobody knows.
        """
        if self.parameter != parameter:
            return False
        listed, used = _spaced(self.method), _spaced(method)
        if listed == used:
            return True
        undated = _EDITION.search(listed) is None
        return undated and used.startswith(tuple(listed + mark for mark in _CONTINUES))

    def covers_goods(self, hs_code: str | None, descriptions: tuple[str, ...]) -> bool:
        """Tell whether the row is about a product.

        A tariff code covers itself and everything below it. Where either side has none the names
        are compared.
        """
        if self.hs_code is not None and hs_code is not None:
            return _digits(hs_code).startswith(_digits(self.hs_code))
        return _spaced(self.product).casefold() in {
            _spaced(description).casefold() for description in descriptions
        }

    def covers_time(self, start: int, end: int) -> bool:
        """Tell whether the row speaks for all of [start, end)."""
        return self.start <= start and (self.end is None or end <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeDocument:
    """A parsed scope document.

    Attributes:
        body: Id of the body that it is about, 32 bytes.
        names: Registered name of the body by language.
        rows: What it is accredited for.
    """

    body: bytes
    names: Mapping[str, str]
    rows: tuple[ScopeRow, ...]

    def display_name(self) -> str:
        """Return the registered name in every language, in the order of the language codes."""
        return " / ".join(self.names[language] for language in sorted(self.names))


def find_scope_document(
    documents: Mapping[bytes, bytes], digest: bytes, *, body: bytes
) -> ScopeDocument | None:
    """Return the document with this hash, None when it is not in hand.

    Args:
        documents: Hash-named documents as presented; a wrong name makes a document absent.
        digest: SHA-256 that the chain holds, 32 bytes.
        body: The body whose scope is asked for.

    Raises:
        MalformedEvidenceError: The chain names this very text and it is not a scope document of
            the body.
    """
    data = documents.get(digest)
    if data is None or hashlib.sha256(data).digest() != digest:
        return None
    document = _remembered(data)
    if document.body != body:
        raise MalformedEvidenceError("scope document", "is about another body", reason="body")
    return document


@lru_cache(maxsize=32)  # one laboratory, many results, many certificates
def _remembered(data: bytes) -> ScopeDocument:
    return parse_scope_document(data)


def parse_scope_document(data: bytes) -> ScopeDocument:
    """Parse a scope document.

    Raises:
        MalformedEvidenceError: It does not follow the format.
    """
    value = parse_json_object(data, what="scope document")
    members = Members(value, "scope document")
    members.expect(
        *("body", "country", "demonstration", "did", "identifiers", "kind", "name", "party"),
        *("rows", "scope"),
    )
    members.integer("scope", least=_VERSION, most=_VERSION)
    rows = members.children("rows")
    if len(rows) > _MAX_ROWS:
        raise members.malformed("rows", f"are more than {_MAX_ROWS}", reason="value")
    names = members.child("name")
    return ScopeDocument(
        body=body_from_hex(members.text("body"), what="scope document.body"),
        names={language: names.text(language) for language in names.value},
        rows=tuple(map(_row, rows)),
    )


def _row(members: Members) -> ScopeRow:
    members.expect("from", "hs", "method", "parameter", "product", "until")
    until: JsonValue = members.value["until"]
    hs_code: JsonValue = members.value["hs"]
    return ScopeRow(
        product=members.text("product", longest=_LONGEST_TEXT),
        hs_code=None if hs_code is None else members.text("hs", pattern=_TARIFF_CODE),
        parameter=members.text("parameter"),
        method=members.text("method"),
        start=_day(members, "from").earliest,
        end=None if until is None else _day(members, "until").latest - _DAY_SECONDS,
    )


def _day(members: Members, name: str) -> Moment:
    return parse_moment(members.text(name, pattern=_DAY), what=members.path(name))


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _digits(code: str) -> str:
    return "".join(digit for digit in code if digit.isdigit())
