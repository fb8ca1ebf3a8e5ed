"""Bodies and their scopes from an import file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from registry.bodies.domain import Body, ScopeRow
from registry.kit.texts import COUNTRY, NAMES, PARTY_ID, texts_of
from verifier.checks.facts import BodyKind
from verifier.core.ids import MAX_DID_CHARS
from verifier.core.moments import DATE_PATTERN
from verifier.core.shapes import Choice, Flag, ListOf, Object, Problem, Shape, Text, TextByLanguage
from verifier.core.strict_json import JsonObject

_MOST_ROWS: Final = 1000  # the document of a larger laboratory is split by field
_KINDS: Final[Mapping[str, BodyKind]] = {kind.name.lower(): kind for kind in BodyKind}
_ALIAS: Final = Text(64, r"[a-z0-9][a-z0-9-]*", "alias", "lower-case letters, digits and hyphens")
_DID: Final = Text(MAX_DID_CHARS, r"did:web:[A-Za-z0-9.%:_-]+", "did", "a did:web")


@dataclass(frozen=True, slots=True)
class Day(Shape):
    """A calendar day, YYYY-MM-DD."""

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return not any(self.problems(value, ""))

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        day = Text(10, DATE_PATTERN, "date", "a day like 2026-02-11")
        found = list(day.problems(value, pointer))
        yield from found
        if not found:
            try:
                date.fromisoformat(str(value))
            except ValueError:
                message = "is no day of the calendar"
                yield Problem(pointer=pointer, code="date", message=message)

    def _schema(self, nullable: bool) -> JsonObject:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, slots=True)
class NumbersByScheme(Shape):
    """Numbers of recognitions by the scheme that gave them; may be empty."""

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return value == {} or _NUMBERS.accepts(value)

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if value != {}:
            yield from _NUMBERS.problems(value, pointer)

    def _schema(self, nullable: bool) -> JsonObject:
        schema = _NUMBERS.schema(nullable=nullable)
        del schema["minProperties"]
        return schema


_NUMBERS: Final = TextByLanguage(
    text=Text(64), tag=Text(32, r"[a-z][a-z0-9_]*", "scheme", "a scheme like cnas")
)
_ROW: Final = Object(
    {
        "product": Text(300),
        "hs": Text(20),
        "parameter": Text(100),
        "method": Text(200),
        "from": Day(),
        "until": Day(),
    },
    required=frozenset({"product", "hs", "parameter", "method", "from", "until"}),
)
SCOPE_ROWS: Final = ListOf(_ROW, most=_MOST_ROWS)
"""Shape of the rows of a scope."""

BODY: Final = Object(
    {
        "id": _ALIAS,
        "party": PARTY_ID,
        "kind": Choice(tuple(_KINDS)),
        "demonstration": Flag(),
        "name": NAMES,
        "did": _DID,
        "identifiers": NumbersByScheme(),
        "country": COUNTRY,
        "scope": SCOPE_ROWS,
    },
    required=frozenset({"id", "party", "kind", "demonstration", "name", "did", "country"}),
)
"""Shape of a body in an import file."""


def body_of(value: JsonObject) -> Body:
    """Return the body that a value of shape `BODY` describes."""
    return Body(
        alias=str(value["id"]),
        party=str(value["party"]),
        kind=_KINDS[str(value["kind"])],
        did=str(value["did"]),
        country=str(value["country"]),
        name=texts_of(value["name"]),
        identifiers=texts_of(value.get("identifiers")),
        demonstration=value["demonstration"] is True,
    )


def scope_rows_of(value: JsonObject) -> list[ScopeRow]:
    """Return the accredited tests of a body of shape `BODY`."""
    rows = value.get("scope")
    return [
        ScopeRow(
            product=str(row["product"]),
            hs=str(row["hs"]),
            parameter=str(row["parameter"]),
            method=str(row["method"]),
            valid_from=date.fromisoformat(str(row["from"])),
            valid_until=date.fromisoformat(str(row["until"])),
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]
