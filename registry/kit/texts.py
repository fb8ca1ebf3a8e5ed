"""Small JSON objects of text (names by language, numbers by scheme) in a text column."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.core.strict_json import canonical_json, parse_json_object


def dump_texts(texts: Mapping[str, str]) -> str:
    """Return the canonical JSON of texts by name."""
    return canonical_json(dict(texts)).decode()


def load_texts(stored: str) -> dict[str, str]:
    """Return the texts that `dump_texts` wrote."""
    return {name: str(value) for name, value in parse_json_object(stored, what="column").items()}
