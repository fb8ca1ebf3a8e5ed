"""A party: the national authority whose word about its bodies counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A national authority.

    Attributes:
        id: Short name, 2 to 32 of A-Z, 0-9 and "-"; the same on chain.
        country: ISO 3166-1 alpha-2.
        name: Its name by language tag.
    """

    id: str
    country: str
    name: Mapping[str, str]
