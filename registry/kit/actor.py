"""Who does something. For now a name given with each act; access control will issue these."""

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

    Raises:
        InvalidInputError: On construction, when the name is empty, too long or not printable.
    """

    name: str

    def __post_init__(self) -> None:
        if not 0 < len(self.name.strip()) <= MAX_NAME_CHARS or not self.name.isprintable():
            raise InvalidInputError(
                f"a person's name has 1 to {MAX_NAME_CHARS} printable characters"
            )
        if len(self.person) > MAX_PERSON_CHARS:
            raise InvalidInputError("a person's name must not consist of ligatures")

    @property
    def person(self) -> str:
        """The key by which two acts are by the same person: letter case and spacing aside."""
        return " ".join(unicodedata.normalize("NFKC", self.name).casefold().split())
