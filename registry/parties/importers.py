"""Parties from an import file."""

from __future__ import annotations

from typing import Final

from registry.kit.texts import COUNTRY, NAMES, PARTY_ID, texts_of
from registry.parties.domain import Party
from verifier.core.shapes import Object
from verifier.core.strict_json import JsonObject

PARTY: Final = Object(
    {"id": PARTY_ID, "name": NAMES, "country": COUNTRY},
    required=frozenset({"id", "name", "country"}),
)
"""Shape of a party in an import file."""


def party_of(value: JsonObject) -> Party:
    """Return the party that a value of shape `PARTY` describes."""
    return Party(id=str(value["id"]), country=str(value["country"]), name=texts_of(value["name"]))
