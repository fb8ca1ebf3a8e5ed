"""Parties from an import file."""

from __future__ import annotations

import re
from typing import Final

from registry.kit.import_problems import ObjectReader
from registry.parties.domain import Party

_ID: Final = re.compile(r"[A-Z0-9-]{2,32}", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)


def read_party(reader: ObjectReader) -> Party:
    """Return the party that an import file describes; problems are noted in the reader."""
    party = Party(
        id=reader.text("id", pattern=_ID),
        country=reader.text("country", pattern=_COUNTRY),
        name=reader.by_language("name"),
    )
    reader.finish()
    return party
