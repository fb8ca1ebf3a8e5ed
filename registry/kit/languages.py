"""The languages of sentences for people, and which of them a client likes best."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("zh", "en")
DEFAULT_LANGUAGE: Final = "en"
_MAX_RANGES: Final = 20  # of an Accept-Language header; browsers send a handful


def negotiate(header: str) -> str:
    """Return the language that an Accept-Language header likes best (RFC 9110, 12.5.4).

    A malformed range counts for nothing; the first of equals wins.
    """
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for piece in header.split(",")[:_MAX_RANGES]:
        tag, *parameters = (part.strip().lower() for part in piece.split(";"))
        quality = _quality(parameters)
        language = DEFAULT_LANGUAGE if tag == "*" else tag.partition("-")[0]
        if language in LANGUAGES and quality > best_quality:
            best, best_quality = language, quality
    return best


def _quality(parameters: list[str]) -> float:
    """Return the weight of a language range, 0 for one that is malformed or refused."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0
