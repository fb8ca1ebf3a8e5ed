"""Dictionaries of packed certificates, kept with the program: each that was ever used.

A dictionary is known by its number and checked by its digest. It never changes; a better one gets
the next number and packs from then on.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from registry.certificates.packing import Dictionary, PackDamagedError

NEWEST: Final = 1
_DIGESTS: Final[Mapping[int, str]] = MappingProxyType(
    {1: "0c26574fc01de050ee15e046208b8d2a2c6bee10367753bde15efaa9fb68121d"}
)
_FOLDER: Final = Path(__file__).parent / "dictionaries"


def path_of(number: int) -> Path:
    """Return where the dictionary of a number lies."""
    return _FOLDER / f"certificates-{number}.json"


@cache
def dictionaries() -> Mapping[int, Dictionary]:
    """Return every dictionary by its number.

    Raises:
        PackDamagedError: One is missing or not the one that was used.
    """
    return MappingProxyType({number: _load(number) for number in _DIGESTS})


def newest() -> Dictionary:
    """Return the dictionary that packs."""
    return dictionaries()[NEWEST]


def _load(number: int) -> Dictionary:
    try:
        stored = json.loads(path_of(number).read_text("ascii"))
        data = base64.b64decode(stored["base64"], validate=True)
    except (OSError, ValueError, KeyError) as error:
        raise PackDamagedError(f"dictionary {number} cannot be read: {error}") from error
    if hashlib.sha256(data).hexdigest() != _DIGESTS[number]:
        raise PackDamagedError(f"dictionary {number} is not the one that was used")
    return Dictionary(number, data)
