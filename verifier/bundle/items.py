"""Reading the members of decoded CBOR one by one, each with its type and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.core.errors import MalformedEvidenceError
from verifier.core.limits import MAX_SAFE_INTEGER
from verifier.core.strict_cbor import CborValue

Value = TypeVar("Value")


class Items:
    """Members that are read in their order; `done` refuses what is left.

    Every method raises `MalformedEvidenceError`: `members` when there is no further one, `type`
    when it has another type, `value` when it is out of bounds, `length` for bytes.
    """

    def __init__(self, values: list[CborValue], what: str) -> None:
        self._values = iter(values)
        self._what = what

    @classmethod
    def of_list(cls, value: CborValue, what: str) -> Items:
        """Read the elements of a list."""
        if not isinstance(value, list):
            raise MalformedEvidenceError(what, "must be a list", reason="type")
        return cls(value, what)

    @classmethod
    def of_map(cls, value: CborValue, what: str, *names: str) -> Items:
        """Read the members of a map that has exactly these, in the order of `names`."""
        if not isinstance(value, dict):
            raise MalformedEvidenceError(what, "must be a map", reason="type")
        if set(value) != set(names):
            found = sorted(map(str, value))
            message = f"has the members {found} instead of {sorted(names)}"
            raise MalformedEvidenceError(what, message, reason="members")
        return cls([value[name] for name in names], what)

    def any(self) -> CborValue:
        """Return the next member, whatever it is."""
        for value in self._values:
            return value
        raise MalformedEvidenceError(self._what, "ends early", reason="members")

    def done(self) -> None:
        """Refuse further members."""
        for _ in self._values:
            raise MalformedEvidenceError(self._what, "has too many members", reason="members")

    def integer(self, *, least: int = 0, most: int = MAX_SAFE_INTEGER) -> int:
        """Return an integer from `least` to `most`, both included."""
        return self._integer(self.any(), least, most)

    def optional_integer(self) -> int | None:
        """Return an integer that is not negative, None for null."""
        value = self.any()
        return None if value is None else self._integer(value, 0, MAX_SAFE_INTEGER)

    def text(self) -> str:
        """Return text."""
        value = self.any()
        if not isinstance(value, str):
            raise MalformedEvidenceError(self._what, "must hold text here", reason="type")
        return value

    def octets(self, length: int | None = None) -> bytes:
        """Return bytes, of one length if it is given."""
        value = self.any()
        if not isinstance(value, bytes):
            raise MalformedEvidenceError(self._what, "must hold bytes here", reason="type")
        if length is not None and len(value) != length:
            message = f"must hold {length} bytes here, not {len(value)}"
            raise MalformedEvidenceError(self._what, message, reason="length")
        return value

    def each(self, read: Callable[[CborValue], Value]) -> tuple[Value, ...]:
        """Return what `read` makes of every element of a list."""
        value = self.any()
        if not isinstance(value, list):
            raise MalformedEvidenceError(self._what, "must hold a list here", reason="type")
        return tuple(map(read, value))

    def _integer(self, value: CborValue, least: int, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise MalformedEvidenceError(self._what, "must hold an integer here", reason="type")
        if not least <= value <= most:
            message = f"must hold an integer from {least} to {most} here"
            raise MalformedEvidenceError(self._what, message, reason="value")
        return value
