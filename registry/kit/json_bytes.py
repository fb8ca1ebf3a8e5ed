"""Canonical JSON at the speed of C, where its bytes are certain to be those of RFC 8785.

`orjson` writes what `verifier.core.strict_json.canonical_json` writes for text, booleans, null,
lists, objects whose names are ASCII, and integers up to 2^53 - 1: the same escapes, no white space,
names in the order of their bytes, which for ASCII is that of UTF-16. It would write a float too;
so it is used for values alone that cannot hold one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson

from verifier.core.strict_json import JsonObject, JsonValue, canonical_json

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def checked_bytes(value: Any) -> bytes:  # noqa: ANN401  (a checked JSON value)
    """Return the canonical JSON of a value that a shape of the evidence format accepts.

    Raises:
        TypeError: The value is no JSON, or holds half a character or an integer out of range.
    """
    return orjson.dumps(value, option=_OPTIONS)


def checked_text(value: Any) -> str:  # noqa: ANN401  (a checked JSON value)
    """Return `checked_bytes` as text: a `verifier.core.strict_json.WriteJson`."""
    return orjson.dumps(value, option=_OPTIONS).decode()


def canonical_bytes(value: JsonValue) -> bytes:
    """Return the canonical JSON of any value, as `canonical_json` does; fast where it is flat.

    Raises:
        ValueError: As `canonical_json`.
    """
    if isinstance(value, dict) and _is_flat(value):
        try:
            return checked_bytes(value)
        except TypeError:
            pass  # half a character or too large a number: let the other say so
    return canonical_json(value)


def _is_flat(value: Mapping[str, object]) -> bool:
    """Tell whether an object holds text, numbers and objects of the same kind under ASCII names."""
    return all(
        type(name) is str
        and name.isascii()
        and (
            type(member) in _CERTAIN
            or (type(member) is dict and _is_flat(member))
            or (type(member) is list and all(type(each) is str for each in member))
        )
        for name, member in value.items()
    )


_CERTAIN: Final = (str, int, bool, type(None))


def read_stored(data: bytes | str) -> JsonObject:
    """Return an object that was stored as canonical JSON after it had been checked."""
    return cast("JsonObject", orjson.loads(data))
