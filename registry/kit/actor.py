"""Who does something: a person known to access control, or at the command line a mere name."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from registry.kit.errors import InvalidInputError

MAX_NAME_CHARS: Final = 100
MAX_PERSON_CHARS: Final = 200  # compatibility characters grow when they are folded


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who acts, by the name that is recorded with the act.

    Attributes:
        name: As shown in histories.
        key: Id of the person in access control, the same for all of his accounts and roles; None
            for a name that nobody vouches for, which then stands for itself.

    Raises:
        InvalidInputError: On construction, when the name is empty, too long or not printable.
    """

    name: str
    key: str | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.name.strip()) <= MAX_NAME_CHARS or not self.name.isprintable():
            raise InvalidInputError(
                f"a person's name has 1 to {MAX_NAME_CHARS} printable characters"
            )
        if len(folded_name(self.name)) > MAX_PERSON_CHARS:
            raise InvalidInputError("a person's name must not consist of ligatures")

    @property
    def person(self) -> str:
        """What is stored to tell whether two acts are by the same person."""
        return folded_name(self.name) if self.key is None else self.key

    def is_same_person(self, other: Actor) -> bool:
        """Tell whether two acts are by the same person.

        A name that nobody vouches for counts as that of everybody who has it.
        """
        if self.person == other.person:
            return True
        same_name = folded_name(self.name) == folded_name(other.name)
        return same_name and not (self._is_vouched_for and other._is_vouched_for)

    @property
    def _is_vouched_for(self) -> bool:
        return self.key not in (None, folded_name(self.name))


def folded_name(name: str) -> str:
    """Return a name with letter case, spacing and width of letters aside."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
