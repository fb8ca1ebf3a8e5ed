"""The problems of imported files in the language of the clerk who has to correct them.

Each problem is written once, in English, beside the rule that finds it; codes and places are the
machine's. Here every such sentence has its counterpart in Chinese: `problem_words.json` holds them
with numbers in braces where the English one names a value. A test walks the sources, so that no
sentence is added without one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

from registry.kit.import_problems import FileProblem

_OWN: Final = "en"  # the language in which problems are written
_HOLE: Final = re.compile(r"\{[0-9]\}")
_KEPT: Final = 4096  # sentences; a file with one mistake in each row repeats few of them


def in_language(problem: FileProblem, language: str) -> FileProblem:
    """Return a problem with its sentence in a language; in English where there is no other."""
    if language == _OWN:
        return problem
    return replace(problem, message=sentence(problem.message, language))


def place_words(problem: FileProblem, language: str) -> str:
    """Return where in the file a problem is: sheet, row and column, otherwise the pointer."""
    if language == _OWN:
        return problem.place
    words = _words(language)["places"]
    parts = {name: getattr(problem, name) for name in ("sheet", "row", "column", "field")}
    named = [words[name].format(each) for name, each in parts.items() if each is not None]
    return words["joint"].join(named) or problem.pointer


@lru_cache(maxsize=_KEPT)
def sentence(message: str, language: str) -> str:
    """Return an English sentence of ours in another language, itself where it is not known."""
    exact = _words(language)["sentences"].get(message)
    if exact is not None:
        return str(exact)
    for pattern, template in _patterns(language):
        if found := pattern.fullmatch(message):
            return template.format(*(_term(value, language) for value in found.groups()))
    return message


def _term(value: str, language: str) -> str:
    """Return a value of a sentence; some are words of ours themselves."""
    term = _words(language)["terms"].get(value)
    return value if term is None else str(term)


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the sentences that name values; those with more words of their own come first."""
    found = []
    for english, template in _words(language)["sentences"].items():
        parts = _HOLE.split(english)
        if len(parts) > 1:
            pattern = re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL)
            found.append((sum(map(len, parts)), pattern, template))
    return tuple((pattern, template) for _, pattern, template in sorted(found, key=_length))


def _length(entry: tuple[int, re.Pattern[str], str]) -> int:
    return -entry[0]


@cache
def _words(language: str) -> Mapping[str, Any]:
    """Load the words of a language.

    Raises:
        KeyError: There are none.
    """
    table = resources.files("registry.kit").joinpath("problem_words.json")
    words: Mapping[str, Any] = json.loads(table.read_bytes())[language]
    return words
