"""Search terms that serve every engine alike: we cut the words, the engine only looks them up.

Scripts that leave no space between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) become
overlapping pairs of characters, and the last character stands alone, so that a search for one
character is a search for a prefix: 水泥取样 gives 水泥, 泥取, 取样, 样. Other scripts become
words without case, accents and plural endings. Codes become keys without spaces and marks, with
and without their publisher, so that the start of any spelling finds them.

Index and query go through the same functions. Terms hold letters, digits and combining marks only;
they are quoted all the same where they enter a query language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from standards_catalog.identifiers import StandardId, try_identifier
from standards_catalog.identifiers.model import BUDDHIST_ERA_OFFSET, Family
from standards_catalog.identifiers.nearness import compact_key

# FTS5 takes combining marks for separators unless told otherwise; Thai and Lao need them.
FTS5_TOKENIZER: Final = "unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'"

MAX_QUERY_CHARS: Final = 200
MAX_QUERY_TERMS: Final = 24

# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han with its extensions.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U000323af"
)
_RUN: Final = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\W_{_UNSPACED}]+)")
_ENDINGS: Final = (
    # (ending, replacement, endings that keep the word as it is); Harman's S-stemmer
    ("ies", "y", ("eies", "aies")),
    ("es", "e", ("aes", "ees", "oes")),
    ("s", "", ("us", "ss")),
)
_SHORTEST_PLURAL: Final = 4  # "gas" and "ics" stay


@dataclass(frozen=True, slots=True)
class IndexTerms:
    """What is stored for one record.

    Attributes:
        code_keys: Keys of its code, for searches by prefix.
        terms: Terms of its code and titles in their order, for searches by word and phrase.
    """

    code_keys: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """What is looked up for one query.

    Attributes:
        code_prefix: Start of a code key, "" if the query cannot be one.
        phrases: Sequences of terms that must follow each other; one word is a phrase of one.
        prefixes: Starts of terms: a single character of an unspaced script, and the word that is
            still being typed.
    """

    code_prefix: str
    phrases: tuple[tuple[str, ...], ...]
    prefixes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to look up."""
        return not (self.code_prefix or self.phrases or self.prefixes)


def index_terms(standard: StandardId, titles: Iterable[str]) -> IndexTerms:
    """Return what is stored for a standard and its titles in all languages.

    The words of the code are among the terms, for queries that mix a code with words.
    """
    texts = (str(_without_adoption(standard)), *titles)
    return IndexTerms(code_keys(standard), tuple(term for text in texts for term in cut(text)))


def code_keys(standard: StandardId) -> tuple[str, ...]:
    """Return the keys under which the beginning of a code is looked up.

    "GB/T 17671-2021" is found by the start of GBT176712021, GB176712021 and 176712021; a Thai code
    also by its year of the common era; an adoption also by what it adopts.
    """
    bare = _without_adoption(standard)
    texts = [str(bare)]
    if standard.family is Family.ASTM and standard.base_number != standard.number:
        texts.append(str(bare).replace(standard.number, standard.base_number))
    if standard.family is Family.TIS and standard.year is not None:
        texts.append(
            str(bare).replace(str(standard.year + BUDDHIST_ERA_OFFSET), str(standard.year))
        )
    keys: dict[str, None] = {}
    for text in texts:
        keys[compact_key(text)] = None
        series, _, _ = standard.series.partition("/")
        if "/" in standard.series and standard.family is not Family.CN_GROUP:
            keys[compact_key(text.replace(standard.series, series, 1))] = None
        keys[compact_key(text.replace(standard.series, "", 1))] = None
    if standard.adopted is not None:
        keys |= dict.fromkeys(code_keys(standard.adopted.standard))
    return tuple(key for key in keys if key)


def query_terms(text: str) -> QueryTerms:
    """Take a query apart; never raises, what cannot be searched is left out.

    The last word counts as a beginning unless a space follows it, for search as you type.
    """
    text = text[:MAX_QUERY_CHARS]
    phrases: list[tuple[str, ...]] = []
    prefixes: list[str] = []
    runs = list(_RUN.finditer(_folded(text)))[:MAX_QUERY_TERMS]
    complete = text[-1:].isspace()
    for number, run in enumerate(runs):
        if run["unspaced"]:
            characters = run["unspaced"]
            if len(characters) == 1:
                prefixes.append(characters)
            else:
                phrases.append(tuple(_pairs(characters)))
        elif number == len(runs) - 1 and not complete:
            prefixes.append(_beginning(run["word"]))
        else:
            phrases.append((stem(run["word"]),))
    return QueryTerms(_code_prefix(text), tuple(phrases), tuple(prefixes))


def cut(text: str) -> Iterator[str]:
    """Yield the terms of a text in their order."""
    for run in _RUN.finditer(_folded(text)):
        if run["unspaced"]:
            yield from _pairs(run["unspaced"])
            yield run["unspaced"][-1]
        else:
            yield stem(run["word"])


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return an English word without its plural ending; other words stay as they are."""
    if len(word) >= _SHORTEST_PLURAL and word.isascii() and word.isalpha():
        for ending, replacement, kept in _ENDINGS:
            if word.endswith(ending):
                if word.endswith(kept):
                    break
                return word[: -len(ending)] + replacement
    return word


def highlight(text: str, query: QueryTerms) -> list[tuple[int, int]]:
    """Return where a title shows what the query asked for, as [start, end) of characters.

    Positions are those of the text as given; touching spots are joined.
    """
    wanted = {term for phrase in query.phrases for term in phrase}
    spots: list[tuple[int, int]] = []
    folded = _folded(text) if len(_folded(text)) == len(text) else text.casefold()
    if len(folded) != len(text):
        return []
    for run in _RUN.finditer(folded):
        start = run.start()
        if run["unspaced"]:
            characters = run["unspaced"]
            for offset in range(len(characters)):
                if characters[offset : offset + 2] in wanted:
                    spots.append((start + offset, start + offset + 2))
                elif characters[offset] in query.prefixes:
                    spots.append((start + offset, start + offset + 1))
        elif stem(run["word"]) in wanted or run["word"].startswith(query.prefixes):
            spots.append(run.span())
    return _joined(spots)


def fts5_match(query: QueryTerms) -> str:
    """Return the query in the language of SQLite's FTS5, "" if it asks for no term."""
    parts = [f'"{" ".join(phrase)}"' for phrase in query.phrases]
    parts += [f'"{prefix}"*' for prefix in query.prefixes]
    return " AND ".join(parts)


def tsquery(query: QueryTerms) -> str:
    """Return the query as text that PostgreSQL casts to `tsquery`, "" if it asks for no term."""
    parts = [" <-> ".join(f"'{term}'" for term in phrase) for phrase in query.phrases]
    parts += [f"'{prefix}':*" for prefix in query.prefixes]
    return " & ".join(f"({part})" for part in parts)


def tsvector(terms: Iterable[str]) -> str:
    """Return terms with their positions as text that PostgreSQL casts to `tsvector`.

    No text search configuration is involved, so locale and dictionaries do not matter.
    """
    positions: dict[str, list[int]] = {}
    for position, term in enumerate(terms, start=1):
        positions.setdefault(term, []).append(min(position, _MAX_TSVECTOR_POSITION))
    return " ".join(
        f"'{term}':{','.join(map(str, places[:_MAX_TSVECTOR_PLACES]))}"
        for term, places in positions.items()
    )


_MAX_TSVECTOR_POSITION: Final = 16_383  # PostgreSQL's limits
_MAX_TSVECTOR_PLACES: Final = 255


def _folded(text: str) -> str:
    """Return text in one width and case, Latin letters without accents."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        return plain
    decomposed = unicodedata.normalize("NFD", plain)
    kept = (
        character
        for number, character in enumerate(decomposed)
        if not (unicodedata.combining(character) and number and _is_latin(decomposed[number - 1]))
    )
    return unicodedata.normalize("NFC", "".join(kept))


def _is_latin(character: str) -> bool:
    """Tell whether a character is a Latin letter, or a mark on one."""
    return character < "\u0250" or "\u0300" <= character < "\u0370"


def _pairs(characters: str) -> Iterator[str]:
    """Yield overlapping pairs of characters."""
    for first, second in pairwise(characters):
        yield first + second


def _beginning(word: str) -> str:
    """Return what a word still being typed has in common with its stem."""
    stemmed = stem(word)
    return stemmed if word.startswith(stemmed) else word


def _code_prefix(text: str) -> str:
    """Return the key that the start of a code would have, "" for what cannot be one."""
    stripped = text.strip()
    if not stripped or not any(character.isdigit() for character in stripped):
        return ""
    standard = try_identifier(stripped)
    if standard is not None:
        return code_keys(standard)[0]
    key = compact_key(stripped)
    return key if key.isascii() and len(key) >= 2 else ""  # noqa: PLR2004  (one digit finds all)


def _without_adoption(standard: StandardId) -> StandardId:
    """Return the code without the adopted standard and the clause that it mentions."""
    return StandardId(
        family=standard.family,
        series=standard.series,
        number=standard.number,
        part=standard.part,
        year=standard.year,
        suffix=standard.suffix,
        carries=standard.carries,
    )


def _joined(spots: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spots that touch or overlap."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spots):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
