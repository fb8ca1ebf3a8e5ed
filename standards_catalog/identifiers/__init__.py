"""Codes of standards: lenient reading, strict writing, order, likeness."""

from standards_catalog.identifiers.model import (
    AdoptedForm,
    AdoptionStyle,
    Degree,
    Family,
    StandardId,
    format_identifier,
)
from standards_catalog.identifiers.nearness import NearMatches
from standards_catalog.identifiers.ordering import covers, same_standard, sort_key
from standards_catalog.identifiers.parsing import parse_identifier, try_identifier

__all__ = [
    "AdoptedForm",
    "AdoptionStyle",
    "Degree",
    "Family",
    "NearMatches",
    "StandardId",
    "covers",
    "format_identifier",
    "parse_identifier",
    "same_standard",
    "sort_key",
    "try_identifier",
]
