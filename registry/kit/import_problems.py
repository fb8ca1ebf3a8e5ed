"""Reading files that people wrote: every problem is noted with its place, nothing stops at one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from registry.kit.errors import InvalidInputError
from verifier.core.strict_json import JsonObject, JsonValue

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_LONGEST_TEXT: Final = 500
_SHOWN_PROBLEMS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with an imported file.

    Attributes:
        source: Name of the file.
        pointer: RFC 6901 JSON pointer to the value; of the object where a member is missing.
        code: Stable name of what is wrong, listed in docs/error-codes.md.
        message: The same for people.
    """

    source: str
    pointer: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}#{self.pointer}: {self.message} [{self.code}]"


class ImportRefusedError(InvalidInputError):
    """Nothing was imported, because something is wrong with the files.

    Attributes:
        problems: All of them, in the order of the files.
    """

    code = "import_refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN_PROBLEMS])
        rest = len(problems) - _SHOWN_PROBLEMS
        super().__init__(f"{shown}; and {rest} more" if rest > 0 else shown)
        self.problems = tuple(problems)


class ProblemList:
    """The problems found so far in one file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def add(self, pointer: str, code: str, message: str) -> None:
        """Note one problem."""
        self.problems.append(
            Problem(source=self.source, pointer=pointer, code=code, message=message)
        )


def child_pointer(pointer: str, token: str | int) -> str:
    """Return the pointer of a member or element of the value at `pointer` (RFC 6901)."""
    return f"{pointer}/{str(token).replace('~', '~0').replace('/', '~1')}"


class ObjectReader:
    """Reads the members of one JSON object; a problem is noted and a harmless value returned."""

    def __init__(self, value: JsonValue, pointer: str, problems: ProblemList) -> None:
        self._value: JsonObject = value if isinstance(value, dict) else {}
        self._is_object = isinstance(value, dict)
        self._known: set[str] = set()
        self.pointer = pointer
        self.problems = problems
        if not self._is_object:
            problems.add(pointer, "wrong_type", "must be an object")

    def text(
        self, name: str, *, pattern: re.Pattern[str] | None = None, longest: int = _LONGEST_TEXT
    ) -> str:
        """Return the text of a member; "" after a problem."""
        value = self._take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self._note(name, "wrong_type", "must be text that is not empty")
        elif len(value) > longest:
            self._note(name, "too_long", f"has more than {longest} characters")
        elif pattern is not None and not pattern.fullmatch(value):
            self._note(name, "malformed", f"is not written as {pattern.pattern}")
        else:
            return value
        return ""

    def flag(self, name: str) -> bool:
        """Return true or false; false after a problem."""
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            self._note(name, "wrong_type", "must be true or false")
        return value is True

    def day(self, name: str) -> date:
        """Return a calendar day; the first of all days after a problem."""
        value = self._take(name)
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass  # a day that the calendar does not have
        if value is not None:
            self._note(name, "wrong_date", "must be a calendar day, YYYY-MM-DD")
        return date.min

    def by_language(self, name: str) -> dict[str, str]:
        """Return an object of texts by language tag, not empty."""
        texts = self.texts(name)
        if name in self._value and not texts:
            self._note(name, "missing", "needs at least one language")
        for tag in texts:
            if not _LANGUAGE.fullmatch(tag):
                self._note(name, "malformed", f"{tag!r} is no language tag")
        return texts

    def texts(self, name: str) -> dict[str, str]:
        """Return an object whose members are all text."""
        value = self._take(name)
        if value is None:
            return {}
        reader = ObjectReader(value, child_pointer(self.pointer, name), self.problems)
        members = value if isinstance(value, dict) else {}
        return {member: reader.text(member) for member in members}

    def children(self, name: str) -> list[ObjectReader]:
        """Return a reader for every element of an array of objects."""
        value = self._take(name)
        if value is None:
            return []
        pointer = child_pointer(self.pointer, name)
        if not isinstance(value, list):
            self.problems.add(pointer, "wrong_type", "must be a list")
            return []
        return [
            ObjectReader(item, child_pointer(pointer, position), self.problems)
            for position, item in enumerate(value)
        ]

    def finish(self) -> None:
        """Note every member that nobody asked for: a misspelt name must not be ignored."""
        for name in self._value:
            if name not in self._known:
                self._note(name, "unknown_member", "is not known here")

    def _take(self, name: str) -> JsonValue:
        self._known.add(name)
        value = self._value.get(name)
        if value is None and self._is_object:
            self.problems.add(self.pointer, "missing", f"{name} is missing")
        return value

    def _note(self, name: str, code: str, message: str) -> None:
        self.problems.add(child_pointer(self.pointer, name), code, message)
