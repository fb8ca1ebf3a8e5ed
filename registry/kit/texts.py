"""Small texts that parties and bodies share: their shapes, and how a column keeps a set of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verifier.core.shapes import Text, TextByLanguage
from verifier.core.strict_json import JsonValue, canonical_json, parse_json_object

PARTY_ID: Final = Text(
    32, r"[A-Z0-9-]{2,32}", "party", "2 to 32 upper-case letters, digits or hyphens"
)
COUNTRY: Final = Text(2, r"[A-Z]{2}", "country", "a country of ISO 3166-1, two letters")
NAMES: Final = TextByLanguage(
    text=Text(200),
    tag=Text(35, r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", "language", "a language tag of BCP 47"),
)


def dump_texts(texts: Mapping[str, str]) -> str:
    """Return the canonical JSON of texts by name."""
    return canonical_json(dict(texts)).decode()


def load_texts(stored: str) -> dict[str, str]:
    """Return the texts that `dump_texts` wrote."""
    return texts_of(parse_json_object(stored, what="column"))


def texts_of(value: JsonValue) -> dict[str, str]:
    """Return the texts of an object, without those that are null."""
    members = value if isinstance(value, dict) else {}
    return {name: str(text) for name, text in members.items() if text is not None}
