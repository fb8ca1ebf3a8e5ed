"""Random ids: 128 bits from the operating system, written as a UUID."""

from __future__ import annotations

import os
import re
import uuid
from typing import Final

ID_BYTES: Final = 16
ID_PATTERN: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def new_id() -> str:
    """Return a new random id; all 128 bits are random, none tells a version or a time."""
    return str(uuid.UUID(bytes=os.urandom(ID_BYTES)))


def is_id(text: str) -> bool:
    """Tell whether a text is an id as `new_id` writes it."""
    return re.fullmatch(ID_PATTERN, text) is not None


def id_bytes(identifier: str) -> bytes:
    """Return the 16 bytes of an id, as a link code carries them.

    Raises:
        ValueError: `identifier` is not a UUID.
    """
    return uuid.UUID(identifier).bytes
