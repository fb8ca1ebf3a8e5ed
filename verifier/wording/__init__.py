"""Sentences for codes, for lay people and for officers; data files beside this module.

Machine output carries codes only. Whoever shows a report to a person takes the sentences from
here, so that page, paper and command line say the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("en", "zh")
_FALLBACK: Final = "en"
_NOTHING: Final = "–"  # stands where a sentence names something that is not known


@dataclass(frozen=True, slots=True)
class Sentence:
    """One code in words: for everybody, and with the facts for somebody who knows the field."""

    lay: str
    officer: str


class Wording:
    """Every sentence in one language."""

    def __init__(self, language: str, texts: Mapping[str, Any]) -> None:
        self.language = language
        self._texts = texts

    def title(self, overall: str) -> str:
        """Return the word for an overall answer, in capitals where the script has them."""
        return str(self._texts["overall"][overall]["title"])

    def overall(self, overall: str) -> Sentence:
        """Return what an overall answer means."""
        entry = self._texts["overall"][overall]
        return Sentence(entry["lay"], entry["officer"])

    def goods_first(self) -> str:
        """Return the sentence that comes before all others when the goods do not match."""
        return str(self._texts["goods_first"])

    def question(self, line: str) -> str:
        """Return the question of a line."""
        return str(self._texts["lines"][line]["question"])

    def status(self, status: str) -> str:
        """Return the word for the status of a line."""
        return str(self._texts["statuses"][status])

    def kind(self, kind: str) -> str:
        """Return the word for a kind of document."""
        return str(self._texts["kinds"][kind])

    def conclusion(self, conclusion: str) -> str:
        """Return the words for a conclusion."""
        return str(self._texts["conclusions"][conclusion])

    def warning(self, code: str, detail: str) -> str:
        """Return the sentence of a warning."""
        return str(self._texts["warnings"][code]).format_map(_Known({"detail": detail}))

    def label(self, name: str, /, **values: object) -> str:
        """Return a heading or a short phrase, with `values` put in."""
        return str(self._texts["labels"][name]).format_map(_Known(values))

    def finding(self, line: str, code: str, data: Mapping[str, object]) -> Sentence:
        """Return the sentences of a finding, with the facts of its data put in.

        Args:
            line: The question.
            code: Its answer.
            data: The data of the finding; what a sentence names and `data` lacks shows as a dash.

        Raises:
            KeyError: The code has no sentences for this line.
        """
        entry = self._texts["lines"][line]["codes"].get(code) or self._texts["shared"][code]
        known = _Known({name: _plain(value) for name, value in data.items()})
        return Sentence(entry["lay"].format_map(known), entry["officer"].format_map(known))


class _Known(dict[str, object]):
    """Values for a sentence; whatever is missing shows as a dash."""

    def __missing__(self, name: str) -> str:
        return _NOTHING


def _plain(value: object) -> str:
    if value is None or value == []:
        return _NOTHING
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, Mapping):
        return " ".join(map(_plain, value.values()))
    return str(value)


def best_language(wanted: str | None) -> str:
    """Return the language of ours that fits a locale name or language tag best.

    Args:
        wanted: Such as "zh_CN.UTF-8", "zh-Hans" or "en"; None or an unknown one gives English.
    """
    tag = (wanted or "").replace("_", "-").split("-")[0].split(".")[0].lower()
    return tag if tag in LANGUAGES else _FALLBACK


@cache
def wording(language: str) -> Wording:
    """Load the sentences of one language.

    Raises:
        ValueError: There are none in `language`.
    """
    if language not in LANGUAGES:
        raise ValueError(f"there are no sentences in {language!r}")
    text = files(__name__).joinpath(f"{language}.json").read_text(encoding="utf-8")
    return Wording(language, json.loads(text))
