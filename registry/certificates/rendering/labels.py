"""Names of fields on the printed page, in the languages of a document.

Chinese and English were written by the authors. The other languages are drafts in `drafts/` (for
Lao, what `labels.json` does not have yet): no speaker of them has reviewed any, as their files say
in `reviewed_by`. A page never shows drafts alone, and says what they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

WRITTEN_LANGUAGES: Final = ("zh", "en")
DRAFT_LANGUAGES: Final[Mapping[str, str]] = {
    "lo": "ລາວ",
    "vi": "Tiếng Việt",
    "th": "ไทย",
    "ru": "Русский",
}
"""Draft languages by their own names."""

_PACKAGE: Final = "registry.certificates.rendering"


def page_languages(document: Mapping[str, object]) -> tuple[str, ...]:
    """Return the languages of a page: those of the document that have labels, never drafts alone.

    Args:
        document: A document; its `languages` come in the order in which they are printed.
    """
    stated = document.get("languages")
    wanted = stated if isinstance(stated, list) else []
    known = [lang for lang in wanted if lang in WRITTEN_LANGUAGES or lang in DRAFT_LANGUAGES]
    alone = not any(lang in WRITTEN_LANGUAGES for lang in known)
    return tuple(dict.fromkeys([*known, "en"] if alone else known))


def draft_names(languages: tuple[str, ...]) -> list[str]:
    """Return the names of those languages whose labels nobody has reviewed."""
    return [DRAFT_LANGUAGES[lang] for lang in languages if lang in DRAFT_LANGUAGES]


@cache
def labels_json(languages: tuple[str, ...]) -> bytes:
    """Return the labels for the template as JSON: key → language → text, English always included.

    The same bytes for all documents of the same languages, so that the typesetter reads them once.
    """
    shown = {*languages, "en"}
    table = {
        key: {lang: text for lang, text in words.items() if lang in shown}
        for key, words in _table().items()
    }
    return json.dumps(table, ensure_ascii=False).encode()


@cache
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = _packaged("labels.json")
    for language in DRAFT_LANGUAGES:
        for key, text in _packaged(f"drafts/{language}.json")["labels"].items():
            table[key].setdefault(language, text)
    return table


def _packaged(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(resources.files(_PACKAGE).joinpath(name).read_bytes())
    return loaded
