"""Reading the members of a JSON object one by one, each with its type and its bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from verifier.core.errors import MalformedEvidenceError
from verifier.core.limits import MAX_SAFE_INTEGER
from verifier.core.strict_json import JsonObject, JsonValue

_LONGEST_TEXT: Final = 256  # characters of a member that is an id, a digest or a name

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object that is being read, with its place in the document for error messages.

    Every method raises `MalformedEvidenceError` with reason `members` when the member is missing,
    `type` when it has another type, and `value` when it is out of bounds.
    """

    value: JsonObject
    what: str

    def expect(self, *names: str) -> None:
        """Refuse the object unless it has exactly these members."""
        missing, unknown = set(names) - set(self.value), set(self.value) - set(names)
        if missing or unknown:
            message = f"misses {sorted(missing)}, does not know {sorted(unknown)}"
            raise MalformedEvidenceError(self.what, message, reason="members")

    def optional_text(
        self, name: str, *, pattern: re.Pattern[str], longest: int = _LONGEST_TEXT
    ) -> str | None:
        """Return a string as `text` does, None when the member is null."""
        if self._member(name) is None:
            return None
        return self.text(name, pattern=pattern, longest=longest)

    def optional_child(self, name: str, read: Callable[[Members], Value]) -> Value | None:
        """Return what `read` makes of an object, None when the member is null."""
        return None if self._member(name) is None else read(self.child(name))

    def text(
        self, name: str, *, pattern: re.Pattern[str] | None = None, longest: int = _LONGEST_TEXT
    ) -> str:
        """Return a string of at most `longest` characters that matches `pattern` as a whole."""
        return self._checked_text(name, self._member(name), pattern, longest)

    def texts(self, name: str) -> list[str]:
        """Return a list of strings of ordinary length."""
        return [
            self._checked_text(name, element, None, _LONGEST_TEXT) for element in self._list(name)
        ]

    def integer(self, name: str, *, least: int = 0, most: int = MAX_SAFE_INTEGER) -> int:
        """Return an integer from `least` to `most`, both included."""
        member = self._member(name)
        if not isinstance(member, int) or isinstance(member, bool):
            raise self.malformed(name, "must be an integer", reason="type")
        if not least <= member <= most:
            raise self.malformed(name, f"must be {least} to {most}", reason="value")
        return member

    def flag(self, name: str) -> bool:
        """Return true or false."""
        member = self._member(name)
        if not isinstance(member, bool):
            raise self.malformed(name, "must be true or false", reason="type")
        return member

    def child(self, name: str) -> Members:
        """Return the object that a member is."""
        return self._object(self._member(name), self.path(name))

    def children(self, name: str) -> list[Members]:
        """Return the objects of a list."""
        path = self.path(name)
        return [self._object(element, path) for element in self._list(name)]

    def path(self, name: str) -> str:
        """Return the dotted place of a member in the document."""
        return f"{self.what}.{name}"

    def malformed(self, name: str, message: str, *, reason: str) -> MalformedEvidenceError:
        """Return the error that a member breaks the format, for the caller to raise."""
        return MalformedEvidenceError(self.path(name), message, reason=reason)

    def _member(self, name: str) -> JsonValue:
        if name not in self.value:
            raise self.malformed(name, "is missing", reason="members")
        return self.value[name]

    def _list(self, name: str) -> list[JsonValue]:
        member = self._member(name)
        if not isinstance(member, list):
            raise self.malformed(name, "must be a list", reason="type")
        return member

    def _object(self, value: JsonValue, path: str) -> Members:
        if not isinstance(value, dict):
            raise MalformedEvidenceError(path, "must be an object", reason="type")
        return Members(value, path)

    def _checked_text(
        self, name: str, value: JsonValue, pattern: re.Pattern[str] | None, longest: int
    ) -> str:
        if not isinstance(value, str):
            raise self.malformed(name, "must be text", reason="type")
        if len(value) > longest:
            raise self.malformed(name, f"is longer than {longest} characters", reason="value")
        if pattern is not None and not pattern.fullmatch(value):
            raise self.malformed(name, "is not written as it must be", reason="value")
        return value
