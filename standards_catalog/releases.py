"""Releases of the catalogue: one canonical content, one digest.

The content is JSON Lines in UTF-8: one object per record with sorted ASCII keys, no spaces, only
strings, truth values, lists and objects, so that it is also RFC 8785. Records come sorted:
editions, relations, requirements, recorded absences of a limit. Whoever holds the published lines
recomputes the SHA-256 over them, each followed by a line feed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from standards_catalog.catalogue import Catalogue, NoLimit
from standards_catalog.editions import Edition
from standards_catalog.identifiers import parse_identifier, sort_key
from standards_catalog.importers.template import row_from_edition
from standards_catalog.provenance import Provenance
from standards_catalog.relations import Relation
from standards_catalog.requirements import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One published state of the catalogue.

    Attributes:
        number: Counts from 1.
        released_on: Day of publication.
        digest: SHA-256 of the canonical content, 32 bytes.
        records: How many lines the content has.
        attributions: Words that must be shown wherever the release is shown.
    """

    number: int
    released_on: date
    digest: bytes
    records: int
    attributions: tuple[str, ...]


def make_release(catalogue: Catalogue, *, number: int, released_on: date) -> Release:
    """Return the release that publishes a catalogue.

    Raises:
        CatalogueDataError: The catalogue does not fit together.
    """
    catalogue.check()
    digest, records = content_digest(canonical_lines(catalogue))
    licensed = (
        edition.provenance.note
        for edition in catalogue.editions.values()
        if edition.provenance.licence and edition.provenance.note
    )
    return Release(
        number=number,
        released_on=released_on,
        digest=digest,
        records=records,
        attributions=tuple(sorted(set(licensed))),
    )


def content_digest(lines: Iterable[bytes]) -> tuple[bytes, int]:
    """Return the SHA-256 over lines, each followed by a line feed, and how many there are."""
    state = hashlib.sha256()
    count = 0
    for line in lines:
        state.update(line)
        state.update(b"\n")
        count += 1
    return state.digest(), count


def canonical_lines(catalogue: Catalogue) -> Iterator[bytes]:
    """Yield the canonical content, line by line, without line feeds."""
    for edition in sorted(catalogue.editions.values(), key=lambda e: sort_key(e.id)):
        yield record_line("edition", edition_record(edition))
    for relation in sorted(catalogue.relations, key=_relation_order):
        yield record_line("relation", relation_record(relation))
    yield from sorted(
        record_line("requirement", requirement_record(row)) for row in catalogue.requirements
    )
    yield from sorted(record_line("no_limit", no_limit_record(row)) for row in catalogue.no_limits)


def edition_record(edition: Edition) -> dict[str, Any]:
    """Return an edition as plain data: the filled columns of the template."""
    return {name: value for name, value in row_from_edition(edition).items() if value}


def relation_record(relation: Relation) -> dict[str, Any]:
    """Return a relation as plain data."""
    return _filled(
        {
            "source": relation.source,
            "target": relation.target,
            "type": relation.type.value,
            "degree": relation.degree.value if relation.degree else None,
            "declared_by": relation.declared_by,
            "parameters": list(relation.parameters),
            "clauses": list(relation.clauses),
            "hs": list(relation.hs),
            "evidence": relation.evidence,
            "valid_from": _day(relation.valid_from),
            "valid_until": _day(relation.valid_until),
            "status": relation.status.value,
            "deviations": [
                {
                    "clause": deviation.clause,
                    "parameter": deviation.parameter,
                    "nature": deviation.nature,
                    "stricter_side": deviation.stricter_side.value,
                    "explanation": deviation.explanation,
                }
                for deviation in relation.deviations
            ],
            "provenance": provenance_record(relation.provenance),
        }
    )


def requirement_record(row: Requirement) -> dict[str, Any]:
    """Return a requirement as plain data; limits keep their digits as decimal strings."""
    scope = row.scope
    return _filled(
        {
            "standard": row.standard,
            "clause": row.clause,
            "parameter": row.parameter,
            "operator": row.operator.value,
            "lower": None if row.lower is None else f"{row.lower:f}",
            "upper": None if row.upper is None else f"{row.upper:f}",
            "text": row.text,
            "unit": row.unit.symbol,
            "decision_rule": row.decision_rule.value if row.decision_rule else None,
            "rounding": _rounding(row),
            "basis": row.basis,
            "conditions": dict(row.conditions),
            "accepted_methods": list(row.accepted_methods or ()),
            "mandatory": row.mandatory,
            "scope": _filled(
                {
                    "matrix": scope.matrix,
                    "grade": scope.grade,
                    "hs": list(scope.hs),
                    "hs_edition": scope.hs_edition,
                    "countries": list(scope.countries),
                }
            ),
            "valid_from": _day(row.valid_from),
            "valid_until": _day(row.valid_until),
            "provenance": provenance_record(row.provenance) if row.provenance else None,
        }
    )


def no_limit_record(row: NoLimit) -> dict[str, Any]:
    """Return a recorded absence of a limit as plain data."""
    return {
        "standard": row.standard,
        "parameter": row.parameter,
        "matrix": row.matrix,
        "provenance": provenance_record(row.provenance),
    }


def provenance_record(provenance: Provenance) -> dict[str, str]:
    """Return where a row comes from as plain data."""
    return _filled(
        {
            "source": provenance.source,
            "source_date": provenance.source_date.isoformat(),
            "confidence": provenance.confidence.value,
            "licence": provenance.licence,
            "note": provenance.note,
        }
    )


def _rounding(row: Requirement) -> dict[str, str] | None:
    """Return the prescribed rounding as plain data."""
    if row.rounding is None:
        return None
    interval = row.rounding.interval
    return {"rule": "GB/T 8170"} | ({} if interval is None else {"interval": f"{interval:f}"})


def _relation_order(relation: Relation) -> tuple[object, ...]:
    """Return the key by which relations are sorted."""
    source, target = parse_identifier(relation.source), parse_identifier(relation.target)
    return (
        sort_key(source),
        sort_key(target),
        relation.type.value,
        record_line("", relation_record(relation)),
    )


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that say something."""
    return {name: value for name, value in record.items() if value not in (None, "", [], {})}


def _day(day: date | None) -> str | None:
    """Return a day as text."""
    return day.isoformat() if day else None


def record_line(kind: str, record: Mapping[str, Any]) -> bytes:
    """Return one record as its canonical line, without a line feed."""
    text = json.dumps(
        {"record": kind, **record}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode()
