"""Whether the method that was used is one that a requirement accepts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from standards_catalog.identifiers import StandardId, covers, try_identifier

_CACHE_ENTRIES: Final = 4096


class MethodMatch(StrEnum):
    """Why a method is accepted."""

    NOT_ASKED = "not_asked"  # the requirement accepts any method
    LISTED = "listed"
    IDENTICAL = "identical"  # the text of a listed method under another number
    NONE = "none"


class MethodMatcher:
    """Knows which standards carry the same text and compares methods by it.

    Identity is transitive: two identical adoptions of one international standard are identical
    with each other (the vice-versa principle, which holds for IDT only).
    """

    def __init__(self, identical: Iterable[tuple[StandardId, StandardId]] = ()) -> None:
        """Take pairs of identical editions."""
        self._class_of: dict[str, set[str]] = {}
        for first, second in identical:
            members = {str(first), str(second)}
            for code in list(members):
                members |= self._class_of.get(code, set())
            for code in members:
                self._class_of[code] = members
        self._answers: dict[tuple[str | None, tuple[str, ...]], MethodMatch] = {}

    def match(self, used: str | None, accepted: tuple[str, ...] | None) -> MethodMatch:
        """Return why `used` is accepted, NONE when it is not or not stated."""
        if accepted is None:
            return MethodMatch.NOT_ASKED
        key = (used, accepted)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _CACHE_ENTRIES:
                self._answers.clear()
            answer = self._answers[key] = self._compare(used, accepted)
        return answer

    def _compare(self, used: str | None, accepted: tuple[str, ...]) -> MethodMatch:
        """Compare without the cache."""
        if not used:
            return MethodMatch.NONE
        own = try_identifier(used)
        if own is None:
            words = " ".join(used.casefold().split())
            listed = any(" ".join(code.casefold().split()) == words for code in accepted)
            return MethodMatch.LISTED if listed else MethodMatch.NONE
        references = [found for found in map(try_identifier, accepted) if found is not None]
        if any(covers(reference, own) for reference in references):
            return MethodMatch.LISTED
        same_text = self._same_text(own)
        for reference in references:
            wider = self._same_text(reference)
            if any(covers(left, right) for left in wider for right in same_text):
                return MethodMatch.IDENTICAL
        return MethodMatch.NONE

    def _same_text(self, standard: StandardId) -> list[StandardId]:
        """Return the standard and every edition known to carry the same text."""
        found = [standard, *standard.identical_to()]
        for known in list(found):
            bare = str(replace(known, adopted=None, clause=""))
            for code in sorted(self._class_of.get(bare, ())):
                other = try_identifier(code)
                if other is not None and other not in found:
                    found.append(other)
        return found
